// The SecurityNegotiation stage of one login (RFC 7143, 12): AuthMethod, then CHAP if it is
// demanded.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/iscsi/chap.h"
#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

class SecurityNegotiation {
  public:
    /// accounts: outlive this object; empty: nobody has to authenticate, any: everybody.
    SecurityNegotiation(std::span<const ChapAccount> accounts, const RandomSource& random);

    /// The security keys of one whole text; appends what we answer. transit: the T bit that came
    /// with them. Errors: denied (Authentication failure), invalid_argument (keys out of order).
    [[nodiscard]] Result<void> on_pairs(std::span<const TextPair> pairs, bool transit,
                                        Bytes& answer);

    /// True if the stage may be left, or skipped.
    [[nodiscard]] bool satisfied() const noexcept;
    /// The authenticated user; empty if there is none.
    [[nodiscard]] std::string user() const;

  private:
    [[nodiscard]] Result<void> on_auth_method(std::span<const TextPair> pairs, Bytes& answer);

    std::span<const ChapAccount> accounts_;
    RandomSource random_;
    std::optional<ChapExchange> chap_;  ///< from the moment that AuthMethod=CHAP is agreed
};

}  // namespace tapeloft::vtl::iscsi
