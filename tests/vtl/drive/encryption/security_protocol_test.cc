// SECURITY PROTOCOL IN and OUT: pages, lengths, refusals; and what stenc and PBS send.
#include "tests/vtl/drive/encryption/encrypting_host.h"

namespace tapeloft::vtl::drive {
namespace {

class SecurityProtocol : public EncryptingHost {};

TEST_F(SecurityProtocol, ListsItsProtocolsAndPages) {
    EXPECT_EQ(hex(bytes_of(ask(host, 0, 512, 0x00))), "00000000000000020020");
    EXPECT_EQ(hex(bytes_of(ask(host, 1, 512, 0x00))), "00000000") << "no certificate";
    EXPECT_EQ(hex(page(0x00)), "0000001000000001001000110012002000210030");
    EXPECT_EQ(hex(page(0x01)), "000100020010");
    EXPECT_EQ(hex(page(0x11)), "0011000100");
    EXPECT_EQ(hex(page(0x12)), "0012000C01070007" + std::string(16, '0'));
}

TEST_F(SecurityProtocol, EveryPageOfTheListAnswers) {
    load();
    const Bytes list = page(0x00);
    for (std::size_t at = 4; at < list.size(); at += 2) {
        const auto code = static_cast<unsigned>(load_big_endian<2>(ByteView(list).subspan(at)));
        const Bytes answer = page(code);
        ASSERT_GE(answer.size(), 4U) << code;
        EXPECT_EQ(load_big_endian<2>(answer), code);
        EXPECT_EQ(load_big_endian<2>(ByteView(answer).subspan(2)) + 4, answer.size()) << code;
    }
}

TEST_F(SecurityProtocol, CapabilitiesTellOfTheVolume) {
    const std::string rest =
        "002000"
        "3C"
        "0020"
        "D3"
        "00000000000000"
        "00010014";
    EXPECT_EQ(hex(page(0x10)),
              "00100028"
              "05" +
                  std::string(30, '0') +
                  "01000014"
                  "3A18" +
                  rest);
    load();
    EXPECT_EQ(hex(page(0x10)).substr(48, 4), "BA98") << "valid, and valid for writing here";
    tape->write_protected = true;
    EXPECT_EQ(hex(page(0x10)).substr(48, 4), "BA58");
}

TEST_F(SecurityProtocol, AllocationLengthOnlyCuts) {
    load();
    for (const unsigned code : {0x00U, 0x01U, 0x10U, 0x11U, 0x12U, 0x20U, 0x21U}) {
        const Bytes whole = page(code);
        for (unsigned length = 0; length <= whole.size() + 1; ++length) {
            const Completion cut = ask(host, code, length);
            EXPECT_EQ(outcome(cut), "GOOD");
            EXPECT_EQ(bytes_of(cut),
                      Bytes(whole.begin(),
                            whole.begin() + static_cast<std::ptrdiff_t>(
                                                std::min<std::size_t>(length, whole.size()))));
        }
    }
    EXPECT_EQ(ask(host, 0x30, 0xFFFFFFFF).data_in.size(), 36U);
}

TEST_F(SecurityProtocol, UnknownProtocolsPagesAndBitsArePointedAt) {
    EXPECT_EQ(field(ask(host, 0, 512, 0x01)), "cdb 1.7");
    EXPECT_EQ(field(ask(host, 0, 512, 0xEF)), "cdb 1.7");
    EXPECT_EQ(field(ask(host, 2, 512, 0x00)), "cdb 2.7");
    for (const unsigned code : {0x0002U, 0x0013U, 0x0022U, 0x0031U, 0x0120U}) {
        EXPECT_EQ(outcome(ask(host, code)), "05/24/00");
        EXPECT_EQ(field(ask(host, code)), "cdb 2.7");
    }
    EXPECT_EQ(field(host.send({0xA2, 0x20, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0})), "cdb 4.7")
        << "INC_512";
    EXPECT_EQ(field(host.send({0xB5, 0x20, 0, 0x10, 0x80, 0, 0, 0, 0, 20, 0, 0}, clear_list())),
              "cdb 4.7");
    EXPECT_EQ(field(host.send({0xB5, 0x00, 0, 0x10, 0, 0, 0, 0, 0, 20, 0, 0}, clear_list())),
              "cdb 1.7");
    EXPECT_EQ(field(host.send({0xB5, 0x20, 0, 0x11, 0, 0, 0, 0, 0, 20, 0, 0}, clear_list())),
              "cdb 2.7");
}

TEST_F(SecurityProtocol, OutWithoutDataDoesNothingAndWithTooLittleIsRefused) {
    EXPECT_EQ(outcome(host.send({0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0}, clear_list())),
              "05/0E/03");
    const Completion taken = out(clear_list());
    EXPECT_EQ(outcome(taken), "GOOD");
    EXPECT_EQ(taken.data_out_length, 20U);
}

TEST_F(SecurityProtocol, RandomNumbersAreRandom) {
    const Bytes first = page(0x30);
    EXPECT_EQ(first.size(), 36U);
    EXPECT_EQ(hex(ByteView(first).first(4)), "00300020");
    EXPECT_NE(first, page(0x30));
}

TEST_F(SecurityProtocol, StatusShowsTheKeyAssociatedDataAndNeverTheKey) {
    load();
    Bytes list = set_list(2, 3);
    list[5] = 0x70;
    list[10] = 0x02;
    append_kad(list, 0, {'n', 'a', 'm', 'e'});
    append_kad(list, 1, {'k', 'e', 'y', '1'});
    EXPECT_EQ(outcome(out(list)), "GOOD");
    EXPECT_EQ(hex(page(0x20)),
              "00200024"
              "42020301"
              "00000001"
              "13"
              "02"
              "0000"
              "0000000000000000"
              "00000004"
              "6E616D65"
              "01000004"
              "6B657931");
    EXPECT_EQ(hex(page(0x20)).find(hex(test_key())), std::string::npos);
}

TEST_F(SecurityProtocol, NextBlockStatusTellsWhatAReadWouldMeetAndMovesNothing) {
    EXPECT_EQ(outcome(ask(host, 0x21)), "02/3A/00");
    load();
    write(100);
    Bytes list = set_list(2, 3);
    list[5] = 0x30;
    append_kad(list, 0, {'n', 'a', 'm', 'e'});
    out(list);
    write(100);
    marks(1);
    const auto at = [this](unsigned object) {
        host.send({0x2B, 0, 0, 0, 0, 0, object, 0, 0, 0});
        const std::string status = hex(page(0x21));
        EXPECT_EQ(place().object, object);
        return status;
    };
    const std::string kad =
        "00010004"
        "6E616D65";
    EXPECT_EQ(at(0),
              "0021000C"
              "0000000000000000"
              "03"
              "000000");
    EXPECT_EQ(at(1),
              "00210014"
              "0000000000000001"
              "05"
              "010100" +
                  kad);
    EXPECT_EQ(at(2),
              "0021000C"
              "0000000000000002"
              "02"
              "000000")
        << "a filemark";
    EXPECT_EQ(at(3),
              "0021000C"
              "0000000000000003"
              "02"
              "000000")
        << "end of data";
    set(2, 3, test_key(0x33));
    EXPECT_EQ(at(1),
              "00210014"
              "0000000000000001"
              "06"
              "010100" +
                  kad)
        << "another key";
    out(clear_list());
    EXPECT_EQ(at(1),
              "00210014"
              "0000000000000001"
              "06"
              "010100" +
                  kad)
        << "no key";
}

// Trap 21 and 56 to 61 of PBS: it asks for capabilities, sets or clears, and asks for the status.
TEST_F(SecurityProtocol, PbsSetsAndClearsAlsoOnAnEmptyDrive) {
    for (const bool loaded : {false, true}) {
        if (loaded) {
            load();
        }
        const Bytes capabilities = page(0x10);
        ASSERT_EQ(capabilities.size(), 44U) << "nothing behind the descriptors";
        EXPECT_EQ(load_big_endian<2>(ByteView(capabilities).subspan(22)), 0x14U);
        EXPECT_EQ(capabilities[24] & 0x0FU, 0x0AU);
        EXPECT_EQ(load_big_endian<2>(ByteView(capabilities).subspan(30)), 0x20U);
        EXPECT_EQ(load_big_endian<4>(ByteView(capabilities).subspan(40)), 0x00010014U);
        EXPECT_EQ(outcome(set(2, 3)), "GOOD");
        EXPECT_EQ(hex(page(0x20)).substr(0, 16), "0020001442020301");
        EXPECT_EQ(outcome(out(clear_list())), "GOOD");
        EXPECT_EQ(hex(page(0x20)).substr(0, 16), "0020001442000000");
    }
}

TEST_F(SecurityProtocol, PbsWritesLabelsInClearAndTheRestEncrypted) {
    load();
    out(clear_list());
    write(512, 1);
    marks(1);
    write(512, 2);
    marks(1);
    set(2, 3);
    write(512, 3);
    marks(1);
    out(clear_list());
    rewind();
    EXPECT_EQ(bytes_of(read(512)), pattern(512, 1));
    space(1, 1);
    EXPECT_EQ(bytes_of(read(512)), pattern(512, 2));
    space(1, 1);
    EXPECT_EQ(read_outcome(512), "07/74/01");
    set(2, 3);
    EXPECT_EQ(bytes_of(read(512)), pattern(512, 3));
    rewind();
    EXPECT_EQ(bytes_of(read(512)), pattern(512, 1)) << "mixed";
}

// stenc 2: 8196 bytes allocated; CEEM 01b; the key name is a U-KAD.
TEST_F(SecurityProtocol, StencShowsItsStatus) {
    const Bytes status = bytes_of(ask(host, 0x20));
    ASSERT_GE(status.size(), 24U) << "asked before TEST UNIT READY, also without a tape";
    EXPECT_EQ(status[4] >> 5U, 0U);
    EXPECT_EQ(status[5] + status[6], 0);
    load();
    EXPECT_EQ(page(0x21).at(12) & 0x0FU, 0x02U) << "not at a block";
    EXPECT_EQ(page(0x10).at(20 + 12) >> 1U & 0x07U, 1U) << "raw decryption mode not allowed";
}

TEST_F(SecurityProtocol, StencTurnsEncryptionOnWithANameAndOff) {
    load();
    Bytes on = {0x00, 0x10, 0, 0, 0x40, 0x40, 0x02, 0x02, 0x01, 0x00,
                0x02, 0,    0, 0, 0,    0,    0,    0,    0x00, 0x20};
    const Bytes key = test_key();
    on.insert(on.end(), key.begin(), key.end());
    const std::string_view name = "Hello world!";
    append_kad(on, 0, Bytes(name.begin(), name.end()));
    EXPECT_EQ(hex(ByteView(on).first(4)), "00100040");
    EXPECT_EQ(outcome(out(on)), "GOOD");
    const Bytes status = page(0x20);
    EXPECT_EQ(status.at(5), 2);
    EXPECT_EQ(status.at(6), 2);
    EXPECT_EQ(hex(ByteView(status).subspan(24)), "0000000C48656C6C6F20776F726C6421");
    write(100);
    rewind();
    EXPECT_EQ(page(0x21).at(12), 5);
    const Bytes off = {0x00, 0x10, 0x00, 0x10, 0x40, 0x40, 0, 0, 0x01, 0,
                       0,    0,    0,    0,    0,    0,    0, 0, 0,    0};
    EXPECT_EQ(outcome(out(off)), "GOOD");
    EXPECT_EQ(modes(host), "00");
    EXPECT_EQ(page(0x21).at(12), 6);
    EXPECT_EQ(hex(ByteView(page(0x21)).subspan(16)), "0001000C48656C6C6F20776F726C6421");
}

TEST_F(SecurityProtocol, StencWithRawReadAllowedIsRefusedAndWithClearOnDemountTaken) {
    load();
    Bytes list = set_list(2, 2);
    list[5] = 0x64;
    EXPECT_EQ(field(out(list)), "list 5.5");
    list[5] = 0x74;
    EXPECT_EQ(outcome(out(list)), "GOOD");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
