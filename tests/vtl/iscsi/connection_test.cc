#include "vtl/iscsi/connection.h"

#include "tests/vtl/iscsi/connection_fixture.h"

namespace tapeloft::vtl::iscsi {
namespace {

INSTANTIATE_TEST_SUITE_P(Splits, ConnectionTest, testing::Values(0, 1, 2));

// ---- NOP, Text, Logout, the rest ----------------------------------------------------------------

TEST_P(ConnectionTest, APingIsEchoedUpToWhatTheInitiatorTakes) {
    NopOut ping;
    ping.immediate = true;
    ping.initiator_task_tag = 4;
    ping.numbers.cmd_sn = host_.cmd_sn;
    host_.send(encode(ping), pattern(5000));
    Bytes data;
    const auto answer = host_.expect<NopIn>(Opcode::nop_in, &data);
    EXPECT_EQ(answer.initiator_task_tag, 4U);
    EXPECT_EQ(answer.target_transfer_tag, kReservedTag);
    const auto sent = pattern(5000);
    EXPECT_EQ(data, Bytes(sent.begin(), sent.begin() + 4096));
}

TEST_P(ConnectionTest, SilenceIsPingedAndThenCut) {
    auto& core = host_.core();
    core.on_tick(1'000);  // the login was heard
    core.on_tick(30'999);
    host_.collect();
    EXPECT_TRUE(host_.silent());
    core.on_tick(31'000);
    host_.collect();
    auto ping = host_.expect<NopIn>(Opcode::nop_in);
    EXPECT_EQ(ping.initiator_task_tag, kReservedTag);
    EXPECT_NE(ping.target_transfer_tag, kReservedTag);
    NopOut answer;
    answer.immediate = true;
    answer.target_transfer_tag = ping.target_transfer_tag;
    answer.numbers.cmd_sn = host_.cmd_sn;
    host_.send(encode(answer));
    EXPECT_TRUE(host_.silent());
    core.on_tick(40'000);
    for (const std::int64_t now : {70'000, 100'000}) {
        core.on_tick(now);
        host_.collect();
        EXPECT_EQ(host_.expect<NopIn>(Opcode::nop_in).initiator_task_tag, kReservedTag);
    }
    core.on_tick(130'000);
    host_.collect();
    EXPECT_TRUE(host_.closed());
}

TEST_P(ConnectionTest, SendTargetsInANormalSessionNamesOnlyItsOwnTarget) {
    struct Case {
        const char* value;
        bool listed;
    };
    for (const auto& one : std::initializer_list<Case>{
             {"", true}, {kScriptTarget, true}, {"All", false}, {"iqn.2026-11.other:x", false}}) {
        TextRequest request;
        request.immediate = true;
        request.initiator_task_tag = ++host_.tag;
        request.numbers.cmd_sn = host_.cmd_sn;
        Bytes text;
        append_text_pair(text, "SendTargets", one.value);
        host_.send(encode(request), text);
        Bytes data;
        EXPECT_TRUE(host_.expect<TextResponse>(Opcode::text_response, &data).final);
        const auto pairs = parse_text(data);
        ASSERT_TRUE(pairs);
        if (one.listed) {
            EXPECT_EQ(*pairs, (std::vector<TextPair>{{"TargetName", kScriptTarget},
                                                     {"TargetAddress", "192.0.2.1:3260,1"}}));
        } else {
            EXPECT_EQ(*pairs, (std::vector<TextPair>{{"SendTargets", "Reject"}}));
        }
    }
}

TEST_P(ConnectionTest, ALongAnswerAndALongQuestionAreSplitWithTheContinueBit) {
    TextRequest request;
    request.immediate = true;
    request.initiator_task_tag = 50;
    request.numbers.cmd_sn = host_.cmd_sn;
    Bytes question;
    for (int i = 0; i < 300; ++i) {
        append_text_pair(question, "X-unknown-" + std::to_string(i), "1");
    }
    const ByteView view(question);
    request.final = false;
    request.continue_text = true;
    host_.send(encode(request), view.first(1000));
    auto response = host_.expect<TextResponse>(Opcode::text_response);
    EXPECT_FALSE(response.final);
    request.final = true;
    request.continue_text = false;
    request.target_transfer_tag = response.target_transfer_tag;
    host_.send(encode(request), view.subspan(1000));
    Bytes all;
    for (;;) {
        Bytes part;
        response = host_.expect<TextResponse>(Opcode::text_response, &part);
        EXPECT_LE(part.size(), 4096U);
        all.insert(all.end(), part.begin(), part.end());
        EXPECT_EQ(response.final, !response.continue_text);
        if (response.final || part.empty()) {
            break;
        }
        request.target_transfer_tag = response.target_transfer_tag;
        host_.send(encode(request));
    }
    const auto pairs = parse_text(all);
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pairs->size(), 300U);
    EXPECT_GT(all.size(), 4096U);
}

TEST_P(ConnectionTest, TextThatNeverEndsIsRejected) {
    TextRequest request;
    request.immediate = true;
    request.final = false;
    request.continue_text = true;
    request.initiator_task_tag = 50;
    request.numbers.cmd_sn = host_.cmd_sn;
    for (int i = 0; i < 40; ++i) {
        host_.send(encode(request), pattern(4096));
        auto pdu = host_.next();
        ASSERT_TRUE(pdu);
        if (pdu->opcode() == Opcode::reject) {
            return;
        }
        request.target_transfer_tag = decode<TextResponse>(pdu->header).target_transfer_tag;
    }
    FAIL() << "never rejected";
}

TEST_P(ConnectionTest, LogoutIsAnsweredAndThenTheConnectionEnds) {
    LogoutRequest logout;
    logout.immediate = true;
    logout.initiator_task_tag = 60;
    logout.numbers.cmd_sn = host_.cmd_sn;
    logout.reason = 2;
    host_.send(encode(logout));
    EXPECT_EQ(host_.expect<LogoutResponse>(Opcode::logout_response).response,
              LogoutResult::recovery_not_supported);
    logout.reason = 1;
    logout.cid = 7;
    host_.send(encode(logout));
    EXPECT_EQ(host_.expect<LogoutResponse>(Opcode::logout_response).response,
              LogoutResult::cid_not_found);
    logout.cid = 1;
    host_.send(encode(logout));
    ASSERT_TRUE(host_.take<EndSession>());
    EXPECT_TRUE(host_.silent()) << "the answer says that nothing is left";
    EXPECT_TRUE(host_.core().receive_buffer().empty());
    host_.core().on_session_ended();
    host_.collect();
    EXPECT_EQ(host_.expect<LogoutResponse>(Opcode::logout_response).response, LogoutResult::closed);
    const auto close = host_.take<Close>();
    ASSERT_TRUE(close);
    EXPECT_FALSE(close->fault);
}

TEST_P(ConnectionTest, OpcodesThatDoNotBelongHereAreRejectedOrEndTheConnection) {
    BasicHeader header{};
    for (const unsigned opcode : {0x10U, 0x1CU, 0x21U, 0x3EU}) {
        layout::kOpcode.store(header, static_cast<std::uint8_t>(opcode));
        host_.send(header, pattern(7));
        const auto expected =
            opcode == 0x10 ? RejectReason::protocol_error : RejectReason::command_not_supported;
        EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, expected);
    }
    host_.send(encode(LoginRequestFields{}), pattern(7));
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason, RejectReason::protocol_error);
    EXPECT_TRUE(host_.closed());
}

TEST_P(ConnectionTest, ASegmentLongerThanDeclaredEndsTheConnectionBeforeItIsRead) {
    auto header = encode(host_.command(1'048'577, false, true));
    layout::kDataSegmentLength.store(header, 1'048'577);
    host_.send_bytes(header);
    EXPECT_TRUE(host_.closed());
}

TEST_P(ConnectionTest, LogoutEndsTheTasksWithoutAnswer) {
    host_.send(encode(host_.command(8, true)));
    const auto read = host_.take<Execute>();
    ASSERT_TRUE(read);
    host_.send(encode(host_.command(10'000, false, true)));
    EXPECT_EQ(host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer).r2t_sn, 0U);
    LogoutRequest logout;
    logout.initiator_task_tag = 60;
    logout.numbers.cmd_sn = host_.cmd_sn++;
    host_.send(encode(logout));
    ASSERT_TRUE(host_.take<EndSession>());
    auto completion = scsi::Completion::good();
    completion.data_in = Buffer::copy_of(pattern(8));
    host_.done(read->handle, std::move(completion));
    host_.core().abort_waiting_tasks(std::nullopt);
    host_.core().on_tick(1'000'000);
    host_.core().shut_down();
    host_.collect();
    EXPECT_TRUE(host_.silent());
    host_.core().on_session_ended();
    host_.collect();
    const auto response = host_.expect<LogoutResponse>(Opcode::logout_response);
    EXPECT_EQ(response.numbers.exp_cmd_sn, host_.cmd_sn);
    EXPECT_TRUE(host_.closed());
    host_.core().on_session_ended();  // once more says nothing more
    host_.collect();
    EXPECT_TRUE(host_.silent());
}

TEST_P(ConnectionTest, BeforeLoginNothingElseIsTakenAndNothingLong) {
    ScriptedInitiator stranger(split());
    stranger.send(encode(stranger.command()));
    EXPECT_TRUE(stranger.closed());
    EXPECT_TRUE(stranger.silent());
    ScriptedInitiator talker(split());
    auto header = encode(LoginRequestFields{});
    layout::kDataSegmentLength.store(header, 8193);
    talker.send_bytes(header);
    EXPECT_TRUE(talker.closed());
}

TEST_P(ConnectionTest, ALoginThatTakesTooLongIsCut) {
    ScriptedInitiator slow(split());
    slow.core().on_tick(14'999);
    slow.collect();
    EXPECT_FALSE(slow.take<Close>());
    slow.core().on_tick(15'000);
    slow.collect();
    EXPECT_TRUE(slow.closed());
}

TEST_P(ConnectionTest, AnInitiatorThatTakesNothingDoesNotHoldUpTheEnd) {
    auto& core = host_.core();
    core.shut_down();  // with a message that nobody fetches
    core.on_tick(1'000'000);
    EXPECT_FALSE(core.next_action());
    core.on_tick(1'004'999);
    EXPECT_FALSE(core.next_action());
    core.on_tick(1'005'000);
    const auto action = core.next_action();
    ASSERT_TRUE(action);
    EXPECT_TRUE(std::holds_alternative<Close>(*action));
}

TEST_P(ConnectionTest, DrainAnswersWhatRunsTakesNothingNewAndEnds) {
    host_.send(encode(host_.command()));
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    host_.core().shut_down();
    host_.collect();
    EXPECT_EQ(host_.expect<AsyncMessage>(Opcode::async_message).event,
              AsyncEvent::target_will_drop_connection);
    host_.send(encode(host_.command()));
    EXPECT_FALSE(host_.take<Execute>());
    EXPECT_FALSE(host_.take<Close>());
    host_.done(execute->handle, scsi::Completion::good());
    EXPECT_EQ(host_.expect<ScsiResponse>(Opcode::scsi_response).status, 0);
    EXPECT_TRUE(host_.closed());
}

TEST_P(ConnectionTest, AnInitiatorThatNeverListensIsNotReadForEver) {
    NopOut ping;
    ping.immediate = true;
    ping.initiator_task_tag = 4;
    ping.numbers.cmd_sn = host_.cmd_sn;
    const auto bytes = host_.wire(encode(ping));
    int pings = 0;
    for (; pings < 1000; ++pings) {
        ByteView left(bytes);
        while (!left.empty() && !host_.core().receive_buffer().empty()) {
            const auto room = host_.core().receive_buffer();
            const auto n = std::min(room.size(), left.size());
            std::copy_n(left.begin(), n, room.begin());
            host_.core().on_received(n);
            left = left.subspan(n);
        }
        if (!left.empty()) {
            break;
        }
    }
    EXPECT_LT(pings, 100);
}

// ---- Discovery ----------------------------------------------------------------------------------

TEST_P(ConnectionTest, DiscoveryAnswersSendTargetsAllAndNoCommands) {
    ScriptedInitiator host(split());
    host.log_in({{"InitiatorName", "iqn.2026-11.test:host"}, {"SessionType", "Discovery"}});
    EXPECT_EQ(host.core().target(), nullptr);
    TextRequest request;
    request.initiator_task_tag = 1;
    request.numbers.cmd_sn = host.cmd_sn++;
    Bytes text;
    append_text_pair(text, "SendTargets", "All");
    host.send(encode(request), text);
    Bytes data;
    EXPECT_TRUE(host.expect<TextResponse>(Opcode::text_response, &data).final);
    EXPECT_EQ(parse_text(data)->size(), 2U);
    host.send(encode(host.command()));
    EXPECT_EQ(host.expect<Reject>(Opcode::reject).reason, RejectReason::command_not_supported);
    EXPECT_FALSE(host.take<Execute>());
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
