// Faults that other virtual libraries have or had, and that broke hosts: as a changer, we do not
// have them.
#include <array>
#include <set>
#include <thread>

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

class PeerFaults : public LibraryFixture {
  protected:
    void begin(const std::string& library = "") {
        start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\n", "", library);
        host_.emplace(login());
    }
    Result<Reply> send(const Cdb& cdb, std::size_t length = 4096) {
        return host_->execute(0, cdb, length);
    }
    Bytes data(const Cdb& cdb, std::size_t length = 4096) {
        const auto reply = send(cdb, length);
        EXPECT_EQ(pbs_outcome(reply, length), "GOOD");
        return reply ? reply->data : Bytes();
    }
    std::string outcome(const Cdb& cdb, std::size_t length = 4096) {
        return pbs_outcome(send(cdb, length), length);
    }

    std::optional<ScsiHost> host_;
};

TEST_F(PeerFaults, NoElementStatusPageIsWithoutADescriptor) {
    begin("import_export_slots = 0\nslots = 40\n");
    for (std::uint8_t type = 0; type <= 4; ++type) {
        for (std::uint16_t length = 0; length <= 512; ++length) {
            for (const std::uint16_t start : std::initializer_list<std::uint16_t>{0, 300, 1038}) {
                Cdb cdb{0xB8, static_cast<std::uint8_t>(0x10U | type), 0, 0, 0, 99, 0, 0, 0, 0, 0,
                        0};
                store_big_endian<2>(MutableByteView(cdb).subspan(2), start);
                store_big_endian<2>(MutableByteView(cdb).subspan(8), length);
                const auto report = data(cdb, length);
                for (std::size_t at = 8; at < report.size();) {
                    ASSERT_LE(at + 8, report.size());
                    const auto page = ByteView(report).subspan(at);
                    const auto size = load_big_endian<3>(page.subspan(5));
                    ASSERT_GE(size, load_big_endian<2>(page.subspan(2))) << length;
                    at += 8 + size;
                    ASSERT_LE(at, report.size());
                }
            }
        }
    }
}

TEST_F(PeerFaults, APageSaysThatItHasAlternateTagsOnlyIfItHasThem) {
    begin();
    for (std::uint8_t options = 0; options <= 3; ++options) {
        const auto report = data({0xB8, 0x10, 0, 0, 0, 99, options, 0, 0x40, 0, 0, 0}, 0x4000);
        for (std::size_t at = 8; at < report.size();) {
            const auto page = ByteView(report).subspan(at);
            EXPECT_EQ(page[1], 0x80) << "PVOLTAG alone";
            const bool identified = page[0] == 4 && (options & 1U) != 0;
            EXPECT_EQ(load_big_endian<2>(page.subspan(2)), identified ? 86U : 52U);
            at += 8 + load_big_endian<3>(page.subspan(5));
        }
    }
}

TEST_F(PeerFaults, EveryReplyHasItsExactResidualAndNoOverflow) {
    begin();
    const auto expect = [this](const Cdb& cdb, std::size_t length) {
        const auto reply = send(cdb, length);
        ASSERT_TRUE(reply && reply->good()) << reply->text();
        EXPECT_EQ(reply->residual, static_cast<std::int64_t>(length - reply->data.size()));
    };
    for (const std::size_t length : {16U, 100U, 4096U, 65'536U, 1U << 20U}) {
        SCOPED_TRACE(length);
        Cdb elements{0xB8, 0x10, 0, 0, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0};
        store_big_endian<3>(MutableByteView(elements).subspan(7), length);
        expect(elements, length);
    }
    expect({0x12, 0, 0, 0, 255, 0}, 255);
    expect({0x1A, 8, 0x3F, 0xFF, 255, 0}, 255);
    expect({0x4D, 0, 0x54, 0, 0, 0, 0, 0x10, 0, 0}, 4096);
    expect({0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0}, 0x4000);
}

TEST_F(PeerFaults, AnUnknownPageIsRefusedAndNotAnsweredEmpty) {
    begin();
    std::set<std::uint8_t> known;
    const auto pages = data({0x12, 1, 0, 0, 255, 0}, 255);
    known.insert(pages.begin() + 4, pages.end());
    for (unsigned page = 0; page <= 0xFF; ++page) {
        const auto code = static_cast<std::uint8_t>(page);
        EXPECT_EQ(outcome({0x12, 1, code, 0, 255, 0}, 255),
                  known.contains(code) ? "GOOD" : "05/24/00")
            << page;
    }
    std::set<std::uint8_t> logs;
    const auto list = data({0x4D, 0, 0x40, 0, 0, 0, 0, 1, 0, 0}, 256);
    logs.insert(list.begin() + 4, list.end());
    for (std::uint8_t page = 0; page < 0x3F; ++page) {
        const Cdb sense{0x4D, 0, static_cast<std::uint8_t>(0x40U | page), 0, 0, 0, 0, 4, 0, 0};
        EXPECT_EQ(outcome(sense, 1024), logs.contains(page) ? "GOOD" : "05/24/00") << int{page};
    }
}

TEST_F(PeerFaults, NoLogPageIsEmptyAndTheLengthIsThatOfTheParameters) {
    begin();
    const auto list = data({0x4D, 0, 0x40, 0, 0, 0, 0, 1, 0, 0}, 256);
    EXPECT_EQ(Bytes(list.begin() + 4, list.end()), (Bytes{0x00, 0x0D, 0x14, 0x2E}));
    for (std::size_t i = 5; i < list.size(); ++i) {
        const Cdb sense{0x4D, 0, static_cast<std::uint8_t>(0x40U | list[i]), 0, 0, 0, 0, 4, 0, 0};
        const auto page = data(sense, 1024);
        ASSERT_GT(page.size(), 8U);
        EXPECT_EQ(load_big_endian<2>(ByteView(page).subspan(2)), page.size() - 4);
        std::size_t at = 4;
        while (at + 4 <= page.size()) {
            EXPECT_GT(page[at + 3], 0) << "a parameter without a value";
            at += 4U + page[at + 3];
        }
        EXPECT_EQ(at, page.size());
    }
}

TEST_F(PeerFaults, SubpagesHaveTheLongHeader) {
    begin();
    for (const auto& [page, subpage] :
         {std::pair<std::uint8_t, std::uint8_t>{0x1F, 0x41}, {0x3F, 0xFF}}) {
        const auto modes = data({0x5A, 8, page, subpage, 0, 0, 0, 2, 0, 0}, 512);
        ASSERT_EQ(load_big_endian<2>(modes) + 2, modes.size());
        bool found = false;
        for (std::size_t at = 8; at < modes.size();) {
            const bool long_header = (modes[at] & 0x40U) != 0;
            found = found || (long_header && (modes[at] & 0x3FU) == 0x1F && modes[at + 1] == 0x41);
            at += long_header ? 4 + load_big_endian<2>(ByteView(modes).subspan(at + 2))
                              : 2U + modes[at + 1];
            ASSERT_LE(at, modes.size());
        }
        EXPECT_TRUE(found);
    }
}

TEST_F(PeerFaults, TheTimestampHasFortyEightBits) {
    begin();
    const Bytes list = {0, 0, 0, 0, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x00, 0, 0};
    const Cdb set{0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0};
    ASSERT_EQ(pbs_outcome(host_->execute_out(0, set, list), 12), "GOOD");
    const auto told = data({0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 12);
    ASSERT_EQ(told.size(), 12U);
    EXPECT_EQ(load_big_endian<2>(told), 10U);
    const auto milliseconds = load_big_endian<6>(ByteView(told).subspan(4));
    EXPECT_GE(milliseconds, 0xFEDC'BA98'7600U);
    EXPECT_LT(milliseconds, 0xFEDC'BA98'7600U + 600'000);
}

TEST_F(PeerFaults, DumpsAndDownloadsAreRefusedAtOnce) {
    begin();
    for (std::uint8_t mode = 0; mode < 0x20; ++mode) {
        const auto reply = send({0x3C, mode, 0, 0, 0, 0, 0, 0, 4, 0}, 4);
        ASSERT_TRUE(reply.has_value());
        EXPECT_TRUE(reply->good() || reply->is(5, 0x2400) || reply->is(5, 0x2C00)) << reply->text();
        const auto written =
            host_->execute_out(0, Cdb{0x3B, mode, 0, 0, 0, 0, 0, 0, 4, 0}, Bytes(4));
        ASSERT_TRUE(written.has_value());
        const bool buffer = mode == 0x00 || mode == 0x02 || mode == 0x0A;  // of the session
        EXPECT_TRUE(buffer ? written->good() : written->is(5, 0x2400)) << int{mode};
    }
    const auto diagnostic =
        host_->execute_out(0, Cdb{0x1D, 0x10, 0, 0, 8, 0}, Bytes{0x80, 0, 0, 4, 1, 0, 0, 0});
    ASSERT_TRUE(diagnostic.has_value());
    EXPECT_TRUE(diagnostic->is(5, 0x2600)) << diagnostic->text();
    EXPECT_EQ(outcome({0x00, 0, 0, 0, 0, 0}, 0), "GOOD");
}

TEST_F(PeerFaults, TwoLoadsOfOneDriveLeaveItWithOneOfThemAndReady) {
    begin();
    for (int round = 0; round < 10; ++round) {
        std::array<std::string, 2> outcomes;
        const auto load_from = [this, &outcomes](std::size_t index, std::uint16_t slot) {
            auto host = login();
            outcomes.at(index) = pbs_move(host, slot, kDrive0);
        };
        std::thread first(load_from, 0, kSlot1);
        std::thread second(load_from, 1, kSlot2);
        first.join();
        second.join();
        EXPECT_EQ((std::multiset<std::string>{outcomes[0], outcomes[1]}),
                  (std::multiset<std::string>{"05/3B/0D", "GOOD"}));
        ASSERT_OK(TapeHost(*host_, 1).wait_ready(2));
        const auto library = ChangerHost(*host_).inventory();
        ASSERT_OK(library);
        const bool first_won = outcomes[0] == "GOOD";
        for (const auto& element : *library) {
            if (element.address == kDrive0) {
                EXPECT_EQ(element.barcode, first_won ? "TL0001L9" : "TL0002L9");
            }
        }
        ASSERT_EQ(pbs_move(*host_, kDrive0, first_won ? kSlot1 : kSlot2), "GOOD");
    }
}

TEST_F(PeerFaults, TheSerialNumberIsShortTheSameEverywhereAndStays) {
    begin();
    const auto serial_of = [this] {
        const auto page = data({0x12, 1, 0x80, 0, 255, 0}, 255);
        return std::string(as_text(ByteView(page).subspan(4)));
    };
    const auto serial = serial_of();
    EXPECT_EQ(serial.size(), 10U);
    const auto inquiry = data({0x12, 0, 0, 0, 255, 0}, 255);
    EXPECT_NE(as_text(inquiry).find(serial), std::string_view::npos) << "bytes 38 to 49 of IBM's";
    const auto identification = data({0x12, 1, 0x83, 0, 255, 0}, 255);
    EXPECT_NE(as_text(identification).find(serial), std::string_view::npos);
    host_.reset();
    daemon_->kill();
    restart();
    host_.emplace(login());
    EXPECT_EQ(serial_of(), serial);
}

TEST_F(PeerFaults, AMailSlotSaysWhoFilledIt) {
    begin();
    ASSERT_EQ(pbs_move(*host_, kSlot1, kMail1), "GOOD");
    ASSERT_EQ(admin("cartridge export TL0002L9"), 0);
    ASSERT_EQ(admin("cartridge import TL0002L9 --slot=mail2"), 0);
    (void)TapeHost(*host_, 0).test_unit_ready();
    const auto report = data({0xB8, 0x03, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0}, 256);
    ASSERT_EQ(report.size(), 8U + 8 + 2 * 16);
    EXPECT_EQ(report[16 + 2] & 0x3BU, 0x39U) << "by the robot";
    EXPECT_EQ(report[32 + 2] & 0x3BU, 0x3BU) << "IMPEXP: by a person";
    EXPECT_EQ(report[16 + 9] & 0x80U, 0x80U) << "and where from";
    EXPECT_EQ(report[32 + 9] & 0x80U, 0U);
}

}  // namespace
}  // namespace tapeloft::tests
