// Catalogs that do not tell what is on the tape: they cost time, and nothing else.
#include <algorithm>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/hidden_chunks.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kSize = 5000;
constexpr const char* kOther = "vm/100/2024-06-06T07:04:24Z";

class WrongCatalogs : public testing::Test {
  protected:
    WrongCatalogs() {
        for (std::size_t i = 0; i < 6; ++i) {
            chunks.push_back(make_chunk(make_data(random, kSize)));
        }
    }

    struct Said {
        std::vector<MadeChunk> first;
        std::vector<MadeChunk> second;
        std::vector<std::string> names;
        std::string store = "store";  ///< of the first
    };
    static TapeMaker make(const Said& said, const std::vector<MadeChunk>& of) {
        TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive(said.store, said.first);
        tape.snapshot("store", said.names.at(0), {image(of, 0)});
        tape.chunk_archive("store", said.second);
        tape.snapshot("store", said.names.at(1), {image(of, 3)});
        tape.catalog(tape);
        return tape;
    }
    static MadeFile image(const std::vector<MadeChunk>& of, std::size_t from) {
        const auto begin = of.begin() + static_cast<std::ptrdiff_t>(from);
        return make_fixed_index("drive.img.fidx", {begin, begin + 3});
    }
    Said truth() const {
        return {{chunks.begin(), chunks.begin() + 3},
                {chunks.begin() + 3, chunks.end()},
                {kMadeSnapshot, kOther},
                "store"};
    }
    /// The tape, and on it the catalog of what is said.
    void scan(const Said& said) {
        tape = make(truth(), chunks).tape();
        tape->files.back() = make(said, chunks).tape()->files.back();
        collection.emplace(run(Collection::scan(media_of({tape}), {false, "", {}})).value());
    }
    Result<FoundChunk> read(std::size_t chunk) const {
        ChunkReader reader(*collection, 0, "store", nullptr);
        return run(reader.read({chunks[chunk].digest, kSize, false}));
    }
    std::string first_finding() const {
        const auto findings = collection->hidden_chunks().findings();
        return findings.empty() ? "" : findings.front().what;
    }

    std::mt19937_64 random{5};
    std::vector<MadeChunk> chunks;
    std::shared_ptr<MemoryTape> tape;
    std::optional<Collection> collection;
};

TEST_F(WrongCatalogs, AChunkThatTheyDoNotListIsFoundAndVerificationTells) {
    auto said = truth();
    said.first[1].digest[7] ^= 0x10U;
    scan(said);
    const auto found = read(1);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_TRUE(std::ranges::equal(found->data.view(), chunks[1].data));
    EXPECT_NE(first_finding().find("tape TS0000L8, tape file 2: chunk " + to_hex(chunks[1].digest)),
              std::string::npos)
        << first_finding();
    const auto report = run(verify(*collection, {})).value();
    EXPECT_FALSE(report.is_sound());
    EXPECT_TRUE(report.snapshots.at(0).is_sound());
    ASSERT_EQ(report.findings.size(), 2U);
    EXPECT_NE(report.findings[0].what.find("tape TS0000L8, tape file 2: the catalog lists chunk " +
                                           to_hex(said.first[1].digest)),
              std::string::npos)
        << report.findings[0].what;
}

TEST_F(WrongCatalogs, AChunkThatTheyListElsewhereIsFound) {
    auto said = truth();
    std::swap(said.first[0], said.second[1]);
    scan(said);
    for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
        EXPECT_TRUE(read(chunk).has_value()) << chunk;
    }
    EXPECT_EQ(collection->hidden_chunks().findings().size(), 2U);
}

TEST_F(WrongCatalogs, AChunkOfADatastoreThatTheyNameWronglyIsFound) {
    auto said = truth();
    said.store = "other";
    scan(said);
    for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
        const auto found = read(chunk);
        EXPECT_TRUE(found.has_value()) << chunk << ": " << found.error().message;
    }
    EXPECT_EQ(collection->hidden_chunks().findings().size(), 3U);
    EXPECT_NE(first_finding().find("lists for the datastore other, not store"), std::string::npos)
        << first_finding();
    ASSERT_TRUE(run(collection->check_catalogs()).has_value());
    EXPECT_TRUE(std::ranges::any_of(collection->tapes()[0].findings, [](const auto& finding) {
        return finding.what.find(
                   "a chunk-archive of the datastore other, and it is a "
                   "chunk-archive of the datastore store") != std::string::npos;
    }));
}

TEST_F(WrongCatalogs, AChunkThatTheyLeaveOutIsToldByVerification) {
    auto said = truth();
    said.first.erase(said.first.begin());
    scan(said);
    EXPECT_TRUE(read(0).has_value());
    const auto report = run(verify(*collection, {})).value();
    EXPECT_FALSE(report.is_sound());
    EXPECT_TRUE(report.snapshots.at(0).is_sound());
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_NE(report.findings[0].what.find("the catalog does not list chunk " +
                                           to_hex(chunks[0].digest) + ", which the archive has"),
              std::string::npos)
        << report.findings[0].what;
}

TEST_F(WrongCatalogs, TheLastChunksThatTheyLeaveOutAreFound) {
    for (const std::size_t left_out : {1U, 2U, 3U}) {
        SCOPED_TRACE(left_out);
        auto said = truth();
        said.second.resize(3 - left_out);
        scan(said);
        for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
            EXPECT_TRUE(read(chunk).has_value()) << chunk;
        }
        const auto report = run(verify(*collection, {})).value();
        EXPECT_EQ(report.snapshots.at(1).files.at(0).missing, 0U);
        EXPECT_EQ(report.findings.size(), left_out == 1 ? 0U : 1U)
            << "the end of the medium may have cut the last one";
    }
}

TEST_F(WrongCatalogs, WhatStandsOnlyInAnAbortedArchiveIsNotMissing) {
    TapeMaker maker("TS0000L8", 1, TapeMaker::uuid(9), 0);
    std::vector<MadeChunk> aborted;
    for (std::size_t i = 0; i < 4; ++i) {
        aborted.push_back(make_chunk(make_data(random, kMadeChunkSize)));
    }
    maker.chunk_archive("store", aborted, StreamEnd::aborted);
    maker.snapshot("store", kMadeSnapshot,
                   {make_fixed_index("drive.img.fidx", {aborted[0], aborted[1]})});
    collection.emplace(run(Collection::scan(media_of({maker.tape()}), {false, "", {}})).value());
    ChunkReader reader(*collection, 0, "store", nullptr);
    EXPECT_TRUE(run(reader.read({aborted[0].digest, kMadeChunkSize, false})).has_value());
    const auto report = run(verify(*collection, {})).value();
    EXPECT_EQ(report.snapshots.at(0).files.at(0).missing, 0U);
    EXPECT_TRUE(report.snapshots[0].is_sound());
}

TEST_F(WrongCatalogs, ASnapshotThatIsGoneIsToldByVerification) {
    for (const bool full : {false, true}) {
        const auto whole = make(truth(), chunks);
        TapeMaker next("TS0001L8", 2, TapeMaker::uuid(9), 1);
        next.catalog(whole);
        tape = whole.tape();
        tape->files.resize(5);  // the second snapshot is gone
        collection.emplace(
            run(Collection::scan(media_of({tape, next.tape()}), {full, "", {}})).value());
        const auto report = run(verify(*collection, {})).value();
        EXPECT_FALSE(report.is_sound());
        const std::string words =
            std::string("the archive of store:") + kOther + " is missing from tape TS0000L8";
        const auto says = [&](const TapeFinding& finding) {
            return finding.what.find(words) != std::string::npos;
        };
        if (full) {
            EXPECT_TRUE(std::ranges::any_of(report.findings, says));
            continue;
        }
        for (const auto& snapshot : collection->snapshots()) {
            if (snapshot.name.text() == kOther) {
                const auto opened =
                    run(OpenSnapshot::open(*collection, snapshot, snapshot.copies.at(0)));
                ASSERT_FALSE(opened.has_value());
                EXPECT_EQ(opened.error().code, Errc::corrupt);
                EXPECT_NE(opened.error().message.find(words), std::string::npos)
                    << opened.error().message;
            }
        }
    }
}

TEST_F(WrongCatalogs, TheArchivesAreLookedIntoOnceForAllThatIsInNone) {
    scan(truth());
    EXPECT_TRUE(read(2).has_value());
    EXPECT_EQ(first_finding(), "");
    for (int i = 0; i < 3; ++i) {
        ChunkReader reader(*collection, 0, "store", nullptr);
        PbsDigest absent{};
        absent[0] = static_cast<std::uint8_t>(i);
        const auto before = tape->records_read;
        const auto found = run(reader.read({absent, kSize, false}));
        ASSERT_FALSE(found.has_value());
        EXPECT_EQ(found.error().code, Errc::not_found);
        EXPECT_NE(found.error().message.find("were looked into, too"), std::string::npos);
        EXPECT_EQ(tape->records_read > before, i == 0);
    }
}

TEST_F(WrongCatalogs, ASnapshotThatTheyNameWronglyIsFoundByItsOwnName) {
    for (const auto& names : {std::vector<std::string>{kOther, kMadeSnapshot},
                              std::vector<std::string>{"vm/999/2024-06-05T07:04:24Z", kOther}}) {
        SCOPED_TRACE(names[0]);
        auto said = truth();
        said.names = names;
        scan(said);
        EXPECT_TRUE(run(collection->check_catalogs()).value());
        EXPECT_FALSE(run(collection->check_catalogs()).value()) << "once";
        ASSERT_EQ(collection->snapshots().size(), 2U);
        for (std::size_t number = 0; number < 2; ++number) {
            const auto& snapshot = collection->snapshots()[number];
            EXPECT_EQ(snapshot.name.text(), number == 0 ? kMadeSnapshot : kOther);
            ASSERT_EQ(snapshot.copies.size(), 1U);
            auto opened = run(OpenSnapshot::open(*collection, snapshot, snapshot.copies[0]));
            ASSERT_TRUE(opened.has_value()) << opened.error().message;
            const auto index = run(opened->index("drive.img.fidx")).value();
            EXPECT_EQ(index.digests()[0], chunks[number * 3].digest);
        }
        EXPECT_TRUE(std::ranges::any_of(collection->tapes()[0].findings, [&](const auto& finding) {
            return finding.what.find("its catalog says that it is a snapshot-archive of store:" +
                                     names[0]) != std::string::npos;
        }));
    }
}

TEST_F(WrongCatalogs, WhatTheyListBehindTheEndOfTheTapeIsMissing) {
    const auto whole = make(truth(), chunks);
    TapeMaker next("TS0001L8", 2, TapeMaker::uuid(9), 1);
    next.catalog(whole);
    tape = whole.tape();
    tape->files.resize(4);
    collection.emplace(
        run(Collection::scan(media_of({tape, next.tape()}), {false, "", {}})).value());
    EXPECT_TRUE(read(2).has_value());
    const auto lost = read(3);
    ASSERT_FALSE(lost.has_value());
    EXPECT_EQ(lost.error().code, Errc::not_found);
    EXPECT_FALSE(run(verify(*collection, {})).value().is_sound());
}

TEST_F(WrongCatalogs, ASoundOneIsBelieved) {
    scan(truth());
    EXPECT_FALSE(run(collection->check_catalogs()).value());
    EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
}

}  // namespace
}  // namespace tapeloft::media
