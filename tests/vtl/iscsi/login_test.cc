#include "vtl/iscsi/login.h"

#include <gtest/gtest.h>

#include "tests/vtl/iscsi/login_initiator.h"

namespace tapeloft::vtl::iscsi {
namespace {

Pairs with(Pairs pairs, const Pairs& more) {
    pairs.insert(pairs.end(), more.begin(), more.end());
    return pairs;
}

class OpenTarget : public testing::Test {
  protected:
    LoginInitiator initiator_{open_configuration()};
};

TEST_F(OpenTarget, OneRequestLogsIn) {
    auto step = initiator_.transit(kOperationalStage, kFullFeatureStage,
                                   with(kIdentity, {{"MaxRecvDataSegmentLength", "262144"}}));
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    const auto& identity = initiator_.login().identity();
    EXPECT_EQ(identity.session_type, SessionType::normal);
    EXPECT_EQ(identity.initiator_name, kInitiatorName);
    EXPECT_EQ(identity.target_name, kTargetName);
    EXPECT_EQ(identity.user, "");
    EXPECT_EQ(identity.isid, initiator_.header().isid);
    EXPECT_EQ(identity.tsih, 0U);
    step = initiator_.login().complete(7);
    ASSERT_TRUE(goes_on(step, LoginProgress::done));
    EXPECT_TRUE(step.response.transit);
    EXPECT_EQ(step.response.csg, kOperationalStage);
    EXPECT_EQ(step.response.nsg, kFullFeatureStage);
    EXPECT_EQ(step.response.tsih, 7U);
    EXPECT_EQ(step.response.isid, initiator_.header().isid);
    EXPECT_EQ(step.response.version_max, 0U);
    EXPECT_EQ(step.response.version_active, 0U);
    EXPECT_EQ(step.response.status_class(), 0U);
    EXPECT_EQ(step.response.status_detail(), 0U);
    EXPECT_EQ(pairs_of(step), (Pairs{{"TargetPortalGroupTag", "1"},
                                     {"TargetAlias", "Tapeloft default"},
                                     {"MaxRecvDataSegmentLength", "1048576"}}));
    EXPECT_EQ(initiator_.login().parameters().initiator_max_recv_data_segment_length, 262144U);
    EXPECT_EQ(initiator_.login().parameters().target_max_recv_data_segment_length, 1048576U);
}

TEST_F(OpenTarget, SecurityKeysAreNeverOfferedUnasked) {
    const auto step = initiator_.transit(kSecurityStage, kOperationalStage, kIdentity);
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_TRUE(step.response.transit);
    EXPECT_EQ(pairs_of(step),
              (Pairs{{"TargetPortalGroupTag", "1"}, {"TargetAlias", "Tapeloft default"}}));
}

TEST_F(OpenTarget, NoneIsChosenFromAnyOrderOfMethods) {
    for (const auto* offer : {"None", "CHAP,None", "None,CHAP", "KRB5,SRP,CHAP,None"}) {
        LoginInitiator initiator(open_configuration());
        const auto step = initiator.transit(kSecurityStage, kOperationalStage,
                                            with(kIdentity, {{"AuthMethod", offer}}));
        ASSERT_TRUE(goes_on(step, LoginProgress::next)) << offer;
        EXPECT_EQ(value_of(step, "AuthMethod"), "None");
        EXPECT_TRUE(step.response.transit);
    }
}

TEST_F(OpenTarget, OnlyMethodsThatItDoesNotHaveAreAnAuthenticationFailure) {
    EXPECT_TRUE(fails_with(initiator_.transit(kSecurityStage, kOperationalStage,
                                              with(kIdentity, {{"AuthMethod", "CHAP"}})),
                           LoginStatus::authentication_failure));
}

TEST_F(OpenTarget, SecurityStageMayLeadStraightToFullFeaturePhase) {
    const auto step = initiator_.transit(kSecurityStage, kFullFeatureStage, kIdentity);
    ASSERT_TRUE(goes_on(step, LoginProgress::admit));
    const auto done = initiator_.login().complete(1);
    EXPECT_EQ(done.response.nsg, kFullFeatureStage);
    EXPECT_EQ(value_of(done, "MaxRecvDataSegmentLength"), "(absent)");
    EXPECT_EQ(initiator_.login().parameters().target_max_recv_data_segment_length, 8192U);
}

TEST_F(OpenTarget, StagesWithoutTransitStayWhereTheyAre) {
    auto step = initiator_.stay(kSecurityStage, kIdentity);
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_FALSE(step.response.transit);
    EXPECT_EQ(step.response.nsg, 0U);
    ASSERT_TRUE(
        goes_on(initiator_.transit(kSecurityStage, kOperationalStage, {}), LoginProgress::next));
    step = initiator_.stay(kOperationalStage, {{"InitialR2T", "No"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(value_of(step, "InitialR2T"), "No");
    EXPECT_EQ(value_of(step, "MaxRecvDataSegmentLength"), "1048576");
    step = initiator_.stay(kOperationalStage, {{"ImmediateData", "No"}});
    EXPECT_EQ(value_of(step, "MaxRecvDataSegmentLength"), "(absent)");
    EXPECT_EQ(value_of(step, "TargetPortalGroupTag"), "(absent)");
    ASSERT_TRUE(goes_on(initiator_.transit(kOperationalStage, kFullFeatureStage, {}),
                        LoginProgress::admit));
    EXPECT_FALSE(initiator_.login().parameters().initial_r2t);
    EXPECT_FALSE(initiator_.login().parameters().immediate_data);
}

TEST_F(OpenTarget, NsgIsIgnoredWithoutTransit) {
    const auto step = initiator_.send(kSecurityStage, 2, false, false, text_of(kIdentity));
    EXPECT_TRUE(goes_on(step, LoginProgress::next));
}

TEST_F(OpenTarget, IllegalStagesAreAnInitiatorError) {
    struct Stages {
        std::uint8_t csg;
        std::uint8_t nsg;
    };
    for (const auto& stages : {Stages{0, 0}, Stages{0, 2}, Stages{1, 0}, Stages{1, 1}, Stages{1, 2},
                               Stages{2, 3}, Stages{3, 3}}) {
        LoginInitiator initiator(open_configuration());
        EXPECT_TRUE(fails_with(initiator.transit(stages.csg, stages.nsg, kIdentity),
                               LoginStatus::initiator_error))
            << int{stages.csg} << " to " << int{stages.nsg};
    }
}

TEST_F(OpenTarget, AStageThatIsNotTheCurrentOneIsAnInitiatorError) {
    ASSERT_TRUE(goes_on(initiator_.transit(kSecurityStage, kOperationalStage, kIdentity),
                        LoginProgress::next));
    EXPECT_TRUE(fails_with(initiator_.transit(kSecurityStage, kOperationalStage, {}),
                           LoginStatus::initiator_error));
}

TEST_F(OpenTarget, TransitWithContinueIsAnInitiatorError) {
    EXPECT_TRUE(fails_with(initiator_.send(1, 3, true, true, text_of(kIdentity)),
                           LoginStatus::initiator_error));
}

TEST_F(OpenTarget, AnyVersionRangeThatHoldsZeroIsTakenAndOthersAreNot) {
    initiator_.header().version_max = 5;
    EXPECT_TRUE(goes_on(initiator_.transit(1, 3, kIdentity), LoginProgress::admit));
    LoginInitiator newer(open_configuration());
    newer.header().version_max = 2;
    newer.header().version_min = 1;
    EXPECT_TRUE(fails_with(newer.transit(1, 3, kIdentity), LoginStatus::unsupported_version));
}

TEST_F(OpenTarget, HeaderFactsMayNotChangeDuringTheLogin) {
    const auto changes = std::to_array<void (*)(LoginRequestFields&)>(
        {[](LoginRequestFields& header) { header.isid[5] ^= 1; },
         [](LoginRequestFields& header) { header.tsih = 1; },
         [](LoginRequestFields& header) { header.cid = 1; },
         [](LoginRequestFields& header) { header.initiator_task_tag += 1; }});
    for (const auto change : changes) {
        LoginInitiator initiator(open_configuration());
        ASSERT_TRUE(goes_on(initiator.transit(0, 1, kIdentity), LoginProgress::next));
        change(initiator.header());
        EXPECT_TRUE(fails_with(initiator.transit(1, 3, {}), LoginStatus::initiator_error));
    }
}

TEST_F(OpenTarget, TheFirstRequestNamesTheInitiator) {
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3, {{"TargetName", kTargetName}}),
                           LoginStatus::missing_parameter));
}

TEST_F(OpenTarget, ANormalSessionNamesItsTarget) {
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3, {{"InitiatorName", kInitiatorName}}),
                           LoginStatus::missing_parameter));
}

TEST_F(OpenTarget, AnEmptyFirstRequestIsAMissingParameter) {
    EXPECT_TRUE(fails_with(initiator_.stay(0, {}), LoginStatus::missing_parameter));
}

TEST_F(OpenTarget, AnUnknownTargetIsNotFound) {
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3,
                                              {{"InitiatorName", kInitiatorName},
                                               {"TargetName", "iqn.2026-11.io.tapeloft:other"}}),
                           LoginStatus::not_found));
}

TEST_F(OpenTarget, NamesAreComparedAndKeptWithoutCase) {
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3,
                                           {{"InitiatorName", "IQN.1993-08.org.Debian:01:AB"},
                                            {"TargetName", "iqn.2026-11.IO.Tapeloft:DEFAULT"}}),
                        LoginProgress::admit));
    EXPECT_EQ(initiator_.login().identity().initiator_name, "iqn.1993-08.org.debian:01:ab");
    EXPECT_EQ(initiator_.login().identity().target_name, kTargetName);
}

TEST_F(OpenTarget, MalformedNamesAndAliasesAreAnInitiatorError) {
    for (const auto& pairs :
         {Pairs{{"InitiatorName", "me"}, {"TargetName", kTargetName}},
          Pairs{{"InitiatorName", kInitiatorName}, {"TargetName", "../etc/passwd"}},
          Pairs{{"InitiatorName", ""}, {"TargetName", kTargetName}},
          Pairs{{"InitiatorName", "iqn.2001-04.com.example:a b"}, {"TargetName", kTargetName}},
          with(kIdentity, {{"InitiatorAlias", "\x1B[2J"}}),
          with(kIdentity, {{"InitiatorAlias", "\xFF"}})}) {
        LoginInitiator initiator(open_configuration());
        EXPECT_TRUE(fails_with(initiator.transit(1, 3, pairs), LoginStatus::initiator_error));
    }
}

TEST_F(OpenTarget, TheAliasIsKept) {
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3, with(kIdentity, {{"InitiatorAlias", "backup1"}})),
                        LoginProgress::admit));
    EXPECT_EQ(initiator_.login().identity().initiator_alias, "backup1");
}

TEST_F(OpenTarget, SessionTypesOtherThanNormalAndDiscoveryAreNotSupported) {
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3,
                                              {{"InitiatorName", kInitiatorName},
                                               {"TargetName", kTargetName},
                                               {"SessionType", "Boot"}}),
                           LoginStatus::session_type_not_supported));
}

TEST_F(OpenTarget, DiscoveryNeedsNoTargetAndDeclaresNoPortalGroup) {
    ASSERT_TRUE(goes_on(
        initiator_.transit(1, 3, {{"InitiatorName", kInitiatorName}, {"SessionType", "Discovery"}}),
        LoginProgress::admit));
    const auto done = initiator_.login().complete(3);
    EXPECT_EQ(pairs_of(done), (Pairs{{"MaxRecvDataSegmentLength", "1048576"}}));
    EXPECT_EQ(initiator_.login().identity().session_type, SessionType::discovery);
    EXPECT_EQ(initiator_.login().identity().target_name, "");
}

TEST_F(OpenTarget, UnknownKeysAreNotUnderstoodInEveryStage) {
    auto step = initiator_.transit(0, 1, with(kIdentity, {{"X-com.example.key", "1"}}));
    EXPECT_EQ(value_of(step, "X-com.example.key"), "NotUnderstood");
    step = initiator_.stay(1, {{"X#NodeArchitecture", "linux"}, {"RDMAExtensions", "Yes"}});
    EXPECT_EQ(value_of(step, "X#NodeArchitecture"), "NotUnderstood");
    EXPECT_EQ(value_of(step, "RDMAExtensions"), "NotUnderstood");
}

TEST_F(OpenTarget, AKeyTwiceIsAnInitiatorErrorInOneTextOrInTwo) {
    for (const auto& pair : {TextPair{"InitialR2T", "No"}, TextPair{"X-key", "1"},
                             TextPair{"InitiatorName", kInitiatorName},
                             TextPair{"MaxRecvDataSegmentLength", "8192"}}) {
        LoginInitiator one(open_configuration());
        EXPECT_TRUE(fails_with(one.transit(1, 3, with(kIdentity, {pair, pair})),
                               LoginStatus::initiator_error))
            << pair.key;
        LoginInitiator two(open_configuration());
        auto first = kIdentity;
        if (pair.key != "InitiatorName") {
            first.push_back(pair);
        }
        ASSERT_TRUE(goes_on(two.stay(1, first), LoginProgress::next));
        EXPECT_TRUE(fails_with(two.transit(1, 3, {pair}), LoginStatus::initiator_error))
            << pair.key;
    }
}

TEST_F(OpenTarget, TheSameIdentityMayBeDeclaredAgainInTheNextStageButNoOther) {
    ASSERT_TRUE(goes_on(initiator_.transit(0, 1, kIdentity), LoginProgress::next));
    EXPECT_TRUE(goes_on(initiator_.transit(1, 3, kIdentity), LoginProgress::admit));
    for (const auto& pair : {TextPair{"InitiatorName", "iqn.2001-04.com.example:other"},
                             TextPair{"TargetName", "iqn.2001-04.com.example:other"},
                             TextPair{"SessionType", "Discovery"}}) {
        LoginInitiator other(open_configuration());
        ASSERT_TRUE(goes_on(other.transit(0, 1, kIdentity), LoginProgress::next));
        EXPECT_TRUE(fails_with(other.transit(1, 3, {pair}), LoginStatus::initiator_error));
    }
}

TEST_F(OpenTarget, TheIdentityBelongsIntoTheFirstRequest) {
    ASSERT_TRUE(goes_on(
        initiator_.transit(0, 1, {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}}),
        LoginProgress::next));
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3, {{"SessionType", "Discovery"}}),
                           LoginStatus::initiator_error));
}

TEST_F(OpenTarget, KeysOutOfTheirPlaceAreAnInitiatorError) {
    struct Misplaced {
        std::uint8_t stage;
        TextPair pair;
    };
    for (const auto& misplaced :
         {Misplaced{0, {"HeaderDigest", "None"}},
          Misplaced{0, {"MaxRecvDataSegmentLength", "8192"}}, Misplaced{1, {"AuthMethod", "None"}},
          Misplaced{1, {"CHAP_A", "5"}}, Misplaced{0, {"CHAP_A", "5"}},
          Misplaced{0, {"CHAP_N", "pbs"}}, Misplaced{1, {"SendTargets", "All"}},
          Misplaced{1, {"TargetAlias", "mine"}}, Misplaced{0, {"TargetAddress", "127.0.0.1"}},
          Misplaced{1, {"TargetPortalGroupTag", "1"}}}) {
        LoginInitiator initiator(open_configuration());
        EXPECT_TRUE(fails_with(initiator.stay(misplaced.stage, with(kIdentity, {misplaced.pair})),
                               LoginStatus::initiator_error))
            << misplaced.pair.key << " in stage " << int{misplaced.stage};
    }
}

TEST_F(OpenTarget, MalformedTextIsAnInitiatorError) {
    for (const std::string_view text : {"InitiatorName", "=x", "InitiatorName=iqn.2001-04.com.a"}) {
        LoginInitiator initiator(open_configuration());
        const auto bytes = as_bytes(text);
        EXPECT_TRUE(fails_with(initiator.send(1, 3, true, false, {bytes.begin(), bytes.end()}),
                               LoginStatus::initiator_error));
    }
}

TEST_F(OpenTarget, IllegalDeclarationsFailTheLogin) {
    EXPECT_TRUE(
        fails_with(initiator_.transit(1, 3, with(kIdentity, {{"MaxRecvDataSegmentLength", "1"}})),
                   LoginStatus::initiator_error));
}

TEST_F(OpenTarget, TextMayBeSplitAnywhereWithTheContinueBit) {
    const auto text = text_of(with(kIdentity, {{"InitialR2T", "No"}}));
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        LoginInitiator initiator(open_configuration());
        const auto middle = text.begin() + static_cast<std::ptrdiff_t>(cut);
        const auto partial = initiator.send(1, 0, false, true, {text.begin(), middle});
        ASSERT_TRUE(goes_on(partial, LoginProgress::next));
        EXPECT_TRUE(partial.response.text.empty());
        EXPECT_FALSE(partial.response.transit);
        const auto step = initiator.send(1, 3, true, false, {middle, text.end()});
        ASSERT_TRUE(goes_on(step, LoginProgress::admit)) << cut;
        EXPECT_EQ(value_of(initiator.login().complete(1), "InitialR2T"), "No");
    }
}

TEST_F(OpenTarget, ALongAnswerIsSplitWithTheContinueBit) {
    Pairs unknown;
    for (int i = 0; i < 600; ++i) {
        unknown.push_back({"X-" + std::to_string(i), ""});
    }
    const auto first = initiator_.transit(1, 3, with(kIdentity, unknown));
    ASSERT_TRUE(goes_on(first, LoginProgress::next));
    EXPECT_TRUE(first.response.continue_text);
    EXPECT_FALSE(first.response.transit);
    EXPECT_EQ(first.response.text.size(), kLoginDataSegmentLengthMax);
    auto whole = first.response.text;
    const auto rest = initiator_.transit(1, 3, {});
    ASSERT_TRUE(goes_on(rest, LoginProgress::admit));
    const auto done = initiator_.login().complete(9);
    EXPECT_TRUE(done.response.transit);
    EXPECT_FALSE(done.response.continue_text);
    whole.insert(whole.end(), done.response.text.begin(), done.response.text.end());
    const auto pairs = parse_text(whole);
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pairs->size(), 603U);
}

TEST_F(OpenTarget, TextWhileOurAnswerIsUnderWayIsAnInitiatorError) {
    Pairs unknown;
    for (int i = 0; i < 600; ++i) {
        unknown.push_back({"X-" + std::to_string(i), ""});
    }
    ASSERT_TRUE(initiator_.transit(1, 3, with(kIdentity, unknown)).response.continue_text);
    EXPECT_TRUE(
        fails_with(initiator_.transit(1, 3, {{"InitialR2T", "No"}}), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, MoreThan64KiBOfTextIsRefused) {
    const Bytes part(kLoginDataSegmentLengthMax, 'a');
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(goes_on(initiator_.send(1, 0, false, true, part), LoginProgress::next));
    }
    EXPECT_TRUE(
        fails_with(initiator_.send(1, 0, false, true, {'a'}), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, MoreThan1024KeysInOneLoginAreRefused) {
    LoginStep step = initiator_.stay(1, kIdentity);
    for (std::size_t sent = kIdentity.size(); sent < kTextPairsMax;) {
        Pairs unknown;
        for (; unknown.size() < 256 && sent < kTextPairsMax; ++sent) {
            unknown.push_back({"X-" + std::to_string(sent), ""});
        }
        step = initiator_.stay(1, unknown);
        ASSERT_TRUE(goes_on(step, LoginProgress::next));
    }
    EXPECT_TRUE(fails_with(initiator_.stay(1, {{"X-more", ""}}), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, ADataSegmentOfMoreThan8192BytesIsRefused) {
    EXPECT_TRUE(
        fails_with(initiator_.send(1, 0, false, true, Bytes(kLoginDataSegmentLengthMax + 1, 'a')),
                   LoginStatus::initiator_error));
}

TEST_F(OpenTarget, ALoginThatDoesNotEndIsRefused) {
    ASSERT_TRUE(goes_on(initiator_.stay(1, kIdentity), LoginProgress::next));
    for (std::uint32_t i = 1; i < kLoginRequestsMax; ++i) {
        ASSERT_TRUE(goes_on(initiator_.stay(1, {}), LoginProgress::next));
    }
    EXPECT_TRUE(fails_with(initiator_.stay(1, {}), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, IdentityAndParametersOutliveTheLogin) {
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3, with(kIdentity, {{"InitialR2T", "No"}})),
                        LoginProgress::admit));
    ASSERT_TRUE(goes_on(initiator_.login().complete(7), LoginProgress::done));
    EXPECT_EQ(initiator_.login().identity().initiator_name, kInitiatorName);
    EXPECT_EQ(initiator_.login().identity().tsih, 7U);
    EXPECT_FALSE(initiator_.login().parameters().initial_r2t);
}

TEST_F(OpenTarget, ARefusedLoginStaysRefused) {
    ASSERT_TRUE(fails_with(initiator_.stay(0, {}), LoginStatus::missing_parameter));
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3, kIdentity), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, ARequestBeforeTheAdmissionIsAnInitiatorError) {
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3, kIdentity), LoginProgress::admit));
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3, {}), LoginStatus::initiator_error));
}

TEST_F(OpenTarget, TheCallerMayRefuseWithAnyStatus) {
    for (const auto status :
         {LoginStatus::authorization_failure, LoginStatus::target_removed,
          LoginStatus::too_many_connections, LoginStatus::cannot_include_in_session,
          LoginStatus::session_does_not_exist, LoginStatus::invalid_during_login,
          LoginStatus::target_error, LoginStatus::service_unavailable,
          LoginStatus::out_of_resources}) {
        LoginInitiator initiator(open_configuration());
        ASSERT_TRUE(goes_on(initiator.transit(1, 3, kIdentity), LoginProgress::admit));
        const auto step = initiator.login().refuse(status);
        EXPECT_TRUE(fails_with(step, status));
        EXPECT_EQ(step.response.isid, initiator.header().isid);
    }
}

TEST_F(OpenTarget, TheCallerMayRefuseBeforeTheFirstRequest) {
    EXPECT_TRUE(fails_with(initiator_.login().refuse(LoginStatus::invalid_during_login),
                           LoginStatus::invalid_during_login));
}

TEST_F(OpenTarget, AskingForASessionIsToldToTheCallerAndNeverCompleted) {
    initiator_.header().tsih = 42;
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3, kIdentity), LoginProgress::admit));
    EXPECT_EQ(initiator_.login().identity().tsih, 42U);
    EXPECT_TRUE(fails_with(initiator_.login().complete(43), LoginStatus::session_does_not_exist));
}

TEST_F(OpenTarget, SeveralTargetsAreToldApartByName) {
    auto configuration = open_configuration();
    configuration.targets.push_back({"iqn.2026-11.io.tapeloft:second", "", {}});
    configuration.target_portal_group_tag = 65535;
    LoginInitiator initiator(configuration);
    ASSERT_TRUE(goes_on(initiator.transit(1, 3,
                                          {{"InitiatorName", kInitiatorName},
                                           {"TargetName", "iqn.2026-11.io.tapeloft:second"}}),
                        LoginProgress::admit));
    EXPECT_EQ(initiator.login().identity().target_name, "iqn.2026-11.io.tapeloft:second");
    const auto done = initiator.login().complete(1);
    EXPECT_EQ(value_of(done, "TargetAlias"), "(absent)");
    EXPECT_EQ(value_of(done, "TargetPortalGroupTag"), "65535");
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
