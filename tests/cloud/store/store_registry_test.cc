#include "cloud/store/store_registry.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/memory_store.h"

#include "tests/cloud/store/store_world.h"
#include "tests/log_lines.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {
namespace {

std::string wrong(std::string_view url) {
    const auto parsed = parse_store_url(url);
    if (parsed) {
        return "";
    }
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
    return parsed.error().message;
}

TEST(StoreUrlTest, AllPartsAreTakenApart) {
    const auto url = parse_store_url("s3://bucket/some/pre%20fix?endpoint=https://a:1/%26&x=");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, "s3");
    EXPECT_EQ(url->authority, "bucket");
    EXPECT_EQ(url->path, "/some/pre fix");
    EXPECT_EQ(url->options.at("endpoint"), "https://a:1/&");
    EXPECT_EQ(url->options.at("x"), "");
}

TEST(StoreUrlTest, EverythingButTheSchemeMayBeMissing) {
    const auto url = parse_store_url("sia://");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->authority, "");
    EXPECT_EQ(url->path, "");
    EXPECT_EQ(parse_store_url("s3://bucket?region=x")->options.size(), 1U);
    EXPECT_EQ(parse_store_url("s3://bucket?")->options.size(), 0U);
}

TEST(StoreUrlTest, EveryMistakeIsNamed) {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"", "begins with a scheme"},
        {"/var/lib", "begins with a scheme"},
        {"file:/var/lib", "begins with a scheme"},
        {"://x", "begins with a scheme"},
        {"FILE:///x", "lower case"},
        {"3s://x", "begins with a scheme"},
        {"file:///a b", "%XX"},
        {"file:///a\nb", "%XX"},
        {"file:///\xc3\xa4", "%XX"},
        {"file:///a#b", "%23"},
        {"file:///a%2", "hexadecimal"},
        {"file:///a%zz", "hexadecimal"},
        {"file:///a%00b", "hexadecimal"},
        {"s3://b?x", "name=value"},
        {"s3://b?=x", "name=value"},
        {"s3://b?x=1&x=2", "twice"},
        {"s3://b?x=1&&y=2", "name=value"},
        {"s3://b?x=%", "hexadecimal"},
        {"file:///" + std::string(5000, 'a'), "longer"}};
    for (const auto& [url, why] : mistakes) {
        EXPECT_NE(wrong(url).find(why), std::string::npos) << url << ": " << wrong(url);
    }
}

TEST(StoreUrlTest, APasswordIsRefusedAndNotRepeated) {
    const auto message = wrong("s3://user:geheim@host/bucket");
    EXPECT_NE(message.find("no user and password"), std::string::npos);
    EXPECT_EQ(message.find("geheim"), std::string::npos);
}

TEST(StoreUrlTest, AnyPathComesBackFromItsUrl) {
    std::string path = "/";
    for (int byte = 1; byte < 256; ++byte) {
        path += static_cast<char>(byte);
    }
    const auto url = parse_store_url("file://" + encoded_url_path(path));
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->path, path);
    EXPECT_EQ(encoded_url_path("/var/lib/tapeloft-1.0_x"), "/var/lib/tapeloft-1.0_x");
    EXPECT_EQ(encoded_url_path("/50% off?"), "/50%25%20off%3F");
}

class StoreRegistryTest : public testing::Test {
  protected:
    std::string error_of(std::string_view url) {
        const auto opened = open_store(url, context);
        return opened ? ""
                      : std::string(to_string(opened.error().code)) + ": " + opened.error().message;
    }

    StoreLoop loop;
    TemporaryDirectory directory;
    StoreContext context{loop.executor(), loop.executor()};
};

TEST_F(StoreRegistryTest, AFileUrlOpensAFileStore) {
    const auto root = directory.path() / "with blank?";
    const auto url = "file://" + encoded_url_path(root.string());
    const auto store = open_store(url, context);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ((*store)->url(), url);
    ASSERT_TRUE(loop.run((*store)->put("a", body_of("x"), {})));
    EXPECT_TRUE(std::filesystem::exists(root / "a"));
}

TEST_F(StoreRegistryTest, AnUnknownSchemeIsAnsweredWithTheKnownOnes) {
    const auto error = error_of("gopher://hole/path");
    EXPECT_EQ(
        error,
        "unsupported: there is no store of scheme \"gopher\"; known are: file "
        "(file:///srv/tapeloft), s3 (s3://bucket/prefix?endpoint=https://host&region=name), sia "
        "(sia://bucket/prefix?endpoint=http://localhost:9980)");
}

TEST_F(StoreRegistryTest, AFileUrlHasAPathAndNothingElse) {
    EXPECT_NE(error_of("file://relative/path").find("absolute path"), std::string::npos);
    EXPECT_NE(error_of("file://").find("absolute path"), std::string::npos);
    EXPECT_NE(error_of("file:///x?cache=1").find("no option \"cache\""), std::string::npos);
    EXPECT_NE(error_of("file:///no/such/parent").find("/no/such/parent"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists("/no"));
}

TEST_F(StoreRegistryTest, AStoreWithinAnotherOneIsSeenByTheirPlaces) {
    struct Row {
        std::string outer;
        std::string inner;
        bool within;
    };
    const std::string s3 = "?endpoint=https://s3.example.org";
    const std::vector<Row> rows = {
        {"file:///srv/a", "file:///srv/./a//", true},
        {"file:///srv/a", "file:///srv/a/b", true},
        {"file:///srv/a", "file:///srv/ab", false},
        {"s3://bucket" + s3, "s3://bucket/x" + s3 + "&region=eu-1", true},
        {"s3://bucket/x" + s3, "s3://bucket/x/" + s3 + ":443", true},
        {"s3://bucket/x" + s3, "s3://bucket/xy" + s3, false},
        {"s3://bucket" + s3, "s3://bucket2" + s3, false},
        {"s3://bucket", "s3://bucket/x?region=us-east-1", true},
        {"s3://bucket", "s3://bucket" + s3, false},
        {"file:///bucket", "s3://bucket" + s3, false}};
    for (const auto& row : rows) {
        const auto outer = place_of_store(row.outer);
        const auto inner = place_of_store(row.inner);
        ASSERT_TRUE(outer && inner) << row.outer << " " << row.inner;
        EXPECT_TRUE(outer->ends_with('/')) << *outer;
        EXPECT_EQ(inner->starts_with(*outer), row.within) << *outer << " " << *inner;
    }
}

TEST_F(StoreRegistryTest, WhatCannotBeOpenedHasNoPlaceForTheSameReason) {
    for (const auto* url : {"gopher://x", "file://relative", "file:///", "file:///x?y=z", "s3://b",
                            "s3://bucket?region=", "s3://bucket?endpoint=host", "x"}) {
        const auto place = place_of_store(url);
        ASSERT_FALSE(place) << url;
        EXPECT_EQ(error_of(url),
                  std::string(to_string(place.error().code)) + ": " + place.error().message)
            << url;
    }
}

TEST_F(StoreRegistryTest, ARemoteStoreThatIsAwayOpensAndIsAskedSeveralTimes) {
    EventLog events;
    context.log = &events;
    const LogLines log(spdlog::level::debug);
    const auto store = open_store("s3://bucket?endpoint=http://127.0.0.1:1&credentials=" +
                                      (directory.path() / "keys").string(),
                                  context);
    ASSERT_TRUE(store) << store.error().message;
    std::ofstream(directory.path() / "keys")
        << "[default]\naws_access_key_id = A\naws_secret_access_key = B\n";
    const auto head = loop.run((*store)->head("a"));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Errc::transient);
    EXPECT_NE(head.error().message.find("given up after 5 attempts"), std::string::npos)
        << head.error().message;
    EXPECT_FALSE((*store)->capabilities().put_if_absent);
    const auto lines = log.text();
    EXPECT_NE(lines.find("debug http: HEAD http://127.0.0.1:1/bucket/a: "), std::string::npos);
    EXPECT_NE(lines.find(" attempt=5 again_in_ms=none\n"), std::string::npos) << lines;
    EXPECT_EQ(std::ranges::count(lines, '\n'), 10);  // a request and an attempt are a line each
}

TEST_F(StoreRegistryTest, WhatAUrlLimitsIsKnownOfEveryProviderThatCan) {
    const auto registry = StoreRegistry::built_in();
    const auto now = std::chrono::system_clock::now();
    for (const std::string scheme : {"s3", "sia"}) {
        const auto rates =
            registry.rates_of(scheme + "://bucket?upload_limit=Mon-Sun_3&download_limit=none", now);
        EXPECT_EQ(rates.upload, 3U << 20U) << scheme;
        EXPECT_EQ(rates.download, 0U) << scheme;
    }
    EXPECT_EQ(registry.rates_of("file:///srv", now).upload, 0U);
}

TEST_F(StoreRegistryTest, AProviderIsARow) {
    auto registry = StoreRegistry::built_in();
    auto place = [](const StoreUrl& url) -> Result<std::string> { return "memory:" + url.path; };
    auto open = [](const StoreUrl& url,
                   const StoreContext&) -> Result<std::unique_ptr<ObjectStore>> {
        if (url.authority.empty()) {
            return Error{Errc::invalid_argument, "a name is missing"};
        }
        return std::unique_ptr<ObjectStore>(std::make_unique<MemoryStore>());
    };
    ASSERT_TRUE(registry.add({"memory", "memory://name", false, place, open}));
    EXPECT_EQ(registry.open("memory://x", context).value()->url(), "memory:");
    EXPECT_EQ(registry.open("memory://", context).error().message, "a name is missing");
    const auto again = registry.add({"memory", "memory://name", false, place, open});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::already_exists);
    EXPECT_NE(registry.open("x://", context)
                  .error()
                  .message.find("localhost:9980), memory (memory://name)"),
              std::string::npos);
}

}  // namespace
}  // namespace tapeloft::tests
