// Operations behind the status of their commands, and what trouble of the storage a host is told
// of.
#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

class Operations : public LibraryFixture {
  protected:
    void begin(const std::string& library = "") {
        start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0002L9\"\ncapacity = \"100GiB\"\n",
              "", library);
        host.emplace(login());
        load(*host, "TL0001L9", 0);
        drive.emplace(*host, 1);
    }
    std::optional<ScsiHost> host;
    std::optional<TapeHost> drive;
};

TEST_F(Operations, EveryCommandWithImmedEndsAndLeavesTheTapeAsItsNamesakeDoes) {
    begin();
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        ASSERT_GOOD(drive->write(pattern(256 * 1024, seed)));
        ASSERT_GOOD(drive->write_filemarks(1));
    }
    const auto place = [this] { return *drive->position(); };
    ASSERT_GOOD(drive->command({0x01, 1, 0, 0, 0, 0}));
    EXPECT_EQ(place(), (TapeHost::Position{0, 0})) << "READ POSITION waits for the end of REWIND";
    ASSERT_GOOD(drive->command({0x92, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}));
    EXPECT_EQ(place(), (TapeHost::Position{4, 2}));
    const auto record = drive->read(256 * 1024);
    ASSERT_OK(record);
    EXPECT_EQ(record->data, pattern(256 * 1024, 3));
    ASSERT_GOOD(drive->command({0x1B, 1, 0, 0, 0, 0}));
    ASSERT_GOOD(drive->command({0x1B, 1, 0, 0, 1, 0}));
    ASSERT_OK(drive->wait_ready(10'000));
    EXPECT_EQ(place(), (TapeHost::Position{0, 0}));
    ASSERT_GOOD(drive->locate_file(2));
    ASSERT_GOOD(drive->command({0x19, 2, 0, 0, 0, 0}));
    ASSERT_GOOD(drive->space(3, 0));
    EXPECT_EQ(place(), (TapeHost::Position{4, 2})) << "ERASE";
    ASSERT_GOOD(drive->rewind());
    ASSERT_GOOD(drive->command({0x04, 1, 0, 0, 0, 0}));
    ASSERT_OK(drive->wait_ready(10'000));
    ASSERT_GOOD(drive->space(3, 0));
    EXPECT_EQ(place(), (TapeHost::Position{0, 0})) << "FORMAT MEDIUM";
}

TEST_F(Operations, AStopWaitsForWhatGoesOn) {
    begin();
    ASSERT_GOOD(drive->write(pattern(256 * 1024, 1)));
    ASSERT_GOOD(drive->rewind());
    ASSERT_GOOD(drive->command({0x19, 2, 0, 0, 0, 0}));
    drive.reset();
    host.reset();
    const auto status = daemon_->terminate();
    ASSERT_OK(status);
    EXPECT_EQ(*status, 0);
    restart();
    host.emplace(login());
    drive.emplace(*host, 1);
    const auto reply = drive->read(256 * 1024);
    ASSERT_OK(reply);
    EXPECT_TRUE(reply->is(8, 0x0005)) << "erased: " << reply->text();
}

TEST_F(Operations, ASpoolThatIsNearlyFullRaisesATapeAlertThatDoesNotStopPbs) {
    begin("spool_size = \"64MiB\"\n");
    const auto flags = [this] {
        const auto page = drive->command({0x4D, 0, 0x52, 0, 0, 0, 0, 0, 255, 0}, 255);
        EXPECT_TRUE(page && page->data.size() == 16);
        return load_big_endian<8>(ByteView(page->data).subspan(8));
    };
    constexpr std::uint64_t kFlag39 = std::uint64_t{1} << (64U - 39U);
    for (std::uint64_t i = 0; i < 4 * 50; ++i) {
        ASSERT_GOOD(drive->write(pattern(256 * 1024, i)));
    }
    EXPECT_EQ(flags(), 0U) << "50 of 64 MiB";
    for (std::uint64_t i = 0; i < 4 * 10; ++i) {
        ASSERT_GOOD(drive->write(pattern(256 * 1024, i)));
    }
    EXPECT_EQ(flags(), kFlag39) << "60 of 64 MiB";
    ASSERT_GOOD(drive->rewind());
    ASSERT_GOOD(drive->command({0x19, 0, 0, 0, 0, 0}));
    EXPECT_EQ(flags(), 0U) << "there is room again";
}

}  // namespace
}  // namespace tapeloft::tests
