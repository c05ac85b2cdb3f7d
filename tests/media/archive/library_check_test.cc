// The check names what is wrong with a library, and its repair makes nothing worse.
#include "media/repository/library_check.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/log/log_stream.h"
#include "media/pack/pack_writer.h"

#include "tests/media/archive/damage.h"
#include "tests/media/archive/rebuilt.h"
#include "tests/media/archive/watched_store.h"

namespace tapeloft::media {
namespace {

using Kind = LibraryFindingKind;

class LibraryCheckTest : public ::testing::Test {
  protected:
    explicit LibraryCheckTest(const WorldSettings& settings = {}) : world_(settings) {}
    void SetUp() override {
        std::mt19937_64 random(1);
        for (int i = 0; i < 30; ++i) {
            objects_.push_back(random_bytes(random, 100'000));
        }
        cartridge_ = world_.add_cartridge("TL0001L9");
        world_.write_tape(cartridge_, objects_);
        world_.store_all(cartridge_);
    }
    LibraryReport check(bool repair = false) {
        auto report = world_.run(world_.archive->check(repair));
        TL_ASSERT(report.has_value());
        return std::move(report).value();
    }
    static std::set<Kind> kinds(const LibraryReport& report) {
        std::set<Kind> found;
        for (const auto& finding : report.findings) {
            found.insert(finding.kind);
        }
        return found;
    }
    [[nodiscard]] bool is_marked() { return world_.catalog->cartridge(cartridge_.id)->damaged; }
    [[nodiscard]] StreamId stream() {
        return world_.catalog->archive().stream_of(cartridge_.id).value();
    }
    using Kinds = std::set<Kind>;

    ArchiveWorld world_;
    CartridgeRecord cartridge_;
    std::vector<Object> objects_;
};

TEST_F(LibraryCheckTest, ASoundLibraryHasNoFindings) {
    const auto report = check();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_FALSE(report.is_damaged());
    EXPECT_EQ(report.cartridges, 1U);
    EXPECT_GE(report.segments, 1U);
    EXPECT_EQ(report.packs, names_in(world_, "packs/").size());
    EXPECT_EQ(report.pack_bytes, world_.bytes_in_store("packs/"));
    EXPECT_EQ(report.objects, world_.memory->objects().size());
}

TEST_F(LibraryCheckTest, ACartridgeThatWasBlankWhenTheLibraryWasStoredIsNamedWithItsFirstSegment) {
    const auto second = world_.add_cartridge("TL0002L9");
    const auto library = ArchiveWorld::kLibrary;
    while (world_.catalog->archive().library_work(library).value()) {
        std::this_thread::yield();
    }
    world_.write_tape(second, objects_);
    world_.store_all(second);
    EXPECT_EQ(kinds(check()), Kinds{});
}

TEST_F(LibraryCheckTest, EveryKindHasARow) {
    for (auto kind = 0; kind <= static_cast<int>(Kind::foreign_object); ++kind) {
        EXPECT_FALSE(row_of(static_cast<Kind>(kind)).advice.empty());
    }
}

TEST_F(LibraryCheckTest, AMissingPackIsNamedAndItsDataIsStoredAnew) {
    const auto pack = names_in(world_, "packs/").front();
    remove_raw(world_, pack);
    const auto seen = check();
    EXPECT_EQ(kinds(seen), (Kinds{Kind::pack_missing, Kind::chunks_unknown}));
    EXPECT_EQ(seen.findings.front().object, pack);
    EXPECT_EQ(seen.findings.back().barcode, "TL0001L9");
    EXPECT_TRUE(seen.is_damaged());
    EXPECT_EQ(seen.repaired, 0U);
    EXPECT_FALSE(is_marked());
    const auto repaired = check(true);
    EXPECT_GE(repaired.repaired, 2U);
    EXPECT_TRUE(repaired.is_damaged());
    EXPECT_TRUE(is_marked());
    const auto second = world_.add_cartridge("TL0002L9");
    world_.write_tape(second, objects_);
    world_.store_all(second);
    EXPECT_EQ(world_.read_tape(second), objects_);
    EXPECT_EQ(world_.read_tape(cartridge_), objects_);
}

TEST_F(LibraryCheckTest, ACartridgeThatIsKnownToBeDamagedIsNamedUntilItIsSoundAgain) {
    ASSERT_TRUE(world_.catalog->set_damaged(cartridge_.id, true).has_value());
    world_.store_all(cartridge_);
    const auto seen = check();
    EXPECT_EQ(kinds(seen), Kinds{Kind::cartridge_damaged});
    EXPECT_EQ(seen.findings.front().barcode, "TL0001L9");
    EXPECT_TRUE(seen.is_damaged());
    ASSERT_TRUE(world_.run(world_.archive->verify({cartridge_}, {})).has_value());
    world_.store_all(cartridge_);
    EXPECT_EQ(kinds(check()), Kinds{});
}

TEST_F(LibraryCheckTest, APackThatIsCutOffCountsAsMissing) {
    const auto pack = names_in(world_, "packs/").front();
    auto bytes = get_raw(world_, pack);
    bytes.pop_back();
    put_raw(world_, pack, bytes);
    EXPECT_TRUE(kinds(check()).contains(Kind::pack_missing));
}

TEST_F(LibraryCheckTest, ADamagedOrMissingOrSwappedLogObjectIsNamedAndNothingIsRemoved) {
    const auto sound = world_.memory->objects();
    const auto logs = names_in(world_, "log/");
    put_raw(world_, "packs/00/00000000000000000000000000000000", Bytes(100, 1));
    const auto with_orphan = world_.memory->objects();
    for (const auto& name : logs) {
        for (const bool flip : {true, false}) {
            world_.memory->set_objects(with_orphan);
            if (flip) {
                flip_bit(world_, name, 8 * 60);
            } else {
                remove_raw(world_, name);
            }
            const auto left = world_.memory->objects().size();
            const auto report = check(true);
            EXPECT_TRUE(report.is_damaged()) << name;
            const auto found =
                std::ranges::find(report.findings, Kind::log_damaged, &LibraryFinding::kind);
            ASSERT_NE(found, report.findings.end()) << name;
            EXPECT_TRUE(name.starts_with(found->object)) << name;
            EXPECT_EQ(world_.memory->objects().size(), left) << name;
        }
    }
    world_.memory->set_objects(sound);
    EXPECT_EQ(kinds(check()), Kinds{});
}

TEST_F(LibraryCheckTest, AMissingOrDamagedHeadIsStoredAnew) {
    for (const auto& name : names_in(world_, "head/")) {
        for (const bool flip : {true, false}) {
            if (flip) {
                flip_bit(world_, name, 8 * 50);
            } else {
                remove_raw(world_, name);
            }
            EXPECT_EQ(kinds(check()), Kinds{Kind::head_not_right});
            const auto report = check(true);
            EXPECT_EQ(report.repaired, 1U);
            EXPECT_FALSE(report.is_damaged());
            EXPECT_EQ(kinds(check()), Kinds{});
        }
    }
}

struct BucketFaults {
    std::string hidden_;  ///< behind a delete marker
    std::string locked_;
};
class LibraryCheckOfABucket : protected BucketFaults, public LibraryCheckTest {
  protected:
    LibraryCheckOfABucket() : LibraryCheckTest(settings(hidden_, locked_)) {}

    static WorldSettings settings(const std::string& hidden, const std::string& locked) {
        WorldSettings settings;
        settings.overlay = [&](std::shared_ptr<MemoryStore> memory) {
            auto store = std::make_shared<WatchedStore>(std::move(memory));
            const auto fail = [](const std::string& which, Errc code, const char* what) {
                return [&which, code, what](const std::string& name) {
                    return name == which ? std::optional(Error{code, what}) : std::nullopt;
                };
            };
            store->before_head = fail(hidden, Errc::corrupt, "behind a delete marker");
            store->before_remove = fail(locked, Errc::denied, "it is locked");
            return store;
        };
        return settings;
    }
};

TEST_F(LibraryCheckOfABucket, APackBehindADeleteMarkerIsAFindingAmongOthers) {
    hidden_ = names_in(world_, "packs/").front();
    remove_raw(world_, hidden_);
    put_raw(world_, "somebody/elses", Bytes(100, 1));
    const auto report = check();
    EXPECT_TRUE(kinds(report).contains(Kind::pack_missing));
    EXPECT_TRUE(kinds(report).contains(Kind::foreign_object));
    const auto found = std::ranges::find(report.findings, hidden_, &LibraryFinding::object);
    ASSERT_NE(found, report.findings.end());
    EXPECT_NE(found->what.find("behind a delete marker"), std::string::npos);
    EXPECT_TRUE(report.is_damaged());
}

TEST_F(LibraryCheckOfABucket, AnOrphanThatIsLockedStaysAndTheOthersGo) {
    locked_ = "packs/0a/0a000000000000000000000000000000";
    const std::string other = "packs/0b/0b000000000000000000000000000000";
    put_raw(world_, locked_, Bytes(100, 1));
    put_raw(world_, other, Bytes(100, 1));
    const auto report = check(true);
    EXPECT_EQ(report.repaired, 1U);
    EXPECT_FALSE(world_.memory->objects().contains(other));
    const auto found = std::ranges::find(report.findings, locked_, &LibraryFinding::object);
    ASSERT_NE(found, report.findings.end());
    EXPECT_FALSE(found->repaired);
    EXPECT_NE(found->what.find("it is locked"), std::string::npos);
    EXPECT_FALSE(report.is_damaged());
}

TEST_F(LibraryCheckTest, MoreNotesThanAreNamedAreNoDamage) {
    for (std::size_t i = 0; i < LibraryReport::kFindingsMax + 50; ++i) {
        put_raw(world_, "somebody/" + std::to_string(i), Bytes(1));
    }
    const std::string orphan = "packs/0a/0a000000000000000000000000000000";
    put_raw(world_, orphan, Bytes(100, 1));
    const auto report = check(true);
    EXPECT_GE(report.findings_left_out, 50U);
    EXPECT_FALSE(report.is_damaged());
    EXPECT_FALSE(world_.memory->objects().contains(orphan)) << "repairs go on";
    remove_raw(world_, names_in(world_, "packs/").front());
    EXPECT_TRUE(check().is_damaged());
}

TEST_F(LibraryCheckTest, OrphansAreNamedAndRemovedOnlyWhenAsked) {
    const auto sound = names_in(world_, "");
    const StreamId nobody{9, 9, 9};
    put_raw(world_, "packs/0a/0a000000000000000000000000000000", Bytes(100, 1));
    put_raw(world_, log_name(nobody, 1), Bytes(100, 1));
    put_raw(world_, head_name(nobody), Bytes(100, 1));
    put_raw(world_, "somebody/elses", Bytes(100, 1));
    const auto seen = check();
    EXPECT_EQ(kinds(seen), (Kinds{Kind::orphan_pack, Kind::orphan_log, Kind::foreign_object}));
    EXPECT_FALSE(seen.is_damaged());
    EXPECT_EQ(names_in(world_, "").size(), sound.size() + 4);
    const auto repaired = check(true);
    EXPECT_EQ(repaired.repaired, 3U);
    remove_raw(world_, "somebody/elses");
    EXPECT_EQ(names_in(world_, ""), sound);
    EXPECT_EQ(world_.read_tape(cartridge_), objects_);
}

TEST_F(LibraryCheckTest, APackThatOnlyTheIndexKnowsIsTakenIntoTheCatalog) {
    auto writer = PackWriter::begin(*world_.keys, Buffer::allocate(1'000'000));
    ASSERT_TRUE(writer.has_value());
    const auto plain = Buffer::copy_of(Bytes(5000, 3));
    SampleTrend trend;
    writer->add(encode_chunk(world_.keys->fingerprint(plain.view()), plain, 0, trend));
    const auto pack = std::move(*writer).finish();
    put_raw(world_, pack_name(pack.contents.id), pack.object.view());
    const auto index = world_.keys->index_stream();
    LogWriter log(world_.store, *world_.keys, index, world_.catalog->archive().head(index).value());
    ASSERT_TRUE(world_.run(log.append(LogKind::delta, {encode(pack.contents)})).has_value());
    ASSERT_TRUE(world_.catalog->archive().note_head(index, log.head()).has_value());
    EXPECT_EQ(kinds(check()), Kinds{Kind::pack_not_in_catalog});
    EXPECT_EQ(check(true).repaired, 1U);
    EXPECT_EQ(kinds(check()), Kinds{});
}

TEST_F(LibraryCheckTest, WhatTheLogDoesNotSayOfACartridgeIsNamed) {
    const auto head = world_.catalog->archive().head(stream()).value();
    LogWriter log(world_.store, *world_.keys, stream(), head);
    ASSERT_TRUE(world_.run(log.append(LogKind::delta, {encode(Truncation{0, 3})})).has_value());
    ASSERT_TRUE(world_.catalog->archive().note_head(stream(), log.head()).has_value());
    const auto report = check(true);
    EXPECT_EQ(kinds(report), Kinds{Kind::cartridge_differs});
    EXPECT_TRUE(report.is_damaged());
    EXPECT_EQ(report.findings.front().barcode, "TL0001L9");
    EXPECT_EQ(world_.read_tape(cartridge_), objects_);
}

TEST_F(LibraryCheckTest, WhileTheArchiveWorksNothingLooksWrong) {
    std::mt19937_64 random(2);
    auto tape = world_.open(world_.add_cartridge("TL0002L9"));
    for (int round = 0; round < 6; ++round) {
        std::vector<Object> more;
        for (int i = 0; i < 20; ++i) {
            more.push_back(random_bytes(random, 100'000));
        }
        world_.write(*tape, more);
        ASSERT_TRUE(world_.run(tape->rest()).has_value());
        for (const auto& finding : check(true).findings) {
            // A group that the check broke off leaves its packs to nobody.
            EXPECT_EQ(finding.kind, Kind::orphan_pack) << finding.object << " " << finding.what;
        }
    }
    ASSERT_TRUE(world_.run(tape->close()).has_value());
}

TEST_F(LibraryCheckTest, PartitionsThatTheLogDoesNotHaveAreNamed) {
    const auto blank = world_.add_cartridge("TL0002L9");
    world_.store_all(blank);
    const auto other = world_.catalog->archive().stream_of(blank.id).value();
    LogWriter changed(world_.store, *world_.keys, other,
                      world_.catalog->archive().head(other).value());
    ASSERT_TRUE(world_.run(changed.append(
        LogKind::delta, {encode_format({kPartitionCapacityMin, kPartitionCapacityMin})})));
    ASSERT_TRUE(world_.catalog->archive().note_head(other, changed.head()).has_value());
    const auto report = check();
    EXPECT_EQ(kinds(report), Kinds{Kind::cartridge_differs});
    EXPECT_EQ(report.findings.front().barcode, "TL0002L9");
}

/// The check reads a log when the cartridge is deleted.
TEST(LibraryCheckMeanwhile, ACartridgeThatIsDeletedIsNotDamaged) {
    auto settings = without_ticks();
    std::shared_ptr<WatchedStore> watched;
    settings.overlay = [&watched](std::shared_ptr<MemoryStore> memory) {
        watched = std::make_shared<WatchedStore>(std::move(memory));
        return watched;
    };
    std::atomic<bool> armed = false;
    std::string prefix;
    CartridgeId doomed = 0;
    ArchiveWorld world(std::move(settings));
    watched->before_get = [&](const std::string& name) -> std::optional<Error> {
        if (name.starts_with(prefix) && armed.exchange(false)) {
            EXPECT_TRUE(world.catalog->remove_cartridge(doomed).has_value());
        }
        return std::nullopt;
    };
    const auto stays = world.add_cartridge("TL0001L9");
    for (const auto* where : {"cartridge", "library", "index"}) {
        SCOPED_TRACE(where);
        const auto goes = world.add_cartridge("TL0002L9");
        for (const auto& cartridge : {stays, goes}) {
            world.write_tape(cartridge, {Object(5000, 1), Object(6000, 2)});
            world.store_all(cartridge);
        }
        doomed = goes.id;
        const std::map<std::string_view, StreamId> streams = {
            {"cartridge", world.catalog->archive().stream_of(goes.id).value()},
            {"library", world.keys->library_stream()},
            {"index", world.keys->index_stream()}};
        prefix = "log/" + to_hex(streams.at(where));
        armed = true;
        const auto report = world.run(world.archive->check(true));
        ASSERT_TRUE(report.has_value()) << report.error().message;
        EXPECT_FALSE(armed);
        for (const auto& finding : report->findings) {
            EXPECT_FALSE(row_of(finding.kind).is_damage)
                << finding.object << " " << finding.barcode << " " << finding.what;
        }
        world.store_all(goes);  // that it is gone
    }
}

/// What an empty machine makes of the store, before and after it wrote there.
void expect_sound_when_recovered(const MemoryStore::Objects& objects, std::size_t cartridges) {
    auto settings = without_ticks();
    settings.objects = objects;
    ArchiveWorld world(std::move(settings));
    ASSERT_TRUE(world.recovered) << world.recovery_error->message;
    EXPECT_EQ(world.recovered->cartridges, cartridges);
    expect_sound(world);
    const auto found = world.catalog->all_cartridges().value();
    for (const auto& cartridge : found) {
        world.store_all(cartridge);
    }
    EXPECT_FALSE(*world.catalog->archive().library_work(ArchiveWorld::kLibrary));
    expect_sound(world);
}

class LibraryCheckRecovered : public testing::Test {
  protected:
    void SetUp() override {
        one_ = world_.add_cartridge("TL0001L9");
        two_ = world_.add_cartridge("TL0002L9");
        for (const auto& cartridge : {one_, two_}) {
            world_.write_tape(cartridge, {Object(5000, 1)});
            world_.store_all(cartridge);
        }
    }

    ArchiveWorld world_{without_ticks()};
    CartridgeRecord one_;
    CartridgeRecord two_;
};

TEST_F(LibraryCheckRecovered, TwoCartridgesInOneElementAreSound) {
    ASSERT_TRUE(world_.catalog->move_cartridge(one_.id, {ElementKind::storage, 7}, std::nullopt));
    ASSERT_TRUE(world_.catalog->move_cartridge(two_.id, one_.element, std::nullopt));
    world_.store_all(two_);
    expect_sound_when_recovered(world_.memory->objects(), 2);
}

TEST_F(LibraryCheckRecovered, ACartridgeThatWasRemovedAndIsStillNamedIsSound) {
    const auto library = to_hex(world_.keys->library_stream());
    auto before = world_.memory->objects();
    ASSERT_TRUE(world_.catalog->remove_cartridge(two_.id));
    world_.store_all(two_);
    auto objects = world_.memory->objects();
    std::erase_if(objects, [&library](const auto& object) {
        return object.first.find(library) != std::string::npos;
    });
    for (const auto& [name, body] : before) {
        if (name.find(library) != std::string::npos) {
            objects.emplace(name, body);
        }
    }
    expect_sound_when_recovered(objects, 1);
}

TEST_F(LibraryCheckRecovered, ACartridgeThatWasGivenUpIsSound) {
    const auto stream = to_hex(world_.catalog->archive().stream_of(two_.id).value());
    auto objects = world_.memory->objects();
    std::erase_if(objects, [&stream](const auto& object) {
        return object.first.find(stream) != std::string::npos;
    });
    expect_sound_when_recovered(objects, 1);
}

TEST_F(LibraryCheckTest, AStoreThatIsNotTheLibrarysIsAnError) {
    world_.memory->set_objects({});
    const auto report = world_.run(world_.archive->check(true));
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Errc::not_found);
    EXPECT_FALSE(is_marked());
}

}  // namespace
}  // namespace tapeloft::media
