#include "vtl/iscsi/negotiation.h"

#include <algorithm>
#include <array>
#include <set>

#include "vtl/iscsi/text_values.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::string_view kIrrelevant = "Irrelevant";  // RFC 7143, 6.2
constexpr std::string_view kNotUnderstood = "NotUnderstood";
constexpr std::string_view kReject = "Reject";

struct NumberRule {
    KeyId id;
    std::uint32_t NegotiatedParameters::*agreed;
    std::uint32_t (*ours)(const LocalParameters& local, const NegotiatedParameters& agreed);
};

struct BooleanRule {
    KeyId id;
    bool NegotiatedParameters::*agreed;
    bool (*ours)(const LocalParameters& local);
};

struct ListRule {
    KeyId id;
    std::string_view supported;
    bool NegotiatedParameters::*
        agreed;  ///< set to `value` when this element is chosen; may be null
    bool value;
};

struct FixedAnswer {
    KeyId id;
    std::string_view answer;
};

using Local = LocalParameters;
using Agreed = NegotiatedParameters;

// clang-format off
constexpr auto kNumbers = std::to_array<NumberRule>({
    {KeyId::default_time2retain,  &Agreed::default_time2retain,  [](const Local&, const Agreed&) { return std::uint32_t{0}; }},  // no task survives at level 0
    {KeyId::default_time2wait,    &Agreed::default_time2wait,    [](const Local& local, const Agreed&) { return local.default_time2wait; }},
    {KeyId::error_recovery_level, &Agreed::error_recovery_level, [](const Local&, const Agreed&) { return std::uint32_t{0}; }},
    {KeyId::first_burst_length,   &Agreed::first_burst_length,   [](const Local& local, const Agreed& agreed) { return std::min(local.first_burst_length, agreed.max_burst_length); }},  // 13.14
    {KeyId::iscsi_protocol_level, &Agreed::iscsi_protocol_level, [](const Local&, const Agreed&) { return std::uint32_t{1}; }},  // 13.24: RFC 7143
    {KeyId::max_burst_length,     &Agreed::max_burst_length,     [](const Local& local, const Agreed&) { return local.max_burst_length; }},
    {KeyId::max_connections,      &Agreed::max_connections,      [](const Local&, const Agreed&) { return std::uint32_t{1}; }},
    {KeyId::max_outstanding_r2t,  &Agreed::max_outstanding_r2t,  [](const Local& local, const Agreed&) { return local.max_outstanding_r2t; }},
});

constexpr auto kBooleans = std::to_array<BooleanRule>({
    {KeyId::data_pdu_in_order,      &Agreed::data_pdu_in_order,      [](const Local&) { return true; }},
    {KeyId::data_sequence_in_order, &Agreed::data_sequence_in_order, [](const Local&) { return true; }},
    {KeyId::immediate_data,         &Agreed::immediate_data,         [](const Local& local) { return local.immediate_data; }},
    {KeyId::initial_r2t,            &Agreed::initial_r2t,            [](const Local& local) { return local.initial_r2t; }},
});

constexpr auto kLists = std::to_array<ListRule>({
    {KeyId::data_digest,    "CRC32C",  &Agreed::data_digest,   true},
    {KeyId::data_digest,    "None",    &Agreed::data_digest,   false},
    {KeyId::header_digest,  "CRC32C",  &Agreed::header_digest, true},
    {KeyId::header_digest,  "None",    &Agreed::header_digest, false},
    {KeyId::task_reporting, "RFC3720", nullptr,                false},
});

constexpr auto kObsolete = std::to_array<FixedAnswer>({  // 13.25
    {KeyId::if_mark_int, kReject},
    {KeyId::if_marker,   "No"},
    {KeyId::of_mark_int, kReject},
    {KeyId::of_marker,   "No"},
});
// clang-format on

template <typename Rules>
const auto& rule_of(const Rules& rules, KeyId id) {
    const auto rule =
        std::find_if(rules.begin(), rules.end(), [id](const auto& row) { return row.id == id; });
    TL_ASSERT(rule != rules.end());
    return *rule;
}

std::string answer_list(const KeyRow& row, std::string_view offer, NegotiatedParameters& agreed) {
    for (const auto element : split_list(offer)) {
        const auto* const rule =
            std::find_if(kLists.begin(), kLists.end(), [&](const ListRule& candidate) {
                return candidate.id == row.id && candidate.supported == element;
            });
        if (rule != kLists.end()) {
            if (rule->agreed != nullptr) {
                agreed.*(rule->agreed) = rule->value;
            }
            return std::string(element);
        }
    }
    return std::string(kReject);
}

std::optional<std::uint32_t> number_in_range(const KeyRow& row, std::string_view value) {
    const auto number = parse_number(value);
    if (!number || *number < row.minimum || *number > row.maximum) {
        return std::nullopt;
    }
    return *number;
}

}  // namespace

Result<void> OperationalNegotiation::on_pairs(std::span<const TextPair> pairs, Bytes& answer) {
    // FirstBurstLength depends on three other keys, so it comes last (RFC 7143, 13.14).
    const auto& first_burst = key_row(KeyId::first_burst_length).name;
    for (const bool last : {false, true}) {
        for (const auto& pair : pairs) {
            if ((pair.key == first_burst) == last) {
                TL_CHECK(on_pair(pair, answer));
            }
        }
    }
    if (first_burst_agreed_ && agreed_.first_burst_length > agreed_.max_burst_length) {
        return Error{Errc::invalid_argument, "MaxBurstLength below the agreed FirstBurstLength"};
    }
    return {};
}

Result<void> OperationalNegotiation::on_pair(const TextPair& pair, Bytes& answer) {
    const auto* row = find_key(pair.key);
    TL_ASSERT(row != nullptr && row->kind != KeyKind::security);
    if (row->kind == KeyKind::declaration) {
        TL_ASSERT(row->id == KeyId::max_recv_data_segment_length);
        const auto length = number_in_range(*row, pair.value);
        if (!length) {
            return Error{Errc::invalid_argument, "MaxRecvDataSegmentLength not in 512 to 16777215"};
        }
        agreed_.initiator_max_recv_data_segment_length = *length;
        return {};
    }
    append_text_pair(answer, row->name, answer_negotiated(*row, pair.value));
    return {};
}

std::string OperationalNegotiation::answer_negotiated(const KeyRow& row, std::string_view offer) {
    if (irrelevant(row)) {
        return std::string(kIrrelevant);
    }
    switch (row.kind) {
        case KeyKind::list:
            return answer_list(row, offer, agreed_);
        case KeyKind::boolean_and:
        case KeyKind::boolean_or:
            return answer_boolean(row, offer);
        case KeyKind::minimum:
        case KeyKind::maximum:
            return answer_number(row, offer);
        case KeyKind::obsolete:
            return std::string(rule_of(kObsolete, row.id).answer);
        case KeyKind::declaration:
        case KeyKind::security:
            break;
    }
    TL_ASSERT(false);
    return {};
}

std::string OperationalNegotiation::answer_number(const KeyRow& row, std::string_view offer) {
    const auto offered = number_in_range(row, offer);
    if (!offered) {
        return std::string(kReject);
    }
    const auto& rule = rule_of(kNumbers, row.id);
    const auto ours = rule.ours(local_, agreed_);
    const auto result =
        row.kind == KeyKind::minimum ? std::min(*offered, ours) : std::max(*offered, ours);
    agreed_.*(rule.agreed) = result;
    first_burst_agreed_ = first_burst_agreed_ || row.id == KeyId::first_burst_length;
    return std::to_string(result);
}

std::string OperationalNegotiation::answer_boolean(const KeyRow& row, std::string_view offer) {
    const auto offered = parse_boolean(offer);
    if (!offered) {
        return std::string(kReject);
    }
    const auto& rule = rule_of(kBooleans, row.id);
    const bool ours = rule.ours(local_);
    const bool result = row.kind == KeyKind::boolean_and ? *offered && ours : *offered || ours;
    agreed_.*(rule.agreed) = result;
    return result ? "Yes" : "No";
}

bool OperationalNegotiation::irrelevant(const KeyRow& row) const noexcept {
    const bool in_discovery =
        session_type_ == SessionType::discovery && row.irrelevant_in_discovery;
    const bool no_first_burst = row.id == KeyId::first_burst_length && agreed_.initial_r2t &&
                                !agreed_.immediate_data;  // 13.14
    return in_discovery || no_first_burst;
}

void OperationalNegotiation::declare(Bytes& answer) {
    if (std::exchange(declared_, true)) {
        return;
    }
    append_text_pair(answer, key_row(KeyId::max_recv_data_segment_length).name,
                     std::to_string(local_.max_recv_data_segment_length));
    agreed_.target_max_recv_data_segment_length = local_.max_recv_data_segment_length;
}

NegotiatedParameters OperationalNegotiation::result() const noexcept {
    auto result = agreed_;
    result.first_burst_length = std::min(result.first_burst_length, result.max_burst_length);
    return result;
}

Result<FullFeatureText> answer_full_feature_text(const std::vector<TextPair>& pairs) {
    FullFeatureText text;
    std::set<std::string_view> seen;
    for (const auto& pair : pairs) {
        if (!seen.insert(pair.key).second) {
            return Error{Errc::invalid_argument, "a key twice in one Text Request"};
        }
        const auto* row = find_key(pair.key);
        if (row == nullptr) {
            append_text_pair(text.answer, pair.key, kNotUnderstood);
            continue;
        }
        switch (row->id) {
            case KeyId::send_targets:
                text.send_targets = pair.value;
                break;
            case KeyId::max_recv_data_segment_length:
                text.initiator_max_recv_data_segment_length = number_in_range(*row, pair.value);
                if (!text.initiator_max_recv_data_segment_length) {
                    append_text_pair(text.answer, pair.key, kReject);
                }
                break;
            case KeyId::initiator_alias:
                break;
            default:
                append_text_pair(text.answer, pair.key, kReject);
                break;
        }
    }
    return text;
}

}  // namespace tapeloft::vtl::iscsi
