#include "media/log/checkpoint.h"

#include <gtest/gtest.h>

#include "media/log/replay.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

class CheckpointTest : public testing::Test {
  protected:
    void append(std::vector<LogEntry> entries) {
        ASSERT_TRUE(world_.append(LogKind::delta, std::move(entries)));
    }
    LogContents read() {
        auto log = world_.read(world_.head);
        EXPECT_TRUE(log);
        return std::move(*log);
    }
    static std::vector<std::uint64_t> retained_of(const Checkpoint& checkpoint) {
        std::vector<std::uint64_t> sequences;
        const auto retained = decode_retained(checkpoint.entries[0]);
        EXPECT_TRUE(retained);
        for (const auto& object : *retained) {
            sequences.push_back(object.sequence);
        }
        return sequences;
    }

    LogWorld world_;
};

TEST_F(CheckpointTest, OfACartridgeKeepsTheObjectsWithMapsThatCount) {
    append({encode(test_state())});
    append({encode(file_segment(1, 0, 0, 9))});
    append({encode(file_segment(2, 10, 1, 9))});
    append({encode(Truncation{0, 7}), encode(file_segment(3, 7, 0, 9))});
    append({encode(test_state())});
    const auto checkpoint = cartridge_checkpoint(read());
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(retained_of(*checkpoint), (std::vector<std::uint64_t>{2, 4}));
    EXPECT_EQ(checkpoint->obsolete, (std::vector<std::uint64_t>{1, 3, 5}));
    EXPECT_EQ(checkpoint->use.deltas, 5U);
    EXPECT_EQ(checkpoint->use.objects, 5U);
    EXPECT_EQ(checkpoint->use.live, 2U);

    ASSERT_TRUE(world_.append(LogKind::checkpoint, checkpoint->entries));
    append({encode(Truncation{0, 0})});
    const auto next = cartridge_checkpoint(read());
    ASSERT_TRUE(next);
    EXPECT_TRUE(retained_of(*next).empty());
    EXPECT_EQ(next->obsolete, (std::vector<std::uint64_t>{2, 4, 6, 7}));
    EXPECT_EQ(next->use.deltas, 1U);
}

TEST_F(CheckpointTest, OfACartridgeThatWasRemovedIsRefused) {
    append({encode(test_state()), encode_cartridge_removed()});
    const auto checkpoint = cartridge_checkpoint(read());
    ASSERT_FALSE(checkpoint);
    EXPECT_EQ(checkpoint.error().code, Errc::precondition);
}

TEST_F(CheckpointTest, OfAnIndexKeepsTheObjectsWithPacksThatAreThereAndSaysWhichAreNot) {
    append({encode(test_pack(1, {1}))});
    append({encode(test_pack(2, {2})), encode(test_pack(3, {3}))});
    append({encode_removed(test_pack(1, {}).id), encode_removed(test_pack(2, {}).id)});
    const auto checkpoint = index_checkpoint(read());
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(retained_of(*checkpoint), (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(checkpoint->obsolete, (std::vector<std::uint64_t>{1, 3}));
    ASSERT_EQ(checkpoint->entries.size(), 2U);
    EXPECT_EQ(checkpoint->entries[1], encode_removed(test_pack(2, {}).id));
}

TEST_F(CheckpointTest, OfAnIndexNeedsNoChunks) {
    append({encode(test_pack(1, {1, 2, 3}))});
    append({encode(test_pack(2, {2})), encode(test_pack(3, {3, 4}))});
    append({encode_removed(test_pack(1, {}).id), encode_removed(test_pack(2, {}).id)});
    const auto whole = index_checkpoint(read());
    const auto trimmed =
        world_.run(read_log(*world_.store, world_.keys, world_.stream, {}, &without_chunks));
    ASSERT_TRUE(trimmed);
    for (const auto& at : trimmed->deltas) {
        for (const auto& entry : at.object.entries) {
            EXPECT_LE(entry.body.size(), 28U);
        }
    }
    const auto checkpoint = index_checkpoint(*trimmed);
    ASSERT_TRUE(whole && checkpoint);
    EXPECT_EQ(checkpoint->entries, whole->entries);
    EXPECT_EQ(checkpoint->obsolete, whole->obsolete);
}

TEST_F(CheckpointTest, OfALibraryKeepsNothing) {
    LibraryState state;
    state.name = "a";
    for (int i = 0; i < 3; ++i) {
        const auto checkpoint = library_checkpoint(world_.head, state);
        ASSERT_TRUE(world_.append(LogKind::checkpoint, checkpoint.entries));
        for (const auto sequence : checkpoint.obsolete) {
            world_.remove(world_.name(sequence));
        }
    }
    EXPECT_EQ(world_.memory->objects().size(), 2U) << "one object and the head";
    EXPECT_EQ(replay_library(read())->name, "a");
}

TEST_F(CheckpointTest, IsDueWhereMostIsObsoleteAndItPays) {
    EXPECT_FALSE(checkpoint_due({63, 63, 0}));
    EXPECT_TRUE(checkpoint_due({64, 64, 31}));
    EXPECT_FALSE(checkpoint_due({64, 64, 32}));
    EXPECT_TRUE(checkpoint_due({64, 165, 82}));
    EXPECT_FALSE(checkpoint_due({0, 0, 0}));
}

}  // namespace
}  // namespace tapeloft::media
