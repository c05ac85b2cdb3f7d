// `tapeloft doctor` against the real daemon, and against the same one with faults that a library
// may have.
#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "vtl/doctor/examination.h"

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

using vtl::doctor::Finding;
using vtl::doctor::Order;
using vtl::doctor::Site;
using vtl::doctor::Unit;
using Verdict = Finding::Verdict;
using DoctorReply = vtl::doctor::Reply;

constexpr const char* kSmallCartridges =
    "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0002L9\"\ncapacity = \"32MiB\"\n"
    "[[library.cartridges]]\nbarcodes = \"TL0003L9..TL0004L9\"\ncapacity = \"1GiB\"\n"
    "[[library.cartridges]]\nbarcodes = \"TL0005L8\"\ncapacity = \"32MiB\"\n";

/// What a library with a fault does to the answer of a command.
using Fault = std::function<void(std::span<const std::uint8_t> cdb, DoctorReply& reply)>;

class FaultyUnit final : public Unit {
  public:
    FaultyUnit(ScsiHost& host, int lun, const Fault& fault) : unit_(host, lun), fault_(fault) {}
    Result<DoctorReply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                           std::chrono::seconds timeout) override {
        TL_TRY(auto reply, unit_.in(cdb, length, timeout));
        fault_(cdb, reply);
        return reply;
    }
    Result<DoctorReply> out(std::span<const std::uint8_t> cdb, ByteView data,
                            std::chrono::seconds timeout) override {
        TL_TRY(auto reply, unit_.out(cdb, data, timeout));
        fault_(cdb, reply);
        return reply;
    }

  private:
    HostUnit unit_;
    const Fault& fault_;
};

class FaultySite final : public Site {
  public:
    FaultySite(ScsiHost& host, std::function<ScsiHost()> login, Fault fault)
        : host_(host), login_(std::move(login)), fault_(std::move(fault)) {}
    Result<std::unique_ptr<Unit>> open_changer() override {
        return std::unique_ptr<Unit>(std::make_unique<FaultyUnit>(host_, 0, fault_));
    }
    Result<std::unique_ptr<Unit>> open_drive() override {
        return std::unique_ptr<Unit>(std::make_unique<FaultyUnit>(host_, 1, fault_));
    }
    Result<std::unique_ptr<Unit>> open_drive_beside() override {
        static const Fault kNoFault = [](auto, auto&) {};
        beside_.emplace(login_());  // one that is not used for 90 s is closed
        (void)TapeHost(*beside_, 1).wait_ready();
        return std::unique_ptr<Unit>(std::make_unique<FaultyUnit>(*beside_, 1, kNoFault));
    }

  private:
    ScsiHost& host_;
    std::function<ScsiHost()> login_;
    std::optional<ScsiHost> beside_;
    Fault fault_;
};

class Doctor : public LibraryFixture {
  protected:
    std::vector<Finding> examine(
        const Order& order, Fault fault = [](auto, auto&) {}) {
        auto host = login();
        FaultySite site(
            host, [this] { return login(); }, std::move(fault));
        return vtl::doctor::examine(site, order, [](const Finding&) {});
    }
    static std::string findings_of(const std::vector<Finding>& findings, Verdict verdict) {
        std::string text;
        for (const auto& finding : findings) {
            if (finding.verdict == verdict) {
                text += finding.check + ": " + finding.words + "\n";
            }
        }
        return text;
    }
    [[nodiscard]] std::string target_option() const {
        return "doctor --target=iscsi://" + portal_ + "/" + kTarget;
    }
};

TEST_F(Doctor, PassesTheLibraryThroughItsOwnSessionsToo) {
    start(kSmallCartridges);
    EXPECT_EQ(admin(target_option()), 0);
    EXPECT_EQ(admin(target_option() + " --yes --scratch=TL0001L9,TL0002L9"), 0);
    EXPECT_EQ(admin(target_option() + " --yes --lun=2 --scratch=TL0005L8"), 0) << "LTO-8: FORMAT";
}

TEST_F(Doctor, DoesEveryCheckWithTwoSmallScratchCartridgesAndACleaningOne) {
    start(kSmallCartridges);
    ASSERT_EQ(admin("cartridge create CLN001CU"), 0);
    Order order;
    order.scratch = {"TL0001L9", "TL0002L9"};
    order.cleaning = "CLN001CU";
    const auto findings = examine(order);
    EXPECT_EQ(findings_of(findings, Verdict::failed), "");
    EXPECT_EQ(findings_of(findings, Verdict::not_done), "");
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kBackupMib = 320;
#else
constexpr std::uint64_t kBackupMib = 5 * 1024;
#endif

TEST_F(Doctor, ABackupGoesOverTwoTapes) {
    start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0002L9\"\ncapacity = \"" +
          std::to_string(kBackupMib * 3 / 5) + "MiB\"\n");
    Order order;
    order.scratch = {"TL0001L9", "TL0002L9"};
    order.backup_bytes = kBackupMib << 20U;
    std::uint64_t written = 0;
    const auto findings = examine(order, [&written](auto cdb, auto&) {
        written += cdb[0] == 0x0A ? load_big_endian<3>(ByteView(cdb).subspan(2)) : 0;
    });
    EXPECT_EQ(findings_of(findings, Verdict::failed), "");
    EXPECT_EQ(findings_of(findings, Verdict::not_done),
              "The drive is cleaned: no cleaning cartridge was named\n");
    EXPECT_GE(written, order.backup_bytes);
}

TEST_F(Doctor, ACartridgeWithRoomForAllOfTheBackupIsRestoredWholeAndNeedsNoSecondOne) {
    start(kSmallCartridges);
    Order order;
    order.scratch = {"TL0003L9", "TL0004L9"};
    order.backup_bytes = 16ULL << 20U;
    const auto findings = examine(order);
    EXPECT_EQ(findings_of(findings, Verdict::failed), "");
    EXPECT_EQ(findings_of(findings, Verdict::not_done),
              "A backup goes on on a second tape: the first cartridge had room for all of the "
              "backup: name a smaller one, or a larger backup\n"
              "The drive is cleaned: no cleaning cartridge was named\n");
}

TEST_F(Doctor, ChecksOfTheFirstTapeAreNotMadeOnTheSecondWhereThatOneFailed) {
    start(kSmallCartridges);
    Order order;
    order.scratch = {"TL0001L9", "TL0002L9"};
    constexpr std::uint8_t kErase = 0x19;
    int erased = 0;
    const auto findings = examine(order, [&erased](auto cdb, auto& reply) {
        if (cdb[0] == kErase && ++erased == 2) {
            reply.status = 2;
            reply.sense = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0};
        }
    });
    const auto failed = findings_of(findings, Verdict::failed);
    EXPECT_EQ(failed.find("A backup goes on on a second tape: formatting the tape"), 0U) << failed;
    EXPECT_EQ(std::count(failed.begin(), failed.end(), '\n'), 1) << failed;
    const std::string why =
        "the cartridge TL0002L9 is in the drive, where a check before this one ended\n";
    EXPECT_EQ(findings_of(findings, Verdict::not_done),
              "A used tape is used again, and nothing old is left on it: " + why +
                  "A tape is exported to a mail slot and taken back: " + why +
                  "The drive is cleaned: no cleaning cartridge was named\n");
}

TEST_F(Doctor, ChecksOfTheFirstTapeAreNotMadeOnNoneWhereASecondDidNotCome) {
    start(kSmallCartridges);
    Order order;
    order.scratch = {"TL0001L9", "TL0002L9"};
    constexpr std::uint8_t kMoveMedium = 0xA5;
    bool refused = false;  // it is done, and said not to be
    const auto findings = examine(order, [&refused](auto cdb, auto& reply) {
        const bool out_of_drive =
            cdb[0] == kMoveMedium && load_big_endian<2>(ByteView(cdb).subspan(4)) == kDrive0;
        if (out_of_drive && !std::exchange(refused, true)) {
            reply.status = 2;
            reply.sense = {0x70, 0, 4, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x15, 1, 0, 0, 0, 0};
        }
    });
    const auto failed = findings_of(findings, Verdict::failed);
    EXPECT_EQ(failed.find("A backup goes on on a second tape: MOVE MEDIUM"), 0U) << failed;
    const std::string why = "the drive is empty, where a check before this one ended\n";
    EXPECT_EQ(findings_of(findings, Verdict::not_done),
              "A used tape is used again, and nothing old is left on it: " + why +
                  "A tape is exported to a mail slot and taken back: " + why +
                  "The drive is cleaned: no cleaning cartridge was named\n");
}

TEST_F(Doctor, WithoutAScratchCartridgeNothingIsMovedOrWritten) {
    start(kSmallCartridges);
    std::set<int> sent;
    const auto findings = examine({}, [&sent](auto cdb, auto&) { sent.insert(cdb[0]); });
    EXPECT_EQ(findings_of(findings, Verdict::failed), "");
    EXPECT_EQ(sent, (std::set<int>{0x03, 0x07, 0x12, 0x1A, 0x4D, 0x5A, 0xA2, 0xB5, 0xB8}))
        << "status, inventory, and the key that every close of PBS clears";
}

TEST_F(Doctor, TouchesNoOtherCartridgeAndRefusesADriveThatIsInUse) {
    start(kSmallCartridges);
    auto host = login();
    load(host, "TL0003L9", 0);
    ASSERT_GOOD(TapeHost(host, 1).write(pattern(1000, 1)));
    Order order;
    order.scratch = {"TL0001L9"};
    EXPECT_EQ(findings_of(examine(order), Verdict::failed),
              "The scratch cartridge is there and the drive is free: the cartridge TL0003L9 is in "
              "the drive: unload it first\n");
    order.scratch = {"TL0009L9"};
    EXPECT_EQ(findings_of(examine(order), Verdict::failed),
              "The scratch cartridge is there and the drive is free: there is no cartridge "
              "TL0009L9\n");
    auto again = login();
    ASSERT_GOOD(TapeHost(again, 1).rewind());
    const auto read = TapeHost(again, 1).read(1000);
    ASSERT_OK(read);
    EXPECT_EQ(read->data, pattern(1000, 1));
}

TEST_F(Doctor, RefusesWithoutYesAndWithoutAPlaceAndSaysWhatIsAllowed) {
    start(kSmallCartridges);
    EXPECT_EQ(admin(target_option() + " --scratch=TL0001L9 </dev/null"), 2);
    EXPECT_EQ(admin("doctor"), 2);
    EXPECT_EQ(admin("doctor --changer=/dev/null"), 2);
    EXPECT_EQ(admin("doctor --target=http://somewhere"), 2);
    EXPECT_EQ(admin(target_option() + " --scratch=A,B,C --yes"), 2);
    for (const std::string size : {"0", "1048577", "-1", "4GiB"}) {
        EXPECT_EQ(admin(target_option() + " --scratch=TL0001L9 --yes --backup=" + size), 2);
    }
    EXPECT_EQ(admin("doctor --changer=/dev/null --drive=/dev/null"), 5);
    EXPECT_EQ(admin("doctor --target=iscsi://" + portal_ + "/iqn.2026-11.io.tapeloft:nobody"), 5);
}

/// What a monitor asks for: no command moves, writes or sets anything.
const std::vector<Cdb>& status_queries() {
    static const std::vector<Cdb> kQueries = {
        {0x00, 0, 0, 0, 0, 0},                                // TEST UNIT READY
        {0x03, 0, 0, 0, 18, 0},                               // REQUEST SENSE
        {0x12, 0, 0, 0, 36, 0},                               // INQUIRY
        {0x4D, 0, 0x51, 0, 0, 0, 0, 0x10, 0, 0},              // LOG SENSE, activity
        {0x4D, 0, 0x52, 0, 0, 0, 0, 0x10, 0, 0},              // LOG SENSE, TapeAlert
        {0x5A, 8, 0x0F, 0, 0, 0, 0, 0, 255, 0},               // MODE SENSE
        {0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0},  // READ ATTRIBUTE
        {0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0},                    // READ POSITION
        {0xB8, 0x10, 0, 0, 0xFF, 0xFF, 1, 1, 0, 0, 0, 0},     // READ ELEMENT STATUS
    };
    return kQueries;
}

TEST_F(Doctor, PassesWhileAnotherHostAsksForEveryStatusBetweenItsCommands) {
    start(kSmallCartridges);
    auto monitor = login();
    HostUnit changer(monitor, 0);
    HostUnit drive(monitor, 1);
    Order order;
    order.scratch = {"TL0001L9", "TL0003L9"};
    order.backup_bytes = 2ULL << 20U;
    std::size_t asked = 0;
    const auto findings = examine(order, [&](auto, auto&) {
        const auto& query = status_queries()[asked++ % status_queries().size()];
        Unit& unit = query[0] == 0xB8 ? changer : drive;
        EXPECT_TRUE(unit.in(query, 4096, std::chrono::seconds(30)).has_value());
    });
    EXPECT_EQ(findings_of(findings, Verdict::failed), "");
    EXPECT_GT(asked, 10 * status_queries().size());
}

TEST_F(Doctor, SaysThatAnotherHostReservedTheDriveOrThatACartridgeWentOut) {
    start(kSmallCartridges);
    Order order;
    order.scratch = {"TL0001L9"};
    order.backup_bytes = 2ULL << 20U;
    constexpr std::uint8_t kErase = 0x19;
    {
        auto other = login();
        const auto findings = examine(order, [&](auto cdb, auto&) {
            if (cdb[0] == kErase) {
                EXPECT_TRUE(TapeHost(other, 1).wait_ready().has_value());
                EXPECT_TRUE(TapeHost(other, 1).command({0x16, 0, 0, 0, 0, 0})->good());
            }
        });
        const auto words = findings_of(findings, Verdict::failed);
        EXPECT_EQ(words.find("A tape is formatted and labelled: "), 0U) << words;
        EXPECT_NE(words.find("another host has reserved the device"), std::string::npos) << words;
    }
    auto host = login();
    ASSERT_GOOD(ChangerHost(host).move_to("TL0001L9", 2, 0));
    const auto findings = examine(order, [&](auto cdb, auto&) {
        if (cdb[0] == kErase) {
            EXPECT_EQ(admin("cartridge export TL0004L9"), 0);
        }
    });
    const auto words = findings_of(findings, Verdict::failed);
    EXPECT_NE(words.find("does another host work with it?"), std::string::npos) << words;
}

struct FaultRow {
    const char* name;
    const char* check;  ///< the first that fails
    Fault fault;
};

const std::vector<FaultRow>& faults() {
    static const std::vector<FaultRow> kFaults = {
        {"AChangerThatCountsASlotTooMany", "The changer tells its elements and cartridges",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x1A) {
                 ++reply.data.at(13);
             }
         }},
        {"ASerialNumberWithABlank", "Serial numbers give each device a name of its own",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x12 && cdb[2] == 0x80) {
                 reply.data.back() = ' ';
             }
         }},
        {"AnActivityPageWithoutDinit", "The drive tells its status",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x4D && cdb[2] == 0x51) {
                 reply.data.at(8) = 0;
             }
         }},
        {"AnAttentionAfterALoad", "A cartridge is loaded",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x00) {
                 reply.status = 2;
                 reply.sense = {0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x28, 0, 0, 0, 0, 0};
             }
         }},
        {"AFormatThatIsRefused", "A tape is formatted and labelled",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x19) {
                 reply.status = 2;
                 reply.sense = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0};
             }
         }},
        {"AFilemarkWithShortSense", "A tape is formatted and labelled",
         [](auto, auto& reply) {
             reply.sense.resize(std::min<std::size_t>(reply.sense.size(), 8));
         }},
        {"AFileNumberThatDoesNotCount",
         "A backup is written, and the drive tells its activity meanwhile",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x34 && reply.data.size() == 32 && reply.data[23] > 2) {
                 --reply.data[23];
             }
         }},
        {"ABlockThatComesBackChanged", "The catalog of a tape is found",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x08 && reply.data.size() > 4096) {
                 reply.data[4096] ^= 1;
             }
         }},
        {"AResidualThatIsNotTold", "The changer takes its inventory",
         [](auto cdb, auto& reply) {
             if (cdb[0] == 0x07) {
                 reply.residual = 65;
             }
         }},
    };
    return kFaults;
}

class DoctorFault : public Doctor, public testing::WithParamInterface<std::size_t> {};

TEST_P(DoctorFault, IsFoundByTheCheckThatItIsAbout) {
    const auto& row = faults().at(GetParam());
    SCOPED_TRACE(row.name);
    start(kSmallCartridges);
    Order order;
    order.scratch = {"TL0003L9"};
    order.backup_bytes = 2ULL << 20U;
    const auto findings = examine(order, row.fault);
    const auto first = std::find_if(findings.begin(), findings.end(), [](const Finding& each) {
        return each.verdict == Verdict::failed;
    });
    ASSERT_NE(first, findings.end());
    EXPECT_EQ(first->check, row.check) << first->words;
    EXPECT_FALSE(first->words.empty());
}

INSTANTIATE_TEST_SUITE_P(Library, DoctorFault, testing::Range<std::size_t>(0, faults().size()),
                         [](const auto& row) { return std::string(faults().at(row.param).name); });

}  // namespace
}  // namespace tapeloft::tests
