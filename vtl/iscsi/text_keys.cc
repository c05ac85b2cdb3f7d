#include "vtl/iscsi/text_keys.h"

#include <algorithm>
#include <array>

namespace tapeloft::vtl::iscsi {
namespace {

using enum KeyUse;

constexpr std::size_t kNameMax = 223;  // bytes; 4.2.7.1
constexpr std::size_t kDefault = kTextValueLengthMax;
constexpr std::size_t kChallengeTextMax = 2 + 2 * std::size_t{1024};  // 0x and 1024 bytes; 12.1.3

constexpr auto kInitiator = KeySenders::initiator;
constexpr auto kTarget = KeySenders::target;
constexpr auto kBoth = KeySenders::both;

// Clauses are those of RFC 7143. disc: irrelevant in a discovery session.
// clang-format off
constexpr auto kKeys = std::to_array<KeyRow>({
//   name                       id                                     kind                   use                senders     min  max       length             disc   clause
    {"AuthMethod",              KeyId::auth_method,                    KeyKind::security,     security_stage,    kBoth,      0,   0,        kDefault,          false, "12.1"},
    {"CHAP_A",                  KeyId::chap_a,                         KeyKind::security,     security_stage,    kBoth,      0,   0,        kDefault,          false, "12.1.3"},
    {"CHAP_C",                  KeyId::chap_c,                         KeyKind::security,     security_stage,    kBoth,      0,   0,        kChallengeTextMax, false, "12.1.3"},
    {"CHAP_I",                  KeyId::chap_i,                         KeyKind::security,     security_stage,    kBoth,      0,   255,      kDefault,          false, "12.1.3"},
    {"CHAP_N",                  KeyId::chap_n,                         KeyKind::security,     security_stage,    kBoth,      0,   0,        kDefault,          false, "12.1.3"},
    {"CHAP_R",                  KeyId::chap_r,                         KeyKind::security,     security_stage,    kBoth,      0,   0,        kDefault,          false, "12.1.3"},
    {"DataDigest",              KeyId::data_digest,                    KeyKind::list,         initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.1"},
    {"DataPDUInOrder",          KeyId::data_pdu_in_order,              KeyKind::boolean_or,   leading_only,      kBoth,      0,   0,        kDefault,          true,  "13.18"},
    {"DataSequenceInOrder",     KeyId::data_sequence_in_order,         KeyKind::boolean_or,   leading_only,      kBoth,      0,   0,        kDefault,          true,  "13.19"},
    {"DefaultTime2Retain",      KeyId::default_time2retain,            KeyKind::minimum,      leading_only,      kBoth,      0,   3600,     kDefault,          false, "13.16"},
    {"DefaultTime2Wait",        KeyId::default_time2wait,              KeyKind::maximum,      leading_only,      kBoth,      0,   3600,     kDefault,          false, "13.15"},
    {"ErrorRecoveryLevel",      KeyId::error_recovery_level,           KeyKind::minimum,      leading_only,      kBoth,      0,   2,        kDefault,          false, "13.20"},
    {"FirstBurstLength",        KeyId::first_burst_length,             KeyKind::minimum,      leading_only,      kBoth,      512, 16777215, kDefault,          true,  "13.14"},
    {"HeaderDigest",            KeyId::header_digest,                  KeyKind::list,         initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.1"},
    {"IFMarkInt",               KeyId::if_mark_int,                    KeyKind::obsolete,     initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.25"},
    {"IFMarker",                KeyId::if_marker,                      KeyKind::obsolete,     initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.25"},
    {"ImmediateData",           KeyId::immediate_data,                 KeyKind::boolean_and,  leading_only,      kBoth,      0,   0,        kDefault,          true,  "13.11"},
    {"InitialR2T",              KeyId::initial_r2t,                    KeyKind::boolean_or,   leading_only,      kBoth,      0,   0,        kDefault,          true,  "13.10"},
    {"InitiatorAlias",          KeyId::initiator_alias,                KeyKind::declaration,  all,               kInitiator, 0,   0,        kDefault,          false, "13.7"},
    {"InitiatorName",           KeyId::initiator_name,                 KeyKind::declaration,  initialize_only,   kInitiator, 0,   0,        kNameMax,          false, "13.5"},
    {"iSCSIProtocolLevel",      KeyId::iscsi_protocol_level,           KeyKind::minimum,      leading_only,      kBoth,      0,   31,       kDefault,          true,  "13.24"},
    {"MaxBurstLength",          KeyId::max_burst_length,               KeyKind::minimum,      leading_only,      kBoth,      512, 16777215, kDefault,          true,  "13.13"},
    {"MaxConnections",          KeyId::max_connections,                KeyKind::minimum,      leading_only,      kBoth,      1,   65535,    kDefault,          true,  "13.2"},
    {"MaxOutstandingR2T",       KeyId::max_outstanding_r2t,            KeyKind::minimum,      leading_only,      kBoth,      1,   65535,    kDefault,          true,  "13.17"},
    {"MaxRecvDataSegmentLength", KeyId::max_recv_data_segment_length,  KeyKind::declaration,  all,               kBoth,      512, 16777215, kDefault,          false, "13.12"},
    {"OFMarkInt",               KeyId::of_mark_int,                    KeyKind::obsolete,     initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.25"},
    {"OFMarker",                KeyId::of_marker,                      KeyKind::obsolete,     initialize_only,   kBoth,      0,   0,        kDefault,          false, "13.25"},
    {"SendTargets",             KeyId::send_targets,                   KeyKind::declaration,  full_feature_only, kInitiator, 0,   0,        kDefault,          false, "13.3"},
    {"SessionType",             KeyId::session_type,                   KeyKind::declaration,  leading_only,      kInitiator, 0,   0,        kDefault,          false, "13.21"},
    {"TargetAddress",           KeyId::target_address,                 KeyKind::declaration,  all,               kTarget,    0,   0,        kDefault,          false, "13.8"},
    {"TargetAlias",             KeyId::target_alias,                   KeyKind::declaration,  all,               kTarget,    0,   0,        kDefault,          false, "13.6"},
    {"TargetName",              KeyId::target_name,                    KeyKind::declaration,  initialize_only,   kBoth,      0,   0,        kNameMax,          false, "13.4"},
    {"TargetPortalGroupTag",    KeyId::target_portal_group_tag,        KeyKind::declaration,  initialize_only,   kTarget,    0,   65535,    kDefault,          false, "13.9"},
    {"TaskReporting",           KeyId::task_reporting,                 KeyKind::list,         leading_only,      kBoth,      0,   0,        kDefault,          true,  "13.23"},
});
// clang-format on

constexpr bool rows_follow_key_id() {
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
        if (static_cast<std::size_t>(kKeys[i].id) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_follow_key_id());

constexpr std::string_view kKeyMarks = ".-+@_#";

// standard-label of RFC 7143, 6.1, and the '#' of the public extension keys (13.22).
bool is_key_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kKeyMarks.find(c) != std::string_view::npos;
}

Error malformed(std::string message) {
    return {Errc::invalid_argument, std::move(message)};
}

Result<TextPair> parse_pair(std::string_view pair) {
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
        return malformed("text without '=' between key and value");
    }
    const auto key = pair.substr(0, equals);
    const auto value = pair.substr(equals + 1);
    if (key.empty() || key.size() > kKeyNameLengthMax) {
        return malformed("key name of " + std::to_string(key.size()) + " bytes, allowed 1 to " +
                         std::to_string(kKeyNameLengthMax));
    }
    if (!std::all_of(key.begin(), key.end(), is_key_character)) {
        return malformed("key name with a character that RFC 7143, 6.1 does not allow");
    }
    const auto* row = find_key(key);
    const auto length_max = row != nullptr ? row->length_max : kTextValueLengthMax;
    if (value.size() > length_max) {
        return malformed(std::string(key) + ": value of " + std::to_string(value.size()) +
                         " bytes, at most " + std::to_string(length_max));
    }
    return TextPair{std::string(key), std::string(value)};
}

}  // namespace

std::span<const KeyRow> all_keys() noexcept {
    return kKeys;
}

const KeyRow* find_key(std::string_view name) noexcept {
    const auto* row = std::find_if(kKeys.begin(), kKeys.end(), [name](const KeyRow& candidate) {
        return candidate.name == name;
    });
    return row == kKeys.end() ? nullptr : row;
}

const KeyRow& key_row(KeyId id) noexcept {
    return kKeys.at(static_cast<std::size_t>(id));
}

Result<std::vector<TextPair>> parse_text(ByteView text) {
    std::vector<TextPair> pairs;
    auto rest = as_text(text);
    while (!rest.empty()) {
        const auto end = rest.find('\0');
        if (end == std::string_view::npos) {
            return malformed("text does not end with a NUL");
        }
        if (end != 0) {
            if (pairs.size() == kTextPairsMax) {
                return malformed("more than " + std::to_string(kTextPairsMax) + " keys");
            }
            TL_TRY(auto pair, parse_pair(rest.substr(0, end)));
            pairs.push_back(std::move(pair));
        }
        rest.remove_prefix(end + 1);
    }
    return pairs;
}

void append_text_pair(Bytes& text, std::string_view key, std::string_view value) {
    text.insert(text.end(), key.begin(), key.end());
    text.push_back('=');
    text.insert(text.end(), value.begin(), value.end());
    text.push_back('\0');
}

Result<void> TextCollector::add(ByteView part) {
    if (part.size() > kTextLengthMax - text_.size()) {
        return Error{Errc::no_space,
                     "text of more than " + std::to_string(kTextLengthMax) + " bytes"};
    }
    text_.insert(text_.end(), part.begin(), part.end());
    return {};
}

Bytes TextCollector::take() {
    return std::exchange(text_, {});
}

Bytes TextSplitter::next(std::size_t part_length_max) {
    const auto rest = ByteView(text_).subspan(offset_);
    const auto part = rest.first(std::min(rest.size(), part_length_max));
    offset_ += part.size();
    return {part.begin(), part.end()};
}

}  // namespace tapeloft::vtl::iscsi
