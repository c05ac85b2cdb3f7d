#include "media/library/spool_tapes.h"

#include <utility>

#include "media/cartridge/cartridge.h"

namespace tapeloft::media {

Awaitable<Result<std::unique_ptr<Tape>>> SpoolTapes::open(CartridgeRecord cartridge) {
    co_return co_await open_cartridge(std::move(cartridge), context_);
}

Awaitable<std::chrono::seconds> SpoolTapes::recall(CartridgeId cartridge) {
    if (context_.archive == nullptr) {
        co_return std::chrono::seconds(0);
    }
    co_return co_await context_.archive->recall(cartridge);
}

bool SpoolTapes::is_recalling(CartridgeId cartridge) const {
    return context_.archive != nullptr && context_.archive->is_recalling(cartridge);
}

Awaitable<Result<void>> SpoolTapes::discard(CartridgeRecord cartridge) {
    auto work = [this, cartridge = std::move(cartridge)] {
        return remove_cartridge_files(context_, cartridge);
    };
    co_return co_await run_on(context_.disk, std::move(work));
}

}  // namespace tapeloft::media
