#include <random>

#include "tests/vtl/scsi/host.h"
#include "tests/vtl/scsi/test_unit.h"

namespace tapeloft::vtl::scsi {
namespace {

class DeviceServerTest : public testing::Test {
  protected:
    DeviceServerTest()
        : strand(boost::asio::make_strand(io)),
          unit(strand),
          host(io, unit, 1, "iqn.host"),
          other(io, unit, 2, "iqn.other") {
        host.log_in_and_clear();
        other.log_in_and_clear();
    }
    void release() {
        unit.release();
        settle(io);
    }

    boost::asio::io_context io;
    Executor strand;
    TestUnit unit;
    Host host;
    Host other;
};

class TaskSet : public DeviceServerTest {};

TEST_F(TaskSet, TasksRunOneAtATimeInTheOrderOfArrival) {
    const auto first = host.begin({0xC0, 1});
    const auto second = other.begin({0xC0, 2});
    const auto third = host.begin({0xC1, 3});
    EXPECT_FALSE(first->has_value() || second->has_value() || third->has_value());
    release();
    EXPECT_EQ(unit.ran, (std::vector<unsigned>{1}));
    release();
    EXPECT_EQ(unit.ran, (std::vector<unsigned>{1, 2, 3}));
    EXPECT_EQ(outcome(**third), "GOOD");
    EXPECT_TRUE(unit.idle());
}

TEST_F(TaskSet, HeadOfQueuePassesTheWaitingButNotTheRunning) {
    const auto first = host.begin({0xC0, 1});
    const auto second = host.begin({0xC1, 2});
    host.attribute = TaskAttribute::head_of_queue;
    const auto urgent = host.begin({0xC1, 3});
    release();
    EXPECT_EQ(unit.ran, (std::vector<unsigned>{1, 3, 2}));
}

TEST_F(TaskSet, ConcurrentRowsAnswerWhileATaskRuns) {
    const auto running = host.begin({0xC0, 1});
    EXPECT_EQ(outcome(host.send({0x12, 0, 0, 0, 36, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x03, 0, 0, 0, 18, 0})), "GOOD");
    EXPECT_FALSE(running->has_value());
    release();
    EXPECT_EQ(outcome(**running), "GOOD");
}

TEST_F(TaskSet, RowsBesideOthersPassTheTasksOfAnotherNexusButNotThoseOfTheirOwn) {
    const auto running = host.begin({0xC0, 1});
    EXPECT_EQ(outcome(other.send({0x1A, 8, 0x3F, 0, 255, 0})), "GOOD");
    const auto own = host.begin({0x1A, 8, 0x3F, 0, 255, 0});
    EXPECT_FALSE(own->has_value());
    const auto waiting = other.begin({0xC1, 2});
    const auto behind = other.begin({0x1A, 8, 0x3F, 0, 255, 0});
    EXPECT_FALSE(behind->has_value());
    release();
    EXPECT_EQ(outcome(**own), "GOOD");
    EXPECT_EQ(outcome(**waiting), "GOOD");
    EXPECT_EQ(outcome(**behind), "GOOD");
}

TEST_F(TaskSet, RowsBesideOthersPassATaskThatGotItsTurnAfterTheyCame) {
    auto turn = finish(io, strand, unit.take_turn());
    const auto writes = host.begin({0xC0, 1});
    const auto polls = other.begin({0x1A, 8, 0x3F, 0, 255, 0});
    const auto own = host.begin({0x1A, 8, 0x3F, 0, 255, 0});
    EXPECT_FALSE(polls->has_value()) << "who takes a turn need not let anybody see it half done";
    turn.reset();
    settle(io);
    ASSERT_TRUE(polls->has_value());
    EXPECT_EQ(outcome(**polls), "GOOD");
    EXPECT_FALSE(writes->has_value() || own->has_value());
    release();
    EXPECT_EQ(outcome(**writes), "GOOD");
    EXPECT_EQ(outcome(**own), "GOOD");
    EXPECT_TRUE(unit.idle());
}

TEST_F(TaskSet, RowsBesideOthersPassUpkeep) {
    auto first = finish(io, strand, unit.take_turn());
    const auto upkeep = start(io, strand, unit.take_upkeep_turn());
    const auto before = other.begin({0x1A, 8, 0x3F, 0, 255, 0});
    const auto writes = host.begin({0xC1, 1});
    first.reset();
    settle(io);
    ASSERT_TRUE(upkeep->has_value());
    EXPECT_EQ(outcome(**before), "GOOD");
    EXPECT_EQ(outcome(other.send({0x1A, 8, 0x3F, 0, 255, 0})), "GOOD");
    EXPECT_FALSE(writes->has_value());
    upkeep->reset();
    settle(io);
    EXPECT_EQ(outcome(**writes), "GOOD");
    auto next = finish(io, strand, unit.take_turn());
    const auto waits = other.begin({0x1A, 8, 0x3F, 0, 255, 0});
    EXPECT_FALSE(waits->has_value()) << "the upkeep has ended";
    next.reset();
    settle(io);
    EXPECT_EQ(outcome(**waits), "GOOD");
}

TEST_F(TaskSet, AbortOfAWaitingTaskEndsItAtOnce) {
    const auto running = host.begin({0xC0, 1});
    const auto waiting = host.begin({0xC1, 2});
    const auto aborted = host.begin_abort(host.last_tag());
    ASSERT_TRUE(aborted->has_value());
    EXPECT_TRUE(**aborted);
    EXPECT_EQ(outcome(**waiting), "ABORTED");
    release();
    EXPECT_EQ(outcome(**running), "GOOD");
    EXPECT_EQ(unit.ran, (std::vector<unsigned>{1}));
}

TEST_F(TaskSet, AbortOfTheRunningTaskWaitsForItsEnd) {
    const auto running = host.begin({0xC0, 1});
    const auto behind = other.begin({0xC1, 2});
    const auto aborted = host.begin_abort(host.last_tag());
    EXPECT_FALSE(aborted->has_value());
    release();
    ASSERT_TRUE(aborted->has_value());
    EXPECT_TRUE(**aborted);
    EXPECT_EQ(outcome(**running), "ABORTED");
    EXPECT_EQ(outcome(**behind), "GOOD");
}

TEST_F(TaskSet, AbortOfAnUnknownTaskSaysSo) {
    const auto running = host.begin({0xC0, 1});
    EXPECT_FALSE(**host.begin_abort(99));
    EXPECT_FALSE(**other.begin_abort(host.last_tag())) << "a tag belongs to its nexus";
    release();
    EXPECT_EQ(outcome(**running), "GOOD");
    EXPECT_FALSE(**host.begin_abort(host.last_tag())) << "it has ended";
}

TEST_F(TaskSet, AbortTaskSetEndsTheTasksOfItsNexusOnly) {
    const auto running = host.begin({0xC0, 1});
    const auto mine = host.begin({0xC1, 2});
    const auto theirs = other.begin({0xC1, 3});
    const auto done = start(io, strand, then_true(unit.abort_task_set(host.id())));
    EXPECT_EQ(outcome(**mine), "ABORTED");
    EXPECT_FALSE(done->has_value());
    release();
    EXPECT_TRUE(done->has_value());
    EXPECT_EQ(outcome(**running), "ABORTED");
    EXPECT_EQ(outcome(**theirs), "GOOD");
}

TEST_F(TaskSet, ClearTaskSetEndsAllTasksAndTellsTheOthersThatLostOne) {
    Host idle(io, unit, 3, "iqn.idle");
    idle.log_in_and_clear();
    const auto running = host.begin({0xC0, 1});
    const auto theirs = other.begin({0xC1, 2});
    const auto done = start(io, strand, then_true(unit.clear_task_set(host.id())));
    EXPECT_EQ(outcome(**theirs), "ABORTED");
    release();
    EXPECT_TRUE(done->has_value());
    EXPECT_EQ(outcome(**running), "ABORTED");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD");
    EXPECT_EQ(outcome(idle.send({0xC1})), "GOOD");
    EXPECT_EQ(outcome(other.send({0xC1})), "06/2F/00");
    EXPECT_EQ(outcome(other.send({0xC1})), "GOOD");
}

TEST_F(TaskSet, ResetEndsAllTasksDropsReservationAndPreventionAndTellsEverybody) {
    host.send({0x16});
    host.send({0x1E, 0, 0, 0, 1, 0});
    EXPECT_EQ(outcome(host.send({0x15, 0x10, 0, 0, 9, 0}, {0, 0, 0, 0, 0x0A, 3, 5, 2, 9})), "GOOD");
    const auto running = host.begin({0xC0, 1});
    const auto waiting = host.begin({0xC1, 2});
    const auto done = start(io, strand, then_true(unit.reset()));
    EXPECT_EQ(outcome(**waiting), "ABORTED");
    EXPECT_EQ(unit.resets, 0);
    release();
    EXPECT_TRUE(done->has_value());
    EXPECT_EQ(outcome(**running), "ABORTED");
    EXPECT_EQ(unit.resets, 1);
    EXPECT_FALSE(unit.removal_prevented());
    EXPECT_EQ(outcome(host.send({0xC1})), "06/29/03");
    EXPECT_EQ(outcome(other.send({0xC1})), "06/29/03");
    EXPECT_EQ(outcome(other.send({0xC1})), "GOOD") << "no reservation is left";
    EXPECT_EQ(hex(bytes_of(host.send({0x1A, 0, 0x0A, 0, 255, 0}))), "080000000A03010203");
}

TEST_F(TaskSet, ExclusiveTurnHoldsTasksBackAndCannotBeAborted) {
    auto turn = finish(io, strand, unit.take_turn());
    const auto waiting = host.begin({0xC1, 1});
    EXPECT_FALSE(unit.idle());
    EXPECT_TRUE(start(io, strand, then_true(unit.abort_task_set(other.id())))->has_value());
    EXPECT_FALSE(waiting->has_value());
    turn.reset();
    settle(io);
    EXPECT_EQ(outcome(**waiting), "GOOD");
    EXPECT_TRUE(unit.idle());
}

TEST_F(TaskSet, ExclusiveTurnWaitsForTheTasksBeforeIt) {
    const auto running = host.begin({0xC0, 1});
    auto turn = start(io, strand, unit.take_turn());
    EXPECT_FALSE(turn->has_value());
    release();
    EXPECT_TRUE(turn->has_value());
}

TEST_F(TaskSet, RandomTasksAndAbortsAllEnd) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    std::vector<Pending<Completion>> tasks;
    std::vector<Pending<bool>> aborts;
    for (unsigned i = 0; i < 2000; ++i) {
        Host& from = random() % 2 == 0 ? host : other;
        switch (random() % 5) {
            case 0:
                tasks.push_back(from.begin({0xC0, i & 0xFFU}));
                break;
            case 1:
            case 2:
                tasks.push_back(from.begin({0xC1, i & 0xFFU}));
                break;
            case 3:
                aborts.push_back(
                    from.begin_abort(static_cast<TaskTag>(random() % (from.last_tag() + 1))));
                break;
            default:
                release();
        }
    }
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        release();
    }
    EXPECT_TRUE(unit.idle());
    std::size_t good = 0;
    for (const auto& task : tasks) {
        ASSERT_TRUE(task->has_value());
        good += outcome(**task) == "GOOD" ? 1U : 0U;
    }
    for (const auto& abort : aborts) {
        EXPECT_TRUE(abort->has_value());
    }
    EXPECT_GE(unit.ran.size(), good);
}

class Checks : public DeviceServerTest {};

TEST_F(Checks, UnknownOperationCodesAndServiceActionsAreRefused) {
    EXPECT_EQ(outcome(host.send({0xFF})), "05/20/00");
    EXPECT_EQ(outcome(host.send({0xC4, 0x03})), "05/24/00");
    EXPECT_EQ(field(host.send({0xC4, 0x03})), "cdb 1.4");
    EXPECT_EQ(outcome(host.send({0xC4, 0x81})), "GOOD");
}

TEST_F(Checks, BitsOutsideTheUsageDataAreNamedByTheFieldPointer) {
    const Completion refused = host.send({0xC3, 0x51});
    EXPECT_EQ(outcome(refused), "05/24/00");
    EXPECT_EQ(field(refused), "cdb 1.6");
    EXPECT_EQ(hex(encode_fixed(*refused.sense)),
              "70000500000000"
              "0A00000000240000CE0001");
    EXPECT_EQ(field(host.send({0xC1, 0, 0, 0, 0, 0x04})), "cdb 5.2") << "NACA in the control byte";
    EXPECT_EQ(field(host.send({0xC4, 0x22})), "cdb 1.5");
}

TEST_F(Checks, EveryBitOutsideTheUsageDataOfEveryRowIsRefused) {
    for (const unsigned opcode : {0x16U, 0x17U, 0x1EU, 0x56U, 0x57U}) {
        const unsigned length = opcode < 0x20 ? 6 : 10;
        for (unsigned bit = 8; bit < length * 8; ++bit) {
            if (opcode == 0x1E && bit == 4 * 8) {
                continue;
            }
            std::array<unsigned, 10> cdb{};
            cdb[0] = opcode;
            cdb[bit / 8] = 1U << (bit % 8);
            EXPECT_EQ(outcome(host.send({cdb[0], cdb[1], cdb[2], cdb[3], cdb[4], cdb[5], cdb[6],
                                         cdb[7], cdb[8], cdb[9]})),
                      "05/24/00")
                << opcode << " bit " << bit;
        }
    }
}

TEST_F(Checks, GatesAreCheckedBeforeTheHandler) {
    unit.medium = false;
    EXPECT_EQ(outcome(host.send({0xC2})), "02/3A/00");
    EXPECT_EQ(outcome(host.send({0xC3})), "02/3A/00");
    unit.medium = true;
    unit.writable = false;
    EXPECT_EQ(outcome(host.send({0xC2})), "GOOD");
    EXPECT_EQ(outcome(host.send({0xC3})), "07/27/00");
    EXPECT_EQ(unit.ran.size(), 1U);
}

class Attention : public DeviceServerTest {};

TEST_F(Attention, FirstContactIsPowerOnAndAPortThatComesBackIsToldThatItsNexusWasLost) {
    Host fresh(io, unit, 7, "iqn.fresh");
    fresh.log_in();
    EXPECT_EQ(outcome(fresh.send({0x12, 0, 0, 0, 36, 0})), "GOOD") << "INQUIRY passes";
    EXPECT_EQ(outcome(fresh.send({0xC1})), "06/29/00");
    EXPECT_EQ(outcome(fresh.send({0xC1})), "GOOD");
    fresh.log_out();
    Host again(io, unit, 8, "iqn.fresh");
    again.log_in();
    EXPECT_EQ(outcome(again.send({0xC1})), "06/29/07");
    EXPECT_EQ(outcome(again.send({0xC1})), "GOOD");
    again.log_out();
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    Host once_more(io, unit, 9, "iqn.fresh");
    once_more.log_in();
    EXPECT_EQ(outcome(once_more.send({0xC1})), "06/29/07");
    EXPECT_EQ(outcome(once_more.send({0xC1})), "06/28/00") << "what came meanwhile is told too";
    EXPECT_EQ(outcome(once_more.send({0xC1})), "GOOD");
    once_more.log_out();
    unit.unit_attentions().establish_for_all(asc::kBusDeviceResetFunctionOccurred);
    Host at_last(io, unit, 10, "iqn.fresh");
    at_last.log_in();
    EXPECT_EQ(outcome(at_last.send({0xC1})), "06/29/03") << "a reset says that too";
    EXPECT_EQ(outcome(at_last.send({0xC1})), "GOOD");
}

TEST_F(Attention, RequestSenseReportsAndClearsIt) {
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 252, 0}))),
              "700006000000000A00000000280000000000");
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 252, 0}))),
              "700000000000000A00000000000000000000");
    EXPECT_EQ(bytes_of(host.send({0x03, 0, 0, 0, 8, 0})).size(), 8U);
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 1, 0, 0, 18, 0}))), "7206280000000000");
}

TEST_F(Attention, EachCauseIsReportedOnceAndWhatSaysMoreFirst) {
    unit.unit_attentions().establish_for_all(asc::kLogParametersChanged);
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    unit.unit_attentions().establish_for_all(asc::kReservationsReleased);
    unit.unit_attentions().establish_for_all(asc::kLogParametersChanged);
    EXPECT_EQ(outcome(host.send({0xC1})), "06/28/00");
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 252, 0}))),
              "700006000000000A000000002A0400000000")
        << "REQUEST SENSE takes the next one, and no other";
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2A/02");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD");
}

TEST_F(Attention, AResetTakesThePlaceOfAllThatWaited) {
    unit.unit_attentions().establish_for_all(asc::kModeParametersChanged);
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    unit.unit_attentions().establish_for_all(asc::kBusDeviceResetFunctionOccurred);
    unit.unit_attentions().establish_for_all(asc::kLogParametersChanged);
    EXPECT_EQ(outcome(host.send({0xC1})), "06/29/03");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD") << "whoever was told starts anew anyway";
    unit.unit_attentions().establish_for_all(asc::kLogParametersChanged);
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2A/02") << "what comes later is news";
}

TEST_F(Attention, AChangedMediumSaysAllThatGoesWithAMedium) {
    for (const auto said : {asc::kImportOrExportElementAccessed, asc::kModeParametersChanged,
                            asc::kDataEncryptionParametersChangedByAnotherItNexus}) {
        unit.unit_attentions().establish_for_all(said);
        unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
        unit.unit_attentions().establish_for_all(said);
        EXPECT_EQ(outcome(host.send({0xC1})), "06/28/00");
        EXPECT_EQ(outcome(host.send({0xC1})), "GOOD") << said.code;
    }
    unit.unit_attentions().establish_for_all(asc::kModeParametersChanged);
    unit.unit_attentions().establish_for_all(asc::kDataEncryptionParametersChangedByAnotherItNexus);
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2A/11");
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2A/01") << "neither says what the other does";
}

TEST_F(Attention, ClearedCommandsAreToldBesideWhateverElseWaitsButAReset) {
    unit.unit_attentions().establish_for_all(asc::kCommandsClearedByAnotherInitiator);
    unit.unit_attentions().establish_for_all(asc::kModeParametersChanged);
    unit.unit_attentions().establish_for_all(asc::kCommandsClearedByAnotherInitiator);
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2A/01");
    EXPECT_EQ(outcome(host.send({0xC1})), "06/2F/00");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD");
    unit.unit_attentions().establish_for_all(asc::kBusDeviceResetFunctionOccurred);
    EXPECT_EQ(outcome(other.send({0xC1})), "06/29/03");
    unit.unit_attentions().establish_for_all(asc::kCommandsClearedByAnotherInitiator);
    EXPECT_EQ(outcome(other.send({0xC1})), "06/2F/00");
    EXPECT_EQ(outcome(host.send({0xC1})), "06/29/03");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD") << "who is told of the reset knows";
}

TEST_F(Attention, ItWaitsWhileThePortIsAway) {
    other.log_out();
    unit.unit_attentions().establish_for_others(host.id(), asc::kNotReadyToReadyChange);
    Host back(io, unit, 9, "iqn.other");
    back.log_in();
    EXPECT_EQ(outcome(back.send({0xC1})), "06/29/07");
    EXPECT_EQ(outcome(back.send({0xC1})), "06/28/00");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD");
}

TEST_F(Attention, PortsThatComeAndGoAreForgottenInTheEnd) {
    for (std::uint64_t i = 0; i < 2 * UnitAttentions::kPortsMax; ++i) {
        Host passing(io, unit, 100 + i, "iqn.passing-" + std::to_string(i));
        passing.log_in_and_clear();
        passing.log_out();
    }
    Host first(io, unit, 5000, "iqn.passing-0");
    first.log_in();
    EXPECT_EQ(outcome(first.send({0xC1})), "06/29/00") << "forgotten: a first contact again";
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD") << "a port with a session is never forgotten";
}

class Reservation : public DeviceServerTest {};

TEST_F(Reservation, HoldsOthersOffButNotTheExemptCommands) {
    EXPECT_EQ(outcome(host.send({0x16})), "GOOD");
    EXPECT_EQ(outcome(host.send({0xC1})), "GOOD");
    EXPECT_EQ(outcome(other.send({0xC1})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(other.send({0x16})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(other.send({0x56})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(other.send({0x1A, 0, 0x0A, 0, 255, 0})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(other.send({0xFF})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(other.send({0x12, 0, 0, 0, 36, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x03, 0, 0, 0, 18, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x1E, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x1E, 0, 0, 0, 1, 0})), "RESERVATION CONFLICT");
}

TEST_F(Reservation, ReleaseByOthersIsIgnoredAndByTheHolderEndsIt) {
    host.send({0x56});
    EXPECT_EQ(outcome(other.send({0x17})), "GOOD");
    EXPECT_EQ(outcome(other.send({0xC1})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host.send({0x57})), "GOOD");
    EXPECT_EQ(outcome(other.send({0xC1})), "GOOD");
}

TEST_F(Reservation, EndsWithTheSession) {
    host.send({0x16});
    host.log_out();
    EXPECT_EQ(outcome(other.send({0xC1})), "GOOD");
}

TEST_F(Reservation, ConflictComesBeforeOtherAttentionsButAfterAReset) {
    host.send({0x16});
    unit.unit_attentions().establish_for_all(asc::kNotReadyToReadyChange);
    EXPECT_EQ(outcome(other.send({0xC1})), "RESERVATION CONFLICT");
    unit.unit_attentions().establish_for_all(asc::kPowerOnOccurred);
    EXPECT_EQ(outcome(other.send({0xC1})), "06/29/00");
}

class SupportedOperationCodes : public DeviceServerTest {};

TEST_F(SupportedOperationCodes, AllCommandsAreListedWithLengthsAndServiceActions) {
    const Bytes all = bytes_of(host.send({0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0}));
    ASSERT_EQ(load_big_endian<4>(all), all.size() - 4);
    EXPECT_EQ(all.size(), 4U + 43 * 8);
    EXPECT_EQ(hex(ByteView(all).subspan(4, 8)), "0300000000000006");
    EXPECT_EQ(hex(ByteView(all).last(4 * 8).first(8)), "C400000200010006");
    const Bytes timed = bytes_of(host.send({0xA3, 0x0C, 0x80, 0, 0, 0, 0, 0, 0x10, 0, 0, 0}));
    EXPECT_EQ(timed.size(), 4U + 43 * 20);
    EXPECT_EQ(hex(ByteView(timed).subspan(4, 20)),
              "0300000000020006"
              "000A00000000000F0000001E");
    EXPECT_EQ(bytes_of(host.send({0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0})).size(), 6U);
}

TEST_F(SupportedOperationCodes, OneCommandShowsItsUsageData) {
    const auto ask = [this](unsigned options, unsigned opcode, unsigned action) {
        const Completion got =
            host.send({0xA3, 0x0C, options, opcode, 0, action, 0, 0, 1, 0, 0, 0});
        return got.status == Status::good ? hex(bytes_of(got)) : outcome(got) + " " + field(got);
    };
    EXPECT_EQ(ask(1, 0xC3, 0), "00030006C31000000000");
    EXPECT_EQ(ask(1, 0xFE, 0), "00010000");
    EXPECT_EQ(ask(1, 0xC4, 1), "05/24/00 cdb 2.2") << "it has service actions";
    EXPECT_EQ(ask(2, 0xC4, 2), "00030006C40200000000");
    EXPECT_EQ(ask(2, 0xC4, 3), "00010000");
    EXPECT_EQ(ask(2, 0xC3, 0), "05/24/00 cdb 2.2") << "it has none";
    EXPECT_EQ(ask(3, 0xC3, 0), "00030006C31000000000");
    EXPECT_EQ(ask(3, 0xC3, 1), "00010000");
    EXPECT_EQ(ask(3, 0xC4, 1), "00030006C48100000000");
    EXPECT_EQ(ask(4, 0xC4, 1), "05/24/00 cdb 2.2");
    EXPECT_EQ(ask(0x81, 0xC1, 0),
              "00830006C1FF00000000"
              "000A00000000001E0000003C");
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
