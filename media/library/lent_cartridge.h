// A cartridge that is read beside the drives. Whoever wants it in a drive gets it at once.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/call_on.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/catalog/catalog.h"

namespace tapeloft::media {

/// CartridgeStore::lend() makes it, CartridgeStore::give_back() ends it. The tape is write
/// protected. Any executor; the tape is used on a strand of its own.
class LentCartridge : public std::enable_shared_from_this<LentCartridge> {
  public:
    LentCartridge(Executor strand, CartridgeRecord record);
    LentCartridge(const LentCartridge&) = delete;
    LentCartridge& operator=(const LentCartridge&) = delete;
    ~LentCartridge() = default;

    [[nodiscard]] const CartridgeRecord& record() const noexcept { return record_; }

    /// What `work` does with the tape; one at a time, each for a short while, or until
    /// is_recalled(): a recall waits for its end. Errors: cancelled (it was recalled: the tape is
    /// gone for good), those of work.
    template <typename T>
    Awaitable<Result<T>> with_tape(std::function<Awaitable<Result<T>>(Tape*)> work) {
        auto call = run(shared_from_this(), std::move(work));
        co_return co_await call_on(strand_, std::move(call));
    }

    /// For `work`, between two calls of the tape.
    [[nodiscard]] bool is_recalled() const noexcept { return recalled_; }
    /// Errors: cancelled (it was recalled, so what is on it may be something else by now).
    Awaitable<Result<void>> check_lent();

    /// Opens the tape: the first call. Errors: those of `opening`.
    Awaitable<Result<void>> open(Awaitable<Result<std::unique_ptr<Tape>>> opening);
    /// Returns when the tape is closed and nobody uses it.
    Awaitable<void> recall();

  private:
    using Self = std::shared_ptr<LentCartridge>;

    template <typename T>
    static Awaitable<Result<T>> run(Self self, std::function<Awaitable<Result<T>>(Tape*)> work) {
        if (self->recalled_) {
            co_return self->gone();
        }
        self->busy_ = true;
        auto done = co_await work(self->tape_.get());
        self->end_of_work();
        co_return std::move(done);
    }
    static Awaitable<Result<void>> open_on_strand(Self self,
                                                  Awaitable<Result<std::unique_ptr<Tape>>> opening);
    static Awaitable<void> recall_on_strand(Self self);
    static Awaitable<Result<void>> check_on_strand(Self self);
    [[nodiscard]] Error gone() const;
    void end_of_work() {
        busy_ = false;
        idle_.cancel();
    }

    const Executor strand_;
    const CartridgeRecord record_;
    boost::asio::steady_timer idle_;  ///< an event: cancelled whenever work ends
    std::unique_ptr<Tape> tape_;      ///< null: not open yet, or closed
    bool busy_ = false;
    bool recalled_ = false;
};

}  // namespace tapeloft::media
