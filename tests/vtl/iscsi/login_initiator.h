// A scripted initiator for tests of the login phase.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vtl/iscsi/login.h"

namespace tapeloft::vtl::iscsi {

using Pairs = std::vector<TextPair>;

inline constexpr auto kTargetName = "iqn.2026-11.io.tapeloft:default";
inline constexpr auto kInitiatorName = "iqn.1993-08.org.debian:01:1d2f3a4b5c6d";
inline constexpr std::uint8_t kSecurityStage = 0;
inline constexpr std::uint8_t kOperationalStage = 1;
inline constexpr std::uint8_t kFullFeatureStage = 3;

/// Identifier 16; challenge 20h, 21h, ...
inline void known_random(MutableByteView view) {
    for (std::size_t i = 0; i < view.size(); ++i) {
        view[i] = static_cast<std::uint8_t>(view.size() == 1 ? 16 : 0x20 + i);
    }
}

inline Bytes text_of(const Pairs& pairs) {
    Bytes text;
    for (const auto& pair : pairs) {
        append_text_pair(text, pair.key, pair.value);
    }
    return text;
}

inline LoginConfiguration open_configuration() {
    LoginConfiguration configuration;
    configuration.targets.push_back({kTargetName, "Tapeloft default", {}});
    configuration.target_portal_group_tag = 1;
    return configuration;
}

inline LoginConfiguration chap_configuration() {
    auto configuration = open_configuration();
    configuration.targets.front().accounts = {
        {"pbs", "initiator secret", "loft", "target secret 42"}};
    configuration.discovery_accounts = configuration.targets.front().accounts;
    return configuration;
}

inline const Pairs kIdentity = {
    {"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"SessionType", "Normal"}};

class LoginInitiator {
  public:
    explicit LoginInitiator(LoginConfiguration configuration)
        : configuration_(std::make_unique<LoginConfiguration>(std::move(configuration))),
          login_(*configuration_, known_random) {
        header_.isid = {0x00, 0x02, 0x3D, 0x01, 0x00, 0x00};
        header_.initiator_task_tag = 0x1234;
        header_.cmd_sn = 1;
    }

    /// One request that asks to go from csg to nsg.
    LoginStep transit(std::uint8_t csg, std::uint8_t nsg, const Pairs& pairs) {
        return send(csg, nsg, true, false, text_of(pairs));
    }
    /// One request that stays in csg.
    LoginStep stay(std::uint8_t csg, const Pairs& pairs) {
        return send(csg, 0, false, false, text_of(pairs));
    }
    LoginStep send(std::uint8_t csg, std::uint8_t nsg, bool transit, bool continue_text,
                   const Bytes& text) {
        header_.csg = csg;
        header_.nsg = nsg;
        header_.transit = transit;
        header_.continue_text = continue_text;
        last_ = login_.on_login_request(header_, text);
        return last_;
    }

    LoginRequestFields& header() { return header_; }
    Login& login() { return login_; }

  private:
    std::unique_ptr<LoginConfiguration> configuration_;
    Login login_;
    LoginRequestFields header_;
    LoginStep last_;
};

inline Pairs pairs_of(const LoginStep& step) {
    auto pairs = parse_text(step.response.text);
    EXPECT_TRUE(pairs);
    return *std::move(pairs);
}

inline std::string value_of(const LoginStep& step, std::string_view key) {
    const auto pairs = pairs_of(step);
    const auto pair =
        std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.key == key; });
    return pair == pairs.end() ? "(absent)" : pair->value;
}

inline testing::AssertionResult fails_with(const LoginStep& step, LoginStatus status) {
    if (step.progress != LoginProgress::failed || step.response.status != status) {
        return testing::AssertionFailure()
               << "progress " << static_cast<int>(step.progress) << " status " << std::hex
               << static_cast<int>(step.response.status) << " " << step.reason;
    }
    if (step.response.transit || step.response.continue_text || !step.response.text.empty() ||
        step.reason.empty()) {
        return testing::AssertionFailure() << "a refusal with T, C, text, or without a reason";
    }
    return testing::AssertionSuccess();
}

inline testing::AssertionResult goes_on(const LoginStep& step, LoginProgress progress) {
    if (step.progress != progress || step.response.status != LoginStatus::success) {
        return testing::AssertionFailure()
               << "progress " << static_cast<int>(step.progress) << " status " << std::hex
               << static_cast<int>(step.response.status) << " " << step.reason;
    }
    return testing::AssertionSuccess();
}

}  // namespace tapeloft::vtl::iscsi
