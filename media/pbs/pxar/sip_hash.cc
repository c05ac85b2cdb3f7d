#include "media/pbs/pxar/sip_hash.h"

#include <array>
#include <bit>

namespace tapeloft::media {
namespace {

using State = std::array<std::uint64_t, 4>;

void rounds(State& v, int count) {
    for (int i = 0; i < count; ++i) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = std::rotl(v[1], 13) ^ v[0];
        v[3] = std::rotl(v[3], 16) ^ v[2];
        v[0] = std::rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = std::rotl(v[1], 17) ^ v[2];
        v[3] = std::rotl(v[3], 21) ^ v[0];
        v[2] = std::rotl(v[2], 32);
    }
}

void absorb(State& v, std::uint64_t word) {
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

}  // namespace

std::uint64_t sip_hash_2_4(std::uint64_t key0, std::uint64_t key1, ByteView message) noexcept {
    State v = {key0 ^ 0x736f6d6570736575U, key1 ^ 0x646f72616e646f6dU, key0 ^ 0x6c7967656e657261U,
               key1 ^ 0x7465646279746573U};
    std::uint64_t last = std::uint64_t{message.size()} << 56U;
    while (message.size() >= 8) {
        absorb(v, load_little_endian<8>(message));
        message = message.subspan(8);
    }
    for (std::size_t i = 0; i < message.size(); ++i) {
        last |= std::uint64_t{message[i]} << (8 * i);
    }
    absorb(v, last);
    v[2] ^= 0xFFU;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

}  // namespace tapeloft::media
