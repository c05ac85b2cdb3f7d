// What block_io.h promises, case by case.
#include "media/cartridge/cartridge.h"

#include <random>

#include <gtest/gtest.h>

#include "media/cartridge/spool_files.h"
#include "media/cartridge/spool_tape.h"
#include "media/segment/frame_format.h"

#include "tests/media/cartridge/tape_world.h"
#include "tests/media/mebibyte.h"

namespace tapeloft::media {
namespace {

const Object kFilemark;

std::filesystem::path segment_path(std::uint64_t number) {
    return std::filesystem::path("/spool/SERIAL0001") / segment_file_name(number);
}

TEST(CartridgeCapacity, EarlyWarningLeavesAReserveOfMeasure) {
    EXPECT_EQ(early_warning_point(4 * kMiB), 2 * kMiB);
    EXPECT_EQ(early_warning_point(64 * kMiB), 56 * kMiB);
    EXPECT_EQ(early_warning_point(1024 * kMiB), (1024 - 64) * kMiB);
    EXPECT_EQ(early_warning_point(4096 * kMiB), (4096 - 256) * kMiB);
    EXPECT_EQ(early_warning_point(18'000'000'000'000), 18'000'000'000'000 - 90'000'000'000);
}

TEST(CartridgeCapacity, WarnsEarlyThenRefusesAtTheEndAndWritesNothing) {
    TapeWorld world(10000);
    world.open();
    EXPECT_EQ(world.tape->capacity().early_warning, 5000U);
    const auto before = world.write(Bytes(4999, 1));
    ASSERT_TRUE(before.has_value());
    EXPECT_FALSE(before->early_warning);
    const auto at = world.write(Bytes(1, 1));
    ASSERT_TRUE(at.has_value());
    EXPECT_TRUE(at->early_warning);
    ASSERT_TRUE(world.run(world.tape->write_filemarks(1)).has_value());
    const auto over = world.write(Bytes(5000 - kFilemarkCost + 1, 1));
    ASSERT_FALSE(over.has_value());
    EXPECT_EQ(over.error().code, Errc::end_of_medium);
    EXPECT_EQ(world.tape->position().logical_object_number, 3U);
    EXPECT_TRUE(world.write(Bytes(5000 - kFilemarkCost, 1)).has_value());
    EXPECT_EQ(world.run(world.tape->write_filemarks(1)).error().code, Errc::end_of_medium);
    EXPECT_EQ(world.read_all().size(), 4U);
}

std::vector<std::string> told(const TapeWorld& world) {
    std::vector<std::string> messages;
    for (const auto& event : world.events.events_after(0)) {
        messages.push_back(event.message);
    }
    return messages;
}

TEST(CartridgeCapacity, ASpoolThatBecomesNearlyFullIsOneEventAnEpisode) {
    TapeWorld world(TapeWorld::kLarge, 200'000);
    world.open();
    const auto fill = [&world](std::uint64_t percent) {
        while (world.budget.used() < world.budget.limit() / 100 * percent) {
            ASSERT_TRUE(world.write(Bytes(2000, 1)).has_value());
        }
    };
    const auto empty = [&world] {
        ASSERT_TRUE(world.run(world.tape->locate_object(0)).has_value());
        ASSERT_TRUE(world.write(Bytes(2000, 1)).has_value());
    };
    fill(88);
    EXPECT_EQ(world.budget.level(), SpoolLevel::ample);
    EXPECT_TRUE(told(world).empty());
    std::vector<std::string> expected{"The spool is nearly full."};
    for (int i = 0; i < 3; ++i) {
        fill(98);
        EXPECT_EQ(world.budget.level(), SpoolLevel::nearly_full);
        EXPECT_EQ(told(world), expected);
        empty();
        world.now += std::chrono::seconds(9);
        empty();
        EXPECT_EQ(world.budget.level(), SpoolLevel::nearly_full) << "it was a moment ago";
    }
    world.now += std::chrono::seconds(1);
    empty();
    EXPECT_EQ(world.budget.level(), SpoolLevel::ample);
    fill(95);
    expected.insert(expected.end(),
                    {"The spool has drained: writing goes on.", "The spool is nearly full."});
    EXPECT_EQ(told(world), expected);
}

TEST(CartridgeCapacity, ASpoolLimitRefusesWithNoSpaceAndOneEventAnEpisode) {
    TapeWorld world(TapeWorld::kLarge, 20000);
    world.open();
    const std::string full = "The spool is full: writing is refused until space is made.";
    ASSERT_TRUE(world.write(Bytes(10000, 1)).has_value());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(world.write(Bytes(10000, 2)).error().code, Errc::no_space);
    }
    EXPECT_EQ(told(world), std::vector<std::string>{full});
    EXPECT_EQ(world.budget.level(), SpoolLevel::full);
    EXPECT_EQ(world.tape->position().logical_object_number, 1U);
    // Writing over it frees it: the same record fits at BOP.
    ASSERT_TRUE(world.run(world.tape->locate_object(0)).has_value());
    EXPECT_TRUE(world.write(Bytes(10000, 3)).has_value());
    EXPECT_EQ(world.read_all(), std::vector<Object>{Bytes(10000, 3)});
    EXPECT_LE(world.budget.used(), world.budget.limit());
    EXPECT_EQ(world.write(Bytes(10000, 4)).error().code, Errc::no_space);
    EXPECT_EQ(told(world), std::vector<std::string>{full}) << "it is the same episode";
    ASSERT_TRUE(world.run(world.tape->locate_object(0)).has_value());
    world.now += std::chrono::minutes(1);
    EXPECT_TRUE(world.write(Bytes(5000, 5)).has_value());
    EXPECT_EQ(world.budget.level(), SpoolLevel::ample);
    EXPECT_EQ(told(world),
              (std::vector<std::string>{full, "The spool has drained: writing goes on."}));
}

TEST(Cartridge, SixteenMillionFilemarksAreOneFrame) {
    TapeWorld world;
    world.open();
    ASSERT_TRUE(world.run(world.tape->write_filemarks(16'000'000)).has_value());
    world.must_write({1});
    world.close();
    EXPECT_LT(world.files.content(segment_path(0)).size(), kSegmentDataOffset + 200);
    world.open();
    EXPECT_TRUE(world.run(world.tape->locate_file(15'999'999)).value());
    EXPECT_EQ(world.tape->position().logical_object_number, 15'999'999U);
    EXPECT_EQ(world.run(world.tape->space_filemarks(-9'000'000)).value().moved, 9'000'000U);
    EXPECT_EQ(world.tape->position().logical_file_number, 6'999'999U);
}

TEST(Cartridge, RefusesRecordsOfNoAndOfTooManyBytes) {
    TapeWorld world;
    world.open();
    EXPECT_EQ(world.write({}).error().code, Errc::invalid_argument);
    EXPECT_EQ(world.write(Bytes(kRecordLengthMax + 1)).error().code, Errc::invalid_argument);
    EXPECT_TRUE(world.write(Bytes(kRecordLengthMax, 5)).has_value());
    EXPECT_EQ(world.read_all().size(), 1U);
}

TEST(Cartridge, WriteProtectedRefusesEveryChangeAndStillReads) {
    TapeWorld world;
    world.open();
    world.must_write({1, 2});
    world.close();
    world.record.write_protected = true;
    world.open();
    EXPECT_EQ(world.write({3}).error().code, Errc::denied);
    EXPECT_EQ(world.run(world.tape->write_filemarks(1)).error().code, Errc::denied);
    EXPECT_EQ(world.run(world.tape->erase_to_end()).error().code, Errc::denied);
    EXPECT_EQ(world.run(world.tape->format({world.record.capacity})).error().code, Errc::denied);
    EXPECT_EQ(world.read_all(), std::vector<Object>{Bytes({1, 2})});
}

TEST(CartridgeSync, CostsNothingWhenNothingIsDirty) {
    TapeWorld world;
    world.open();
    world.must_write({1});
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    const auto syncs = world.files.syncs;
    const auto changes = world.catalog.changes;
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    ASSERT_TRUE(world.run(world.tape->write_filemarks(0)).has_value());
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(world.files.syncs, syncs);
    EXPECT_EQ(world.catalog.changes, changes);
    world.must_write({2});
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(world.files.syncs, syncs + 1);
    EXPECT_EQ(world.catalog.changes, changes);
}

TEST(CartridgeSync, SegmentsWaitForTheirWritebackAndOnlySixteenForTheirSeal) {
    TapeWorld world;
    world.limits = {1000, 1};
    world.open();
    const auto unsealed = [&world] {
        const auto rows = world.catalog.segments(world.record.id).value();
        return std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !row.sealed; });
    };
    // Reading what was just written makes the queue empty, and syncs nothing.
    const auto write_one = [&world](std::uint64_t object) {
        world.must_write({1, 2, 3});
        ASSERT_TRUE(world.run(world.tape->locate_object(object)).value());
        ASSERT_TRUE(world.run(world.tape->read()).has_value());
    };
    for (std::uint64_t i = 0; i < 40; ++i) {
        write_one(i);
        EXPECT_EQ(world.files.writebacks, i < 4 ? 0 : i - 3);
        EXPECT_EQ(unsealed(), static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(i + 1, 16)));
    }
}

TEST(CartridgeFailure, AFailedWriteBehindIsToldOnceAndThePositionSaysWhatIsLeft) {
    TapeWorld world;
    world.open();
    world.must_write({1});
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    world.files.before_call = [](const std::string& call) -> std::optional<Error> {
        return call == "pwritev" ? std::optional(Error{Errc::no_space, "disk full"}) : std::nullopt;
    };
    world.must_write({2});  // buffered
    const auto synced = world.run(world.tape->sync());
    ASSERT_FALSE(synced.has_value());
    EXPECT_EQ(synced.error().code, Errc::io);
    EXPECT_EQ(world.tape->position().logical_object_number, 1U);
    EXPECT_EQ(world.tape->capacity().used, 1U);
    EXPECT_FALSE(world.events.events_after(0).empty());
    world.files.before_call = nullptr;
    world.must_write({4});
    world.close();
    world.open();
    EXPECT_EQ(world.read_all(), (std::vector<Object>{{1}, {4}}));
}

TEST(CartridgeFailure, AFailedFdatasyncTakesBackWhatWasNotDurable) {
    TapeWorld world;
    world.open();
    world.must_write({1});
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    world.must_write({2});
    world.files.before_call = [](const std::string& call) -> std::optional<Error> {
        return call == "fdatasync" ? std::optional(Error{Errc::io, "bad disk"}) : std::nullopt;
    };
    EXPECT_EQ(world.run(world.tape->sync()).error().code, Errc::io);
    EXPECT_EQ(world.tape->position().logical_object_number, 1U);
    // Still broken: no later sync pretends that it was all right.
    EXPECT_FALSE(world.run(world.tape->sync()).has_value());
    world.files.before_call = nullptr;
    EXPECT_TRUE(world.run(world.tape->sync()).has_value());
    EXPECT_EQ(world.read_all(), std::vector<Object>{{1}});
    world.must_write({3});
    world.close();
    world.open();
    EXPECT_EQ(world.read_all(), (std::vector<Object>{{1}, {3}}));
}

TEST(CartridgeFailure, WorksOnAfterAnyCallFailedOnce) {
    for (int failing = 0; failing < 60; ++failing) {
        SCOPED_TRACE(failing);
        TapeWorld world;
        world.limits = {2000, 4};
        world.open();
        int calls = 0;
        const auto fail = [&]() -> std::optional<Error> {
            return calls++ == failing ? std::optional(Error{Errc::io, "once"}) : std::nullopt;
        };
        world.files.before_call = [&](const std::string&) { return fail(); };
        world.catalog.before_change = fail;
        std::vector<Object> expected;
        for (std::uint8_t i = 0; i < 30; ++i) {
            if (i == 15) {
                const auto half = expected.size() / 2;
                ASSERT_TRUE(world.run(world.tape->locate_object(half)).has_value());
            }
            const Object object(200, i);
            const auto written = world.write(object);
            expected.resize(world.tape->position().logical_object_number - (written ? 1U : 0U));
            if (written) {
                expected.push_back(object);
            }
            if (i % 4 == 0 && !world.run(world.tape->sync())) {
                expected.resize(world.tape->position().logical_object_number);
            }
        }
        if (!world.run(world.tape->close())) {
            expected.resize(world.tape->position().logical_object_number);
            ASSERT_TRUE(world.run(world.tape->close()).has_value());
        }
        world.open();
        EXPECT_EQ(world.read_all(), expected);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(CartridgeDamage, EveryFlippedByteGivesTheRightBytesOrAnError) {
    TapeWorld world;
    world.open();
    const std::vector<Object> expected = {{1, 2, 3}, kFilemark, {4}, Bytes(40, 5), kFilemark, {6}};
    for (const auto& object : expected) {
        world.must_write(object);
    }
    world.close();
    const auto size = world.files.content(segment_path(0)).size();
    std::size_t errors = 0;
    for (std::size_t at = 0; at < size; ++at) {
        if (at == kSegmentHeaderSize) {
            at = kSegmentDataOffset - 8;  // nothing but zeros and sync marks between them
        }
        SCOPED_TRACE(at);
        world.files.content(segment_path(0))[at] ^= 0x10U;
        world.open();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_TRUE(world.run(world.tape->locate_object(i)).value());
            const auto outcome = world.run(world.tape->read());
            if (!outcome) {
                ++errors;
                EXPECT_EQ(outcome.error().code, Errc::corrupt);
                EXPECT_EQ(world.tape->position().logical_object_number, i);
                continue;
            }
            const auto view = outcome->record.view();
            ASSERT_EQ(Bytes(view.begin(), view.end()), expected[i]);
        }
        world.files.content(segment_path(0))[at] ^= 0x10U;
    }
    // Each byte of the four record frames spoils exactly its own record.
    EXPECT_EQ(errors, 4 * layout::frame::kHeaderSize + 3 + 1 + 40 + 1);
}

TEST(CartridgeDamage, ASyncedTailThatIsDamagedIsReportedAndNotCutOff) {
    for (std::uint64_t at = kSegmentDataOffset; at < kSegmentDataOffset + 3 * 240; at += 7) {
        SCOPED_TRACE(at);
        TapeWorld world;
        world.open();
        const std::vector<Object> expected = {Bytes(200, 1), Bytes(200, 2), Bytes(200, 3)};
        for (const auto& object : expected) {
            world.must_write(object);
        }
        ASSERT_TRUE(world.run(world.tape->sync()).has_value());
        world.tape.reset();  // no close: as after kill -9
        world.files.content(segment_path(0))[at] ^= 1U;
        world.open();
        EXPECT_EQ(world.tape->capacity().used / 200, 3U);
        std::size_t damaged = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_TRUE(world.run(world.tape->locate_object(i)).value());
            const auto outcome = world.run(world.tape->read());
            if (!outcome) {
                EXPECT_EQ(outcome.error().code, Errc::corrupt);
                ++damaged;
                continue;
            }
            const auto view = outcome->record.view();
            EXPECT_EQ(Bytes(view.begin(), view.end()), expected[i]);
        }
        EXPECT_EQ(damaged, 1U);
        EXPECT_FALSE(world.events.events_after(0).empty());
    }
}

TEST(CartridgeDamage, AMissingSegmentFileIsAnErrorAndTheOthersStayReadable) {
    TapeWorld world;
    world.limits = {2000, 2};
    world.open();
    for (std::uint8_t i = 0; i < 6; ++i) {
        world.must_write(Bytes(10, i));
    }
    world.close();
    ASSERT_TRUE(world.files.remove(segment_path(1)).has_value());
    world.open();
    for (std::uint8_t i = 0; i < 6; ++i) {
        ASSERT_TRUE(world.run(world.tape->locate_object(i)).value());
        const auto outcome = world.run(world.tape->read());
        EXPECT_EQ(outcome.has_value(), i / 2 != 1) << int{i};
    }
}

TEST(CartridgeDamage, ASegmentOfAnotherCartridgeIsNotTakenForThisOne) {
    TapeWorld one;
    TapeWorld other;
    other.record.medium_serial = "SERIAL0002";
    for (auto* world : {&one, &other}) {
        world->open();
        world->must_write({9, 9, static_cast<std::uint8_t>(world == &one)});
        world->close();
    }
    one.files.content(segment_path(0)) =
        other.files.content("/spool/SERIAL0002/" + segment_file_name(0));
    one.open();
    const auto outcome = one.run(one.tape->read());
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().code, Errc::corrupt);
}

TEST(Spool, RecoveryRemovesOrphansAndCountsTheRest) {
    TapeWorld world;
    world.open();
    world.must_write(Bytes(1000, 1));
    world.close();
    ASSERT_TRUE(world.files.create(segment_path(77)).has_value());
    ASSERT_TRUE(world.files.make_directory("/spool/GONE").has_value());
    ASSERT_TRUE(world.files.create("/spool/GONE/0000000001.seg").has_value());
    ASSERT_TRUE(world.files.create("/spool/GONE/keep.txt").has_value());
    SpoolBudget fresh(TapeWorld::kLarge);
    const auto context = world.context();
    const auto done =
        recover_spool({context.directory, context.catalog, context.disk, context.events, fresh,
                       context.spares, context.files, context.limits},
                      {world.record});
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(done->files_removed, 2U);
    EXPECT_EQ(done->bytes_in_use, world.files.content(segment_path(0)).size());
    EXPECT_EQ(fresh.used(), world.budget.used());
    ASSERT_TRUE(world.catalog.remove_cartridge(world.record.id).has_value());
    ASSERT_TRUE(remove_cartridge_files(world.context(), world.record).has_value());
    EXPECT_EQ(world.budget.used(), 0U);
}

TEST(Spool, RefusesAMediumSerialThatIsNoPlainName) {
    TapeWorld world;
    for (const auto* serial : {"", "../x", "a/b", "a b", "0123456789012345678901234567890123"}) {
        world.record.medium_serial = serial;
        EXPECT_EQ(cartridge_directory(world.context(), world.record).error().code,
                  Errc::invalid_argument);
    }
}

TEST(CartridgeSpeed, PositioningOnAMillionObjectsReadsTwoIndexesAndNoRecord) {
    TapeWorld world;
    world.open();
    const Bytes record(1, 7);
    constexpr std::uint64_t kPairs = 500'000;
    const auto buffer = Buffer::copy_of(record);
    auto fill = [](Tape* tape, Buffer one) -> Awaitable<Result<void>> {
        for (std::uint64_t i = 0; i < kPairs; ++i) {
            TL_CO_CHECK(co_await tape->write(one));
            TL_CO_CHECK(co_await tape->write_filemarks(1));
        }
        co_return Result<void>();
    };
    ASSERT_TRUE(world.run(fill(world.tape.get(), buffer)).has_value());
    world.close();
    const auto reads_of = [&world](auto&& call) {
        const auto before = world.files.reads;
        call();
        return world.files.reads - before;
    };
    EXPECT_EQ(reads_of([&] { world.open(); }), 0U);
    EXPECT_LE(reads_of([&] { EXPECT_TRUE(world.run(world.tape->locate_object(777'777)).value()); }),
              2U);
    EXPECT_EQ(world.tape->position().logical_file_number, 388'888U);
    EXPECT_LE(reads_of([&] {
                  EXPECT_EQ(world.run(world.tape->space_filemarks(-300'000)).value().moved,
                            300'000U);
              }),
              4U);
    EXPECT_EQ(world.tape->position().logical_object_number, 2 * 88'888U + 1);
    EXPECT_LE(reads_of([&] {
                  EXPECT_EQ(world.run(world.tape->space_records(1'000'000)).value().stop,
                            SpaceStop::filemark);
              }),
              4U);
    EXPECT_LE(reads_of([&] { EXPECT_TRUE(world.run(world.tape->locate_file(1234)).value()); }), 4U);
    EXPECT_EQ(world.tape->position().logical_object_number, 2468U);
}

}  // namespace
}  // namespace tapeloft::media
