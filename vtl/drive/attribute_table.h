// The attributes of medium auxiliary memory as rows (SPC-5, 7.4.2; SSC-5).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/drive/statistics.h"

namespace tapeloft::vtl::drive {

inline constexpr std::string_view kOrganization = "LTO-CVE";  ///< that assigns density codes
inline constexpr std::uint16_t kHalfInch = 127;  ///< the width of tape, in tenths of a millimetre

/// What the read-only attributes tell, as it is now.
struct VolumeFacts {
    struct Partition {
        std::uint64_t remaining = 0;  ///< bytes
        std::uint64_t maximum = 0;
        bool blank = true;
    };
    std::vector<Partition> partitions;  ///< at least one
    std::string barcode;
    std::string medium_serial;
    std::int64_t created_unix_s = 0;
    std::uint8_t density_code = 0;  ///< 0: not known to the drive
    bool worm = false;
    bool cleaning = false;
    std::uint64_t load_count = 0;     ///< this load is one of them
    std::uint64_t bytes_written = 0;  ///< in its life, by hosts
    std::uint64_t bytes_read = 0;
    VolumeStatistics usage;
    std::uint64_t tape_alerts = 0;  ///< bit n: flag n + 1
};

enum class AttributeFormat : std::uint8_t { binary = 0, ascii = 1, text = 2 };

struct AttributeRow {
    std::uint16_t id = 0;
    bool read_only = false;
    AttributeFormat format = AttributeFormat::binary;
    std::uint16_t length = 0;  ///< exact, or with up_to the most it may have
    bool up_to = false;
    bool per_partition = false;  ///< each partition has one of its own
    /// Of a read-only attribute that the facts tell; null: AuxiliaryMemory has it.
    Bytes (*value)(const VolumeFacts& facts, std::uint8_t partition) = nullptr;
    std::string_view name;
};

[[nodiscard]] std::span<const AttributeRow> attribute_rows() noexcept;           ///< ascending
[[nodiscard]] const AttributeRow* find_attribute(std::uint16_t id) noexcept;     ///< null: unknown
[[nodiscard]] std::uint32_t memory_capacity(const VolumeFacts& facts) noexcept;  ///< bytes

/// Big-endian; and text padded with blanks.
[[nodiscard]] Bytes attribute_number(std::uint64_t value, std::size_t width);
[[nodiscard]] Bytes attribute_text(std::string_view value, std::size_t width);

}  // namespace tapeloft::vtl::drive
