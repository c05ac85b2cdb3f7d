// EXCHANGE MEDIUM (SMC-3, 6.3): two cartridges at once, both of them or none.
#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

class ExchangeMedium : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
    }
    static std::vector<std::uint8_t> cdb(std::uint16_t source, std::uint16_t first,
                                         std::uint16_t second) {
        const auto high = [](std::uint16_t v) { return static_cast<std::uint8_t>(v >> 8U); };
        const auto low = [](std::uint16_t v) { return static_cast<std::uint8_t>(v & 0xFFU); };
        return {0xA6,         0,           0, 0, high(source), low(source), high(first), low(first),
                high(second), low(second), 0, 0};
    }
    scsi::Completion exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) {
        return send(cdb(source, first, second));
    }
};

TEST_F(ExchangeMedium, BringsOneIntoTheDriveAndTheOtherBackToAFreeSlot) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(exchange(kSlot2, kDrive0, kSlot1)), "GOOD");
    EXPECT_EQ(drive(0).mounted(), "TL0002L8");
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(place_of("TL0002L8"), in_drive(0));
    start();
    EXPECT_EQ(drive(0).mounted(), "TL0002L8");
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
}

TEST_F(ExchangeMedium, SwapsTwoElementsWhenTheSecondDestinationIsTheSource) {
    EXPECT_EQ(outcome(exchange(kSlot1, kSlot2, kSlot1)), "GOOD");
    EXPECT_EQ(place_of("TL0001L8"), slot(2));
    EXPECT_EQ(place_of("TL0002L8"), slot(1));
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    ASSERT_EQ(outcome(move_medium(kSlot2, kDrive1)), "GOOD");
    EXPECT_EQ(outcome(exchange(kDrive0, kDrive1, kDrive0)), "GOOD");
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
    EXPECT_EQ(drive(1).mounted(), "TL0002L8");
    EXPECT_EQ(changer().cartridge("TL0001L8")->source, slot(2));
}

TEST_F(ExchangeMedium, PointsAtWhatIsWrongAndMovesNothing) {
    struct Row {
        std::uint16_t source, first, second;
        const char* sense;
        std::uint16_t byte;
    };
    const std::vector<Row> rows{
        {kSlot3, kSlot1, kMail1, "05/3B/0E", 4},  // source empty
        {kSlot1, kSlot3, kMail1, "05/3B/0E", 6},  // nothing there to make room
        {kSlot1, kSlot1, kMail1, "05/3B/0D", 6}, {kSlot1, kSlot2, kSlot2, "05/3B/0D", 8},
        {999, kSlot1, kMail1, "05/21/01", 4},    {kSlot1, 999, kMail1, "05/21/01", 6},
        {kSlot1, kSlot2, 999, "05/21/01", 8},
    };
    for (const auto& row : rows) {
        const auto refused = exchange(row.source, row.first, row.second);
        EXPECT_EQ(outcome(refused), row.sense);
        ASSERT_TRUE(refused.sense && refused.sense->field);
        EXPECT_EQ(refused.sense->field->byte, row.byte);
    }
    auto inverted = cdb(kSlot1, kSlot2, kSlot1);
    inverted[10] = 2;  // INV1
    EXPECT_EQ(outcome(send(inverted)), "05/24/00");
    auto other_transport = cdb(kSlot1, kSlot2, kSlot1);
    other_transport[3] = 1;
    EXPECT_EQ(outcome(send(other_transport)), "05/21/01");
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(place_of("TL0002L8"), slot(2));
}

TEST_F(ExchangeMedium, ThatFailsOnTheWayPutsBothBack) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    const auto expect_both_back = [this] {
        EXPECT_EQ(drive(0).mounted(), "TL0001L8");
        EXPECT_EQ(drive(1).mounted(), "");
        EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
        EXPECT_EQ(place_of("TL0002L8"), slot(2));
    };
    life_->catalog->moves_fail = true;
    EXPECT_EQ(outcome(exchange(kSlot2, kDrive0, kSlot2)), "04/44/00");
    expect_both_back();
    EXPECT_EQ(outcome(exchange(kSlot2, kDrive0, kDrive1)), "04/44/00");
    expect_both_back();
    life_->catalog->moves_fail = false;
    drive(1).insert_error = Error{Errc::unsupported, "LTO-8 cannot read it"};
    EXPECT_EQ(outcome(exchange(kSlot2, kDrive0, kDrive1)), "05/30/00");
    expect_both_back();
    drive(0).remove_error = Error{Errc::precondition, "removal is prevented"};
    EXPECT_EQ(outcome(exchange(kSlot2, kDrive0, kSlot2)), "05/53/02");
    expect_both_back();
}

TEST_F(ExchangeMedium, KilledAtAnyStepLeavesBothInTheirOldOrTheirNewPlaces) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    int kills_before_the_end = 0;
    for (int steps = 0;; ++steps) {
        boost::asio::co_spawn(changer().executor(),
                              changer().execute(task(cdb(kSlot2, kDrive0, kSlot2), kHost)),
                              boost::asio::detached);
        life_->context.restart();
        for (int i = 0; i < steps && life_->context.poll_one() != 0; ++i) {
        }
        start();
        if (place_of("TL0002L8") == in_drive(0)) {
            EXPECT_EQ(place_of("TL0001L8"), slot(2));
            EXPECT_EQ(drive(0).mounted(), "TL0002L8");
            break;
        }
        ASSERT_EQ(place_of("TL0001L8"), in_drive(0));
        ASSERT_EQ(place_of("TL0002L8"), slot(2));
        ASSERT_LT(steps, 1000);
        ++kills_before_the_end;
    }
    EXPECT_GE(kills_before_the_end, 2);
}

}  // namespace
}  // namespace tapeloft::vtl::library
