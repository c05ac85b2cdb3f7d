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
    /// What the other host may send while the first one holds a reservation of the type.
    std::set<std::string> passing_beside(unsigned type) {
        Bytes list(24);
        list[15] = 1;
        host.send({0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, list);
        list[7] = 1;
        EXPECT_EQ(outcome(host.send({0x5F, 1, type, 0, 0, 0, 0, 0, 24, 0}, list)), "GOOD");
        scsi::DeviceUnderTest others;
        others.send = [this](const scsi::Cdb& cdb, const Bytes& data_out) {
            scsi::Task task;
            task.it_nexus = other.id();
            task.tag = ++tag;
            task.cdb = cdb;
            task.data_out = Buffer::copy_of(data_out);
            return scsi::finish(io, strand, drive.execute(std::move(task)));
        };
        return scsi::passing_commands(others);
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

// READ MEDIA SERIAL NUMBER (AB/01) passes too; security protocols and attributes only read.
TEST_F(BitsAndLengths, WhatPassesAReservationOfAnotherIsWhatTheStandardsList) {
    load();
    auto expected = scsi::common_commands_past_exclusive_access();
    expected.insert({"05", "44", "AB/01"});
    for (const std::string& name : passing_beside(3)) {
        EXPECT_EQ(expected.count(name), 1U) << name;
        expected.erase(name);
    }
    expected.erase("AB/01");
    EXPECT_EQ(expected, std::set<std::string>{});
}

TEST_F(BitsAndLengths, AReservationAgainstWritersLetsOthersRead) {
    load();
    const auto passing = passing_beside(1);
    for (const std::string& name : scsi::commands_that_only_read()) {
        EXPECT_EQ(passing.count(name), 1U) << name;
    }
    for (const char* const name : {"01", "04", "08", "0A", "10", "11", "15", "19", "1B", "1D", "2B",
                                   "34/06", "3B", "4C", "55", "91", "92", "A4/06", "A4/0F"}) {
        EXPECT_EQ(passing.count(name), 0U) << name;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::drive
