#include "media/pbs/block_stream.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

class PbsStream : public testing::Test {
  protected:
    void SetUp() override { world_.open(); }

    /// One tape file, as Proxmox Backup Server would write it.
    void write_file(const Bytes& content, bool incomplete) {
        TapeWrite stream(*world_.tape);
        // In odd pieces, so that they cross the borders of the blocks.
        for (std::size_t at = 0; at < content.size(); at += 100'001) {
            const auto size = std::min<std::size_t>(100'001, content.size() - at);
            ASSERT_TRUE(world_.run(stream.write(ByteView(content).subspan(at, size))).has_value());
        }
        ASSERT_TRUE(world_.run(stream.finish(incomplete)).has_value());
        EXPECT_EQ(stream.bytes_written(), kPbsBlockSize * (content.size() / kPbsPayloadMax + 1));
        EXPECT_EQ(world_.run(stream.finish(incomplete)).error().code, Errc::precondition);
    }

    Result<Bytes> read_file(TapeRead& stream) {
        Bytes content;
        Bytes piece(77'777);
        while (true) {
            auto size = world_.run(stream.read(piece));
            if (!size) {
                return std::move(size).error();
            }
            if (*size == 0) {
                return content;
            }
            content.insert(content.end(), piece.begin(),
                           piece.begin() + static_cast<std::ptrdiff_t>(*size));
        }
    }

    void rewind() { ASSERT_TRUE(world_.run(world_.tape->locate_object(0)).has_value()); }

    /// A block whose header is right until a test spoils it.
    static Bytes block(std::uint8_t flags, std::uint32_t size, std::uint32_t sequence) {
        Bytes bytes(kPbsBlockSize);
        const Bytes magic = {0xDC, 0xBD, 0xAF, 0xCA, 0xEB, 0xA0, 0xA5, 0x28};
        std::copy(magic.begin(), magic.end(), bytes.begin());
        bytes[8] = flags;
        for (std::size_t i = 0; i < 3; ++i) {
            bytes[9 + i] = static_cast<std::uint8_t>(size >> (8 * i));
        }
        for (std::size_t i = 0; i < 4; ++i) {
            bytes[12 + i] = static_cast<std::uint8_t>(sequence >> (8 * i));
        }
        return bytes;
    }

    void expect_refused(const std::vector<Object>& objects, Errc code, const std::string& words) {
        SCOPED_TRACE(words);
        ASSERT_TRUE(world_.run(world_.tape->format({world_.record.capacity})).has_value());
        for (const auto& object : objects) {
            world_.must_write(object);
        }
        rewind();
        TapeRead stream(*world_.tape);
        const auto read = read_file(stream);
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code, code);
        EXPECT_NE(read.error().message.find(words), std::string::npos) << read.error().message;
        Bytes more(1);
        EXPECT_FALSE(world_.run(stream.read(more)).has_value()) << "an error stays";
    }

    TapeWorld world_;
};

TEST_F(PbsStream, ReturnsWhatWasWrittenAtEveryBorderOfABlock) {
    std::mt19937_64 random(11);
    std::vector<Bytes> contents;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPbsPayloadMax - 1,
                                   kPbsPayloadMax, kPbsPayloadMax + 1, 3 * kPbsPayloadMax}) {
        contents.push_back(random_record(random, size));
        write_file(contents.back(), size == 1);
    }
    rewind();
    for (const auto& content : contents) {
        TapeRead stream(*world_.tape);
        EXPECT_FALSE(stream.is_incomplete().has_value());
        const auto read = read_file(stream);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_EQ(*read, content);
        EXPECT_EQ(stream.is_incomplete().value(), content.size() == 1);
    }
    EXPECT_TRUE(world_.tape->at_end_of_data());
}

TEST_F(PbsStream, FirstRecordHasTheBytesTheFormatSays) {
    write_file({0xAA, 0xBB}, true);
    rewind();
    const auto outcome = world_.run(world_.tape->read());
    ASSERT_TRUE(outcome.has_value());
    auto expected = block(3, 2, 0);
    expected[16] = 0xAA;
    expected[17] = 0xBB;
    const auto view = outcome->record.view();
    EXPECT_EQ(Bytes(view.begin(), view.end()), expected);
}

TEST_F(PbsStream, SkipEndsBehindTheFilemarkAndCountsTheRest) {
    write_file(Bytes(kPbsPayloadMax + 10, 1), false);
    write_file({5}, false);
    rewind();
    TapeRead first(*world_.tape);
    Bytes some(10);
    ASSERT_EQ(world_.run(first.read(some)).value(), 10U);
    EXPECT_EQ(world_.run(first.skip()).value(), kPbsPayloadMax);
    TapeRead second(*world_.tape);
    EXPECT_EQ(read_file(second).value(), Bytes{5});
}

TEST_F(PbsStream, RefusesEachDamageByItsName) {
    constexpr auto kFull = static_cast<std::uint32_t>(kPbsPayloadMax);
    const auto end = block(1, 5, 1);
    auto no_magic = block(1, 5, 0);
    no_magic[3] ^= 1U;
    const Object mark;
    expect_refused({no_magic, mark}, Errc::corrupt, "magic");
    expect_refused({Bytes(1000, 1), mark}, Errc::corrupt, "its record has 1000 bytes");
    expect_refused({block(4, 5, 0), mark}, Errc::corrupt, "flags");
    expect_refused({block(2, kFull, 0), end, mark}, Errc::corrupt, "flags");
    expect_refused({block(0, 0, 0), end, mark}, Errc::corrupt, "size");
    expect_refused({block(1, kFull + 1, 0), mark}, Errc::corrupt, "size");
    expect_refused({block(0, kFull, 0), block(1, 5, 2), mark}, Errc::corrupt, "block 2");
    expect_refused({block(0, kFull, 0), mark}, Errc::corrupt, "no end marker");
    expect_refused({block(0, kFull, 0)}, Errc::corrupt, "end of data inside");
    expect_refused({block(1, 5, 0), block(1, 5, 1), mark}, Errc::corrupt, "data behind the end");
    expect_refused({block(1, 5, 0)}, Errc::corrupt, "end of data behind the end");
    expect_refused({mark}, Errc::not_found, "a filemark where");
    expect_refused({}, Errc::not_found, "end of data where");
}

TEST_F(PbsStream, AnAbortedFileCanBeSkippedButIsNeitherCompleteNorIncomplete) {
    world_.must_write(block(0, static_cast<std::uint32_t>(kPbsPayloadMax), 0));
    world_.must_write({});
    rewind();
    TapeRead stream(*world_.tape);
    EXPECT_EQ(world_.run(stream.skip()).value(), kPbsPayloadMax);
    EXPECT_EQ(stream.end(), TapeRead::End::no_end_marker);
    EXPECT_EQ(stream.is_incomplete().error().code, Errc::corrupt);
}

TEST_F(PbsStream, TellsOfEarlyWarningAndOfTheEndOfTheMedium) {
    TapeWorld small(4 * kPbsBlockSize + kFilemarkCost);
    small.open();
    TapeWrite stream(*small.tape);
    const Bytes payload(kPbsPayloadMax, 1);
    EXPECT_FALSE(small.run(stream.write(payload)).value());
    EXPECT_FALSE(small.run(stream.write(payload)).value());
    EXPECT_TRUE(small.run(stream.write(payload)).value());
    EXPECT_TRUE(stream.early_warning());
    EXPECT_TRUE(small.run(stream.write(ByteView(payload).first(3))).value());
    EXPECT_TRUE(small.run(stream.finish(true)).value());
    TapeWrite next(*small.tape);
    EXPECT_EQ(small.run(next.write(payload)).error().code, Errc::end_of_medium);
    EXPECT_EQ(small.run(next.finish(false)).error().code, Errc::end_of_medium);
}

}  // namespace
}  // namespace tapeloft::media
