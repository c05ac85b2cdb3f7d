// Chunks out of packs. media/FORMAT.md, "Pack".
#pragma once

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// The plain bytes of a chunk from its stored ones (chunk.stored_length of them, at chunk.offset of
/// the pack). key: KeyRing::pack_key(pack). Memory: less than twice plain_length, whatever a frame
/// says of itself. Any thread. Errors: corrupt (length, tag, zstd frame, plain length).
[[nodiscard]] Result<Buffer> open_chunk(const SecretKey& key, const PackedChunk& chunk,
                                        ByteView stored);

/// The same, and the fingerprint is computed anew and compared.
[[nodiscard]] Result<Buffer> open_and_check_chunk(const KeyRing& keys, const SecretKey& key,
                                                  const PackedChunk& chunk, ByteView stored);

/// What a whole pack says it holds; the chunks themselves are not opened. Errors: corrupt (magic,
/// id, lengths, index tag, entries that do not fill the pack one behind the other).
[[nodiscard]] Result<PackContents> read_pack_contents(const KeyRing& keys, const PackId& id,
                                                      ByteView object);

}  // namespace tapeloft::media
