// Reading on from record to record: from the page cache, without it, and over what changes
// meanwhile.
#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRecord = 300;

class CartridgeReadingOn : public testing::Test {
  protected:
    void SetUp() override {
        world_.limits = {4000, 12};
        world_.files.cached = true;
        world_.open();
        for (int i = 0; i < 40; ++i) {
            objects_.push_back(random_record(random_, kRecord));
            world_.must_write(objects_.back());
        }
        ASSERT_TRUE(world_.run(world_.tape->sync()).has_value());
    }

    void go_to(std::uint64_t object) {
        ASSERT_TRUE(world_.run(world_.tape->locate_object(object)).has_value());
    }
    void expect_next(std::uint64_t object) {
        SCOPED_TRACE(testing::Message() << "object " << object);
        const auto outcome = world_.run(world_.tape->read());
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
        const auto view = outcome->record.view();
        EXPECT_EQ(Bytes(view.begin(), view.end()), objects_.at(object));
    }
    void expect_next(std::uint64_t first, std::uint64_t count) {
        for (auto object = first; object < first + count; ++object) {
            expect_next(object);
        }
    }

    std::uint64_t seed_ = std::random_device{}();
    testing::ScopedTrace trace_{__FILE__, __LINE__, testing::Message() << "seed " << seed_};
    std::mt19937_64 random_{seed_};
    TapeWorld world_;
    std::vector<Object> objects_;
};

TEST_F(CartridgeReadingOn, WaitsForTheDiskOnceForEachFileThatIsNotOpen) {
    world_.close();
    world_.open();
    go_to(0);
    const auto before = world_.files.reads;
    expect_next(0, objects_.size());
    const auto segments = world_.files.files().size();
    EXPECT_GE(segments, 3U);
    EXPECT_LE(world_.files.reads - before, 3 * segments);  // its index, and its first record
    EXPECT_EQ(world_.files.cached_reads, objects_.size() - segments) << "each other one, once";
}

TEST_F(CartridgeReadingOn, TheNextRecordIsReadBeforeItIsAskedFor) {
    go_to(0);
    expect_next(0);
    const auto first = world_.files.cached_reads;
    expect_next(1);
    EXPECT_EQ(world_.files.cached_reads, first + 2) << "it, and the next one";
    world_.files.cached = false;
    const auto before = world_.files.reads;
    expect_next(2);
    EXPECT_EQ(world_.files.reads, before) << "it was at hand";
}

TEST_F(CartridgeReadingOn, ARecordWrittenOverIsNotReadAsItWas) {
    go_to(0);
    expect_next(0, 6);  // 6 has been read as well
    objects_.resize(6);
    for (int i = 0; i < 3; ++i) {
        objects_.push_back(random_record(random_, kRecord));
        world_.must_write(objects_.back());
    }
    go_to(4);
    expect_next(4, 5);
    const auto end = world_.run(world_.tape->read());
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->kind, ReadKind::end_of_data);
}

TEST_F(CartridgeReadingOn, GoesOnWhereverTheHostWentMeanwhile) {
    go_to(10);
    expect_next(10, 4);
    go_to(12);
    expect_next(12, 3);
    go_to(16);
    expect_next(16, 4);
    go_to(15);
    expect_next(15, 20);
}

TEST_F(CartridgeReadingOn, GoesOnWhereThePageCacheEndsAndWhereItBeginsAgain) {
    go_to(0);
    for (std::uint64_t object = 0; object < objects_.size(); ++object) {
        world_.files.cached = random_() % 2 == 0;
        expect_next(object);
    }
}

TEST_F(CartridgeReadingOn, ADamagedRecordCostsItselfAndNoOther) {
    const auto file = world_.files.files().front();
    const std::uint64_t damaged = 3;
    const auto& record = objects_[damaged];
    auto& bytes = world_.files.content(file);
    const auto at = std::search(bytes.begin(), bytes.end(), record.begin(), record.end());
    ASSERT_NE(at, bytes.end());
    *at ^= 1U;
    go_to(0);
    expect_next(0, damaged);
    const auto outcome = world_.run(world_.tape->read());
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().code, Errc::corrupt);
    go_to(damaged + 1);
    expect_next(damaged + 1, 20);
}

}  // namespace
}  // namespace tapeloft::media
