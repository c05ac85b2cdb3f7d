// What LTFS keeps beside the records outlives the daemon: partitions, the coherency of the volume
// in the cartridge memory, the position of each index. The drive alone, command for command:
// tests/vtl/drive/ltfs_sequences_test.cc.
#include <algorithm>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kLtfsBlock = 512 * 1024;
constexpr std::size_t kCoherencyLength = 70;  // bytes; attribute 080Ch of LTFS

class LtfsVolume : public LibraryFixture {
  protected:
    static Result<Reply> locate(TapeHost& tape, std::uint8_t partition, std::uint8_t object) {
        return tape.command({0x92, 0x02, 0, partition, 0, 0, 0, 0, 0, 0, 0, object, 0, 0, 0, 0});
    }
    static Bytes attribute(TapeHost& tape, std::uint8_t partition, std::uint16_t id) {
        const auto reply =
            tape.command({0x8C, 0, 0, 0, 0, 0, 0, partition, static_cast<std::uint8_t>(id >> 8U),
                          static_cast<std::uint8_t>(id), 0, 0, 1, 0, 0, 0},
                         256);
        if (!reply || !reply->good() || reply->data.size() < 9) {
            ADD_FAILURE() << "attribute " << std::hex << id;
            return {};
        }
        const ByteView value = ByteView(reply->data).subspan(9);  // then those behind it
        const auto length = load_big_endian<2>(ByteView(reply->data).subspan(7));
        const auto first = value.first(std::min<std::size_t>(length, value.size()));
        return {first.begin(), first.end()};
    }
    static void write_attribute(TapeHost& tape, std::uint8_t partition, std::uint16_t id,
                                std::uint8_t format, const Bytes& value) {
        const auto length = static_cast<std::uint8_t>(value.size());
        Bytes list = {0,
                      0,
                      0,
                      static_cast<std::uint8_t>(5 + length),
                      static_cast<std::uint8_t>(id >> 8U),
                      static_cast<std::uint8_t>(id),
                      format,
                      0,
                      length};
        list.insert(list.end(), value.begin(), value.end());
        ASSERT_GOOD(tape.command_out({0x8D, 1, 0, 0, 0, 0, 0, partition, 0, 0, 0, 0, 0,
                                      static_cast<std::uint8_t>(list.size()), 0, 0},
                                     list));
    }
    /// Mode page 11h as mkltfs sends it: a partition of one unit for the index, the rest for data.
    static void format(TapeHost& tape) {
        const auto sensed = tape.command({0x5A, 0, 0x11, 0, 0, 0, 0, 0, 28, 0}, 28);
        ASSERT_OK(sensed);
        ASSERT_EQ(sensed->data.size(), 28U);
        Bytes page = sensed->data;
        page.resize(32);
        page[0] = 0;
        page[1] = 0;
        page[19] = 1;
        page[20] = static_cast<std::uint8_t>(0x20U | (page[20] & 0x1FU));
        page[22] = 9;
        page[24] = 0;
        page[25] = 1;
        page[26] = 0xFF;
        page[27] = 0xFF;
        page.resize(28U + page[17] - 0x0AU);
        ASSERT_GOOD(tape.command_out(
            {0x55, 0x10, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(page.size()), 0}, page));
        ASSERT_GOOD(tape.command({0x04, 0, 2, 0, 0, 0}));
    }
    /// Label, filemark, index, filemark; then what tells that this index is of the volume now.
    static void write_partition(TapeHost& tape, std::uint8_t partition) {
        ASSERT_GOOD(locate(tape, partition, 0));
        ASSERT_GOOD(tape.write(pattern(80, partition)));
        ASSERT_GOOD(tape.write_filemarks(1));
        ASSERT_GOOD(tape.write(pattern(kLtfsBlock, partition + 10U)));
        ASSERT_GOOD(tape.write_filemarks(1));
    }
    /// Its first eight bytes are the volume change reference.
    static Bytes coherency(TapeHost& tape) {
        const Bytes reference = attribute(tape, 0, 0x0009);
        Bytes value = pattern(kCoherencyLength, 3);
        value[0] = 8;
        std::fill_n(value.begin() + 1, 4, std::uint8_t{0});
        std::copy(reference.begin(), reference.end(), value.begin() + 5);
        return value;
    }
};

TEST_F(LtfsVolume, PartitionsIndexesAndCoherencyOutliveTheDaemon) {
    start();
    Bytes kept;
    Bytes reference;
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost tape(host, 1);
        ASSERT_NO_FATAL_FAILURE(format(tape));
        ASSERT_NO_FATAL_FAILURE(write_partition(tape, 1));
        ASSERT_NO_FATAL_FAILURE(write_partition(tape, 0));
        kept = coherency(tape);
        reference = attribute(tape, 0, 0x0009);
        for (const std::uint8_t partition : std::initializer_list<std::uint8_t>{1, 0}) {
            write_attribute(tape, partition, 0x080C, 0, kept);
        }
        write_attribute(tape, 0, 0x0800, 1, pattern(8, 4));
    }
    const auto status = daemon_->terminate();
    ASSERT_OK(status);
    ASSERT_EQ(*status, 0);
    restart();
    auto host = login();
    TapeHost tape(host, 1);
    ASSERT_GOOD(tape.load());
    EXPECT_EQ(attribute(tape, 0, 0x0009), reference) << "nobody changed the volume";
    EXPECT_EQ(attribute(tape, 0, 0x0800), pattern(8, 4));
    for (const std::uint8_t partition : std::initializer_list<std::uint8_t>{0, 1}) {
        EXPECT_EQ(attribute(tape, partition, 0x080C), kept);
        ASSERT_GOOD(locate(tape, partition, 2));
        const auto index = tape.read(kLtfsBlock);
        ASSERT_OK(index);
        EXPECT_EQ(index->data, pattern(kLtfsBlock, partition + 10U));
        const auto where = tape.command({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}, 32);
        ASSERT_OK(where);
        ASSERT_EQ(where->data.size(), 32U);
        EXPECT_EQ(where->data[7], partition);
        EXPECT_EQ(load_big_endian<8>(ByteView(where->data).subspan(8)), 3U);
        ASSERT_SENSE(tape.command({0x92, 2, 0, partition, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                   0xFF, 0, 0, 0, 0}),
                     8, 0x0005);
    }
    // The log pages that it asks for.
    for (const std::uint8_t page : std::initializer_list<std::uint8_t>{0x17, 0x2E, 0x31, 0x37}) {
        const auto log = tape.command(
            {0x4D, 0, static_cast<std::uint8_t>(0x40U | page), 0, 0, 0, 0, 4, 0, 0}, 1024);
        ASSERT_OK(log);
        ASSERT_TRUE(log->good()) << log->text();
        EXPECT_GT(log->data.size(), 4U) << std::hex << int{page};
    }
    // Written behind the index: the reference is another one, so the old coherency is seen as old.
    ASSERT_GOOD(tape.write(pattern(1000, 9)));
    EXPECT_NE(attribute(tape, 0, 0x0009), reference);
}

}  // namespace
}  // namespace tapeloft::tests
