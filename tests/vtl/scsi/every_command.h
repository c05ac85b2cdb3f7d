// Bits and lengths of every command of a live device server, driven by what it says of its own
// commands (REPORT SUPPORTED OPERATION CODES).
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vtl/scsi/task.h"

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::scsi {

using Cdb = std::array<std::uint8_t, 16>;

/// A device with no unit attention waiting and nothing reserved.
struct DeviceUnderTest {
    std::function<Completion(const Cdb&, const Bytes&)> send;
    std::function<std::string()> device_state;  ///< of what a command could change

    [[nodiscard]] std::string state() const {
        constexpr auto kQuestions = std::to_array<Cdb>({
            {0x5A, 0x08, 0x3F, 0xFF, 0, 0, 0, 0xFF, 0xFF},  // current mode parameters
            {0x5A, 0x08, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF},  // saved ones
            {0x5E, 0x03, 0, 0, 0, 0, 0, 0xFF, 0xFF},
            {0xA3, 0x05, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF},
            {0xA3, 0x05, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0x04},
        });
        std::string all = device_state();
        for (const Cdb& question : kQuestions) {
            all += " " + hex(bytes_of(send(question, {})));
        }
        return all;
    }
};

struct SupportedCommand {
    Cdb usage{};
    std::size_t length = 0;
    bool has_service_action = false;
    std::uint8_t service_action = 0;
};

inline std::string name_of(const SupportedCommand& command) {
    std::string name = hex(ByteView(command.usage).first(1));
    if (command.has_service_action) {
        name += "/" + hex(ByteView(&command.service_action, 1));
    }
    return name;
}

inline std::vector<SupportedCommand> supported_commands(const DeviceUnderTest& device) {
    std::vector<SupportedCommand> commands;
    const Bytes list = bytes_of(device.send({0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0}, {}));
    for (std::size_t at = 4; at + 8 <= list.size(); at += 8) {
        SupportedCommand command;
        command.has_service_action = (list[at + 5] & 1U) != 0;
        command.service_action = list[at + 3];
        const auto option = static_cast<std::uint8_t>(command.has_service_action ? 2 : 1);
        const Bytes one = bytes_of(device.send(
            {0xA3, 0x0C, option, list[at], list[at + 2], list[at + 3], 0, 0, 0xFF, 0xFF, 0, 0},
            {}));
        EXPECT_EQ(one.at(1) & 7U, 3U) << hex(one);
        command.length = one.size() - 4;
        EXPECT_EQ(command.length, load_big_endian<2>(ByteView(list).subspan(at + 6)));
        std::copy(one.begin() + 4, one.end(), command.usage.begin());
        EXPECT_EQ(command.usage[0], list[at]);
        commands.push_back(command);
    }
    return commands;
}

/// Each bit that no field covers, alone: 05/24/00, the pointer at it, and nothing has changed.
inline void expect_reserved_bits_refused(const DeviceUnderTest& device) {
    const auto commands = supported_commands(device);
    ASSERT_GT(commands.size(), 30U);
    const std::string before = device.state();
    for (const SupportedCommand& command : commands) {
        for (std::size_t bit = 8; bit < command.length * 8; ++bit) {
            const std::size_t byte = bit / 8;
            unsigned used = command.usage[byte];
            if (byte == 1 && command.has_service_action) {
                used |= 0x1FU;
            }
            const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
            if ((used & mask) != 0) {
                continue;
            }
            Cdb cdb{};
            cdb[0] = command.usage[0];
            cdb[1] = command.service_action;
            cdb[byte] = static_cast<std::uint8_t>(cdb[byte] | mask);
            const Completion got = device.send(cdb, Bytes(64));
            EXPECT_EQ(outcome(got) + " " + field(got),
                      "05/24/00 cdb " + std::to_string(byte) + "." + std::to_string(bit % 8))
                << name_of(command);
            EXPECT_EQ(got.data_out_length, 0U) << name_of(command);
        }
        ASSERT_EQ(device.state(), before) << name_of(command);
    }
}

/// Service actions that are not in the list: 05/24/00 at byte 1, bit 4; operation codes: 05/20/00.
inline void expect_unknown_commands_refused(const DeviceUnderTest& device) {
    const auto commands = supported_commands(device);
    for (unsigned opcode = 0; opcode < 0x100; ++opcode) {
        std::vector<bool> actions(32);
        bool known = false;
        bool takes_actions = false;
        for (const SupportedCommand& command : commands) {
            if (command.usage[0] == opcode) {
                known = true;
                takes_actions = command.has_service_action;
                actions[command.service_action] = true;
            }
        }
        Cdb cdb{static_cast<std::uint8_t>(opcode)};
        if (!known) {
            EXPECT_EQ(outcome(device.send(cdb, {})), "05/20/00") << opcode;
        }
        for (std::uint8_t action = 0; takes_actions && action < 32; ++action) {
            if (!actions[action]) {
                cdb[1] = action;
                const Completion got = device.send(cdb, {});
                EXPECT_EQ(outcome(got) + " " + field(got), "05/24/00 cdb 1.4") << opcode;
            }
        }
    }
}

/// A command with data for the host: where its allocation length stands.
struct DataIn {
    Cdb cdb{};
    std::size_t offset = 0;
    std::size_t width = 0;
    std::size_t least = 0;  ///< a smaller allocation length is refused
    bool changes = false;   ///< the data are others each time: only their length counts
};

inline Cdb with_length(Cdb cdb, std::size_t offset, std::size_t width, std::size_t length) {
    for (std::size_t i = 0; i < width; ++i) {
        cdb[offset + i] = static_cast<std::uint8_t>(length >> (8 * (width - 1 - i)));
    }
    return cdb;
}

/// Allocation lengths from 0 to more than there is: the reply is the beginning of the full one.
inline void expect_allocation_lengths_only_cut(const DeviceUnderTest& device,
                                               const std::vector<DataIn>& rows) {
    for (const DataIn& row : rows) {
        SCOPED_TRACE(hex(row.cdb));
        const std::size_t most = row.width == 1 ? 0xFF : 0xFFFF;
        const Completion all = device.send(with_length(row.cdb, row.offset, row.width, most), {});
        ASSERT_EQ(outcome(all), "GOOD");
        const Bytes full = bytes_of(all);
        ASSERT_FALSE(full.empty());
        for (std::size_t length = 0; length <= std::min(full.size() + 2, most); ++length) {
            const Completion cut =
                device.send(with_length(row.cdb, row.offset, row.width, length), {});
            if (length < row.least) {
                EXPECT_EQ(outcome(cut), "05/24/00") << length;
                continue;
            }
            ASSERT_EQ(outcome(cut), "GOOD") << length;
            const Bytes got = bytes_of(cut);
            ASSERT_EQ(got.size(), std::min(length, full.size()));
            if (!row.changes) {
                ASSERT_TRUE(std::equal(got.begin(), got.end(), full.begin())) << length;
            }
        }
    }
}

/// A command with data from the host, valid as it is.
struct DataOut {
    Cdb cdb{};
    std::size_t offset = 0;  ///< of the parameter list length
    std::size_t width = 0;
    Bytes list;
    bool cuts = false;  ///< a shorter list is as good
};

/// Less data than the CDB says: 05/0E/03. A shorter list: 05/1A/00. Nothing has changed.
inline void expect_list_lengths_checked(const DeviceUnderTest& device,
                                        const std::vector<DataOut>& rows) {
    const std::string before = device.state();
    for (const DataOut& row : rows) {
        SCOPED_TRACE(hex(row.cdb));
        const Cdb whole = with_length(row.cdb, row.offset, row.width, row.list.size());
        for (std::size_t length = 0; length < row.list.size(); ++length) {
            const auto end = row.list.begin() + static_cast<std::ptrdiff_t>(length);
            const Bytes shorter(row.list.begin(), end);
            EXPECT_EQ(outcome(device.send(whole, shorter)), "05/0E/03") << length;
            if (!row.cuts && length != 0) {
                const Cdb cut = with_length(row.cdb, row.offset, row.width, length);
                EXPECT_EQ(outcome(device.send(cut, shorter)), "05/1A/00") << length;
            }
        }
        EXPECT_EQ(device.state(), before);
    }
    for (const DataOut& row : rows) {
        SCOPED_TRACE(hex(row.cdb));
        const Completion got =
            device.send(with_length(row.cdb, row.offset, row.width, row.list.size()), row.list);
        EXPECT_EQ(outcome(got), "GOOD") << "the list is sound";
        EXPECT_EQ(got.data_out_length, row.list.size());
    }
}

/// The commands, all fields zero, that do not meet RESERVATION CONFLICT.
inline std::set<std::string> passing_commands(const DeviceUnderTest& device) {
    std::set<std::string> passing;
    for (const SupportedCommand& command : supported_commands(device)) {
        Cdb cdb{command.usage[0], command.service_action};
        if (outcome(device.send(cdb, {})) != "RESERVATION CONFLICT") {
            passing.insert(name_of(command));
        }
    }
    return passing;
}

/// What a port without registration may send while another holds a persistent reservation that
/// excludes all access (SPC-5, 5.13.1).
inline std::set<std::string> common_commands_past_exclusive_access() {
    return {"00",    "03",    "12",    "1E",    "4D",    "5E/00", "5E/01", "5E/02",
            "5E/03", "5F/00", "5F/01", "5F/02", "5F/03", "5F/04", "5F/05", "5F/06",
            "5F/07", "A0",    "A3/05", "A3/0A", "A3/0C", "A3/0D", "A3/0F"};
}

inline const std::set<std::string>& commands_that_only_read() {
    static const std::set<std::string> kCommands = {"1A", "1C", "3C", "5A"};
    return kCommands;
}

/// The commands that every device type has.
inline std::vector<DataIn> common_data_in() {
    // clang-format off
    return {
        {{0x03}, 4, 1}, {{0x03, 0x01}, 4, 1},
        {{0x12}, 3, 2}, {{0x12, 1, 0x00}, 3, 2}, {{0x12, 1, 0x80}, 3, 2}, {{0x12, 1, 0x83}, 3, 2},
        {{0x1C, 1}, 3, 2},
        {{0x3C, 0x03}, 6, 3}, {{0x3C, 0x0B}, 6, 3},
        {{0x4D, 0, 0x40}, 7, 2}, {{0x4D, 0, 0x40, 0xFF}, 7, 2}, {{0x4D, 0, 0x6E}, 7, 2},
        {{0x5A, 0x08, 0x3F, 0xFF}, 7, 2}, {{0x5A, 0, 0x3F}, 7, 2},
        {{0x5E, 0}, 7, 2}, {{0x5E, 1}, 7, 2}, {{0x5E, 2}, 7, 2}, {{0x5E, 3}, 7, 2},
        {{0xA0}, 6, 4, 16},
        {{0xA3, 0x05}, 6, 4}, {{0xA3, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE}, 6, 4},
        {{0xA3, 0x0A}, 6, 4}, {{0xA3, 0x2A}, 6, 4},
        {{0xA3, 0x0C}, 6, 4}, {{0xA3, 0x0C, 0x80}, 6, 4}, {{0xA3, 0x0C, 0x81, 0x12}, 6, 4},
        {{0xA3, 0x0D}, 6, 4}, {{0xA3, 0x0D, 0x80}, 6, 4},
        {{0xA3, 0x0F}, 6, 4, 0, true},
    };
    // clang-format on
}

inline std::vector<DataOut> common_data_out() {
    Bytes registration(24);
    registration[15] = 1;
    const Bytes timestamp = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0};
    // clang-format off
    return {
        {{0x15, 0x10}, 4, 1, {0, 0, 0x10, 0}},
        {{0x55, 0x10}, 7, 2, {0, 0, 0, 0x10, 0, 0, 0, 0}},
        {{0x1D, 0x10}, 3, 2, {0, 0, 0, 0}},
        {{0x3B, 0x0A}, 6, 3, {1, 2, 3}, true},
        {{0x5F, 0x06}, 5, 4, registration},
        {{0xA4, 0x06}, 6, 4, {1, 2, 3}, true},
        {{0xA4, 0x0F}, 6, 4, timestamp},
    };
    // clang-format on
}

}  // namespace tapeloft::vtl::scsi
