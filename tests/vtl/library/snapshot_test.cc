// One changer of each model: all it says of itself is what it said before.
#include "tests/vtl/scsi/snapshot.h"

#include <cctype>

#include <gtest/gtest.h>

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

class ChangerSnapshot : public tests::LibraryTest {};

/// "IBM 03584L32" is kept as ibm_03584l32.
std::string file_of(std::string_view model) {
    std::string name(model);
    for (char& each : name) {
        const auto byte = static_cast<unsigned char>(each);
        each = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
    }
    return name;
}

TEST_F(ChangerSnapshot, OfEveryModelIsWhatItWas) {
    for (const scsi::ChangerModel& model : scsi::changer_models()) {
        SCOPED_TRACE(model.name);
        tests::LibraryShape shape;
        shape.model = &model;
        start(shape);
        scsi::expect_golden(TAPELOFT_TESTS_PATH "/vtl/library", file_of(model.name),
                            scsi::snapshot([this](const Bytes& cdb) { return send(cdb); }));
    }
}

}  // namespace
}  // namespace tapeloft::vtl::library
