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
/// The same call again puts the same bytes, so that the stores of a mirror never get different
/// ones.
class LogWriter {
  public:
    /// head: the end of the stream as the catalog knows it, or as adopt_log_tail() found it. store,
    /// keys outlive the writer.
    LogWriter(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
              const StreamHead& head);

    [[nodiscard]] const StreamHead& head() const noexcept { return head_; }

    /// Stores the object behind the last one, then the head; head() then names it. Where the name
    /// is taken: if what is there is the very object this call was writing (an earlier try that did
    /// arrive: same chain, same entries) it is put once more as it is there, so that all stores of
    /// a mirror have it, and counts as stored; else precondition, "another daemon writes to this
    /// store". An error leaves head() as it was; the object may or may not be there:
    /// the same call again is right, and so is adopt_log_tail() before another one. Errors: also
    /// invalid_argument (more than kLogPayloadMax; nothing was stored), corrupt (what is there
    /// cannot be read), those of the store. Where the store has no put_if_absent, the name is
    /// looked up first, so that only the lease keeps a second daemon out.
    Awaitable<Result<void>> append(LogKind kind, std::vector<LogEntry> entries);

  private:
    /// What was sealed last.
    struct Tried {
        LogObject object;
        Buffer bytes;
        Sha256 digest{};
    };

    Awaitable<Result<void>> put_absent(std::string name, Buffer body);
    Awaitable<Result<Sha256>> store(LogObject object);
    Awaitable<Result<Sha256>> recognise(LogObject object);

    ObjectStore& store_;
    const KeyRing& keys_;
    StreamId stream_;
    StreamHead head_;
    std::optional<Tried> tried_;
};

/// Something about a stream that a person should know, none of it fatal by itself.
struct LogFinding {
    std::string object;  ///< its name in the store
    std::string what;    ///< "is missing", "an older head was put back", ...
};

struct LogObjectAt {
    LogObject object;
    Sha256 digest{};
};

struct LogContents {
    StreamId stream{};
    StreamHead head;
    std::vector<LogObjectAt> retained;  ///< what the checkpoint keeps, by sequence
    std::optional<LogObjectAt> checkpoint;
    std::vector<LogObjectAt> deltas;  ///< behind the checkpoint, in order
    std::vector<LogFinding> findings;
};

/// Takes away what is not needed of an object, as soon as it was read.
using TrimLogObject = void (*)(LogObject& object);

/// Reads a stream as FORMAT.md, "Reading, recovery", says: up to 16 objects at once. The chain is
/// whole from the checkpoint (or object 1) to the end, and what is retained is what the checkpoint
/// names. known: what the local catalog remembers (an older stream than that is refused: corrupt).
/// trim: null keeps all. Errors: not_found (there is no such stream), corrupt, unsupported; those
/// of the store.
[[nodiscard]] Awaitable<Result<LogContents>> read_log(ObjectStore& store, const KeyRing& keys,
                                                      StreamId stream,
                                                      std::optional<StreamHead> known,
                                                      TrimLogObject trim = nullptr);

/// What stands in a stream behind the end that the catalog knows.
struct LogTail {
    StreamHead head;                   ///< the end of the stream
    std::vector<LogObjectAt> objects;  ///< behind the known end, in order; mostly none
    std::vector<LogFinding> findings;
};

/// A crash between storing a log object and the catalog leaves an object that the catalog does not
/// know. To be called before the first append to a stream after a start, and after an append that
/// failed where other entries are to follow. The objects are checked (their chain begins at
/// known.digest); where the stream's head lags they are put once more, which only a store of a
/// mirror that lacks them notices, and then the head. Four requests and a list where
/// nothing happened. README.md, "After a crash", says what the caller makes of the objects. Errors:
/// corrupt (the store is older than the catalog: both ends are named; or damaged), precondition
/// (objects behind the known end were removed: the catalog is an old copy), unsupported; those of
/// the store.
[[nodiscard]] Awaitable<Result<LogTail>> adopt_log_tail(ObjectStore& store, const KeyRing& keys,
                                                        StreamId stream, StreamHead known);

}  // namespace tapeloft::media
