// The chunks that an encoded segment map names, read without the rest of it.
#pragma once

#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"

namespace tapeloft::media {

/// In order, as often as it names them. Errors: corrupt.
[[nodiscard]] Result<std::vector<Fingerprint>> chunks_of_map(ByteView map);

}  // namespace tapeloft::media
