// Chunks and snapshots as files of a datastore that Proxmox Backup Server opens: the layout of its
// release 3. Blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/identifiers.h"

namespace tapeloft::media {

/// Whom the files belong to, if this process may give them away.
struct DatastoreOwner {
    uid_t uid = 34;  ///< "backup" of Debian
    gid_t gid = 34;
};

/// No PBS may have the datastore open meanwhile.
class DatastoreWriter {
  public:
    /// Makes what is missing: folder, lock file, the 65536 folders for chunks. What it makes is the
    /// owner's, folders above excepted; a folder that was there stays whose it is. Errors:
    /// precondition (the folder holds something else; what is no folder is where one belongs), io,
    /// no_space, denied.
    [[nodiscard]] static Result<DatastoreWriter> open(std::filesystem::path folder,
                                                      DatastoreOwner owner);

    /// There is a file or something else where the chunk belongs.
    [[nodiscard]] bool has_something_for(const PbsDigest& digest) const;
    /// The file as it is; nothing: there is none, its blocks cannot be read, or it is no chunk by
    /// its kind or size. Errors: io, denied (of this process: they say nothing of the file).
    [[nodiscard]] Result<std::optional<Buffer>> read_chunk(const PbsDigest& digest) const;
    /// A bad one gets the name that PBS gives it, under which it is no chunk, and which no other
    /// has, as far as there are such names (10). Errors: io.
    [[nodiscard]] Result<void> set_aside_chunk(const PbsDigest& digest) const;
    /// Garbage collection goes by the time of the last access. Errors: io.
    [[nodiscard]] Result<void> touch_chunk(const PbsDigest& digest) const;
    /// What is there is written over; a folder is set aside. Durable with the next snapshot.
    /// Errors: io, no_space.
    [[nodiscard]] Result<void> write_chunk(const PbsDigest& digest, ByteView blob) const;

    [[nodiscard]] bool has_snapshot(const SnapshotName& name) const;
    /// Before it is fetched: where its folders belong is nothing else. Errors: precondition.
    [[nodiscard]] Result<void> check_folders_of(const SnapshotName& name) const;
    /// Files by name, the manifest last: with it the snapshot is there, and not before; by then all
    /// that was written before is durable. Errors: already_exists, io, no_space.
    using File = std::pair<std::string, Bytes>;
    [[nodiscard]] Result<void> write_snapshot(const SnapshotName& name,
                                              const std::vector<File>& files) const;

  private:
    DatastoreWriter(std::filesystem::path folder, DatastoreOwner owner)
        : folder_(std::move(folder)), owner_(owner) {}
    [[nodiscard]] Result<void> sync() const;
    Result<void> make_folder(const std::filesystem::path& folder) const;
    Result<void> make_folders(const std::filesystem::path& below) const;
    Result<void> write_file(const std::filesystem::path& file, ByteView bytes, bool durable) const;
    [[nodiscard]] std::filesystem::path chunk_file(const PbsDigest& digest) const;

    std::filesystem::path folder_;
    DatastoreOwner owner_;
};

}  // namespace tapeloft::media
