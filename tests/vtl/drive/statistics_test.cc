// What a drive and a cartridge count, and how it comes back after a restart.
#include "vtl/drive/statistics.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::drive {
namespace {

UsageLedger worked() {
    UsageLedger ledger;
    ledger.start({});
    ledger.begin_load({}, 4);
    ledger.count_written(100);
    ledger.count_written(50);
    ledger.count_read(30);
    ledger.count_error(ErrorOf::reading);
    ledger.count_motion(7);
    return ledger;
}

TEST(Statistics, DriveAndCartridgeAndLoadCountTheSameTransfers) {
    const UsageLedger ledger = worked();
    for (const TransferCounters& counters :
         {ledger.drive().lifetime, ledger.volume().lifetime, ledger.load(), ledger.run()}) {
        EXPECT_EQ(counters.bytes_written, 150U);
        EXPECT_EQ(counters.records_written, 2U);
        EXPECT_EQ(counters.bytes_read, 30U);
        EXPECT_EQ(counters.records_read, 1U);
        EXPECT_EQ(counters.read_errors, 1U);
        EXPECT_EQ(counters.write_errors, 0U);
    }
    EXPECT_EQ(ledger.volume().mounts, 5U) << "as many as the catalog knows, and this one";
    EXPECT_EQ(ledger.drive().loads, 1U);
    EXPECT_EQ(ledger.drive().motion_microseconds, 7U);
}

TEST(Statistics, WhatWasSavedComesBackAndCountsOn) {
    UsageLedger ledger = worked();
    const Bytes drive = ledger.drive_value(3600);
    const Bytes volume = ledger.volume_value();
    UsageLedger later;
    later.start(drive);
    EXPECT_EQ(later.drive().power_cycles, 2U);
    EXPECT_EQ(later.drive().power_on_seconds, 3600U);
    EXPECT_EQ(later.drive().lifetime, ledger.drive().lifetime);
    later.begin_load(volume, 0);
    EXPECT_EQ(later.volume().mounts, 6U) << "what the cartridge says counts, not the catalog";
    later.count_written(1);
    EXPECT_EQ(later.volume().lifetime.bytes_written, 151U);
    EXPECT_EQ(later.load().bytes_written, 1U) << "only this load";
}

TEST(Statistics, AnotherCartridgeDoesNotGetTheCountersOfTheLastOne) {
    UsageLedger ledger = worked();
    ledger.begin_load({}, 0);
    EXPECT_EQ(ledger.volume().lifetime, TransferCounters{});
    EXPECT_EQ(ledger.volume().mounts, 1U);
    EXPECT_EQ(ledger.load(), TransferCounters{});
    EXPECT_EQ(ledger.drive().lifetime.bytes_written, 150U);
}

TEST(Statistics, ResetZeroesWhatCountsSinceAResetAndNothingElse) {
    UsageLedger ledger = worked();
    ledger.reset(ResetGroup::transfers);
    const auto since = [&ledger](ResetGroup group) {
        const DriveStatistics& drive = ledger.drive();
        return drive.lifetime - drive.at_reset[static_cast<std::size_t>(group)];
    };
    EXPECT_EQ(since(ResetGroup::transfers), TransferCounters{});
    EXPECT_EQ(since(ResetGroup::read_errors).read_errors, 1U) << "a group of its own";
    ledger.count_written(9);
    EXPECT_EQ(since(ResetGroup::transfers).bytes_written, 9U);
    ledger.reset_loads();
    EXPECT_EQ(ledger.drive().loads_at_reset, 1U);
    EXPECT_EQ(ledger.drive().lifetime.bytes_written, 159U);
    EXPECT_EQ(ledger.drive().loads, 1U);
    EXPECT_EQ(ledger.volume().lifetime.bytes_written, 159U);
}

TEST(Statistics, ACartridgeKnowsThisLoadTheOneBeforeAndWhatCameSinceTheFormat) {
    UsageLedger ledger = worked();
    ledger.count_partition_change();
    const Bytes value = ledger.volume_value();
    ledger.begin_load(value, 0);
    EXPECT_EQ(ledger.volume().previous_load.bytes_written, 150U);
    EXPECT_EQ(ledger.volume().load, TransferCounters{});
    EXPECT_EQ(ledger.volume().partition_changes, 1U);
    ledger.note_format();
    ledger.count_written(7);
    const VolumeStatistics& volume = ledger.volume();
    EXPECT_EQ((volume.lifetime - volume.at_format).bytes_written, 7U);
    EXPECT_EQ(volume.mounts - volume.mounts_at_format, 0U);
    EXPECT_EQ(volume.partition_changes, 0U);
    EXPECT_EQ(decode_volume_statistics(ledger.volume_value()), volume);
}

TEST(Statistics, WhatACartridgeKeptInVersion1IsRead) {
    Bytes old = {1};
    for (unsigned i = 1; i <= 7; ++i) {
        const Bytes counter = {0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(i)};
        old.insert(old.end(), counter.begin(), counter.end());
    }
    const auto volume = decode_volume_statistics(old);
    ASSERT_TRUE(volume);
    EXPECT_EQ(volume->lifetime.bytes_written, 1U);
    EXPECT_EQ(volume->lifetime.read_errors, 6U);
    EXPECT_EQ(volume->mounts, 7U);
    EXPECT_EQ(volume->previous_load, TransferCounters{});
}

TEST(Statistics, NothingIsToBeSavedUntilSomethingHasHappened) {
    UsageLedger ledger = worked();
    EXPECT_TRUE(ledger.drive_changed());
    EXPECT_TRUE(ledger.volume_changed());
    ledger.drive_saved();
    ledger.volume_saved();
    EXPECT_FALSE(ledger.drive_changed());
    EXPECT_FALSE(ledger.volume_changed());
    ledger.count_read(1);
    EXPECT_TRUE(ledger.drive_changed());
    EXPECT_TRUE(ledger.volume_changed());
}

TEST(Statistics, BytesOfAnUnknownVersionOrAnotherLengthAreTakenForNotThere) {
    const Bytes good = worked().drive_value(0);
    EXPECT_TRUE(decode_drive_statistics(good));
    Bytes newer = good;
    newer[0] = 2;
    EXPECT_FALSE(decode_drive_statistics(newer));
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(decode_drive_statistics(ByteView(good).first(size))) << size;
    }
    const Bytes volume = worked().volume_value();
    EXPECT_TRUE(decode_volume_statistics(volume));
    for (std::size_t size = 0; size < volume.size(); ++size) {
        EXPECT_FALSE(decode_volume_statistics(ByteView(volume).first(size))) << size;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_drive_statistics(longer));
    UsageLedger ledger;
    ledger.start(newer);
    EXPECT_EQ(ledger.drive().lifetime, TransferCounters{});
}

}  // namespace
}  // namespace tapeloft::vtl::drive
