// Volume tags beside the barcode, and what SEND VOLUME TAG asks for: a search for REQUEST VOLUME
// ELEMENT ADDRESS, or a change of an alternate tag (SMC-3, 6.14 to 6.16). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "cloud/base/bytes.h"

#include "vtl/library/element_address.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::library {

/// An alternate volume tag: a host gave it to a cartridge. The primary one is the barcode.
struct VolumeTag {
    std::string text;  ///< 1 to 32 printable characters, without the blanks behind it
    std::uint16_t sequence_number = 0;

    friend bool operator==(const VolumeTag&, const VolumeTag&) = default;
};

/// By barcode; cartridges without one are not in it.
using AlternateTags = std::map<std::string, VolumeTag, std::less<>>;

/// A version byte, the sequence number in two bytes, the text. Nothing: of no version that is
/// known.
[[nodiscard]] Bytes encode(const VolumeTag& tag);
[[nodiscard]] std::optional<VolumeTag> decode_volume_tag(ByteView bytes);

/// A search that a host has sent and may ask the results of, as often as it likes.
struct VolumeTagSearch {
    std::uint8_t send_action_code = 0;
    ElementType type = ElementType::all;
    ElementAddress starting_address = 0;
    std::string pattern;  ///< `*` stands for any text, `?` for any one character
    bool primary_tags = true;
    bool alternate_tags = true;
    bool check_sequence_number = false;
    std::uint16_t sequence_number_min = 0;
    std::uint16_t sequence_number_max = 0;

    /// alternate: null if there is none. The sequence number of a primary tag is 0.
    [[nodiscard]] bool finds(std::string_view primary, const VolumeTag* alternate) const noexcept;

  private:
    [[nodiscard]] bool finds_tag(std::string_view text,
                                 std::uint16_t sequence_number) const noexcept;
};

/// A host gives the cartridge in an element an alternate tag, or takes it away.
struct AlternateTagChange {
    ElementType type = ElementType::all;  ///< of the element; all: of whatever type it is
    ElementAddress address = 0;
    bool only_if_undefined = false;  ///< assert; else replace
    std::optional<VolumeTag> tag;    ///< nothing: undefine
    std::uint32_t parameter_length = 0;
};

using VolumeTagRequest = std::variant<VolumeTagSearch, AlternateTagChange, scsi::Completion>;

/// What a SEND VOLUME TAG asks for, or what it is refused with. Primary tags are printed labels:
/// they are not asserted, replaced or undefined (05/24/00).
[[nodiscard]] VolumeTagRequest decode_send_volume_tag(const scsi::Task& task);

/// Bytes of the parameter list; undefine may come without one.
inline constexpr std::uint32_t kVolumeTagParameterLength = 40;

}  // namespace tapeloft::vtl::library
