#include "vtl/scsi/sense.h"

#include <limits>

namespace tapeloft::vtl::scsi {
namespace {

constexpr std::uint8_t kCurrentFixed = 0x70;
constexpr std::uint8_t kDeferred = 0x01;  // more than the code of current sense data
constexpr std::uint8_t kValid = 0x80;
constexpr std::uint8_t kFilemark = 0x80;
constexpr std::uint8_t kEndOfMedium = 0x40;
constexpr std::uint8_t kIncorrectLength = 0x20;
constexpr std::uint8_t kSenseKeySpecificValid = 0x80;
constexpr std::uint8_t kCommandData = 0x40;
constexpr std::uint8_t kBitPointerValid = 0x08;

using Information = BigEndian<std::uint32_t, 3>;
using FieldPointerBytes = BigEndian<std::uint16_t, 16>;
using ProgressIndication = BigEndian<std::uint16_t, 16>;

// A value that four bytes cannot hold leaves VALID at 0 (SPC-5).
bool fits(std::int64_t information) noexcept {
    return information >= std::numeric_limits<std::int32_t>::min() &&
           information <= std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

std::array<std::uint8_t, kFixedSenseLength> encode_fixed(const Sense& sense) noexcept {
    std::array<std::uint8_t, kFixedSenseLength> bytes{};
    bytes[0] = static_cast<std::uint8_t>(kCurrentFixed | (sense.deferred ? kDeferred : 0U));
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
    } else if (sense.progress) {
        bytes[15] = kSenseKeySpecificValid;
        ProgressIndication::store(bytes, *sense.progress);
    }
    return bytes;
}

// The flags of stream devices have a descriptor of their own (SSC-5).
Bytes encode_descriptor(const Sense& sense) {
    constexpr std::uint8_t kCurrentDescriptor = 0x72;
    constexpr std::uint8_t kInformationType = 0x00;
    constexpr std::uint8_t kSenseKeySpecificType = 0x02;
    constexpr std::uint8_t kStreamCommandsType = 0x04;
    const auto fixed = encode_fixed(sense);
    Bytes bytes = {
        static_cast<std::uint8_t>(kCurrentDescriptor | (sense.deferred ? kDeferred : 0U)),
        static_cast<std::uint8_t>(sense.key),
        sense.additional.asc(),
        sense.additional.ascq(),
        0,
        0,
        0,
        0};
    if (sense.information) {
        Bytes descriptor(12);
        descriptor[0] = kInformationType;
        descriptor[1] = 10;
        descriptor[2] = kValid;
        store_big_endian<8>(MutableByteView(descriptor).subspan(4),
                            static_cast<std::uint64_t>(*sense.information));
        bytes.insert(bytes.end(), descriptor.begin(), descriptor.end());
    }
    if (sense.field || sense.progress) {
        const Bytes descriptor = {
            kSenseKeySpecificType, 6, 0, 0, fixed[15], fixed[16], fixed[17], 0};
        bytes.insert(bytes.end(), descriptor.begin(), descriptor.end());
    }
    const auto flags =
        static_cast<std::uint8_t>(fixed[2] & (kFilemark | kEndOfMedium | kIncorrectLength));
    if (flags != 0) {
        const Bytes descriptor = {kStreamCommandsType, 2, 0, flags};
        bytes.insert(bytes.end(), descriptor.begin(), descriptor.end());
    }
    bytes[7] = static_cast<std::uint8_t>(bytes.size() - 8);
    return bytes;
}

}  // namespace tapeloft::vtl::scsi
