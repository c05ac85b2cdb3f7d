// The medium partition mode page, 11h (SSC-5): what it says of a medium, and the partitions that a
// host asks for with it.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::drive {

/// No partition, and no medium that is formatted smaller, is less than one of so many parts of the
/// medium.
inline constexpr std::uint64_t kPartsMax = 40;

class MediumPartitionPage {
  public:
    static constexpr std::uint8_t kPageCode = 0x11;
    static constexpr std::size_t kShortest = 8;  ///< a host may send but one PARTITION SIZE

    /// A field of the mode parameters that cannot be granted.
    struct WrongField {
        std::uint16_t offset = 0;
        std::uint8_t bit = 7;
    };

    /// additional_max: MAXIMUM ADDITIONAL PARTITIONS of the drive.
    explicit MediumPartitionPage(std::uint8_t additional_max) : additional_max_(additional_max) {}

    [[nodiscard]] Bytes changeable() const;
    /// The mode parameters for a medium with partitions of these sizes (bytes); none: no medium.
    [[nodiscard]] Bytes parameters(std::span<const std::uint64_t> capacities) const;
    /// The partitions (bytes) that the mode parameters ask for on a medium of this capacity. Each
    /// is at least a fortieth of it, as on LTO media: smaller ones are rounded up.
    [[nodiscard]] std::variant<std::vector<std::uint64_t>, WrongField> plan(
        ByteView parameters, std::uint64_t capacity) const;

  private:
    [[nodiscard]] std::variant<std::vector<std::uint64_t>, WrongField> plan_of_sizes(
        ByteView parameters, std::uint64_t capacity) const;
    [[nodiscard]] std::size_t length() const noexcept;

    std::uint8_t additional_max_;
};

}  // namespace tapeloft::vtl::drive
