#include "media/repository/recovery.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "cloud/base/gather.h"
#include "cloud/base/hex.h"

#include "media/repository/repository.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kPacksAtOnce = 256;

/// A stream that cannot be read, as opposed to a store that does not answer.
bool is_of_the_stream(Errc code) {
    return code == Errc::corrupt || code == Errc::unsupported || code == Errc::not_found;
}

/// A cartridge that the target cannot take, as opposed to a disk that fails.
bool is_of_the_cartridge(Errc code) {
    return code == Errc::corrupt || code == Errc::already_exists || code == Errc::precondition ||
           code == Errc::invalid_argument;
}

struct ReadCartridge {
    LogContents log;
    CartridgeReplay replay;
};

Awaitable<Result<ReadCartridge>> read_cartridge(ObjectStore* store, const KeyRing* keys,
                                                KnownCartridge known) {
    auto log = co_await read_log(*store, *keys, known.stream, std::nullopt);
    if (!log && log.error().code == Errc::not_found) {
        co_return Error{Errc::corrupt, log.error().message +
                                           ", of a cartridge that the library "
                                           "names: it was removed"};
    }
    if (!log) {
        co_return std::move(log).error();
    }
    ReadCartridge read;
    read.log = std::move(*log);
    TL_CO_TRY(read.replay, replay_cartridge(read.log));
    const auto& serial = read.replay.state.record.medium_serial;
    if (!read.replay.removed && serial != known.medium_serial) {
        co_return Error{Errc::corrupt, "log stream " + to_hex(known.stream) + " is of cartridge " +
                                           serial + ", the library says " + known.medium_serial};
    }
    co_return read;
}

class Recovery {
  public:
    Recovery(ObjectStore& store, const KeyRing& keys, RecoveryTarget& target, Executor disk,
             std::function<void(const RecoveryProgress&)> progress)
        : store_(store),
          keys_(keys),
          target_(target),
          disk_(std::move(disk)),
          progress_(std::move(progress)) {}

    Awaitable<Result<RecoveryReport>> run();

  private:
    Awaitable<Result<void>> recover_state();
    Awaitable<Result<void>> recover_index();
    Awaitable<Result<void>> recover_cartridges();
    Awaitable<Result<void>> add(KnownCartridge known, Result<ReadCartridge> read);
    void take_element(CartridgeRecord& record);
    void note(std::vector<LogFinding>& findings) {
        std::move(findings.begin(), findings.end(), std::back_inserter(report_.findings));
    }

    ObjectStore& store_;
    const KeyRing& keys_;
    RecoveryTarget& target_;
    Executor disk_;
    std::function<void(const RecoveryProgress&)> progress_;
    LibraryState library_;
    std::set<std::pair<ElementKind, std::uint32_t>> taken_;
    RecoveryReport report_;
};

Awaitable<Result<RecoveryReport>> Recovery::run() {
    TL_CO_CHECK(co_await open_repository(store_, keys_));
    TL_CO_CHECK(co_await recover_state());
    TL_CO_CHECK(co_await recover_index());
    TL_CO_CHECK(co_await recover_cartridges());
    auto finish = [this] { return target_.finish(); };
    TL_CO_CHECK(co_await run_on(disk_, finish));
    co_return std::move(report_);
}

Awaitable<Result<void>> Recovery::recover_state() {
    TL_CO_TRY(auto log, co_await read_log(store_, keys_, keys_.library_stream(), std::nullopt));
    TL_CO_TRY(library_, replay_library(log));
    note(log.findings);
    report_.library = library_.name;
    auto add = [this, &log] { return target_.add_library(library_, log.stream, log.head); };
    co_return co_await run_on(disk_, add);
}

Awaitable<Result<void>> Recovery::recover_index() {
    auto read = co_await read_log(store_, keys_, keys_.index_stream(), std::nullopt);
    if (!read && read.error().code == Errc::not_found) {
        co_return Result<void>();  // nothing was stored yet; if it was, add_cartridge() misses it
    }
    if (!read) {
        co_return std::move(read).error();
    }
    const auto& log = *read;
    note(read->findings);
    TL_CO_TRY(const auto index, replay_index(log));
    report_.packs = index.packs.size();
    std::size_t done = 0;
    do {  // once at least: the target is to know the stream's end
        std::vector<PackContents> packs;
        for (; done < index.packs.size() && packs.size() < kPacksAtOnce; ++done) {
            TL_CO_TRY(auto pack, pack_at(log, index.packs[done]));
            packs.push_back(std::move(pack));
        }
        auto add = [this, &log, &packs] { return target_.add_packs(packs, log.stream, log.head); };
        TL_CO_CHECK(co_await run_on(disk_, add));
    } while (done < index.packs.size());
    co_return Result<void>();
}

Awaitable<Result<void>> Recovery::recover_cartridges() {
    const auto& cartridges = library_.cartridges;
    RecoveryProgress progress;
    progress.cartridges = cartridges.size();
    while (progress.cartridges_done < cartridges.size()) {
        const auto first = progress.cartridges_done;
        std::vector<Awaitable<Result<ReadCartridge>>> calls;
        for (auto i = first; i < std::min(first + kRecoveredAtOnce, cartridges.size()); ++i) {
            calls.push_back(read_cartridge(&store_, &keys_, cartridges[i]));
        }
        auto read = co_await gather(std::move(calls));
        for (auto& result : read) {
            TL_CO_CHECK(co_await add(cartridges[progress.cartridges_done], std::move(result)));
            ++progress.cartridges_done;
            progress_(progress);
        }
    }
    co_return Result<void>();
}

Awaitable<Result<void>> Recovery::add(KnownCartridge known, Result<ReadCartridge> read) {
    if (!read && is_of_the_stream(read.error().code)) {
        report_.unreadable.push_back({std::move(known), std::move(read).error()});
        co_return Result<void>();
    }
    if (!read) {
        co_return std::move(read).error();
    }
    note(read->log.findings);
    if (read->replay.removed) {
        co_return Result<void>();  // the library was about to forget it
    }
    auto state = read->replay.state;
    state.record.library = library_.name;
    take_element(state.record);
    const RecoveredCartridge cartridge(read->log, read->replay, state);
    auto add = [this, &cartridge] { return target_.add_cartridge(cartridge); };
    auto added = co_await run_on(disk_, add);
    if (added) {
        ++report_.cartridges;
        report_.segments += read->replay.segments.size();
    } else if (is_of_the_cartridge(added.error().code)) {
        report_.unreadable.push_back({std::move(known), std::move(added).error()});
    } else {
        co_return added;
    }
    co_return Result<void>();
}

/// Each stream tells of its own moment, so two cartridges may claim one element: the one that left
/// it did not say so yet. The second one then goes where it came from, or outside.
void Recovery::take_element(CartridgeRecord& record) {
    const auto take = [this](const Element& element) {
        return element.kind == ElementKind::outside ||
               taken_.insert({element.kind, element.index}).second;
    };
    const auto claimed = record.element;
    if (take(claimed)) {
        return;
    }
    record.element = record.source && take(*record.source) ? *record.source : kOutside;
    report_.findings.push_back(
        {record.barcode,
         "was to be in an element that another cartridge is in; it was put where "
         "it came from, or outside of the library"});
}

}  // namespace

Awaitable<Result<RecoveryReport>> recover_library(
    ObjectStore& store, const KeyRing& keys, RecoveryTarget& target, Executor disk,
    std::function<void(const RecoveryProgress&)> progress) {
    Recovery recovery(store, keys, target, std::move(disk), std::move(progress));
    co_return co_await recovery.run();
}

}  // namespace tapeloft::media
