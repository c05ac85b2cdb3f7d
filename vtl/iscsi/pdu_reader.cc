#include "vtl/iscsi/pdu_reader.h"

#include <algorithm>
#include <utility>

#include "cloud/base/contract.h"
#include "cloud/base/digest.h"

namespace tapeloft::vtl::iscsi {
namespace {

/// CRC32C goes on the wire least significant byte first (RFC 7143, 13.1, and RFC 3720, B.4).
std::uint32_t digest_at(ByteView bytes) {
    return static_cast<std::uint32_t>(load_little_endian<kDigestLength>(bytes));
}

}  // namespace

MutableByteView PduReader::buffer() noexcept {
    const MutableByteView header(header_bytes_);
    switch (state_) {
        case State::basic_header:
            return header.subspan(header_received_, first_part_length() - header_received_);
        case State::rest_of_header:
            return header.subspan(header_received_, header_length_ - header_received_);
        case State::data:
            if (discarding_) {
                return MutableByteView(waste_).first(
                    std::min(waste_.size(), data_length_ - data_received_));
            }
            return destination_.subspan(data_received_);
        case State::tail:
            return MutableByteView(tail_).subspan(tail_received_, tail_length_ - tail_received_);
        case State::placing:
        case State::failed:
            break;
    }
    return {};
}

PduReader::Event PduReader::on_received(std::size_t n) {
    TL_ASSERT(n >= 1 && n <= buffer().size());
    switch (state_) {
        case State::basic_header:
        case State::rest_of_header:
            header_received_ += n;
            return on_header_bytes();
        case State::data:
            return on_data_bytes(n);
        case State::tail:
            tail_received_ += n;
            return tail_received_ == tail_length_ ? on_tail() : Event::more;
        case State::placing:
        case State::failed:
            break;
    }
    return Event::failed;
}

PduReader::Event PduReader::on_header_bytes() {
    if (state_ == State::basic_header) {
        if (header_received_ < first_part_length()) {
            return Event::more;
        }
        std::copy_n(header_bytes_.begin(), kBasicHeaderLength, header_.begin());
        header_length_ =
            first_part_length() + layout::kTotalAhsLength.load(header_) * kAdditionalHeaderUnit;
        state_ = State::rest_of_header;
    }
    return header_received_ == header_length_ ? on_whole_header() : Event::more;
}

PduReader::Event PduReader::on_whole_header() {
    if (header_digest_) {
        const auto covered = header_length_ - kDigestLength;
        const ByteView bytes(header_bytes_);
        if (crc32c(bytes.first(covered)) != digest_at(bytes.subspan(covered))) {
            return fail("header digest does not match");
        }
    }
    data_length_ = layout::kDataSegmentLength.load(header_);
    if (data_length_ > data_segment_length_max_) {
        return fail("data segment of " + std::to_string(data_length_) + " bytes, at most " +
                    std::to_string(data_segment_length_max_) + " declared");
    }
    state_ = State::placing;
    return Event::header;
}

ByteView PduReader::additional_header() const noexcept {
    const auto length = layout::kTotalAhsLength.load(header_) * kAdditionalHeaderUnit;
    return ByteView(header_bytes_).subspan(kBasicHeaderLength, length);
}

PduReader::Event PduReader::place_data(MutableByteView destination) {
    TL_ASSERT(state_ == State::placing && destination.size() == data_length_);
    discarding_ = false;
    destination_ = destination;
    return begin_data();
}

PduReader::Event PduReader::discard_data() {
    TL_ASSERT(state_ == State::placing);
    discarding_ = true;
    return begin_data();
}

PduReader::Event PduReader::begin_data() {
    data_digest_error_ = false;
    data_received_ = 0;
    data_crc_ = 0;
    if (data_length_ == 0) {  // 11.2.3: no data digest without a data segment
        return finish_pdu();
    }
    tail_received_ = 0;
    tail_length_ = padding_of(data_length_) + (data_digest_ ? kDigestLength : 0);
    state_ = State::data;
    return Event::more;
}

PduReader::Event PduReader::on_data_bytes(std::size_t n) {
    if (data_digest_) {
        data_crc_ = crc32c(buffer().first(n), data_crc_);
    }
    data_received_ += n;
    if (data_received_ < data_length_) {
        return Event::more;
    }
    if (tail_length_ == 0) {
        return finish_pdu();
    }
    state_ = State::tail;
    return Event::more;
}

PduReader::Event PduReader::on_tail() {
    if (data_digest_) {
        const auto padding = padding_of(data_length_);
        const ByteView tail(tail_);
        data_crc_ = crc32c(tail.first(padding), data_crc_);
        data_digest_error_ = data_crc_ != digest_at(tail.subspan(padding));
    }
    return finish_pdu();
}

PduReader::Event PduReader::finish_pdu() {
    state_ = State::basic_header;
    header_received_ = 0;
    header_length_ = 0;
    destination_ = {};
    return Event::pdu;
}

PduReader::Event PduReader::fail(std::string why) {
    state_ = State::failed;
    failure_ = std::move(why);
    return Event::failed;
}

}  // namespace tapeloft::vtl::iscsi
