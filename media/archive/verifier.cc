#include "media/archive/verifier.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cloud/base/hex.h"

#include "media/cartridge/spool_files.h"
#include "media/repository/repository.h"

namespace tapeloft::media {
namespace {

/// What a further look will not change, or not for the better.
bool is_verdict(Errc code) {
    return code == Errc::corrupt || code == Errc::io || code == Errc::invalid_argument;
}

void add_findings(const SegmentRecord& row, const DamagedObjects& objects,
                  const std::optional<ChunkLocation>& place, CartridgeVerdict& verdict) {
    if (verdict.findings.size() == CartridgeVerdict::kFindingsMax) {
        ++verdict.findings_left_out;
        return;
    }
    VerifyFinding finding;
    finding.partition = row.partition;
    finding.first_object = row.first_object + objects.first;
    finding.objects = objects.count;
    finding.what = objects.what;
    if (place) {
        finding.pack = place->pack;
        finding.offset = place->chunk.offset;
    }
    verdict.findings.push_back(std::move(finding));
}

}  // namespace

bool VerifyReport::is_damaged() const noexcept {
    return std::ranges::any_of(cartridges, &CartridgeVerdict::is_damaged);
}

Verifier::Verifier(ArchiveParts parts, SpoolContext spool)
    : parts_(std::move(parts)),
      spool_(std::move(spool)),
      fetcher_(std::make_shared<ChunkFetcher>(
          FetchContext{parts_.store, parts_.catalog, parts_.keys, parts_.disk, parts_.cpu})) {}

Awaitable<Result<CartridgeVerdict>> Verifier::run(CartridgeRecord cartridge,
                                                  VerifyOptions options) {
    CartridgeVerdict verdict;
    verdict.barcode = cartridge.barcode;
    auto look = [this, &cartridge, &options, &verdict] {
        return draw(cartridge, options, verdict);
    };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto rows, co_await run_on(std::move(disk), std::move(look)));
    TL_CO_CHECK(co_await verify_segments(cartridge, rows, verdict));
    TL_CO_CHECK(co_await conclude(cartridge, verdict));
    co_return verdict;
}

Result<std::vector<SegmentRecord>> Verifier::draw(const CartridgeRecord& cartridge,
                                                  const VerifyOptions& options,
                                                  CartridgeVerdict& verdict) {
    std::vector<SegmentRecord> drawn;
    std::vector<SegmentRecord> others;  // one of them, in case that none is drawn
    std::uint64_t met = 0;
    TL_CHECK(spool_.catalog.visit_segments(cartridge.id, [&](const SegmentRecord& row) {
        if (!row.sealed && !row.stored) {
            ++verdict.being_written;
        } else if (random_() % 100 < options.sample) {
            drawn.push_back(row);
        } else {
            ++verdict.not_drawn;
            if (random_() % ++met == 0) {
                others.assign(1, row);
            }
        }
    }));
    if (drawn.empty() && !others.empty()) {
        --verdict.not_drawn;
        return others;
    }
    return drawn;
}

Awaitable<Result<void>> Verifier::verify_segments(const CartridgeRecord& cartridge,
                                                  const std::vector<SegmentRecord>& rows,
                                                  CartridgeVerdict& verdict) {
    Batch batch;
    std::uint64_t size = 0;
    for (const auto& row : rows) {
        if (parts_.access.stopped()) {
            co_return Error{Errc::cancelled, "the archive is stopping"};
        }
        if (!row.stored) {
            TL_CO_TRY(const bool checked, co_await verify_in_spool(cartridge, row, verdict));
            if (checked) {
                continue;
            }
        }
        auto read = [this, &cartridge, &row] { return load(cartridge.id, row); };
        auto disk = parts_.disk;
        TL_CO_TRY(auto stored, co_await run_on(std::move(disk), std::move(read)));
        if (!stored) {
            continue;
        }
        const auto payload = stored->map ? stored->map->plain_bytes() : 0;
        if (size + payload > kBatch && !batch.empty()) {
            TL_CO_CHECK(co_await verify_batch(cartridge.id, std::move(batch), verdict));
            batch = Batch();
            size = 0;
        }
        size += payload;
        batch.push_back(std::move(*stored));
    }
    co_return co_await verify_batch(cartridge.id, std::move(batch), verdict);
}

/// False: it has gone to the store meanwhile, or is cut off. What was shortened meanwhile is looked
/// at once more.
Awaitable<Result<bool>> Verifier::verify_in_spool(const CartridgeRecord& cartridge,
                                                  SegmentRecord row, CartridgeVerdict& verdict) {
    TL_CO_TRY(const auto directory, cartridge_directory(spool_, cartridge));
    while (true) {
        auto check = [this, &cartridge, &row, path = directory / segment_file_name(row.number)] {
            return check_spooled_segment(spool_.files, path, row, cartridge.medium_serial);
        };
        auto cpu = parts_.cpu;
        auto judged = co_await run_on(std::move(cpu), std::move(check));
        if (!judged || !judged->damage.empty()) {
            auto ask = [this, &cartridge, &row] { return spooled_row(cartridge.id, row.number); };
            auto disk = parts_.disk;
            TL_CO_TRY(const auto now, co_await run_on(std::move(disk), std::move(ask)));
            if (!now) {
                co_return false;
            }
            if (now->object_count != row.object_count) {
                row = *now;
                continue;
            }
        }
        TL_CO_CHECK(judged);
        ++verdict.segments;
        verdict.records += judged->records;
        verdict.bytes += judged->bytes;
        for (const auto& objects : judged->damage) {
            add_findings(row, objects, std::nullopt, verdict);
        }
        co_return true;
    }
}

/// Nothing: it is not in the spool any more. Blocks.
Result<std::optional<SegmentRecord>> Verifier::spooled_row(CartridgeId id, std::uint64_t number) {
    std::optional<SegmentRecord> found;
    TL_CHECK(spool_.catalog.visit_segments(id, [&found, number](const SegmentRecord& row) {
        if (row.number == number && row.spooled) {
            found = row;
        }
    }));
    return found;
}

/// Nothing: it is cut off. Blocks.
Result<std::optional<Verifier::Stored>> Verifier::load(CartridgeId id, const SegmentRecord& row) {
    const auto encoded = parts_.catalog.segment_map(id, row.number);
    if (!encoded && encoded.error().code == Errc::not_found) {
        return std::optional<Stored>();
    }
    TL_CHECK(encoded);
    Stored stored;
    stored.row = row;
    auto map = SegmentMap::decode(*encoded);
    if (!map) {
        stored.broken = map.error().message;
        return std::optional<Stored>(std::move(stored));
    }
    stored.map = std::make_unique<SegmentMap>(std::move(map).value());
    auto plan = SegmentPlan::of(*stored.map);
    if (plan) {
        stored.plan = std::move(plan).value();
    } else {
        stored.broken = plan.error().message;
    }
    return std::optional<Stored>(std::move(stored));
}

Awaitable<Result<void>> Verifier::verify_batch(CartridgeId id, Batch batch,
                                               CartridgeVerdict& verdict) {
    if (batch.empty()) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await fetch(batch));
    auto check = [this, &batch] { return judge(batch); };
    auto cpu = parts_.cpu;
    const auto judged = co_await run_on(std::move(cpu), std::move(check));
    if (std::ranges::any_of(judged, [](const auto& each) { return !each.damage.empty(); })) {
        // A store that is not mounted would make all of it look lost.
        const auto there = co_await open_repository(parts_.store, parts_.keys);
        if (!there) {
            co_return Error{Errc::precondition, "the store does not hold this library (" +
                                                    there.error().message +
                                                    "): nothing can be said of its cartridges"};
        }
    }
    auto note = [this, id, &batch, &judged, &verdict]() -> Result<void> {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            TL_CHECK(take(id, batch[i], judged[i], verdict));
        }
        return {};
    };
    auto disk = parts_.disk;
    co_return co_await run_on(std::move(disk), std::move(note));
}

/// All chunks of the batch, each once. One that is damaged or missing is looked for a second time:
/// its pack may have been rewritten, or a bit been wrong on the way.
Awaitable<Result<void>> Verifier::fetch(const Batch& batch) {
    previous_ = std::exchange(chunks_, {});
    for (int look = 0; look < 2; ++look) {
        std::vector<ChunkRef> wanted;
        std::set<Fingerprint> listed;
        for (const auto& segment : batch) {
            if (!segment.plan) {
                continue;
            }
            for (const auto& chunk : segment.map->chunks) {
                const auto found = chunks_.find(chunk.fingerprint);
                const bool sound = found != chunks_.end() && found->second;
                if (!sound && listed.insert(chunk.fingerprint).second) {
                    wanted.push_back(chunk);
                }
            }
        }
        for (const auto& chunk : wanted) {
            chunks_.erase(chunk.fingerprint);
        }
        std::erase_if(wanted, [this](const ChunkRef& chunk) {
            const auto kept = previous_.find(chunk.fingerprint);
            return kept != previous_.end() && kept->second &&
                   kept->second->size() == chunk.plain_length &&
                   chunks_.emplace(chunk.fingerprint, kept->second).second;
        });
        auto call = [this, &wanted] { return fetch_missing(wanted); };
        TL_CO_CHECK(co_await parts_.access.until_read(std::move(call)));
        auto check = [this, &wanted] {
            check_fingerprints(wanted);
            return true;
        };
        auto cpu = parts_.cpu;
        co_await run_on(std::move(cpu), std::move(check));
    }
    previous_.clear();
    co_return Result<void>();
}

/// Those that did not come yet. Errors: what stands in the way of some of them for now.
Awaitable<Result<void>> Verifier::fetch_missing(const std::vector<ChunkRef>& wanted) {
    std::vector<ChunkRequest> requests;
    std::vector<std::pair<Fingerprint, std::shared_ptr<ChunkSlot>>> slots;
    for (const auto& chunk : wanted) {
        if (!chunks_.contains(chunk.fingerprint)) {
            auto slot = std::make_shared<ChunkSlot>();
            requests.push_back({chunk, slot});
            slots.emplace_back(chunk.fingerprint, std::move(slot));
        }
    }
    fetcher_->fetch(std::move(requests), Urgency::ahead);
    Result<void> done;
    for (auto& [fingerprint, slot] : slots) {
        co_await slot->done.wait();
        if (slot->chunk || is_verdict(slot->chunk.error().code)) {
            chunks_.insert_or_assign(fingerprint, std::move(slot->chunk));
        } else {
            done = slot->chunk.error();
        }
        slot.reset();
    }
    co_return done;
}

void Verifier::check_fingerprints(const std::vector<ChunkRef>& fetched) {
    for (const auto& wanted : fetched) {
        auto& chunk = chunks_.at(wanted.fingerprint);
        if (chunk && parts_.keys.fingerprint(chunk->view()) != wanted.fingerprint) {
            chunk = Error{Errc::corrupt, "it holds another chunk than the index says"};
        }
    }
}

std::vector<SegmentVerdict> Verifier::judge(const Batch& batch) const {
    std::vector<SegmentVerdict> judged;
    for (const auto& segment : batch) {
        if (!segment.plan) {
            judged.emplace_back().add_damage({0, segment.row.object_count, std::nullopt,
                                              "its segment map is damaged: " + segment.broken});
            continue;
        }
        std::vector<const Result<Buffer>*> chunks;
        for (const auto& chunk : segment.map->chunks) {
            chunks.push_back(&chunks_.at(chunk.fingerprint));
        }
        judged.push_back(
            check_stored_segment(*segment.map, *segment.plan, segment.row.object_count, chunks));
    }
    return judged;
}

/// Blocks.
Result<void> Verifier::take(CartridgeId id, const Stored& segment, const SegmentVerdict& judged,
                            CartridgeVerdict& verdict) {
    if (!judged.damage.empty()) {
        const auto still = parts_.catalog.segment_map(id, segment.row.number);
        if (!still && still.error().code == Errc::not_found) {
            return {};  // cut off meanwhile, and perhaps collected
        }
        TL_CHECK(still);
    }
    ++verdict.segments;
    verdict.records += judged.records;
    verdict.bytes += judged.bytes;
    for (const auto& objects : judged.damage) {
        std::optional<ChunkLocation> place;
        if (objects.chunk) {
            TL_TRY(place, blame(segment.map->chunks[*objects.chunk]));
        }
        add_findings(segment.row, objects, place, verdict);
    }
    return {};
}

/// The pack that the chunk should be in, which nothing new is to refer to. Blocks.
Result<std::optional<ChunkLocation>> Verifier::blame(const ChunkRef& chunk) {
    TL_TRY(const auto found, parts_.catalog.locate_chunks(std::span(&chunk.fingerprint, 1)));
    if (found.front()) {
        TL_CHECK(parts_.catalog.set_distrusted(found.front()->pack, true));
    }
    return found.front();
}

Awaitable<Result<void>> Verifier::conclude(const CartridgeRecord& cartridge,
                                           const CartridgeVerdict& verdict) {
    if (verdict.is_damaged()) {
        const auto& first = verdict.findings.front();
        spool_.events.error(
            "verify", "A cartridge is damaged: part of it cannot be read any more.",
            {{"cartridge", cartridge.barcode},
             {"findings", std::to_string(verdict.findings.size() + verdict.findings_left_out)},
             {"partition", std::to_string(first.partition)},
             {"first_object", std::to_string(first.first_object)},
             {"objects", std::to_string(first.objects)},
             {"pack", first.pack ? to_hex(*first.pack) : "-"},
             {"reason", first.what}});
    } else {
        spool_.events.info(
            "verify", "A cartridge was read back and found sound.",
            {{"cartridge", cartridge.barcode},
             {"segments", std::to_string(verdict.segments)},
             {"not_read", std::to_string(verdict.not_drawn + verdict.being_written)}});
    }
    if (!verdict.is_damaged() && !verdict.is_whole()) {
        co_return Result<void>();
    }
    auto mark = [this, id = cartridge.id, damaged = verdict.is_damaged()]() -> Result<void> {
        const auto record = spool_.catalog.cartridge(id);
        if (!record) {  // deleted meanwhile
            return record.error().code == Errc::not_found ? Result<void>() : record.error();
        }
        return record->damaged == damaged ? Result<void>()
                                          : spool_.catalog.set_damaged(id, damaged);
    };
    auto disk = parts_.disk;
    co_return co_await run_on(std::move(disk), std::move(mark));
}

}  // namespace tapeloft::media
