// Files of segments that have left the spool are written over while the tape goes on; nothing that
// is read, counted or recovered may show it.
#include "media/cartridge/spare_files.h"

#include <fstream>

#include <gtest/gtest.h>

#include "media/cartridge/spool_files.h"

#include "tests/media/archive/archive_world.h"
#include "tests/media/archive/faulty_files.h"
#include "tests/media/archive/rebuilt.h"

namespace tapeloft::media {
namespace {

class ArchivedSpares : public testing::Test {
  protected:
    static constexpr std::size_t kInSegment = 9;

    static WorldSettings settings(FaultyFiles& files) {
        auto settings = without_ticks();
        settings.files = &files;
        settings.limits.length = 1'000'000;
        return settings;
    }

    void write(std::size_t count) {
        std::vector<Object> objects;
        for (std::size_t i = 0; i < count; ++i) {
            objects.push_back(random_bytes(random_, 100'000));
        }
        world_.write(*tape_, objects);
        ASSERT_TRUE(world_.run(tape_->flush()).has_value());
        written_.insert(written_.end(), objects.begin(), objects.end());
    }
    void go_to(std::uint64_t object) {
        ASSERT_TRUE(world_.run(tape_->locate_object(object)).has_value());
    }
    Object read_one() {
        const auto outcome = world_.run(tape_->read());
        EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
        const auto view = outcome ? outcome->record.view() : ByteView();
        return {view.begin(), view.end()};
    }
    std::filesystem::path file_of(std::uint64_t segment) {
        return *cartridge_directory(world_.context(), cartridge_) / segment_file_name(segment);
    }
    /// Writes segments, and has what is complete of them stored: the next ones find their files.
    void write_and_store() {
        write(4 * kInSegment);
        world_.store_all(cartridge_);
    }
    void expect_all_is_well() {
        go_to(0);
        EXPECT_TRUE(world_.read(*tape_) == written_);
        ASSERT_TRUE(world_.run(tape_->close()).has_value());
        tape_.reset();
        world_.store_all(cartridge_);
        EXPECT_EQ(world_.bytes_in_spool(), 0U);
        EXPECT_EQ(world_.budget.used(), 0U);
        EXPECT_TRUE(rebuilt(world_, cartridge_.barcode) == written_);
        EXPECT_TRUE(world_.events.events_after(0).empty());
    }

    FaultyFiles files_;
    ArchiveWorld world_{settings(files_)};
    CartridgeRecord cartridge_ = world_.add_cartridge("TL0001L9");
    std::unique_ptr<Tape> tape_ = world_.open(cartridge_);
    std::mt19937_64 random_{1};
    std::vector<Object> written_;
};

TEST_F(ArchivedSpares, AreWrittenOverAndEveryRecordIsThere) {
    write_and_store();
    EXPECT_EQ(files_.renames(), 0U);
    EXPECT_TRUE(std::filesystem::exists(file_of(0)));
    EXPECT_TRUE(std::filesystem::exists(file_of(1)));
    write(3 * kInSegment);
    EXPECT_GE(files_.renames(), 2U);
    expect_all_is_well();
}

TEST_F(ArchivedSpares, AFileThatWasOpenForReadingIsNotTakenForWhatItWas) {
    write(3 * kInSegment);
    go_to(5);
    EXPECT_TRUE(read_one() == written_[5]);
    go_to(written_.size());
    write_and_store();
    write(3 * kInSegment);
    EXPECT_GE(files_.renames(), 1U);
    go_to(6);
    EXPECT_TRUE(read_one() == written_[6]);
    expect_all_is_well();
}

TEST_F(ArchivedSpares, ARecordThatIsReadWhileItsFileIsWrittenOverComesFromTheStore) {
    write_and_store();
    const auto write_over = [this] {
        const auto other = file_of(99);
        std::filesystem::rename(file_of(0), other);
        std::fstream file(other, std::ios::in | std::ios::out);
        file << std::string(900'000, 'x');
    };
    files_.set(segment_file_name(0), {.opened = write_over});
    go_to(2);
    EXPECT_TRUE(read_one() == written_[2]);
    std::filesystem::remove(file_of(99));
    go_to(written_.size());
    expect_all_is_well();
}

TEST_F(ArchivedSpares, ATapeThatIsCutUsesEachFileOnce) {
    write_and_store();
    go_to(0);
    written_.clear();
    write(8 * kInSegment);
    expect_all_is_well();
}

TEST_F(ArchivedSpares, AreFewAndCostNoBudget) {
    const auto segments = SpareFiles::kMax + 8;
    write(segments * kInSegment);
    world_.store_all(cartridge_);
    const auto bytes = world_.bytes_in_spool();
    EXPECT_GE(bytes, SpareFiles::kMax * kInSegment * 100'000);
    EXPECT_LE(bytes, world_.budget.used() + SpareFiles::kMax * world_.settings.limits.length);
    expect_all_is_well();
}

TEST_F(ArchivedSpares, GoWhenTheTapeRestsAndWhenItIsLetGoOf) {
    write_and_store();
    ASSERT_TRUE(world_.run(tape_->rest()).has_value());
    world_.store_all(cartridge_);
    EXPECT_EQ(world_.bytes_in_spool(), 0U);
    write_and_store();
    EXPECT_GT(world_.bytes_in_spool(), world_.budget.used());
    tape_.reset();  // without close()
    tape_ = world_.open(cartridge_);
    EXPECT_EQ(world_.bytes_in_spool(), world_.budget.used());
    EXPECT_EQ(world_.read(*tape_).size(), written_.size());
}

}  // namespace
}  // namespace tapeloft::media
