// Random and mutated PDUs: whatever comes, the core neither crashes nor asks for much memory, and
// what it hands over is within its limits.
#include <chrono>
#include <random>

#include <gtest/gtest.h>

#include "tests/vtl/iscsi/scripted_initiator.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::size_t kBudget = std::size_t{1} * 1024 * 1024;

class Fuzzer {
  public:
    explicit Fuzzer(std::uint32_t seed) : random_(seed) {}

    [[nodiscard]] std::uint32_t below(std::uint32_t n) {
        return static_cast<std::uint32_t>(random_() % n);
    }
    [[nodiscard]] Bytes noise(std::size_t size) {
        Bytes bytes(size);
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(random_());
        }
        return bytes;
    }

    /// A PDU of a known opcode whose fields are near to right.
    void send_something(ScriptedInitiator& host) {
        constexpr std::array<Opcode, 8> kOpcodes = {
            Opcode::nop_out,      Opcode::scsi_command,  Opcode::task_management_request,
            Opcode::text_request, Opcode::data_out,      Opcode::scsi_command,
            Opcode::data_out,     Opcode::logout_request};
        BasicHeader header{};
        const auto random_bytes = noise(kBasicHeaderLength);
        if (below(4) == 0) {
            std::copy(random_bytes.begin(), random_bytes.end(), header.begin());
        }
        header[1] = random_bytes[1];
        layout::kOpcode.store(header, static_cast<std::uint8_t>(kOpcodes.at(below(8))));
        layout::kImmediate.store(header, below(3) == 0);
        layout::kLun.store(header, std::uint64_t{below(3)} << 48U);
        layout::kInitiatorTaskTag.store(header, below(6));
        layout::kCmdSn.store(header, host.cmd_sn + below(3));
        host.cmd_sn += below(2);
        // Target Transfer Tag, EDTL or Referenced Task Tag, by opcode.
        layout::data::kTargetTransferTag.store(header,
                                               below(2) == 0 ? kReservedTag : below(40'000));
        layout::data::kDataSn.store(header, below(2));
        layout::data::kBufferOffset.store(header, below(2) * below(20'000));
        const auto data = noise(below(3) == 0 ? below(9000) : 0);
        const auto ahs = noise(below(20) == 0 ? 4U * below(5) : 0);
        auto bytes = host.wire(header, data, ahs);
        if (below(10) == 0) {
            bytes.at(below(static_cast<std::uint32_t>(bytes.size()))) ^=
                static_cast<std::uint8_t>(1U << below(8));
        }
        static_cast<void>(host.send_bytes(bytes));
    }

  private:
    std::mt19937 random_;
};

/// Answers some of what the core asks for; checks the rest.
void answer(ScriptedInitiator& host, Fuzzer& fuzzer) {
    while (auto execute = host.take<Execute>()) {
        ASSERT_LE(execute->task.data_out.size(), scsi::kTransferLengthMax);
        auto completion = scsi::Completion::good();
        completion.data_out_length = fuzzer.below(20'000);
        if (fuzzer.below(2) == 0) {
            completion.data_in = Buffer::zeroed(fuzzer.below(10'000));
        }
        host.done(execute->handle, std::move(completion));
    }
    while (auto manage = host.take<ManageTasks>()) {
        host.core().on_task_management_done(manage->handle);
        host.collect();
    }
    while (host.next()) {
    }
}

TEST(ConnectionFuzz, NothingThatComesAfterLoginDoesHarm) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fuzzer fuzzer(seed);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    int connections = 0;
    while (std::chrono::steady_clock::now() < end) {
        ++connections;
        const auto chop = [&fuzzer](std::size_t n) {
            return 1 + fuzzer.below(static_cast<std::uint32_t>(n));
        };
        ScriptedInitiator host(chop, kBudget);
        const auto digest = fuzzer.below(4) == 0 ? "CRC32C" : "None";
        host.log_in(ScriptedInitiator::keys(
            {{"DataDigest", digest}, {"InitialR2T", fuzzer.below(2) == 0 ? "Yes" : "No"}}));
        for (int i = 0; i < 200 && !host.closed(); ++i) {
            fuzzer.send_something(host);
            answer(host, fuzzer);
        }
    }
    EXPECT_GT(connections, 1);
}

TEST(ConnectionFuzz, NoiseBeforeLoginEndsTheConnectionOrWaitsForMore) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fuzzer fuzzer(seed);
    for (int i = 0; i < 2000; ++i) {
        ScriptedInitiator host;
        static_cast<void>(host.send_bytes(fuzzer.noise(fuzzer.below(200))));
        EXPECT_FALSE(host.core().in_full_feature_phase());
        EXPECT_FALSE(host.take<Execute>());
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
