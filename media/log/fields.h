// Little-endian fields one behind the other, as log payloads and entries are made of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

class FieldWriter {
  public:
    void u8(std::uint8_t value) { bytes_.push_back(value); }
    void u32(std::uint32_t value) { integer<4>(value); }
    void u64(std::uint64_t value) { integer<8>(value); }
    void bytes(ByteView value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
    void zeros(std::size_t count) { bytes_.resize(bytes_.size() + count); }
    void reserve(std::size_t size) { bytes_.reserve(size); }

    [[nodiscard]] Bytes take() { return std::move(bytes_); }

  private:
    template <std::size_t Width>
    void integer(std::uint64_t value) {
        zeros(Width);
        store_little_endian<Width>(std::span(bytes_).last(Width), value);
    }

    Bytes bytes_;
};

/// A field that is not all there is zero or empty, and so is every one behind it; ask failed() or
/// at_end() once, when all are read.
class FieldReader {
  public:
    explicit FieldReader(ByteView bytes) : rest_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(integer<1>()); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(integer<4>()); }
    std::uint64_t u64() { return integer<8>(); }
    ByteView bytes(std::size_t size) {
        if (size > rest_.size()) {
            fail();
            return {};
        }
        const auto field = rest_.first(size);
        rest_ = rest_.subspan(size);
        return field;
    }
    template <std::size_t Size>
    std::array<std::uint8_t, Size> array() {
        std::array<std::uint8_t, Size> value{};
        const auto field = bytes(Size);
        std::copy(field.begin(), field.end(), value.begin());
        return value;
    }
    ByteView rest() { return bytes(rest_.size()); }
    /// A u32 count of items of `size` bytes, which are all there, or it is 0.
    std::uint32_t count(std::size_t size) {
        const auto items = u32();
        if (items > rest_.size() / size) {
            fail();
            return 0;
        }
        return items;
    }
    /// The value of what is read is not allowed.
    void fail() {
        failed_ = true;
        rest_ = {};
    }

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool at_end() const noexcept { return !failed_ && rest_.empty(); }

  private:
    template <std::size_t Width>
    std::uint64_t integer() {
        const auto field = bytes(Width);
        return field.empty() ? 0 : load_little_endian<Width>(field);
    }

    ByteView rest_;
    bool failed_ = false;
};

}  // namespace tapeloft::media
