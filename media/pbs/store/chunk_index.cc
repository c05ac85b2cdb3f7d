#include "media/pbs/store/chunk_index.h"

#include <algorithm>

#include "media/pbs/block_format.h"
#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/data_blob.h"

namespace tapeloft::media {
namespace {

constexpr PbsMagic kFixedMagic = {0x2F, 0x7F, 0x41, 0xED, 0x91, 0xFD, 0x0F, 0xCD};
constexpr PbsMagic kDynamicMagic = {0x1C, 0x91, 0x4E, 0xA5, 0x19, 0xBA, 0xB3, 0xCD};
constexpr std::size_t kHeaderSize = 4096;
constexpr std::size_t kChecksumOffset = 32;
constexpr LittleEndian<std::uint64_t, 64> kSize;       // fixed only
constexpr LittleEndian<std::uint64_t, 72> kChunkSize;  // fixed only
constexpr std::size_t kDigestSize = std::tuple_size_v<PbsDigest>;
constexpr std::size_t kDynamicEntrySize = 8 + kDigestSize;

Error corrupt_index(const std::string& why) {
    return {Errc::corrupt, "index: " + why};
}

PbsDigest digest_at(ByteView bytes) {
    PbsDigest digest{};
    std::copy_n(bytes.begin(), digest.size(), digest.begin());
    return digest;
}

}  // namespace

Result<ChunkIndex> ChunkIndex::parse(SnapshotFileKind kind, ByteView bytes) {
    TL_ASSERT(kind != SnapshotFileKind::blob);
    const bool fixed = kind == SnapshotFileKind::fixed_index;
    if (bytes.size() < kHeaderSize || !begins_with(bytes, fixed ? kFixedMagic : kDynamicMagic)) {
        return corrupt_index("it does not begin as one");
    }
    ChunkIndex index;
    index.checksum_ = chunk_digest(bytes.subspan(kHeaderSize));
    if (index.checksum_ != digest_at(bytes.subspan(kChecksumOffset))) {
        return corrupt_index("its checksum is wrong");
    }
    TL_CHECK(fixed ? index.parse_fixed(bytes) : index.parse_dynamic(bytes));
    return index;
}

Result<void> ChunkIndex::parse_fixed(ByteView bytes) {
    size_ = kSize.load(bytes);
    chunk_size_ = kChunkSize.load(bytes);
    const auto entries = bytes.subspan(kHeaderSize);
    const auto count = entries.size() / kDigestSize;
    // 0 < size <= count * chunk_size, and more than one chunk less; with no overflow.
    if (chunk_size_ == 0 || chunk_size_ > kBlobDataMax || entries.size() % kDigestSize != 0 ||
        count == 0 || size_ == 0 || (size_ - 1) / chunk_size_ != count - 1) {
        return corrupt_index("size, chunk size and length do not fit together");
    }
    digests_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        digests_.push_back(digest_at(entries.subspan(i * kDigestSize)));
    }
    return {};
}

Result<void> ChunkIndex::parse_dynamic(ByteView bytes) {
    auto entries = bytes.subspan(kHeaderSize);
    if (entries.size() % kDynamicEntrySize != 0) {
        return corrupt_index("a length that no number of entries has");
    }
    const auto count = entries.size() / kDynamicEntrySize;
    ends_.reserve(count);
    digests_.reserve(count);
    for (; !entries.empty(); entries = entries.subspan(kDynamicEntrySize)) {
        const auto end = load_little_endian<8>(entries);
        if (end <= size_ || end - size_ > kBlobDataMax) {
            return corrupt_index("a chunk of impossible length");
        }
        size_ = end;
        ends_.push_back(end);
        digests_.push_back(digest_at(entries.subspan(8)));
    }
    return {};
}

ChunkIndex::Range ChunkIndex::range(std::size_t chunk) const {
    TL_ASSERT(chunk < digests_.size());
    if (chunk_size_ != 0) {
        const auto begin = chunk * chunk_size_;
        return {begin, std::min(begin + chunk_size_, size_)};
    }
    return {chunk == 0 ? 0 : ends_[chunk - 1], ends_[chunk]};
}

std::size_t ChunkIndex::chunk_at(std::uint64_t offset) const {
    TL_ASSERT(offset < size_);
    if (chunk_size_ != 0) {
        return offset / chunk_size_;
    }
    return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) -
                                    ends_.begin());
}

}  // namespace tapeloft::media
