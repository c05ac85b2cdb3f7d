#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <zstd.h>

#include "cloud/base/hex.h"

#include "media/pack/pack_format.h"
#include "media/pack/pack_reader.h"
#include "media/pack/pack_writer.h"

#include "tests/media/counting_bytes.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kMiB = 1UL << 20U;

KeyRing ring() {
    return {SecretKey(counting<std::array<std::uint8_t, 32>>(0x00)), counting<RepositoryId>(0x40)};
}

Bytes random_bytes(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    Bytes bytes(size);
    std::generate(bytes.begin(), bytes.end(),
                  [&] { return static_cast<std::uint8_t>(random() >> 24U); });
    return bytes;
}

Bytes text_bytes(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    Bytes bytes;
    while (bytes.size() < size) {
        const auto word = "word" + std::to_string(random() % 1000) + ' ';
        bytes.insert(bytes.end(), word.begin(), word.end());
    }
    bytes.resize(size);
    return bytes;
}

/// Strings of random bytes, each two times.
Bytes twice_each(std::size_t length, std::size_t size) {
    Bytes strings;
    for (std::uint32_t seed = 0; strings.size() < size; ++seed) {
        const auto string = random_bytes(length, seed);
        strings.insert(strings.end(), string.begin(), string.end());
        strings.insert(strings.end(), string.begin(), string.end());
    }
    return strings;
}

class Packs : public testing::Test {
  protected:
    EncodedChunk encoded(const Bytes& plain, int level) const {
        SampleTrend trend;
        return encode_chunk(keys_.fingerprint(plain), Buffer::copy_of(plain), level, trend);
    }

    PackWriter::Pack packed(const std::vector<Bytes>& chunks, int level = 3) const {
        auto writer = PackWriter::begin(keys_, Buffer::allocate(4 * kMiB));
        EXPECT_TRUE(writer.has_value());
        for (const auto& chunk : chunks) {
            writer->add(encoded(chunk, level));
        }
        return std::move(*writer).finish();
    }

    /// A chunk whose stored bytes are `body`, sealed as encoding and plain length say.
    Result<Buffer> open_forged(const Bytes& body, ChunkEncoding encoding,
                               std::uint32_t plain_length) const {
        const auto key = keys_.pack_key(PackId{});
        PackedChunk chunk;
        chunk.offset = 32;
        chunk.stored_length = static_cast<std::uint32_t>(body.size() + kSealTagSize);
        chunk.plain_length = plain_length;
        chunk.encoding = encoding;
        Bytes stored(chunk.stored_length);
        seal(key, pack_nonce(chunk.offset), chunk_additional(encoding, plain_length), body, stored);
        return open_chunk(key, chunk, stored);
    }

    static ByteView stored(const PackWriter::Pack& pack, const PackedChunk& chunk) {
        return pack.object.view().subspan(chunk.offset, chunk.stored_length);
    }

    const KeyRing keys_ = ring();
};

TEST_F(Packs, EveryChunkComesBackAndThePackTellsWhereItIs) {
    const std::vector<Bytes> chunks = {
        Bytes{7},    text_bytes(100'000, 1),  random_bytes(200'000, 2),
        Bytes(kMiB), random_bytes(65'535, 3), text_bytes(kChunkLengthMax, 4)};
    for (const int level : {0, 1, 3, 19}) {
        const auto pack = packed(
            level == 19 ? std::vector<Bytes>(chunks.begin(), chunks.end() - 1) : chunks, level);
        EXPECT_EQ(pack.contents.size, pack.object.size());
        const auto read = read_pack_contents(keys_, pack.contents.id, pack.object.view());
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_EQ(*read, pack.contents);
        const auto key = keys_.pack_key(pack.contents.id);
        for (std::size_t i = 0; i < read->chunks.size(); ++i) {
            const auto plain =
                open_and_check_chunk(keys_, key, read->chunks[i], stored(pack, read->chunks[i]));
            ASSERT_TRUE(plain.has_value()) << plain.error().message;
            EXPECT_TRUE(std::equal(chunks[i].begin(), chunks[i].end(), plain->view().begin(),
                                   plain->view().end()));
        }
    }
}

TEST_F(Packs, APackWithoutChunksIsAPack) {
    const auto pack = packed({});
    const auto read = read_pack_contents(keys_, pack.contents.id, pack.object.view());
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(read->chunks.empty());
}

TEST_F(Packs, OnlyWhatShrinksIsCompressed) {
    EXPECT_EQ(encoded(text_bytes(100'000, 1), 3).encoding, ChunkEncoding::zstd);
    EXPECT_EQ(encoded(text_bytes(100'000, 1), 0).encoding, ChunkEncoding::raw);
    EXPECT_EQ(encoded(random_bytes(100'000, 1), 3).encoding, ChunkEncoding::raw);
    EXPECT_EQ(encoded(random_bytes(1000, 1), 3).encoding, ChunkEncoding::raw);
    EXPECT_EQ(encoded(Bytes(1), 3).encoding, ChunkEncoding::raw);
    EXPECT_EQ(encoded(Bytes(2), 3).encoding, ChunkEncoding::raw);
    EXPECT_EQ(encoded(Bytes(kChunkLengthMax), 1).encoding, ChunkEncoding::zstd);
    // Half of it shrinks: the probe sees both halves.
    auto mixed = random_bytes(100'000, 1);
    const auto text = text_bytes(100'000, 2);
    mixed.insert(mixed.end(), text.begin(), text.end());
    EXPECT_EQ(encoded(mixed, 3).encoding, ChunkEncoding::zstd);
}

TEST_F(Packs, EitherKindOfWhatShrinksIsSeen) {
    // Bytes of which some are rarer, without a string that comes again ...
    auto seven_bits = random_bytes(100'000, 3);
    for (auto& byte : seven_bits) {
        byte &= 0x7FU;
    }
    const auto shorter_codes = encoded(seven_bits, 3);
    EXPECT_EQ(shorter_codes.encoding, ChunkEncoding::zstd);
    EXPECT_LT(shorter_codes.body.size(), 90'000U);
    // ... and strings that come again, of bytes that are all as frequent.
    const auto once = encoded(twice_each(1000, 100'000), 3);
    EXPECT_EQ(once.encoding, ChunkEncoding::zstd);
    EXPECT_LT(once.body.size(), 60'000U);
}

TEST_F(Packs, StringsAreSeenAgainSoonAfterALongRunWithoutThem) {
    SampleTrend trend;
    const auto encoding_of = [&](const Bytes& plain) {
        return encode_chunk(Fingerprint{}, Buffer::copy_of(plain), 3, trend).encoding;
    };
    const auto dull = random_bytes(100'000, 4);
    const auto strings = twice_each(1000, 100'000);
    for (int run = 0; run < 2; ++run) {
        for (int i = 0; i < 1000; ++i) {
            ASSERT_EQ(encoding_of(dull), ChunkEncoding::raw);
        }
        EXPECT_EQ(encoding_of(text_bytes(100'000, 1)), ChunkEncoding::zstd) << "needs no sample";
        int missed = 0;
        while (encoding_of(strings) == ChunkEncoding::raw) {
            ASSERT_LT(++missed, 8);
        }
        for (int i = 0; i < 100; ++i) {
            ASSERT_EQ(encoding_of(strings), ChunkEncoding::zstd);
        }
    }
}

TEST_F(Packs, APackIsFullBeforeItPassesItsCapacity) {
    const std::size_t capacity = 100'000;
    auto writer = PackWriter::begin(keys_, Buffer::allocate(capacity));
    ASSERT_TRUE(writer.has_value());
    EXPECT_TRUE(writer->empty());
    const auto chunk = encoded(random_bytes(1000, 1), 0);
    while (!writer->is_full(chunk.body.size())) {
        writer->add(chunk);
    }
    EXPECT_FALSE(writer->empty());
    EXPECT_GT(writer->size(), capacity * 9 / 10);
    const auto pack = std::move(*writer).finish();
    EXPECT_LE(pack.object.size(), capacity);
    EXPECT_GT(pack.object.size() + chunk.body.size() + kSealTagSize + 48, capacity);
}

TEST_F(Packs, AChunkLongerThanTheCapacityStillFits) {
    auto writer = PackWriter::begin(keys_, Buffer::allocate(1000));
    ASSERT_TRUE(writer.has_value());
    const auto plain = random_bytes(50'000, 1);
    EXPECT_TRUE(writer->is_full(plain.size()));
    writer->add(encoded(plain, 0));
    const auto pack = std::move(*writer).finish();
    EXPECT_TRUE(read_pack_contents(keys_, pack.contents.id, pack.object.view()).has_value());
    const auto& chunk = pack.contents.chunks.front();
    EXPECT_TRUE(open_chunk(keys_.pack_key(pack.contents.id), chunk, stored(pack, chunk)));
}

TEST_F(Packs, APackIsFilledUpToWholeStepsWhateverIsInIt) {
    constexpr std::size_t kStep = 50'000;
    const std::uint32_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 300; ++round) {
        auto writer = PackWriter::begin(keys_, Buffer::allocate(2 * kStep), kStep);
        ASSERT_TRUE(writer.has_value());
        const auto plain =
            random_bytes(1 + random() % 3000, seed + static_cast<std::uint32_t>(round));
        const auto chunk = encoded(plain, 0);
        const auto wanted = 1 + random() % 60;
        std::size_t added = 0;
        while (added < wanted && !writer->is_full(chunk.body.size())) {
            writer->add(chunk);
            ++added;
        }
        const auto pack = std::move(*writer).finish();
        ASSERT_EQ(pack.object.size() % kStep, 0U);
        ASSERT_LE(pack.object.size(), 2 * kStep);
        const auto read = read_pack_contents(keys_, pack.contents.id, pack.object.view());
        ASSERT_TRUE(read.has_value()) << read.error().message;
        ASSERT_GE(read->chunks.size(), added);
        const auto key = keys_.pack_key(pack.contents.id);
        for (const auto& each : read->chunks) {
            ASSERT_TRUE(open_and_check_chunk(keys_, key, each, stored(pack, each)));
        }
    }
}

TEST_F(Packs, EveryGapAroundTheSmallestIsFilled) {
    constexpr std::size_t kStep = 1000;
    for (std::size_t size = 700; size <= kStep; ++size) {
        auto writer = PackWriter::begin(keys_, Buffer::allocate(kStep), kStep);
        ASSERT_TRUE(writer.has_value());
        const bool full = writer->is_full(size);
        writer->add(encoded(random_bytes(size, 1), 0));
        const auto pack = std::move(*writer).finish();
        EXPECT_EQ(pack.object.size(), full ? 2 * kStep : kStep) << size;
        EXPECT_TRUE(read_pack_contents(keys_, pack.contents.id, pack.object.view()).has_value());
    }
}

TEST_F(Packs, AFillerIsNeverAnotherChunk) {
    std::set<Fingerprint> seen;
    for (int round = 0; round < 3; ++round) {
        auto writer = PackWriter::begin(keys_, Buffer::allocate(20 * kMiB), 20 * kMiB);
        ASSERT_TRUE(writer.has_value());
        const auto pack = std::move(*writer).finish();
        EXPECT_EQ(pack.object.size(), 20 * kMiB);
        EXPECT_EQ(pack.contents.chunks.size(), 3U) << "a chunk has at most 8 MiB";
        for (const auto& chunk : pack.contents.chunks) {
            EXPECT_TRUE(seen.insert(chunk.fingerprint).second);
        }
    }
}

// Made from media/FORMAT.md by another implementation: the format cannot drift unnoticed.
TEST_F(Packs, AreReadAsTheFormatSays) {
    Bytes object(207);
    ASSERT_TRUE(
        from_hex("544c5041434b3031a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0000000000000000"
                 "4f8ff87c9b59bebc31942ca4739ea4ad43a886db79021bb0500feec2c9cf5677"
                 "ac0056ee13f58f7b726eb2bb3bbad6c2d240df710435180efa7ddf361b905c41"
                 "ba0693f6b393eb03cb30de62e992ec5de6d7a442ef5fb206b62c2f9d50b0ab29"
                 "ee88585a484e0dc136f407610a180b38908060140230646d75cfe8044b76c2a3"
                 "da8211bb3bd598960e2882a3b08cea7b3603345d3055f2dcec2b3e91d3d20090"
                 "fdf857b563c9c770000000544c5045",
                 object));
    const auto id = counting<PackId>(0xA0);
    const auto contents = read_pack_contents(keys_, id, object);
    ASSERT_TRUE(contents.has_value()) << contents.error().message;
    ASSERT_EQ(contents->chunks.size(), 2U);
    EXPECT_EQ(contents->size, 207U);
    const std::array<std::string, 2> plain = {"Hello, tape!", std::string(4096, 'A')};
    for (std::size_t i = 0; i < plain.size(); ++i) {
        const auto& chunk = contents->chunks[i];
        const auto opened =
            open_and_check_chunk(keys_, keys_.pack_key(id), chunk,
                                 ByteView(object).subspan(chunk.offset, chunk.stored_length));
        ASSERT_TRUE(opened.has_value()) << opened.error().message;
        EXPECT_EQ(as_text(opened->view()), plain[i]);
    }
}

// The writer's bytes, made again piece by piece.
TEST_F(Packs, AreWrittenAsTheFormatSays) {
    const Bytes one = {1, 2, 3};
    const Bytes two(5000, 'x');
    const auto pack = packed({one, two});
    const auto& id = pack.contents.id;
    const auto key = keys_.pack_key(id);
    Bytes expected = {'T', 'L', 'P', 'A', 'C', 'K', '0', '1'};
    expected.insert(expected.end(), id.begin(), id.end());
    expected.resize(32);
    Bytes index;
    const auto append_sealed = [&](ByteView additional, ByteView plain) {
        Nonce nonce{};
        store_little_endian<8>(nonce, expected.size());
        Bytes sealed(plain.size() + 16);
        seal(key, nonce, additional, plain, sealed);
        expected.insert(expected.end(), sealed.begin(), sealed.end());
    };
    const auto append_chunk = [&](const Bytes& plain, ByteView body, std::uint8_t encoding) {
        Bytes entry(48);
        const auto fingerprint = keys_.fingerprint(plain);
        std::copy(fingerprint.begin(), fingerprint.end(), entry.begin());
        const MutableByteView numbers = MutableByteView(entry).subspan(32);
        store_little_endian<4>(numbers, expected.size());
        store_little_endian<4>(numbers.subspan(4), body.size() + 16);
        store_little_endian<4>(numbers.subspan(8), plain.size());
        numbers[12] = encoding;
        index.insert(index.end(), entry.begin(), entry.end());
        Bytes additional(5);
        additional[0] = encoding;
        store_little_endian<4>(MutableByteView(additional).subspan(1), plain.size());
        append_sealed(additional, body);
    };
    append_chunk(one, one, 0);
    append_chunk(two, encoded(two, 3).body.view(), 1);
    append_sealed(as_bytes("index"), index);
    const Bytes trailer = {112, 0, 0, 0, 'T', 'L', 'P', 'E'};
    expected.insert(expected.end(), trailer.begin(), trailer.end());
    EXPECT_EQ(to_hex(pack.object.view()), to_hex(expected));
}

TEST_F(Packs, AnyFlippedByteOfHeaderIndexOrTrailerIsNoticed) {
    const auto pack = packed({random_bytes(100, 1), text_bytes(1000, 2)});
    const auto whole = pack.object.view();
    const auto index =
        pack.contents.chunks.back().offset + pack.contents.chunks.back().stored_length;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        if (at >= 32 && at < index) {
            continue;  // the chunks are not opened here
        }
        Bytes spoiled(whole.begin(), whole.end());
        spoiled[at] ^= 0x80;
        const auto read = read_pack_contents(keys_, pack.contents.id, spoiled);
        ASSERT_FALSE(read.has_value()) << at;
        ASSERT_EQ(read.error().code, Errc::corrupt);
        ASSERT_NE(read.error().message.find(to_hex(pack.contents.id)), std::string::npos);
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        ASSERT_FALSE(read_pack_contents(keys_, pack.contents.id, whole.first(size)).has_value());
    }
    Bytes longer(whole.begin(), whole.end());
    longer.push_back(0);
    EXPECT_FALSE(read_pack_contents(keys_, pack.contents.id, longer).has_value());
    EXPECT_FALSE(read_pack_contents(keys_, PackId{}, whole).has_value());
}

TEST_F(Packs, ASealedIndexThatDoesNotFillThePackIsRefused) {
    const auto pack = packed({Bytes(10, 1), Bytes(10, 2)}, 0);
    const auto key = keys_.pack_key(pack.contents.id);
    const std::size_t begin = 32 + 2 * 26;
    Bytes index(96);
    ASSERT_TRUE(open(key, pack_nonce(begin), as_bytes("index"),
                     pack.object.view().subspan(begin, 96 + 16), index));
    const auto accepts = [&](const Bytes& forged) {
        Bytes object(pack.object.view().begin(), pack.object.view().begin() + begin);
        object.resize(begin + forged.size() + 16);
        seal(key, pack_nonce(begin), as_bytes("index"), forged,
             MutableByteView(object).subspan(begin));
        const auto length = static_cast<std::uint8_t>(forged.size() + 16);
        const Bytes trailer = {length, 0, 0, 0, 'T', 'L', 'P', 'E'};
        object.insert(object.end(), trailer.begin(), trailer.end());
        return read_pack_contents(keys_, pack.contents.id, object).has_value();
    };
    ASSERT_TRUE(accepts(index));
    EXPECT_FALSE(accepts(Bytes(index.begin(), index.begin() + 48))) << "bytes nobody tells of";
    EXPECT_FALSE(accepts({}));
    for (const std::size_t entry : {0U, 48U}) {
        for (std::size_t at = 32; at < 48; ++at) {
            auto forged = index;
            forged[entry + at] ^= 0x80;
            EXPECT_FALSE(accepts(forged)) << entry + at;
        }
    }
}

TEST_F(Packs, AChunkPutElsewhereOrCutIsNoticed) {
    const auto pack = packed({random_bytes(500, 1), random_bytes(500, 2)}, 0);
    const auto other = packed({random_bytes(500, 1), random_bytes(500, 2)}, 0);
    const auto key = keys_.pack_key(pack.contents.id);
    const auto first = pack.contents.chunks[0];
    const auto second = pack.contents.chunks[1];
    ASSERT_TRUE(open_chunk(key, first, stored(pack, first)).has_value());
    const auto refuses = [&](const PackedChunk& chunk, ByteView bytes) {
        const auto opened = open_chunk(key, chunk, bytes);
        return !opened && opened.error().code == Errc::corrupt;
    };
    EXPECT_TRUE(refuses(first, stored(pack, second))) << "swapped";
    EXPECT_TRUE(refuses(first, stored(other, first))) << "from another pack";
    EXPECT_TRUE(refuses(first, stored(pack, first).first(515))) << "cut";
    EXPECT_TRUE(refuses(first, {}));
    auto wrong = first;
    wrong.encoding = ChunkEncoding::zstd;
    wrong.plain_length = 501;
    EXPECT_TRUE(refuses(wrong, stored(pack, first)));
    wrong.encoding = static_cast<ChunkEncoding>(2);
    EXPECT_TRUE(refuses(wrong, stored(pack, first)));
    auto renamed = first;
    renamed.fingerprint = second.fingerprint;
    EXPECT_TRUE(open_chunk(key, renamed, stored(pack, renamed)).has_value());
    EXPECT_EQ(open_and_check_chunk(keys_, key, renamed, stored(pack, renamed)).error().code,
              Errc::corrupt);
    for (std::size_t at = 0; at < first.stored_length; ++at) {
        Bytes spoiled(stored(pack, first).begin(), stored(pack, first).end());
        spoiled[at] ^= 1;
        ASSERT_TRUE(refuses(first, spoiled)) << at;
    }
}

TEST_F(Packs, AFrameThatIsNotOneOfThePlainLengthIsRefused) {
    const auto compressed = [](const Bytes& plain) {
        Bytes frame(ZSTD_compressBound(plain.size()));
        frame.resize(ZSTD_compress(frame.data(), frame.size(), plain.data(), plain.size(), 1));
        return frame;
    };
    const auto bomb = compressed(Bytes(256 * kMiB));
    const auto refuses = [&](const Bytes& frame, std::uint32_t plain_length) {
        const auto opened = open_forged(frame, ChunkEncoding::zstd, plain_length);
        return !opened && opened.error().code == Errc::corrupt;
    };
    const auto good = compressed(Bytes(5000));
    ASSERT_TRUE(open_forged(good, ChunkEncoding::zstd, 5000).has_value());
    EXPECT_TRUE(refuses(bomb, kChunkLengthMax)) << "more than it says";
    EXPECT_TRUE(refuses(good, 4999));
    EXPECT_TRUE(refuses(good, 5001));
    EXPECT_TRUE(refuses(good, static_cast<std::uint32_t>(good.size())));
    EXPECT_TRUE(refuses(good, 0));
    EXPECT_TRUE(refuses(good, kChunkLengthMax + 1));
    auto twice = good;
    twice.insert(twice.end(), good.begin(), good.end());
    EXPECT_TRUE(refuses(twice, 5000)) << "two frames";
    EXPECT_TRUE(refuses(twice, 10'000)) << "two frames";
    EXPECT_TRUE(refuses(Bytes(good.begin(), good.end() - 1), 5000));
    EXPECT_TRUE(refuses({}, 5000));
    EXPECT_TRUE(refuses(Bytes(100, 0x55), 5000));
    Bytes unsized(18);  // a frame that does not tell its content size
    ASSERT_TRUE(from_hex("28b52ffd00484d00001041410100fbf70116", unsized));
    EXPECT_TRUE(refuses(unsized, 4096));
    Bytes skippable = {0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    EXPECT_TRUE(refuses(skippable, 5000));
    EXPECT_TRUE(refuses(Bytes{}, 1));
}

TEST_F(Packs, AFrameThatLiesOfItsSizeGivesNoBytes) {
    // The golden frame of 4096 x 'A', its content size changed to 5000: one block is missing.
    Bytes frame(11);
    ASSERT_TRUE(from_hex("28b52ffd60881203800041", frame));
    EXPECT_FALSE(open_forged(frame, ChunkEncoding::zstd, 5000).has_value());
    // ... and to 300, of which it would be more.
    ASSERT_TRUE(from_hex("28b52ffd602c0003800041", frame));
    EXPECT_FALSE(open_forged(frame, ChunkEncoding::zstd, 300).has_value());
}

TEST(PackNames, NameThePackAndNothingElseIsOne) {
    const auto id = counting<PackId>(0xA0);
    const std::string name = "packs/a0/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
    EXPECT_EQ(pack_name(id), name);
    EXPECT_EQ(pack_of_name(name), id);
    for (const auto* other :
         {"", "packs/", "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "packs/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", "packs/a1/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "packs/a0/a0a1a2a3a4a5a6a7a8a9aaabacadaeAF", "packs/a0/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0",
          "xpacks/a0/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "packs/a0/a0a1a2a3a4a5a6a7a8a9aaabacadae"}) {
        EXPECT_FALSE(pack_of_name(other).has_value()) << other;
    }
}

}  // namespace
}  // namespace tapeloft::media
