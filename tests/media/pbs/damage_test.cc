// What is broken costs what depends on it, and is named; and nothing that a tape says is trusted.
#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/restore.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

class DamagedTape : public testing::TestWithParam<bool> {
  protected:
    DamagedTape() {
        for (std::size_t i = 0; i < 8; ++i) {
            chunks.push_back(make_chunk(make_data(random, kMadeChunkSize)));
        }
        tape.chunk_archive("store", chunks);
        tape.snapshot("store", kMadeSnapshot,
                      {make_fixed_index("drive.img.fidx", chunks),
                       make_blob_file("a.conf.blob", plain_blob(as_bytes("a configuration")))});
        tape.catalog(tape);
        for (const auto& block : tape.tape()->files.at(2).records) {
            whole_stream.insert(whole_stream.end(), block.begin() + 16, block.end());
        }
    }

    void scan() {
        collection.emplace(
            run(Collection::scan(media_of({tape.tape()}), {GetParam(), "", {}})).value());
    }
    Bytes& record(std::size_t file, std::size_t number) {
        return tape.tape()->files.at(file).records.at(number);
    }
    std::uint64_t record_count() const { return tape.tape()->files.at(2).records.size(); }
    /// Chunks of the image that can still be read.
    std::vector<std::size_t> readable() {
        const auto& snapshot = collection->snapshots().at(0);
        auto opened = run(OpenSnapshot::open(*collection, snapshot, snapshot.copies.at(0))).value();
        ChunkReader reader(*collection, 0, "store", nullptr);
        ArchiveSource source(run(opened.index("drive.img.fidx")).value(), false, reader);
        std::vector<std::size_t> sound;
        Bytes bytes(kMadeChunkSize);
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            const auto read = run(source.read(i * kMadeChunkSize, bytes));
            if (read) {
                EXPECT_EQ(bytes, chunks[i].data);
                sound.push_back(i);
            } else {
                EXPECT_NE(read.error().message.find(to_hex(chunks[i].digest)), std::string::npos);
                errors.push_back(read.error().message);
            }
        }
        return sound;
    }
    /// Some of the entry of the chunk, in the archive of tape file 2.
    bool stands_in(std::size_t chunk, std::size_t block) const {
        const auto& bytes = whole_stream;
        const auto begin = static_cast<std::size_t>(std::search(bytes.begin(), bytes.end(),
                                                                chunks[chunk].digest.begin(),
                                                                chunks[chunk].digest.end()) -
                                                    bytes.begin() - 8);
        const auto end = begin + 48 + chunks[chunk].blob.size();
        return begin < (block + 1) * kPbsPayloadMax && end > block * kPbsPayloadMax;
    }
    /// What verification finds is one tape file whose blocks are out of place; it costs nothing.
    void expect_only_out_of_place(const std::string& words) {
        const auto report = verified();
        ASSERT_EQ(report.findings.size(), 1U);
        EXPECT_TRUE(report.findings[0].is_damage && report.findings[0].made_good);
        EXPECT_NE(report.findings[0].what.find(words), std::string::npos)
            << report.findings[0].what;
        EXPECT_TRUE(report.damaged.empty());
        EXPECT_TRUE(std::ranges::all_of(report.snapshots, &VerifiedSnapshot::is_sound));
    }
    PbsVerifyReport verified() { return run(verify(*collection, {})).value(); }

    std::mt19937_64 random{4};
    std::vector<MadeChunk> chunks;
    TapeMaker tape{"TS0000L8", 1, TapeMaker::uuid(9), 0};
    Bytes whole_stream;  ///< of the chunk archive
    std::optional<Collection> collection;
    std::vector<std::string> errors;
};
INSTANTIATE_TEST_SUITE_P(ByCatalogOrFull, DamagedTape, testing::Bool());

TEST_P(DamagedTape, AFlippedBitCostsItsChunkAndIsNamedByTapeFileAndBlock) {
    // Chunk 2 begins at about 600 kB of the stream, in block 2.
    record(2, 3)[5000] ^= 1U;
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 3, 4, 5, 6, 7}));
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("tape TS0000L8, tape file 2, block 2"), std::string::npos)
        << errors[0];
    const auto report = verified();
    ASSERT_EQ(report.damaged.size(), 1U);
    EXPECT_EQ(report.damaged[0].barcode, "TS0000L8");
    EXPECT_EQ(report.damaged[0].file, 2U);
    EXPECT_EQ(report.damaged[0].block, 2U);
    EXPECT_EQ(report.damaged[0].digest, chunks[2].digest);
    EXPECT_EQ(report.snapshots.at(0).files.at(0).damaged, 1U);
    EXPECT_TRUE(report.snapshots.at(0).files.at(1).is_sound());
}

TEST_P(DamagedTape, ABlockInsideOfAChunkThatCannotBeReadCostsTheChunksItHolds) {
    for (const auto failure : {Errc::corrupt, Errc::io}) {
        tape.tape()->unreadable = {{{2, 3}, failure}};
        scan();
        // Block 3 holds stream bytes 786384 to 1048511: the end of chunk 2, and chunk 3 with its
        // header.
        EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 4, 5, 6, 7}));
        EXPECT_FALSE(verified().is_sound());
        EXPECT_TRUE(verified().snapshots.at(0).files.at(1).is_sound());
    }
}

TEST_P(DamagedTape, WhatCannotBeReadIsAskedForOnce) {
    tape.tape()->unreadable = {{{2, 3}, Errc::corrupt}};
    scan();
    ChunkReader reader(*collection, 0, "store", nullptr);
    const WantedChunk wanted{chunks[2].digest, kMadeChunkSize, false};
    const auto first = run(reader.read(wanted));
    ASSERT_FALSE(first.has_value());
    EXPECT_NE(first.error().message.find("tape TS0000L8, tape file 2, block 3"), std::string::npos)
        << first.error().message;
    const auto reads = tape.tape()->reads;
    for (int again = 0; again < 3; ++again) {
        const auto begun = run(reader.begin(wanted));
        ASSERT_TRUE(begun.has_value());
        EXPECT_EQ(run(reader.finish(*begun)).error().message, first.error().message);
    }
    EXPECT_EQ(tape.tape()->reads, reads);
    // Its neighbour stands in the same block.
    EXPECT_FALSE(run(reader.read({chunks[3].digest, kMadeChunkSize, false})).has_value());
    EXPECT_TRUE(run(reader.read({chunks[4].digest, kMadeChunkSize, false})).has_value());
    TapeFile file(collection->medium(0), 2, {record_count(), true}, 1);
    Bytes bytes(10);
    EXPECT_FALSE(run(file.read(3 * kPbsPayloadMax, bytes)).has_value());
    const auto asked = tape.tape()->reads;
    EXPECT_EQ(run(file.read(3 * kPbsPayloadMax + 5, bytes)).error().code, Errc::corrupt);
    EXPECT_EQ(tape.tape()->reads, asked);
    EXPECT_TRUE(run(file.read(4 * kPbsPayloadMax, bytes)).has_value());
}

TEST_P(DamagedTape, WhoReadsOnSaysWhatComesNext) {
    scan();
    tape.tape()->expected.clear();
    TapeFile file(collection->medium(0), 2, {record_count(), true}, 2);
    Bytes bytes(kPbsPayloadMax);
    for (std::uint64_t block = 0; block < 8; ++block) {
        EXPECT_TRUE(run(file.read(block * kPbsPayloadMax, bytes)).has_value());
    }
    // Nothing after the first read, which may stay alone; then as much as has come.
    const auto last = record_count();
    ASSERT_GE(last, 9U);
    EXPECT_EQ(tape.tape()->expected, (std::vector<std::array<std::uint64_t, 3>>{
                                         {2, 4, std::min<std::uint64_t>(4, last - 4)},
                                         {2, 8, std::min<std::uint64_t>(8, last - 8)}}));
    tape.tape()->expected.clear();
    for (const std::uint64_t block : {7U, 1U, 5U}) {
        EXPECT_TRUE(run(file.read(block * kPbsPayloadMax, bytes)).has_value());
    }
    EXPECT_TRUE(tape.tape()->expected.empty());
}

TEST_P(DamagedTape, ABlockThatIsNoneCostsTheSameAndItsNeighboursAreRead) {
    record(2, 3)[0] ^= 1U;
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 4, 5, 6, 7}));
    const auto report = verified();
    bool named = false;
    for (const auto& finding : report.findings) {
        named = named || finding.what.find("tape file 2, block 3") != std::string::npos;
    }
    EXPECT_TRUE(named);
}

TEST_P(DamagedTape, AnArchiveWithoutItsLastBlockGivesTheChunksBeforeIt) {
    tape.tape()->unreadable = {{{2, record_count() - 1}, Errc::io}};
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6}));
    EXPECT_FALSE(verified().is_sound());
}

TEST_P(DamagedTape, ABlockThatIsNotThereCostsTheChunksInItAndNoOther) {
    const auto whole = tape.tape()->files.at(2).records;
    ASSERT_EQ(whole.size(), 10U);
    for (std::size_t gone = 0; gone < whole.size(); ++gone) {
        SCOPED_TRACE("block " + std::to_string(gone));
        auto& records = tape.tape()->files.at(2).records;
        records = whole;
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(gone));
        scan();
        std::vector<std::size_t> expected;
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            if (!stands_in(i, gone)) {
                expected.push_back(i);
            }
        }
        errors.clear();
        EXPECT_EQ(readable(), expected);
        EXPECT_FALSE(verified().is_sound());
    }
}

TEST_P(DamagedTape, ABlockThatIsThereTwiceCostsNothing) {
    const auto whole = tape.tape()->files.at(2).records;
    for (std::size_t twice = 0; twice < whole.size(); ++twice) {
        SCOPED_TRACE("block " + std::to_string(twice));
        auto& records = tape.tape()->files.at(2).records;
        records = whole;
        records.insert(records.begin() + static_cast<std::ptrdiff_t>(twice), whole[twice]);
        scan();
        EXPECT_EQ(readable().size(), chunks.size());
        expect_only_out_of_place("block " + std::to_string(twice) + ": it stands in record " +
                                 std::to_string(twice + 1) + ", where block " +
                                 std::to_string(twice + 1) + " is expected");
    }
}

TEST_P(DamagedTape, BlocksOutOfPlaceInASnapshotArchiveAreNamedByVerification) {
    const auto more = make_blob_file("b.conf.blob", plain_blob(Bytes(600'000, 'b')));
    tape.snapshot("store", "vm/101/2024-06-05T07:04:24Z", {more});
    scan();
    EXPECT_TRUE(verified().is_sound());
    std::swap(record(5, 0), record(5, 1));
    scan();
    expect_only_out_of_place(
        "tape file 5, block 1: it stands in record 0, where block 0 is expected");
}

TEST_P(DamagedTape, ABlockAtAnotherPlaceOfItsTapeFileCostsNothing) {
    auto& records = tape.tape()->files.at(2).records;
    const auto whole = records;
    for (std::size_t from = 0; from < whole.size(); ++from) {
        for (std::size_t to = 0; to < whole.size(); ++to) {
            if (to == from || (to + from) % 3 == 1) {  // neighbours, the ends and some between
                continue;
            }
            SCOPED_TRACE("block " + std::to_string(from) + " at " + std::to_string(to));
            records = whole;
            const auto moved = records[from];
            records.erase(records.begin() + static_cast<std::ptrdiff_t>(from));
            records.insert(records.begin() + static_cast<std::ptrdiff_t>(to), moved);
            scan();
            EXPECT_EQ(collection->tapes()[0].files.size(), 5U);
            EXPECT_EQ(readable().size(), chunks.size());
        }
    }
    records.assign(whole.rbegin(), whole.rend());
    scan();
    EXPECT_EQ(readable().size(), chunks.size());
    expect_only_out_of_place(
        "block 9: it stands in record 0, where block 0 is expected; behind it "
        "the order breaks 9 times more");
    records = whole;
    for (std::size_t number = 0; number + 1 < whole.size(); ++number) {
        std::swap(records[number], records[number + 1]);
        scan();
        EXPECT_EQ(collection->tapes()[0].files.size(), 5U);
        EXPECT_EQ(readable().size(), chunks.size());
        expect_only_out_of_place("block " + std::to_string(number + 1) + ": it stands in record " +
                                 std::to_string(number) + ", where block " +
                                 std::to_string(number) + " is expected");
        std::swap(records[number], records[number + 1]);
    }
}

TEST_P(DamagedTape, AnArchiveOfWhichNoBlockCanBeReadSaysSo) {
    if (GetParam()) {
        return;  // only a catalog tells what was in it
    }
    for (const std::uint64_t blocks : {record_count(), std::uint64_t{3}}) {
        tape.tape()->files.at(2).records.resize(blocks);
        for (std::uint64_t block = 0; block < blocks; ++block) {
            tape.tape()->unreadable[{2, block}] = Errc::io;
        }
        scan();
        errors.clear();
        EXPECT_TRUE(readable().empty());
        ASSERT_FALSE(errors.empty());
        EXPECT_NE(errors[0].find("tape file 2: none of its blocks can be read (tape TS0000L8, tape "
                                 "file 2, block 0: a record that cannot be read)"),
                  std::string::npos)
            << errors[0];
    }
}

TEST_P(DamagedTape, BlocksThatAreNotThereBesideOneThatCannotBeReadCostNoMore) {
    auto& records = tape.tape()->files.at(2).records;
    records.erase(records.begin() + 1);              // block 1: chunks 0 and 1
    tape.tape()->unreadable = {{{2, 5}, Errc::io}};  // block 6: chunks 5 and 6
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{2, 3, 4, 7}));
}

TEST_P(DamagedTape, AChunkArchiveWithADamagedHeadGivesAllChunksThatCanBeFound) {
    for (const std::size_t at : {16U, 30U, 70U}) {  // its magic number, its UUID, its JSON
        SCOPED_TRACE(at);
        auto& byte = record(2, 0)[at];
        byte ^= 0x40U;
        scan();
        EXPECT_EQ(readable().size(), chunks.size());
        EXPECT_FALSE(verified().is_sound());
        EXPECT_TRUE(verified().snapshots.at(0).is_sound());
        byte ^= 0x40U;
    }
    tape.tape()->unreadable = {{{2, 0}, Errc::io}};
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7}));
}

TEST_P(DamagedTape, ASecondCopyOfADamagedChunkIsTaken) {
    tape.chunk_archive("store", {chunks[5]});
    tape.tape()->unreadable = {{{2, 6}, Errc::io}};
    scan();
    const auto sound = readable();
    EXPECT_NE(std::find(sound.begin(), sound.end(), 5U), sound.end());
    tape.tape()->unreadable = {{{5, 1}, Errc::io}};
    scan();
    EXPECT_EQ(readable().size(), chunks.size());
}

TEST_P(DamagedTape, ADamagedManifestOrIndexCostsItsSnapshotOrItsArchive) {
    auto& archive = record(3, 0);
    const auto index = std::search(archive.begin(), archive.end(), chunks[0].digest.begin(),
                                   chunks[0].digest.end());
    ASSERT_NE(index, archive.end());
    *index ^= 1U;
    scan();
    auto report = verified();
    ASSERT_EQ(report.snapshots.size(), 1U);
    EXPECT_TRUE(report.snapshots[0].findings.empty());
    ASSERT_EQ(report.snapshots[0].files.at(0).findings.size(), 1U);
    EXPECT_NE(report.snapshots[0].files[0].findings[0].find("drive.img.fidx"), std::string::npos);
    EXPECT_TRUE(report.snapshots[0].files.at(1).is_sound());
    const std::string_view word = "backup-id";
    const auto manifest = std::search(archive.begin(), archive.end(), word.begin(), word.end());
    ASSERT_NE(manifest, archive.end());
    *manifest ^= 1U;
    scan();
    report = verified();
    ASSERT_EQ(report.snapshots[0].findings.size(), 1U);
    EXPECT_NE(report.snapshots[0].findings[0].find("tape TS0000L8, tape file 3"),
              std::string::npos);
}

TEST_P(DamagedTape, ADamagedCatalogIsReportedAndTheTapeIsReadThrough) {
    record(4, 0)[200] ^= 0xFFU;
    scan();
    EXPECT_FALSE(collection->tapes()[0].by_catalog);
    EXPECT_EQ(readable().size(), chunks.size());
}

TEST_P(DamagedTape, DamagedLabelsAreReportedAndCostNothingElse) {
    const std::vector<std::vector<std::uint64_t>> cases = {{0}, {1}, {0, 1}};
    for (const auto& labels : cases) {
        tape.tape()->unreadable.clear();
        for (const auto label : labels) {
            tape.tape()->unreadable[{label, 0}] = Errc::io;
        }
        scan();
        const auto& findings = collection->tapes()[0].findings;
        for (const auto label : labels) {
            const auto place = ", tape file " + std::to_string(label) + ",";
            EXPECT_EQ(std::ranges::count_if(findings,
                                            [&](const auto& finding) {
                                                return finding.what.find(place) !=
                                                       std::string::npos;
                                            }),
                      1)
                << place;
        }
        ASSERT_EQ(collection->sets().size(), 1U);
        EXPECT_EQ(collection->sets()[0].uuid, TapeMaker::uuid(9));
        EXPECT_EQ(collection->sets()[0].members.at(0).medium, TapeMaker::uuid(1));
        EXPECT_EQ(readable().size(), chunks.size());
    }
}

TEST_P(DamagedTape, LabelsThatAreNotThereAreReportedAndCostNothingElse) {
    auto& files = tape.tape()->files;
    const auto whole = files;
    const auto expect_all = [&] {
        scan();
        const auto& scanned = collection->tapes()[0];
        ASSERT_TRUE(scanned.label.has_value());
        EXPECT_EQ(std::ranges::count_if(scanned.findings, &TapeFinding::is_damage), 1);
        ASSERT_EQ(collection->sets().size(), 1U);
        EXPECT_EQ(collection->sets()[0].uuid, TapeMaker::uuid(9));
        EXPECT_EQ(collection->sets()[0].members.at(0).medium, TapeMaker::uuid(1));
        EXPECT_EQ(readable().size(), chunks.size());
        EXPECT_FALSE(verified().is_sound());
        EXPECT_TRUE(verified().snapshots.at(0).is_sound());
    };
    for (const auto& labels : std::vector<std::vector<std::size_t>>{{0}, {1}, {1, 0}}) {
        for (const bool with_filemark : {false, true}) {
            SCOPED_TRACE(std::to_string(labels.size()) + " from " + std::to_string(labels[0]));
            files = whole;
            for (const auto label : labels) {
                files[label].records.clear();
                if (with_filemark) {
                    files.erase(files.begin() + static_cast<std::ptrdiff_t>(label));
                }
            }
            expect_all();
        }
    }
    SCOPED_TRACE("swapped");
    files = whole;
    std::swap(files[0], files[1]);
    expect_all();
}

TEST_P(DamagedTape, ALabelOfUnknownMagicNumberIsADamagedOne) {
    for (const std::size_t label : {0U, 1U}) {
        auto& byte = record(label, 0)[16 + 8];
        byte ^= 1U;
        scan();
        ASSERT_EQ(collection->sets().size(), 1U);
        EXPECT_EQ(collection->sets()[0].uuid, TapeMaker::uuid(9));
        EXPECT_EQ(readable().size(), chunks.size());
        EXPECT_FALSE(verified().is_sound());
        byte ^= 1U;
    }
}

TEST_P(DamagedTape, WithoutLabelsAndCatalogATapeIsReadAsAMediaSetOfItsOwn) {
    for (std::size_t file = 0; file < tape.files(); ++file) {
        const bool is_catalog = file + 1 == tape.files();
        if (file < 2 || is_catalog) {
            tape.tape()->unreadable[{file, 0}] = Errc::io;
        }
    }
    scan();
    const auto& findings = collection->tapes()[0].findings;
    EXPECT_TRUE(std::ranges::any_of(findings, [](const auto& finding) {
        return finding.is_damage &&
               finding.what.find("both of its labels are damaged") != std::string::npos;
    }));
    ASSERT_EQ(collection->sets().size(), 1U);
    EXPECT_FALSE(collection->snapshots().empty());
    EXPECT_EQ(readable().size(), chunks.size());
    const auto of_a_pool =
        run(Collection::scan(media_of({tape.tape()}), {GetParam(), "daily", {}}));
    ASSERT_TRUE(of_a_pool.has_value()) << "it may be of that pool";
    EXPECT_EQ(of_a_pool->tapes().size(), 1U);
}

TEST_P(DamagedTape, WithoutItsMediaSetLabelAndCatalogATapeIsReadAsAMediaSetOfItsOwn) {
    tape.tape()->unreadable = {{{1, 0}, Errc::io}, {{tape.files() - 1, 0}, Errc::io}};
    scan();
    EXPECT_TRUE(std::ranges::any_of(collection->tapes()[0].findings, [](const auto& finding) {
        return finding.is_damage && !finding.made_good &&
               finding.what.find("its media-set label is damaged") != std::string::npos;
    }));
    ASSERT_EQ(collection->sets().size(), 1U);
    EXPECT_EQ(readable().size(), chunks.size());
}

TEST_P(DamagedTape, AnEncryptedChunkWhereNoneMayBeIsRefused) {
    const Bytes key(32, 3);
    auto sealed = make_chunk(chunks[0].data, MadeEncoding::encrypted, key);
    sealed.digest = chunks[0].digest;
    TapeMaker other("TS0001L8", 2, TapeMaker::uuid(8), 0);
    other.chunk_archive("store", {sealed});
    other.snapshot("store", kMadeSnapshot, {make_fixed_index("drive.img.fidx", {chunks[0]})});
    const auto found =
        run(Collection::scan(media_of({other.tape()}), {GetParam(), "", {}})).value();
    ChunkReader reader(found, 0, "store", nullptr);
    const auto read = run(reader.read({chunks[0].digest, kMadeChunkSize, false}));
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Errc::corrupt);
    EXPECT_FALSE(run(verify(found, {})).value().is_sound());
}

class DamagedSeal : public testing::Test {
  protected:
    DamagedSeal() {
        for (char byte = 'a'; byte < 'e'; ++byte) {
            chunks.push_back(make_chunk(Bytes(5000, static_cast<std::uint8_t>(byte)),
                                        MadeEncoding::encrypted, secret));
        }
    }
    void scan(bool second_set) {
        auto there = chunks;
        there[1].blob[30] ^= 1U;  // the tag, which no CRC covers
        const auto index = make_fixed_index("drive.img.fidx", chunks, "encrypt");
        TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", there);
        tape.snapshot("store", kMadeSnapshot, {index}, StreamEnd::complete, &key);
        TapeMaker other("TS0001L8", 2, TapeMaker::uuid(8), 0);
        other.chunk_archive("store", chunks);
        std::vector<std::shared_ptr<MemoryTape>> tapes = {tape.tape()};
        if (second_set) {
            tapes.push_back(other.tape());
        }
        collection.emplace(run(Collection::scan(media_of(tapes), {true, "", {}})).value());
    }
    Result<FoundChunk> read(ChunkReader& reader, std::size_t chunk) const {
        return run(reader.read({chunks[chunk].digest, 5000, true}));
    }

    const Bytes secret = Bytes(32, 1);
    const CryptKey key{SecretKey(secret)};
    std::vector<MadeChunk> chunks;
    std::optional<Collection> collection;
};

TEST_F(DamagedSeal, AChunkThatAProvedKeyDoesNotOpenIsDamaged) {
    scan(false);
    ChunkReader reader(*collection, 0, "store", &key);
    EXPECT_EQ(read(reader, 1).error().code, Errc::denied) << "nothing proves the key yet";
    EXPECT_TRUE(read(reader, 0).has_value());
    const auto damaged = read(reader, 1);
    EXPECT_EQ(damaged.error().code, Errc::corrupt);
    EXPECT_NE(damaged.error().message.find(to_hex(chunks[1].digest) +
                                           ": tape TS0000L8, tape file 2, block 0: "),
              std::string::npos)
        << damaged.error().message;
    ChunkReader trusting(*collection, 0, "store", &key);
    trusting.trust_key();
    EXPECT_EQ(read(trusting, 1).error().code, Errc::corrupt);
}

TEST_F(DamagedSeal, AnotherCopyOfTheChunkIsTaken) {
    scan(true);
    ChunkReader reader(*collection, 1, "store", &key);
    const auto found = read(reader, 1);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_TRUE(std::ranges::equal(found->data.view(), chunks[1].data));
}

TEST_F(DamagedSeal, VerificationNamesItsPlace) {
    for (const bool elsewhere : {false, true}) {
        scan(elsewhere);
        const auto report = run(verify(*collection, {&key, {}})).value();
        ASSERT_EQ(report.damaged.size(), 1U);
        EXPECT_EQ(report.damaged[0].barcode, "TS0000L8");
        EXPECT_EQ(report.damaged[0].file, 2U);
        EXPECT_EQ(report.damaged[0].digest, chunks[1].digest);
        EXPECT_EQ(report.other_keys, 0U);
        const auto& file = report.snapshots.at(0).files.at(0);
        EXPECT_EQ(file.is_sound(), elsewhere);
        EXPECT_EQ(file.elsewhere, elsewhere ? 1U : 0U);
        if (!elsewhere) {
            EXPECT_NE(file.findings.at(0).find("tape TS0000L8, tape file 2, block 0"),
                      std::string::npos)
                << file.findings[0];
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
