// Assertions that stay in release builds. A failed one is a bug of ours, never of the world or a
// host.
#pragma once

namespace tapeloft {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace tapeloft

#define TL_ASSERT(expression)      \
    (static_cast<bool>(expression) \
         ? static_cast<void>(0)    \
         : ::tapeloft::assertion_failed(#expression, __FILE__, __LINE__))
