// Restoring a backup of Proxmox Backup Server, beside what its chunks cost alone: decompression and
// SHA-256. See README.md.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <sys/wait.h>
#include <zstd.h>

#include "media/pbs/block_format.h"
#include "media/pbs/pxar/restorer.h"
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/open_snapshot.h"

#include "tests/host/daemon_process.h"
#include "tests/host/tape_host.h"
#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kSnapshot = "host/bench/2024-06-05T07:04:24Z";
constexpr const char* kArchive = "root.pxar.didx";
constexpr const char* kBarcode = "TL0001L9";
constexpr std::size_t kChunkMin = 1UL << 20U;  // bytes; average 4 MiB, as clients cut them
constexpr std::size_t kChunkMax = 7UL << 20U;
constexpr std::size_t kBlobHeader = 12;
constexpr int kRounds = 3;  // of each, the best one counts

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "pbs_bench: %s\n", what.c_str());
    std::exit(1);
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        fail(result.error().message);
    }
    return std::move(result).value();
}

void must(const Result<void>& result) {
    if (!result) {
        fail(result.error().message);
    }
}

double seconds_of(const std::function<void()>& work) {
    const auto start = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Words, of which there are few, or anything.
Bytes content(std::mt19937_64& random, std::size_t size, bool is_text) {
    Bytes bytes;
    bytes.reserve(size + 16);
    while (bytes.size() < size) {
        const auto word = random();
        if (is_text) {
            char text[24];
            const auto length = std::snprintf(text, sizeof text, "%llu ",
                                              static_cast<unsigned long long>(word % 50'000));
            bytes.insert(bytes.end(), text, text + length);
        } else {
            const auto* const at = reinterpret_cast<const std::uint8_t*>(&word);  // NOLINT: bytes
            bytes.insert(bytes.end(), at, at + sizeof word);
        }
    }
    bytes.resize(size);
    return bytes;
}

/// Files of 1 KiB to 64 MiB, most of them short, most of the bytes in long ones; half of the bytes
/// are text.
TestNode tree(std::size_t size) {
    std::mt19937_64 random(20'240'605);
    std::uniform_real_distribution<double> power(10, 26);
    TestNode root = directory_node("");
    std::size_t done = 0;
    while (done < size) {
        auto folder = directory_node("folder" + std::to_string(root.children.size()));
        for (int file = 0; file < 100 && done < size; ++file) {
            const auto length =
                std::min(size - done, static_cast<std::size_t>(std::exp2(power(random))));
            auto node = file_node("file" + std::to_string(file), "");
            node.content = content(random, length, file % 2 == 0);
            node.attributes.mode = 0644;
            done += length;
            folder.children.push_back(std::move(node));
        }
        folder.attributes.mode = 0755;
        root.children.push_back(std::move(folder));
    }
    root.attributes.mode = 0755;
    return root;
}

std::vector<MadeChunk> chunks_of(ByteView archive) {
    std::mt19937_64 random(7);
    std::vector<MadeChunk> chunks;
    while (!archive.empty()) {
        const auto size = std::min(archive.size(), kChunkMin + random() % (kChunkMax - kChunkMin));
        const auto piece = archive.first(size);
        const Bytes data(piece.begin(), piece.end());
        auto chunk = make_chunk(data, MadeEncoding::zstd);
        if (chunk.blob.size() > data.size() + kBlobHeader) {
            chunk = make_chunk(data, MadeEncoding::plain);  // as the client does it
        }
        chunks.push_back(std::move(chunk));
        archive = archive.subspan(size);
    }
    return chunks;
}

/// Decompression and SHA-256 of all chunks, and nothing else; seconds.
double alone(const std::vector<MadeChunk>& chunks, unsigned threads) {
    std::atomic<std::size_t> next = 0;
    return seconds_of([&] {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < threads; ++i) {
            workers.emplace_back([&] {
                auto* const context = ZSTD_createDCtx();
                Bytes data(kChunkMax);
                for (auto number = next++; number < chunks.size(); number = next++) {
                    const auto& chunk = chunks[number];
                    const auto body = ByteView(chunk.blob).subspan(kBlobHeader);
                    const bool plain = body.size() == chunk.data.size();
                    if (!plain &&
                        ZSTD_isError(ZSTD_decompressDCtx(context, data.data(), data.size(),
                                                         body.data(), body.size())) != 0) {
                        fail("a chunk that cannot be decompressed");
                    }
                    PbsDigest digest{};
                    EVP_Digest(plain ? body.data() : data.data(), chunk.data.size(), digest.data(),
                               nullptr, EVP_sha256(), nullptr);
                    if (digest != chunk.digest) {
                        fail("a chunk with another digest");
                    }
                }
                ZSTD_freeDCtx(context);
            });
        }
    });
}

struct Baseline {
    std::size_t bytes = 0;
    double one = 0;  ///< seconds, on one thread
    double all = 0;  ///< on all processors
};

void row(const char* what, const Baseline& base, double seconds) {
    const auto rate = static_cast<double>(base.bytes) / 1e6 / seconds;
    std::printf("%-56s %8.0f %10.2f %10.2f\n", what, rate, base.one / seconds, base.all / seconds);
    std::fflush(stdout);
}

Collection scanned(const TapeMaker& tape) {
    return must(run(Collection::scan(media_of({tape.tape()}), {})));
}

/// Through media/pbs: the archive read from front to back, or its files restored into a folder.
double directly(const TapeMaker& tape, unsigned threads, const fs::path& folder) {
    const auto collection = scanned(tape);
    boost::asio::thread_pool pool(std::max(1U, threads));
    const auto& snapshot = collection.snapshots().at(0);
    auto opened = must(run(OpenSnapshot::open(collection, snapshot, snapshot.copies.at(0))));
    ChunkReader chunks(collection, 0, snapshot.store, nullptr);
    if (threads > 0) {
        chunks.decode_on(pool.get_executor());
    }
    ArchiveSource source(must(run(opened.index(kArchive))), false, chunks);
    return seconds_of([&] {
        if (folder.empty()) {
            Bytes piece(1UL << 20U);
            for (std::uint64_t at = 0; at < source.size(); at += piece.size()) {
                const auto size = std::min<std::uint64_t>(piece.size(), source.size() - at);
                must(run(source.read(at, MutableByteView(piece).first(size))));
            }
            return;
        }
        PxarReader reader(source);
        must(run(reader.open()));
        fs::create_directories(folder);
        Restorer restorer(reader, must(PathSelection::make({})), folder);
        must(run(restorer.run()));
        if (restorer.report().failed != 0) {
            fail("not everything was restored");
        }
    });
}

/// The tape in a library of a daemon, stored, and no longer in its spool.
class Library {
  public:
    Library(const std::string& daemon, std::string client) : client_(std::move(client)) {
        const auto portal = "127.0.0.1:" + std::to_string(tests::free_port());
        std::ofstream(path("tapeloft.toml"))
            << "state_dir = \"" << path("state").string() << "\"\n[iscsi]\nlisten = [\"" << portal
            << "\"]\n[[library]]\nname = \"bench\"\nstore = \"file://" << path("store").string()
            << "\"\n[[library.cartridges]]\nbarcodes = \"" << kBarcode << "\"\n";
        daemon_.emplace(
            must(tests::DaemonProcess::start(daemon, path("tapeloft.toml"), path("daemon.log"))));
        tests::LoginOptions options;
        options.portal = portal;
        options.target = "iqn.2026-11.io.tapeloft:bench";
        host_.emplace(must(tests::ScsiHost::login(options)));
        for (int lun = 0; lun <= 1; ++lun) {
            (void)tests::TapeHost(*host_, lun).test_unit_ready();
        }
    }

    void write(const MemoryTape& tape) {
        good(tests::ChangerHost(*host_).move_to(kBarcode, 4, 0));
        tests::TapeHost drive(*host_, 1);
        must(drive.wait_ready());
        for (const auto& file : tape.files) {
            for (const auto& record : file.records) {
                good(drive.write(record));
            }
            good(drive.write_filemarks(1, true));
        }
        good(drive.write_filemarks(0));
        good(drive.unload());
        good(tests::ChangerHost(*host_).move_to(kBarcode, 2, 0));
        while (local_only() != 0) {
            std::this_thread::yield();
        }
    }

    /// Seconds of the command, with all that it does.
    [[nodiscard]] double restore(const std::string& to) const {
        return seconds_of([&] {
            command("pbs restore " + std::string(kSnapshot) + ":root.pxar " + to, "/dev/null");
        });
    }

  private:
    [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }
    static void good(Result<tests::Reply> reply) {
        const auto answer = must(std::move(reply));
        if (!answer.good()) {
            fail(answer.text());
        }
    }
    void command(const std::string& arguments, const fs::path& answer) const {
        const auto line = client_ + " --socket=" + (path("state") / "admin.sock").string() + " " +
                          arguments + " >" + answer.string();
        if (std::system(line.c_str()) != 0) {  // NOLINT: our own program and words
            fail(line);
        }
    }
    [[nodiscard]] std::uint64_t local_only() const {
        command("--json status", path("answer"));
        std::ifstream in(path("answer"));
        return nlohmann::json::parse(in).at("libraries").at(0).at("archive").at("local_only");
    }

    tests::TemporaryDirectory directory_;
    const std::string client_;
    std::optional<tests::DaemonProcess> daemon_;
    std::optional<tests::ScsiHost> host_;
};

double best_of(const std::function<double()>& once) {
    auto seconds = once();
    for (int round = 1; round < kRounds; ++round) {
        seconds = std::min(seconds, once());
    }
    return seconds;
}

/// The backup on a tape, and its chunks alone.
Baseline prepare(TapeMaker& tape, std::size_t mib, unsigned threads) {
    const auto archive = encode_pxar(tree(mib << 20U)).archive;
    const auto chunks = chunks_of(archive);
    std::size_t blobs = 0;
    for (const auto& chunk : chunks) {
        blobs += chunk.blob.size();
    }
    tape.chunk_archive("store", chunks);
    tape.snapshot("store", kSnapshot, {make_dynamic_index(kArchive, chunks)});
    tape.catalog(tape);
    std::printf("%zu MB in %zu chunks, %.2f of it after compression; %u processors\n",
                archive.size() / 1'000'000, chunks.size(),
                static_cast<double>(blobs) / static_cast<double>(archive.size()), threads);
    return {archive.size(), best_of([&] { return alone(chunks, 1); }),
            best_of([&] { return alone(chunks, threads); })};
}

int run_all(const std::string& daemon, const std::string& client, std::size_t mib) {
    ::mallopt(M_MMAP_THRESHOLD, 1 << 30U);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30U);
    const auto threads = std::max(1U, std::thread::hardware_concurrency());
    TapeMaker tape(kBarcode, 1, TapeMaker::uuid(9), 0);
    const auto base = prepare(tape, mib, threads);
    const tests::TemporaryDirectory target;
    const auto folder = target.path() / "restored";
    const auto into_folder = [&](const std::function<double()>& once) {
        return best_of([&] {
            fs::remove_all(folder);
            return once();
        });
    };
    std::printf("%-56s %8s %10s %10s\n", "", "MB/s", "of one", "of all");
    row("zstd and SHA-256 alone, one thread", base, base.one);
    row("zstd and SHA-256 alone, all processors", base, base.all);
    row("media/pbs, read, no pool", base, best_of([&] { return directly(tape, 0, {}); }));
    row("media/pbs, read, pool", base, best_of([&] { return directly(tape, threads, {}); }));
    row("media/pbs, files into a folder, no pool", base,
        into_folder([&] { return directly(tape, 0, folder); }));
    row("media/pbs, files into a folder, pool", base,
        into_folder([&] { return directly(tape, threads, folder); }));
    Library library(daemon, client);
    library.write(*tape.tape());
    row("tapeloft pbs restore, to standard output", base,
        best_of([&] { return library.restore("--as-tar"); }));
    row("tapeloft pbs restore, into a folder", base,
        into_folder([&] { return library.restore("--to=" + folder.string()); }));
    return 0;
}

}  // namespace
}  // namespace tapeloft::media

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        std::fprintf(stderr, "usage: pbs_bench TAPELOFTD TAPELOFT [MIB]\n");
        return 2;
    }
    const auto mib = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1024UL;
    return tapeloft::media::run_all(argv[1], argv[2], mib);
}
