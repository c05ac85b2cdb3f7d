// What the archive costs: writing until everything is stored, writing what is known, reading back;
// beside what the machine does with the same bytes. See README.md.
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "tests/bench/bench_library.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kPiece = 4UL * 1024 * 1024;

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

    Library library(directory.path(), "file://" + (directory.path() / "store").string());
    const auto first = library.cartridge("TL0001L9");
    const auto stored = library.write(first, bytes);
    row("written (buffered), unique data", size, library.written_seconds(), 0);
    row("... until stored; ratio to the slower of copy and crypto", size, stored, slower);
    std::array<double, 3> again{};
    for (std::size_t i = 0; i < again.size(); ++i) {
        again[i] = library.write(library.cartridge("TL000" + std::to_string(2 + i) + "L9"), bytes);
    }
    std::sort(again.begin(), again.end());
    row("the same data again, until stored, median of 3; to SHA-256", size, again[1],
        rate_of(size, hashing));
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
    tapeloft::media::set_up_memory();
    const auto mib = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kDefaultMib;
    if (mib < 16 || mib % 4 != 0) {
        std::fprintf(stderr, "usage: archive_bench [MIB]   (16 or more, a multiple of 4)\n");
        return 2;
    }
    return tapeloft::media::run(mib);
}
