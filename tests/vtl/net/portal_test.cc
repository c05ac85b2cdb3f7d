#include "vtl/net/portal.h"

#include <functional>
#include <future>
#include <numeric>
#include <random>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "tests/vtl/net/echo_unit.h"
#include "tests/vtl/net/raw_initiator.h"

namespace tapeloft::vtl::net {
namespace {

constexpr const char* kTarget = "iqn.2026-11.io.tapeloft:test";
constexpr std::uint64_t kUnit1 = 0x0001000000000000;
constexpr std::array<std::uint8_t, 16> kTestUnitReady{0x00};
constexpr std::array<std::uint8_t, 16> kRead{0x08};
constexpr std::array<std::uint8_t, 16> kWrite{0x0A};
constexpr std::array<std::uint8_t, 16> kWait{0xE0};
constexpr std::array<std::uint8_t, 16> kRefuse{0xE1};

RawInitiator::Keys keys(const std::string& name = "host", const RawInitiator::Keys& more = {}) {
    RawInitiator::Keys all = {{"InitiatorName", "iqn.2026-11.test:" + name},
                              {"TargetName", kTarget},
                              {"SessionType", "Normal"},
                              {"InitialR2T", "No"},
                              {"ImmediateData", "Yes"},
                              {"MaxBurstLength", "262144"},
                              {"FirstBurstLength", "262144"},
                              {"MaxRecvDataSegmentLength", "262144"}};
    for (const auto& [key, value] : more) {
        const auto same = [&key](const auto& one) { return one.first == key; };
        std::erase_if(all, same);
        all.emplace_back(key, value);
    }
    return all;
}

Bytes pattern(std::size_t size, std::uint8_t seed = 1) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), seed);
    return bytes;
}

/// Spins (it never sleeps) until the condition holds; the patience is only for a broken target.
bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

class PortalTest : public testing::Test {
  protected:
    PortalTest() { options_.listen = {Endpoint(boost::asio::ip::address_v4::loopback(), 0)}; }
    ~PortalTest() override { stop(); }

    void start() {
        portal_ = std::make_unique<Portal>(io_, options_, targets(), events_);
        auto endpoints = portal_->start();
        ASSERT_TRUE(endpoints.has_value()) << endpoints.error().message;
        port_ = (*endpoints)[0].port();
        for (int i = 0; i < 2; ++i) {
            threads_.emplace_back([this] { io_.run(); });
        }
    }
    void shutdown(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
        boost::asio::co_spawn(io_, portal_->shutdown(patience), boost::asio::use_future).get();
    }
    void stop() {
        if (!threads_.empty()) {
            unit0_.release();
            unit1_.release();
            shutdown();
        }
        work_.reset();
        for (auto& thread : threads_) {
            thread.join();
        }
        threads_.clear();
        EXPECT_EQ(unit0_.nexuses, 0);
        EXPECT_EQ(unit1_.left_over, 0);
    }
    [[nodiscard]] std::vector<iscsi::TargetConfiguration> targets() {
        iscsi::TargetConfiguration target;
        target.name = kTarget;
        target.units.units = {&unit0_, &unit1_};
        target.units.missing = &missing_;
        return {target};
    }
    void log_in(RawInitiator& initiator, const RawInitiator::Keys& with) {
        ASSERT_TRUE(initiator.connect(port_));
        ASSERT_EQ(initiator.login(with), std::uint16_t{0});
    }
    /// A command that its unit keeps until release().
    void send_wait(RawInitiator& initiator) {
        iscsi::ScsiCommand waiting;
        waiting.lun = kUnit1;
        waiting.cdb = kWait;
        waiting.initiator_task_tag = 0x77;
        waiting.numbers.cmd_sn = initiator.next_cmd_sn();
        ASSERT_TRUE(initiator.send(encode(waiting)));
        ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));
    }
    static bool good(RawInitiator& initiator) {
        const auto reply = initiator.command({kUnit1, kTestUnitReady, {}, {}});
        return reply && reply->status == 0;
    }
    static void write_and_read(RawInitiator& initiator, std::size_t size) {
        const auto out = pattern(size, static_cast<std::uint8_t>(size));
        const auto written = initiator.command({kUnit1, kWrite, out, {}});
        ASSERT_TRUE(written);
        ASSERT_EQ(written->status, 0);
        ASSERT_EQ(written->residual, 0U);
        Bytes in(size);
        const auto read = initiator.command({kUnit1, kRead, {}, in});
        ASSERT_TRUE(read);
        ASSERT_EQ(read->status, 0);
        ASSERT_EQ(read->data_in_length, size);
        ASSERT_FALSE(read->overflow || read->underflow);
        ASSERT_TRUE(in == out);
    }

    PortalOptions options_;
    EventLog events_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    EchoUnit unit0_{io_};
    EchoUnit unit1_{io_};
    EchoUnit missing_{io_};
    std::unique_ptr<Portal> portal_;
    std::uint16_t port_ = 0;
    std::vector<std::thread> threads_;
};

TEST_F(PortalTest, BlocksOfAllSizesComeBackAsWritten) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    for (const auto size : {1U, 3U, 511U, 8192U, 262144U, 262145U, 1048577U, 16U * 1024 * 1024}) {
        write_and_read(initiator, size);
    }
}

TEST_F(PortalTest, DigestsCoverHeadersAndData) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys("host", {{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C"}}));
    ASSERT_TRUE(initiator.header_digest && initiator.data_digest);
    for (const auto size : {1U, 2U, 262143U, 1048579U}) {
        write_and_read(initiator, size);
    }
    ASSERT_EQ(portal_->sessions().size(), 1U);
    EXPECT_TRUE(portal_->sessions()[0].header_digest && portal_->sessions()[0].data_digest);
}

TEST_F(PortalTest, NoImmediateDataAndSmallSegmentsGoByR2t) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys("host", {{"ImmediateData", "No"},
                                    {"InitialR2T", "Yes"},
                                    {"MaxBurstLength", "16384"},
                                    {"FirstBurstLength", "8192"},
                                    {"MaxRecvDataSegmentLength", "4096"},
                                    {"MaxOutstandingR2T", "4"}}));
    for (const auto size : {5U, 16384U, 100001U, 2097152U}) {
        write_and_read(initiator, size);
    }
}

TEST_F(PortalTest, SenseOfTheUnitReachesTheInitiator) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    const auto reply = initiator.command({kUnit1, kRefuse, {}, {}});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 2);
    ASSERT_EQ(reply->sense.size(), 18U);
    EXPECT_EQ(reply->sense[0], 0x70);
    EXPECT_EQ(reply->sense[2], 0x05);
    EXPECT_EQ(reply->sense[12], 0x24);
}

TEST_F(PortalTest, TwoSessionsWorkAtTheSameTimeAndAreListed) {
    start();
    RawInitiator first;
    RawInitiator second;
    log_in(first, keys("a"));
    log_in(second, keys("b"));
    std::thread other([&first] {
        for (int i = 0; i < 20; ++i) {
            ASSERT_TRUE(good(first));
        }
    });
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(good(second));
    }
    other.join();
    const auto sessions = portal_->sessions();
    ASSERT_EQ(sessions.size(), 2U);
    EXPECT_EQ(sessions[0].initiator_name, "iqn.2026-11.test:a");
    EXPECT_EQ(sessions[1].initiator_name, "iqn.2026-11.test:b");
    EXPECT_EQ(sessions[1].commands, 20U);
    EXPECT_EQ(sessions[1].target_name, kTarget);
    EXPECT_GT(sessions[1].bytes_sent, 20U * 48);
    EXPECT_EQ(unit1_.nexuses, 2);
}

TEST_F(PortalTest, ALoginOfTheSameInitiatorPortEndsTheOldSessionFirst) {
    start();
    RawInitiator old_session;
    log_in(old_session, keys());
    iscsi::ScsiCommand waiting;
    waiting.lun = kUnit1;
    waiting.cdb = kWait;
    waiting.initiator_task_tag = 99;
    waiting.numbers.cmd_sn = old_session.next_cmd_sn();
    ASSERT_TRUE(old_session.send(encode(waiting)));
    ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));

    RawInitiator new_session;
    log_in(new_session, keys());
    EXPECT_EQ(unit1_.waiting, 0);  // its task was aborted and waited for
    EXPECT_EQ(unit1_.nexuses, 1);
    EXPECT_TRUE(old_session.at_end());
    EXPECT_TRUE(good(new_session));
    EXPECT_EQ(portal_->sessions().size(), 1U);
}

TEST_F(PortalTest, AnotherIsidIsAnotherSession) {
    start();
    RawInitiator first;
    RawInitiator second;
    second.isid[5] = 2;
    log_in(first, keys());
    log_in(second, keys());
    EXPECT_TRUE(good(first));
    EXPECT_TRUE(good(second));
}

TEST_F(PortalTest, AbruptEndInTheMiddleOfAWriteLeavesNothingBehind) {
    start();
    const auto block = pattern(262144);
    for (const bool reset : {false, true}) {
        RawInitiator initiator;
        log_in(initiator, keys());
        iscsi::ScsiCommand command;
        command.lun = kUnit1;
        command.cdb = kWrite;
        command.write = true;
        command.expected_data_transfer_length = 262144;
        command.initiator_task_tag = 7;
        command.numbers.cmd_sn = initiator.next_cmd_sn();
        auto header = encode(command);
        iscsi::layout::kDataSegmentLength.store(header, 262144);
        ASSERT_TRUE(initiator.send_bytes(header));
        ASSERT_TRUE(initiator.send_bytes(ByteView(block).first(100'000)));
        reset ? initiator.reset() : initiator.close();
        EXPECT_TRUE(eventually([this] { return portal_->sessions().empty(); }));
    }
    EXPECT_EQ(unit1_.commands, 0);
    RawInitiator next;
    log_in(next, keys());
    write_and_read(next, 262144);
}

TEST_F(PortalTest, ByteByByteIsOnlySlower) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    const auto block = pattern(301);
    iscsi::ScsiCommand command;
    command.lun = kUnit1;
    command.cdb = kWrite;
    command.write = true;
    command.expected_data_transfer_length = 301;
    command.initiator_task_tag = 1000;
    command.numbers.cmd_sn = initiator.next_cmd_sn();
    auto header = encode(command);
    iscsi::layout::kDataSegmentLength.store(header, 301);
    Bytes wire(header.begin(), header.end());
    wire.insert(wire.end(), block.begin(), block.end());
    wire.resize(wire.size() + iscsi::padding_of(301));
    for (const auto byte : wire) {
        ASSERT_TRUE(initiator.send_bytes(ByteView(&byte, 1)));
    }
    const auto response = initiator.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(iscsi::decode<iscsi::ScsiResponse>(response->header).status, 0);
    Bytes in(301);
    const auto read = initiator.command({kUnit1, kRead, {}, in});
    ASSERT_TRUE(read);
    EXPECT_EQ(in, block);
}

TEST_F(PortalTest, OneConnectionTooManyIsClosedAndTheOthersLive) {
    options_.connections_max = 2;
    start();
    RawInitiator first;
    RawInitiator second;
    RawInitiator third;
    log_in(first, keys("a"));
    log_in(second, keys("b"));
    ASSERT_TRUE(third.connect(port_));
    EXPECT_TRUE(third.at_end());
    EXPECT_TRUE(good(first));
    second.close();
    EXPECT_TRUE(eventually([this] { return portal_->sessions().size() == 1; }));
    EXPECT_TRUE(eventually([this] {
        RawInitiator again;
        return again.connect(port_) && again.login(keys("c")) == std::uint16_t{0};
    }));
}

TEST_F(PortalTest, ALoginThatDoesNotEndIsCutOff) {
    options_.login_timeout = std::chrono::milliseconds(50);
    start();
    RawInitiator silent;
    ASSERT_TRUE(silent.connect(port_));
    EXPECT_TRUE(silent.at_end());
}

TEST_F(PortalTest, ADeadInitiatorIsNoticed) {
    options_.keep_alive_interval = std::chrono::milliseconds(30);
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    for (int i = 0; i < 2; ++i) {
        const auto ping = initiator.receive();
        ASSERT_TRUE(ping);
        EXPECT_EQ(ping->opcode(), iscsi::Opcode::nop_in);
    }
    EXPECT_TRUE(initiator.at_end());
    EXPECT_TRUE(eventually([this] { return portal_->sessions().empty(); }));
}

TEST_F(PortalTest, GarbageEndsOnlyItsOwnConnection) {
    start();
    RawInitiator good_one;
    log_in(good_one, keys("good"));
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 20; ++round) {
        RawInitiator bad;
        ASSERT_TRUE(bad.connect(port_));
        Bytes noise(4096);
        for (auto& byte : noise) {
            byte = static_cast<std::uint8_t>(random());
        }
        static_cast<void>(bad.send_bytes(noise));
        ::shutdown(bad.descriptor(), SHUT_WR);
        EXPECT_TRUE(bad.at_end());
    }
    EXPECT_TRUE(good(good_one));
}

TEST_F(PortalTest, AbortTaskIsAnsweredAndTheTaskIsNot) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    iscsi::ScsiCommand waiting;
    waiting.lun = kUnit1;
    waiting.cdb = kWait;
    waiting.initiator_task_tag = 77;
    waiting.numbers.cmd_sn = initiator.next_cmd_sn();
    ASSERT_TRUE(initiator.send(encode(waiting)));
    ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));
    iscsi::TaskManagementRequest abort;
    abort.immediate = true;
    abort.function = 1;
    abort.lun = kUnit1;
    abort.initiator_task_tag = 78;
    abort.referenced_task_tag = 77;
    abort.numbers.cmd_sn = 2;
    ASSERT_TRUE(initiator.send(encode(abort)));
    const auto response = initiator.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->opcode(), iscsi::Opcode::task_management_response);
    EXPECT_EQ(unit1_.waiting, 0);
    EXPECT_TRUE(good(initiator));
}

TEST_F(PortalTest, TargetResetEndsTasksOfOtherSessionsWithoutAnswer) {
    start();
    RawInitiator victim;
    RawInitiator resetter;
    log_in(victim, keys("victim"));
    log_in(resetter, keys("resetter"));
    iscsi::ScsiCommand waiting;
    waiting.lun = kUnit1;
    waiting.cdb = kWait;
    waiting.initiator_task_tag = 5;
    waiting.numbers.cmd_sn = victim.next_cmd_sn();
    ASSERT_TRUE(victim.send(encode(waiting)));
    ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));
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

TEST_F(PortalTest, LogoutIsAnsweredWhenNothingOfTheSessionIsLeft) {
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

TEST_F(PortalTest, ClearTaskSetEndsAWriteOfAnotherSessionThatWaitsForData) {
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

TEST_F(PortalTest, TargetColdResetEndsAllSessionsOfTheTarget) {
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

TEST_F(PortalTest, ShutdownLetsCommandsInFlightEndAndAnswersThem) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    iscsi::ScsiCommand waiting;
    waiting.lun = kUnit1;
    waiting.cdb = kWait;
    waiting.initiator_task_tag = 5;
    waiting.numbers.cmd_sn = initiator.next_cmd_sn();
    ASSERT_TRUE(initiator.send(encode(waiting)));
    ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));
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

TEST_F(PortalTest, ShutdownCutsWhatDoesNotEndInTime) {
    start();
    RawInitiator initiator;
    log_in(initiator, keys());
    iscsi::ScsiCommand waiting;
    waiting.lun = kUnit1;
    waiting.cdb = kWait;
    waiting.initiator_task_tag = 5;
    waiting.numbers.cmd_sn = initiator.next_cmd_sn();
    ASSERT_TRUE(initiator.send(encode(waiting)));
    ASSERT_TRUE(eventually([this] { return unit1_.waiting == 1; }));
    shutdown(std::chrono::milliseconds(20));
    EXPECT_EQ(unit1_.waiting, 0);
    EXPECT_TRUE(initiator.at_end());
}

TEST_F(PortalTest, AnAddressInUseIsNamed) {
    start();
    PortalOptions options;
    options.listen = {Endpoint(boost::asio::ip::address_v4::loopback(), port_)};
    Portal second(io_, options, targets(), events_);
    const auto result = second.start();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::busy);
    EXPECT_NE(result.error().message.find("127.0.0.1:" + std::to_string(port_)), std::string::npos);
}

TEST_F(PortalTest, DiscoveryNamesTheAddressThatWasConnectedTo) {
    start();
    RawInitiator initiator;
    ASSERT_TRUE(initiator.connect(port_));
    const RawInitiator::Keys discovery = {{"InitiatorName", "iqn.2026-11.test:host"},
                                          {"SessionType", "Discovery"}};
    ASSERT_EQ(initiator.login(discovery), std::uint16_t{0});
    iscsi::TextRequest request;
    request.immediate = true;
    request.initiator_task_tag = 3;
    request.numbers.cmd_sn = 1;
    Bytes text;
    iscsi::append_text_pair(text, "SendTargets", "All");
    ASSERT_TRUE(initiator.send(encode(request), text));
    const auto answer = initiator.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(as_text(answer->data), std::string("TargetName=") + kTarget + '\0' +
                                         "TargetAddress=127.0.0.1:" + std::to_string(port_) + ",1" +
                                         '\0');
}

}  // namespace
}  // namespace tapeloft::vtl::net
