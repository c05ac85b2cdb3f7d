#include "tests/media/segment/simulated_file_system.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {
namespace {

void copy_sector(const Bytes& from, Bytes& to, std::size_t sector) {
    const auto begin = sector * SimulatedFileSystem::kSector;
    const auto end = std::min(begin + SimulatedFileSystem::kSector, from.size());
    if (begin >= end) {
        return;
    }
    if (to.size() < end) {
        to.resize(end);
    }
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(begin),
              from.begin() + static_cast<std::ptrdiff_t>(end),
              to.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace

class SimulatedFile final : public File {
  public:
    SimulatedFile(SimulatedFileSystem& system, std::shared_ptr<SimulatedFileSystem::Inode> inode)
        : system_(system), inode_(std::move(inode)) {}

    Result<void> pwritev(std::uint64_t offset, std::span<const ByteView> parts) override {
        const std::lock_guard lock(system_.mutex_);
        Bytes bytes;
        for (const auto& part : parts) {
            bytes.insert(bytes.end(), part.begin(), part.end());
        }
        auto error = system_.ask("pwritev");
        if (error) {
            bytes.resize(system_.damage_() % (bytes.size() + 1));
        }
        auto& now = inode_->now;
        now.resize(std::max<std::size_t>(now.size(), offset + bytes.size()));
        std::copy(bytes.begin(), bytes.end(), now.begin() + static_cast<std::ptrdiff_t>(offset));
        for (auto at = offset; at < offset + bytes.size(); ++at) {
            inode_->dirty.insert(at / SimulatedFileSystem::kSector);
            at |= SimulatedFileSystem::kSector - 1;
        }
        if (error) {
            return std::move(*error);
        }
        return {};
    }

    Result<std::size_t> preadv(std::uint64_t offset,
                               std::span<const MutableByteView> parts) override {
        const std::lock_guard lock(system_.mutex_);
        ++system_.reads;
        if (system_.before_read) {
            if (auto error = system_.before_read("preadv"); error) {
                return std::move(*error);
            }
        }
        std::size_t done = 0;
        for (const auto part : parts) {
            done += copy(offset + done, part);
        }
        return done;
    }

    std::size_t pread_cached(std::uint64_t offset, MutableByteView into) override {
        const std::lock_guard lock(system_.mutex_);
        const auto size = system_.cached ? copy(offset, into) : 0;
        system_.cached_reads += size != 0 ? 1 : 0;
        return size;
    }

    Result<void> fdatasync() override {
        const std::lock_guard lock(system_.mutex_);
        ++system_.syncs;
        auto error = system_.ask("fdatasync");
        for (const auto sector : std::exchange(inode_->dirty, {})) {
            if (!error || system_.damage_() % 2 == 0) {
                copy_sector(inode_->now, inode_->durable, sector);
            }
        }
        if (error) {
            return std::move(*error);
        }
        inode_->durable.resize(inode_->now.size());
        return {};
    }

    Result<void> truncate(std::uint64_t length) override {
        const std::lock_guard lock(system_.mutex_);
        if (auto error = system_.ask("truncate"); error) {
            return std::move(*error);
        }
        inode_->now.resize(length);
        return {};
    }

    Result<std::uint64_t> length() override {
        const std::lock_guard lock(system_.mutex_);
        return std::uint64_t{inode_->now.size()};
    }

    void start_writeback() override {
        const std::lock_guard lock(system_.mutex_);
        ++system_.writebacks;
    }

  private:
    std::size_t copy(std::uint64_t offset, MutableByteView into) const {
        const auto& now = inode_->now;
        const auto begin = std::min<std::uint64_t>(offset, now.size());
        const auto size = std::min<std::uint64_t>(into.size(), now.size() - begin);
        std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(begin), size, into.begin());
        return static_cast<std::size_t>(size);
    }

    SimulatedFileSystem& system_;
    std::shared_ptr<SimulatedFileSystem::Inode> inode_;
};

std::optional<Error> SimulatedFileSystem::ask(const std::string& call) {
    return before_call ? before_call(call) : std::nullopt;
}

Result<std::unique_ptr<File>> SimulatedFileSystem::create(const std::filesystem::path& path) {
    const std::lock_guard lock(mutex_);
    if (auto error = ask("create"); error) {
        return std::move(*error);
    }
    if (names_.contains(path)) {
        return Error{Errc::already_exists, path.string()};
    }
    auto inode = std::make_shared<Inode>();
    names_[path] = inode;
    return std::unique_ptr<File>(std::make_unique<SimulatedFile>(*this, std::move(inode)));
}

Result<std::unique_ptr<File>> SimulatedFileSystem::open(const std::filesystem::path& path) {
    const std::lock_guard lock(mutex_);
    if (before_read) {
        if (auto error = before_read("open"); error) {
            return std::move(*error);
        }
    }
    const auto found = names_.find(path);
    if (found == names_.end()) {
        return Error{Errc::not_found, path.string()};
    }
    return std::unique_ptr<File>(std::make_unique<SimulatedFile>(*this, found->second));
}

Result<void> SimulatedFileSystem::remove(const std::filesystem::path& path) {
    const std::lock_guard lock(mutex_);
    if (auto error = ask("remove"); error) {
        return std::move(*error);
    }
    if (names_.erase(path) == 0) {
        return Error{Errc::not_found, path.string()};
    }
    return {};
}

Result<void> SimulatedFileSystem::rename(const std::filesystem::path& from,
                                         const std::filesystem::path& to) {
    const std::lock_guard lock(mutex_);
    if (auto error = ask("rename"); error) {
        return std::move(*error);
    }
    const auto found = names_.find(from);
    if (found == names_.end()) {
        return Error{Errc::not_found, from.string()};
    }
    TL_ASSERT(!names_.contains(to));
    names_[to] = found->second;
    names_.erase(from);
    ++renames;
    return {};
}

Result<void> SimulatedFileSystem::sync_directory(const std::filesystem::path& directory) {
    const std::lock_guard lock(mutex_);
    ++syncs;
    if (auto error = ask("sync_directory"); error) {
        return std::move(*error);
    }
    std::erase_if(durable_names_,
                  [&](const auto& entry) { return entry.first.parent_path() == directory; });
    for (const auto& [path, inode] : names_) {
        if (path.parent_path() == directory) {
            durable_names_[path] = inode;
        }
    }
    for (const auto& path : directories_) {
        if (path.parent_path() == directory) {
            durable_directories_.insert(path);
        }
    }
    return {};
}

Result<bool> SimulatedFileSystem::make_directory(const std::filesystem::path& directory) {
    const std::lock_guard lock(mutex_);
    if (auto error = ask("make_directory"); error) {
        return std::move(*error);
    }
    return directories_.insert(directory).second;
}

Result<void> SimulatedFileSystem::remove_directory(const std::filesystem::path& directory) {
    const std::lock_guard lock(mutex_);
    directories_.erase(directory);
    return {};
}

Result<std::vector<FileSystem::Entry>> SimulatedFileSystem::list(
    const std::filesystem::path& directory) {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> entries;
    for (const auto& path : directories_) {
        if (path.parent_path() == directory) {
            entries.push_back({path.filename().string(), true, 0});
        }
    }
    for (const auto& [path, inode] : names_) {
        if (path.parent_path() == directory) {
            entries.push_back({path.filename().string(), false, inode->now.size()});
        }
    }
    return entries;
}

void SimulatedFileSystem::lose_power(std::mt19937_64& random) {
    const std::lock_guard lock(mutex_);
    const auto kept = [&random] { return random() % 2 == 0; };
    // Names that were created or removed, and not synced.
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
    for (const auto& directory : directories_) {
        if (kept()) {
            durable_directories_.insert(directory);
        }
    }
    std::erase_if(names, [this](const auto& entry) {
        return !durable_directories_.contains(entry.first.parent_path());
    });
    // Sectors and lengths.
    for (auto& [path, inode] : names) {
        auto survived = std::make_shared<Inode>();
        survived->durable = inode->durable;
        for (const auto sector : inode->dirty) {
            if (kept()) {
                copy_sector(inode->now, survived->durable, sector);
            }
        }
        if (inode->now.size() < survived->durable.size() && kept()) {
            survived->durable.resize(inode->now.size());
        } else if (inode->now.size() > survived->durable.size() && kept()) {
            survived->durable.resize(inode->now.size());
        }
        survived->now = survived->durable;
        inode = std::move(survived);
    }
    names_ = names;
    durable_names_ = std::move(names);
    directories_ = durable_directories_;
}

Bytes& SimulatedFileSystem::content(const std::filesystem::path& path) {
    const std::lock_guard lock(mutex_);
    return names_.at(path)->now;
}

std::vector<std::filesystem::path> SimulatedFileSystem::files() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::filesystem::path> paths;
    for (const auto& [path, inode] : names_) {
        paths.push_back(path);
    }
    return paths;
}

}  // namespace tapeloft::media
