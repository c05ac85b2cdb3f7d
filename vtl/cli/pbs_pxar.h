// pxar archives of a snapshot, opened for the commands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "media/pbs/pxar/pxar_reader.h"
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/open_snapshot.h"

namespace tapeloft::vtl::cli {

/// The list of files that the client makes of what it backs up, in the format "pcat1".
inline constexpr const char* kCatalogName = "catalog.pcat1.didx";

/// "root.pxar.didx", or the metadata of one in two streams, "root.mpxar.didx".
[[nodiscard]] bool is_pxar(const std::string& file) noexcept;

/// The file that goes with the metadata of one in two streams, "root.ppxar.didx"; else empty.
[[nodiscard]] std::string payload_of(const std::string& file);

/// The other way round: "root.mpxar.didx" of "root.ppxar.didx"; else empty.
[[nodiscard]] std::string metadata_of(const std::string& file);

/// Whether the file, or the one that it goes with, is the archive that a person means by
/// "root.pxar" or "root.pxar.didx"; where the name is empty, any pxar archive.
[[nodiscard]] bool is_meant(const std::string& file, const std::string& name);

class PxarArchive {
  public:
    /// file: as is_pxar() has it. all: all of it will be read. snapshot and chunks outlive this.
    /// Errors: those of OpenSnapshot::index and PxarReader::open.
    [[nodiscard]] static Result<std::unique_ptr<PxarArchive>> open(media::OpenSnapshot& snapshot,
                                                                   media::ChunkReader& chunks,
                                                                   const std::string& file,
                                                                   bool all = false);
    [[nodiscard]] media::PxarReader& reader() noexcept { return *reader_; }

  private:
    std::unique_ptr<media::ArchiveSource> archive_;
    std::unique_ptr<media::ArchiveSource> payload_;  ///< null: one stream
    std::unique_ptr<media::PxarReader> reader_;
};

/// The archive that a person means by "root.pxar" or "root.pxar.didx"; where the name is empty, the
/// only one there is. Errors: not_found, invalid_argument (there are several).
[[nodiscard]] Result<std::string> find_pxar(const media::OpenSnapshot& snapshot,
                                            const std::string& name);

}  // namespace tapeloft::vtl::cli
