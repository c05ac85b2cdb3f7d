// What outlives the daemon, ended by SIGTERM or by kill -9, and what must not.
#include <map>

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

constexpr std::uint8_t kWriteExclusive = 1;
constexpr std::uint8_t kReservationKey = 0x77;

enum class Ending : std::uint8_t { sigterm, kill };

class Restart : public LibraryFixture, public testing::WithParamInterface<Ending> {
  protected:
    void begin() {
        start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\n");
        log_in();
        ready();
    }
    /// As the same initiator port each time.
    void log_in() {
        auto options = login_options();
        options.isid = 7;
        auto host = ScsiHost::login(options);
        ASSERT_OK(host);
        host_.emplace(std::move(*host));
    }
    /// Ends the daemon as the parameter says, starts it, and logs in again. Power-on attentions are
    /// left to the test.
    void end_and_restart() {
        host_.reset();
        if (GetParam() == Ending::kill) {
            daemon_->kill();
        } else {
            const auto status = daemon_->terminate();
            ASSERT_OK(status);
            ASSERT_EQ(*status, 0);
        }
        restart();
        log_in();
    }
    void end_and_log_in() {
        end_and_restart();
        ready();
    }
    /// Consumes the attentions of the start.
    void ready() {
        for (int lun = 0; lun <= 2; ++lun) {
            (void)unit(lun).test_unit_ready();
        }
    }
    ScsiHost another_host() {
        auto options = login_options();
        options.initiator_name += "-other";
        auto other = ScsiHost::login(options);
        TL_ASSERT(other);
        for (int lun = 0; lun <= 2; ++lun) {
            (void)TapeHost(*other, lun).test_unit_ready();
        }
        return std::move(*other);
    }
    TapeHost unit(int lun) { return TapeHost(*host_, lun); }
    PbsDrive drive(int lun = 1) { return PbsDrive(*host_, lun); }
    Bytes in(int lun, const Cdb& cdb, std::size_t length = 4096) {
        const auto reply = host_->execute(lun, cdb, length);
        EXPECT_TRUE(reply && reply->good()) << pbs_outcome(reply, length);
        return reply ? reply->data : Bytes();
    }
    void out(int lun, const Cdb& cdb, const Bytes& list) {
        EXPECT_EQ(pbs_outcome(host_->execute_out(lun, cdb, list), list.size()), "GOOD");
    }

    // --- Persistent reservations
    void register_key(int lun, bool through_power_loss) {
        Bytes list(24);
        list[15] = kReservationKey;
        list[20] = through_power_loss ? 1 : 0;
        out(lun, {0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, list);
    }
    void reserve(int lun) {
        Bytes list(24);
        list[7] = kReservationKey;
        out(lun, {0x5F, 1, kWriteExclusive, 0, 0, 0, 0, 0, 24, 0}, list);
    }
    /// How many registrations there are, and whether one holds a reservation.
    std::pair<std::size_t, bool> reservations(int lun) {
        const auto keys = in(lun, {0x5E, 0, 0, 0, 0, 0, 0, 1, 0, 0});
        const auto reservation = in(lun, {0x5E, 1, 0, 0, 0, 0, 0, 1, 0, 0});
        return {(keys.size() - 8) / 8, reservation.size() > 8};
    }

    Bytes mode_parameters(int lun, std::uint8_t page) {
        return in(lun, {0x5A, 8, page, 0, 0, 0, 0, 0x10, 0, 0});
    }
    /// DCE of the data compression page.
    bool compresses(int lun) { return (mode_parameters(lun, 0x0F).at(8 + 2) & 0x80U) != 0; }
    void set_compression(int lun, bool on, bool save) {
        auto list = mode_parameters(lun, 0x0F);
        list[0] = list[1] = 0;
        list[8] &= 0x3FU;
        list[10] = static_cast<std::uint8_t>((list[10] & 0x7FU) | (on ? 0x80U : 0U));
        const auto options = static_cast<std::uint8_t>(0x10U | (save ? 1U : 0U));
        out(lun, {0x55, options, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(list.size()), 0},
            list);
    }
    std::uint64_t counter(int lun, std::uint8_t page, std::uint16_t code) {
        const auto parameters = drive(lun).log_page(page, 0x2000);
        EXPECT_TRUE(parameters && parameters->contains(code));
        const Bytes& value = parameters->at(code);
        std::uint64_t number = 0;
        for (const auto byte : value) {
            number = number << 8U | byte;
        }
        return number;
    }
    Bytes all_elements() {
        return in(0, {0xB8, 0x10, 0, 0, 0xFF, 0xFF, 1, 0, 0x40, 0, 0, 0}, 0x4000);
    }

    std::optional<ScsiHost> host_;
};

// --- What outlives it

TEST_P(Restart, RegistrationsAndReservationsWithAptplAreThereAndHold) {
    begin();
    load(*host_, "TL0001L9", 0);
    for (const int lun : {0, 1}) {
        register_key(lun, true);
        reserve(lun);
    }
    end_and_log_in();
    for (const int lun : {0, 1}) {
        EXPECT_EQ(reservations(lun), (std::pair<std::size_t, bool>{1, true})) << lun;
    }
    auto other = another_host();
    const auto write = TapeHost(other, 1).write(pattern(512, 1));
    ASSERT_OK(write);
    EXPECT_EQ(write->status, 0x18);
    const auto move = ChangerHost(other).move(kSlot2, kMail1);
    ASSERT_OK(move);
    EXPECT_EQ(move->status, 0x18);
    // The holder is known again by its name.
    ASSERT_GOOD(unit(1).write(pattern(512, 1)));
    ASSERT_GOOD(ChangerHost(*host_).move(kSlot2, kMail1));
}

TEST_P(Restart, TheLastRegistrationSaysWhetherTheyArePersistent) {
    begin();
    register_key(0, true);
    reserve(0);
    register_key(0, false);
    end_and_log_in();
    EXPECT_EQ(reservations(0), (std::pair<std::size_t, bool>{0, false}));
}

TEST_P(Restart, SavedModePagesAndIdentifyingInformationAreThere) {
    begin();
    ASSERT_TRUE(compresses(1) && compresses(2));
    set_compression(1, false, true);
    const Bytes name = {'r', 'a', 'c', 'k', ' ', '7'};
    for (const int lun : {0, 1}) {
        out(lun, {0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0}, name);
    }
    end_and_log_in();
    EXPECT_FALSE(compresses(1));
    EXPECT_TRUE(compresses(2)) << "of the other drive";
    for (const int lun : {0, 1}) {
        const auto information = in(lun, {0xA3, 5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
        EXPECT_EQ(Bytes(information.begin() + 4, information.end()), name);
    }
}

TEST_P(Restart, CountersOfDriveCartridgeAndChangerGoOn) {
    begin();
    load(*host_, "TL0001L9", 0);
    for (std::uint64_t record = 0; record < 10; ++record) {
        ASSERT_GOOD(unit(1).write(pattern(100'000, record)));
    }
    ASSERT_GOOD(unit(1).rewind());
    ASSERT_OK(unit(1).read(100'000));
    ASSERT_GOOD(ChangerHost(*host_).move(kDrive0, kSlot1));
    ASSERT_GOOD(ChangerHost(*host_).move(kSlot1, kDrive0));
    ASSERT_OK(unit(1).wait_ready());
    const auto moves = counter(0, 0x14, 0);
    const auto scans = counter(0, 0x14, 9);
    const auto loads = counter(1, 0x14, 0);
    const auto power_cycles = counter(1, 0x14, 0x0C);
    const auto mounts = counter(1, 0x17, 1);
    EXPECT_EQ(moves, 3U);
    end_and_log_in();
    EXPECT_EQ(counter(0, 0x14, 0), moves);
    EXPECT_EQ(counter(0, 0x14, 9), scans + 1);
    EXPECT_GE(counter(1, 0x14, 0), loads);
    EXPECT_EQ(counter(1, 0x14, 0x0C), power_cycles + 1);
    EXPECT_EQ(counter(1, 0x0C, 0), 1'000'000U) << "written, in the life of the drive";
    EXPECT_EQ(counter(1, 0x0C, 2), 100'000U);
    EXPECT_GE(counter(1, 0x17, 1), mounts);
    EXPECT_EQ(counter(1, 0x17, 2), 10U) << "records written, in the life of the cartridge";
    EXPECT_EQ(counter(1, 0x17, 7), 1U);
    ASSERT_GOOD(ChangerHost(*host_).move(kDrive0, kDrive0 + 1));
    ASSERT_OK(unit(2).wait_ready());
    EXPECT_EQ(counter(2, 0x17, 2), 10U) << "which takes its own with it";
    EXPECT_EQ(counter(2, 0x0C, 0), 0U);
}

TEST_P(Restart, AttributesThatAHostWroteAreThere) {
    begin();
    load(*host_, "TL0001L9", 0);
    ASSERT_EQ(drive().write_attribute(0x0803, 2, "Friday", 160), "GOOD");
    ASSERT_EQ(drive().write_attribute(0x0800, 1, "Proxmox", 8), "GOOD");
    end_and_log_in();
    const auto found = drive().attributes();
    ASSERT_TRUE(found && found->contains(0x0803) && found->contains(0x0800));
    EXPECT_EQ(as_text(found->at(0x0803)).substr(0, 6), "Friday");
    EXPECT_EQ(as_text(found->at(0x0800)).substr(0, 7), "Proxmox");
}

TEST_P(Restart, CartridgesStandWhereTheyStoodWithTheirSourcesAndTags) {
    begin();
    load(*host_, "TL0001L9", 0);
    ASSERT_GOOD(ChangerHost(*host_).move(kSlot2, kMail1));
    ASSERT_EQ(admin("cartridge export TL0003L9"), 0);
    ready();
    std::string text = "FRIDAY";
    text.resize(32, ' ');
    Bytes list(as_bytes(text).begin(), as_bytes(text).end());
    list.resize(40);
    list[35] = 7;
    out(0, {0xB6, 0, 1, 0, 0, 9, 0, 0, 0, 40, 0, 0}, list);
    const auto before = all_elements();
    EXPECT_NE(as_text(before).find("FRIDAY"), std::string_view::npos);
    end_and_log_in();
    EXPECT_EQ(all_elements(), before);
    ASSERT_EQ(admin("cartridge import TL0003L9 --slot=mail2"), 0) << "it was outside";
    ASSERT_EQ(admin("library mail open"), 0);
    end_and_log_in();
    ASSERT_SENSE(ChangerHost(*host_).move(kMail1, kSlot2), 5, 0x3B11);
}

// --- What does not

TEST_P(Restart, RegistrationsWithoutAptplAndReservationsOfSpc2AreGone) {
    begin();
    for (const int lun : {0, 1}) {
        register_key(lun, false);
        reserve(lun);
    }
    ASSERT_GOOD(unit(2).command({0x16, 0, 0, 0, 0, 0}));
    end_and_log_in();
    for (const int lun : {0, 1}) {
        EXPECT_EQ(reservations(lun), (std::pair<std::size_t, bool>{0, false})) << lun;
    }
    auto other = another_host();
    ASSERT_GOOD(TapeHost(other, 2).command({0x16, 0, 0, 0, 0, 0}));
}

TEST_P(Restart, CurrentModeValuesAreThoseThatWereSaved) {
    begin();
    set_compression(1, false, false);
    ASSERT_FALSE(compresses(1));
    const Bytes fixed_blocks = {0, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0};
    out(1, {0x55, 0x10, 0, 0, 0, 0, 0, 0, 16, 0}, fixed_blocks);
    end_and_log_in();
    EXPECT_TRUE(compresses(1));
    const auto page = in(1, {0x5A, 0, 0x0F, 0, 0, 0, 0, 0x10, 0, 0});
    EXPECT_EQ(load_big_endian<3>(ByteView(page).subspan(8 + 5)), 0U) << "variable blocks";
}

TEST_P(Restart, EncryptionKeysAreGone) {
    begin();
    load(*host_, "TL0001L9", 0);
    ASSERT_EQ(drive().encryption(Bytes(32, 0x5A)), "GOOD");
    ASSERT_GOOD(unit(1).write(pattern(1000, 1)));
    ASSERT_GOOD(unit(1).write_filemarks(1));
    end_and_log_in();
    const auto status = in(1, {0xA2, 0x20, 0, 0x20, 0, 0, 0, 0, 0x10, 0, 0, 0});
    EXPECT_EQ(status.at(5), 0) << "ENCRYPTION MODE";
    EXPECT_EQ(status.at(6), 0) << "DECRYPTION MODE";
    ASSERT_GOOD(unit(1).rewind());
    ASSERT_SENSE(unit(1).read(1000), 7, 0x7401);
}

TEST_P(Restart, PreventionOfRemovalIsGone) {
    begin();
    load(*host_, "TL0001L9", 0);
    for (const int lun : {0, 1}) {
        ASSERT_GOOD(unit(lun).command({0x1E, 0, 0, 0, 1, 0}));
    }
    ASSERT_SENSE(ChangerHost(*host_).move(kDrive0, kSlot1), 5, 0x5302);
    end_and_log_in();
    ASSERT_GOOD(ChangerHost(*host_).move(kDrive0, kSlot1));
    EXPECT_EQ(admin("library mail open"), 0);
}

TEST_P(Restart, UnitsAreAsAfterPowerOn) {
    begin();
    load(*host_, "TL0001L9", 0);
    load(*host_, "TL0002L9", 1);
    ASSERT_GOOD(unit(1).write(pattern(1000, 1)));
    ASSERT_GOOD(unit(1).write_filemarks(1));
    ASSERT_GOOD(unit(2).unload());
    std::string text = "*";
    text.resize(32, ' ');
    Bytes search(as_bytes(text).begin(), as_bytes(text).end());
    search.resize(40);
    out(0, {0xB6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0}, search);
    end_and_restart();
    for (int lun = 0; lun <= 2; ++lun) {
        ASSERT_SENSE(unit(lun).test_unit_ready(), 6, 0x2900);
        ASSERT_GOOD(unit(lun).test_unit_ready());  // a cartridge in a drive is threaded again
    }
    const auto position = unit(1).position();
    ASSERT_OK(position);
    EXPECT_EQ(position->object, 0U);
    ASSERT_SENSE(unit(0).command({0xB5, 0x10, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0}, 256), 5, 0x2C00);
}

std::string name_of(const testing::TestParamInfo<Ending>& ending) {
    return ending.param == Ending::kill ? "Kill" : "Sigterm";
}

INSTANTIATE_TEST_SUITE_P(By, Restart, testing::Values(Ending::sigterm, Ending::kill), &name_of);

}  // namespace
}  // namespace tapeloft::tests
