// Signature Version 4 from the server's side, written from the standard's text and from nothing of
// the client: it starts from the bytes on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/cloud/http/scripted_server.h"

namespace tapeloft::tests {

struct SignatureKeys {
    std::string access_key_id;
    std::string secret_access_key;
    std::string region;
};

/// Empty: the signature is right and covers what it must. Else what is wrong: the S3 code, a blank,
/// words.
[[nodiscard]] std::string check_signature(const SeenRequest& request, const SignatureKeys& keys,
                                          std::int64_t now_unix_s);

[[nodiscard]] std::string lower_hex(std::string_view bytes);
[[nodiscard]] std::string sha256_of(std::string_view bytes);  ///< binary
[[nodiscard]] std::string md5_of(std::string_view bytes);     ///< binary
[[nodiscard]] std::string base64_of(std::string_view bytes);
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace tapeloft::tests
