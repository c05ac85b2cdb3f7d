// What LTFS sends to make, mount, fill, unmount and check a volume, command for command.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class LtfsSequences : public DriveFixture {
  protected:
    Medium large() const {
        Medium result = medium();
        result.capacity = 100'000'000'000;
        return result;
    }
    /// As its tape library does: all that it reads, and 28 bytes (and the rest of the page) back.
    void format() {
        ASSERT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
        ASSERT_EQ(outcome(host.send({0x5A, 0, 0x3F, 0, 0, 0, 0, 0, 0xFF, 0})), "GOOD");
        Bytes page = bytes_of(host.send({0x5A, 0, 0x11, 0, 0, 0, 0, 0, 28, 0}));
        ASSERT_EQ(page.size(), 28U);
        page.resize(32);
        page[0] = 0;
        page[1] = 0;
        page[19] = 1;
        page[20] = static_cast<std::uint8_t>(0x20U | (page[20] & 0x1FU));
        page[22] = 9;
        page[24] = 0;
        page[25] = 1;  // index partition: rounded up to the smallest
        page[26] = 0xFF;
        page[27] = 0xFF;
        const unsigned length = 28U + page[17] - 0x0AU;
        page.resize(length);
        ASSERT_EQ(outcome(host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, length, 0}, page)), "GOOD");
        ASSERT_EQ(outcome(host.send({0x04, 0, 2, 0, 0, 0})), "GOOD");
        set_compression();
    }
    void set_compression() {
        Bytes page = bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0, 32, 0}));
        ASSERT_EQ(page.size(), 32U);
        page[0] = 0;
        page[1] = 0;
        page[18] |= 0x80;
        ASSERT_EQ(outcome(host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 32, 0}, page)), "GOOD");
    }
    Completion go_to(unsigned partition, std::uint64_t object) {
        return DriveFixture::locate(object, partition);
    }
    /// An index: filemark, blocks, filemark.
    void write_index(unsigned partition, std::size_t block) {
        ASSERT_EQ(outcome(host.send({0x10, 0, 0, 0, 1, 0})), "GOOD");
        ASSERT_EQ(outcome(write(block, partition + 1)), "GOOD");
        ASSERT_EQ(outcome(write(700, partition + 2)), "GOOD");
        ASSERT_EQ(outcome(host.send({0x10, 0, 0, 0, 1, 0})), "GOOD");
    }
    void write_label(unsigned partition, std::size_t block) {
        ASSERT_EQ(outcome(go_to(partition, 0)), "GOOD");
        ASSERT_EQ(outcome(write(80, 0x30)), "GOOD");  // VOL1
        ASSERT_EQ(outcome(host.send({0x10, 0, 0, 0, 1, 0})), "GOOD");
        ASSERT_EQ(outcome(write(420, 0x31)), "GOOD");  // LTFS label
        write_index(partition, block);
    }
    std::uint32_t volume_change_reference() {
        const Bytes data = bytes_of(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 13}));
        EXPECT_EQ(data.size(), 13U);
        return static_cast<std::uint32_t>(load_big_endian<4>(ByteView(data).subspan(9)));
    }
    void write_coherency(unsigned partition, std::uint64_t reference) {
        Bytes list(4 + 5 + 70);
        list[3] = 75;
        list[4] = 0x08;
        list[5] = 0x0C;
        list[8] = 70;
        list[9] = 8;
        BigEndian<std::uint64_t, 10>::store(list, reference);
        list[35] = 43;
        std::copy_n("LTFS", 4, list.begin() + 36);
        ASSERT_EQ(outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, partition, 0, 0, 0, 0, 0, 79}, list)),
                  "GOOD");
    }
    Bytes coherency(unsigned partition) {
        return bytes_of(host.send({0x8C, 0, 0, 0, 0, 0, 0, partition, 8, 0x0C, 0, 0, 0, 79}));
    }
    void write_attribute(unsigned id, unsigned format, unsigned length) {
        Bytes list = {0,
                      0,
                      0,
                      static_cast<std::uint8_t>(5 + length),
                      static_cast<std::uint8_t>(id >> 8U),
                      static_cast<std::uint8_t>(id),
                      static_cast<std::uint8_t>(format),
                      0,
                      static_cast<std::uint8_t>(length)};
        list.resize(list.size() + length, 'L');
        EXPECT_EQ(outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 + length}, list)),
                  "GOOD")
            << std::hex << id;
    }
    std::pair<unsigned, std::uint64_t> where() {
        const Bytes data = bytes_of(host.send({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}));
        return {data.at(7), load_big_endian<8>(ByteView(data).subspan(8))};
    }
    void make_volume(std::size_t block) {
        format();
        write_label(1, block);
        write_label(0, block);
        for (const unsigned partition : {1U, 0U}) {
            write_coherency(partition, volume_change_reference());
        }
        write_attribute(0x0800, 1, 8);
        write_attribute(0x0801, 1, 32);
        write_attribute(0x0802, 1, 8);
        write_attribute(0x0803, 2, 160);
        write_attribute(0x0805, 0, 1);
        write_attribute(0x0806, 1, 32);
        write_attribute(0x0808, 2, 160);
        write_attribute(0x080B, 1, 16);
    }
    void run(std::size_t block);
    void add_file_and_check(std::size_t block);
    void unformat(std::size_t block);  // back to an ordinary tape
};

void LtfsSequences::run(std::size_t block) {
    ASSERT_TRUE(insert(large()));
    make_volume(block);
    ASSERT_EQ(tape->partitions.size(), 2U);
    EXPECT_EQ(tape->partition, 0U);
    EXPECT_EQ(tape->native, 2'500'000'000U);
    EXPECT_EQ(tape->partitions[1].native, 97'500'000'000U);

    // Unmounted and mounted again: load, labels, coherency of both partitions.
    auto removed = remove();
    ASSERT_TRUE(removed);
    ASSERT_TRUE(insert_again(std::move(*removed), large()));
    ASSERT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
    EXPECT_EQ(where(), std::pair(0U, std::uint64_t{0}));
    for (const unsigned partition : {0U, 1U}) {
        ASSERT_EQ(outcome(go_to(partition, 0)), "GOOD");
        EXPECT_EQ(bytes_of(read(block, 2)).size(), 80U);
        EXPECT_EQ(outcome(read(block, 2)), "00/00/01");
        EXPECT_EQ(bytes_of(read(block, 2)).size(), 420U);
        const Bytes kept = coherency(partition);
        ASSERT_EQ(kept.size(), 79U);
        EXPECT_EQ(load_big_endian<8>(ByteView(kept).subspan(10)), volume_change_reference())
            << "nobody changed the volume";
    }
    EXPECT_EQ(outcome(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 0x16, 0x23, 0, 0, 0, 10})), "05/24/00")
        << "not locked";
    add_file_and_check(block);
    unformat(block);
}

void LtfsSequences::add_file_and_check(std::size_t block) {
    const std::uint32_t reference = volume_change_reference();
    // A file is written at the end of the data partition; the end is asked for with all ones.
    EXPECT_EQ(outcome(host.send({0x92, 2, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})),
              "08/00/05");
    const auto start = where();
    EXPECT_EQ(start, std::pair(1U, std::uint64_t{7}));
    for (unsigned i = 0; i < 5; ++i) {
        EXPECT_EQ(outcome(write(block, 0x40 + i)), "GOOD");
    }
    EXPECT_EQ(outcome(write(1000, 0x50)), "GOOD");
    EXPECT_EQ(volume_change_reference(), reference + 1);
    write_index(1, block);
    write_coherency(1, volume_change_reference());

    // Its unmount puts the index into the index partition, over the old one.
    EXPECT_EQ(outcome(go_to(0, 3)), "GOOD");
    write_index(0, block);
    write_coherency(0, volume_change_reference());
    EXPECT_EQ(volume_change_reference(), reference + 1);

    // A check reads it all; block by block, each with the suppressed incorrect length.
    ASSERT_EQ(outcome(go_to(1, start.second)), "GOOD");
    for (unsigned i = 0; i < 5; ++i) {
        EXPECT_EQ(bytes_of(read(block, 2)), pattern(block, 0x40 + i));
    }
    EXPECT_EQ(bytes_of(read(block, 2)), pattern(1000, 0x50));
    EXPECT_EQ(outcome(read(block, 2)), "00/00/01");
    EXPECT_EQ(outcome(go_to(0, 4)), "GOOD");
    EXPECT_EQ(bytes_of(read(block, 2)), pattern(block, 1));
}

void LtfsSequences::unformat(std::size_t block) {
    ASSERT_EQ(outcome(go_to(0, 0)), "GOOD");
    ASSERT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "GOOD");
    ASSERT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
    ASSERT_EQ(outcome(host.send({0x0B, 0, 0, 0xFF, 0xFF, 0})), "GOOD");
    EXPECT_EQ(tape->partitions.size(), 1U);
    EXPECT_EQ(tape->native, 100'000'000'000U);
    EXPECT_EQ(outcome(read(block, 2)), "08/00/05");
    EXPECT_EQ(outcome(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 8, 0x0C, 0, 0, 0, 79})), "05/24/00");
}

TEST_F(LtfsSequences, VolumeWithBlocksOf512KiB) {
    run(512 * 1024);
}

TEST_F(LtfsSequences, VolumeWithBlocksOf1MiB) {
    run(1024 * 1024);
}

TEST_F(LtfsSequences, AppendOnlyModeProtectsAllButTheIndexPartition) {
    ASSERT_TRUE(insert(large()));
    make_volume(512 * 1024);
    Bytes page = bytes_of(host.send({0x5A, 0, 0x10, 1, 0, 0, 0, 0, 48, 0}));
    ASSERT_EQ(page.size(), 48U);
    page[0] = 0;
    page[1] = 0;
    page[21] = static_cast<std::uint8_t>(0x10U | (page[21] & 0x0FU));
    ASSERT_EQ(outcome(host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 48, 0}, page)), "GOOD");
    ASSERT_EQ(outcome(go_to(0, 3)), "GOOD");
    EXPECT_EQ(outcome(host.send({0x10, 0, 0, 0, 1, 0})), "07/5A/02");
    EXPECT_EQ(outcome(host.send({0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3})), "GOOD");
    write_index(0, 512 * 1024);
    // It leaves the mode after a LOAD.
    ASSERT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
    page[21] = static_cast<std::uint8_t>(page[21] & 0x0FU);
    EXPECT_EQ(outcome(host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 48, 0}, page)), "GOOD");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
