// What the archive costs: writing until everything is stored, writing what is known, reading back;
// beside what the machine does with the same bytes. See README.md.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "cloud/base/call_on.h"
#include "cloud/base/event_log.h"
#include "cloud/store/file_store.h"

#include "media/archive/archive.h"
#include "media/cartridge/cartridge.h"
#include "media/catalog/catalog.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRecord = 256UL * 1024;
constexpr std::size_t kPiece = 4UL * 1024 * 1024;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "archive_bench: %s\n", result.error().message.c_str());
        std::exit(1);
    }
    return std::move(result).value();
}

void must(const Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "archive_bench: %s\n", result.error().message.c_str());
        std::exit(1);
    }
}

Buffer random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto bytes = Buffer::allocate(size);
    auto view = bytes.mutable_view();
    for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
        const auto word = random();
        std::memcpy(view.data() + i, &word, sizeof(word));
    }
    return bytes;
}

void row(const char* what, std::size_t bytes, double seconds, double against) {
    const auto rate = static_cast<double>(bytes) / 1e6 / seconds;
    std::printf("%-58s %8.0f MB/s", what, rate);
    if (against > 0) {
        std::printf("   %.2f", rate / against);
    }
    std::printf("\n");
    std::fflush(stdout);
}

double rate_of(std::size_t bytes, double seconds) {
    return static_cast<double>(bytes) / 1e6 / seconds;
}

/// The bytes into a file, then fsync.
double copy_with_fsync(const std::filesystem::path& file, ByteView bytes) {
    const auto start = Clock::now();
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
        const auto piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
        if (::write(out, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) {
            std::perror("write");
            std::exit(1);
        }
    }
    ::fsync(out);
    ::close(out);
    const auto seconds = seconds_since(start);
    std::filesystem::remove(file);
    return seconds;
}

void on_threads(unsigned count, std::size_t pieces, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < count; ++i) {
        threads.emplace_back([&] {
            for (auto piece = next++; piece < pieces; piece = next++) {
                work(piece);
            }
        });
    }
}

/// SHA-256, and AES-256-GCM where it is asked for, of all bytes.
double hash(ByteView bytes, bool and_seal, unsigned threads) {
    const SecretKey key(Bytes(SecretKey::kSize, 1));
    const auto start = Clock::now();
    on_threads(threads, bytes.size() / kPiece, [&](std::size_t i) {
        const auto piece = bytes.subspan(i * kPiece, kPiece);
        std::array<std::uint8_t, 32> digest{};
        unsigned length = 0;
        EVP_Digest(piece.data(), piece.size(), digest.data(), &length, EVP_sha256(), nullptr);
        if (and_seal) {
            Bytes sealed(piece.size() + kSealTagSize);
            Nonce nonce{};
            std::memcpy(nonce.data(), &i, sizeof(i));
            seal(key, nonce, {}, piece, sealed);
        }
    });
    return seconds_since(start);
}

/// Every pack read and opened in pieces: `cat` through AES-256-GCM.
double cat_packs(const std::filesystem::path& store, unsigned threads, std::size_t& bytes) {
    bytes = 0;
    std::vector<std::filesystem::path> packs;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store / "packs")) {
        if (entry.is_regular_file()) {
            packs.push_back(entry.path());
            bytes += entry.file_size();
        }
    }
    const SecretKey key(Bytes(SecretKey::kSize, 1));
    const auto start = Clock::now();
    on_threads(threads, packs.size(), [&](std::size_t i) {
        const int in = ::open(packs[i].c_str(), O_RDONLY | O_CLOEXEC);
        Bytes piece(kPiece);
        Bytes plain(kPiece);
        for (ssize_t size = 0; (size = ::read(in, piece.data(), piece.size())) > 0;) {
            if (static_cast<std::size_t>(size) > kSealTagSize) {
                const auto got = static_cast<std::size_t>(size);
                static_cast<void>(open(key, Nonce{}, {}, ByteView(piece).first(got),
                                       MutableByteView(plain).first(got - kSealTagSize)));
            }
        }
        ::close(in);
    });
    return seconds_since(start);
}

class Library {
  public:
    explicit Library(const std::filesystem::path& directory)
        : directory_(directory), keys_(SecretKey(Bytes(SecretKey::kSize, 7)), RepositoryId{1}) {
        spdlog::set_level(spdlog::level::off);
        catalog_ = must(Catalog::open(directory_ / "catalog.sqlite"));
        std::filesystem::create_directories(directory_ / "spool");
        store_ = must(FileStore::open(directory_ / "store", disk_.get_executor()));
        ArchiveSettings settings;
        settings.library = "default";
        archive_ = std::make_unique<Archive>(
            settings, keys_,
            ArchiveSurroundings{*store_, catalog_->archive(), cpu_.get_executor(),
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
        return {directory_ / "spool", *catalog_, disk_.get_executor(), events_, budget_,
                posix_file_system(),  {},        archive_.get()};
    }

    std::filesystem::path directory_;
    EventLog events_;
    KeyRing keys_;
    SpoolBudget budget_;
    std::unique_ptr<Catalog> catalog_;
    boost::asio::thread_pool serving_{1};
    boost::asio::thread_pool cpu_{std::max(std::thread::hardware_concurrency(), 1U)};
    boost::asio::thread_pool disk_{4};
    std::unique_ptr<ObjectStore> store_;
    std::unique_ptr<Archive> archive_;
    std::uint32_t slots_ = 0;
    double written_seconds_ = 0;
};

int run(std::size_t mib) {
    const tests::TemporaryDirectory directory;
    const auto bytes = random_bytes(mib * 1024 * 1024, 1);
    const auto size = bytes.size();
    std::printf("%zu MiB of random bytes in records of 256 KiB, in %s\n\n", mib,
                directory.path().c_str());
    const auto copy = copy_with_fsync(directory.path() / "copy", bytes.view());
    const auto processors = std::max(std::thread::hardware_concurrency(), 1U);
    const auto crypto = hash(bytes.view(), true, processors);
    const auto hashing = hash(bytes.view(), false, 1);
    row("copy with fsync", size, copy, 0);
    row("SHA-256 and AES-256-GCM, all processors", size, crypto, 0);
    row("SHA-256, one thread", size, hashing, 0);
    const auto slower = std::min(rate_of(size, copy), rate_of(size, crypto));

    Library library(directory.path());
    const auto first = library.cartridge("TL0001L9");
    const auto stored = library.write(first, bytes);
    row("written (buffered), unique data", size, library.written_seconds(), 0);
    row("... until stored; ratio to the slower of copy and crypto", size, stored, slower);
    const auto second = library.cartridge("TL0002L9");
    const auto again = library.write(second, bytes);
    row("the same data again, until stored; ratio to SHA-256", size, again, rate_of(size, hashing));
    std::size_t packed = 0;
    const auto cat = cat_packs(directory.path() / "store", 1, packed);
    const auto cats = cat_packs(directory.path() / "store", processors, packed);
    row("packs through AES-256-GCM, one thread", packed, cat, 0);
    row("packs through AES-256-GCM, all processors", packed, cats, 0);
    const auto read = library.read(first, size);
    row("read from the store; ratio to the packs in one thread", size, read, rate_of(packed, cat));
    return 0;
}

}  // namespace
}  // namespace tapeloft::media

int main(int argc, char** argv) {
    constexpr std::size_t kDefaultMib = 2048;
    constexpr int kThreshold = 64 * 1024 * 1024;  // as the daemon does: vtl/daemon/main.cc
    ::mallopt(M_MMAP_THRESHOLD, kThreshold);
    ::mallopt(M_TRIM_THRESHOLD, kThreshold);
    ::mallopt(M_ARENA_MAX, 1);
    const auto mib = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kDefaultMib;
    if (mib < 16 || mib % 4 != 0) {
        std::fprintf(stderr, "usage: archive_bench [MIB]   (16 or more, a multiple of 4)\n");
        return 2;
    }
    return tapeloft::media::run(mib);
}
