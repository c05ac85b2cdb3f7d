// What a host notices of the store behind the tapes: a machine that is lost, a store that is away,
// an object that is damaged.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include "cloud/base/call_on.h"
#include "cloud/base/hex.h"
#include "cloud/store/store_registry.h"

#include "media/catalog/catalog.h"
#include "media/repository/catalog_target.h"
#include "media/repository/keys.h"
#include "media/repository/recovery.h"

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kMedium = 4;  // TapeAlert flags

class ArchiveEndToEnd : public LibraryFixture {
  protected:
    [[nodiscard]] fs::path state() const { return directory_.path() / "state"; }
    [[nodiscard]] fs::path store() const { return state() / "store" / "e2e"; }

    /// The machine is gone, but for the store and the key: another one makes the library of them.
    void lose_the_machine() {
        const auto kept = directory_.path() / ("kept" + std::to_string(++lost_));
        fs::rename(state(), kept);
        fs::create_directories(state() / "store");
        fs::create_directories(state() / "keys");
        fs::permissions(state(), fs::perms::owner_all);
        fs::permissions(state() / "keys", fs::perms::owner_all);
        fs::rename(kept / "store" / "e2e", store());
        fs::rename(kept / "keys" / "e2e.key", state() / "keys" / "e2e.key");
        fs::remove_all(kept);
        fs::remove(store() / "lease");  // of the daemon that is gone with the machine
        boost::asio::thread_pool threads(2);
        const auto key = media::KeyFile::read(state() / "keys" / "e2e.key", std::nullopt);
        ASSERT_OK(key);
        const media::KeyRing keys(key->master, key->repository);
        auto opened = open_store("file://" + store().string(),
                                 {threads.get_executor(), threads.get_executor()});
        ASSERT_OK(opened);
        auto catalog = media::Catalog::open(state() / "catalog.sqlite");
        ASSERT_OK(catalog);
        media::CatalogTarget target((*catalog)->archive());
        auto recovery = as_optional(media::recover_library(
            **opened, keys, target, threads.get_executor(), [](const media::RecoveryProgress&) {}));
        const auto report = *boost::asio::co_spawn(threads.get_executor(), std::move(recovery),
                                                   boost::asio::use_future)
                                 .get();
        ASSERT_OK(report);
        ASSERT_GE(report->cartridges, 1U);  // blank ones get there within seconds
        ASSERT_TRUE(report->unreadable.empty());
        ASSERT_OK((*catalog)->set_property("repository/e2e/id", to_hex(key->repository)));
        threads.join();
    }

    bool alert(ScsiHost& host, std::uint8_t flag) {
        auto flags = PbsDrive(host, 1).log_page(0x12, 0x200);
        for (int attentions = 0; !flags && attentions < 8; ++attentions) {
            flags = PbsDrive(host, 1).log_page(0x12, 0x200);
        }
        TL_ASSERT(flags && flags->contains(0));
        const unsigned bit = 64U - flag;
        return (flags->at(0).at(7 - bit / 8) & (1U << bit % 8)) != 0;
    }
    [[nodiscard]] bool was_logged(const std::string& words) const {
        std::ifstream log(directory_.path() / "daemon.log");
        const std::string text{std::istreambuf_iterator<char>(log),
                               std::istreambuf_iterator<char>()};
        return text.find(words) != std::string::npos;
    }
    static bool soon(const std::function<bool()>& met) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
        while (!met()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }
    [[nodiscard]] std::vector<fs::path> packs() const {
        std::vector<fs::path> found;
        if (!fs::exists(store() / "packs")) {
            return found;
        }
        for (const auto& entry : fs::recursive_directory_iterator(store() / "packs")) {
            if (entry.is_regular_file()) {
                found.push_back(entry.path());
            }
        }
        return found;
    }
    [[nodiscard]] std::uint64_t bytes_in_spool() const {
        std::uint64_t bytes = 0;
        for (const auto& entry : fs::recursive_directory_iterator(state() / "spool")) {
            std::error_code gone;
            const auto size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
            bytes += gone ? 0 : size;
        }
        return bytes;
    }
    static void expect_records(TapeHost& drive, std::uint64_t first, std::uint64_t last,
                               std::size_t size) {
        for (auto record = first; record <= last; ++record) {
            const auto reply = drive.read(static_cast<std::uint32_t>(size));
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << "record " << record << ": " << reply->text();
            ASSERT_EQ(reply->data, pattern(size, record)) << "record " << record;
        }
    }

  private:
    int lost_ = 0;
};

TEST_F(ArchiveEndToEnd, AnUnloadedCartridgeReachesTheStoreWhileItStaysInTheDrive) {
    start(kFourCartridges);
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.write(pattern(100'000, 1)));
    ASSERT_GOOD(drive.write_filemarks(1));
    ASSERT_GOOD(drive.unload());
    EXPECT_TRUE(soon([&] { return !packs().empty(); }));
}

TEST_F(ArchiveEndToEnd, WhatWasPromisedOfTheCloudOutlivesTheMachine) {
    constexpr std::size_t kSize = 100'000;
    start(kFourCartridges, "", "durability = \"cloud\"\n");
    using Promise = Result<Reply> (*)(TapeHost&);
    const std::vector<Promise> promises = {
        [](TapeHost& drive) { return drive.write_filemarks(0); },
        [](TapeHost& drive) { return drive.rewind(); },
        [](TapeHost& drive) { return drive.unload(); },
    };
    std::uint64_t records = 0;
    for (const auto promise : promises) {
        auto host = login();
        if (records == 0) {
            load(host, "TL0001L9", 0);
        }
        TapeHost drive(host, 1);
        ASSERT_OK(drive.wait_ready());
        ASSERT_GOOD(drive.space(3, 0));  // end of data
        for (int i = 0; i < 7; ++i) {
            ASSERT_GOOD(drive.write(pattern(kSize, ++records)));
        }
        ASSERT_GOOD(promise(drive));
        daemon_->kill();
        lose_the_machine();
        restart();
        auto other = login();
        TapeHost again(other, 1);
        if (!again.wait_ready()) {
            load(other, "TL0001L9", 0);
        }
        ASSERT_OK(again.wait_ready());
        ASSERT_GOOD(again.rewind());
        expect_records(again, 1, records, kSize);
        ASSERT_SENSE(again.read(kSize), 8, 0x0005);
    }
}

TEST_F(ArchiveEndToEnd, WhatWasSyncedBeforeAKillIsThereWhileTheArchiveRuns) {
    constexpr std::size_t kSize = 200'000;
    start();
    std::uint64_t synced = 0;
    for (int round = 0; round < 6; ++round) {
        std::thread writer;
        std::atomic<std::uint64_t> promised = synced;
        auto host = login();
        if (round == 0) {
            load(host, "TL0001L9", 0);
        }
        TapeHost drive(host, 1);
        ASSERT_OK(drive.wait_ready());
        ASSERT_GOOD(drive.locate_object(synced));
        writer = std::thread([&drive, &promised, from = synced] {
            for (auto record = from + 1;; ++record) {
                const auto written = drive.write(pattern(kSize, record));
                if (!written || !written->good()) {
                    return;
                }
                if (record % 40 == 0) {
                    const auto done = drive.write_filemarks(0);
                    if (!done || !done->good()) {
                        return;
                    }
                    promised = record;
                }
            }
        });
        const auto target = synced + 200 + static_cast<std::uint64_t>(round) * 37;
        const bool reached = soon([&] { return promised >= target; });
        daemon_->kill();
        writer.join();
        ASSERT_TRUE(reached);
        synced = promised;
        restart();
        auto other = login();
        TapeHost again(other, 1);
        ASSERT_OK(again.wait_ready());
        expect_records(again, 1, synced, kSize);
    }
    EXPECT_TRUE(soon([this] { return !packs().empty(); })) << "the archive runs";
}

TEST_F(ArchiveEndToEnd, TenTimesTheSpoolGoesThroughItWithoutAnError) {
    constexpr std::size_t kSize = 1'000'000;
    constexpr std::uint64_t kRecords = 600;
    start(kFourCartridges, "", "spool_size = \"64MiB\"\n");
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    for (std::uint64_t record = 1; record <= kRecords; ++record) {
        const auto reply = drive.write(pattern(kSize, record));
        ASSERT_OK(reply);
        ASSERT_TRUE(reply->good()) << "record " << record << ": " << reply->text();
    }
    ASSERT_GOOD(drive.write_filemarks(0));
    EXPECT_LE(bytes_in_spool(), 66'000'000U);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, kRecords, kSize);
}

/// What another session asks of the drive that waits, and how long the longest answer took.
std::chrono::steady_clock::duration ask_all(ScsiHost& host) {
    TapeHost drive(host, 1);
    std::chrono::steady_clock::duration longest{};
    const auto timed = [&longest](const std::function<Result<Reply>()>& ask) {
        const auto start = std::chrono::steady_clock::now();
        const auto reply = ask();
        longest = std::max(longest, std::chrono::steady_clock::now() - start);
        EXPECT_TRUE(reply.has_value()) << reply.error().message;
        EXPECT_TRUE(reply->good()) << reply->text();
    };
    timed([&drive] { return drive.test_unit_ready(); });
    timed([&drive] { return drive.command({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}, 32); });
    for (const unsigned page : {0x11U, 0x12U, 0x2EU, 0x17U}) {
        timed([&drive, page] {
            const auto code = static_cast<std::uint8_t>(0x40U | page);
            return drive.command({0x4D, 0, code, 0, 0, 0, 0, 0xFF, 0xFF, 0}, 0xFFFF);
        });
    }
    return longest;
}

TEST_F(ArchiveEndToEnd, AStoreThatIsAwayMakesWritesWaitAndTheyGoOnWhenItIsBack) {
    constexpr std::size_t kSize = 1'000'000;
    constexpr std::uint64_t kRecords = 150;
    start(kFourCartridges, "", "spool_size = \"64MiB\"\n");
    auto host = login();
    load(host, "TL0001L9", 0);
    auto poller = login();
    ASSERT_OK(TapeHost(poller, 1).wait_ready());
    const auto away = store().string() + ".away";
    fs::rename(store(), away);
    std::atomic<std::uint64_t> written = 0;
    std::optional<std::string> failure;
    std::jthread writer([&] {
        TapeHost drive(host, 1);
        for (std::uint64_t record = 1; record <= kRecords && !failure; ++record) {
            const auto reply = drive.write(pattern(kSize, record));
            if (!reply || !reply->good()) {
                failure = reply ? reply->text() : reply.error().message;
            }
            written = record;
        }
    });
    const auto told = [this](const std::string& what) {
        return admin("events --json | grep -q '" + what + "'") == 0;
    };
    while (!told("writing waits for the store") && !failure) {
        EXPECT_LT(ask_all(poller), std::chrono::seconds(1));
    }
    EXPECT_LT(ask_all(poller), std::chrono::seconds(1)) << "PBS gives up after a second";
    EXPECT_TRUE(told("The object store cannot be written"));
    EXPECT_LT(written, kRecords);
    fs::rename(away, store());
    writer.join();
    ASSERT_FALSE(failure) << *failure;
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.write_filemarks(0));
    EXPECT_TRUE(told("can be written again"));
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, kRecords, kSize);
}

// --- Damage

constexpr std::size_t kSmall = 10'000;
constexpr std::uint64_t kSmallRecords = 20;
constexpr std::uint64_t kDamagedRecord = 7;

class DamagedPack : public ArchiveEndToEnd {
  protected:
    /// Records of one chunk each: a filemark ends a chunk. All are in one pack.
    void write() {
        start(kFourCartridges, "", "durability = \"cloud\"\ncompression = 0\n");
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        for (std::uint64_t record = 1; record <= kSmallRecords; ++record) {
            ASSERT_GOOD(drive.write(pattern(kSmall, record)));
            ASSERT_GOOD(drive.write_filemarks(1, true));
        }
        ASSERT_GOOD(drive.unload());
        ASSERT_EQ(packs().size(), 1U);
    }
    /// Record kDamagedRecord cannot be read, as the position says; `others`: what must be so for
    /// the rest.
    void read(ScsiHost& host, bool others_are_damaged) {
        TapeHost drive(host, 1);
        ASSERT_GOOD(drive.load());
        ASSERT_OK(drive.wait_ready());
        for (std::uint64_t record = 1; record <= kSmallRecords; ++record) {
            SCOPED_TRACE("record " + std::to_string(record));
            const auto reply = drive.read(kSmall);
            ASSERT_OK(reply);
            if (record == kDamagedRecord || others_are_damaged) {
                EXPECT_TRUE(reply->is(3, 0x1100)) << reply->text();
                const auto position = drive.position();
                ASSERT_OK(position);
                EXPECT_EQ(position->file, record - 1);
                if (position->object == 2 * (record - 1)) {
                    ASSERT_GOOD(drive.space(0, 1));
                } else {
                    EXPECT_EQ(position->object, 2 * record - 1);
                }
            } else {
                ASSERT_TRUE(reply->good()) << reply->text();
                EXPECT_EQ(reply->data, pattern(kSmall, record));
            }
            ASSERT_SENSE(drive.read(kSmall), 0, 0x0001);
        }
    }
    void expect_told(ScsiHost& host) {
        EXPECT_TRUE(soon([&] { return alert(host, kMedium); }));
        EXPECT_TRUE(soon([&] {
            return admin("cartridge show TL0001L9 > " + (directory_.path() / "shown").string()) ==
                       0 &&
                   text_of(directory_.path() / "shown").find("Damaged          YES") !=
                       std::string::npos;
        }));
        EXPECT_TRUE(was_logged("A record could not be read"));
    }
    static std::string text_of(const fs::path& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
};

TEST_F(DamagedPack, AFlippedByteCostsTheRecordsInItsChunkAndNoOthers) {
    write();
    {
        std::fstream pack(packs().front(), std::ios::in | std::ios::out | std::ios::binary);
        const auto at =
            static_cast<std::streamoff>(32 + (kDamagedRecord - 1) * (kSmall + 16) + 5000);
        pack.seekg(at);
        const auto byte = static_cast<char>(pack.get() ^ 1);
        pack.seekp(at);
        pack.put(byte);
    }
    auto host = login();
    read(host, false);
    expect_told(host);
}

TEST_F(DamagedPack, ARemovedPackCostsItsRecordsAndTheFilemarksAreThere) {
    write();
    fs::remove(packs().front());
    auto host = login();
    read(host, true);
    expect_told(host);
}

}  // namespace
}  // namespace tapeloft::tests
