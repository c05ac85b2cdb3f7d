// Hostile tapes: archives with anything broken, near-misses of blocks, flushes anywhere. TapeCutter
// checks each record and each chunk; here the whole payload is compared.
#include <random>

#include <gtest/gtest.h>

#include "tests/media/chunk/pbs_records.h"
#include "tests/media/chunk/tape_cutter.h"

namespace tapeloft::media {
namespace {

class HostileTape {
  public:
    explicit HostileTape(std::uint64_t seed) : random_(seed), tape_(1 + random_() % 300'000) {}

    void run() {
        for (int file = 0; file < 3; ++file) {
            for (auto& record : random_file()) {
                spoil(record);
                payload_ += frame_record(record).payload.size();
                tape_.record(record);
                if (one_in(8)) {
                    tape_.flush();
                }
            }
            tape_.filemark();
        }
        std::size_t total = 0;
        for (const auto length : tape_.lengths()) {
            total += length;
        }
        EXPECT_EQ(total, payload_) << "every byte is in one chunk";
    }

  private:
    bool one_in(std::uint64_t n) { return random_() % n == 0; }

    std::vector<Bytes> random_file() {
        if (one_in(4)) {
            std::vector<Bytes> records(random_() % 20);
            for (auto& record : records) {
                record = random_bytes(1 + random_() % 100'000, random_());
            }
            return records;
        }
        auto blocks = pbs_blocks(random_stream(), !one_in(4));
        if (one_in(3) && !blocks.empty()) {
            const auto at = random_() % blocks.size();
            std::swap(blocks[at], blocks[random_() % blocks.size()]);
        }
        if (one_in(4) && !blocks.empty()) {
            blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(random_() % blocks.size()),
                          random_bytes(1 + random_() % 1000, 1));
        }
        return blocks;
    }

    Bytes random_stream() {
        const auto magic = one_in(5) ? kSnapshotArchiveMagic : kChunkArchiveMagic;
        auto stream = content_header(magic, random_(), std::string(random_() % 200, ' '));
        if (one_in(6)) {
            spoil_number(stream, 40, 4);  // JSON of another length
        }
        const auto entries = random_() % 12;
        for (std::uint64_t i = 0; i < entries; ++i) {
            // Often a few bytes around where a block ends.
            const auto to_end = kPbsPayload - stream.size() % kPbsPayload;
            const auto size =
                one_in(3) && to_end > 100 ? to_end - 48 - random_() % 52 : random_() % 300'000;
            auto entry =
                chunk_entry(random_bytes(std::max<std::size_t>(size, 12), random_()), random_());
            if (one_in(12)) {
                entry[random_() % 8] ^= 1;
            }
            if (one_in(12)) {
                spoil_number(entry, 40, 8);
            }
            append(stream, entry);
        }
        if (one_in(3)) {
            stream.resize(random_() % (stream.size() + 1));
        }
        return stream;
    }

    void spoil_number(Bytes& bytes, std::size_t at, std::size_t width) {
        const auto value = one_in(2) ? random_() : random_() >> (random_() % 64);
        for (std::size_t i = 0; i < width; ++i) {
            bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }

    void spoil(Bytes& record) {
        if (one_in(10)) {
            record[random_() % std::min<std::size_t>(record.size(), 16)] ^=
                static_cast<std::uint8_t>(1U << random_() % 8);
        }
        if (one_in(20)) {
            record[random_() % record.size()] ^= static_cast<std::uint8_t>(1U << random_() % 8);
        }
        if (one_in(30)) {
            record.resize(1 + random_() % record.size());
        }
    }

    std::mt19937_64 random_;
    TapeCutter tape_;
    std::size_t payload_ = 0;
};

TEST(ChunkerModel, AnyTapeIsCutIntoChunksThatAreItsPayload) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        HostileTape(seed).run();
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
