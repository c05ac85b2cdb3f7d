// Images and whole snapshots taken off the tapes.
#include "media/pbs/store/restore.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cloud/base/hex.h"

#include "tests/media/pbs/golden_tapes.h"
#include "tests/media/pbs/tape_maker.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

class MemorySink final : public RandomSink {
  public:
    explicit MemorySink(std::size_t size) : bytes(size) {}
    Result<void> write(std::uint64_t offset, ByteView piece) override {
        TL_ASSERT(offset + piece.size() <= bytes.size());
        std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
    }
    Bytes bytes;
};

const PbsSnapshot& find(const Collection& collection, const std::string& text) {
    for (const auto& snapshot : collection.snapshots()) {
        if (snapshot.text() == text) {
            return snapshot;
        }
    }
    throw std::out_of_range(text);
}

OpenSnapshot open(const Collection& collection, const std::string& text, std::size_t copy = 0) {
    const auto& snapshot = find(collection, text);
    return run(OpenSnapshot::open(collection, snapshot, snapshot.copies.at(copy))).value();
}

Bytes bytes_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class GoldenRestore : public testing::Test {
  protected:
    Collection collection = run(Collection::scan(media_of(golden_tapes()), {})).value();
    CryptKey key = golden_key();
};

TEST_F(GoldenRestore, ImagesComeBackWholeInTheOrderOfTheTape) {
    for (const auto& expected : golden_expectations().at("snapshots")) {
        const auto text =
            expected.at("store").get<std::string>() + ":" + expected.at("name").get<std::string>();
        auto snapshot = open(collection, text);
        ChunkReader chunks(collection, snapshot.copy().set, snapshot.snapshot().store, &key);
        for (const auto& file : expected.at("files")) {
            if (!file.contains("data_sha256")) {
                continue;
            }
            MemorySink sink(file.at("data_size").get<std::size_t>());
            RestoreProgress last;
            const auto damaged =
                run(restore_archive(snapshot, file.at("name"), chunks, sink,
                                    [&last](const RestoreProgress& progress) { last = progress; }));
            ASSERT_TRUE(damaged.has_value()) << damaged.error().message;
            EXPECT_TRUE(damaged->empty());
            EXPECT_EQ(to_hex(chunk_digest(sink.bytes)), file.at("data_sha256"));
            EXPECT_EQ(last.bytes, sink.bytes.size());
            EXPECT_EQ(last.bytes_done, sink.bytes.size());
        }
    }
}

TEST_F(GoldenRestore, AnEncryptedSnapshotNeedsItsKeyAndNamesIt) {
    auto snapshot = open(collection, "alpha:host/tree-enc/2024-06-03T11:00:00Z");
    const auto none = check_key(snapshot.manifest(), nullptr);
    EXPECT_EQ(none.error().code, Errc::denied);
    EXPECT_NE(none.error().message.find("75:be:4d:01:9e:ee:4e:d1"), std::string::npos);
    const CryptKey other(SecretKey(Bytes(32, 5)));
    const auto wrong = check_key(snapshot.manifest(), &other);
    EXPECT_EQ(wrong.error().code, Errc::denied);
    EXPECT_NE(wrong.error().message.find("75:be:4d:01:9e:ee:4e:d1"), std::string::npos);
    EXPECT_TRUE(check_key(snapshot.manifest(), &key).has_value());
    ChunkReader chunks(collection, snapshot.copy().set, "alpha", nullptr);
    MemorySink sink(8UL << 20U);
    EXPECT_EQ(run(restore_archive(snapshot, "root.pxar.didx", chunks, sink, {})).error().code,
              Errc::denied);
    EXPECT_EQ(sink.bytes, Bytes(sink.bytes.size())) << "nothing was written";
}

TEST_F(GoldenRestore, ADatastoreGetsEveryFileAndChunkAsItWasAndNothingElse) {
    const tests::TemporaryDirectory folder("/dev/shm");  // 65536 folders cost minutes on a disk
    const DatastoreOwner owner{::geteuid(), ::getegid()};
    auto writer = DatastoreWriter::open(folder.path() / "store", owner).value();
    std::set<std::string> wanted_chunks;
    for (const auto& snapshot : collection.snapshots()) {
        // In a namespace; encrypted, with no key; an image.
        const auto& id = snapshot.name.id;
        if (id != "200" && id != "tree-enc" && id != "101") {
            continue;
        }
        auto opened = open(collection, snapshot.text());
        ChunkReader chunks(collection, opened.copy().set, "alpha", nullptr);
        const auto restored = run(restore_to_datastore(opened, chunks, writer, {}));
        ASSERT_TRUE(restored.has_value()) << restored.error().message;
        EXPECT_TRUE(restored->damaged.empty());
        const auto place = folder.path() / "store" / snapshot.name.text();
        for (const auto& file : opened.files()) {
            const auto raw = run(opened.raw(file.name)).value();
            const auto bytes = bytes_of(place / file.name);
            if (file.name == kManifestName) {
                const auto json = [](ByteView blob) {
                    const auto text = decode_blob(Buffer::copy_of(blob), nullptr, 1U << 20U);
                    return nlohmann::json::parse(as_text(text.value().view()));
                };
                auto expected = json(raw);
                expected["unprotected"].erase("verify_state");
                EXPECT_EQ(json(bytes), expected);
            } else {
                EXPECT_EQ(bytes, raw) << file.name;
            }
        }
        EXPECT_TRUE(fs::exists(place.parent_path() / "owner"));
        EXPECT_EQ(run(restore_to_datastore(opened, chunks, writer, {})).error().code,
                  Errc::already_exists);
        for (const auto& file : opened.manifest().files) {
            if (file.kind != SnapshotFileKind::blob) {
                const auto index = run(opened.index(file.name)).value();
                for (const auto& digest : index.digests()) {
                    wanted_chunks.insert(to_hex(digest));
                }
            }
        }
    }
    std::size_t folders = 0;
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "store/.chunks")) {
        folders += entry.is_directory() ? 1U : 0U;
        if (entry.is_regular_file()) {
            found.insert(entry.path().filename());
            EXPECT_EQ(entry.path().parent_path().filename(),
                      entry.path().filename().string().substr(0, 4));
            EXPECT_TRUE(check_blob(bytes_of(entry.path())).has_value());
        }
    }
    EXPECT_EQ(folders, 65536U);
    EXPECT_EQ(found, wanted_chunks);
}

TEST(PbsRestore, ADatastoreThatLacksAFileOfTheManifestIsSaidToLackIt) {
    const tests::TemporaryDirectory folder("/dev/shm");
    auto gone = make_blob_file("gone.conf.blob", plain_blob(as_bytes("x")));
    gone.on_tape = false;
    TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
    tape.snapshot("store", kMadeSnapshot,
                  {make_blob_file("vm.conf.blob", plain_blob(as_bytes("x"))), gone});
    const auto collection = run(Collection::scan(media_of({tape.tape()}), {})).value();
    auto snapshot = open(collection, std::string("store:") + kMadeSnapshot);
    ChunkReader chunks(collection, 0, "store", nullptr);
    auto writer =
        DatastoreWriter::open(folder.path() / "store", {::geteuid(), ::getegid()}).value();
    const auto restored = run(restore_to_datastore(snapshot, chunks, writer, {})).value();
    ASSERT_EQ(restored.damaged.size(), 1U);
    EXPECT_NE(restored.damaged[0].find("it has no gone.conf.blob, and the manifest lists it"),
              std::string::npos);
    EXPECT_TRUE(fs::exists(folder.path() / "store" / kMadeSnapshot / "vm.conf.blob"));
}

TEST(PbsRestore, ABadChunkOfTheDatastoreIsReplacedOrSetAside) {
    std::mt19937_64 random(8);
    std::vector<MadeChunk> chunks;
    for (std::size_t i = 0; i < 5; ++i) {
        chunks.push_back(make_chunk(make_data(random, 5000)));
    }
    TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {chunks.begin(), chunks.begin() + 4});
    tape.snapshot("store", kMadeSnapshot, {make_fixed_index("drive.img.fidx", chunks)});
    tape.catalog(tape);
    const auto collection = run(Collection::scan(media_of({tape.tape()}), {})).value();
    const tests::TemporaryDirectory folder("/dev/shm");
    const auto base = folder.path() / "datastore";
    const auto writer = DatastoreWriter::open(base, {}).value();
    const auto file_of = [&](std::size_t chunk) {
        const auto name = to_hex(chunks[chunk].digest);
        return base / ".chunks" / name.substr(0, 4) / name;
    };
    // Sound, of other bytes, sound but another chunk; one that no tape has is bad too.
    ASSERT_TRUE(writer.write_chunk(chunks[0].digest, chunks[0].blob).has_value());
    auto flipped = chunks[1].blob;
    flipped[100] ^= 1U;
    ASSERT_TRUE(writer.write_chunk(chunks[1].digest, flipped).has_value());
    ASSERT_TRUE(writer.write_chunk(chunks[2].digest, chunks[0].blob).has_value());
    // What cannot be read is bad, too; a link is not followed.
    std::ofstream(folder.path() / "elsewhere") << "untouched";
    fs::create_symlink(folder.path() / "elsewhere", file_of(3));
    ASSERT_TRUE(writer.write_chunk(chunks[4].digest, flipped).has_value());
    auto snapshot = open(collection, std::string("store:") + kMadeSnapshot);
    ChunkReader reader(collection, 0, "store", nullptr);
    auto into = DatastoreWriter::open(base, {}).value();
    const auto restored = run(restore_to_datastore(snapshot, reader, into, {})).value();
    EXPECT_EQ(restored.chunks_there, 1U);
    EXPECT_EQ(restored.chunks_written, 3U);
    EXPECT_EQ(restored.chunks_replaced, 3U);
    EXPECT_EQ(restored.damaged.size(), 1U);
    for (std::size_t chunk = 0; chunk < 4; ++chunk) {
        EXPECT_EQ(bytes_of(file_of(chunk)), chunks[chunk].blob) << chunk;
    }
    EXPECT_FALSE(fs::is_symlink(file_of(3)));
    EXPECT_EQ(bytes_of(folder.path() / "elsewhere").size(), 9U);
    EXPECT_FALSE(fs::exists(file_of(4)));
    EXPECT_EQ(bytes_of(file_of(4).string() + ".0.bad"), flipped);
}

TEST(PbsRestore, ADatastoreIsItsOwnersWithTheFolderItBeginsIn) {
    // Only root gives files away.
    const bool root = ::geteuid() == 0;
    const std::pair ours(::geteuid(), ::getegid());
    const std::pair theirs(root ? 34U : ours.first, root ? 35U : ours.second);
    const tests::TemporaryDirectory folder("/dev/shm");
    const auto owner_of = [&](const std::string& name) {
        struct stat state {};
        EXPECT_EQ(::lstat((folder.path() / name).c_str(), &state), 0) << name;
        return std::pair(state.st_uid, state.st_gid);
    };
    fs::create_directory(folder.path() / "there");
    for (const std::string name : {"above/store", "above/slash/", "there"}) {
        ASSERT_TRUE(
            DatastoreWriter::open(folder.path() / name, {theirs.first, theirs.second}).has_value())
            << name;
        EXPECT_EQ(owner_of(name + "/.chunks"), theirs);
        EXPECT_EQ(owner_of(name + "/.lock"), theirs);
    }
    EXPECT_EQ(owner_of("above/store"), theirs);
    EXPECT_EQ(owner_of("above/slash"), theirs);
    EXPECT_EQ(owner_of("above"), ours);
    EXPECT_EQ(owner_of("there"), ours) << "it was not made here";
}

TEST(PbsRestore, AFolderWithOtherThingsIsNoDatastore) {
    const tests::TemporaryDirectory folder;
    std::ofstream(folder.path() / "something") << "else";
    EXPECT_EQ(DatastoreWriter::open(folder.path(), {}).error().code, Errc::precondition);
}

TEST(PbsRestore, DamagedRangesAreNamedAndTheRestIsWritten) {
    std::mt19937_64 random(11);
    std::vector<MadeChunk> chunks;
    for (int i = 0; i < 4; ++i) {
        chunks.push_back(make_chunk(make_data(random, 300'000), MadeEncoding::zstd));
    }
    // The image has chunk 1 twice.
    const std::vector<MadeChunk> image = {chunks[3], chunks[1], chunks[0], chunks[1], chunks[2]};
    TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {chunks[0], chunks[1]});
    tape.chunk_archive("store", {chunks[2]});
    tape.snapshot("store", "vm/100/2024-06-05T07:04:24Z", {make_fixed_index("a.img.fidx", image)});
    tape.tape()->files[2].records[1][100'000] ^= 1U;
    const auto collection = run(Collection::scan(media_of({tape.tape()}), {})).value();
    auto snapshot = open(collection, "store:vm/100/2024-06-05T07:04:24Z");
    ChunkReader reader(collection, 0, "store", nullptr);
    MemorySink sink(1'500'000);
    RestoreProgress last;
    const auto damaged = run(restore_archive(snapshot, "a.img.fidx", reader, sink,
                                             [&last](const RestoreProgress& now) { last = now; }))
                             .value();
    EXPECT_EQ(last.bytes, sink.bytes.size());
    EXPECT_EQ(last.bytes_done, sink.bytes.size()) << "what is damaged is not waited for";
    ASSERT_EQ(damaged.size(), 3U);  // chunk 3 was never written, chunk 1 is damaged, twice
    EXPECT_EQ(damaged[0].begin, 0U);
    EXPECT_EQ(damaged[1].begin, 300'000U);
    EXPECT_EQ(damaged[2].end, 1'200'000U);
    EXPECT_NE(damaged[1].what.find("tape TS0000L8, tape file 2"), std::string::npos);
    EXPECT_TRUE(
        std::equal(chunks[0].data.begin(), chunks[0].data.end(), sink.bytes.begin() + 600'000));
    EXPECT_TRUE(
        std::equal(chunks[2].data.begin(), chunks[2].data.end(), sink.bytes.begin() + 1'200'000));
}

}  // namespace
}  // namespace tapeloft::media
