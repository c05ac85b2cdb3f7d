// TapeAlert flags: what each nexus is told.
#include "vtl/scsi/alert_flags.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::scsi {
namespace {

constexpr ItNexusId kHost{1};
constexpr ItNexusId kOther{2};

TEST(AlertFlags, ReadingTellsANexusOnceAndLeavesTheOthersToReadForThemselves) {
    AlertFlags flags;
    flags.raise(3);
    flags.raise(64);
    EXPECT_EQ(flags.take(kHost).count(), 2U);
    EXPECT_TRUE(flags.take(kHost).none());
    EXPECT_EQ(flags.take(kOther).count(), 2U);
    EXPECT_TRUE(flags.active(3)) << "the state is not cleared by who reads it";
    EXPECT_EQ(flags.state().count(), 2U);
}

TEST(AlertFlags, AFlagRaisedAgainIsNewsForAll) {
    AlertFlags flags;
    flags.raise(6);
    flags.take(kHost);
    flags.raise(6);
    EXPECT_TRUE(flags.take(kHost).test(5));
    flags.clear(6);
    EXPECT_FALSE(flags.active(6));
    EXPECT_TRUE(flags.take(kOther).none());
    flags.raise(6);
    EXPECT_TRUE(flags.take(kHost).test(5));
}

TEST(AlertFlags, ForgetsTheOldestReaderWhenThereAreTooMany) {
    AlertFlags flags;
    flags.raise(1);
    flags.take(kHost);
    for (std::uint64_t i = 0; i < AlertFlags::kNexusesMax; ++i) {
        flags.take(ItNexusId{100 + i});
    }
    EXPECT_TRUE(flags.take(kHost).test(0)) << "told again rather than never";
    EXPECT_TRUE(flags.take(ItNexusId{100 + AlertFlags::kNexusesMax - 1}).none());
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
