// Fixture: every test runs with whole PDUs, byte by byte, and with random splits.
#pragma once

#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "tests/vtl/iscsi/scripted_initiator.h"

namespace tapeloft::vtl::iscsi {

inline Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{3});
    return bytes;
}

inline scsi::Completion taken(std::uint32_t length) {
    scsi::Completion completion;
    completion.data_out_length = length;
    return completion;
}

class ConnectionTest : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        RecordProperty("seed", std::to_string(seed_));
        host_.log_in();
    }
    ScriptedInitiator::Split split() {
        if (GetParam() == 0) {
            return [](std::size_t n) { return n; };
        }
        if (GetParam() == 1) {
            return [](std::size_t) { return std::size_t{1}; };
        }
        return [this](std::size_t n) { return 1 + random_() % n; };
    }
    [[nodiscard]] static DataOut data_out(const ScsiCommand& command, std::uint32_t offset,
                                          std::uint32_t data_sn, bool final,
                                          std::uint32_t tag = kReservedTag) {
        DataOut pdu;
        pdu.lun = command.lun;
        pdu.initiator_task_tag = command.initiator_task_tag;
        pdu.target_transfer_tag = tag;
        pdu.buffer_offset = offset;
        pdu.data_sn = data_sn;
        pdu.final = final;
        return pdu;
    }
    void expect_sense(std::uint8_t key, std::uint16_t additional) {
        Bytes data;
        const auto response = host_.expect<ScsiResponse>(Opcode::scsi_response, &data);
        EXPECT_EQ(response.status, 2);
        ASSERT_EQ(data.size(), 20U);
        EXPECT_EQ(load_big_endian<2>(data), 18U);
        EXPECT_EQ(data[4], key);
        EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(14)), additional);
    }

    unsigned seed_ = std::random_device{}();
    testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
    std::mt19937 random_{seed_};
    ScriptedInitiator host_{split()};
};

}  // namespace tapeloft::vtl::iscsi
