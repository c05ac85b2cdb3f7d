#include "cloud/sia/sia_settings.h"

#include <gtest/gtest.h>

#include "cloud/store/store_registry.h"

namespace tapeloft::sia {
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

TEST(SiaSettingsTest, ABucketAloneIsAtTheRenterdOfThisMachine) {
    const auto plain = settings("sia://bucket");
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(plain->endpoint, "http://localhost:9980");
    EXPECT_EQ(plain->bucket, "bucket");
    EXPECT_EQ(plain->prefix, "");
    EXPECT_EQ(plain->parallel, 8U);
    EXPECT_EQ(display_url(*plain), "sia://bucket/?endpoint=http://localhost:9980");
}

TEST(SiaSettingsTest, EveryOptionIsTaken) {
    const auto all = settings(
        "sia://my-bucket/a%20b/c?endpoint=https://[::1]:9980/&password_file=/etc/renterd&ca=/ca.pem"
        "&upload_limit=3&download_limit=Mon-Fri_08:00-18:00_5MiB/s,9&parallel=64");
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_EQ(all->endpoint, "https://[::1]:9980");
    EXPECT_EQ(all->prefix, "a b/c/");
    EXPECT_EQ(all->password_file, "/etc/renterd");
    EXPECT_EQ(all->ca_file, "/ca.pem");
    constexpr RateTimetable::Minute kMondayAtNine = 9U * 60;
    EXPECT_EQ(all->upload_rate_max.rate_at(kMondayAtNine), 3U << 20U);
    EXPECT_EQ(all->download_rate_max.rate_at(kMondayAtNine), 5U << 20U);
    EXPECT_EQ(all->download_rate_max.rate_at(0), 9U << 20U);
    EXPECT_EQ(all->parallel, 64U);
    EXPECT_EQ(display_url(*all), "sia://my-bucket/a%20b/c/?endpoint=https://[::1]:9980");
}

TEST(SiaSettingsTest, EveryMistakeIsNamed) {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"sia://", "bucket stands behind sia://"},
        {"sia://ab", "3 to 63"},
        {"sia://Bucket", "found \"Bucket\""},
        {"sia://a.bucket", "a-z"},
        {"sia://-bucket", "a-z"},
        {"sia:///prefix", "bucket stands behind sia://"},
        {"sia://bucket/a//b", "no empty part"},
        {"sia://bucket/../b", "\"..\""},
        {"sia://bucket//", "no empty part"},
        {"sia://bucket/" + std::string(300, 'a'), "256"},
        {"sia://bucket?endpoint=localhost:9980", "endpoint is http://"},
        {"sia://bucket?endpoint=http://", "endpoint is http://"},
        {"sia://bucket?endpoint=ftp://host", "endpoint is http://"},
        {"sia://bucket?endpoint=http://host/api", "endpoint is http://"},
        {"sia://bucket?endpoint=http://a%40b", "endpoint is http://"},
        {"sia://bucket?endpoint=http://host:99999", "number from 1 to 65535"},
        {"sia://bucket?password_file=relative", "absolute"},
        {"sia://bucket?ca=", "absolute"},
        {"sia://bucket?parallel=0", "1 to 64"},
        {"sia://bucket?parallel=65", "1 to 64"},
        {"sia://bucket?upload_limit=x", "MiB/s"},
        {"sia://bucket?download_limit=Mon-Fri_20,Dienstag_5", "found \"Dienstag_5\"; allowed"},
        {"sia://bucket?password=geheim", "no option \"password\""}};
    for (const auto& [url, why] : mistakes) {
        EXPECT_NE(wrong(url).find(why), std::string::npos) << url << ": " << wrong(url);
        EXPECT_EQ(wrong(url).find("geheim"), std::string::npos);
    }
}

TEST(SiaSettingsTest, WhereObjectsLieFollowsFromTheUrl) {
    const auto outer = place_of_store("sia://bucket/a?endpoint=http://host:1");
    ASSERT_TRUE(outer) << outer.error().message;
    EXPECT_EQ(*outer, "sia:http://host:1/bucket/a/");
    EXPECT_TRUE(place_of_store("sia://bucket/a/b?endpoint=http://host:1/")->starts_with(*outer));
    EXPECT_FALSE(place_of_store("sia://bucket/ab?endpoint=http://host:1")->starts_with(*outer));
}

}  // namespace
}  // namespace tapeloft::sia
