// The sequences of Proxmox Backup Server against the real daemon, under its own rules for answers.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

Bytes block(std::uint64_t seed) {
    return pattern(PbsDrive::kBlock, seed);
}

class PbsContract : public LibraryFixture {
  protected:
    static std::optional<PbsLibrary> status(ScsiHost& host) {
        std::string why;
        auto library = pbs_changer_status(host, why);
        EXPECT_TRUE(library) << why;
        return library;
    }
    /// load-media: a status query, then the move, and no command to the drive.
    static void load_media(ScsiHost& host, const std::string& label, std::size_t drive) {
        const auto library = status(host);
        ASSERT_TRUE(library);
        const auto* const from = library->find(label);
        ASSERT_NE(from, nullptr) << label;
        ASSERT_EQ(pbs_move(host, from->address, library->drives.at(drive).address), kGood);
        ASSERT_TRUE(status(host));
    }
    static void label(PbsDrive& drive, std::uint64_t seed) {
        ASSERT_EQ(drive.open(), kGood);
        ASSERT_EQ(drive.rewind(), kGood);
        ASSERT_EQ(drive.read(), kEndOfData);
        ASSERT_EQ(drive.encryption_off(), kGood);
        ASSERT_EQ(drive.format(), kGood);
        for (const std::uint8_t attribute : Bytes{0x00, 0x01, 0x02, 0x03, 0x08}) {
            const std::uint8_t format = attribute >= 3 ? 2 : 1;
            const Bytes list = {0, 0, 0, 5, 8, attribute, format, 0, 0};
            ASSERT_EQ(drive.out({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0}, list), kGood);
        }
        ASSERT_EQ(drive.write(block(seed)), kGood);
        ASSERT_EQ(drive.mark(), kGood);
        ASSERT_EQ(drive.sync(), kGood);
        ASSERT_EQ(drive.rewind(), kGood);
        ASSERT_EQ(drive.read_labels(), "unused");
        ASSERT_EQ(drive.encryption_off(), kGood);
        ASSERT_EQ(drive.rewind(), kGood);
    }
    static void media_set_label(PbsDrive& drive, std::uint64_t seed) {
        auto now = drive.position();
        ASSERT_TRUE(now);
        if (now->file != 1) {
            ASSERT_EQ(drive.rewind(), kGood);
            ASSERT_EQ(drive.marks_forward(), kGood);
            now = drive.position();
        }
        ASSERT_TRUE(now && now->file == 1);
        ASSERT_EQ(drive.write(block(seed)), kGood);
        ASSERT_EQ(drive.mark(), kGood);
        ASSERT_EQ(drive.sync(), kGood);
    }
    /// One tape file of `blocks`, which must get this number.
    static void append(PbsDrive& drive, std::uint64_t file, std::uint64_t blocks) {
        const auto before = drive.position();
        ASSERT_TRUE(before && before->file == file) << before->file;
        for (std::uint64_t i = 0; i < blocks; ++i) {
            ASSERT_EQ(drive.write(block(file * 1000 + i)), kGood);
        }
        ASSERT_EQ(drive.mark(), kGood);
        const auto after = drive.position();
        ASSERT_TRUE(after && after->file == file + 1);
        ASSERT_EQ(after->object, before->object + blocks + 1);
    }
    static void restore(PbsDrive& drive, std::uint64_t file, std::uint64_t blocks) {
        for (std::uint64_t i = 0; i < blocks; ++i) {
            ASSERT_EQ(drive.read(), kGood) << "file " << file << " block " << i;
            ASSERT_EQ(drive.last(), block(file * 1000 + i));
        }
        ASSERT_EQ(drive.read(512), kFilemark);
    }
    /// From behind the first block of the file.
    static void restore_rest(PbsDrive& drive, std::uint64_t file) {
        for (std::uint64_t i = 1; i < file % 3 + 1; ++i) {
            ASSERT_EQ(drive.read(), kGood);
            ASSERT_EQ(drive.last(), block(file * 1000 + i));
        }
        ASSERT_EQ(drive.read(512), kFilemark);
    }
    static void expect_status(PbsDrive& drive, bool ready, std::uint8_t density) {
        Bytes data;
        EXPECT_EQ(drive.in({0x12, 0, 0, 0, 36, 0}, 36, data), kGood);
        EXPECT_EQ(drive.in({0x03, 0, 0, 0, 0xFC, 0}, 252, data), kGood);
        const auto page = drive.mode_page(0x0F, 0x0E);
        ASSERT_TRUE(page);
        EXPECT_EQ((*page)[8], density);
        EXPECT_EQ(drive.activity(), 0);
        const auto alerts = drive.log_page(0x12, 0x200);
        ASSERT_TRUE(alerts && alerts->size() == 1);
        auto flags = alerts->at(0);
        flags.at(1) &= 0xBF;  // 10: a host prevented a removal
        EXPECT_EQ(flags, Bytes(8)) << "no TapeAlert flag that ends a job";
        EXPECT_EQ(drive.test_unit_ready() == kGood, ready);
        if (ready) {
            EXPECT_TRUE(drive.position());
            const auto volume = drive.log_page(0x17, 0x2000);
            ASSERT_TRUE(volume && volume->contains(0));
            EXPECT_EQ(volume->at(0), Bytes{1});
            EXPECT_TRUE(drive.attributes());
        }
        EXPECT_EQ(drive.encryption_off(), kGood);
    }
};

TEST_F(PbsContract, StatusWorksInAnEmptyDriveALoadedOneAndAnEjectedOne) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    PbsDrive drive(host, 1);
    expect_status(drive, false, 0x00);
    load_media(host, "TL0001L9", 0);
    EXPECT_EQ(drive.test_unit_ready(), kGood) << "no attention for who moved it";
    expect_status(drive, true, 0x60);
    EXPECT_EQ(drive.unload(), kGood);
    expect_status(drive, false, 0x00);
    EXPECT_EQ(drive.open(), kGood) << "LOAD threads it again";
    expect_status(drive, true, 0x60);
    EXPECT_EQ(drive.plain({0x1E, 0, 0, 0, 1, 0}), kGood);
    const auto library = status(host);
    ASSERT_TRUE(library);
    const auto& in_drive = library->drives.at(0);
    ASSERT_TRUE(in_drive.full && in_drive.source);
    EXPECT_EQ(pbs_move(host, in_drive.address, *in_drive.source), "05/53/02");
    EXPECT_EQ(drive.plain({0x1E, 0, 0, 0, 0, 0}), kGood);
    EXPECT_EQ(drive.unload(), kGood);
    const auto ejected = status(host);
    ASSERT_TRUE(ejected);
    EXPECT_TRUE(ejected->drives.at(0).full) << "an ejected cartridge stays in the drive element";
    EXPECT_EQ(ejected->drives.at(0).source, in_drive.source);
    EXPECT_EQ(pbs_move(host, in_drive.address, *in_drive.source), kGood);
    expect_status(drive, false, 0x00);
}

TEST_F(PbsContract, LabelBackupAppendAndRestoreOnBothGenerationsAndOverRestarts) {
    start(kCartridgesOfAllKinds);
    for (const std::string tape : {"TL0002L9", "TL0005L8"}) {
        SCOPED_TRACE(tape);
        {
            auto host = login();
            load_media(host, tape, 0);
            PbsDrive drive(host, 1);
            label(drive, 1);
            ASSERT_EQ(drive.open(), kGood);
            ASSERT_EQ(drive.read_labels(), "unused");
            media_set_label(drive, 2);
            ASSERT_EQ(drive.check_end_of_media(), kGood);
            append(drive, 2, 3);
            append(drive, 3, 1);
            ASSERT_EQ(drive.sync(), kGood);
            append(drive, 4, 2);  // the catalog: no flush follows
        }
        {  // another handle, the daemon has ended in between
            const auto ended = daemon_->terminate();
            ASSERT_OK(ended);
            restart();
            auto host = login();
            PbsDrive drive(host, 1);
            ASSERT_EQ(drive.open(), kGood);
            ASSERT_EQ(drive.read_labels(), "used");
            ASSERT_EQ(drive.check_end_of_media(), kGood);
            append(drive, 5, 2);
            ASSERT_EQ(drive.sync(), kGood);
        }
        daemon_->kill();
        restart();
        auto host = login();
        PbsDrive drive(host, 1);
        ASSERT_EQ(drive.open(), kGood);
        ASSERT_EQ(drive.read_labels(), "used");
        const auto first = drive.position();
        ASSERT_TRUE(first && first->file == 2);
        for (const auto& [file, blocks] : {std::pair{2U, 3U}, {3U, 1U}, {4U, 2U}, {5U, 2U}}) {
            restore(drive, file, blocks);
        }
        ASSERT_EQ(drive.read(), kEndOfData);
        const auto library = status(host);
        ASSERT_TRUE(library && library->drives.at(0).source);
        ASSERT_EQ(pbs_move(host, library->drives.at(0).address, *library->drives.at(0).source),
                  kGood);
    }
}

TEST_F(PbsContract, EveryFileIsFoundByItsNumberAndTheLastOneFromEndOfData) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    load_media(host, "TL0001L9", 0);
    PbsDrive drive(host, 1);
    label(drive, 1);
    media_set_label(drive, 2);
    constexpr std::uint64_t kFiles = 60;
    for (std::uint64_t file = 2; file < kFiles; ++file) {
        append(drive, file, file % 3 + 1);
    }
    for (std::uint64_t i = 0; i < kFiles; ++i) {
        const auto file = i * 37 % kFiles;
        SCOPED_TRACE(file);
        ASSERT_EQ(drive.move_to_file(file), kGood);
        const auto at = drive.position();
        ASSERT_TRUE(at && at->file == file);
        if (file >= 2) {
            ASSERT_EQ(drive.read(), kGood);
            ASSERT_EQ(drive.last(), block(file * 1000));
            const auto inside = drive.position();
            ASSERT_TRUE(inside && inside->file == file) << "in the middle of the file";
            restore_rest(drive, file);
        }
    }
    ASSERT_EQ(drive.end_of_data(), kGood);
    const auto end = drive.position();
    ASSERT_TRUE(end && end->file == kFiles);
    ASSERT_EQ(drive.two_marks_back(), kGood);
    ASSERT_EQ(drive.marks_forward(), kGood);
    const auto last = drive.position();
    ASSERT_TRUE(last && last->file == kFiles - 1);
    ASSERT_EQ(drive.block_back(), kFilemark);
    ASSERT_EQ(drive.marks_forward(), kGood);
    EXPECT_EQ(drive.position()->file, kFiles - 1);
    EXPECT_EQ(drive.locate_file(kFiles + 5), kEndOfData);
    media_set_label(drive, 3);
    EXPECT_EQ(drive.read(), kEndOfData) << "nothing is left behind the new label";
    EXPECT_EQ(drive.position()->file, 2U);
}

TEST_F(PbsContract, ABackupOverEarlyWarningKeepsItsCatalogAndRestores) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    load_media(host, "TL0007L9", 0);
    PbsDrive drive(host, 1);
    label(drive, 1);
    media_set_label(drive, 2);
    ASSERT_EQ(drive.check_end_of_media(), kGood);
    std::uint64_t written = 0;
    std::string last = kGood;
    while (last == kGood) {
        last = drive.write(block(2000 + written++));
    }
    ASSERT_EQ(last, "00/00/02");
    ASSERT_EQ(drive.write(block(2000 + written++)), "00/00/02");
    ASSERT_EQ(drive.mark(), "00/00/02");
    ASSERT_EQ(drive.sync(), kGood);
    ASSERT_TRUE(drive.log_page(0x17, 0x2000));
    for (int i = 0; i < 4; ++i) {
        ASSERT_EQ(drive.write(block(3000 + static_cast<std::uint64_t>(i))), "00/00/02");
    }
    ASSERT_EQ(drive.mark(), "00/00/02");
    ASSERT_EQ(drive.unload(), kGood);
    ASSERT_EQ(drive.open(), kGood);
    ASSERT_EQ(drive.read_labels(), "used");
    restore(drive, 2, written);
    restore(drive, 3, 4);
    ASSERT_EQ(drive.read(), kEndOfData);
    ASSERT_EQ(drive.write(block(1)), "00/00/02") << "an append behind early warning warns again";
    std::string end;
    do {
        end = drive.write(block(1));
    } while (end == "00/00/02");
    EXPECT_EQ(end, "0D/00/02");
    EXPECT_EQ(drive.mark(), "00/00/02") << "a mark still fits";
}

TEST_F(PbsContract, EveryCommandWithoutDataTakesABufferForData) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    load_media(host, "TL0001L9", 0);
    PbsDrive drive(host, 1);
    const std::vector<Cdb> commands = {{0x00, 0, 0, 0, 0, 0},
                                       {0x10, 0, 0, 0, 2, 0},
                                       {0x01, 0, 0, 0, 0, 0},
                                       {0x11, 1, 0, 0, 1, 0},
                                       {0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                                       {0x92, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                                       {0x01, 1, 0, 0, 0, 0},
                                       {0x19, 0, 0, 0, 0, 0},
                                       {0x04, 0, 0, 0, 0, 0},
                                       {0x04, 1, 0, 0, 0, 0},
                                       {0x19, 1, 0, 0, 0, 0},
                                       {0x1E, 0, 0, 0, 1, 0},
                                       {0x1E, 0, 0, 0, 0, 0},
                                       {0x1B, 0, 0, 0, 0, 0},
                                       {0x1B, 0, 0, 0, 1, 0}};
    for (const auto& cdb : commands) {
        for (const std::size_t buffer : {0U, 16U, 64U}) {
            EXPECT_EQ(drive.plain(cdb, buffer), kGood)
                << "operation code " << int{cdb[0]} << " buffer " << buffer;
            if (cdb[0] == 0x11 || cdb[0] == 0x91) {
                EXPECT_EQ(drive.rewind(), kGood);
            }
        }
    }
    const auto initialized = host.execute(0, Cdb{0x07, 0, 0, 0, 0, 0}, 64);
    EXPECT_EQ(pbs_outcome(initialized, 64), kGood);
    EXPECT_EQ(initialized->residual, 64);
}

// Traps 21 and 56 to 61.
TEST_F(PbsContract, LabelsAreInClearAndTheRestCannotBeReadWithoutItsKey) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    PbsDrive drive(host, 1);
    const Bytes key(32, 0x42);
    load_media(host, "TL0001L9", 0);
    label(drive, 1);
    media_set_label(drive, 2);
    ASSERT_EQ(drive.encryption(key), kGood);
    append(drive, 2, 1);
    ASSERT_EQ(drive.encryption_off(), kGood);
    ASSERT_EQ(drive.read_labels(), "used");
    ASSERT_EQ(drive.move_to_file(2), kGood);
    EXPECT_EQ(drive.read(), "07/74/01");
    ASSERT_EQ(drive.encryption(Bytes(32, 0x43)), kGood);
    EXPECT_EQ(drive.read(), "07/74/03");
    ASSERT_EQ(drive.encryption(key), kGood);
    EXPECT_EQ(drive.read(), kGood);
    EXPECT_EQ(drive.last(), block(2000));
    ASSERT_EQ(drive.read_labels(), "used") << "mixed";
}

TEST_F(PbsContract, EncryptionAndAttributesAreAnsweredAtOnceAndTheSessionGoesOn) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    PbsDrive drive(host, 1);
    for (int loaded = 0; loaded < 2; ++loaded) {
        EXPECT_EQ(drive.encryption(Bytes(32, 0x42)), kGood);
        EXPECT_EQ(drive.encryption_off(), kGood);
        EXPECT_EQ(drive.write_attribute(0x0803, 2, "label", 160), loaded == 1 ? kGood : "02/3A/00");
        EXPECT_EQ(drive.test_unit_ready(), loaded == 1 ? kGood : "02/3A/00");
        load_media(host, "TL0001L9", 0);
    }
}

TEST_F(PbsContract, TheLogPagesOfADriveAreValidWhenItsCartridgeHasLeftAsAfterCleaning) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    const auto library = status(host);
    ASSERT_TRUE(library);
    const auto* const passing = library->find("TL0003L9");
    ASSERT_NE(passing, nullptr);
    const auto slot = passing->address;
    ASSERT_EQ(pbs_move(host, slot, library->drives.at(1).address), kGood);
    ASSERT_EQ(pbs_move(host, library->drives.at(1).address, slot), kGood);
    PbsDrive drive(host, 2);
    const auto alerts = drive.log_page(0x12, 0x200);
    ASSERT_TRUE(alerts);
    EXPECT_EQ(alerts->at(0), Bytes(8));
    const auto volume = drive.log_page(0x17, 0x2000);
    ASSERT_TRUE(volume && volume->contains(0));
    EXPECT_NE(volume->at(0), Bytes{0}) << "PBS refuses a page that says it is not valid";
}

/// Asks a drive for its activity on a session of its own, as the web interface does, until stopped.
class Poller {
  public:
    Poller(const LoginOptions& options, int lun) {
        auto polling = options;
        polling.initiator_name += "-poller" + std::to_string(lun);
        thread_ = std::jthread([this, polling, lun](const std::stop_token& stop) {
            auto host = ScsiHost::login(polling);
            if (!host) {
                failures = 1000;
                return;
            }
            PbsDrive drive(*host, lun);
            (void)drive.test_unit_ready();  // takes the attention of the first contact
            do {
                const auto start = std::chrono::steady_clock::now();
                failures += drive.activity() ? 0 : 1;
                const auto took = std::chrono::steady_clock::now() - start;
                slow += took > std::chrono::seconds(1) ? 1 : 0;
                ++answers;
            } while (!stop.stop_requested());
        });
    }
    void stop() {
        thread_.request_stop();
        thread_.join();
    }

    std::atomic<int> failures = 0;
    std::atomic<int> slow = 0;
    std::atomic<int> answers = 0;

  private:
    std::jthread thread_;
};

TEST_F(PbsContract, TheActivityIsToldWithinASecondDuringWritesMarksMovesAndErase) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    Poller poller(login_options(), 1);
    load_media(host, "TL0001L9", 0);
    PbsDrive drive(host, 1);
    ASSERT_EQ(drive.open(), kGood);
    for (std::uint64_t i = 0; i < 400; ++i) {
        ASSERT_EQ(drive.write(block(i)), kGood);
    }
    ASSERT_EQ(drive.mark(), kGood);
    ASSERT_EQ(drive.sync(), kGood);
    ASSERT_EQ(drive.locate_file(1), kGood);
    ASSERT_EQ(drive.rewind(), kGood);
    ASSERT_EQ(drive.plain({0x19, 1, 0, 0, 0, 0}), kGood);
    ASSERT_EQ(drive.plain({0x04, 0, 0, 0, 0, 0}), kGood);
    const auto library = status(host);
    ASSERT_TRUE(library);
    ASSERT_EQ(pbs_move(host, library->drives.at(0).address, *library->drives.at(0).source), kGood);
    poller.stop();
    EXPECT_GT(poller.answers, 0);
    EXPECT_LE(poller.failures, 1) << "at most the attention that the move causes";
    EXPECT_EQ(poller.slow, 0);
}

TEST_F(PbsContract, TwoDrivesLoadInParallelWhileStatusIsPolled) {
    start(kCartridgesOfAllKinds);
    std::atomic<int> running = 2;
    std::atomic<int> failed = 0;
    const auto loads = [this, &running, &failed](std::uint8_t drive, const char* tape) {
        auto options = login_options();
        options.initiator_name += "-" + std::to_string(drive);
        auto host = ScsiHost::login(options);
        for (int lun = 0; host && lun <= 2; ++lun) {
            (void)TapeHost(*host, lun).test_unit_ready();
        }
        for (int round = 0; host && round < 5; ++round) {
            std::string why;
            const auto library = pbs_changer_status(*host, why);
            const auto* const from = library ? library->find(tape) : nullptr;
            if (from == nullptr ||
                pbs_move(*host, from->address, library->drives.at(drive).address) != kGood ||
                PbsDrive(*host, drive + 1).open() != kGood ||
                pbs_move(*host, library->drives.at(drive).address, from->address) != kGood) {
                ++failed;
            }
        }
        failed += host ? 0 : 1;
        --running;
    };
    std::jthread first(loads, std::uint8_t{0}, "TL0001L9");
    std::jthread second(loads, std::uint8_t{1}, "TL0002L9");
    auto host = login();
    int polls = 0;
    do {
        ASSERT_TRUE(status(host));
        ++polls;
    } while (running != 0);
    EXPECT_EQ(failed, 0);
    EXPECT_GT(polls, 0);
}

TEST_F(PbsContract, AttentionsAndReservationsReachOnlyTheHostTheyAreFor) {
    start(kCartridgesOfAllKinds);
    auto host = login();
    auto options = login_options();
    options.initiator_name += "-other";
    auto other = ScsiHost::login(options);
    ASSERT_OK(other);
    PbsDrive mine(host, 1);
    PbsDrive theirs(*other, 1);
    std::string why;
    EXPECT_FALSE(pbs_changer_status(*other, why));
    EXPECT_EQ(why, "MODE SENSE 1Dh: 06/29/00") << "the first contact, which PBS tries again";
    EXPECT_TRUE(pbs_changer_status(*other, why)) << why;
    EXPECT_EQ(theirs.test_unit_ready(), "06/29/00");
    EXPECT_EQ(theirs.test_unit_ready(), "02/3A/00");

    load_media(host, "TL0001L9", 0);
    EXPECT_TRUE(mine.position()) << "no attention for who moved it";
    EXPECT_TRUE(pbs_changer_status(*other, why)) << "a move is none on the changer: " << why;
    EXPECT_EQ(theirs.test_unit_ready(), "06/28/00");
    EXPECT_EQ(theirs.test_unit_ready(), kGood) << "one, not two";
    for (const auto& [does, told] : {std::pair{&PbsDrive::unload, "02/3A/00"},
                                     {&PbsDrive::load, "06/28/00"},
                                     {&PbsDrive::open, kGood},
                                     {&PbsDrive::format, kGood}}) {
        EXPECT_EQ((mine.*does)(), kGood);
        EXPECT_EQ(theirs.test_unit_ready(), told);
    }
    EXPECT_EQ(theirs.plain({0x16, 0, 0, 0, 0, 0}), kGood);
    const auto conflict = TapeHost(host, 1).test_unit_ready();
    ASSERT_OK(conflict);
    EXPECT_EQ(conflict->status, 0x18);
    EXPECT_EQ(mine.activity(), 0) << "LOG SENSE passes a reservation";
    EXPECT_TRUE(status(host)) << "the changer is not reserved";
    ASSERT_OK(other->logout());
    EXPECT_EQ(mine.test_unit_ready(), kGood) << "it ended with the session";
}

}  // namespace
}  // namespace tapeloft::tests
