// Two tape files that are one, as the filemark between them is lost, and the first blocks of the
// second one too: so many that the numbers of its others go on where the first one ends.
#include <algorithm>
#include <cstring>
#include <optional>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/chunk_reader.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

/// Each test by catalog and by full scan.
class Joined : public testing::TestWithParam<bool> {
  protected:
    Joined() {
        for (std::size_t i = 0; i < 9; ++i) {
            chunks.push_back(make_chunk(make_data(random, kMadeChunkSize)));
        }
    }

    /// The filemark behind the tape file is lost, and as many blocks behind it as it has.
    void join(std::size_t file) {
        auto& files = tape.tape()->files;
        auto& first = files.at(file).records;
        auto& second = files.at(file + 1).records;
        own = first.size();
        ASSERT_GE(own, 2U);
        ASSERT_GT(second.size(), own);
        first.insert(first.end(), second.begin() + static_cast<std::ptrdiff_t>(own), second.end());
        files.erase(files.begin() + static_cast<std::ptrdiff_t>(file) + 1);
    }
    void scan() {
        collection.emplace(
            run(Collection::scan(media_of({tape.tape()}), {GetParam(), "", {}})).value());
    }
    std::vector<MadeChunk> some(std::size_t first, std::size_t behind) const {
        return {chunks.begin() + static_cast<std::ptrdiff_t>(first),
                chunks.begin() + static_cast<std::ptrdiff_t>(behind)};
    }
    /// Which chunks can be read.
    std::vector<std::size_t> readable() {
        ChunkReader reader(*collection, 0, "store", nullptr);
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            const auto read = run(reader.read({chunks[i].digest, kMadeChunkSize, false}));
            if (read && std::ranges::equal(read->data.view(), chunks[i].data)) {
                found.push_back(i);
            }
        }
        return found;
    }
    PbsVerifyReport verified() { return run(verify(*collection, {})).value(); }
    /// Of the snapshots, those that are sound; the chunks that others lack are named.
    std::vector<bool> sound(const PbsVerifyReport& report) {
        std::vector<bool> sound;
        for (const auto& snapshot : report.snapshots) {
            sound.push_back(snapshot.is_sound());
        }
        return sound;
    }
    static bool names(const std::vector<std::string>& findings, const std::string& words) {
        return std::ranges::any_of(
            findings, [&](const auto& each) { return each.find(words) != std::string::npos; });
    }
    static bool is_told(const PbsVerifyReport& report, const std::string& words) {
        return std::ranges::any_of(report.findings, [&](const TapeFinding& each) {
            return each.is_damage && each.what.find(words) != std::string::npos;
        });
    }
    /// Of the file of the snapshot these chunks are missing, each by its name, and no other.
    void expect_missing(const VerifiedFile& file, const std::vector<std::size_t>& missing) {
        EXPECT_EQ(file.missing, missing.size());
        EXPECT_EQ(file.damaged, 0U);
        for (const auto chunk : missing) {
            EXPECT_TRUE(
                names(file.findings, "chunk " + to_hex(chunks.at(chunk).digest) + " is missing"))
                << chunk;
        }
    }

    static constexpr const char* kOther = "vm/101/2024-06-05T07:04:24Z";
    std::mt19937_64 random{7};
    std::vector<MadeChunk> chunks;
    TapeMaker tape{"TS0000L8", 1, TapeMaker::uuid(9), 0};
    std::size_t own = 0;  ///< blocks of the first one
    std::optional<Collection> collection;
};
INSTANTIATE_TEST_SUITE_P(ByCatalogOrFull, Joined, testing::Bool());

TEST_P(Joined, OfTwoChunkArchivesTheFirstIsWholeAndOfTheNextWhatIsThereCounts) {
    tape.chunk_archive("store", some(0, 2));
    tape.chunk_archive("store", some(2, 9));
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("first.img.fidx", some(0, 2))});
    tape.snapshot("store", kOther, {make_fixed_index("second.img.fidx", some(2, 9))});
    tape.catalog(tape);
    join(2);  // the second one has lost 3 blocks of 256 KiB: chunks 2, 3 and 4
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 5, 6, 7, 8}));
    const auto report = verified();
    EXPECT_TRUE(report.damaged.empty());
    EXPECT_EQ(sound(report), (std::vector<bool>{true, false}));
    EXPECT_TRUE(is_told(report, "tape file 2, block 2: the stream ends"));
    if (GetParam()) {
        expect_missing(report.snapshots.at(1).files.at(0), {2, 3, 4});
    }
}

TEST_P(Joined, ASnapshotIsWholeAndOfTheNextChunkArchiveWhatIsThereCounts) {
    tape.chunk_archive("store", some(0, 2));
    tape.snapshot("store", kMadeSnapshot,
                  {make_fixed_index("first.img.fidx", some(0, 2)),
                   make_blob_file("b.conf.blob", plain_blob(Bytes(400'000, 'b')))});
    tape.chunk_archive("store", some(2, 9));
    tape.snapshot("store", kOther, {make_fixed_index("second.img.fidx", some(2, 9))});
    tape.catalog(tape);
    join(3);  // chunks 2 and 3
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1, 4, 5, 6, 7, 8}));
    const auto report = verified();
    EXPECT_TRUE(report.damaged.empty());
    EXPECT_EQ(sound(report), (std::vector<bool>{true, false}));
    expect_missing(report.snapshots.at(1).files.at(0), {2, 3});
    EXPECT_TRUE(is_told(report, "the filemark behind tape file 3 is lost"));
    EXPECT_TRUE(is_told(report, "tape file 4, block 0: "));
}

TEST_P(Joined, AChunkArchiveIsWholeAndTheNextSnapshotIsMissedByItsName) {
    tape.chunk_archive("store", some(0, 2));
    tape.snapshot("store", kMadeSnapshot,
                  {make_blob_file("b.conf.blob", plain_blob(Bytes(4'000'000, 'b')))});
    tape.snapshot("store", kOther, {make_fixed_index("second.img.fidx", some(0, 2))});
    tape.catalog(tape);
    join(2);
    scan();
    EXPECT_EQ(readable(), (std::vector<std::size_t>{0, 1}));
    const auto report = verified();
    EXPECT_TRUE(report.damaged.empty());
    const std::string lost = "the archive of store:" + std::string(kMadeSnapshot) + " is missing";
    if (GetParam()) {
        EXPECT_EQ(sound(report), (std::vector<bool>{true}));
        EXPECT_TRUE(is_told(report, lost));
    } else {
        EXPECT_EQ(sound(report), (std::vector<bool>{false, true}));
        EXPECT_TRUE(names(report.snapshots.at(0).findings, lost));
    }
}

TEST_P(Joined, ACatalogIsBelievedAndOfTheNextChunkArchiveWhatIsThereCounts) {
    std::vector<MadeChunk> tiny;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        Bytes data(4);
        std::memcpy(data.data(), &i, sizeof i);
        tiny.push_back(make_chunk(std::move(data)));
    }
    tape.chunk_archive("store", tiny);
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("first.img.fidx", tiny)});
    tape.catalog(tape);
    tape.chunk_archive("store", some(2, 9));
    tape.snapshot("store", kOther, {make_fixed_index("second.img.fidx", some(2, 9))});
    join(4);
    scan();
    EXPECT_EQ(collection->tapes().at(0).by_catalog, !GetParam());
    EXPECT_EQ(readable(), (std::vector<std::size_t>{4, 5, 6, 7, 8}));
    const auto report = verified();
    EXPECT_TRUE(report.damaged.empty());
    EXPECT_EQ(sound(report), (std::vector<bool>{true, false}));
    expect_missing(report.snapshots.at(1).files.at(0), {2, 3});
    EXPECT_TRUE(is_told(report, "the filemark behind tape file 4 is lost"));
}

}  // namespace
}  // namespace tapeloft::media
