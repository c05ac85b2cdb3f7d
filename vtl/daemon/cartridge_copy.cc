#include "vtl/daemon/cartridge_copy.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "cloud/base/call_on.h"

#include "media/library/incoming_cartridges.h"

namespace tapeloft::vtl::daemon {
namespace {

using media::LentCartridge;
using media::ReadKind;
using media::ReadOutcome;
using media::Tape;
using Objects = std::vector<ReadOutcome>;
using Capacities = std::vector<std::uint64_t>;

constexpr std::size_t kBatchLength = 1024UL * 1024;  // bytes of records, or one record more
constexpr std::size_t kBatchObjects = 1024;

/// The next objects of the tape, the last of them perhaps end of data.
Awaitable<Result<Objects>> read_batch(Tape* tape) {
    Objects objects;
    std::size_t bytes = 0;
    while (bytes < kBatchLength && objects.size() < kBatchObjects) {
        TL_CO_TRY(auto object, co_await tape->read());
        bytes += object.record.size();
        const bool end = object.kind == ReadKind::end_of_data;
        objects.push_back(std::move(object));
        if (end) {
            break;
        }
    }
    co_return objects;
}

Awaitable<Result<Objects>> next_objects(std::shared_ptr<LentCartridge> cartridge) {
    std::function<Awaitable<Result<Objects>>(Tape*)> work = &read_batch;
    co_return co_await cartridge->with_tape(std::move(work));
}

Awaitable<Result<bool>> enter_partition(std::shared_ptr<LentCartridge> cartridge,
                                        std::uint32_t partition) {
    std::function<Awaitable<Result<bool>>(Tape*)> work =
        [partition](Tape* tape) -> Awaitable<Result<bool>> {
        TL_CO_CHECK(co_await tape->change_partition(partition));
        co_return true;
    };
    co_return co_await cartridge->with_tape(std::move(work));
}

Awaitable<Result<Capacities>> capacities_on_strand(Tape* tape) {
    Capacities capacities;
    for (std::uint32_t i = 0; i < tape->partition_count(); ++i) {
        capacities.push_back(tape->capacity(i).native);
    }
    co_return capacities;
}

bool same(const ReadOutcome& left, const ReadOutcome& right) {
    return left.kind == right.kind && left.encoding == right.encoding &&
           std::ranges::equal(left.record.view(), right.record.view());
}

class Copying {
  public:
    explicit Copying(CopyRequest request)
        : request_(std::move(request)),
          source_(request_.from->changer->store()),
          target_(request_.to->changer->store()) {}

    Awaitable<Result<media::CartridgeRecord>> run();

  private:
    Awaitable<Result<media::CartridgeRecord>> make();
    Awaitable<Result<void>> fill();
    Awaitable<Result<void>> write(Tape* tape);
    Awaitable<Result<void>> write_partition(Tape* tape);
    Awaitable<Result<void>> compare();
    Awaitable<Result<void>> compare_with(std::shared_ptr<LentCartridge> copy);
    [[nodiscard]] Error both_are_there(const Error& why) const;
    [[nodiscard]] Result<void> check_wanted() const {
        return request_.go_on() ? Result<void>()
                                : Error{Errc::cancelled, "the daemon ends; nothing was copied"};
    }

    const CopyRequest request_;
    media::CartridgeStore& source_;
    media::CartridgeStore& target_;
    std::shared_ptr<LentCartridge> original_;
    media::CartridgeRecord copy_;
    Capacities capacities_;
};

Awaitable<Result<media::CartridgeRecord>> Copying::run() {
    auto* const changer = request_.from->changer;
    auto lending = changer->lend_cartridge(request_.barcode);
    TL_CO_TRY(original_, co_await call_on(changer->executor(), std::move(lending)));
    auto made = co_await make();
    if (made && request_.move) {
        auto deleting = changer->delete_lent(original_);
        const auto deleted = co_await call_on(changer->executor(), std::move(deleting));
        if (!deleted) {
            made = both_are_there(deleted.error());
        }
    }
    co_await source_.give_back(original_);
    co_return made;
}

Error Copying::both_are_there(const Error& why) const {
    const bool used = why.code == Errc::cancelled;
    return {
        used ? Errc::precondition : why.code,
        "the copy in library " + request_.to->name + " is complete, but cartridge " +
            request_.barcode + " in library " + request_.from->name + " was not deleted: " +
            (used ? "it has been in a drive meanwhile, and may have been written" : why.message)};
}

Awaitable<Result<media::CartridgeRecord>> Copying::make() {
    auto* const incoming = request_.to->incoming;
    TL_CO_TRY(copy_, co_await incoming->begin(original_->record()));
    auto filled = co_await fill();
    if (filled) {
        filled = co_await incoming->accept(copy_);
    }
    if (!filled) {
        [[maybe_unused]] const auto removed = co_await incoming->abandon(copy_);
        co_return std::move(filled).error();
    }
    auto* const changer = request_.to->changer;
    auto taking = changer->take_in(copy_);
    co_return co_await call_on(changer->executor(), std::move(taking));
}

Awaitable<Result<void>> Copying::fill() {
    std::function<Awaitable<Result<Capacities>>(Tape*)> work = &capacities_on_strand;
    TL_CO_TRY(capacities_, co_await original_->with_tape(std::move(work)));
    TL_CO_TRY(auto opened, co_await target_.open(copy_));
    if (!opened.tape) {
        co_return std::move(*opened.unreadable);
    }
    auto written = co_await write(opened.tape.get());
    auto closed = co_await opened.tape->close();
    opened.tape.reset();
    TL_CO_CHECK(written);
    TL_CO_CHECK(closed);
    copy_.write_protected = original_->record().write_protected;
    TL_CO_CHECK(co_await target_.set_write_protected(copy_.id, copy_.write_protected));
    TL_CO_CHECK(co_await request_.to->archive->store_all(copy_.id));
    co_return co_await compare();
}

Awaitable<Result<void>> Copying::write(Tape* tape) {
    if (capacities_.size() > 1) {
        TL_CO_CHECK(co_await tape->format(capacities_));
    }
    for (std::uint32_t partition = 0; partition < capacities_.size(); ++partition) {
        TL_CO_CHECK(co_await enter_partition(original_, partition));
        TL_CO_CHECK(co_await tape->change_partition(partition));
        TL_CO_CHECK(co_await write_partition(tape));
    }
    co_return co_await tape->sync();
}

Awaitable<Result<void>> Copying::write_partition(Tape* tape) {
    for (;;) {
        TL_CO_CHECK(check_wanted());
        TL_CO_TRY(auto objects, co_await next_objects(original_));
        for (auto& object : objects) {
            if (object.kind == ReadKind::end_of_data) {
                co_return Result<void>();
            }
            if (object.kind == ReadKind::filemark) {
                TL_CO_CHECK(co_await tape->write_filemarks(1));
            } else {
                TL_CO_CHECK(
                    co_await tape->write_encoded(std::move(object.record), object.encoding));
            }
        }
    }
}

Awaitable<Result<void>> Copying::compare() {
    TL_CO_TRY(auto copy, co_await target_.lend(copy_));
    auto compared = co_await compare_with(copy);
    co_await target_.give_back(copy);
    co_return compared;
}

Awaitable<Result<void>> Copying::compare_with(std::shared_ptr<LentCartridge> copy) {
    for (std::uint32_t partition = 0; partition < capacities_.size(); ++partition) {
        TL_CO_CHECK(co_await enter_partition(original_, partition));
        TL_CO_CHECK(co_await enter_partition(copy, partition));
        for (bool end = false; !end;) {
            TL_CO_CHECK(check_wanted());
            TL_CO_TRY(const auto wanted, co_await next_objects(original_));
            TL_CO_TRY(const auto found, co_await next_objects(copy));
            if (!std::ranges::equal(wanted, found, &same)) {
                co_return Error{Errc::corrupt, "the copy of cartridge " + request_.barcode +
                                                   " is not what was written"};
            }
            end = wanted.back().kind == ReadKind::end_of_data;
        }
    }
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<media::CartridgeRecord>> copy_cartridge(CopyRequest request) {
    if (request.from == request.to) {
        co_return Error{Errc::invalid_argument, "the copy goes to another library"};
    }
    Copying copying(std::move(request));
    co_return co_await copying.run();
}

}  // namespace tapeloft::vtl::daemon
