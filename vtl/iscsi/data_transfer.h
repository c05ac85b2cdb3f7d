// The Data-Out sequences and the Data-In sequence of one task (RFC 7143, 4.2.5.2, 11.7 and 11.8).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/negotiation.h"
#include "vtl/iscsi/pdu.h"

namespace tapeloft::vtl::iscsi {

/// Which bytes of a write have come, which are on their way, and which must be asked for. Data
/// comes in order (DataPDUInOrder and DataSequenceInOrder are Yes), so received() is a gapless
/// prefix.
class DataOutTransfer {
  public:
    DataOutTransfer() = default;
    /// length: Expected Data Transfer Length. unsolicited: Data-Out PDUs follow the command unasked
    /// (F bit 0 in the command).
    DataOutTransfer(std::uint32_t length, bool unsolicited, const NegotiatedParameters& parameters);

    /// n bytes came with the command.
    void on_immediate_data(std::uint32_t n) { received_ += n; }

    /// May this PDU with n bytes of data come now? Empty, or what is wrong with it.
    [[nodiscard]] std::string_view check(const DataOut& pdu, std::uint32_t n) const;
    /// It has come. check() said yes.
    void on_data_out(const DataOut& pdu, std::uint32_t n);

    /// The next R2T to send, if one is due now; it counts as sent. StatSN and LUN are the caller's.
    [[nodiscard]] std::optional<ReadyToTransfer> next_r2t(std::uint32_t target_transfer_tag);

    /// Asks for nothing more: the command has failed, and only what is on its way is waited for.
    void stop() { stopped_ = true; }
    /// Nothing more will come.
    [[nodiscard]] bool finished() const noexcept;
    /// A sequence ended (F bit) before all that R2T asked for was there.
    [[nodiscard]] bool incorrect_amount() const noexcept { return incorrect_amount_; }

    [[nodiscard]] std::uint32_t length() const noexcept { return length_; }
    [[nodiscard]] std::uint32_t received() const noexcept { return received_; }
    [[nodiscard]] std::uint32_t r2t_count() const noexcept { return r2t_sn_; }
    [[nodiscard]] bool data_expected() const noexcept { return unsolicited_ || !r2ts_.empty(); }

  private:
    struct Outstanding {
        std::uint32_t target_transfer_tag;
        std::uint32_t offset;
        std::uint32_t length;
        std::uint32_t received;
        std::uint32_t data_sn;
    };

    [[nodiscard]] std::string_view check_unsolicited(const DataOut& pdu, std::uint32_t n) const;
    [[nodiscard]] std::string_view check_solicited(const DataOut& pdu, std::uint32_t n) const;

    std::uint32_t length_ = 0;
    std::uint32_t first_burst_length_ = 0;
    std::uint32_t max_burst_length_ = 0;
    std::uint32_t max_outstanding_r2t_ = 1;
    std::uint32_t received_ = 0;
    bool unsolicited_ = false;
    bool stopped_ = false;
    bool incorrect_amount_ = false;
    std::uint32_t unsolicited_data_sn_ = 0;
    std::uint32_t asked_ = 0;  ///< end of what R2Ts asked for; 0: none sent yet
    std::uint32_t r2t_sn_ = 0;
    std::deque<Outstanding> r2ts_;  ///< at most max_outstanding_r2t_, oldest first
};

/// How far expected and actual length are apart (SPC and RFC 7143, 11.4.5). Never a flag with count
/// 0.
struct Residual {
    bool overflow = false;
    bool underflow = false;
    std::uint32_t count = 0;
};
[[nodiscard]] Residual residual_of(std::uint32_t expected, std::uint64_t actual) noexcept;

/// Cuts data-in into Data-In PDUs. Slices share the buffer.
class DataInTransfer {
  public:
    struct Part {
        DataIn pdu;  ///< final, data_sn, buffer_offset set; status only in the caller's last part
        Buffer data;
        bool last = false;
    };

    DataInTransfer() = default;
    explicit DataInTransfer(Buffer data) : data_(std::move(data)) {}

    /// data_segment_length_max: what the initiator takes in one PDU. Call until last.
    [[nodiscard]] Part next(std::uint32_t data_segment_length_max, std::uint32_t max_burst_length);
    [[nodiscard]] std::uint32_t data_sn() const noexcept { return data_sn_; }

  private:
    Buffer data_;
    std::size_t offset_ = 0;
    std::size_t burst_ = 0;  ///< bytes of the current sequence
    std::uint32_t data_sn_ = 0;
};

}  // namespace tapeloft::vtl::iscsi
