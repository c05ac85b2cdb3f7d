// Logical block protection (SSC-5, 4.2.29): four bytes behind each block on its way between host
// and drive.
#pragma once

#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::drive {

/// Control Data Protection mode page; the subpage tells it from the Control mode page.
inline constexpr std::uint8_t kControlDataProtectionPage = 0x0A;
inline constexpr std::uint8_t kControlDataProtectionSubpage = 0xF0;
inline constexpr std::uint32_t kProtectionLength = 4;  ///< bytes of protection information

enum class ProtectionMethod : std::uint8_t {
    none = 0x00,
    reed_solomon = 0x01,  ///< ECMA-319, annex D; most significant byte first
    crc32c = 0x02,        ///< Castagnoli; least significant byte first
};

/// The CRC of ECMA-319: four check symbols of a Reed-Solomon code over GF(256). The code is that of
/// x^8 + x^4 + x^3 + x^2 + 1, the generator is y^4 + 38h y^3 + CFh y^2 + 38h y + 1.
[[nodiscard]] std::uint32_t reed_solomon_crc(ByteView bytes) noexcept;

/// What is in force, decoded from the Control Data Protection mode page.
class LogicalBlockProtection {
  public:
    LogicalBlockProtection() = default;
    /// parameters: of the mode page, without its header.
    explicit LogicalBlockProtection(ByteView parameters) noexcept;

    /// Bytes that a block has more on its way to the drive, or from it.
    [[nodiscard]] std::uint32_t write_overhead() const noexcept {
        return on_write_ ? kProtectionLength : 0;
    }
    [[nodiscard]] std::uint32_t read_overhead() const noexcept {
        return on_read_ ? kProtectionLength : 0;
    }

    /// block: with its protection information, at least kProtectionLength long.
    [[nodiscard]] bool sound(ByteView block) const noexcept;
    /// Computes the last kProtectionLength bytes of `block` from those before them.
    void protect(MutableByteView block) const noexcept;

  private:
    ProtectionMethod method_ = ProtectionMethod::none;
    bool on_write_ = false;  ///< LBP_W
    bool on_read_ = false;   ///< LBP_R
};

/// Defaults and changeable bits of the mode page, without its header.
[[nodiscard]] Bytes control_data_protection_defaults();
[[nodiscard]] Bytes control_data_protection_changeable();
/// Where the parameters that a host wants are at fault: byte (of the parameters) and bit.
[[nodiscard]] std::optional<scsi::FieldPointer> check_control_data_protection(ByteView parameters);

/// What follows the header of the Logical Block Protection VPD page (B5h).
[[nodiscard]] Bytes logical_block_protection_vpd_page();

}  // namespace tapeloft::vtl::drive
