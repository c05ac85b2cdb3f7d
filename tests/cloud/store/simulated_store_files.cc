#include "tests/cloud/store/simulated_store_files.h"

#include <utility>

#include "cloud/store/request_checks.h"

namespace tapeloft::tests {
namespace {

class SimulatedLock final : public FolderLock {
  public:
    explicit SimulatedLock(bool alone) : alone_(alone) {}
    [[nodiscard]] bool alone() const noexcept override { return alone_; }
    Result<void> share() override { return {}; }

  private:
    bool alone_;
};

Error missing(const std::filesystem::path& path) {
    return {Errc::not_found, path.string() + ": no such file or folder"};
}

}  // namespace

std::optional<Error> SimulatedStoreFiles::ask(const std::string& step) const {
    return before_step ? before_step(step) : std::nullopt;
}

Result<void> SimulatedStoreFiles::write_new(const Path& path, ByteView bytes) {
    if (!folders_.contains(path.parent_path())) {
        return missing(path);
    }
    if (names_.contains(path)) {
        return Error{Errc::already_exists, path.string()};
    }
    auto inode = std::make_shared<Inode>();
    names_[path] = inode;
    if (auto error = ask("write"); error) {
        const auto part = bytes.first(damage_() % (bytes.size() + 1));
        inode->bytes.assign(part.begin(), part.end());
        return std::move(*error);
    }
    inode->bytes.assign(bytes.begin(), bytes.end());
    if (auto error = ask("fsync"); error) {
        return std::move(*error);
    }
    inode->durable = true;
    return {};
}

Result<void> SimulatedStoreFiles::link(const Path& from, const Path& to) {
    if (auto error = ask("link"); error) {
        return std::move(*error);
    }
    if (!names_.contains(from) || !folders_.contains(to.parent_path())) {
        return missing(to);
    }
    if (!names_.emplace(to, names_.at(from)).second) {
        return Error{Errc::already_exists, to.string()};
    }
    return {};
}

Result<void> SimulatedStoreFiles::rename(const Path& from, const Path& to) {
    if (auto error = ask("rename"); error) {
        return std::move(*error);
    }
    if (!names_.contains(from) || !folders_.contains(to.parent_path())) {
        return missing(to);
    }
    names_[to] = names_.at(from);
    names_.erase(from);
    return {};
}

Result<void> SimulatedStoreFiles::remove(const Path& path) {
    if (auto error = ask("remove"); error) {
        return std::move(*error);
    }
    return names_.erase(path) == 0 ? Result<void>(missing(path)) : Result<void>();
}

Result<void> SimulatedStoreFiles::make_folder(const Path& path) {
    if (auto error = ask("make_folder"); error) {
        return std::move(*error);
    }
    if (names_.contains(path)) {
        return Error{Errc::already_exists, path.string()};
    }
    if (!folders_.contains(path.parent_path())) {
        return missing(path);
    }
    folders_.insert(path);
    return {};
}

Result<void> SimulatedStoreFiles::sync_folder(const Path& path) {
    if (auto error = ask("sync_folder"); error) {
        return std::move(*error);
    }
    if (!folders_.contains(path)) {
        return missing(path);
    }
    const auto inside = [&](const Path& name) { return name.parent_path() == path; };
    std::erase_if(durable_names_, [&](const auto& entry) { return inside(entry.first); });
    for (const auto& entry : names_) {
        if (inside(entry.first)) {
            durable_names_.insert(entry);
        }
    }
    for (const auto& folder : folders_) {
        if (inside(folder)) {
            durable_folders_.insert(folder);
        }
    }
    return {};
}

Result<void> SimulatedStoreFiles::sync_tree(const Path& /*path*/) {
    if (auto error = ask("sync_tree"); error) {
        return std::move(*error);
    }
    for (const auto& [path, inode] : names_) {
        inode->durable = true;
    }
    durable_names_ = names_;
    durable_folders_ = folders_;
    return {};
}

Result<std::unique_ptr<FolderLock>> SimulatedStoreFiles::lock_folder(const Path& path) {
    if (!folders_.contains(path)) {
        return missing(path);
    }
    return std::unique_ptr<FolderLock>(std::make_unique<SimulatedLock>(alone));
}

Result<StoreFiles::Status> SimulatedStoreFiles::look_at(const Path& path) {
    if (folders_.contains(path)) {
        return Status{Kind::folder, 0};
    }
    const auto found = names_.find(path);
    return found == names_.end() ? Status{} : Status{Kind::file, found->second->bytes.size()};
}

Result<Buffer> SimulatedStoreFiles::read(const Path& path, const ByteRange& range) {
    const auto found = names_.find(path);
    if (found == names_.end()) {
        return missing(path);
    }
    const auto& bytes = found->second->bytes;
    TL_TRY(const auto length, length_of_range(range, bytes.size(), path.string()));
    return Buffer::copy_of(ByteView(bytes).subspan(range.offset, length));
}

Result<void> SimulatedStoreFiles::scan(const Path& path, const Visit& visit) {
    ++scans_;
    // "a/" and "a" are one folder.
    const auto folder = path.has_filename() ? path : path.parent_path();
    for (const auto& name : files_in(folder)) {
        visit(name.filename().string(), Kind::file);
    }
    for (const auto& name : folders_) {
        if (name.parent_path() == folder && name != "/") {
            visit(name.filename().string(), Kind::folder);
        }
    }
    return {};
}

void SimulatedStoreFiles::lose_power(std::mt19937_64& random) {
    const auto kept = [&random] { return random() % 2 == 0; };
    for (const auto& folder : folders_) {
        if (kept()) {
            durable_folders_.insert(folder);
        }
    }
    auto names = durable_names_;
    for (const auto& [path, inode] : names_) {
        const auto old = durable_names_.find(path);
        if ((old == durable_names_.end() || old->second != inode) && kept()) {
            names[path] = inode;
        }
    }
    for (const auto& [path, inode] : durable_names_) {
        if (!names_.contains(path) && kept()) {
            names.erase(path);
        }
    }
    std::erase_if(durable_folders_, [this](const Path& folder) {
        return !durable_folders_.contains(folder.parent_path());
    });
    std::erase_if(names, [this](const auto& entry) {
        return !durable_folders_.contains(entry.first.parent_path());
    });
    for (auto& [path, inode] : names) {
        if (!inode->durable) {
            inode->bytes.resize(random() % (inode->bytes.size() + 1));
            inode->durable = true;
        }
    }
    names_ = names;
    durable_names_ = std::move(names);
    folders_ = durable_folders_;
}

std::vector<std::filesystem::path> SimulatedStoreFiles::files_in(const Path& folder) const {
    std::vector<Path> files;
    for (const auto& [path, inode] : names_) {
        if (path.parent_path() == folder) {
            files.push_back(path);
        }
    }
    return files;
}

}  // namespace tapeloft::tests
