// The bodies of log entries as values. media/FORMAT.md, "Entries". Pure. What decode() gives is
// sound by itself (numbers below 2^63, counts that agree); an error is corrupt and names the entry.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/chunk/chunk.h"
#include "media/chunk/segment_map.h"
#include "media/log/log_object.h"

namespace tapeloft::media {

inline constexpr std::uint64_t kLogNumberMax = std::numeric_limits<std::int64_t>::max();

/// The catalog that an object was written from: random, made with the catalog.
using WriterId = std::array<std::uint8_t, 16>;

struct RetainedObject {
    std::uint64_t sequence = 0;
    Sha256 digest{};

    friend bool operator==(const RetainedObject&, const RetainedObject&) = default;
};

struct OwnedValue {
    std::string owner;
    NamedValue value;
};

struct KnownCartridge {
    StreamId stream{};
    std::string barcode;
    std::string medium_serial;
};

/// All of the library stream's state.
struct LibraryState {
    std::string name;
    std::map<std::string, std::string> properties;
    std::vector<OwnedValue> values;  ///< of logical units
    std::vector<KnownCartridge> cartridges;
};

struct CartridgeState {
    CartridgeRecord record;  ///< id and library have no meaning here
    bool damaged = false;
    std::vector<NamedValue> values;
};

struct Truncation {
    std::uint32_t partition = 0;
    std::uint64_t object = 0;  ///< objects from here on are gone
};

struct AppendedSegment {
    SegmentRecord segment;  ///< sealed; file_length has no meaning here
    Bytes map;              ///< SegmentMap::encode()
};

struct CheckpointSegment {
    SegmentRecord segment;
    std::uint64_t map_sequence = 0;  ///< of the object whose append has its map
};

/// Text is UTF-8: what is not is replaced. All else can be encoded if decode() would take it.
[[nodiscard]] LogEntry encode(const std::vector<RetainedObject>& retained);
[[nodiscard]] LogEntry encode(const LibraryState& state);
[[nodiscard]] LogEntry encode(const PackContents& added);
[[nodiscard]] LogEntry encode_removed(const PackId& pack);
[[nodiscard]] LogEntry encode_writer(const WriterId& writer);
[[nodiscard]] LogEntry encode(const CartridgeState& state);
[[nodiscard]] LogEntry encode_format(const std::vector<std::uint64_t>& capacities);
[[nodiscard]] LogEntry encode(const Truncation& truncation);
[[nodiscard]] LogEntry encode(const AppendedSegment& appended);
[[nodiscard]] LogEntry encode(const std::vector<CheckpointSegment>& segments);
[[nodiscard]] LogEntry encode_cartridge_removed();

[[nodiscard]] Result<std::vector<RetainedObject>> decode_retained(const LogEntry& entry);
[[nodiscard]] Result<LibraryState> decode_library(const LogEntry& entry);
[[nodiscard]] Result<PackContents> decode_pack_added(const LogEntry& entry);
[[nodiscard]] Result<PackId> decode_pack_removed(const LogEntry& entry);
[[nodiscard]] Result<WriterId> decode_writer(const LogEntry& entry);
[[nodiscard]] Result<CartridgeState> decode_state(const LogEntry& entry);
[[nodiscard]] Result<std::vector<std::uint64_t>> decode_format(const LogEntry& entry);
[[nodiscard]] Result<Truncation> decode_truncation(const LogEntry& entry);
[[nodiscard]] Result<AppendedSegment> decode_appended(const LogEntry& entry);
[[nodiscard]] Result<std::vector<CheckpointSegment>> decode_segments(const LogEntry& entry);

}  // namespace tapeloft::media
