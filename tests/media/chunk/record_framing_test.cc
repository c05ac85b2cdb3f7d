#include <gtest/gtest.h>

#include "media/chunk/chunker.h"

#include "tests/media/chunk/pbs_records.h"
#include "tests/media/chunk/tape_cutter.h"

namespace tapeloft::media {
namespace {

void expect_block(const Bytes& record, std::uint8_t flags, std::uint32_t size,
                  std::uint32_t sequence) {
    const auto framed = frame_record(record);
    EXPECT_EQ(framed.framing, (FramingRun{RecordFraming::pbs_block, flags, size, sequence, 1}));
    EXPECT_EQ(framed.payload.size(), size);
    EXPECT_EQ(remake_record(framed.framing, framed.payload), record);
}

void expect_raw(const Bytes& record) {
    const auto framed = frame_record(record);
    EXPECT_EQ(framed.framing, (FramingRun{RecordFraming::none, 0, 0, 0, 1}));
    EXPECT_EQ(framed.payload.data(), record.data());
    EXPECT_EQ(framed.payload.size(), record.size());
}

TEST(RecordFraming, BlocksOfProxmoxBackupServerAreTakenApart) {
    const auto blocks = pbs_blocks(random_bytes(2 * kPbsPayload + 1000, 1));
    ASSERT_EQ(blocks.size(), 3U);
    expect_block(blocks[0], 0, kPbsPayload, 0);
    expect_block(blocks[1], 0, kPbsPayload, 1);
    expect_block(blocks[2], 1, 1000, 2);
    expect_block(pbs_blocks({})[0], 1, 0, 0);
    auto incomplete = blocks[2];
    incomplete[8] = 3;
    expect_block(incomplete, 3, 1000, 2);
    auto full_end = blocks[1];
    full_end[8] = 1;
    expect_block(full_end, 1, kPbsPayload, 1);
    auto late = blocks[0];
    late[12] = late[13] = late[14] = late[15] = 0xFF;
    expect_block(late, 0, kPbsPayload, 0xFFFF'FFFF);
}

TEST(RecordFraming, WhateverDeviatesIsARecordAsItIs) {
    const auto blocks = pbs_blocks(random_bytes(kPbsPayload + 1000, 1));
    const auto spoiled = [](Bytes block, std::size_t at, std::uint8_t value) {
        block[at] = value;
        return block;
    };
    for (std::size_t at = 0; at < 8; ++at) {
        expect_raw(spoiled(blocks[0], at, static_cast<std::uint8_t>(blocks[0][at] ^ 1U)));
    }
    for (const std::uint8_t flags : Bytes{2, 4, 5, 0x80, 0x81, 0xFF}) {
        expect_raw(spoiled(blocks[1], 8, flags));
    }
    expect_raw(spoiled(blocks[1], 8, 0));        // an inner block must be full
    expect_raw(spoiled(blocks[0], 9, 0xF1));     // 262129 bytes
    expect_raw(spoiled(blocks[0], 11, 0xFF));    // 16 MiB
    expect_raw(spoiled(blocks[1], 262'143, 1));  // no zeros behind the payload
    expect_raw(spoiled(blocks[1], 16 + 1000, 1));
    auto shorter = blocks[0];
    shorter.pop_back();
    expect_raw(shorter);
    auto longer = blocks[0];
    longer.push_back(0);
    expect_raw(longer);
    expect_raw({0xDC});
    expect_raw(Bytes(262'144));
}

}  // namespace
}  // namespace tapeloft::media
