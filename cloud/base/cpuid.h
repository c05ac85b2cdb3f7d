// What a processor has that __builtin_cpu_supports() has no name for (GCC 12, Clang 14).
#pragma once

#if defined(__x86_64__)

#include <cstdint>

#include <cpuid.h>

namespace tapeloft {

/// CPUID 07H, sub-leaf 0; zeros where there is none.
struct ExtendedFeatures {
    std::uint32_t ebx = 0;
    std::uint32_t ecx = 0;
};
inline ExtendedFeatures extended_features() noexcept {
    ExtendedFeatures found;
    std::uint32_t eax = 0;
    std::uint32_t edx = 0;
    const bool there = __get_cpuid_count(7, 0, &eax, &found.ebx, &found.ecx, &edx) != 0;
    return there ? found : ExtendedFeatures();
}

}  // namespace tapeloft

#endif
