// One object of a log stream: its bytes, and the chain. media/FORMAT.md, "Log streams".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

inline constexpr std::size_t kLogPayloadMax = 64UL * 1024 * 1024;  ///< bytes

enum class LogKind : std::uint8_t { delta = 1, checkpoint = 2 };

enum class LogEntryType : std::uint8_t {
    retained = 1,
    library = 2,
    writer = 3,
    pack_added = 16,
    pack_removed = 17,
    state = 32,
    format = 33,
    truncate = 34,
    append = 35,
    segments = 36,
    removed = 37,
};

struct LogEntry {
    LogEntryType type = LogEntryType::state;
    Bytes body;

    friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

struct LogObject {
    std::uint64_t sequence = 0;  ///< from 1
    Sha256 previous{};           ///< digest of the object before; zeros in the first
    LogKind kind = LogKind::delta;
    std::vector<LogEntry> entries;

    friend bool operator==(const LogObject&, const LogObject&) = default;
};

/// Where a stream ends, as the catalog and the head object know it.
struct StreamHead {
    std::uint64_t checkpoint = 0;  ///< sequence of the newest; 0: none
    std::uint64_t sequence = 0;    ///< of the newest object; 0: the stream is empty
    Sha256 digest{};               ///< of it

    friend bool operator==(const StreamHead&, const StreamHead&) = default;
};

struct SealedLogObject {
    Bytes bytes;
    Sha256 digest{};  ///< of them
};

/// object.sequence: not 0. Errors: invalid_argument (more than kLogPayloadMax; a checkpoint whose
/// first entry is not its only `retained`, a delta that has one), io (no random bytes).
[[nodiscard]] Result<SealedLogObject> seal_log_object(const KeyRing& keys, const StreamId& stream,
                                                      const LogObject& object);
/// Errors: corrupt, unsupported (an entry type this program does not know); both name the stream
/// and the sequence.
[[nodiscard]] Result<LogObject> open_log_object(const KeyRing& keys, const StreamId& stream,
                                                std::uint64_t sequence, ByteView bytes);

/// Errors: io (no random bytes).
[[nodiscard]] Result<Bytes> seal_head(const KeyRing& keys, const StreamId& stream,
                                      const StreamHead& head);
/// Errors: corrupt; it names the stream.
[[nodiscard]] Result<StreamHead> open_head(const KeyRing& keys, const StreamId& stream,
                                           ByteView bytes);

/// Of the only names, but that of the lease, that are written over and over.
inline constexpr std::string_view kHeadPrefix = "head/";
inline constexpr std::string_view kLogPrefix = "log/";

[[nodiscard]] Sha256 sha256(ByteView bytes);
[[nodiscard]] std::string log_name(const StreamId& stream, std::uint64_t sequence);
[[nodiscard]] std::string head_name(const StreamId& stream);

}  // namespace tapeloft::media
