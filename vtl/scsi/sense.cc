#include "vtl/scsi/sense.h"

#include <limits>

namespace tapeloft::vtl::scsi {
namespace {

constexpr std::uint8_t kCurrentFixed = 0x70;
constexpr std::uint8_t kValid = 0x80;
constexpr std::uint8_t kFilemark = 0x80;
constexpr std::uint8_t kEndOfMedium = 0x40;
constexpr std::uint8_t kIncorrectLength = 0x20;
constexpr std::uint8_t kSenseKeySpecificValid = 0x80;
constexpr std::uint8_t kCommandData = 0x40;
constexpr std::uint8_t kBitPointerValid = 0x08;

using Information = BigEndian<std::uint32_t, 3>;
using FieldPointerBytes = BigEndian<std::uint16_t, 16>;

// A value that four bytes cannot hold leaves VALID at 0 (SPC-5).
bool fits(std::int64_t information) noexcept {
    return information >= std::numeric_limits<std::int32_t>::min() &&
           information <= std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

std::array<std::uint8_t, kFixedSenseLength> encode_fixed(const Sense& sense) noexcept {
    std::array<std::uint8_t, kFixedSenseLength> bytes{};
    bytes[0] = kCurrentFixed;
    bytes[2] = static_cast<std::uint8_t>(sense.key);
    if (sense.filemark) {
        bytes[2] |= kFilemark;
    }
    if (sense.end_of_medium) {
        bytes[2] |= kEndOfMedium;
    }
    if (sense.incorrect_length) {
        bytes[2] |= kIncorrectLength;
    }
    if (sense.information && fits(*sense.information)) {
        bytes[0] |= kValid;
        Information::store(bytes, static_cast<std::uint32_t>(*sense.information));
    }
    bytes[7] = kFixedSenseLength - 8;  // additional sense length
    bytes[12] = sense.additional.asc();
    bytes[13] = sense.additional.ascq();
    if (sense.field) {
        bytes[15] = kSenseKeySpecificValid;
        if (sense.field->in_cdb) {
            bytes[15] |= kCommandData;
        }
        if (sense.field->bit) {
            bytes[15] |= kBitPointerValid;
            bytes[15] = static_cast<std::uint8_t>(bytes[15] | (*sense.field->bit & 0x07U));
        }
        FieldPointerBytes::store(bytes, sense.field->byte);
    }
    return bytes;
}

}  // namespace tapeloft::vtl::scsi
