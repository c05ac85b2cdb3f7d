// A pxar archive by position: one entry, the way to a path, the data of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/byte_source.h"
#include "media/pbs/pxar/goodbye_table.h"
#include "media/pbs/pxar/pxar_entry.h"
#include "media/pbs/pxar/pxar_items.h"
#include "media/pbs/pxar/source_window.h"

namespace tapeloft::media {

struct PxarPlace {
    PxarEntry entry;
    std::uint64_t end = 0;  ///< behind all that is in it
};

/// The way from the root to a path, as far as there is one.
struct PxarRoute {
    std::vector<PxarPlace> places;  ///< the root first; at least this one
    bool found = false;             ///< the last place is what was looked for
    std::optional<Error> damage;    ///< what kept the search from going on, or from being certain
};

/// Version 1, and version 2 in one stream or two (.mpxar and .ppxar). The sources must outlive
/// this; one call at a time. Memory: a window, and what is returned.
class PxarReader {
  public:
    explicit PxarReader(ByteSource& archive) : archive_(archive), window_(archive) {}
    PxarReader(ByteSource& metadata, ByteSource& payload)
        : archive_(metadata), payload_(&payload), window_(metadata) {}

    /// Comes first. An archive whose beginning is damaged is opened all the same. Errors:
    /// unsupported (a later version), the source's other than damage.
    Awaitable<Result<void>> open();

    [[nodiscard]] std::uint64_t root() const noexcept { return root_; }
    [[nodiscard]] std::uint64_t end() const { return window_.source_size(); }
    /// The data of files stand in the archive itself, between the entries.
    [[nodiscard]] bool is_one_stream() const noexcept { return payload_ == nullptr; }

    /// The item that stands at `position` and ends at `limit` or before.
    Awaitable<Result<PxarItem>> item_at(std::uint64_t position, std::uint64_t limit);
    /// The entry whose FILENAME (of the root: ENTRY) stands at `position`. parent: the path of the
    /// directory it is in. After an error `entry` holds what was read before; its path is empty
    /// where the name is not known. Errors: corrupt, the source's.
    Awaitable<Result<void>> read_entry(std::uint64_t position, std::uint64_t limit,
                                       std::string parent, PxarEntry& entry);
    /// The table of the directory that begins (FILENAME; root) and ends there.
    Awaitable<Result<GoodbyeTable>> table(std::uint64_t begin, std::uint64_t end);
    /// By goodbye tables: reads them and the entries on the way, nothing else. path: as
    /// PxarEntry::path. Damage is in the answer. Errors: the source's other than damage.
    Awaitable<Result<PxarRoute>> locate(std::string path);
    /// Data of the file from byte `offset` on, as many as are together, 1 to size; offset + size
    /// within its own size. Valid until the next call. Errors: corrupt, precondition (there is no
    /// payload stream), the source's.
    Awaitable<Result<ByteView>> payload(const PxarEntry& file, std::uint64_t offset,
                                        std::size_t size);

  private:
    Awaitable<Result<std::uint64_t>> end_of_preamble();
    Awaitable<Result<ByteView>> view(std::uint64_t position, std::size_t size);
    Awaitable<Result<void>> read_attributes(std::uint64_t limit, PxarEntry& entry);
    Awaitable<Result<void>> read_content(PxarItem item, PxarEntry& entry);
    Awaitable<Result<void>> check_payload(const PxarEntry& file);
    Awaitable<Result<bool>> step(PxarRoute& route, std::string name);

    ByteSource& archive_;
    ByteSource* payload_ = nullptr;
    SourceWindow window_;
    std::uint64_t root_ = 0;
};

/// What stands in for a directory of which only what is in it can be read.
[[nodiscard]] PxarEntry lost_directory(std::string path, std::uint64_t position);

}  // namespace tapeloft::media
