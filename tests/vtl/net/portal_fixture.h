// A portal with two echo units on a loopback port, served by two threads.
#pragma once

#include <functional>
#include <future>
#include <numeric>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "vtl/net/portal.h"

#include "tests/vtl/net/echo_unit.h"
#include "tests/vtl/net/raw_initiator.h"

namespace tapeloft::vtl::net {

inline constexpr const char* kTarget = "iqn.2026-11.io.tapeloft:test";
inline constexpr std::uint64_t kUnit1 = 0x0001000000000000;
inline constexpr std::array<std::uint8_t, 16> kTestUnitReady{0x00};
inline constexpr std::array<std::uint8_t, 16> kRead{0x08};
inline constexpr std::array<std::uint8_t, 16> kWrite{0x0A};
inline constexpr std::array<std::uint8_t, 16> kWait{0xE0};
inline constexpr std::array<std::uint8_t, 16> kRefuse{0xE1};
inline constexpr std::uint32_t kWaitTag = 0x77;  ///< of PortalTest::send_wait()

inline RawInitiator::Keys keys(const std::string& name = "host",
                               const RawInitiator::Keys& more = {}) {
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

inline Bytes pattern(std::size_t size, std::uint8_t seed = 1) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), seed);
    return bytes;
}

/// Spins (it never sleeps) until the condition holds; the patience is only for a broken target.
inline bool eventually(const std::function<bool()>& condition) {
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
        waiting.initiator_task_tag = kWaitTag;
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

}  // namespace tapeloft::vtl::net
