// Buckets that keep versions: what is said of them, and what the probe makes of them.
#include <algorithm>
#include <optional>
#include <string>

#include "cloud/store/store_probe.h"

#include "tests/cloud/s3/s3_store_fixture.h"

namespace tapeloft::tests {
namespace {

class S3VersionsTest : public S3StoreTest {
  protected:
    StoreProbe probe() { return loop.run(probe_store(*store, {.object_size = 1, .objects = 1})); }
};

TEST_F(S3VersionsTest, VersionsThatNobodyAskedForAreToldOfOnce) {
    const auto warnings = [this] {
        return std::ranges::count_if(events.events_after(0), [](const Event& event) {
            return event.severity == Severity::warning &&
                   event.message.find("keeps old versions") != std::string::npos;
        });
    };
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(store->capabilities().keeps_removed);
    server.set_options({.versioned = true});
    ASSERT_EQ(open("&lock=packs/:GOVERNANCE:1"), "");
    EXPECT_FALSE(store->capabilities().keeps_removed) << "it removes them itself";
    EXPECT_EQ(warnings(), 0);
    ASSERT_EQ(open(), "");
    EXPECT_TRUE(store->capabilities().keeps_removed);
    ASSERT_EQ(put("log/1", "x"), "");
    EXPECT_EQ(outcome(loop.run(store->remove("log/1"))), "");
    EXPECT_EQ(server.versions("root/log/1"), 2U) << "they may be somebody's protection";
    EXPECT_EQ(warnings(), 1);
}

TEST_F(S3VersionsTest, ABucketThatHasStoppedToKeepVersionsKeepsNone) {
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.method == "PUT"
                   ? std::optional(http_answer("200 OK", "", "x-amz-version-id: null\r\n"))
                   : std::nullopt;
    });
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(store->capabilities().keeps_removed);
}

TEST_F(S3VersionsTest, TheProbeSaysThatABucketKeepsVersionsAndCanBeUsed) {
    server.set_options({.versioned = true});
    ASSERT_EQ(open(), "");
    const auto result = probe();
    const auto text = to_text(result);
    EXPECT_TRUE(result.usable) << text;
    EXPECT_NE(text.find("The bucket keeps old versions"), std::string::npos) << text;
    EXPECT_NE(text.find("NoncurrentVersionExpiration"), std::string::npos) << text;
}

TEST_F(S3VersionsTest, ALockThatWasAskedForIsNoFailureOfTheProbe) {
    server.set_options({.versioned = true});
    ASSERT_EQ(open("&lock=COMPLIANCE:1"), "");
    const auto result = probe();
    const auto text = to_text(result);
    EXPECT_TRUE(result.usable) << text;
    EXPECT_NE(text.find("  locked until 20"), std::string::npos) << text;
    EXPECT_NE(text.find("Z, as asked for"), std::string::npos) << text;
    EXPECT_NE(text.find("until the lock ends"), std::string::npos) << text;
    for (const auto* untrue : {"FAILED", "an object can be removed\n", "Do not use"}) {
        EXPECT_EQ(text.find(untrue), std::string::npos) << text;
    }
}

TEST_F(S3VersionsTest, ARemovalThatIsRefusedWithoutALockStaysAFailure) {
    server.set_options({.versioned = true});
    ASSERT_EQ(open("&lock=packs/:COMPLIANCE:1"), "");
    EXPECT_TRUE(probe().usable);
    refuse("DELETE", "403 Forbidden", "AccessDenied");
    const auto result = probe();
    EXPECT_FALSE(result.usable);
    const auto text = to_text(result);
    EXPECT_NE(text.find("FAILED  an object can be removed"), std::string::npos) << text;
    EXPECT_EQ(text.find("as asked for"), std::string::npos) << text;
}

}  // namespace
}  // namespace tapeloft::tests
