// The end of a daemon while its store is away: it waits for nothing, and loses nothing.
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {
namespace {

constexpr std::chrono::seconds kSoon{10};

/// A store that from some time on takes what is put and never answers, until it is shut down.
class SilentStore final : public ForwardingStore {
  public:
    explicit SilentStore(std::shared_ptr<ObjectStore> store) : ForwardingStore(std::move(store)) {}

    void fall_silent() { silent_ = true; }
    void answer_again() {
        silent_ = false;
        shut_down_ = false;
    }
    [[nodiscard]] bool waited_for() const { return waiting_ != 0; }

    void shut_down() override { shut_down_ = true; }
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        ++waiting_;
        boost::asio::steady_timer look(co_await boost::asio::this_coro::executor);
        while (silent_ && !shut_down_) {
            look.expires_after(std::chrono::milliseconds(5));
            co_await look.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        --waiting_;
        if (silent_) {
            co_return Error{Errc::cancelled, "shut down"};
        }
        co_return co_await store().put(std::move(name), std::move(body), options);
    }

  private:
    std::atomic<bool> silent_ = false;
    std::atomic<bool> shut_down_ = false;
    std::atomic<int> waiting_ = 0;
};

template <typename T>
std::future<std::optional<T>> begin(ArchiveWorld& world, Awaitable<T> awaitable) {
    return boost::asio::co_spawn(world.serving, as_optional(std::move(awaitable)),
                                 boost::asio::use_future);
}

TEST(ArchiveEnd, WaitsForNoStoreThatNeverAnswersAndKeepsWhatTheDiskHas) {
    std::shared_ptr<SilentStore> silent;
    ArchiveWorld world({.cloud = true,
                        .tick = std::chrono::milliseconds(1),
                        .overlay = [&silent](std::shared_ptr<MemoryStore> memory) {
                            silent = std::make_shared<SilentStore>(std::move(memory));
                            return silent;
                        }});
    const auto cartridge = world.add_cartridge("TL0001L9");
    const std::vector<Object> first = {Object(5000, 1), kFilemark};
    const std::vector<Object> second = {Object(6000, 2), kFilemark};
    auto tape = world.open(cartridge);
    world.write(*tape, first);
    ASSERT_TRUE(world.run(tape->sync()).has_value());
    silent->fall_silent();
    world.write(*tape, second);
    auto promise = begin(world, tape->sync());
    while (!silent->waited_for()) {
        std::this_thread::yield();
    }

    const auto began = std::chrono::steady_clock::now();
    world.archive->end_waits();
    const auto promised = promise.get();
    ASSERT_FALSE(promised->has_value()) << "the store does not have it";
    EXPECT_EQ(promised->error().code, Errc::cancelled);
    const auto again = world.run(tape->sync());
    ASSERT_FALSE(again.has_value()) << "nobody is promised on the disk what only the store keeps";
    EXPECT_EQ(again.error().code, Errc::cancelled);
    world.archive->leave_promises_to_disk();
    EXPECT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - began, kSoon);

    silent->answer_again();
    world.start();
    world.store_all(cartridge);
    auto both = first;
    both.insert(both.end(), second.begin(), second.end());
    EXPECT_EQ(world.read_tape(cartridge), both);
}

TEST(ArchiveEnd, AWriteThatWaitsForRoomEndsWithIt) {
    ArchiveWorld world({.spool_limit = 4UL * 1024 * 1024});
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store.set_down(true);
    auto tape = world.open(cartridge);
    world.write(*tape, std::vector<Object>(3, Object(1024UL * 1024, 1)));
    auto write = begin(world, tape->write(Buffer::copy_of(Object(2048UL * 1024, 2))));
    while (!world.archive->status().trouble) {
        std::this_thread::yield();
    }
    const auto began = std::chrono::steady_clock::now();
    world.archive->end_waits();
    const auto written = write.get();
    EXPECT_LT(std::chrono::steady_clock::now() - began, kSoon);
    ASSERT_FALSE(written->has_value());
    EXPECT_EQ(written->error().code, Errc::no_space);
    EXPECT_TRUE(world.run(tape->close()).has_value());
}

TEST(ArchiveEnd, IsHarmlessWhereItNeverBegan) {
    ArchiveWorld world;
    Archive other({}, *world.keys,
                  {world.store, *world.lease, world.catalog->archive(), world.cpu_executor(),
                   world.disk_executor(), world.events});
    other.end_waits();
    other.end_requests();
    boost::asio::co_spawn(world.serving, other.stop(), boost::asio::use_future).get();
}

TEST(Flush, GoesToTheDiskAndNeverWaitsForTheStore) {
    ArchiveWorld world({.cloud = true, .patience = std::chrono::milliseconds(1)});
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store.set_down(true);
    auto tape = world.open(cartridge);
    world.write(*tape, {Object(5000, 1)});
    EXPECT_TRUE(world.run(tape->flush()).has_value());
    const auto rows = world.catalog->segments(cartridge.id);
    ASSERT_TRUE(rows && rows->size() == 1);
    EXPECT_FALSE(rows->front().sealed) << "a host that pauses is not to be cut into small pieces";
    EXPECT_TRUE(world.run(tape->rest()).has_value());
    EXPECT_FALSE(world.run(tape->sync()).has_value()) << "a host is promised what the store has";
    world.archive->leave_promises_to_disk();
    EXPECT_TRUE(world.run(tape->close()).has_value());
}

}  // namespace
}  // namespace tapeloft::media
