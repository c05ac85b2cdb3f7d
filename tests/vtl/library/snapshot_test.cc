// One changer of each model: all it says of itself is what it said before.
#include "tests/vtl/scsi/snapshot.h"

#include <gtest/gtest.h>

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

class ChangerSnapshot : public tests::LibraryTest {};

TEST_F(ChangerSnapshot, IsWhatItWas) {
    start();
    scsi::expect_golden(TAPELOFT_TESTS_PATH "/vtl/library", "ibm_03584l32",
                        scsi::snapshot([this](const Bytes& cdb) { return send(cdb); }));
}

TEST_F(ChangerSnapshot, ModelsDifferInTheirInquiryDataAlone) {
    std::string text;
    for (const scsi::ChangerModel& model : scsi::changer_models()) {
        scsi::Task task;
        task.cdb = {0x12, 0, 0, 0, 96, 0};
        const auto completion = inquiry_data(scsi::identity_of(model, "VTLCHG0001"), task);
        text += std::string(model.name) + "\n  " + scsi::hex(completion.data_in.view()) + "\n";
    }
    scsi::expect_golden(TAPELOFT_TESTS_PATH "/vtl/library", "inquiry_of_all", text);
}

}  // namespace
}  // namespace tapeloft::vtl::library
