#include "media/pack/pack_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cloud/base/hex.h"

#include "media/pack/pack_format.h"

namespace tapeloft::media {
namespace {

/// Offsets are u32; a pack may pass its capacity by one chunk and the index.
constexpr std::size_t kCapacityMax = 1UL << 30U;
constexpr std::string_view kFolder = "packs/";

std::size_t tail_size(std::size_t chunks) {
    return chunks * layout::pack_entry::kSize + kSealTagSize + layout::pack_trailer::kSize;
}

/// What a chunk costs beside its bytes, and what makes the bytes of a filler its own: the id of its
/// pack, and where it lies.
constexpr std::size_t kChunkOverhead = kSealTagSize + layout::pack_entry::kSize;
constexpr std::size_t kFillerMin = sizeof(PackId) + sizeof(std::uint64_t);
/// A smaller gap cannot be filled.
constexpr std::size_t kGapMin = kChunkOverhead + kFillerMin;

Bytes encode_index(const std::vector<PackedChunk>& chunks) {
    namespace at = layout::pack_entry;
    Bytes index(chunks.size() * at::kSize);
    auto entry = MutableByteView(index);
    for (const auto& chunk : chunks) {
        std::copy(chunk.fingerprint.begin(), chunk.fingerprint.end(), entry.begin());
        at::kOffset.store(entry, chunk.offset);
        at::kStoredLength.store(entry, chunk.stored_length);
        at::kPlainLength.store(entry, chunk.plain_length);
        at::kEncoding.store(entry, static_cast<std::uint8_t>(chunk.encoding));
        at::kReserved.store(entry, 0);
        entry = entry.subspan(at::kSize);
    }
    return index;
}

}  // namespace

Result<PackWriter> PackWriter::begin(const KeyRing& keys, Buffer space, std::size_t step) {
    PackId id{};
    TL_CHECK(fill_random(id));
    return PackWriter(keys, id, std::move(space), step);
}

PackWriter::PackWriter(const KeyRing& keys, const PackId& id, Buffer space, std::size_t step)
    : keys_(&keys),
      key_(keys.pack_key(id)),
      capacity_(space.size()),
      step_(step),
      object_(std::move(space)) {
    namespace at = layout::pack_header;
    TL_ASSERT(capacity_ >= at::kSize && capacity_ <= kCapacityMax);
    TL_ASSERT(step_ > 0 && capacity_ % step_ == 0);
    contents_.id = id;
    used_ = at::kSize;
    const auto header = object_.mutable_view();
    at::kMagic.store(header, at::kMagicValue);
    std::copy(id.begin(), id.end(), header.begin() + at::kIdOffset);
    at::kReserved.store(header, 0);
}

bool PackWriter::is_full(std::size_t body_size) const noexcept {
    const auto whole = used_ + body_size + kSealTagSize + tail_size(contents_.chunks.size() + 1);
    const bool unfillable = step_ > 1 && whole < capacity_ && capacity_ - whole < kGapMin;
    return whole > capacity_ || unfillable;
}

void PackWriter::add(const EncodedChunk& chunk) {
    TL_ASSERT(chunk.plain_length >= 1 && chunk.plain_length <= kChunkLengthMax);
    TL_ASSERT(chunk.encoding == ChunkEncoding::zstd ? chunk.body.size() < chunk.plain_length
                                                    : chunk.body.size() == chunk.plain_length);
    TL_ASSERT(used_ <= kCapacityMax);
    PackedChunk packed;
    packed.fingerprint = chunk.fingerprint;
    packed.offset = static_cast<std::uint32_t>(used_);
    packed.stored_length = static_cast<std::uint32_t>(chunk.body.size() + kSealTagSize);
    packed.plain_length = chunk.plain_length;
    packed.encoding = chunk.encoding;
    reserve(packed.stored_length);
    seal(key_, pack_nonce(used_), chunk_additional(chunk.encoding, chunk.plain_length),
         chunk.body.view(), object_.mutable_view().subspan(used_, packed.stored_length));
    used_ += packed.stored_length;
    contents_.chunks.push_back(packed);
}

/// Up to the next multiple of step_ that chunks can fill exactly.
void PackWriter::fill_up() {
    const auto whole = used_ + tail_size(contents_.chunks.size());
    auto gap = (step_ - whole % step_) % step_;
    while (gap > 0 && gap < kGapMin) {
        gap += step_;
    }
    while (gap > 0) {
        auto part = std::min(gap, kChunkLengthMax + kChunkOverhead);
        const auto rest = gap - part;
        part -= rest > 0 && rest < kGapMin ? kGapMin : 0;
        add_filler(part - kChunkOverhead);
        gap -= part;
    }
}

/// Its content is found nowhere else, so no other chunk is ever taken for it.
void PackWriter::add_filler(std::size_t plain_length) {
    auto plain = Buffer::allocate(plain_length);
    const auto bytes = plain.mutable_view();
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    std::copy(contents_.id.begin(), contents_.id.end(), bytes.begin());
    store_little_endian<sizeof(std::uint64_t)>(bytes.subspan(sizeof(PackId)), used_);
    const auto fingerprint = keys_->fingerprint(plain.view());
    add({fingerprint, static_cast<std::uint32_t>(plain_length), ChunkEncoding::raw,
         std::move(plain)});
}

PackWriter::Pack PackWriter::finish() && {
    namespace at = layout::pack_trailer;
    if (step_ > 1) {
        fill_up();
    }
    const auto index = encode_index(contents_.chunks);
    const auto sealed_size = index.size() + kSealTagSize;
    reserve(sealed_size + at::kSize);
    seal(key_, pack_nonce(used_), as_bytes(kPackIndexAdditional), index,
         object_.mutable_view().subspan(used_, sealed_size));
    used_ += sealed_size;
    const auto trailer = object_.mutable_view().subspan(used_, at::kSize);
    at::kIndexLength.store(trailer, static_cast<std::uint32_t>(sealed_size));
    at::kMagic.store(trailer, at::kMagicValue);
    used_ += at::kSize;
    contents_.size = used_;
    return {std::move(contents_), object_.first(used_)};
}

void PackWriter::reserve(std::size_t bytes) {
    if (used_ + bytes <= object_.size()) {
        return;
    }
    auto larger = Buffer::allocate(std::max(used_ + bytes, object_.size() + object_.size() / 2));
    std::memcpy(larger.mutable_view().data(), object_.view().data(), used_);
    object_ = std::move(larger);
}

std::string pack_name(const PackId& id) {
    const auto digits = to_hex(id);
    return std::string(kFolder) + digits.substr(0, 2) + '/' + digits;
}

std::optional<PackId> pack_of_name(std::string_view name) {
    PackId id{};
    const auto digits =
        name.size() < 2 * id.size() ? name : name.substr(name.size() - 2 * id.size());
    if (!from_hex(digits, id) || pack_name(id) != name) {
        return std::nullopt;
    }
    return id;
}

}  // namespace tapeloft::media
