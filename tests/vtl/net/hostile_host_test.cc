// A host that has logged in and then sends what it should not, next to one that works.
#include <random>

#include <sys/socket.h>

#include "tests/vtl/net/portal_fixture.h"

namespace tapeloft::vtl::net {
namespace {

class HostileHostTest : public PortalTest {
  protected:
    void SetUp() override {
        start();
        worker_ = std::thread([this] {
            RawInitiator worker;
            log_in(worker, keys("worker"));
            while (!over_) {
                ASSERT_NO_FATAL_FAILURE(write_and_read(worker, 100'000));
                ++rounds_;
            }
        });
    }
    void TearDown() override {
        const int before = rounds_;
        EXPECT_TRUE(eventually([&] { return rounds_ > before + 1; })) << "the other host is stuck";
        over_ = true;
        worker_.join();
        EXPECT_TRUE(eventually([this] { return portal_->sessions().empty(); }));
    }

    /// Any PDU of an initiator, with some bytes of its header changed. What may disturb others is
    /// left out: its unit is unit 0, and it resets nothing.
    iscsi::BasicHeader mutated(RawInitiator& host) {
        static constexpr std::array<std::uint8_t, 9> kOpcodes{0x00, 0x01, 0x02, 0x04, 0x05,
                                                              0x06, 0x10, 0x41, 0x42};
        iscsi::BasicHeader header{};
        header[0] = kOpcodes[random_() % kOpcodes.size()];
        header[1] = static_cast<std::uint8_t>(0x80U | (random_() & 0x7FU));
        iscsi::layout::kCmdSn.store(header, host.next_cmd_sn());
        header[19] = static_cast<std::uint8_t>(random_() % 4);  // Initiator Task Tag
        header[22] = static_cast<std::uint8_t>(random_() % 2);  // lengths and tags
        header[32] = random_() % 2 == 0 ? 0x0A : 0x08;
        for (auto changes = random_() % 4; changes != 0; --changes) {
            header[random_() % header.size()] = static_cast<std::uint8_t>(random_());
        }
        std::fill_n(header.begin() + 8, 8, std::uint8_t{0});
        const bool management = (header[0] & 0x3FU) == 0x02;
        if (management && (header[1] & 0x7FU) >= 4 && (header[1] & 0x7FU) <= 7) {
            header[1] = 0x81;
        }
        return header;
    }

    unsigned seed_ = std::random_device{}();
    testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
    std::mt19937 random_{seed_};
    std::thread worker_;
    std::atomic<int> rounds_{0};
    std::atomic<bool> over_{false};
};

TEST_F(HostileHostTest, MutatedPdusDisturbNobodyElse) {
    for (int round = 0; round < 500; ++round) {
        RawInitiator host;
        host.isid[5] = static_cast<std::uint8_t>(random_() % 3);
        log_in(host, keys("hostile", {{"InitialR2T", round % 2 == 0 ? "Yes" : "No"},
                                      {"MaxRecvDataSegmentLength", "512"}}));
        for (auto pdus = random_() % 30; pdus != 0; --pdus) {
            const auto header = mutated(host);
            const auto data = pattern(random_() % 3 == 0 ? random_() % 2000 : 0);
            const bool gone = random_() % 4 == 0 ? !host.send_bytes(header)  // length as it is
                                                 : !host.send(header, data);
            if (gone) {
                break;
            }
        }
        round % 3 == 0 ? host.reset() : host.close();
    }
}

TEST_F(HostileHostTest, AnswersThatNobodyTakesBlockNobodyElse) {
    constexpr std::size_t kFarTooMuch = 200'000'000;
    RawInitiator host;
    log_in(host, keys("hostile", {{"MaxRecvDataSegmentLength", "1048576"}}));
    iscsi::NopOut ping;
    ping.immediate = true;
    ping.initiator_task_tag = 1;
    ping.numbers.cmd_sn = 1;
    auto header = encode(ping);
    const auto data = pattern(1'000'000);
    iscsi::layout::kDataSegmentLength.store(header, 1'000'000);
    const auto send = [&host](ByteView bytes) {
        return ::send(host.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    };
    // As much as the target reads while none of its echoes is taken.
    std::size_t sent = 0;
    int refused = 0;  // times in a row, each a few rounds of the other host after the one before
    while (refused < 3 && sent < kFarTooMuch) {
        const auto at = sent % (header.size() + data.size());
        const auto n = at < header.size() ? send(ByteView(header).subspan(at))
                                          : send(ByteView(data).subspan(at - header.size()));
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
            refused = 0;
            continue;
        }
        ++refused;
        const int before = rounds_;
        ASSERT_TRUE(eventually([&] { return rounds_ > before + 5; }));
    }
    EXPECT_LT(sent, kFarTooMuch) << "it reads for ever and keeps it all";
    EXPECT_TRUE(eventually([this] { return portal_->sessions().size() == 2; }));
}

}  // namespace
}  // namespace tapeloft::vtl::net
