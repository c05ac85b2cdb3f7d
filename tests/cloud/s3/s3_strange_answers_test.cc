// Answers that are not the store's, or not what they look like: nothing is concluded from them.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/timestamps.h"
#include "cloud/store/retrying_store.h"

#include "tests/cloud/s3/s3_store_fixture.h"
#include "tests/cloud/store/fake_retry_clock.h"

namespace tapeloft::tests {
namespace {

class S3StrangeAnswersTest : public S3StoreTest {
  protected:
    /// Every request meets the front end, not the store.
    void front_end(const std::string& status, const std::string& body) {
        server.set_intercept([=](const SeenRequest&) { return http_answer(status, body); });
    }
};

TEST_F(S3StrangeAnswersTest, A404OfAFrontEndIsNoWordAboutAnObject) {
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("a", "x"), "");
    for (const auto* body : {"<html><h1>404 Not Found</h1></html>", "default backend - 404", "",
                             "<Error><Message>no code</Message></Error>"}) {
        front_end("404 Not Found", body);
        EXPECT_EQ(get("a"), "error: transient") << body;
        EXPECT_NE(last_error.find("is the endpoint right?"), std::string::npos) << last_error;
        EXPECT_EQ(get("a", {.offset = 0, .length = 1}), "error: transient") << body;
        EXPECT_EQ(outcome(loop.run(store->head("a"))), "error: transient") << body;
        EXPECT_EQ(outcome(loop.run(store->list("", "", 10))), "error: transient") << body;
        EXPECT_EQ(outcome(loop.run(store->remove("a"))), "error: transient") << body;
        EXPECT_EQ(put("b", "x"), "error: transient") << body;
        EXPECT_EQ(put("b", "x", {.if_absent = true}), "error: transient") << body;
    }
    server.set_intercept({});
    EXPECT_EQ(get("a"), "x");
    EXPECT_EQ(get("b"), "error: not found");
}

TEST_F(S3StrangeAnswersTest, ARefusalWithoutACodeIsNoFaultOfTheRequest) {
    ASSERT_EQ(open(), "");
    for (const auto* status : {"400 Bad Request", "405 Method Not Allowed", "413 Too Large",
                               "414 URI Too Long", "451 Unavailable"}) {
        front_end(status, "<html>no</html>");
        EXPECT_EQ(get("a"), "error: i/o") << status;
        EXPECT_EQ(put("a", "x"), "error: i/o") << status;
        EXPECT_EQ(outcome(loop.run(store->remove("a"))), "error: i/o") << status;
    }
}

TEST_F(S3StrangeAnswersTest, WhatIsNoS3StoreIsNotWritten) {
    front_end("404 Not Found", "<html>");
    EXPECT_NE(open().find("transient"), std::string::npos);
    EXPECT_EQ(put("a", "x"), "error: transient");
    EXPECT_FALSE(store->capabilities().put_if_absent);
    server.set_intercept({});
    EXPECT_EQ(put("a", "x", {.if_absent = true}), "") << last_error;  // it finds out by itself
    EXPECT_TRUE(store->capabilities().put_if_absent);
}

TEST_F(S3StrangeAnswersTest, AStoreIsAskedNoSoonerThanItWants) {
    ASSERT_EQ(open(), "");
    const std::vector<std::pair<std::string, std::string>> refusals = {
        {"503 Slow Down", "7"}, {"429 Too Many Requests", "Fri, 24 May 2013 00:00:07 GMT"}};
    const std::shared_ptr<ObjectStore> shared = std::move(store);
    for (const auto& [status, wanted] : refusals) {
        auto left = std::make_shared<std::atomic<int>>(1);
        const auto headers =
            "Date: Fri, 24 May 2013 00:00:00 GMT\r\nRetry-After: " + wanted + "\r\n";
        server.set_intercept([=, status = status](const SeenRequest& request) {
            const bool refuses = request.method == "PUT" && (*left)-- > 0;
            return refuses ? std::optional(http_answer(status, "", headers)) : std::nullopt;
        });
        FakeRetryClock clock;
        RetryingStore patient(shared, RetryingStore::Limits(), 1, clock);
        const auto stored = loop.run(patient.put("a", body_of("x"), {}));
        EXPECT_TRUE(stored) << stored.error().message;
        ASSERT_EQ(clock.pauses().size(), 1U) << status;
        EXPECT_GE(clock.pauses()[0], std::chrono::seconds(7)) << status;
        EXPECT_LE(clock.pauses()[0], std::chrono::seconds(8)) << status;
    }
}

TEST_F(S3StrangeAnswersTest, OnlyKeysThatMayNotWriteCanStillRead) {
    server.put_object("root/a", "x");
    refuse("PUT", "403 Forbidden", "AccessDenied");
    EXPECT_NE(open().find("denied"), std::string::npos);
    EXPECT_EQ(get("a"), "x");
    EXPECT_EQ(outcome(loop.run(store->list("", "", 10))), "");
    EXPECT_EQ(put("b", "x"), "error: denied");
    server.set_intercept({});  // somebody mends the policy
    EXPECT_EQ(put("b", "x"), "");
}

TEST_F(S3StrangeAnswersTest, WhyAHeadIsRefusedIsToldAsOfAGet) {
    server.put_object("root/a", "x");
    ASSERT_EQ(open(), "");
    const std::vector<std::pair<std::string, std::string>> reasons = {
        {"SignatureDoesNotMatch", "is the secret key right?"},
        {"InvalidAccessKeyId", "the store does not know this access key"},
        {"AccessDenied", "the keys may not do this"}};
    for (const auto& [code, advice] : reasons) {
        server.set_intercept([code = code](const SeenRequest& request) {
            return std::optional(http_answer(
                "403 Forbidden",
                request.method == "HEAD" ? "" : "<Error><Code>" + code + "</Code></Error>"));
        });
        EXPECT_EQ(outcome(loop.run(store->head("a"))), "error: denied");
        EXPECT_NE(last_error.find("head a: "), std::string::npos) << last_error;
        EXPECT_NE(last_error.find(advice), std::string::npos) << last_error;
        EXPECT_EQ(last_error.find("endpoint"), std::string::npos) << last_error;
    }
    refuse("HEAD", "403 Forbidden", "");  // something in front of the store, and only of HEAD
    EXPECT_EQ(outcome(loop.run(store->head("a"))), "error: denied");
}

TEST_F(S3StrangeAnswersTest, KeysThatMayNotRemoveCanWrite) {
    refuse("DELETE", "403 Forbidden", "AccessDenied");
    EXPECT_EQ(open(), "");
    EXPECT_EQ(put("a", "x", {.if_absent = true}), "");
    EXPECT_EQ(outcome(loop.run(store->remove("a"))), "error: denied");
}

TEST_F(S3StrangeAnswersTest, ATokenThatMustBeRenewedIsDenied) {
    ASSERT_EQ(open(), "");
    refuse("GET", "400 Bad Request", "TokenRefreshRequired");
    EXPECT_EQ(get("a"), "error: denied");
}

TEST_F(S3StrangeAnswersTest, TheFirstPutsAtOnceAskOnceWhatTheStoreDoes) {
    server.set_intercept([](const SeenRequest&) { return http_answer("503 x", ""); });
    EXPECT_NE(open().find("throttled"), std::string::npos);
    server.set_intercept({});
    const auto before = server.requests().size();
    std::vector<std::optional<Result<void>>> results(8);
    for (std::size_t i = 0; i < results.size(); ++i) {
        loop.spawn(store->put("a/" + std::to_string(i), body_of("x"), {}), results[i]);
    }
    loop.run_all();
    for (const auto& result : results) {
        EXPECT_TRUE(*result) << (*result).error().message;
    }
    std::size_t probes = 0;
    const auto requests = server.requests();
    for (auto i = before; i < requests.size(); ++i) {
        probes += requests[i].target.find("PROBE") != std::string::npos ? 1U : 0U;
    }
    EXPECT_EQ(probes, 6U);  // put, put again, put, if match twice, remove
}

TEST_F(S3StrangeAnswersTest, AnETagOfABucketThatEncryptsByKmsIsNotCompared) {
    server.set_options({.encrypts_by_kms = true, .versioned = true});
    ASSERT_EQ(open("&lock=packs/:COMPLIANCE:30"), "");
    EXPECT_EQ(put("packs/1", "x"), "") << last_error;
    EXPECT_EQ(get("packs/1"), "x");
}

TEST_F(S3StrangeAnswersTest, RetentionCountsFromTheStoresClock) {
    for (const std::int64_t ahead : {-30L * 86400, 30L * 86400}) {
        server.set_options({.clock_ahead_s = ahead, .versioned = true});
        ASSERT_EQ(open("&lock=packs/:COMPLIANCE:3"), "");
        const auto name = "packs/" + std::to_string(ahead > 0);
        ASSERT_EQ(put(name, "x"), "");
        const auto until =
            parse_iso_time(header_of("root/" + name, "x-amz-object-lock-retain-until-date"));
        ASSERT_TRUE(until);
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        EXPECT_NEAR(static_cast<double>(*until - now), static_cast<double>(ahead) + 3 * 86400, 60);
    }
}

TEST_F(S3StrangeAnswersTest, ABucketThatKeepsVersionsLosesAllOfThoseThatAreNotLocked) {
    server.set_options({.versioned = true});
    ASSERT_EQ(open("&lock=packs/:GOVERNANCE:1"), "");
    ASSERT_EQ(put("log/1", "x"), "");
    ASSERT_EQ(put("log/1", "y"), "");
    ASSERT_EQ(put("packs/1", "kept"), "");
    EXPECT_EQ(server.versions("root/log/1"), 2U);
    EXPECT_EQ(outcome(loop.run(store->remove("log/1"))), "") << last_error;
    EXPECT_EQ(server.versions("root/log/1"), 0U);
    EXPECT_EQ(get("log/1"), "error: not found");
    EXPECT_EQ(outcome(loop.run(store->remove("packs/1"))), "error: denied");
    EXPECT_EQ(get("packs/1"), "kept");
}

}  // namespace
}  // namespace tapeloft::tests
