// Files of segments that have left the spool are written over while the tape goes on; nothing that
// is read, counted or recovered may show it.
#include "media/cartridge/spare_files.h"

#include <array>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>

#include "media/cartridge/spool_files.h"

#include "tests/media/archive/archive_world.h"
#include "tests/media/archive/rebuilt.h"
#include "tests/media/segment/faulty_files.h"

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
        world_.spares->drop();
        EXPECT_EQ(world_.bytes_in_pool(), 0U);
        EXPECT_TRUE(rebuilt(world_, cartridge_.barcode) == written_);
        EXPECT_EQ(world_.told(), std::vector<std::string>{});
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

TEST_F(ArchivedSpares, AnotherCartridgeWritesOverWhatLeftAndBothAreRight) {
    write_and_store();
    ASSERT_TRUE(world_.run(tape_->close()).has_value());
    tape_.reset();
    world_.store_all(cartridge_);
    EXPECT_GE(world_.bytes_in_pool(), 3 * kInSegment * 100'000);
    EXPECT_EQ(world_.budget.used(), 0U);
    const auto first = std::exchange(written_, {});
    const auto first_cartridge = std::exchange(cartridge_, world_.add_cartridge("TL0002L9"));
    tape_ = world_.open(cartridge_);
    const auto renames = files_.renames();
    write(3 * kInSegment);
    EXPECT_GE(files_.renames(), renames + 3);
    expect_all_is_well();
    EXPECT_TRUE(world_.read_tape(first_cartridge) == first);
    EXPECT_TRUE(rebuilt(world_, first_cartridge.barcode) == first);
}

TEST_F(ArchivedSpares, AFileThatItsTapeMayStillWriteToIsNobodyElses) {
    world_.store.set_down(true);
    write(3 * kInSegment);
    ASSERT_TRUE(world_.run(tape_->rest()).has_value());
    EXPECT_GT(world_.bytes_in_spool(), 0U);
    world_.store.set_down(false);
    world_.store_all(cartridge_);
    EXPECT_EQ(world_.bytes_in_spool(), 0U);
    EXPECT_EQ(world_.bytes_in_pool(), 0U);
}

TEST_F(ArchivedSpares, ATapeThatIsCutAgainAndAgainWhileItIsArchivedIsNoSetback) {
    write(3 * kInSegment);
    std::size_t cuts = 0;
    std::function<void()> cut;
    const auto cut_at_next_opening = [&] {
        for (std::uint64_t segment = 0; segment < 20; ++segment) {
            files_.set(segment_file_name(segment), {.opening = cut});
        }
    };
    cut = [&] {
        if (!world_.cpu.get_executor().running_in_this_thread()) {
            return cut_at_next_opening();  // the tape opens files, too
        }
        files_.heal();
        go_to(0);
        written_.clear();
        write(3 * kInSegment);
        if (++cuts < 4) {
            cut_at_next_opening();
        }
    };
    cut_at_next_opening();
    world_.store_all(cartridge_);
    ASSERT_EQ(cuts, 4U);
    expect_all_is_well();
}

/// Tapes that are written, cut, read, closed and stored by turns, and share their files.
class SharedSpares : public testing::TestWithParam<std::uint64_t> {
  protected:
    struct OneTape {
        CartridgeRecord cartridge;
        std::unique_ptr<Tape> tape;
        std::vector<Object> written;
    };

    void step(OneTape& each) {
        if (!each.tape) {
            each.tape = world_.open(each.cartridge);
        }
        switch (random_() % 8) {
            case 0:
                EXPECT_TRUE(world_.run(each.tape->locate_object(0)).has_value());
                EXPECT_TRUE(world_.read(*each.tape) == each.written);
                break;
            case 1:
                ASSERT_TRUE(world_.run(each.tape->rest()).has_value());
                break;
            case 2:
                ASSERT_TRUE(world_.run(each.tape->close()).has_value());
                each.tape.reset();
                world_.store_all(each.cartridge);
                break;
            case 3:
                each.written.resize(random_() % (each.written.size() + 1));
                [[fallthrough]];
            default:
                write(each, 1 + random_() % 30);
        }
    }
    void write(OneTape& each, std::size_t count) {
        std::vector<Object> objects;
        for (std::size_t i = 0; i < count; ++i) {
            objects.push_back(random_bytes(random_, 60'000 + random_() % 60'000));
        }
        ASSERT_TRUE(world_.run(each.tape->locate_object(each.written.size())).has_value());
        world_.write(*each.tape, objects);
        each.written.insert(each.written.end(), objects.begin(), objects.end());
    }

    FaultyFiles files_;
    ArchiveWorld world_{[this] {
        WorldSettings settings;
        settings.files = &files_;
        settings.limits.length = 1'000'000;
        settings.tick = std::chrono::milliseconds(1);
        return settings;
    }()};
    std::mt19937_64 random_{GetParam()};
};

TEST_P(SharedSpares, NeverMixTapesUp) {
    constexpr int kSteps = 120;
    std::array<OneTape, 3> tapes;
    for (std::size_t i = 0; i < tapes.size(); ++i) {
        tapes.at(i).cartridge = world_.add_cartridge("TL000" + std::to_string(i) + "L9");
    }
    for (int i = 0; i < kSteps && !HasFailure(); ++i) {
        SCOPED_TRACE(testing::Message() << "seed " << GetParam() << ", step " << i);
        step(tapes.at(random_() % tapes.size()));
    }
    EXPECT_GT(files_.renames(), 0U);
    for (auto& each : tapes) {
        if (each.tape) {
            EXPECT_TRUE(world_.run(each.tape->close()).has_value());
            each.tape.reset();
        }
        world_.store_all(each.cartridge);
        EXPECT_TRUE(rebuilt(world_, each.cartridge.barcode) == each.written);
    }
    EXPECT_EQ(world_.bytes_in_spool(), 0U);
    EXPECT_EQ(world_.budget.used(), 0U);
    EXPECT_EQ(world_.told(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Seeds, SharedSpares, testing::Values(1, 2, 3, 4, std::random_device{}()));

}  // namespace
}  // namespace tapeloft::media
