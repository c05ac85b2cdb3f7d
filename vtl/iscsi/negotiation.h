// Operational parameters: what we want, what both sides agreed on, and the rules between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

inline constexpr std::uint32_t kDataSegmentLengthMax =
    16777215;  // bytes, 2^24 - 1; RFC 7143, 13.12

/// What this target wants: the result of every key that the initiator offers is within it. We offer
/// nothing ourselves, so a key that the initiator leaves out keeps the default of RFC 7143, 13.
/// Lengths in bytes, times in seconds.
struct LocalParameters {
    std::uint32_t max_recv_data_segment_length =
        1048576;  ///< declared; 512 to kDataSegmentLengthMax
    std::uint32_t max_burst_length = kDataSegmentLengthMax;    ///< 512 to kDataSegmentLengthMax
    std::uint32_t first_burst_length = kDataSegmentLengthMax;  ///< 512 to kDataSegmentLengthMax
    std::uint32_t max_outstanding_r2t = 16;                    ///< 1 to 65535
    std::uint32_t default_time2wait = 2;                       ///< 0 to 3600
    bool initial_r2t = false;    ///< true: no unsolicited Data-Out, whatever the initiator wants
    bool immediate_data = true;  ///< false: none, whatever the initiator wants
};

/// The parameters of a connection and its session in full feature phase; the defaults are those of
/// RFC 7143, 13. Invariant: first_burst_length <= max_burst_length.
struct NegotiatedParameters {
    bool header_digest = false;  ///< CRC32C
    bool data_digest = false;    ///< CRC32C
    std::uint32_t max_connections = 1;
    bool initial_r2t = true;
    bool immediate_data = true;
    /// Bytes; the largest data segment that we may send (the initiator's declaration) ...
    std::uint32_t initiator_max_recv_data_segment_length = 8192;
    /// ... and the largest that we accept (ours).
    std::uint32_t target_max_recv_data_segment_length = 8192;
    std::uint32_t max_burst_length = 262144;
    std::uint32_t first_burst_length = 65536;
    std::uint32_t default_time2wait = 2;
    std::uint32_t default_time2retain = 20;
    std::uint32_t max_outstanding_r2t = 1;
    bool data_pdu_in_order = true;
    bool data_sequence_in_order = true;
    std::uint32_t error_recovery_level = 0;
    std::uint32_t iscsi_protocol_level = 1;
};

/// Answers the operational keys of one login. Pairs come in batches: all of one whole text at once,
/// so that the order of keys inside it does not matter.
class OperationalNegotiation {
  public:
    OperationalNegotiation(const LocalParameters& local, SessionType session_type) noexcept
        : local_(local), session_type_(session_type) {}

    /// pairs: keys whose kind is neither security nor an identity declaration, none of them
    /// answered before. Illegal values of negotiated keys are answered with Reject and leave the
    /// default. Errors: invalid_argument (an illegal declaration, or MaxBurstLength below what
    /// FirstBurstLength was agreed on before): the login fails.
    [[nodiscard]] Result<void> on_pairs(std::span<const TextPair> pairs, Bytes& answer);

    /// Declares our MaxRecvDataSegmentLength, once; later calls do nothing.
    void declare(Bytes& answer);

    [[nodiscard]] NegotiatedParameters result() const noexcept;

  private:
    [[nodiscard]] Result<void> on_pair(const TextPair& pair, Bytes& answer);
    [[nodiscard]] std::string answer_negotiated(const KeyRow& row, std::string_view offer);
    [[nodiscard]] std::string answer_number(const KeyRow& row, std::string_view offer);
    [[nodiscard]] std::string answer_boolean(const KeyRow& row, std::string_view offer);
    [[nodiscard]] bool irrelevant(const KeyRow& row) const noexcept;

    LocalParameters local_;
    SessionType session_type_;
    NegotiatedParameters agreed_;
    bool first_burst_agreed_ = false;
    bool declared_ = false;
};

/// The keys of a Text Request in full feature phase, apart from SendTargets whose answer only the
/// caller knows.
struct FullFeatureText {
    Bytes answer;  ///< pairs for the Text Response; append the SendTargets records to it
    std::optional<std::string> send_targets;  ///< value of SendTargets: "All", a name, or ""
    /// The initiator's new declaration: from now on the largest data segment that we may send.
    std::optional<std::uint32_t> initiator_max_recv_data_segment_length;
};

/// Answers the pairs of a Text Request. Errors: invalid_argument (a key given twice; the caller
/// answers with a Reject, reason protocol error). All else has its answer in the text: keys of the
/// login phase and illegal values Reject, unknown keys NotUnderstood.
[[nodiscard]] Result<FullFeatureText> answer_full_feature_text(const std::vector<TextPair>& pairs);

}  // namespace tapeloft::vtl::iscsi
