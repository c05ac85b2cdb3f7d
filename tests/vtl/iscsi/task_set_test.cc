#include "vtl/iscsi/task_set.h"

#include "tests/vtl/iscsi/connection_fixture.h"

namespace tapeloft::vtl::iscsi {
namespace {

using Function = TaskManagementFunction;
using FunctionResult = TaskManagementResult;

class TaskSetTest : public ConnectionTest {};
INSTANTIATE_TEST_SUITE_P(Splits, TaskSetTest, testing::Values(0, 1, 2));

// ---- The CmdSN window ---------------------------------------------------------------------------

TEST_P(TaskSetTest, CommandsAreDeliveredInTheOrderOfCmdSn) {
    auto first = host_.command();
    auto second = host_.command(4, false, true);
    auto third = host_.command();
    host_.send(encode(third));
    host_.send(encode(second), pattern(4));
    EXPECT_FALSE(host_.take<Execute>());
    host_.send(encode(first));
    for (const auto& command : {first, second, third}) {
        const auto execute = host_.take<Execute>();
        ASSERT_TRUE(execute);
        EXPECT_EQ(execute->task.tag, command.initiator_task_tag);
        host_.done(execute->handle, taken(4));
    }
}

TEST_P(TaskSetTest, CommandsOutsideTheWindowAreDroppedSilently) {
    auto command = host_.command();
    for (const std::uint32_t cmd_sn : {9U, 10U + 32, 0x80000000U}) {
        command.numbers.cmd_sn = cmd_sn;
        host_.send(encode(command));
    }
    EXPECT_TRUE(host_.silent());
    EXPECT_FALSE(host_.take<Execute>());
    EXPECT_FALSE(host_.take<Close>());
    command.numbers.cmd_sn = 10;
    host_.send(encode(command));
    host_.send(encode(command));  // once more: a duplicate
    EXPECT_TRUE(host_.take<Execute>());
    EXPECT_FALSE(host_.take<Execute>());
}

TEST_P(TaskSetTest, ImmediateCommandsDoNotMoveTheWindowAndAreLimited) {
    for (std::uint32_t i = 0; i < TaskSet::kImmediateCommandsMax; ++i) {
        auto command = host_.command();
        --host_.cmd_sn;
        command.immediate = true;
        host_.send(encode(command));
        EXPECT_TRUE(host_.take<Execute>());
    }
    auto command = host_.command();
    command.immediate = true;
    host_.send(encode(command));
    EXPECT_EQ(host_.expect<Reject>(Opcode::reject).reason,
              RejectReason::too_many_immediate_commands);
    command.immediate = false;
    command.numbers.cmd_sn = 10;
    host_.send(encode(command));
    EXPECT_TRUE(host_.take<Execute>());
}

TEST_P(TaskSetTest, TheWindowClosesWithOpenCommandsAndNeverGoesBack) {
    std::vector<TaskHandle> handles;
    for (int i = 0; i < 32; ++i) {
        host_.send(encode(host_.command()));
        const auto execute = host_.take<Execute>();
        ASSERT_TRUE(execute) << i;
        handles.push_back(execute->handle);
    }
    host_.send(encode(host_.command()));  // beyond MaxCmdSN
    EXPECT_FALSE(host_.take<Execute>());
    host_.done(handles[0], scsi::Completion::good());
    const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_EQ(response.numbers.exp_cmd_sn, 42U);
    EXPECT_EQ(response.numbers.max_cmd_sn, 42U);
}

TEST_P(TaskSetTest, MemoryBoundsTheWindow) {
    ScriptedInitiator host(split(), 128 * 1024);
    host.log_in(ScriptedInitiator::keys({{"FirstBurstLength", "16384"}}));
    host.send(encode(host.command()));
    host.done(host.take<Execute>()->handle, scsi::Completion::good());
    const auto response = host.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_EQ(response.numbers.max_cmd_sn - response.numbers.exp_cmd_sn + 1, 4U);
}

TEST_P(TaskSetTest, R2tWaitsUntilThereIsMemory) {
    ScriptedInitiator host(split(),
                           64 * 1024);  // one half, 32 KiB, for what is longer than a burst
    host.log_in(ScriptedInitiator::keys({{"FirstBurstLength", "8192"}}));
    const auto first = host.command(30'000, false, true);
    const auto second = host.command(30'000, false, true);
    host.send(encode(first));
    host.send(encode(second), pattern(5000));
    auto r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    EXPECT_EQ(r2t.initiator_task_tag, first.initiator_task_tag);
    EXPECT_TRUE(host.silent());
    const auto data = pattern(30'000);
    host.send(encode(data_out(first, 0, 0, true, r2t.target_transfer_tag)),
              ByteView(data).first(16384));
    r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    host.send(encode(data_out(first, 16384, 0, true, r2t.target_transfer_tag)),
              ByteView(data).subspan(16384));
    const auto execute = host.take<Execute>();
    ASSERT_TRUE(execute);
    EXPECT_TRUE(host.silent());
    host.done(execute->handle, taken(30'000));
    EXPECT_EQ(host.expect<ScsiResponse>(Opcode::scsi_response).status, 0);
    r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    EXPECT_EQ(r2t.initiator_task_tag, second.initiator_task_tag);
    EXPECT_EQ(r2t.buffer_offset, 5000U);
    host.send(encode(data_out(second, 5000, 0, true, r2t.target_transfer_tag)),
              ByteView(data).subspan(5000, 16384));
    r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    host.send(encode(data_out(second, 21384, 0, true, r2t.target_transfer_tag)),
              ByteView(data).subspan(21384));
    const auto last = host.take<Execute>();
    ASSERT_TRUE(last);
    const auto view = last->task.data_out.view();
    EXPECT_TRUE(std::equal(view.begin(), view.end(), data.begin(), data.end()));
}

TEST_P(TaskSetTest, MemoryThatComesInTheMiddleOfAPduLosesNothingOfIt) {
    ScriptedInitiator host(split(), 64 * 1024);
    host.log_in(ScriptedInitiator::keys());
    host.send(encode(host.command(30'000, true)));  // occupies the half for long buffers
    const auto read = host.take<Execute>();
    ASSERT_TRUE(read);
    auto write = host.command(20'000, false, true);
    write.final = false;
    Bytes data(20'000);  // random, so that what an earlier test left in memory never looks right
    std::generate(data.begin(), data.end(),
                  [this] { return static_cast<std::uint8_t>(random_()); });
    host.send(encode(write), ByteView(data).first(1000));
    const auto pdu =
        host.wire(encode(data_out(write, 1000, 0, true)), ByteView(data).subspan(1000, 5000));
    ASSERT_TRUE(host.send_bytes(ByteView(pdu).first(2048)));
    host.done(read->handle, scsi::Completion::good());
    EXPECT_EQ(host.expect<ScsiResponse>(Opcode::scsi_response).status, 0);
    ASSERT_TRUE(host.send_bytes(ByteView(pdu).subspan(2048)));
    auto r2t = host.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    EXPECT_EQ(r2t.buffer_offset, 6000U);
    host.send(encode(data_out(write, 6000, 0, true, r2t.target_transfer_tag)),
              ByteView(data).subspan(6000));
    const auto execute = host.take<Execute>();
    ASSERT_TRUE(execute);
    const auto view = execute->task.data_out.view();
    EXPECT_TRUE(std::equal(view.begin(), view.end(), data.begin(), data.end()));
}

TEST_P(TaskSetTest, AWriteThatWaitsForDataHoldsBackOnlyItsOwnUnit) {
    const auto write = host_.command(20'000, false, true);
    host_.send(encode(write));
    host_.send(encode(host_.command()));
    EXPECT_FALSE(host_.take<Execute>());
    auto other = host_.command();
    other.lun = 0;
    host_.send(encode(other));
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    EXPECT_EQ(execute->lun, 0U);
}

// ---- Task management ----------------------------------------------------------------------------

TEST_P(TaskSetTest, AnAbortedTaskIsNeverAnsweredAndTheFunctionWaitsForItsEnd) {
    const auto command = host_.command();
    host_.send(encode(command));
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    host_.send(encode(host_.function(Function::abort_task, command.initiator_task_tag)));
    const auto manage = host_.take<ManageTasks>();
    ASSERT_TRUE(manage);
    EXPECT_EQ(manage->referenced_task_tag, command.initiator_task_tag);
    host_.core().on_task_management_done(manage->handle);
    host_.collect();
    EXPECT_TRUE(host_.silent());
    host_.done(execute->handle, scsi::Completion::good());
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::function_complete);
    EXPECT_TRUE(host_.silent());
}

TEST_P(TaskSetTest, AbortTaskWithoutTaskFollowsRefCmdSn) {
    auto abort = host_.function(Function::abort_task, 4711);
    abort.ref_cmd_sn = 9;
    host_.send(encode(abort));
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::task_does_not_exist);
    // A command that never came, with one behind it that waits.
    host_.cmd_sn = 11;
    host_.send(encode(host_.command()));
    EXPECT_FALSE(host_.take<Execute>());
    abort = host_.function(Function::abort_task, 4712);
    abort.ref_cmd_sn = 10;
    host_.send(encode(abort));
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::function_complete);
    EXPECT_TRUE(host_.take<Execute>());
}

TEST_P(TaskSetTest, DataForAnAbortedWriteIsAbsorbed) {
    const auto command = host_.command(10'000, false, true);
    host_.send(encode(command));
    const auto r2t = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    host_.send(encode(host_.function(Function::abort_task, command.initiator_task_tag)));
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::function_complete);
    host_.send(encode(data_out(command, 0, 0, true, r2t.target_transfer_tag)), pattern(10'000));
    EXPECT_TRUE(host_.silent());
    EXPECT_FALSE(host_.take<Execute>());
    EXPECT_FALSE(host_.take<Close>());
}

TEST_P(TaskSetTest, AbortTaskSetAndResetsNameTheUnitAndEndTheTasksOfThisSession) {
    for (const auto function : {Function::abort_task_set, Function::clear_task_set,
                                Function::logical_unit_reset, Function::target_warm_reset}) {
        host_.send(encode(host_.command()));
        const auto running = host_.take<Execute>();
        ASSERT_TRUE(running);
        host_.send(encode(host_.command(10'000, false, true)));
        EXPECT_EQ(host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer).r2t_sn, 0U);
        host_.send(encode(host_.function(function)));
        const auto manage = host_.take<ManageTasks>();
        ASSERT_TRUE(manage);
        EXPECT_EQ(manage->function, function);
        scsi::Completion aborted;
        aborted.status = scsi::Status::task_aborted;
        host_.done(running->handle, std::move(aborted));
        EXPECT_TRUE(host_.silent());
        host_.core().on_task_management_done(manage->handle);
        host_.collect();
        EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
                  FunctionResult::function_complete);
    }
}

TEST_P(TaskSetTest, FunctionsThatCannotBeAreAnsweredSo) {
    auto no_unit = host_.function(Function::logical_unit_reset);
    no_unit.lun = 0x0007000000000000;
    host_.send(encode(no_unit));
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::lun_does_not_exist);
    host_.send(encode(host_.function(Function::task_reassign)));
    EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
              FunctionResult::task_allegiance_reassignment_not_supported);
    for (const auto number : {Function::clear_aca, static_cast<Function>(77)}) {
        host_.send(encode(host_.function(number)));
        EXPECT_EQ(host_.expect<TaskManagementResponse>(Opcode::task_management_response).response,
                  FunctionResult::function_not_supported);
    }
}

TEST_P(TaskSetTest, AnotherSessionEndsWhatWaitsForDataOrItsTurnButNothingElse) {
    host_.send(encode(host_.command()));
    const auto running = host_.take<Execute>();
    ASSERT_TRUE(running);
    const auto write = host_.command(10'000, false, true);
    host_.send(encode(write));
    const auto r2t = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    host_.send(encode(host_.command()));  // its turn is after the write
    auto elsewhere = host_.command(10'000, false, true);
    elsewhere.lun = 0;
    host_.send(encode(elsewhere));
    const auto other_r2t = host_.expect<ReadyToTransfer>(Opcode::ready_to_transfer);
    const auto data = pattern(10'000);
    const auto pdu = host_.wire(encode(data_out(write, 0, 0, true, r2t.target_transfer_tag)), data);
    ASSERT_TRUE(host_.send_bytes(ByteView(pdu).first(5000)));
    host_.core().abort_waiting_tasks(kLun1);  // in the middle of the data
    host_.collect();
    ASSERT_TRUE(host_.send_bytes(ByteView(pdu).subspan(5000)));
    EXPECT_FALSE(host_.take<Execute>());
    host_.done(running->handle, scsi::Completion::good());
    EXPECT_EQ(host_.expect<ScsiResponse>(Opcode::scsi_response).status, 0);
    host_.send(encode(data_out(elsewhere, 0, 0, true, other_r2t.target_transfer_tag)), data);
    const auto execute = host_.take<Execute>();
    ASSERT_TRUE(execute);
    EXPECT_EQ(execute->lun, 0U);
    host_.done(execute->handle, taken(10'000));
    const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response);
    EXPECT_EQ(response.numbers.max_cmd_sn - response.numbers.exp_cmd_sn + 1, 32U);
    host_.send(encode(host_.command()));
    EXPECT_TRUE(host_.take<Execute>());
    EXPECT_TRUE(host_.silent());
    EXPECT_FALSE(host_.take<Close>());
}

TEST_P(TaskSetTest, ATaskKilledByAnotherNexusIsNotAnswered) {
    host_.send(encode(host_.command()));
    scsi::Completion aborted;
    aborted.status = scsi::Status::task_aborted;
    host_.done(host_.take<Execute>()->handle, std::move(aborted));
    EXPECT_TRUE(host_.silent());
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
