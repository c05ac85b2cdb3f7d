#include "cloud/base/base64.h"

#include <openssl/evp.h>

namespace tapeloft {

std::string to_base64(ByteView bytes) {
    Bytes out(4 * ((bytes.size() + 2) / 3) + 1);
    const auto size = EVP_EncodeBlock(out.data(), bytes.data(), static_cast<int>(bytes.size()));
    return std::string(as_text(ByteView(out).first(static_cast<std::size_t>(size))));
}

}  // namespace tapeloft
