#include "media/library/lent_cartridge.h"

#include <utility>

namespace tapeloft::media {

LentCartridge::LentCartridge(Executor strand, CartridgeRecord record)
    : strand_(std::move(strand)),
      record_(std::move(record)),
      idle_(strand_, boost::asio::steady_timer::time_point::max()) {}

Error LentCartridge::gone() const {
    return {Errc::cancelled, "cartridge " + record_.barcode +
                                 " is wanted in a drive, or was deleted, while it is read here"};
}

Awaitable<Result<void>> LentCartridge::open(Awaitable<Result<std::unique_ptr<Tape>>> opening) {
    auto call = open_on_strand(shared_from_this(), std::move(opening));
    co_return co_await call_on(strand_, std::move(call));
}

Awaitable<Result<void>> LentCartridge::open_on_strand(
    Self self, Awaitable<Result<std::unique_ptr<Tape>>> opening) {
    if (self->recalled_) {
        co_return self->gone();
    }
    self->busy_ = true;
    auto tape = co_await std::move(opening);
    if (tape) {
        self->tape_ = std::move(*tape);
    }
    self->end_of_work();
    co_return tape ? Result<void>() : Result<void>(std::move(tape).error());
}

Awaitable<Result<void>> LentCartridge::check_lent() {
    auto call = check_on_strand(shared_from_this());
    co_return co_await call_on(strand_, std::move(call));
}

Awaitable<Result<void>> LentCartridge::check_on_strand(Self self) {
    co_return self->recalled_ ? Result<void>(self->gone()) : Result<void>();
}

Awaitable<void> LentCartridge::recall() {
    auto call = recall_on_strand(shared_from_this());
    co_await boost::asio::co_spawn(strand_, std::move(call), boost::asio::use_awaitable);
}

Awaitable<void> LentCartridge::recall_on_strand(Self self) {
    self->recalled_ = true;
    while (self->busy_) {
        co_await self->idle_.async_wait(kAsTuple);
    }
    if (self->tape_) {
        self->busy_ = true;
        // Nothing was written, so there is nothing that it could fail to make durable.
        [[maybe_unused]] const auto closed = co_await self->tape_->close();
        self->tape_.reset();
        self->end_of_work();
    }
}

}  // namespace tapeloft::media
