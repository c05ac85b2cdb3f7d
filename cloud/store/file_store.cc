#include "cloud/store/file_store.h"

#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/store/request_checks.h"
#include "cloud/store/store_url.h"
#include "cloud/store/tree_list.h"

namespace tapeloft {
namespace {

using Path = std::filesystem::path;

/// In capitals, so no object name begins with it.
constexpr std::string_view kTemporaryFolder = "TMP";

Error about(std::string_view call, const std::string& name, Error error) {
    error.message = std::string(call) + " " + name + ": " + error.message;
    return error;
}

Result<void> remove_leftovers(StoreFiles& files, const Path& folder) {
    std::vector<std::string> names;
    TL_CHECK(files.scan(folder, [&names](std::string_view name, StoreFiles::Kind kind) {
        if (kind == StoreFiles::Kind::file) {
            names.emplace_back(name);
        }
    }));
    for (const auto& name : names) {
        TL_CHECK(files.remove(folder / name));
    }
    return {};
}

std::string random_prefix() {
    std::random_device random;
    return std::to_string(random()) + "-" + std::to_string(random()) + "-";
}

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const Path& root, Executor disk,
                                                   StoreFiles& files) {
    if (!root.is_absolute()) {
        return Error{
            Errc::invalid_argument,
            "the folder of a file store is an absolute path, not \"" + root.string() + "\""};
    }
    const auto temporary = root / kTemporaryFolder;
    TL_CHECK(files.make_folder(root));
    TL_CHECK(files.make_folder(temporary));
    TL_TRY(auto lock, files.lock_folder(temporary));
    if (lock->alone()) {
        TL_CHECK(remove_leftovers(files, temporary));
    }
    TL_CHECK(lock->share());
    TL_CHECK(files.sync_tree(root));  // also the name of root, where it was made just now
    return std::unique_ptr<FileStore>(new FileStore(root, std::move(disk), files, std::move(lock)));
}

FileStore::FileStore(Path root, Executor disk, StoreFiles& files, std::unique_ptr<FolderLock> lock)
    : root_(std::move(root)),
      url_("file://" + encoded_url_path(root_.string())),
      disk_(std::move(disk)),
      files_(files),
      lock_(std::move(lock)),
      temporary_prefix_(random_prefix()) {}

template <typename T>
Result<T> FileStore::or_away(Result<T> done) {
    if (done || done.error().code != Errc::not_found) {
        return done;
    }
    TL_CHECK(check_there());
    return done;
}

Result<void> FileStore::check_there() {
    const auto folder = files_.look_at(root_ / kTemporaryFolder);
    if (folder && folder->kind == StoreFiles::Kind::folder) {
        return {};
    }
    return Error{Errc::transient,
                 "the folder of the store, " + root_.string() + ", is not there: is it mounted?"};
}

Awaitable<Result<void>> FileStore::put(std::string name, Buffer body, PutOptions options) {
    TL_CO_CHECK(check_put(name, body.size()));
    TL_CO_CHECK(check_tagless(name, options));
    auto work = [this, name = std::move(name), body = std::move(body), options] {
        return or_away(put_now(name, body, options));
    };
    auto disk = disk_;
    co_return co_await run_on(std::move(disk), std::move(work));
}

Awaitable<Result<Buffer>> FileStore::get(std::string name, ByteRange range) {
    TL_CO_CHECK(check_object_name(name));
    auto work = [this, name = std::move(name), range] { return or_away(get_now(name, range)); };
    auto disk = disk_;
    co_return co_await run_on(std::move(disk), std::move(work));
}

Awaitable<Result<ObjectInfo>> FileStore::head(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    auto work = [this, name = std::move(name)] { return or_away(head_now(name)); };
    auto disk = disk_;
    co_return co_await run_on(std::move(disk), std::move(work));
}

Awaitable<Result<ObjectPage>> FileStore::list(std::string prefix, std::string after,
                                              std::size_t limit) {
    TL_CO_CHECK(check_list(limit));
    auto work = [this, prefix = std::move(prefix), after = std::move(after),
                 limit]() -> Result<ObjectPage> {
        TL_TRY(auto page, list_tree(files_, root_, prefix, after, limit));
        TL_CHECK(check_there());  // afterwards: what went away meanwhile looks empty
        return page;
    };
    auto disk = disk_;
    co_return co_await run_on(std::move(disk), std::move(work));
}

Awaitable<Result<void>> FileStore::remove(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    auto work = [this, name = std::move(name)] { return remove_now(name); };
    auto disk = disk_;
    co_return co_await run_on(std::move(disk), std::move(work));
}

Result<void> FileStore::put_now(const std::string& name, const Buffer& body, PutOptions options) {
    TL_TRY(const auto status, files_.look_at(root_ / name));
    if (status.kind == StoreFiles::Kind::folder) {
        return Error{Errc::invalid_argument,
                     "put " + name + ": it is a folder of other objects in " + url_};
    }
    TL_CHECK(make_folders(name));
    const auto temporary = next_temporary();
    auto stored = files_.write_new(temporary, body.view());
    if (stored) {
        stored = give_name(temporary, name, options);
    }
    if (!stored || options.if_absent) {
        // What stays here is removed at the next open().
        static_cast<void>(files_.remove(temporary));
    }
    if (!stored) {
        return stored.error().code == Errc::precondition
                   ? std::move(stored).error()
                   : about("put", name, std::move(stored).error());
    }
    return {};
}

Result<void> FileStore::give_name(const Path& temporary, const std::string& name,
                                  PutOptions options) {
    const auto path = root_ / name;
    auto named = options.if_absent ? files_.link(temporary, path) : files_.rename(temporary, path);
    const bool taken = !named && named.error().code == Errc::already_exists;
    if (!named && named.error().code == Errc::not_found) {
        // Somebody took the folder away: it is made anew when the put is repeated.
        const std::lock_guard lock(mutex_);
        known_folders_.clear();
        return Error{Errc::transient, std::move(named).error().message};
    }
    if (!named && !taken) {
        return named;
    }
    // Also where the name is taken: who learns that may build on what is there.
    TL_CHECK(files_.sync_folder(path.parent_path()));
    return taken ? Result<void>(name_is_taken(name)) : Result<void>();
}

Result<Buffer> FileStore::get_now(const std::string& name, const ByteRange& range) {
    auto bytes = files_.read(root_ / name, range);
    if (!bytes) {
        return bytes.error().code == Errc::not_found ? no_such_object(name)
                                                     : about("get", name, std::move(bytes).error());
    }
    return bytes;
}

Result<ObjectInfo> FileStore::head_now(const std::string& name) {
    TL_TRY(const auto status, files_.look_at(root_ / name));
    if (status.kind != StoreFiles::Kind::file) {
        return no_such_object(name);
    }
    return ObjectInfo{name, status.size};
}

Result<void> FileStore::remove_now(const std::string& name) {
    const auto path = root_ / name;
    auto removed = files_.remove(path);
    // Synced even where nothing was there: an earlier remove() may have failed to.
    if (removed || removed.error().code == Errc::not_found) {
        removed = files_.sync_folder(path.parent_path());
    }
    if (!removed && removed.error().code != Errc::not_found) {
        return about("remove", name, std::move(removed).error());
    }
    return removed ? Result<void>() : check_there();
}

Result<void> FileStore::make_folders(const std::string& name) {
    for (auto slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
        const auto folder = name.substr(0, slash);
        {
            const std::lock_guard lock(mutex_);
            if (known_folders_.contains(folder)) {
                continue;
            }
        }
        const auto path = root_ / folder;
        auto made = files_.make_folder(path);
        if (!made && made.error().code == Errc::already_exists) {
            return Error{Errc::invalid_argument, "put " + name + ": " + folder +
                                                     " is an object in " + url_ +
                                                     " and so no folder of others"};
        }
        if (made) {
            made = files_.sync_folder(path.parent_path());
        }
        if (!made) {
            return about("put", name, std::move(made).error());
        }
        const std::lock_guard lock(mutex_);
        if (known_folders_.size() >= kKnownFoldersMax) {
            known_folders_.clear();
        }
        known_folders_.insert(folder);
    }
    return {};
}

Path FileStore::next_temporary() {
    return root_ / kTemporaryFolder / (temporary_prefix_ + std::to_string(++temporaries_));
}

}  // namespace tapeloft
