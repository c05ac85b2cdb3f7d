// The drive under several threads, as the daemon runs it; meant for the thread sanitizer.
#include <atomic>
#include <thread>

#include <boost/asio/strand.hpp>

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class Threads : public DriveFixture {
  protected:
    static constexpr unsigned kCommands = 200;

    Awaitable<void> commands(scsi::ItNexusId nexus, std::uint8_t opcode) {
        for (unsigned i = 0; i < kCommands; ++i) {
            scsi::Task task;
            task.it_nexus = nexus;
            task.tag = i + opcode * 1000U;
            task.cdb[0] = opcode;
            task.cdb[4] = 32;
            if (opcode == 0x4D) {
                task.cdb = {0x4D, 0, 0x51, 0, 0, 0, 0, 0, 255};
            }
            task.data_out = Buffer::zeroed(32);
            const Completion got = co_await drive.execute(std::move(task));
            answered_ += got.status == scsi::Status::good || got.sense ? 1U : 0U;
        }
    }
    Awaitable<void> changer() {
        for (unsigned i = 0; i < 50; ++i) {
            auto removed = co_await drive.remove();
            if (removed) {
                Medium again = medium();
                const auto back = co_await drive.insert(std::move(removed->tape), std::move(again));
                returned_ += back ? 1U : 0U;
            }
            co_await drive.sync_when_idle();
            const DriveStatus status = co_await drive.status();
            moves_ += status.name == "drive0" ? 1U : 0U;
        }
    }

    std::atomic<unsigned> answered_ = 0;
    std::atomic<unsigned> returned_ = 0;
    std::atomic<unsigned> moves_ = 0;
};

TEST_F(Threads, TasksMovesAndSnapshotsFromManyThreadsAllEnd) {
    load();
    for (const std::uint8_t opcode : std::to_array<std::uint8_t>({0x0A, 0x10, 0x01, 0x4D, 0x03})) {
        for (const auto nexus : {host.id(), other.id()}) {
            boost::asio::co_spawn(strand, commands(nexus, opcode), boost::asio::detached);
        }
    }
    boost::asio::co_spawn(boost::asio::make_strand(io), changer(), boost::asio::detached);
    io.restart();
    std::thread second([this] { io.run(); });
    io.run();
    second.join();
    EXPECT_EQ(answered_, 10 * kCommands);
    EXPECT_EQ(returned_, 50U);
    EXPECT_EQ(moves_, 50U);
    EXPECT_FALSE(tape->destroyed);
}

}  // namespace
}  // namespace tapeloft::vtl::drive
