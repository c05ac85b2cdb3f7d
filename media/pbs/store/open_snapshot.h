// A snapshot archive, opened: its manifest, and its files checked against it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/store/chunk_index.h"
#include "media/pbs/store/chunk_reader.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/manifest.h"
#include "media/pbs/tape/snapshot_archive.h"

namespace tapeloft::media {

class OpenSnapshot {
  public:
    /// Reads the manifest. collection outlives this. Errors: not_found (its tape is not here),
    /// corrupt, those of the medium.
    [[nodiscard]] static Awaitable<Result<OpenSnapshot>> open(const Collection& collection,
                                                              const PbsSnapshot& snapshot,
                                                              const SnapshotCopy& copy);

    [[nodiscard]] const PbsSnapshot& snapshot() const noexcept { return *snapshot_; }
    [[nodiscard]] const SnapshotCopy& copy() const noexcept { return copy_; }
    [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }
    [[nodiscard]] const std::vector<SnapshotFile>& files() const noexcept { return files_; }
    [[nodiscard]] const SnapshotFile* find(std::string_view name) const noexcept;
    /// Of its files, and of those that the manifest lists and that it has not.
    [[nodiscard]] std::vector<std::string> names() const;

    /// What is damaged or missing here is taken from other copies of the snapshot from now on, as
    /// far as it is what this manifest says.
    void use_other_copies() noexcept { uses_other_copies_ = true; }

    /// A file as it stands on the tape, not checked. Errors: not_found, corrupt, of the medium.
    Awaitable<Result<Bytes>> raw(const std::string& name);
    /// The same, checked against the manifest. Only itself and the client's log it need not list:
    /// nothing proves these. Errors: as above.
    Awaitable<Result<Bytes>> checked(const std::string& name);
    /// The index of an archive, checked. Errors: as above.
    Awaitable<Result<ChunkIndex>> index(const std::string& name);
    /// What a blob holds. Errors: as above, and denied (encrypted, and no key or the wrong one).
    Awaitable<Result<Bytes>> blob_data(const std::string& name, const CryptKey* key);

    /// There is no signature, and something says that a client with a key made the snapshot, which
    /// signs what it makes: its manifest, an encrypted blob, or the key of the snapshot, wrapped.
    /// Encrypted chunks say so too: of an archive that should have none they are damaged. Errors:
    /// of a medium out of reach.
    Awaitable<Result<bool>> lost_its_signature();

    /// Of its archive, as far as it was read: TapeFile::out_of_place().
    Awaitable<Result<std::optional<std::string>>> out_of_place() {
        return archive_->out_of_place();
    }

    /// The chunks of an archive, each once.
    [[nodiscard]] std::vector<WantedChunk> chunks(const std::string& name,
                                                  const ChunkIndex& index) const;

  private:
    OpenSnapshot() = default;
    [[nodiscard]] Error corrupt(const std::string& name, const std::string& why) const;
    [[nodiscard]] Error lacks(const std::string& name) const;
    Result<Bytes> check(const std::string& name, Bytes bytes) const;
    Awaitable<Result<void>> open_other_copies();

    const Collection* collection_ = nullptr;
    const PbsSnapshot* snapshot_ = nullptr;
    SnapshotCopy copy_;
    std::unique_ptr<TapeFile> archive_;
    std::vector<SnapshotFile> files_;
    Manifest manifest_;
    bool uses_other_copies_ = false;
    std::optional<std::vector<OpenSnapshot>> others_;  ///< nothing: none was needed yet
};

}  // namespace tapeloft::media
