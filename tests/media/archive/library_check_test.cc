// The check names what is wrong with a library, and its repair makes nothing worse.
#include "media/repository/library_check.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "media/log/log_stream.h"
#include "media/pack/pack_writer.h"

#include "tests/media/archive/damage.h"

namespace tapeloft::media {
namespace {

using Kind = LibraryFindingKind;

class LibraryCheckTest : public ::testing::Test {
  protected:
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
    auto writer = PackWriter::begin(*world_.keys, 1'000'000);
    ASSERT_TRUE(writer.has_value());
    const auto plain = Buffer::copy_of(Bytes(5000, 3));
    writer->add(encode_chunk(world_.keys->fingerprint(plain.view()), plain, 0));
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

TEST_F(LibraryCheckTest, AStoreThatIsNotTheLibrarysIsAnError) {
    world_.memory->set_objects({});
    const auto report = world_.run(world_.archive->check(true));
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Errc::not_found);
    EXPECT_FALSE(is_marked());
}

}  // namespace
}  // namespace tapeloft::media
