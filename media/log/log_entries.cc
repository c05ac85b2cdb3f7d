#include "media/log/log_entries.h"

#include <array>
#include <limits>
#include <string_view>
#include <tuple>

#include "media/log/fields.h"
#include "media/pack/pack_format.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRetainedSize = 40;
constexpr std::size_t kSegmentSize = 60;

Error corrupt(std::string_view entry, std::string_view what) {
    return {Errc::corrupt,
            "the entry \"" + std::string(entry) + "\" is damaged: " + std::string(what)};
}

constexpr std::string_view kLength = "its length does not fit what it holds";

LogEntry entry_of(LogEntryType type, FieldWriter& body) {
    return {type, body.take()};
}

std::uint32_t count_of(std::size_t size) {
    TL_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
    return static_cast<std::uint32_t>(size);
}

void put_segment(FieldWriter& body, const SegmentRecord& segment) {
    body.u32(segment.partition);
    body.u64(segment.number);
    body.u64(segment.first_object);
    body.u64(segment.first_file);
    body.u64(segment.first_byte);
    body.u64(segment.object_count);
    body.u64(segment.filemark_count);
    body.u64(segment.byte_count);
}

SegmentRecord take_segment(FieldReader& body) {
    SegmentRecord segment;
    segment.partition = body.u32();
    segment.number = body.u64();
    segment.first_object = body.u64();
    segment.first_file = body.u64();
    segment.first_byte = body.u64();
    segment.object_count = body.u64();
    segment.filemark_count = body.u64();
    segment.byte_count = body.u64();
    segment.sealed = true;
    return segment;
}

bool fits(std::uint64_t first, std::uint64_t count) {
    return first <= kLogNumberMax && count <= kLogNumberMax - first;
}

bool is_sound(const SegmentRecord& segment) {
    return segment.partition < kPartitionsMax && segment.number <= kLogNumberMax &&
           fits(segment.first_object, segment.object_count) &&
           fits(segment.first_file, segment.filemark_count) &&
           fits(segment.first_byte, segment.byte_count) && segment.object_count != 0 &&
           segment.filemark_count <= segment.object_count &&
           segment.first_file <= segment.first_object;
}

void put_chunk(FieldWriter& body, const PackedChunk& chunk) {
    body.bytes(chunk.fingerprint);
    body.u32(chunk.offset);
    body.u32(chunk.stored_length);
    body.u32(chunk.plain_length);
    body.u8(static_cast<std::uint8_t>(chunk.encoding));
    body.zeros(3);
}

/// Fails the reader where the chunk cannot be in a pack of `pack_size` bytes.
PackedChunk take_chunk(FieldReader& body, std::uint64_t pack_size) {
    PackedChunk chunk;
    chunk.fingerprint = body.array<std::tuple_size_v<Fingerprint>>();
    chunk.offset = body.u32();
    chunk.stored_length = body.u32();
    chunk.plain_length = body.u32();
    chunk.encoding = ChunkEncoding{body.u8()};
    const auto reserved = body.array<3>();
    const bool inside = chunk.offset >= layout::pack_header::kSize &&
                        std::uint64_t{chunk.offset} + chunk.stored_length <= pack_size;
    if (!is_possible(chunk) || !inside || reserved != std::array<std::uint8_t, 3>{}) {
        body.fail();
    }
    return chunk;
}

}  // namespace

LogEntry encode(const std::vector<RetainedObject>& retained) {
    FieldWriter body;
    body.u32(count_of(retained.size()));
    for (const auto& object : retained) {
        body.u64(object.sequence);
        body.bytes(object.digest);
    }
    return entry_of(LogEntryType::retained, body);
}

Result<std::vector<RetainedObject>> decode_retained(const LogEntry& entry) {
    FieldReader body(entry.body);
    std::vector<RetainedObject> retained(body.count(kRetainedSize));
    std::uint64_t before = 0;
    for (auto& object : retained) {
        object.sequence = body.u64();
        object.digest = body.array<std::tuple_size_v<Sha256>>();
        if (object.sequence <= before) {
            return corrupt("retained", "its sequence numbers do not ascend");
        }
        before = object.sequence;
    }
    if (!body.at_end()) {
        return corrupt("retained", kLength);
    }
    return retained;
}

LogEntry encode(const PackContents& added) {
    FieldWriter body;
    body.bytes(added.id);
    body.u64(added.size);
    body.u32(count_of(added.chunks.size()));
    for (const auto& chunk : added.chunks) {
        put_chunk(body, chunk);
    }
    return entry_of(LogEntryType::pack_added, body);
}

Result<PackContents> decode_pack_added(const LogEntry& entry) {
    FieldReader body(entry.body);
    PackContents pack;
    pack.id = body.array<std::tuple_size_v<PackId>>();
    pack.size = body.u64();
    pack.chunks.resize(body.count(layout::pack_entry::kSize));
    for (auto& chunk : pack.chunks) {
        chunk = take_chunk(body, pack.size);
    }
    if (!body.at_end() || pack.size > kLogNumberMax) {
        return corrupt("pack added", "it is cut off, or names a chunk that cannot be in the pack");
    }
    return pack;
}

LogEntry encode_removed(const PackId& pack) {
    return {LogEntryType::pack_removed, Bytes(pack.begin(), pack.end())};
}

LogEntry encode_writer(const WriterId& writer) {
    return {LogEntryType::writer, Bytes(writer.begin(), writer.end())};
}

Result<WriterId> decode_writer(const LogEntry& entry) {
    FieldReader body(entry.body);
    const auto writer = body.array<std::tuple_size_v<WriterId>>();
    if (!body.at_end()) {
        return corrupt("writer", kLength);
    }
    return writer;
}

Result<PackId> decode_pack_removed(const LogEntry& entry) {
    FieldReader body(entry.body);
    const auto pack = body.array<std::tuple_size_v<PackId>>();
    if (!body.at_end()) {
        return corrupt("pack removed", kLength);
    }
    return pack;
}

LogEntry encode_format(const std::vector<std::uint64_t>& capacities) {
    FieldWriter body;
    body.u32(count_of(capacities.size()));
    for (const auto capacity : capacities) {
        body.u64(capacity);
    }
    return entry_of(LogEntryType::format, body);
}

Result<std::vector<std::uint64_t>> decode_format(const LogEntry& entry) {
    FieldReader body(entry.body);
    std::vector<std::uint64_t> capacities(body.count(sizeof(std::uint64_t)));
    for (auto& capacity : capacities) {
        capacity = body.u64();
        if (capacity == 0 || capacity > kLogNumberMax) {
            return corrupt("format", "a partition has a capacity of " + std::to_string(capacity));
        }
    }
    if (!body.at_end()) {
        return corrupt("format", kLength);
    }
    if (capacities.size() > kPartitionsMax) {
        return corrupt("format", std::to_string(capacities.size()) + " partitions");
    }
    return capacities;
}

LogEntry encode(const Truncation& truncation) {
    FieldWriter body;
    body.u32(truncation.partition);
    body.u64(truncation.object);
    return entry_of(LogEntryType::truncate, body);
}

Result<Truncation> decode_truncation(const LogEntry& entry) {
    FieldReader body(entry.body);
    Truncation truncation;
    truncation.partition = body.u32();
    truncation.object = body.u64();
    if (!body.at_end()) {
        return corrupt("truncate", kLength);
    }
    if (truncation.partition >= kPartitionsMax || truncation.object > kLogNumberMax) {
        return corrupt("truncate", "there can be no such partition or object");
    }
    return truncation;
}

LogEntry encode(const AppendedSegment& appended) {
    FieldWriter body;
    body.reserve(kSegmentSize + appended.map.size());
    put_segment(body, appended.segment);
    body.bytes(appended.map);
    return entry_of(LogEntryType::append, body);
}

Result<AppendedSegment> decode_appended(const LogEntry& entry) {
    FieldReader body(entry.body);
    AppendedSegment appended;
    appended.segment = take_segment(body);
    const auto map = body.rest();
    if (body.failed() || !is_sound(appended.segment)) {
        return corrupt("append", "there can be no such segment");
    }
    appended.map.assign(map.begin(), map.end());
    return appended;
}

LogEntry encode(const std::vector<CheckpointSegment>& segments) {
    FieldWriter body;
    body.u32(count_of(segments.size()));
    for (const auto& segment : segments) {
        put_segment(body, segment.segment);
        body.u64(segment.map_sequence);
    }
    return entry_of(LogEntryType::segments, body);
}

Result<std::vector<CheckpointSegment>> decode_segments(const LogEntry& entry) {
    FieldReader body(entry.body);
    std::vector<CheckpointSegment> segments(body.count(kSegmentSize + sizeof(std::uint64_t)));
    const SegmentRecord* before = nullptr;
    for (auto& segment : segments) {
        segment.segment = take_segment(body);
        segment.map_sequence = body.u64();
        const auto& record = segment.segment;
        const bool in_order =
            before == nullptr || std::tie(before->partition, before->first_object) <
                                     std::tie(record.partition, record.first_object);
        if (!is_sound(record) || segment.map_sequence == 0 || !in_order) {
            return corrupt("segments", "there can be no such segment in this place");
        }
        before = &record;
    }
    if (!body.at_end()) {
        return corrupt("segments", kLength);
    }
    return segments;
}

LogEntry encode_cartridge_removed() {
    return {LogEntryType::removed, {}};
}

}  // namespace tapeloft::media
