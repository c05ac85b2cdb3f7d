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

/// Refuses what must never be configured: wrong lengths, half of a mutual pair, the same secret in
/// both directions. Errors: invalid_argument; the message names the user, never a secret.
[[nodiscard]] Result<void> check_chap_account(const ChapAccount& account);

}  // namespace tapeloft::vtl::iscsi
