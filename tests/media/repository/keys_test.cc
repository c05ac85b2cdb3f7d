#include "media/repository/keys.h"

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/repository/key_derivation.h"

#include "tests/media/counting_bytes.h"
#include "tests/media/repository/hex_bytes.h"

namespace tapeloft::media {
namespace {

/// size bytes that count up from `first`.
Bytes counting_bytes(std::uint8_t first, std::size_t size) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), first);
    return bytes;
}

KeyRing ring() {
    return {SecretKey(counting_bytes(0x00, 32)), counting<RepositoryId>(0x40)};
}

TEST(KeyDerivation, HkdfGivesTheVectorsOfRfc5869) {
    const Bytes key(22, 0x0B);
    Bytes out(42);
    derive_hkdf(key, counting_bytes(0x00, 13), counting_bytes(0xF0, 10), out);
    EXPECT_EQ(to_hex(out),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
              "34007208d5b887185865");
    derive_hkdf(key, {}, {}, out);
    EXPECT_EQ(to_hex(out),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
              "9d201395faa4b61a96c8");
}

TEST(KeyDerivation, ScryptGivesTheVectorsOfRfc7914) {
    Bytes out(64);
    ASSERT_TRUE(derive_scrypt("", {}, {16, 1, 1}, out));
    EXPECT_EQ(to_hex(out),
              "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
              "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    ASSERT_TRUE(derive_scrypt("password", as_bytes("NaCl"), {1024, 8, 16}, out));
    EXPECT_EQ(to_hex(out),
              "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
              "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

TEST(KeyDerivation, ScryptRefusesACostThatIsNone) {
    Bytes out(32);
    EXPECT_FALSE(derive_scrypt("password", as_bytes("salt"), {1000, 8, 1}, out));
    EXPECT_FALSE(derive_scrypt("password", as_bytes("salt"), {1024, 8, 0}, out));
}

TEST(Keys, AreDerivedAsTheFormatSays) {
    const auto keys = ring();
    const auto stream = counting<StreamId>(0x60);
    const auto salt = counting_bytes(0x70, 16);
    EXPECT_EQ(to_hex(keys.fingerprint(as_bytes("Hello, tape!"))),
              "d9fc24c1650eb1de2170474565081bab46a11e83cd192d5418544074b9b38180");
    EXPECT_EQ(to_hex(keys.pack_key(counting<PackId>(0xA0)).view()),
              "6524d5f86ba98240a2c5b48139ba579abe847f936f30c40ab3e7bd199a6c4acc");
    EXPECT_EQ(to_hex(keys.log_key(salt, stream, 0x0102'0304'0506'0708).view()),
              "ce9f0d3bdcba614808a02aa21cc167048d0769339d5132c69e888af1e2ef3c70");
    EXPECT_EQ(to_hex(keys.head_key(salt, stream).view()),
              "f630e2896ef62bfcab237c5c8023af6537b59df2e6b93afeb9efa9ce3f91e6bf");
    EXPECT_EQ(to_hex(keys.library_stream()), "bc9a38a8b18dc619e456d80e8b707482");
    EXPECT_EQ(to_hex(keys.index_stream()), "d26277d009356445c9cc0b9838cb2da9");
    auto header = bytes_of(
        "544c5245504f3031"
        "0100000000000000");
    const auto id = counting_bytes(0x40, 16);
    header.insert(header.end(), id.begin(), id.end());
    EXPECT_EQ(to_hex(keys.key_check(header)),
              "bb40e4ab0ea7d3c83e54fa07087e54128630884b28c7de41d12c2662b0fd058c");
}

TEST(Keys, TwoRepositoriesHaveNoKeyInCommon) {
    const auto one = ring();
    const KeyRing two(SecretKey(counting_bytes(0x00, 32)), counting<RepositoryId>(0x41));
    EXPECT_NE(one.fingerprint(as_bytes("chunk")), two.fingerprint(as_bytes("chunk")));
    EXPECT_NE(one.index_stream(), two.index_stream());
    EXPECT_NE(one.index_stream(), one.library_stream());
    // In turns, so that a thread's context must change its key each time.
    EXPECT_EQ(one.fingerprint(as_bytes("chunk")), ring().fingerprint(as_bytes("chunk")));
}

TEST(Keys, FingerprintsOfManyChunksAreThoseOfEach) {
    const auto keys = ring();
    for (const std::size_t count : {0U, 1U, 2U, 7U}) {
        std::vector<Bytes> chunks;
        for (std::size_t i = 0; i < count; ++i) {
            chunks.push_back(counting_bytes(static_cast<std::uint8_t>(i), 1 + i * 100'003));
        }
        std::vector<Fingerprint> taken(count);
        std::size_t next = 0;
        keys.take_fingerprints([&]() -> std::optional<KeyRing::UnnamedChunk> {
            if (next == count) {
                return std::nullopt;
            }
            const auto i = next++;
            return KeyRing::UnnamedChunk{chunks[i], &taken[i]};
        });
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(taken[i], keys.fingerprint(chunks[i])) << i << " of " << count;
        }
    }
}

TEST(Keys, FingerprintsAreTheSameOnEveryThread) {
    const auto keys = ring();
    const auto chunk = counting_bytes(0, 100'000);
    const auto expected = keys.fingerprint(chunk);
    std::vector<std::thread> threads;
    std::vector<int> right(4);
    for (auto& count : right) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                count += keys.fingerprint(chunk) == expected ? 1 : 0;
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(right, std::vector<int>(4, 50));
}

TEST(Keys, RandomOnesDiffer) {
    const auto a = SecretKey::random();
    const auto b = SecretKey::random();
    ASSERT_TRUE(a.has_value() && b.has_value());
    EXPECT_FALSE(std::equal(a->view().begin(), a->view().end(), b->view().begin()));
}

}  // namespace
}  // namespace tapeloft::media
