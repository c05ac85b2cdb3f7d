// Partitions: each keeps to itself, whatever happens to the others or to the machine.
#include <random>

#include <gtest/gtest.h>

#include "tests/media/cartridge/tape_world.h"
#include "tests/media/mebibyte.h"

namespace tapeloft::media {
namespace {

class Partitions : public testing::Test {
  protected:
    void SetUp() override {
        world_.limits = {3000, 10};
        world_.open();
        ASSERT_TRUE(format({8 * kMiB, 4 * kMiB}).has_value());
    }

    Result<void> format(std::vector<std::uint64_t> capacities) {
        return world_.run(world_.tape->format(std::move(capacities)));
    }
    void go_to(std::uint32_t partition) {
        const auto gone = world_.run(world_.tape->change_partition(partition));
        ASSERT_TRUE(gone.has_value()) << gone.error().message;
        EXPECT_EQ(world_.tape->position(), (Position{partition, 0, 0}));
    }
    std::vector<Object> content(std::uint32_t partition) {
        go_to(partition);
        return world_.read_all();
    }
    void fill(std::uint32_t partition, const std::vector<Object>& objects) {
        go_to(partition);
        for (const auto& object : objects) {
            world_.must_write(object);
        }
    }

    TapeWorld world_{16 * kMiB};
    const std::vector<Object> first_ = {Bytes(100, 1), {}, Bytes(200, 2)};
    const std::vector<Object> second_ = {Bytes(300, 3), Bytes(5000, 4), {}, {}, Bytes(7, 5)};
};

TEST_F(Partitions, HaveObjectsAndEndOfDataOfTheirOwn) {
    fill(0, first_);
    fill(1, second_);
    EXPECT_EQ(world_.tape->partition_count(), 2U);
    EXPECT_EQ(world_.tape->end_of_data(0), first_.size());
    EXPECT_EQ(world_.tape->end_of_data(1), second_.size());
    EXPECT_EQ(world_.tape->capacity(0).native, 8 * kMiB);
    EXPECT_EQ(world_.tape->capacity(0).used, 300 + kFilemarkCost);
    EXPECT_EQ(world_.tape->capacity(1).native, 4 * kMiB);
    EXPECT_EQ(world_.tape->capacity(1).used_to_position, world_.tape->capacity(1).used);
    EXPECT_EQ(content(0), first_);
    EXPECT_EQ(content(1), second_);
}

TEST_F(Partitions, AreThereAfterCloseAndAfterKill) {
    fill(1, second_);
    fill(0, first_);
    world_.close();
    world_.open();
    EXPECT_EQ(world_.tape->position(), Position{});
    EXPECT_EQ(content(1), second_);
    world_.must_write({9});
    ASSERT_TRUE(world_.run(world_.tape->sync()).has_value());
    world_.open();  // not closed
    auto longer = second_;
    longer.push_back({9});
    EXPECT_EQ(content(0), first_);
    EXPECT_EQ(content(1), longer);
}

TEST_F(Partitions, FormattingWhatIsBlankAlreadyGoesToTheFirstFromAnyOther) {
    go_to(1);
    ASSERT_TRUE(world_.run(world_.tape->format({8 * kMiB, 4 * kMiB})).has_value());
    EXPECT_EQ(world_.tape->position(), Position{});
    fill(0, first_);
    ASSERT_TRUE(world_.run(world_.tape->sync()).has_value());
    EXPECT_EQ(content(0), first_);
    EXPECT_EQ(content(1), std::vector<Object>{});
}

TEST_F(Partitions, TruncationStaysInItsPartition) {
    fill(1, second_);
    fill(0, first_);
    go_to(0);
    world_.must_write({1});
    EXPECT_EQ(content(1), second_);
    ASSERT_TRUE(world_.run(world_.tape->locate_object(1)).has_value());
    ASSERT_TRUE(world_.run(world_.tape->erase_to_end()).has_value());
    world_.close();
    world_.open();
    EXPECT_EQ(content(0), std::vector<Object>{{1}});
    EXPECT_EQ(content(1), std::vector<Object>{second_.front()});
}

TEST_F(Partitions, AreFullEachForItself) {
    fill(1, {Bytes(4 * kMiB, 1)});
    EXPECT_EQ(world_.write({1}).error().code, Errc::end_of_medium);
    fill(0, {Bytes(4 * kMiB, 1)});
    const auto written = world_.write(Bytes(4 * kMiB - 1, 2));
    ASSERT_TRUE(written.has_value());
    EXPECT_TRUE(written->early_warning);
    EXPECT_EQ(world_.write({1, 2}).error().code, Errc::end_of_medium);
}

TEST_F(Partitions, LeavingOneMakesItDurable) {
    fill(0, first_);
    go_to(1);
    world_.open();  // killed
    EXPECT_EQ(content(0), first_);
}

TEST_F(Partitions, ThatDoNotExistOrDoNotFitAreRefusedAndNothingChanges) {
    fill(1, second_);
    EXPECT_EQ(world_.run(world_.tape->change_partition(2)).error().code, Errc::invalid_argument);
    const std::vector<std::vector<std::uint64_t>> impossible = {{},
                                                                {16 * kMiB + 1},
                                                                {8 * kMiB, 8 * kMiB, 1 * kMiB},
                                                                {kMiB, kMiB, kMiB, kMiB, kMiB},
                                                                {kMiB, kPartitionCapacityMin - 1},
                                                                {kMiB, ~0ULL, kMiB}};
    for (const auto& capacities : impossible) {
        EXPECT_EQ(format(capacities).error().code, Errc::invalid_argument);
    }
    EXPECT_EQ(world_.tape->position().partition, 1U);
    EXPECT_EQ(content(1), second_);
}

TEST_F(Partitions, FormatMakesAllOfThemBlank) {
    fill(0, first_);
    fill(1, second_);
    ASSERT_TRUE(format({kMiB, kMiB, kMiB, 2 * kMiB}).has_value());
    EXPECT_EQ(world_.tape->position(), Position{});
    world_.close();
    world_.open();
    ASSERT_EQ(world_.tape->partition_count(), 4U);
    for (std::uint32_t partition = 0; partition < 4; ++partition) {
        EXPECT_EQ(content(partition), std::vector<Object>{});
    }
    EXPECT_EQ(world_.tape->capacity(3).native, 2 * kMiB);
    ASSERT_TRUE(format({16 * kMiB}).has_value());
    EXPECT_EQ(world_.tape->partition_count(), 1U);
    EXPECT_EQ(world_.tape->capacity().native, 16 * kMiB);
}

TEST_F(Partitions, WhetherOnlyFilemarksFollowIsKnown) {
    fill(0, {Bytes(10, 1), {}, {}});
    const auto only = [this] { return *world_.run(world_.tape->only_filemarks_follow()); };
    EXPECT_TRUE(only());
    ASSERT_TRUE(world_.run(world_.tape->locate_object(1)).has_value());
    EXPECT_TRUE(only());
    ASSERT_TRUE(world_.run(world_.tape->locate_object(0)).has_value());
    EXPECT_FALSE(only());
}

TEST_F(Partitions, ARecordIsStillEncryptedAfterItWasStored) {
    for (const bool reopened : {false, true}) {
        go_to(1);
        const auto size = kStoredRecordMax;
        ASSERT_TRUE(
            world_.run(world_.tape->write_encoded(Buffer::zeroed(100), RecordEncoding::encrypted)));
        ASSERT_TRUE(world_.run(world_.tape->write(Buffer::zeroed(100))));
        EXPECT_EQ(world_.run(world_.tape->write(Buffer::zeroed(size))).error().code,
                  Errc::invalid_argument);
        EXPECT_EQ(world_
                      .run(world_.tape->write_encoded(Buffer::zeroed(size + 1),
                                                      RecordEncoding::encrypted))
                      .error()
                      .code,
                  Errc::invalid_argument);
        if (reopened) {
            ASSERT_TRUE(world_.run(world_.tape->sync()));
            world_.open();  // scanned
        }
        go_to(1);
        EXPECT_EQ(world_.run(world_.tape->read())->encoding, RecordEncoding::encrypted);
        EXPECT_EQ(world_.run(world_.tape->read())->encoding, RecordEncoding::plain);
        EXPECT_EQ(world_.run(world_.tape->read())->kind, ReadKind::end_of_data);
    }
}

/// What may be found in one partition after a crash.
struct PartitionExpectation {
    std::vector<Object> objects;
    std::size_t promised = 0;
    std::optional<std::vector<Object>> old;  ///< before a truncation that is not promised yet
    std::size_t old_promised = 0;

    void promise() {
        promised = objects.size();
        old.reset();
    }
    [[nodiscard]] bool allows(const std::vector<Object>& found) const {
        return is_cut_of(found, objects, promised) || (old && is_cut_of(found, *old, old_promised));
    }
    static bool is_cut_of(const std::vector<Object>& found, const std::vector<Object>& all,
                          std::size_t promised) {
        return found.size() >= promised && found.size() <= all.size() &&
               std::equal(found.begin(), found.end(), all.begin());
    }
};

/// Writes here and there in two partitions, until the machine dies at a call to the disk.
class DyingMachine {
  public:
    DyingMachine(std::uint64_t seed, std::uint64_t crash_at, bool power)
        : random_(seed), power_seed_(seed * 31 + crash_at), power_(power), crash_at_(crash_at) {
        world_.limits = {3000, 10};
        const auto fail = [this]() -> std::optional<Error> {
            return calls_++ >= crash_at_ ? std::optional(Error{Errc::io, "the power is gone"})
                                         : std::nullopt;
        };
        world_.files.before_call = [fail](const std::string&) { return fail(); };
        world_.catalog.before_change = fail;
    }

    /// False: it lived to the end.
    bool run() {
        auto opened = world_.run(open_cartridge(world_.record, world_.context()));
        if (opened) {
            world_.tape = std::move(opened).value();
            for (int i = 0; i < 60 && step(); ++i) {
            }
        }
        const bool died = calls_ > crash_at_;
        recover();
        return died;
    }

  private:
    bool step() {
        auto& now = expected_[partition_];
        switch (random_() % 12) {
            case 0:
                if (!world_.run(world_.tape->sync())) {
                    return false;
                }
                now.promise();
                return true;
            case 1:
                at_ = random_() % (now.objects.size() + 1);
                return world_.run(world_.tape->locate_object(at_)).has_value();
            case 2:
            case 3:
                return change_partition();
            case 4:
                return random_() % 4 != 0 || format();
            default:
                return write(now);
        }
    }

    bool write(PartitionExpectation& now) {
        if (at_ < now.objects.size()) {
            now.old = now.objects;
            now.old_promised = now.promised;
            now.objects.resize(at_);
            now.promised = std::min<std::size_t>(now.promised, at_);
        }
        const auto object =
            random_() % 4 == 0 ? Object() : random_record(random_, 1 + random_() % 900);
        if (!(object.empty() ? world_.run(world_.tape->write_filemarks(1))
                             : world_.write(object))) {
            return false;
        }
        now.objects.push_back(object);
        ++at_;
        return true;
    }

    bool change_partition() {
        const auto to = static_cast<std::uint32_t>(random_() % expected_.size());
        if (!world_.run(world_.tape->change_partition(to))) {
            return false;
        }
        if (to != partition_) {
            expected_[partition_].promise();
        }
        partition_ = to;
        at_ = 0;
        return true;
    }

    bool format() {
        before_format_ = expected_;
        const std::vector<std::uint64_t> capacities(1 + random_() % 3, 100 * kMiB);
        expected_.assign(capacities.size(), {});
        if (!world_.run(world_.tape->format(capacities))) {
            return false;
        }
        before_format_.reset();
        partition_ = 0;
        at_ = 0;
        return true;
    }

    bool allows(const std::vector<PartitionExpectation>& expected,
                const std::vector<std::vector<Object>>& found) {
        bool all = expected.size() == found.size();
        for (std::size_t i = 0; all && i < found.size(); ++i) {
            all = expected[i].allows(found[i]);
        }
        return all;
    }

    void recover() {
        world_.tape.reset();
        world_.loop.restart();
        world_.loop.run();
        world_.files.before_call = nullptr;
        world_.catalog.before_change = nullptr;
        if (power_) {
            std::mt19937_64 random(power_seed_);
            world_.files.lose_power(random);
        }
        SpoolBudget fresh(TapeWorld::kLarge);
        world_.begin_process();
        auto context = world_.context();
        const auto recovered =
            recover_spool({context.directory, context.catalog, context.disk, context.events, fresh,
                           context.spares, context.files, context.limits},
                          {world_.record});
        ASSERT_TRUE(recovered.has_value()) << recovered.error().message;
        world_.open();
        std::vector<std::vector<Object>> found;
        for (std::uint32_t i = 0; i < world_.tape->partition_count(); ++i) {
            ASSERT_TRUE(world_.run(world_.tape->change_partition(i)));
            found.push_back(world_.read_all());
        }
        EXPECT_TRUE(allows(expected_, found) || (before_format_ && allows(*before_format_, found)));
        // And it works on, in the last partition: all of the others stay.
        world_.must_write({1, 2, 3});
        found.back().push_back({1, 2, 3});
        world_.close();
        world_.open();
        for (std::uint32_t i = 0; i < found.size(); ++i) {
            ASSERT_TRUE(world_.run(world_.tape->change_partition(i)));
            EXPECT_EQ(world_.read_all(), found[i]);
        }
    }

    std::mt19937_64 random_;
    std::uint64_t power_seed_;
    bool power_;
    std::uint64_t crash_at_;
    TapeWorld world_;
    std::vector<PartitionExpectation> expected_ = std::vector<PartitionExpectation>(1);
    std::optional<std::vector<PartitionExpectation>> before_format_;
    std::uint32_t partition_ = 0;
    std::uint64_t at_ = 0;
    std::uint64_t calls_ = 0;
};

void crash_partitions_everywhere(bool power) {
    const std::uint64_t first = std::random_device{}();
    for (std::uint64_t seed = first; seed < first + 8; ++seed) {
        for (std::uint64_t crash_at = 0; crash_at < 400; ++crash_at) {
            SCOPED_TRACE(testing::Message() << "seed " << seed << " crash at " << crash_at);
            const bool died = DyingMachine(seed, crash_at, power).run();
            if (testing::Test::HasFailure()) {
                return;
            }
            if (!died) {
                break;
            }
        }
    }
}

TEST(PartitionsCrash, PowerLossAtAnyCallLeavesAPromisedPrefixOfEach) {
    crash_partitions_everywhere(true);
}

TEST(PartitionsCrash, KillAtAnyCallLeavesAPromisedPrefixOfEach) {
    crash_partitions_everywhere(false);
}

}  // namespace
}  // namespace tapeloft::media
