#include "media/archive/stored_tape_reader.h"

#include <algorithm>

#include <boost/asio/post.hpp>

namespace tapeloft::media {
namespace {

/// Chunks are asked for in lots, so that neighbours in a pack come in one request.
std::uint64_t lot_of(const RecallLimits& limits) {
    return limits.ahead / 4;
}

/// What the next look may find elsewhere: a pack that was rewritten meanwhile, or a byte that was
/// wrong on the way only.
bool is_worth_another_look(const Error& error) {
    return error.code == Errc::corrupt;
}

}  // namespace

StoredTapeReader::StoredTapeReader(RecallContext context, std::shared_ptr<ChunkFetcher> fetcher,
                                   std::shared_ptr<KnownDamage> damage, CartridgeId cartridge)
    : context_(std::move(context)),
      fetcher_(std::move(fetcher)),
      damage_(std::move(damage)),
      cartridge_(cartridge),
      window_(context_.limits.ahead, context_.limits.recent) {}

Awaitable<Result<std::shared_ptr<const ObjectRuns>>> StoredTapeReader::runs(std::uint64_t segment) {
    TL_CO_TRY(const auto map, co_await map_of(segment));
    co_return std::shared_ptr<const ObjectRuns>(map, &map->map.runs);
}

Awaitable<Result<StoredRecord>> StoredTapeReader::read(std::uint64_t segment, std::uint64_t object,
                                                       std::vector<std::uint64_t> following) {
    auto record = co_await read_record(segment, object, std::move(following));
    if (!record && record.error().code == Errc::corrupt) {
        auto what = "object " + std::to_string(object) + " of segment " + std::to_string(segment) +
                    " cannot be read from the store: " + record.error().message;
        if (context_.on_damage) {
            context_.on_damage(cartridge_, segment, object, what);
        }
        co_return Error{Errc::corrupt, std::move(what)};
    }
    if (!record && record.error().code == Errc::busy && context_.on_archived) {
        context_.on_archived(cartridge_);
    }
    co_return record;
}

void StoredTapeReader::forget() {
    maps_.clear();
    window_.clear();
    next_ = {};
    expected_ = 0;
}

/// What is wrong with a map or a chunk is told when it is read.
Awaitable<void> StoredTapeReader::expect(std::uint64_t segment, std::uint64_t object,
                                         std::uint64_t records,
                                         std::vector<std::uint64_t> following) {
    expected_ = 0;
    auto left = records;
    bool first = true;
    bool fits = true;
    std::vector<ChunkRequest> requests;
    following.insert(following.begin(), segment);
    for (auto at = following.begin(); at != following.end() && left > 0 && fits; ++at) {
        const auto map = co_await map_of(*at);
        if (!map) {
            break;
        }
        const auto& [contents, plan] = **map;
        const auto& runs = contents.runs;
        if (first && (object >= runs.objects() || runs.place(object).kind != RunKind::records)) {
            break;
        }
        const auto number = first ? plan.record_of_object(object) : 0;
        const auto count = std::min<std::uint64_t>(left, plan.records() - number);
        if (count > 0) {
            const auto begin = plan.record(number).payload_offset;
            const auto last = plan.record(number + static_cast<std::uint32_t>(count) - 1);
            const auto length = last.payload_offset + last.payload_length - begin;
            for (const auto& slice : plan.slices(begin, static_cast<std::uint32_t>(length))) {
                const ChunkPlace place{*at, slice.chunk};
                if (std::exchange(first, false)) {
                    window_.move_to(place);
                }
                fits = fits && append(place, contents.chunks[slice.chunk], requests);
            }
        }
        first = false;
        left -= count;
    }
    expected_ = fits ? records - left : 0;
    if (!requests.empty()) {
        fetcher_->fetch(std::move(requests), Urgency::now);
    }
}

/// False: there is no room for it.
bool StoredTapeReader::append(ChunkPlace place, const ChunkRef& ref,
                              std::vector<ChunkRequest>& requests) {
    if (window_.holds(place)) {
        return true;
    }
    if (!window_.has_room(ref.plain_length)) {
        return false;
    }
    auto slot = window_.find(ref.fingerprint);
    if (!slot) {
        slot = window_.make(ref.fingerprint);
        if (auto damage = damage_->find(ref.fingerprint)) {
            slot->chunk = *std::move(damage);
            slot->done.set();
        } else {
            requests.push_back({ref, slot});
        }
    }
    window_.append(place, ref.plain_length, std::move(slot));
    return true;
}

Awaitable<Result<std::vector<RecordCut>>> StoredTapeReader::cuts(std::uint64_t segment) {
    TL_CO_TRY(const auto map, co_await map_of(segment));
    std::vector<RecordCut> cuts;
    for (std::size_t chunk = map->map.skip > 0 ? 1 : 0; chunk < map->map.chunks.size(); ++chunk) {
        if (const auto cut = map->plan.begin_of(chunk)) {
            cuts.push_back(*cut);
        }
    }
    co_return cuts;
}

Awaitable<Result<StoredRecord>> StoredTapeReader::read_record(
    std::uint64_t segment, std::uint64_t object, std::vector<std::uint64_t> following) {
    TL_CO_TRY(const auto map, co_await map_of(segment));
    const auto& runs = map->map.runs;
    if (object >= runs.objects() || runs.place(object).kind != RunKind::records) {
        co_return Error{Errc::corrupt, "its segment map has no such record"};
    }
    const auto number = map->plan.record_of_object(object);
    const auto source = map->plan.record(number);
    const auto slices = map->plan.slices(source.payload_offset, source.payload_length);
    if (slices.empty()) {
        reads_on(segment, number);
        co_return put_together(source, {});
    }
    window_.move_to({segment, slices.front().chunk});
    const bool goes_on = reads_on(segment, number) || !following.empty();
    const bool expected = expected_ > 0;
    expected_ -= expected ? 1 : 0;
    TL_CO_CHECK(check_known_damage(*map, slices, {segment, number}));
    auto parts = begin_parts(*map, slices);
    if (!expected && goes_on) {
        following.insert(following.begin(), segment);
        read_ahead({segment, slices.front().chunk}, std::move(following));
    }
    auto fetched = co_await wait_for(parts);
    if (!fetched && is_worth_another_look(fetched.error())) {
        parts = begin_parts(*map, slices);
        fetched = co_await wait_for(parts);
        note_damage(*map, parts, {segment, number});
    }
    TL_CO_CHECK(std::move(fetched));
    co_return put_together(source, parts);
}

/// A damaged chunk is not fetched again for each record in it, but for the one that found it.
Result<void> StoredTapeReader::check_known_damage(const LoadedMap& map,
                                                  const std::vector<ChunkSlice>& slices,
                                                  RecordPlace reading) {
    damage_->look_again({cartridge_, reading.first, reading.second});
    for (const auto& slice : slices) {
        if (auto damage = damage_->find(map.map.chunks[slice.chunk].fingerprint)) {
            return *std::move(damage);
        }
    }
    return {};
}

void StoredTapeReader::note_damage(const LoadedMap& map, const Parts& parts, RecordPlace reading) {
    for (const auto& [slice, slot] : parts) {
        if (!slot->done.is_set() || slot->chunk || slot->chunk.error().code != Errc::corrupt) {
            continue;
        }
        damage_->note(map.map.chunks[slice.chunk].fingerprint, slot->chunk.error(),
                      {cartridge_, reading.first, reading.second});
    }
}

/// Whether the record stands right behind the one that was read last; it is then the last one.
bool StoredTapeReader::reads_on(std::uint64_t segment, std::uint32_t record) noexcept {
    const bool behind_the_last = next_ == std::pair(segment, record);
    next_ = {segment, record + 1};
    return behind_the_last;
}

StoredTapeReader::Parts StoredTapeReader::begin_parts(const LoadedMap& map,
                                                      const std::vector<ChunkSlice>& slices) {
    Parts parts;
    parts.reserve(slices.size());
    std::vector<ChunkRequest> requests;
    for (const auto& slice : slices) {
        const auto& ref = map.map.chunks[slice.chunk];
        auto slot = window_.find(ref.fingerprint);
        if (!slot) {
            slot = window_.make(ref.fingerprint);
            requests.push_back({ref, slot});
        }
        window_.keep(ref.plain_length, slot);
        parts.push_back({slice, std::move(slot)});
    }
    if (!requests.empty()) {
        fetcher_->fetch(std::move(requests), Urgency::now);
    }
    return parts;
}

/// The first error, in the order of the tape.
Awaitable<Result<void>> StoredTapeReader::wait_for(const Parts& parts) {
    for (const auto& part : parts) {
        if (!part.slot->done.is_set()) {
            co_await part.slot->done.wait();
        }
        TL_CO_CHECK(part.slot->chunk);
    }
    co_return Result<void>();
}

/// from: the first chunk of the record, which the next record may share; so the window begins with
/// it. order: the segment that is read, and those behind it.
void StoredTapeReader::read_ahead(ChunkPlace from, std::vector<std::uint64_t> order) {
    auto place = from;
    if (!window_.empty()) {
        place = {window_.back().segment, window_.back().chunk + 1};
    }
    while (window_.has_room(lot_of(context_.limits))) {
        std::vector<ChunkRequest> requests;
        std::uint64_t lot = 0;
        Map map;
        while (lot < lot_of(context_.limits) && next_place(place, order, map)) {
            const auto& ref = map->map.chunks[place.chunk];
            if (!append(place, ref, requests)) {
                break;
            }
            lot += ref.plain_length;
            ++place.chunk;
        }
        if (!requests.empty()) {
            fetcher_->fetch(std::move(requests), Urgency::ahead);
        }
        if (lot == 0) {
            return;
        }
    }
}

/// Goes on to the next segment that has chunks where `place` is behind those of its own. False:
/// there is no such one, or its map is not there yet (it is being loaded).
bool StoredTapeReader::next_place(ChunkPlace& place, const std::vector<std::uint64_t>& order,
                                  Map& map) {
    auto segment = std::find(order.begin(), order.end(), place.segment);
    while (segment != order.end()) {
        const auto slot = begin_map(*segment);
        if (!slot->done.is_set() || !slot->map) {
            return false;
        }
        map = *slot->map;
        if (place.segment != *segment) {
            place = {*segment, 0};
        }
        if (place.chunk < map->map.chunks.size()) {
            return true;
        }
        ++segment;
    }
    return false;
}

/// A payload that lies in one chunk and is the record is not copied.
Result<StoredRecord> StoredTapeReader::put_together(const RecordSource& source,
                                                    const Parts& parts) {
    StoredRecord record;
    record.encoding = source.encoding;
    record.crc = source.crc;
    if (source.framing == RecordFraming::none && parts.size() == 1) {
        const auto& [slice, slot] = parts.front();
        record.bytes = slot->chunk->slice(slice.offset, slice.length);
        TL_CHECK(check_record(source, record.bytes.view()));
        return record;
    }
    record.bytes = Buffer::allocate(source.length);
    const auto payload = record.bytes.mutable_view().subspan(payload_place(source));
    std::size_t at = 0;
    for (const auto& [slice, slot] : parts) {
        const auto part = slot->chunk->view().subspan(slice.offset, slice.length);
        std::copy(part.begin(), part.end(), payload.subspan(at).begin());
        at += part.size();
    }
    TL_CHECK(assemble_record(source, payload.first(at), record.bytes.mutable_view()));
    return record;
}

Result<StoredTapeReader::Map> StoredTapeReader::load_map(ArchiveCatalog& catalog,
                                                         CartridgeId cartridge,
                                                         std::uint64_t segment) {
    TL_TRY(const auto bytes, catalog.segment_map(cartridge, segment));
    auto loaded = std::make_shared<LoadedMap>();
    TL_TRY(loaded->map, SegmentMap::decode(bytes));
    TL_TRY(loaded->plan, SegmentPlan::of(loaded->map));
    return Map(std::move(loaded));
}

std::shared_ptr<StoredTapeReader::MapSlot> StoredTapeReader::begin_map(std::uint64_t segment) {
    const auto found = std::find_if(maps_.begin(), maps_.end(), [segment](const auto& entry) {
        return entry.first == segment;
    });
    if (found != maps_.end()) {
        maps_.splice(maps_.begin(), maps_, found);
        return found->second;
    }
    auto slot = std::make_shared<MapSlot>();
    maps_.emplace_front(segment, slot);
    if (maps_.size() > kMapsMax) {
        maps_.pop_back();
    }
    boost::asio::post(context_.disk,
                      [slot, &catalog = context_.catalog, cartridge = cartridge_, segment] {
                          slot->map = load_map(catalog, cartridge, segment);
                          slot->done.set();
                      });
    return slot;
}

/// An error of an earlier try, which may be one of a read-ahead, is not kept.
Awaitable<Result<StoredTapeReader::Map>> StoredTapeReader::map_of(std::uint64_t segment) {
    auto slot = begin_map(segment);
    if (slot->done.is_set() && !slot->map) {
        maps_.pop_front();
        slot = begin_map(segment);
    }
    if (!slot->done.is_set()) {
        co_await slot->done.wait();
    }
    co_return slot->map;
}

}  // namespace tapeloft::media
