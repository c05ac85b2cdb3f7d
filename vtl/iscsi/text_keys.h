// Text of Login and Text PDUs: key=value pairs on the wire, and the table of all keys we know.
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::vtl::iscsi {

inline constexpr std::size_t kKeyNameLengthMax = 63;     // bytes; RFC 7143, 6.1
inline constexpr std::size_t kTextValueLengthMax = 255;  // bytes, unless the key's row says more
inline constexpr std::size_t kTextPairsMax = 1024;       // of one text, and of one login
inline constexpr std::size_t kTextLengthMax = 65536;  // bytes of one text over all its C-bit parts

struct TextPair {
    std::string key;
    std::string value;
    friend bool operator==(const TextPair&, const TextPair&) = default;
};

/// Splits a whole text into its pairs, in order. Every pair must end with a NUL (RFC 7143, 6.1);
/// empty strings between NULs are skipped. Errors: invalid_argument (no '=', a name or value that
/// is too long or holds characters it must not hold, more than kTextPairsMax, no final NUL);
/// messages never hold a value.
[[nodiscard]] Result<std::vector<TextPair>> parse_text(ByteView text);

/// Appends "key=value" and the NUL.
void append_text_pair(Bytes& text, std::string_view key, std::string_view value);

/// Joins the parts of one text that an initiator splits with the C bit; never holds more than
/// kTextLengthMax bytes.
class TextCollector {
  public:
    /// Errors: no_space (the whole would be longer than kTextLengthMax).
    [[nodiscard]] Result<void> add(ByteView part);
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    /// The whole text; the collector is empty afterwards.
    [[nodiscard]] Bytes take();

  private:
    Bytes text_;
};

/// Hands out one text in parts of at most part_length_max bytes, for answers that need the C bit.
class TextSplitter {
  public:
    TextSplitter() = default;
    explicit TextSplitter(Bytes text) : text_(std::move(text)) {}
    [[nodiscard]] bool empty() const noexcept { return offset_ == text_.size(); }
    /// The next part; empty if there is none left. The C bit is set if and only if !empty() after
    /// it.
    [[nodiscard]] Bytes next(std::size_t part_length_max);

  private:
    Bytes text_;
    std::size_t offset_ = 0;
};

enum class SessionType : std::uint8_t { normal, discovery };

enum class KeyId : std::uint8_t {
    auth_method,
    chap_a,
    chap_c,
    chap_i,
    chap_n,
    chap_r,
    data_digest,
    data_pdu_in_order,
    data_sequence_in_order,
    default_time2retain,
    default_time2wait,
    error_recovery_level,
    first_burst_length,
    header_digest,
    if_mark_int,
    if_marker,
    immediate_data,
    initial_r2t,
    initiator_alias,
    initiator_name,
    iscsi_protocol_level,
    max_burst_length,
    max_connections,
    max_outstanding_r2t,
    max_recv_data_segment_length,
    of_mark_int,
    of_marker,
    send_targets,
    session_type,
    target_address,
    target_alias,
    target_name,
    target_portal_group_tag,
    task_reporting,
};

/// How the result of a key comes about (RFC 7143, 6.2.1 and 6.2.2).
enum class KeyKind : std::uint8_t {
    declaration,  ///< no answer
    list,         ///< first of the initiator's values that we support
    boolean_and,  ///< Yes only if both say Yes
    boolean_or,   ///< Yes if either says Yes
    minimum,
    maximum,
    security,  ///< belongs to the authentication exchange
    obsolete,  ///< answered with the row's fixed text
};

/// When a key may be used (RFC 7143, 13).
enum class KeyUse : std::uint8_t {
    leading_only,       ///< LO
    initialize_only,    ///< IO
    full_feature_only,  ///< FFPO
    all,                ///< ALL
    security_stage,     ///< SecurityNegotiation only (RFC 7143, 12)
};

enum class KeySenders : std::uint8_t { initiator, target, both };

struct KeyRow {
    std::string_view name;
    KeyId id;
    KeyKind kind;
    KeyUse use;
    KeySenders senders;
    std::uint32_t minimum;         ///< numbers: smallest legal value
    std::uint32_t maximum;         ///< numbers: largest legal value
    std::size_t length_max;        ///< bytes of the value
    bool irrelevant_in_discovery;  ///< "Irrelevant when: SessionType=Discovery"
    std::string_view clause;       ///< where it is defined
};

/// nullptr if the key is not known. Names are case-sensitive.
[[nodiscard]] const KeyRow* find_key(std::string_view name) noexcept;
[[nodiscard]] const KeyRow& key_row(KeyId id) noexcept;
[[nodiscard]] std::span<const KeyRow> all_keys() noexcept;

}  // namespace tapeloft::vtl::iscsi
