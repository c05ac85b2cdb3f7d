// The log pages of a changer.
#include <gtest/gtest.h>

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

using tests::outcome;

constexpr std::uint16_t kSlot1 = 1000;
constexpr std::uint16_t kMail1 = 16;
constexpr std::uint16_t kDrive0 = 256;

class ChangerLogPages : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
    }
};

TEST_F(ChangerLogPages, AFailedMoveIsATapeAlertUntilOneWorks) {
    const auto flags = [this](scsi::ItNexusId nexus) {
        const auto got = send({0x4D, 0, 0x2E, 0, 0, 0, 0, 0x04, 0, 0}, nexus);
        const ByteView page = got.data_in.view();
        EXPECT_EQ(page.size(), 4U + 32 * 5);
        std::string text;
        for (std::size_t flag = 1; flag <= 32; ++flag) {
            text += page[4 + (flag - 1) * 5 + 4] != 0 ? std::to_string(flag) + " " : "";
        }
        return text;
    };
    drive(0).insert_error = Error{Errc::io, "jammed"};
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "04/53/00");
    life_->catalog->moves_fail = true;
    EXPECT_EQ(outcome(move_medium(kSlot1, kMail1)), "04/44/00");
    EXPECT_EQ(flags(kHost), "15 24 ");
    EXPECT_EQ(flags(kHost), "") << "told once";
    EXPECT_EQ(flags(kOtherHost), "15 24 ") << "and every nexus for itself";
    life_->catalog->moves_fail = false;
    drive(0).insert_error.reset();
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(flags(kOtherHost), "");
}

}  // namespace
}  // namespace tapeloft::vtl::library
