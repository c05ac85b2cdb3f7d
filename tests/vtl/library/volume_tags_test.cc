// SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS: searches for barcodes.
#include "vtl/library/volume_tags.h"

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

using tests::outcome;

TEST(VolumeTagSearch, FindsByWholeTagsAndWildcards) {
    const auto finds = [](std::string pattern, std::string_view tag) {
        VolumeTagSearch search;
        search.pattern = std::move(pattern);
        return search.finds(tag);
    };
    EXPECT_TRUE(finds("TL0001L8", "TL0001L8"));
    EXPECT_FALSE(finds("TL0001L8", "TL0001L80"));
    EXPECT_FALSE(finds("TL0001L80", "TL0001L8"));
    EXPECT_TRUE(finds("TL00?1L8", "TL0011L8"));
    EXPECT_FALSE(finds("TL0001L8?", "TL0001L8"));
    EXPECT_TRUE(finds("*", "TL0001L8"));
    EXPECT_TRUE(finds("*", ""));
    EXPECT_TRUE(finds("TL*L8", "TL0001L8"));
    EXPECT_TRUE(finds("TL*L8", "TLL8L8"));
    EXPECT_TRUE(finds("**1*", "TL0001L8"));
    EXPECT_FALSE(finds("TL*M8", "TL0001L8"));
    EXPECT_FALSE(finds("", "TL0001L8"));
}

class VolumeTags : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8", "XX0003L8"});
        ASSERT_EQ(outcome(move_medium(1001, 256)), "GOOD");
    }
    static Bytes list(std::string_view pattern, std::uint16_t min = 0, std::uint16_t max = 0) {
        Bytes bytes(40);
        std::fill(bytes.begin(), bytes.begin() + 32, std::uint8_t{' '});
        const auto text = as_bytes(pattern);
        std::copy(text.begin(), text.end(), bytes.begin());
        store_big_endian<2>(MutableByteView(bytes).subspan(34), min);
        store_big_endian<2>(MutableByteView(bytes).subspan(38), max);
        return bytes;
    }
    scsi::Completion send_tag(std::uint8_t action, Bytes parameters, std::uint8_t type = 0,
                              scsi::ItNexusId nexus = kHost) {
        auto command = task({0xB6, type, 0, 0, 0, action, 0, 0, 0,
                             static_cast<std::uint8_t>(parameters.size()), 0, 0},
                            nexus);
        command.data_out = Buffer::copy_of(parameters);
        return tests::run(life_->context, changer().execute(std::move(command)));
    }
    scsi::Completion request(std::uint8_t type = 0x10, std::uint16_t count = 100,
                             scsi::ItNexusId nexus = kHost) {
        return send({0xB5, type, 0, 0, 0, static_cast<std::uint8_t>(count), 0, 0, 0xFF, 0xFF},
                    nexus);
    }
    /// Element addresses in the report, with VOLTAG.
    std::vector<unsigned> addresses(const scsi::Completion& completion) {
        std::vector<unsigned> found;
        const auto report = completion.data_in.view();
        for (std::size_t at = 8; at < report.size();) {
            const auto bytes = static_cast<std::size_t>(load_big_endian<3>(report.subspan(at + 5)));
            for (std::size_t d = at + 8; d < at + 8 + bytes; d += 52) {
                found.push_back(static_cast<unsigned>(load_big_endian<2>(report.subspan(d))));
            }
            at += 8 + bytes;
        }
        return found;
    }
};

TEST_F(VolumeTags, ATranslationFindsCartridgesWhereverTheyStand) {
    const auto sent = send_tag(0x05, list("TL*"));
    ASSERT_EQ(outcome(sent), "GOOD");
    EXPECT_EQ(sent.data_out_length, 40U);
    const auto report = request();
    ASSERT_EQ(outcome(report), "GOOD");
    EXPECT_EQ(addresses(report), (std::vector<unsigned>{256, 1000}));
    EXPECT_EQ(report.data_in.view()[4], 0x05);
    EXPECT_EQ(load_big_endian<2>(report.data_in.view()), 256U);
    EXPECT_EQ(addresses(request(0x12)), (std::vector<unsigned>{1000}));
    EXPECT_EQ(addresses(request(0x10, 1)), (std::vector<unsigned>{256}));
    ASSERT_EQ(outcome(move_medium(1000, 16)), "GOOD");
    EXPECT_EQ(addresses(request()), (std::vector<unsigned>{16, 256}));  // as it is now
}

TEST_F(VolumeTags, NothingFoundIsAReportOfTheHeaderAlone) {
    ASSERT_EQ(outcome(send_tag(0x00, list("ZZ*"))), "GOOD");
    const auto report = request();
    EXPECT_EQ(outcome(report), "GOOD");
    EXPECT_EQ(report.data_in.size(), 8U);
    ASSERT_EQ(outcome(send_tag(0x02, list("*"))), "GOOD");  // alternate tags: there are none
    EXPECT_EQ(request().data_in.size(), 8U);
    ASSERT_EQ(outcome(send_tag(0x05, list("*", 1, 9))), "GOOD");  // sequence numbers are all 0
    EXPECT_EQ(request().data_in.size(), 8U);
}

TEST_F(VolumeTags, TheSearchIsThatOfTheHostThatAsks) {
    EXPECT_EQ(outcome(request()), "05/2C/00");
    ASSERT_EQ(outcome(send_tag(0x01, list("XX????L8"))), "GOOD");
    EXPECT_EQ(outcome(request(0x10, 100, kOtherHost)), "05/2C/00");
    ASSERT_EQ(outcome(send_tag(0x01, list("TL0001L8"), 2, kOtherHost)), "GOOD");
    EXPECT_EQ(addresses(request()), (std::vector<unsigned>{1002}));
    EXPECT_EQ(addresses(request(0x10, 100, kOtherHost)), (std::vector<unsigned>{1000}));
}

TEST_F(VolumeTags, LabelsArePrintedSoNothingIsAssertedReplacedOrUndefined) {
    for (const auto action :
         std::to_array<std::uint8_t>({0x03, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1F})) {
        const auto refused = send_tag(action, list("NEW001L8"));
        EXPECT_EQ(outcome(refused), "05/24/00");
        EXPECT_EQ(refused.sense->field->byte, 5);
    }
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
}

TEST_F(VolumeTags, ABadParameterListIsRefusedAndLeavesTheSearchBefore) {
    ASSERT_EQ(outcome(send_tag(0x01, list("XX*"))), "GOOD");
    EXPECT_EQ(outcome(send_tag(0x01, Bytes(39))), "05/1A/00");
    EXPECT_EQ(outcome(send_tag(0x01, {})), "05/1A/00");
    EXPECT_EQ(outcome(send_tag(0x05, list("*", 2, 1))), "05/26/00");
    auto reserved = list("*");
    reserved[33] = 1;
    EXPECT_EQ(outcome(send_tag(0x01, reserved)), "05/26/00");
    EXPECT_EQ(outcome(send_tag(0x01, list("*"), 5)), "05/24/00");
    EXPECT_EQ(outcome(request(0x15)), "05/24/00");
    EXPECT_EQ(addresses(request()), (std::vector<unsigned>{1002}));
}

}  // namespace
}  // namespace tapeloft::vtl::library
