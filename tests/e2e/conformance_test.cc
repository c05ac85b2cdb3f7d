// What a conformance run of an iSCSI initiator checks, by libiscsi's public interface.
#include <algorithm>
#include <array>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kRecord = 256 * 1024;
constexpr const char* kOneCartridge =
    "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0001L9\"\ncapacity = \"10GiB\"\n";

class Conformance : public LibraryFixture {};

TEST_F(Conformance, ResidualsOfReadsAreExactForEveryLengthAskedForAndExpected) {
    start(kOneCartridge);
    auto host = login();
    const auto whole = host.execute(1, std::array<std::uint8_t, 6>{0x12, 0, 0, 0, 255, 0}, 255);
    ASSERT_OK(whole);
    const auto all = static_cast<std::int64_t>(whole->data.size());
    for (const std::uint8_t allocation : Bytes{0, 1, 5, 36, 96, 255}) {
        const auto sent = std::min<std::int64_t>(allocation, all);
        for (const std::int64_t expected : {0, 1, 4, 35, 36, 37, 255, 4096}) {
            const std::array<std::uint8_t, 6> inquiry{0x12, 0, 0, 0, allocation, 0};
            const auto reply = host.execute(1, inquiry, static_cast<std::size_t>(expected));
            ASSERT_OK(reply);
            EXPECT_TRUE(reply->good()) << reply->text();
            EXPECT_EQ(reply->residual, expected - sent)
                << "allocation length " << int{allocation} << ", expected " << expected;
            const auto kept = static_cast<std::ptrdiff_t>(std::min(sent, expected));
            EXPECT_EQ(reply->data, Bytes(whole->data.begin(), whole->data.begin() + kept));
        }
    }
}

TEST_F(Conformance, ResidualsOfWritesAreExactAndNoRecordIsMadeOfWhatDidNotCome) {
    start(kOneCartridge);
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost tape(host, 1);
    const auto data = pattern(kRecord, 1);
    const auto write = [&host, &data](std::uint32_t length, std::size_t sent) {
        std::array<std::uint8_t, 6> cdb{0x0A, 0, 0, 0, 0, 0};
        store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
        return host.execute_out(1, cdb, ByteView(data).first(sent));
    };
    std::uint64_t records = 0;
    for (const std::uint32_t length : {1U, 512U, 65536U, 262143U}) {
        for (const std::size_t sent : {length + 0U, length + 1U}) {
            const auto reply = write(length, sent);
            ASSERT_OK(reply);
            EXPECT_TRUE(reply->good()) << reply->text();
            EXPECT_EQ(reply->residual, static_cast<std::int64_t>(sent) - length);
            ++records;
        }
        const auto less = write(length + 1, length);
        ASSERT_OK(less);
        EXPECT_FALSE(less->good()) << "a record of which a byte is missing";
        const auto now = tape.position();
        ASSERT_OK(now);
        EXPECT_EQ(now->object, records);
    }
    ASSERT_GOOD(tape.rewind());
    for (const std::uint32_t length : {1U, 512U, 65536U, 262143U}) {
        for (int twice = 0; twice < 2; ++twice) {
            const auto record = tape.read(kRecord);
            ASSERT_OK(record);
            EXPECT_EQ(record->data, Bytes(data.begin(), data.begin() + length));
        }
    }
}

TEST_F(Conformance, AUnitThatIsNotThereSaysSoAndTellsOfThoseThatAre) {
    start(kOneCartridge);
    auto host = login();
    for (const int lun : {3, 4, 100, 255}) {
        const auto inquiry =
            host.execute(lun, std::array<std::uint8_t, 6>{0x12, 0, 0, 0, 36, 0}, 36);
        ASSERT_OK(inquiry);
        ASSERT_TRUE(inquiry->good());
        EXPECT_EQ(inquiry->data.at(0), 0x7F) << "no unit, and none can be there";
        ASSERT_SENSE(TapeHost(host, lun).test_unit_ready(), 5, 0x2500);
        ASSERT_SENSE(TapeHost(host, lun).write(pattern(512, 1)), 5, 0x2500);
        const auto units = host.execute(
            lun, std::array<std::uint8_t, 12>{0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256);
        ASSERT_OK(units);
        ASSERT_TRUE(units->good());
        EXPECT_EQ(load_big_endian<4>(units->data), 3 * 8U);
    }
}

}  // namespace
}  // namespace tapeloft::tests
