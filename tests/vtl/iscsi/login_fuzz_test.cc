// Hostile logins: random stages, keys and bytes. Nothing crashes, every login ends, every answer is
// well formed, and nobody gets past CHAP without the secret.
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "vtl/iscsi/text_values.h"

#include "tests/vtl/iscsi/login_initiator.h"

namespace tapeloft::vtl::iscsi {
namespace {

class HostileLogin : public testing::Test {
  protected:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    std::string value() {
        constexpr auto kValues =
            std::to_array<std::string_view>({"",
                                             "Yes",
                                             "No",
                                             "None",
                                             "CHAP",
                                             "CHAP,None",
                                             "None,CHAP",
                                             "CRC32C",
                                             "CRC32C,None",
                                             "0",
                                             "1",
                                             "5",
                                             "6,7",
                                             "512",
                                             "65536",
                                             "16777215",
                                             "0x10000",
                                             "4294967296",
                                             "Normal",
                                             "Discovery",
                                             "Reject",
                                             "Irrelevant",
                                             "NotUnderstood",
                                             "?",
                                             "pbs",
                                             "0x00",
                                             "0b",
                                             "0xce13d33f7d05706c5447d12cd668074e",
                                             "0x202122232425262728292a2b2c2d2e2f",
                                             ",,,",
                                             "All",
                                             kTargetName,
                                             kInitiatorName,
                                             "iqn.2001-04.com.example:x"});
        if (below(8) == 0) {
            std::string noise(below(300), ' ');
            for (auto& c : noise) {
                c = static_cast<char>(random_());
            }
            return noise;
        }
        return std::string(kValues[below(kValues.size())]);
    }

    Bytes text() {
        Bytes bytes;
        if (below(3) != 0) {
            bytes = text_of(kIdentity);
        }
        for (auto count = below(6); count > 0; --count) {
            const auto& row = all_keys()[below(all_keys().size())];
            append_text_pair(bytes, below(20) == 0 ? "X-unknown" : row.name, value());
        }
        if (below(10) == 0 && !bytes.empty()) {
            bytes[below(bytes.size())] = static_cast<std::uint8_t>(random_());
        }
        return bytes;
    }

    LoginStep random_request(LoginInitiator& initiator) {
        const bool sane = below(4) != 0;
        const auto csg = static_cast<std::uint8_t>(sane ? stage_ : below(4));
        const auto nsg = static_cast<std::uint8_t>(sane ? (stage_ == 0 ? 1 : 3) : below(4));
        initiator.header().tsih = static_cast<std::uint16_t>(below(200) == 0 ? 1 : 0);
        initiator.header().version_min = static_cast<std::uint8_t>(below(200) == 0 ? 1 : 0);
        auto step = initiator.send(csg, nsg, below(2) == 0, below(8) == 0, text());
        if (step.response.transit) {
            stage_ = step.response.nsg;
        }
        return step;
    }

    static void check(const LoginStep& step) {
        const auto& response = step.response;
        ASSERT_LE(response.text.size(), kLoginDataSegmentLengthMax);
        ASSERT_FALSE(response.transit && response.continue_text);
        ASSERT_EQ(step.progress == LoginProgress::failed, response.status != LoginStatus::success);
        ASSERT_EQ(step.progress == LoginProgress::failed, !step.reason.empty());
        if (!response.continue_text) {
            ASSERT_TRUE(response.text.empty() || response.text.back() == 0);
        }
        for (const auto& secret : {"initiator secret", "target secret"}) {
            ASSERT_EQ(step.reason.find(secret), std::string::npos);
            ASSERT_EQ(as_text(response.text).find(secret), std::string_view::npos);
        }
    }

    /// How many of `rounds` random logins came to admission.
    int play(const LoginConfiguration& configuration, int rounds) {
        int admitted = 0;
        for (int round = 0; round < rounds; ++round) {
            LoginInitiator initiator(configuration);
            stage_ = static_cast<std::uint8_t>(below(2));
            LoginStep step;
            std::uint32_t requests = 0;
            do {
                step = random_request(initiator);
                check(step);
                ++requests;
            } while (step.progress == LoginProgress::next && !HasFatalFailure());
            EXPECT_LE(requests, kLoginRequestsMax + 1);
            if (step.progress == LoginProgress::admit) {
                ++admitted;
                check(below(2) == 0 ? initiator.login().complete(1)
                                    : initiator.login().refuse(LoginStatus::out_of_resources));
                const auto& agreed = initiator.login().parameters();
                EXPECT_LE(agreed.first_burst_length, agreed.max_burst_length);
                EXPECT_GE(agreed.initiator_max_recv_data_segment_length, 512U);
                EXPECT_TRUE(agreed.data_pdu_in_order && agreed.data_sequence_in_order);
                EXPECT_EQ(agreed.error_recovery_level, 0U);
                EXPECT_EQ(agreed.max_connections, 1U);
            }
        }
        return admitted;
    }

    const std::uint32_t seed_ = std::random_device{}();
    std::mt19937 random_{seed_};
    std::uint8_t stage_ = 0;
};

TEST_F(HostileLogin, NeverGetsPastChapWithoutTheSecret) {
    SCOPED_TRACE(testing::Message() << "seed " << seed_);
    EXPECT_EQ(play(chap_configuration(), 20000), 0);
}

TEST_F(HostileLogin, AlwaysEndsAndNeverAgreesOnSomethingIllegal) {
    SCOPED_TRACE(testing::Message() << "seed " << seed_);
    EXPECT_GT(play(open_configuration(), 20000), 0);  // the generator does reach the far end
}

TEST_F(HostileLogin, WrongResponsesOfEveryShapeAreRefused) {
    SCOPED_TRACE(testing::Message() << "seed " << seed_);
    for (int round = 0; round < 3000; ++round) {
        LoginInitiator initiator(chap_configuration());
        auto first = kIdentity;
        first.push_back({"AuthMethod", "CHAP"});
        ASSERT_TRUE(goes_on(initiator.stay(0, first), LoginProgress::next));
        ASSERT_TRUE(goes_on(initiator.stay(0, {{"CHAP_A", "5"}}), LoginProgress::next));
        Bytes response(1 + below(24));
        for (auto& byte : response) {
            byte = static_cast<std::uint8_t>(random_());
        }
        Pairs pairs = {{"CHAP_N", below(2) == 0 ? "pbs" : "x"},
                       {"CHAP_R", format_binary(response)}};
        if (below(4) == 0) {
            pairs.push_back({"CHAP_I", "1"});
            pairs.push_back({"CHAP_C", format_binary(response)});
        }
        const auto step = initiator.transit(0, 1, pairs);
        EXPECT_TRUE(fails_with(step, LoginStatus::authentication_failure));
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
