#include "media/pbs/crypto/crc32.h"

#include <array>

namespace tapeloft::media {
namespace {

constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        auto value = byte;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
        }
        tables[0][byte] = value;
    }
    for (std::size_t slice = 1; slice < kSlices; ++slice) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const auto before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(ByteView bytes) noexcept {
    std::uint32_t state = 0xFFFFFFFFU;
    const auto* at = bytes.data();
    auto left = bytes.size();
    for (; left >= kSlices; left -= kSlices, at += kSlices) {
        std::array<std::uint8_t, kSlices> piece{};
        std::memcpy(piece.data(), at, kSlices);
        for (std::size_t i = 0; i < 4; ++i) {
            piece[i] ^= static_cast<std::uint8_t>(state >> (8 * i));
        }
        state = 0;
        for (std::size_t i = 0; i < kSlices; ++i) {
            state ^= kTables[kSlices - 1 - i][piece[i]];
        }
    }
    for (; left > 0; --left, ++at) {
        state = kTables[0][(state ^ *at) & 0xFFU] ^ (state >> 8U);
    }
    return ~state;
}

}  // namespace tapeloft::media
