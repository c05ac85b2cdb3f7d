// SIGTERM and SIGKILL at a bad moment: what a host was promised is there afterwards.
#include <atomic>
#include <csignal>
#include <semaphore>
#include <set>
#include <thread>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kRecordSize = 64 * 1024;

class DaemonStop : public LibraryFixture {
  protected:
    DaemonStop() { std::signal(SIGPIPE, SIG_IGN); }  // libiscsi writes to closed connections

    /// Sends SIGTERM and expects a clean end.
    void expect_clean_end() {
        const auto status = daemon_->terminate();
        ASSERT_OK(status);
        EXPECT_EQ(*status, 0);
        EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state" / "admin.sock"));
    }
    /// The cartridge in drive 0 begins with these records: pattern(kRecordSize, 1), 2, ...
    void expect_records(std::uint64_t count) {
        auto host = login();
        TapeHost drive(host, 1);
        ASSERT_OK(drive.wait_ready());
        ASSERT_GOOD(drive.rewind());
        for (std::uint64_t record = 1; record <= count; ++record) {
            const auto reply = drive.read(kRecordSize);
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << "record " << record << ": " << reply->text();
            ASSERT_EQ(reply->data, pattern(kRecordSize, record)) << "record " << record;
        }
    }
    /// Every cartridge stands in exactly one element. Gives the type of that of TL0001L9.
    std::uint8_t expect_whole_inventory() {
        auto host = login();
        const auto elements = ChangerHost(host).inventory();
        EXPECT_TRUE(elements.has_value());
        std::multiset<std::string> barcodes;
        std::uint8_t type = 0;
        for (const auto& element : *elements) {
            if (element.full) {
                barcodes.insert(element.barcode);
                type = element.barcode == "TL0001L9" ? element.type : type;
            }
        }
        const std::multiset<std::string> all = {"TL0001L9", "TL0002L9", "TL0003L9", "TL0004L9"};
        EXPECT_EQ(barcodes, all);
        return type;
    }
};

/// Writes records until the session ends; counts those that were answered GOOD.
class Writer {
  public:
    explicit Writer(ScsiHost host) : host_(std::move(host)), thread_([this] { write_all(); }) {}

    void wait_until_it_runs() { running_.acquire(); }
    /// After the session has ended.
    std::uint64_t acknowledged() {
        thread_.join();
        return acknowledged_;
    }

  private:
    void write_all() {
        TapeHost drive(host_, 1);
        for (std::uint64_t record = 1;; ++record) {
            const auto reply = drive.write(pattern(kRecordSize, record));
            if (!reply || !reply->good()) {
                running_.release();
                return;
            }
            acknowledged_ = record;
            if (record == 50) {
                running_.release();
            }
        }
    }

    ScsiHost host_;
    std::uint64_t acknowledged_ = 0;
    std::counting_semaphore<> running_{0};
    std::thread thread_;
};

TEST_F(DaemonStop, AStreamOfWritesEndsCleanlyAndEveryAnsweredRecordIsThere) {
    start();
    auto host = login();
    load(host, "TL0001L9", 0);
    Writer writer(std::move(host));
    writer.wait_until_it_runs();
    expect_clean_end();
    const auto acknowledged = writer.acknowledged();
    EXPECT_GE(acknowledged, 50U);
    restart();
    expect_records(acknowledged);
}

TEST_F(DaemonStop, AMoveIsDoneOrNotAndNothingIsLost) {
    start();
    auto host = login();
    std::counting_semaphore<> running{0};
    std::thread mover([&] {
        ChangerHost changer(host);
        for (int round = 0;; ++round) {
            const auto in = changer.move_to("TL0001L9", 4, static_cast<std::size_t>(round % 2));
            const auto out = in && in->good() ? changer.move_to("TL0001L9", 2, 5) : in;
            if (!out || !out->good()) {
                running.release();
                return;
            }
            if (round == 3) {
                running.release();
            }
        }
    });
    running.acquire();
    expect_clean_end();
    mover.join();
    restart();
    const auto type = expect_whole_inventory();
    EXPECT_TRUE(type == 2 || type == 4) << static_cast<int>(type);
}

TEST_F(DaemonStop, LoginsThatComeAllTheTimeDoNotKeepItAlive) {
    start();
    std::counting_semaphore<> running{0};
    std::thread knocker([&] {
        for (int round = 0;; ++round) {
            const auto host = ScsiHost::login(login_options());
            if (!host) {
                running.release();
                return;
            }
            if (round == 5) {
                running.release();
            }
        }
    });
    running.acquire();
    expect_clean_end();
    knocker.join();
    restart();
    expect_whole_inventory();
}

TEST_F(DaemonStop, ACartridgeWhoseRemovalAHostPreventsIsClosedAllTheSame) {
    start();
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.command({0x1E, 0, 0, 0, 1, 0}));
    for (std::uint64_t record = 1; record <= 3; ++record) {
        ASSERT_GOOD(drive.write(pattern(kRecordSize, record)));
    }
    expect_clean_end();
    restart();
    expect_records(3);
}

TEST_F(DaemonStop, AKillDuringMovesLeavesEveryCartridgeInOnePlaceWithItsIdentity) {
    start();
    std::string serial;
    {
        auto host = login();
        serial = *TapeHost(host, 1).serial();
    }
    for (int kill = 0; kill < 5; ++kill) {
        auto host = login();
        std::atomic<int> moves = 0;
        std::counting_semaphore<> running{0};
        std::thread mover([&] {
            ChangerHost changer(host);
            for (std::size_t round = 0;; ++round) {
                const auto moved =
                    changer.move_to("TL0001L9", round % 2 == 0 ? 4 : 2, round / 2 % 2);
                if (!moved) {
                    running.release();
                    return;
                }
                if (++moves == 2 + kill) {
                    running.release();
                }
            }
        });
        running.acquire();
        daemon_->kill();
        mover.join();
        restart();
        expect_whole_inventory();
    }
    auto host = login();
    EXPECT_EQ(*TapeHost(host, 1).serial(), serial);
    EXPECT_TRUE(std::filesystem::is_socket(directory_.path() / "state" / "admin.sock"));
    expect_clean_end();
}

}  // namespace
}  // namespace tapeloft::tests
