// renterd's answers in JSON, as values; what they do not hold is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"
#include "cloud/http/http_message.h"

namespace tapeloft::sia {

inline constexpr std::uint64_t kSectorSize = 4UL * 1024 * 1024;  ///< bytes, of one shard

/// GET /bus/settings/upload.
struct UploadSettings {
    unsigned min_shards = 0;    ///< that are enough to read a slab; 1 or more
    unsigned total_shards = 0;  ///< that are stored, each with another host; min_shards to 255
    bool packing = false;       ///< what fills no slab waits on renterd's disk for more

    /// Bytes of an object in one slab.
    [[nodiscard]] std::uint64_t slab_size() const noexcept { return min_shards * kSectorSize; }
    friend bool operator==(const UploadSettings&, const UploadSettings&) = default;
};

/// GET /bus/object/KEY, and each object of a list.
struct ObjectFacts {
    std::string key;  ///< with its "/" in front
    std::uint64_t size = 0;
    std::string etag;          ///< without quotes
    double health = 0;         ///< of the worst slab: 1 all shards, 0 just enough to read, -1 fewer
    std::size_t slabs = 0;     ///< only where they were asked for
    std::size_t unstored = 0;  ///< of those, not with any host yet
    std::uint64_t covered = 0;  ///< bytes of the object that lie in slabs
};

/// GET /bus/objects/PREFIX.
struct ObjectList {
    std::vector<ObjectFacts> objects;
    bool more = false;
};

/// All of them: Errors: transient (it is not what renterd answers).
[[nodiscard]] Result<UploadSettings> parse_upload_settings(const HttpResponse& response);
[[nodiscard]] Result<ObjectFacts> parse_object(const HttpResponse& response);
[[nodiscard]] Result<ObjectList> parse_objects(const HttpResponse& response);
/// GET /bus/state: "v2.9.3".
[[nodiscard]] Result<std::string> parse_version(const HttpResponse& response);
/// GET /bus/consensus/state: whether it is synced.
[[nodiscard]] Result<bool> parse_synced(const HttpResponse& response);
/// GET /bus/wallet: whether there is anything to spend, or will be.
[[nodiscard]] Result<bool> parse_has_money(const HttpResponse& response);
/// GET /autopilot/state.
[[nodiscard]] Result<bool> parse_autopilot_enabled(const HttpResponse& response);
/// GET /bus/contracts?filtermode=good: distinct hosts.
[[nodiscard]] Result<std::size_t> parse_contract_hosts(const HttpResponse& response);
/// GET /bus/slabbuffers: bytes in all of them.
[[nodiscard]] Result<std::uint64_t> parse_buffered_bytes(const HttpResponse& response);

}  // namespace tapeloft::sia
