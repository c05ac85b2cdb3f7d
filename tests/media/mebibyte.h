#pragma once

#include <cstdint>

namespace tapeloft::media {

inline constexpr std::uint64_t kMiB = 1024ULL * 1024;

}  // namespace tapeloft::media
