// How much of a backup is on its way to the store at a time.
#include <algorithm>
#include <atomic>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {
namespace {

/// A store that is slower than the archive: what it is given stays with it for a while.
class SlowStore final : public ForwardingStore {
  public:
    explicit SlowStore(std::shared_ptr<ObjectStore> store) : ForwardingStore(std::move(store)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        const auto size = body.size();
        const auto now = bytes_ += size;
        auto most = most_.load();
        while (now > most && !most_.compare_exchange_weak(most, now)) {
        }
        const auto executor = co_await boost::asio::this_coro::executor;
        for (int turn = 0; turn < 2000; ++turn) {
            co_await boost::asio::post(executor, boost::asio::use_awaitable);
        }
        auto done = co_await store().put(std::move(name), std::move(body), options);
        bytes_ -= size;
        co_return done;
    }

    /// Bytes that were being put at one time.
    [[nodiscard]] std::size_t most() const noexcept { return most_; }

  private:
    std::atomic<std::size_t> bytes_ = 0;
    std::atomic<std::size_t> most_ = 0;
};

TEST(ArchiveMemory, NoMoreIsOnItsWayThanPacksThatTheStoreTakesAtOnce) {
    constexpr std::size_t kPackSize = 4UL * 1024 * 1024;
    constexpr std::size_t kParallel = 3;
    std::shared_ptr<SlowStore> slow;
    WorldSettings settings;
    settings.store = {.put_if_absent = true, .best_object_size = kPackSize, .parallel = kParallel};
    settings.overlay = [&slow](std::shared_ptr<MemoryStore> memory) {
        slow = std::make_shared<SlowStore>(std::move(memory));
        return slow;
    };
    ArchiveWorld world(settings);
    const auto cartridge = world.add_cartridge("TL0001L9");
    std::mt19937_64 random(1);
    std::vector<Object> objects;
    for (std::size_t bytes = 0; bytes < 20 * kParallel * kPackSize; bytes += 1024 * 1024) {
        objects.push_back(random_bytes(random, 1024 * 1024));
    }
    world.write_tape(cartridge, objects);
    world.store_all(cartridge);
    EXPECT_GT(slow->most(), kPackSize) << "several at once";
    EXPECT_LE(slow->most(), kParallel * (kPackSize + 64UL * 1024));
    EXPECT_EQ(world.read_tape(cartridge), objects);
}

}  // namespace
}  // namespace tapeloft::media
