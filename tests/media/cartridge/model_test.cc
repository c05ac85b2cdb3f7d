// Random operations on a cartridge and on a reference tape: position, outcome and content are
// equal.
#include <random>

#include <gtest/gtest.h>

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

class RandomOperations {
  public:
    explicit RandomOperations(std::uint64_t seed) : random_(seed) {
        world_.limits = {4000, 12};
        world_.open();
    }

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            step();
            expect_same_place();
        }
        for (std::uint32_t i = 0; i < references_.size(); ++i) {
            must(world_.run(world_.tape->change_partition(i)));
            go_to_beginning(i);
            check_content();
        }
    }

  private:
    ReferenceTape& reference() { return references_[partition_]; }
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    std::int64_t count() { return static_cast<std::int64_t>(below(21)) - 10; }

    void step() {
        world_.files.cached = below(3) != 0;
        switch (below(25)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
                return write_record();
            case 6:
            case 7:
            case 8:
                return write_filemarks();
            case 9:
            case 10:
            case 11:
                return read();
            case 12:
                return space(&Tape::space_records, &ReferenceTape::space_records);
            case 13:
                return space(&Tape::space_filemarks, &ReferenceTape::space_filemarks);
            case 14:
                return space(&Tape::space_sequential_filemarks,
                             &ReferenceTape::space_sequential_filemarks);
            case 15:
                return locate_object();
            case 16:
                return locate_file();
            case 17:
            case 18:
                return to_end();
            case 19:
                return must(world_.run(world_.tape->sync()));
            case 20:
                return reopen();
            case 21:
                return check_content();
            case 22:
                return rare_destruction();
            case 23:
                return change_partition();
            default:
                return lazy_reopen();
        }
    }

    template <typename T>
    void must(const Result<T>& result) {
        EXPECT_TRUE(result.has_value()) << result.error().message;
    }

    void write_record() {
        const auto record = random_record(random_, 1 + below(below(8) == 0 ? 6000 : 400));
        world_.must_write(record);
        reference().write(record);
    }
    void write_filemarks() {
        const auto marks = below(4);
        must(world_.run(world_.tape->write_filemarks(static_cast<std::uint32_t>(marks))));
        for (std::uint64_t i = 0; i < marks; ++i) {
            reference().write({});
        }
    }
    void read() {
        const auto outcome = world_.run(world_.tape->read());
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
        if (reference().at == reference().objects.size()) {
            EXPECT_EQ(outcome->kind, ReadKind::end_of_data);
            return;
        }
        const auto& object = reference().objects[reference().at++];
        EXPECT_EQ(outcome->kind, object.empty() ? ReadKind::filemark : ReadKind::record);
        const auto view = outcome->record.view();
        EXPECT_EQ(Bytes(view.begin(), view.end()), object);
    }
    void space(Awaitable<Result<SpaceOutcome>> (Tape::*real)(std::int64_t),
               SpaceOutcome (ReferenceTape::*model)(std::int64_t)) {
        const auto by = count();
        const auto outcome = world_.run((*world_.tape.*real)(by));
        const auto expected = (reference().*model)(by);
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
        EXPECT_EQ(outcome->moved, expected.moved) << "by " << by;
        EXPECT_EQ(outcome->stop, expected.stop) << "by " << by;
    }
    void locate_object() {
        const auto object = below(reference().objects.size() + 3);
        const auto found = world_.run(world_.tape->locate_object(object));
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_EQ(*found, object <= reference().objects.size());
        reference().at = std::min<std::uint64_t>(object, reference().objects.size());
    }
    void locate_file() {
        const auto files = reference().files_before(reference().objects.size());
        const auto file = below(files + 2);
        const auto found = world_.run(world_.tape->locate_file(file));
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_EQ(*found, file <= files);
        reference().at = file == 0 ? 0 : reference().objects.size();
        if (file != 0 && file <= files) {
            reference().at = 0;
            reference().space_filemarks(static_cast<std::int64_t>(file));
        }
    }
    void to_end() {
        must(world_.run(world_.tape->space_to_end_of_data()));
        reference().at = reference().objects.size();
    }
    void reopen() {
        world_.close();
        world_.open();
        go_to_beginning(0);
    }
    void change_partition() {
        const auto partition = below(references_.size());
        must(world_.run(world_.tape->change_partition(static_cast<std::uint32_t>(partition))));
        go_to_beginning(partition);
    }
    void go_to_beginning(std::size_t partition) {
        partition_ = partition;
        reference().at = 0;
    }
    /// Synced, but not closed: the tail is scanned.
    void lazy_reopen() {
        must(world_.run(world_.tape->sync()));
        world_.open();
        go_to_beginning(0);
    }
    void rare_destruction() {
        if (below(3) == 0) {
            const std::vector<std::uint64_t> capacities(1 + below(4), world_.record.capacity / 4);
            must(world_.run(world_.tape->format(capacities)));
            references_.assign(capacities.size(), {});
            partition_ = 0;
            return;
        }
        must(world_.run(world_.tape->erase_to_end()));
        reference().objects.resize(reference().at);
    }
    void check_content() {
        EXPECT_EQ(world_.read_all(), reference().objects);
        reference().at = reference().objects.size();
    }
    void expect_same_place() {
        const auto position = world_.tape->position();
        EXPECT_EQ(position.partition, partition_);
        EXPECT_EQ(position.logical_object_number, reference().at);
        EXPECT_EQ(position.logical_file_number, reference().files_before(reference().at));
        const auto capacity = world_.tape->capacity();
        EXPECT_EQ(capacity.used_to_position, reference().bytes_before(reference().at));
        EXPECT_EQ(capacity.used, reference().bytes_before(reference().objects.size()));
        EXPECT_EQ(world_.tape->at_end_of_data(), reference().at == reference().objects.size());
        ASSERT_EQ(world_.tape->partition_count(), references_.size());
        for (std::uint32_t i = 0; i < references_.size(); ++i) {
            EXPECT_EQ(world_.tape->end_of_data(i), references_[i].objects.size());
        }
    }

    std::mt19937_64 random_;
    TapeWorld world_;
    std::vector<ReferenceTape> references_ = std::vector<ReferenceTape>(1);  ///< partitions
    std::size_t partition_ = 0;
};

TEST(CartridgeModel, BehavesAsAVectorOfObjectsUnderRandomOperations) {
    const std::uint64_t first = std::random_device{}();
    for (std::uint64_t seed = first; seed < first + 40; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        RandomOperations(seed).run(250);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(CartridgeModel, BudgetCountsExactlyTheBytesOfTheFiles) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    TapeWorld world;
    world.limits = {4000, 12};
    world.open();
    for (int i = 0; i < 300; ++i) {
        if (random() % 8 == 0) {
            const auto end = world.tape->capacity().used;
            ASSERT_TRUE(
                world.run(world.tape->locate_object(random() % (end / 100 + 1))).has_value());
        }
        world.must_write(random() % 5 == 0 ? Object() : random_record(random, 1 + random() % 900));
        if (random() % 10 == 0) {
            ASSERT_TRUE(world.run(world.tape->sync()).has_value());
        }
        if (i % 100 == 99) {  // not closed
            ASSERT_TRUE(world.run(world.tape->sync()).has_value());
            world.open();
            ASSERT_TRUE(world.run(world.tape->locate_object(random() % 4)).has_value());
        }
    }
    EXPECT_GT(world.files.renames, 0U);
    world.close();
    std::uint64_t bytes = 0;
    for (const auto& file : world.files.files()) {
        bytes += world.files.content(file).size();
    }
    EXPECT_EQ(world.budget.used(), bytes);
}

}  // namespace
}  // namespace tapeloft::media
