// The table of TapeAlert flags and what clears which of them.
#include "vtl/drive/tape_alert.h"

#include <bit>

#include <gtest/gtest.h>

namespace tapeloft::vtl::drive {
namespace {

TEST(TapeAlert, EveryFlagThatCanBeRaisedIsInUseAndHasSomethingThatClearsIt) {
    for (const TapeAlertRow& row : tape_alert_rows()) {
        const bool supported = ((TapeAlerts::supported() >> (64U - row.flag)) & 1U) != 0;
        if (supported) {
            EXPECT_NE(row.severity, AlertSeverity::unused) << row.name;
            EXPECT_NE(row.cleared, AlertCleared::never) << row.name;
        }
    }
    EXPECT_EQ(std::popcount(TapeAlerts::supported()), 18);
    EXPECT_EQ(TapeAlerts::supported() & 0x0400U, 0U) << "flag 54: blank media are no damage";
}

TEST(TapeAlert, AMediumThatComesInClearsWhatWasAboutTheMediumAlone) {
    TapeAlerts alerts;
    alerts.raise(TapeAlert::write_failure);
    alerts.raise(TapeAlert::lost_statistics);
    alerts.clear_all(AlertCleared::at_load);
    EXPECT_FALSE(alerts.active(TapeAlert::write_failure));
    EXPECT_TRUE(alerts.active(TapeAlert::lost_statistics));
    alerts.reset();
    EXPECT_FALSE(alerts.active(TapeAlert::lost_statistics));
}

TEST(TapeAlert, TestFlagNumberSetsClearsAndSetsAll) {
    TapeAlerts alerts;
    EXPECT_TRUE(alerts.apply_test(3));
    EXPECT_TRUE(alerts.active(TapeAlert::hard_error));
    EXPECT_TRUE(alerts.apply_test(-3));
    EXPECT_FALSE(alerts.active(TapeAlert::hard_error));
    EXPECT_TRUE(alerts.apply_test(32767));
    EXPECT_TRUE(alerts.active(TapeAlert::worm_overwrite));
    EXPECT_TRUE(alerts.apply_test(64));
    for (const std::int32_t bad : {0, 65, -65, 32766, -32767, 2147483647, -2147483647 - 1}) {
        EXPECT_FALSE(alerts.apply_test(bad)) << bad;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::drive
