// The spool's disk with faults in single files.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "media/segment/file.h"

namespace tapeloft::media {

/// Files by their name, whatever their folder. Any thread; outlives what is open.
class FaultyFiles final : public FileSystem {
  public:
    struct Faults {
        bool open = false;       ///< io
        bool reads = false;      ///< every read has a wrong byte in its middle
        bool fdatasync = false;  ///< io
        /// Called once, on the thread that opens it next, before and behind that.
        std::function<void()> opening = {};
        std::function<void()> opened = {};
        std::function<void()> measured = {};  ///< once, behind its next length()
        std::function<void()> changed = {};   ///< behind every write and truncation
    };

    void set(const std::string& name, Faults faults) {
        const std::lock_guard lock(mutex_);
        faults_[name] = std::move(faults);
    }
    void heal() {
        const std::lock_guard lock(mutex_);
        faults_.clear();
    }

    [[nodiscard]] std::size_t renames() const noexcept { return renames_; }

    Result<std::unique_ptr<File>> create(const std::filesystem::path& path) override {
        return wrap(posix_file_system().create(path), path);
    }
    Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override {
        if (of(path.filename()).open) {
            return Error{Errc::io, "a fault: " + path.string()};
        }
        call_once(path.filename(), &Faults::opening);
        auto file = wrap(posix_file_system().open(path), path);
        call_once(path.filename(), &Faults::opened);
        return file;
    }
    Result<void> remove(const std::filesystem::path& path) override {
        return posix_file_system().remove(path);
    }
    Result<void> rename(const std::filesystem::path& from,
                        const std::filesystem::path& to) override {
        ++renames_;
        return posix_file_system().rename(from, to);
    }
    Result<void> sync_directory(const std::filesystem::path& directory) override {
        return posix_file_system().sync_directory(directory);
    }
    Result<bool> make_directory(const std::filesystem::path& directory) override {
        return posix_file_system().make_directory(directory);
    }
    Result<void> remove_directory(const std::filesystem::path& directory) override {
        return posix_file_system().remove_directory(directory);
    }
    Result<std::vector<Entry>> list(const std::filesystem::path& directory) override {
        return posix_file_system().list(directory);
    }

  private:
    class FaultyFile final : public File {
      public:
        FaultyFile(FaultyFiles& files, std::unique_ptr<File> file, std::string name)
            : files_(files), file_(std::move(file)), name_(std::move(name)) {}

        Result<void> pwritev(std::uint64_t offset, std::span<const ByteView> parts) override {
            auto done = file_->pwritev(offset, parts);
            tell_of_change();
            return done;
        }
        Result<std::size_t> preadv(std::uint64_t offset,
                                   std::span<const MutableByteView> parts) override {
            auto size = file_->preadv(offset, parts);
            if (size && *size != 0 && files_.of(name_).reads) {
                auto at = *size / 2;
                auto part = parts.begin();
                for (; at >= part->size(); ++part) {
                    at -= part->size();
                }
                (*part)[at] = static_cast<std::uint8_t>((*part)[at] ^ 1U);
            }
            return size;
        }
        Result<void> fdatasync() override {
            if (files_.of(name_).fdatasync) {
                return Error{Errc::io, "a fault: " + name_};
            }
            return file_->fdatasync();
        }
        Result<void> truncate(std::uint64_t length) override {
            auto done = file_->truncate(length);
            tell_of_change();
            return done;
        }
        Result<std::uint64_t> length() override {
            auto length = file_->length();
            files_.call_once(name_, &Faults::measured);
            return length;
        }
        void start_writeback() override { file_->start_writeback(); }

      private:
        void tell_of_change() {
            if (const auto changed = files_.of(name_).changed) {
                changed();
            }
        }

        FaultyFiles& files_;
        std::unique_ptr<File> file_;
        const std::string name_;
    };

    Result<std::unique_ptr<File>> wrap(Result<std::unique_ptr<File>> file,
                                       const std::filesystem::path& path) {
        if (!file) {
            return file;
        }
        return std::unique_ptr<File>(
            std::make_unique<FaultyFile>(*this, std::move(*file), path.filename()));
    }
    Faults of(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = faults_.find(name);
        return found == faults_.end() ? Faults{} : found->second;
    }
    void call_once(const std::string& name, std::function<void()> Faults::*callback) {
        std::function<void()> call;
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = faults_.find(name); found != faults_.end()) {
                call = std::exchange(found->second.*callback, nullptr);
            }
        }
        if (call) {
            call();
        }
    }

    std::atomic<std::size_t> renames_ = 0;
    std::mutex mutex_;
    std::map<std::string, Faults> faults_;
};

}  // namespace tapeloft::media
