// The real file system, the real catalog, and a disk executor with threads of its own.
#include <algorithm>
#include <future>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "cloud/base/event_log.h"

#include "media/cartridge/cartridge.h"
#include "media/catalog/catalog.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRecords = 400;

Buffer record_of(std::size_t number) {
    std::mt19937_64 random(number);
    auto record = Buffer::allocate(1 + random() % 300'000);
    auto bytes = record.mutable_view();
    const auto fill = static_cast<std::uint8_t>(random());
    std::fill(bytes.begin(), bytes.end(), fill);
    return record;
}

Awaitable<bool> write_pass(Tape* tape) {
    if (!co_await tape->locate_object(0)) {
        co_return false;
    }
    for (std::size_t i = 0; i < kRecords; ++i) {
        auto record = record_of(i);
        if (!co_await tape->write(std::move(record))) {
            co_return false;
        }
        if (i % 50 == 49 && !co_await tape->sync()) {
            co_return false;
        }
        if (i == 200) {  // read what is still queued, then go on behind it
            if (!co_await tape->locate_object(195)) {
                co_return false;
            }
            for (std::size_t back = 195; back <= 200; ++back) {
                const auto read = co_await tape->read();
                if (!read || !std::ranges::equal(read->record.view(), record_of(back).view())) {
                    co_return false;
                }
            }
        }
    }
    co_return true;
}

/// Each pass writes over the files of the one before.
Awaitable<bool> write_all(CartridgeRecord cartridge, SpoolContext context) {
    auto tape = co_await open_cartridge(cartridge, context);
    for (int pass = 0; tape && pass < 3; ++pass) {
        if (!co_await write_pass(tape->get())) {
            co_return false;
        }
    }
    if (!tape) {
        co_return false;
    }
    const auto closed = co_await (*tape)->close();
    co_return closed.has_value();
}

Awaitable<std::size_t> read_all(CartridgeRecord cartridge, SpoolContext context) {
    auto tape = co_await open_cartridge(cartridge, context);
    std::size_t right = 0;
    while (tape) {
        const auto read = co_await (*tape)->read();
        if (!read || read->kind == ReadKind::end_of_data) {
            break;
        }
        right += std::ranges::equal(read->record.view(), record_of(right).view()) ? 1U : 0U;
    }
    co_return right;
}

TEST(CartridgeThreads, WritesAndReadsBackOverRealFilesWithADiskPool) {
    spdlog::set_level(spdlog::level::off);
    const tests::TemporaryDirectory directory;
    auto catalog = Catalog::open(directory.path() / "catalog.db");
    ASSERT_TRUE(catalog.has_value()) << catalog.error().message;
    CartridgeRecord record;
    record.library = "default";
    record.barcode = "TL0001L9";
    record.generation = "L9";
    record.medium_serial = "SERIAL0001";
    record.capacity = 1ULL << 40;
    auto added = (*catalog)->add_cartridge(record);
    ASSERT_TRUE(added.has_value()) << added.error().message;
    EventLog events;
    SpoolBudget budget;
    SparePool spares(posix_file_system(), directory.path(), budget, events);
    boost::asio::thread_pool disk(2);
    boost::asio::io_context loop;
    const auto work = boost::asio::make_work_guard(loop);
    std::thread thread([&loop] { loop.run(); });
    const SpoolContext context{
        directory.path(), **catalog, disk.get_executor(), events,
        budget,           spares,    posix_file_system(), {4'000'000, kSegmentFramesMax}};

    auto written = boost::asio::co_spawn(loop, write_all(*added, context), boost::asio::use_future);
    EXPECT_TRUE(written.get());
    auto right = boost::asio::co_spawn(loop, read_all(*added, context), boost::asio::use_future);
    EXPECT_EQ(right.get(), kRecords);

    loop.stop();
    thread.join();
    disk.join();
}

}  // namespace
}  // namespace tapeloft::media
