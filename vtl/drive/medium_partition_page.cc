#include "vtl/drive/medium_partition_page.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace tapeloft::vtl::drive {
namespace {

namespace layout::medium_partition {  // without the page header of two bytes
constexpr std::size_t kMaximumAdditionalPartitions = 0;
constexpr std::size_t kAdditionalPartitionsDefined = 1;
constexpr std::size_t kPartitionFlags = 2;
constexpr std::uint8_t kFixedDataPartitions = 0x80;
constexpr std::uint8_t kSelectDataPartitions = 0x40;
constexpr std::uint8_t kInitiatorDefinedPartitions = 0x20;
constexpr std::uint8_t kPartitionSizeUnitOfMeasure = 0x18;
constexpr std::uint8_t kPartitionOnFormat = 0x04;
constexpr std::size_t kMediumFormatRecognition = 3;
constexpr std::size_t kPartitionUnits = 4;
constexpr std::uint8_t kPartitionUnitsMask = 0x0F;
constexpr std::size_t kPartitionSizes = 6;
constexpr std::size_t kPartitionSizeLength = 2;
}  // namespace layout::medium_partition
using namespace layout::medium_partition;

constexpr std::uint8_t kFormatAndPartitionRecognition = 0x03;
constexpr std::uint16_t kAllThatRemains = 0xFFFF;

std::uint64_t power_of_ten(unsigned exponent) {
    std::uint64_t value = 1;
    while (exponent-- > 0) {
        value *= 10;
    }
    return value;
}

// PARTITION UNITS: 10^9 bytes, unless the medium is too small to be told so.
std::uint8_t units_for(std::uint64_t capacity) {
    constexpr std::uint64_t kSmallMedium = 60'000'000'000;
    return capacity >= kSmallMedium ? 9 : 6;
}

// Bytes that one PARTITION SIZE counts (PSUM and PARTITION UNITS).
std::uint64_t unit_of_measure(ByteView parameters) {
    enum : unsigned { bytes = 0, kilobytes = 1, megabytes = 2, units = 3 };
    switch ((parameters[kPartitionFlags] & kPartitionSizeUnitOfMeasure) >> 3U) {
        case bytes:
            return 1;
        case kilobytes:
            return power_of_ten(3);
        case megabytes:
            return power_of_ten(6);
        default:
            return power_of_ten(parameters[kPartitionUnits] & kPartitionUnitsMask);
    }
}

std::uint64_t smallest(std::uint64_t capacity) {
    return (capacity + kPartsMax - 1) / kPartsMax;
}

std::size_t size_offset(std::size_t partition) {
    return kPartitionSizes + kPartitionSizeLength * partition;
}

}  // namespace

std::size_t MediumPartitionPage::length() const noexcept {
    return size_offset(std::size_t{additional_max_} + 1);
}

Bytes MediumPartitionPage::changeable() const {
    Bytes mask(length(), 0xFF);
    mask[kMaximumAdditionalPartitions] = 0;
    mask[kPartitionFlags] = kFixedDataPartitions | kSelectDataPartitions |
                            kInitiatorDefinedPartitions | kPartitionSizeUnitOfMeasure;
    mask[kMediumFormatRecognition] = 0;
    mask[kPartitionUnits] = kPartitionUnitsMask;
    mask[kPartitionUnits + 1] = 0;
    return mask;
}

Bytes MediumPartitionPage::parameters(std::span<const std::uint64_t> capacities) const {
    std::uint64_t total = 0;
    for (const std::uint64_t capacity : capacities) {
        total += capacity;
    }
    Bytes bytes(length());
    bytes[kMaximumAdditionalPartitions] = additional_max_;
    bytes[kPartitionFlags] = kPartitionSizeUnitOfMeasure | kPartitionOnFormat;
    bytes[kMediumFormatRecognition] = kFormatAndPartitionRecognition;
    bytes[kPartitionUnits] = capacities.empty() ? units_for(~0ULL) : units_for(total);
    if (capacities.size() > 1) {
        bytes[kAdditionalPartitionsDefined] = static_cast<std::uint8_t>(capacities.size() - 1);
        bytes[kPartitionFlags] |= kInitiatorDefinedPartitions;
    }
    const std::uint64_t unit = power_of_ten(bytes[kPartitionUnits]);
    for (std::size_t i = 0; i < capacities.size() && i <= additional_max_; ++i) {
        const std::uint64_t size =
            std::min<std::uint64_t>(capacities[i] / unit, kAllThatRemains - 1U);
        store_big_endian<kPartitionSizeLength>(MutableByteView(bytes).subspan(size_offset(i)),
                                               size);
    }
    return bytes;
}

std::variant<std::vector<std::uint64_t>, MediumPartitionPage::WrongField> MediumPartitionPage::plan(
    ByteView parameters, std::uint64_t capacity) const {
    using Plan = std::vector<std::uint64_t>;
    const std::size_t additional = parameters[kAdditionalPartitionsDefined];
    const std::uint8_t method =
        parameters[kPartitionFlags] &
        (kFixedDataPartitions | kSelectDataPartitions | kInitiatorDefinedPartitions);
    if (additional > additional_max_) {
        return WrongField{kAdditionalPartitionsDefined, 7};
    }
    if (std::popcount(method) > 1 || (method == 0 && additional != 0)) {
        return WrongField{kPartitionFlags, 7};
    }
    if (method == kFixedDataPartitions) {  // the drive's own choice: two, the second a small one
        return Plan{capacity - smallest(capacity), smallest(capacity)};
    }
    if (additional == 0) {
        return Plan{capacity};
    }
    if (method == kSelectDataPartitions) {
        return Plan(additional + 1, capacity / (additional + 1));
    }
    return plan_of_sizes(parameters, capacity);
}

std::variant<std::vector<std::uint64_t>, MediumPartitionPage::WrongField>
MediumPartitionPage::plan_of_sizes(ByteView parameters, std::uint64_t capacity) const {
    const std::uint64_t unit = unit_of_measure(parameters);
    std::vector<std::uint64_t> sizes;
    std::optional<std::size_t> rest;  // the partition that gets all that remains
    std::uint64_t left = capacity;
    const std::size_t count = std::size_t{parameters[kAdditionalPartitionsDefined]} + 1;
    for (std::size_t i = 0; i < count; ++i) {
        const WrongField wrong{static_cast<std::uint16_t>(size_offset(i)), 7};
        const std::uint64_t size =
            load_big_endian<kPartitionSizeLength>(parameters.subspan(size_offset(i)));
        if (size == kAllThatRemains) {
            if (rest) {
                return wrong;
            }
            rest = i;
            sizes.push_back(0);
            continue;
        }
        if (size == 0 || unit > left / size) {
            return wrong;
        }
        sizes.push_back(std::max(size * unit, smallest(capacity)));
        if (sizes.back() > left) {
            return wrong;
        }
        left -= sizes.back();
    }
    if (rest) {
        if (left < smallest(capacity)) {
            return WrongField{static_cast<std::uint16_t>(size_offset(*rest)), 7};
        }
        sizes[*rest] = left;
    }
    return sizes;
}

}  // namespace tapeloft::vtl::drive
