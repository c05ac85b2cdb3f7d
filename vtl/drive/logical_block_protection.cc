#include "vtl/drive/logical_block_protection.h"

#include <array>

#include "cloud/base/digest.h"

namespace tapeloft::vtl::drive {
namespace {

namespace layout::control_data_protection {  // SSC-5; offsets into the mode parameters
using Method = BigEndian<std::uint8_t, 0>;
using InformationLength = BigEndian<std::uint8_t, 1>;
using Protected = BigEndian<std::uint8_t, 2>;
constexpr std::size_t kLength = 28;
constexpr std::uint8_t kInformationLengthMask = 0x3F;
constexpr std::uint8_t kOnWrite = 0x80;  // LBP_W
constexpr std::uint8_t kOnRead = 0x40;   // LBP_R; RBDP, 20h, is for a command that does not exist
}  // namespace layout::control_data_protection

constexpr unsigned multiply_in_gf256(unsigned left, unsigned right) {
    constexpr unsigned kPolynomial = 0x11D;
    unsigned product = 0;
    for (; right != 0; right >>= 1U) {
        product ^= (right & 1U) != 0 ? left : 0U;
        left = (left << 1U) ^ ((left & 0x80U) != 0 ? kPolynomial : 0U);
    }
    return product;
}

// What a byte that leaves the register adds to it: the byte times each coefficient.
constexpr std::array<std::uint32_t, 256> make_table() {
    constexpr std::array<unsigned, 4> kGenerator = {0x38, 0xCF, 0x38, 0x01};
    std::array<std::uint32_t, 256> table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        for (const unsigned coefficient : kGenerator) {
            table[byte] = (table[byte] << 8U) | multiply_in_gf256(byte, coefficient);
        }
    }
    return table;
}
constexpr auto kTable = make_table();

}  // namespace

std::uint32_t reed_solomon_crc(ByteView bytes) noexcept {
    std::uint32_t crc = 0;
    for (const std::uint8_t byte : bytes) {
        crc = (crc << 8U) ^ kTable[byte ^ (crc >> 24U)];
    }
    return crc;
}

LogicalBlockProtection::LogicalBlockProtection(ByteView parameters) noexcept {
    using namespace layout::control_data_protection;
    method_ = static_cast<ProtectionMethod>(Method::load(parameters));
    const bool in_force = method_ != ProtectionMethod::none;
    on_write_ = in_force && (Protected::load(parameters) & kOnWrite) != 0;
    on_read_ = in_force && (Protected::load(parameters) & kOnRead) != 0;
}

bool LogicalBlockProtection::sound(ByteView block) const noexcept {
    const ByteView data = block.first(block.size() - kProtectionLength);
    const ByteView information = block.last(kProtectionLength);
    return method_ == ProtectionMethod::crc32c
               ? load_little_endian<4>(information) == crc32c(data)
               : load_big_endian<4>(information) == reed_solomon_crc(data);
}

void LogicalBlockProtection::protect(MutableByteView block) const noexcept {
    const ByteView data = block.first(block.size() - kProtectionLength);
    const MutableByteView information = block.last(kProtectionLength);
    if (method_ == ProtectionMethod::crc32c) {
        store_little_endian<4>(information, crc32c(data));
    } else {
        store_big_endian<4>(information, reed_solomon_crc(data));
    }
}

Bytes control_data_protection_defaults() {
    return Bytes(layout::control_data_protection::kLength);
}

Bytes control_data_protection_changeable() {
    using namespace layout::control_data_protection;
    Bytes changeable(kLength);
    Method::store(changeable, 0xFF);
    InformationLength::store(changeable, kInformationLengthMask);
    Protected::store(changeable, kOnWrite | kOnRead);
    return changeable;
}

std::optional<scsi::FieldPointer> check_control_data_protection(ByteView parameters) {
    using namespace layout::control_data_protection;
    const auto fault = [](std::size_t byte, std::uint8_t bit) {
        return scsi::FieldPointer{false, static_cast<std::uint16_t>(byte), bit};
    };
    const std::uint8_t method = Method::load(parameters);
    const std::uint8_t length = InformationLength::load(parameters);
    if (method > static_cast<std::uint8_t>(ProtectionMethod::crc32c)) {
        return fault(Method::offset, 7);
    }
    const bool none = method == static_cast<std::uint8_t>(ProtectionMethod::none);
    if (length != kProtectionLength && !(none && length == 0)) {
        return fault(InformationLength::offset, 5);
    }
    if (none && Protected::load(parameters) != 0) {
        return fault(Protected::offset, 7);
    }
    return {};
}

Bytes logical_block_protection_vpd_page() {
    constexpr std::uint8_t kDescriptorLength = 3;  // what follows this byte
    constexpr std::uint8_t kOffered =
        layout::control_data_protection::kOnWrite | layout::control_data_protection::kOnRead;
    Bytes body(4);
    for (const auto method : {ProtectionMethod::reed_solomon, ProtectionMethod::crc32c}) {
        body.insert(body.end(), {kDescriptorLength, static_cast<std::uint8_t>(method),
                                 std::uint8_t{kProtectionLength}, kOffered});
    }
    return body;
}

}  // namespace tapeloft::vtl::drive
