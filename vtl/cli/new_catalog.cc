#include "vtl/cli/new_catalog.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;

Result<void> sync_path(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int error = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return synced ? Result<void>() : error_from_errno("sync " + path.string(), error);
}

}  // namespace

Result<NewCatalog> NewCatalog::open(const fs::path& file) {
    NewCatalog fresh(file);
    fresh.remove_beside();
    std::error_code failed;
    if (fs::exists(file, failed)) {
        // To close it puts all that a daemon that was killed left in the write-ahead log into the
        // file.
        TL_CHECK(media::Catalog::open(file));
        fs::copy_file(file, fresh.beside(), failed);
    }
    if (failed) {
        return error_from_errno("copy " + file.string(), failed.value());
    }
    TL_TRY(fresh.catalog_, media::Catalog::open(fresh.beside()));
    return fresh;
}

NewCatalog::~NewCatalog() {
    if (catalog_) {
        catalog_.reset();
        remove_beside();
    }
}

void NewCatalog::remove_beside() const {
    for (const auto* const suffix : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        fs::remove(beside().string() + suffix, ignored);
    }
}

Result<void> NewCatalog::replace() {
    catalog_.reset();
    std::error_code failed;
    auto done = fs::exists(beside().string() + "-wal", failed)
                    ? Error{Errc::io, beside().string() + " could not be closed"}
                    : sync_path(beside());
    if (done) {
        fs::rename(beside(), file_, failed);
        done = failed ? error_from_errno("rename " + beside().string(), failed.value())
                      : sync_path(file_.parent_path());
    }
    if (!done) {
        remove_beside();
    }
    return done;
}

}  // namespace tapeloft::vtl::cli
