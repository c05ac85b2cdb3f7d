// The iSCSI TransportID (SPC-5, 7.6.4.6; RFC 7143): how an initiator port is written in parameter
// lists and data.
#pragma once

#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

inline constexpr std::size_t kTransportIdHeaderLength = 4;
inline constexpr std::size_t kTransportIdLengthMin = 24;

/// Format 01b: "name,i,0xISID", ended by a NUL and padded to a multiple of four.
[[nodiscard]] Bytes encode_transport_id(const InitiatorPort& port);

struct DecodedTransportId {
    std::optional<InitiatorPort> port;  ///< nothing: it is no iSCSI TransportID of format 01b
    std::uint16_t fault = 0;            ///< the byte that is wrong, if there is no port
    std::size_t length = 0;             ///< of the whole TransportID; 0: cannot be told
};

/// Reads the TransportID at the beginning of `bytes`, which may hold more.
[[nodiscard]] DecodedTransportId decode_transport_id(ByteView bytes);

}  // namespace tapeloft::vtl::scsi
