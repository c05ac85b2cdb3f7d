// Media sets over several tapes, and what jobs leave behind that did not end well.
#include <algorithm>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/pbs/archive_format.h"
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/restore.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

constexpr auto kLater = "ns/a/vm/100/2024-06-06T07:04:24Z";

/// Four tapes as PBS fills them: each but the last ran full inside of a chunk archive, and its
/// catalog stands at the front of the ones behind it.
class FourTapes : public testing::Test {
  protected:
    FourTapes() {
        for (std::size_t i = 0; i < 12; ++i) {
            chunks.push_back(make_chunk(make_data(random, kMadeChunkSize),
                                        i % 2 == 0 ? MadeEncoding::plain : MadeEncoding::zstd));
        }
        for (std::uint8_t number = 0; number < 4; ++number) {
            tapes.emplace_back("TS000" + std::to_string(number) + "L8",
                               static_cast<std::uint8_t>(0x10 + number), kSet, number);
        }
        tapes[0].chunk_archive("store", slice(0, 4), StreamEnd::complete, 100'000);
        tapes[1].catalog(tapes[0]);
        tapes[1].chunk_archive("store", slice(3, 7), StreamEnd::complete, 262'144);
        for (std::size_t before = 0; before < 2; ++before) {
            tapes[2].catalog(tapes[before]);
        }
        tapes[2].chunk_archive("store", slice(6, 9));
        tapes[2].snapshot("store", kMadeSnapshot, {image(0, 9)}, StreamEnd::incomplete);
        for (std::size_t before = 0; before < 3; ++before) {
            tapes[3].catalog(tapes[before]);
        }
        tapes[3].snapshot("store", kMadeSnapshot, {image(0, 9)});
        tapes[3].chunk_archive("store", slice(9, 12));
        tapes[3].snapshot("store", kLater, {image(4, 12)});
        tapes[3].catalog(tapes[3]);
    }

    std::vector<MadeChunk> slice(std::size_t from, std::size_t to) const {
        return {chunks.begin() + static_cast<std::ptrdiff_t>(from),
                chunks.begin() + static_cast<std::ptrdiff_t>(to)};
    }
    MadeFile image(std::size_t from, std::size_t to) const {
        return make_fixed_index("drive.img.fidx", slice(from, to));
    }

    Collection scan(bool full, const std::vector<std::size_t>& present) const {
        std::vector<std::shared_ptr<MemoryTape>> here;
        for (const auto number : present) {
            here.push_back(tapes[number].tape());
        }
        return run(Collection::scan(media_of(here), {full, "", {}})).value();
    }
    Collection scan(bool full) const { return scan(full, {3, 1, 0, 2}); }

    static OpenSnapshot open(const Collection& collection, std::size_t number = 0) {
        const auto& snapshot = collection.snapshots().at(number);
        auto opened = run(OpenSnapshot::open(collection, snapshot, snapshot.copies.at(0)));
        TL_ASSERT(opened.has_value());
        return std::move(*opened);
    }

    void expect_image(const Collection& collection, std::size_t number, std::size_t from,
                      std::size_t to) const {
        auto snapshot = open(collection, number);
        ChunkReader reader(collection, 0, "store", nullptr);
        ArchiveSource source(run(snapshot.index("drive.img.fidx")).value(), false, reader);
        Bytes expected;
        for (const auto& chunk : slice(from, to)) {
            expected.insert(expected.end(), chunk.data.begin(), chunk.data.end());
        }
        Bytes bytes(source.size());
        const auto read = run(source.read(0, bytes));
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_EQ(bytes, expected);
    }

    static constexpr PbsUuid kSet = {0x51};
    std::mt19937_64 random{20261128};
    std::vector<MadeChunk> chunks;
    std::vector<TapeMaker> tapes;
};

TEST_F(FourTapes, RestoreAcrossTheSetByCatalogAndByFullScan) {
    for (const bool full : {false, true}) {
        SCOPED_TRACE(full);
        const auto collection = scan(full);
        ASSERT_EQ(collection.sets().size(), 1U);
        EXPECT_TRUE(collection.sets()[0].is_complete());
        ASSERT_EQ(collection.sets()[0].members.size(), 4U);
        for (std::size_t member = 0; member < 4; ++member) {
            EXPECT_EQ(collection.name_of(0, member), "tape TS000" + std::to_string(member) + "L8");
        }
        ASSERT_EQ(collection.snapshots().size(), 2U);
        EXPECT_EQ(collection.snapshots()[1].name.text(), kMadeSnapshot);
        EXPECT_EQ(collection.snapshots()[0].name.namespace_text(), "a");
        EXPECT_EQ(collection.snapshots()[1].copies.size(), 1U) << "the incomplete one is none";
        expect_image(collection, 1, 0, 9);
        expect_image(collection, 0, 4, 12);
        const auto report = run(verify(collection, {})).value();
        EXPECT_TRUE(report.is_sound());
        EXPECT_EQ(report.chunks, 12U);
    }
}

TEST_F(FourTapes, TheCatalogOfAFullTapeIsFoundOnTheNextOne) {
    const auto collection = scan(false);
    for (const auto& tape : collection.tapes()) {
        EXPECT_TRUE(tape.by_catalog) << tape.barcode;
    }
    // Labels, twice, and file 2 with its 4 blocks; no chunk is looked for.
    EXPECT_EQ(tapes[0].tape()->records_read, 8U);
}

TEST_F(FourTapes, ATapeThatLostBothLabelsKeepsItsPlaceInTheSet) {
    for (auto& lost : tapes) {
        lost.tape()->unreadable = {{{0, 0}, Errc::io}, {{1, 0}, Errc::io}};
        for (const bool full : {false, true}) {
            SCOPED_TRACE(lost.tape()->barcode);
            const auto collection = scan(full);
            ASSERT_EQ(collection.sets().size(), 1U);
            EXPECT_EQ(collection.sets()[0].uuid, kSet);
            EXPECT_TRUE(collection.sets()[0].is_complete());
            expect_image(collection, 1, 0, 9);
            expect_image(collection, 0, 4, 12);
        }
        lost.tape()->unreadable.clear();
    }
}

TEST_F(FourTapes, ATapeThatLostBothLabelsIsOfThePoolOfItsSet) {
    TapeMaker other("TS0009L8", 9, PbsUuid{0x52}, 0);
    other.join(PbsUuid{0x52}, 0, {"q", 1717571065, ""});
    tapes[1].tape()->unreadable = {{{0, 0}, Errc::io}, {{1, 0}, Errc::io}};
    const auto barcodes = [&](const std::string& pool) {
        std::vector<std::shared_ptr<MemoryTape>> here{other.tape()};
        for (const auto& tape : tapes) {
            here.push_back(tape.tape());
        }
        const auto found = run(Collection::scan(media_of(here), {false, pool, {}})).value();
        std::string text;
        for (const auto& tape : found.tapes()) {
            text += tape.barcode + " ";
        }
        return text;
    };
    EXPECT_EQ(barcodes("p"), "TS0000L8 TS0001L8 TS0002L8 TS0003L8 ");
    EXPECT_EQ(barcodes("q"), "TS0009L8 ") << "the set of the other is known to be of p";
}

TEST_F(FourTapes, AMissingTapeCostsWhatIsOnItAndIsNamedWithItsChunks) {
    const auto collection = scan(false, {0, 2, 3});
    ASSERT_EQ(collection.sets()[0].members.size(), 4U);
    EXPECT_FALSE(collection.sets()[0].is_complete());
    const auto missing = collection.name_of(0, 1);
    EXPECT_NE(missing.find("number 1"), std::string::npos);
    EXPECT_NE(missing.find("11111111-1111"), std::string::npos) << missing;
    auto snapshot = open(collection, 1);
    const auto index = run(snapshot.index("drive.img.fidx")).value();
    const auto plan = plan_restore(collection, snapshot, snapshot.chunks("drive.img.fidx", index));
    EXPECT_EQ(plan.chunks, 9U);
    EXPECT_EQ(plan.missing, 3U);
    ChunkReader reader(collection, 0, "store", nullptr);
    ArchiveSource source(index, false, reader);
    Bytes bytes(kMadeChunkSize);
    for (std::size_t i = 0; i < 9; ++i) {
        const auto read = run(source.read(i * kMadeChunkSize, bytes));
        ASSERT_EQ(read.has_value(), i < 3 || i > 5) << i;
        if (!read) {
            EXPECT_EQ(read.error().code, Errc::not_found);
            EXPECT_NE(read.error().message.find(missing), std::string::npos);
            EXPECT_NE(read.error().message.find(to_hex(chunks[i].digest)), std::string::npos);
        }
    }
    const auto report = run(verify(collection, {})).value();
    EXPECT_FALSE(report.is_sound());
    const auto& file = report.snapshots.at(1).files.at(0);
    EXPECT_EQ(file.missing, 3U);
    EXPECT_NE(file.findings.at(0).find(missing), std::string::npos) << file.findings.at(0);
}

TEST_F(FourTapes, AChunkThatEarlyWarningCutIsTakenFromTheNextTape) {
    const auto collection = scan(true);
    const auto& files = collection.tapes()[2].files;  // of TS0000L8
    ASSERT_EQ(collection.tapes()[2].barcode, "TS0000L8");
    EXPECT_EQ(files.at(2).digests.size(), 3U);
    EXPECT_EQ(files.at(2).cut_off, chunks[3].digest);
    EXPECT_EQ(collection.places(0, "store", chunks[3].digest).size(), 1U);
}

TEST_F(FourTapes, ATapeTwiceInTheSetIsReportedAndCostsNothing) {
    TapeMaker twin("TS9999L8", 0x77, kSet, 2);
    std::vector<std::shared_ptr<MemoryTape>> all;
    for (const auto& tape : tapes) {
        all.push_back(tape.tape());
    }
    all.push_back(twin.tape());
    const auto collection = run(Collection::scan(media_of(all), {})).value();
    ASSERT_EQ(collection.tapes().back().findings.size(), 1U);
    EXPECT_NE(collection.tapes().back().findings[0].what.find("TS0002L8"), std::string::npos);
    expect_image(collection, 1, 0, 9);
}

TEST(PbsChunkSearch, FindsAChunkInALargeArchiveInAHandfulOfReads) {
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<MadeChunk> chunks;
    for (std::size_t i = 0; i < 300; ++i) {
        chunks.push_back(make_chunk(make_data(random, 40'000 + random() % 200'000)));
    }
    TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", chunks);
    tape.catalog(tape);
    const auto collection = run(Collection::scan(media_of({tape.tape()}), {})).value();
    std::uint64_t reads = 0;
    for (int round = 0; round < 10; ++round) {
        const auto& chunk = chunks.at(random() % chunks.size());
        ChunkReader reader(collection, 0, "store", nullptr);
        tape.tape()->reads = 0;
        const auto found = run(reader.read({chunk.digest, chunk.data.size(), false}));
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_TRUE(std::ranges::equal(found->data.view(), chunk.data));
        EXPECT_LE(tape.tape()->reads, 20U) << "of " << tape.tape()->files[2].records.size();
        reads += tape.tape()->reads;
    }
    EXPECT_LE(reads, 120U);
    // One reader finds all of them, in any order.
    ChunkReader reader(collection, 0, "store", nullptr);
    std::shuffle(chunks.begin(), chunks.end(), random);
    for (const auto& chunk : chunks) {
        ASSERT_TRUE(run(reader.read({chunk.digest, chunk.data.size(), false})).has_value());
    }
}

class LeftBehind : public testing::Test {
  protected:
    LeftBehind() {
        for (std::size_t i = 0; i < 3; ++i) {
            chunks.push_back(make_chunk(make_data(random, kMadeChunkSize)));
        }
    }
    ScannedTape scan(bool full) {
        collection.emplace(run(Collection::scan(media_of({tape.tape()}), {full, "", {}})).value());
        return collection->tapes().at(0);
    }
    std::mt19937_64 random{7};
    std::vector<MadeChunk> chunks;
    TapeMaker tape{"TS0000L8", 1, TapeMaker::uuid(9), 0};
    std::optional<Collection> collection;
};

TEST_F(LeftBehind, NothingOfAnAbortedChunkArchiveIsUsed) {
    tape.chunk_archive("store", chunks, StreamEnd::aborted);
    const auto scanned = scan(true);
    EXPECT_EQ(scanned.files.at(2).ending->end, StreamEnd::aborted);
    EXPECT_FALSE(scanned.files.at(2).counts);
    EXPECT_TRUE(collection->places(0, "store", chunks[0].digest).empty());
    ASSERT_EQ(scanned.findings.size(), 1U);
    EXPECT_FALSE(scanned.findings[0].is_damage);
    EXPECT_NE(scanned.findings[0].what.find("tape file 2"), std::string::npos);
}

TEST_F(LeftBehind, WhatWasReadOfAnIncompleteChunkArchiveIsKept) {
    tape.chunk_archive("store", chunks, StreamEnd::incomplete, 100'000);
    const auto scanned = scan(true);
    EXPECT_EQ(scanned.files.at(2).digests.size(), 2U);
    EXPECT_EQ(collection->places(0, "store", chunks[1].digest).size(), 1U);
    EXPECT_TRUE(collection->places(0, "store", chunks[2].digest).empty());
}

TEST_F(LeftBehind, SnapshotArchivesCountOnlyWhenComplete) {
    const auto image = make_fixed_index("a.img.fidx", chunks);
    MadeFile long_one = image;
    long_one.bytes.resize(600'000);
    tape.snapshot("store", kMadeSnapshot, {image}, StreamEnd::incomplete);
    tape.snapshot("store", kMadeSnapshot, {long_one}, StreamEnd::aborted);
    tape.snapshot("store", kLater, {long_one}, StreamEnd::truncated);
    const auto scanned = scan(true);
    EXPECT_EQ(scanned.files.at(2).ending->end, StreamEnd::incomplete);
    EXPECT_EQ(scanned.files.at(3).ending->end, StreamEnd::aborted);
    EXPECT_EQ(scanned.files.at(4).ending->end, StreamEnd::truncated);
    EXPECT_TRUE(collection->snapshots().empty());
}

TEST_F(LeftBehind, StrayFilemarksAndFilesBehindTheLastCatalogAreFound) {
    tape.chunk_archive("store", {chunks[0]});
    tape.stray_filemark();
    tape.catalog(tape);
    tape.stray_filemark();
    tape.chunk_archive("store", {chunks[1], chunks[2]});
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("a.img.fidx", chunks)});
    for (const bool full : {false, true}) {
        const auto scanned = scan(full);
        EXPECT_EQ(scanned.by_catalog, !full);
        EXPECT_EQ(scanned.files.size(), tape.files());
        EXPECT_EQ(scanned.files.at(3).ending->end, StreamEnd::empty);
        ASSERT_EQ(collection->snapshots().size(), 1U);
        EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
    }
}

TEST_F(LeftBehind, FilemarksTooManyMoveTheNumbersOfTheCatalogAndCostNothing) {
    TapeMaker whole("TS0000L8", 1, TapeMaker::uuid(9), 0);
    whole.chunk_archive("store", {chunks[0]});
    whole.chunk_archive("store", {chunks[1], chunks[2]});
    whole.snapshot("store", kMadeSnapshot, {make_fixed_index("a.img.fidx", chunks)});
    whole.catalog(whole);
    const auto files = whole.tape()->files;
    for (std::size_t at = 0; at <= files.size(); ++at) {
        for (const std::size_t count : {1U, 2U}) {
            for (const bool full : {false, true}) {
                SCOPED_TRACE(std::to_string(count) + " before tape file " + std::to_string(at));
                tape.tape()->files = files;
                tape.tape()->files.insert(
                    tape.tape()->files.begin() + static_cast<std::ptrdiff_t>(at), count, {});
                const auto scanned = scan(full);
                EXPECT_EQ(scanned.by_catalog, !full);
                ASSERT_EQ(scanned.files.size(), files.size() + count);
                EXPECT_EQ(scanned.findings.size(), count);
                ASSERT_EQ(collection->snapshots().size(), 1U);
                EXPECT_EQ(collection->snapshots()[0].copies.size(), 1U);
                const auto report = run(verify(*collection, {})).value();
                EXPECT_TRUE(report.is_sound());
                EXPECT_EQ(report.chunks, 3U);
            }
        }
    }
}

/// The filemark behind the tape file is lost.
void lose_filemark(std::vector<MemoryTapeFile>& files, std::size_t before) {
    auto& records = files.at(before).records;
    const auto& more = files.at(before + 1).records;
    records.insert(records.end(), more.begin(), more.end());
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(before) + 1);
}

TEST_F(LeftBehind, FilemarksThatAreLostAreNamedAndCostNothing) {
    TapeMaker whole("TS0000L8", 1, TapeMaker::uuid(9), 0);
    whole.chunk_archive("store", {chunks[0]});
    whole.catalog(whole);  // of an older job
    whole.chunk_archive("store", {chunks[1], chunks[2]});
    whole.snapshot("store", kMadeSnapshot, {make_fixed_index("a.img.fidx", chunks)});
    whole.catalog(whole);
    whole.chunk_archive("store", chunks, StreamEnd::aborted);
    const auto files = whole.tape()->files;
    for (std::size_t first = 0; first + 1 < files.size(); ++first) {
        for (const std::size_t count : {1U, 2U}) {
            for (const bool full : {false, true}) {
                if (first + count >= files.size()) {
                    continue;
                }
                SCOPED_TRACE(std::to_string(count) + " behind tape file " + std::to_string(first));
                tape.tape()->files = files;
                for (std::size_t lost = 0; lost < count; ++lost) {
                    lose_filemark(tape.tape()->files, first);
                }
                const auto scanned = scan(full);
                EXPECT_EQ(scanned.by_catalog, !full);
                ASSERT_EQ(scanned.files.size(), files.size());
                EXPECT_EQ(std::ranges::count_if(scanned.findings, &TapeFinding::is_damage),
                          static_cast<long>(count));
                for (std::size_t file = 0; file < files.size(); ++file) {
                    EXPECT_EQ(scanned.files[file].extent.records, files[file].records.size());
                }
                ASSERT_EQ(collection->snapshots().size(), 1U);
                EXPECT_EQ(collection->snapshots()[0].copies.size(), 1U);
                const auto report = run(verify(*collection, {})).value();
                EXPECT_TRUE(report.snapshots.at(0).is_sound());
                EXPECT_EQ(report.chunks, 3U);
            }
        }
    }
}

TEST_F(LeftBehind, WhereBlocksWentWithAFilemarkWhatIsBehindThemIsRead) {
    tape.chunk_archive("store", {chunks[0], chunks[1]});
    tape.chunk_archive("store", {chunks[2]});
    tape.snapshot("store", kMadeSnapshot,
                  {make_blob_file("a.conf.blob", plain_blob(as_bytes("a configuration")))});
    tape.catalog(tape);
    auto& files = tape.tape()->files;
    files.at(2).records.pop_back();                          // the end of the one
    files.at(3).records.erase(files.at(3).records.begin());  // the head of the other
    lose_filemark(files, 2);
    for (const bool full : {false, true}) {
        const auto scanned = scan(full);
        EXPECT_EQ(scanned.files.size(), 6U);
        ASSERT_EQ(collection->snapshots().size(), 1U);
        const auto report = run(verify(*collection, {})).value();
        EXPECT_TRUE(report.snapshots.at(0).is_sound());
        EXPECT_FALSE(report.is_sound());
    }
    ChunkReader reader(*collection, 0, "store", nullptr);
    EXPECT_FALSE(run(reader.read({chunks[2].digest, kMadeChunkSize, false})).has_value());
}

TEST_F(LeftBehind, WhatFollowsAnEndBlockIsAnotherTapeFileThatLostItsBegin) {
    tape.snapshot("store", kMadeSnapshot,
                  {make_blob_file("a.conf.blob", plain_blob(as_bytes("a configuration")))});
    tape.chunk_archive("store", chunks);
    tape.snapshot("store", "vm/100/2024-06-06T07:04:24Z",
                  {make_fixed_index("a.img.fidx", {chunks[2]})});
    tape.catalog(tape);
    auto& files = tape.tape()->files;
    files.at(3).records.erase(files.at(3).records.begin());
    lose_filemark(files, 2);
    for (const bool full : {false, true}) {
        const auto scanned = scan(full);
        EXPECT_EQ(scanned.files.size(), 6U);
        ASSERT_EQ(collection->snapshots().size(), 2U);
        const auto report = run(verify(*collection, {})).value();
        EXPECT_TRUE(report.snapshots.at(0).is_sound());
        EXPECT_TRUE(report.snapshots.at(1).is_sound());
        EXPECT_FALSE(report.is_sound());
        ChunkReader reader(*collection, 0, "store", nullptr);
        EXPECT_TRUE(run(reader.read({chunks[2].digest, kMadeChunkSize, false})).has_value());
    }
}

TEST_F(FourTapes, FilemarksLostBetweenTheCatalogsInFrontAndOnAFullTapeCostNothing) {
    for (const auto& [number, before] : {std::pair(0U, 1U), std::pair(2U, 1U), std::pair(2U, 2U),
                                         std::pair(2U, 3U), std::pair(3U, 4U)}) {
        auto& files = tapes[number].tape()->files;
        const auto whole = files;
        lose_filemark(files, before);
        for (const bool full : {false, true}) {
            SCOPED_TRACE("tape " + std::to_string(number) + ", behind tape file " +
                         std::to_string(before));
            const auto collection = scan(full);
            expect_image(collection, 1, 0, 9);
            expect_image(collection, 0, 4, 12);
        }
        files = whole;
    }
}

TEST_F(LeftBehind, ATapeThatIsOnlyReservedForAPoolIsOfThatPool) {
    tape.join(PbsUuid{}, 0, {"spare", 1717571065, ""});
    const auto scanned = scan(false);
    EXPECT_FALSE(scanned.media_set.has_value());
    EXPECT_EQ(scanned.label.value().pool, "spare");
    EXPECT_TRUE(collection->sets().empty());
    const auto pool = run(Collection::scan(media_of({tape.tape()}), {false, "spare", {}})).value();
    EXPECT_EQ(pool.tapes().size(), 1U);
}

TEST_F(LeftBehind, ACatalogOfAnOldVersionIsReportedAndTheTapeIsReadThrough) {
    tape.chunk_archive("store", chunks);
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("a.img.fidx", chunks)});
    tape.catalog(tape, StreamEnd::complete, MadeCatalog::never_released);
    const auto scanned = scan(false);
    EXPECT_FALSE(scanned.by_catalog);
    ASSERT_FALSE(scanned.findings.empty());
    EXPECT_NE(scanned.findings[0].what.find("version 1.0"), std::string::npos);
    EXPECT_FALSE(scanned.findings[0].is_damage) << "it costs time";
    EXPECT_EQ(collection->snapshots().size(), 1U);
    EXPECT_EQ(run(verify(*collection, {})).value().snapshots.at(0).files.at(0).missing, 0U);
}

TEST_F(LeftBehind, AnIncompleteCatalogIsPassedOverForTheOneBeforeIt) {
    tape.chunk_archive("store", chunks);
    tape.catalog(tape);
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("a.img.fidx", chunks)});
    tape.catalog(tape, StreamEnd::incomplete);
    EXPECT_TRUE(scan(false).by_catalog);
    EXPECT_EQ(collection->snapshots().size(), 1U);
}

TEST_F(LeftBehind, ArchivesOfVersionsThatWereNeverReleasedAndUnknownContentAreSkippedByName) {
    namespace content = layout::pbs_content_header;
    tape.stream(content::kOldChunkArchive, "", Bytes(100), StreamEnd::complete);
    tape.stream({1, 2, 3}, "{}", Bytes(100), StreamEnd::complete);
    tape.chunk_archive("store", chunks);
    const auto scanned = scan(true);
    EXPECT_TRUE(std::holds_alternative<UnknownContent>(scanned.files.at(2).kind));
    ASSERT_EQ(scanned.findings.size(), 2U);
    EXPECT_NE(scanned.findings[1].what.find("0102030000000000"), std::string::npos);
    EXPECT_EQ(collection->places(0, "store", chunks[2].digest).size(), 1U);
    EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
}

TEST_F(LeftBehind, OnlyACartridgeWithNothingOfPbsIsNoTapeOfPbs) {
    auto& files = tape.tape()->files;
    files.erase(files.begin());  // the media-set label is left
    EXPECT_TRUE(scan(false).label.has_value());
    EXPECT_FALSE(run(verify(*collection, {})).value().is_sound());
    files[0].records[0].assign(1000, 'x');
    EXPECT_FALSE(scan(false).label.has_value());
    EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
    files.resize(30, files[0]);
    EXPECT_FALSE(scan(false).label.has_value());
    EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
    tape.catalog(tape);
    EXPECT_TRUE(scan(false).label.has_value());
    EXPECT_FALSE(run(verify(*collection, {})).value().is_sound());
    files.clear();
    EXPECT_FALSE(scan(false).label.has_value());
}

TEST_F(FourTapes, ATapeWhoseMediaSetLabelIsGoneKeepsItsPlaceInTheSet) {
    for (auto& lost : tapes) {
        auto& files = lost.tape()->files;
        const auto whole = files;
        for (const bool with_filemark : {false, true}) {
            for (const bool full : {false, true}) {
                SCOPED_TRACE(lost.tape()->barcode);
                files = whole;
                files[1].records.clear();
                if (with_filemark) {
                    files.erase(files.begin() + 1);
                }
                const auto collection = scan(full);
                ASSERT_EQ(collection.sets().size(), 1U);
                EXPECT_TRUE(collection.sets()[0].is_complete());
                expect_image(collection, 1, 0, 9);
                expect_image(collection, 0, 4, 12);
                EXPECT_FALSE(run(verify(collection, {})).value().is_sound());
            }
        }
        files = whole;
    }
}

}  // namespace
}  // namespace tapeloft::media
