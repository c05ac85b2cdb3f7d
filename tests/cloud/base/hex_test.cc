#include "cloud/base/hex.h"

#include <array>

#include <gtest/gtest.h>

namespace tapeloft {
namespace {

TEST(Hex, BytesComeBackFromTheirDigits) {
    const Bytes bytes = {0x00, 0x09, 0xAF, 0xFF};
    EXPECT_EQ(to_hex(bytes), "0009afff");
    Bytes back(4);
    EXPECT_TRUE(from_hex("0009afff", back));
    EXPECT_EQ(back, bytes);
    EXPECT_TRUE(from_hex("", MutableByteView()));
}

TEST(Hex, AnythingButExactlySoManyLowerCaseDigitsIsRefused) {
    std::array<std::uint8_t, 2> into{};
    for (const auto* digits :
         {"", "00", "000", "00000", "000000", "00AF", "00 f", "0x0f", "00g0"}) {
        EXPECT_FALSE(from_hex(digits, into)) << digits;
    }
}

}  // namespace
}  // namespace tapeloft
