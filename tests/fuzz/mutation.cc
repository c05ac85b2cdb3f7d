#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <array>

namespace tapeloft::fuzz {
namespace {

struct Dice {
    std::mt19937_64& random;

    /// 0 to sides - 1; of none: 0.
    std::size_t operator()(std::size_t sides) const { return sides == 0 ? 0 : random() % sides; }
};

void flip_bit(Bytes& bytes, const Dice& dice, const Bytes&) {
    bytes[dice(bytes.size())] ^= static_cast<std::uint8_t>(1U << dice(8));
}

void set_byte(Bytes& bytes, const Dice& dice, const Bytes&) {
    bytes[dice(bytes.size())] = static_cast<std::uint8_t>(dice(256));
}

/// A number of 2, 4 or 8 bytes that lengths do not like to be.
void set_number(Bytes& bytes, const Dice& dice, const Bytes&) {
    const auto width = std::min(std::size_t{2} << dice(3), bytes.size());
    const std::array<std::uint64_t, 8> values = {0,
                                                 1,
                                                 ~std::uint64_t{0},
                                                 std::uint64_t{1} << (8 * width - 1),
                                                 (std::uint64_t{1} << (8 * width - 1)) - 1,
                                                 bytes.size() + dice(3) - 1,
                                                 std::uint64_t{1} << dice(64),
                                                 dice.random()};
    const auto value = values.at(dice(values.size()));
    const auto at = dice(bytes.size() - width + 1);
    for (std::size_t i = 0; i < width; ++i) {
        bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

void add_to_byte(Bytes& bytes, const Dice& dice, const Bytes&) {
    auto& byte = bytes[dice(bytes.size())];
    byte = static_cast<std::uint8_t>(byte + (dice(2) == 0 ? 1 : 255));
}

void cut_off(Bytes& bytes, const Dice& dice, const Bytes&) {
    bytes.resize(dice(bytes.size()));
}

ByteView piece_of(const Bytes& bytes, const Dice& dice) {
    const auto at = dice(bytes.size());
    return ByteView(bytes).subspan(at, dice(std::min<std::size_t>(bytes.size() - at, 4096) + 1));
}

void take_out(Bytes& bytes, const Dice& dice, const Bytes&) {
    const auto piece = piece_of(bytes, dice);
    const auto from = bytes.begin() + (piece.data() - bytes.data());
    bytes.erase(from, from + static_cast<std::ptrdiff_t>(piece.size()));
}

void put_in(Bytes& bytes, const Dice& dice, const Bytes& other) {
    const auto piece = piece_of(dice(2) == 0 ? bytes : other, dice);
    const Bytes copy(piece.begin(), piece.end());
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(dice(bytes.size() + 1)), copy.begin(),
                 copy.end());
}

void lay_over(Bytes& bytes, const Dice& dice, const Bytes& other) {
    const auto piece = piece_of(other, dice);
    const auto at = dice(bytes.size());
    std::copy_n(piece.begin(), std::min(piece.size(), bytes.size() - at),
                bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

void fill(Bytes& bytes, const Dice& dice, const Bytes&) {
    const auto piece = piece_of(bytes, dice);
    std::fill_n(bytes.begin() + (piece.data() - bytes.data()), piece.size(),
                static_cast<std::uint8_t>(dice(2) == 0 ? 0 : 0xFF));
}

/// The beginning of one, the end of another.
void splice(Bytes& bytes, const Dice& dice, const Bytes& other) {
    bytes.resize(dice(bytes.size() + 1));
    const auto from = dice(other.size() + 1);
    bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
}

using Change = void (*)(Bytes& bytes, const Dice& dice, const Bytes& other);
constexpr auto kChanges =
    std::to_array<Change>({&flip_bit, &flip_bit, &set_byte, &set_number, &set_number, &add_to_byte,
                           &cut_off, &take_out, &put_in, &lay_over, &fill, &splice});

}  // namespace

Bytes mutated(const std::vector<Bytes>& seeds, std::mt19937_64& random) {
    const Dice dice{random};
    auto bytes = seeds.at(dice(seeds.size()));
    const auto length_max = std::max(kLengthMax, bytes.size());
    for (auto changes = 1 + dice(6); changes > 0 && !bytes.empty(); --changes) {
        const auto& other = seeds.at(dice(seeds.size()));
        if (!other.empty()) {
            kChanges.at(dice(kChanges.size()))(bytes, dice, other);
        }
    }
    bytes.resize(std::min(bytes.size(), length_max));
    return bytes;
}

}  // namespace tapeloft::fuzz
