#include "cloud/s3/s3_multipart.h"

#include <algorithm>
#include <ctime>

#include "tests/cloud/s3/s3_store_fixture.h"

namespace tapeloft::tests {
namespace {

class S3LeftoversTest : public S3StoreTest {
  protected:
    /// Goes on until this put has ended, whatever else the store is about.
    std::string put_beside(const std::string& name) {
        std::optional<Result<void>> ended;
        loop.spawn(store->put(name, body_of("x"), {}), ended);
        while (!ended) {
            loop.run_one();
        }
        return outcome(*ended);
    }
    std::size_t lists() {
        const auto requests = server.requests();
        return static_cast<std::size_t>(std::ranges::count_if(requests, [](const auto& request) {
            return request.target.find("uploads=") != std::string::npos;
        }));
    }
};

TEST_F(S3LeftoversTest, APutWaitsForNoLookForWhatWasLeft) {
    server.add_upload("root/packs/left", 90000);
    server.hold("uploads=");
    ASSERT_EQ(open_only(), "");
    EXPECT_EQ(put_beside("log/1"), "");
    EXPECT_EQ(server.uploads(), 1U);
    const FakeS3Options in_two_days{.clock_ahead_s = 2 * 86400};
    server.set_options(in_two_days);
    EXPECT_EQ(put_beside("log/2"), "");  // tells the time
    EXPECT_EQ(put_beside("log/3"), "");
    EXPECT_EQ(lists(), 1U) << "one at once, though the next was due";
    server.set_options({});  // when it was signed
    server.release();
    loop.run_all();
    EXPECT_EQ(server.uploads(), 0U);
    server.set_options(in_two_days);
    EXPECT_EQ(put("log/4", "x"), "");
    EXPECT_EQ(put("log/5", "x"), "");
    EXPECT_EQ(lists(), 2U);
}

TEST_F(S3LeftoversTest, ALookThatIsRefusedFailsNoPut) {
    server.add_upload("root/packs/left", 90000);
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.target.find("uploads=") != std::string::npos
                   ? std::optional(http_answer("403 x", "<Error><Code>AccessDenied</Code></Error>"))
                   : std::nullopt;
    });
    ASSERT_EQ(open(), "");
    EXPECT_EQ(put("log/1", "x"), "");
}

TEST_F(S3LeftoversTest, ALookThatHangsEndsWithTheStore) {
    for (const auto* const held : {"uploads=", "uploadId="}) {
        for (const bool shut_down : {false, true}) {
            SCOPED_TRACE(std::string(held) + (shut_down ? " shut down" : " destroyed"));
            server.add_upload("root/packs/a", 90000);
            server.add_upload("root/packs/b", 90000);
            server.hold(held);
            ASSERT_EQ(open_only(), "");
            EXPECT_EQ(put_beside("log/1"), "");
            if (shut_down) {
                store->shut_down();
            } else {
                store.reset();
            }
            loop.run_all();  // would wait for it
            server.release();
        }
    }
}

using S3EndOfUploadTest = S3StoreTest;

TEST_F(S3EndOfUploadTest, AnUploadThatIsGoneIsNotTakenForAnObjectThatWasThereBefore) {
    ASSERT_EQ(open(), "");
    std::mt19937_64 random(5);
    constexpr std::size_t kSize = 12UL << 20U;
    const auto before = random_body(random, kSize);
    ASSERT_EQ(outcome(loop.run(store->put("packs/1", before, {}))), "");
    std::size_t ends = 0;
    server.set_intercept([&](const SeenRequest& request) -> std::optional<std::string> {
        const bool is_end =
            request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
        ends += is_end ? 1U : 0U;
        return is_end
                   ? std::optional(http_answer("404 x", "<Error><Code>NoSuchUpload</Code></Error>"))
                   : std::nullopt;
    });
    for (const auto* const name : {"packs/1", "packs/2"}) {
        EXPECT_EQ(outcome(loop.run(store->put(name, random_body(random, kSize), {}))),
                  "error: transient");
        EXPECT_NE(last_error.find("NoSuchUpload"), std::string::npos) << last_error;
    }
    EXPECT_EQ(ends, 2U);
    EXPECT_EQ(server.uploads(), 0U);
    const auto read = loop.run(store->get("packs/1", {}));
    ASSERT_TRUE(read);
    EXPECT_TRUE(std::ranges::equal(read->view(), before.view()));
}

class S3LockOfUploadTest : public S3StoreTest {
  protected:
    std::string put_locked(bool locks_uploads) {
        server.set_options({.versioned = true, .locks_uploads = locks_uploads});
        const auto opened = open("&lock=packs/:COMPLIANCE:30");
        return opened + outcome(loop.run(store->put("packs/1", Buffer::zeroed(12UL << 20U), {})));
    }
    /// PutObjectRetention is answered so instead.
    void answer_retention(const std::string& answer) {
        server.set_intercept([=](const SeenRequest& request) {
            return request.target.find("retention=") != std::string::npos ? std::optional(answer)
                                                                          : std::nullopt;
        });
    }
    void expect_said(const std::string& words) {
        EXPECT_NE(last_error.find(words), std::string::npos) << last_error;
    }
};

TEST_F(S3LockOfUploadTest, IsThereAlsoWhereTheStoreIgnoresItOfAnUploadInParts) {
    for (const bool locks_uploads : {true, false}) {
        SCOPED_TRACE(locks_uploads);
        const auto before = server.requests().size();
        ASSERT_EQ(put_locked(locks_uploads), "") << last_error;
        const auto until = loop.run(store->retained_until("packs/1"));
        ASSERT_TRUE(until && *until);
        constexpr double kDays_s = 30 * 86'400;
        EXPECT_NEAR(static_cast<double>(**until - std::time(nullptr)), kDays_s, 60);
        EXPECT_EQ(header_of("root/packs/1", "x-amz-object-lock-mode"), "COMPLIANCE");
        EXPECT_EQ(outcome(loop.run(store->remove("packs/1"))), "error: denied");
        const auto requests = server.requests();
        const bool asked = std::any_of(
            requests.begin() + static_cast<std::ptrdiff_t>(before), requests.end(),
            [](const auto& seen) { return seen.target.find("retention=") != std::string::npos; });
        EXPECT_EQ(asked, !locks_uploads);
    }
    EXPECT_EQ(server.violations(), std::vector<std::string>());
}

TEST_F(S3LockOfUploadTest, ThatCannotBeSetFailsThePutAndSaysWhatStandsThereWithoutIt) {
    answer_retention(http_answer("403 x", "<Error><Code>AccessDenied</Code></Error>"));
    EXPECT_EQ(put_locked(false), "error: denied");
    expect_said("put packs/1 in parts: it is there, and not retained (COMPLIANCE until 2");
    expect_said("PutObjectRetention: the store answers 403 AccessDenied");
    answer_retention(http_answer("501 x", "<Error><Code>NotImplemented</Code></Error>"));
    EXPECT_EQ(put_locked(false), "error: denied") << "tried again until somebody has mended it";
    answer_retention(http_answer("200 OK", ""));
    EXPECT_EQ(put_locked(false), "error: denied");
    expect_said("changed nothing that HEAD tells of");
    answer_retention(http_answer("503 x", "<Error><Code>SlowDown</Code></Error>"));
    EXPECT_EQ(put_locked(false), "error: throttled");
    EXPECT_EQ(server.uploads(), 0U);
}

}  // namespace
}  // namespace tapeloft::tests
