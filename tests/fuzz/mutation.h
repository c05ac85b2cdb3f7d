// Changes sound inputs into others. Deterministic: one generator names all that follows.
#pragma once

#include <random>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::fuzz {

/// One of the seeds (at least one), with a few changes; at most kLengthMax bytes, or the seed's.
inline constexpr std::size_t kLengthMax = 256UL * 1024;
[[nodiscard]] Bytes mutated(const std::vector<Bytes>& seeds, std::mt19937_64& random);

}  // namespace tapeloft::fuzz
