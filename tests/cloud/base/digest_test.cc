#include "cloud/base/digest.h"

#include <random>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace tapeloft {
namespace {

TEST(Crc32c, MatchesTheVectorsOfRfc3720AppendixB4) {
    EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8A9136AAU);
    EXPECT_EQ(crc32c(Bytes(32, 0xFF)), 0x62A8AB43U);
    Bytes ascending(32);
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        ascending[i] = static_cast<std::uint8_t>(i);
    }
    EXPECT_EQ(crc32c(ascending), 0x46DD794EU);
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, HardwareAndTableAgreeAtEveryLengthAndWhenContinued) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    Bytes bytes(100000);
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    for (const std::size_t size :
         {0U, 1U, 7U, 8U, 9U, 4095U, 12287U, 12288U, 12289U, 65536U, 100000U}) {
        const ByteView whole(bytes.data(), size);
        EXPECT_EQ(crc32c(whole), crc32c_portable(whole)) << size;
        const auto half = size / 2;
        EXPECT_EQ(crc32c(whole.subspan(half), crc32c(whole.first(half))), crc32c(whole)) << size;
    }
}

TEST(Crc32c, IsKnownForAnotherBeginningWithoutTheBytes) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    for (const std::size_t size : {0U, 1U, 2U, 3U, 255U, 4096U, 65535U, 262'144U, 300'001U}) {
        Bytes bytes(size);
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(random());
        }
        const auto from = static_cast<std::uint32_t>(random());
        const auto to = static_cast<std::uint32_t>(random());
        EXPECT_EQ(crc32c_begun_with(to, crc32c(bytes, from), from, size), crc32c(bytes, to))
            << size;
        EXPECT_EQ(crc32c_begun_with(0, crc32c(bytes, from), from, size), crc32c(bytes)) << size;
    }
}

TEST(Digest, OneThatOpenSslDoesNotHaveIsKnownBefore) {
    EXPECT_TRUE(has_digest(DigestAlgorithm::md5));
    ASSERT_EQ(EVP_set_default_properties(nullptr, "fips=yes"), 1);  // and no such provider
    EXPECT_FALSE(has_digest(DigestAlgorithm::md5));
    ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
    EXPECT_TRUE(has_digest(DigestAlgorithm::md5));
}

TEST(Digest, CoversThePartsInOrder) {
    const std::array parts = {as_bytes("ab"), as_bytes("c")};
    const auto md5 = digest(DigestAlgorithm::md5, parts);
    ASSERT_EQ(md5.size(), 16U);
    EXPECT_EQ(load_big_endian<4>(md5), 0x90015098U);
    EXPECT_EQ(load_big_endian<4>(digest(DigestAlgorithm::sha1, parts)), 0xA9993E36U);
    EXPECT_EQ(load_big_endian<4>(digest(DigestAlgorithm::sha256, parts)), 0xBA7816BFU);
}

}  // namespace
}  // namespace tapeloft
