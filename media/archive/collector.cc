#include "media/archive/collector.h"

#include <optional>
#include <utility>

#include "media/log/log_object.h"
#include "media/pack/pack_reader.h"
#include "media/pack/pack_writer.h"
#include "media/repository/repository.h"

namespace tapeloft::media {
namespace {

/// Of this one, where others may go: a legal hold, keys that may not delete, a delete marker.
bool is_of_the_pack(const Error& error) {
    return error.code == Errc::denied || error.code == Errc::corrupt;
}

constexpr std::size_t kMapsAtOnce = 256;  // in one transaction, so that drives do not wait long

/// About what the objects of the log take that a rewritten pack costs; one that frees no more does
/// not pay, as one whose header and index are most of it.
constexpr std::uint64_t kRewriteCost = 4096;

/// Where packs are of whole steps, a new one of as many as the old one would gain nothing. A 64th
/// is for header and index.
bool worth_rewriting(const PackRecord& pack, const CollectOptions& options, std::uint64_t step) {
    if (pack.live_bytes == 0 || pack.live_bytes * 100 >= pack.size * options.rewrite_below ||
        pack.size - pack.live_bytes <= kRewriteCost) {
        return false;
    }
    const auto steps = (pack.live_bytes + pack.live_bytes / 64 + step - 1) / step;
    return step == 1 || steps * step < pack.size;
}

}  // namespace

Awaitable<Result<CollectReport>> Collector::run(CollectOptions options, std::int64_t now_unix_s) {
    CollectReport report;
    if (!options.dry_run) {
        TL_CO_CHECK(co_await finish_removals(report));
    }
    TL_CO_CHECK(co_await drop_dead_maps());
    if (!options.dry_run) {
        TL_CO_CHECK(co_await remove_ended_streams());
    }
    auto ask = [this] { return parts_.catalog.packs(library_); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto packs, co_await run_on(std::move(disk), std::move(ask)));
    for (const auto& pack : packs) {
        ++report.packs;
        report.pack_bytes += pack.size;
        TL_CO_CHECK(co_await judge(pack, options, now_unix_s, report));
    }
    co_return report;
}

/// One transaction after the other: the references of what hosts cut off.
Awaitable<Result<void>> Collector::drop_dead_maps() {
    std::size_t dropped = kMapsAtOnce;
    while (dropped == kMapsAtOnce && !parts_.access.stopped()) {
        auto drop = [this] { return parts_.catalog.drop_dead_maps(library_, kMapsAtOnce); };
        auto disk = parts_.disk;
        TL_CO_TRY(dropped, co_await run_on(std::move(disk), std::move(drop)));
    }
    co_return Result<void>();
}

Awaitable<Result<void>> Collector::judge(const PackRecord& pack, const CollectOptions& options,
                                         std::int64_t now, CollectReport& report) {
    const bool dead = pack.live_bytes == 0;
    const bool due =
        dead && pack.condemned_unix_s && now - *pack.condemned_unix_s >= options.grace.count();
    if (due) {
        TL_CO_TRY(const bool retained, co_await is_retained(pack.id, report));
        if (retained) {
            report.retained_bytes += pack.size;
            co_return Result<void>();
        }
        if (!options.dry_run) {
            TL_CO_TRY(const bool begun, co_await begin_removal(pack.id));
            if (!begun) {
                co_return Result<void>();
            }
            TL_CO_TRY(const bool removed, co_await remove(pack.id, report));
            if (!removed) {
                co_return Result<void>();
            }
        }
        ++report.removed;
        report.removed_bytes += pack.size;
        co_return Result<void>();
    }
    bool condemned = dead;
    const auto step = parts_.store.capabilities().object_step;
    // One that is archived would have to be recalled to be rewritten, which costs more than it
    // saves.
    const bool readable = !parts_.store.recall_time(kPackPrefix);
    if (readable && !pack.distrusted && worth_rewriting(pack, options, step)) {
        if (options.dry_run) {
            ++report.rewritten;
            report.rewritten_bytes += pack.live_bytes;
            condemned = true;
        } else {
            TL_CO_TRY(condemned, co_await rewrite(pack.id, report));
        }
    }
    if (!condemned) {
        co_return Result<void>();
    }
    ++report.condemned;
    report.condemned_bytes += pack.size;
    if (!options.dry_run && !pack.condemned_unix_s) {
        auto condemn = [this, id = pack.id, now]() -> Result<void> {
            auto done = parts_.catalog.condemn(id, now);
            const bool in_use = !done && done.error().code == Errc::precondition;
            return in_use ? Result<void>() : done;  // something refers to it again: it lives
        };
        auto disk = parts_.disk;
        TL_CO_CHECK(co_await run_on(std::move(disk), std::move(condemn)));
    }
    co_return Result<void>();
}

/// The living chunks go into a new pack, where they are found from then on; false: the pack cannot
/// be read. Nothing is archived meanwhile, so that the index log has one writer.
Awaitable<Result<bool>> Collector::rewrite(PackId pack, CollectReport& report) {
    bool rewritten = false;
    auto work = [this, pack, &report, &rewritten]() -> Awaitable<Result<void>> {
        return copy_living(pack, report, rewritten);
    };
    TL_CO_CHECK(co_await archiver_.in_quiet(std::move(work)));
    co_return rewritten;
}

Awaitable<Result<void>> Collector::copy_living(PackId pack, CollectReport& report,
                                               bool& rewritten) {
    auto ask = [this, pack] { return parts_.catalog.live_chunks(pack); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto chunks, co_await run_on(std::move(disk), std::move(ask)));
    std::optional<PackWriter::Pack> made;
    const auto copied = co_await copy_chunks(pack, chunks, made);
    if (!copied && (copied.error().code == Errc::io || copied.error().code == Errc::busy)) {
        parts_.events.warning("archive", "A pack cannot be read for now; it is not rewritten.",
                              {{"pack", pack_name(pack)}, {"reason", copied.error().message}});
        co_return Result<void>();
    }
    TL_CO_CHECK(copied);
    if (!made) {
        ++report.unreadable;
        parts_.events.error("archive",
                            "A pack is missing or damaged; what is in it cannot be read.",
                            {{"pack", pack_name(pack)}});
        auto distrust = [this, pack] { return parts_.catalog.set_distrusted(pack, true); };
        disk = parts_.disk;
        co_return co_await run_on(std::move(disk), std::move(distrust));
    }
    auto put = [this, &made] {
        return parts_.store.put(pack_name(made->contents.id), made->object, {});
    };
    TL_CO_CHECK(co_await parts_.access.until_done(std::move(put)));
    for (const auto& chunk : made->contents.chunks) {
        report.rewritten_bytes += chunk.stored_length;
    }
    std::vector<PackContents> packs;
    packs.push_back(std::move(made->contents));
    TL_CO_CHECK(co_await log_.add_packs(std::move(packs)));
    ++report.rewritten;
    rewritten = true;
    co_return Result<void>();
}

/// Nothing is made where the pack is missing or damaged, twice, in a store that does hold this
/// library.
Awaitable<Result<void>> Collector::copy_chunks(PackId pack, const std::vector<PackedChunk>& chunks,
                                               std::optional<PackWriter::Pack>& made) {
    for (int look = 0; look < 2; ++look) {
        auto is_sound = [this, &pack, &chunks](ByteView object) {
            return reseal(pack, chunks, object).has_value();
        };
        // No co_await within "?:": GCC 12 destroys what it gives twice.
        auto call = look == 0 ? parts_.store.get(pack_name(pack), {})
                              : parts_.store.get_sound(pack_name(pack), {}, std::move(is_sound));
        const auto object = co_await std::move(call);
        const auto why = object ? Errc::corrupt : object.error().code;
        if (why != Errc::not_found && why != Errc::corrupt) {
            co_return object.error();
        }
        if (object) {
            auto copy = [this, pack, &chunks, &object]() -> Result<PackWriter::Pack> {
                return reseal(pack, chunks, object->view());
            };
            auto cpu = parts_.cpu;
            auto copied = co_await run_on(std::move(cpu), std::move(copy));
            if (copied) {
                made = std::move(copied).value();
                co_return Result<void>();
            }
        }
    }
    const auto there = co_await open_repository(parts_.store, parts_.keys);
    if (!there) {
        co_return Error{Errc::transient,
                        "the store does not hold this library: " + there.error().message};
    }
    co_return Result<void>();
}

/// Every chunk is checked on the way.
Result<PackWriter::Pack> Collector::reseal(const PackId& pack,
                                           const std::vector<PackedChunk>& chunks,
                                           ByteView object) const {
    const auto key = parts_.keys.pack_key(pack);
    const auto step = parts_.store.capabilities().object_step;
    const auto capacity = (object.size() + step - 1) / step * step;
    TL_TRY(auto writer, PackWriter::begin(parts_.keys, Buffer::allocate(capacity), step));
    SampleTrend trend;
    for (const auto& chunk : chunks) {
        if (chunk.offset > object.size() || chunk.stored_length > object.size() - chunk.offset) {
            return Error{Errc::corrupt, "the pack is shorter than it was"};
        }
        TL_TRY(auto plain, open_and_check_chunk(parts_.keys, key, chunk,
                                                object.subspan(chunk.offset, chunk.stored_length)));
        writer.add(
            encode_chunk(chunk.fingerprint, std::move(plain), parts_.compression_level, trend));
    }
    return std::move(writer).finish();
}

Awaitable<Result<bool>> Collector::begin_removal(PackId pack) {
    bool begun = false;
    auto decide = [this, pack, &begun]() -> Awaitable<Result<void>> {
        return decide_removal(pack, begun);
    };
    TL_CO_CHECK(co_await archiver_.in_quiet(std::move(decide)));
    co_return begun;
}

Awaitable<Result<void>> Collector::decide_removal(PackId pack, bool& begun) {
    auto ask = [this, pack] { return parts_.catalog.begin_removal(pack); };
    auto disk = parts_.disk;
    TL_CO_TRY(begun, co_await run_on(std::move(disk), std::move(ask)));
    co_return Result<void>();
}

/// It stays for now: a locked bucket keeps what it was given for its time, whoever asks. Not before
/// that is anything begun.
Awaitable<Result<bool>> Collector::is_retained(PackId pack, CollectReport& report) {
    Result<std::optional<std::int64_t>> until = std::optional<std::int64_t>();
    auto ask = [this, pack, &until]() -> Awaitable<Result<void>> {
        until = co_await parts_.store.retained_until(pack_name(pack));
        co_return until || is_of_the_pack(until.error()) ? Result<void>() : until.error();
    };
    TL_CO_CHECK(co_await parts_.access.until_read(std::move(ask)));
    if (!until) {
        note_refused(pack, until.error(), report);
        co_return true;
    }
    if (*until) {
        ++report.retained;
        report.retained_until_unix_s =
            std::min(report.retained_until_unix_s.value_or(**until), **until);
    }
    co_return until->has_value();
}

/// begin_removal() was true: the index log says so, then the pack goes, then the catalog forgets
/// it. False: the store does not let it go; others may.
Awaitable<Result<bool>> Collector::remove(PackId pack, CollectReport& report) {
    if (!staying_.logged.contains(pack)) {
        auto note = [this, pack] { return log_.remove_pack(pack); };
        TL_CO_CHECK(co_await archiver_.in_quiet(std::move(note)));
        staying_.logged.insert(pack);
    }
    Result<void> removed;
    auto away = [this, pack, &removed]() -> Awaitable<Result<void>> {
        removed = co_await parts_.store.remove(pack_name(pack));
        co_return removed || is_of_the_pack(removed.error()) ? Result<void>() : removed.error();
    };
    TL_CO_CHECK(co_await parts_.access.until_read(std::move(away)));
    if (!removed) {
        note_refused(pack, removed.error(), report);
        co_return false;
    }
    auto forget = [this, pack] { return parts_.catalog.end_removal(pack); };
    auto disk = parts_.disk;
    TL_CO_CHECK(co_await run_on(std::move(disk), std::move(forget)));
    staying_.logged.erase(pack);
    staying_.refused.erase(pack);
    co_return true;
}

void Collector::note_refused(PackId pack, const Error& why, CollectReport& report) {
    ++report.refused;
    report.refusal = why.message;
    if (staying_.refused.insert(pack).second) {
        parts_.events.warning("archive",
                              "The store does not let a pack go that nothing needs; it is paid for "
                              "until it does. Each gc tries again.",
                              {{"pack", pack_name(pack)}, {"reason", why.message}});
    }
}

/// The logs of cartridges that were removed.
Awaitable<Result<void>> Collector::remove_ended_streams() {
    auto ask = [this] { return parts_.catalog.ended_streams(library_); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto streams, co_await run_on(std::move(disk), std::move(ask)));
    for (const auto& ended : streams) {
        auto remove = [this, ended] { return log_.remove_stream(ended); };
        TL_CO_CHECK(co_await archiver_.in_quiet(std::move(remove)));
    }
    co_return Result<void>();
}

/// What an earlier run began.
Awaitable<Result<void>> Collector::finish_removals(CollectReport& report) {
    auto ask = [this] { return parts_.catalog.removals(library_); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto packs, co_await run_on(std::move(disk), std::move(ask)));
    for (const auto& pack : packs) {
        TL_CO_TRY(const bool retained, co_await is_retained(pack, report));
        if (!retained) {
            TL_CO_CHECK(co_await remove(pack, report));
        }
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
