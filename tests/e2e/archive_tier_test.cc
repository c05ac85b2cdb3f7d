// Cartridges whose packs are in GLACIER, against the stand-in: no server of Debian's archives.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "tests/cloud/s3/fake_s3.h"
#include "tests/e2e/store_fixture.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

class ArchiveTier : public StoreFixture {
  protected:
    static constexpr std::uint16_t kBecomingReady = 0x0401;

    ArchiveTier() {
        FakeS3Options options;
        options.archives = true;
        fake_.set_options(options);
        const auto keys = fake_.environment();
        for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
            ::setenv(name, keys(name)->c_str(), 1);
        }
    }

    void start_with(const std::string& tier, const std::string& more = "") {
        url_ = fake_.url("tier", "&class=packs/:GLACIER&restore=" + tier);
        start_on(url_, more);
    }
    /// Records that are in the store, and nowhere else, and cold.
    void write_and_forget(std::uint64_t records) {
        {
            auto host = login();
            load(host, "TL0001L9", 0);
            TapeHost drive(host, 1);
            write(drive, 1, records);
            ASSERT_GOOD(drive.write_filemarks(1));
            put_away(host);
        }
        ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
        stop();
        fs::remove_all(state() / "cache");
        restart();
    }
    [[nodiscard]] std::size_t restores() const {
        std::size_t count = 0;
        for (const auto& request : fake_.requests()) {
            count += request.target.find("?restore") == std::string::npos ? 0U : 1U;
        }
        return count;
    }
    [[nodiscard]] std::size_t packs() const {
        std::size_t count = 0;
        for (const auto& [key, object] : fake_.objects()) {
            count += key.find("/packs/") == std::string::npos ? 0U : 1U;
        }
        return count;
    }
    [[nodiscard]] std::size_t pack_reads() const {
        std::size_t count = 0;
        for (const auto& request : fake_.requests()) {
            const bool of_pack = request.target.find("/packs/") != std::string::npos;
            count += request.method == "GET" && of_pack ? 1U : 0U;
        }
        return count;
    }
    /// Behind unit attentions.
    static void expect_becoming_ready(TapeHost& drive) {
        auto reply = drive.test_unit_ready();
        while (reply && !reply->good() && reply->key == 6) {
            reply = drive.test_unit_ready();
        }
        ASSERT_OK(reply);
        EXPECT_TRUE(reply->is(2, kBecomingReady)) << reply->text();
    }
    static bool is_ready(TapeHost& drive) {
        const auto reply = drive.test_unit_ready();
        return reply && reply->good();
    }
    std::string output_of(const std::string& arguments) {
        const auto file = directory_.path() / "output.txt";
        static_cast<void>(admin(arguments + " >" + file.string() + " 2>&1"));
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    FakeS3 fake_;
};

TEST_F(ArchiveTier, ALoadedCartridgeIsBecomingReadyUntilItsPacksAreBackAlsoOverARestart) {
    start_with("Expedited:2", "cache_size = 0\n");
    write_and_forget(200);
    {
        auto host = login();
        ASSERT_GOOD(ChangerHost(host).move_to("TL0001L9", 4, 0));
        TapeHost drive(host, 1);
        expect_becoming_ready(drive);
        ASSERT_SENSE(drive.rewind(), 2, kBecomingReady);
        ASSERT_SENSE(drive.read(kSize), 2, kBecomingReady);
        ASSERT_SENSE(drive.write(pattern(kSize, 1)), 2, kBecomingReady);
        ASSERT_SENSE(drive.space(3, 0), 2, kBecomingReady);
        ASSERT_GOOD(drive.command({0x12, 0, 0, 0, 36, 0}, 36));                   // INQUIRY
        ASSERT_GOOD(drive.command({0x4D, 0, 0x51, 0, 0, 0, 0, 0, 255, 0}, 255));  // page 11h
        ASSERT_GOOD(drive.command({0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0}, 1024));
        ASSERT_TRUE(soon([&] { return archive().at("recalls").at(0).at("packs_left") == packs(); }))
            << "all are asked for at once";
        EXPECT_EQ(restores(), packs());
        const auto recalls = archive().at("recalls");
        ASSERT_EQ(recalls.size(), 1U);
        EXPECT_EQ(recalls.at(0).at("barcode"), "TL0001L9");
        EXPECT_NE(output_of("status").find("recalling TL0001L9"), std::string::npos);
        EXPECT_NE(output_of("cartridge show TL0001L9").find("packs to come"), std::string::npos);
        EXPECT_EQ(pack_reads(), 0U);
    }
    stop();
    restart();
    auto host = login();
    TapeHost drive(host, 1);
    expect_becoming_ready(drive);
    ASSERT_TRUE(soon([&] { return archive().at("recalls").at(0).at("packs_left") == packs(); }));
    EXPECT_EQ(restores(), packs()) << "none is asked for a second time";
    fake_.finish_restores();
    ASSERT_TRUE(soon([&] { return is_ready(drive); })) << log();
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 200);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    EXPECT_NE(log().find("All of an archived cartridge can be read now"), std::string::npos);

    // The copies go while the cartridge is in the drive.
    fake_.expire_copies();
    ASSERT_GOOD(drive.rewind());
    ASSERT_SENSE(drive.read(kSize), 2, kBecomingReady);
    ASSERT_TRUE(soon([&] { return restores() == 2 * packs(); })) << log();
    expect_becoming_ready(drive);
    EXPECT_EQ(archive().at("damaged_cartridges"), 0);
    fake_.finish_restores();
    ASSERT_TRUE(soon([&] { return is_ready(drive); })) << log();
    expect_records(drive, 1, 200);
    EXPECT_EQ(fake_.violations(), std::vector<std::string>{});
}

TEST_F(ArchiveTier, ALoadThatWouldTakeHoursIsRefusedAndALaterOneWorks) {
    start_with("Standard:7");
    write_and_forget(100);
    auto host = login();
    ChangerHost changer(host);
    ASSERT_SENSE(changer.move_to("TL0001L9", 4, 0), 5, 0x3B11);
    EXPECT_NE(log().find("can be read in about 5 h"), std::string::npos) << log();
    TapeHost drive(host, 1);
    ASSERT_SENSE(drive.test_unit_ready(), 2, 0x3A00);
    ASSERT_TRUE(soon([&] { return restores() == packs(); })) << "it was begun all the same";
    EXPECT_NE(output_of("cartridge verify TL0001L9").find("is archived in the store"),
              std::string::npos);
    EXPECT_NE(output_of("cartridge cat TL0001L9").find("is archived in the store"),
              std::string::npos);
    EXPECT_EQ(archive().at("damaged_cartridges"), 0);

    // What is written again elsewhere refers to packs that nobody can read just now.
    const auto before = packs();
    load(host, "TL0002L9", 0);
    write(drive, 1, 100);
    ASSERT_GOOD(drive.write_filemarks(1));
    ASSERT_GOOD(drive.unload());
    ASSERT_GOOD(changer.move_to("TL0002L9", 2, 5));
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    EXPECT_EQ(packs(), before);
    EXPECT_EQ(pack_reads(), 0U);

    fake_.finish_restores();
    ASSERT_TRUE(soon([&] {
        const auto moved = changer.move_to("TL0001L9", 4, 0);
        return moved && moved->good();
    })) << log();
    ASSERT_TRUE(soon([&] { return is_ready(drive); }));
    expect_records(drive, 1, 100);
}

TEST_F(ArchiveTier, ALibraryIsRecoveredWithoutItsPacks) {
    start_with("Standard:7");
    write_and_forget(50);
    stop();
    lose_the_machine_and_recover();
    EXPECT_EQ(pack_reads(), 0U);
    EXPECT_EQ(restores(), 0U);
}

}  // namespace
}  // namespace tapeloft::tests
