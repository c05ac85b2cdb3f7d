// LibraryCheck: what is in the store, and what should be.
#include <algorithm>
#include <utility>

#include "cloud/base/hex.h"

#include "media/catalog/map_chunks.h"
#include "media/log/log_stream.h"
#include "media/pack/pack_writer.h"
#include "media/repository/lease.h"
#include "media/repository/library_check.h"
#include "media/repository/repository.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kPage = 1000;

using Kind = LibraryFindingKind;

/// Or hidden: somebody put a delete marker before it, and took away the name by which it is read.
bool is_missing(const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::corrupt;
}
std::string why_missing(const Error& error) {
    return error.code == Errc::not_found ? "is missing" : "cannot be read: " + error.message;
}
/// Of a removal: the object is locked, or the keys may not remove.
bool is_refusal(const Error& error) {
    return error.code == Errc::denied || error.code == Errc::corrupt;
}

/// The stream in "log/STREAM/SEQ" or "head/STREAM".
std::optional<StreamId> stream_in(std::string_view name) {
    const auto slash = name.find('/');
    const auto folder = name.substr(0, slash);
    if (slash == std::string_view::npos || (folder != "log" && folder != "head")) {
        return std::nullopt;
    }
    StreamId stream{};
    const auto digits = name.substr(slash + 1, stream.size() * 2);
    return from_hex(digits, stream) ? std::optional(stream) : std::nullopt;
}

}  // namespace

Awaitable<Result<void>> LibraryCheck::list_store() {
    std::string after;
    bool more = true;
    while (more) {
        TL_CO_CHECK(go_on());
        TL_CO_TRY(const auto page, co_await context_.store.list("", after, kPage));
        for (const auto& object : page.objects) {
            note_listed(object);
            after = object.name;
        }
        more = page.more && !page.objects.empty();
    }
    co_return Result<void>();
}

void LibraryCheck::note_listed(const ObjectInfo& object) {
    ++report_.objects;
    if (object.name == kRepositoryName || object.name == kLeaseName) {
        return;
    }
    if (const auto pack = pack_of_name(object.name)) {
        listed_packs_.emplace(*pack, object.size);
    } else if (const auto stream = stream_in(object.name)) {
        if (!known_.streams.contains(*stream)) {
            listed_logs_.emplace_back(*stream, object.name);
        }
    } else {
        add({Kind::foreign_object, object.name, "", "is not of this library"});
    }
}

/// A list may lack what was put lately, so that what it does not show is asked for.
Awaitable<Result<void>> LibraryCheck::check_packs() {
    std::map<PackId, std::string> wrong;
    for (const auto& [pack, size] : known_.packs) {
        TL_CO_CHECK(go_on());
        ++report_.packs;
        report_.pack_bytes += size;
        const auto listed = listed_packs_.find(pack);
        if (listed != listed_packs_.end() && listed->second == size) {
            continue;
        }
        const auto there = co_await context_.store.head(pack_name(pack));
        if (!there && !is_missing(there.error())) {
            co_return there.error();
        }
        if (!there) {
            wrong.emplace(pack, why_missing(there.error()));
        } else if (there->size != size) {
            wrong.emplace(pack, "has " + std::to_string(there->size) + " bytes instead of " +
                                    std::to_string(size));
        }
    }
    auto ask = [this] { return archive().packs(context_.library); };
    TL_CO_TRY(const auto now, co_await on_disk(std::move(ask)));
    for (const auto& pack : now) {  // without those that were collected meanwhile
        const auto found = wrong.find(pack.id);
        if (found == wrong.end()) {
            continue;
        }
        missing_packs_.insert(pack.id);
        auto distrust = [this, &pack] { return archive().set_distrusted(pack.id, true); };
        if (repair_) {
            TL_CO_CHECK(co_await on_disk(std::move(distrust)));
        }
        add({Kind::pack_missing, pack_name(pack.id), "", found->second, repair_});
    }
    co_return Result<void>();
}

Awaitable<Result<void>> LibraryCheck::check_maps(const CheckpointFacts& facts) {
    for (const auto& logged : facts.segments) {
        TL_CO_CHECK(go_on());
        auto check = [this, &facts, &logged] { return check_map(facts.record, logged.segment); };
        TL_CO_CHECK(co_await on_disk(std::move(check)));
    }
    co_return Result<void>();
}

/// Blocks.
Result<void> LibraryCheck::check_map(const CartridgeRecord& record, const SegmentRecord& row) {
    const auto map = archive().segment_map(record.id, row.number);
    if (!map && map.error().code == Errc::not_found) {
        return {};  // cut off meanwhile
    }
    TL_CHECK(map);
    const auto chunks = chunks_of_map(*map);
    std::size_t unknown = 0;
    std::size_t missing = 0;
    if (chunks) {
        TL_TRY(const auto found, archive().locate_chunks(*chunks));
        for (const auto& place : found) {
            unknown += place ? 0U : 1U;
            missing += place && missing_packs_.contains(place->pack) ? 1U : 0U;
        }
    }
    if (chunks && unknown + missing == 0) {
        return {};
    }
    damaged_.insert(record.id);
    add({Kind::chunks_unknown, "", record.barcode,
         "partition " + std::to_string(row.partition) + ", objects " +
             std::to_string(row.first_object) + " to " +
             std::to_string(row.first_object + row.object_count - 1) + ": " +
             (chunks ? std::to_string(unknown) + " chunks are in no index, " +
                           std::to_string(missing) + " in missing packs"
                     : chunks.error().message),
         repair_});
    return {};
}

/// Nothing that is under way may look like an orphan, so that all of them are judged in quiet.
Awaitable<Result<void>> LibraryCheck::check_orphans() {
    std::erase_if(listed_packs_, [this](const auto& pack) {
        return known_.packs.contains(pack.first) || known_.removals.contains(pack.first) ||
               logged_packs_.contains(pack.first);
    });
    if (listed_packs_.empty() && listed_logs_.empty()) {
        co_return Result<void>();
    }
    auto settle = [this] { return settle_orphans(); };
    co_return co_await context_.in_quiet(std::move(settle));
}

Awaitable<Result<void>> LibraryCheck::settle_orphans() {
    auto ask = [this] { return ask_catalog(); };
    TL_CO_TRY(const auto now, co_await on_disk(std::move(ask)));
    // A log that cannot be read may name them.
    const bool logs_are_sound = std::ranges::none_of(report_.findings, [](const auto& finding) {
        return finding.kind == Kind::log_damaged || finding.kind == Kind::log_tail;
    });
    std::vector<LibraryFinding> orphans;
    for (const auto& [pack, size] : listed_packs_) {
        if (!now.packs.contains(pack) && !now.removals.contains(pack)) {
            orphans.push_back({Kind::orphan_pack, pack_name(pack), "",
                               "no log names it (" + std::to_string(size) + " bytes)"});
        }
    }
    for (const auto& [stream, name] : listed_logs_) {
        if (!now.streams.contains(stream) && !named_streams_.contains(stream)) {
            orphans.push_back({Kind::orphan_log, name, "", "no library names its stream"});
        }
    }
    for (auto& orphan : orphans) {
        if (repair_ && logs_are_sound && report_.damage_left_out == 0) {
            const auto removed = co_await context_.store.remove(orphan.object);
            if (!removed && !is_refusal(removed.error())) {
                co_return removed;
            }
            orphan.repaired = removed.has_value();
            if (!removed) {
                orphan.what += "; the store does not let it go: " + removed.error().message;
            }
        }
        add(std::move(orphan));
    }
    co_return Result<void>();
}

/// A pack that the index names and the catalog does not have.
Awaitable<Result<void>> LibraryCheck::adopt_pack(PackContents pack) {
    LibraryFinding finding{Kind::pack_not_in_catalog, pack_name(pack.id), "",
                           "is named by the index log, and the catalog does not have it"};
    const auto there = co_await context_.store.head(finding.object);
    if (!there && !is_missing(there.error())) {
        co_return there.error();
    }
    if (!there || there->size != pack.size) {
        finding.what += "; nor has the store";
    } else if (repair_) {
        auto take = [this, &pack]() -> Result<void> {
            const auto stream = context_.keys.index_stream();
            TL_TRY(const auto head, archive().head(stream));
            return archive().add_packs({context_.library, std::span(&pack, 1), stream, head});
        };
        auto work = [this, take]() -> Awaitable<Result<void>> {
            auto call = take;
            co_return co_await on_disk(std::move(call));
        };
        TL_CO_CHECK(co_await context_.in_quiet(std::move(work)));
        finding.repaired = true;
    }
    add(std::move(finding));
    co_return Result<void>();
}

Awaitable<Result<void>> LibraryCheck::repair_lost() {
    for (const auto id : damaged_) {
        auto mark = [this, id]() -> Result<void> {
            const auto done = context_.catalog.set_damaged(id, true);
            return done || done.error().code == Errc::not_found ? Result<void>() : done;
        };
        TL_CO_CHECK(co_await on_disk(std::move(mark)));
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
