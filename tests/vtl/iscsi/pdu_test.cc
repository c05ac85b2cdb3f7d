#include "vtl/iscsi/pdu.h"

#include <random>

#include <gtest/gtest.h>

#include "vtl/iscsi/additional_header.h"
#include "vtl/iscsi/command_window.h"
#include "vtl/iscsi/data_transfer.h"
#include "vtl/iscsi/pdu_writer.h"
#include "vtl/iscsi/target.h"

namespace tapeloft::vtl::iscsi {
namespace {

BasicHeader bytes(std::initializer_list<unsigned> values) {
    BasicHeader header{};
    std::size_t i = 0;
    for (const auto value : values) {
        header.at(i++) = static_cast<std::uint8_t>(value);
    }
    return header;
}

// Laid out by hand from the figures of RFC 7143, 11.3, 11.7 and 11.8.
TEST(PduLayout, ScsiCommandIsThatOfTheRfc) {
    ScsiCommand pdu;
    pdu.write = true;
    pdu.attribute = 1;
    pdu.lun = 0x0001000000000000;
    pdu.initiator_task_tag = 0x11223344;
    pdu.expected_data_transfer_length = 0x00040000;
    pdu.numbers = {0x55667788, 0x99AABBCC};
    pdu.cdb = {0x0A, 0, 4, 0, 0, 0};
    const auto golden = bytes({0x01, 0xA1, 0,    0,    0,    0,    0,    0, 0, 1, 0, 0,    0,
                               0,    0,    0,    0x11, 0x22, 0x33, 0x44, 0, 4, 0, 0, 0x55, 0x66,
                               0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0x0A, 0, 4, 0, 0, 0});
    EXPECT_EQ(encode(pdu), golden);
    EXPECT_EQ(decode<ScsiCommand>(golden), pdu);
}

TEST(PduLayout, DataInWithStatusIsThatOfTheRfc) {
    DataIn pdu;
    pdu.final = true;
    pdu.status_present = true;
    pdu.residual_underflow = true;
    pdu.initiator_task_tag = 7;
    pdu.numbers = {1, 2, 3};
    pdu.data_sn = 4;
    pdu.buffer_offset = 0x1000;
    pdu.residual_count = 16;
    const auto golden =
        bytes({0x25, 0x83, 0, 0, 0,    0,    0,    0,    0, 0, 0,    0, 0, 0, 0, 0,
               0,    0,    0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0,    1, 0, 0, 0, 2,
               0,    0,    0, 3, 0,    0,    0,    4,    0, 0, 0x10, 0, 0, 0, 0, 16});
    EXPECT_EQ(encode(pdu), golden);
    EXPECT_EQ(decode<DataIn>(golden), pdu);
}

TEST(PduLayout, ReadyToTransferIsThatOfTheRfc) {
    ReadyToTransfer pdu;
    pdu.lun = 0x0002000000000000;
    pdu.initiator_task_tag = 7;
    pdu.target_transfer_tag = 9;
    pdu.numbers = {1, 2, 3};
    pdu.r2t_sn = 4;
    pdu.buffer_offset = 0x2000;
    pdu.desired_data_transfer_length = 0x10000;
    const auto golden =
        bytes({0x31, 0x80, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0,    7, 0, 0, 0, 9,
               0,    0,    0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0x20, 0, 0, 1, 0, 0});
    EXPECT_EQ(encode(pdu), golden);
    EXPECT_EQ(decode<ReadyToTransfer>(golden), pdu);
}

template <typename T>
void survives_a_round_trip(std::mt19937& random) {
    BasicHeader noise{};
    for (auto& byte : noise) {
        byte = static_cast<std::uint8_t>(random());
    }
    const auto pdu = decode<T>(noise);
    EXPECT_EQ(decode<T>(encode(pdu)), pdu);
}

TEST(PduLayout, EveryPduSurvivesARoundTrip) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int i = 0; i < 200; ++i) {
        survives_a_round_trip<NopOut>(random);
        survives_a_round_trip<NopIn>(random);
        survives_a_round_trip<ScsiCommand>(random);
        survives_a_round_trip<ScsiResponse>(random);
        survives_a_round_trip<TaskManagementRequest>(random);
        survives_a_round_trip<TaskManagementResponse>(random);
        survives_a_round_trip<DataOut>(random);
        survives_a_round_trip<DataIn>(random);
        survives_a_round_trip<ReadyToTransfer>(random);
        survives_a_round_trip<AsyncMessage>(random);
        survives_a_round_trip<TextRequest>(random);
        survives_a_round_trip<TextResponse>(random);
        survives_a_round_trip<LogoutRequest>(random);
        survives_a_round_trip<LogoutResponse>(random);
        survives_a_round_trip<Reject>(random);
    }
}

TEST(PduWriterTest, StatSnCountsInTheOrderOfTheWire) {
    PduWriter writer;
    writer.set_stat_sn(0xFFFFFFFF);
    writer.queue(encode(NopIn{}), StatSnUse::counted);
    writer.queue(encode(ReadyToTransfer{}), StatSnUse::shown);
    writer.queue(encode(NopIn{}), StatSnUse::counted);
    for (const std::uint32_t stat_sn : {0xFFFFFFFFU, 0U, 0U}) {
        const auto pdu = writer.take(5, 6);
        EXPECT_EQ(layout::kStatSn.load(pdu.head), stat_sn);
        EXPECT_EQ(layout::kExpCmdSn.load(pdu.head), 5U);
        EXPECT_EQ(layout::kMaxCmdSn.load(pdu.head), 6U);
    }
    EXPECT_EQ(writer.stat_sn(), 1U);
}

TEST(CommandWindowTest, WrapsAround) {
    CommandWindow window(0xFFFFFFFE, 4);
    EXPECT_EQ(window.max_cmd_sn(), 1U);
    EXPECT_EQ(window.on_command(1), CommandWindow::Verdict::hold);
    EXPECT_EQ(window.on_command(1), CommandWindow::Verdict::drop);
    EXPECT_EQ(window.on_command(2), CommandWindow::Verdict::drop);
    EXPECT_EQ(window.on_command(0xFFFFFFFD), CommandWindow::Verdict::drop);
    EXPECT_EQ(window.on_command(0xFFFFFFFE), CommandWindow::Verdict::deliver);
    window.advance();
    EXPECT_TRUE(window.skip(0xFFFFFFFF));
    EXPECT_TRUE(window.next_is_skipped());
    EXPECT_FALSE(window.skip(1));  // it is there
    window.advance();
    window.advance();
    EXPECT_EQ(window.exp_cmd_sn(), 1U);
    window.update(3);
    EXPECT_EQ(window.max_cmd_sn(), 1U);
    window.update(0);
    EXPECT_EQ(window.max_cmd_sn(), 4U);
    window.update(2);
    EXPECT_EQ(window.max_cmd_sn(), 4U);  // never back
}

TEST(AdditionalHeaderTest, LengthsThatDoNotFitAreMalformed) {
    EXPECT_EQ(classify_additional_header({}), AdditionalHeader::none);
    const auto of = [](std::initializer_list<std::uint8_t> list) {
        const Bytes segments(list);
        return classify_additional_header(segments);
    };
    EXPECT_EQ(of({0, 5, 2, 0, 0, 0, 1, 0}), AdditionalHeader::known);
    EXPECT_EQ(of({0, 1, 9, 0}), AdditionalHeader::unknown);
    EXPECT_EQ(of({0, 1, 1, 0, 0, 1, 0, 0}), AdditionalHeader::unknown);
    EXPECT_EQ(of({0, 2, 1, 0}), AdditionalHeader::malformed);
    EXPECT_EQ(of({0xFF, 0xFF, 1, 0}), AdditionalHeader::malformed);
}

TEST(LunTest, PeripheralAndFlatAddressingNameTheSameUnits) {
    EXPECT_EQ(unit_number(0, 3), 0U);
    EXPECT_EQ(unit_number(0x0002000000000000, 3), 2U);
    EXPECT_EQ(unit_number(0x4002000000000000, 3), 2U);
    EXPECT_EQ(unit_number(0x4123000000000000, 0x124), 0x123U);
    for (const std::uint64_t lun :
         {0x0003000000000000ULL, 0x0102000000000000ULL, 0x8000000000000000ULL,
          0xC101000000000000ULL, 0x0000000100000000ULL, 0x0000000000000001ULL}) {
        EXPECT_EQ(unit_number(lun, 3), std::nullopt) << std::hex << lun;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
