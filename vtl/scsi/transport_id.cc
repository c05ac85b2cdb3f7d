#include "vtl/scsi/transport_id.h"

#include <algorithm>
#include <string_view>

namespace tapeloft::vtl::scsi {
namespace {

constexpr std::uint8_t kNameAndSession = 0x45;  // format code 01b, protocol identifier iSCSI
using AdditionalLength = BigEndian<std::uint16_t, 2>;

constexpr std::string_view kSeparator = ",i,0x";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kNameLengthMax = 223;  // RFC 7143, 4.2.7.1
constexpr std::size_t kIsidDigits = 12;

char in_lower_case(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Hexadecimal digits, most significant first; leading zeros may be left out.
std::optional<std::array<std::uint8_t, 6>> decode_isid(std::string_view digits) {
    if (digits.empty() || digits.size() > kIsidDigits) {
        return {};
    }
    std::uint64_t value = 0;
    for (const char digit : digits) {
        const auto found = kDigits.find(in_lower_case(digit));
        if (found == std::string_view::npos) {
            return {};
        }
        value = value << 4U | found;
    }
    std::array<std::uint8_t, 6> isid{};
    store_big_endian<6>(isid, value);
    return isid;
}

}  // namespace

Bytes encode_transport_id(const InitiatorPort& port) {
    std::string text = port.name;
    text += kSeparator;
    for (const std::uint8_t byte : port.isid) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 0x0FU];
    }
    const std::size_t padded = (text.size() / 4 + 1) * 4;  // with one NUL at least
    Bytes bytes(std::max(kTransportIdHeaderLength + padded, kTransportIdLengthMin));
    bytes[0] = kNameAndSession;
    AdditionalLength::store(bytes,
                            static_cast<std::uint16_t>(bytes.size() - kTransportIdHeaderLength));
    std::copy(text.begin(), text.end(), bytes.begin() + kTransportIdHeaderLength);
    return bytes;
}

DecodedTransportId decode_transport_id(ByteView bytes) {
    DecodedTransportId decoded;
    if (bytes.size() < kTransportIdHeaderLength) {
        return decoded;
    }
    const std::size_t length = kTransportIdHeaderLength + AdditionalLength::load(bytes);
    if (length < kTransportIdLengthMin || length % 4 != 0 || length > bytes.size()) {
        decoded.fault = AdditionalLength::offset;
        return decoded;
    }
    decoded.length = length;
    if (bytes[0] != kNameAndSession) {
        return decoded;
    }
    if (bytes[1] != 0) {
        decoded.fault = 1;
        return decoded;
    }
    decoded.fault = kTransportIdHeaderLength;
    const auto text =
        as_text(bytes.subspan(kTransportIdHeaderLength, length - kTransportIdHeaderLength));
    const auto end = text.find('\0');
    const auto separator = text.find(kSeparator);
    if (end == std::string_view::npos || separator == std::string_view::npos || separator > end ||
        separator == 0 || separator > kNameLengthMax) {
        return decoded;
    }
    const auto digits = separator + kSeparator.size();
    const auto isid = decode_isid(text.substr(digits, end - std::min(end, digits)));
    if (!isid) {
        return decoded;
    }
    InitiatorPort port{std::string(text.substr(0, separator)), *isid};
    std::transform(port.name.begin(), port.name.end(), port.name.begin(), in_lower_case);
    decoded.port = std::move(port);
    return decoded;
}

}  // namespace tapeloft::vtl::scsi
