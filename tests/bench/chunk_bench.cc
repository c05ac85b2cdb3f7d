// What each step from payload to a sealed chunk takes of one processor's time, in turns in one run,
// and as ratios to SHA-256. Usage: chunk_bench [ROUNDS [MIB]]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <time.h>

#include "cloud/base/digest.h"

#include "media/chunk/chunker.h"
#include "media/pack/pack_reader.h"
#include "media/pack/pack_writer.h"
#include "media/repository/keys.h"

namespace tapeloft::tests {
namespace {

using namespace tapeloft::media;

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr std::size_t kPiece = 128UL * 1024;
constexpr std::size_t kPackCapacity = 32 * kMiB;
constexpr std::size_t kBlob = 4 * kMiB;

Bytes random_bytes(std::size_t size) {
    std::mt19937_64 random(1);
    Bytes bytes(size);
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        store_little_endian<8>(MutableByteView(bytes).subspan(at), random());
    }
    return bytes;
}

/// Words of a vocabulary of 4096, short ones more often: zstd makes about a third of it.
Bytes text_bytes(std::size_t size) {
    std::mt19937_64 random(2);
    std::vector<std::string> words(4096);
    for (auto& word : words) {
        for (std::size_t length = 2 + random() % 8; length > 0; --length) {
            word += static_cast<char>('a' + random() % 26);
        }
    }
    Bytes bytes;
    bytes.reserve(size + 16);
    while (bytes.size() < size) {
        const auto& word = words[random() % (1 + random() % words.size())];
        bytes.insert(bytes.end(), word.begin(), word.end());
        bytes.push_back(' ');
    }
    bytes.resize(size);
    return bytes;
}

class Bench {
  public:
    explicit Bench(const Bytes& data)
        : data_(Buffer::copy_of(data)), sealed_(kPiece + kSealTagSize) {}

    void sha256() {
        each_piece(kPiece, [](ByteView piece) {
            static_cast<void>(digest(DigestAlgorithm::sha256, std::array{piece}));
        });
    }
    void fingerprint() {
        each_piece(kPiece, [&](ByteView piece) { static_cast<void>(keys_.fingerprint(piece)); });
    }
    void gcm() {
        each_piece(kPiece, [&](ByteView piece) {
            seal(key_, Nonce{}, {}, piece, MutableByteView(sealed_).first(piece.size() + 16));
        });
    }
    void cut() {
        each_chunk([](ByteView) {});
    }
    void cut_and_fingerprint() {
        each_chunk([&](ByteView chunk) { static_cast<void>(keys_.fingerprint(chunk)); });
    }
    void encode_and_seal(int level, bool with_fingerprint, std::size_t piece) {
        auto writer = begin_pack();
        stored_ = 0;
        SampleTrend trend;
        const auto add = [&](ByteView chunk) {
            const auto fingerprint = with_fingerprint ? keys_.fingerprint(chunk) : Fingerprint{};
            const auto encoded = encode_chunk(fingerprint, slice_of(chunk), level, trend);
            if (writer.is_full(encoded.body.size())) {
                stored_ += std::move(writer).finish().object.size();
                writer = begin_pack();
            }
            writer.add(encoded);
        };
        if (piece == 0) {
            each_chunk(add);
        } else {
            each_piece(piece, add);
        }
        stored_ += std::move(writer).finish().object.size();
    }

    void forget_stored() { stored_ = 0; }
    [[nodiscard]] double stored_share() const {
        return static_cast<double>(stored_) / static_cast<double>(data_.size());
    }

  private:
    [[nodiscard]] Buffer slice_of(ByteView chunk) const {
        return data_.slice(static_cast<std::size_t>(chunk.data() - data_.view().data()),
                           chunk.size());
    }
    PackWriter begin_pack() { return *PackWriter::begin(keys_, Buffer::allocate(kPackCapacity)); }

    void each_piece(std::size_t size, const std::function<void(ByteView)>& use) const {
        for (auto rest = data_.view(); !rest.empty();) {
            const auto piece = rest.first(std::min(size, rest.size()));
            use(piece);
            rest = rest.subspan(piece.size());
        }
    }
    void each_chunk(const std::function<void(ByteView)>& use) const {
        for (auto rest = data_.view(); !rest.empty();) {
            const auto cut = content_defined_cut(rest, {});
            const auto chunk = rest.first(cut.value_or(rest.size()));
            use(chunk);
            rest = rest.subspan(chunk.size());
        }
    }

    Buffer data_;
    KeyRing keys_{SecretKey(), RepositoryId{}};
    SecretKey key_;
    Bytes sealed_;
    std::size_t stored_ = 0;
};

/// Processor time of this thread: the machine may be busy with other things.
double seconds() {
    timespec now = {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& work) {
    const auto begin = seconds();
    work();
    return seconds() - begin;
}

struct Row {
    const char* name;
    std::function<void(Bench&)> work;
    std::vector<double> seconds;
    double stored = 0;
};

std::vector<Row> rows() {
    return {
        {"SHA-256, 128 KiB", [](Bench& bench) { bench.sha256(); }, {}},
        {"fingerprint, 128 KiB", [](Bench& bench) { bench.fingerprint(); }, {}},
        {"AES-256-GCM, 128 KiB", [](Bench& bench) { bench.gcm(); }, {}},
        {"content-defined cuts", [](Bench& bench) { bench.cut(); }, {}},
        {"cuts + fingerprint", [](Bench& bench) { bench.cut_and_fingerprint(); }, {}},
        {"encode (0) + seal", [](Bench& bench) { bench.encode_and_seal(0, false, kPiece); }, {}},
        {"encode (1) + seal", [](Bench& bench) { bench.encode_and_seal(1, false, kPiece); }, {}},
        {"encode (3) + seal", [](Bench& bench) { bench.encode_and_seal(3, false, kPiece); }, {}},
        {"the same, 4 MiB", [](Bench& bench) { bench.encode_and_seal(3, false, kBlob); }, {}},
        {"all: cut to pack (3)", [](Bench& bench) { bench.encode_and_seal(3, true, 0); }, {}},
    };
}

void measure(const char* what, const Bytes& data, int rounds) {
    Bench bench(data);
    auto table = rows();
    for (int round = 0; round < rounds; ++round) {
        for (auto& row : table) {
            bench.forget_stored();
            row.seconds.push_back(seconds_of([&] { row.work(bench); }));
            row.stored = bench.stored_share();
        }
    }
    double base = 0;
    std::printf("%s, %zu MiB, medians of %d\n", what, data.size() / kMiB, rounds);
    for (auto& row : table) {
        std::sort(row.seconds.begin(), row.seconds.end());
        const double rate =
            static_cast<double>(data.size()) / row.seconds[row.seconds.size() / 2] / 1e6;
        base = base == 0 ? rate : base;
        std::printf("  %-22s %7.0f MB/s  %5.2f of SHA-256", row.name, rate, rate / base);
        std::printf(row.stored != 0 ? "  stored %.3f\n" : "\n", row.stored);
    }
}

}  // namespace
}  // namespace tapeloft::tests

int main(int count, char** arguments) {
    const int rounds = count > 1 ? std::max(1, std::atoi(arguments[1])) : 5;
    const auto mib =
        static_cast<std::size_t>(count > 2 ? std::max(1, std::atoi(arguments[2])) : 128);
    using namespace tapeloft::tests;
    measure("random", random_bytes(mib * kMiB), rounds);
    measure("text", text_bytes(mib * kMiB), rounds);
    return 0;
}
