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

    /// Every command with an allocation length, every page it can be asked for.
    std::vector<scsi::DataIn> data_in() {
        auto rows = scsi::common_data_in();
        // clang-format off
        rows.insert(rows.end(), {
            {{0x1A, 0, 0x0F}, 4, 1}, {{0x1A, 0, 0}, 4, 1},
            {{0x34, 0x08}, 7, 2},
            {{0x44}, 7, 2}, {{0x44, 1}, 7, 2}, {{0x44, 2}, 7, 2},
            {{0x8C, 0}, 10, 4}, {{0x8C, 1}, 10, 4}, {{0x8C, 2}, 10, 4}, {{0x8C, 3}, 10, 4}, {{0x8C, 5}, 10, 4},
            {{0xA2, 0x00}, 6, 4}, {{0xA2, 0x20}, 6, 4},
            {{0xA2, 0x20, 0, 0x10}, 6, 4}, {{0xA2, 0x20, 0, 0x11}, 6, 4}, {{0xA2, 0x20, 0, 0x12}, 6, 4},
            {{0xA2, 0x20, 0, 0x20}, 6, 4}, {{0xA2, 0x20, 0, 0x21}, 6, 4},
            {{0xAB, 0x01}, 6, 4},
        });
        // clang-format on
        for (const std::uint8_t page : bytes_after(4, {0x12, 1, 0, 0xFF, 0xFF})) {
            rows.push_back({{0x12, 1, page}, 3, 2});
        }
        for (const std::uint8_t page : bytes_after(4, {0x4D, 0, 0x40, 0, 0, 0, 0, 0xFF, 0xFF})) {
            const bool tells_time = page == 0x0C || page == 0x14 || page == 0x17;
            rows.push_back(
                {{0x4D, 0, static_cast<std::uint8_t>(0x40 | page)}, 7, 2, 0, tells_time});
        }
        for (const auto page : std::to_array<std::uint8_t>(
                 {0x01, 0x02, 0x0A, 0x0F, 0x10, 0x11, 0x1A, 0x1C, 0x1D, 0x24, 0x25, 0x2F, 0x30})) {
            rows.push_back({{0x5A, 0, page, 0xFF}, 7, 2});
        }
        return rows;
    }
    Bytes bytes_after(std::size_t header, const scsi::Cdb& cdb) {
        const Bytes reply = bytes_of(device.send(cdb, {}));
        return {reply.begin() + static_cast<std::ptrdiff_t>(header), reply.end()};
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
    const auto rows = data_in();
    scsi::expect_allocation_lengths_only_cut(device, rows);
    std::set<std::string> commands = {
        // those without data for the host, or without the length
        "00",    "01", "04", "05", "08",    "0A",    "0B",    "10",    "11",    "13",    "15",
        "16",    "17", "19", "1B", "1D",    "1E",    "2B",    "34/00", "34/01", "34/06", "3B",
        "4C",    "55", "56", "57", "5F/00", "5F/01", "5F/02", "5F/03", "5F/04", "5F/05", "5F/06",
        "5F/07", "82", "8D", "91", "92",    "A4/06", "A4/0F", "B5"};
    for (const scsi::DataIn& row : rows) {
        commands.insert(hex(ByteView(row.cdb).first(1)));
        commands.insert(hex(ByteView(row.cdb).first(1)) + "/" +
                        hex(Bytes{static_cast<std::uint8_t>(row.cdb[1] & 0x1FU)}));
    }
    for (const scsi::SupportedCommand& command : scsi::supported_commands(device)) {
        EXPECT_EQ(commands.count(scsi::name_of(command)), 1U)
            << scsi::name_of(command) << " is not tried";
    }
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
