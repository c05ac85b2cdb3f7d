// Offset and width of every field of the Basic Header Segment, by clause of RFC 7143. Nothing else
// in this folder knows an offset.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::iscsi {

inline constexpr std::size_t kBasicHeaderLength = 48;    // RFC 7143, 11.2.1
inline constexpr std::size_t kAdditionalHeaderUnit = 4;  // TotalAHSLength counts words
inline constexpr std::size_t kAdditionalHeaderLengthMax = 255 * kAdditionalHeaderUnit;
inline constexpr std::size_t kDigestLength = 4;            // CRC32C; RFC 7143, 11.2.3
inline constexpr std::uint32_t kReservedTag = 0xFFFFFFFF;  // RFC 7143, 11.2.1.8

using BasicHeader = std::array<std::uint8_t, kBasicHeaderLength>;

/// Bytes of padding behind a data segment (RFC 7143, 11.2.4).
[[nodiscard]] constexpr std::size_t padding_of(std::size_t length) noexcept {
    return (4 - length % 4) % 4;
}

/// The bits `Mask` (contiguous) of the byte at `Offset`, held as T.
template <typename T, std::size_t Offset, std::uint8_t Mask>
struct BitField {
    static constexpr unsigned kShift = static_cast<unsigned>(std::countr_zero(Mask));

    [[nodiscard]] static constexpr T load(ByteView header) noexcept {
        return static_cast<T>((header[Offset] & Mask) >> kShift);
    }
    static constexpr void store(MutableByteView header, T value) noexcept {
        const auto bits = static_cast<unsigned>(value) << kShift;
        header[Offset] =
            static_cast<std::uint8_t>((header[Offset] & ~unsigned{Mask}) | (bits & unsigned{Mask}));
    }
};

/// `Length` bytes as they are.
template <std::size_t Offset, std::size_t Length>
struct ByteField {
    using Value = std::array<std::uint8_t, Length>;

    [[nodiscard]] static constexpr Value load(ByteView header) noexcept {
        Value value{};
        std::copy_n(header.begin() + Offset, Length, value.begin());
        return value;
    }
    static constexpr void store(MutableByteView header, const Value& value) noexcept {
        std::copy_n(value.begin(), Length, header.begin() + Offset);
    }
};

// clang-format off
namespace layout {

// 11.2.1: common to all PDUs
inline constexpr BitField<bool, 0, 0x40>            kImmediate;
inline constexpr BitField<std::uint8_t, 0, 0x3F>    kOpcode;
inline constexpr BitField<bool, 1, 0x80>            kFinal;
inline constexpr BigEndian<std::uint8_t, 4>         kTotalAhsLength;       // words
inline constexpr BigEndian<std::uint32_t, 5, 3>     kDataSegmentLength;    // bytes, without padding
inline constexpr BigEndian<std::uint64_t, 8>        kLun;
inline constexpr BigEndian<std::uint32_t, 16>       kInitiatorTaskTag;

// Sequence numbers stand at the same place in every request, and in every response.
inline constexpr BigEndian<std::uint32_t, 24>       kCmdSn;
inline constexpr BigEndian<std::uint32_t, 28>       kExpStatSn;
inline constexpr BigEndian<std::uint32_t, 24>       kStatSn;
inline constexpr BigEndian<std::uint32_t, 28>       kExpCmdSn;
inline constexpr BigEndian<std::uint32_t, 32>       kMaxCmdSn;

namespace scsi_command {  // 11.3
inline constexpr BitField<bool, 1, 0x40>            kRead;
inline constexpr BitField<bool, 1, 0x20>            kWrite;
inline constexpr BitField<std::uint8_t, 1, 0x07>    kAttribute;
inline constexpr BigEndian<std::uint32_t, 20>       kExpectedDataTransferLength;  // bytes
inline constexpr ByteField<32, 16>                  kCdb;
}  // namespace scsi_command

namespace scsi_response {  // 11.4
inline constexpr BitField<bool, 1, 0x04>            kResidualOverflow;
inline constexpr BitField<bool, 1, 0x02>            kResidualUnderflow;
inline constexpr BigEndian<std::uint8_t, 2>         kResponse;
inline constexpr BigEndian<std::uint8_t, 3>         kStatus;
inline constexpr BigEndian<std::uint32_t, 20>       kSnackTag;
inline constexpr BigEndian<std::uint32_t, 36>       kExpDataSn;
inline constexpr BigEndian<std::uint32_t, 44>       kResidualCount;        // bytes
}  // namespace scsi_response

namespace task_management_request {  // 11.5
inline constexpr BitField<std::uint8_t, 1, 0x7F>    kFunction;
inline constexpr BigEndian<std::uint32_t, 20>       kReferencedTaskTag;
inline constexpr BigEndian<std::uint32_t, 32>       kRefCmdSn;
inline constexpr BigEndian<std::uint32_t, 36>       kExpDataSn;
}  // namespace task_management_request

namespace task_management_response {  // 11.6
inline constexpr BigEndian<std::uint8_t, 2>         kResponse;
}  // namespace task_management_response

namespace data {  // 11.7: Data-Out and Data-In
inline constexpr BigEndian<std::uint32_t, 20>       kTargetTransferTag;
inline constexpr BigEndian<std::uint32_t, 36>       kDataSn;
inline constexpr BigEndian<std::uint32_t, 40>       kBufferOffset;         // bytes
}  // namespace data

namespace data_in {  // 11.7
inline constexpr BitField<bool, 1, 0x04>            kResidualOverflow;
inline constexpr BitField<bool, 1, 0x02>            kResidualUnderflow;
inline constexpr BitField<bool, 1, 0x01>            kStatusPresent;
inline constexpr BigEndian<std::uint8_t, 3>         kStatus;
inline constexpr BigEndian<std::uint32_t, 44>       kResidualCount;        // bytes
}  // namespace data_in

namespace ready_to_transfer {  // 11.8
inline constexpr BigEndian<std::uint32_t, 20>       kTargetTransferTag;
inline constexpr BigEndian<std::uint32_t, 36>       kR2tSn;
inline constexpr BigEndian<std::uint32_t, 40>       kBufferOffset;         // bytes
inline constexpr BigEndian<std::uint32_t, 44>       kDesiredDataTransferLength;  // bytes
}  // namespace ready_to_transfer

namespace async_message {  // 11.9
inline constexpr BigEndian<std::uint8_t, 36>        kAsyncEvent;
inline constexpr BigEndian<std::uint16_t, 38>       kParameter1;
inline constexpr BigEndian<std::uint16_t, 40>       kParameter2;
inline constexpr BigEndian<std::uint16_t, 42>       kParameter3;
}  // namespace async_message

namespace text {  // 11.10 and 11.11
inline constexpr BitField<bool, 1, 0x40>            kContinue;
inline constexpr BigEndian<std::uint32_t, 20>       kTargetTransferTag;
}  // namespace text

namespace login_request {  // 11.12
inline constexpr BitField<bool, 1, 0x80>            kTransit;
inline constexpr BitField<bool, 1, 0x40>            kContinue;
inline constexpr BitField<std::uint8_t, 1, 0x0C>    kCurrentStage;
inline constexpr BitField<std::uint8_t, 1, 0x03>    kNextStage;
inline constexpr BigEndian<std::uint8_t, 2>         kVersionMax;
inline constexpr BigEndian<std::uint8_t, 3>         kVersionMin;
inline constexpr ByteField<8, 6>                    kIsid;
inline constexpr BigEndian<std::uint16_t, 14>       kTsih;
inline constexpr BigEndian<std::uint16_t, 20>       kCid;
}  // namespace login_request

namespace login_response {  // 11.13; the first fields as in login_request
inline constexpr BigEndian<std::uint8_t, 3>         kVersionActive;
inline constexpr BigEndian<std::uint8_t, 36>        kStatusClass;
inline constexpr BigEndian<std::uint8_t, 37>        kStatusDetail;
}  // namespace login_response

namespace logout_request {  // 11.14
inline constexpr BitField<std::uint8_t, 1, 0x7F>    kReason;
inline constexpr BigEndian<std::uint16_t, 20>       kCid;
}  // namespace logout_request

namespace logout_response {  // 11.15
inline constexpr BigEndian<std::uint8_t, 2>         kResponse;
inline constexpr BigEndian<std::uint16_t, 40>       kTime2Wait;            // seconds
inline constexpr BigEndian<std::uint16_t, 42>       kTime2Retain;          // seconds
}  // namespace logout_response

namespace reject {  // 11.17
inline constexpr BigEndian<std::uint8_t, 2>         kReason;
}  // namespace reject

namespace nop {  // 11.18 and 11.19
inline constexpr BigEndian<std::uint32_t, 20>       kTargetTransferTag;
}  // namespace nop

namespace additional_header {  // 11.2.2; offsets from its own beginning
inline constexpr BigEndian<std::uint16_t, 0>        kLength;  // bytes of the specific part, 1 + n
inline constexpr BigEndian<std::uint8_t, 2>         kType;
}  // namespace additional_header

}  // namespace layout
// clang-format on

}  // namespace tapeloft::vtl::iscsi
