// Snapshots taken off the tapes: images and blobs into a sink, whole snapshots into a datastore.
// Chunks are read in the order in which they stand on the tapes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "media/pbs/store/datastore_writer.h"
#include "media/pbs/store/open_snapshot.h"

namespace tapeloft::media {

/// What a restore will read, before it begins.
struct RestorePlan {
    struct Tape {
        std::string name;     ///< with its barcode, or what is known of a tape that is not here
        std::string barcode;  ///< empty: it is not here
        bool is_here = false;
        std::uint64_t chunks = 0;
        std::uint64_t data_bytes = 0;  ///< decoded: at least about what is fetched
    };
    std::vector<Tape> tapes;  ///< also, with no chunk, the one with the snapshot's own archive
    std::uint64_t chunks = 0;
    std::uint64_t data_bytes = 0;
    std::uint64_t nowhere = 0;        ///< chunks that nothing tells of
    std::string why_nowhere;          ///< the tapes that are not here and may have them
    std::uint64_t missing = 0;        ///< chunks that no tape has, or only one that is not here
    std::uint64_t missing_bytes = 0;  ///< of data
};
[[nodiscard]] RestorePlan plan_restore(const Collection& collection, const OpenSnapshot& snapshot,
                                       const std::vector<WantedChunk>& chunks);

/// How many of the chunks that nothing tells of stand in archives of the media set after all, where
/// a restore will find them; they are missing no more. Costs a block for each chunk of the media
/// set, once. Errors: those of a medium that is out of reach.
[[nodiscard]] Awaitable<Result<std::uint64_t>> look_for_nowhere(
    const Collection& collection, const OpenSnapshot& snapshot,
    const std::vector<WantedChunk>& chunks, RestorePlan& plan);

[[nodiscard]] std::uint64_t data_bytes(const std::vector<WantedChunk>& chunks);

/// Of data, decoded. What cannot be read is done, too.
struct RestoreProgress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes = 0;
};
using TellProgress = std::function<void(const RestoreProgress&)>;  ///< may be empty

struct DamagedRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string what;
};

/// Where an archive goes; any order, each byte once.
class RandomSink {
  public:
    RandomSink() = default;
    RandomSink(const RandomSink&) = delete;
    RandomSink& operator=(const RandomSink&) = delete;
    virtual ~RandomSink() = default;
    virtual Result<void> write(std::uint64_t offset, ByteView bytes) = 0;
};

/// All chunks of an archive into the sink; what cannot be read is in the answer, by range. Errors:
/// of the sink, of a medium out of reach, denied (the wrong key; found out before anything is
/// written, as far as the manifest names the key).
[[nodiscard]] Awaitable<Result<std::vector<DamagedRange>>> restore_archive(OpenSnapshot& snapshot,
                                                                           const std::string& name,
                                                                           ChunkReader& chunks,
                                                                           RandomSink& sink,
                                                                           TellProgress tell);

struct DatastoreRestore {
    std::uint64_t chunks_written = 0;
    std::uint64_t chunks_there = 0;  ///< before, and sound
    std::uint64_t chunks_replaced =
        0;  ///< of those written: a bad one, or what it is not, was there
    std::vector<std::string> damaged;  ///< files and chunks that are not in the datastore
};
/// A whole snapshot. A chunk that is there already is checked; a bad one is written anew, or, where
/// the tapes have it not, set aside. Errors: already_exists, those of the writer, of a medium out
/// of reach.
[[nodiscard]] Awaitable<Result<DatastoreRestore>> restore_to_datastore(OpenSnapshot& snapshot,
                                                                       ChunkReader& chunks,
                                                                       DatastoreWriter& writer,
                                                                       TellProgress tell);

/// Whether the key is the one the snapshot needs. Errors: denied (it is encrypted, and there is no
/// key; or another one), corrupt (its signature).
[[nodiscard]] Result<void> check_key(const Manifest& manifest, const CryptKey* key);

}  // namespace tapeloft::media
