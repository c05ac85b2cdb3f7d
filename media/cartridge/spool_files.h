// The files of one cartridge: their names, and a few of them kept open for reading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "cloud/base/result.h"

#include "media/segment/file.h"

namespace tapeloft::media {

/// "0000000042.seg"
[[nodiscard]] std::string segment_file_name(std::uint64_t number);

/// Any thread.
class SpoolFiles {
  public:
    static constexpr std::size_t kOpenMax = 4;

    SpoolFiles(FileSystem& files, std::filesystem::path directory)
        : files_(files), directory_(std::move(directory)) {}

    [[nodiscard]] std::filesystem::path path(std::uint64_t number) const {
        return directory_ / segment_file_name(number);
    }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] FileSystem& system() const noexcept { return files_; }

    /// The segment file, for reading. Blocks. Errors: not_found, io.
    Result<std::shared_ptr<File>> open(std::uint64_t number);
    /// The file if it is open; never blocks.
    [[nodiscard]] std::shared_ptr<File> opened(std::uint64_t number);
    /// Forgets all that is open, after files were removed.
    void forget();

  private:
    FileSystem& files_;
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::list<std::pair<std::uint64_t, std::shared_ptr<File>>> open_;  ///< the last used one first
};

}  // namespace tapeloft::media
