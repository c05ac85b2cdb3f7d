#include "vtl/state/state_directory.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapeloft::vtl::state {
namespace {

constexpr mode_t kDirectoryMode = 0700;

/// Makes the directory and those above it; one that is there keeps its mode.
Result<void> make_directories(const std::filesystem::path& path) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed)) {
        return {};
    }
    if (path.has_parent_path() && path.parent_path() != path) {
        TL_CHECK(make_directories(path.parent_path()));
    }
    if (::mkdir(path.c_str(), kDirectoryMode) != 0) {
        return error_from_errno("mkdir " + path.string(), errno);
    }
    return {};
}

std::string holder(int descriptor) {
    std::array<char, 32> text{};
    const auto size = ::pread(descriptor, text.data(), text.size(), 0);
    const std::string process(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return process.empty() ? "" : " (process " + process.substr(0, process.find('\n')) + ")";
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path) {
    TL_CHECK(make_directories(path));
    const auto name = path / "lock";
    const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return error_from_errno(name.string(), errno);
    }
    StateDirectory directory(path, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return error_from_errno("lock " + name.string(), errno);
        }
        return Error{Errc::busy, "another tapeloftd" + holder(descriptor) +
                                     " runs on the state directory " + path.string()};
    }
    // The process id is for people only; the lock is what counts.
    const auto text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) != 0 ||
        ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return error_from_errno("write " + name.string(), errno);
    }
    return directory;
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory::~StateDirectory() {
    if (lock_ >= 0) {
        ::close(lock_);
    }
}

Result<std::filesystem::path> StateDirectory::folder(const std::string& name) const {
    auto path = path_ / name;
    TL_CHECK(make_directories(path));
    return path;
}

std::filesystem::path key_file_of(const std::filesystem::path& state_dir,
                                  const std::string& library) {
    return state_dir / "keys" / (library + ".key");
}

std::string repository_property(const std::string& library) {
    return "repository/" + library + "/id";
}

std::string writer_property(const std::string& library) {
    return "repository/" + library + "/writer";
}

}  // namespace tapeloft::vtl::state
