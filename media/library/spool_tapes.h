// The tapes of the cartridges on the spool.
#pragma once

#include "media/cartridge/spool.h"
#include "media/library/cartridge_store.h"

namespace tapeloft::media {

class SpoolTapes final : public TapeProvider {
  public:
    explicit SpoolTapes(SpoolContext context) : context_(std::move(context)) {}

    Awaitable<Result<std::unique_ptr<Tape>>> open(CartridgeRecord cartridge) override;
    Awaitable<std::chrono::seconds> recall(CartridgeId cartridge) override;
    [[nodiscard]] bool is_recalling(CartridgeId cartridge) const override;
    Awaitable<Result<void>> discard(CartridgeRecord cartridge) override;

  private:
    SpoolContext context_;
};

}  // namespace tapeloft::media
