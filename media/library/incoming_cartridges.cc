#include "media/library/incoming_cartridges.h"

#include <algorithm>
#include <utility>

#include "media/library/value_stores.h"

namespace tapeloft::media {

// A crash before it is marked leaves a blank cartridge outside of the library. The other order
// would leave a mark that might one day hit another cartridge of the same barcode.
Result<void> IncomingCartridges::mark(const CartridgeRecord& cartridge,
                                      const CartridgeRecord& like) {
    TL_CHECK(catalog_.set_property(mark_of(cartridge), cartridge.medium_serial));
    TL_TRY(const auto values, catalog_.values(value_owner(like.id)));
    for (const auto& value : values) {
        TL_CHECK(catalog_.set_value(value_owner(cartridge.id), value.name, value.value));
    }
    if (std::ranges::find(values, kOriginName, &NamedValue::name) != values.end()) {
        return {};  // a copy of a copy
    }
    return catalog_.set_value(value_owner(cartridge.id), std::string(kOriginName),
                              origin_value(like.medium_serial));
}

Awaitable<Result<CartridgeRecord>> IncomingCartridges::begin(CartridgeRecord like) {
    NewCartridge request;
    request.barcode = like.barcode;
    request.capacity = like.capacity;
    request.worm = like.worm;
    request.element = kOutside;
    TL_CO_TRY(auto cartridge, co_await store_.create(std::move(request)));
    auto work = [this, cartridge, like] { return mark(cartridge, like); };
    auto marked = co_await run_on(disk_, std::move(work));
    if (!marked) {
        [[maybe_unused]] const auto removed = co_await abandon(cartridge);
        co_return std::move(marked).error();
    }
    co_return cartridge;
}

Awaitable<Result<void>> IncomingCartridges::accept(CartridgeRecord cartridge) {
    auto work = [this, cartridge] { return catalog_.set_property(mark_of(cartridge), ""); };
    co_return co_await run_on(disk_, std::move(work));
}

Awaitable<Result<void>> IncomingCartridges::abandon(CartridgeRecord cartridge) {
    TL_CO_CHECK(co_await store_.remove(cartridge.id));
    co_return co_await accept(std::move(cartridge));
}

Result<std::size_t> IncomingCartridges::remove_marked() {
    TL_TRY(const auto cartridges, catalog_.cartridges(store_.library()));
    std::size_t removed = 0;
    for (const auto& cartridge : cartridges) {
        if (cartridge.element != kOutside) {
            continue;
        }
        TL_TRY(const auto marked, catalog_.property(mark_of(cartridge)));
        if (marked == cartridge.medium_serial) {
            TL_CHECK(catalog_.remove_cartridge(cartridge.id));
            TL_CHECK(catalog_.set_property(mark_of(cartridge), ""));
            ++removed;
        }
    }
    return removed;
}

Awaitable<Result<std::size_t>> IncomingCartridges::abandon_all() {
    auto work = [this] { return remove_marked(); };
    co_return co_await run_on(disk_, std::move(work));
}

}  // namespace tapeloft::media
