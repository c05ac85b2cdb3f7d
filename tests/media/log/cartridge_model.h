// A cartridge in the plainest form, object by object: what a replay of its log must come to.
#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "media/cartridge/block_io.h"
#include "media/log/replay.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {

class CartridgeModel {
  public:
    struct Object {
        bool filemark = false;
        std::uint64_t bytes = 0;
    };
    struct Segment {
        std::uint64_t number = 0;
        std::vector<Object> objects;
        Bytes map;
        std::uint64_t first_byte = 0;
    };

    CartridgeState state = test_state();
    std::vector<std::uint64_t> capacities;
    std::array<std::vector<Segment>, kPartitionsMax> partitions;
    bool removed = false;
    std::uint64_t next_number = 1;

    [[nodiscard]] std::uint32_t partition_count() const {
        return static_cast<std::uint32_t>(std::max<std::size_t>(capacities.size(), 1));
    }
    [[nodiscard]] std::uint64_t end(std::uint32_t partition) const {
        std::uint64_t objects = 0;
        for (const auto& segment : partitions[partition]) {
            objects += segment.objects.size();
        }
        return objects;
    }

    LogEntry change_state(std::mt19937_64& random) {
        state.record.load_count = random() % 1000;
        state.record.write_protected = random() % 2 == 0;
        state.values = {{"v", Bytes(random() % 5, 7)}};
        return encode(state);
    }
    LogEntry format(std::mt19937_64& random) {
        capacities.assign(random() % (kPartitionsMax + 1), 1'000'000);
        for (auto& partition : partitions) {
            partition.clear();
        }
        return encode_format(capacities);
    }
    LogEntry truncate(std::mt19937_64& random) {
        const auto partition = static_cast<std::uint32_t>(random() % partition_count());
        // Now and then behind the end, as what was cut off need not have been logged.
        return truncate(partition, random() % (end(partition) + 3));
    }
    LogEntry truncate(std::uint32_t partition, std::uint64_t object) {
        std::uint64_t first = 0;
        auto& segments = partitions[partition];
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const auto count = segments[i].objects.size();
            if (first >= object) {
                segments.resize(i);
                break;
            }
            segments[i].objects.resize(std::min<std::uint64_t>(count, object - first));
            first += count;
        }
        return encode(Truncation{partition, object});
    }
    LogEntry append(std::mt19937_64& random) {
        const auto partition = static_cast<std::uint32_t>(random() % partition_count());
        Segment segment;
        segment.number = next_number++;
        std::vector<MapRun> runs;
        for (auto count = 1 + random() % 4; count != 0; --count) {
            runs.push_back(random_run(random));
            add_objects(segment, runs.back());
        }
        segment.map = map_of_runs(runs);
        return append(partition, std::move(segment), random);
    }
    /// The same segment again, which is where it was.
    [[nodiscard]] LogEntry append_again(std::uint32_t partition, std::size_t index) const {
        return encode(AppendedSegment{record(partition, index), partitions[partition][index].map});
    }

    /// What `replay` of `log` must be.
    void expect_equal(const LogContents& log, const CartridgeReplay& replay) const {
        ASSERT_EQ(replay.removed, removed);
        if (removed) {
            ASSERT_TRUE(replay.segments.empty());
            return;
        }
        ASSERT_EQ(encode(replay.state), encode(state));
        ASSERT_EQ(replay.capacities, capacities);
        auto next = replay.segments.begin();
        for (std::uint32_t p = 0; p < kPartitionsMax; ++p) {
            for (std::size_t i = 0; i < partitions[p].size(); ++i, ++next) {
                ASSERT_NE(next, replay.segments.end());
                const auto map = map_of(log, *next);
                ASSERT_TRUE(map);
                ASSERT_EQ(encode(AppendedSegment{next->segment, *map}), append_again(p, i));
            }
        }
        ASSERT_EQ(next, replay.segments.end());
    }

  private:
    static MapRun random_run(std::mt19937_64& random) {
        constexpr std::array<RunKind, 6> kKinds = {RunKind::records, RunKind::records,
                                                   RunKind::records, RunKind::filemarks,
                                                   RunKind::damaged, RunKind::lost_filemarks};
        return {kKinds[random() % kKinds.size()], static_cast<std::uint32_t>(1 + random() % 5000),
                static_cast<std::uint32_t>(1 + random() % 9)};
    }
    static void add_objects(Segment& segment, const MapRun& run) {
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const bool filemark =
                run.kind == RunKind::filemarks || run.kind == RunKind::lost_filemarks;
            const bool lost = run.kind == RunKind::damaged && i != 0;
            segment.objects.push_back({filemark, filemark ? 1024U : lost ? 0U : run.length});
        }
    }
    LogEntry append(std::uint32_t partition, Segment segment, std::mt19937_64& random) {
        auto& segments = partitions[partition];
        if (!segments.empty()) {
            const auto last = record(partition, segments.size() - 1);
            segment.first_byte = last.first_byte + last.byte_count;
        }
        if (random() % 4 == 0) {  // it was cut before it was archived; the map has all of it
            segment.objects.resize(1 + random() % segment.objects.size());
        }
        segments.push_back(std::move(segment));
        return append_again(partition, segments.size() - 1);
    }
    [[nodiscard]] SegmentRecord record(std::uint32_t partition, std::size_t index) const {
        SegmentRecord record;
        record.partition = partition;
        for (std::size_t i = 0; i <= index; ++i) {
            const auto& segment = partitions[partition][i];
            record.first_object += record.object_count;
            record.first_file += record.filemark_count;
            record.number = segment.number;
            record.first_byte = segment.first_byte;
            record.object_count = segment.objects.size();
            record.filemark_count = 0;
            record.byte_count = 0;
            for (const auto& object : segment.objects) {
                record.filemark_count += object.filemark ? 1 : 0;
                record.byte_count += object.bytes;
            }
        }
        record.sealed = true;
        return record;
    }
};

}  // namespace tapeloft::media
