// A library's spool, catalog, archive and store, with threads as in the daemon; and reference tapes
// that say what must be on the cartridges.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "cloud/base/call_on.h"
#include "cloud/base/event_log.h"
#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"

#include "media/archive/archive.h"
#include "media/cartridge/cartridge.h"
#include "media/catalog/catalog.h"
#include "media/repository/catalog_target.h"
#include "media/repository/keys.h"
#include "media/repository/recovery.h"
#include "media/repository/repository.h"

#include "tests/media/mebibyte.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {

/// A record, or a filemark where it is empty.
using Object = Bytes;

inline Bytes random_bytes(std::mt19937_64& random, std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
        const auto word = random();
        std::memcpy(bytes.data() + i, &word, std::min(sizeof(word), size - i));
    }
    return bytes;
}

inline const Object kFilemark;

/// Records of many lengths, and filemarks.
inline std::vector<Object> random_tape(std::mt19937_64& random, std::size_t objects) {
    std::vector<Object> tape;
    for (std::size_t i = 0; i < objects; ++i) {
        tape.push_back(random() % 9 == 0 ? kFilemark
                                         : random_bytes(random, 1 + random() % 200'000));
    }
    return tape;
}

inline SegmentLimits small_segments() {
    SegmentLimits limits;
    limits.length = kMiB;
    return limits;
}

struct WorldSettings {
    std::uint64_t spool_limit = 1ULL << 40U;  ///< bytes
    bool cloud = false;                       ///< durability
    std::chrono::milliseconds patience{300'000};
    std::chrono::milliseconds request_patience{300'000};
    SegmentLimits limits = {};
    StoreCapabilities store{.put_if_absent = true, .best_object_size = 4UL * 1024 * 1024};
    std::chrono::milliseconds tick{50};
    std::chrono::milliseconds small_commits_apart{0};
    /// Everything on one thread: while one thing runs, nothing else does.
    bool one_thread = false;
    /// Lays something over the store.
    std::function<std::shared_ptr<ObjectStore>(std::shared_ptr<MemoryStore>)> overlay =
        [](std::shared_ptr<MemoryStore> memory) { return memory; };
    /// The spool's disk; outlives the world.
    FileSystem* files = &posix_file_system();
    /// The store as it is found; the library is recovered from it, on an empty machine.
    std::optional<MemoryStore::Objects> objects = std::nullopt;
};

class ArchiveWorld {
  public:
    static constexpr auto kLibrary = "default";

    explicit ArchiveWorld(WorldSettings wanted = {})
        : settings(wanted),
          memory(std::make_shared<MemoryStore>(wanted.store)),
          store(wanted.overlay(memory), 1),
          budget(wanted.spool_limit,
                 [this] { return std::chrono::steady_clock::now() + spool_later.load(); }),
          state(directory.path() / "state") {
        spdlog::set_level(spdlog::level::off);
        const Bytes key(SecretKey::kSize, 7);
        keys = std::make_unique<KeyRing>(SecretKey(key), RepositoryId{1, 2, 3});
        if (settings.objects) {
            memory->set_objects(*settings.objects);
            recover();
        } else {
            TL_ASSERT(run(create_repository(*memory, *keys)).has_value());
        }
        start();
    }
    ~ArchiveWorld() { stop(); }
    ArchiveWorld(const ArchiveWorld&) = delete;
    ArchiveWorld& operator=(const ArchiveWorld&) = delete;

    template <typename T>
    T run(Awaitable<T> awaitable) {
        auto wrapped = as_optional(std::move(awaitable));
        return *boost::asio::co_spawn(serving, std::move(wrapped), boost::asio::use_future).get();
    }
    Executor disk_executor() {
        return settings.one_thread ? Executor(serving.get_executor()) : disk.get_executor();
    }
    Executor cpu_executor() {
        return settings.one_thread ? Executor(serving.get_executor()) : cpu.get_executor();
    }

    void open_catalog() {
        std::filesystem::create_directories(state);
        auto opened = Catalog::open(state / "catalog.sqlite");
        TL_ASSERT(opened.has_value());
        catalog = std::move(opened).value();
    }
    void recover() {
        open_catalog();
        CatalogTarget target(catalog->archive());
        auto report = run(recover_library(*memory, *keys, target, disk_executor(),
                                          [](const RecoveryProgress&) {}));
        catalog.reset();
        if (report) {
            recovered = std::move(report).value();
        } else {
            recovery_error = std::move(report).error();
        }
    }

    /// As a daemon starts: catalog, spool recovery, archive.
    void start() {
        open_catalog();
        std::filesystem::create_directories(state / "spool");
        spares = std::make_unique<SparePool>(*settings.files, state / "spool", budget, events);
        ArchiveSettings archiving;
        archiving.library = kLibrary;
        archiving.promises_need_store = settings.cloud;
        archiving.promise_patience = settings.patience;
        archiving.room_patience = settings.patience;
        archiving.tick = settings.tick;
        archiving.small_commits_apart = settings.small_commits_apart;
        archiving.request_patience = settings.request_patience;
        archiving.pauses = {std::chrono::milliseconds(5), std::chrono::milliseconds(20)};
        auto self = make_lease_holder(archiving.writer);
        TL_ASSERT(self.has_value());
        lease = std::make_unique<Lease>(store, *keys, std::move(self).value());
        archive =
            std::make_unique<Archive>(archiving, *keys,
                                      ArchiveSurroundings{store, *lease, catalog->archive(),
                                                          cpu_executor(), disk_executor(), events});
        const auto cartridges = catalog->all_cartridges();
        TL_ASSERT(cartridges.has_value());
        const auto spool = recover_spool(context(), *cartridges);
        TL_ASSERT(spool.has_value());
        archive->start(context());
    }

    /// As it ends; tapes must be gone.
    void stop() {
        if (archive) {
            boost::asio::co_spawn(serving, archive->stop(), boost::asio::use_future).get();
            end_disk_jobs();  // of tapes that were let go of
            archive.reset();
            spares.reset();
            catalog.reset();
            budget.give_back(budget.used());
        }
    }

    /// All that were begun so far.
    void end_disk_jobs() {
        const auto every_thread = std::make_shared<std::latch>(kDiskThreads + 1);
        for (int i = 0; i < kDiskThreads; ++i) {
            boost::asio::post(disk, [every_thread] { every_thread->arrive_and_wait(); });
        }
        every_thread->arrive_and_wait();
    }

    /// Each event as "message: field=value, ...".
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> lines;
        for (const auto& event : events.events_after(0)) {
            lines.push_back(event.message + ":");
            for (const auto& [name, value] : event.fields) {
                lines.back() += " " + name + "=" + value;
            }
        }
        return lines;
    }

    [[nodiscard]] SpoolContext context() {
        return {state / "spool", *catalog,        disk_executor(), events,       budget,
                *spares,         *settings.files, settings.limits, archive.get()};
    }

    CartridgeRecord add_cartridge(const std::string& barcode,
                                  std::uint64_t capacity = 18'000'000'000'000) {
        CartridgeRecord record;
        record.library = kLibrary;
        record.barcode = barcode;
        record.generation = "L9";
        record.medium_serial = "S" + barcode;
        record.capacity = capacity;
        record.element = {ElementKind::storage, next_slot++};
        auto added = catalog->add_cartridge(record);
        TL_ASSERT(added.has_value());
        return *added;
    }

    std::unique_ptr<Tape> open(const CartridgeRecord& record) {
        auto tape = run(open_cartridge(record, context()));
        TL_ASSERT(tape.has_value());
        return std::move(tape).value();
    }

    void write(Tape& tape, const std::vector<Object>& objects) {
        for (const auto& object : objects) {
            const auto done = object.empty() ? run(tape.write_filemarks(1))
                                             : run(tape.write(Buffer::copy_of(object)));
            ASSERT_TRUE(done.has_value()) << done.error().message;
        }
    }

    /// What is read from the position on, up to end of data or the first error.
    std::vector<Object> read(Tape& tape) {
        std::vector<Object> objects;
        while (true) {
            const auto outcome = run(tape.read());
            EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
            if (!outcome || outcome->kind == ReadKind::end_of_data) {
                return objects;
            }
            const auto view = outcome->record.view();
            objects.emplace_back(view.begin(), view.end());
        }
    }

    /// Opens the cartridge, writes the objects over what is there, closes it.
    void write_tape(const CartridgeRecord& record, const std::vector<Object>& objects) {
        auto tape = open(record);
        write(*tape, objects);
        const auto closed = run(tape->close());
        ASSERT_TRUE(closed.has_value()) << closed.error().message;
    }
    std::vector<Object> read_tape(const CartridgeRecord& record) {
        auto tape = open(record);
        auto objects = read(*tape);
        EXPECT_TRUE(run(tape->close()).has_value());
        return objects;
    }

    /// Waits until the store has all that the catalog has of the cartridge.
    void store_all(const CartridgeRecord& record) {
        const auto done = run(archive->store_all(record.id));
        ASSERT_TRUE(done.has_value()) << done.error().message;
    }

    [[nodiscard]] std::uint64_t bytes_in_store(const std::string& prefix = "") const {
        std::uint64_t bytes = 0;
        for (const auto& [name, object] : memory->objects()) {
            bytes += name.starts_with(prefix) ? object.size() : 0;
        }
        return bytes;
    }
    /// Of cartridges; what the pool keeps belongs to none.
    [[nodiscard]] std::uint64_t bytes_in_spool() const {
        return bytes_below(state / "spool") - bytes_in_pool();
    }
    [[nodiscard]] std::uint64_t bytes_in_pool() const {
        return bytes_below(state / "spool" / SparePool::kDirectory);
    }
    [[nodiscard]] static std::uint64_t bytes_below(const std::filesystem::path& folder) {
        std::uint64_t bytes = 0;
        std::error_code missing;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, missing)) {
            bytes += entry.is_regular_file() ? entry.file_size() : 0;
        }
        return bytes;
    }

    const WorldSettings settings;
    tests::TemporaryDirectory directory;
    EventLog events;
    std::shared_ptr<MemoryStore> memory;
    FaultyStore store;
    std::unique_ptr<KeyRing> keys;
    std::atomic<std::chrono::seconds> spool_later{};  ///< than it is, for the spool's budget
    SpoolBudget budget;
    std::unique_ptr<SparePool> spares;
    std::filesystem::path state;  ///< the state directory
    std::optional<RecoveryReport> recovered;
    std::optional<Error> recovery_error;
    std::unique_ptr<Catalog> catalog;
    boost::asio::thread_pool serving{1};
    boost::asio::thread_pool cpu{2};
    static constexpr int kDiskThreads = 2;
    boost::asio::thread_pool disk{kDiskThreads};
    std::unique_ptr<Lease> lease;
    std::unique_ptr<Archive> archive;
    std::uint32_t next_slot = 0;
};

/// A cartridge all of whose objects are in the store.
inline CartridgeRecord stored_cartridge(ArchiveWorld& world, const std::string& barcode,
                                        const std::vector<Object>& objects) {
    const auto cartridge = world.add_cartridge(barcode);
    world.write_tape(cartridge, objects);
    world.store_all(cartridge);
    return cartridge;
}

inline void expect_sound(ArchiveWorld& world) {
    const auto report = world.run(world.archive->check(false));
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_FALSE(report->is_damaged());
    for (const auto& finding : report->findings) {
        EXPECT_FALSE(row_of(finding.kind).is_damage) << finding.object << ": " << finding.what;
    }
}

}  // namespace tapeloft::media
