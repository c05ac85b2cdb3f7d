// Two tapes of one library read at once, over real threads: the store's, the disk's, the CPU's.
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "tests/media/archive/recall_rig.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

Awaitable<std::size_t> read_passes(StoredReader* reader, std::vector<StoredPlace> places,
                                   std::size_t segments) {
    std::size_t right = 0;
    for (int pass = 0; pass < 3; ++pass) {
        for (const auto& place : places) {
            const auto record = co_await reader->read(place.segment, place.object,
                                                      RecallRig::behind(place.segment, segments));
            if (record && std::ranges::equal(record->bytes.view(), place.frame->record)) {
                ++right;
            }
            if (right % 97 == 96) {
                reader->forget();
            }
        }
    }
    co_return right;
}

class RecallThreads : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(WithAndWithoutACache, RecallThreads, testing::Bool());

TEST_P(RecallThreads, ReadTwoTapesOfOneLibraryAtOnce) {
    const tests::TemporaryDirectory directory;
    std::mt19937_64 random(1);
    RecallRig rig;
    std::vector<std::vector<ModelSegment>> tapes;
    for (CartridgeId id = 1; id <= 2; ++id) {
        std::vector<ModelSegment> tape;
        for (int i = 0; i < 4; ++i) {
            tape.push_back(random_segment(random, 60));
        }
        rig.put_tape(id, tape, random);
        tapes.push_back(std::move(tape));
    }
    if (GetParam()) {
        auto cache = RangeCache::open(directory.path() / "cache", 400'000);
        ASSERT_TRUE(cache.has_value());
        rig.cache = std::move(cache).value();
    }
    boost::asio::thread_pool cpu(2);
    boost::asio::thread_pool disk(2);
    boost::asio::thread_pool strands(2);
    auto context = rig.context();
    context.disk = disk.get_executor();
    context.cpu = cpu.get_executor();
    context.limits = {300'000, 50'000};
    Recall recall(context);
    std::vector<std::unique_ptr<StoredReader>> readers;
    std::vector<std::future<std::size_t>> right;
    for (CartridgeId id = 1; id <= 2; ++id) {
        const auto index = static_cast<std::size_t>(id - 1);
        readers.push_back(recall.open(id));
        right.push_back(boost::asio::co_spawn(
            boost::asio::make_strand(strands),
            read_passes(readers.back().get(), RecallRig::places(tapes[index]), 4),
            boost::asio::use_future));
    }
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(right[i].get(), 3 * RecallRig::places(tapes[i]).size());
    }
    readers.clear();
    strands.join();
    cpu.join();
    disk.join();
    EXPECT_LE(rig.store.most_under_way, rig.store.capabilities().parallel);
}

}  // namespace
}  // namespace tapeloft::media
