// What the archive does where things do not go as they should: the library stays whole, and nobody
// is told that something is stored that is not.
#include "media/archive/archiver.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"
#include "cloud/base/signal.h"

#include "media/cartridge/spool_files.h"
#include "media/log/log_stream.h"
#include "media/log/replay.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/rebuilt.h"
#include "tests/media/segment/faulty_files.h"

namespace tapeloft::media {
namespace {

const Object kFilemark;

TEST(Archiver, NamesEveryCartridgeInTheLibraryBeforeItsSegmentsAreStored) {
    ArchiveWorld world(without_ticks());
    const auto first = world.add_cartridge("TL0001L9");
    const auto second = world.add_cartridge("TL0002L9");
    const std::vector<Object> objects = {Object(5000, 1), kFilemark};
    for (const auto& cartridge : {first, second}) {
        world.write_tape(cartridge, objects);
        world.store_all(cartridge);
        EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
    }
    const auto third = world.add_cartridge("TL0003L9");
    world.store_all(third);
    EXPECT_EQ(rebuilt(world, third.barcode), std::vector<Object>()) << "blank, but there";
}

TEST(Archiver, StoresAnyNumberOfShortSegments) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    world.store.set_down(true);
    std::vector<Object> objects;
    for (std::uint8_t i = 1; i <= 40; ++i) {
        append(world, cartridge, objects, Object(1000, i));
    }
    world.store.set_down(false);
    world.store_all(cartridge);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
}

/// Keeps the first pack until so many others are there; where it is told, the second one, too,
/// until go_on().
class FirstPackLast final : public ForwardingStore {
  public:
    FirstPackLast(std::shared_ptr<ObjectStore> store, std::size_t others, bool hold_second)
        : ForwardingStore(std::move(store)), wanted_(others), second_seen_(!hold_second) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        const bool is_pack = name.starts_with("packs/");
        if (is_pack && !held_.exchange(true)) {
            co_await others_.wait();
            is_there_ = true;
        } else if (held_ && !is_there_ && name.starts_with("log/")) {
            told_too_early_ = true;
        } else if (is_pack) {
            if (!second_seen_.exchange(true)) {
                second_begun_.set_value();
                co_await second_.wait();
            }
            if (++stored_ == wanted_) {
                others_.set();
            }
        }
        co_return co_await store().put(std::move(name), std::move(body), options);
    }
    void let_go() { others_.set(); }
    void wait_for_second() { second_begun_.get_future().wait(); }
    void go_on() { second_.set(); }
    [[nodiscard]] bool told_too_early() const noexcept { return told_too_early_; }

  private:
    const std::size_t wanted_;
    std::atomic<bool> held_ = false;
    std::atomic<bool> is_there_ = false;
    std::atomic<bool> told_too_early_ = false;
    std::atomic<std::size_t> stored_ = 0;
    Signal others_;
    std::atomic<bool> second_seen_;
    std::promise<void> second_begun_;
    Signal second_;
};

/// A cartridge of 40 segments (or so many), none of which is stored, and an archive that begins
/// now.
class HeldArchive : public testing::Test {
  protected:
    struct Held {
        std::size_t others = 0;
        int segments = 40;
        bool second = false;
    };
    void begin(Held held) {
        auto settings = without_ticks();
        settings.limits = small_segments();
        settings.patience = std::chrono::minutes(2);
        settings.store.parallel = held.second ? 2 : settings.store.parallel;
        settings.overlay = [this, held](std::shared_ptr<MemoryStore> memory) {
            store_ = std::make_shared<FirstPackLast>(std::move(memory), held.others, held.second);
            return store_;
        };
        world_ = std::make_unique<ArchiveWorld>(std::move(settings));
        cartridge_ = world_->add_cartridge("TL0001L9");
        world_->store_all(cartridge_);
        world_->store.set_down(true);
        objects_ = segments(held.segments);
        world_->write_tape(cartridge_, objects_);
        world_->stop();
        world_->store.set_down(false);
        world_->start();
    }
    void TearDown() override {
        store_->let_go();
        store_->go_on();
    }
    std::vector<Object> segments(int count) {
        std::vector<Object> objects;
        for (int i = 0; i < count * 5; ++i) {
            objects.push_back(random_bytes(random_, 210'000));
        }
        return objects;
    }
    void expect_stored() {
        const auto stored = world_->run(world_->archive->store_all(cartridge_.id));
        store_->let_go();
        ASSERT_TRUE(stored.has_value()) << stored.error().message;
        EXPECT_FALSE(store_->told_too_early()) << "no log speaks of a pack that is not stored";
        EXPECT_EQ(world_->bytes_in_spool(), 0U);
        EXPECT_EQ(rebuilt(*world_, cartridge_.barcode), objects_);
    }

    std::mt19937_64 random_{1};
    std::vector<Object> objects_;
    std::shared_ptr<FirstPackLast> store_;
    std::unique_ptr<ArchiveWorld> world_;
    CartridgeRecord cartridge_;
};

TEST_F(HeldArchive, GoesOnStoringWhileACommitWaitsForItsLastPack) {
    begin({.others = 6});  // a commit has 16 MiB at most, a pack 4
    expect_stored();
}

TEST_F(HeldArchive, GoesOnStoringWhereAFewSegmentsFollowWhileACommitWaits) {
    begin({.others = 4, .segments = 12, .second = true});
    world_->archive->wake();
    store_->wait_for_second();  // the third waits for a place, and so does all that is behind it
    const auto more = segments(10);
    auto tape = world_->open(cartridge_);
    ASSERT_TRUE(world_->run(tape->space_to_end_of_data()));
    world_->write(*tape, more);
    ASSERT_TRUE(world_->run(tape->close()));
    tape.reset();
    objects_.insert(objects_.end(), more.begin(), more.end());
    store_->go_on();
    expect_stored();  // the first 12 MiB make at most 3 others
}

TEST_F(HeldArchive, StoresWhatIsThereWhereTheTapeWasCutBelowWhatWasRead) {
    begin({.others = 1000});
    auto tape = world_->open(cartridge_);
    ASSERT_TRUE(world_->run(tape->locate_object(33)));
    objects_.resize(33);
    for (int i = 0; i < 8; ++i) {
        objects_.push_back(random_bytes(random_, 100'000));
        ASSERT_TRUE(world_->run(tape->write(Buffer::copy_of(objects_.back()))));
    }
    ASSERT_TRUE(world_->run(tape->close()));
    tape.reset();
    store_->let_go();
    expect_stored();
}

/// Takes nothing for the log that it is told of.
class DeniedLog final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        if (is_denied(name)) {
            if (!told_.exchange(true)) {
                denied_.set_value();
            }
            co_return Error{Errc::denied, "a fault"};
        }
        co_return co_await store().put(std::move(name), std::move(body), options);
    }
    void deny(const StreamId& stream) {
        const std::lock_guard lock(mutex_);
        prefix_ = "log/" + to_hex(stream) + "/";
    }
    void allow() {
        const std::lock_guard lock(mutex_);
        prefix_.clear();
    }
    void wait_until_denied() { denied_.get_future().wait(); }

  private:
    bool is_denied(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return !prefix_.empty() && name.starts_with(prefix_);
    }

    std::mutex mutex_;
    std::string prefix_;
    std::atomic<bool> told_ = false;
    std::promise<void> denied_;
};

TEST(Archiver, StoresNoPackAgainWhoseSegmentsCouldNotBeLogged) {
    auto settings = without_ticks();
    settings.limits = small_segments();
    std::shared_ptr<DeniedLog> store;
    settings.overlay = [&store](std::shared_ptr<MemoryStore> memory) {
        store = std::make_shared<DeniedLog>(std::move(memory));
        return store;
    };
    ArchiveWorld world(std::move(settings));
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    store->deny(*world.catalog->archive().stream_of(cartridge.id));
    std::mt19937_64 random(1);
    std::vector<Object> objects;
    for (int i = 0; i < 100; ++i) {
        objects.push_back(random_bytes(random, 210'000));
    }
    world.write_tape(cartridge, objects);
    world.archive->wake();
    store->wait_until_denied();
    world.stop();
    const auto packs = names_in(world, "packs/").size();
    EXPECT_GE(packs, 1U);
    store->allow();
    world.start();
    world.store_all(cartridge);
    const auto bytes = 100 * 210'000U;
    const auto stored = world.catalog->archive().totals(cartridge.library)->pack_bytes;
    EXPECT_LT(stored, bytes + bytes / 10) << "the same chunks twice";
    EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
}

TEST(Archiver, SaysThatASegmentIsNotStoredWhoseFileIsGoneAndStoresTheOtherCartridges) {
    WorldSettings settings;
    settings.tick = std::chrono::milliseconds(1);
    ArchiveWorld world(std::move(settings));
    const auto broken = world.add_cartridge("TL0001L9");
    const auto whole = world.add_cartridge("TL0002L9");
    world.store_all(broken);
    world.store_all(whole);
    const std::vector<Object> objects = {Object(5000, 1), kFilemark};
    world.store.set_down(true);
    world.write_tape(broken, objects);
    world.write_tape(whole, objects);
    const auto folder = world.run(
        [](SpoolContext context, CartridgeRecord record) -> Awaitable<Result<std::string>> {
            TL_CO_TRY(const auto path, cartridge_directory(context, record));
            co_return path.string();
        }(world.context(), broken));
    world.stop();
    std::filesystem::remove_all(*folder);
    world.store.set_down(false);
    world.start();
    EXPECT_FALSE(world.run(world.archive->store_all(broken.id)).has_value());
    while (world.catalog->archive().storage(whole.id)->spooled_only != 0) {
        std::this_thread::yield();  // by itself, though the first one fails each time
    }
    EXPECT_EQ(rebuilt(world, whole.barcode), objects);
}

/// Records of a MiB, each of which fills a short segment.
std::vector<Object> segments_of_a_mib(std::size_t count) {
    std::mt19937_64 random(2);
    std::vector<Object> objects;
    for (std::size_t i = 0; i < count; ++i) {
        objects.push_back(random_bytes(random, kMiB));
    }
    return objects;
}

void expect_to_be_told_twice(const std::vector<Object>& objects, std::uint64_t failures) {
    WorldSettings settings;
    settings.limits = small_segments();
    settings.tick = std::chrono::milliseconds(1);
    ArchiveWorld world(std::move(settings));
    const auto told = [&world](const std::string& message) {
        return std::ranges::count(world.events.events_after(0), message, &Event::message);
    };
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    for (std::uint64_t put = 1; put <= failures; ++put) {
        world.store.script(StoreCall::put, put, Fault::before, Errc::corrupt);
    }
    world.write_tape(cartridge, objects);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (told("The cartridge can be archived again.") == 0 &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_EQ(told("The cartridge can be archived again."), 1);
    EXPECT_EQ(told("A cartridge cannot be archived; it is tried again until it can."), 1);
}

TEST(Archiver, TellsOfAFailureThatLastsWhenItBeginsAndWhenItEnds) {
    expect_to_be_told_twice({Object(5000, 1), kFilemark}, 50);
    expect_to_be_told_twice(segments_of_a_mib(20), 12);
}

TEST(Archiver, StoresWhatStandsInFrontOfASegmentWhoseFileIsGone) {
    auto settings = without_ticks();
    settings.limits = small_segments();
    ArchiveWorld world(std::move(settings));
    const auto broken = world.add_cartridge("TL0001L9");
    const auto whole = world.add_cartridge("TL0002L9");
    world.store_all(broken);
    world.store_all(whole);
    world.store.set_down(true);
    const auto objects = segments_of_a_mib(18);  // more than are read at once
    world.write_tape(broken, objects);
    world.write_tape(whole, objects);
    const auto folder =
        world.run([](SpoolContext context,
                     CartridgeRecord record) -> Awaitable<Result<std::filesystem::path>> {
            co_return cartridge_directory(context, record);
        }(world.context(), broken));
    const auto segments = world.catalog->archive().work(broken.id, 100)->segments;
    ASSERT_GE(segments.size(), 17U);
    world.stop();
    ASSERT_TRUE(std::filesystem::remove(*folder / segment_file_name(segments.at(16).number)));
    world.store.set_down(false);
    world.start();
    EXPECT_FALSE(world.run(world.archive->store_all(broken.id)).has_value());
    world.store_all(whole);
    EXPECT_EQ(rebuilt(world, whole.barcode), objects);
    const auto kept = rebuilt(world, broken.barcode);
    ASSERT_TRUE(kept);
    EXPECT_GE(kept->size(), 15U);
    EXPECT_TRUE(std::equal(kept->begin(), kept->end(), objects.begin()));
}

/// The object is stored, and the archive is told that it is not: as when the catalog cannot note
/// what the log has.
TEST(Archiver, GoesOnBehindALogObjectThatWasStoredAfterAll) {
    for (std::uint64_t nth = 1; nth <= 8; ++nth) {
        SCOPED_TRACE("put " + std::to_string(nth));
        ArchiveWorld world(without_ticks());
        const auto cartridge = world.add_cartridge("TL0001L9");
        std::vector<Object> objects;
        append(world, cartridge, objects, Object(5000, 1));
        world.store.script(StoreCall::put, nth, Fault::after, Errc::corrupt);
        static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
        append(world, cartridge, objects, Object(6000, 2));
        static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
        world.store_all(cartridge);
        ASSERT_FALSE(world.archive->status().fenced);
        EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
    }
}

/// The archive has asked what there is to log, and looks what a crash left, when the host formats.
TEST(Archiver, LogsAFormatThatComesWhileItLooksBehindACrash) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    const auto stream = world.catalog->archive().stream_of(cartridge.id).value();
    std::vector<Object> objects;
    append(world, cartridge, objects, Object(5000, 1));
    world.store_all(cartridge);
    append(world, cartridge, objects, Object(6000, 2));
    world.store.script(StoreCall::put, 4, Fault::after, Errc::corrupt);  // the cartridge's log
    ASSERT_FALSE(world.run(world.archive->store_all(cartridge.id)).has_value());
    const auto known = world.catalog->archive().head(stream).value().sequence;
    ASSERT_TRUE(world.memory->objects().contains(log_name(stream, known + 1)));

    auto tape = world.open(cartridge);
    world.store.set_down(true);
    const auto asked = world.store.calls(StoreCall::get);
    auto stored = boost::asio::co_spawn(world.serving, world.archive->store_all(cartridge.id),
                                        boost::asio::use_future);
    while (world.store.calls(StoreCall::get) == asked) {
        std::this_thread::yield();
    }
    ASSERT_TRUE(world.run(tape->format({kPartitionCapacityMin, kPartitionCapacityMin})));
    world.store.set_down(false);
    ASSERT_TRUE(stored.get().has_value());
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);

    auto settings = without_ticks();
    settings.objects = world.memory->objects();
    ArchiveWorld other(std::move(settings));
    ASSERT_TRUE(other.recovered->unreadable.empty())
        << other.recovered->unreadable.front().error.message;
    const auto again = other.catalog->all_cartridges().value().front();
    EXPECT_EQ(other.catalog->partitions(again.id)->size(), 2U);
    EXPECT_TRUE(other.read_tape(again).empty());
}

TEST(Archiver, SaysOnceThatACartridgeWasRemoved) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.write_tape(cartridge, {Object(5000, 1)});
    world.store_all(cartridge);
    const auto stream = world.catalog->archive().stream_of(cartridge.id);
    ASSERT_TRUE(stream.has_value());
    world.store.script(StoreCall::put, 1, Fault::after, Errc::corrupt);
    ASSERT_TRUE(world.catalog->remove_cartridge(cartridge.id).has_value());
    static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
    world.store_all(cartridge);
    const auto log = world.run(read_log(*world.memory, *world.keys, *stream, std::nullopt));
    ASSERT_TRUE(log.has_value()) << log.error().message;
    const auto replay = replay_cartridge(*log);
    ASSERT_TRUE(replay.has_value()) << replay.error().message;
    EXPECT_TRUE(replay->removed);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), std::nullopt);
}

/// Segments of ten records.
WorldSettings with_small_segments(FaultyFiles& files) {
    auto settings = without_ticks();
    settings.files = &files;
    settings.limits.length = 1'000'000;
    return settings;
}

std::vector<Object> random_records(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<Object> objects;
    for (std::size_t i = 0; i < count; ++i) {
        objects.push_back(random_bytes(random, 100'000));
    }
    return objects;
}

/// Until the archive may look at it, though the tape has not synced it.
void await_complete(ArchiveWorld& world, const CartridgeRecord& cartridge, std::uint64_t number) {
    bool complete = false;
    while (!complete) {
        const auto visited =
            world.catalog->visit_segments(cartridge.id, [&](const SegmentRecord& row) {
                complete = complete || (row.number == number && row.complete);
            });
        ASSERT_TRUE(visited.has_value()) << visited.error().message;
        std::this_thread::yield();
    }
}

TEST(Archiver, ASegmentThatIsNotSyncedAndReadsWrongIsNoLessLostForBeingArchived) {
    FaultyFiles files;
    ArchiveWorld world(with_small_segments(files));
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    files.set(segment_file_name(2), {.reads = true, .fdatasync = true});
    auto tape = world.open(cartridge);
    world.write(*tape, random_records(45));
    await_complete(world, cartridge, 2);
    const auto stored = world.run(world.archive->store_all(cartridge.id));
    EXPECT_FALSE(stored.has_value()) << "it reads wrong";
    EXPECT_FALSE(world.run(tape->sync()).has_value()) << "the disk lost it";
    files.heal();
    EXPECT_TRUE(world.run(tape->close()).has_value());
}

TEST(Archiver, ASegmentThatReadsWrongWaitsUntilTheTapeKnowsItIsDurable) {
    FaultyFiles files;
    ArchiveWorld world(with_small_segments(files));
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    files.set(segment_file_name(2), {.reads = true});
    auto tape = world.open(cartridge);
    const auto objects = random_records(45);
    world.write(*tape, objects);
    await_complete(world, cartridge, 2);
    EXPECT_FALSE(world.run(world.archive->store_all(cartridge.id)).has_value());
    files.heal();
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
}

TEST(Archiver, ASegmentThatCannotBeReadKeepsNothingBeforeItAndUploadsNothingTwice) {
    FaultyFiles files;
    ArchiveWorld world(with_small_segments(files));
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    world.store.set_down(true);
    const auto objects = random_records(95);
    files.set(segment_file_name(5), {.open = true});
    world.write_tape(cartridge, objects);
    world.store.set_down(false);
    EXPECT_FALSE(world.run(world.archive->store_all(cartridge.id)).has_value());
    const auto storage = world.catalog->archive().storage(cartridge.id);
    ASSERT_TRUE(storage.has_value());
    EXPECT_GE(storage->stored, 4'000'000U);
    const auto packs = world.bytes_in_store("packs/");
    for (int round = 0; round < 3; ++round) {
        EXPECT_FALSE(world.run(world.archive->store_all(cartridge.id)).has_value());
    }
    EXPECT_EQ(world.bytes_in_store("packs/"), packs);
    files.heal();
    world.store_all(cartridge);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
    EXPECT_LT(world.bytes_in_store("packs/"), 10'500'000U);
}

}  // namespace
}  // namespace tapeloft::media
