// Verifying says of a cartridge exactly what a host would find out.
#include "media/archive/verifier.h"

#include <fstream>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/cartridge/spool_files.h"

#include "tests/media/archive/damage.h"
#include "tests/media/segment/faulty_files.h"

namespace tapeloft::media {
namespace {

CartridgeVerdict verify(ArchiveWorld& world, const CartridgeRecord& cartridge,
                        unsigned sample = 100) {
    const auto report = world.run(world.archive->verify({cartridge}, {sample}));
    TL_ASSERT(report.has_value());
    return report->cartridges.front();
}

bool is_marked(ArchiveWorld& world, const CartridgeRecord& cartridge) {
    return world.catalog->cartridge(cartridge.id)->damaged;
}

/// Object by object.
std::set<std::uint64_t> unreadable(ArchiveWorld& world, const CartridgeRecord& cartridge,
                                   std::size_t objects) {
    std::set<std::uint64_t> failed;
    auto tape = world.open(cartridge);
    for (std::uint64_t object = 0; object < objects; ++object) {
        EXPECT_TRUE(world.run(tape->locate_object(object)).has_value());
        if (!world.run(tape->read())) {
            failed.insert(object);
        }
    }
    EXPECT_TRUE(world.run(tape->close()).has_value());
    return failed;
}

std::set<std::uint64_t> named(const CartridgeVerdict& verdict) {
    std::set<std::uint64_t> objects;
    for (const auto& finding : verdict.findings) {
        for (std::uint64_t i = 0; i < finding.objects; ++i) {
            EXPECT_TRUE(objects.insert(finding.first_object + i).second);
        }
    }
    return objects;
}

TEST(Verifier, ASoundCartridgeIsSaidToBeSoundWithAllThatIsOnIt) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(1);
    const auto objects = random_tape(random, 120);
    const auto cartridge = stored_cartridge(world, "TL0001L9", objects);
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    for (const auto& object : objects) {
        records += object.empty() ? 0U : 1U;
        bytes += object.size();
    }
    const auto verdict = verify(world, cartridge);
    EXPECT_EQ(verdict.barcode, "TL0001L9");
    EXPECT_FALSE(verdict.is_damaged());
    EXPECT_TRUE(verdict.is_whole());
    EXPECT_EQ(verdict.records, records);
    EXPECT_EQ(verdict.bytes, bytes);
    EXPECT_GT(verdict.segments, 5U);
    EXPECT_FALSE(is_marked(world, cartridge));
}

TEST(Verifier, ABlankCartridgeIsSound) {
    ArchiveWorld world;
    const auto verdict = verify(world, world.add_cartridge("TL0001L9"));
    EXPECT_FALSE(verdict.is_damaged());
    EXPECT_EQ(verdict.segments, 0U);
}

TEST(Verifier, AChunkThatTheTapeHasOftenIsFetchedOnce) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(2);
    const auto part = random_tape(random, 30);
    std::vector<Object> objects;
    for (int i = 0; i < 10; ++i) {
        objects.insert(objects.end(), part.begin(), part.end());
        objects.push_back(kFilemark);
    }
    const auto cartridge = stored_cartridge(world, "TL0001L9", objects);
    const auto before = world.store.calls(StoreCall::get);
    EXPECT_FALSE(verify(world, cartridge).is_damaged());
    EXPECT_LE((world.store.calls(StoreCall::get) - before) * kMiB,
              world.bytes_in_store("packs/") + 4 * kMiB);
}

TEST(Verifier, WhatItNamesIsWhatAHostCannotRead) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ArchiveWorld world({.limits = small_segments()});
    const auto objects = random_tape(random, 150);
    const auto cartridge = stored_cartridge(world, "TL0001L9", objects);
    const auto sound = world.memory->objects();
    for (int round = 0; round < 6; ++round) {
        world.stop();
        world.memory->set_objects(sound);
        world.start();  // which knows nothing of the damage before
        const auto packs = names_in(world, "packs/");
        const auto& pack = packs[random() % packs.size()];
        if (round == 0) {
            remove_raw(world, pack);
        } else if (round == 1) {
            auto bytes = get_raw(world, pack);
            bytes.resize(bytes.size() / 2);
            put_raw(world, pack, bytes);
        } else if (round == 2 && packs.size() > 1) {
            swap_raw(world, packs[0], packs[1]);
        } else {
            flip_bit(world, pack, random() % (get_raw(world, pack).size() * 8));
        }
        const auto verdict = verify(world, cartridge);
        const auto failed = unreadable(world, cartridge, objects.size());
        EXPECT_EQ(named(verdict), failed) << "round " << round;
        EXPECT_EQ(is_marked(world, cartridge), !failed.empty());
        for (const auto& finding : verdict.findings) {
            ASSERT_TRUE(finding.pack);
            EXPECT_TRUE(round == 2 || pack.ends_with(to_hex(*finding.pack)));
            EXPECT_FALSE(finding.what.empty());
        }
    }
}

TEST(Verifier, ACartridgeThatIsSoundAgainIsMarkedDamagedNoMore) {
    ArchiveWorld world;
    std::mt19937_64 random(3);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 20));
    const auto sound = world.memory->objects();
    remove_raw(world, names_in(world, "packs/").front());
    EXPECT_TRUE(verify(world, cartridge).is_damaged());
    EXPECT_TRUE(is_marked(world, cartridge));
    world.memory->set_objects(sound);
    EXPECT_FALSE(verify(world, cartridge).is_damaged());
    EXPECT_FALSE(is_marked(world, cartridge));
}

TEST(Verifier, TheSameDataIsStoredAnewAndTheDamagedCartridgeCanBeReadAgain) {
    ArchiveWorld world;
    std::mt19937_64 random(4);
    const auto objects = random_tape(random, 30);
    const auto first = stored_cartridge(world, "TL0001L9", objects);
    for (const auto& pack : names_in(world, "packs/")) {
        flip_bit(world, pack, 1000);
    }
    EXPECT_TRUE(verify(world, first).is_damaged());
    const auto second = stored_cartridge(world, "TL0002L9", objects);
    EXPECT_EQ(world.read_tape(second), objects);
    EXPECT_EQ(world.read_tape(first), objects);
    EXPECT_FALSE(verify(world, first).is_damaged());
}

TEST(Verifier, ASampleReadsSomeAndClearsNoMark) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(5);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 200));
    ASSERT_TRUE(world.catalog->set_damaged(cartridge.id, true).has_value());
    const auto verdict = verify(world, cartridge, 1);
    EXPECT_GE(verdict.segments, 1U);
    EXPECT_FALSE(verdict.is_damaged());
    EXPECT_FALSE(verdict.is_whole());
    EXPECT_TRUE(is_marked(world, cartridge));
}

TEST(Verifier, AStoreThatIsNotTheLibrarysCondemnsNothing) {
    ArchiveWorld world;
    std::mt19937_64 random(6);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 20));
    world.memory->set_objects({});
    const auto report = world.run(world.archive->verify({cartridge}, {}));
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Errc::precondition);
    EXPECT_FALSE(is_marked(world, cartridge));
}

TEST(Verifier, WhatIsOnlyInTheSpoolIsCheckedThere) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(7);
    world.store.set_down(true);
    const auto cartridge = world.add_cartridge("TL0001L9");
    const auto objects = random_tape(random, 60);
    world.write_tape(cartridge, objects);
    EXPECT_FALSE(verify(world, cartridge).is_damaged());
    const auto spool = world.state / "spool" / cartridge.medium_serial;
    for (const auto& entry : std::filesystem::directory_iterator(spool)) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
        file.put('x');
        file.put('y');
    }
    const auto verdict = verify(world, cartridge);
    EXPECT_TRUE(verdict.is_damaged());
    EXPECT_FALSE(verdict.findings.front().pack);
    EXPECT_EQ(named(verdict), unreadable(world, cartridge, objects.size()));
}

TEST(Verifier, ASegmentThatIsCutWhileItIsReadIsNoDamage) {
    FaultyFiles files;
    ArchiveWorld world({.limits = small_segments(), .files = &files});
    std::mt19937_64 random(10);
    world.store.set_down(true);
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::vector<Object> objects;
    for (int i = 0; i < 25; ++i) {
        objects.push_back(random_bytes(random, 100'000));
    }
    world.write_tape(cartridge, objects);
    auto tape = world.open(cartridge);
    const auto cut = [&world, &tape] {
        EXPECT_TRUE(world.run(tape->locate_object(3)).has_value());
        EXPECT_TRUE(world.run(tape->erase_to_end()).has_value());
        EXPECT_TRUE(world.run(tape->sync()).has_value());
    };
    files.set(segment_file_name(1), {.opened = cut});
    const auto verdict = verify(world, cartridge);
    EXPECT_FALSE(verdict.is_damaged());
    EXPECT_LT(verdict.records, objects.size());
    ASSERT_TRUE(world.run(tape->close()).has_value());
}

TEST(Verifier, FaultsOfTheStoreAreNoDamage) {
    ArchiveWorld world({.limits = small_segments()});
    std::mt19937_64 random(8);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 100));
    world.store.set_rates({.before = 200, .throttled = 100});
    EXPECT_FALSE(verify(world, cartridge).is_damaged());
}

TEST(Verifier, AStoreThatStaysAwayEndsItWithTheReasonAndCondemnsNothing) {
    ArchiveWorld world({.request_patience = std::chrono::milliseconds(50)});
    std::mt19937_64 random(10);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 20));
    world.store.set_down(true);
    const auto report = world.run(world.archive->verify({cartridge}, {}));
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Errc::transient) << report.error().message;
    EXPECT_FALSE(is_marked(world, cartridge));
    world.store.set_down(false);
    EXPECT_FALSE(verify(world, cartridge).is_damaged());
}

TEST(Verifier, TheEndOfTheDaemonCutsItShort) {
    ArchiveWorld world;
    std::mt19937_64 random(9);
    const auto cartridge = stored_cartridge(world, "TL0001L9", random_tape(random, 20));
    world.store.set_down(true);
    const auto before = world.store.calls(StoreCall::get);
    auto verifying =
        boost::asio::co_spawn(world.serving, as_optional(world.archive->verify({cartridge}, {})),
                              boost::asio::use_future);
    while (world.store.calls(StoreCall::get) == before) {
        std::this_thread::yield();
    }
    EXPECT_EQ(world.run(world.archive->verify({cartridge}, {})).error().code, Errc::busy);
    boost::asio::co_spawn(world.serving, world.archive->stop(), boost::asio::use_future).get();
    const auto report = *verifying.get();
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Errc::cancelled);
    EXPECT_FALSE(is_marked(world, cartridge));
}

}  // namespace
}  // namespace tapeloft::media
