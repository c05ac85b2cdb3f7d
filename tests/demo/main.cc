// The main job end to end, through iSCSI: see scripts/demo, which builds the tree and calls this.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "tests/demo/tree_compare.h"
#include "tests/host/daemon_process.h"
#include "tests/host/tape_host.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kBlockLength = 256 * 1024;
constexpr const char* kTarget = "iqn.2026-11.io.tapeloft:demo";

struct Options {
    fs::path daemon;
    fs::path source;
    fs::path work;
};

struct Transfer {
    std::uint64_t bytes = 0;
    double seconds = 0;

    [[nodiscard]] double megabytes_per_second() const {
        return static_cast<double>(bytes) / 1e6 / seconds;
    }
};

class Stopwatch {
  public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct ClosePipe {
    void operator()(std::FILE* pipe) const noexcept { ::pclose(pipe); }
};
using Pipe = std::unique_ptr<std::FILE, ClosePipe>;

Error refused(const std::string& what, const Reply& reply) {
    return {Errc::io, what + ": " + reply.text()};
}

/// One tape file: the tar stream of one folder in blocks of 256 KiB, then a filemark.
Result<std::uint64_t> write_folder(TapeHost& drive, const fs::path& source,
                                   const std::string& name) {
    const Pipe tar(
        ::popen(("tar -b 512 -C '" + source.string() + "' -cf - '" + name + "'").c_str(), "r"));
    Bytes block(kBlockLength);
    std::uint64_t total = 0;
    for (;;) {
        const auto size = std::fread(block.data(), 1, block.size(), tar.get());
        if (size == 0) {
            break;
        }
        TL_TRY(const auto reply, drive.write(ByteView(block).first(size)));
        if (!reply.good()) {
            return refused("WRITE", reply);
        }
        total += size;
    }
    TL_TRY(const auto mark, drive.write_filemarks(1));
    if (!mark.good()) {
        return refused("WRITE FILEMARKS", mark);
    }
    return total;
}

/// Reads the tape file at the position up to its filemark, into tar.
Result<std::uint64_t> restore_folder(TapeHost& drive, const fs::path& destination) {
    const Pipe tar(::popen(("tar -b 512 -C '" + destination.string() + "' -xpf -").c_str(), "w"));
    std::uint64_t total = 0;
    for (;;) {
        TL_TRY(const auto reply, drive.read(kBlockLength));
        if (reply.is(0, 0x0001)) {
            return total;
        }
        if (!reply.good()) {
            return refused("READ", reply);
        }
        if (std::fwrite(reply.data.data(), 1, reply.data.size(), tar.get()) != reply.data.size()) {
            return Error{Errc::io, "tar does not take what was read"};
        }
        total += reply.data.size();
    }
}

std::vector<std::string> folders_of(const fs::path& source) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(source)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> move(ChangerHost& changer, const std::string& barcode, std::uint8_t type,
                  std::size_t index) {
    TL_TRY(const auto reply, changer.move_to(barcode, type, index));
    if (!reply.good()) {
        return refused("MOVE MEDIUM " + barcode, reply);
    }
    return {};
}

class Demo {
  public:
    explicit Demo(Options options) : options_(std::move(options)) {}

    Result<void> run() {
        TL_CHECK(write_configuration());
        TL_CHECK(back_up());
        TL_CHECK(restore());
        std::printf("\n4. Comparing byte by byte.\n");
        TL_TRY(const auto summary, compare_trees(options_.source, options_.work / "restored"));
        std::printf("   Identical: %llu files with %.1f MB, %llu folders and links.\n",
                    static_cast<unsigned long long>(summary.files),
                    static_cast<double>(summary.bytes) / 1e6,
                    static_cast<unsigned long long>(summary.others));
        print_next_steps();
        return {};
    }

  private:
    Result<void> write_configuration() {
        portal_ = "127.0.0.1:" + std::to_string(free_port());
        std::ofstream config(options_.work / "tapeloft.toml");
        config
            << "state_dir = \"" << (options_.work / "state").string() << "\"\n"
            << "[iscsi]\nlisten = [\"" << portal_ << "\"]\n"
            << "[[library]]\nname = \"demo\"\n"
            << "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0020L9\"\ncapacity = \"100GiB\"\n";
        config.close();
        return config ? Result<void>{} : Error{Errc::io, "cannot write the configuration"};
    }

    Result<DaemonProcess> start_daemon() {
        const Stopwatch stopwatch;
        TL_TRY(auto daemon, DaemonProcess::start(options_.daemon, options_.work / "tapeloft.toml",
                                                 options_.work / "daemon.log"));
        std::printf("   The daemon (process %d) was ready after %.0f ms and listens on %s.\n",
                    static_cast<int>(daemon.pid()), stopwatch.seconds() * 1e3, portal_.c_str());
        return daemon;
    }

    Result<void> back_up() {
        std::printf("1. Starting a library on a throw-away state directory.\n");
        TL_TRY(auto daemon, start_daemon());
        LoginOptions login;
        login.portal = portal_;
        TL_TRY(const auto targets, ScsiHost::discover(login));
        for (const auto& target : targets) {
            std::printf("   Discovery found the target %s.\n", target.name.c_str());
        }
        login.target = kTarget;
        TL_TRY(auto host, ScsiHost::login(login));
        ChangerHost changer(host);
        TL_TRY(const auto elements, changer.inventory());
        const auto drives = std::count_if(elements.begin(), elements.end(),
                                          [](const auto& e) { return e.type == 4; });
        const auto cartridge = std::find_if(elements.begin(), elements.end(),
                                            [](const auto& e) { return e.type == 2 && e.full; });
        if (cartridge == elements.end()) {
            return Error{Errc::not_found, "the library has no cartridge"};
        }
        barcode_ = cartridge->barcode;
        std::printf("   The changer reports %td drives and %zu elements; using cartridge %s.\n",
                    drives, elements.size(), barcode_.c_str());
        TL_CHECK(write_tape(host, changer));
        TL_CHECK(host.logout());
        TL_TRY(const int status, daemon.terminate());
        if (status != 0) {
            return Error{Errc::io, "the daemon ended with status " + std::to_string(status)};
        }
        std::printf("   The daemon was stopped (SIGTERM, exit status 0).\n");
        return {};
    }

    Result<void> write_tape(ScsiHost& host, ChangerHost& changer) {
        std::printf("\n2. Backing up: %s into drive 0, tar streams in 256 KiB blocks.\n",
                    barcode_.c_str());
        TL_CHECK(move(changer, barcode_, 4, 0));
        TapeHost drive(host, 1);
        TL_CHECK(drive.wait_ready());
        const Stopwatch stopwatch;
        Transfer transfer;
        for (const auto& name : folders_of(options_.source)) {
            TL_TRY(const auto bytes, write_folder(drive, options_.source, name));
            transfer.bytes += bytes;
            std::printf("   Tape file %zu: folder '%s', %.1f MB and a filemark (safe on disk).\n",
                        files_++, name.c_str(), static_cast<double>(bytes) / 1e6);
        }
        transfer.seconds = stopwatch.seconds();
        TL_TRY(const auto unloaded, drive.unload());
        if (!unloaded.good()) {
            return refused("UNLOAD", unloaded);
        }
        TL_CHECK(move(changer, barcode_, 2, 0));
        std::printf(
            "   Wrote %.1f MB in %.2f s: %.0f MB/s, tar included. Unloaded, back in its slot.\n",
            static_cast<double>(transfer.bytes) / 1e6, transfer.seconds,
            transfer.megabytes_per_second());
        return {};
    }

    Result<void> restore() {
        std::printf("\n3. Restarting the daemon and restoring from the other drive.\n");
        TL_TRY(auto daemon, start_daemon());
        LoginOptions login;
        login.portal = portal_;
        login.target = kTarget;
        TL_TRY(auto host, ScsiHost::login(login));
        ChangerHost changer(host);
        TL_CHECK(changer.inventory());
        TL_CHECK(move(changer, barcode_, 4, 1));
        TapeHost drive(host, 2);
        TL_CHECK(drive.wait_ready());
        const auto destination = options_.work / "restored";
        fs::create_directory(destination);
        const Stopwatch stopwatch;
        Transfer transfer;
        for (std::size_t file = files_;
             file-- > 0;) {  // the last one first: LOCATE finds each by its number
            TL_TRY(const auto located, drive.locate_file(file));
            if (!located.good()) {
                return refused("LOCATE", located);
            }
            TL_TRY(const auto bytes, restore_folder(drive, destination));
            transfer.bytes += bytes;
        }
        transfer.seconds = stopwatch.seconds();
        std::printf("   Read %.1f MB in %.2f s: %.0f MB/s, tar included.\n",
                    static_cast<double>(transfer.bytes) / 1e6, transfer.seconds,
                    transfer.megabytes_per_second());
        TL_CHECK(host.logout());
        TL_TRY(const int status, daemon.terminate());
        return status == 0 ? Result<void>{} : Error{Errc::io, "the daemon did not end cleanly"};
    }

    static void print_next_steps() {
        std::printf(
            "\nTo attach Proxmox Backup Server (the daemon on the same machine):\n"
            "   tapeloftd                                     # serves "
            "iqn.2026-11.io.tapeloft:default\n"
            "   apt install open-iscsi\n"
            "   iscsiadm -m discovery -t sendtargets -p 127.0.0.1\n"
            "   iscsiadm -m node -T iqn.2026-11.io.tapeloft:default --login\n"
            "   proxmox-tape changer scan; proxmox-tape drive scan\n"
            "   proxmox-tape changer create tapeloft --path /dev/tape/by-id/scsi-<changer serial>\n"
            "   proxmox-tape drive create drive0 --path /dev/tape/by-id/scsi-<drive serial>-sg \\\n"
            "       --changer tapeloft --changer-drivenum 0\n"
            "   proxmox-tape barcode-label --drive drive0 --pool <media pool>\n");
    }

    Options options_;
    std::string portal_;
    std::string barcode_;
    std::size_t files_ = 0;
};

}  // namespace
}  // namespace tapeloft::tests

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s DAEMON SOURCE_TREE WORK_DIRECTORY\n", argv[0]);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    tapeloft::tests::Options options;
    options.daemon = argv[1];
    options.source = argv[2];
    options.work = argv[3];
    const auto done = tapeloft::tests::Demo(std::move(options)).run();
    if (!done) {
        std::fprintf(stderr, "The demo failed: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
