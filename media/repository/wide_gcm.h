// AES-256-GCM (NIST SP 800-38D) where the processor ciphers two blocks with one instruction (VAES,
// VPCLMULQDQ), which OpenSSL 3.0 makes use of with AVX-512 alone: twice as fast as there. The
// instructions take the same time whatever key and text are. Any thread.
#pragma once

#include "cloud/base/bytes.h"

#include "media/repository/keys.h"

namespace tapeloft::media {

/// The processor can, and a first message came out as it does by OpenSSL. False: the others must
/// not be called.
[[nodiscard]] bool has_wide_gcm();

/// As seal() and open(); `into` may begin where plain or sealed does.
void seal_wide(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
               MutableByteView into);
[[nodiscard]] bool open_wide(const SecretKey& key, const Nonce& nonce, ByteView additional,
                             ByteView sealed, MutableByteView into);

}  // namespace tapeloft::media
