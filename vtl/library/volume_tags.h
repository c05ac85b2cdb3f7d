// SEND VOLUME TAG and what it leaves for REQUEST VOLUME ELEMENT ADDRESS: a search for volume tags
// (SMC-3, 6.15 and 6.14). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "vtl/library/element_address.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::library {

/// A search that a host has sent and may ask the results of, as often as it likes.
struct VolumeTagSearch {
    std::uint8_t send_action_code = 0;
    ElementType type = ElementType::all;
    ElementAddress starting_address = 0;
    std::string pattern;               ///< `*` stands for any text, `?` for any one character
    bool alternate_tags_only = false;  ///< of which there are none
    bool check_sequence_number = false;
    std::uint16_t sequence_number_min = 0;
    std::uint16_t sequence_number_max = 0;

    /// volume_tag: the primary one, without its padding. Volume sequence numbers are all 0.
    [[nodiscard]] bool finds(std::string_view volume_tag) const noexcept;
};

/// The search that a SEND VOLUME TAG asks for, or what it is refused with: barcodes are printed
/// labels, so nothing is asserted, replaced or undefined (05/24/00).
[[nodiscard]] std::variant<VolumeTagSearch, scsi::Completion> decode_send_volume_tag(
    const scsi::Task& task);

/// Bytes of the parameter list of a translation.
inline constexpr std::uint32_t kVolumeTagParameterLength = 40;

}  // namespace tapeloft::vtl::library
