// The files of a snapshot archive: manifest, indexes and blobs as they lay in the datastore. On
// tape they are one flat pxar archive of version 1, a fraction of what pxar can hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/pbs/tape/content.h"
#include "media/pbs/tape/tape_file.h"

namespace tapeloft::media {

struct SnapshotFile {
    std::string name;          ///< safe as a path component
    std::uint64_t offset = 0;  ///< of its content, in the stream
    std::uint64_t size = 0;
    std::uint32_t mode = 0;  ///< permission bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime_s = 0;
    std::uint32_t mtime_nanoseconds = 0;
};

/// The files in their order, at most 4096. offset: behind the content header and its JSON. Errors:
/// corrupt (also: anything but regular files below the root), those of TapeFile::read.
[[nodiscard]] Awaitable<Result<std::vector<SnapshotFile>>> read_snapshot_files(
    TapeFile& file, std::uint64_t offset, std::uint64_t stream_size);

/// The longest file of a snapshot that is taken into memory: the index of 128 TiB.
inline constexpr std::uint64_t kSnapshotFileMax = 1ULL << 30U;

/// The content of one of them. Errors: corrupt, those of TapeFile::read.
[[nodiscard]] Awaitable<Result<Bytes>> read_snapshot_file(TapeFile& archive,
                                                          const SnapshotFile& file);

}  // namespace tapeloft::media
