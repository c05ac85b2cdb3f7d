// What a second media set of the same snapshots costs in the store, with tapes that a real PBS
// wrote.
#include <cstdio>

#include <gtest/gtest.h>

#include "media/pbs/tape/content.h"

#include "tests/media/archive/archive_world.h"
#include "tests/media/pbs/golden_tapes.h"

namespace tapeloft::media {
namespace {

std::vector<Object> objects_of(const MemoryTape& tape) {
    std::vector<Object> objects;
    for (const auto& file : tape.files) {
        objects.insert(objects.end(), file.records.begin(), file.records.end());
        objects.emplace_back();
    }
    return objects;
}

/// Bytes of snapshot and catalog archives: of their streams, no padding.
std::uint64_t bytes_of_other_archives(const std::shared_ptr<MemoryTape>& tape) {
    std::uint64_t bytes = 0;
    MemoryMedium medium(tape);
    const auto extents = run(medium.files()).value();
    for (std::size_t number = 0; number < extents.size(); ++number) {
        TapeFile file(medium, number, extents[number], 1);
        const auto content = run(read_content(file));
        const auto ending = run(file.ending());
        EXPECT_TRUE(content.has_value() && ending.has_value());
        const bool is_chunks = std::holds_alternative<ChunkArchiveHeader>(content->kind);
        const bool is_label = number < 2;
        bytes += is_chunks || is_label ? 0 : ending->stream_size;
    }
    return bytes;
}

TEST(PbsStoredTapes, ASecondMediaSetCostsAtMostTwoPercentAndItsSnapshotAndCatalogArchives) {
    ArchiveWorld world;
    const auto tapes = golden_tapes();
    std::vector<std::uint64_t> costs;
    for (const auto& tape : {tapes[0], tapes[1]}) {
        const auto before = world.bytes_in_store();
        const auto cartridge = world.add_cartridge(tape->barcode);
        const auto objects = objects_of(*tape);
        world.write_tape(cartridge, objects);
        world.store_all(cartridge);
        costs.push_back(world.bytes_in_store() - before);
        EXPECT_TRUE(world.read_tape(cartridge) == objects);
    }
    std::uint64_t size = 0;
    for (const auto& object : objects_of(*tapes[1])) {
        size += object.size();
    }
    const auto other = bytes_of_other_archives(tapes[1]);
    std::printf("first %llu, second %llu bytes, %llu of other archives, size %llu\n",
                static_cast<unsigned long long>(costs[0]),
                static_cast<unsigned long long>(costs[1]), static_cast<unsigned long long>(other),
                static_cast<unsigned long long>(size));
    EXPECT_GE(costs[0], size / 8);
    EXPECT_LE(costs[1], size * 2 / 100 + other);
}

}  // namespace
}  // namespace tapeloft::media
