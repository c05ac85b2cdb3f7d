#include "vtl/iscsi/negotiation.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::iscsi {
namespace {

using Pairs = std::vector<TextPair>;

Pairs parsed(const Bytes& answer) {
    auto pairs = parse_text(answer);
    EXPECT_TRUE(pairs);
    return *std::move(pairs);
}

LocalParameters modest() {
    LocalParameters local;
    local.max_recv_data_segment_length = 1048576;
    local.max_burst_length = 4194304;
    local.first_burst_length = 1048576;
    local.max_outstanding_r2t = 8;
    local.default_time2wait = 2;
    return local;
}

struct KeyCase {
    const char* key;
    const char* offer;
    const char* answer;
};

void PrintTo(const KeyCase& rule, std::ostream* out) {
    *out << rule.key << "=" << rule.offer;
}

class NormalSession : public testing::TestWithParam<KeyCase> {};

TEST_P(NormalSession, AnswersAsTheRuleOfTheKeySays) {
    OperationalNegotiation negotiation(modest(), SessionType::normal);
    Bytes answer;
    const Pairs offer = {{GetParam().key, GetParam().offer}};
    ASSERT_TRUE(negotiation.on_pairs(offer, answer));
    EXPECT_EQ(parsed(answer), (Pairs{{GetParam().key, GetParam().answer}}));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Lists, NormalSession, testing::Values(
    KeyCase{"HeaderDigest", "None", "None"},
    KeyCase{"HeaderDigest", "CRC32C", "CRC32C"},
    KeyCase{"HeaderDigest", "CRC32C,None", "CRC32C"},
    KeyCase{"HeaderDigest", "None,CRC32C", "None"},
    KeyCase{"HeaderDigest", "X-new,CRC32C", "CRC32C"},
    KeyCase{"HeaderDigest", "crc32c,None", "None"},
    KeyCase{"HeaderDigest", "crc32c", "Reject"},
    KeyCase{"HeaderDigest", "", "Reject"},
    KeyCase{"DataDigest", "CRC32C,None", "CRC32C"},
    KeyCase{"DataDigest", "None", "None"},
    KeyCase{"DataDigest", "NotUnderstood", "Reject"},
    KeyCase{"TaskReporting", "FastAbort,ResponseFence,RFC3720", "RFC3720"},
    KeyCase{"TaskReporting", "FastAbort", "Reject"}));

INSTANTIATE_TEST_SUITE_P(Booleans, NormalSession, testing::Values(
    KeyCase{"InitialR2T", "Yes", "Yes"},
    KeyCase{"InitialR2T", "No", "No"},
    KeyCase{"InitialR2T", "no", "Reject"},
    KeyCase{"InitialR2T", "1", "Reject"},
    KeyCase{"ImmediateData", "Yes", "Yes"},
    KeyCase{"ImmediateData", "No", "No"},
    KeyCase{"ImmediateData", "", "Reject"},
    KeyCase{"DataPDUInOrder", "Yes", "Yes"},
    KeyCase{"DataPDUInOrder", "No", "Yes"},
    KeyCase{"DataSequenceInOrder", "Yes", "Yes"},
    KeyCase{"DataSequenceInOrder", "No", "Yes"},
    KeyCase{"DataSequenceInOrder", "YES", "Reject"}));

INSTANTIATE_TEST_SUITE_P(Minima, NormalSession, testing::Values(
    KeyCase{"MaxConnections", "1", "1"},
    KeyCase{"MaxConnections", "65535", "1"},
    KeyCase{"MaxConnections", "0", "Reject"},
    KeyCase{"MaxConnections", "65536", "Reject"},
    KeyCase{"MaxBurstLength", "512", "512"},
    KeyCase{"MaxBurstLength", "511", "Reject"},
    KeyCase{"MaxBurstLength", "0x40000", "262144"},
    KeyCase{"MaxBurstLength", "4194304", "4194304"},
    KeyCase{"MaxBurstLength", "16777215", "4194304"},
    KeyCase{"MaxBurstLength", "16777216", "Reject"},
    KeyCase{"MaxBurstLength", "-1", "Reject"},
    KeyCase{"MaxBurstLength", "4294967808", "Reject"},
    KeyCase{"FirstBurstLength", "512", "512"},
    KeyCase{"FirstBurstLength", "511", "Reject"},
    KeyCase{"FirstBurstLength", "262144", "262144"},
    KeyCase{"FirstBurstLength", "262145", "262144"},  // MaxBurstLength is at its default
    KeyCase{"FirstBurstLength", "16777216", "Reject"},
    KeyCase{"DefaultTime2Retain", "0", "0"},
    KeyCase{"DefaultTime2Retain", "3600", "0"},
    KeyCase{"DefaultTime2Retain", "3601", "Reject"},
    KeyCase{"MaxOutstandingR2T", "1", "1"},
    KeyCase{"MaxOutstandingR2T", "0", "Reject"},
    KeyCase{"MaxOutstandingR2T", "65535", "8"},
    KeyCase{"MaxOutstandingR2T", "65536", "Reject"},
    KeyCase{"ErrorRecoveryLevel", "0", "0"},
    KeyCase{"ErrorRecoveryLevel", "2", "0"},
    KeyCase{"ErrorRecoveryLevel", "3", "Reject"},
    KeyCase{"iSCSIProtocolLevel", "2", "1"},
    KeyCase{"iSCSIProtocolLevel", "0", "0"},
    KeyCase{"iSCSIProtocolLevel", "32", "Reject"}));

INSTANTIATE_TEST_SUITE_P(Maxima, NormalSession, testing::Values(
    KeyCase{"DefaultTime2Wait", "0", "2"},
    KeyCase{"DefaultTime2Wait", "2", "2"},
    KeyCase{"DefaultTime2Wait", "0xa", "10"},
    KeyCase{"DefaultTime2Wait", "3600", "3600"},
    KeyCase{"DefaultTime2Wait", "3601", "Reject"}));

INSTANTIATE_TEST_SUITE_P(Obsolete, NormalSession, testing::Values(
    KeyCase{"IFMarker", "No", "No"},
    KeyCase{"OFMarker", "Yes", "No"},
    KeyCase{"IFMarkInt", "1~65535", "Reject"},
    KeyCase{"OFMarkInt", "2048", "Reject"}));
// clang-format on

class DiscoverySession : public testing::TestWithParam<KeyCase> {};

TEST_P(DiscoverySession, AnswersAsTheRuleOfTheKeySays) {
    OperationalNegotiation negotiation(modest(), SessionType::discovery);
    Bytes answer;
    const Pairs offer = {{GetParam().key, GetParam().offer}};
    ASSERT_TRUE(negotiation.on_pairs(offer, answer));
    EXPECT_EQ(parsed(answer), (Pairs{{GetParam().key, GetParam().answer}}));
}

INSTANTIATE_TEST_SUITE_P(IrrelevantAndNot, DiscoverySession,
                         testing::Values(KeyCase{"MaxConnections", "1", "Irrelevant"},
                                         KeyCase{"InitialR2T", "No", "Irrelevant"},
                                         KeyCase{"ImmediateData", "Yes", "Irrelevant"},
                                         KeyCase{"MaxBurstLength", "262144", "Irrelevant"},
                                         KeyCase{"FirstBurstLength", "65536", "Irrelevant"},
                                         KeyCase{"MaxOutstandingR2T", "1", "Irrelevant"},
                                         KeyCase{"DataPDUInOrder", "Yes", "Irrelevant"},
                                         KeyCase{"DataSequenceInOrder", "Yes", "Irrelevant"},
                                         KeyCase{"TaskReporting", "RFC3720", "Irrelevant"},
                                         KeyCase{"ErrorRecoveryLevel", "0", "0"},
                                         KeyCase{"HeaderDigest", "CRC32C", "CRC32C"},
                                         KeyCase{"DefaultTime2Wait", "2", "2"},
                                         KeyCase{"DefaultTime2Retain", "20", "0"}));

class Negotiation : public testing::Test {
  protected:
    Pairs ask(const Pairs& offer) {
        Bytes answer;
        result_ = negotiation_.on_pairs(offer, answer);
        return parsed(answer);
    }
    OperationalNegotiation negotiation_{modest(), SessionType::normal};
    Result<void> result_;
};

TEST_F(Negotiation, WithoutOffersGivesTheDefaultsOfTheRfc) {
    const auto agreed = negotiation_.result();
    EXPECT_FALSE(agreed.header_digest);
    EXPECT_FALSE(agreed.data_digest);
    EXPECT_EQ(agreed.max_connections, 1U);
    EXPECT_TRUE(agreed.initial_r2t);
    EXPECT_TRUE(agreed.immediate_data);
    EXPECT_EQ(agreed.initiator_max_recv_data_segment_length, 8192U);
    EXPECT_EQ(agreed.target_max_recv_data_segment_length, 8192U);
    EXPECT_EQ(agreed.max_burst_length, 262144U);
    EXPECT_EQ(agreed.first_burst_length, 65536U);
    EXPECT_EQ(agreed.default_time2wait, 2U);
    EXPECT_EQ(agreed.default_time2retain, 20U);
    EXPECT_EQ(agreed.max_outstanding_r2t, 1U);
    EXPECT_TRUE(agreed.data_pdu_in_order);
    EXPECT_TRUE(agreed.data_sequence_in_order);
    EXPECT_EQ(agreed.error_recovery_level, 0U);
}

TEST_F(Negotiation, RejectedOffersLeaveTheDefaults) {
    ask({{"HeaderDigest", "crc"}, {"MaxBurstLength", "1"}, {"InitialR2T", "maybe"}});
    ASSERT_TRUE(result_);
    EXPECT_FALSE(negotiation_.result().header_digest);
    EXPECT_EQ(negotiation_.result().max_burst_length, 262144U);
    EXPECT_TRUE(negotiation_.result().initial_r2t);
}

TEST_F(Negotiation, WhatIsAnsweredIsWhatIsAgreed) {
    ask({{"HeaderDigest", "CRC32C"},
         {"DataDigest", "CRC32C,None"},
         {"InitialR2T", "No"},
         {"ImmediateData", "No"},
         {"MaxBurstLength", "16777215"},
         {"FirstBurstLength", "16777215"},
         {"MaxRecvDataSegmentLength", "262144"},
         {"DefaultTime2Wait", "5"},
         {"DefaultTime2Retain", "5"},
         {"MaxOutstandingR2T", "4"},
         {"iSCSIProtocolLevel", "2"}});
    ASSERT_TRUE(result_);
    const auto agreed = negotiation_.result();
    EXPECT_TRUE(agreed.header_digest);
    EXPECT_TRUE(agreed.data_digest);
    EXPECT_FALSE(agreed.initial_r2t);
    EXPECT_FALSE(agreed.immediate_data);
    EXPECT_EQ(agreed.max_burst_length, 4194304U);
    EXPECT_EQ(agreed.first_burst_length, 1048576U);
    EXPECT_EQ(agreed.initiator_max_recv_data_segment_length, 262144U);
    EXPECT_EQ(agreed.default_time2wait, 5U);
    EXPECT_EQ(agreed.default_time2retain, 0U);
    EXPECT_EQ(agreed.max_outstanding_r2t, 4U);
    EXPECT_EQ(agreed.iscsi_protocol_level, 1U);
}

TEST_F(Negotiation, OurWishesBindBothBooleans) {
    auto local = modest();
    local.initial_r2t = true;
    local.immediate_data = false;
    negotiation_ = OperationalNegotiation(local, SessionType::normal);
    const auto answer = ask({{"InitialR2T", "No"}, {"ImmediateData", "Yes"}});
    EXPECT_EQ(answer, (Pairs{{"InitialR2T", "Yes"}, {"ImmediateData", "No"}}));
}

TEST_F(Negotiation, FirstBurstLengthNeverExceedsMaxBurstLengthWhateverTheOrder) {
    const auto answer = ask({{"FirstBurstLength", "1048576"}, {"MaxBurstLength", "65536"}});
    EXPECT_EQ(answer, (Pairs{{"MaxBurstLength", "65536"}, {"FirstBurstLength", "65536"}}));
}

TEST_F(Negotiation, MaxBurstLengthBelowAnAgreedFirstBurstLengthFails) {
    ask({{"FirstBurstLength", "65536"}});
    ASSERT_TRUE(result_);
    ask({{"MaxBurstLength", "65535"}});
    EXPECT_FALSE(result_);
}

TEST_F(Negotiation, TheDefaultFirstBurstLengthIsCutToMaxBurstLength) {
    ask({{"MaxBurstLength", "4096"}});
    EXPECT_EQ(negotiation_.result().first_burst_length, 4096U);
}

TEST_F(Negotiation, FirstBurstLengthIsIrrelevantWithoutUnsolicitedData) {
    const auto answer =
        ask({{"FirstBurstLength", "65536"}, {"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
    EXPECT_EQ(answer, (Pairs{{"InitialR2T", "Yes"},
                             {"ImmediateData", "No"},
                             {"FirstBurstLength", "Irrelevant"}}));
}

TEST_F(Negotiation, AnIllegalDeclarationFailsTheLogin) {
    for (const auto* value : {"511", "16777216", "", "8K", "Reject"}) {
        ask({{"MaxRecvDataSegmentLength", value}});
        EXPECT_FALSE(result_) << value;
    }
    ask({{"MaxRecvDataSegmentLength", "512"}});
    EXPECT_TRUE(result_);
    ask({{"MaxRecvDataSegmentLength", "16777215"}});
    EXPECT_TRUE(result_);
}

TEST_F(Negotiation, OurDeclarationIsMadeOnce) {
    Bytes answer;
    negotiation_.declare(answer);
    negotiation_.declare(answer);
    EXPECT_EQ(parsed(answer), (Pairs{{"MaxRecvDataSegmentLength", "1048576"}}));
    EXPECT_EQ(negotiation_.result().target_max_recv_data_segment_length, 1048576U);
}

TEST(FullFeatureText, SendTargetsIsLeftToTheCaller) {
    const auto text = answer_full_feature_text({{"SendTargets", "All"}});
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->answer.empty());
    EXPECT_EQ(text->send_targets, "All");
}

TEST(FullFeatureText, TheDataSegmentLengthMayBeDeclaredAgain) {
    const auto text = answer_full_feature_text({{"MaxRecvDataSegmentLength", "0x10000"}});
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->answer.empty());
    EXPECT_EQ(text->initiator_max_recv_data_segment_length, 65536U);
}

TEST(FullFeatureText, AnIllegalDataSegmentLengthIsRejectedAndChangesNothing) {
    const auto text = answer_full_feature_text({{"MaxRecvDataSegmentLength", "511"}});
    ASSERT_TRUE(text);
    EXPECT_EQ(parsed(text->answer), (Pairs{{"MaxRecvDataSegmentLength", "Reject"}}));
    EXPECT_FALSE(text->initiator_max_recv_data_segment_length);
}

TEST(FullFeatureText, KeysOfTheLoginPhaseAreRejectedAndUnknownOnesNotUnderstood) {
    const auto text = answer_full_feature_text({{"MaxBurstLength", "512"},
                                                {"AuthMethod", "None"},
                                                {"InitiatorName", "iqn.2001-04.com.example"},
                                                {"InitiatorAlias", "host"},
                                                {"X-vendor.key", "1"}});
    ASSERT_TRUE(text);
    EXPECT_EQ(parsed(text->answer), (Pairs{{"MaxBurstLength", "Reject"},
                                           {"AuthMethod", "Reject"},
                                           {"InitiatorName", "Reject"},
                                           {"X-vendor.key", "NotUnderstood"}}));
}

TEST(FullFeatureText, AKeyGivenTwiceIsAnError) {
    EXPECT_FALSE(answer_full_feature_text({{"SendTargets", "All"}, {"SendTargets", "All"}}));
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
