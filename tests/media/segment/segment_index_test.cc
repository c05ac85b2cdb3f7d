// The index of a segment file, loaded while its tape gives back what was cut off of it.
#include "media/segment/segment_index.h"

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"

#include "media/segment/segment_writer.h"

#include "tests/media/segment/faulty_files.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

class CutSegment : public testing::Test {
  protected:
    void write(std::size_t records, std::size_t length) {
        auto writer = SegmentWriter::create(posix_file_system(), path_, identity_);
        ASSERT_TRUE(writer.has_value());
        const auto record = Buffer::zeroed(length);
        const auto crc = crc32c(record.view(), segment_seed(identity_));
        for (std::size_t i = 0; i < records; ++i) {
            const std::vector<PendingFrame> frames = {
                {.record = record, .record_crc = crc, .filemarks = 0},
                {.record = {}, .record_crc = 0, .filemarks = 1}};
            ASSERT_TRUE((*writer)->append(frames).has_value());
            lengths_.push_back((*writer)->runs().file_length());
        }
        ASSERT_TRUE((*writer)->finish().has_value());
        length_ = std::filesystem::file_size(path_);
    }
    /// What the catalog says behind a cut.
    [[nodiscard]] SegmentRecord row_of(std::size_t records) const {
        SegmentRecord row;
        row.number = identity_.number;
        row.object_count = records * 2;
        row.filemark_count = records;
        row.file_length = lengths_.at(records - 1);
        row.sealed = true;
        return row;
    }
    void expect_index(FileSystem& files, std::size_t records) {
        const auto index = load_segment_index(files, path_, row_of(records), identity_);
        ASSERT_TRUE(index.has_value());
        EXPECT_EQ(index->damage, "");
        EXPECT_EQ(index->runs.objects(), records * 2);
        EXPECT_EQ(index->runs.file_length(), lengths_.at(records - 1));
    }
    Result<SegmentShortening> shorten(FileSystem& files, std::size_t records) {
        return shorten_segment(files, path_, row_of(records), identity_);
    }

    tests::TemporaryDirectory directory_;
    const SegmentIdentity identity_{"SERIAL1", 0, 3, 0, 0};
    const std::filesystem::path path_ = directory_.path() / "0000000003.seg";
    FaultyFiles files_;
    std::vector<std::uint64_t> lengths_;  ///< of the file up to each record's filemark
    std::uint64_t length_ = 0;            ///< of the file
};

TEST_F(CutSegment, HasASoundIndexAtEveryMoment) {
    write(50, 5000);
    std::size_t changes = 0;
    const auto look = [&] {
        ++changes;
        expect_index(posix_file_system(), 20);
    };
    files_.set(path_.filename(), {.changed = look});
    const auto done = shorten(files_, 20);
    ASSERT_TRUE(done.has_value());
    EXPECT_GE(changes, 2U);
    EXPECT_EQ(done->before, length_);
    EXPECT_EQ(done->after, std::filesystem::file_size(path_));
    EXPECT_LT(done->after, lengths_.at(20));
    expect_index(posix_file_system(), 20);
}

TEST_F(CutSegment, IsNoDamageToThoseWhoReadItsIndexMeanwhile) {
    write(50, 5000);
    std::size_t cuts = 0;
    const auto cut = [&] {
        ++cuts;
        ASSERT_TRUE(shorten(posix_file_system(), 40 - cuts).has_value());
    };
    // Behind the length of the file, which then is none any more, and again behind the next one.
    files_.set(path_.filename(), {.measured = [&] {
                   cut();
                   files_.set(path_.filename(), {.measured = cut});
               }});
    expect_index(files_, 10);
    EXPECT_EQ(cuts, 2U);
}

TEST_F(CutSegment, StaysAsItIsWhereNothingIsGained) {
    write(50, 10);
    const auto done = shorten(posix_file_system(), 49);
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(done->before, length_);
    EXPECT_EQ(done->after, length_);
    expect_index(posix_file_system(), 49);
}

TEST_F(CutSegment, IsLeftAloneWhereItsIndexIsDamaged) {
    write(50, 5000);
    std::filesystem::resize_file(path_, length_ - 1);
    const auto done = shorten(posix_file_system(), 20);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::corrupt);
    EXPECT_EQ(std::filesystem::file_size(path_), length_ - 1);
    const auto index = load_segment_index(posix_file_system(), path_, row_of(20), identity_);
    ASSERT_TRUE(index.has_value());
    EXPECT_NE(index->damage, "");
    EXPECT_EQ(index->runs.objects(), 40U);
}

}  // namespace
}  // namespace tapeloft::media
