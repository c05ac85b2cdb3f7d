#include "media/library/barcode.h"

#include <gtest/gtest.h>

namespace tapeloft::media {
namespace {

struct BadRange {
    const char* text;
    const char* reason;
};

TEST(Barcode, SuffixDecidesGenerationAndCapacity) {
    constexpr std::uint64_t kGigabyte = 1'000'000'000;
    EXPECT_EQ(marking_of("TL0001L5")->generation.native_capacity, 1500 * kGigabyte);
    EXPECT_EQ(marking_of("TL0001L6")->generation.native_capacity, 2500 * kGigabyte);
    EXPECT_EQ(marking_of("TL0001L7")->generation.native_capacity, 6000 * kGigabyte);
    EXPECT_EQ(marking_of("TL0001M8")->generation.native_capacity, 9000 * kGigabyte);
    EXPECT_EQ(marking_of("TL0001L8")->generation.native_capacity, 12'000 * kGigabyte);
    EXPECT_EQ(marking_of("TL0001L9")->generation.native_capacity, 18'000 * kGigabyte);
}

TEST(Barcode, EveryLegalCharacterIsTaken) {
    for (const auto* const barcode : {"TL0001L9", "_a.b-9L9", "000000L5", "zZ_..-M8"}) {
        EXPECT_TRUE(marking_of(barcode)) << barcode;
    }
}

TEST(Barcode, WhatIsIllegalIsRefusedInWords) {
    for (const auto* const barcode :
         {"", "TL0001", "TL0001L", "TL00001L9", "TL0001L4", "TL0001LA", "TL0001l9", "TL 001L9",
          ".L0001L9", "-L0001L9", "TL/001L9", "TL\n001L9",
          "TL\xC3\xA9"
          "01L9",
          "CLN001", "CLN0_1CU", "CLNa01CU", "CLN001XX", "TL0001CU", "TL0001LT"}) {
        const auto refused = marking_of(barcode);
        ASSERT_FALSE(refused) << barcode;
        EXPECT_EQ(refused.error().code, Errc::invalid_argument);
        for (const char c : refused.error().message) {
            EXPECT_TRUE(c >= ' ' && c <= '~') << barcode;
        }
    }
}

TEST(Barcode, SuffixTellsWormCartridges) {
    for (const auto& [barcode, suffix] : {std::pair{"TL0001LV", "L5"},
                                          {"TL0001LW", "L6"},
                                          {"TL0001LX", "L7"},
                                          {"TL0001LY", "L8"},
                                          {"TL0001LZ", "L9"}}) {
        const auto marking = marking_of(barcode);
        ASSERT_TRUE(marking) << barcode;
        EXPECT_TRUE(marking->worm) << barcode;
        EXPECT_EQ(marking->generation.suffix, suffix);
    }
    EXPECT_FALSE(marking_of("TL0001L9")->worm);
    EXPECT_FALSE(marking_of("TL0001M8")->worm);
}

TEST(Barcode, ClnInFrontIsACleaningCartridge) {
    for (const auto& [barcode, suffix] : {std::pair{"CLN001CU", "CU"}, {"CLNU01L9", "L9"}}) {
        const auto marking = marking_of(barcode);
        ASSERT_TRUE(marking) << barcode;
        EXPECT_TRUE(marking->cleaning);
        EXPECT_FALSE(marking->worm);
        EXPECT_EQ(marking->generation.suffix, suffix);
        EXPECT_EQ(marking->generation.native_capacity, 0U);
    }
    EXPECT_EQ(expand_barcodes("CLN001CU..CLN003CU")->back(), "CLN003CU");
}

TEST(BarcodeRange, OneBarcodeIsItself) {
    EXPECT_EQ(*expand_barcodes("TL0001L9"), std::vector<std::string>{"TL0001L9"});
    EXPECT_EQ(*expand_barcodes("A..001L9"), std::vector<std::string>{"A..001L9"});
}

TEST(BarcodeRange, HoldsBothEndsInOrder) {
    const auto barcodes = expand_barcodes("TL0009L9..TL0011L9");
    ASSERT_TRUE(barcodes);
    EXPECT_EQ(*barcodes, (std::vector<std::string>{"TL0009L9", "TL0010L9", "TL0011L9"}));
    EXPECT_EQ(expand_barcodes("TL0001L9..TL0001L9")->size(), 1U);
    EXPECT_EQ(expand_barcodes("TL0000L9..TL9999L9")->size(), 10'000U);
    EXPECT_EQ(expand_barcodes("000000L9..009999L9")->back(), "009999L9");
}

TEST(BarcodeRange, WhatMakesNoSenseIsRefusedInWords) {
    for (const auto& [text, reason] :
         std::initializer_list<BadRange>{{"TL0002L9..TL0001L9", "ends before it begins"},
                                         {"TL0001L9..TL0020L8", "same generation"},
                                         {"TL0001L9..TX0020L9", "same letters"},
                                         {"TL0001L9..TL00A0L9", "same letters"},
                                         {"TLABCDL9..TLABCEL9", "same letters"},
                                         {"T10000L9..TL0020L9", "same letters"},
                                         {"000000L9..010000L9", "at most 10000"},
                                         {"000000L9..999999L9", "at most 10000"},
                                         {"TL0001L9..", "two barcodes"},
                                         {"..TL0001L9", "two barcodes"},
                                         {"TL0001L9...TL0002L9", "two barcodes"},
                                         {"TL0001L9..TL0002L", "two barcodes"},
                                         {"TL0001L9-TL0002L9", "8 characters"}}) {
        const auto refused = expand_barcodes(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code, Errc::invalid_argument);
        EXPECT_NE(refused.error().message.find(reason), std::string::npos)
            << text << ": " << refused.error().message;
    }
}

TEST(BarcodeRange, ALongTextIsNotRepeatedInTheMessage) {
    const auto refused = expand_barcodes(std::string(1'000'000, 'A'));
    ASSERT_FALSE(refused);
    EXPECT_LT(refused.error().message.size(), 200U);
}

}  // namespace
}  // namespace tapeloft::media
