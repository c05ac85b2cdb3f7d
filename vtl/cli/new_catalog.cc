#include "vtl/cli/new_catalog.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kJournals = std::to_array<const char*>({"-wal", "-shm", "-journal"});

Result<void> sync_path(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int error = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return synced ? Result<void>() : error_from_errno("sync " + path.string(), error);
}

/// SQLite would take what is in the journal of another database for the end of this one.
Result<void> check_no_journal(const fs::path& file) {
    for (const auto* const suffix : kJournals) {
        std::error_code failed;
        const fs::path journal = file.string() + suffix;
        if (fs::exists(journal, failed) || failed) {
            return Error{Errc::precondition,
                         journal.string() +
                             " belongs to a catalog that is not there any more, "
                             "and would damage a new one. Move it away first"};
        }
    }
    return {};
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
    TL_CHECK(check_no_journal(file));
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
    std::error_code ignored;
    fs::remove(beside(), ignored);
    for (const auto* const suffix : kJournals) {
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
