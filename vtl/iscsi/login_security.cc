#include "vtl/iscsi/login_security.h"

#include <algorithm>

#include "vtl/iscsi/text_values.h"

namespace tapeloft::vtl::iscsi {

SecurityNegotiation::SecurityNegotiation(std::span<const ChapAccount> accounts,
                                         const RandomSource& random)
    : accounts_(accounts), random_(random) {}

Result<void> SecurityNegotiation::on_pairs(std::span<const TextPair> pairs, bool transit,
                                           Bytes& answer) {
    const auto& auth_method = key_row(KeyId::auth_method).name;
    const bool chooses_method = std::any_of(
        pairs.begin(), pairs.end(), [&](const TextPair& pair) { return pair.key == auth_method; });
    if (chooses_method) {
        return on_auth_method(pairs, answer);
    }
    if (!pairs.empty()) {
        if (!chap_) {
            return Error{Errc::invalid_argument, "a CHAP key before AuthMethod=CHAP was agreed"};
        }
        return chap_->on_pairs(pairs, answer);
    }
    if (!satisfied() && (transit || chap_)) {
        return Error{Errc::denied,
                     "the initiator goes on without the authentication that is demanded"};
    }
    return {};
}

Result<void> SecurityNegotiation::on_auth_method(std::span<const TextPair> pairs, Bytes& answer) {
    if (pairs.size() != 1) {
        return Error{Errc::invalid_argument, "AuthMethod together with CHAP keys"};
    }
    const std::string_view ours = accounts_.empty() ? "None" : "CHAP";
    const auto offers = split_list(pairs.front().value);
    if (std::find(offers.begin(), offers.end(), ours) == offers.end()) {
        return Error{Errc::denied, "AuthMethod does not offer " + std::string(ours) +
                                       ", which is what this target takes"};
    }
    append_text_pair(answer, key_row(KeyId::auth_method).name, ours);
    if (!accounts_.empty()) {
        chap_.emplace(accounts_, random_);
    }
    return {};
}

bool SecurityNegotiation::satisfied() const noexcept {
    return accounts_.empty() || (chap_ && chap_->authenticated());
}

std::string SecurityNegotiation::user() const {
    return chap_ ? chap_->user() : std::string();
}

}  // namespace tapeloft::vtl::iscsi
