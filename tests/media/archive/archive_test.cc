// What hosts write goes to the store, leaves the spool, and comes back.
#include "media/archive/archive.h"

#include <random>

#include <gtest/gtest.h>

#include "media/log/log_entries.h"
#include "media/log/log_stream.h"

#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {
namespace {

TEST(Archive, WhatIsWrittenLeavesTheSpoolAndComesBackFromTheStore) {
    ArchiveWorld world;
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::mt19937_64 random(1);
    const auto objects = random_tape(random, 120);
    world.write_tape(cartridge, objects);
    world.store_all(cartridge);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    EXPECT_EQ(world.budget.used(), 0U);
    EXPECT_EQ(world.read_tape(cartridge), objects);
}

TEST(Archive, SegmentsGoToTheStoreWhileTheHostWritesOn) {
    ArchiveWorld world({.limits = small_segments()});
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::mt19937_64 random(2);
    const auto objects = random_tape(random, 200);
    auto tape = world.open(cartridge);
    world.write(*tape, objects);
    ASSERT_TRUE(world.run(tape->sync()).has_value());
    world.store_all(cartridge);
    EXPECT_GT(world.bytes_in_store("packs/"), 4 * kMiB);
    ASSERT_TRUE(world.run(tape->locate_object(0)).has_value());
    EXPECT_EQ(world.read(*tape), objects);
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    EXPECT_EQ(world.read_tape(cartridge), objects);
}

TEST(Archive, AnIdleCartridgeReachesTheStoreByItself) {
    ArchiveWorld world;
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.write_tape(cartridge, {Object(1000, 5), kFilemark});
    const auto stored = [&world, &cartridge] {
        const auto storage = world.catalog->archive().storage(cartridge.id);
        return storage.has_value() && storage->spooled_only == 0 && storage->stored != 0;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!stored() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(stored());
}

TEST(Archive, TheSameRecordsOnASecondCartridgeCostNextToNothing) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(3);
    std::vector<Object> objects;
    for (int i = 0; i < 160; ++i) {
        objects.push_back(random_bytes(random, 256 * 1024));
    }
    const auto first = world.add_cartridge("TL0001L9");
    world.write_tape(first, objects);
    world.store_all(first);
    const auto before = world.bytes_in_store();
    const auto second = world.add_cartridge("TL0002L9");
    world.write_tape(second, objects);
    world.store_all(second);
    EXPECT_LT(world.bytes_in_store() - before, before / 100);
    EXPECT_EQ(world.read_tape(second), objects);
}

TEST(Archive, OverwritingAndCuttingGiveTheTapeThatTheHostSaw) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ArchiveWorld world({.limits = small_segments()});
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::vector<Object> reference;
    for (int round = 0; round < 12; ++round) {
        auto tape = world.open(cartridge);
        const auto at = reference.empty() ? 0 : random() % (reference.size() + 1);
        ASSERT_TRUE(world.run(tape->locate_object(at)).has_value());
        reference.resize(at);
        if (random() % 4 == 0) {
            ASSERT_TRUE(world.run(tape->erase_to_end()).has_value());
        }
        const auto more = random_tape(random, random() % 30);
        if (!more.empty()) {
            world.write(*tape, more);
            reference.insert(reference.end(), more.begin(), more.end());
        } else {
            ASSERT_TRUE(world.run(tape->erase_to_end()).has_value());
        }
        if (random() % 2 == 0) {
            world.store_all(cartridge);
        }
        ASSERT_TRUE(world.run(tape->close()).has_value());
        tape.reset();
        if (random() % 3 == 0) {
            world.store_all(cartridge);
        }
        if (random() % 4 == 0) {
            world.stop();
            world.start();
        }
        ASSERT_EQ(world.read_tape(cartridge), reference);
    }
    world.store_all(cartridge);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    EXPECT_EQ(world.read_tape(cartridge), reference);
}

TEST(Archive, AFullSpoolMakesWritesWaitAndADeadStoreLosesNothing) {
    ArchiveWorld world({.spool_limit = 8 * kMiB, .limits = small_segments()});
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::mt19937_64 random(4);
    std::vector<Object> objects;
    for (int i = 0; i < 160; ++i) {
        objects.push_back(random_bytes(random, 256 * 1024));
    }
    world.store.set_down(true);
    auto tape = world.open(cartridge);
    auto writing = boost::asio::co_spawn(
        world.serving,
        [](Tape* to, const std::vector<Object>* what) -> Awaitable<bool> {
            for (const auto& object : *what) {
                if (!co_await to->write(Buffer::copy_of(object))) {
                    co_return false;
                }
            }
            co_return true;
        }(tape.get(), &objects),
        boost::asio::use_future);
    while (!world.archive->status().trouble) {
        std::this_thread::yield();
    }
    EXPECT_LE(world.budget.used(), 8 * kMiB + 256 * 1024);
    world.store.set_down(false);
    ASSERT_TRUE(writing.get());
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
    EXPECT_EQ(world.read_tape(cartridge), objects);
    const auto told = [&world] {
        std::map<std::string, int> times;
        for (const auto& event : world.events.events_after(0)) {
            times[event.message] += event.message.starts_with("The spool") ? 1 : 0;
        }
        std::erase_if(times, [](const auto& each) { return each.second == 0; });
        return times;
    };
    std::map<std::string, int> expected{{"The spool is nearly full.", 1},
                                        {"The spool is full: writing waits for the store.", 1}};
    EXPECT_EQ(told(), expected) << "it was full again and again";
    EXPECT_EQ(world.budget.level(), SpoolLevel::full);
    world.spool_later = std::chrono::minutes(1);
    while (world.budget.level() != SpoolLevel::ample) {
        std::this_thread::yield();  // nobody writes
    }
    world.stop();
    expected["The spool has drained: writing goes on."] = 1;
    EXPECT_EQ(told(), expected);
}

TEST(Archive, WritingOverAUsedTapeWaitsForAFullSpoolToo) {
    ArchiveWorld world({.spool_limit = 8 * kMiB, .limits = small_segments()});
    const auto used = world.add_cartridge("TL0001L9");
    const auto other = world.add_cartridge("TL0002L9");
    std::mt19937_64 random(14);
    world.write_tape(used, random_tape(random, 20));
    world.store_all(used);
    world.store.set_down(true);
    auto filling = world.open(other);
    while (world.budget.limit() - world.budget.used() > 100'000) {
        world.write(*filling, {random_bytes(random, 50'000)});
    }
    auto tape = world.open(used);
    const Object record = random_bytes(random, 200'000);
    auto writing = boost::asio::co_spawn(
        world.serving,
        [](Tape* to, const Object* what) -> Awaitable<bool> {
            co_return (co_await to->write(Buffer::copy_of(*what))).has_value();
        }(tape.get(), &record),
        boost::asio::use_future);
    while (!world.archive->status().trouble) {
        std::this_thread::yield();
    }
    world.store.set_down(false);
    ASSERT_TRUE(writing.get());
    ASSERT_TRUE(world.run(tape->close()).has_value());
    ASSERT_TRUE(world.run(filling->close()).has_value());
    tape.reset();
    EXPECT_EQ(world.read_tape(used), std::vector<Object>{record});
}

TEST(Archive, ReadingDoesNotSayThatTheStoreCanBeWritten) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(15);
    const auto stored = world.add_cartridge("TL0001L9");
    world.write_tape(stored, random_tape(random, 20));
    world.store_all(stored);
    for (std::uint64_t nth = 1; nth <= 2000; ++nth) {
        world.store.script(StoreCall::put, nth, Fault::before, Errc::no_space);
    }
    const auto other = world.add_cartridge("TL0002L9");
    world.write_tape(other, random_tape(random, 20));
    while (!world.archive->status().trouble) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(world.run(world.archive->verify({stored}, {})).has_value());
    EXPECT_TRUE(world.archive->status().trouble);
}

TEST(Archive, APromiseOfTheCloudIsKeptByTheStoreAlone) {
    ArchiveWorld world({.cloud = true});
    const auto cartridge = world.add_cartridge("TL0001L9");
    auto tape = world.open(cartridge);
    world.write(*tape, {Object(5000, 1), kFilemark});
    ASSERT_TRUE(world.run(tape->sync()).has_value());
    EXPECT_GT(world.bytes_in_store("packs/"), 0U);
    EXPECT_EQ(world.catalog->archive().storage(cartridge.id)->spooled_only, 0U);
    ASSERT_TRUE(world.run(tape->close()).has_value());
}

TEST(Archive, APromiseThatTheStoreCannotKeepIsAnErrorAndTheDataStays) {
    ArchiveWorld world({.cloud = true, .patience = std::chrono::milliseconds(50)});
    const auto cartridge = world.add_cartridge("TL0001L9");
    auto tape = world.open(cartridge);
    world.write(*tape, {Object(5000, 1)});
    world.store.set_down(true);
    const auto refused = world.run(tape->sync());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::transient);
    world.store.set_down(false);
    while (!world.run(tape->sync())) {
    }
    ASSERT_TRUE(world.run(tape->locate_object(0)).has_value());
    EXPECT_EQ(world.read(*tape), std::vector<Object>{Object(5000, 1)});
}

TEST(Archive, StopsWhereAnotherDaemonHasWrittenBehindTheEndItKnows) {
    ArchiveWorld world;
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.write_tape(cartridge, {Object(1000, 1)});
    world.store_all(cartridge);
    const auto stream = world.catalog->archive().stream_of(cartridge.id);
    const auto head = world.catalog->archive().head(*stream);
    world.stop();
    LogWriter other(world.store, *world.keys, *stream, *head);
    const WriterId somebody{9};
    ASSERT_TRUE(world.run(other.append(LogKind::delta, {encode_writer(somebody)})).has_value());
    const auto before = world.memory->objects().size();
    world.start();
    world.write_tape(cartridge, {Object(1000, 2)});
    const auto refused = world.run(world.archive->store_all(cartridge.id));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_EQ(world.memory->objects().size(), before);
    EXPECT_EQ(world.read_tape(cartridge), std::vector<Object>{Object(1000, 2)}) << "in the spool";
}

TEST(Archive, FaultsOfTheStoreCostTimeOnly) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ArchiveWorld world({.limits = small_segments()});
    world.store.set_rates({.before = 100, .after = 100, .throttled = 50});
    const auto cartridge = world.add_cartridge("TL0001L9");
    const auto objects = random_tape(random, 150);
    world.write_tape(cartridge, objects);
    world.store_all(cartridge);
    world.store.set_rates({});
    EXPECT_EQ(world.read_tape(cartridge), objects);
}

}  // namespace
}  // namespace tapeloft::media
