// CHAP, one-way and mutual (RFC 7143, 12.1.3; RFC 1994), with MD5, SHA-1 and SHA-256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/digest.h"
#include "cloud/base/result.h"

#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

inline constexpr std::size_t kChapSecretLengthMin = 12;       // bytes; RFC 7143, 12.1.3: 96 bits
inline constexpr std::size_t kChapSecretLengthMax = 256;      // bytes
inline constexpr std::size_t kChapChallengeLengthMax = 1024;  // bytes; RFC 7143, 12.1.3

/// Fills the view with unpredictable bytes. A test gives known ones.
using RandomSource = std::function<void(MutableByteView)>;

struct ChapAccount {
    std::string user;                        ///< CHAP_N of the initiator; 1 to 255 bytes
    std::string secret;                      ///< kChapSecretLengthMin to kChapSecretLengthMax bytes
    std::optional<std::string> mutual_user;  ///< CHAP_N with which the target answers
    std::optional<std::string> mutual_secret;  ///< given if and only if mutual_user is
};

/// Refuses what must never be configured: wrong lengths, half of a mutual pair, a user named twice,
/// a secret that serves in both directions. Errors: invalid_argument; the message names the user,
/// never a secret.
[[nodiscard]] Result<void> check_chap_accounts(std::span<const ChapAccount> accounts);

/// CHAP_A (RFC 7143, 12.1.3): the digest that the exchange uses.
struct ChapAlgorithm {
    std::uint32_t number;
    DigestAlgorithm digest;
    std::size_t length;  ///< bytes of a response, and of the challenge that we send
};

/// The authenticator's side of one CHAP exchange: CHAP_A, then CHAP_I and CHAP_C, then CHAP_N and
/// CHAP_R, with CHAP_I and CHAP_C of the initiator if it wants us to authenticate too. An unknown
/// user and a wrong secret take the same path and give the same error.
class ChapExchange {
  public:
    /// accounts: outlive this object. random: identifier and challenge.
    ChapExchange(std::span<const ChapAccount> accounts, const RandomSource& random);

    /// The CHAP keys of one request; appends what we answer. Errors: denied (the exchange is over,
    /// and so is the login); the message holds nothing that the initiator sent.
    [[nodiscard]] Result<void> on_pairs(std::span<const TextPair> pairs, Bytes& answer);

    [[nodiscard]] bool authenticated() const noexcept { return state_ == State::authenticated; }
    /// The user of the account; empty until authenticated.
    [[nodiscard]] const std::string& user() const noexcept { return user_; }

  private:
    enum class State : std::uint8_t { awaits_algorithm, awaits_response, authenticated, failed };

    [[nodiscard]] Result<void> on_algorithm(std::span<const TextPair> pairs, Bytes& answer);
    [[nodiscard]] Result<void> on_response(std::span<const TextPair> pairs, Bytes& answer);
    [[nodiscard]] Result<void> answer_challenge(const ChapAccount& account,
                                                std::span<const TextPair> pairs,
                                                Bytes& answer) const;
    [[nodiscard]] Bytes response_to(std::uint8_t identifier, std::string_view secret,
                                    ByteView challenge) const;

    std::span<const ChapAccount> accounts_;
    RandomSource random_;
    State state_ = State::awaits_algorithm;
    const ChapAlgorithm* algorithm_ = nullptr;
    std::uint8_t identifier_ = 0;
    Bytes challenge_;
    std::string unknown_user_secret_;  ///< stands in for the secret of a user that does not exist
    std::string user_;
};

}  // namespace tapeloft::vtl::iscsi
