// One drive, one outstanding 256 KiB WRITE(6) or READ(6) at a time over loopback, beside a bare TCP
// ping-pong with the same bytes and beside the disk, in turns in one run. Usage: loopback_bench
// TAPELOFTD [ROUNDS [MIB]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/daemon_process.h"
#include "tests/host/tape_host.h"
#include "tests/temporary_directory.h"
#include "tests/vtl/net/raw_initiator.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kRecord = 256 * 1024;
constexpr std::size_t kHeader = 48;  // a basic header segment each way

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

template <typename T>
T need(Result<T> result) {
    if (!result) {
        fail(result.error().message);
    }
    return std::move(*result);
}

void need_good(const Result<Reply>& reply) {
    if (!reply || !reply->good()) {
        fail(reply ? reply->text() : reply.error().message);
    }
}

void transfer_all(int socket, MutableByteView bytes,
                  ssize_t (*move)(int, void*, std::size_t, int)) {
    while (!bytes.empty()) {
        const auto moved = move(socket, bytes.data(), bytes.size(), 0);
        if (moved <= 0) {
            std::_Exit(0);  // the other side is done
        }
        bytes = bytes.subspan(static_cast<std::size_t>(moved));
    }
}
void send_all(int socket, MutableByteView bytes) {
    transfer_all(socket, bytes, [](int s, void* data, std::size_t size, int flags) {
        return ::send(s, data, size, flags | MSG_NOSIGNAL);
    });
}
void receive_all(int socket, MutableByteView bytes) {
    transfer_all(socket, bytes, ::recv);
}

double megabytes_per_second(std::size_t count, const std::function<void()>& once) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
        once();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return static_cast<double>(count * kRecord) / 1e6 / elapsed.count();
}

/// A peer process that takes `request` bytes and answers `response` bytes, for ever.
class PingPong {
  public:
    /// apart: its two ends on two processors, as two hosts are; else where the kernel puts them.
    PingPong(std::size_t request, std::size_t response, bool apart)
        : request_(request), response_(response), apart_(apart) {
        const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);  // NOLINT: sockets API
        if (::bind(listener, generic, length) != 0 || ::listen(listener, 1) != 0 ||
            ::getsockname(listener, generic, &length) != 0) {
            fail("ping-pong listener");
        }
        child_ = ::fork();
        if (child_ == 0) {
            const int peer = ::accept(listener, nullptr, nullptr);
            set_no_delay(peer);
            if (apart_) {
                run_on_processors({1});
            }
            for (;;) {
                receive_all(peer, request_);
                send_all(peer, response_);
            }
        }
        socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(socket_, generic, length) != 0) {
            fail("ping-pong connect");
        }
        set_no_delay(socket_);
        ::close(listener);
    }
    PingPong(const PingPong&) = delete;
    PingPong& operator=(const PingPong&) = delete;
    ~PingPong() {
        ::close(socket_);
        ::waitpid(child_, nullptr, 0);
    }
    double megabytes_per_second(std::size_t count) {
        cpu_set_t before;
        CPU_ZERO(&before);
        (void)::sched_getaffinity(0, sizeof before, &before);
        if (apart_) {
            run_on_processors({0});
        }
        const auto figure = tests::megabytes_per_second(count, [this] { once(); });
        (void)::sched_setaffinity(0, sizeof before, &before);
        return figure;
    }

  private:
    static void run_on_processors(std::initializer_list<std::size_t> processors) {
        cpu_set_t set;
        CPU_ZERO(&set);
        for (const auto processor : processors) {
            CPU_SET(processor, &set);
        }
        (void)::sched_setaffinity(0, sizeof set, &set);  // refused: the kernel's own choice
    }
    void once() {
        send_all(socket_, request_);
        receive_all(socket_, response_);
    }

    static void set_no_delay(int socket) {
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    Bytes request_;
    Bytes response_;
    bool apart_;
    int socket_ = -1;
    pid_t child_ = -1;
};

/// The same drive over a session on a bare socket: one send and as many receives as it takes.
class RawDrive {
  public:
    RawDrive(const std::string& portal, const std::string& target) {
        const auto port = std::strtoul(portal.substr(portal.find(':') + 1).c_str(), nullptr, 10);
        const vtl::net::RawInitiator::Keys keys = {
            {"InitiatorName", "iqn.2026-11.io.tapeloft.tests:bench"},
            {"TargetName", target},
            {"SessionType", "Normal"},
            {"InitialR2T", "No"},
            {"ImmediateData", "Yes"},
            {"MaxRecvDataSegmentLength", "1048576"},
            {"FirstBurstLength", "1048576"},
            {"MaxBurstLength", "1048576"}};
        if (!initiator_.connect(static_cast<std::uint16_t>(port)) || initiator_.login(keys) != 0) {
            fail("raw login");
        }
        vtl::net::RawInitiator::Command test_unit_ready;
        test_unit_ready.lun = kLun;
        (void)initiator_.command(test_unit_ready);  // takes the unit attention
    }
    void write(ByteView record) {
        auto command = transfer(0x0A);
        command.data_out = record;
        need_good(command);
    }
    void read(MutableByteView record) {
        auto command = transfer(0x08);
        command.data_in = record;
        need_good(command);
    }

  private:
    static constexpr std::uint64_t kLun = 1ULL << 48U;  // LUN 1, peripheral device addressing

    static vtl::net::RawInitiator::Command transfer(std::uint8_t opcode) {
        vtl::net::RawInitiator::Command command;
        command.lun = kLun;
        command.cdb = {opcode, 0, kRecord >> 16U, 0, 0, 0};
        return command;
    }
    void need_good(const vtl::net::RawInitiator::Command& command) {
        const auto reply = initiator_.command(command);
        if (!reply || reply->status != 0) {
            fail("raw command");
        }
    }

    vtl::net::RawInitiator initiator_;
};

/// The same records into the files of a directory by one thread, which starts the write-out of each
/// 64 MiB as the spool does: what the disk can take, without a network.
class Disk {
  public:
    explicit Disk(const std::filesystem::path& file)
        : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT, 0600)) {
        if (descriptor_ < 0) {
            fail("cannot create " + file.string());
        }
    }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    ~Disk() { ::close(descriptor_); }

    void rewind() { offset_ = 0; }
    /// Returns when nothing is on its way to the disk any more.
    void settle() { ::fdatasync(descriptor_); }
    void write(ByteView record) {
        constexpr off_t kSegment = 64 * 1024 * 1024;
        const auto written = ::pwrite(descriptor_, record.data(), record.size(), offset_);
        if (written != static_cast<ssize_t>(record.size())) {
            fail("cannot write to the disk");
        }
        offset_ += written;
        if (offset_ % kSegment == 0) {
            ::sync_file_range(descriptor_, offset_ - kSegment, kSegment, SYNC_FILE_RANGE_WRITE);
        }
    }

  private:
    int descriptor_;
    off_t offset_ = 0;
};

/// Returns when the daemon has nothing left to do: what was written before is stored.
void come_to_rest(pid_t daemon) {
    const auto ticks = [daemon] {
        std::ifstream file("/proc/" + std::to_string(daemon) + "/stat");
        std::string word;
        long user = 0;
        long system = 0;
        constexpr int kBeforeUserTime = 13;  // proc(5)
        for (int i = 0; i < kBeforeUserTime; ++i) {
            file >> word;
        }
        file >> user >> system;
        return user + system;
    };
    constexpr int kPause_ms = 300;
    for (long before = -1, now = ticks(); now != before;) {
        before = now;
        ::poll(nullptr, 0, kPause_ms);
        now = ticks();
    }
}

struct Row {
    double bare = 0;
    double apart = 0;
    double disk = 0;  ///< of a WRITE
    double libiscsi = 0;
    double raw = 0;
};

void print(const char* what, std::vector<Row> rows) {
    const auto median = [&](auto figure) {
        std::vector<double> values;
        for (const auto& row : rows) {
            values.push_back(figure(row));
        }
        std::sort(values.begin(), values.end());
        return values[values.size() / 2];
    };
    std::printf("%s, MB/s: bare TCP %.0f, on two processors %.0f\n", what,
                median([](const Row& row) { return row.bare; }),
                median([](const Row& row) { return row.apart; }));
    const auto disk = median([](const Row& row) { return row.disk; });
    if (disk != 0) {
        std::printf("  the disk by itself    %.0f, tape by libiscsi over it %.2f\n", disk,
                    median([](const Row& row) { return row.libiscsi / row.disk; }));
    }
    std::printf("  tape by a bare socket %.0f, ratios %.2f and %.2f\n",
                median([](const Row& row) { return row.raw; }),
                median([](const Row& row) { return row.raw / row.bare; }),
                median([](const Row& row) { return row.raw / row.apart; }));
    std::printf("  tape by libiscsi      %.0f, ratios %.2f and %.2f\n",
                median([](const Row& row) { return row.libiscsi; }),
                median([](const Row& row) { return row.libiscsi / row.bare; }),
                median([](const Row& row) { return row.libiscsi / row.apart; }));
}

int run(const std::string& program, std::size_t rounds, std::size_t mebibytes) {
    const TemporaryDirectory directory;
    const auto portal = "127.0.0.1:" + std::to_string(free_port());
    std::ofstream(directory.path() / "tapeloft.toml")
        << "state_dir = \"" << (directory.path() / "state").string() << "\"\n[iscsi]\nlisten = [\""
        << portal << "\"]\n";
    auto daemon = need(DaemonProcess::start(program, directory.path() / "tapeloft.toml",
                                            directory.path() / "log"));
    LoginOptions login;
    login.portal = portal;
    login.target = "iqn.2026-11.io.tapeloft:default";
    auto host = need(ScsiHost::login(login));
    ChangerHost changer(host);
    need_good(changer.move_to("TL0001L9", 4, 0));
    TapeHost drive(host, 1);
    if (!drive.wait_ready()) {
        fail("the drive does not become ready");
    }
    PingPong write_peer(kHeader + kRecord, kHeader, false);
    PingPong write_peer_apart(kHeader + kRecord, kHeader, true);
    PingPong read_peer(kHeader, kHeader + kRecord, false);
    PingPong read_peer_apart(kHeader, kHeader + kRecord, true);
    Bytes record(kRecord);
    for (std::size_t i = 0; i < record.size(); ++i) {
        record[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13U);
    }
    const auto count = mebibytes * 4;
    RawDrive raw(portal, login.target);
    Disk disk(directory.path() / "disk");
    std::vector<Row> writes;
    std::vector<Row> reads;
    for (std::size_t round = 0; round < rounds; ++round) {
        come_to_rest(daemon.pid());
        Row write;
        write.bare = write_peer.megabytes_per_second(count);
        write.apart = write_peer_apart.megabytes_per_second(count);
        disk.rewind();
        write.disk = megabytes_per_second(count, [&] { disk.write(record); });
        disk.settle();
        need_good(drive.rewind());
        write.libiscsi = megabytes_per_second(count, [&] { need_good(drive.write(record)); });
        need_good(drive.rewind());
        write.raw = megabytes_per_second(count, [&] { raw.write(record); });
        come_to_rest(daemon.pid());
        Row read;
        read.bare = read_peer.megabytes_per_second(count);
        read.apart = read_peer_apart.megabytes_per_second(count);
        need_good(drive.rewind());
        read.libiscsi = megabytes_per_second(count, [&] { need_good(drive.read_into(record)); });
        need_good(drive.rewind());
        read.raw = megabytes_per_second(count, [&] { raw.read(record); });
        if (round > 0 || rounds == 1) {  // the first one warms up
            writes.push_back(write);
            reads.push_back(read);
        }
    }
    print("WRITE", std::move(writes));
    print("READ", std::move(reads));
    return 0;
}

}  // namespace
}  // namespace tapeloft::tests

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s TAPELOFTD [ROUNDS [MIB]]\n", argv[0]);
        return 2;
    }
    return tapeloft::tests::run(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 6,
                                argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 512);
}
