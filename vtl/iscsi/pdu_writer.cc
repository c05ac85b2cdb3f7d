#include "vtl/iscsi/pdu_writer.h"

#include <algorithm>
#include <utility>

#include "cloud/base/contract.h"
#include "cloud/base/digest.h"

namespace tapeloft::vtl::iscsi {
namespace {

void put_digest(MutableByteView bytes, std::uint32_t crc) {
    store_little_endian<kDigestLength>(bytes, crc);
}

}  // namespace

void PduWriter::queue(const BasicHeader& header, StatSnUse use, Buffer data) {
    push(header, use, true, std::move(data));
}

void PduWriter::queue_login(const BasicHeader& header, Buffer data) {
    push(header, StatSnUse::counted, false, std::move(data));
}

void PduWriter::push(const BasicHeader& header, StatSnUse use, bool digests, Buffer data) {
    queued_bytes_ += header.size() + data.size();
    queue_.push_back(Queued{header, use, digests, std::move(data)});
}

void PduWriter::clear() {
    queue_.clear();
    queued_bytes_ = 0;
}

OutgoingPdu PduWriter::take(std::uint32_t exp_cmd_sn, std::uint32_t max_cmd_sn) {
    TL_ASSERT(!queue_.empty());
    auto pdu = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= pdu.header.size() + pdu.data.size();
    return frame_queued(std::move(pdu), {0, exp_cmd_sn, max_cmd_sn});
}

OutgoingPdu PduWriter::frame(BasicHeader header, StatSnUse use, Buffer data,
                             StatusNumbers numbers) {
    return frame_queued(Queued{header, use, true, std::move(data)}, numbers);
}

OutgoingPdu PduWriter::frame_queued(Queued pdu, StatusNumbers numbers) {
    auto& header = pdu.header;
    layout::kStatSn.store(header, pdu.use == StatSnUse::none ? 0 : stat_sn_);
    layout::kExpCmdSn.store(header, numbers.exp_cmd_sn);
    layout::kMaxCmdSn.store(header, numbers.max_cmd_sn);
    layout::kDataSegmentLength.store(header, static_cast<std::uint32_t>(pdu.data.size()));
    if (pdu.use == StatSnUse::counted) {
        ++stat_sn_;
    }

    OutgoingPdu out;
    std::copy(header.begin(), header.end(), out.head.begin());
    out.head_length = header.size();
    if (pdu.digests && header_digest_) {
        put_digest(MutableByteView(out.head).subspan(out.head_length), crc32c(header));
        out.head_length += kDigestLength;
    }
    out.tail_length = padding_of(pdu.data.size());
    if (pdu.digests && data_digest_ && !pdu.data.empty()) {
        const auto padding = ByteView(out.tail).first(out.tail_length);
        put_digest(MutableByteView(out.tail).subspan(out.tail_length),
                   crc32c(padding, crc32c(pdu.data.view())));
        out.tail_length += kDigestLength;
    }
    out.data = std::move(pdu.data);
    return out;
}

}  // namespace tapeloft::vtl::iscsi
