#include "cloud/s3/s3_xml.h"

#include <random>

#include <gtest/gtest.h>

namespace tapeloft::s3 {
namespace {

constexpr std::string_view kList = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<Contents><Key>a%2Bb+c%20d%26</Key><ETag>&quot;x&quot;</ETag><Size>12</Size></Contents>
<Contents><Key>e%C3%BC/f</Key><Size>18446744073709551615</Size></Contents>
</ListBucketResult>)";

TEST(S3XmlTest, AListIsReadAndItsKeysDecoded) {
    const auto list = parse_list(as_bytes(kList));
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_TRUE(list->truncated);
    ASSERT_EQ(list->keys.size(), 2U);
    EXPECT_EQ(list->keys[0].key, "a+b c d&");
    EXPECT_EQ(list->keys[0].size, 12U);
    EXPECT_EQ(list->keys[1].key, "e\xc3\xbc/f");
    EXPECT_EQ(list->keys[1].size, ~0ULL);
}

TEST(S3XmlTest, WithoutEncodingKeysAreTakenAsTheyStand) {
    const auto list = parse_list(
        as_bytes("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20+&amp;</Key>"
                 "<Size>0</Size></Contents></ListBucketResult>"));
    ASSERT_TRUE(list);
    EXPECT_EQ(list->keys[0].key, "a%20+&");
}

TEST(S3XmlTest, WhatIsCutOrChangedAnywhereIsAnErrorOrAList) {
    std::mt19937_64 random(11);
    for (std::size_t size = 0; size < kList.size(); ++size) {
        EXPECT_FALSE(parse_list(as_bytes(kList.substr(0, size)))) << size;
    }
    for (int i = 0; i < 20000; ++i) {
        std::string text(kList);
        for (int j = 0; j < 3; ++j) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        static_cast<void>(parse_list(as_bytes(text)));
        static_cast<void>(parse_error(as_bytes(text)));
    }
}

TEST(S3XmlTest, EntitiesAndDepthCostNothing) {
    const std::string bomb =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">]>"
        "<Error><Code>&b;</Code></Error>";
    EXPECT_EQ(parse_error(as_bytes(bomb)).code, "&b;");
    std::string deep;
    for (int i = 0; i < 200000; ++i) {
        deep += "<a>";
    }
    EXPECT_EQ(parse_error(as_bytes(deep)).code, "");
}

TEST(S3XmlTest, AnErrorIsReadAndAnythingElseIsNone) {
    const auto error =
        parse_error(as_bytes("<Error><Code>NoSuchKey</Code><Message>a &lt;b&gt;</Message>"
                             "<Region>eu-1</Region><RequestId>tx1</RequestId></Error>"));
    EXPECT_EQ(error.code, "NoSuchKey");
    EXPECT_EQ(error.message, "a <b>");
    EXPECT_EQ(error.region, "eu-1");
    EXPECT_EQ(error.request_id, "tx1");
    for (const auto* other : {"", "<html><Code>x</Code></html>", "couldn't upload object", "\0"}) {
        EXPECT_EQ(parse_error(as_bytes(other)).code, "") << other;
    }
}

TEST(S3XmlTest, BodiesThatAreSentAreEscaped) {
    EXPECT_EQ(complete_body({"\"a\"", "b&"}),
              "<?xml "
              "version=\"1.0\"?><CompleteMultipartUpload><Part><PartNumber>1</"
              "PartNumber><ETag>\"a\"</ETag></Part>"
              "<Part><PartNumber>2</PartNumber><ETag>b&amp;</ETag></Part>"
              "</CompleteMultipartUpload>");
}

TEST(S3XmlTest, ALockIsEnabledOnlyWhereTheDocumentSaysSo) {
    EXPECT_TRUE(
        parse_lock_enabled(as_bytes("<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                                    "</ObjectLockEnabled></ObjectLockConfiguration>")));
    EXPECT_FALSE(parse_lock_enabled(as_bytes("<ObjectLockConfiguration/>")));
    EXPECT_FALSE(parse_lock_enabled(as_bytes(kList)));  // who does not know the question lists
}

}  // namespace
}  // namespace tapeloft::s3
