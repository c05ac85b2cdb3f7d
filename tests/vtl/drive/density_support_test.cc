// REPORT DENSITY SUPPORT by medium type, and the vital product data pages of a drive.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class DensitySupport : public DriveFixture {
  protected:
    std::string medium_types(bool of_the_medium) {
        const Bytes data =
            bytes_of(host.send({0x44, of_the_medium ? 3U : 2U, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
        EXPECT_EQ(load_big_endian<2>(data), data.size() - 2);
        std::string text;
        for (std::size_t at = 4; at + 56 <= data.size(); at += 56) {
            const ByteView descriptor = ByteView(data).subspan(at, 56);
            EXPECT_EQ(load_big_endian<2>(descriptor.subspan(2)), 52U);
            EXPECT_EQ(descriptor[4], 1) << "one density code";
            EXPECT_EQ(as_text(descriptor.subspan(20, 8)), "LTO-CVE ");
            text += (text.empty() ? "" : " ") + hex(descriptor.first(1)) + "/" +
                    hex(descriptor.subspan(5, 1));
        }
        return text;
    }
};

TEST_F(DensitySupport, MediumTypesAreThoseOfDataAndWormCartridgesThatTheDriveTakes) {
    EXPECT_EQ(medium_types(false), "78/5C 7C/5C 78/5D 88/5E 8C/5E") << "M8 has no WORM";
    EXPECT_EQ(outcome(host.send({0x44, 3, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0})), "02/3A/00");
    load();
    EXPECT_EQ(medium_types(true), "88/5E");
}

TEST_F(DensitySupport, AWormMediumIsNamedByItsOwnType) {
    Medium worm = medium();
    worm.worm = true;
    tape = std::make_shared<FakeTapeControl>(strand);
    ASSERT_TRUE(
        scsi::finish(io, io.get_executor(),
                     drive.insert(std::make_unique<FakeTape>(tape), std::move(worm), host.id())));
    EXPECT_EQ(medium_types(true), "8C/5E");
}

TEST_F(DensitySupport, ReservedBitsAreRefused) {
    EXPECT_EQ(field(host.send({0x44, 0x04, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0})), "cdb 1.2");
}

TEST_F(DensitySupport, EveryVitalProductDataPageThatIsListedIsThere) {
    const Bytes list = bytes_of(host.send({0x12, 1, 0, 0, 0xFF, 0}));
    ASSERT_GE(list.size(), 8U);
    EXPECT_TRUE(std::is_sorted(list.begin() + 4, list.end()));
    for (std::size_t i = 4; i < list.size(); ++i) {
        const Bytes page = bytes_of(host.send({0x12, 1, list[i], 0xFF, 0xFF, 0}));
        ASSERT_GE(page.size(), 6U) << unsigned{list[i]};
        EXPECT_EQ(page[1], list[i]);
        EXPECT_EQ(load_big_endian<2>(ByteView(page).subspan(2)), page.size() - 4);
    }
    const Bytes capabilities = bytes_of(host.send({0x12, 1, 0xB0, 0, 0xFF, 0}));
    EXPECT_EQ(hex(capabilities), "01B000020100") << "WORM cartridges are supported";
    const Bytes flags = bytes_of(host.send({0x12, 1, 0xB2, 0, 0xFF, 0}));
    EXPECT_EQ(load_big_endian<8>(ByteView(flags).subspan(4)), TapeAlerts::supported());
    EXPECT_EQ(outcome(host.send({0x12, 1, 0xB3, 0, 0xFF, 0})), "05/24/00") << "in no library";
}

TEST_F(DensitySupport, ADriveInALibraryNamesItsChanger) {
    TapeDriveOptions in_library = options("HPE Ultrium 9-SCSI");
    in_library.automation_serial = "VTLCHG0001";
    TapeDrive served(std::move(in_library), events);
    Host asking(io, served, 9, "iqn.asking");
    asking.log_in_and_clear();
    EXPECT_EQ(hex(bytes_of(asking.send({0x12, 1, 0xB3, 0, 0xFF, 0}))),
              "01B3000A" + hex(as_bytes("VTLCHG0001")));
    EXPECT_EQ(bytes_of(asking.send({0x12, 1, 0xC0, 0, 0xFF, 0})).size(), 95U);
}

}  // namespace
}  // namespace tapeloft::vtl::drive
