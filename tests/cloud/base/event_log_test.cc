#include "cloud/base/event_log.h"

#include <memory>
#include <sstream>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace tapeloft {
namespace {

class EventLogTest : public testing::Test {
  protected:
    EventLogTest() {
        previous_ = spdlog::default_logger();
        auto logger = std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_));
        logger->set_pattern("%l %v");
        spdlog::set_default_logger(logger);
    }
    ~EventLogTest() override { spdlog::set_default_logger(previous_); }

    std::ostringstream lines_;
    std::shared_ptr<spdlog::logger> previous_;
    EventLog events_;
};

TEST_F(EventLogTest, AnEventIsOneLineWhateverItsFieldsHold) {
    events_.warning("spool", "the spool is nearly full", {{"used", "9 GiB"}, {"who", "a\nb\"c"}});
    EXPECT_EQ(lines_.str(),
              "warning spool: the spool is nearly full used=\"9 GiB\" who=\"a\\x0ab\\\"c\"\n");
}

TEST_F(EventLogTest, KeepsTheNewestInOrderAndNumbersThemAll) {
    for (std::size_t i = 0; i < EventLog::kEventsMax + 10; ++i) {
        events_.info("test", "event");
    }
    const auto all = events_.events_after(0);
    ASSERT_EQ(all.size(), EventLog::kEventsMax);
    EXPECT_EQ(all.front().sequence, 11U);
    EXPECT_EQ(events_.events_after(EventLog::kEventsMax + 8).size(), 2U);
}

TEST_F(EventLogTest, DebugIsNotKept) {
    events_.debug("test", "noise");
    EXPECT_TRUE(events_.events_after(0).empty());
}

}  // namespace
}  // namespace tapeloft
