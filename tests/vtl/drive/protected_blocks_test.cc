// Logical block protection between host and drive.
#include "vtl/drive/logical_block_protection.h"

#include "tests/vtl/drive/encryption/encrypting_host.h"

namespace tapeloft::vtl::drive {
namespace {

class ProtectedBlocks : public EncryptingHost {
  protected:
    void SetUp() override { load(); }

    Completion select(std::uint8_t method, std::uint8_t length, std::uint8_t bits) {
        Bytes list(8 + 32);
        list[3] = 0x10;  // buffered mode 1, as it is
        list[8] = 0x4A;
        list[9] = 0xF0;
        list[11] = 28;
        list[12] = method;
        list[13] = length;
        list[14] = bits;
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0}, list);
    }
    Bytes block_of(const Bytes& data, ProtectionMethod method) const {
        Bytes parameters = control_data_protection_defaults();
        parameters[0] = static_cast<std::uint8_t>(method);
        parameters[1] = 4;
        Bytes block = data;
        block.resize(block.size() + 4);
        LogicalBlockProtection(parameters).protect(block);
        return block;
    }
    Completion write_block(const Bytes& block) {
        return host.send(
            {0x0A, 0, byte(block.size(), 2), byte(block.size(), 1), byte(block.size(), 0), 0},
            block);
    }
    Bytes on_tape(std::size_t object) const {
        const ByteView view = tape->objects.at(object)->view();
        return {view.begin(), view.end()};
    }
};

TEST_F(ProtectedBlocks, AreCheckedStrippedStoredAndProtectedAgain) {
    for (const auto method : {ProtectionMethod::reed_solomon, ProtectionMethod::crc32c}) {
        EXPECT_EQ(outcome(select(static_cast<std::uint8_t>(method), 4, 0xC0)), "GOOD");
        other.send({0, 0, 0, 0, 0, 0});
        rewind();
        const Bytes block = block_of(pattern(1000), method);
        const Completion written = write_block(block);
        EXPECT_EQ(outcome(written), "GOOD");
        EXPECT_EQ(written.data_out_length, 1004U);
        EXPECT_EQ(on_tape(0), pattern(1000));
        rewind();
        EXPECT_EQ(bytes_of(read(1004)), block);
    }
}

TEST_F(ProtectedBlocks, ABadOneIsNotWritten) {
    select(2, 4, 0x80);
    Bytes block = block_of(pattern(100), ProtectionMethod::crc32c);
    block[50] ^= 1U;
    const Completion refused = write_block(block);
    EXPECT_EQ(outcome(refused), "04/10/01");
    EXPECT_EQ(information(refused), 104);
    EXPECT_EQ(refused.data_out_length, 0U);
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(ProtectedBlocks, OfFixedBlocksThoseBeforeTheBadOneAreWritten) {
    select(1, 4, 0xC0);
    set_block_length(104);
    Bytes data;
    for (unsigned i = 0; i < 3; ++i) {
        const Bytes block = block_of(pattern(100, i), ProtectionMethod::reed_solomon);
        data.insert(data.end(), block.begin(), block.end());
    }
    EXPECT_EQ(outcome(host.send({0x0A, 1, 0, 0, 3, 0}, data)), "GOOD");
    rewind();
    EXPECT_EQ(bytes_of(host.send({0x08, 1, 0, 0, 3, 0})), data);
    rewind();
    data[250] ^= 1U;
    const Completion refused = host.send({0x0A, 1, 0, 0, 3, 0}, data);
    EXPECT_EQ(outcome(refused), "04/10/01");
    EXPECT_EQ(information(refused), 1);
    EXPECT_EQ(refused.data_out_length, 208U);
    EXPECT_EQ(tape->objects.size(), 2U);
}

TEST_F(ProtectedBlocks, LengthsAreThoseOfProtectedBlocks) {
    write(100);
    select(2, 4, 0x40);
    rewind();
    const Completion exact = read(104);
    EXPECT_EQ(outcome(exact), "GOOD");
    rewind();
    const Completion shorter = read(100);
    EXPECT_EQ(outcome(shorter), "00/00/00");
    EXPECT_EQ(information(shorter), -4);
    rewind();
    EXPECT_EQ(information(read(512)), 408);
}

TEST_F(ProtectedBlocks, EachDirectionHasItsBit) {
    select(2, 4, 0x40);
    EXPECT_EQ(outcome(write(100)), "GOOD");
    EXPECT_EQ(on_tape(0), pattern(100)) << "LBP_W = 0";
    rewind();
    select(2, 4, 0x80);
    EXPECT_EQ(bytes_of(read(100)), pattern(100)) << "LBP_R = 0";
}

TEST_F(ProtectedBlocks, ABlockNeedsDataAndTheLongestRecordStillFits) {
    select(2, 4, 0xC0);
    for (const std::size_t length : {1U, 4U}) {
        EXPECT_EQ(field(write_block(Bytes(length))), "cdb 2.7");
    }
    const Bytes longest = block_of(pattern(8U * 1024 * 1024), ProtectionMethod::crc32c);
    EXPECT_EQ(outcome(write_block(longest)), "GOOD");
    rewind();
    EXPECT_EQ(bytes_of(read(longest.size())), longest);
}

TEST_F(ProtectedBlocks, WorkWithEncryption) {
    set(2, 3);
    select(2, 4, 0xC0);
    const Bytes block = block_of(pattern(100), ProtectionMethod::crc32c);
    write_block(block);
    EXPECT_NE(on_tape(0).size(), 100U);
    rewind();
    EXPECT_EQ(bytes_of(read(104)), block);
}

TEST_F(ProtectedBlocks, AModeSelectThatIsWrongIsPointedAt) {
    EXPECT_EQ(field(select(3, 4, 0xC0)), "list 12.7");
    EXPECT_EQ(field(select(2, 3, 0xC0)), "list 13.5");
    EXPECT_EQ(field(select(0, 0, 0x80)), "list 14.7");
    EXPECT_EQ(field(select(2, 4, 0x20)), "list 14.5") << "RBDP";
    EXPECT_EQ(outcome(select(2, 4, 0xC0)), "GOOD");
    EXPECT_EQ(outcome(select(0, 0, 0)), "GOOD");
}

TEST_F(ProtectedBlocks, AreThoseOfTheNexusThatAskedForThem) {
    EXPECT_EQ(outcome(select(2, 4, 0xC0)), "GOOD");
    EXPECT_EQ(outcome(other.send({0, 0, 0, 0, 0, 0})), "GOOD") << "nothing of theirs has changed";
    EXPECT_EQ(outcome(other.send({0x0A, 0, 0, 0, 100, 0}, pattern(100))), "GOOD");
    EXPECT_EQ(on_tape(0), pattern(100)) << "not one byte is taken for protection";
    rewind();
    EXPECT_EQ(bytes_of(read(104)), block_of(pattern(100), ProtectionMethod::crc32c));
    const auto page = [](Host& of) {
        return hex(bytes_of(of.send({0x5A, 8, 0x0A, 0xF0, 0, 0, 0, 0, 255, 0}))).substr(16, 14);
    };
    EXPECT_EQ(page(host), "4AF0001C0204C0");
    EXPECT_EQ(page(other), "4AF0001C000000");
    EXPECT_EQ(hex(bytes_of(host.send({0x12, 1, 0x87, 0, 255, 0}))), "018700080AF003003FFF0000")
        << "mode page policy";
    host.log_out();
    host.log_in_and_clear();
    EXPECT_EQ(page(host), "4AF0001C000000") << "they end with the session";
}

TEST_F(ProtectedBlocks, VerifyCountsTheirBytes) {
    write(100);
    write(100);
    select(2, 4, 0xC0);
    rewind();
    EXPECT_EQ(outcome(host.send({0x13, 0, 0, 0, 104, 0})), "GOOD");
    const Completion shorter = host.send({0x13, 0, 0, 0, 100, 0});
    EXPECT_EQ(outcome(shorter), "00/00/00");
    EXPECT_EQ(information(shorter), -4);
    rewind();
    set_block_length(104);
    EXPECT_EQ(outcome(host.send({0x13, 1, 0, 0, 2, 0})), "GOOD");
}

TEST_F(ProtectedBlocks, AResetSwitchesThemOff) {
    select(2, 4, 0xC0);
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    host.send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(outcome(write(100)), "GOOD");
    EXPECT_EQ(on_tape(0), pattern(100));
}

}  // namespace
}  // namespace tapeloft::vtl::drive
