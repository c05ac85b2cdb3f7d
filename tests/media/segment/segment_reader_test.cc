// Records read in place from the page cache, over a real file.
#include "media/segment/segment_reader.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"

#include "media/segment/segment_writer.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

class CachedRecord : public testing::Test {
  protected:
    void SetUp() override {
        identity_.serial = "SERIAL1";
        identity_.number = 3;
        identity_.first_object = 100;
        seed_ = segment_seed(identity_);
        record_ = Buffer::zeroed(5000);
        record_.mutable_view()[4999] = 7;
        auto writer = SegmentWriter::create(posix_file_system(), path_, identity_);
        ASSERT_TRUE(writer.has_value());
        PendingFrame frame;
        frame.record = record_;
        frame.record_crc = crc32c(record_.view(), seed_);
        const std::array frames = {frame};
        ASSERT_TRUE((*writer)->append(frames).has_value());
        const auto place = (*writer)->runs().place(0);
        frame_ = {place.offset, place.length, identity_.first_object, 0};
        auto file = posix_file_system().open(path_);
        ASSERT_TRUE(file.has_value());
        file_ = std::move(*file);
        ASSERT_TRUE(read_record(*file_, seed_, frame_).has_value());  // now it lies in the cache
    }

    void flip_byte(std::uint64_t offset) const {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(offset));
        const auto byte = static_cast<char>(file.get() ^ 0x10);
        file.seekp(static_cast<std::streamoff>(offset));
        file.put(byte);
    }

    tests::TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "0000000003.seg";
    SegmentIdentity identity_;
    std::uint32_t seed_ = 0;
    Buffer record_;
    RecordFrame frame_;
    std::unique_ptr<File> file_;
};

TEST_F(CachedRecord, IsWhatWasWrittenOrNothing) {
    const auto cached = read_cached_record(*file_, seed_, frame_);
    // A file system that cannot read without waiting has nothing in its cache.
    EXPECT_TRUE(cached.empty() || std::ranges::equal(cached.bytes.view(), record_.view()));
}

TEST_F(CachedRecord, IsNothingWhenAByteOfItIsDamaged) {
    for (std::uint64_t offset = frame_.offset; offset < frame_.end(); offset += 97) {
        flip_byte(offset);
        const auto cached = read_cached_record(*file_, seed_, frame_);
        EXPECT_TRUE(cached.empty() || std::ranges::equal(cached.bytes.view(), record_.view()))
            << offset;
        flip_byte(offset);
    }
    flip_byte(frame_.end() - 1);
    EXPECT_TRUE(read_cached_record(*file_, seed_, frame_).empty());
}

TEST_F(CachedRecord, IsNothingWhenTheFileEndsBeforeIt) {
    ASSERT_TRUE(file_->truncate(frame_.end() - 1).has_value());
    EXPECT_TRUE(read_cached_record(*file_, seed_, frame_).empty());
}

TEST_F(CachedRecord, OfAnotherSegmentIsNothing) {
    identity_.number = 4;
    EXPECT_TRUE(read_cached_record(*file_, segment_seed(identity_), frame_).empty());
    ++frame_.object;
    EXPECT_TRUE(read_cached_record(*file_, seed_, frame_).empty());
}

}  // namespace
}  // namespace tapeloft::media
