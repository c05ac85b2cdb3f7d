// Every command of the changer: its reserved bits, its allocation and parameter list lengths.
#include "tests/vtl/library/library_fixture.h"
#include "tests/vtl/scsi/every_command.h"

namespace tapeloft::tests {
namespace {

namespace scsi = vtl::scsi;

class ChangerBitsAndLengths : public LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
        device.send = [this](const scsi::Cdb& cdb, const Bytes& data_out) {
            auto built = task({cdb.begin(), cdb.end()}, kHost);
            built.data_out = Buffer::copy_of(data_out);
            return run(life_->context, changer().execute(std::move(built)));
        };
        device.device_state = [this] {
            return scsi::hex(
                scsi::bytes_of(send({0xB8, 0x10, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0})));
        };
    }
    scsi::DeviceUnderTest device;
};

TEST_F(ChangerBitsAndLengths, ReservedBitsAreRefusedOneByOne) {
    scsi::expect_reserved_bits_refused(device);
}

TEST_F(ChangerBitsAndLengths, WhatIsNotInTheListOfCommandsIsRefused) {
    scsi::expect_unknown_commands_refused(device);
}

TEST_F(ChangerBitsAndLengths, AllocationLengthsOnlyCut) {
    auto rows = scsi::common_data_in();
    rows.push_back({{0x1A, 0x08, 0x1D}, 4, 1});
    rows.push_back({{0x1A, 0x08, 0x1F}, 4, 1});
    scsi::expect_allocation_lengths_only_cut(device, rows);
}

TEST_F(ChangerBitsAndLengths, ParameterListLengthsAreChecked) {
    scsi::expect_list_lengths_checked(device, scsi::common_data_out());
}

TEST_F(ChangerBitsAndLengths, WhatPassesAReservationOfAnotherIsWhatTheStandardsList) {
    Bytes list(24);
    list[15] = 1;
    device.send({0x5F, 6, 0, 0, 0, 0, 0, 0, 24}, list);
    list[7] = 1;
    ASSERT_TRUE(device.send({0x5F, 1, 3, 0, 0, 0, 0, 0, 24}, list).status == scsi::Status::good);
    scsi::DeviceUnderTest others;
    others.send = [this](const scsi::Cdb& cdb, const Bytes& data_out) {
        auto built = task({cdb.begin(), cdb.end()}, kOtherHost);
        built.data_out = Buffer::copy_of(data_out);
        return run(life_->context, changer().execute(std::move(built)));
    };
    EXPECT_EQ(scsi::passing_commands(others), scsi::common_commands_past_exclusive_access());
    const auto current_data = send({0xB8, 0, 0, 0, 0, 9, 0x02, 0, 1, 0, 0, 0}, kOtherHost);
    EXPECT_TRUE(current_data.status == scsi::Status::good) << "CURDATA: nothing moves";
}

}  // namespace
}  // namespace tapeloft::tests
