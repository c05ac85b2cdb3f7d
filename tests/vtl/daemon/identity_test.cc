#include "vtl/daemon/identity.h"

#include <gtest/gtest.h>

#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {
namespace {

class Identity : public testing::Test {
  protected:
    std::unique_ptr<media::Catalog> open() {
        auto catalog = media::Catalog::open(directory_.path() / "catalog.sqlite");
        EXPECT_TRUE(catalog) << catalog.error().message;
        return std::move(*catalog);
    }

    tests::TemporaryDirectory directory_;
};

TEST_F(Identity, SerialNumbersAreTenUpperCaseCharactersAndAllDifferent) {
    const auto catalog = open();
    std::set<std::string> taken;
    for (int i = 0; i < 33; ++i) {
        const auto serial = serial_number(*catalog, "lab", "unit" + std::to_string(i), taken);
        ASSERT_TRUE(serial);
        EXPECT_EQ(serial->size(), 10U);
        EXPECT_EQ(serial->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
                  std::string::npos);
    }
    EXPECT_EQ(taken.size(), 33U);
}

TEST_F(Identity, ASerialNumberOutlivesTheDaemon) {
    std::set<std::string> first;
    const auto before = serial_number(*open(), "lab", "changer", first);
    std::set<std::string> second;
    const auto after = serial_number(*open(), "lab", "changer", second);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(*before, *after);
    EXPECT_NE(*after, *serial_number(*open(), "other", "changer", second));
}

TEST_F(Identity, WhatIsNoSerialNumberInTheCatalogIsReportedAndNotUsed) {
    const auto catalog = open();
    for (const auto* const bad : {"", "short", "lowercase1", "ELEVEN12345"}) {
        ASSERT_TRUE(catalog->set_property("serial/lab/drive0", bad));
        std::set<std::string> taken;
        const auto serial = serial_number(*catalog, "lab", "drive0", taken);
        ASSERT_FALSE(serial) << bad;
        EXPECT_EQ(serial.error().code, Errc::corrupt);
    }
}

TEST_F(Identity, TheSameSerialNumberTwiceIsReported) {
    const auto catalog = open();
    ASSERT_TRUE(catalog->set_property("serial/lab/drive0", "A123456789"));
    ASSERT_TRUE(catalog->set_property("serial/lab/drive1", "A123456789"));
    std::set<std::string> taken;
    EXPECT_TRUE(serial_number(*catalog, "lab", "drive0", taken));
    EXPECT_FALSE(serial_number(*catalog, "lab", "drive1", taken));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
