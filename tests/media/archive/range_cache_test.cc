#include "media/archive/range_cache.h"

#include <algorithm>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "tests/media/archive/recall_rig.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kLarge = 1ULL << 30;
constexpr PackId kPack = {1, 2, 3};
constexpr PackId kOther = {1, 2, 4};

class RangeCaches : public testing::Test {
  protected:
    std::unique_ptr<RangeCache> open(std::uint64_t limit = kLarge) {
        auto cache = RangeCache::open(folder(), limit);
        EXPECT_TRUE(cache.has_value()) << cache.error().message;
        return std::move(cache).value();
    }
    [[nodiscard]] std::filesystem::path folder() const { return directory_.path() / "cache"; }
    [[nodiscard]] std::size_t files() const {
        const std::filesystem::directory_iterator all(folder());
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
    void remove_files() const {
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            std::filesystem::remove(entry.path());
        }
    }
    static Buffer bytes_of(std::size_t size, std::uint8_t fill) {
        return Buffer::copy_of(Bytes(size, fill));
    }

    tests::TemporaryDirectory directory_;
    std::mt19937_64 random_{1};
};

TEST_F(RangeCaches, GiveBackAnyPartOfWhatWasPutIn) {
    const auto cache = open();
    std::mt19937_64 random(1);
    const auto bytes = tests::random_body(random, 100'000);
    cache->insert(kPack, 5000, bytes);
    EXPECT_TRUE(std::ranges::equal(cache->find(kPack, 5000, 100'000).view(), bytes.view()));
    EXPECT_TRUE(
        std::ranges::equal(cache->find(kPack, 6000, 7).view(), bytes.slice(1000, 7).view()));
    EXPECT_TRUE(cache->find(kPack, 4999, 10).empty());
    EXPECT_TRUE(cache->find(kPack, 104'999, 2).empty());
    EXPECT_TRUE(cache->find(kOther, 5000, 10).empty());
}

TEST_F(RangeCaches, NeverPassTheirLimitAndKeepWhatWasUsedLast) {
    const auto cache = open(1'000'000);
    for (std::uint32_t i = 0; i < 10; ++i) {
        cache->insert(kPack, i * 200'000, bytes_of(200'000, static_cast<std::uint8_t>(i)));
        EXPECT_LE(cache->used(), 1'000'000U);
        EXPECT_FALSE(i > 0 && cache->find(kPack, 0, 1).empty());  // used all the time
    }
    EXPECT_FALSE(cache->find(kPack, 9 * 200'000, 200'000).empty());
    EXPECT_TRUE(cache->find(kPack, 200'000, 200'000).empty());
    EXPECT_EQ(files(), 5U);
    cache->insert(kOther, 0, bytes_of(1'000'001, 1));
    EXPECT_TRUE(cache->find(kOther, 0, 1).empty());
}

TEST_F(RangeCaches, DoNotGrowToAnyNumberOfSmallFiles) {
    const auto cache = open(10 * RangeCache::kCostMin);
    for (std::uint32_t i = 0; i < 100; ++i) {
        cache->insert(kPack, i * 10, bytes_of(10, 1));
    }
    EXPECT_EQ(files(), 10U);
}

TEST_F(RangeCaches, FindAfterAStartWhatIsThereAndWhole) {
    open()->insert(kPack, 0, bytes_of(70'000, 7));
    open()->insert(kPack, 100'000, bytes_of(70'000, 8));
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
        if (entry.path().string().find("000186a0") != std::string::npos) {
            std::filesystem::resize_file(entry.path(), 69'999);  // a crash in a write
        }
    }
    std::ofstream(folder() / "notes.txt") << "not ours";
    const auto cache = open();
    EXPECT_EQ(cache->used(), 70'000U);
    EXPECT_EQ(cache->find(kPack, 0, 70'000).view()[69'999], 7);
    EXPECT_TRUE(cache->find(kPack, 100'000, 1).empty());
    EXPECT_EQ(files(), 2U);
    EXPECT_EQ(open(69'999)->used(), 0U);
    EXPECT_EQ(files(), 1U);
    EXPECT_TRUE(std::filesystem::exists(folder() / "notes.txt"));
}

TEST_F(RangeCaches, MissWhatSomebodyDeletedAndGoOn) {
    const auto cache = open();
    cache->insert(kPack, 0, bytes_of(70'000, 7));
    remove_files();
    EXPECT_TRUE(cache->find(kPack, 0, 10).empty());
    EXPECT_EQ(cache->used(), 0U);
    cache->insert(kPack, 0, bytes_of(70'000, 7));
    EXPECT_FALSE(cache->find(kPack, 0, 10).empty());
    std::filesystem::remove_all(folder());
    EXPECT_TRUE(cache->find(kPack, 0, 10).empty());
    cache->insert(kPack, 0, bytes_of(70'000, 7));
    EXPECT_TRUE(cache->find(kPack, 0, 10).empty());
    EXPECT_EQ(cache->used(), 0U);
}

TEST_F(RangeCaches, DropEveryRangeThatHasAByteOfIt) {
    const auto cache = open();
    cache->insert(kPack, 0, bytes_of(100, 1));
    cache->insert(kPack, 50, bytes_of(100, 2));
    cache->insert(kPack, 150, bytes_of(100, 3));
    cache->drop(kPack, 99, 51);
    EXPECT_TRUE(cache->find(kPack, 0, 10).empty());
    EXPECT_TRUE(cache->find(kPack, 60, 10).empty());
    EXPECT_FALSE(cache->find(kPack, 150, 10).empty());
    EXPECT_EQ(files(), 1U);
}

// Behind a recall

class CachedRecall : public RangeCaches {
  protected:
    void fill(bool local = false) {
        rig_.emplace(RigOptions{.chunk_max = 4000,
                                .pack_capacity = 50'000,
                                .level = 0,
                                .capabilities = {.put_if_absent = true, .local = local}});
        rig_->cache = open();
        tape_.assign(2, {});
        for (auto& segment : tape_) {
            for (int i = 0; i < 50; ++i) {
                ModelFrame frame;
                frame.record = Bytes(3000, static_cast<std::uint8_t>(i));
                std::generate(frame.record.begin(), frame.record.end(),
                              [this] { return static_cast<std::uint8_t>(random_()); });
                segment.push_back(std::move(frame));
            }
        }
        rig_->put_tape(1, tape_, random_);
    }
    void read_all() {
        const auto reader = rig_->open(1);
        for (const auto& place : RecallRig::places(tape_)) {
            rig_->expect_read(*reader, place, RecallRig::behind(place.segment, 2));
        }
    }

    std::optional<RecallRig> rig_;
    std::vector<ModelSegment> tape_;
};

TEST_F(CachedRecall, AsksTheStoreForNothingThatWasReadBefore) {
    fill();
    read_all();
    const auto gets = rig_->store.gets.load();
    EXPECT_GT(gets, 0U);
    read_all();
    EXPECT_EQ(rig_->store.gets, gets);
    rig_->cache = open();  // a start
    read_all();
    EXPECT_EQ(rig_->store.gets, gets);
}

TEST_F(CachedRecall, ReadsOnWhereTheCacheIsDeletedInTheMiddle) {
    fill();
    read_all();
    const auto reader = rig_->open(1);
    std::size_t read = 0;
    for (const auto& place : RecallRig::places(tape_)) {
        if (++read % 20 == 0) {
            remove_files();
        }
        rig_->expect_read(*reader, place);
    }
    EXPECT_TRUE(rig_->damaged.empty());
}

TEST_F(CachedRecall, FetchesAnewWhatIsDamagedInTheCacheAndCallsItNoDamage) {
    fill();
    read_all();
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
        file << "damage";
    }
    const auto gets = rig_->store.gets.load();
    read_all();
    EXPECT_GT(rig_->store.gets, gets);
    EXPECT_TRUE(rig_->damaged.empty());
    const auto healed = rig_->store.gets.load();
    read_all();
    EXPECT_LE(rig_->store.gets, healed + 10);
}

TEST_F(CachedRecall, DoesNotCacheDamage) {
    fill();
    const auto map = SegmentMap::decode(rig_->catalog.maps.at({1, 1}));
    const auto victim = rig_->catalog.chunks.at(map->chunks[3].fingerprint);
    const auto good = rig_->memory->objects();
    rig_->flip(victim.pack, victim.chunk.offset);
    const auto reader = rig_->open(1);
    std::size_t failed = 0;
    for (const auto& place : RecallRig::places(tape_)) {
        failed += rig_->read(*reader, place).has_value() ? 0U : 1U;
    }
    EXPECT_GE(failed, 1U);
    rig_->memory->set_objects(good);
    read_all();
}

TEST_F(CachedRecall, LeavesTheCacheAloneOverALocalStore) {
    fill(true);
    read_all();
    EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace tapeloft::media
