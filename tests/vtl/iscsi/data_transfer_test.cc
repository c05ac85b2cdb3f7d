#include "vtl/iscsi/data_transfer.h"

#include "tests/vtl/iscsi/connection_fixture.h"

namespace tapeloft::vtl::iscsi {
namespace {

class DataTransferTest : public ConnectionTest {};
INSTANTIATE_TEST_SUITE_P(Splits, DataTransferTest, testing::Values(0, 1, 2));

// ---- Commands -----------------------------------------------------------------------------------

TEST_P(DataTransferTest, ACommandWithoutDataIsExecutedAndAnswered) {
    auto command = host_.command();
    command.cdb = {0x00, 1, 2, 3, 4, 5};
    command.attribute = 2;
    host_.send(encode(command));
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    EXPECT_EQ(execute->lun, kLun1);
    EXPECT_EQ(execute->task.cdb, command.cdb);
    EXPECT_EQ(execute->task.attribute, scsi::TaskAttribute::ordered);
    EXPECT_EQ(execute->task.tag, command.initiator_task_tag);
    EXPECT_EQ(execute->task.it_nexus.value, 5U);
    EXPECT_EQ(execute->task.data_in_length_max, 0U);
    EXPECT_TRUE(host_.silent());
    host_.done(execute->handle, scsi::Completion::good());
    const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_EQ(response.status, 0);
    EXPECT_EQ(response.initiator_task_tag, command.initiator_task_tag);
    EXPECT_FALSE(response.residual_overflow || response.residual_underflow);
    EXPECT_EQ(response.numbers.stat_sn, 101U);
    EXPECT_EQ(response.numbers.exp_cmd_sn, 11U);
    EXPECT_EQ(response.numbers.max_cmd_sn, 11U + 31);
}

TEST_P(DataTransferTest, ImmediateDataArrivesWithTheCommand) {
    const auto data = pattern(4097);
    host_.send(encode(host_.command(4097, false, true)), data);
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    const auto view = execute->task.data_out.view();
    EXPECT_TRUE(std::equal(view.begin(), view.end(), data.begin(), data.end()));
    host_.done(execute->handle, taken(4097));
    const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_FALSE(response.residual_overflow || response.residual_underflow);
}

TEST_P(DataTransferTest, UnsolicitedAndSolicitedDataMakeOneBuffer) {
    const auto data = pattern(50'001);
    const ByteView view(data);
    auto command = host_.command(50'001, false, true);
    command.final = false;
    host_.send(encode(command), view.first(1000));
    host_.send(encode(data_out(command, 1000, 0, false)), view.subspan(1000, 3001));
    EXPECT_TRUE(host_.silent());
    host_.send(encode(data_out(command, 4001, 1, true)), view.subspan(4001, 4191));  // 8192
    std::uint32_t offset = 8192;
    for (std::uint32_t r2t_sn = 0; offset < data.size(); ++r2t_sn) {
        const auto r2t = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
        EXPECT_EQ(r2t.r2t_sn, r2t_sn);
        EXPECT_EQ(r2t.buffer_offset, offset);
        EXPECT_EQ(r2t.lun, kLun1);
        EXPECT_NE(r2t.target_transfer_tag, kReservedTag);
        EXPECT_EQ(r2t.numbers.stat_sn, 101U);  // shown, not counted
        const auto length = std::min<std::uint32_t>(16384, 50'001 - offset);
        ASSERT_EQ(r2t.desired_data_transfer_length, length);
        const auto half = length / 2;
        host_.send(encode(data_out(command, offset, 0, false, r2t.target_transfer_tag)),
                   view.subspan(offset, half));
        host_.send(encode(data_out(command, offset + half, 1, true, r2t.target_transfer_tag)),
                   view.subspan(offset + half, length - half));
        offset += length;
    }
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    const auto got = execute->task.data_out.view();
    EXPECT_TRUE(std::equal(got.begin(), got.end(), data.begin(), data.end()));
    host_.done(execute->handle, taken(50'001));
    EXPECT_EQ(host_.expect<ScsiResponse>(Opcode::scsi_response).exp_data_sn, 3U);
}

TEST_P(DataTransferTest, SeveralR2tsAreOutstandingAsNegotiated) {
    ScriptedInitiator host(split());
    host.log_in(ScriptedInitiator::keys({{"MaxOutstandingR2T", "3"}}));
    const auto command = host.command(100'000, false, true);
    host.send(encode(command));
    for (std::uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(host.expect<ReadyToTransfer>(Opcode::ready_to_transfer).buffer_offset, i * 16384);
    }
    EXPECT_TRUE(host.silent());
}

TEST_P(DataTransferTest, DataInIsCutBySegmentAndBurstAndCarriesTheStatus) {
    const auto data = pattern(20'001);
    host_.send(encode(host_.command(20'001, true)));
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    EXPECT_EQ(execute->task.data_in_length_max, 20'001U);
    host_.done(execute->handle, scsi::Completion::with_data(Buffer::copy_of(data)));
    Bytes all;
    for (std::uint32_t data_sn = 0; all.size() < data.size(); ++data_sn) {
        Bytes part;
        const auto pdu = host_.expect<DataIn>(Opcode::data_in, &part);
        ASSERT_FALSE(part.empty());
        EXPECT_EQ(pdu.data_sn, data_sn);
        EXPECT_EQ(pdu.buffer_offset, all.size());
        all.insert(all.end(), part.begin(), part.end());
        EXPECT_LE(part.size(), 4096U);
        EXPECT_EQ(pdu.final, all.size() == 16384 || all.size() == data.size());
        EXPECT_EQ(pdu.status_present, all.size() == data.size());
        EXPECT_EQ(pdu.numbers.stat_sn, pdu.status_present ? 101U : 0U);
    }
    EXPECT_EQ(all, data);
    EXPECT_TRUE(host_.silent());
}

TEST_P(DataTransferTest, DataBeforeCheckConditionIsFollowedByAResponse) {
    host_.send(encode(host_.command(100, true)));
    auto completion =
        scsi::Completion::check_condition(scsi::SenseKey::no_sense, scsi::asc::kFilemarkDetected);
    completion.data_in = Buffer::copy_of(pattern(60));
    host_.done(host_.take<Execute>()->handle, std::move(completion));
    const auto data = host_.expect<DataIn>(Opcode::data_in);
    EXPECT_TRUE(data.final);
    EXPECT_FALSE(data.status_present);
    const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_EQ(response.status, 2);
    EXPECT_TRUE(response.residual_underflow);
    EXPECT_EQ(response.residual_count, 40U);
    EXPECT_EQ(response.exp_data_sn, 1U);
}

TEST_P(DataTransferTest, ResidualsAreExactAndNeverZeroWithAFlag) {
    struct Case {
        bool read;
        bool write;
        std::uint32_t expected;
        std::uint32_t actual;
        bool overflow;
        bool underflow;
        std::uint32_t count;
    };
    // clang-format off
    for (const auto& one : std::initializer_list<Case>{
             {true,  false, 100, 100, false, false, 0},   {true,  false, 100, 1,   false, true,  99},
             {true,  false, 16,  0,   false, true,  16},  {true,  false, 100, 300, true,  false, 200},
             {false, true,  100, 100, false, false, 0},   {false, true,  100, 60,  false, true,  40},
             {false, true,  100, 512, true,  false, 412}, {false, false, 0,   0,   false, false, 0},
             {false, false, 16,  0,   false, false, 0},   {true,  false, 0,   36,  true,  false, 36}}) {
        // clang-format on
        host_.send(encode(host_.command(one.expected, one.read, one.write)),
                   one.write ? pattern(one.expected) : Bytes{});
        const auto execute = host_.take<Execute>();
        ASSERT_TRUE(execute);
        auto completion = taken(one.write ? one.actual : 0);
        completion.data_in = Buffer::zeroed(one.write ? 0 : one.actual);
        host_.done(execute->handle, std::move(completion));
        const auto pdu = host_.next();
        ASSERT_TRUE(pdu);
        const bool data_in = pdu->opcode() == Opcode::data_in;
        EXPECT_EQ(data_in, one.read && one.actual != 0 && one.expected != 0);
        EXPECT_EQ(pdu->data.size(), data_in ? std::min(one.actual, one.expected) : 0);
        // U, O and the residual count stand at the same place in both.
        const auto response = decode<ScsiResponse>(pdu->header);
        EXPECT_EQ(response.residual_overflow, one.overflow);
        EXPECT_EQ(response.residual_underflow, one.underflow);
        EXPECT_EQ(response.residual_count, one.count);
    }
}

TEST_P(DataTransferTest, BidirectionalAndExtendedCommandsAreRefusedAndTheirDataSwallowed) {
    host_.send(encode(host_.command(10, true, true)), pattern(10));
    expect_sense(5, 0x2000);
    const Bytes extended_cdb = {0, 5, 1, 0, 1, 2, 3, 4};
    host_.send(encode(host_.command(0)), {}, extended_cdb);
    expect_sense(5, 0x2000);
    EXPECT_FALSE(host_.take<Execute>());
}

TEST_P(DataTransferTest, AnUnknownAhsIsRejectedAndTheNextCommandWorks) {
    const Bytes unknown = {0, 1, 9, 0};
    host_.send(encode(host_.command(0)), {}, unknown);
    Bytes copy;
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject, &copy).reason, RejectReason::invalid_pdu_field);
    EXPECT_EQ(copy.size(), kBasicHeaderLength);
    host_.send(encode(host_.command(0)));
    EXPECT_TRUE(host_.take<Execute>());
}

TEST_P(DataTransferTest, MalformedAhsEndsTheConnection) {
    const Bytes too_long = {0, 200, 1, 0};
    host_.send(encode(host_.command(0)), {}, too_long);
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::protocol_error);
    EXPECT_TRUE(host_.closed());
}

TEST_P(DataTransferTest, AWriteThatIsTooLongIsRefusedWithoutSolicitingData) {
    auto command = host_.command(scsi::kTransferLengthMax + 1, false, true);
    command.final = false;
    host_.send(encode(command), pattern(100));
    EXPECT_TRUE(host_.silent());  // the unsolicited data comes first
    host_.send(encode(data_out(command, 100, 0, true)), pattern(50));
    expect_sense(5, 0x2400);
    EXPECT_FALSE(host_.take<Execute>());
}

TEST_P(DataTransferTest, DataThatWasNotAgreedUponFailsTheCommand) {
    ScriptedInitiator host(split());
    host.log_in(ScriptedInitiator::keys({{"ImmediateData", "No"}, {"InitialR2T", "No"}}));
    host.send(encode(host.command(10, false, true)), pattern(10));
    Bytes data;
    EXPECT_EQ(host.expect<ScsiResponse>(Opcode::scsi_response, &data).status, 2);
    ASSERT_EQ(data.size(), 20U);
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(14)), 0x0C0CU);
}

TEST_P(DataTransferTest, ATagInUseIsRejected) {
    auto command = host_.command();
    host_.send(encode(command));
    command.numbers.cmd_sn = host_.cmd_sn++;
    host_.send(encode(command));
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::task_in_progress);
    host_.send(encode(host_.command()));
    EXPECT_TRUE(host_.take<Execute>());
    EXPECT_TRUE(host_.take<Execute>());
    EXPECT_FALSE(host_.take<Execute>());
}

// ---- Data-Out that breaks the rules -------------------------------------------------------------

TEST_P(DataTransferTest, DataOutThatBreaksTheSequenceEndsTheConnection) {
    struct Case {
        const char* what;
        std::uint32_t offset;
        std::uint32_t data_sn;
        bool right_tag;
        std::uint32_t length;
        bool final;
    };
    for (const auto& one : std::initializer_list<Case>{{"offset", 1, 0, true, 16384, true},
                                                       {"DataSN", 0, 1, true, 16384, true},
                                                       {"tag", 0, 0, false, 16384, true},
                                                       {"too long", 0, 0, true, 16385, true},
                                                       {"no F", 0, 0, true, 16384, false}}) {
        SCOPED_TRACE(one.what);
        ScriptedInitiator host(split());
        host.log_in();
        const auto command = host.command(20'000, false, true);
        host.send(encode(command));
        const auto r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
        const auto tag = r2t.target_transfer_tag + (one.right_tag ? 0 : 1);
        host.send(encode(data_out(command, one.offset, one.data_sn, one.final, tag)),
                  pattern(one.length));
        EXPECT_EQ(host.expect<Reject>(Opcode::reject).reason, RejectReason::protocol_error);
        EXPECT_TRUE(host.closed());
        EXPECT_FALSE(host.take<Execute>());
        EXPECT_TRUE(host.core().receive_buffer().empty());
    }
}

TEST_P(DataTransferTest, SolicitedDataWithTheLunOfAnotherUnitEndsTheConnection) {
    // Flat space addressing of the same unit is the same unit; of unsolicited data the field is
    // reserved (RFC 7143, 11.7.4).
    constexpr std::uint64_t kLun1Flat = 0x4001000000000000;
    for (const std::uint64_t lun : {kLun1, kLun1Flat, std::uint64_t{0}, 2 * kLun1, 0xFF * kLun1}) {
        SCOPED_TRACE(lun);
        ScriptedInitiator host(split());
        host.log_in();
        auto command = host.command(20'000, false, true);
        command.final = false;
        host.send(encode(command));
        auto unsolicited = data_out(command, 0, 0, true);
        unsolicited.lun = 2 * kLun1;
        host.send(encode(unsolicited), pattern(8192));
        const auto r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
        auto solicited = data_out(command, 8192, 0, true, r2t.target_transfer_tag);
        solicited.lun = lun;
        host.send(encode(solicited), pattern(20'000 - 8192));
        if (lun == kLun1 || lun == kLun1Flat) {
            EXPECT_TRUE(host.take<Execute>());
            continue;
        }
        EXPECT_EQ(host.expect<Reject>(Opcode::reject).reason, RejectReason::protocol_error);
        EXPECT_TRUE(host.closed());
        EXPECT_FALSE(host.take<Execute>());
    }
}

TEST_P(DataTransferTest, UnsolicitedDataBeyondFirstBurstLengthEndsTheConnection) {
    auto command = host_.command(20'000, false, true);
    command.final = false;
    host_.send(encode(command), pattern(8000));
    host_.send(encode(data_out(command, 8000, 0, true)), pattern(193));
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::protocol_error);
    EXPECT_TRUE(host_.closed());
}

TEST_P(DataTransferTest, DataOutForNoTaskIsRejectedAndTheConnectionLives) {
    ScsiCommand never;
    never.initiator_task_tag = 4711;
    host_.send(encode(data_out(never, 0, 0, true, 3)), pattern(5));
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::invalid_pdu_field);
    host_.send(encode(host_.command()));
    EXPECT_TRUE(host_.take<Execute>());
}

TEST_P(DataTransferTest, ASequenceThatEndsEarlyFailsTheCommand) {
    const auto command = host_.command(10'000, false, true);
    host_.send(encode(command));
    const auto r2t = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    host_.send(encode(data_out(command, 0, 0, true, r2t.target_transfer_tag)), pattern(9'999));
    expect_sense(0xB, 0x0C0D);
    EXPECT_FALSE(host_.take<Execute>());
}

// ---- Digests ------------------------------------------------------------------------------------

class DigestTest : public ConnectionTest {
  protected:
    void SetUp() override {
        host_.log_in(
            ScriptedInitiator::keys({{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C"}}));
        ASSERT_TRUE(host_.header_digest && host_.data_digest);
    }
};

INSTANTIATE_TEST_SUITE_P(Splits, DigestTest, testing::Values(0, 1, 2));

TEST_P(DigestTest, AllLengthsAndAhsAreCovered) {
    const Bytes extended_cdb = {0, 5, 1, 0, 1, 2, 3, 4};
    host_.send(encode(host_.command(0)), {}, extended_cdb);
    expect_sense(5, 0x2000);
    for (const std::uint32_t size : {1U, 2U, 3U, 4U, 4095U}) {
        host_.send(encode(host_.command(size, false, true)), pattern(size));
        const auto execute = host_.take<Execute>();
        ASSERT_TRUE(execute);
        host_.done(execute->handle, taken(size));
        EXPECT_EQ(host_.expect<ScsiResponse>(Opcode::scsi_response).status, 0);
    }
    host_.send(encode(host_.command(9'999, true)));
    host_.done(host_.take<Execute>()->handle,
               scsi::Completion::with_data(Buffer::copy_of(pattern(9'999))));
    EXPECT_EQ(host_.expect<DataIn>(Opcode::data_in).data_sn, 0U);
}

TEST_P(DigestTest, AWrongHeaderDigestEndsTheConnection) {
    auto bytes = host_.wire(encode(host_.command()));
    bytes[9] ^= 1;
    host_.send_bytes(bytes);
    EXPECT_TRUE(host_.closed());
    EXPECT_FALSE(host_.take<Execute>());
}

TEST_P(DigestTest, AWrongDataDigestOfImmediateDataIsRejectedAndFailsTheCommand) {
    auto bytes = host_.wire(encode(host_.command(10, false, true)), pattern(10));
    bytes[60] ^= 0x40;
    host_.send_bytes(bytes);
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::data_digest_error);
    expect_sense(0xB, 0x4705);
    EXPECT_FALSE(host_.take<Execute>());
    host_.send(encode(host_.command()));
    EXPECT_TRUE(host_.take<Execute>());
}

TEST_P(DigestTest, AWrongDataDigestOfDataOutWaitsForTheRestThenFailsTheCommand) {
    const auto command = host_.command(16384, false, true);
    host_.send(encode(command));
    const auto tag = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer).target_transfer_tag;
    auto bytes = host_.wire(encode(data_out(command, 0, 0, false, tag)), pattern(8192));
    bytes[100] ^= 1;
    host_.send_bytes(bytes);
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::data_digest_error);
    EXPECT_TRUE(host_.silent());
    host_.send(encode(data_out(command, 8192, 1, true, tag)), pattern(8192));
    expect_sense(0xB, 0x4705);
    EXPECT_FALSE(host_.take<Execute>());
}

TEST_P(DigestTest, AWrongDataDigestOfAPingIsRejectedOnly) {
    NopOut ping;
    ping.immediate = true;
    ping.initiator_task_tag = 4;
    ping.numbers.cmd_sn = host_.cmd_sn;
    auto bytes = host_.wire(encode(ping), pattern(3));
    bytes.back() ^= 1;
    host_.send_bytes(bytes);
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::data_digest_error);
    host_.send(encode(ping), pattern(3));
    EXPECT_EQ(host_.expect<NopIn>(Opcode::nop_in).initiator_task_tag, 4U);
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
