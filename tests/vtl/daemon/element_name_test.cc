#include "vtl/daemon/element_name.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::daemon {
namespace {

TEST(ElementName, DrivesCountFromZeroSlotsAndMailSlotsFromOne) {
    EXPECT_EQ(element_name({media::ElementKind::drive, 0}), "drive0");
    EXPECT_EQ(element_name({media::ElementKind::storage, 4}), "slot5");
    EXPECT_EQ(element_name({media::ElementKind::import_export, 0}), "mail1");
    for (const auto* const name : {"drive0", "drive31", "slot1", "slot10000", "mail1", "mail239"}) {
        const auto element = parse_element_name(name);
        ASSERT_TRUE(element) << name;
        EXPECT_EQ(element_name(*element), name);
    }
}

TEST(ElementName, WhatIsNoElementIsRefusedWithWhatIsAllowed) {
    for (const auto* const name : {"", "slot", "slot0", "mail0", "drive", "drive-1", "drive 1",
                                   "slot1x", "slot4294967296", "Drive0", "0", "drive0drive0"}) {
        const auto element = parse_element_name(name);
        ASSERT_FALSE(element) << name;
        EXPECT_NE(element.error().message.find("allowed: drive0"), std::string::npos);
    }
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
