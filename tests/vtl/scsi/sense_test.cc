#include "vtl/scsi/sense.h"

#include "vtl/scsi/changer_model.h"
#include "vtl/scsi/missing_logical_unit.h"
#include "vtl/scsi/personality.h"
#include "vtl/scsi/sense_from_error.h"

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::scsi {
namespace {

TEST(SenseData, IsEighteenBytesWithEveryFieldInItsPlace) {
    Sense sense;
    sense.key = SenseKey::illegal_request;
    sense.additional = asc::kInvalidFieldInParameterList;
    sense.filemark = sense.end_of_medium = sense.incorrect_length = true;
    sense.information = -2;
    sense.field = FieldPointer{false, 0x0123, std::uint8_t{5}};
    EXPECT_EQ(hex(encode_fixed(sense)),
              "F000E5FFFFFFFE0A00000000260000"
              "8D0123");
    sense.field = FieldPointer{true, 2, {}};
    EXPECT_EQ(hex(encode_fixed(sense)).substr(30), "C00002");
}

TEST(SenseData, ADeferredErrorHasACodeOfItsOwnAndAnOperationItsProgress) {
    Sense sense;
    sense.key = SenseKey::not_ready;
    sense.additional = asc::kNotReadyOperationInProgress;
    sense.progress = 0x8000;
    EXPECT_EQ(hex(encode_fixed(sense)), "700002000000000A00000000040700808000");
    EXPECT_EQ(hex(encode_descriptor(sense)), "72020407000000080206000080800000");
    sense.progress.reset();
    sense.deferred = true;
    EXPECT_EQ(encode_fixed(sense)[0], 0x71);
    EXPECT_EQ(encode_descriptor(sense)[0], 0x73);
}

TEST(SenseData, InformationThatDoesNotFitIsNotValid) {
    Sense sense;
    for (const std::int64_t fits :
         {std::int64_t{0}, std::int64_t{0xFFFFFFFF}, -std::int64_t{0x80000000}}) {
        sense.information = fits;
        EXPECT_EQ(encode_fixed(sense)[0], 0xF0) << fits;
    }
    for (const std::int64_t wide : {std::int64_t{0x100000000}, -std::int64_t{0x80000001}}) {
        sense.information = wide;
        EXPECT_EQ(encode_fixed(sense)[0], 0x70) << wide;
    }
}

TEST(SenseFromError, TellsTheHostWhatItMayDo) {
    const auto text = [](Errc code, Direction direction) {
        return outcome(Completion::check_condition(sense_from_error(Error{code, ""}, direction)));
    };
    EXPECT_EQ(text(Errc::corrupt, Direction::reading), "03/11/00");
    EXPECT_EQ(text(Errc::io, Direction::reading), "03/11/00");
    EXPECT_EQ(text(Errc::io, Direction::writing), "03/0C/00");
    EXPECT_EQ(text(Errc::no_space, Direction::writing), "0B/55/01");
    EXPECT_EQ(text(Errc::denied, Direction::writing), "07/27/00");
    EXPECT_EQ(text(Errc::denied, Direction::reading), "04/44/00");
    EXPECT_EQ(text(Errc::busy, Direction::reading), "02/04/01");
    EXPECT_EQ(text(Errc::end_of_medium, Direction::writing), "0D/00/02");
    EXPECT_TRUE(sense_from_error(Error{Errc::end_of_medium, ""}, Direction::writing).end_of_medium);
    for (const auto code : {Errc::invalid_argument, Errc::not_found, Errc::already_exists,
                            Errc::precondition, Errc::busy, Errc::unsupported, Errc::cancelled}) {
        EXPECT_NE(sense_from_error(Error{code, ""}, Direction::reading).key, SenseKey::no_sense);
    }
}

TEST(Personality, RowsAreWhatToolsRecognise) {
    for (const DriveModel& model : drive_models()) {
        EXPECT_LE(model.vendor.size(), 8U);
        EXPECT_LE(model.product.size(), 16U);
        EXPECT_EQ(model.revision.size(), 4U) << model.name;
        EXPECT_EQ(find_drive_model(model.name), &model);
        ASSERT_NE(native_generation(model), nullptr) << model.name;
        EXPECT_EQ(access(model, *native_generation(model)), Access::read_write);
    }
    for (const char* form : {"TD", "HH"}) {  // LTFS compares these
        const std::string name = std::string("IBM ULT3580-") + form;
        EXPECT_GE(find_drive_model(name + "5")->revision, "B170");
        EXPECT_GE(find_drive_model(name + "8")->revision, "HB81");
    }
    EXPECT_EQ(find_drive_model("IBM ULT3580-TD4"), nullptr);
}

TEST(Personality, EveryDriveHasTheLogPagesThatPbsReads) {
    for (const DriveModel& model : drive_models()) {
        const auto pages = log_pages_of(model.family);
        EXPECT_TRUE(std::is_sorted(pages.begin(), pages.end())) << model.name;
        for (const auto page : std::to_array<std::uint8_t>({0x11, 0x12, 0x17, 0x2E})) {
            EXPECT_TRUE(std::binary_search(pages.begin(), pages.end(), page)) << model.name;
        }
    }
}

TEST(Personality, ChangersHaveNamesThatFitTheirFields) {
    for (const ChangerModel& model : changer_models()) {
        EXPECT_LE(model.vendor.size(), 8U);
        EXPECT_LE(model.product.size(), 16U) << model.name;
        EXPECT_EQ(model.revision.size(), 4U) << model.name;
        EXPECT_EQ(find_changer_model(model.name), &model);
        const Identity identity = identity_of(model, "VTLCHG0001");
        EXPECT_EQ(identity.serial, "VTLCHG0001");
        EXPECT_EQ(identity.vendor_specific[55 - 36], 0x01) << "BARC: it has a barcode reader";
    }
    EXPECT_EQ(find_changer_model("STK L700"), nullptr);
}

TEST(Personality, DriveAndMediumGoTogetherAsTheLtoProgramSays) {
    const auto row = [](const char* model) {
        std::string text;
        for (const MediumGeneration& medium : medium_generations()) {
            constexpr std::string_view kLetters = "-rw";
            text += kLetters[static_cast<std::size_t>(access(*find_drive_model(model), medium))];
        }
        return text;
    };
    // L5 L6 L7 M8 L8 L9
    EXPECT_EQ(row("IBM ULT3580-TD5"), "w-----");
    EXPECT_EQ(row("IBM ULT3580-TD6"), "ww----");
    EXPECT_EQ(row("IBM ULT3580-TD7"), "rww---");
    EXPECT_EQ(row("IBM ULT3580-TD8"), "--www-");
    EXPECT_EQ(row("IBM ULT3580-TD9"), "----ww");
}

TEST(MissingUnit, AnswersInquiryReportLunsAndRequestSenseOnly) {
    boost::asio::io_context io;
    MissingLogicalUnit unit(io.get_executor(), 3);
    Host host(io, unit, 1, "iqn.host");
    host.log_in();
    const Bytes inquiry = bytes_of(host.send({0x12, 0, 0, 0, 36, 0}));
    EXPECT_EQ(hex(ByteView(inquiry).first(5)), "7F0006021F");
    EXPECT_EQ(inquiry.size(), 36U);
    EXPECT_EQ(outcome(host.send({0x12, 1, 0x80, 0, 36, 0})), "05/24/00");
    EXPECT_EQ(bytes_of(host.send({0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0})).size(), 32U);
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 18, 0}))),
              "700005000000000A00000000250000000000");
    EXPECT_EQ(outcome(host.send({0x00})), "05/25/00");
    EXPECT_EQ(outcome(host.send({0xFF})), "05/25/00");
    EXPECT_FALSE(**host.begin_abort(1));
    EXPECT_TRUE(finish(io, io.get_executor(), then_true(unit.reset())));
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
