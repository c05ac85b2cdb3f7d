// Byte views, integers of a fixed byte order at fixed offsets, and reference-counted buffers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/contract.h"

namespace tapeloft {

using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) noexcept {
    // Characters may be viewed as bytes: [basic.lval] 11.3.
    return {reinterpret_cast<const std::uint8_t*>(text.data()),
            text.size()};  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()),
            bytes.size()};  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

// Unrolled, each of the following is one instruction; a loop stays one at -O2.

/// Loads a big-endian unsigned integer of `Width` bytes (1 to 8). bytes: at least Width long.
template <std::size_t Width>
constexpr std::uint64_t load_big_endian(ByteView bytes) noexcept {
    static_assert(Width >= 1 && Width <= 8);
    TL_ASSERT(bytes.size() >= Width);
    std::uint64_t value = 0;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Width; ++i) {
        value = (value << 8U) | bytes[i];
    }
    return value;
}

/// Stores the low `Width` bytes of `value`, most significant first.
template <std::size_t Width>
constexpr void store_big_endian(MutableByteView bytes, std::uint64_t value) noexcept {
    static_assert(Width >= 1 && Width <= 8);
    TL_ASSERT(bytes.size() >= Width);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Width; ++i) {
        bytes[Width - 1 - i] = static_cast<std::uint8_t>(value & 0xFFU);
        value >>= 8U;
    }
}

template <std::size_t Width>
constexpr std::uint64_t load_little_endian(ByteView bytes) noexcept {
    static_assert(Width >= 1 && Width <= 8);
    TL_ASSERT(bytes.size() >= Width);
    std::uint64_t value = 0;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Width; ++i) {
        value = (value << 8U) | bytes[Width - 1 - i];
    }
    return value;
}

template <std::size_t Width>
constexpr void store_little_endian(MutableByteView bytes, std::uint64_t value) noexcept {
    static_assert(Width >= 1 && Width <= 8);
    TL_ASSERT(bytes.size() >= Width);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Width; ++i) {
        bytes[i] = static_cast<std::uint8_t>(value & 0xFFU);
        value >>= 8U;
    }
}

/// A big-endian field: `Width` bytes at byte `Offset` of a wire structure, held as `T` in the host.
template <typename T, std::size_t Offset, std::size_t Width = sizeof(T)>
struct BigEndian {
    static constexpr std::size_t offset = Offset;
    static constexpr std::size_t width = Width;

    [[nodiscard]] static constexpr T load(ByteView structure) noexcept {
        return static_cast<T>(load_big_endian<Width>(structure.subspan(Offset)));
    }
    static constexpr void store(MutableByteView structure, T value) noexcept {
        store_big_endian<Width>(structure.subspan(Offset), static_cast<std::uint64_t>(value));
    }
};

/// A little-endian field; see BigEndian.
template <typename T, std::size_t Offset, std::size_t Width = sizeof(T)>
struct LittleEndian {
    static constexpr std::size_t offset = Offset;
    static constexpr std::size_t width = Width;

    [[nodiscard]] static constexpr T load(ByteView structure) noexcept {
        return static_cast<T>(load_little_endian<Width>(structure.subspan(Offset)));
    }
    static constexpr void store(MutableByteView structure, T value) noexcept {
        store_little_endian<Width>(structure.subspan(Offset), static_cast<std::uint64_t>(value));
    }
};

/// A slice of a reference-counted block of bytes. Copying shares the block; the bytes are not
/// initialised by allocate(). Whoever fills a buffer must not share it before it is full: after
/// that the bytes are constant by convention, so slices may be read on any thread.
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Buffer&) = default;
    Buffer& operator=(const Buffer&) = default;
    ~Buffer() = default;
    /// What was moved from is empty.
    Buffer(Buffer&& other) noexcept
        : storage_(std::move(other.storage_)),
          offset_(std::exchange(other.offset_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        storage_ = std::move(other.storage_);
        offset_ = std::exchange(other.offset_, 0);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    /// From kLargeBlock bytes on of block_memory().
    [[nodiscard]] static Buffer allocate(std::size_t size);
    static constexpr std::size_t kLargeBlock = 128UL * 1024;
    [[nodiscard]] static Buffer zeroed(std::size_t size) {
        auto buffer = allocate(size);
        if (size != 0) {
            std::memset(buffer.storage_.get(), 0, size);
        }
        return buffer;
    }
    [[nodiscard]] static Buffer copy_of(ByteView bytes) {
        auto buffer = allocate(bytes.size());
        if (!bytes.empty()) {
            std::memcpy(buffer.storage_.get(), bytes.data(), bytes.size());
        }
        return buffer;
    }

    /// size bytes that somebody else made, and that storage keeps.
    [[nodiscard]] static Buffer kept_by(std::shared_ptr<std::uint8_t[]> storage, std::size_t size) {
        Buffer buffer;
        buffer.storage_ = std::move(storage);
        buffer.size_ = size;
        return buffer;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] ByteView view() const noexcept { return {storage_.get() + offset_, size_}; }
    [[nodiscard]] MutableByteView mutable_view() noexcept {
        return {storage_.get() + offset_, size_};
    }

    /// The bytes [offset, offset + size) of this slice; both must lie inside it.
    [[nodiscard]] Buffer slice(std::size_t offset, std::size_t size) const {
        TL_ASSERT(offset <= size_ && size <= size_ - offset);
        Buffer part;
        part.storage_ = storage_;
        part.offset_ = offset_ + offset;
        part.size_ = size;
        return part;
    }
    [[nodiscard]] Buffer first(std::size_t size) const { return slice(0, size); }

    /// `next` begins where this ends, in the same block; neither is empty.
    [[nodiscard]] bool is_followed_by(const Buffer& next) const noexcept {
        return size_ != 0 && next.size_ != 0 && storage_ == next.storage_ &&
               offset_ + size_ == next.offset_;
    }
    /// This and `next`, which follows it.
    [[nodiscard]] Buffer joined_with(const Buffer& next) const {
        TL_ASSERT(is_followed_by(next));
        Buffer both = *this;
        both.size_ += next.size_;
        return both;
    }

  private:
    std::shared_ptr<std::uint8_t[]> storage_;
    std::size_t offset_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tapeloft
