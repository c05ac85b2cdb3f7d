#include "vtl/library/volume_tags.h"

#include <algorithm>
#include <array>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::library {
namespace {

namespace cdb {  // SMC-3, 6.15
inline constexpr std::uint8_t kElementType = 0x0F;
inline constexpr BigEndian<ElementAddress, 2> kElementAddress;
inline constexpr std::size_t kActionByte = 5;
inline constexpr std::uint8_t kSendActionCode = 0x1F;
inline constexpr BigEndian<std::uint16_t, 8> kParameterListLength;
}  // namespace cdb

namespace parameters {  // SMC-3, 6.15: SEND VOLUME TAG parameter list
inline constexpr std::size_t kTemplateLength = 32;
inline constexpr BigEndian<std::uint16_t, 32> kReserved1;
inline constexpr BigEndian<std::uint16_t, 34> kSequenceNumberMin;
inline constexpr BigEndian<std::uint16_t, 36> kReserved2;
inline constexpr BigEndian<std::uint16_t, 38> kSequenceNumberMax;
}  // namespace parameters

struct ActionRow {
    std::uint8_t code;
    bool alternate_tags_only;
    bool check_sequence_number;
};

// The translations. Not among them: assert (08h, 09h), replace (0Ah, 0Bh), undefine (0Ch, 0Dh).
constexpr auto kActions = std::to_array<ActionRow>({
    {0x00, false, false},  // all tags
    {0x01, false, false},  // primary
    {0x02, true, false},   // alternate
    {0x04, false, true},
    {0x05, false, true},
    {0x06, true, true},
});

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

scsi::Completion parameter_list_length_error() {
    return scsi::Completion::check_condition(scsi::SenseKey::illegal_request,
                                             scsi::asc::kParameterListLengthError);
}

}  // namespace

bool VolumeTagSearch::finds(std::string_view volume_tag) const noexcept {
    const bool in_sequence = !check_sequence_number || sequence_number_min == 0;
    return !alternate_tags_only && in_sequence && matches(pattern, volume_tag);
}

std::variant<VolumeTagSearch, scsi::Completion> decode_send_volume_tag(const scsi::Task& task) {
    const auto type = static_cast<std::uint8_t>(task.cdb[1] & cdb::kElementType);
    if (type > static_cast<std::uint8_t>(ElementType::data_transfer)) {
        return scsi::invalid_field_in_cdb(1, 3);
    }
    const auto code = static_cast<std::uint8_t>(task.cdb[cdb::kActionByte] & cdb::kSendActionCode);
    const auto* const action =
        std::find_if(kActions.begin(), kActions.end(),
                     [code](const ActionRow& row) { return row.code == code; });
    if (action == kActions.end()) {
        return scsi::invalid_field_in_cdb(cdb::kActionByte, 4);
    }
    const auto list = task.data_out.view();
    if (cdb::kParameterListLength.load(task.cdb) != kVolumeTagParameterLength ||
        list.size() < kVolumeTagParameterLength) {
        return parameter_list_length_error();
    }
    if (parameters::kReserved1.load(list) != 0) {
        return scsi::invalid_field_in_parameter_list(parameters::kReserved1.offset);
    }
    if (parameters::kReserved2.load(list) != 0) {
        return scsi::invalid_field_in_parameter_list(parameters::kReserved2.offset);
    }
    VolumeTagSearch search;
    search.send_action_code = code;
    search.type = static_cast<ElementType>(type);
    search.starting_address = cdb::kElementAddress.load(task.cdb);
    search.pattern = pattern_of(list);
    search.alternate_tags_only = action->alternate_tags_only;
    search.check_sequence_number = action->check_sequence_number;
    search.sequence_number_min = parameters::kSequenceNumberMin.load(list);
    search.sequence_number_max = parameters::kSequenceNumberMax.load(list);
    if (search.check_sequence_number && search.sequence_number_max < search.sequence_number_min) {
        return scsi::invalid_field_in_parameter_list(parameters::kSequenceNumberMax.offset);
    }
    return search;
}

}  // namespace tapeloft::vtl::library
