#include "vtl/drive/auxiliary_memory.h"

#include <gtest/gtest.h>

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Task;

VolumeFacts facts_of_two_partitions() {
    VolumeFacts facts;
    facts.partitions = {{40ULL << 20U, 100ULL << 20U}, {7ULL << 20U, 50ULL << 20U}};
    facts.barcode = "VTL001L8";
    facts.medium_serial = "M000000001";
    facts.created_unix_s = 1'735'689'600;
    facts.density_code = 0x5E;
    facts.bytes_written = 512ULL << 20U;
    return facts;
}

Task read_task(unsigned action, unsigned partition = 0, unsigned first = 0,
               std::uint32_t length = 0x8000) {
    Task task;
    task.cdb[0] = 0x8C;
    task.cdb[1] = static_cast<std::uint8_t>(action);
    task.cdb[7] = static_cast<std::uint8_t>(partition);
    BigEndian<std::uint16_t, 8>::store(task.cdb, static_cast<std::uint16_t>(first));
    BigEndian<std::uint32_t, 10>::store(task.cdb, length);
    return task;
}

Task write_task(const Bytes& attributes, unsigned partition = 0) {
    Bytes list(4);
    BigEndian<std::uint32_t, 0>::store(list, static_cast<std::uint32_t>(attributes.size()));
    list.insert(list.end(), attributes.begin(), attributes.end());
    Task task;
    task.cdb[0] = 0x8D;
    task.cdb[1] = 0x01;
    task.cdb[7] = static_cast<std::uint8_t>(partition);
    BigEndian<std::uint32_t, 10>::store(task.cdb, static_cast<std::uint32_t>(list.size()));
    task.data_out = Buffer::copy_of(list);
    return task;
}

Bytes attribute(unsigned id, unsigned format, std::size_t length, std::uint8_t fill = 'x') {
    Bytes bytes = {static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id),
                   static_cast<std::uint8_t>(format), static_cast<std::uint8_t>(length >> 8U),
                   static_cast<std::uint8_t>(length)};
    bytes.resize(bytes.size() + length, fill);
    return bytes;
}

Bytes both(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

class AuxiliaryMemoryTest : public testing::Test {
  protected:
    /// "GOOD", or sense and field.
    std::string write(const Bytes& attributes, unsigned partition = 0) {
        auto written = memory.write(write_task(attributes, partition), facts.partitions.size());
        if (auto* const changed = std::get_if<AuxiliaryMemory>(&written)) {
            memory = std::move(*changed);
            return "GOOD";
        }
        const Completion& refused = *std::get_if<Completion>(&written);
        return outcome(refused) + " " + field(refused);
    }
    /// Header and value of one attribute, or the sense.
    std::string read(unsigned id, unsigned partition = 0) {
        const Completion got = memory.read(read_task(0, partition, id), facts);
        if (outcome(got) != "GOOD") {
            return outcome(got) + " " + field(got);
        }
        const Bytes data = bytes_of(got);
        EXPECT_EQ(load_big_endian<4>(data), data.size() - 4);
        const std::size_t length = load_big_endian<2>(ByteView(data).subspan(7));
        return hex(ByteView(data).subspan(4, 5 + length));
    }

    VolumeFacts facts = facts_of_two_partitions();
    AuxiliaryMemory memory;
};

TEST_F(AuxiliaryMemoryTest, TheThreeAttributesOfPbsStatusHaveTheirLengthsAndUnits) {
    EXPECT_EQ(read(0x0406),
              "0406810008"
              "3230323530313031")
        << "20250101";
    EXPECT_EQ(read(0x0220),
              "0220800008"
              "0000000000000200")
        << "MiB";
    EXPECT_EQ(read(0x0221),
              "0221800008"
              "0000000000000000");
}

TEST_F(AuxiliaryMemoryTest, WhereEncryptedBlocksBeginIsOnlyKnownOfABlankPartition) {
    facts.partitions[0].blank = false;
    EXPECT_EQ(read(0x0224), "0224800008FFFFFFFFFFFFFFFE");
    EXPECT_EQ(read(0x0225), "0225800008FFFFFFFFFFFFFFFE");
    EXPECT_EQ(read(0x0224, 1), "0224800008FFFFFFFFFFFFFFFF");
    EXPECT_EQ(read(0x0225, 1), "0225800008FFFFFFFFFFFFFFFF");
}

TEST_F(AuxiliaryMemoryTest, UsageHistoryIsFifteenCountersOfSixBytes) {
    facts.usage.load = {3ULL << 20U, 2ULL << 20U};
    facts.usage.previous_load = {5ULL << 20U, 4ULL << 20U};
    facts.usage.lifetime = {9ULL << 20U, 8ULL << 20U};
    facts.usage.at_format = {2ULL << 20U, 2ULL << 20U};
    facts.usage.mounts = 10;
    facts.usage.mounts_at_format = 7;
    facts.usage.partition_changes = 0x11;
    std::string expected = "034080005A";
    for (const char* const counter : {"03", "00", "02", "00", "05", "00", "04", "00", "07", "00",
                                      "06", "00", "03", "11", "00"}) {
        expected += "0000000000" + std::string(counter);
    }
    EXPECT_EQ(read(0x0340), expected);
}

TEST_F(AuxiliaryMemoryTest, ReplyStartsAtTheFirstIdentifierAscendsAndIsCutToTheAllocationLength) {
    const Bytes whole = bytes_of(memory.read(read_task(0), facts));
    unsigned last = 0;
    for (std::size_t at = 4; at < whole.size();) {
        const auto id = static_cast<unsigned>(load_big_endian<2>(ByteView(whole).subspan(at)));
        EXPECT_TRUE(at == 4 || id > last);
        last = id;
        at += 5 + load_big_endian<2>(ByteView(whole).subspan(at + 3));
        ASSERT_LE(at, whole.size());
    }
    EXPECT_EQ(last, 0x040BU);
    for (const std::uint32_t length : {0U, 1U, 4U, 7U, 11U, 100U}) {
        const Bytes cut = bytes_of(memory.read(read_task(0, 0, 0, length), facts));
        EXPECT_EQ(cut, Bytes(whole.begin(), whole.begin() + length));
    }
}

TEST_F(AuxiliaryMemoryTest, EveryServiceActionAnswersInItsFormat) {
    EXPECT_EQ(hex(bytes_of(memory.read(read_task(2), facts))), "00020001");
    EXPECT_EQ(hex(bytes_of(memory.read(read_task(3), facts))), "00020002");
    const Bytes list = bytes_of(memory.read(read_task(1), facts));
    const Bytes supported = bytes_of(memory.read(read_task(5), facts));
    EXPECT_EQ(load_big_endian<4>(list), list.size() - 4);
    EXPECT_EQ(load_big_endian<4>(supported), supported.size() - 4);
    EXPECT_LT(list.size(), supported.size()) << "no host attribute exists yet";
    EXPECT_EQ(outcome(memory.read(read_task(4), facts)), "05/24/00");
}

TEST_F(AuxiliaryMemoryTest, AttributesThatDoNotExistVolumesAndPartitionsAreRefusedWithThePointer) {
    EXPECT_EQ(read(0x0800), "05/24/00 cdb 8.7");
    EXPECT_EQ(read(0x1623), "05/24/00 cdb 8.7") << "LTFS takes that for unlocked";
    EXPECT_EQ(read(0x7777), "05/24/00 cdb 8.7");
    EXPECT_EQ(read(0x0000, 2), "05/24/00 cdb 7.7");
    Task task = read_task(0);
    task.cdb[5] = 1;
    EXPECT_EQ(field(memory.read(task, facts)), "cdb 5.7");
}

TEST_F(AuxiliaryMemoryTest, WhatIsWrittenIsReadAndLengthZeroDeletes) {
    EXPECT_EQ(write(both(attribute(0x0800, 1, 8), attribute(0x0801, 1, 32, 0))), "GOOD");
    EXPECT_EQ(read(0x0800),
              "0800010008"
              "7878787878787878");
    EXPECT_EQ(read(0x0801), "0801010020" + std::string(64, '0')) << "NUL padding stays";
    EXPECT_EQ(write(attribute(0x0803, 2, 160)), "GOOD");
    EXPECT_EQ(write(attribute(0x0800, 1, 0)), "GOOD");
    EXPECT_EQ(read(0x0800), "05/24/00 cdb 8.7");
    EXPECT_EQ(write(attribute(0x0800, 1, 0)), "GOOD") << "what is not there may be deleted";
    EXPECT_EQ(read(0x0801).substr(0, 4), "0801");
}

TEST_F(AuxiliaryMemoryTest, OneWrongAttributeLeavesAllAsTheyWere) {
    const Bytes good = attribute(0x0800, 1, 8);
    EXPECT_EQ(write(both(good, attribute(0x0009, 0, 4))), "05/26/00 list 17.7") << "read-only";
    EXPECT_EQ(write(both(good, attribute(0x0009, 0, 0))), "05/26/00 list 17.7");
    EXPECT_EQ(write(both(good, attribute(0x0999, 0, 1))), "05/26/00 list 17.7") << "unknown";
    EXPECT_EQ(write(both(good, good)), "05/26/00 list 17.7") << "not ascending";
    EXPECT_EQ(write(both(good, attribute(0x0801, 2, 32))), "05/26/00 list 19.1") << "format";
    EXPECT_EQ(write(both(good, attribute(0x0801, 0x81, 32))), "05/26/00 list 19.7");
    EXPECT_EQ(write(both(good, attribute(0x0801, 0x05, 32))), "05/26/00 list 19.6");
    EXPECT_EQ(write(both(good, attribute(0x0801, 1, 31))), "05/26/00 list 20.7") << "length";
    EXPECT_EQ(write(both(good, {0x08, 0x01, 1})), "05/1A/00 ") << "cut";
    Bytes cut = both(good, attribute(0x0801, 1, 32));
    cut.pop_back();
    EXPECT_EQ(write(cut), "05/1A/00 ");
    EXPECT_EQ(write(attribute(0x080C, 0, 1024)), "05/26/00 list 7.7");
    EXPECT_EQ(write(good, 2), "05/24/00 cdb 7.7");
    EXPECT_EQ(read(0x0800), "05/24/00 cdb 8.7") << "nothing was written";
}

TEST_F(AuxiliaryMemoryTest, EachPartitionHasItsOwnCoherencyInformationAndCapacity) {
    EXPECT_EQ(write(attribute(0x080C, 0, 70, 'a'), 0), "GOOD");
    EXPECT_EQ(write(attribute(0x080C, 0, 1023, 'b'), 1), "GOOD");
    EXPECT_EQ(read(0x080C, 0).substr(0, 12), "080C00004661");
    EXPECT_EQ(read(0x080C, 1).substr(0, 12), "080C0003FF62");
    EXPECT_EQ(read(0x0000, 1),
              "0000800008"
              "0000000000000007");
    EXPECT_EQ(read(0x0001, 0),
              "0001800008"
              "0000000000000064");
    memory.note_format();
    EXPECT_EQ(read(0x080C, 0), "05/24/00 cdb 8.7") << "it told of what is gone";
}

TEST_F(AuxiliaryMemoryTest, VolumeChangeReferenceIsNeverZeroNorAllOnes) {
    EXPECT_EQ(read(0x0009),
              "0009800004"
              "00000001");
    memory.note_change();
    EXPECT_EQ(read(0x0009),
              "0009800004"
              "00000002");
    Bytes kept = memory.encode();
    BigEndian<std::uint32_t, 1>::store(kept, 0xFFFFFFFE);
    memory = AuxiliaryMemory::decode(kept);
    memory.note_change();
    EXPECT_EQ(read(0x0009),
              "0009800004"
              "00000001");
}

TEST_F(AuxiliaryMemoryTest, LastFourDrivesAreRememberedNewestFirst) {
    for (const char* const serial : {"A", "B", "C", "D", "E"}) {
        memory.note_load("IBM", serial);
    }
    const auto device = [this](unsigned id) { return read(id).substr(10, 20); };
    EXPECT_EQ(device(0x020A), "49424D20202020204520");
    EXPECT_EQ(device(0x020D), "49424D20202020204220");
}

TEST_F(AuxiliaryMemoryTest, EncodedStateComesBackWholeAndAStrangeOneIsANewCartridge) {
    write(both(attribute(0x0800, 1, 8), attribute(0x080C, 0, 70)), 1);
    memory.note_load("IBM", "VTLDRV0001");
    memory.note_change();
    const Bytes kept = memory.encode();
    EXPECT_EQ(AuxiliaryMemory::decode(kept).encode(), kept);
    for (std::size_t length = 0; length < kept.size(); ++length) {
        const Bytes cut(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_LE(AuxiliaryMemory::decode(cut).encode().size(), kept.size());
    }
    Bytes newer = kept;
    newer.front() = 99;
    EXPECT_EQ(AuxiliaryMemory::decode(newer).encode(), AuxiliaryMemory().encode());
}

using AttributesTest = DriveFixture;

TEST_F(AttributesTest, AttributesOutliveTheLoadAndThePbsCdbsWork) {
    EXPECT_EQ(outcome(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0})), "02/3A/00");
    load();
    const Bytes list = {0, 0, 0, 13, 8, 0, 1, 0, 8, 'P', 'r', 'o', 'x', 'm', 'o', 'x', 0};
    EXPECT_EQ(outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17}, list)), "GOOD");
    auto removed = remove();
    ASSERT_TRUE(removed);
    ASSERT_TRUE(insert_again(std::move(*removed), medium()));
    EXPECT_EQ(hex(bytes_of(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 17}))),
              "0000000D"
              "0800010008"
              "50726F786D6F7800");
    tape->write_protected = true;
    EXPECT_EQ(outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17}, list)), "07/27/00");
}

TEST_F(AttributesTest, MemoryThatCannotBeWrittenIsAnErrorAndKeepsTheOldValue) {
    load();
    memory->put_error = Error{Errc::io, "disk"};
    const Bytes list = {0, 0, 0, 6, 8, 5, 0, 0, 1, 0};
    EXPECT_EQ(outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10}, list)), "03/0C/0B");
    EXPECT_EQ(outcome(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 8, 5, 0, 0, 0, 64})), "05/24/00");
    EXPECT_EQ(outcome(write(10)), "03/0C/00") << "the volume change reference cannot be told";
    EXPECT_TRUE(tape->objects.empty());
    memory->put_error.reset();
    EXPECT_EQ(outcome(write(10)), "GOOD");
}

TEST_F(AttributesTest, VolumeChangeReferenceGrowsAtTheFirstChangeOfALoadOnly) {
    const auto reference = [this] {
        return load_big_endian<4>(
            ByteView(bytes_of(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 13})))
                .subspan(9));
    };
    load();
    EXPECT_EQ(reference(), 1U);
    read(10);
    EXPECT_EQ(reference(), 1U);
    write(10);
    marks(1);
    write(10);
    EXPECT_EQ(reference(), 2U);
    auto removed = remove();
    ASSERT_TRUE(insert_again(std::move(*removed), medium()));
    EXPECT_EQ(reference(), 2U);
    rewind();
    host.send({0x19, 0, 0, 0, 0, 0});
    EXPECT_EQ(reference(), 3U);
}

TEST_F(AttributesTest, MediaSerialNumberIsPaddedToFourBytes) {
    load();
    EXPECT_EQ(hex(bytes_of(host.send({0xAB, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}))),
              "0000000C"
              "4D303030303030303031"
              "0000");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
