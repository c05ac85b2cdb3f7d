#include "vtl/iscsi/chap.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/crypto.h>

#include "vtl/iscsi/text_values.h"

namespace tapeloft::vtl::iscsi {
namespace {

// RFC 7143, 12.1.3 and the IANA registry "PPP Authentication Algorithms".
constexpr auto kAlgorithms = std::to_array<ChapAlgorithm>({
    {5, DigestAlgorithm::md5, 16},
    {6, DigestAlgorithm::sha1, 20},
    {7, DigestAlgorithm::sha256, 32},
});

const ChapAlgorithm* find_algorithm(std::string_view number_text) {
    const auto number = parse_number(number_text);
    const auto* row =
        std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                     [&](const auto& algorithm) { return number && algorithm.number == *number; });
    return row == kAlgorithms.end() ? nullptr : row;
}

const std::string* find_value(std::span<const TextPair> pairs, KeyId id) {
    const auto& name = key_row(id).name;
    const auto pair = std::find_if(pairs.begin(), pairs.end(), [&](const TextPair& candidate) {
        return candidate.key == name;
    });
    return pair == pairs.end() ? nullptr : &pair->value;
}

Error denied(std::string message) {
    return {Errc::denied, std::move(message)};
}

Error misconfigured(const ChapAccount& account, std::string_view what) {
    return {Errc::invalid_argument, "CHAP account \"" + account.user + "\": " + std::string(what)};
}

bool is_secret_length(std::size_t length) noexcept {
    return length >= kChapSecretLengthMin && length <= kChapSecretLengthMax;
}

bool is_user_name(std::string_view user) noexcept {
    return !user.empty() && user.size() <= kTextValueLengthMax && is_display_text(user);
}

Result<void> check_account(const ChapAccount& account) {
    const auto secret_lengths = std::to_string(kChapSecretLengthMin) + " to " +
                                std::to_string(kChapSecretLengthMax) + " bytes";
    if (!is_user_name(account.user)) {
        return Error{
            Errc::invalid_argument,
            "CHAP account: the user must be 1 to 255 bytes of UTF-8 without control characters"};
    }
    if (!is_secret_length(account.secret.size())) {
        return misconfigured(account, "the secret must be " + secret_lengths);
    }
    if (account.mutual_user.has_value() != account.mutual_secret.has_value()) {
        return misconfigured(account, "mutual user and mutual secret go together");
    }
    if (account.mutual_user && !is_user_name(*account.mutual_user)) {
        return misconfigured(account, "the mutual user must be 1 to 255 bytes of UTF-8");
    }
    if (account.mutual_secret && !is_secret_length(account.mutual_secret->size())) {
        return misconfigured(account, "the mutual secret must be " + secret_lengths);
    }
    return {};
}

}  // namespace

Result<void> check_chap_accounts(std::span<const ChapAccount> accounts) {
    for (const auto& account : accounts) {
        TL_CHECK(check_account(account));
        const auto same_user =
            std::count_if(accounts.begin(), accounts.end(),
                          [&](const ChapAccount& other) { return other.user == account.user; });
        if (same_user > 1) {
            return misconfigured(account, "the user is named twice");
        }
        // RFC 7143, 9.2.1: a secret in both directions lets an attacker reflect a challenge.
        const bool both_directions = std::any_of(
            accounts.begin(), accounts.end(),
            [&](const ChapAccount& other) { return other.mutual_secret == account.secret; });
        if (both_directions) {
            return misconfigured(account, "its secret is also a mutual secret; they must differ");
        }
    }
    return {};
}

ChapExchange::ChapExchange(std::span<const ChapAccount> accounts, const RandomSource& random)
    : accounts_(accounts), random_(random) {
    Bytes stand_in(kChapSecretLengthMin);
    random_(stand_in);
    unknown_user_secret_ = as_text(stand_in);
}

Result<void> ChapExchange::on_pairs(std::span<const TextPair> pairs, Bytes& answer) {
    const auto state = std::exchange(state_, State::failed);
    if (state == State::awaits_algorithm) {
        TL_CHECK(on_algorithm(pairs, answer));
        state_ = State::awaits_response;
        return {};
    }
    if (state == State::awaits_response) {
        TL_CHECK(on_response(pairs, answer));
        state_ = State::authenticated;
        return {};
    }
    return denied("CHAP keys after the end of the exchange");
}

Result<void> ChapExchange::on_algorithm(std::span<const TextPair> pairs, Bytes& answer) {
    const auto* offered = find_value(pairs, KeyId::chap_a);
    if (offered == nullptr || pairs.size() != 1) {
        return denied("CHAP_A, and no other CHAP key, was due");
    }
    for (const auto number : split_list(*offered)) {
        const auto* const known = find_algorithm(number);
        if (known != nullptr && has_digest(known->digest)) {
            algorithm_ = known;
            break;
        }
    }
    if (algorithm_ == nullptr) {
        return denied(
            "no algorithm of CHAP_A is supported; supported: 5, 6, 7, but for those that the "
            "OpenSSL of this machine lacks");
    }
    random_({&identifier_, 1});
    challenge_.resize(algorithm_->length);
    random_(challenge_);
    append_text_pair(answer, "CHAP_A", std::to_string(algorithm_->number));
    append_text_pair(answer, "CHAP_I", std::to_string(identifier_));
    append_text_pair(answer, "CHAP_C", format_binary(challenge_));
    return {};
}

Result<void> ChapExchange::on_response(std::span<const TextPair> pairs, Bytes& answer) {
    const auto* user = find_value(pairs, KeyId::chap_n);
    const auto* response_text = find_value(pairs, KeyId::chap_r);
    if (user == nullptr || response_text == nullptr ||
        find_value(pairs, KeyId::chap_a) != nullptr) {
        return denied("CHAP_N and CHAP_R were due");
    }
    auto response = parse_binary(*response_text, algorithm_->length);
    const auto account =
        std::find_if(accounts_.begin(), accounts_.end(),
                     [&](const ChapAccount& candidate) { return candidate.user == *user; });
    const bool known = account != accounts_.end();
    const auto expected =
        response_to(identifier_, known ? account->secret : unknown_user_secret_, challenge_);
    Bytes received = response ? *std::move(response) : Bytes{};
    const bool whole = received.size() == expected.size();
    received.resize(expected.size());
    const bool equal = CRYPTO_memcmp(received.data(), expected.data(), expected.size()) == 0;
    if (!equal || !whole || !known) {
        return denied("wrong user or secret");
    }
    TL_CHECK(answer_challenge(*account, pairs, answer));
    user_ = account->user;
    return {};
}

Result<void> ChapExchange::answer_challenge(const ChapAccount& account,
                                            std::span<const TextPair> pairs, Bytes& answer) const {
    const auto* identifier_text = find_value(pairs, KeyId::chap_i);
    const auto* challenge_text = find_value(pairs, KeyId::chap_c);
    if (identifier_text == nullptr && challenge_text == nullptr) {
        return {};
    }
    if (identifier_text == nullptr || challenge_text == nullptr) {
        return denied("CHAP_I and CHAP_C go together");
    }
    if (!account.mutual_secret || !account.mutual_user) {
        return denied("the initiator wants mutual CHAP, which this account does not have");
    }
    const auto identifier = parse_number(*identifier_text);
    const auto challenge = parse_binary(*challenge_text, kChapChallengeLengthMax);
    if (!identifier || *identifier > key_row(KeyId::chap_i).maximum || !challenge) {
        return denied("malformed CHAP_I or CHAP_C");
    }
    if (*challenge == challenge_) {  // RFC 7143, 12.1.3: a reflected challenge
        return denied("the initiator sent our own challenge back");
    }
    append_text_pair(answer, "CHAP_N", *account.mutual_user);
    append_text_pair(answer, "CHAP_R",
                     format_binary(response_to(static_cast<std::uint8_t>(*identifier),
                                               *account.mutual_secret, *challenge)));
    return {};
}

Bytes ChapExchange::response_to(std::uint8_t identifier, std::string_view secret,
                                ByteView challenge) const {
    const std::array<ByteView, 3> parts = {ByteView(&identifier, 1), as_bytes(secret), challenge};
    return digest(algorithm_->digest, parts);
}

}  // namespace tapeloft::vtl::iscsi
