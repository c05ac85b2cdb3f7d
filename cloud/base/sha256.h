// SHA-256 (FIPS 180-4) of many messages at a time. A round waits for the one before: where the CPU
// has SHA extensions, two messages in step take hardly longer than one, and three less than one and
// two.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "cloud/base/bytes.h"

namespace tapeloft {

using Sha256Digest = std::array<std::uint8_t, 32>;

struct Sha256Message {
    std::array<ByteView, 2>
        parts;  ///< the message is the one behind the other; either may be empty
    Sha256Digest* digest = nullptr;  ///< where it goes; may be what a part shows
};

/// More would wait for registers.
inline constexpr std::size_t kSha256InStep = 3;

/// The next message; nothing: there is none now. It is asked again while fewer are under way,
/// every kSha256Alone bytes.
using Sha256Source = std::function<std::optional<Sha256Message>()>;
inline constexpr std::size_t kSha256Alone = 64UL * 1024;
/// Called as soon as a message's digest is there.
using Sha256Done = std::function<void(Sha256Digest* digest)>;

/// Takes the messages that `next` has, until it has none and none is under way; the bytes of up to
/// kSha256InStep are in use at a time. By OpenSSL where the CPU has no SHA extensions.
void sha256_each(
    const Sha256Source& next, const Sha256Done& done = [](Sha256Digest*) {});

/// Always by OpenSSL, one after the other; also what the tests compare with.
void sha256_each_portable(
    const Sha256Source& next, const Sha256Done& done = [](Sha256Digest*) {});

}  // namespace tapeloft
