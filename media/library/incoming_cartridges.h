// Cartridges that are being copied from another library of the same catalog.
#pragma once

#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/library/cartridge_store.h"

namespace tapeloft::media {

/// Until accept() such a cartridge is in no library that anybody sees, and the next start removes
/// it. Any executor; blocking work runs on disk. The store and the catalog outlive this.
class IncomingCartridges {
  public:
    IncomingCartridges(CartridgeStore& store, Catalog& catalog, Executor disk)
        : store_(store), catalog_(catalog), disk_(std::move(disk)) {}

    /// A blank cartridge with the barcode, capacity and kind of `like`, outside of the library, and
    /// with what `like` remembers (MAM). Its medium serial is its own; where the records come from
    /// is remembered (kOriginName). Errors: as CartridgeStore::create().
    Awaitable<Result<CartridgeRecord>> begin(CartridgeRecord like);
    /// It is complete; who calls puts it where hosts find it.
    Awaitable<Result<void>> accept(CartridgeRecord cartridge);
    /// Removes it. Errors: as CartridgeStore::remove(); the next start tries again.
    Awaitable<Result<void>> abandon(CartridgeRecord cartridge);

    /// At the start, before the spool is recovered: removes those that a crash left behind; how
    /// many there were.
    Awaitable<Result<std::size_t>> abandon_all();

  private:
    /// The catalog's property whose value is the medium serial of one that is on its way.
    [[nodiscard]] static std::string mark_of(const CartridgeRecord& cartridge) {
        return "incoming/" + cartridge.library + "/" + cartridge.barcode;
    }
    Result<void> mark(const CartridgeRecord& cartridge, const CartridgeRecord& like);
    Result<std::size_t> remove_marked();

    CartridgeStore& store_;
    Catalog& catalog_;
    const Executor disk_;
};

}  // namespace tapeloft::media
