#include "cloud/s3/s3_settings.h"

#include <gtest/gtest.h>

namespace tapeloft::s3 {
namespace {

Result<Settings> settings(std::string_view url) {
    TL_TRY(const auto parsed, parse_store_url(url));
    return settings_of(parsed);
}

std::string wrong(std::string_view url) {
    const auto result = settings(url);
    return result ? ""
                  : std::string(to_string(result.error().code)) + ": " + result.error().message;
}

TEST(S3SettingsTest, ABucketAloneIsAtAmazon) {
    const auto plain = settings("s3://my-bucket");
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(plain->scheme, "https");
    EXPECT_EQ(plain->host, "s3.us-east-1.amazonaws.com");
    EXPECT_EQ(plain->region, "us-east-1");
    EXPECT_EQ(plain->variant->name, "aws");
    EXPECT_TRUE(plain->virtual_host);
    EXPECT_EQ(plain->prefix, "");
    EXPECT_EQ(settings("s3://my-bucket?region=eu-central-1")->host,
              "s3.eu-central-1.amazonaws.com");
    EXPECT_FALSE(settings("s3://my.bucket")->virtual_host);  // no certificate covers that
    EXPECT_TRUE(settings("s3://my.bucket?style=virtual")->virtual_host);
}

TEST(S3SettingsTest, TheHostTellsTheVariantAndTheRegion) {
    const auto b2 = settings("s3://bucket/p?endpoint=https://s3.eu-central-003.backblazeb2.com");
    EXPECT_EQ(b2->variant->name, "b2");
    EXPECT_EQ(b2->region, "eu-central-003");
    const auto r2 = settings("s3://bucket?endpoint=https://abc123.r2.cloudflarestorage.com/");
    EXPECT_EQ(r2->variant->name, "r2");
    EXPECT_EQ(r2->region, "auto");
    EXPECT_EQ(settings("s3://bucket?endpoint=https://s3.wasabisys.com")->region, "us-east-1");
    const auto own = settings("s3://bucket/a/b?endpoint=http://127.0.0.1:9000");
    EXPECT_EQ(own->variant->name, "generic");
    EXPECT_EQ(own->host, "127.0.0.1:9000");
    EXPECT_EQ(own->prefix, "a/b/");
    EXPECT_FALSE(own->virtual_host);
}

TEST(S3SettingsTest, ThePortOfTheSchemeIsNotSentAndNotSigned) {
    EXPECT_EQ(settings("s3://bucket?endpoint=https://host:443")->host, "host");
    EXPECT_EQ(settings("s3://bucket?endpoint=http://host:80/")->host, "host");
    EXPECT_EQ(settings("s3://bucket?endpoint=http://host:443")->host, "host:443");
    EXPECT_EQ(settings("s3://bucket?endpoint=http://[::1]:9000")->host, "[::1]:9000");
    EXPECT_EQ(settings("s3://bucket?endpoint=http://host:65535")->host, "host:65535");
}

TEST(S3SettingsTest, RulesAreForTheNamesBehindTheirPrefix) {
    const auto some = settings(
        "s3://bucket?class=packs/:GLACIER_IR,STANDARD&lock=packs/:COMPLIANCE:30"
        "&tag=packs/:a=b;c=d%20e");
    ASSERT_TRUE(some) << some.error().message;
    EXPECT_EQ(*value_for(some->classes, "packs/ab"), "GLACIER_IR");
    EXPECT_EQ(*value_for(some->classes, "log/1"), "STANDARD");
    EXPECT_EQ(*value_for(some->locks, "packs/ab"), "COMPLIANCE:30");
    EXPECT_EQ(value_for(some->locks, "log/1"), nullptr);
    EXPECT_EQ(*value_for(some->tags, "packs/ab"), "a=b&c=d%20e");
    EXPECT_EQ(parse_lock("GOVERNANCE:1")->days, 1);
    for (const std::string prefix : {"head/", "log/", "mirror/", "packs/", "packs/ab/", "probe/"}) {
        EXPECT_TRUE(settings("s3://bucket?tag=" + prefix + ":a=b")) << prefix;
    }
}

TEST(S3SettingsTest, EveryMistakeIsNamed) {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"s3://", "s3://bucket/prefix"},
        {"s3:///prefix", "s3://bucket/prefix"},
        {"s3://a", "3 to 63 of a-z 0-9 - . with a letter or digit at both ends"},
        {"s3://Capital", "found \"Capital\""},
        {"s3://under_score", "found \"under_score\""},
        {"s3://bucket!", "found \"bucket!\""},
        {"s3://bucket-", "letter or digit at both ends"},
        {"s3://.bucket", "letter or digit at both ends"},
        {"s3://buc..ket", "no two dots together"},
        {"s3://" + std::string(64, 'x'), "3 to 63"},
        {"s3://bucket?endpoint=http://host:99999", "port of endpoint is a number from 1 to 65535"},
        {"s3://bucket?endpoint=http://host:0", "1 to 65535"},
        {"s3://bucket?endpoint=http://host:", "1 to 65535"},
        {"s3://bucket?endpoint=http://host:9000x", "1 to 65535"},
        {"s3://bucket?endpoint=http://[::1]:70000", "1 to 65535"},
        {"s3://bucket?endpoint=http://:9000", "http:// or https:// and a host"},
        {"s3://bucket?endpoint=http://[::1", "http:// or https:// and a host"},
        {"s3://a%2Fb", "s3://bucket/prefix"},
        {"s3://bucket?endpoint=host", "http:// or https://"},
        {"s3://bucket?endpoint=ftp://host", "http:// or https://"},
        {"s3://bucket?endpoint=https://host/path", "http:// or https://"},
        {"s3://bucket?endpoint=https://", "http:// or https://"},
        {"s3://bucket?region=a%20b", "region"},
        {"s3://bucket?style=dns", "\"path\" or \"virtual\""},
        {"s3://bucket?variant=foo", "aws, rgw, swift"},
        {"s3://bucket?speed=1", "no option \"speed\"; there are ca, class"},
        {"s3://bucket?parallel=0", "1 to 64"},
        {"s3://bucket?parallel=65", "1 to 64"},
        {"s3://bucket?parallel=4x", "1 to 64"},
        {"s3://bucket?upload_limit=0", "MiB/s"},
        {"s3://bucket?download_limit=Mon-Fri_20,Dienstag_5", "found \"Dienstag_5\"; allowed"},
        {"s3://bucket?class=packs/:", "PREFIX/:VALUE"},
        {"s3://bucket?lock=nothing/:COMPLIANCE:1", "begins with \"nothing/\""},
        {"s3://bucket?lock=pack/:COMPLIANCE:1", "head/, log/, mirror/, packs/, probe/"},
        {"s3://bucket?lock=/packs/:COMPLIANCE:1", "begins with \"/packs/\""},
        {"s3://bucket?lock=packs/:COMPLIANCE:1,logs/:COMPLIANCE:1", "begins with \"logs/\""},
        {"s3://bucket?class=Packs/:GLACIER", "begins with \"Packs/\""},
        {"s3://bucket?tag=/:a=b", "begins with \"/\""},
        {"s3://bucket?tag=packs/:word", "name=value"},
        {"s3://bucket?lock=packs/:SOMETIMES:3", "GOVERNANCE:DAYS"},
        {"s3://bucket?lock=packs/:COMPLIANCE", "GOVERNANCE:DAYS"},
        {"s3://bucket?lock=packs/:COMPLIANCE:0", "GOVERNANCE:DAYS"},
        {"s3://bucket?sse=rot13", "AES256"},
        {"s3://bucket?payload=unsigned&endpoint=http://host", "https"},
        {"s3://bucket?payload=maybe", "signed"},
        {"s3://bucket?variant=garage&class=COLD", "garage has no storage classes"},
        {"s3://bucket?profile=", "empty"},
        {"s3://bucket/" + std::string(300, 'x'), "256"}};
    for (const auto& [url, why] : mistakes) {
        EXPECT_NE(wrong(url).find(why), std::string::npos) << url << ": " << wrong(url);
    }
}

TEST(S3SettingsTest, ARuleThatCannotBeMeantIsRefusedByItsText) {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"s3://bucket?class=packs:GLACIER", "found \"packs:GLACIER\""},
        {"s3://bucket?class=packs:GLACIER", "as in packs/:VALUE"},
        {"s3://bucket?class=packs/GLACIER", "found \"packs/GLACIER\""},
        {"s3://bucket?class=packs", "found \"packs\""},
        {"s3://bucket?class=log/:STANDARD,packs:GLACIER", "found \"packs:GLACIER\""},
        {"s3://bucket?class=packs/:GLACIER:30", "found \"GLACIER:30\" in class; expected"},
        {"s3://bucket?class=GLACIER%20IR", "found \"GLACIER IR\" in class"},
        {"s3://bucket?tag=packs:kind=pack", "found \"packs:kind=pack\""},
        {"s3://bucket?tag=packs/:a=b;word", "found \"word\" in tag"},
        {"s3://bucket?lock=packs:COMPLIANCE:30", "found \"packs:COMPLIANCE:30\""},
        {"s3://bucket?lock=packs/:COMPLIANCE:1y", "found \"COMPLIANCE:1y\" in lock"}};
    for (const auto& [url, why] : mistakes) {
        EXPECT_NE(wrong(url).find(why), std::string::npos) << url << ": " << wrong(url);
    }
}

}  // namespace
}  // namespace tapeloft::s3
