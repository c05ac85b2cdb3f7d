// Whole logins of real initiators, request by request, with the exact answers. The keys, their
// order and the stage flags are those that the public sources build: open-iscsi usr/login.c
// (iscsi_make_login_pdu, fill_op_params_text) with the defaults of iscsid.conf, libiscsi
// lib/login.c (iscsi_login_async).
#include <gtest/gtest.h>

#include "tests/vtl/iscsi/login_initiator.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr auto kMd5Challenge = "0x202122232425262728292a2b2c2d2e2f";
constexpr auto kMd5Response = "0xce13d33f7d05706c5447d12cd668074d";
constexpr auto kMutualChallenge = "0xa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7";

Pairs open_iscsi_identity(const char* auth_method) {
    return {{"InitiatorName", kInitiatorName},
            {"InitiatorAlias", "pbs"},
            {"TargetName", kTargetName},
            {"SessionType", "Normal"},
            {"AuthMethod", auth_method}};
}

Pairs open_iscsi_parameters() {
    return {{"HeaderDigest", "None"},
            {"DataDigest", "None"},
            {"DefaultTime2Wait", "2"},
            {"DefaultTime2Retain", "0"},
            {"IFMarker", "No"},
            {"OFMarker", "No"},
            {"ErrorRecoveryLevel", "0"},
            {"InitialR2T", "No"},
            {"ImmediateData", "Yes"},
            {"MaxBurstLength", "16776192"},
            {"FirstBurstLength", "262144"},
            {"MaxOutstandingR2T", "1"},
            {"MaxConnections", "1"},
            {"DataPDUInOrder", "Yes"},
            {"DataSequenceInOrder", "Yes"},
            {"MaxRecvDataSegmentLength", "262144"}};
}

/// What open-iscsi must get: it fails on "Irrelevant" or "Reject" for several of these keys.
Pairs answer_to_open_iscsi() {
    return {{"HeaderDigest", "None"},
            {"DataDigest", "None"},
            {"DefaultTime2Wait", "2"},
            {"DefaultTime2Retain", "0"},
            {"IFMarker", "No"},
            {"OFMarker", "No"},
            {"ErrorRecoveryLevel", "0"},
            {"InitialR2T", "No"},
            {"ImmediateData", "Yes"},
            {"MaxBurstLength", "16776192"},
            {"MaxOutstandingR2T", "1"},
            {"MaxConnections", "1"},
            {"DataPDUInOrder", "Yes"},
            {"DataSequenceInOrder", "Yes"},
            {"FirstBurstLength", "262144"},
            {"MaxRecvDataSegmentLength", "1048576"}};
}

const Pairs kTargetDeclarations = {{"TargetPortalGroupTag", "1"},
                                   {"TargetAlias", "Tapeloft default"}};

void expect_open_iscsi_parameters(const NegotiatedParameters& agreed) {
    EXPECT_FALSE(agreed.header_digest);
    EXPECT_FALSE(agreed.data_digest);
    EXPECT_FALSE(agreed.initial_r2t);
    EXPECT_TRUE(agreed.immediate_data);
    EXPECT_EQ(agreed.max_burst_length, 16776192U);
    EXPECT_EQ(agreed.first_burst_length, 262144U);
    EXPECT_EQ(agreed.max_outstanding_r2t, 1U);
    EXPECT_EQ(agreed.initiator_max_recv_data_segment_length, 262144U);
    EXPECT_EQ(agreed.target_max_recv_data_segment_length, 1048576U);
    EXPECT_EQ(agreed.default_time2retain, 0U);
    EXPECT_EQ(agreed.error_recovery_level, 0U);
}

TEST(OpenIscsi, LogsInWithoutAuthentication) {
    LoginInitiator initiator(open_configuration());
    auto step = initiator.transit(kSecurityStage, kOperationalStage, open_iscsi_identity("None"));
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_TRUE(step.response.transit);
    auto expected = kTargetDeclarations;
    expected.push_back({"AuthMethod", "None"});
    EXPECT_EQ(pairs_of(step), expected);

    step = initiator.transit(kOperationalStage, kFullFeatureStage, open_iscsi_parameters());
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    step = initiator.login().complete(1);
    ASSERT_TRUE(goes_on(step, LoginProgress::done));
    EXPECT_EQ(pairs_of(step), answer_to_open_iscsi());
    expect_open_iscsi_parameters(initiator.login().parameters());
    EXPECT_EQ(initiator.login().identity().initiator_alias, "pbs");
}

TEST(OpenIscsi, LogsInWithMutualChap) {
    LoginInitiator initiator(chap_configuration());
    // T = 0 and NSG = CSG while there is more to authenticate.
    auto step = initiator.send(0, 0, false, false, text_of(open_iscsi_identity("CHAP")));
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(value_of(step, "AuthMethod"), "CHAP");
    step = initiator.stay(kSecurityStage, {{"CHAP_A", "8,7,6,5"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(
        pairs_of(step),
        (Pairs{{"CHAP_A", "7"},
               {"CHAP_I", "16"},
               {"CHAP_C", "0x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"}}));
    step = initiator.transit(
        kSecurityStage, kOperationalStage,
        {{"CHAP_N", "pbs"},
         {"CHAP_R", "0x5a17526b20d75101307c01577c85ea5341cb50abbfb6856ebee6c51c41aa687b"},
         {"CHAP_I", "200"},
         {"CHAP_C", kMutualChallenge}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_TRUE(step.response.transit);
    EXPECT_EQ(
        pairs_of(step),
        (Pairs{{"CHAP_N", "loft"},
               {"CHAP_R", "0x3ad36fb3412b2b555508b708f9cc392e40fd18a2c62b320184982a469326639e"}}));
    step = initiator.transit(kOperationalStage, kFullFeatureStage, open_iscsi_parameters());
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    EXPECT_EQ(initiator.login().identity().user, "pbs");
    EXPECT_EQ(pairs_of(initiator.login().complete(2)), answer_to_open_iscsi());
}

TEST(OpenIscsi, DiscoversTargets) {
    LoginInitiator initiator(open_configuration());
    auto step = initiator.transit(kSecurityStage, kOperationalStage,
                                  {{"InitiatorName", kInitiatorName},
                                   {"InitiatorAlias", "pbs"},
                                   {"SessionType", "Discovery"},
                                   {"AuthMethod", "None"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    // In the security stage open-iscsi fails on any key but TargetAlias, TargetAddress,
    // TargetPortalGroupTag and those of the authentication.
    EXPECT_EQ(pairs_of(step), (Pairs{{"AuthMethod", "None"}}));
    step = initiator.transit(kOperationalStage, kFullFeatureStage,
                             {{"HeaderDigest", "None"},
                              {"DataDigest", "None"},
                              {"DefaultTime2Wait", "2"},
                              {"DefaultTime2Retain", "0"},
                              {"IFMarker", "No"},
                              {"OFMarker", "No"},
                              {"ErrorRecoveryLevel", "0"},
                              {"MaxRecvDataSegmentLength", "32768"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    EXPECT_EQ(pairs_of(initiator.login().complete(3)),
              (Pairs{{"HeaderDigest", "None"},
                     {"DataDigest", "None"},
                     {"DefaultTime2Wait", "2"},
                     {"DefaultTime2Retain", "0"},
                     {"IFMarker", "No"},
                     {"OFMarker", "No"},
                     {"ErrorRecoveryLevel", "0"},
                     {"MaxRecvDataSegmentLength", "1048576"}}));
    EXPECT_EQ(initiator.login().parameters().initiator_max_recv_data_segment_length, 32768U);
}

Pairs libiscsi_identity() {
    return {{"InitiatorName", "iqn.2007-10.com.github:sahlberg:libiscsi:test"},
            {"TargetName", kTargetName},
            {"SessionType", "Normal"}};
}

Pairs libiscsi_operational() {
    auto pairs = libiscsi_identity();
    for (const auto& pair : Pairs{{"HeaderDigest", "None,CRC32C"},
                                  {"DataDigest", "None"},
                                  {"InitialR2T", "No"},
                                  {"ImmediateData", "Yes"},
                                  {"MaxBurstLength", "262144"},
                                  {"FirstBurstLength", "262144"},
                                  {"DefaultTime2Wait", "2"},
                                  {"DefaultTime2Retain", "0"},
                                  {"MaxOutstandingR2T", "1"},
                                  {"ErrorRecoveryLevel", "0"},
                                  {"IFMarker", "No"},
                                  {"OFMarker", "No"},
                                  {"MaxConnections", "1"},
                                  {"MaxRecvDataSegmentLength", "262144"},
                                  {"DataPDUInOrder", "Yes"},
                                  {"DataSequenceInOrder", "Yes"}}) {
        pairs.push_back(pair);
    }
    return pairs;
}

const Pairs kAnswerToLibiscsi = {{"HeaderDigest", "None"},
                                 {"DataDigest", "None"},
                                 {"InitialR2T", "No"},
                                 {"ImmediateData", "Yes"},
                                 {"MaxBurstLength", "262144"},
                                 {"DefaultTime2Wait", "2"},
                                 {"DefaultTime2Retain", "0"},
                                 {"MaxOutstandingR2T", "1"},
                                 {"ErrorRecoveryLevel", "0"},
                                 {"IFMarker", "No"},
                                 {"OFMarker", "No"},
                                 {"MaxConnections", "1"},
                                 {"DataPDUInOrder", "Yes"},
                                 {"DataSequenceInOrder", "Yes"},
                                 {"FirstBurstLength", "262144"},
                                 {"MaxRecvDataSegmentLength", "1048576"}};

TEST(Libiscsi, LogsInWithOneRequest) {
    LoginInitiator initiator(open_configuration());
    const auto step =
        initiator.transit(kOperationalStage, kFullFeatureStage, libiscsi_operational());
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    auto expected = kTargetDeclarations;
    expected.insert(expected.end(), kAnswerToLibiscsi.begin(), kAnswerToLibiscsi.end());
    EXPECT_EQ(pairs_of(initiator.login().complete(1)), expected);
}

TEST(Libiscsi, LogsInWithMutualChapAndNamesItselfAgainInTheNextStage) {
    LoginInitiator initiator(chap_configuration());
    auto first = libiscsi_identity();
    first.push_back({"AuthMethod", "CHAP,None"});
    auto step = initiator.transit(kSecurityStage, kOperationalStage, first);
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_FALSE(step.response.transit);
    EXPECT_EQ(value_of(step, "AuthMethod"), "CHAP");
    step = initiator.send(0, 1, false, false, text_of({{"CHAP_A", "5"}}));  // NSG set, T not
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(pairs_of(step),
              (Pairs{{"CHAP_A", "5"}, {"CHAP_I", "16"}, {"CHAP_C", kMd5Challenge}}));
    step = initiator.transit(kSecurityStage, kOperationalStage,
                             {{"CHAP_N", "pbs"},
                              {"CHAP_R", kMd5Response},
                              {"CHAP_I", "200"},
                              {"CHAP_C", kMutualChallenge}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_TRUE(step.response.transit);
    EXPECT_EQ(pairs_of(step),
              (Pairs{{"CHAP_N", "loft"}, {"CHAP_R", "0xe733d7e5e49229cefdc63e2efb0e0ed7"}}));
    step = initiator.transit(kOperationalStage, kFullFeatureStage, libiscsi_operational());
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    EXPECT_EQ(pairs_of(initiator.login().complete(1)), kAnswerToLibiscsi);
    EXPECT_EQ(initiator.login().identity().user, "pbs");
}

TEST(Libiscsi, OffersChapToATargetThatWantsNone) {
    LoginInitiator initiator(open_configuration());
    auto first = libiscsi_identity();
    first.push_back({"AuthMethod", "CHAP,None"});
    const auto step = initiator.transit(kSecurityStage, kOperationalStage, first);
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(value_of(step, "AuthMethod"), "None");
    EXPECT_TRUE(step.response.transit);
    EXPECT_TRUE(
        goes_on(initiator.transit(kOperationalStage, kFullFeatureStage, libiscsi_operational()),
                LoginProgress::admit));
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
