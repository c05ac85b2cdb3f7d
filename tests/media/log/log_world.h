// What tests of log streams start from: a store, a key, one stream, and hands in the store.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/memory_store.h"

#include "media/log/fields.h"
#include "media/log/log_entries.h"
#include "media/log/log_stream.h"
#include "media/segment/object_runs.h"

#include "tests/cloud/store/store_world.h"
#include "tests/media/counting_bytes.h"

namespace tapeloft::media {

inline KeyRing test_keys() {
    return {SecretKey(counting<std::array<std::uint8_t, 32>>(0)), counting<RepositoryId>(0x40)};
}

struct MapRun {
    RunKind kind = RunKind::records;
    std::uint32_t length = 0;
    std::uint32_t count = 0;
};

/// An encoded segment map of these runs, without chunks.
inline Bytes map_of_runs(const std::vector<MapRun>& runs) {
    FieldWriter map;
    map.u32(static_cast<std::uint32_t>(runs.size()));
    for (const auto& run : runs) {
        map.u8(static_cast<std::uint8_t>(run.kind));
        map.u32(run.length);
        map.u32(run.count);
    }
    map.zeros(5 * sizeof(std::uint32_t));
    return map.take();
}

/// A segment of `records` records of 1000 bytes, then one filemark.
inline AppendedSegment file_segment(std::uint64_t number, std::uint64_t first_object,
                                    std::uint64_t first_file, std::uint32_t records) {
    AppendedSegment appended;
    auto& segment = appended.segment;
    segment.number = number;
    segment.first_object = first_object;
    segment.first_file = first_file;
    segment.object_count = records + 1;
    segment.filemark_count = 1;
    segment.byte_count = records * 1000 + kFilemarkCost;
    segment.sealed = true;
    appended.map = map_of_runs({{RunKind::records, 1000, records}, {RunKind::filemarks, 0, 1}});
    return appended;
}

inline CartridgeState test_state(const std::string& barcode = "TL0001L9") {
    CartridgeState state;
    auto& record = state.record;
    record.barcode = barcode;
    record.generation = "L9";
    record.medium_serial = "S" + barcode;
    record.capacity = 18'000'000'000'000;
    record.worm = true;
    record.element = {ElementKind::drive, 3};
    record.source = Element{ElementKind::storage, 17};
    record.created_unix_s = 1'790'000'000;
    record.load_count = 5;
    record.bytes_written = 123'456'789;
    record.bytes_read = 42;
    state.values = {{"mam/0x0800", {1, 2, 3, 4}}, {"empty", {}}, {"one", {0xFF}}};
    return state;
}

inline PackContents test_pack(std::uint8_t id, std::vector<std::uint8_t> chunks) {
    PackContents pack;
    pack.id.fill(id);
    std::uint32_t offset = 32;
    for (const auto chunk : chunks) {
        PackedChunk packed;
        packed.fingerprint.fill(chunk);
        packed.offset = offset;
        packed.plain_length = 1000;
        packed.stored_length = 1016;
        offset += packed.stored_length;
        pack.chunks.push_back(packed);
    }
    pack.size = offset + 100;
    return pack;
}

class LogWorld {
  public:
    LogWorld() : keys(test_keys()), stream(counting<StreamId>(0x80)) {}

    template <typename T>
    T run(Awaitable<T> awaitable) {
        return loop.run(std::move(awaitable));
    }

    /// Appends through a writer that stands where the last one ended.
    Result<void> append(LogKind kind, std::vector<LogEntry> entries) {
        LogWriter writer(*store, keys, stream, head);
        auto result = run(writer.append(kind, std::move(entries)));
        head = writer.head();
        return result;
    }
    /// Objects that are alike, save their number.
    void append_many(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_TRUE(append(LogKind::delta, {encode(Truncation{0, head.sequence})}));
        }
    }
    /// A checkpoint that keeps the objects with these sequences.
    void append_checkpoint(const std::vector<std::uint64_t>& sequences) {
        std::vector<RetainedObject> retained;
        for (const auto sequence : sequences) {
            retained.push_back({sequence, sha256(bytes_of(log_name(stream, sequence)))});
        }
        ASSERT_TRUE(append(LogKind::checkpoint, {encode(retained)}));
    }

    Result<LogContents> read(std::optional<StreamHead> known = std::nullopt) {
        return run(read_log(*store, keys, stream, known));
    }
    Result<LogTail> adopt(const StreamHead& known) {
        return run(adopt_log_tail(*store, keys, stream, known));
    }

    [[nodiscard]] std::string name(std::uint64_t sequence) const {
        return log_name(stream, sequence);
    }
    [[nodiscard]] Bytes bytes_of(const std::string& object) const {
        const auto objects = memory->objects();
        const auto view = objects.at(object).view();
        return {view.begin(), view.end()};
    }
    void set(const std::string& object, const Bytes& bytes) {
        auto objects = memory->objects();
        objects[object] = Buffer::copy_of(bytes);
        memory->set_objects(std::move(objects));
    }
    void remove(const std::string& object) {
        auto objects = memory->objects();
        objects.erase(object);
        memory->set_objects(std::move(objects));
    }

    std::shared_ptr<MemoryStore> memory = std::make_shared<MemoryStore>();
    std::shared_ptr<ObjectStore> store = memory;  ///< what is written to and read from
    tests::StoreLoop loop;
    KeyRing keys;
    StreamId stream;
    StreamHead head;  ///< as a catalog knows it
};

/// Sequences of what was read: retained, checkpoint, deltas.
inline std::vector<std::uint64_t> sequences_of(const LogContents& log) {
    std::vector<std::uint64_t> sequences;
    for (const auto& at : log.retained) {
        sequences.push_back(at.object.sequence);
    }
    if (log.checkpoint) {
        sequences.push_back(log.checkpoint->object.sequence);
    }
    for (const auto& at : log.deltas) {
        sequences.push_back(at.object.sequence);
    }
    return sequences;
}

}  // namespace tapeloft::media
