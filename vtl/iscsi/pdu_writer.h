// PDUs on their way out: sequence numbers, padding and digests are put on at the last moment, so
// that StatSN grows in the order of the wire and the numbers are never old.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/layout.h"
#include "vtl/iscsi/pdu.h"

namespace tapeloft::vtl::iscsi {

/// One PDU, ready for one gathering write: head, data, tail. data shares the bytes of its owner.
struct OutgoingPdu {
    std::array<std::uint8_t, kBasicHeaderLength + kDigestLength> head{};
    std::array<std::uint8_t, 3 + kDigestLength> tail{};
    std::size_t head_length = 0;
    std::size_t tail_length = 0;
    Buffer data;

    [[nodiscard]] std::size_t length() const noexcept {
        return head_length + data.size() + tail_length;
    }
};

/// What a PDU does with StatSN (RFC 7143, 11): carries it and counts it, shows the next one without
/// counting, or has none.
enum class StatSnUse : std::uint8_t { counted, shown, none };

class PduWriter {
  public:
    /// The StatSN of the first response.
    void set_stat_sn(std::uint32_t stat_sn) { stat_sn_ = stat_sn; }
    /// For every PDU framed from now on, but for those queued as login responses.
    void set_digests(bool header_digest, bool data_digest) {
        header_digest_ = header_digest;
        data_digest_ = data_digest;
    }

    /// Queues a PDU that is small and can be sent at any time.
    void queue(const BasicHeader& header, StatSnUse use, Buffer data = {});
    /// The same without digests (RFC 7143, 6: they begin with full feature phase).
    void queue_login(const BasicHeader& header, Buffer data);

    [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }
    [[nodiscard]] std::size_t queued_pdus() const noexcept { return queue_.size(); }
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
    void clear();

    /// The oldest queued PDU, framed. empty() must be false.
    [[nodiscard]] OutgoingPdu take(std::uint32_t exp_cmd_sn, std::uint32_t max_cmd_sn);
    /// Frames a PDU that is sent right now.
    [[nodiscard]] OutgoingPdu frame(BasicHeader header, StatSnUse use, Buffer data,
                                    StatusNumbers numbers);

    /// The StatSN of the next response.
    [[nodiscard]] std::uint32_t stat_sn() const noexcept { return stat_sn_; }

  private:
    struct Queued {
        BasicHeader header;
        StatSnUse use;
        bool digests;
        Buffer data;
    };

    void push(const BasicHeader& header, StatSnUse use, bool digests, Buffer data);
    [[nodiscard]] OutgoingPdu frame_queued(Queued pdu, StatusNumbers numbers);

    std::uint32_t stat_sn_ = 0;
    bool header_digest_ = false;
    bool data_digest_ = false;
    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;
};

}  // namespace tapeloft::vtl::iscsi
