// A datastore on a file system that takes not all that it should, or has other things in its place.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"
#include "cloud/base/hex.h"

#include "media/pbs/store/restore.h"

#include "tests/media/pbs/tape_maker.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunks = 6;
constexpr std::size_t kChunkBytes = 50'000;

/// A limit of this process, until this goes. What goes beyond RLIMIT_FSIZE is an error then.
class Limited {
  public:
    Limited(__rlimit_resource resource, rlim_t limit) : resource_(resource) {
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        EXPECT_EQ(::getrlimit(resource_, &before_), 0);
        const rlimit now = {limit, before_.rlim_max};
        EXPECT_EQ(::setrlimit(resource_, &now), 0);
    }
    Limited(const Limited&) = delete;
    Limited& operator=(const Limited&) = delete;
    ~Limited() {
        EXPECT_EQ(::setrlimit(resource_, &before_), 0);
        static_cast<void>(std::signal(SIGXFSZ, old_handler_));
    }

  private:
    const __rlimit_resource resource_;
    rlimit before_{};
    void (*old_handler_)(int) = nullptr;
};

/// A small one, seen by this test alone.
class SmallFileSystem {
  public:
    SmallFileSystem(fs::path place, const char* options) : place_(std::move(place)) {
        is_there_ = ::unshare(CLONE_NEWNS) == 0 &&
                    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    ::mount("none", place_.c_str(), "tmpfs", 0, options) == 0;
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;
    ~SmallFileSystem() {
        if (is_there_) {
            EXPECT_EQ(::umount(place_.c_str()), 0);
        }
    }
    /// No: only some users may mount.
    [[nodiscard]] bool is_there() const noexcept { return is_there_; }
    void change(const char* options) const {
        ASSERT_EQ(::mount("none", place_.c_str(), "tmpfs", MS_REMOUNT, options), 0);
    }

  private:
    const fs::path place_;
    bool is_there_ = false;
};

class DatastoreFaults : public testing::Test {
  protected:
    DatastoreFaults() {
        std::mt19937_64 random(21);
        for (std::size_t i = 0; i < kChunks; ++i) {
            chunks.push_back(make_chunk(make_data(random, kChunkBytes)));
        }
        TapeMaker tape("TS0000L8", 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", {chunks.begin(), chunks.end() - 1});  // the last is nowhere
        tape.snapshot("store", kMadeSnapshot, {make_fixed_index("all.img.fidx", chunks)});
        tape.snapshot("store", kWhole,
                      {make_fixed_index("drive.img.fidx", {chunks.begin(), chunks.end() - 1})});
        collection = run(Collection::scan(media_of({tape.tape()}), {})).value();
    }

    [[nodiscard]] fs::path base() const { return folder.path() / "store"; }
    [[nodiscard]] fs::path chunk_file(std::size_t chunk) const {
        const auto name = to_hex(chunks[chunk].digest);
        return base() / ".chunks" / name.substr(0, 4) / name;
    }
    [[nodiscard]] Result<DatastoreWriter> open_writer() const {
        return DatastoreWriter::open(base(), {::geteuid(), ::getegid()});
    }
    Result<DatastoreRestore> restore(const std::string& name, DatastoreWriter& writer) {
        for (const auto& snapshot : collection->snapshots()) {
            if (snapshot.name.text() == name) {
                auto opened =
                    run(OpenSnapshot::open(*collection, snapshot, snapshot.copies.at(0))).value();
                ChunkReader reader(*collection, 0, "store", nullptr);
                return run(restore_to_datastore(opened, reader, writer, {}));
            }
        }
        return Error{Errc::not_found, name};
    }
    /// The error names the file and the reason; PBS will see no snapshot; no chunk is half there.
    void expect_failed(const Result<DatastoreRestore>& restored, const fs::path& file,
                       const std::string& reason) const {
        ASSERT_FALSE(restored.has_value());
        const auto& message = restored.error().message;
        EXPECT_NE(message.find(file.string()), std::string::npos) << message;
        EXPECT_NE(message.find(reason), std::string::npos) << message;
        EXPECT_FALSE(fs::exists(base() / kWhole / "index.json.blob"));
        for (const auto& entry : fs::recursive_directory_iterator(base() / ".chunks")) {
            if (entry.is_regular_file()) {
                EXPECT_EQ(entry.path().filename().string().size(), 64U) << entry.path();
                EXPECT_TRUE(check_blob(content(entry.path())).has_value()) << entry.path();
            }
        }
    }
    /// What failed is done by another run, when the reason is gone; what was there counts.
    void expect_done(DatastoreWriter& writer, std::size_t there) {
        const auto restored = restore(kWhole, writer);
        ASSERT_TRUE(restored.has_value()) << restored.error().message;
        EXPECT_EQ(restored->chunks_there, there);
        EXPECT_EQ(restored->chunks_there + restored->chunks_written, kChunks - 1);
        EXPECT_TRUE(restored->damaged.empty());
        for (std::size_t i = 0; i + 1 < kChunks; ++i) {
            EXPECT_EQ(content(chunk_file(i)), chunks[i].blob) << i;
        }
        EXPECT_TRUE(fs::exists(base() / kWhole / "index.json.blob"));
    }
    [[nodiscard]] static Bytes content(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

    static constexpr const char* kWhole = "vm/7/2024-06-05T07:04:24Z";
    const tests::TemporaryDirectory folder{"/dev/shm"};  // 65536 folders cost minutes on a disk
    std::vector<MadeChunk> chunks;
    std::optional<Collection> collection;
};

void make_socket(const fs::path& path) {
    // The address of a socket is short.
    const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const Descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const auto name = "/proc/self/fd/" + std::to_string(folder.get()) + "/s";
    name.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    fs::rename(path.parent_path() / "s", path);
}

TEST_F(DatastoreFaults, WhatIsNoFileWhereAChunkBelongsMakesRoomForIt) {
    auto writer = open_writer().value();
    fs::create_directory(chunk_file(0));
    std::ofstream(chunk_file(0) / "of a person") << "untouched";
    fs::create_directory(chunk_file(1));
    ASSERT_EQ(::mkfifo(chunk_file(2).c_str(), 0600), 0);
    make_socket(chunk_file(3));
    fs::create_directory(chunk_file(5));  // and no tape has the chunk
    std::ofstream(chunk_file(5) / "of a person") << "untouched";

    const auto restored = restore(kMadeSnapshot, writer);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    EXPECT_EQ(restored->chunks_written, kChunks - 1);
    EXPECT_EQ(restored->chunks_replaced, 4U);
    ASSERT_EQ(restored->damaged.size(), 1U);
    EXPECT_NE(restored->damaged[0].find(to_hex(chunks[5].digest)), std::string::npos);
    for (std::size_t i = 0; i + 1 < kChunks; ++i) {
        EXPECT_EQ(content(chunk_file(i)), chunks[i].blob) << i;
    }
    for (const auto chunk : {0U, 5U}) {
        const auto aside = chunk_file(chunk).string() + ".0.bad";
        EXPECT_EQ(as_text(content(aside + "/of a person")), "untouched");
    }
    EXPECT_FALSE(fs::exists(fs::symlink_status(chunk_file(5))));
}

TEST_F(DatastoreFaults, WhatWasSetAsideBeforeStays) {
    auto writer = open_writer().value();
    std::ofstream(chunk_file(0).string() + ".0.bad") << "an older one";
    fs::create_directory(chunk_file(0));
    fs::create_directory(chunk_file(5).string() + ".0.bad");
    std::ofstream(chunk_file(5)) << "no chunk";
    const auto restored = restore(kMadeSnapshot, writer);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    EXPECT_EQ(as_text(content(chunk_file(0).string() + ".0.bad")), "an older one");
    EXPECT_TRUE(fs::is_directory(chunk_file(0).string() + ".1.bad"));
    EXPECT_EQ(content(chunk_file(0)), chunks[0].blob);
    EXPECT_EQ(as_text(content(chunk_file(5).string() + ".1.bad")), "no chunk");
}

TEST_F(DatastoreFaults, AFileWhereAFolderBelongsIsNamedBeforeAnythingIsFetched) {
    const auto expect_no_folder = [this](const fs::path& path) {
        const auto writer = open_writer();
        ASSERT_FALSE(writer.has_value()) << path;
        EXPECT_EQ(writer.error().message, path.string() + " is in the way: it is no folder");
    };
    std::ofstream(base()).close();
    expect_no_folder(base());
    fs::remove(base());
    fs::create_symlink("nowhere", base());
    expect_no_folder(base());
    fs::remove(base());
    auto writer = open_writer().value();
    const auto of_chunks = chunk_file(2).parent_path();
    fs::remove(of_chunks);
    std::ofstream(of_chunks).close();
    expect_no_folder(of_chunks);
    fs::remove(of_chunks);
    fs::create_directory(base() / "elsewhere");
    fs::create_directory_symlink(base() / "elsewhere", of_chunks);
    EXPECT_TRUE(open_writer().has_value()) << "a person may spread the folders";
    for (const auto* const part : {"vm", "vm/7", "vm/7/2024-06-05T07:04:24Z"}) {
        fs::create_directories((base() / part).parent_path());
        std::ofstream(base() / part).close();
        expect_failed(restore(kWhole, writer), base() / part, "is in the way: it is no folder");
        EXPECT_FALSE(fs::exists(chunk_file(0)));
        fs::remove(base() / part);
    }
    expect_done(writer, 0);
}

TEST_F(DatastoreFaults, AChunkThatAFileSystemHasNoRoomForIsNamedAndAnotherRunGoesOn) {
    auto writer = open_writer().value();
    {
        const Limited limited(RLIMIT_FSIZE, kChunkBytes / 2);
        expect_failed(restore(kWhole, writer), base() / ".chunks", "File too large");
    }
    ASSERT_TRUE(writer.write_chunk(chunks[1].digest, chunks[1].blob).has_value());
    {
        const Limited limited(RLIMIT_FSIZE, kChunkBytes / 2);
        expect_failed(restore(kWhole, writer), base() / ".chunks", "File too large");
    }
    expect_done(writer, 1);
}

TEST_F(DatastoreFaults, WhereNoFileCanBeOpenedTheRestoreEndsAndAnotherRunGoesOn) {
    auto writer = open_writer().value();
    ASSERT_TRUE(writer.write_chunk(chunks[1].digest, chunks[1].blob).has_value());
    {
        const Limited limited(RLIMIT_NOFILE, 0);
        const auto restored = restore(kWhole, writer);
        ASSERT_FALSE(restored.has_value());
        EXPECT_NE(restored.error().message.find(".chunks/"), std::string::npos);
        EXPECT_NE(restored.error().message.find("Too many open files"), std::string::npos);
    }
    EXPECT_EQ(content(chunk_file(1)), chunks[1].blob) << "it is sound, though it was not read";
    expect_done(writer, 1);
}

TEST_F(DatastoreFaults, AFullFileSystemIsSaidToBeFullAndAnotherRunGoesOn) {
    fs::create_directory(base());
    // Room for two chunks, or three, and no index.
    const SmallFileSystem small(base(), "size=160k,nr_inodes=70000");
    if (!small.is_there()) {
        return;  // only who may mount has one
    }
    auto writer = open_writer();
    ASSERT_TRUE(writer.has_value()) << writer.error().message;
    const auto restored = restore(kWhole, *writer);
    expect_failed(restored, base() / ".chunks", "No space left on device");
    EXPECT_EQ(restored.error().code, Errc::no_space);
    std::size_t there = 0;
    for (std::size_t i = 0; i + 1 < kChunks; ++i) {
        there += fs::exists(chunk_file(i)) ? 1U : 0U;
    }
    EXPECT_GT(there, 0U);
    small.change("size=16m");
    expect_done(*writer, there);
}

TEST_F(DatastoreFaults, WhereFoldersFindNoRoomAnotherRunGoesOn) {
    fs::create_directory(base());
    const SmallFileSystem small(base(), "nr_inodes=1000");
    if (!small.is_there()) {
        return;  // only who may mount has one
    }
    const auto writer = open_writer();
    ASSERT_FALSE(writer.has_value());
    EXPECT_EQ(writer.error().code, Errc::no_space);
    EXPECT_NE(writer.error().message.find((base() / ".chunks/03").string()), std::string::npos)
        << writer.error().message;
    small.change("nr_inodes=70000");
    auto again = open_writer().value();
    expect_done(again, 0);
}

}  // namespace
}  // namespace tapeloft::media
