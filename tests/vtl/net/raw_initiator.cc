#include "tests/vtl/net/raw_initiator.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cloud/base/digest.h"

#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::net {

using namespace iscsi;  // NOLINT(google-build-using-namespace): PDUs are all this file is about

RawInitiator::~RawInitiator() {
    close();
}

bool RawInitiator::connect(std::uint16_t port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{20, 0};  // a target that hangs is a failed test, not a hung one
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    // sockaddr is what the C interface takes.
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void RawInitiator::close() {
    if (socket_ >= 0) {
        ::close(socket_);
        socket_ = -1;
    }
}

void RawInitiator::reset() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

bool RawInitiator::send_bytes(ByteView bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

bool RawInitiator::send(BasicHeader header, ByteView data) {
    layout::kDataSegmentLength.store(header, static_cast<std::uint32_t>(data.size()));
    std::array<std::uint8_t, kDigestLength> header_crc{};
    std::array<std::uint8_t, 3 + kDigestLength> tail{};
    store_little_endian<kDigestLength>(header_crc, crc32c(header));
    auto tail_length = padding_of(data.size());
    if (data_digest && !data.empty()) {
        const auto crc = crc32c(ByteView(tail).first(tail_length), crc32c(data));
        store_little_endian<kDigestLength>(MutableByteView(tail).subspan(tail_length), crc);
        tail_length += kDigestLength;
    }
    // iovec is not const-correct; sendmsg only reads.
    std::array<iovec, 4> parts = {iovec{header.data(), header.size()},
                                  iovec{header_crc.data(), header_digest ? kDigestLength : 0},
                                  iovec{const_cast<std::uint8_t*>(data.data()), data.size()},
                                  iovec{tail.data(), tail_length}};
    std::size_t left = 0;
    for (const auto& part : parts) {
        left += part.iov_len;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    while (left != 0) {
        const auto n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        left -= static_cast<std::size_t>(n);
        auto skip = static_cast<std::size_t>(n);
        for (auto& part : parts) {
            const auto here = std::min(skip, part.iov_len);
            part.iov_base = static_cast<std::uint8_t*>(part.iov_base) + here;
            part.iov_len -= here;
            skip -= here;
        }
    }
    return true;
}

bool RawInitiator::receive_bytes(MutableByteView bytes) {
    while (!bytes.empty()) {
        const auto n = ::recv(socket_, bytes.data(), bytes.size(), 0);
        if (n <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

bool RawInitiator::receive_header(BasicHeader& header) {
    std::array<std::uint8_t, kDigestLength> crc{};
    if (!receive_bytes(header) || (header_digest && !receive_bytes(crc))) {
        return false;
    }
    return !header_digest || load_little_endian<kDigestLength>(crc) == crc32c(header);
}

bool RawInitiator::receive_data(MutableByteView data) {
    std::array<std::uint8_t, 3 + kDigestLength> tail{};
    const auto padding = padding_of(data.size());
    const auto tail_length = data.empty() ? 0 : padding + (data_digest ? kDigestLength : 0);
    if (!receive_bytes(data) || !receive_bytes(MutableByteView(tail).first(tail_length))) {
        return false;
    }
    if (!data_digest || data.empty()) {
        return true;
    }
    const auto crc = crc32c(ByteView(tail).first(padding), crc32c(data));
    return crc == load_little_endian<kDigestLength>(ByteView(tail).subspan(padding));
}

std::optional<RawInitiator::Pdu> RawInitiator::receive() {
    Pdu pdu;
    if (!receive_header(pdu.header)) {
        return std::nullopt;
    }
    pdu.data.resize(layout::kDataSegmentLength.load(pdu.header));
    if (!receive_data(pdu.data)) {
        return std::nullopt;
    }
    return pdu;
}

bool RawInitiator::at_end() {
    std::array<std::uint8_t, 4096> waste{};
    for (;;) {
        const auto n = ::recv(socket_, waste.data(), waste.size(), 0);
        if (n <= 0) {
            return n == 0 || errno == ECONNRESET;
        }
    }
}

void RawInitiator::take_key(const std::string& key, const std::string& value) {
    if (key == "FirstBurstLength" && value != "Irrelevant") {
        first_burst_length_ = static_cast<std::uint32_t>(std::stoul(value));
    } else if (key == "MaxRecvDataSegmentLength") {
        target_segment_length_max_ = static_cast<std::uint32_t>(std::stoul(value));
    } else if (key == "ImmediateData") {
        immediate_data_ = value == "Yes";
    } else if (key == "HeaderDigest") {
        header_digest = value == "CRC32C";
    } else if (key == "DataDigest") {
        data_digest = value == "CRC32C";
    }
}

std::optional<std::uint16_t> RawInitiator::login(const Keys& keys) {
    LoginRequestFields request;
    request.transit = true;
    request.csg = 1;
    request.nsg = 3;
    request.isid = isid;
    request.initiator_task_tag = next_tag();
    request.cmd_sn = cmd_sn_;
    Bytes text;
    for (const auto& [key, value] : keys) {
        append_text_pair(text, key, value);
    }
    if (!send(encode(request), text)) {
        return std::nullopt;
    }
    const auto answer = receive();
    if (!answer || answer->opcode() != Opcode::login_response) {
        return std::nullopt;
    }
    const auto pairs = parse_text(answer->data);
    for (const auto& pair : pairs ? *pairs : std::vector<TextPair>{}) {
        take_key(pair.key, pair.value);
    }
    return static_cast<std::uint16_t>(layout::login_response::kStatusClass.load(answer->header)
                                          << 8U |
                                      layout::login_response::kStatusDetail.load(answer->header));
}

bool RawInitiator::answer_r2t(const Command& command, const BasicHeader& header) {
    const auto r2t = decode<ReadyToTransfer>(header);
    DataOut pdu;
    pdu.lun = r2t.lun;
    pdu.initiator_task_tag = r2t.initiator_task_tag;
    pdu.target_transfer_tag = r2t.target_transfer_tag;
    auto offset = r2t.buffer_offset;
    const auto end = offset + r2t.desired_data_transfer_length;
    while (offset < end) {
        const auto n = std::min(target_segment_length_max_, end - offset);
        pdu.buffer_offset = offset;
        pdu.final = offset + n == end;
        if (!send(encode(pdu), command.data_out.subspan(offset, n))) {
            return false;
        }
        ++pdu.data_sn;
        offset += n;
    }
    return true;
}

std::optional<RawInitiator::Reply> RawInitiator::command(const Command& command) {
    ScsiCommand request;
    request.lun = command.lun;
    request.cdb = command.cdb;
    request.initiator_task_tag = next_tag();
    request.numbers.cmd_sn = next_cmd_sn();
    request.write = !command.data_out.empty();
    request.read = !command.data_in.empty();
    request.expected_data_transfer_length = static_cast<std::uint32_t>(
        request.write ? command.data_out.size() : command.data_in.size());
    const std::size_t immediate =
        immediate_data_
            ? std::min({command.data_out.size(), static_cast<std::size_t>(first_burst_length_),
                        static_cast<std::size_t>(target_segment_length_max_)})
            : 0;
    if (!send(encode(request), command.data_out.first(immediate))) {
        return std::nullopt;
    }
    Reply reply;
    for (;;) {
        BasicHeader header{};
        if (!receive_header(header)) {
            return std::nullopt;
        }
        const auto length = layout::kDataSegmentLength.load(header);
        if (opcode_of(header) == Opcode::ready_to_transfer) {
            if (!answer_r2t(command, header)) {
                return std::nullopt;
            }
        } else if (opcode_of(header) == Opcode::data_in) {
            const auto pdu = decode<DataIn>(header);
            if (pdu.buffer_offset + length > command.data_in.size() ||
                !receive_data(command.data_in.subspan(pdu.buffer_offset, length))) {
                return std::nullopt;
            }
            reply.data_in_length += length;
            if (pdu.status_present) {
                reply.status = pdu.status;
                reply.overflow = pdu.residual_overflow;
                reply.underflow = pdu.residual_underflow;
                reply.residual = pdu.residual_count;
                return reply;
            }
        } else if (opcode_of(header) == Opcode::scsi_response) {
            const auto pdu = decode<ScsiResponse>(header);
            reply.sense.resize(length);
            if (!receive_data(reply.sense)) {
                return std::nullopt;
            }
            reply.sense.erase(reply.sense.begin(), reply.sense.begin() + std::min(length, 2U));
            reply.status = pdu.status;
            reply.overflow = pdu.residual_overflow;
            reply.underflow = pdu.residual_underflow;
            reply.residual = pdu.residual_count;
            return reply;
        } else {
            return std::nullopt;
        }
    }
}

}  // namespace tapeloft::vtl::net
