// Task management functions while commands are under way: by libiscsi's public interface, against
// the real daemon. What a host may count on: what was aborted is never answered, the function is
// answered when it is gone, and the tape is where it would be had only the others been sent.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <random>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

/// Longer than a first burst (256 KiB): it is not whole before an R2T has been answered.
constexpr std::size_t kLongRecord = 1024 * 1024;
constexpr std::size_t kShortRecord = 64 * 1024;
constexpr std::uint32_t kNoTag = 0xFFFFFFFF;

/// Commands of one session that are under way together. libiscsi puts a function in front of what
/// it has not sent yet, with the CmdSN of that, which may be over: so all else is sent before. And
/// what of an aborted task is still in its queue names that task: so it is sent before that goes.
class Commands {
  public:
    enum class End : std::uint8_t { none, answered, cancelled };
    struct One {
        scsi_task* task = nullptr;
        Bytes data;  ///< sent, or received
        End end = End::none;
        int status = -1;

        [[nodiscard]] bool good() const { return end == End::answered && status == 0; }
    };

    explicit Commands(ScsiHost& host) : context_(host.context()) {}
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;
    ~Commands() {
        send();
        for (auto& one : all_) {
            if (one.end == End::none) {
                iscsi_scsi_cancel_task(context_, one.task);
            }
            scsi_free_scsi_task(one.task);
        }
    }

    One& write(int lun, Bytes record) {
        const auto length = static_cast<std::uint32_t>(record.size());
        auto& one = all_.emplace_back();
        one.data = std::move(record);
        std::array<std::uint8_t, 6> cdb{0x0A, 0, 0, 0, 0, 0};
        store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
        iscsi_data data{one.data.size(), one.data.data()};
        return start(one, lun, cdb, SCSI_XFER_WRITE, &data);
    }
    One& read(int lun, std::uint32_t length) {
        auto& one = all_.emplace_back();
        one.data.resize(length);
        std::array<std::uint8_t, 6> cdb{0x08, 0x02, 0, 0, 0, 0};  // SILI
        store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
        return start(one, lun, cdb, SCSI_XFER_READ, nullptr);
    }

    /// Sends what is queued and reads nothing: R2Ts and answers wait in the socket.
    void send() {
        while ((iscsi_which_events(context_) & POLLOUT) != 0) {
            ASSERT_TRUE(serve(POLLOUT)) << iscsi_get_error(context_);
        }
    }
    /// Serves the session `times` times, however little comes of it.
    void serve_some(int times) {
        for (int i = 0; i < times; ++i) {
            pollfd socket{iscsi_get_fd(context_), static_cast<short>(iscsi_which_events(context_)),
                          0};
            ASSERT_GE(::poll(&socket, 1, 0), 0);
            ASSERT_EQ(iscsi_service(context_, socket.revents), 0) << iscsi_get_error(context_);
        }
    }
    void wait_for(const One& one) {
        while (one.end == End::none) {
            ASSERT_TRUE(serve(iscsi_which_events(context_))) << iscsi_get_error(context_);
        }
    }
    void wait_for_all() {
        for (const auto& one : all_) {
            ASSERT_NO_FATAL_FAILURE(wait_for(one));
        }
    }
    /// Sends a function behind all else; its response (RFC 7143, 11.6.1). -1: none came. Until
    /// then no R2T is answered, unless `go_on`: a write that is long cannot end meanwhile.
    int manage(int lun, iscsi_task_mgmt_funcs function, const One* task = nullptr,
               bool go_on = false) {
        return manage(lun, function, task != nullptr ? task->task->itt : kNoTag,
                      task != nullptr ? task->task->cmdsn : 0, go_on);
    }
    int manage(int lun, iscsi_task_mgmt_funcs function, std::uint32_t tag, std::uint32_t cmd_sn,
               bool go_on = false) {
        send();
        int response = -1;
        const auto on_response = [](iscsi_context*, int, void* data, void* told) {
            *static_cast<int*>(told) = static_cast<int>(*static_cast<std::uint32_t*>(data));
        };
        EXPECT_EQ(
            iscsi_task_mgmt_async(context_, lun, function, tag, cmd_sn, on_response, &response), 0);
        send();
        while (response == -1 && serve(go_on ? iscsi_which_events(context_) : POLLIN)) {
        }
        EXPECT_NE(response, -1) << iscsi_get_error(context_);
        return response;
    }

    [[nodiscard]] const std::deque<One>& all() const { return all_; }

  private:
    static constexpr int kPatienceMs = 60'000;

    One& start(One& one, int lun, std::array<std::uint8_t, 6>& cdb, int direction,
               iscsi_data* data) {
        one.task = scsi_create_task(static_cast<int>(cdb.size()), cdb.data(), direction,
                                    static_cast<int>(one.data.size()));
        if (direction == SCSI_XFER_READ) {
            scsi_task_add_data_in_buffer(one.task, static_cast<int>(one.data.size()),
                                         one.data.data());
        }
        const auto on_end = [](iscsi_context*, int status, void*, void* command) {
            auto& ended = *static_cast<One*>(command);
            EXPECT_EQ(ended.end, End::none) << "answered twice";
            ended.end = status == SCSI_STATUS_CANCELLED ? End::cancelled : End::answered;
            ended.status = status;
        };
        EXPECT_EQ(iscsi_scsi_command_async(context_, lun, one.task, on_end, data, &one), 0)
            << iscsi_get_error(context_);
        return one;
    }
    /// False: the session is lost, or nothing happens.
    bool serve(int events) {
        pollfd socket{iscsi_get_fd(context_), static_cast<short>(events), 0};
        return ::poll(&socket, 1, kPatienceMs) == 1 &&
               iscsi_service(context_, socket.revents & (events | POLLERR | POLLHUP)) == 0;
    }

    iscsi_context* context_;
    std::deque<One> all_;  // which does not move what it has
};

class TaskManagement : public LibraryFixture {
  protected:
    void start_with_tapes() {
        start();
        host_.emplace(login());
        load(*host_, "TL0001L9", 0);
        load(*host_, "TL0002L9", 1);
    }
    [[nodiscard]] TapeHost tape(int lun) { return {*host_, lun}; }
    /// Attentions are taken; then the drive must be ready.
    void take_attentions(ScsiHost& host, int lun) { ASSERT_OK(TapeHost(host, lun).wait_ready()); }
    /// The records of the tape at `lun` are these and no others.
    void expect_records(int lun, const std::vector<Bytes>& records) {
        ASSERT_GOOD(tape(lun).rewind());
        for (std::size_t i = 0; i < records.size(); ++i) {
            const auto record = tape(lun).read(kLongRecord);
            ASSERT_OK(record);
            ASSERT_TRUE(record->good()) << "record " << i << ": " << record->text();
            ASSERT_TRUE(record->data == records[i]) << "record " << i << " is another one";
        }
        ASSERT_SENSE(tape(lun).read(kLongRecord), 8, 0x0005);
    }
    void expect_object(int lun, std::uint64_t object) {
        const auto now = tape(lun).position();
        ASSERT_OK(now);
        EXPECT_EQ(now->object, object);
    }

    std::optional<ScsiHost> host_;
};

TEST_F(TaskManagement, AWriteThatIsAbortedIsNotOnTheTapeAndTheOthersAre) {
    start_with_tapes();
    constexpr std::uint64_t kWrites = 6;
    std::vector<Bytes> kept;
    for (std::uint64_t victim = 0; victim < kWrites; ++victim) {
        Commands commands(*host_);
        for (std::uint64_t i = 0; i < kWrites; ++i) {
            commands.write(1, pattern(kLongRecord, 10 * victim + i));
        }
        ASSERT_NO_FATAL_FAILURE(commands.send());
        const auto& aborted = commands.all().at(victim);
        ASSERT_EQ(commands.manage(1, ISCSI_TM_ABORT_TASK, &aborted), ISCSI_TMR_FUNC_COMPLETE);
        for (const auto& one : commands.all()) {
            if (&one != &aborted) {
                ASSERT_NO_FATAL_FAILURE(commands.wait_for(one));
                EXPECT_TRUE(one.good()) << one.status;
                kept.push_back(one.data);
            }
        }
        expect_object(1, kept.size());
        EXPECT_EQ(aborted.end, Commands::End::none) << "an aborted task was answered";
    }
    expect_records(1, kept);
}

TEST_F(TaskManagement, AbortTaskSetEndsTheTasksOfOneUnitAndNoneOfAnother) {
    start_with_tapes();
    for (const auto function : {ISCSI_TM_ABORT_TASK_SET, ISCSI_TM_CLEAR_TASK_SET}) {
        ASSERT_GOOD(tape(1).rewind());
        ASSERT_GOOD(tape(2).rewind());
        Commands commands(*host_);
        std::vector<Bytes> kept;
        for (std::uint64_t i = 0; i < 6; ++i) {
            commands.write(1, pattern(kLongRecord, i));
            kept.push_back(commands.write(2, pattern(kLongRecord, 100 + i)).data);
        }
        ASSERT_NO_FATAL_FAILURE(commands.send());
        ASSERT_EQ(commands.manage(1, function), ISCSI_TMR_FUNC_COMPLETE);
        for (std::size_t i = 1; i < commands.all().size(); i += 2) {
            ASSERT_NO_FATAL_FAILURE(commands.wait_for(commands.all()[i]));
            EXPECT_TRUE(commands.all()[i].good());
        }
        ASSERT_GOOD(tape(1).test_unit_ready());  // the one who asked finds no attention
        expect_object(1, 0);
        expect_object(2, kept.size());
        for (std::size_t i = 0; i < commands.all().size(); i += 2) {
            EXPECT_EQ(commands.all()[i].end, Commands::End::none);
        }
        expect_records(2, kept);
    }
}

TEST_F(TaskManagement, ReadsThatAreAbortedLeaveTheTapeBehindARecordThatCanBeTold) {
    start_with_tapes();
    constexpr std::size_t kRecords = 40;  // more than the sockets hold
    std::vector<Bytes> records;
    for (std::size_t i = 0; i < kRecords; ++i) {
        records.push_back(pattern(kLongRecord, i));
        ASSERT_GOOD(tape(1).write(records.back()));
    }
    for (const auto function : {ISCSI_TM_ABORT_TASK_SET, ISCSI_TM_LUN_RESET}) {
        ASSERT_GOOD(tape(1).rewind());
        Commands commands(*host_);
        constexpr std::size_t kReads = 24;
        for (std::size_t i = 0; i < kReads; ++i) {
            commands.read(1, kLongRecord);
        }
        ASSERT_NO_FATAL_FAILURE(commands.send());
        ASSERT_EQ(commands.manage(1, function), ISCSI_TMR_FUNC_COMPLETE);
        take_attentions(*host_, 1);
        std::size_t answered = 0;
        while (answered < kReads && commands.all()[answered].end != Commands::End::none) {
            EXPECT_TRUE(commands.all()[answered].good());
            EXPECT_TRUE(commands.all()[answered].data == records[answered]);
            ++answered;
        }
        for (std::size_t i = answered; i < kReads; ++i) {
            EXPECT_EQ(commands.all()[i].end, Commands::End::none) << "answered out of order";
        }
        const auto now = tape(1).position();
        ASSERT_OK(now);
        EXPECT_GE(now->object, answered);
        EXPECT_LE(now->object, kReads);
        const auto next = tape(1).read(kLongRecord);
        ASSERT_OK(next);
        EXPECT_TRUE(next->data == records.at(now->object)) << "not the record of the position";
    }
    expect_records(1, records);
}

TEST_F(TaskManagement, ALogicalUnitResetEndsTheTasksOfEverySessionAndTellsThemAll) {
    start_with_tapes();
    ASSERT_GOOD(tape(1).write(pattern(kShortRecord, 1)));
    auto other = login();
    Commands victims(*host_);
    for (std::uint64_t i = 0; i < 4; ++i) {
        victims.write(1, pattern(kLongRecord, i));
        victims.write(2, pattern(kLongRecord, i));
    }
    ASSERT_NO_FATAL_FAILURE(victims.send());
    Commands mine(other);
    mine.write(1, pattern(kLongRecord, 9));
    ASSERT_NO_FATAL_FAILURE(mine.send());
    // The target has read them: what comes from the same sessions behind them was answered.
    ASSERT_EQ(victims.manage(7, ISCSI_TM_ABORT_TASK_SET), ISCSI_TMR_LUN_DOES_NOT_EXIST);
    ASSERT_EQ(mine.manage(1, ISCSI_TM_LUN_RESET), ISCSI_TMR_FUNC_COMPLETE);
    ASSERT_SENSE(tape(1).test_unit_ready(), 6, 0x2903);
    ASSERT_SENSE(TapeHost(other, 1).test_unit_ready(), 6, 0x2903);
    for (std::size_t i = 0; i < victims.all().size(); i += 2) {
        ASSERT_NO_FATAL_FAILURE(victims.wait_for(victims.all()[i + 1]));
        EXPECT_TRUE(victims.all()[i + 1].good()) << "a task of another unit";
        EXPECT_EQ(victims.all()[i].end, Commands::End::none) << "the task was reset";
    }
    EXPECT_EQ(mine.all()[0].end, Commands::End::none);
    expect_object(1, 1);
    expect_records(1, {pattern(kShortRecord, 1)});
    ASSERT_GOOD(tape(2).test_unit_ready());
}

TEST_F(TaskManagement, ATargetResetEndsAllTasksAndEveryUnitTellsEverySession) {
    start_with_tapes();
    auto other = login();
    Commands victims(*host_);
    for (std::uint64_t i = 0; i < 4; ++i) {
        victims.write(1, pattern(kLongRecord, i));
        victims.write(2, pattern(kLongRecord, i));
    }
    ASSERT_NO_FATAL_FAILURE(victims.send());
    ASSERT_EQ(victims.manage(7, ISCSI_TM_ABORT_TASK_SET), ISCSI_TMR_LUN_DOES_NOT_EXIST);
    Commands none(other);
    ASSERT_EQ(none.manage(0, ISCSI_TM_TARGET_WARM_RESET), ISCSI_TMR_FUNC_COMPLETE);
    for (int lun = 0; lun <= 2; ++lun) {
        ASSERT_SENSE(tape(lun).test_unit_ready(), 6, 0x2903);
        ASSERT_SENSE(TapeHost(other, lun).test_unit_ready(), 6, 0x2903);
        ASSERT_GOOD(tape(lun).test_unit_ready());
    }
    for (const auto& one : victims.all()) {
        EXPECT_EQ(one.end, Commands::End::none);
    }
    expect_records(1, {});
    expect_records(2, {});
}

TEST_F(TaskManagement, AnotherSessionAbortsNoneOfThisOneButByClearTaskSet) {
    start_with_tapes();
    auto other = login();
    Commands mine(*host_);
    for (std::uint64_t i = 0; i < 4; ++i) {
        mine.write(1, pattern(kLongRecord, i));
    }
    ASSERT_NO_FATAL_FAILURE(mine.send());
    Commands theirs(other);
    EXPECT_EQ(theirs.manage(1, ISCSI_TM_ABORT_TASK, &mine.all()[1]), ISCSI_TMR_TASK_DOES_NOT_EXIST);
    EXPECT_EQ(theirs.manage(1, ISCSI_TM_ABORT_TASK_SET), ISCSI_TMR_FUNC_COMPLETE);
    ASSERT_NO_FATAL_FAILURE(mine.wait_for_all());
    for (const auto& one : mine.all()) {
        EXPECT_TRUE(one.good());
    }
    expect_object(1, 4);
    for (std::uint64_t i = 0; i < 4; ++i) {
        mine.write(1, pattern(kLongRecord, i));
    }
    ASSERT_NO_FATAL_FAILURE(mine.send());
    ASSERT_EQ(mine.manage(7, ISCSI_TM_ABORT_TASK_SET), ISCSI_TMR_LUN_DOES_NOT_EXIST);
    EXPECT_EQ(theirs.manage(1, ISCSI_TM_CLEAR_TASK_SET), ISCSI_TMR_FUNC_COMPLETE);
    ASSERT_GOOD(TapeHost(other, 1).test_unit_ready());
    expect_object(1, 4);
    for (std::size_t i = 4; i < mine.all().size(); ++i) {
        EXPECT_EQ(mine.all()[i].end, Commands::End::none);
    }
}

TEST_F(TaskManagement, ATaskThatIsDoneOrUnknownOrOfAnotherUnitDoesNotExist) {
    start_with_tapes();
    Commands commands(*host_);
    const auto& done = commands.write(1, pattern(kShortRecord, 1));
    ASSERT_NO_FATAL_FAILURE(commands.wait_for(done));
    EXPECT_EQ(commands.manage(1, ISCSI_TM_ABORT_TASK, &done), ISCSI_TMR_TASK_DOES_NOT_EXIST);
    EXPECT_EQ(commands.manage(1, ISCSI_TM_ABORT_TASK, 0x12345678, done.task->cmdsn + 100),
              ISCSI_TMR_TASK_DOES_NOT_EXIST);
    const auto& waiting = commands.write(1, pattern(kLongRecord, 2));
    ASSERT_NO_FATAL_FAILURE(commands.send());
    EXPECT_EQ(commands.manage(2, ISCSI_TM_ABORT_TASK, &waiting), ISCSI_TMR_TASK_DOES_NOT_EXIST);
    EXPECT_EQ(commands.manage(1, ISCSI_TM_TASK_REASSIGN, &waiting),
              ISCSI_TMR_TASK_ALLEGIANCE_REASS_NOT_SUPPORTED);
    EXPECT_EQ(commands.manage(1, ISCSI_TM_CLEAR_ACA), ISCSI_TMR_TMF_NOT_SUPPORTED);
    EXPECT_EQ(commands.manage(200, ISCSI_TM_LUN_RESET), ISCSI_TMR_LUN_DOES_NOT_EXIST);
    ASSERT_NO_FATAL_FAILURE(commands.wait_for(waiting));
    EXPECT_TRUE(waiting.good());
    expect_records(1, {pattern(kShortRecord, 1), pattern(kLongRecord, 2)});
}

/// Whatever is aborted whenever: what was answered GOOD is on the tape, in order; of the rest only
/// what the drive was at; and nothing is there twice.
TEST_F(TaskManagement, AtAnyMomentWhatWasAnsweredIsOnTheTapeInOrder) {
    const auto seed = std::random_device()();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t n) {
        return static_cast<std::uint32_t>(random() % n);
    };
    start_with_tapes();
    for (int round = 0; round < 30; ++round) {
        SCOPED_TRACE(testing::Message() << "round " << round);
        ASSERT_GOOD(tape(1).rewind());
        ASSERT_GOOD(tape(1).write(pattern(100, 1)));  // nothing is left of the round before
        Commands commands(*host_);
        const std::uint32_t count = 2 + below(12);
        for (std::uint32_t i = 0; i < count; ++i) {
            commands.write(1, pattern(below(3) == 0 ? kLongRecord : 1 + below(60000), 1000 + i));
        }
        ASSERT_NO_FATAL_FAILURE(commands.send());
        ASSERT_NO_FATAL_FAILURE(commands.serve_some(static_cast<int>(below(40))));
        const auto& one = commands.all()[below(count)];
        constexpr std::array kFunctions = {ISCSI_TM_ABORT_TASK, ISCSI_TM_ABORT_TASK_SET,
                                           ISCSI_TM_CLEAR_TASK_SET, ISCSI_TM_LUN_RESET,
                                           ISCSI_TM_TARGET_WARM_RESET};
        const auto function = kFunctions.at(below(5));
        const bool single = function == ISCSI_TM_ABORT_TASK;
        const auto response = commands.manage(1, function, single ? &one : nullptr, below(2) == 0);
        const bool aborted = response == ISCSI_TMR_FUNC_COMPLETE;
        ASSERT_TRUE(aborted || (single && response == ISCSI_TMR_TASK_DOES_NOT_EXIST))
            << "function " << function << ", response " << response;
        ASSERT_TRUE(!single || aborted == (one.end == Commands::End::none))
            << "either it is answered or it is aborted";
        for (const auto& each : commands.all()) {
            if (single && &each != &one) {
                ASSERT_NO_FATAL_FAILURE(commands.wait_for(each));
            }
        }
        take_attentions(*host_, 1);
        const auto end = tape(1).position();
        ASSERT_OK(end);
        ASSERT_GOOD(tape(1).locate_object(1));
        std::uint64_t object = 1;
        for (const auto& each : commands.all()) {
            ASSERT_TRUE(each.end == Commands::End::none || each.good()) << each.status;
            if (object == end->object) {
                ASSERT_EQ(each.end, Commands::End::none) << "acknowledged and not there";
                continue;
            }
            const auto record = tape(1).read(kLongRecord);
            ASSERT_OK(record);
            ASSERT_TRUE(record->good()) << record->text();
            if (record->data == each.data) {
                ++object;
                continue;
            }
            ASSERT_EQ(each.end, Commands::End::none) << "acknowledged and not there";
            ASSERT_GOOD(tape(1).space(0, -1));
        }
        ASSERT_EQ(object, end->object) << "records that nobody sent";
        ASSERT_SENSE(tape(1).read(kLongRecord), 8, 0x0005);
    }
}

}  // namespace
}  // namespace tapeloft::tests
