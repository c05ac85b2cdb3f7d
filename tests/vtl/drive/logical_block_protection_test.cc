#include "vtl/drive/logical_block_protection.h"

#include <gtest/gtest.h>

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::hex;

LogicalBlockProtection protection(ProtectionMethod method, std::uint8_t bits = 0xC0) {
    Bytes parameters = control_data_protection_defaults();
    parameters[0] = static_cast<std::uint8_t>(method);
    parameters[1] = 4;
    parameters[2] = bits;
    return LogicalBlockProtection(parameters);
}

Bytes protected_block(ProtectionMethod method, std::string_view text) {
    Bytes block(text.begin(), text.end());
    block.resize(block.size() + kProtectionLength);
    protection(method).protect(block);
    return block;
}

TEST(ReedSolomonCrc, HasTheGeneratorOfEcma319) {
    // One symbol alone leaves the coefficients of the generator, times itself.
    EXPECT_EQ(reed_solomon_crc(Bytes{0x01}), 0x38CF3801U);
    EXPECT_EQ(reed_solomon_crc(Bytes{0x02}), 0x70837002U);
    EXPECT_EQ(reed_solomon_crc(Bytes{0x80}), 0x51475180U);
    EXPECT_EQ(reed_solomon_crc(Bytes{0xFF}), 0x763F76FFU);
}

TEST(ReedSolomonCrc, OfNothingAndOfZerosIsZero) {
    EXPECT_EQ(reed_solomon_crc(Bytes{}), 0U);
    EXPECT_EQ(reed_solomon_crc(Bytes(1000)), 0U);
}

TEST(ReedSolomonCrc, OfABlockWithItsCrcIsZero) {
    const Bytes block = protected_block(ProtectionMethod::reed_solomon, "the quick brown fox");
    EXPECT_EQ(reed_solomon_crc(block), 0U);
}

TEST(LogicalBlockProtection, ReedSolomonIsSentMostSignificantByteFirst) {
    EXPECT_EQ(hex(protected_block(ProtectionMethod::reed_solomon, "\x01")), "0138CF3801");
}

TEST(LogicalBlockProtection, Crc32cIsSentLeastSignificantByteFirst) {
    // 0xE3069283 is the check value of CRC-32C.
    EXPECT_EQ(hex(protected_block(ProtectionMethod::crc32c, "123456789")),
              "313233343536373839839206E3");
}

TEST(LogicalBlockProtection, AnyChangedBitIsFound) {
    for (const auto method : {ProtectionMethod::reed_solomon, ProtectionMethod::crc32c}) {
        Bytes block = protected_block(method, "some bytes of a block");
        const LogicalBlockProtection in_force = protection(method);
        EXPECT_TRUE(in_force.sound(block));
        for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
            block[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            EXPECT_FALSE(in_force.sound(block)) << "bit " << bit;
            block[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        }
    }
}

TEST(LogicalBlockProtection, EachDirectionIsSwitchedByItsBit) {
    const auto writes = protection(ProtectionMethod::crc32c, 0x80);
    EXPECT_EQ(writes.write_overhead(), 4U);
    EXPECT_EQ(writes.read_overhead(), 0U);
    const auto reads = protection(ProtectionMethod::crc32c, 0x40);
    EXPECT_EQ(reads.write_overhead(), 0U);
    EXPECT_EQ(reads.read_overhead(), 4U);
    const auto none = protection(ProtectionMethod::none, 0xC0);
    EXPECT_EQ(none.write_overhead() + none.read_overhead(), 0U);
}

TEST(ControlDataProtectionPage, PointsAtWhatItDoesNotKnow) {
    struct Row {
        std::uint8_t method, length, bits;
        int byte;  // -1: accepted
    };
    for (const Row& row :
         {Row{0, 0, 0, -1}, Row{0, 4, 0, -1}, Row{1, 4, 0xC0, -1}, Row{2, 4, 0x80, -1},
          Row{2, 4, 0, -1}, Row{3, 4, 0xC0, 0}, Row{0xF1, 4, 0xC0, 0}, Row{1, 0, 0xC0, 1},
          Row{2, 8, 0xC0, 1}, Row{0, 2, 0, 1}, Row{0, 4, 0x80, 2}}) {
        Bytes parameters = control_data_protection_defaults();
        parameters[0] = row.method;
        parameters[1] = row.length;
        parameters[2] = row.bits;
        const auto fault = check_control_data_protection(parameters);
        EXPECT_EQ(fault ? static_cast<int>(fault->byte) : -1, row.byte) << hex(parameters);
    }
}

TEST(ControlDataProtectionPage, HasTwentyEightBytesAndTheyStartOff) {
    EXPECT_EQ(control_data_protection_defaults(), Bytes(28));
    const Bytes changeable = control_data_protection_changeable();
    EXPECT_EQ(hex(ByteView(changeable).first(4)), "FF3FC000") << "RBDP cannot be set";
}

TEST(LogicalBlockProtectionVpdPage, ListsBothMethodsWithWriteAndRead) {
    EXPECT_EQ(hex(logical_block_protection_vpd_page()), "00000000030104C0030204C0");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
