// What a person does with `tapeloft` beside hosts at work: which unit attentions they get, and what
// a host may hold him off from.
#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

constexpr const char* kChanged = "06/28/00";   // medium may have changed
constexpr const char* kAccessed = "06/28/01";  // import or export element accessed
constexpr const char* kNothing = "GOOD";
constexpr int kDone = 0;
constexpr int kRefused = 1;

class Administration : public LibraryFixture {
  protected:
    void SetUp() override {
        start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\n");
        host_.emplace(login());
        log_in_other();
        for (int lun = 0; lun <= 2; ++lun) {
            (void)TapeHost(*other_, lun).test_unit_ready();
        }
    }
    void log_in_other() {
        auto options = login_options();
        options.initiator_name += "-other";
        options.isid = 7;
        auto other = ScsiHost::login(options);
        ASSERT_OK(other);
        other_.emplace(std::move(*other));
    }
    TapeHost mine(int lun = 0) { return TapeHost(*host_, lun); }
    TapeHost theirs(int lun = 0) { return TapeHost(*other_, lun); }
    static std::string ready(ScsiHost& host, int lun) {
        return pbs_outcome(host.execute(lun, Cdb{0x00, 0, 0, 0, 0, 0}), 0);
    }
    /// Of the changer, once for the one host and the other.
    void expect_attentions(const char* of_host, const char* of_other) {
        EXPECT_EQ(ready(*host_, 0), of_host);
        EXPECT_EQ(ready(*host_, 0), kNothing);
        EXPECT_EQ(ready(*other_, 0), of_other);
        EXPECT_EQ(ready(*other_, 0), kNothing);
    }
    void expect_attentions(const char* of_both) { expect_attentions(of_both, of_both); }
    /// The element that shows a barcode; 0: none.
    std::uint16_t address_of(const std::string& barcode) {
        const auto elements = ChangerHost(*other_).inventory();
        EXPECT_TRUE(elements.has_value());
        for (const auto& element : *elements) {
            if (element.full && element.barcode == barcode) {
                return element.address;
            }
        }
        return 0;
    }

    std::optional<ScsiHost> host_;
    std::optional<ScsiHost> other_;
};

TEST_F(Administration, EveryChangeOfAPersonIsToldToEveryHostByItsAttention) {
    struct Row {
        const char* command;
        const char* attention;
        const char* barcode;
        std::uint16_t address;  // where hosts see it then; 0: nowhere
    };
    // clang-format off
    const std::vector<Row> rows = {
        {"changer move TL0001L9 slot9",                          kChanged,  "TL0001L9", 1008},
        {"changer move TL0001L9 slot9",                          kNothing,  "TL0001L9", 1008},
        {"changer move TL0001L9 mail1",                          kAccessed, "TL0001L9", kMail1},
        {"changer move TL0001L9 mail2",                          kAccessed, "TL0001L9", kMail2},
        {"changer move TL0001L9 slot1",                          kAccessed, "TL0001L9", kSlot1},
        {"cartridge export TL0001L9",                            kAccessed, "TL0001L9", 0},
        {"cartridge import TL0001L9 --slot=mail2",               kAccessed, "TL0001L9", kMail2},
        {"cartridge export TL0001L9",                            kAccessed, "TL0001L9", 0},
        {"cartridge import TL0001L9",                            kAccessed, "TL0001L9", kMail1},
        {"cartridge create AB0001L9 --location=slot7",           kChanged,  "AB0001L9", 1006},
        {"cartridge create AB0002L9 --location=mail2",           kAccessed, "AB0002L9", kMail2},
        {"cartridge delete AB0002L9 --yes",                      kAccessed, "AB0002L9", 0},
        {"cartridge delete AB0001L9 --yes",                      kChanged,  "AB0001L9", 0},
        {"cartridge delete TL0002L9 --dry-run",                  kNothing,  "TL0002L9", 1001},
        {"cartridge protect TL0002L9",                           kNothing,  "TL0002L9", 1001},
        {"library mail open",                                    kNothing,  "TL0001L9", kMail1},
        {"cartridge export TL0001L9",                            kNothing,  "TL0001L9", 0},
        {"cartridge import TL0001L9 --slot=mail2",               kNothing,  "TL0001L9", kMail2},
        {"library mail close",                                   kAccessed, "TL0001L9", kMail2},
        {"library mail close",                                   kNothing,  "TL0001L9", kMail2},
        {"cartridge export TL0001L9",                            kAccessed, "TL0001L9", 0},
        {"cartridge delete TL0001L9 --yes",                      kNothing,  "TL0001L9", 0},
    };
    // clang-format on
    for (const auto& row : rows) {
        SCOPED_TRACE(row.command);
        EXPECT_EQ(admin(row.command), kDone);
        expect_attentions(row.attention);
        EXPECT_EQ(address_of(row.barcode), row.address);
    }
}

TEST_F(Administration, AMoveIntoADriveIsToldByTheDriveAsWell) {
    ASSERT_EQ(admin("changer move TL0001L9 drive0"), kDone);
    expect_attentions(kChanged);
    for (auto* const host : {&*host_, &*other_}) {
        EXPECT_EQ(ready(*host, 1), kChanged);
        EXPECT_EQ(ready(*host, 1), kNothing);
        EXPECT_EQ(ready(*host, 2), "02/3A/00") << "nothing of the other drive";
    }
    ASSERT_EQ(admin("cartridge export TL0001L9"), kDone);
    expect_attentions(kAccessed);
    EXPECT_EQ(ready(*host_, 1), "02/3A/00");
}

TEST_F(Administration, AMoveOfAHostIsToldByTheDriveToTheOthersAndByTheChangerToNobody) {
    ASSERT_GOOD(ChangerHost(*host_).move(kSlot1, kDrive0));
    expect_attentions(kNothing);
    EXPECT_EQ(ready(*host_, 1), kNothing);
    EXPECT_EQ(ready(*other_, 1), kChanged);
    EXPECT_EQ(ready(*other_, 1), kNothing);
}

TEST_F(Administration, MailSlotsThatAHostOpensAndClosesAreToldToTheOthers) {
    ASSERT_GOOD(mine().command({0x1B, 0, 0, 16, 0, 0}));
    expect_attentions(kNothing);
    ASSERT_SENSE(ChangerHost(*other_).move(kSlot1, kMail1), 5, 0x3B11);
    EXPECT_EQ(admin("changer move TL0001L9 mail1"), kRefused);
    ASSERT_EQ(admin("cartridge create AB0001L9 --location=mail1"), kDone) << "a hand puts it there";
    expect_attentions(kNothing);
    ASSERT_GOOD(mine().command({0x1B, 0, 0, 16, 1, 0}));
    expect_attentions(kNothing, kAccessed);
    ASSERT_GOOD(ChangerHost(*other_).move(kMail1, 1008));
}

TEST_F(Administration, AttentionsWaitForAHostThatIsAway) {
    ASSERT_OK(other_->logout());
    other_.reset();
    ASSERT_EQ(admin("changer move TL0001L9 mail1"), kDone);
    log_in_other();
    EXPECT_EQ(ready(*other_, 0), "06/29/07") << "its nexus was lost";
    expect_attentions(kAccessed);
}

TEST_F(Administration, AHostThatPreventsRemovalKeepsTheDoorShut) {
    ASSERT_EQ(admin("cartridge export TL0004L9"), kDone);
    expect_attentions(kAccessed);
    ASSERT_GOOD(mine().command({0x1E, 0, 0, 0, 1, 0}));
    for (const char* const command :
         {"library mail open", "cartridge export TL0001L9", "cartridge import TL0004L9",
          "cartridge create AB0001L9 --location=mail1"}) {
        EXPECT_EQ(admin(command), kRefused) << command;
    }
    expect_attentions(kNothing);
    EXPECT_EQ(address_of("TL0001L9"), kSlot1);
    ASSERT_OK(host_->logout());  // prevention ends with its session
    EXPECT_EQ(admin("cartridge export TL0001L9"), kDone);
    EXPECT_EQ(ready(*other_, 0), kAccessed);
}

TEST_F(Administration, AHostThatHasTheDriveLockedKeepsItsCartridge) {
    load(*host_, "TL0001L9", 0);
    (void)ready(*other_, 1);
    ASSERT_GOOD(mine(1).command({0x1E, 0, 0, 0, 1, 0}));
    EXPECT_EQ(admin("changer move TL0001L9 slot1"), kRefused);
    EXPECT_EQ(admin("cartridge export TL0001L9"), kRefused);
    EXPECT_EQ(admin("cartridge delete TL0001L9 --yes"), kRefused);
    expect_attentions(kNothing);
    EXPECT_EQ(address_of("TL0001L9"), kDrive0);
    ASSERT_GOOD(mine(1).test_unit_ready());
}

TEST_F(Administration, AHostThatHasTheChangerReservedKeepsTheRobot) {
    Bytes list(24);
    list[15] = 0x77;
    for (const bool persistent : {false, true}) {
        SCOPED_TRACE(persistent);
        if (persistent) {
            ASSERT_GOOD(mine().command_out({0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, list));
            list[7] = 0x77;
            ASSERT_GOOD(mine().command_out({0x5F, 1, 3, 0, 0, 0, 0, 0, 24, 0}, list));
        } else {
            ASSERT_GOOD(mine().command({0x16, 0, 0, 0, 0, 0}));
        }
        EXPECT_EQ(admin("changer move TL0001L9 slot9"), kRefused);
        EXPECT_EQ(admin("cartridge export TL0001L9"), kRefused);
        if (!persistent) {
            ASSERT_GOOD(mine().command({0x17, 0, 0, 0, 0, 0}));
        }
    }
    ASSERT_GOOD(mine().command_out({0x5F, 2, 3, 0, 0, 0, 0, 0, 24, 0}, list));
    EXPECT_EQ(address_of("TL0001L9"), kSlot1);
    EXPECT_EQ(admin("changer move TL0001L9 slot9"), kDone);
}

TEST_F(Administration, WhatAPersonGetsWrongChangesNothing) {
    struct Row {
        const char* command;
        int status;
    };
    for (const Row& row :
         {Row{"changer move TL0001L9 slot2", kRefused}, Row{"changer move TL0001L9 slot9999", 4},
          Row{"changer move TL0009L9 slot9", 4}, Row{"changer move TL0001L9 outside", kRefused},
          Row{"cartridge import TL0001L9", kRefused}, Row{"cartridge import TL0009L9", 4},
          Row{"cartridge export TL0009L9", 4}, Row{"cartridge create TL0001L9", kRefused},
          Row{"cartridge create AB0001L9 --location=slot1", kRefused},
          Row{"cartridge create AB0001L1", kRefused}, Row{"library mail ajar", 2}}) {
        EXPECT_EQ(admin(row.command), row.status) << row.command;
    }
    expect_attentions(kNothing);
    EXPECT_EQ(address_of("TL0001L9"), kSlot1);
    EXPECT_EQ(address_of("AB0001L9"), 0);
}

}  // namespace
}  // namespace tapeloft::tests
