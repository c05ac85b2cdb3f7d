#include "vtl/iscsi/data_transfer.h"

#include <algorithm>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::iscsi {

DataOutTransfer::DataOutTransfer(std::uint32_t length, bool unsolicited,
                                 const NegotiatedParameters& parameters)
    : length_(length),
      first_burst_length_(parameters.first_burst_length),
      max_burst_length_(parameters.max_burst_length),
      max_outstanding_r2t_(parameters.max_outstanding_r2t),
      unsolicited_(unsolicited) {}

std::string_view DataOutTransfer::check(const DataOut& pdu, std::uint32_t n) const {
    return pdu.target_transfer_tag == kReservedTag ? check_unsolicited(pdu, n)
                                                   : check_solicited(pdu, n);
}

std::string_view DataOutTransfer::check_unsolicited(const DataOut& pdu, std::uint32_t n) const {
    if (!unsolicited_) {
        return "unsolicited data after the final one";
    }
    if (pdu.data_sn != unsolicited_data_sn_) {
        return "DataSN out of order";
    }
    if (pdu.buffer_offset != received_) {
        return "Buffer Offset out of order";
    }
    if (n > std::min(first_burst_length_, length_) - std::min(received_, first_burst_length_)) {
        return "data beyond FirstBurstLength or the Expected Data Transfer Length";
    }
    return {};
}

std::string_view DataOutTransfer::check_solicited(const DataOut& pdu, std::uint32_t n) const {
    if (r2ts_.empty() || r2ts_.front().target_transfer_tag != pdu.target_transfer_tag) {
        return "Target Transfer Tag of no outstanding R2T, or not of the oldest";
    }
    const auto& r2t = r2ts_.front();
    if (pdu.data_sn != r2t.data_sn) {
        return "DataSN out of order";
    }
    if (pdu.buffer_offset != r2t.offset + r2t.received) {
        return "Buffer Offset out of order";
    }
    if (n > r2t.length - r2t.received) {
        return "data beyond what the R2T asked for";
    }
    if (n == r2t.length - r2t.received && !pdu.final) {
        return "F bit missing at the end of a sequence";
    }
    return {};
}

void DataOutTransfer::on_data_out(const DataOut& pdu, std::uint32_t n) {
    TL_ASSERT(check(pdu, n).empty());
    received_ += n;
    if (pdu.target_transfer_tag == kReservedTag) {
        ++unsolicited_data_sn_;
        unsolicited_ = !pdu.final;
        return;
    }
    auto& r2t = r2ts_.front();
    r2t.received += n;
    ++r2t.data_sn;
    if (pdu.final) {
        incorrect_amount_ = incorrect_amount_ || r2t.received != r2t.length;
        r2ts_.pop_front();
    }
}

std::optional<ReadyToTransfer> DataOutTransfer::next_r2t(std::uint32_t target_transfer_tag) {
    if (stopped_ || unsolicited_ || r2ts_.size() >= max_outstanding_r2t_) {
        return std::nullopt;
    }
    const auto begin = std::max(asked_, received_);
    if (begin >= length_) {
        return std::nullopt;
    }
    ReadyToTransfer r2t;
    r2t.target_transfer_tag = target_transfer_tag;
    r2t.r2t_sn = r2t_sn_++;
    r2t.buffer_offset = begin;
    r2t.desired_data_transfer_length = std::min(max_burst_length_, length_ - begin);
    asked_ = begin + r2t.desired_data_transfer_length;
    r2ts_.push_back({target_transfer_tag, begin, r2t.desired_data_transfer_length, 0, 0});
    return r2t;
}

bool DataOutTransfer::finished() const noexcept {
    return !data_expected() && (stopped_ || received_ == length_);
}

Residual residual_of(std::uint32_t expected, std::uint64_t actual) noexcept {
    Residual residual;
    if (actual < expected) {
        residual.underflow = true;
        residual.count = static_cast<std::uint32_t>(expected - actual);
    } else if (actual > expected) {
        residual.overflow = true;
        residual.count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(actual - expected, 0xFFFFFFFF));
    }
    return residual;
}

DataInTransfer::Part DataInTransfer::next(std::uint32_t data_segment_length_max,
                                          std::uint32_t max_burst_length) {
    TL_ASSERT(offset_ < data_.size());
    const auto size =
        std::min({data_.size() - offset_, static_cast<std::size_t>(data_segment_length_max),
                  static_cast<std::size_t>(max_burst_length) - burst_});
    Part part;
    part.data = data_.slice(offset_, size);
    part.pdu.data_sn = data_sn_++;
    part.pdu.buffer_offset = static_cast<std::uint32_t>(offset_);
    offset_ += size;
    burst_ += size;
    part.last = offset_ == data_.size();
    part.pdu.final = part.last || burst_ == max_burst_length;
    if (part.pdu.final) {
        burst_ = 0;
    }
    return part;
}

}  // namespace tapeloft::vtl::iscsi
