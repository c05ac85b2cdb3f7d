#include "vtl/library/volume_tags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::library {
namespace {

namespace send_cdb {  // SMC-3, 6.15
inline constexpr std::uint8_t kElementType = 0x0F;
inline constexpr BigEndian<ElementAddress, 2> kElementAddress;
inline constexpr std::size_t kActionByte = 5;
inline constexpr std::uint8_t kSendActionCode = 0x1F;
inline constexpr BigEndian<std::uint16_t, 8> kParameterListLength;
}  // namespace send_cdb

namespace parameters {  // SMC-3, 6.15: SEND VOLUME TAG parameter list
inline constexpr std::size_t kTemplateLength = 32;
inline constexpr BigEndian<std::uint16_t, 32> kReserved1;
inline constexpr BigEndian<std::uint16_t, 34> kSequenceNumberMin;
inline constexpr BigEndian<std::uint16_t, 36> kReserved2;
inline constexpr BigEndian<std::uint16_t, 38> kSequenceNumberMax;
}  // namespace parameters

enum class Does : std::uint8_t { translate, assert_tag, replace_tag, undefine_tag };

struct ActionRow {
    std::uint8_t code;
    Does does;
    bool primary;
    bool alternate;
    bool check_sequence_number;
};

// SMC-3, 6.15, table of send action codes. Not among them, as primary tags are printed: assert
// (08h), replace (0Ah), undefine (0Ch).
constexpr auto kActions = std::to_array<ActionRow>({
    {0x00, Does::translate, true, true, false},
    {0x01, Does::translate, true, false, false},
    {0x02, Does::translate, false, true, false},
    {0x04, Does::translate, true, true, true},
    {0x05, Does::translate, true, false, true},
    {0x06, Does::translate, false, true, true},
    {0x09, Does::assert_tag, false, true, false},
    {0x0B, Does::replace_tag, false, true, false},
    {0x0D, Does::undefine_tag, false, true, false},
});

constexpr std::uint8_t kTagVersion = 1;
constexpr std::size_t kTagHeaderLength = 3;

/// The template without the blanks and zeros behind it.
std::string pattern_of(ByteView list) {
    std::string pattern(as_text(list.first(parameters::kTemplateLength)));
    const auto end = pattern.find_last_not_of(std::string_view(" \0", 2));
    pattern.resize(end == std::string::npos ? 0 : end + 1);
    return pattern;
}

bool matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last one seen, and what it stands for up to
    std::size_t star_end = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_end = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_end;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

/// A tag is what a label could have on it, and no wildcard.
std::optional<std::uint16_t> first_bad_character(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c < ' ' || c > '~' || c == '*' || c == '?') {
            return static_cast<std::uint16_t>(i);
        }
    }
    return text.empty() ? std::optional<std::uint16_t>(0) : std::nullopt;
}

std::optional<scsi::Completion> check_parameter_list(const scsi::Task& task) {
    const auto list = task.data_out.view();
    if (send_cdb::kParameterListLength.load(task.cdb) != kVolumeTagParameterLength) {
        return scsi::Completion::check_condition(scsi::SenseKey::illegal_request,
                                                 scsi::asc::kParameterListLengthError);
    }
    if (list.size() < kVolumeTagParameterLength) {
        return scsi::Completion::check_condition(scsi::SenseKey::illegal_request,
                                                 scsi::asc::kInvalidFieldInCommandInformationUnit);
    }
    if (parameters::kReserved1.load(list) != 0) {
        return scsi::invalid_field_in_parameter_list(parameters::kReserved1.offset);
    }
    if (parameters::kReserved2.load(list) != 0) {
        return scsi::invalid_field_in_parameter_list(parameters::kReserved2.offset);
    }
    return std::nullopt;
}

VolumeTagRequest decode_search(const scsi::Task& task, const ActionRow& action, ElementType type) {
    const auto list = task.data_out.view();
    VolumeTagSearch search;
    search.send_action_code = action.code;
    search.type = type;
    search.starting_address = send_cdb::kElementAddress.load(task.cdb);
    search.pattern = pattern_of(list);
    search.primary_tags = action.primary;
    search.alternate_tags = action.alternate;
    search.check_sequence_number = action.check_sequence_number;
    search.sequence_number_min = parameters::kSequenceNumberMin.load(list);
    search.sequence_number_max = parameters::kSequenceNumberMax.load(list);
    if (search.check_sequence_number && search.sequence_number_max < search.sequence_number_min) {
        return scsi::invalid_field_in_parameter_list(parameters::kSequenceNumberMax.offset);
    }
    return search;
}

/// The tag has the minimum volume sequence number (SMC-3, 6.15).
VolumeTagRequest decode_change(const scsi::Task& task, const ActionRow& action, ElementType type) {
    AlternateTagChange change;
    change.type = type;
    change.address = send_cdb::kElementAddress.load(task.cdb);
    change.only_if_undefined = action.does == Does::assert_tag;
    change.parameter_length = send_cdb::kParameterListLength.load(task.cdb);
    if (action.does == Does::undefine_tag) {
        return change;
    }
    const auto list = task.data_out.view();
    auto text = pattern_of(list);
    if (const auto bad = first_bad_character(text)) {
        return scsi::invalid_field_in_parameter_list(*bad);
    }
    change.tag = VolumeTag{std::move(text), parameters::kSequenceNumberMin.load(list)};
    return change;
}

}  // namespace

Bytes encode(const VolumeTag& tag) {
    const auto text = as_bytes(tag.text);
    Bytes bytes(kTagHeaderLength + text.size());
    bytes[0] = kTagVersion;
    store_big_endian<2>(MutableByteView(bytes).subspan(1), tag.sequence_number);
    std::copy(text.begin(), text.end(), bytes.begin() + kTagHeaderLength);
    return bytes;
}

std::optional<VolumeTag> decode_volume_tag(ByteView bytes) {
    if (bytes.size() <= kTagHeaderLength || bytes[0] != kTagVersion ||
        bytes.size() > kTagHeaderLength + parameters::kTemplateLength) {
        return std::nullopt;
    }
    return VolumeTag{std::string(as_text(bytes.subspan(kTagHeaderLength))),
                     static_cast<std::uint16_t>(load_big_endian<2>(bytes.subspan(1)))};
}

bool VolumeTagSearch::finds_tag(std::string_view text,
                                std::uint16_t sequence_number) const noexcept {
    const bool in_sequence = !check_sequence_number || (sequence_number >= sequence_number_min &&
                                                        sequence_number <= sequence_number_max);
    return in_sequence && matches(pattern, text);
}

bool VolumeTagSearch::finds(std::string_view primary, const VolumeTag* alternate) const noexcept {
    return (primary_tags && finds_tag(primary, 0)) ||
           (alternate_tags && alternate != nullptr &&
            finds_tag(alternate->text, alternate->sequence_number));
}

VolumeTagRequest decode_send_volume_tag(const scsi::Task& task) {
    const auto type = static_cast<std::uint8_t>(task.cdb[1] & send_cdb::kElementType);
    if (type > static_cast<std::uint8_t>(ElementType::data_transfer)) {
        return scsi::invalid_field_in_cdb(1, 3);
    }
    const auto code =
        static_cast<std::uint8_t>(task.cdb[send_cdb::kActionByte] & send_cdb::kSendActionCode);
    const auto* const action =
        std::find_if(kActions.begin(), kActions.end(),
                     [code](const ActionRow& row) { return row.code == code; });
    if (action == kActions.end()) {
        return scsi::invalid_field_in_cdb(send_cdb::kActionByte, 4);
    }
    const bool needs_no_list =
        action->does == Does::undefine_tag && send_cdb::kParameterListLength.load(task.cdb) == 0;
    if (!needs_no_list) {
        if (auto refused = check_parameter_list(task)) {
            return std::move(*refused);
        }
    }
    const auto element_type = static_cast<ElementType>(type);
    return action->does == Does::translate ? decode_search(task, *action, element_type)
                                           : decode_change(task, *action, element_type);
}

}  // namespace tapeloft::vtl::library
