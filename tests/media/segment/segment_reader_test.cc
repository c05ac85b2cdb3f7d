// Records read in place from the page cache, over a real file.
#include "media/segment/segment_reader.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

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

/// Records of several lengths with filemarks between some of them.
class SeveralRecords : public testing::Test {
  protected:
    static constexpr std::size_t kRecords = 1200;  // more than one call may read

    void SetUp() override {
        identity_.serial = "SERIAL1";
        identity_.number = 3;
        seed_ = segment_seed(identity_);
        auto writer = SegmentWriter::create(posix_file_system(), path_, identity_);
        ASSERT_TRUE(writer.has_value());
        std::uint64_t object = 0;
        std::uint64_t file = 0;
        for (std::size_t i = 0; i < kRecords; ++i) {
            std::vector<PendingFrame> frames(i % 400 == 399 ? 2 : 1);
            frames.back().record = Buffer::zeroed(1 + i % 70);
            frames.back().record.mutable_view()[0] = static_cast<std::uint8_t>(i);
            frames.back().record_crc = crc32c(frames.back().record.view(), seed_);
            if (frames.size() == 2) {
                frames.front().filemarks = 1;
                ++object;
                ++file;
            }
            ASSERT_TRUE((*writer)->append(frames).has_value());
            const auto place = (*writer)->runs().place(object);
            frames_.push_back({place.offset, place.length, object++, file});
            records_.push_back(frames.back().record);
        }
        auto opened = posix_file_system().open(path_);
        ASSERT_TRUE(opened.has_value());
        file_ = std::move(*opened);
    }

    [[nodiscard]] std::vector<StoredRecord> read() const {
        auto records = read_records(*file_, seed_, frames_);
        EXPECT_TRUE(records.has_value());
        return std::move(records).value();
    }
    void expect_sound_but(const std::vector<StoredRecord>& records, std::size_t from,
                          std::size_t to) const {
        ASSERT_EQ(records.size(), kRecords);
        for (std::size_t i = 0; i < kRecords; ++i) {
            if (i >= from && i < to) {
                EXPECT_TRUE(records[i].empty()) << i;
            } else {
                EXPECT_TRUE(std::ranges::equal(records[i].bytes.view(), records_[i].view())) << i;
                EXPECT_EQ(records[i].crc, crc32c(records_[i].view())) << i;
            }
        }
    }

    tests::TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "0000000003.seg";
    SegmentIdentity identity_;
    std::uint32_t seed_ = 0;
    std::vector<RecordFrame> frames_;
    std::vector<Buffer> records_;
    std::unique_ptr<File> file_;
};

TEST_F(SeveralRecords, LieOneBehindTheOther) {
    const auto records = read();
    expect_sound_but(records, 0, 0);
    for (std::size_t i = 1; i < kRecords; ++i) {
        ASSERT_TRUE(records[i - 1].bytes.is_followed_by(records[i].bytes)) << i;
    }
}

TEST_F(SeveralRecords, OneThatIsDamagedIsEmptyAndTheOthersAreThere) {
    for (const std::size_t damaged : {0U, 398U, 399U, 511U, 512U, 1199U}) {
        const auto offset = frames_[damaged].end() - 1;
        const Bytes wrong = {0xEE};
        Bytes right(1);
        ASSERT_TRUE(file_->pread(offset, right).has_value());
        ASSERT_TRUE(file_->pwritev(offset, std::array{ByteView(wrong)}).has_value());
        expect_sound_but(read(), damaged, damaged + 1);
        ASSERT_TRUE(file_->pwritev(offset, std::array{ByteView(right)}).has_value());
    }
}

TEST_F(SeveralRecords, ThoseBehindTheEndOfTheFileAreEmpty) {
    for (const std::size_t last : {1199U, 900U, 512U, 511U, 399U, 0U}) {
        for (const auto cut : {frames_[last].end() - 1, frames_[last].offset + 1}) {
            ASSERT_TRUE(file_->truncate(cut).has_value());
            expect_sound_but(read(), last, kRecords);
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
