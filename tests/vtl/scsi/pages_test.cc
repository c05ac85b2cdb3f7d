// INQUIRY, REPORT LUNS, mode pages and log pages.
#include <random>

#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/log_pages.h"
#include "vtl/scsi/mode_pages.h"

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::scsi {
namespace {

Task task_of(std::initializer_list<unsigned> cdb, Bytes data_out = {}) {
    Task task;
    std::size_t i = 0;
    for (const unsigned byte : cdb) {
        task.cdb.at(i++) = static_cast<std::uint8_t>(byte);
    }
    task.data_out = Buffer::copy_of(data_out);
    return task;
}

class Inquiry : public testing::Test {
  protected:
    Inquiry() {
        identity.device_type = PeripheralDeviceType::sequential_access;
        identity.vendor = "IBM";
        identity.product = "ULT3580-TD8";
        identity.revision = "N9M1";
        identity.serial = "VTLDRV0001";
        identity.target_name = "iqn.2026-11.io.tapeloft:default";
        identity.device_pages.push_back({0xB0, Bytes(2)});
    }
    Bytes ask(std::initializer_list<unsigned> cdb) const {
        return bytes_of(inquiry_data(identity, task_of(cdb)));
    }
    Identity identity;
};

TEST_F(Inquiry, StandardDataIsPaddedAndCutToTheAllocationLength) {
    const Bytes data = ask({0x12, 0, 0, 0, 96, 0});
    EXPECT_EQ(data.size(), 74U);
    EXPECT_EQ(hex(ByteView(data).first(8)), "0180060245110002");
    EXPECT_EQ(as_text(ByteView(data).subspan(8, 28)), "IBM     ULT3580-TD8     N9M1");
    EXPECT_EQ(ask({0x12, 0, 0, 0, 36, 0}).size(), 36U);
    EXPECT_EQ(ask({0x12, 0, 0, 1, 0, 0}).size(), 74U);
    EXPECT_TRUE(ask({0x12, 0, 0, 0, 0, 0}).empty());
}

TEST_F(Inquiry, EveryUnitHasTargetPortGroupsAndOnlyADriveProtection) {
    EXPECT_EQ(hex(ask({0x12, 1, 0x86, 0, 252, 0})).substr(0, 12), "0186003C0807") << "SPT 001b";
    identity.device_type = PeripheralDeviceType::media_changer;
    EXPECT_EQ(ask({0x12, 0, 0, 0, 96, 0}).at(5), 0x10) << "TPGS 01b, PROTECT 0";
    EXPECT_EQ(hex(ask({0x12, 1, 0x86, 0, 252, 0})).substr(0, 12), "0886003C0007");
    identity.device_type = PeripheralDeviceType::unknown;
    EXPECT_EQ(ask({0x12, 0, 0, 0, 96, 0}).at(5), 0) << "there is no logical unit";
}

TEST_F(Inquiry, PageCodeWithoutEvpdAndUnknownPagesAreRefused) {
    EXPECT_EQ(field(inquiry_data(identity, task_of({0x12, 0, 0x80, 0, 96, 0}))), "cdb 2.7");
    for (const unsigned page : {0x01U, 0x84U, 0xB1U, 0xC0U, 0xFFU}) {
        EXPECT_EQ(outcome(inquiry_data(identity, task_of({0x12, 1, page, 0, 96, 0}))), "05/24/00");
    }
}

TEST_F(Inquiry, SupportedPagesAndSerialNumberAreVerbatim) {
    EXPECT_EQ(hex(ask({0x12, 1, 0x00, 0, 252, 0})), "0100000500808386B0");
    EXPECT_EQ(hex(ask({0x12, 1, 0x80, 0, 252, 0})), "0180000A" + hex(as_bytes("VTLDRV0001")));
    EXPECT_EQ(hex(ask({0x12, 1, 0xB0, 0, 252, 0})), "01B000020000");
}

TEST_F(Inquiry, DeviceIdentificationNamesUnitPortAndDevice) {
    const Bytes page = ask({0x12, 1, 0x83, 4, 0, 0});
    ASSERT_EQ(load_big_endian<2>(ByteView(page).subspan(2)), page.size() - 4);
    EXPECT_EQ(page[6], 0) << "else udev takes a legacy format";
    std::vector<std::string> seen;
    for (std::size_t at = 4; at < page.size(); at += 4U + page[at + 3]) {
        seen.push_back(hex(ByteView(page).subspan(at, 3)));
        if (page[at + 1] == 0x03) {
            EXPECT_EQ(page[at + 3], 8);
            EXPECT_EQ(page[at + 4] >> 4U, 3U) << "locally assigned";
        }
        if (page[at + 1] == 0x01) {
            EXPECT_EQ(as_text(ByteView(page).subspan(at + 4, page[at + 3])),
                      "IBM     ULT3580-TD8     VTLDRV0001");
        }
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"010300", "020100", "519400", "519500", "539800",
                                              "53A800"}));
    EXPECT_NE(as_text(page).find("iqn.2026-11.io.tapeloft:default,t,0x0001"),
              std::string_view::npos);
}

TEST_F(Inquiry, NamesAreStableAndDifferBySerialNumber) {
    EXPECT_EQ(naa_locally_assigned("VTLDRV0001"), naa_locally_assigned("VTLDRV0001"));
    EXPECT_NE(naa_locally_assigned("VTLDRV0001"), naa_locally_assigned("VTLDRV0002"));
    EXPECT_EQ(hex(naa_locally_assigned("VTLDRV0001")),
              "3" + hex(naa_locally_assigned("VTLDRV0001")).substr(1));
}

TEST(ReportLuns, ListsAllByTheRequestedKind) {
    const auto ask = [](unsigned select, unsigned length) {
        return report_luns_data(3, task_of({0xA0, 0, select, 0, 0, 0, 0, 0, 0, length, 0, 0}));
    };
    const std::string three =
        "0000001800000000"
        "0000000000000000"
        "0001000000000000"
        "0002000000000000";
    EXPECT_EQ(hex(bytes_of(ask(0, 255))), three);
    EXPECT_EQ(hex(bytes_of(ask(2, 255))), three);
    EXPECT_EQ(hex(bytes_of(ask(1, 255))), "0000000000000000");
    EXPECT_EQ(bytes_of(ask(0, 16)).size(), 16U);
    EXPECT_EQ(field(ask(0, 15)), "cdb 6.7");
    EXPECT_EQ(hex(bytes_of(ask(0x10, 255))), "0000000000000000");
    EXPECT_EQ(hex(bytes_of(ask(0x11, 255))), three);
    EXPECT_EQ(field(ask(0x12, 255)), "cdb 2.7");
    EXPECT_EQ(field(ask(3, 255)), "cdb 2.7");
}

class Modes : public testing::Test {
  protected:
    Modes() : pages(rows()) {}
    static std::vector<ModePage> rows() {
        return {{0x0A, 0x00, {1, 2}, {0xF0, 0}},
                {0x0A, 0x05, {7, 8, 9}, {}},
                {0x1D, 0x00, {4}, {0xFF}}};
    }
    std::string sense(std::initializer_list<unsigned> cdb) const {
        const ModeParameterHeader header{0x88, 0x10};
        const BlockDescriptor descriptor{0x5E, 0, 0x040000};
        const Completion got = pages.sense(task_of(cdb), header, descriptor);
        return got.status == Status::good ? hex(bytes_of(got)) : outcome(got) + " " + field(got);
    }
    std::string select(std::initializer_list<unsigned> cdb, Bytes list) {
        auto decoded = pages.decode_select(task_of(cdb, std::move(list)));
        if (auto* const refused = std::get_if<Completion>(&decoded)) {
            return outcome(*refused) + " " + field(*refused);
        }
        pages.apply(std::get<ModeSelection>(decoded), {});
        return "GOOD " + hex(pages.current(0x0A)) + hex(pages.current(0x1D));
    }
    ModePages pages;
};

TEST_F(Modes, SenseSixAndTenDifferInTheHeaderOnly) {
    EXPECT_EQ(sense({0x1A, 0, 0x0A, 0, 255, 0}), "0F8810085E000000000400000A020102");
    EXPECT_EQ(sense({0x5A, 0, 0x0A, 0, 0, 0, 0, 0, 255, 0}),
              "00128810000000085E000000000400000A020102");
    EXPECT_EQ(sense({0x1A, 8, 0x0A, 0, 255, 0}), "078810000A020102") << "DBD";
    EXPECT_EQ(sense({0x1A, 0, 0x00, 0, 12, 0}), "0B8810085E00000000040000") << "header alone";
    EXPECT_EQ(sense({0x1A, 0, 0x0A, 0, 4, 0}), "0F881008");
}

TEST_F(Modes, PageControlSelectsCurrentChangeableDefaultAndRefusesSaved) {
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 7, 0}, {0, 0, 0, 0, 0x1D, 1, 0x55}), "GOOD 010255");
    EXPECT_EQ(sense({0x1A, 8, 0x1D, 0, 255, 0}), "068810001D0155");
    EXPECT_EQ(sense({0x1A, 8, 0x5D, 0, 255, 0}), "068810001D01FF");
    EXPECT_EQ(sense({0x1A, 8, 0x9D, 0, 255, 0}), "068810001D0104");
    EXPECT_EQ(sense({0x1A, 8, 0xDD, 0, 255, 0}), "05/39/00 ");
}

TEST_F(Modes, AllPagesAndSubpagesHaveTheirHeaders) {
    EXPECT_EQ(sense({0x1A, 8, 0x3F, 0, 255, 0}), "0A8810000A0201021D0104");
    EXPECT_EQ(sense({0x1A, 8, 0x3F, 0xFF, 255, 0}), "118810000A0201024A0500030708091D0104");
    EXPECT_EQ(sense({0x1A, 8, 0x0A, 0xFF, 255, 0}), "0E8810000A0201024A050003070809");
    EXPECT_EQ(sense({0x1A, 8, 0x0A, 5, 255, 0}), "0A8810004A050003070809");
    EXPECT_EQ(sense({0x1A, 8, 0x0A, 6, 255, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(sense({0x1A, 8, 0x3F, 6, 255, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(sense({0x1A, 8, 0x0B, 0, 255, 0}), "05/24/00 cdb 2.5");
}

TEST_F(Modes, SelectTakesBackWhatSenseGave) {
    EXPECT_EQ(select({0x55, 0x10, 0, 0, 0, 0, 0, 0, 20, 0},
                     {0, 0x12, 0x88, 0x90, 0, 0, 0, 8, 0x5E, 0, 0, 0, 0, 4, 0, 0, 0x8A, 2, 1, 2}),
              "GOOD 010204")
        << "PS bit, WP bit and mode data length are not looked at";
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 0, 0}, {}), "GOOD 010204");
}

TEST_F(Modes, SelectChecksEverythingBeforeItChangesAnything) {
    const Bytes good_then_bad = {0, 0, 0, 0, 0x0A, 2, 0x51, 2, 0x1D, 2, 0};
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 11, 0}, good_then_bad), "05/26/00 list 9.7");
    EXPECT_EQ(hex(pages.current(0x0A)), "0102");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 8, 0}, {0, 0, 0, 0, 0x0A, 2, 0x41, 2}), "GOOD 410204");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 8, 0}, {0, 0, 0, 0, 0x0A, 2, 0x42, 2}),
              "05/26/00 list 6.1");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 6, 0}, {0, 0, 0, 0, 0x0B, 0}), "05/26/00 list 4.5");
}

TEST_F(Modes, SelectRefusesWrongLengthsAndOptions) {
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 3, 0}, {0, 0, 0}), "05/1A/00 ");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 11, 0}, Bytes(10)), "05/0E/03 ");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 11, 0}, {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0}), "05/1A/00 ");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 7, 0}, {0, 0, 0, 0, 0x0A, 2, 1}), "05/1A/00 ");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 5, 0}, {0, 0, 0, 0, 0x0A}), "05/1A/00 ");
    EXPECT_EQ(select({0x15, 0x10, 0, 0, 8, 0}, {0, 0, 0, 4, 0, 0, 0, 0}), "05/26/00 list 3.7");
    EXPECT_EQ(select({0x15, 0x11, 0, 0, 4, 0}, {0, 0, 0, 0}), "05/24/00 cdb 1.0") << "SP";
    EXPECT_EQ(select({0x15, 0x00, 0, 0, 8, 0}, {0, 0, 0, 0, 0x0A, 2, 1, 2}), "05/24/00 cdb 1.4");
    EXPECT_EQ(select({0x15, 0x00, 0, 0, 4, 0}, {0, 0, 0, 0}), "GOOD 010204") << "no page, no PF";
    EXPECT_EQ(select({0x55, 0x10, 0, 0, 0, 0, 0, 0, 8, 0}, {0, 0, 0, 0, 1, 0, 0, 0}),
              "05/26/00 list 4.0")
        << "LONGLBA";
}

TEST_F(Modes, RandomParameterListsNeverChangeWhatMayNotChange) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 20000; ++round) {
        Bytes list(random() % 24);
        for (auto& byte : list) {
            byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
        }
        if (list.size() > 6) {
            list[4] = random() % 2 == 0 ? 0x0A : 0x1D;
            list[5] = static_cast<std::uint8_t>(random() % 3);
        }
        const auto length = static_cast<unsigned>(list.size());
        select({0x15, 0x10, 0, 0, length, 0}, list);
        ASSERT_EQ(pages.current(0x0A)[1], 2);
        ASSERT_EQ(pages.current(0x0A)[0] & 0x0F, 1);
    }
    pages.reset();
    EXPECT_EQ(hex(pages.current(0x0A)), "0102");
}

class Logs : public testing::Test {
  protected:
    std::string ask(std::initializer_list<unsigned> cdb) const {
        const Completion got = log_sense(task_of(cdb), pages);
        return got.status == Status::good ? hex(bytes_of(got)) : outcome(got) + " " + field(got);
    }
    std::vector<LogPage> pages = {
        {0x11, 0x00,
         [](LogParameters& to) {
             to.number(0, 0x01020304, 4);
             to.number(5, 6, 1);
         }},
        {0x11, 0x02, [](LogParameters& to) { to.text(0x40, "AB"); }},
    };
};

TEST_F(Logs, SupportedPagesAreListedWithAndWithoutSubpages) {
    EXPECT_EQ(ask({0x4D, 0, 0x40, 0, 0, 0, 0, 0, 255, 0}), "000000020011");
    EXPECT_EQ(ask({0x4D, 0, 0x40, 0xFF, 0, 0, 0, 0, 255, 0}), "40FF0008000000FF11001102");
    EXPECT_EQ(ask({0x4D, 0, 0x40, 0, 0, 0, 1, 0, 255, 0}), "05/24/00 cdb 5.7");
}

TEST_F(Logs, ParametersFromThePointerOnAreReturned) {
    EXPECT_EQ(ask({0x4D, 0, 0x51, 0, 0, 0, 0, 0, 255, 0}),
              "1100000D"
              "0000030401020304"
              "0005030106");
    EXPECT_EQ(ask({0x4D, 0, 0x51, 0, 0, 0, 1, 0, 255, 0}), "110000050005030106");
    EXPECT_EQ(ask({0x4D, 0, 0x51, 0, 0, 0, 6, 0, 255, 0}), "05/24/00 cdb 5.7");
    EXPECT_EQ(ask({0x4D, 0, 0x51, 2, 0, 0, 0, 0, 255, 0}), "51020006004001024142");
    EXPECT_EQ(ask({0x4D, 0, 0x51, 0, 0, 0, 0, 0, 4, 0}), "1100000D");
}

TEST_F(Logs, UnknownPagesAndSubpagesAreNamed) {
    EXPECT_EQ(ask({0x4D, 0, 0x52, 0, 0, 0, 0, 0, 255, 0}), "05/24/00 cdb 2.5");
    EXPECT_EQ(ask({0x4D, 0, 0x51, 1, 0, 0, 0, 0, 255, 0}), "05/24/00 cdb 3.7");
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
