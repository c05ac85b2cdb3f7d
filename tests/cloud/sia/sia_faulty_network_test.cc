// A renterd (a stand-in) behind a bad network: what was put is what is there, whatever the wire
// did.
#include <chrono>
#include <string>

#include "cloud/store/retrying_store.h"

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/sia/sia_store_fixture.h"

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;

constexpr WireFault kAll[] = {
    WireFault::reset_at_once,  WireFault::reset_in_request, WireFault::reset_in_answer,
    WireFault::answer_lost,    WireFault::answer_cut_short, WireFault::answer_slow,
    WireFault::answer_of_html, WireFault::wrong_length,     WireFault::internal_error,
    WireFault::slow_down,      WireFault::silence};

class SiaFaultyNetworkTest : public testing::Test {
  protected:
    SiaFaultyNetworkTest() {
        const auto url = parse_store_url("sia://bucket/root?endpoint=http://127.0.0.1:" +
                                         std::to_string(proxy.port()));
        const auto executor = work.get_executor();
        const HttpLimits limits{.connect_time_max = milliseconds(5000),
                                .stall_time_max = milliseconds(1000),
                                .answer_time_max = milliseconds(1000)};
        auto opened = SiaStore::open(sia::settings_of(*url).value(), {executor, executor},
                                     server.environment(), limits, clock);
        const RetryLimits quick{.pause_min = milliseconds(1), .pause_max = milliseconds(5)};
        store = std::make_unique<RetryingStore>(std::shared_ptr<SiaStore>(std::move(*opened)),
                                                RetryingStore::Limits{quick, quick}, 1);
    }
    template <typename T>
    static std::string outcome(const Result<T>& result) {
        return result ? "" : result.error().message;
    }

    FakeRenterd server;
    FakeRetryClock clock;
    FaultyProxy proxy{server.port()};
    boost::asio::thread_pool work{2};
    StoreLoop loop;
    std::unique_ptr<RetryingStore> store;
};

TEST_F(SiaFaultyNetworkTest, EveryCallGetsThroughEveryFault) {
    ASSERT_EQ(outcome(loop.run(store->put("a", body_of("first"), {}))), "");
    std::mt19937_64 random(7);
    const auto large = random_body(random, 4UL << 20U);  // a slab, so that it is looked at too
    for (const auto fault : kAll) {
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)));
        const auto next = [&] { proxy.script({fault}, [](const SeenRequest&) { return true; }); };
        next();
        EXPECT_EQ(outcome(loop.run(store->put("large", large, {}))), "");
        proxy.script({fault}, [](const SeenRequest& request) { return request.method == "GET"; });
        EXPECT_EQ(outcome(loop.run(store->put("large", large, {}))), "");
        next();
        const auto read = loop.run(store->get("large", {}));
        ASSERT_EQ(outcome(read), "");
        EXPECT_TRUE(std::ranges::equal(read->view(), large.view()));
        next();
        const auto part = loop.run(store->get("large", {.offset = 1000, .length = 70000}));
        ASSERT_EQ(outcome(part), "");
        EXPECT_TRUE(std::ranges::equal(part->view(), large.slice(1000, 70000).view()));
        next();
        const auto info = loop.run(store->head("large"));
        ASSERT_EQ(outcome(info), "");
        EXPECT_EQ(info->size, large.size());
        next();
        const auto page = loop.run(store->list("", "", 10));
        ASSERT_EQ(outcome(page), "");
        EXPECT_EQ(page->objects.size(), 2U);
        next();
        EXPECT_EQ(outcome(loop.run(store->remove("large"))), "");
        EXPECT_EQ(loop.run(store->get("large", {})).error().code, Errc::not_found);
    }
    EXPECT_EQ(proxy.scripted_left(), 0U);
    EXPECT_EQ(server.violations(), std::vector<std::string>());
}

TEST_F(SiaFaultyNetworkTest, AServerThatIsAwayForAWhileIsWaitedFor) {
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
