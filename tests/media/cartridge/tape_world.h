// A cartridge on a simulated disk, beside a reference tape that says what must be on it.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "cloud/base/event_log.h"

#include "media/cartridge/cartridge.h"
#include "media/cartridge/spool.h"

#include "tests/media/cartridge/fake_catalog.h"
#include "tests/media/segment/simulated_file_system.h"

namespace tapeloft::media {

/// A record, or a filemark where it is empty.
using Object = Bytes;

inline Bytes random_record(std::mt19937_64& random, std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return bytes;
}

class TapeWorld {
  public:
    static constexpr std::uint64_t kLarge = 1ULL << 40;

    explicit TapeWorld(std::uint64_t capacity = kLarge, std::uint64_t spool_limit = kLarge)
        : budget(spool_limit, [this] { return now; }) {
        spdlog::set_level(spdlog::level::off);
        record.id = 7;
        record.barcode = "TL0001L9";
        record.medium_serial = "SERIAL0001";
        record.capacity = capacity;
        TL_ASSERT(files.make_directory("/spool").has_value());
        TL_ASSERT(files.sync_directory("/").has_value());
        begin_process();
    }
    /// After the end of another one, which may have left files behind.
    void begin_process() { spares.emplace_back(files, "/spool", budget, events); }

    /// Runs a coroutine to its end, and the disk's jobs with it, all on this thread.
    template <typename T>
    T run(Awaitable<T> awaitable) {
        std::optional<T> value;
        auto body = [](Awaitable<T> inner, std::optional<T>* out) -> Awaitable<void> {
            out->emplace(co_await std::move(inner));
        };
        boost::asio::co_spawn(loop, body(std::move(awaitable), &value),
                              [](const std::exception_ptr& error) { TL_ASSERT(!error); });
        loop.restart();
        loop.run();
        TL_ASSERT(value.has_value());
        return std::move(*value);
    }

    [[nodiscard]] SpoolContext context() {
        return {"/spool", catalog, loop.get_executor(), events, budget, spares.back(), files,
                limits,   archive};
    }

    /// Reopens, after close() or without.
    void open() {
        tape.reset();
        loop.restart();
        loop.run();
        auto opened = run(open_cartridge(record, context()));
        ASSERT_TRUE(opened.has_value()) << opened.error().message;
        tape = std::move(opened).value();
    }
    void close() {
        const auto closed = run(tape->close());
        ASSERT_TRUE(closed.has_value()) << closed.error().message;
        tape.reset();
    }

    Result<WriteOutcome> write(const Bytes& bytes) {
        return run(tape->write(Buffer::copy_of(bytes)));
    }
    void must_write(const Object& object) {
        const auto written = object.empty() ? run(tape->write_filemarks(1)) : write(object);
        ASSERT_TRUE(written.has_value()) << written.error().message;
    }

    /// All objects from BOP on, as far as they can be read. The tape is at end of data afterwards.
    std::vector<Object> read_all() {
        std::vector<Object> objects;
        EXPECT_TRUE(run(tape->locate_object(0)).has_value());
        while (true) {
            const auto outcome = run(tape->read());
            EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
            if (!outcome || outcome->kind == ReadKind::end_of_data) {
                return objects;
            }
            const auto view = outcome->record.view();
            objects.emplace_back(view.begin(), view.end());
        }
    }

    SimulatedFileSystem files;
    FakeCatalog catalog;
    EventLog events;
    std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();  ///< the spool's
    SpoolBudget budget;
    std::deque<SparePool> spares;  ///< the last one is that of the process that runs
    SegmentLimits limits;
    CartridgeRecord record;
    ArchivePort* archive = nullptr;
    boost::asio::io_context loop;
    std::unique_ptr<Tape> tape;
};

/// What a tape must answer, by the plain rules of SSC on a vector.
struct ReferenceTape {
    std::vector<Object> objects;
    std::uint64_t at = 0;

    [[nodiscard]] std::uint64_t files_before(std::uint64_t object) const {
        std::uint64_t files = 0;
        for (std::uint64_t i = 0; i < object; ++i) {
            files += objects[i].empty() ? 1U : 0U;
        }
        return files;
    }
    [[nodiscard]] std::uint64_t bytes_before(std::uint64_t object) const {
        std::uint64_t bytes = 0;
        for (std::uint64_t i = 0; i < object; ++i) {
            bytes += objects[i].empty() ? kFilemarkCost : objects[i].size();
        }
        return bytes;
    }
    void write(const Object& object) {
        objects.resize(at);
        objects.push_back(object);
        ++at;
    }
    SpaceOutcome space_records(std::int64_t count) {
        SpaceOutcome outcome;
        for (; count > 0; --count, ++outcome.moved) {
            if (at == objects.size()) {
                outcome.stop = SpaceStop::end_of_data;
                return outcome;
            }
            if (objects[at++].empty()) {
                outcome.stop = SpaceStop::filemark;
                return outcome;
            }
        }
        for (; count < 0; ++count, ++outcome.moved) {
            if (at == 0) {
                outcome.stop = SpaceStop::beginning_of_partition;
                return outcome;
            }
            if (objects[--at].empty()) {
                outcome.stop = SpaceStop::filemark;
                return outcome;
            }
        }
        return outcome;
    }
    SpaceOutcome space_filemarks(std::int64_t count) {
        SpaceOutcome outcome;
        while (count > 0) {
            if (at == objects.size()) {
                outcome.stop = SpaceStop::end_of_data;
                return outcome;
            }
            if (objects[at++].empty()) {
                --count;
                ++outcome.moved;
            }
        }
        while (count < 0) {
            if (at == 0) {
                outcome.stop = SpaceStop::beginning_of_partition;
                return outcome;
            }
            if (objects[--at].empty()) {
                ++count;
                ++outcome.moved;
            }
        }
        return outcome;
    }
    SpaceOutcome space_sequential_filemarks(std::int64_t count) {
        SpaceOutcome outcome;
        const auto wanted = count < 0 ? -count : count;
        std::int64_t streak = 0;
        while (wanted != 0 && streak != wanted) {
            if (at == (count > 0 ? objects.size() : 0)) {
                outcome.stop =
                    count > 0 ? SpaceStop::end_of_data : SpaceStop::beginning_of_partition;
                return outcome;
            }
            streak = objects[count > 0 ? at++ : --at].empty() ? streak + 1 : 0;
        }
        outcome.moved = static_cast<std::uint64_t>(wanted);
        return outcome;
    }
};

}  // namespace tapeloft::media
