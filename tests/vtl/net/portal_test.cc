#include <random>

#include "tests/vtl/net/portal_fixture.h"

namespace tapeloft::vtl::net {
namespace {

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
    send_wait(old_session);

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

TEST_F(PortalTest, ConnectionsThatNeverLogInDoNotKeepOthersOut) {
    options_.connections_max = 2;
    options_.login_timeout = std::chrono::seconds(16);  // beyond the patience of eventually()
    start();
    RawInitiator silent;
    RawInitiator slow;
    ASSERT_TRUE(silent.connect(port_));
    ASSERT_TRUE(slow.connect(port_));
    const std::uint8_t byte = 0x43;
    ASSERT_TRUE(slow.send_bytes(ByteView(&byte, 1)));
    RawInitiator first;
    EXPECT_TRUE(eventually([this, &first] {
        first.close();
        return first.connect(port_) && first.login(keys("a")) == std::uint16_t{0};
    }));
    EXPECT_TRUE(silent.at_end()) << "the oldest goes first";
    RawInitiator second;
    second.isid[5] = 2;
    EXPECT_TRUE(eventually([this, &second] {
        second.close();
        return second.connect(port_) && second.login(keys("b")) == std::uint16_t{0};
    }));
    RawInitiator third;
    ASSERT_TRUE(third.connect(port_));
    EXPECT_TRUE(third.at_end()) << "sessions are never displaced";
    EXPECT_TRUE(good(first));
    EXPECT_TRUE(good(second));
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
