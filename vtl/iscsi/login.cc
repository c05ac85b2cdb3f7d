#include "vtl/iscsi/login.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "cloud/base/contract.h"
#include "cloud/base/result.h"

#include "vtl/iscsi/iscsi_name.h"
#include "vtl/iscsi/login_security.h"
#include "vtl/iscsi/text_values.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::uint8_t kVersion = 0x00;  // RFC 7143, 11.12.4
constexpr std::uint8_t kSecurity = static_cast<std::uint8_t>(LoginStage::security_negotiation);
constexpr std::uint8_t kOperational =
    static_cast<std::uint8_t>(LoginStage::operational_negotiation);
constexpr std::uint8_t kFullFeature = static_cast<std::uint8_t>(LoginStage::full_feature);

/// Why a login ends: what the initiator gets, and one sentence for the log.
struct Refusal {
    LoginStatus status;
    std::string reason;
};

using Verdict = std::optional<Refusal>;  ///< empty: go on

Verdict initiator_error(std::string reason) {
    return Refusal{LoginStatus::initiator_error, std::move(reason)};
}

/// denied is what authentication says; everything else in a login is the initiator's error.
Verdict verdict_of(const Result<void>& result) {
    if (result) {
        return std::nullopt;
    }
    const auto status = result.error().code == Errc::denied ? LoginStatus::authentication_failure
                                                            : LoginStatus::initiator_error;
    return Refusal{status, result.error().message};
}

bool same_login(const LoginRequestFields& a, const LoginRequestFields& b) noexcept {
    return a.isid == b.isid && a.tsih == b.tsih && a.cid == b.cid &&
           a.initiator_task_tag == b.initiator_task_tag;
}

/// Keys that some initiators (libiscsi) declare again in the operational stage.
bool may_be_declared_again(KeyId id) noexcept {
    return id == KeyId::initiator_name || id == KeyId::initiator_alias ||
           id == KeyId::target_name || id == KeyId::session_type;
}

}  // namespace

class Login::State {
  public:
    State(const LoginConfiguration& configuration, RandomSource random)
        : configuration_(configuration), random_(std::move(random)) {}

    LoginStep on_request(const LoginRequestFields& request, ByteView text);
    LoginStep complete(std::uint16_t tsih);
    LoginStep fail(LoginStatus status, std::string reason);

    [[nodiscard]] const LoginIdentity& identity() const noexcept { return identity_; }
    [[nodiscard]] const NegotiatedParameters& parameters() const noexcept { return parameters_; }

  private:
    enum class Phase : std::uint8_t { negotiating, awaits_admission, over };
    enum class Place : std::uint8_t { identity, security, operational, nowhere };

    Verdict check_header(const LoginRequestFields& request);
    [[nodiscard]] Verdict check_stages(const LoginRequestFields& request) const;
    Verdict on_text(const LoginRequestFields& request, ByteView text);
    Verdict on_whole_text(bool transit);
    Verdict sort_pair(TextPair pair, Bytes& answer);
    Verdict note_key(const TextPair& pair, const KeyRow* row, bool& again);
    [[nodiscard]] Place place_of(const KeyRow& row) const noexcept;
    Verdict on_identity(const TextPair& pair, KeyId id);
    Verdict resolve_identity(Bytes& answer);
    Verdict run_stage(bool transit, Bytes& answer);
    LoginStep respond(const LoginRequestFields& request);
    void end();
    [[nodiscard]] LoginResponseFields response_fields() const;

    const LoginConfiguration& configuration_;
    RandomSource random_;
    Phase phase_ = Phase::negotiating;
    std::uint32_t requests_ = 0;
    std::optional<LoginRequestFields> first_;  ///< header of the first request
    std::uint8_t stage_ = kSecurity;

    TextCollector received_;
    TextSplitter answer_;
    std::vector<TextPair> declared_;        ///< identity keys, for comparison when they come again
    std::set<std::string> keys_of_stage_;   ///< names seen in this stage
    std::set<std::string> keys_of_login_;   ///< names seen in earlier stages
    std::vector<TextPair> security_pairs_;  ///< of the text at hand
    std::vector<TextPair> operational_pairs_;

    bool resolved_ = false;  ///< the first whole text is through
    LoginIdentity identity_;
    NegotiatedParameters parameters_;
    std::optional<SecurityNegotiation> security_;
    std::optional<OperationalNegotiation> operational_;
    LoginResponseFields final_response_;  ///< waits for admission
};

LoginStep Login::State::on_request(const LoginRequestFields& request, ByteView text) {
    if (phase_ != Phase::negotiating) {
        return fail(LoginStatus::initiator_error, "a Login Request after the last one");
    }
    if (auto refusal = check_header(request)) {
        return fail(refusal->status, std::move(refusal->reason));
    }
    if (auto refusal = on_text(request, text)) {
        return fail(refusal->status, std::move(refusal->reason));
    }
    return respond(request);
}

Verdict Login::State::check_header(const LoginRequestFields& request) {
    if (++requests_ > kLoginRequestsMax) {
        return initiator_error("more than " + std::to_string(kLoginRequestsMax) +
                               " Login Requests");
    }
    if (!first_) {
        first_ = request;
        stage_ = request.csg;
        identity_.isid = request.isid;
        identity_.tsih = request.tsih;
        identity_.cid = request.cid;
    }
    if (request.version_min > kVersion) {
        return Refusal{LoginStatus::unsupported_version, "Version-min above 00h"};
    }
    if (!same_login(*first_, request)) {
        return initiator_error("ISID, TSIH, CID or Initiator Task Tag changed during the login");
    }
    return check_stages(request);
}

// RFC 7143, 6.3 and 11.12.1 to 11.12.3.
Verdict Login::State::check_stages(const LoginRequestFields& request) const {
    if (request.csg != kSecurity && request.csg != kOperational) {
        return initiator_error("CSG is not a stage of the login phase");
    }
    if (request.csg != stage_) {
        return initiator_error("CSG is not the current stage");
    }
    if (request.transit && request.continue_text) {
        return initiator_error("T and C bits together");
    }
    const bool stage_ahead =
        request.nsg > request.csg && (request.nsg == kOperational || request.nsg == kFullFeature);
    if (request.transit && !stage_ahead) {
        return initiator_error("NSG is not a stage ahead");
    }
    return std::nullopt;
}

Verdict Login::State::on_text(const LoginRequestFields& request, ByteView text) {
    if (text.size() > kLoginDataSegmentLengthMax) {
        return initiator_error("a data segment of more than 8192 bytes during login");
    }
    if (!answer_.empty()) {  // 11.13.3: the initiator has to wait until it has the whole answer
        if (!text.empty() || request.continue_text) {
            return initiator_error("text before the whole answer was taken");
        }
        return std::nullopt;
    }
    if (auto refusal = verdict_of(received_.add(text))) {
        return refusal;
    }
    return request.continue_text ? std::nullopt : on_whole_text(request.transit);
}

Verdict Login::State::on_whole_text(bool transit) {
    auto pairs = parse_text(received_.take());
    if (!pairs) {
        return initiator_error(pairs.error().message);
    }
    Bytes answer;
    security_pairs_.clear();
    operational_pairs_.clear();
    for (auto& pair : *pairs) {
        if (auto refusal = sort_pair(std::move(pair), answer)) {
            return refusal;
        }
    }
    if (!resolved_) {
        if (auto refusal = resolve_identity(answer)) {
            return refusal;
        }
        resolved_ = true;
    }
    if (auto refusal = run_stage(transit, answer)) {
        return refusal;
    }
    answer_ = TextSplitter(std::move(answer));
    return std::nullopt;
}

Verdict Login::State::sort_pair(TextPair pair, Bytes& answer) {
    const auto* row = find_key(pair.key);
    bool again = false;
    if (auto refusal = note_key(pair, row, again)) {
        return refusal;
    }
    if (again) {
        return std::nullopt;
    }
    if (row == nullptr) {
        append_text_pair(answer, pair.key, "NotUnderstood");  // 6.2
        return std::nullopt;
    }
    switch (place_of(*row)) {
        case Place::identity:
            return on_identity(pair, row->id);
        case Place::security:
            security_pairs_.push_back(std::move(pair));
            return std::nullopt;
        case Place::operational:
            operational_pairs_.push_back(std::move(pair));
            return std::nullopt;
        case Place::nowhere:
            break;
    }
    return initiator_error(std::string(row->name) +
                           ": an initiator may not send this key now (RFC 7143, " +
                           std::string(row->clause) + ")");
}

// RFC 7143, 6.2: nothing is negotiated or declared twice. again: the same identity, declared once
// more in a later stage, which is harmless.
Verdict Login::State::note_key(const TextPair& pair, const KeyRow* row, bool& again) {
    if (keys_of_stage_.size() + keys_of_login_.size() == kTextPairsMax) {
        return initiator_error("more than " + std::to_string(kTextPairsMax) + " keys in one login");
    }
    const bool in_this_stage = !keys_of_stage_.insert(pair.key).second;
    const bool before = keys_of_login_.contains(pair.key);
    if (!in_this_stage && !before) {
        return std::nullopt;
    }
    const bool same_declaration =
        std::find(declared_.begin(), declared_.end(), pair) != declared_.end();
    if (!in_this_stage && row != nullptr && may_be_declared_again(row->id) && same_declaration) {
        again = true;
        return std::nullopt;
    }
    return initiator_error(row != nullptr ? std::string(row->name) + ": key given twice"
                                          : "an unknown key given twice");
}

// RFC 7143, 12: the security stage takes only identity and security keys, the operational stage all
// others of the login phase.
Login::State::Place Login::State::place_of(const KeyRow& row) const noexcept {
    if (row.senders == KeySenders::target || row.use == KeyUse::full_feature_only) {
        return Place::nowhere;
    }
    if (may_be_declared_again(row.id)) {
        return Place::identity;
    }
    if (row.kind == KeyKind::security) {
        return stage_ == kSecurity ? Place::security : Place::nowhere;
    }
    return stage_ == kOperational ? Place::operational : Place::nowhere;
}

Verdict Login::State::on_identity(const TextPair& pair, KeyId id) {
    if (resolved_ && id != KeyId::initiator_alias) {
        return initiator_error(pair.key + ": not in the first Login Request");
    }
    declared_.push_back(pair);
    switch (id) {
        case KeyId::initiator_alias:
            if (!is_display_text(pair.value)) {
                return initiator_error("InitiatorAlias is not UTF-8 without control characters");
            }
            identity_.initiator_alias = pair.value;
            return std::nullopt;
        case KeyId::session_type:
            if (pair.value != "Normal" && pair.value != "Discovery") {
                return Refusal{LoginStatus::session_type_not_supported,
                               "SessionType is neither Normal nor Discovery"};
            }
            identity_.session_type =
                pair.value == "Normal" ? SessionType::normal : SessionType::discovery;
            return std::nullopt;
        case KeyId::initiator_name:
        case KeyId::target_name:
            if (!is_iscsi_name(pair.value)) {
                return initiator_error(pair.key + " is not an iSCSI name (RFC 7143, 4.2.7)");
            }
            (id == KeyId::initiator_name ? identity_.initiator_name : identity_.target_name) =
                normalised_iscsi_name(pair.value);
            return std::nullopt;
        default:
            break;
    }
    TL_ASSERT(false);
    return std::nullopt;
}

Verdict Login::State::resolve_identity(Bytes& answer) {
    const bool discovery = identity_.session_type == SessionType::discovery;
    if (identity_.initiator_name.empty()) {
        return Refusal{LoginStatus::missing_parameter, "InitiatorName is missing"};
    }
    if (identity_.target_name.empty() && !discovery) {
        return Refusal{LoginStatus::missing_parameter, "TargetName is missing"};
    }
    std::span<const ChapAccount> accounts = configuration_.discovery_accounts;
    if (!identity_.target_name.empty()) {
        const auto& targets = configuration_.targets;
        const auto target =
            std::find_if(targets.begin(), targets.end(), [&](const auto& candidate) {
                return normalised_iscsi_name(candidate.target_name) == identity_.target_name;
            });
        if (target == targets.end()) {
            return Refusal{LoginStatus::not_found, "no target of this name"};
        }
        identity_.target_name = discovery ? std::string() : target->target_name;
        if (!discovery) {
            accounts = target->accounts;
            append_text_pair(answer, key_row(KeyId::target_portal_group_tag).name,  // 13.9
                             std::to_string(configuration_.target_portal_group_tag));
            if (!target->target_alias.empty()) {
                append_text_pair(answer, key_row(KeyId::target_alias).name, target->target_alias);
            }
        }
    }
    security_.emplace(accounts, random_);
    operational_.emplace(configuration_.local, identity_.session_type);
    if (stage_ != kSecurity && !security_->satisfied()) {
        return Refusal{LoginStatus::authentication_failure,
                       "the initiator skips the authentication that is demanded"};
    }
    return std::nullopt;
}

Verdict Login::State::run_stage(bool transit, Bytes& answer) {
    if (stage_ == kSecurity) {
        return verdict_of(security_->on_pairs(security_pairs_, transit, answer));
    }
    if (auto refusal = verdict_of(operational_->on_pairs(operational_pairs_, answer))) {
        return refusal;
    }
    operational_->declare(answer);
    return std::nullopt;
}

LoginStep Login::State::respond(const LoginRequestFields& request) {
    LoginStep step;
    step.progress = LoginProgress::next;
    step.response = response_fields();
    if (request.continue_text) {
        return step;
    }
    step.response.text = answer_.next(kLoginDataSegmentLengthMax);
    step.response.continue_text = !answer_.empty();
    const bool leaves_stage = request.transit && answer_.empty() && security_->satisfied();
    if (!leaves_stage) {
        return step;
    }
    step.response.transit = true;
    step.response.nsg = request.nsg;
    stage_ = request.nsg;
    keys_of_login_.merge(keys_of_stage_);
    keys_of_stage_.clear();
    if (stage_ != kFullFeature) {
        return step;
    }
    identity_.user = security_->user();
    parameters_ = operational_->result();
    phase_ = Phase::awaits_admission;
    final_response_ = std::exchange(step.response, {});
    step.progress = LoginProgress::admit;
    return step;
}

LoginStep Login::State::complete(std::uint16_t tsih) {
    TL_ASSERT(phase_ == Phase::awaits_admission);
    TL_ASSERT(tsih != 0);
    if (identity_.tsih != 0) {
        return fail(LoginStatus::session_does_not_exist, "a new session cannot take over a TSIH");
    }
    LoginStep step;
    step.progress = LoginProgress::done;
    step.response = std::exchange(final_response_, {});
    step.response.tsih = tsih;
    identity_.tsih = tsih;
    end();
    return step;
}

LoginStep Login::State::fail(LoginStatus status, std::string reason) {
    TL_ASSERT(status != LoginStatus::success);
    LoginStep step;
    step.progress = LoginProgress::failed;
    step.response =
        phase_ == Phase::awaits_admission ? std::exchange(final_response_, {}) : response_fields();
    step.response.transit = false;
    step.response.continue_text = false;
    step.response.nsg = 0;
    step.response.text.clear();
    step.response.status = status;
    step.reason = std::move(reason);
    end();
    return step;
}

/// The connection keeps this object for its identity; nothing else of the login stays in memory.
void Login::State::end() {
    phase_ = Phase::over;
    received_ = {};
    answer_ = {};
    declared_ = {};
    keys_of_stage_ = {};
    keys_of_login_ = {};
    security_pairs_ = {};
    operational_pairs_ = {};
    security_.reset();
    operational_.reset();
}

LoginResponseFields Login::State::response_fields() const {
    LoginResponseFields response;
    response.csg = stage_;
    response.version_max = kVersion;
    response.version_active = kVersion;
    response.isid = identity_.isid;
    response.tsih = identity_.tsih;
    return response;
}

Login::Login(const LoginConfiguration& configuration, RandomSource random)
    : state_(std::make_unique<State>(configuration, std::move(random))) {}
Login::~Login() = default;
Login::Login(Login&&) noexcept = default;
Login& Login::operator=(Login&&) noexcept = default;

LoginStep Login::on_login_request(const LoginRequestFields& request, ByteView text) {
    return state_->on_request(request, text);
}

LoginStep Login::complete(std::uint16_t tsih) {
    return state_->complete(tsih);
}

LoginStep Login::refuse(LoginStatus status) {
    return state_->fail(status, "refused by the target");
}

const LoginIdentity& Login::identity() const noexcept {
    return state_->identity();
}
const NegotiatedParameters& Login::parameters() const noexcept {
    return state_->parameters();
}

}  // namespace tapeloft::vtl::iscsi
