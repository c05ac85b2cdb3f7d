// A log stream in a store: appending, and reading all that counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/log/log_object.h"

namespace tapeloft::media {

/// Appends to one stream, one call at a time. Puts are repeated by the store's own retries only.
class LogWriter {
  public:
    /// head: the end of the stream as the catalog knows it. store, keys outlive the writer.
    LogWriter(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
              const StreamHead& head);

    [[nodiscard]] const StreamHead& head() const noexcept { return head_; }

    /// Stores the object behind the last one, then the head; head() then names it. Where the name
    /// is taken: if what is there is the very object this call was writing (an earlier try that did
    /// arrive: same chain, same entries) it counts as stored; else precondition, "another daemon
    /// writes to this store". An error leaves head() as it was; the object may or may not be there.
    Awaitable<Result<void>> append(LogKind kind, std::vector<LogEntry> entries);

  private:
    ObjectStore& store_;
    const KeyRing& keys_;
    StreamId stream_;
    StreamHead head_;
};

/// Something about a stream that a person should know, none of it fatal by itself.
struct LogFinding {
    std::string object;  ///< its name in the store
    std::string what;    ///< "was removed", "an older head was put back", ...
};

struct LogObjectAt {
    LogObject object;
    Sha256 digest{};
};

struct LogContents {
    StreamHead head;
    std::vector<LogObjectAt> retained;  ///< what the checkpoint keeps, by sequence
    std::optional<LogObjectAt> checkpoint;
    std::vector<LogObjectAt> deltas;  ///< behind the checkpoint, in order
    std::vector<LogFinding> findings;
};

/// Reads a stream as FORMAT.md, "Reading, recovery", says: up to 16 objects at once.
/// known: what the local catalog remembers (an older stream than that is refused: corrupt). Errors:
/// not_found (there is no such stream), corrupt, unsupported; those of the store.
[[nodiscard]] Awaitable<Result<LogContents>> read_log(ObjectStore& store, const KeyRing& keys,
                                                      StreamId stream,
                                                      std::optional<StreamHead> known);

}  // namespace tapeloft::media
