#include "vtl/iscsi/text_values.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::iscsi {
namespace {

TEST(ParseBoolean, KnowsYesAndNoInExactlyThisCase) {
    EXPECT_TRUE(*parse_boolean("Yes"));
    EXPECT_FALSE(*parse_boolean("No"));
    for (const auto* value : {"", "yes", "NO", "Yes ", "1", "True"}) {
        EXPECT_FALSE(parse_boolean(value)) << value;
    }
}

TEST(ParseNumber, TakesDecimalAndHexadecimal) {
    EXPECT_EQ(*parse_number("0"), 0U);
    EXPECT_EQ(*parse_number("262144"), 262144U);
    EXPECT_EQ(*parse_number("4294967295"), 4294967295U);
    EXPECT_EQ(*parse_number("0x40000"), 262144U);
    EXPECT_EQ(*parse_number("0XfFfF"), 65535U);
    EXPECT_EQ(*parse_number("0x0000000010"), 16U);
}

TEST(ParseNumber, RefusesWhatIsNoNumberBelowTwoToThe32) {
    for (const auto* value : {"", "-1", "+1", " 1", "1 ", "1.5", "007", "0x", "0xg", "4294967296",
                              "0x100000000", "99999999999999999999", "0b1", "1,2", "12a"}) {
        EXPECT_FALSE(parse_number(value)) << value;
    }
}

TEST(ParseBinary, TakesHexadecimalAndBase64) {
    EXPECT_EQ(*parse_binary("0x00ffA5", 16), (Bytes{0x00, 0xFF, 0xA5}));
    EXPECT_EQ(*parse_binary("0XAb", 16), (Bytes{0xAB}));
    EXPECT_EQ(*parse_binary("0bAP+l", 16), (Bytes{0x00, 0xFF, 0xA5}));
    EXPECT_EQ(*parse_binary("0BAP8=", 16), (Bytes{0x00, 0xFF}));
    EXPECT_EQ(*parse_binary("0bAA==", 16), (Bytes{0x00}));
}

TEST(ParseBinary, RefusesWhatIsMalformedOrTooLong) {
    for (const auto* value :
         {"", "0", "0x", "0b", "ff", "0x1", "0x0g", "0bA", "0bAA", "0bAAA",
          "0bA===", "0b====", "0b====AAAA", "0bAA=A", "0bAB==", "0bAP8%", "0c00", "0x00 "}) {
        EXPECT_FALSE(parse_binary(value, 16)) << value;
    }
    EXPECT_TRUE(parse_binary("0x" + std::string(32, 'a'), 16));
    EXPECT_FALSE(parse_binary("0x" + std::string(34, 'a'), 16));
    EXPECT_FALSE(parse_binary("0b" + std::string(24, 'A'), 16));
}

TEST(FormatBinary, IsReadBackByParseBinary) {
    const Bytes bytes = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    EXPECT_EQ(format_binary(bytes), "0x00017f80ff");
    EXPECT_EQ(*parse_binary(format_binary(bytes), 16), bytes);
}

TEST(SplitList, KeepsOrderAndEmptyElements) {
    using List = std::vector<std::string_view>;
    EXPECT_EQ(split_list("CRC32C,None"), (List{"CRC32C", "None"}));
    EXPECT_EQ(split_list("None"), (List{"None"}));
    EXPECT_EQ(split_list(""), (List{""}));
    EXPECT_EQ(split_list(",a,"), (List{"", "a", ""}));
}

TEST(IsDisplayText, TakesWellFormedUtf8WithoutControlCharacters) {
    for (const auto* text : {"", "plain", "B\xC3\xBCro", "\xE2\x82\xAC", "\xF0\x9F\x92\xBE"}) {
        EXPECT_TRUE(is_display_text(text)) << text;
    }
}

TEST(IsDisplayText, RefusesControlCharactersAndMalformedUtf8) {
    for (const auto* text : {"\x1B[31m", "a\nb", "\x7F", "\xC2\x85", "\x80", "\xC3", "\xC0\xAF",
                             "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xC3("}) {
        EXPECT_FALSE(is_display_text(text)) << text;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
