// What a good initiator never sends, and what libiscsi does not show: PDU by PDU, against the real
// daemon. Whatever breaks the protocol, the tape has what was agreed upon and nothing else.
#include <algorithm>
#include <array>

#include "vtl/iscsi/text_keys.h"

#include "tests/e2e/library_fixture.h"
#include "tests/vtl/net/raw_initiator.h"

namespace tapeloft::tests {
namespace {

using namespace vtl::iscsi;  // NOLINT(google-build-using-namespace): PDUs are what this is about
using vtl::net::RawInitiator;

constexpr std::uint64_t kDrive = 0x0001000000000000;
constexpr std::array<std::uint8_t, 16> kTestUnitReady{};
constexpr std::uint32_t kLong = 512 * 1024;  // more than a first burst: R2Ts are needed
constexpr std::uint32_t kShort = 4096;

class Protocol : public LibraryFixture {
  protected:
    using Keys = RawInitiator::Keys;

    void start_with_a_tape() {
        start();
        host_.emplace(login());
        load(*host_, "TL0001L9", 0);
    }
    [[nodiscard]] std::uint16_t port() const {
        return static_cast<std::uint16_t>(std::stoul(portal_.substr(portal_.find(':') + 1)));
    }
    static Keys keys(const Keys& more = {}) {
        Keys all = {{"InitiatorName", "iqn.2026-11.io.tapeloft.tests:raw"},
                    {"TargetName", kTarget},
                    {"SessionType", "Normal"},
                    {"InitialR2T", "No"},
                    {"ImmediateData", "Yes"},
                    {"MaxBurstLength", "131072"},
                    {"FirstBurstLength", "65536"},
                    {"MaxRecvDataSegmentLength", "8192"}};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    /// A session that has taken the attention for its first contact.
    void log_in(RawInitiator& raw, const Keys& more = {}) {
        ASSERT_TRUE(raw.connect(port()));
        ASSERT_EQ(raw.login(keys(more)), std::uint16_t{0});
        ASSERT_TRUE(raw.command({kDrive, kTestUnitReady, {}, {}}));
        expect_alive(raw);
    }
    static void expect_alive(RawInitiator& raw) {
        const auto ready = raw.command({kDrive, kTestUnitReady, {}, {}});
        ASSERT_TRUE(ready) << "the session is gone";
        EXPECT_EQ(ready->status, 0);
    }
    static ScsiCommand write_of(RawInitiator& raw, std::uint32_t length) {
        ScsiCommand write;
        write.lun = kDrive;
        write.write = true;
        write.expected_data_transfer_length = length;
        write.cdb[0] = 0x0A;
        store_big_endian<3>(MutableByteView(write.cdb).subspan(2), length);
        write.initiator_task_tag = raw.next_tag();
        write.numbers.cmd_sn = raw.next_cmd_sn();
        return write;
    }
    static TaskManagementRequest function_of(RawInitiator& raw, TaskManagementFunction function) {
        TaskManagementRequest request;
        request.function = static_cast<std::uint8_t>(function);
        request.lun = kDrive;
        request.initiator_task_tag = raw.next_tag();
        request.numbers.cmd_sn = raw.next_cmd_sn();
        return request;
    }
    void expect_records(const std::vector<Bytes>& records) {
        TapeHost tape(*host_, 1);
        ASSERT_GOOD(tape.rewind());
        for (const auto& each : records) {
            const auto record = tape.read(kLong);
            ASSERT_OK(record);
            ASSERT_TRUE(record->good()) << record->text();
            EXPECT_TRUE(record->data == each);
        }
        ASSERT_SENSE(tape.read(kLong), 8, 0x0005);
    }

    std::optional<ScsiHost> host_;
};

TEST_F(Protocol, AQueuedFunctionEndsWhatCameBeforeItAndNothingBehindIt) {
    start_with_a_tape();
    std::vector<Bytes> kept;
    for (const bool in_order : {true, false}) {
        RawInitiator raw;
        log_in(raw);
        const auto before = write_of(raw, kLong);
        const auto abort = function_of(raw, TaskManagementFunction::abort_task_set);
        const auto behind = write_of(raw, kShort);
        kept.push_back(pattern(kShort, kept.size()));
        ASSERT_TRUE(raw.send(encode(before)));
        ASSERT_EQ(raw.receive()->opcode(), Opcode::ready_to_transfer);
        if (in_order) {
            ASSERT_TRUE(raw.send(encode(abort)));
            ASSERT_TRUE(raw.send(encode(behind), kept.back()));
        } else {
            ASSERT_TRUE(raw.send(encode(behind), kept.back()));
            ASSERT_TRUE(raw.send(encode(abort)));
        }
        bool ended = false;
        bool written = false;
        while (!ended || !written) {
            const auto pdu = raw.receive();
            ASSERT_TRUE(pdu);
            if (pdu->opcode() == Opcode::task_management_response) {
                EXPECT_EQ(decode<TaskManagementResponse>(pdu->header).response,
                          TaskManagementResult::function_complete);
                ended = true;
            } else if (pdu->opcode() == Opcode::scsi_response) {
                const auto answer = decode<ScsiResponse>(pdu->header);
                EXPECT_EQ(answer.initiator_task_tag, behind.initiator_task_tag);
                EXPECT_EQ(answer.status, 0);
                written = true;
            }
        }
        expect_alive(raw);
    }
    expect_records(kept);
}

TEST_F(Protocol, ACommandThatIsTwiceThereOrOutsideTheWindowWritesNothing) {
    start_with_a_tape();
    RawInitiator raw;
    log_in(raw);
    const auto data = pattern(kShort, 1);
    const auto good = write_of(raw, kShort);
    ASSERT_TRUE(raw.send(encode(good), data));
    ASSERT_EQ(decode<ScsiResponse>(raw.receive()->header).status, 0);
    for (const std::uint32_t off : {0U, 0xFFFFFFFFU, 0xFFFFFF00U, 100U, 0x7FFFFFF0U}) {
        auto again = good;  // the same CmdSN, one that is lower, or one that is too high
        again.numbers.cmd_sn += off;
        again.initiator_task_tag = raw.next_tag();
        ASSERT_TRUE(raw.send(encode(again), data));
    }
    expect_alive(raw);  // the next answer is that of the next command
    expect_records({data});
}

TEST_F(Protocol, DataOutOfTheWrongNumberUnitPlaceOrLengthEndsTheSessionAndIsNoRecord) {
    start_with_a_tape();
    using Spoil = void (*)(DataOut&);
    constexpr std::array<Spoil, 6> kSpoils = {[](DataOut& pdu) { pdu.data_sn = 1; },
                                              [](DataOut& pdu) { pdu.lun = 2 * kDrive; },
                                              [](DataOut& pdu) { pdu.lun = 200 * kDrive; },
                                              [](DataOut& pdu) { pdu.buffer_offset += 4; },
                                              [](DataOut& pdu) { ++pdu.target_transfer_tag; },
                                              [](DataOut& pdu) { pdu.final = false; }};
    for (const auto spoil : kSpoils) {
        RawInitiator raw;
        log_in(raw);
        const auto write = write_of(raw, kLong);
        ASSERT_TRUE(raw.send(encode(write)));
        const auto r2t = decode<ReadyToTransfer>(raw.receive()->header);
        DataOut pdu;
        pdu.final = true;
        pdu.lun = kDrive;
        pdu.initiator_task_tag = write.initiator_task_tag;
        pdu.target_transfer_tag = r2t.target_transfer_tag;
        pdu.buffer_offset = r2t.buffer_offset;
        spoil(pdu);
        ASSERT_TRUE(raw.send(encode(pdu), pattern(r2t.desired_data_transfer_length, 1)));
        EXPECT_TRUE(raw.at_end());
    }
    ASSERT_OK(TapeHost(*host_, 1).wait_ready());
    expect_records({});
}

TEST_F(Protocol, ADataDigestThatIsWrongFailsItsCommandAndOfTheHeaderTheSession) {
    start_with_a_tape();
    const Bytes wrong(4, 0x55);
    {
        RawInitiator raw;
        log_in(raw, {{"DataDigest", "CRC32C"}});
        raw.data_digest = false;  // it would be right
        ASSERT_TRUE(raw.send(encode(write_of(raw, kShort)), pattern(kShort, 1)));
        ASSERT_TRUE(raw.send_bytes(wrong));
        raw.data_digest = true;
        const auto reject = raw.receive();
        ASSERT_TRUE(reject);
        ASSERT_EQ(reject->opcode(), Opcode::reject);
        EXPECT_EQ(decode<Reject>(reject->header).reason, RejectReason::data_digest_error);
        const auto failed = raw.receive();
        ASSERT_TRUE(failed);
        ASSERT_EQ(failed->opcode(), Opcode::scsi_response);
        EXPECT_EQ(decode<ScsiResponse>(failed->header).status, 2);
        ASSERT_GE(failed->data.size(), 16U);
        EXPECT_EQ(failed->data[4] % 16, 0x0B);
        EXPECT_EQ(load_big_endian<2>(ByteView(failed->data).subspan(14)), 0x4705U);
        expect_alive(raw);
    }
    RawInitiator raw;
    log_in(raw, {{"HeaderDigest", "CRC32C"}});
    raw.header_digest = false;
    ASSERT_TRUE(raw.send(encode(write_of(raw, kShort))));
    ASSERT_TRUE(raw.send_bytes(wrong));
    EXPECT_TRUE(raw.at_end());
    expect_records({});
}

TEST_F(Protocol, DataInIsNumberedWithoutAGapAndBurstsEndWhereTheyWereAgreedTo) {
    start_with_a_tape();
    const auto record = pattern(kLong, 1);
    ASSERT_GOOD(TapeHost(*host_, 1).write(record));
    ASSERT_GOOD(TapeHost(*host_, 1).rewind());
    RawInitiator raw;
    log_in(raw);
    ScsiCommand read;
    read.lun = kDrive;
    read.read = true;
    read.expected_data_transfer_length = kLong;
    read.cdb[0] = 0x08;
    store_big_endian<3>(MutableByteView(read.cdb).subspan(2), kLong);
    read.initiator_task_tag = raw.next_tag();
    read.numbers.cmd_sn = raw.next_cmd_sn();
    ASSERT_TRUE(raw.send(encode(read)));
    Bytes received;
    for (std::uint32_t number = 0; received.size() < kLong; ++number) {
        const auto pdu = raw.receive();
        ASSERT_TRUE(pdu);
        ASSERT_EQ(pdu->opcode(), Opcode::data_in);
        const auto part = decode<DataIn>(pdu->header);
        EXPECT_EQ(part.data_sn, number);
        EXPECT_EQ(part.buffer_offset, received.size());
        EXPECT_LE(pdu->data.size(), 8192U);
        received.insert(received.end(), pdu->data.begin(), pdu->data.end());
        EXPECT_EQ(part.final, received.size() % 131072 == 0) << "at " << received.size();
        EXPECT_EQ(part.status_present, received.size() == kLong);
        EXPECT_EQ(part.status, 0);
    }
    EXPECT_TRUE(received == record);
    expect_alive(raw);
}

TEST_F(Protocol, AMalformedLoginIsRefusedAndTheNextOneIsGood) {
    start_with_a_tape();
    const std::vector<Keys> bad = {
        {{"TargetName", kTarget}},                                           // who is it?
        {{"InitiatorName", "iqn.2026-11.io.tapeloft.tests:raw"}},            // of what?
        keys({{"InitiatorName", "iqn.2026-11.io.tapeloft.tests:another"}}),  // a key twice
        keys({{"MaxRecvDataSegmentLength", "0"}}),                           // out of range
        {{"InitiatorName", "no name"}, {"TargetName", kTarget}},
        {{"InitiatorName", "iqn.2026-11.io.tapeloft.tests:raw"}, {"TargetName", "iqn.2026-11.x:y"}},
    };
    for (const auto& each : bad) {
        RawInitiator raw;
        ASSERT_TRUE(raw.connect(port()));
        const auto status = raw.login(each);
        ASSERT_TRUE(status) << "a login must be answered";
        EXPECT_EQ(*status >> 8U, 2U) << "initiator error";
        EXPECT_TRUE(raw.at_end());
    }
    RawInitiator noise;
    ASSERT_TRUE(noise.connect(port()));
    ASSERT_TRUE(noise.send_bytes(pattern(kShort, 3)));
    EXPECT_TRUE(noise.at_end());
    RawInitiator raw;
    log_in(raw);
    expect_records({});
}

}  // namespace
}  // namespace tapeloft::tests
