#include "cloud/base/new_file.h"

#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include "cloud/base/descriptor.h"

namespace tapeloft {
namespace {

namespace fs = std::filesystem;

/// errno of the call that just failed.
Error failed(const fs::path& file, std::string_view what) {
    const int error = errno;
    return error_from_errno(file.string() + ": " + std::string(what), error);
}

/// The file before it has its name; removed when this goes, if its name was not given up.
class Unnamed {
  public:
    Unnamed() = default;
    Unnamed(const Unnamed&) = delete;
    Unnamed& operator=(const Unnamed&) = delete;
    ~Unnamed() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    Result<void> write(const fs::path& file, ByteView bytes, const NewFileOptions& options) {
        auto path = file.string() + ".XXXXXX";
        const Descriptor descriptor(::mkostemp(path.data(), O_CLOEXEC));  // O_EXCL, mode 0600
        if (!descriptor.is_open()) {
            return failed(file, "create");
        }
        path_ = path;
        const auto own = std::pair(::geteuid(), ::getegid());
        if (options.owner && *options.owner != own &&
            ::fchown(descriptor.get(), options.owner->first, options.owner->second) != 0) {
            return failed(file, "give it its owner");
        }
        if (::fchmod(descriptor.get(), options.mode) != 0) {
            return failed(file, "chmod");
        }
        if (!write_all(descriptor.get(), bytes)) {
            return failed(file, "write");
        }
        if (options.durable && ::fsync(descriptor.get()) != 0) {
            return failed(file, "fsync");
        }
        return {};
    }
    [[nodiscard]] const char* path() const noexcept { return path_.c_str(); }
    void renamed() noexcept { path_.clear(); }

  private:
    std::string path_;
};

Result<void> sync_folder_of(const fs::path& file) {
    const auto parent = file.parent_path();
    const auto folder = parent.empty() ? fs::path(".") : parent;
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.is_open() || ::fsync(descriptor.get()) != 0) {
        return failed(file, "sync its folder");
    }
    return {};
}

}  // namespace

Result<void> replace_file(const fs::path& file, ByteView bytes, const NewFileOptions& options) {
    Unnamed fresh;
    TL_CHECK(fresh.write(file, bytes, options));
    if (::rename(fresh.path(), file.c_str()) != 0) {
        return failed(file, "replace");
    }
    fresh.renamed();
    return options.durable ? sync_folder_of(file) : Result<void>();
}

Result<void> create_file(const fs::path& file, ByteView bytes, const NewFileOptions& options) {
    Unnamed fresh;
    TL_CHECK(fresh.write(file, bytes, options));
    // Unlike rename(), link() never replaces a file.
    if (::link(fresh.path(), file.c_str()) != 0) {
        return failed(file, "create");
    }
    return options.durable ? sync_folder_of(file) : Result<void>();
}

}  // namespace tapeloft
