// The directory that holds all that the daemon knows, and the lock that lets one program at a time
// change it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "cloud/base/result.h"

namespace tapeloft::vtl::state {

inline constexpr std::string_view kStateDirectoryDefault = "/var/lib/tapeloft";

/// While it lives, the state directory is ours.
class StateDirectory {
  public:
    /// Creates what is missing (mode 0700) and locks <path>/lock. Errors: busy (another daemon has
    /// it, with its process id), denied, io.
    [[nodiscard]] static Result<StateDirectory> open(const std::filesystem::path& path);

    StateDirectory(StateDirectory&& other) noexcept;
    StateDirectory& operator=(StateDirectory&&) = delete;
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;
    ~StateDirectory();

    [[nodiscard]] std::filesystem::path catalog() const { return path_ / "catalog.sqlite"; }
    /// Where the segment files of that library live; made if it is not there yet.
    [[nodiscard]] Result<std::filesystem::path> spool(const std::string& library) const {
        return folder("spool/" + library);
    }
    /// A folder in it, made if it is not there yet.
    [[nodiscard]] Result<std::filesystem::path> folder(const std::string& name) const;

  private:
    StateDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::filesystem::path path_;
    int lock_ = -1;  ///< descriptor that holds the lock; -1: moved from
};

/// The key of a library, unless the configuration says where it is.
[[nodiscard]] std::filesystem::path key_file_of(const std::filesystem::path& state_dir,
                                                const std::string& library);

/// The catalog's property that says which repository a library is in: its id in hexadecimal, behind
/// "new/" while it is being made.
[[nodiscard]] std::string repository_property(const std::string& library);
/// And the one that says who writes there: media/FORMAT.md, `writer`; in hexadecimal.
[[nodiscard]] std::string writer_property(const std::string& library);

}  // namespace tapeloft::vtl::state
