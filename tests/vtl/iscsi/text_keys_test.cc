#include "vtl/iscsi/text_keys.h"

#include <random>

#include <gtest/gtest.h>

namespace tapeloft::vtl::iscsi {
namespace {

using namespace std::string_literals;

Bytes bytes_of(const std::string& text) {
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

TEST(ParseText, GivesThePairsInOrder) {
    const auto pairs = parse_text(bytes_of("InitiatorName=iqn.x\0SessionType=Normal\0X-a=\0"s));
    ASSERT_TRUE(pairs);
    const std::vector<TextPair> expected = {
        {"InitiatorName", "iqn.x"}, {"SessionType", "Normal"}, {"X-a", ""}};
    EXPECT_EQ(*pairs, expected);
}

TEST(ParseText, AnEmptyTextHasNoPairs) {
    const auto pairs = parse_text({});
    ASSERT_TRUE(pairs);
    EXPECT_TRUE(pairs->empty());
}

TEST(ParseText, EmptyStringsBetweenNulsAreSkipped) {
    const auto pairs = parse_text(bytes_of("\0\0A=1\0\0\0"s));
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pairs->size(), 1U);
}

TEST(ParseText, TheValueKeepsFurtherEqualsSigns) {
    const auto pairs = parse_text(bytes_of("CHAP_R=0bAA==\0"s));
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pairs->front().value, "0bAA==");
}

struct Malformed {
    const char* what;
    std::string text;
};

class ParseTextRefuses : public testing::TestWithParam<Malformed> {};

TEST_P(ParseTextRefuses, WhatTheGrammarForbids) {
    const auto pairs = parse_text(bytes_of(GetParam().text));
    ASSERT_FALSE(pairs);
    EXPECT_EQ(pairs.error().code, Errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc7143Clause61, ParseTextRefuses,
    testing::Values(
        Malformed{"no final NUL", "A=1"}, Malformed{"no equals sign", "A\0"s},
        Malformed{"an empty key", "=1\0"s}, Malformed{"a space in a key", "A b=1\0"s},
        Malformed{"a control character in a key", "A\x01=1\0"s},
        Malformed{"a key of 64 bytes", std::string(64, 'K') + "=1\0"s},
        Malformed{"a value of 256 bytes", "K=" + std::string(256, 'v') + "\0"s},
        Malformed{"a name of 224 bytes", "InitiatorName=" + std::string(224, 'v') + "\0"s},
        Malformed{"a challenge of 1025 bytes", "CHAP_C=0x" + std::string(2050, '0') + "\0"s}));

TEST(ParseText, TakesEveryLengthUpToItsLimit) {
    for (const auto& text : {std::string(63, 'K') + "=1\0"s, "K=" + std::string(255, 'v') + "\0"s,
                             "InitiatorName=" + std::string(223, 'v') + "\0"s,
                             "CHAP_C=0x" + std::string(2048, '0') + "\0"s}) {
        EXPECT_TRUE(parse_text(bytes_of(text))) << text;
    }
}

TEST(ParseText, ErrorsNeverHoldTheValue) {
    const auto secret = "sekrit" + std::string(250, 's');
    const auto pairs = parse_text(bytes_of("CHAP_N=" + secret + "\0"s));
    ASSERT_FALSE(pairs);
    EXPECT_EQ(pairs.error().message.find("sekrit"), std::string::npos);
    EXPECT_NE(pairs.error().message.find("CHAP_N"), std::string::npos);
}

TEST(AppendTextPair, IsReadBackByParseText) {
    Bytes text;
    append_text_pair(text, "HeaderDigest", "CRC32C,None");
    append_text_pair(text, "TargetAlias", "");
    EXPECT_EQ(text, bytes_of("HeaderDigest=CRC32C,None\0TargetAlias=\0"s));
    const auto pairs = parse_text(text);
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pairs->size(), 2U);
}

TEST(ParseText, RandomTextNeverCrashesAndGivesOnlyLegalPairs) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto letters = "AZaz09=\0-._ \x80\xFF,"s;
    for (int round = 0; round < 20000; ++round) {
        Bytes text(random() % 300);
        for (auto& byte : text) {
            byte = static_cast<std::uint8_t>(letters[random() % letters.size()]);
        }
        const auto pairs = parse_text(text);
        if (!pairs) {
            continue;
        }
        for (const auto& pair : *pairs) {
            EXPECT_FALSE(pair.key.empty());
            EXPECT_LE(pair.key.size(), kKeyNameLengthMax);
            EXPECT_LE(pair.value.size(), kTextValueLengthMax);
        }
    }
}

TEST(ParseText, Takes1024PairsAndNotOneMore) {
    std::string text;
    for (std::size_t i = 0; i < kTextPairsMax; ++i) {
        text += "K=\0"s;
    }
    EXPECT_TRUE(parse_text(bytes_of(text)));
    EXPECT_FALSE(parse_text(bytes_of(text + "K=\0"s)));
}

TEST(TextCollector, JoinsPartsUpToTheLimitAndRefusesOneByteMore) {
    TextCollector collector;
    ASSERT_TRUE(collector.add(Bytes(kTextLengthMax - 1, 'a')));
    ASSERT_TRUE(collector.add(Bytes(1, 'b')));
    const auto more = collector.add(Bytes(1, 'c'));
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, Errc::no_space);
    const auto whole = collector.take();
    EXPECT_EQ(whole.size(), kTextLengthMax);
    EXPECT_EQ(whole.back(), 'b');
    EXPECT_TRUE(collector.empty());
}

TEST(TextSplitter, PartsJoinToTheWhole) {
    Bytes text(20000);
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<std::uint8_t>(i * 7);
    }
    TextSplitter splitter(text);
    Bytes joined;
    int parts = 0;
    while (!splitter.empty()) {
        const auto part = splitter.next(8192);
        EXPECT_LE(part.size(), 8192U);
        joined.insert(joined.end(), part.begin(), part.end());
        ++parts;
    }
    EXPECT_EQ(parts, 3);
    EXPECT_EQ(joined, text);
    EXPECT_TRUE(splitter.next(8192).empty());
}

TEST(KeyTable, EveryRowIsFoundByItsNameAndItsId) {
    for (const auto& row : all_keys()) {
        EXPECT_EQ(find_key(row.name), &row);
        EXPECT_EQ(&key_row(row.id), &row);
        EXPECT_LE(row.name.size(), kKeyNameLengthMax);
        EXPECT_LE(row.minimum, row.maximum);
        EXPECT_FALSE(row.clause.empty());
    }
}

TEST(KeyTable, NamesAreCaseSensitive) {
    EXPECT_EQ(find_key("initiatorname"), nullptr);
    EXPECT_EQ(find_key("ISCSIProtocolLevel"), nullptr);
    EXPECT_NE(find_key("iSCSIProtocolLevel"), nullptr);
}

TEST(KeyTable, RangesAreThoseOfTheRfc) {
    struct Range {
        KeyId id;
        std::uint32_t minimum;
        std::uint32_t maximum;
    };
    for (const auto& range :
         {Range{KeyId::max_connections, 1, 65535},
          Range{KeyId::max_recv_data_segment_length, 512, 16777215},
          Range{KeyId::max_burst_length, 512, 16777215},
          Range{KeyId::first_burst_length, 512, 16777215}, Range{KeyId::default_time2wait, 0, 3600},
          Range{KeyId::default_time2retain, 0, 3600}, Range{KeyId::max_outstanding_r2t, 1, 65535},
          Range{KeyId::error_recovery_level, 0, 2}, Range{KeyId::iscsi_protocol_level, 0, 31}}) {
        EXPECT_EQ(key_row(range.id).minimum, range.minimum) << key_row(range.id).name;
        EXPECT_EQ(key_row(range.id).maximum, range.maximum) << key_row(range.id).name;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
