// Every command of a drive: its reserved bits, its allocation and parameter list lengths.
#include "tests/vtl/drive/drive_fixture.h"
#include "tests/vtl/scsi/every_command.h"

namespace tapeloft::vtl::drive {
namespace {

class BitsAndLengths : public DriveFixture {
  protected:
    BitsAndLengths() {
        device.send = [this](const scsi::Cdb& cdb, const Bytes& data_out) {
            scsi::Task task;
            task.it_nexus = host.id();
            task.tag = ++tag;
            task.cdb = cdb;
            task.data_out = Buffer::copy_of(data_out);
            return scsi::finish(io, strand, drive.execute(std::move(task)));
        };
        device.device_state = [this] {
            return tape ? hex(bytes_of(host.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}))) + " " +
                              std::to_string(tape->objects.size())
                        : std::string();
        };
    }
    scsi::DeviceUnderTest device;
    scsi::TaskTag tag = 5000;
};

TEST_F(BitsAndLengths, ReservedBitsAreRefusedOneByOneWithAndWithoutAMedium) {
    scsi::expect_reserved_bits_refused(device);
    load();
    write(100);
    marks(1);
    scsi::expect_reserved_bits_refused(device);
}

TEST_F(BitsAndLengths, WhatIsNotInTheListOfCommandsIsRefused) {
    scsi::expect_unknown_commands_refused(device);
}

TEST_F(BitsAndLengths, AllocationLengthsOnlyCut) {
    load();
    auto rows = scsi::common_data_in();
    // clang-format off
    for (const scsi::DataIn& row : std::vector<scsi::DataIn>{
        {{0x1A, 0, 0x0F}, 4, 1}, {{0x12, 1, 0xB0}, 3, 2},
        {{0x34, 0x08}, 7, 2},
        {{0x44}, 7, 2}, {{0x44, 1}, 7, 2},
        {{0x4D, 0, 0x51}, 7, 2}, {{0x4D, 0, 0x52}, 7, 2}, {{0x4D, 0, 0x57}, 7, 2}, {{0x4D, 0, 0x71}, 7, 2},
    }) {
        rows.push_back(row);
    }
    // clang-format on
    scsi::expect_allocation_lengths_only_cut(device, rows);
}

TEST_F(BitsAndLengths, ParameterListLengthsAreChecked) {
    scsi::expect_list_lengths_checked(device, scsi::common_data_out());
}

}  // namespace
}  // namespace tapeloft::vtl::drive
