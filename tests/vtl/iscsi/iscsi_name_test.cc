#include "vtl/iscsi/iscsi_name.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::iscsi {
namespace {

TEST(IscsiName, TakesTheThreeForms) {
    for (const auto* name :
         {"iqn.2026-11.io.tapeloft:default", "iqn.1993-08.org.debian:01:1d2f3a4b5c6d",
          "iqn.1991-05.com.microsoft:backup-host", "IQN.2001-04.com.Example", "iqn.2001-04.com",
          "iqn.2001-04.com.example:B\xC3\xBCro", "eui.02004567A425678D", "naa.52004567BA64678D",
          "naa.62004567BA64678D0123456789ABCDEF"}) {
        EXPECT_TRUE(is_iscsi_name(name)) << name;
    }
}

TEST(IscsiName, RefusesAllElse) {
    for (const auto* name : {"",
                             "iqn.",
                             "iqn.2001-04.",
                             "iqn.2001-04",
                             "iqn.2001-13.com.example",
                             "iqn.2001-00.com.example",
                             "iqn.20x1-04.com",
                             "iqn.2001/04.com",
                             "iqn.2001-04.:x",
                             "iqn.2001-04.com.example:a b",
                             "iqn.2001-04.com.example:a_b",
                             "iqn.2001-04.com.example:a\nb",
                             "iqn.2001-04.com.example:\xFF",
                             "eui.02004567A425678",
                             "eui.02004567A425678DD",
                             "eui.02004567A425678G",
                             "naa.52004567BA64678",
                             "naa.62004567BA64678D0123456789ABCDE",
                             "abc.2001-04.com",
                             "2001-04.com"}) {
        EXPECT_FALSE(is_iscsi_name(name)) << name;
    }
}

TEST(IscsiName, EndsAt223Bytes) {
    const std::string prefix = "iqn.2001-04.com.example:";
    EXPECT_TRUE(is_iscsi_name(prefix + std::string(223 - prefix.size(), 'a')));
    EXPECT_FALSE(is_iscsi_name(prefix + std::string(224 - prefix.size(), 'a')));
}

TEST(NormalisedIscsiName, IsInLowerCase) {
    EXPECT_EQ(normalised_iscsi_name("IQN.2001-04.Com.Example:Z9"), "iqn.2001-04.com.example:z9");
    EXPECT_EQ(normalised_iscsi_name("naa.62004567BA64678D"), "naa.62004567ba64678d");
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
