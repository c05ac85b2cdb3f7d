// TapeAlert flags that follow the storage behind the tapes.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class StorageConditionsOfADrive : public DriveFixture {
  protected:
    StorageConditionsOfADrive() {
        TapeDriveOptions settings = options("IBM ULT3580-TD8");
        settings.storage_conditions = [this](StorageCondition condition, std::string_view serial) {
            return holds == condition && (damaged.empty() || damaged == serial);
        };
        asking = std::make_unique<TapeDrive>(std::move(settings), events);
        reader = std::make_unique<Host>(io, *asking, 9, "iqn.reader");
        reader->log_in_and_clear();
    }
    std::string flags() {
        return hex(bytes_of(reader->send({0x4D, 0, 0x52, 0, 0, 0, 0, 0xFF, 0xFF, 0}))).substr(16);
    }
    std::optional<StorageCondition> holds;
    std::string damaged;
    std::unique_ptr<TapeDrive> asking;
    std::unique_ptr<Host> reader;
};

TEST_F(StorageConditionsOfADrive, AreTapeAlertFlagsForAsLongAsTheyHold) {
    EXPECT_EQ(flags(), "0000000000000000");
    holds = StorageCondition::spool_nearly_full;
    EXPECT_EQ(flags(), "0000000002000000") << "flag 39, which PBS only logs";
    const Bytes page = bytes_of(reader->send({0x4D, 0, 0x6E, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
    EXPECT_EQ(page.at(4 + 38 * 5 + 4), 1);
    holds = StorageCondition::store_unreachable;
    EXPECT_EQ(flags(), "0000000100000000") << "flag 32";
    holds = StorageCondition::damaged_object;
    damaged = "M000000001";
    EXPECT_EQ(flags(), "0000000000000000") << "that cartridge is not in this drive";
    tape = std::make_shared<FakeTapeControl>(strand);
    ASSERT_TRUE(scsi::finish(io, io.get_executor(),
                             asking->insert(std::make_unique<FakeTape>(tape), medium())));
    reader->send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(flags(), "1000000000000000") << "flag 4";
    holds.reset();
    EXPECT_EQ(flags(), "0000000000000000");
}

TEST_F(StorageConditionsOfADrive, DoNotClearWhatHasAnotherCause) {
    tape = std::make_shared<FakeTapeControl>(strand);
    ASSERT_TRUE(scsi::finish(io, io.get_executor(),
                             asking->insert(std::make_unique<FakeTape>(tape), medium())));
    reader->send({0x03, 0, 0, 0, 18, 0});
    tape->read_error = Error{Errc::corrupt, "damaged"};
    reader->send({0x08, 0, 0, 0, 100, 0});
    const std::string before = flags();
    EXPECT_EQ(before.substr(0, 2), "38") << "flags 3, 4 and 5";
    holds = StorageCondition::damaged_object;
    EXPECT_EQ(flags(), before);
    holds.reset();
    EXPECT_EQ(flags(), before) << "the read error is still one";
}

}  // namespace
}  // namespace tapeloft::vtl::drive
