// Logins to a target that demands CHAP: what gets in, and that nothing else does.
#include <gtest/gtest.h>

#include "vtl/iscsi/login.h"

#include "tests/vtl/iscsi/login_initiator.h"

namespace tapeloft::vtl::iscsi {
namespace {

// MD5 over identifier 16, "initiator secret" and the challenge 20h to 2Fh, computed elsewhere.
constexpr auto kRightResponse = "0xce13d33f7d05706c5447d12cd668074d";
constexpr auto kWrongResponse = "0xce13d33f7d05706c5447d12cd668074e";

class ChapTarget : public testing::Test {
  protected:
    LoginStep offer(const char* methods, bool transit = true) {
        auto pairs = kIdentity;
        pairs.push_back({"AuthMethod", methods});
        return transit ? initiator_.transit(0, 1, pairs) : initiator_.stay(0, pairs);
    }
    void up_to_challenge() {
        ASSERT_TRUE(goes_on(offer("CHAP,None"), LoginProgress::next));
        ASSERT_TRUE(goes_on(initiator_.stay(0, {{"CHAP_A", "5"}}), LoginProgress::next));
    }

    LoginInitiator initiator_{chap_configuration()};
};

TEST_F(ChapTarget, TheRightSecretGetsIn) {
    auto step = offer("None,CHAP");
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(value_of(step, "AuthMethod"), "CHAP");
    EXPECT_FALSE(step.response.transit);
    step = initiator_.stay(0, {{"CHAP_A", "6,5"}});
    EXPECT_EQ(value_of(step, "CHAP_A"), "6");
    EXPECT_FALSE(step.response.transit);
    step = initiator_.transit(
        0, 1, {{"CHAP_N", "pbs"}, {"CHAP_R", "0x2ba55629de4ea2b0022c2d18c59f6e1498b8a405"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_TRUE(step.response.transit);
    EXPECT_EQ(step.response.csg, kSecurityStage);
    EXPECT_EQ(step.response.nsg, kOperationalStage);
    ASSERT_TRUE(goes_on(initiator_.transit(1, 3, {}), LoginProgress::admit));
    EXPECT_EQ(initiator_.login().identity().user, "pbs");
}

TEST_F(ChapTarget, TheStageIsLeftWhenTheInitiatorAsksEvenIfLater) {
    up_to_challenge();
    const auto step = initiator_.stay(0, {{"CHAP_N", "pbs"}, {"CHAP_R", kRightResponse}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_FALSE(step.response.transit);
    EXPECT_TRUE(initiator_.transit(0, 1, {}).response.transit);
}

TEST_F(ChapTarget, TheIdentityIsCompleteBeforeTheSecretIsChecked) {
    EXPECT_EQ(initiator_.login().identity().user, "");
    up_to_challenge();
    EXPECT_EQ(initiator_.login().identity().initiator_name, kInitiatorName);
    EXPECT_EQ(initiator_.login().identity().user, "");
}

TEST_F(ChapTarget, WrongSecretAndUnknownUserLookTheSame) {
    up_to_challenge();
    const auto wrong = initiator_.transit(0, 1, {{"CHAP_N", "pbs"}, {"CHAP_R", kWrongResponse}});
    initiator_ = LoginInitiator(chap_configuration());
    up_to_challenge();
    const auto unknown = initiator_.transit(0, 1, {{"CHAP_N", "abc"}, {"CHAP_R", kRightResponse}});
    EXPECT_TRUE(fails_with(wrong, LoginStatus::authentication_failure));
    EXPECT_TRUE(fails_with(unknown, LoginStatus::authentication_failure));
    EXPECT_EQ(wrong.reason, unknown.reason);
    EXPECT_EQ(wrong.reason.find("pbs"), std::string::npos);
    EXPECT_EQ(initiator_.login().identity().user, "");
}

TEST_F(ChapTarget, SkippingTheSecurityStageIsAnAuthenticationFailure) {
    EXPECT_TRUE(
        fails_with(initiator_.transit(1, 3, kIdentity), LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, LeavingTheSecurityStageWithoutAMethodIsAnAuthenticationFailure) {
    EXPECT_TRUE(
        fails_with(initiator_.transit(0, 1, kIdentity), LoginStatus::authentication_failure));
    initiator_ = LoginInitiator(chap_configuration());
    EXPECT_TRUE(
        fails_with(initiator_.transit(0, 3, kIdentity), LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, WantingNoneIsAnAuthenticationFailure) {
    EXPECT_TRUE(fails_with(offer("None"), LoginStatus::authentication_failure));
    initiator_ = LoginInitiator(chap_configuration());
    EXPECT_TRUE(fails_with(offer("KRB5,chap"), LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, TheMethodMayComeInTheSecondRequest) {
    ASSERT_TRUE(goes_on(initiator_.stay(0, kIdentity), LoginProgress::next));
    const auto step = initiator_.stay(0, {{"AuthMethod", "CHAP"}});
    ASSERT_TRUE(goes_on(step, LoginProgress::next));
    EXPECT_EQ(value_of(step, "AuthMethod"), "CHAP");
}

TEST_F(ChapTarget, AnEmptyRequestWhereAChapStepIsDueIsAnAuthenticationFailure) {
    ASSERT_TRUE(goes_on(offer("CHAP"), LoginProgress::next));
    EXPECT_TRUE(fails_with(initiator_.stay(0, {}), LoginStatus::authentication_failure));
    initiator_ = LoginInitiator(chap_configuration());
    up_to_challenge();
    EXPECT_TRUE(fails_with(initiator_.transit(0, 1, {}), LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, AnotherTryInTheSameLoginIsRefused) {
    up_to_challenge();
    ASSERT_TRUE(goes_on(initiator_.stay(0, {{"CHAP_N", "pbs"}, {"CHAP_R", kRightResponse}}),
                        LoginProgress::next));
    EXPECT_TRUE(fails_with(initiator_.stay(0, {{"CHAP_N", "pbs"}, {"CHAP_R", kRightResponse}}),
                           LoginStatus::initiator_error));
}

TEST_F(ChapTarget, MethodAndAlgorithmInOneRequestAreAnInitiatorError) {
    auto pairs = kIdentity;
    pairs.push_back({"AuthMethod", "CHAP"});
    pairs.push_back({"CHAP_A", "5"});
    EXPECT_TRUE(fails_with(initiator_.stay(0, pairs), LoginStatus::initiator_error));
}

TEST_F(ChapTarget, MutualWithoutASecretForItIsAnAuthenticationFailure) {
    auto configuration = chap_configuration();
    configuration.targets.front().accounts.front().mutual_user.reset();
    configuration.targets.front().accounts.front().mutual_secret.reset();
    initiator_ = LoginInitiator(configuration);
    up_to_challenge();
    EXPECT_TRUE(fails_with(initiator_.transit(0, 1,
                                              {{"CHAP_N", "pbs"},
                                               {"CHAP_R", kRightResponse},
                                               {"CHAP_I", "1"},
                                               {"CHAP_C", "0x0102030405060708"}}),
                           LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, DiscoveryIsAuthenticatedByItsOwnAccounts) {
    const Pairs discovery = {{"InitiatorName", kInitiatorName}, {"SessionType", "Discovery"}};
    EXPECT_TRUE(
        fails_with(initiator_.transit(1, 3, discovery), LoginStatus::authentication_failure));
    auto configuration = chap_configuration();
    configuration.discovery_accounts.clear();
    initiator_ = LoginInitiator(configuration);
    EXPECT_TRUE(goes_on(initiator_.transit(1, 3, discovery), LoginProgress::admit));
}

TEST_F(ChapTarget, NamingATargetInDiscoveryDoesNotBorrowItsAccounts) {
    auto configuration = chap_configuration();
    configuration.targets.front().accounts.clear();
    initiator_ = LoginInitiator(configuration);
    EXPECT_TRUE(fails_with(initiator_.transit(1, 3,
                                              {{"InitiatorName", kInitiatorName},
                                               {"TargetName", kTargetName},
                                               {"SessionType", "Discovery"}}),
                           LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, OnlyTheAccountsOfTheTargetItselfCount) {
    auto configuration = chap_configuration();
    configuration.targets.push_back(
        {"iqn.2026-11.io.tapeloft:second", "", {{"vip", "the other secret", {}, {}}}});
    initiator_ = LoginInitiator(configuration);
    ASSERT_TRUE(goes_on(initiator_.stay(0, {{"InitiatorName", kInitiatorName},
                                            {"TargetName", "iqn.2026-11.io.tapeloft:second"},
                                            {"AuthMethod", "CHAP"}}),
                        LoginProgress::next));
    ASSERT_TRUE(goes_on(initiator_.stay(0, {{"CHAP_A", "5"}}), LoginProgress::next));
    EXPECT_TRUE(
        fails_with(initiator_.transit(0, 1, {{"CHAP_N", "pbs"}, {"CHAP_R", kRightResponse}}),
                   LoginStatus::authentication_failure));
}

TEST_F(ChapTarget, ReasonsHoldNoSecretAndNothingThatWasSent) {
    up_to_challenge();
    const auto step = initiator_.transit(
        0, 1, {{"CHAP_N", "sent-user"}, {"CHAP_R", "0x5ec2e7"}, {"CHAP_I", "1"}});
    ASSERT_EQ(step.progress, LoginProgress::failed);
    for (const auto* word : {"sent-user", "5ec2e7", "initiator secret", "target secret"}) {
        EXPECT_EQ(step.reason.find(word), std::string::npos) << word;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::iscsi
