// What a host is told at the edges of records, marks, tapes and numbers, by libiscsi against the
// real daemon: status, sense, INFORMATION, data and residual of one command must agree.
#include <array>
#include <random>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr std::uint32_t kMaxRecord = 8U << 20U;
constexpr std::uint32_t kLength = 1000;  // of a block in these tests

/// What a command must come to.
struct Expected {
    int status = 0;
    std::uint8_t key = 0;
    std::uint16_t additional = 0;
    std::optional<std::int32_t> information = {};
    std::int64_t residual = 0;
    bool filemark = false;
    bool end_of_medium = false;
    bool incorrect_length = false;
};
constexpr int kCheck = 2;

void expect(const Result<Reply>& reply, const Expected& expected, const std::string& what) {
    ASSERT_TRUE(reply) << what << ": " << reply.error().message;
    SCOPED_TRACE(what + ": " + reply->text());
    EXPECT_EQ(reply->status, expected.status);
    EXPECT_EQ(reply->residual, expected.residual);
    if (expected.status != kCheck) {
        return;
    }
    EXPECT_EQ(reply->key, expected.key);
    EXPECT_EQ(reply->additional, expected.additional);
    EXPECT_EQ(reply->information(), expected.information);
    EXPECT_EQ(reply->filemark(), expected.filemark);
    EXPECT_EQ(reply->end_of_medium(), expected.end_of_medium);
    EXPECT_EQ(reply->incorrect_length(), expected.incorrect_length);
    EXPECT_EQ(reply->sense.size(), 18U);
}

/// Byte and bit of the field pointer, if SKSV.
std::optional<std::pair<unsigned, unsigned>> field(const Result<Reply>& reply) {
    if (!reply || reply->sense.size() < 18 || (reply->sense[15] & 0x88U) != 0x88U) {
        return {};
    }
    return std::pair{static_cast<unsigned>(load_big_endian<2>(ByteView(reply->sense).subspan(16))),
                     reply->sense[15] & 7U};
}

class SscBoundary : public LibraryFixture {
  protected:
    void SetUp() override {
        start(
            "[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = \"100GiB\"\n"
            "[[library.cartridges]]\nbarcodes = \"TL0002L9\"\ncapacity = \"32MiB\"\n");
        host.emplace(login());
        drive.emplace(*host, 1);
    }
    void set_block_length(std::uint32_t length) {
        Bytes list = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 0};
        store_big_endian<3>(MutableByteView(list).subspan(9), length);
        ASSERT_GOOD(drive->command_out({0x15, 0x10, 0, 0, 12, 0}, list));
    }
    Result<Reply> read_fixed(std::uint8_t blocks, std::size_t buffer) {
        return drive->command({0x08, 1, 0, 0, blocks, 0}, buffer);
    }
    Result<Reply> write_fixed(std::uint8_t blocks, std::uint32_t length) {
        return drive->command_out({0x0A, 1, 0, 0, blocks, 0},
                                  pattern(std::size_t{blocks} * length, 5));
    }
    void expect_place(std::uint64_t object, std::uint64_t file, const std::string& what) {
        const auto at = drive->position();
        ASSERT_OK(at);
        EXPECT_EQ(*at, (TapeHost::Position{object, file}))
            << what << ": object " << at->object << " file " << at->file;
    }

    std::optional<ScsiHost> host;
    std::optional<TapeHost> drive;
};

TEST_F(SscBoundary, FixedReadsGiveTheBlocksBeforeWhatEndedThemAndAnExactResidual) {
    load(*host, "TL0001L9", 0);
    set_block_length(kLength);
    ASSERT_GOOD(write_fixed(4, kLength));
    ASSERT_GOOD(drive->write_filemarks(1));
    ASSERT_GOOD(write_fixed(2, kLength));
    ASSERT_GOOD(drive->write(pattern(kLength - 1, 6)));
    ASSERT_GOOD(drive->write(pattern(kLength + 1, 7)));
    ASSERT_GOOD(drive->rewind());
    const auto all = pattern(4 * kLength, 5);

    auto reply = read_fixed(10, 10 * kLength);
    expect(reply, {kCheck, 0, 0x0001, 6, 6 * kLength, true, false, false}, "over a filemark");
    EXPECT_EQ(reply->data, all);
    expect_place(5, 1, "over a filemark");
    reply = read_fixed(5, 5 * kLength);
    expect(reply, {kCheck, 0, 0x0000, 3, 3 * kLength, false, false, true}, "over a short block");
    EXPECT_EQ(reply->data, pattern(2 * kLength, 5));
    expect_place(8, 1, "over a short block");
    reply = read_fixed(1, kLength);
    expect(reply, {kCheck, 0, 0x0000, 1, kLength, false, false, true}, "a long block");
    expect_place(9, 1, "a long block");
    reply = read_fixed(3, 3 * kLength);
    expect(reply, {kCheck, 8, 0x0005, 3, 3 * kLength, false, false, false}, "end of data");
    expect_place(9, 1, "end of data");
    ASSERT_GOOD(drive->rewind());
    expect(read_fixed(0, 16), {.residual = 16}, "no block");
    reply = read_fixed(2, kLength);
    expect(reply, {.residual = -static_cast<int>(kLength)}, "a buffer of one for two");
    EXPECT_EQ(reply->data, Bytes(all.begin(), all.begin() + kLength));
    expect_place(2, 0, "a buffer of one for two");
    reply = drive->command({0x08, 3, 0, 0, 1, 0}, kLength);
    expect(reply, {kCheck, 5, 0x2400, {}, kLength}, "FIXED with SILI");
    EXPECT_EQ(field(reply), (std::pair{1U, 1U}));
    set_block_length(0);
    reply = read_fixed(1, kLength);
    expect(reply, {kCheck, 5, 0x2400, {}, kLength}, "FIXED without a block length");
    EXPECT_EQ(field(reply), (std::pair{1U, 0U}));
}

TEST_F(SscBoundary, VariableReadsTellTheDifferenceInBytesBothWays) {
    load(*host, "TL0001L9", 0);
    ASSERT_GOOD(drive->write(pattern(kLength, 1)));
    ASSERT_GOOD(drive->write(pattern(kLength, 2)));
    ASSERT_GOOD(drive->write(pattern(kLength, 3)));
    ASSERT_GOOD(drive->write_filemarks(1));
    ASSERT_GOOD(drive->rewind());
    auto reply = drive->read(kLength + 24, false);
    expect(reply, {kCheck, 0, 0, 24, 24, false, false, true}, "underlength");
    EXPECT_EQ(reply->data, pattern(kLength, 1));
    reply = drive->read(kLength - 24, false);
    expect(reply, {kCheck, 0, 0, -24, 0, false, false, true}, "overlength");
    EXPECT_EQ(reply->data.size(), kLength - 24);
    reply = drive->read(512, true);
    expect(reply, {}, "overlength with SILI");
    EXPECT_EQ(reply->data.size(), 512U);
    expect(drive->read(512), {kCheck, 0, 0x0001, 512, 512, true}, "filemark");
    expect(drive->read(512), {kCheck, 8, 0x0005, 512, 512}, "end of data");
    expect(drive->read(0), {}, "nothing");
    expect_place(4, 1, "end of data");
}

TEST_F(SscBoundary, RecordsOfOneByteAndOfEightMebibytesPassAndOneByteMoreIsRefused) {
    load(*host, "TL0001L9", 0);
    ASSERT_GOOD(drive->write(pattern(1, 1)));
    ASSERT_GOOD(drive->write(pattern(kMaxRecord, 2)));
    auto reply = drive->write(pattern(kMaxRecord + 1, 3));
    expect(reply, {kCheck, 5, 0x2400, {}, kMaxRecord + 1}, "8 MiB and 1");
    EXPECT_EQ(field(reply), (std::pair{2U, 7U}));
    set_block_length(kMaxRecord);
    ASSERT_GOOD(write_fixed(2, kMaxRecord));
    reply = write_fixed(3, kMaxRecord);
    expect(reply, {kCheck, 5, 0x2400, {}, 3 * std::int64_t{kMaxRecord}}, "3 x 8 MiB");
    ASSERT_GOOD(drive->write_filemarks(1));
    ASSERT_GOOD(drive->rewind());
    reply = drive->read(1);
    expect(reply, {}, "one byte");
    EXPECT_EQ(reply->data, pattern(1, 1));
    reply = drive->read(kMaxRecord);
    expect(reply, {}, "8 MiB");
    EXPECT_EQ(reply->data, pattern(kMaxRecord, 2));
    reply = read_fixed(2, 2 * std::size_t{kMaxRecord});
    expect(reply, {}, "2 x 8 MiB");
    EXPECT_EQ(reply->data, pattern(2 * std::size_t{kMaxRecord}, 5));
    set_block_length(1);
    ASSERT_GOOD(write_fixed(200, 1));
    expect_place(204, 0, "blocks of one byte, over the mark");
}

TEST_F(SscBoundary, RecordsAroundTwoMebibytesKeepEveryByte) {
    load(*host, "TL0001L9", 0);
    const std::vector<std::uint32_t> lengths = {2'000'000, 2'097'149, 2'097'150, 2'097'151,
                                                2'097'152, 2'097'153, 2'097'155};
    for (const std::uint32_t length : lengths) {
        ASSERT_GOOD(drive->write(pattern(length, length)));
    }
    ASSERT_GOOD(drive->rewind());
    for (const std::uint32_t length : lengths) {
        auto reply = drive->read(length);
        expect(reply, {}, std::to_string(length));
        EXPECT_EQ(reply->data, pattern(length, length)) << length;
    }
    ASSERT_GOOD(drive->rewind());
    for (const std::uint32_t length : lengths) {
        const auto reply = drive->read(kMaxRecord);
        ASSERT_OK(reply);
        EXPECT_EQ(reply->data.size(), length) << "an exact residual";
    }
}

TEST_F(SscBoundary, FixedWritesAtTheEndTellWhatIsOnTapeInBlocks) {
    load(*host, "TL0002L9", 0);
    constexpr std::uint32_t kBlock = 1U << 20U;
    set_block_length(kBlock);
    std::uint64_t blocks = 0;
    Result<Reply> reply = write_fixed(5, kBlock);
    for (; reply && reply->good(); reply = write_fixed(5, kBlock)) {
        blocks += 5;
    }
    expect(reply, {kCheck, 0, 0x0002, 0, 0, false, true}, "early warning");
    blocks += 5;
    expect_place(blocks, 0, "all of it is on tape");
    while (blocks + 5 <= 32) {
        expect(write_fixed(5, kBlock), {kCheck, 0, 0x0002, 0, 0, false, true}, "behind it");
        blocks += 5;
    }
    const auto fits = static_cast<std::int32_t>(32 - blocks);
    reply = write_fixed(5, kBlock);
    expect(reply, {kCheck, 0xD, 0x0002, 5 - fits, (5 - fits) * std::int64_t{kBlock}, false, true},
           "volume overflow");
    expect_place(32, 0, "what fits is on tape");
    expect(drive->write_filemarks(1), {kCheck, 0xD, 0x0002, 1, 0, false, true},
           "not even a mark fits");
    ASSERT_GOOD(drive->rewind());
    for (int i = 0; i < 32; ++i) {
        ASSERT_GOOD(read_fixed(1, kBlock));
    }
    expect(read_fixed(1, kBlock), {kCheck, 8, 0x0005, 1, kBlock}, "end of data");
}

TEST_F(SscBoundary, SixteenMillionFilemarksAreWrittenCountedAndFoundAtOnce) {
    load(*host, "TL0001L9", 0);
    constexpr std::uint32_t kMarks = 0xFFFFFF;
    ASSERT_GOOD(drive->write(pattern(10, 1)));
    ASSERT_GOOD(drive->write_filemarks(kMarks));
    expect_place(1 + kMarks, kMarks, "behind the marks");
    ASSERT_GOOD(drive->locate_file(kMarks / 2));
    expect_place(1 + kMarks / 2, kMarks / 2, "in the middle");
    ASSERT_GOOD(drive->space(1, 0x7FFFFF));
    expect_place(1 + kMarks / 2 + 0x7FFFFF, kMarks / 2 + 0x7FFFFF, "SPACE forward");
    expect(drive->space(1, 2), {kCheck, 8, 0x0005, 1}, "SPACE over the end");
    ASSERT_GOOD(drive->space(1, -0x800000));
    expect_place(1 + kMarks - 0x800000, kMarks - 0x800000, "SPACE back");
    expect(drive->space(1, -0x800000), {kCheck, 0, 0x0004, 1, 0, false, true}, "SPACE to BOP");
    expect_place(0, 0, "SPACE to BOP");
    load(*host, "TL0002L9", 1);
    TapeHost small(*host, 2);
    expect(small.write_filemarks(kMarks), {kCheck, 0xD, 0x0002, kMarks, 0, false, true},
           "more marks than a small tape has place for");
    EXPECT_EQ(small.position()->object, 0U);
}

TEST_F(SscBoundary, SpaceTellsTheResidueOfEveryCodeBothWays) {
    load(*host, "TL0001L9", 0);
    for (int file = 0; file < 2; ++file) {  // rrr f rrr ff
        for (int i = 0; i < 3; ++i) {
            ASSERT_GOOD(drive->write(pattern(10, 1)));
        }
        ASSERT_GOOD(drive->write_filemarks(static_cast<std::uint32_t>(file) + 1));
    }
    struct Row {
        std::uint64_t from;
        std::uint8_t code;
        std::int32_t count;
        Expected expected;
        TapeHost::Position to;
    };
    const std::vector<Row> rows = {
        {0, 0, 0, {}, {0, 0}},
        {0, 0, 3, {}, {3, 0}},
        {0, 0, 4, {kCheck, 0, 0x0001, 1, 0, true}, {4, 1}},
        {1, 0, 0x7FFFFF, {kCheck, 0, 0x0001, 0x7FFFFD, 0, true}, {4, 1}},
        {9, 0, 5, {kCheck, 8, 0x0005, 5}, {9, 3}},
        {7, 0, -3, {}, {4, 1}},
        {7, 0, -5, {kCheck, 0, 0x0001, 2, 0, true}, {3, 0}},
        {2, 0, -5, {kCheck, 0, 0x0004, 3, 0, false, true}, {0, 0}},
        {2, 0, -0x800000, {kCheck, 0, 0x0004, 0x7FFFFE, 0, false, true}, {0, 0}},
        {0, 0, -1, {kCheck, 0, 0x0004, 1, 0, false, true}, {0, 0}},
        {0, 1, 3, {}, {9, 3}},
        {0, 1, 4, {kCheck, 8, 0x0005, 1}, {9, 3}},
        {9, 1, -2, {}, {7, 1}},
        {9, 1, -3, {}, {3, 0}},
        {9, 1, -4, {kCheck, 0, 0x0004, 1, 0, false, true}, {0, 0}},
        {4, 1, 0, {}, {4, 1}},
        {0, 2, 2, {}, {9, 3}},
        {0, 2, 3, {kCheck, 8, 0x0005, 3}, {9, 3}},
        {9, 2, -2, {}, {7, 1}},
        {9, 2, -3, {kCheck, 0, 0x0004, 3, 0, false, true}, {0, 0}},
        {2, 3, 0, {}, {9, 3}},
        {2, 3, -0x800000, {}, {9, 3}},
        {2, 4, 1, {kCheck, 5, 0x2400}, {2, 0}},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        ASSERT_GOOD(drive->locate_object(row.from));
        const auto what = "row " + std::to_string(i);
        expect(drive->space(row.code, row.count), row.expected, what);
        expect_place(row.to.object, row.to.file, what);
    }
    ASSERT_GOOD(drive->locate_object(2));
    expect(drive->command({0x91, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
           {kCheck, 0, 0x0004, {}, 0, false, true}, "the most negative count of SPACE(16)");
    expect(
        drive->command({0x91, 1, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}),
        {kCheck, 8, 0x0005}, "the largest count of SPACE(16)");
    expect_place(9, 3, "the largest count of SPACE(16)");
}

TEST_F(SscBoundary, LocateTakesEveryDestinationAndEndsAtEndOfDataBeyondIt) {
    load(*host, "TL0001L9", 0);
    for (int file = 0; file < 3; ++file) {
        ASSERT_GOOD(drive->write(pattern(10, 1)));
        ASSERT_GOOD(drive->write_filemarks(1));
    }
    const auto locate_16 = [this](std::uint8_t flags, std::uint8_t partition, std::uint64_t to) {
        std::array<std::uint8_t, 16> cdb{0x92, flags, 0, partition};
        store_big_endian<8>(MutableByteView(cdb).subspan(4), to);
        return host->execute(1, cdb);
    };
    constexpr std::uint64_t kFar = ~std::uint64_t{0};
    expect(locate_16(0x00, 0, 3), {}, "object");
    expect_place(3, 1, "object");
    expect(locate_16(0x08, 0, 2), {}, "file");
    expect_place(4, 2, "file");
    expect(locate_16(0x0A, 0, 3), {}, "the file behind the last mark");
    expect_place(6, 3, "the file behind the last mark");
    expect(locate_16(0x00, 0, 6), {}, "end of data by number");
    expect(locate_16(0x02, 0, 0), {}, "partition 0");
    expect(locate_16(0x18, 0, 0), {}, "end of data");
    expect_place(6, 3, "end of data");
    for (const std::uint8_t type : Bytes{0x00, 0x08}) {
        ASSERT_GOOD(drive->rewind());
        expect(locate_16(type, 0, kFar), {kCheck, 8, 0x0005}, "beyond end of data");
        expect_place(6, 3, "beyond end of data");
        ASSERT_GOOD(drive->rewind());
        expect(locate_16(type, 0, 7), {kCheck, 8, 0x0005}, "one beyond end of data");
        expect_place(6, 3, "one beyond end of data");
    }
    ASSERT_GOOD(drive->locate_object(1));
    for (const std::uint8_t type : Bytes{0x10, 0x20, 0x28, 0x30, 0x38}) {
        auto reply = locate_16(type, 0, 0);
        expect(reply, {kCheck, 5, 0x2400}, "destination type");
        EXPECT_EQ(field(reply), (std::pair{1U, 5U}));
    }
    auto reply = locate_16(0x02, 1, 0);
    expect(reply, {kCheck, 5, 0x2400}, "partition 1");
    EXPECT_EQ(field(reply), (std::pair{3U, 7U}));
    expect(drive->command({0x2B, 0, 0, 0, 0, 0, 9, 0, 0, 0}), {kCheck, 8, 0x0005}, "LOCATE(10)");
    expect(drive->command({0x2B, 4, 0, 0, 0, 0, 4, 0, 0, 0}), {}, "LOCATE(10)");
    expect_place(4, 2, "LOCATE(10)");
}

TEST_F(SscBoundary, ReadPositionHasItsLengthInEveryFormWhateverTheBuffer) {
    load(*host, "TL0001L9", 0);
    struct Row {
        std::uint8_t form;
        std::uint8_t allocation;
        std::size_t length;
    };
    for (const auto& row : {Row{0, 0, 20}, Row{1, 0, 20}, Row{6, 0, 32}, Row{8, 32, 32},
                            Row{8, 255, 32}, Row{8, 7, 7}, Row{8, 0, 0}}) {
        for (const std::size_t buffer : {0U, 5U, 20U, 32U, 100U}) {
            const auto reply =
                drive->command({0x34, row.form, 0, 0, 0, 0, 0, 0, row.allocation, 0}, buffer);
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << reply->text();
            EXPECT_EQ(reply->data.size(), std::min(buffer, row.length));
            EXPECT_EQ(reply->residual,
                      static_cast<std::int64_t>(buffer) - static_cast<std::int64_t>(row.length))
                << "form " << int{row.form} << " buffer " << buffer;
        }
    }
    auto reply = drive->command({0x34, 6, 0, 0, 0, 0, 0, 0, 32, 0}, 32);
    expect(reply, {kCheck, 5, 0x2400, {}, 32}, "a length that the long form does not have");
    expect(drive->command({0x34, 3, 0, 0, 0, 0, 0, 0, 0, 0}, 32), {kCheck, 5, 0x2400, {}, 32},
           "an unknown form");
}

TEST_F(SscBoundary, AnyCommandWithAnyBufferIsAnsweredAndTheSessionGoesOn) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    load(*host, "TL0001L9", 0);
    constexpr std::array<std::uint8_t, 40> kCodes = {
        0x00, 0x01, 0x03, 0x04, 0x05, 0x07, 0x08, 0x08, 0x0A, 0x0A, 0x10, 0x11, 0x12, 0x15,
        0x16, 0x17, 0x19, 0x1A, 0x1B, 0x1D, 0x1E, 0x2B, 0x34, 0x37, 0x3C, 0x44, 0x4D, 0x55,
        0x56, 0x57, 0x5A, 0x5E, 0x8C, 0x91, 0x92, 0xA0, 0xA2, 0xA3, 0xA5, 0xB8};
    constexpr std::array<std::size_t, 8> kLengths = {6, 10, 10, 6, 16, 12, 16, 16};
    for (int round = 0; round < 4000; ++round) {
        const auto code = random() % 50 == 0 ? static_cast<std::uint8_t>(random())
                                             : kCodes.at(random() % kCodes.size());
        Bytes cdb(kLengths.at(code >> 5U));
        cdb[0] = code;
        for (std::size_t i = 1; i + 1 < cdb.size(); ++i) {
            cdb[i] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() & random() : 0U);
        }
        const bool writes = code == 0x0A || code == 0x15 || code == 0x55 || random() % 8 == 0;
        const std::size_t buffer = random() % 4 == 0 ? 0 : random() % 70'000;
        const auto lun = static_cast<int>(random() % 4);  // 3 is not there
        const auto reply =
            writes ? host->execute_out(lun, cdb, Bytes(buffer, static_cast<std::uint8_t>(round)))
                   : host->execute(lun, cdb, buffer);
        SCOPED_TRACE(testing::Message() << "round " << round << " operation code " << int{code}
                                        << " lun " << lun << " buffer " << buffer);
        ASSERT_OK(reply);
        // PERSISTENT RESERVE conflicts with a RESERVE of whomever (SPC-2, 5.5.1), so of ours.
        const bool conflict = reply->status == 0x18 && (code == 0x5E || code == 0x5F);
        ASSERT_TRUE(reply->status == 0 || reply->status == 2 || conflict) << reply->text();
        ASSERT_EQ(reply->sense.size(), reply->status == 2 ? 18U : 0U);
        ASSERT_LE(reply->residual, static_cast<std::int64_t>(buffer));
        ASSERT_NE(reply->key, 4) << reply->text();
        if (lun == 3 && code != 0x12 && code != 0xA0 && code != 0x03) {
            ASSERT_TRUE(reply->is(5, 0x2500)) << reply->text();
        }
    }
    for (int lun = 0; lun < 3; ++lun) {
        const auto inquiry = host->execute(lun, Bytes{0x12, 0, 0, 0, 36, 0}, 36);
        ASSERT_OK(inquiry);
        EXPECT_EQ(inquiry->data.size(), 36U);
    }
}

}  // namespace
}  // namespace tapeloft::tests
