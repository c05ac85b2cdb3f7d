// A store behind a bad network: what was put is what is there, whatever the wire did.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "cloud/store/retrying_store.h"

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/s3/s3_store_fixture.h"
#include "tests/cloud/store/fake_retry_clock.h"

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;

constexpr WireFault kAll[] = {
    WireFault::reset_at_once,  WireFault::reset_in_request, WireFault::reset_in_answer,
    WireFault::answer_lost,    WireFault::answer_cut_short, WireFault::answer_slow,
    WireFault::answer_of_html, WireFault::wrong_length,     WireFault::internal_error,
    WireFault::slow_down,      WireFault::silence};

class S3FaultyNetworkTest : public testing::Test {
  protected:
    /// patience: with a server that says nothing.
    explicit S3FaultyNetworkTest(milliseconds patience = milliseconds(1000)) {
        const auto url = parse_store_url("s3://bucket/root?endpoint=http://127.0.0.1:" +
                                         std::to_string(proxy.port()));
        const HttpLimits limits{.connect_time_max = milliseconds(5000),
                                .stall_time_max = patience,
                                .answer_time_max = patience};
        auto settings = s3::settings_of(*url).value();
        settings.multipart_threshold = 6UL << 20U;
        settings.part_size = 5UL << 20U;
        auto opened = S3Store::open(std::move(settings), {loop.executor(), work.get_executor()},
                                    server.environment(), limits, clock);
        const RetryLimits quick{.pause_min = milliseconds(1), .pause_max = milliseconds(5)};
        store = std::make_unique<RetryingStore>(std::shared_ptr<S3Store>(std::move(*opened)),
                                                RetryingStore::Limits{quick, quick}, 1);
    }
    template <typename T>
    static std::string outcome(const Result<T>& result) {
        return result ? "" : result.error().message;
    }

    FakeS3 server;
    FaultyProxy proxy{static_cast<unsigned short>(
        std::stoi(server.endpoint().substr(server.endpoint().rfind(':') + 1)))};
    /// How many requests of the method had this in their target.
    std::size_t seen(const std::string& method, const std::string& in_target) {
        const auto requests = server.requests();
        return static_cast<std::size_t>(std::ranges::count_if(requests, [&](const auto& request) {
            return request.method == method && request.target.find(in_target) != std::string::npos;
        }));
    }

    FakeRetryClock clock;
    boost::asio::thread_pool work{2};
    StoreLoop loop;
    std::unique_ptr<RetryingStore> store;
};

TEST_F(S3FaultyNetworkTest, EveryCallGetsThroughEveryFault) {
    ASSERT_EQ(outcome(loop.run(store->put("a", body_of("first"), {}))), "");
    std::mt19937_64 random(7);
    const auto large = random_body(random, (1UL << 20U) + 77);
    for (const auto fault : kAll) {
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)));
        const auto next = [&] { proxy.script({fault}, [](const SeenRequest&) { return true; }); };
        next();
        EXPECT_EQ(outcome(loop.run(store->put("large", large, {}))), "");
        next();
        const auto read = loop.run(store->get("large", {}));
        ASSERT_EQ(outcome(read), "");
        EXPECT_TRUE(std::ranges::equal(read->view(), large.view()));
        next();
        const auto part = loop.run(store->get("large", {.offset = 1000, .length = 70000}));
        ASSERT_EQ(outcome(part), "");
        EXPECT_TRUE(std::ranges::equal(part->view(), large.slice(1000, 70000).view()));
        if (fault != WireFault::wrong_length) {  // which is all that an answer to HEAD has
            next();
            const auto info = loop.run(store->head("large"));
            ASSERT_EQ(outcome(info), "");
            EXPECT_EQ(info->size, large.size());
        }
        next();
        const auto page = loop.run(store->list("", "", 10));
        ASSERT_EQ(outcome(page), "");
        EXPECT_EQ(page->objects.size(), 2U);
        next();
        EXPECT_EQ(outcome(loop.run(store->remove("large"))), "");
        EXPECT_EQ(loop.run(store->get("large", {})).error().code, Errc::not_found);
    }
    EXPECT_EQ(proxy.scripted_left(), 0U);
    EXPECT_EQ(server.violations().size(), 0U);
}

/// Which a busy machine does not store or read within a second.
class S3LargeObjectsTest : public S3FaultyNetworkTest {
  protected:
    S3LargeObjectsTest() : S3FaultyNetworkTest(milliseconds(30'000)) {}

    /// All of packs/1, which goes then, and nothing besides.
    void expect_stored(const Buffer& body) {
        const auto read = loop.run(store->get("packs/1", {}));
        ASSERT_TRUE(read);
        EXPECT_TRUE(std::ranges::equal(read->view(), body.view()));
        EXPECT_EQ(outcome(loop.run(store->remove("packs/1"))), "");
        EXPECT_EQ(server.uploads(), 0U);
        EXPECT_EQ(server.violations().size(), 0U);
    }
};

TEST_F(S3LargeObjectsTest, OfALargeObjectOnlyThePartIsSentAgain) {
    std::mt19937_64 random(9);
    const auto body = random_body(random, (13UL << 20U) + 5);
    const auto is_second = [](const SeenRequest& request) {
        return request.target.find("partNumber=2") != std::string::npos;
    };
    const std::size_t one = 1;
    for (const auto fault : {WireFault::answer_lost, WireFault::reset_in_request,
                             WireFault::reset_at_once, WireFault::slow_down}) {
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)));
        const auto begun = seen("POST", "uploads=");
        const auto firsts = seen("PUT", "partNumber=1");
        const auto second_parts = seen("PUT", "partNumber=2");
        proxy.script({fault}, is_second);
        ASSERT_EQ(outcome(loop.run(store->put("packs/1", body, {}))), "");
        EXPECT_EQ(proxy.scripted_left(), 0U);
        EXPECT_EQ(seen("POST", "uploads="), begun + one) << "under the same upload";
        EXPECT_EQ(seen("PUT", "partNumber=1"), firsts + one);
        EXPECT_EQ(seen("PUT", "partNumber=2"),
                  second_parts + one + (fault == WireFault::answer_lost ? one : 0U));
        expect_stored(body);
    }
}

TEST_F(S3LargeObjectsTest, OfALargeObjectNothingIsSentAgainWhereOnlyItsEndWasLost) {
    std::mt19937_64 random(9);
    const auto body = random_body(random, (13UL << 20U) + 5);
    const auto is_end = [](const SeenRequest& request) {
        return request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
    };
    for (const auto fault : {WireFault::answer_lost, WireFault::reset_in_answer,
                             WireFault::reset_at_once, WireFault::internal_error}) {
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)));
        const auto begun = seen("POST", "uploads=");
        const auto parts = seen("PUT", "partNumber=");
        proxy.script({fault}, is_end);
        ASSERT_EQ(outcome(loop.run(store->put("packs/1", body, {}))), "");
        EXPECT_EQ(proxy.scripted_left(), 0U);
        EXPECT_EQ(seen("POST", "uploads="), begun + 1);
        EXPECT_EQ(seen("PUT", "partNumber="), parts + 3);
        expect_stored(body);
    }
}

TEST_F(S3FaultyNetworkTest, APutIfAbsentWhoseAnswerWasLostMeetsItself) {
    ASSERT_EQ(outcome(loop.run(store->put("a", body_of("x"), {}))), "");
    proxy.script({WireFault::answer_lost}, [](const SeenRequest&) { return true; });
    const auto put = loop.run(store->put("log/1", body_of("mine"), {.if_absent = true}));
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, Errc::precondition);
    EXPECT_EQ(as_text(loop.run(store->get("log/1", {}))->view()), "mine");
}

TEST_F(S3FaultyNetworkTest, AServerThatIsAwayForAWhileIsWaitedFor) {
    ASSERT_EQ(outcome(loop.run(store->put("a", body_of("x"), {}))), "");
    proxy.take_away();
    const auto away = loop.run(store->put("b", body_of("y"), {}));
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, Errc::transient) << away.error().message;
    proxy.bring_back();
    EXPECT_EQ(outcome(loop.run(store->put("b", body_of("y"), {}))), "");
    EXPECT_EQ(as_text(loop.run(store->get("b", {}))->view()), "y");
}

}  // namespace
}  // namespace tapeloft::tests
