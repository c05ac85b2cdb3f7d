// SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS: searches for barcodes.
#include "vtl/library/volume_tags.h"

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

TEST(VolumeTagSearch, FindsByWholeTagsAndWildcards) {
    const auto finds = [](std::string pattern, std::string_view tag) {
        VolumeTagSearch search;
        search.pattern = std::move(pattern);
        return search.finds(tag, nullptr);
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

TEST(VolumeTagSearch, LooksAtTheTagsAndSequenceNumbersItIsFor) {
    const VolumeTag alternate{"FRIDAY", 7};
    VolumeTagSearch search;
    search.pattern = "FRI*";
    EXPECT_TRUE(search.finds("TL0001L8", &alternate));
    EXPECT_FALSE(search.finds("TL0001L8", nullptr));
    search.alternate_tags = false;
    EXPECT_FALSE(search.finds("TL0001L8", &alternate));
    EXPECT_TRUE(search.finds("FRI001L8", nullptr));
    search.alternate_tags = true;
    search.check_sequence_number = true;
    search.sequence_number_min = 1;
    search.sequence_number_max = 7;
    EXPECT_TRUE(search.finds("TL0001L8", &alternate));
    EXPECT_FALSE(search.finds("FRI001L8", nullptr)) << "a printed label has number 0";
    search.sequence_number_max = 6;
    EXPECT_FALSE(search.finds("TL0001L8", &alternate));
}

TEST(VolumeTag, IsKeptWholeOrNotAtAll) {
    const VolumeTag tag{std::string(32, 'x'), 0xABCD};
    EXPECT_EQ(decode_volume_tag(encode(tag)), tag);
    EXPECT_EQ(decode_volume_tag({}), std::nullopt);
    EXPECT_EQ(decode_volume_tag(Bytes{1, 0, 0}), std::nullopt);
    EXPECT_EQ(decode_volume_tag(Bytes{2, 0, 0, 'x'}), std::nullopt);
    EXPECT_EQ(decode_volume_tag(encode({std::string(33, 'x'), 0})), std::nullopt);
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
    /// An alternate tag for the cartridge in an element.
    scsi::Completion change_tag(std::uint8_t action, std::uint16_t address, Bytes parameters,
                                std::uint8_t type = 0, scsi::ItNexusId nexus = kHost) {
        auto command = task({0xB6, type, static_cast<std::uint8_t>(address >> 8U),
                             static_cast<std::uint8_t>(address & 0xFFU), 0, action, 0, 0, 0,
                             static_cast<std::uint8_t>(parameters.size()), 0, 0},
                            nexus);
        command.data_out = Buffer::copy_of(parameters);
        return tests::run(life_->context, changer().execute(std::move(command)));
    }
    /// READ ELEMENT STATUS of one element with VOLTAG: its page, without the report's header.
    Bytes page_of(std::uint16_t address, std::uint8_t voltag = 0x10) {
        const auto reply =
            send({0xB8, voltag, static_cast<std::uint8_t>(address >> 8U),
                  static_cast<std::uint8_t>(address & 0xFFU), 0, 1, 0, 0, 0xFF, 0xFF, 0, 0});
        const auto report = reply.data_in.view();
        return {report.begin() + 8, report.end()};
    }
    /// The alternate tag in a page of one descriptor; "-": the page has none.
    std::string alternate_of(std::uint16_t address) {
        const auto page = page_of(address);
        if ((page.at(1) & 0x40U) == 0) {
            EXPECT_EQ(page.size(), 8U + 52);
            return "-";
        }
        EXPECT_EQ(page.size(), 8U + 88);
        return std::string(as_text(ByteView(page).subspan(8 + 12 + 36, 32))) + "/" +
               std::to_string(load_big_endian<4>(ByteView(page).subspan(8 + 12 + 36 + 32)));
    }
    static std::string padded(std::string text, unsigned number) {
        text.resize(32, ' ');
        return text + "/" + std::to_string(number);
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

TEST_F(VolumeTags, AnAlternateTagIsAssertedReplacedAndUndefined) {
    EXPECT_EQ(alternate_of(1000), "-");
    const auto asserted = change_tag(0x09, 1000, list("FRIDAY", 7));
    ASSERT_EQ(outcome(asserted), "GOOD");
    EXPECT_EQ(asserted.data_out_length, 40U);
    EXPECT_EQ(alternate_of(1000), padded("FRIDAY", 7));
    EXPECT_EQ(outcome(change_tag(0x09, 1000, list("MONDAY"))), "05/24/00") << "it has one";
    EXPECT_EQ(alternate_of(1000), padded("FRIDAY", 7));
    ASSERT_EQ(outcome(change_tag(0x0B, 1000, list("MONDAY", 9))), "GOOD");
    EXPECT_EQ(alternate_of(1000), padded("MONDAY", 9));
    const auto undefined = change_tag(0x0D, 1000, {});
    ASSERT_EQ(outcome(undefined), "GOOD");
    EXPECT_EQ(undefined.data_out_length, 0U);
    EXPECT_EQ(alternate_of(1000), "-");
    EXPECT_EQ(outcome(change_tag(0x0D, 1000, list("x"))), "GOOD") << "undefined already";
    ASSERT_EQ(outcome(change_tag(0x0B, 1000, list("TUESDAY"))), "GOOD") << "replaces nothing";
    EXPECT_EQ(alternate_of(1000), padded("TUESDAY", 0));
}

TEST_F(VolumeTags, AnAlternateTagGoesWithItsCartridgeAndOutlivesARestart) {
    ASSERT_EQ(outcome(change_tag(0x09, 256, list("FRIDAY", 7), 4)), "GOOD");
    ASSERT_EQ(outcome(change_tag(0x09, 1000, list("MONDAY"), 2)), "GOOD");
    ASSERT_EQ(outcome(move_medium(256, 1003)), "GOOD");
    EXPECT_EQ(alternate_of(1003), padded("FRIDAY", 7));
    EXPECT_EQ(alternate_of(256), "-");
    start();
    EXPECT_EQ(alternate_of(1003), padded("FRIDAY", 7));
    EXPECT_EQ(alternate_of(1000), padded("MONDAY", 0));
    ASSERT_TRUE(tests::run(life_->context, changer().export_cartridge("TL0002L8")));
    ASSERT_TRUE(tests::run(life_->context, changer().import_cartridge("TL0002L8", mail(1))));
    take_attentions();
    EXPECT_EQ(alternate_of(16), padded("FRIDAY", 7));
    ASSERT_TRUE(tests::run(life_->context, changer().delete_cartridge("TL0002L8")));
    create({"TL0002L8"}, mail(1));
    EXPECT_EQ(alternate_of(16), "-") << "another cartridge with the same label";
}

TEST_F(VolumeTags, OnlyPagesWithAnAlternateTagHaveRoomForOneAndOnlyWhenTagsAreAskedFor) {
    ASSERT_EQ(outcome(change_tag(0x09, 1002, list("FRIDAY", 7))), "GOOD");
    const auto report = send({0xB8, 0x10, 0, 0, 0, 100, 1, 0, 0xFF, 0xFF, 0, 0});
    const auto bytes = report.data_in.view();
    for (std::size_t at = 8; at < bytes.size();) {
        const bool storage = bytes[at] == 2;
        EXPECT_EQ(bytes[at + 1], storage ? 0xC0 : 0x80);
        const auto length = load_big_endian<2>(bytes.subspan(at + 2));
        const auto size = load_big_endian<3>(bytes.subspan(at + 5));
        EXPECT_EQ(length, storage ? 88U : bytes[at] == 4 ? 86U : 52U);
        EXPECT_EQ(size % length, 0U);
        at += 8 + size;
    }
    EXPECT_EQ(load_big_endian<3>(bytes.subspan(5)) + 8, bytes.size());
    const auto untagged = page_of(1002, 0);
    EXPECT_EQ(untagged.at(1), 0);
    EXPECT_EQ(untagged.size(), 8U + 16);
}

TEST_F(VolumeTags, ASearchForAlternateTagsFindsThemAndTheirSequenceNumbers) {
    ASSERT_EQ(outcome(change_tag(0x09, 1002, list("FRIDAY", 7))), "GOOD");
    const auto found = [this](std::uint8_t action, Bytes parameters) {
        EXPECT_EQ(outcome(send_tag(action, std::move(parameters))), "GOOD");
        const auto report = request();
        return load_big_endian<2>(report.data_in.view().subspan(2));
    };
    EXPECT_EQ(found(0x02, list("*")), 1U);
    EXPECT_EQ(found(0x00, list("FRI*")), 1U);
    EXPECT_EQ(found(0x01, list("FRI*")), 0U);
    EXPECT_EQ(found(0x06, list("*", 7, 7)), 1U);
    EXPECT_EQ(found(0x06, list("*", 8, 9)), 0U);
    EXPECT_EQ(found(0x04, list("*", 0, 7)), 3U) << "each cartridge once";
}

TEST_F(VolumeTags, ABadChangeIsRefusedAndChangesNothing) {
    ASSERT_EQ(outcome(change_tag(0x09, 1000, list("FRIDAY"))), "GOOD");
    const auto expect = [this](const scsi::Completion& refused, const char* sense) {
        EXPECT_EQ(outcome(refused), sense);
        EXPECT_EQ(refused.data_out_length, 0U);
        EXPECT_EQ(alternate_of(1000), padded("FRIDAY", 0));
    };
    expect(change_tag(0x0B, 0, list("x")), "05/21/01");
    expect(change_tag(0x0B, 999, list("x")), "05/21/01");
    expect(change_tag(0x0B, 1003, list("x")), "05/3B/0E");
    expect(change_tag(0x0B, 1000, list("x"), 4), "05/24/00");
    expect(change_tag(0x0B, 1000, list("")), "05/26/00");
    expect(change_tag(0x0B, 1000, list("A*")), "05/26/00");
    expect(change_tag(0x0B, 1000, list("A?")), "05/26/00");
    expect(change_tag(0x0B, 1000, list("A\nB")), "05/26/00");
    expect(change_tag(0x0B, 1000, Bytes(39)), "05/1A/00");
    expect(change_tag(0x0B, 1000, {}), "05/1A/00");
    memory_->put_error = Error{Errc::io, "the disk failed"};
    expect(change_tag(0x0B, 1000, list("MONDAY")), "04/44/00");
    expect(change_tag(0x0D, 1000, {}), "04/44/00");
    memory_->put_error.reset();
    start();
    EXPECT_EQ(alternate_of(1000), padded("FRIDAY", 0));
}

TEST_F(VolumeTags, ATagIsNotChangedWhileItsCartridgeMoves) {
    boost::asio::steady_timer gate(life_->context, boost::asio::steady_timer::time_point::max());
    drive(1).gate = &gate;
    std::optional<scsi::Completion> moved;
    std::optional<scsi::Completion> tagged;
    boost::asio::co_spawn(
        life_->context,
        tests::keep_result(changer().execute(task(move_cdb(1000, 257), kHost)), &moved),
        boost::asio::detached);
    life_->context.restart();
    life_->context.poll();
    auto command = task({0xB6, 0, 0x03, 0xE8, 0, 0x09, 0, 0, 0, 40, 0, 0}, kHost);
    command.data_out = Buffer::copy_of(list("FRIDAY"));
    boost::asio::co_spawn(life_->context,
                          tests::keep_result(changer().execute(std::move(command)), &tagged),
                          boost::asio::detached);
    life_->context.poll();
    EXPECT_FALSE(tagged);
    drive(1).gate = nullptr;
    gate.cancel();
    life_->context.run();
    EXPECT_EQ(outcome(*moved), "GOOD");
    EXPECT_EQ(outcome(*tagged), "05/3B/0E") << "it has left the element";
    EXPECT_EQ(alternate_of(257), "-");
}

TEST_F(VolumeTags, TheSearchEndsWithItsNexusAndWithAReset) {
    ASSERT_EQ(outcome(send_tag(0x01, list("XX*"))), "GOOD");
    ASSERT_EQ(outcome(send_tag(0x01, list("XX*"), 0, kOtherHost)), "GOOD");
    changer().nexus_lost(kHost);
    scsi::ItNexus again;
    again.id = kHost;
    again.initiator_name = "iqn.2026-11.example:host1";
    changer().nexus_established(again);
    EXPECT_EQ(outcome(request()), "06/29/07");
    EXPECT_EQ(outcome(request()), "05/2C/00");
    EXPECT_EQ(addresses(request(0x10, 100, kOtherHost)), (std::vector<unsigned>{1002}));
    tests::run(life_->context, [](scsi::LogicalUnit& unit) -> Awaitable<bool> {
        co_await unit.reset();
        co_return true;
    }(changer()));
    take_attentions();
    EXPECT_EQ(outcome(request(0x10, 100, kOtherHost)), "05/2C/00");
}

TEST_F(VolumeTags, TheSearchIsThatOfTheHostThatAsks) {
    EXPECT_EQ(outcome(request()), "05/2C/00");
    ASSERT_EQ(outcome(send_tag(0x01, list("XX????L8"))), "GOOD");
    EXPECT_EQ(outcome(request(0x10, 100, kOtherHost)), "05/2C/00");
    ASSERT_EQ(outcome(send_tag(0x01, list("TL0001L8"), 2, kOtherHost)), "GOOD");
    EXPECT_EQ(addresses(request()), (std::vector<unsigned>{1002}));
    EXPECT_EQ(addresses(request(0x10, 100, kOtherHost)), (std::vector<unsigned>{1000}));
}

TEST_F(VolumeTags, LabelsArePrintedSoNoPrimaryTagIsAssertedReplacedOrUndefined) {
    for (const auto action :
         std::to_array<std::uint8_t>({0x03, 0x07, 0x08, 0x0A, 0x0C, 0x0E, 0x1F})) {
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
