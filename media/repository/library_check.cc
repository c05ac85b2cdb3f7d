#include "media/repository/library_check.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cloud/base/hex.h"

#include "media/log/log_fetch.h"
#include "media/log/log_stream.h"
#include "media/pack/pack_writer.h"
#include "media/repository/repository.h"

namespace tapeloft::media {
namespace {

constexpr int kTries = 5;  // to read a log that the archive writes

using Kind = LibraryFindingKind;

constexpr auto kRows = std::to_array<LibraryFindingRow>({
    // clang-format off
    {Kind::log_damaged, "log_damaged", true, false,
     "the store alone would not give this back: put the object back from a copy of the store, and keep "
     "the state directory, which still has what it said"},
    {Kind::head_not_right, "head_not_right", false, true, "the head is stored anew"},
    {Kind::log_tail, "log_tail", false, false,
     "a crash left it; the archive takes it in when it writes there next"},
    {Kind::cartridge_damaged, "cartridge_damaged", true, false,
     "tapeloft cartridge verify says which records; the mark goes when all of them are sound again"},
    {Kind::cartridge_differs, "cartridge_differs", true, false,
     "which of the two is right cannot be told: keep both as they are, and read the cartridge"},
    {Kind::cartridge_not_named, "cartridge_not_named", true, false,
     "a recovery would miss the cartridge; the archive names it when the library changes next"},
    {Kind::cartridge_not_in_catalog, "cartridge_not_in_catalog", true, false,
     "its data is in the store: tapeloft library recover into another state directory gives it back"},
    {Kind::pack_missing, "pack_missing", true, true,
     "nothing new refers to it, so that the same data is stored anew when hosts write it again, and "
     "the cartridges that need it are marked damaged; it cannot be brought back"},
    {Kind::pack_not_in_index, "pack_not_in_index", true, false,
     "a recovery would miss what is in it: put the index objects back from a copy of the store"},
    {Kind::pack_not_in_catalog, "pack_not_in_catalog", false, true,
     "the catalog takes it in from the index log"},
    {Kind::chunks_unknown, "chunks_unknown", true, true,
     "the cartridge is marked damaged; the data comes back only if hosts write it again"},
    {Kind::orphan_pack, "orphan_pack", false, true, "it is removed: no log names it"},
    {Kind::orphan_log, "orphan_log", false, true, "it is removed: no library names its stream"},
    {Kind::foreign_object, "foreign_object", false, false,
     "it is none of Tapeloft's and is left alone"},
    // clang-format on
});

/// What a log says, as opposed to a store that does not answer.
bool is_of_the_log(Errc code) {
    return code == Errc::corrupt || code == Errc::unsupported || code == Errc::not_found;
}

std::string segment_text(const SegmentRecord& row) {
    return "segment " + std::to_string(row.number) + " (partition " +
           std::to_string(row.partition) + ", objects " + std::to_string(row.first_object) +
           " to " + std::to_string(row.first_object + row.object_count - 1) + ")";
}

bool is_same_tape(const SegmentRecord& one, const SegmentRecord& other) {
    return one.partition == other.partition && one.number == other.number &&
           one.first_object == other.first_object && one.object_count == other.object_count &&
           one.filemark_count == other.filemark_count && one.byte_count == other.byte_count;
}

bool is_same_state(const CartridgeRecord& record, const CartridgeState& state) {
    const auto& logged = state.record;
    return record.barcode == logged.barcode && record.medium_serial == logged.medium_serial &&
           record.capacity == logged.capacity && record.element == logged.element &&
           record.write_protected == logged.write_protected && record.worm == logged.worm &&
           record.damaged == state.damaged;
}

bool is_at_stake(const LibraryFinding& finding) {
    const bool mended = finding.repaired && finding.kind != Kind::pack_missing &&
                        finding.kind != Kind::chunks_unknown;
    return row_of(finding.kind).is_damage && !mended;
}

}  // namespace

const LibraryFindingRow& row_of(LibraryFindingKind kind) noexcept {
    const auto& row = kRows[static_cast<std::size_t>(kind)];
    TL_ASSERT(row.kind == kind);
    return row;
}

bool LibraryReport::is_damaged() const noexcept {
    return damage_left_out != 0 || std::ranges::any_of(findings, is_at_stake);
}

Awaitable<Result<LibraryReport>> LibraryCheck::run(bool repair) {
    repair_ = repair;
    TL_CO_CHECK(co_await open_repository(context_.store, context_.keys));
    auto ask = [this] { return ask_catalog(); };
    TL_CO_TRY(known_, co_await on_disk(std::move(ask)));
    TL_CO_CHECK(co_await list_store());
    TL_CO_CHECK(co_await check_library());
    TL_CO_CHECK(co_await check_index());
    TL_CO_CHECK(co_await check_packs());
    auto list = [this] { return context_.catalog.cartridges(context_.library); };
    TL_CO_TRY(const auto cartridges, co_await on_disk(std::move(list)));
    for (const auto& record : cartridges) {
        TL_CO_CHECK(go_on());
        TL_CO_CHECK(co_await check_cartridge(record));
    }
    TL_CO_CHECK(co_await check_orphans());
    if (repair_) {
        TL_CO_CHECK(co_await repair_lost());
    }
    co_return std::move(report_);
}

void LibraryCheck::add(LibraryFinding finding) {
    report_.repaired += finding.repaired ? 1 : 0;
    if (report_.findings.size() < LibraryReport::kFindingsMax) {
        report_.findings.push_back(std::move(finding));
    } else {
        ++report_.findings_left_out;
        report_.damage_left_out += is_at_stake(finding) ? 1U : 0U;
    }
}

Result<void> LibraryCheck::go_on() const {
    if (context_.stopped()) {
        return Error{Errc::cancelled, "the archive is stopping"};
    }
    return {};
}

/// Blocks.
Result<LibraryCheck::Known> LibraryCheck::ask_catalog() {
    Known known;
    TL_TRY(auto work, archive().library_state(context_.library));
    known.state = std::move(work.state);
    known.streams = {context_.keys.library_stream(), context_.keys.index_stream()};
    for (const auto& cartridge : known.state.cartridges) {
        known.streams.insert(cartridge.stream);
    }
    TL_TRY(const auto busy, archive().cartridges_with_work(context_.library));
    for (const auto id : busy) {  // the removed ones are among them
        const auto waiting = archive().work(id, 0);
        if (waiting) {
            known.streams.insert(waiting->stream);
        }
    }
    TL_TRY(const auto packs, archive().packs(context_.library));
    for (const auto& pack : packs) {
        known.packs.emplace(pack.id, pack.size);
    }
    TL_TRY(const auto removals, archive().removals(context_.library));
    known.removals.insert(removals.begin(), removals.end());
    return known;
}

/// look: what is to be asked of the catalog as it stands where the log ends. Errors: those of the
/// catalog and of a store that does not answer; what the log says is in the reading.
Awaitable<Result<void>> LibraryCheck::try_log(StreamId stream, Look look, Reading& reading) {
    reading = Reading{};
    auto ask = [this, stream] { return archive().head(stream); };
    TL_CO_TRY(const auto before, co_await on_disk(ask));
    if (before.sequence == 0) {
        reading.settled = true;
        co_return Result<void>();
    }
    auto read = co_await read_log(context_.store, context_.keys, stream, before);
    TL_CO_CHECK(co_await on_disk(std::move(look)));
    TL_CO_TRY(const auto after, co_await on_disk(ask));
    if (!read && !is_of_the_log(read.error().code)) {
        co_return std::move(read).error();
    }
    if (before != after) {
        co_return Result<void>();  // the archive has written meanwhile
    }
    if (read) {
        reading.log = std::move(read).value();
        reading.settled = reading.log->head.sequence == after.sequence;
    } else {
        reading.damage = std::move(read).error();
    }
    co_return Result<void>();
}

/// Nothing: the stream is empty, or damaged, or has a tail; a finding says so. Errors: those of
/// `look`, too.
Awaitable<Result<std::optional<LogContents>>> LibraryCheck::settled_log(StreamId stream, Look look,
                                                                        std::string barcode) {
    Reading reading;
    auto attempt = [&] { return try_log(stream, look, reading); };
    for (int i = 1; i <= kTries && !reading.settled; ++i) {
        TL_CO_CHECK(go_on());
        if (i < kTries) {
            TL_CO_CHECK(co_await attempt());
        } else {
            TL_CO_CHECK(co_await context_.in_quiet(attempt));
        }
    }
    auto& log = reading.log;
    if (reading.damage) {
        add({Kind::log_damaged, "log/" + to_hex(stream), std::move(barcode),
             reading.damage->message});
        co_return std::optional<LogContents>();
    }
    if (log) {
        TL_CO_CHECK(co_await check_head(*log, barcode));
    }
    if (!reading.settled) {
        add({Kind::log_tail, log ? log_name(stream, log->head.sequence) : "log/" + to_hex(stream),
             std::move(barcode), "stands behind what the catalog knows"});
        co_return std::optional<LogContents>();
    }
    co_return std::move(log);
}

Awaitable<Result<void>> LibraryCheck::check_head(const LogContents& log,
                                                 const std::string& barcode) {
    for (const auto& finding : log.findings) {
        LibraryFinding noted{Kind::head_not_right, finding.object, barcode, finding.what};
        if (repair_) {
            auto store = [this, &log]() -> Awaitable<Result<void>> {
                auto ask = [this, &log] { return archive().head(log.stream); };
                TL_CO_TRY(const auto head, co_await on_disk(std::move(ask)));
                LogFetch fetch(context_.store, context_.keys, log.stream);
                co_return co_await fetch.put_head(head);
            };
            TL_CO_CHECK(co_await context_.in_quiet(std::move(store)));
            noted.repaired = true;
        }
        add(std::move(noted));
    }
    co_return Result<void>();
}

Awaitable<Result<void>> LibraryCheck::check_library() {
    const auto stream = context_.keys.library_stream();
    Known now;
    bool current = false;
    auto look = [this, &now, &current]() -> Result<void> {
        TL_TRY(now, ask_catalog());
        TL_TRY(const auto work, archive().library_work(context_.library));
        current = !work;
        return {};
    };
    TL_CO_TRY(const auto log, co_await settled_log(stream, std::move(look), ""));
    if (!log) {
        co_return Result<void>();
    }
    const auto logged = replay_library(*log);
    if (!logged) {
        add({Kind::log_damaged, "log/" + to_hex(stream), "", logged.error().message});
        co_return Result<void>();
    }
    for (const auto& cartridge : logged->cartridges) {
        named_streams_.insert(cartridge.stream);
        if (current && !now.streams.contains(cartridge.stream)) {
            add({Kind::cartridge_not_in_catalog, "log/" + to_hex(cartridge.stream),
                 cartridge.barcode,
                 "is named by the library's log, and the catalog does not have it"});
        }
    }
    for (const auto& cartridge : now.state.cartridges) {
        auto ask = [this, stream = cartridge.stream] { return archive().head(stream); };
        TL_CO_TRY(const auto head, co_await on_disk(std::move(ask)));
        if (current && head.sequence != 0 && !named_streams_.contains(cartridge.stream)) {
            add({Kind::cartridge_not_named, "log/" + to_hex(cartridge.stream), cartridge.barcode,
                 "is in the store, and the library's log does not name it"});
        }
    }
    co_return Result<void>();
}

Awaitable<Result<void>> LibraryCheck::check_index() {
    Known now;
    auto look = [this, &now]() -> Result<void> {
        TL_TRY(now, ask_catalog());
        return {};
    };
    const auto stream = context_.keys.index_stream();
    TL_CO_TRY(const auto log, co_await settled_log(stream, std::move(look), ""));
    const auto index = log ? replay_index(*log) : Result<IndexReplay>(IndexReplay{});
    if (!index) {
        add({Kind::log_damaged, "log/" + to_hex(stream), "", index.error().message});
    }
    if (!log || !index) {
        co_return Result<void>();
    }
    std::vector<PackContents> unknown;
    for (const auto& place : index->packs) {
        TL_CO_TRY(auto pack, pack_at(*log, place));
        logged_packs_.insert(pack.id);
        if (!now.packs.contains(pack.id) && !now.removals.contains(pack.id)) {
            unknown.push_back(std::move(pack));
        }
    }
    for (const auto& [pack, size] : now.packs) {
        if (!logged_packs_.contains(pack)) {
            add({Kind::pack_not_in_index, pack_name(pack), "",
                 "is in the catalog, and the index log does not name it"});
        }
    }
    for (auto& pack : unknown) {
        TL_CO_CHECK(co_await adopt_pack(std::move(pack)));
    }
    co_return Result<void>();
}

Awaitable<Result<void>> LibraryCheck::check_cartridge(CartridgeRecord record) {
    CheckpointFacts facts;
    StreamId stream{};
    auto find = [this, &record, &stream]() -> Result<void> {
        TL_TRY(stream, archive().stream_of(record.id));
        return {};
    };
    auto look = [this, &record, &facts]() -> Result<void> {
        TL_TRY(facts, archive().checkpoint_facts(record.id));
        return {};
    };
    auto found = co_await on_disk(std::move(find));
    if (!found && found.error().code == Errc::not_found) {
        co_return Result<void>();  // deleted meanwhile
    }
    TL_CO_CHECK(found);
    ++report_.cartridges;
    auto log = co_await settled_log(stream, look, record.barcode);
    if (!log && log.error().code == Errc::not_found) {
        co_return Result<void>();
    }
    TL_CO_CHECK(log);
    if (*log) {
        const auto replay = replay_cartridge(**log);
        if (replay) {
            compare(facts, *replay);
        } else {
            add({Kind::log_damaged, "log/" + to_hex(stream), record.barcode,
                 replay.error().message});
        }
    }
    report_.segments += facts.segments.size();
    if (facts.record.damaged) {
        add({Kind::cartridge_damaged, "", record.barcode,
             "it is marked damaged: records of it could not be read"});
    }
    co_return co_await check_maps(facts);
}

/// While changes are pending the log may have more of the tape than the catalog, but no less.
void LibraryCheck::compare(const CheckpointFacts& facts, const CartridgeReplay& replay) {
    const auto& barcode = facts.record.barcode;
    std::map<std::pair<std::uint32_t, std::uint64_t>, const SegmentRecord*> logged;
    for (const auto& each : replay.segments) {
        logged.emplace(std::pair(each.segment.partition, each.segment.number), &each.segment);
    }
    const bool settled = facts.changes.empty();
    for (const auto& [row, sequence] : facts.segments) {
        const auto found = logged.find({row.partition, row.number});
        if (found == logged.end() || (settled && !is_same_tape(row, *found->second))) {
            add({Kind::cartridge_differs, "", barcode,
                 segment_text(row) + " is stored, says the catalog, and the log has " +
                     (found == logged.end() ? "none" : "another one")});
        }
        if (found != logged.end()) {
            logged.erase(found);
        }
    }
    if (!settled) {
        return;
    }
    for (const auto& [key, row] : logged) {
        add({Kind::cartridge_differs, "", barcode,
             segment_text(*row) + " is in the log, and the catalog does not have it"});
    }
    if (!is_same_state(facts.record, replay.state)) {
        add({Kind::cartridge_differs, "", barcode, "its state in the log is another one"});
    }
    if (facts.capacities != replay.capacities) {
        add({Kind::cartridge_differs, "", barcode, "its partitions in the log are other ones"});
    }
}

}  // namespace tapeloft::media
