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
    static Bytes volume_tag(std::string text) {
        text.resize(32, ' ');
        Bytes list(as_bytes(text).begin(), as_bytes(text).end());
        list.resize(40);
        return list;
    }
    scsi::Completion send_tag(std::uint8_t action, const std::string& text,
                              std::uint16_t address = 0) {
        return device.send({0xB6, 0, static_cast<std::uint8_t>(address >> 8U),
                            static_cast<std::uint8_t>(address & 0xFFU), 0, action, 0, 0, 0, 40},
                           volume_tag(text));
    }
    /// At every allocation length: whole descriptors, no page without one, and honest counts.
    void expect_whole_descriptors(const scsi::Cdb& cdb) {
        SCOPED_TRACE(scsi::hex(cdb));
        const auto full = scsi::bytes_of(device.send(scsi::with_length(cdb, 7, 3, 0xFFFF), {}));
        for (std::size_t length = 0; length <= full.size() + 2; ++length) {
            SCOPED_TRACE(length);
            const auto cut = device.send(scsi::with_length(cdb, 7, 3, length), {});
            ASSERT_EQ(outcome(cut), "GOOD");
            const auto got = scsi::bytes_of(cut);
            ASSERT_LE(got.size(), length);
            ASSERT_GE(got.size(), std::min<std::size_t>(length, 8));
            if (got.size() <= 8) {
                continue;  // only the header, which counts what there is
            }
            const ByteView report(got);
            ASSERT_EQ(load_big_endian<3>(report.subspan(5)), got.size() - 8);
            std::size_t descriptors = 0;
            for (std::size_t at = 8; at < got.size();) {
                const auto size = load_big_endian<3>(report.subspan(at + 5));
                const auto each = load_big_endian<2>(report.subspan(at + 2));
                ASSERT_GT(size, 0U) << "a page without a descriptor";
                ASSERT_EQ(size % each, 0U);
                descriptors += size / each;
                at += 8 + size;
            }
            ASSERT_EQ(load_big_endian<2>(report.subspan(2)), descriptors);
        }
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
    rows.push_back({{0x4D, 0, 0x4D}, 7, 2});
    rows.push_back({{0x4D, 0, 0x54}, 7, 2});
    scsi::expect_allocation_lengths_only_cut(device, rows);
}

TEST_F(ChangerBitsAndLengths, ReportsOfElementsEndAtDescriptorsAtEveryLength) {
    ASSERT_EQ(outcome(send_tag(0x09, "FRIDAY", 1000)), "GOOD");
    ASSERT_EQ(outcome(send_tag(0x00, "*")), "GOOD");
    for (const auto& [opcode, options] :
         {std::pair<std::uint8_t, std::uint8_t>{0xB8, 0x00}, {0xB8, 0x01}, {0xB5, 0x00}}) {
        for (std::uint8_t type = 0; type <= 4; ++type) {
            for (const unsigned voltag : {0U, 0x10U}) {
                const auto second = static_cast<std::uint8_t>(type | voltag);
                expect_whole_descriptors({opcode, second, 0, 0, 0xFF, 0xFF, options});
            }
        }
    }
}

TEST_F(ChangerBitsAndLengths, ParameterListLengthsAreChecked) {
    auto rows = scsi::common_data_out();
    const auto tag = volume_tag("FRIDAY");
    for (const auto action :
         std::to_array<std::uint8_t>({0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x09, 0x0B})) {
        rows.push_back({{0xB6, 0, 0x03, 0xE8, 0, action}, 8, 2, tag});
    }
    scsi::expect_list_lengths_checked(device, rows);
}

TEST_F(ChangerBitsAndLengths, EveryReservedBitOfATagListIsRefused) {
    for (const auto action : std::to_array<std::uint8_t>({0x05, 0x09, 0x0B, 0x0D})) {
        for (const std::size_t byte : {32U, 33U, 36U, 37U}) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto list = volume_tag("FRIDAY");
                list[byte] = static_cast<std::uint8_t>(1U << bit);
                const auto refused =
                    device.send({0xB6, 0, 0x03, 0xE8, 0, action, 0, 0, 0, 40}, list);
                EXPECT_EQ(outcome(refused), "05/26/00") << byte << "." << bit;
                EXPECT_EQ(scsi::field(refused), "list " + std::to_string(byte & ~1U));
            }
        }
    }
}

TEST_F(ChangerBitsAndLengths, NumbersOfElementsFromNoneToTheMostAreKept) {
    for (const unsigned count : {0U, 1U, 2U, 7U, 8U, 9U, 0xFFFFU}) {
        const auto reply =
            send({0xB8, 0, 0, 0, static_cast<std::uint8_t>(count >> 8U),
                  static_cast<std::uint8_t>(count & 0xFFU), 0, 0xFF, 0xFF, 0xFF, 0, 0});
        ASSERT_EQ(outcome(reply), "GOOD");
        EXPECT_EQ(load_big_endian<2>(reply.data_in.view().subspan(2)), std::min(count, 8U));
    }
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
