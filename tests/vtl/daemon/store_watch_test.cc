#include "vtl/daemon/store_watch.h"

#include <deque>
#include <functional>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "cloud/store/memory_store.h"

#include "tests/cloud/store/fake_retry_clock.h"
#include "tests/cloud/store/forwarding_store.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::vtl::daemon {
namespace {

using tests::FakeRetryClock;
using tests::StoreLoop;

/// Tells one answer after the other, and then stops the watch.
class TellingStore final : public ForwardingStore {
  public:
    TellingStore() : ForwardingStore(std::make_shared<MemoryStore>()) {}

    Awaitable<Result<StoreCondition>> condition() override {
        ++asked;
        if (answers.size() == 1) {
            at_last();
        }
        auto answer = std::move(answers.front());
        answers.pop_front();
        co_return answer;
    }

    std::deque<Result<StoreCondition>> answers;
    std::function<void()> at_last = [] {};
    int asked = 0;
};

class StoreWatchTest : public testing::Test {
  protected:
    StoreWatchTest() { spdlog::set_level(spdlog::level::off); }

    static StoreCondition troubled(std::map<std::string, std::string> troubles) {
        StoreCondition condition;
        condition.health = 1;
        condition.troubles = std::move(troubles);
        return condition;
    }
    void watch(std::deque<Result<StoreCondition>> answers) {
        store->answers = std::move(answers);
        store->at_last = [this] { loop.spawn(stop(), stopped); };
        watched.start(loop.executor());
        loop.run_all();
    }
    Awaitable<bool> stop() {
        co_await watched.stop();
        co_return true;
    }
    /// Severity and words of every event so far.
    std::vector<std::string> told() {
        std::vector<std::string> lines;
        for (const auto& event : events.events_after(0)) {
            lines.push_back(std::string(to_string(event.severity)) + " " + event.message);
        }
        return lines;
    }

    StoreLoop loop;
    EventLog events;
    FakeRetryClock clock;
    std::shared_ptr<TellingStore> store = std::make_shared<TellingStore>();
    StoreWatch watched{store, events, clock};
    std::optional<bool> stopped;
};

TEST_F(StoreWatchTest, AStoreThatTellsNothingIsAskedOnceAndNotWaitedFor) {
    watch({StoreCondition{}});
    EXPECT_EQ(stopped, true);
    EXPECT_EQ(store->asked, 1);
    EXPECT_FALSE(watched.last());
    EXPECT_EQ(clock.pauses().size(), 0U);
}

TEST_F(StoreWatchTest, ATroubleIsToldWhenItComesAndWhenItGoesAndOnlyThen) {
    const std::string few = "Few hosts.";
    watch({troubled({}), troubled({{"contracts", few}}), troubled({{"contracts", "Fewer hosts."}}),
           Error{Errc::transient, "away"}, troubled({{"contracts", few}, {"money", "No money."}}),
           troubled({{"money", "None."}})});
    EXPECT_EQ(told(), (std::vector<std::string>{"warning Few hosts.", "warning No money.",
                                                "info A trouble of the store is over."}));
    ASSERT_TRUE(watched.last());
    EXPECT_EQ(watched.last()->troubles.size(), 1U);
    EXPECT_EQ(clock.pauses().front(), std::chrono::minutes(5));
}

TEST_F(StoreWatchTest, OfAStoreThatDoesNotAnswerNothingIsSaid) {
    watch({troubled({{"money", "No money."}}), Error{Errc::transient, "away"}});
    EXPECT_FALSE(watched.last());
    EXPECT_EQ(told().size(), 1U);
}

TEST_F(StoreWatchTest, OneThatWasNeverStartedEndsAtOnce) {
    EXPECT_TRUE(loop.run(stop()));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
