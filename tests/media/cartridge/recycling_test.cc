// Files of segments that were cut off are written over by the next ones: what they still hold never
// comes back, and they go when they are of no use.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "media/cartridge/archive_port.h"
#include "media/cartridge/spare_files.h"
#include "media/cartridge/spool_files.h"

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kSize = 200;               // of a record
constexpr std::size_t kRecordsOfAPass = 8 * 20;  // of a first pass: eight a segment

Object object_of(int pass, std::size_t number) {
    const auto fill = static_cast<std::size_t>(pass) * 100 + number % 90;
    return Object(kSize, static_cast<std::uint8_t>(fill));
}

/// A tape with a first pass on it, at BOP, and the first `written` records of a second one.
void write_passes(TapeWorld& world, std::size_t first, std::size_t written) {
    world.limits = {2000, 100};
    world.open();
    for (std::size_t i = 0; i < first; ++i) {
        world.must_write(object_of(1, i));
    }
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    ASSERT_TRUE(world.run(world.tape->locate_object(0)).value());
    for (std::size_t i = 0; i < written; ++i) {
        world.must_write(object_of(2, i));
    }
}

std::vector<Object> second_pass(std::size_t written) {
    std::vector<Object> objects;
    for (std::size_t i = 0; i < written; ++i) {
        objects.push_back(object_of(2, i));
    }
    return objects;
}

/// Reads the last record, which makes the queue empty and syncs nothing.
void drain(TapeWorld& world, std::size_t written) {
    ASSERT_TRUE(world.run(world.tape->locate_object(written - 1)).value());
    ASSERT_TRUE(world.run(world.tape->read()).has_value());
}

/// What the process would still do when it lets go of the tape does not happen.
void kill(TapeWorld& world) {
    world.files.before_call = [](const std::string&) { return Error{Errc::io, "killed"}; };
    world.tape.reset();
    world.loop.restart();
    world.loop.run();
    world.files.before_call = nullptr;
    world.begin_process();
}

std::size_t files_in_pool(const TapeWorld& world) {
    const auto files = world.files.files();
    return static_cast<std::size_t>(std::ranges::count_if(files, [](const auto& path) {
        return path.parent_path().filename() == SparePool::kDirectory;
    }));
}

std::uint64_t length_of_last_file(TapeWorld& world) {
    return world.files.content(world.files.files().back()).size();
}

/// Whenever the tape asks for a spare, the next of its segments is stored just then, before it was
/// sealed, and has left the spool.
class QuickArchive final : public ArchivePort {
  public:
    QuickArchive(TapeWorld& world, std::uint64_t segments) : world_(world), segments_(segments) {}

    std::unique_ptr<StoredReader> reader(const CartridgeRecord& /*cartridge*/) override {
        return nullptr;
    }
    void wake() noexcept override {}
    [[nodiscard]] bool is_stored(CartridgeId /*cartridge*/, std::uint64_t segment) const override {
        return segment < stored_;
    }
    void wait_stored(CartridgeId /*cartridge*/, std::uint64_t /*segment*/) override {}
    void closed(CartridgeId /*cartridge*/) override {}
    [[nodiscard]] bool is_leaving(CartridgeId /*cartridge*/,
                                  std::uint64_t /*segment*/) const override {
        return false;
    }
    std::optional<SpareFile> take_spare(CartridgeId /*cartridge*/) override {
        const auto path =
            "/spool/" + world_.record.medium_serial + '/' + segment_file_name(stored_);
        if (stored_ == segments_ || !world_.files.open(path)) {
            return std::nullopt;
        }
        const auto length = world_.files.content(path).size();
        world_.budget.give_back(length);
        return SpareFile{stored_++, length};
    }
    bool drop_spares(CartridgeId /*cartridge*/) override { return false; }
    void pass_on_spares(CartridgeId /*cartridge*/) override {}
    [[nodiscard]] bool promises_need_store() const noexcept override { return false; }
    Awaitable<Result<void>> store_all(CartridgeId /*cartridge*/) override {
        co_return Result<void>();
    }
    Awaitable<std::chrono::seconds> recall(CartridgeId /*cartridge*/) override {
        co_return std::chrono::seconds(0);
    }
    [[nodiscard]] bool is_recalling(CartridgeId /*cartridge*/) const override { return false; }
    Awaitable<bool> wait_for_room(std::uint64_t /*bytes*/) override { co_return false; }

  private:
    TapeWorld& world_;
    const std::uint64_t segments_;
    std::uint64_t stored_ = 0;
};

TEST(CartridgeRecycling, AnUnsealedSegmentThatLeavesWhileTheNextOneBeginsIsWrittenOver) {
    TapeWorld world;
    QuickArchive archive(world, 2);
    world.archive = &archive;
    write_passes(world, 0, 20);
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(world.files.renames, 2U);
    ASSERT_TRUE(world.run(world.tape->locate_object(16)).value());
    for (std::size_t i = 16; i < 20; ++i) {
        const auto outcome = world.run(world.tape->read());
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
        const auto view = outcome->record.view();
        EXPECT_EQ(Object(view.begin(), view.end()), object_of(2, i));
    }
    EXPECT_EQ(world.run(world.tape->read())->kind, ReadKind::end_of_data);
    world.close();
    EXPECT_EQ(world.files.files().size(), 1U);
    EXPECT_EQ(world.budget.used(), length_of_last_file(world));
}

TEST(CartridgeRecycling, AnArchivedSpareThatAFailureLeftUnusedIsCountedOnce) {
    TapeWorld world;
    QuickArchive archive(world, 1);
    world.archive = &archive;
    constexpr std::uint64_t kOthers = 100000;
    world.budget.take(kOthers);
    int segments = 0;
    world.files.before_call = [&segments](const std::string& call) -> std::optional<Error> {
        return call == "make_directory" && ++segments == 2 ? std::optional(Error{Errc::io, "once"})
                                                           : std::nullopt;
    };
    write_passes(world, 0, 9);
    EXPECT_FALSE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(segments, 2);
    ASSERT_TRUE(world.run(world.tape->locate_object(0)).value());
    world.must_write(object_of(2, 0));
    world.close();
    EXPECT_EQ(world.files.files().size(), 1U);
    EXPECT_EQ(world.budget.used(), kOthers + length_of_last_file(world));
}

TEST(CartridgeRecycling, OldFramesBehindATailAreNeverTakenForNewOnes) {
    for (const bool sync : {false, true}) {
        for (std::size_t written = 1; written <= 20; ++written) {
            SCOPED_TRACE(testing::Message() << written << " records, sync " << sync);
            TapeWorld world;
            write_passes(world, 40, written);
            drain(world, written);
            if (sync) {
                ASSERT_TRUE(world.run(world.tape->sync()).has_value());
            }
            EXPECT_EQ(world.files.renames, (written + 7) / 8);
            kill(world);
            if (written % 8 != 0) {
                EXPECT_GT(length_of_last_file(world), kSegmentDataOffset + written % 8 * 240);
            }
            world.open();
            EXPECT_EQ(world.read_all(), second_pass(written));
        }
    }
}

TEST(CartridgeRecycling, NothingOfTheOldContentComesBackAfterAPowerLoss) {
    const std::uint64_t first = std::random_device{}();
    for (std::uint64_t seed = first; seed < first + 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937_64 random(seed);
        const auto promised = random() % 12;
        const auto written = promised + 1 + random() % 12;
        TapeWorld world;
        write_passes(world, 40, promised);
        if (promised != 0) {
            ASSERT_TRUE(world.run(world.tape->sync()).has_value());
        }
        for (auto i = promised; i < written; ++i) {
            world.must_write(object_of(2, i));
        }
        drain(world, written);
        EXPECT_GT(world.files.renames, 0U);
        kill(world);
        world.files.lose_power(random);
        world.open();
        const auto found = world.read_all();
        EXPECT_GE(found.size(), promised);
        EXPECT_EQ(found, second_pass(found.size()));
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(CartridgeRecycling, ADamagedFrameOfATailIsNotBridgedToAnOldOne) {
    for (auto at = kSegmentDataOffset; at < kSegmentDataOffset + 3 * 240; at += 5) {
        SCOPED_TRACE(at);
        TapeWorld world;
        write_passes(world, 8, 3);
        ASSERT_TRUE(world.run(world.tape->sync()).has_value());
        kill(world);
        world.files.content(world.files.files().back())[at] ^= 1U;
        world.open();
        EXPECT_EQ(world.tape->capacity().used / kSize, 3U);
        std::size_t damaged = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            ASSERT_TRUE(world.run(world.tape->locate_object(i)).value());
            const auto outcome = world.run(world.tape->read());
            damaged += outcome ? 0U : 1U;
            if (outcome) {
                const auto view = outcome->record.view();
                EXPECT_EQ(Bytes(view.begin(), view.end()), object_of(2, i));
            }
        }
        EXPECT_EQ(damaged, 1U);
        ASSERT_TRUE(world.run(world.tape->locate_object(3)).value());
        EXPECT_EQ(world.run(world.tape->read()).value().kind, ReadKind::end_of_data);
    }
}

TEST(CartridgeRecycling, EveryFlippedByteOfARecycledFileGivesTheRightBytesOrAnError) {
    TapeWorld world;
    write_passes(world, 8, 3);
    world.close();
    EXPECT_EQ(world.files.renames, 1U);
    auto& content = world.files.content(world.files.files().back());
    EXPECT_LT(content.size(), kSegmentDataOffset + 4 * 240);  // nothing old behind the index
    for (auto at = std::size_t{kSegmentDataOffset}; at < content.size(); ++at) {
        SCOPED_TRACE(at);
        content[at] ^= 0x40U;
        world.open();
        for (std::size_t i = 0; i < 3; ++i) {
            ASSERT_TRUE(world.run(world.tape->locate_object(i)).value());
            const auto outcome = world.run(world.tape->read());
            EXPECT_EQ(outcome.has_value(), at < kSegmentDataOffset + i * 240 ||
                                               at >= kSegmentDataOffset + 240 * (i + 1));
            if (outcome) {
                const auto view = outcome->record.view();
                ASSERT_EQ(Bytes(view.begin(), view.end()), object_of(2, i));
            }
        }
        content[at] ^= 0x40U;
    }
}

TEST(CartridgeRecycling, SparesAreFewCostNoBudgetAndGoToThePoolWithTheTape) {
    for (const bool close : {false, true}) {
        TapeWorld world;
        write_passes(world, kRecordsOfAPass, 0);
        EXPECT_EQ(world.files.files().size(), 20U);
        ASSERT_TRUE(world.run(world.tape->erase_to_end()).has_value());
        EXPECT_EQ(world.files.files().size(), SpareFiles::kMax);
        EXPECT_EQ(world.budget.used(), 0U);
        if (close) {
            world.close();
        } else {
            world.open();
        }
        EXPECT_EQ(files_in_pool(world), SpareFiles::kMax);
        EXPECT_EQ(world.files.files().size(), SpareFiles::kMax);
        EXPECT_TRUE(world.spares.back().drop());
        EXPECT_FALSE(world.spares.back().drop());
        EXPECT_TRUE(world.files.files().empty());
        EXPECT_EQ(world.budget.used(), 0U);
    }
}

TEST(CartridgeRecycling, AnotherCartridgeWritesOverWhatIsInThePool) {
    TapeWorld world;
    write_passes(world, 40, 0);
    ASSERT_TRUE(world.run(world.tape->erase_to_end()).has_value());
    world.close();
    EXPECT_EQ(files_in_pool(world), 5U);
    world.record.id = 8;
    world.record.medium_serial = "SERIAL0002";
    world.open();
    const auto renames = world.files.renames;
    for (std::size_t i = 0; i < 20; ++i) {
        world.must_write(object_of(2, i));
    }
    world.close();
    EXPECT_EQ(world.files.renames, renames + 3);
    EXPECT_EQ(files_in_pool(world), 2U);
    EXPECT_EQ(world.files.files().size(), 5U);
    world.open();
    EXPECT_EQ(world.read_all(), second_pass(20));
    EXPECT_TRUE(world.events.events_after(0).empty());
}

TEST(CartridgeRecycling, WhatAnotherCartridgeWroteNeverComesBackAfterAPowerLoss) {
    const std::uint64_t first = std::random_device{}();
    for (std::uint64_t seed = first; seed < first + 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937_64 random(seed);
        const auto promised = random() % 12;
        const auto written = promised + 1 + random() % 12;
        TapeWorld world;
        write_passes(world, 40, 0);
        ASSERT_TRUE(world.run(world.tape->erase_to_end()).has_value());
        world.close();
        const auto old = world.record;
        world.record.id = 8;
        world.record.medium_serial = "SERIAL0002";
        world.open();
        for (std::size_t i = 0; i < written; ++i) {
            if (i == promised) {
                ASSERT_TRUE(world.run(world.tape->sync()).has_value());
            }
            world.must_write(object_of(2, i));
        }
        drain(world, written);
        kill(world);
        world.files.lose_power(random);
        ASSERT_TRUE(recover_spool(world.context(), {old, world.record}).has_value());
        world.open();
        const auto found = world.read_all();
        EXPECT_GE(found.size(), promised);
        EXPECT_EQ(found, second_pass(found.size()));
        EXPECT_EQ(files_in_pool(world), 0U);
        world.tape.reset();
        world.record = old;
        world.open();
        EXPECT_TRUE(world.read_all().empty());
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(CartridgeRecycling, ThePoolTakesAnEighthOfTheLimitAtMost) {
    TapeWorld world(TapeWorld::kLarge, 5 * 8 * 2000);
    write_passes(world, 70, 0);
    ASSERT_TRUE(world.run(world.tape->erase_to_end()).has_value());
    EXPECT_EQ(world.files.files().size(), 9U);
    world.close();
    EXPECT_EQ(files_in_pool(world), 5U);
    EXPECT_EQ(world.files.files().size(), 5U);
}

TEST(CartridgeRecycling, WhatAPoolLeftBehindIsRemovedAtStart) {
    TapeWorld world;
    write_passes(world, 40, 0);
    ASSERT_TRUE(world.run(world.tape->erase_to_end()).has_value());
    world.close();
    EXPECT_EQ(files_in_pool(world), 5U);
    world.begin_process();
    ASSERT_TRUE(recover_spool(world.context(), {world.record}).has_value());
    EXPECT_TRUE(world.files.files().empty());
}

TEST(CartridgeRecycling, AFullDiskTakesTheSparesBeforeItRefusesAWrite) {
    for (int failing = 0; failing < 8; ++failing) {
        SCOPED_TRACE(failing);
        TapeWorld world;
        write_passes(world, 40, 0);
        int writes = 0;
        int removes = 0;
        world.files.before_call = [&](const std::string& call) -> std::optional<Error> {
            removes += call == "remove" ? 1 : 0;
            writes += call == "pwritev" ? 1 : 0;
            return call == "pwritev" && writes > failing && removes < 2
                       ? std::optional(Error{Errc::no_space, "disk full"})
                       : std::nullopt;
        };
        for (std::size_t i = 0; i < 20; ++i) {
            world.must_write(object_of(2, i));
            drain(world, i + 1);
        }
        EXPECT_GE(removes, 2);
        EXPECT_EQ(world.read_all(), second_pass(20));
        EXPECT_TRUE(world.events.events_after(0).empty());
    }
}

TEST(CartridgeRecycling, AFullSpoolGivesTheSparesBack) {
    TapeWorld world(TapeWorld::kLarge, 50000);
    write_passes(world, 40, 1);
    EXPECT_EQ(world.write(Bytes(60000, 1)).error().code, Errc::no_space);
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(world.files.files().size(), 1U);
    EXPECT_EQ(world.read_all(), second_pass(1));
}

TEST(CartridgeRecycling, ASegmentThatGetsNoRowGivesBackOnlyWhatItTook) {
    TapeWorld world;
    constexpr std::uint64_t kOthers = 100000;
    world.budget.take(kOthers);
    write_passes(world, 40, 0);
    int changes = 0;
    world.catalog.before_change = [&changes]() -> std::optional<Error> {
        return ++changes == 2 ? std::optional(Error{Errc::io, "once"}) : std::nullopt;
    };
    world.must_write(object_of(2, 0));
    EXPECT_FALSE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(changes, 2);
    world.must_write(object_of(2, 0));
    world.close();
    EXPECT_EQ(world.budget.used(), kOthers + length_of_last_file(world));
}

TEST(CartridgeRecycling, TheBudgetIsRightAfterATapeWasLetGoOfOverOldBytes) {
    TapeWorld world;
    constexpr std::uint64_t kOthers = 100000;
    world.budget.take(kOthers);
    write_passes(world, 40, 3);
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    world.open();
    EXPECT_EQ(world.files.files().size(), 1U);
    EXPECT_EQ(world.budget.used(), kOthers + length_of_last_file(world));
    EXPECT_EQ(world.read_all(), second_pass(3));
}

TEST(CartridgeRecycling, FilesOfAFailedDiskAreNotUsedAgain) {
    TapeWorld world;
    write_passes(world, 40, 20);
    world.files.before_call = [](const std::string& call) -> std::optional<Error> {
        return call == "fdatasync" ? std::optional(Error{Errc::io, "bad disk"}) : std::nullopt;
    };
    EXPECT_FALSE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(files_in_pool(world), 0U);
    world.files.before_call = nullptr;
    const auto renames = world.files.renames;
    world.must_write({1});
    world.close();
    EXPECT_EQ(world.files.renames, renames);
    EXPECT_EQ(world.files.files().size(), 1U);
}

}  // namespace
}  // namespace tapeloft::media
