// AES-256-GCM, in each way that the processor has.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/repository/keys.h"
#include "media/repository/wide_gcm.h"

#include "tests/media/repository/hex_bytes.h"

namespace tapeloft::media {
namespace {

struct Way {
    const char* name;
    decltype(&seal) seal_here;
    decltype(&open) open_here;
};

std::vector<Way> ways() {
    std::vector<Way> ways = {{"Portable", &seal_portable, &open_portable}, {"Any", &seal, &open}};
    if (has_wide_gcm()) {
        ways.push_back({"Wide", &seal_wide, &open_wide});
    }
    return ways;
}

class Sealing : public testing::TestWithParam<Way> {
  protected:
    static Bytes sealed(const SecretKey& key, const Nonce& nonce, ByteView additional,
                        ByteView plain) {
        Bytes into(plain.size() + kSealTagSize);
        GetParam().seal_here(key, nonce, additional, plain, into);
        return into;
    }
};

INSTANTIATE_TEST_SUITE_P(Ways, Sealing, testing::ValuesIn(ways()),
                         [](const auto& way) { return way.param.name; });

TEST_P(Sealing, GivesTheVectorsOfTheGcmSpecification) {
    // McGrew, Viega, "The Galois/Counter Mode of Operation", test cases 13, 15 and 16.
    EXPECT_EQ(to_hex(sealed(SecretKey(), Nonce{}, {}, {})), "530f8afbc74536b9a963b4f1c4cb738b");
    const SecretKey key(
        bytes_of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
    Nonce nonce{};
    ASSERT_TRUE(from_hex("cafebabefacedbaddecaf888", nonce));
    const auto plain = bytes_of(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255");
    EXPECT_EQ(to_hex(sealed(key, nonce, {}, plain)),
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
              "b094dac5d93471bdec1a502270e3cc6c");
    EXPECT_EQ(to_hex(sealed(key, nonce, bytes_of("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                            ByteView(plain).first(60))),
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
}

TEST_P(Sealing, EveryLengthIsAsByOpenSsl) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto random_bytes = [&random](std::size_t size) {
        Bytes bytes(size);
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(random());
        }
        return bytes;
    };
    // All of two groups of sixteen blocks and a bit, then some long ones.
    for (std::size_t size = 0; size < 700; ++size) {
        const auto length = size < 600 ? size : random() % 100'000;
        const SecretKey key(random_bytes(SecretKey::kSize));
        Nonce nonce{};
        const auto drawn = random_bytes(nonce.size());
        std::copy(drawn.begin(), drawn.end(), nonce.begin());
        const auto additional = random_bytes(random() % 70);
        const auto plain = random_bytes(length);
        Bytes expected(plain.size() + kSealTagSize);
        seal_portable(key, nonce, additional, plain, expected);
        ASSERT_EQ(sealed(key, nonce, additional, plain), expected) << length;

        // Where the text lies, at any address.
        const auto shift = random() % 40;
        Bytes place(expected.size() + shift);
        const auto here = MutableByteView(place).subspan(shift);
        std::copy(plain.begin(), plain.end(), here.begin());
        GetParam().seal_here(key, nonce, additional, here.first(plain.size()), here);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), here.begin())) << length;
        ASSERT_TRUE(GetParam().open_here(key, nonce, additional, here, here.first(plain.size())));
        ASSERT_TRUE(std::equal(plain.begin(), plain.end(), here.begin())) << length;
    }
}

TEST_P(Sealing, AnyFlippedBitIsNoticedAndLeavesZeros) {
    Bytes secret(SecretKey::kSize);
    for (std::size_t i = 0; i < secret.size(); ++i) {
        secret[i] = static_cast<std::uint8_t>(i);
    }
    const SecretKey key(secret);
    const Bytes additional = {1, 2, 3};
    for (const std::size_t size : {33U, 300U}) {
        const Bytes plain(size, 0x5A);
        const auto whole = sealed(key, Nonce{}, additional, plain);
        for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
            auto spoiled = whole;
            spoiled[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            Bytes opened(plain.size(), 0xEE);
            ASSERT_FALSE(GetParam().open_here(key, Nonce{}, additional, spoiled, opened)) << bit;
            ASSERT_EQ(opened, Bytes(plain.size())) << bit;
        }
        Bytes opened(plain.size());
        const auto open_here = GetParam().open_here;
        EXPECT_FALSE(open_here(key, Nonce{1}, additional, whole, opened));
        EXPECT_FALSE(open_here(key, Nonce{}, Bytes{1, 2}, whole, opened));
        EXPECT_FALSE(open_here(SecretKey(), Nonce{}, additional, whole, opened));
        EXPECT_TRUE(open_here(key, Nonce{}, additional, whole, opened));
        EXPECT_EQ(opened, plain);
    }
}

}  // namespace
}  // namespace tapeloft::media
