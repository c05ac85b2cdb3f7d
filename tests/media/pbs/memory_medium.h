// A cartridge in memory, some of whose records cannot be read.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "media/pbs/tape/tape_medium.h"

#include "tests/media/run_awaitable.h"

namespace tapeloft::media {

struct MemoryTapeFile {
    std::vector<Bytes> records;
    bool has_filemark = true;
};

/// What a tape consists of; shared, so that a test can damage it under a reader.
struct MemoryTape {
    std::string barcode;
    std::vector<MemoryTapeFile> files;
    std::map<std::pair<std::uint64_t, std::uint64_t>, Errc> unreadable;  ///< by file and record
    std::uint64_t records_read = 0;
    std::uint64_t reads = 0;
    std::vector<std::array<std::uint64_t, 3>> expected;  ///< what will_read() was told
};

class MemoryMedium final : public TapeMedium {
  public:
    explicit MemoryMedium(std::shared_ptr<MemoryTape> tape) : tape_(std::move(tape)) {}

    [[nodiscard]] const std::string& barcode() const override { return tape_->barcode; }

    Awaitable<Result<std::vector<TapeFileExtent>>> files() override {
        std::vector<TapeFileExtent> extents;
        for (const auto& file : tape_->files) {
            extents.push_back({file.records.size(), file.has_filemark});
        }
        co_return extents;
    }

    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override {
        std::vector<Buffer> records;
        ++tape_->reads;
        const auto& all = tape_->files.at(file).records;
        for (auto number = first; number < all.size() && records.size() < count; ++number) {
            const auto failure = tape_->unreadable.find({file, number});
            if (failure != tape_->unreadable.end()) {
                if (records.empty()) {
                    co_return Error{failure->second, "a record that cannot be read"};
                }
                break;
            }
            ++tape_->records_read;
            records.push_back(Buffer::copy_of(all.at(number)));
        }
        if (records.empty()) {
            co_return Error{Errc::not_found, "there is no such record"};
        }
        co_return records;
    }

    void will_read(std::uint64_t file, std::uint64_t first, std::size_t count) override {
        tape_->expected.push_back({file, first, count});
    }

  private:
    const std::shared_ptr<MemoryTape> tape_;
};

inline std::vector<std::unique_ptr<TapeMedium>> media_of(
    const std::vector<std::shared_ptr<MemoryTape>>& tapes) {
    std::vector<std::unique_ptr<TapeMedium>> media;
    for (const auto& tape : tapes) {
        media.push_back(std::make_unique<MemoryMedium>(tape));
    }
    return media;
}

}  // namespace tapeloft::media
