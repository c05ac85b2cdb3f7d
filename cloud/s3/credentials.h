// Access keys: where they come from, and when they are read anew. They are never logged.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/environment.h"
#include "cloud/base/result.h"

namespace tapeloft::s3 {

struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;                   ///< empty: keys that do not end
    std::optional<std::int64_t> expires_unix_s;  ///< where the source says it

    friend bool operator==(const Credentials&, const Credentials&) = default;
};

using tapeloft::Environment;
using tapeloft::process_environment;

/// One section of a file as AWS tools write it ("[name]", "key = value", "#" or ";" begin a
/// comment); in ~/.aws/config it may be called "[profile name]". Text is never repeated in an
/// error. Errors: not_found (no such section, or one without keys), invalid_argument (half of the
/// keys).
[[nodiscard]] Result<Credentials> parse_credentials(std::string_view text,
                                                    std::string_view profile);

struct CredentialOptions {
    std::string file;     ///< in the format above; empty: as the AWS tools look
    std::string profile;  ///< empty: AWS_PROFILE, else "default"
};

/// Where neither is asked for, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else
/// the file, or AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and then AWS_CONFIG_FILE
/// (~/.aws/config), unless the first has half of the keys. Files are read again after
/// kRereadAfter_s, and kRenewBefore_s before the keys end: whoever renews them writes the file. Any
/// thread.
class CredentialSource {
  public:
    static constexpr std::int64_t kRereadAfter_s = 60;
    static constexpr std::int64_t kRenewBefore_s = 300;

    CredentialSource(CredentialOptions options, Environment environment);

    /// What was read last, unless it is time to read again.
    [[nodiscard]] std::optional<Credentials> known(std::int64_t now_unix_s) const;
    /// Blocks on files. Keeps what it has where the source cannot be read for a while and they have
    /// not ended. Errors: denied (no keys there, or they have ended; says where it looked).
    [[nodiscard]] Result<Credentials> read(std::int64_t now_unix_s);

  private:
    [[nodiscard]] Result<Credentials> read_source() const;
    [[nodiscard]] std::optional<Credentials> from_environment() const;

    const CredentialOptions options_;
    const Environment environment_;
    mutable std::mutex mutex_;
    std::optional<Credentials> last_;
    std::int64_t read_at_unix_s_ = 0;
};

}  // namespace tapeloft::s3
