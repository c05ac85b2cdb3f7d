#include "cloud/s3/s3_multipart.h"

#include <algorithm>

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

}  // namespace
}  // namespace tapeloft::tests
