// One file out of a cartridge of 100 GB: what it costs.
#include "tests/media/pbs/large_tape.h"

#include <fstream>
#include <iterator>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "media/pbs/pxar/restorer.h"
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/open_snapshot.h"

#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr const char* kHostSnapshot = "host/web/2024-06-05T07:04:24Z";
constexpr std::size_t kFileSize = 1'000'000;
constexpr std::uint64_t kSeed = 20'240'605;

class LargeTapes : public testing::Test {
  protected:
    LargeTapes() {
        std::mt19937_64 random(kSeed);
        std::vector<TestNode> folders;
        for (int folder = 0; folder < 6; ++folder) {
            std::vector<TestNode> files;
            for (int file = 0; file < 10; ++file) {
                auto node = file_node("file" + std::to_string(file), "");
                node.content = make_data(random, kFileSize);
                files.push_back(std::move(node));
            }
            folders.push_back(directory_node("folder" + std::to_string(folder), std::move(files)));
        }
        wanted_ = folders[3].children[7].content;
        const auto archive = encode_pxar(directory_node("", std::move(folders))).archive;
        std::vector<MadeChunk> chunks;
        for (std::size_t at = 0; at < archive.size();) {
            const auto size =
                std::min<std::size_t>(archive.size() - at, (1U << 20U) + random() % (3U << 20U));
            const auto begin = archive.begin() + static_cast<std::ptrdiff_t>(at);
            chunks.push_back(make_chunk(Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)),
                                        MadeEncoding::zstd));
            at += size;
        }
        tape_ = LargeTape::make(chunks, {make_dynamic_index("root.pxar.didx", chunks)},
                                kHostSnapshot, kSeed);
    }

    /// From a tape of which nothing is known to the file on the disk.
    void restore_one(bool with_cuts) {
        std::vector<std::unique_ptr<TapeMedium>> media;
        media.push_back(std::make_unique<LargeMedium>(tape_, with_cuts));
        const auto collection = run(Collection::scan(std::move(media), {})).value();
        const auto& snapshot = collection.snapshots().at(0);
        auto opened = run(OpenSnapshot::open(collection, snapshot, snapshot.copies.at(0))).value();
        ChunkReader chunks(collection, 0, snapshot.store, nullptr);
        ArchiveSource source(run(opened.index("root.pxar.didx")).value(), false, chunks);
        PxarReader reader(source);
        ASSERT_TRUE(run(reader.open()).has_value());
        Restorer restorer(reader, PathSelection::make({"folder3/file7"}).value(),
                          directory_.path() / "out");
        const auto done = run(restorer.run());
        ASSERT_TRUE(done.has_value()) << done.error().message;
        EXPECT_EQ(restorer.report().files, 1U);
        std::ifstream in(directory_.path() / "out/folder3/file7", std::ios::binary);
        EXPECT_EQ(Bytes(std::istreambuf_iterator<char>(in), {}), wanted_);
    }

    /// Bytes that come with the first one of the archive.
    std::uint64_t bytes_with_the_first(bool all) {
        std::vector<std::unique_ptr<TapeMedium>> media;
        media.push_back(std::make_unique<LargeMedium>(tape_, true));
        const auto collection = run(Collection::scan(std::move(media), {})).value();
        const auto& snapshot = collection.snapshots().at(0);
        auto opened = run(OpenSnapshot::open(collection, snapshot, snapshot.copies.at(0))).value();
        boost::asio::thread_pool pool(1);
        ChunkReader chunks(collection, 0, snapshot.store, nullptr);
        chunks.decode_on(pool.get_executor());
        ArchiveSource source(run(opened.index("root.pxar.didx")).value(), false, chunks);
        if (all) {
            source.will_read_all();
        }
        const auto before = tape_.records_read;
        EXPECT_TRUE(run(source.view(0, 1)).has_value());
        return (tape_.records_read - before) * kPbsBlockSize;
    }

    Bytes wanted_;
    LargeTape tape_;
    tests::TemporaryDirectory directory_;
};

TEST_F(LargeTapes, OneFileOf1MBOutOf100GBIsAHandfulOfReads) {
    std::uint64_t records = 0;
    for (const auto& [file, archive] : tape_.archives) {
        records += archive.records();
    }
    ASSERT_GT(records * kPbsBlockSize, 100'000'000'000U);
    restore_one(true);
    // Labels and the first archive's head, catalog, snapshot; chunks with the beginning and the end
    // of the archive, the end of the folder, and the file: each with a block or two that show where
    // it is, as there are a few cuts more than chunks.
    EXPECT_LE(tape_.reads, 20U);
    EXPECT_LE(tape_.records_read * kPbsBlockSize, 20'000'000U);
}

TEST_F(LargeTapes, WhereNothingIsKnownOfTheirPlacesChunksAreFoundByTrying) {
    restore_one(false);
    EXPECT_LE(tape_.reads, 120U);
    EXPECT_LE(tape_.records_read * kPbsBlockSize, 200'000'000U);
}

TEST_F(LargeTapes, OnlyOfAnArchiveThatWillBeReadMoreComesThanIsAskedFor) {
    constexpr std::uint64_t kChunkMax = 4U << 20U;
    EXPECT_LE(bytes_with_the_first(false), 2 * kChunkMax);
    const auto all = bytes_with_the_first(true);
    EXPECT_GE(all, ChunkReader::kAhead);
    EXPECT_LE(all, ChunkReader::kAhead + 6 * kChunkMax);
}

}  // namespace
}  // namespace tapeloft::media
