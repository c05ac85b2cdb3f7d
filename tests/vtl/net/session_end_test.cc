// How tasks and sessions end: task management, logout, shutdown.
#include "tests/vtl/net/portal_fixture.h"

namespace tapeloft::vtl::net {
namespace {

class SessionEndTest : public PortalTest {};

TEST_F(SessionEndTest, AbortTaskIsAnsweredAndTheTaskIsNot) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    send_wait(initiator);
    iscsi::TaskManagementRequest abort;
    abort.immediate = true;
    abort.function = 1;
    abort.lun = kUnit1;
    abort.initiator_task_tag = 78;
    abort.referenced_task_tag = kWaitTag;
    abort.numbers.cmd_sn = 2;
    ASSERT_TRUE(initiator.send(encode(abort)));
    const auto response = initiator.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->opcode(), iscsi::Opcode::task_management_response);
    EXPECT_EQ(unit1_.waiting, 0);
    EXPECT_TRUE(good(initiator));
}

TEST_F(SessionEndTest, TargetResetEndsTasksOfOtherSessionsWithoutAnswer) {
    start();
    RawInitiator victim;
    RawInitiator resetter;
    log_in(victim, keys("victim"));
    log_in(resetter, keys("resetter"));
    send_wait(victim);
    iscsi::TaskManagementRequest reset;
    reset.immediate = true;
    reset.function = 6;
    reset.initiator_task_tag = 6;
    reset.numbers.cmd_sn = 1;
    ASSERT_TRUE(resetter.send(encode(reset)));
    const auto response = resetter.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(iscsi::decode<iscsi::TaskManagementResponse>(response->header).response,
              iscsi::TaskManagementResult::function_complete);
    EXPECT_EQ(unit0_.resets, 1);
    EXPECT_EQ(unit1_.resets, 1);
    EXPECT_TRUE(good(victim));  // the next answer is that of the next command
}

TEST_F(SessionEndTest, LogoutIsAnsweredWhenNothingOfTheSessionIsLeft) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    send_wait(initiator);
    iscsi::LogoutRequest logout;
    logout.immediate = true;
    logout.initiator_task_tag = 8;
    logout.numbers.cmd_sn = 2;
    ASSERT_TRUE(initiator.send(encode(logout)));
    const auto response = initiator.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->opcode(), iscsi::Opcode::logout_response);
    EXPECT_EQ(unit1_.waiting, 0);
    EXPECT_EQ(unit0_.nexuses, 0);
    EXPECT_EQ(unit1_.nexuses, 0);
    EXPECT_TRUE(initiator.at_end());
}

TEST_F(SessionEndTest, ClearTaskSetEndsAWriteOfAnotherSessionThatWaitsForData) {
    start();
    RawInitiator victim;
    RawInitiator other;
    log_in(victim, keys("victim"));
    log_in(other, keys("other"));
    for (const int function : {4, 5, 6}) {
        iscsi::ScsiCommand write;
        write.lun = kUnit1;
        write.cdb = kWrite;
        write.write = true;
        write.expected_data_transfer_length = 10'000;
        write.initiator_task_tag = victim.next_tag();
        write.numbers.cmd_sn = victim.next_cmd_sn();
        ASSERT_TRUE(victim.send(encode(write)));
        const auto r2t = victim.receive();
        ASSERT_TRUE(r2t);
        ASSERT_EQ(r2t->opcode(), iscsi::Opcode::ready_to_transfer);
        iscsi::TaskManagementRequest request;
        request.immediate = true;
        request.function = static_cast<std::uint8_t>(function);
        request.lun = kUnit1;
        request.initiator_task_tag = 6;
        request.numbers.cmd_sn = 1;
        ASSERT_TRUE(other.send(encode(request)));
        ASSERT_TRUE(other.receive());
        iscsi::DataOut data;
        data.final = true;
        data.lun = kUnit1;
        data.initiator_task_tag = write.initiator_task_tag;
        data.target_transfer_tag =
            iscsi::decode<iscsi::ReadyToTransfer>(r2t->header).target_transfer_tag;
        ASSERT_TRUE(victim.send(encode(data), pattern(10'000)));
        EXPECT_TRUE(good(victim));
    }
    EXPECT_EQ(unit1_.commands, 3) << "only the TEST UNIT READYs";
}

TEST_F(SessionEndTest, TargetColdResetEndsAllSessionsOfTheTarget) {
    start();
    RawInitiator victim;
    RawInitiator resetter;
    log_in(victim, keys("victim"));
    log_in(resetter, keys("resetter"));
    send_wait(victim);
    iscsi::TaskManagementRequest reset;
    reset.immediate = true;
    reset.function = 7;
    reset.initiator_task_tag = 6;
    reset.numbers.cmd_sn = 1;
    ASSERT_TRUE(resetter.send(encode(reset)));
    const auto response = resetter.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->opcode(), iscsi::Opcode::task_management_response);
    for (auto* each : {&victim, &resetter}) {
        const auto message = each->receive();
        ASSERT_TRUE(message);
        EXPECT_EQ(message->opcode(), iscsi::Opcode::async_message);
        EXPECT_TRUE(each->at_end());
    }
    EXPECT_TRUE(eventually([this] { return unit1_.nexuses == 0; }));
    RawInitiator again;
    log_in(again, keys("victim"));
    EXPECT_TRUE(good(again));
}

TEST_F(SessionEndTest, ShutdownLetsCommandsInFlightEndAndAnswersThem) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    send_wait(initiator);
    auto done = boost::asio::co_spawn(io_, portal_->shutdown(std::chrono::seconds(10)),
                                      boost::asio::use_future);
    const auto message = initiator.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->opcode(), iscsi::Opcode::async_message);
    EXPECT_EQ(iscsi::decode<iscsi::AsyncMessage>(message->header).event,
              iscsi::AsyncEvent::target_will_drop_connection);
    unit1_.release();
    const auto response = initiator.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->opcode(), iscsi::Opcode::scsi_response);
    EXPECT_TRUE(initiator.at_end());
    done.get();
    RawInitiator late;
    EXPECT_FALSE(late.connect(port_));
}

TEST_F(SessionEndTest, ShutdownCutsWhatDoesNotEndInTime) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    send_wait(initiator);
    shutdown(std::chrono::milliseconds(20));
    EXPECT_EQ(unit1_.waiting, 0);
    EXPECT_TRUE(initiator.at_end());
}

}  // namespace
}  // namespace tapeloft::vtl::net
