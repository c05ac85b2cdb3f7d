// Indexes.  input := bit 0: dynamic, bit 1: make the checksum right (1 byte), index
#include <algorithm>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/chunk_index.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

constexpr std::size_t kHeaderSize = 4096;
constexpr std::size_t kChecksumOffset = 32;

/// Ranges follow one another, and each byte is in the chunk that is named for it.
void check(const ChunkIndex& index) {
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < index.count(); ++i) {
        const auto range = index.range(i);
        TL_ASSERT(range.begin == end && range.begin < range.end);
        TL_ASSERT(index.chunk_at(range.begin) == i && index.chunk_at(range.end - 1) == i);
        end = range.end;
    }
    TL_ASSERT(end == index.size());
}

}  // namespace

std::vector<Bytes> seeds() {
    const auto chunks = few_chunks();
    Bytes fixed = {2};
    append(fixed, make_fixed_index("a.fidx", chunks).bytes);
    Bytes dynamic = {3};
    append(dynamic, make_dynamic_index("a.didx", chunks).bytes);
    return {fixed, dynamic};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto mode = input.number(1);
    Bytes bytes(input.rest().begin(), input.rest().end());
    if ((mode & 2U) != 0 && bytes.size() >= kHeaderSize) {
        const auto checksum = chunk_digest(ByteView(bytes).subspan(kHeaderSize));
        std::copy(checksum.begin(), checksum.end(), bytes.begin() + kChecksumOffset);
    }
    const auto kind =
        (mode & 1U) != 0 ? SnapshotFileKind::dynamic_index : SnapshotFileKind::fixed_index;
    if (const auto index = ChunkIndex::parse(kind, bytes)) {
        check(*index);
    }
    return 0;
}

}  // namespace tapeloft::fuzz
