// What a second copy of the same data costs in the store: packs, logs and heads together.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "tests/media/archive/archive_world.h"
#include "tests/media/chunk/pbs_records.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kSetBytes = 60UL * 1024 * 1024;

/// From `min` to `max`, each order of magnitude as often as the others.
std::size_t random_size(std::mt19937_64& random, std::size_t min, std::size_t max) {
    std::uniform_real_distribution<double> exponent(std::log2(static_cast<double>(min)),
                                                    std::log2(static_cast<double>(max)));
    return static_cast<std::size_t>(std::exp2(exponent(random)));
}

/// Blobs of a datastore: 4 KiB to 4 MiB.
std::vector<Bytes> random_blobs(std::mt19937_64& random) {
    std::vector<Bytes> blobs;
    for (std::size_t sum = 0; sum < kSetBytes; sum += blobs.back().size()) {
        blobs.push_back(random_bytes(random_size(random, 4096, 4UL * 1024 * 1024), random()));
    }
    return blobs;
}

std::vector<std::size_t> as_they_are(const std::vector<Bytes>& blobs) {
    std::vector<std::size_t> order(blobs.size());
    std::iota(order.begin(), order.end(), 0U);
    return order;
}

/// A media set: chunk archives of the blobs in this order, each a tape file.
std::vector<Object> media_set(const std::vector<Bytes>& blobs,
                              const std::vector<std::size_t>& order, std::size_t archive_size,
                              std::uint64_t seed) {
    std::vector<Object> tape;
    std::size_t next = 0;
    for (std::uint64_t archive = 0; next < order.size(); ++archive) {
        auto stream = content_header(kChunkArchiveMagic, seed + archive, R"({"store":"main"})");
        while (next < order.size() && stream.size() < archive_size) {
            append(stream, chunk_entry(blobs[order[next]], order[next]));
            ++next;
        }
        for (auto& block : pbs_blocks(stream)) {
            tape.push_back(std::move(block));
        }
        tape.push_back(kFilemark);
    }
    return tape;
}

std::uint64_t bytes_of(const std::vector<Object>& objects) {
    std::uint64_t bytes = 0;
    for (const auto& object : objects) {
        bytes += object.size();
    }
    return bytes;
}

/// What storing the objects on a new cartridge adds to the store.
std::uint64_t cost(ArchiveWorld& world, const std::string& barcode,
                   const std::vector<Object>& objects) {
    const auto before = world.bytes_in_store();
    const auto cartridge = world.add_cartridge(barcode);
    world.write_tape(cartridge, objects);
    world.store_all(cartridge);
    EXPECT_EQ(world.read_tape(cartridge), objects);
    return world.bytes_in_store() - before;
}

class ArchiveDedup : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ArchiveDedup, ASecondMediaSetInAnotherOrderCostsAtMostOnePercent) {
    std::mt19937_64 random(GetParam());
    ArchiveWorld world;
    const auto blobs = random_blobs(random);
    auto order = as_they_are(blobs);
    const auto first = media_set(blobs, order, 40UL * 1024 * 1024, 1000);
    const auto first_cost = cost(world, "TL0001L9", first);
    EXPECT_GE(first_cost, kSetBytes);
    std::ranges::shuffle(order, random);
    const auto second = media_set(blobs, order, 25UL * 1024 * 1024, 2000);
    const auto second_cost = cost(world, "TL0002L9", second);
    RecordProperty("first", std::to_string(first_cost));
    RecordProperty("second", std::to_string(second_cost));
    std::printf("media set: %zu blobs, first %llu, second %llu bytes: %.3f %%\n", blobs.size(),
                static_cast<unsigned long long>(first_cost),
                static_cast<unsigned long long>(second_cost),
                100.0 * static_cast<double>(second_cost) / static_cast<double>(first_cost));
    EXPECT_LE(second_cost * 100, bytes_of(second));
}

TEST_P(ArchiveDedup, AnArchiveBehindWhatIsStoredAlreadyIsCutLikeAnyOther) {
    std::mt19937_64 random(GetParam());
    ArchiveWorld world;
    const auto blobs = random_blobs(random);
    auto order = as_they_are(blobs);
    cost(world, "TL0001L9", media_set(blobs, order, 40UL * 1024 * 1024, 1000));
    std::vector<Object> objects = {Object(1000, 1), kFilemark};
    cost(world, "TL0002L9", objects);
    const auto cartridge = world.catalog->cartridges(ArchiveWorld::kLibrary)->back();
    ASSERT_EQ(cartridge.barcode, "TL0002L9");
    const auto before = world.bytes_in_store();
    std::ranges::shuffle(order, random);
    const auto second = media_set(blobs, order, 25UL * 1024 * 1024, 2000);
    auto tape = world.open(cartridge);
    ASSERT_TRUE(world.run(tape->space_to_end_of_data()).has_value());
    world.write(*tape, second);
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
    EXPECT_LE((world.bytes_in_store() - before) * 100, bytes_of(second));
    objects.insert(objects.end(), second.begin(), second.end());
    EXPECT_EQ(world.read_tape(cartridge), objects);
}

/// A file as tar stores it: header of 512 bytes, content, up to the next 512 bytes.
struct TreeFile {
    std::uint64_t seed;
    std::size_t size;
    std::uint64_t modified = 1;
};

std::vector<Object> tar_stream(const std::vector<TreeFile>& tree) {
    constexpr std::size_t kTarRecord = 20 * 512;
    Bytes stream;
    for (const auto& file : tree) {
        Bytes header(512);
        store_little_endian<8>(header, file.modified);
        store_little_endian<8>(MutableByteView(header).subspan(8), file.size);
        append(stream, header);
        append(stream, random_bytes(file.size, file.seed));
        stream.resize((stream.size() + 511) / 512 * 512);
    }
    stream.resize((stream.size() / kTarRecord + 1) * kTarRecord);
    std::vector<Object> tape;
    for (std::size_t at = 0; at < stream.size(); at += kTarRecord) {
        tape.emplace_back(stream.begin() + static_cast<std::ptrdiff_t>(at),
                          stream.begin() + static_cast<std::ptrdiff_t>(at + kTarRecord));
    }
    tape.push_back(kFilemark);
    return tape;
}

TEST_P(ArchiveDedup, ATarStreamOfTheSameTreeWithAFewChangesCostsAtMostThreePercentAndTheChanges) {
    std::mt19937_64 random(GetParam());
    ArchiveWorld world;
    std::vector<TreeFile> tree;
    for (std::size_t sum = 0; sum < kSetBytes; sum += tree.back().size) {
        tree.push_back({random(), random_size(random, 256, 4UL * 1024 * 1024)});
    }
    const auto first_cost = cost(world, "TL0001L9", tar_stream(tree));
    std::uint64_t changes = 0;
    for (int i = 0; i < 8; ++i) {
        auto& file = tree[random() % tree.size()];
        file = {random(), random_size(random, 256, 256UL * 1024), 2};
        changes += file.size + 512;
    }
    const auto second = tar_stream(tree);
    const auto second_cost = cost(world, "TL0002L9", second);
    std::printf("tar: %zu files, first %llu, changes %llu, second %llu bytes: %.3f %% and them\n",
                tree.size(), static_cast<unsigned long long>(first_cost),
                static_cast<unsigned long long>(changes),
                static_cast<unsigned long long>(second_cost),
                100.0 * (static_cast<double>(second_cost) - static_cast<double>(changes)) /
                    static_cast<double>(first_cost));
    EXPECT_LE(second_cost, changes + bytes_of(second) * 3 / 100);
}

INSTANTIATE_TEST_SUITE_P(Seed, ArchiveDedup, testing::Values(1, 2, 3));

}  // namespace
}  // namespace tapeloft::media
