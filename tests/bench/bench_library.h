// What benchmarks of the archive have in common: a library with a spool, a catalog, and its archive
// on a store; bytes; clocks.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include "cloud/base/call_on.h"
#include "cloud/base/event_log.h"
#include "cloud/store/store_registry.h"

#include "media/archive/archive.h"
#include "media/cartridge/cartridge.h"
#include "media/catalog/catalog.h"
#include "media/repository/repository.h"

namespace tapeloft::media {

inline constexpr std::size_t kRecord = 256UL * 1024;

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
    return std::move(result).value();
}

inline void must(const Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
}

inline Buffer random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto bytes = Buffer::allocate(size);
    auto view = bytes.mutable_view();
    for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
        const auto word = random();
        std::memcpy(view.data() + i, &word, sizeof(word));
    }
    return bytes;
}

inline void row(const char* what, std::size_t bytes, double seconds, double against) {
    const auto rate = static_cast<double>(bytes) / 1e6 / seconds;
    std::printf("%-58s %8.0f MB/s", what, rate);
    if (against > 0) {
        std::printf("   %.2f", rate / against);
    }
    std::printf("\n");
    std::fflush(stdout);
}

inline double rate_of(std::size_t bytes, double seconds) {
    return static_cast<double>(bytes) / 1e6 / seconds;
}

/// As the daemon does: vtl/daemon/main.cc.
inline void set_up_memory() {
    constexpr int kThreshold = 64 * 1024 * 1024;
    ::mallopt(M_MMAP_THRESHOLD, kThreshold);
    ::mallopt(M_TRIM_THRESHOLD, kThreshold);
    ::mallopt(M_ARENA_MAX, 1);
}

class Library {
  public:
    Library(const std::filesystem::path& directory, const std::string& store)
        : directory_(directory), keys_(SecretKey(Bytes(SecretKey::kSize, 7)), RepositoryId{1}) {
        spdlog::set_level(spdlog::level::off);
        catalog_ = must(Catalog::open(directory_ / "catalog.sqlite"));
        std::filesystem::create_directories(directory_ / "spool");
        store_ = must(open_store(store, {disk_.get_executor(), cpu_.get_executor()}));
        must(run(create_repository(*store_, keys_)));
        ArchiveSettings settings;
        settings.library = "default";
        lease_ = std::make_unique<Lease>(*store_, keys_, must(make_lease_holder(settings.writer)));
        archive_ = std::make_unique<Archive>(
            settings, keys_,
            ArchiveSurroundings{*store_, *lease_, catalog_->archive(), cpu_.get_executor(),
                                disk_.get_executor(), events_});
        archive_->start(context());
    }
    ~Library() { run(archive_->stop()); }

    void run(Awaitable<void> call) {
        boost::asio::co_spawn(serving_, std::move(call), boost::asio::use_future).get();
    }
    template <typename T>
    T run(Awaitable<T> call) {
        auto wrapped = as_optional(std::move(call));
        return *boost::asio::co_spawn(serving_, std::move(wrapped), boost::asio::use_future).get();
    }

    CartridgeRecord cartridge(const std::string& barcode) {
        CartridgeRecord record;
        record.library = "default";
        record.barcode = barcode;
        record.generation = "L9";
        record.medium_serial = "S" + barcode;
        record.capacity = 18'000'000'000'000;
        record.element = {ElementKind::storage, slots_++};
        return must(catalog_->add_cartridge(record));
    }

    /// Until everything is in the store.
    double write(const CartridgeRecord& record, const Buffer& bytes) {
        const auto start = Clock::now();
        auto tape = must(run(open_cartridge(record, context())));
        must(run(write_records(tape.get(), bytes)));
        written_seconds_ = seconds_since(start);
        must(run(tape->close()));
        tape.reset();
        must(run(archive_->store_all(record.id)));
        return seconds_since(start);
    }
    [[nodiscard]] ObjectStore& store() { return *store_; }
    [[nodiscard]] double written_seconds() const { return written_seconds_; }

    double read(const CartridgeRecord& record, std::size_t bytes) {
        const auto start = Clock::now();
        auto tape = must(run(open_cartridge(record, context())));
        must(run(read_records(tape.get(), bytes)));
        must(run(tape->close()));
        return seconds_since(start);
    }

  private:
    static Awaitable<Result<void>> write_records(Tape* tape, Buffer bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += kRecord) {
            TL_CO_CHECK(co_await tape->write(bytes.slice(at, kRecord)));
        }
        co_return Result<void>();
    }
    static Awaitable<Result<void>> read_records(Tape* tape, std::size_t bytes) {
        for (std::size_t at = 0; at < bytes; at += kRecord) {
            TL_CO_TRY(const auto outcome, co_await tape->read());
            if (outcome.record.size() != kRecord) {
                co_return Error{Errc::corrupt, "the tape is shorter than what was written"};
            }
        }
        co_return Result<void>();
    }

    SpoolContext context() {
        return {directory_ / "spool", *catalog_, disk_.get_executor(), events_, budget_, spares_,
                posix_file_system(),  {},        archive_.get()};
    }

    std::filesystem::path directory_;
    EventLog events_;
    KeyRing keys_;
    SpoolBudget budget_;
    SparePool spares_{posix_file_system(), directory_ / "spool", budget_, events_};
    std::unique_ptr<Catalog> catalog_;
    boost::asio::thread_pool serving_{1};
    boost::asio::thread_pool cpu_{std::max(std::thread::hardware_concurrency(), 1U)};
    boost::asio::thread_pool disk_{4};
    std::unique_ptr<ObjectStore> store_;
    std::unique_ptr<Lease> lease_;
    std::unique_ptr<Archive> archive_;
    std::uint32_t slots_ = 0;
    double written_seconds_ = 0;
};

}  // namespace tapeloft::media
