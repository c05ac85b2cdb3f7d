// Appends frames to one segment file. Blocks; one call at a time. Nothing is durable before sync().
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/segment/file.h"
#include "media/segment/frame_format.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {

/// One frame to be: a record, or filemarks where `record` is empty.
struct PendingFrame {
    Buffer record;
    std::uint32_t record_crc = 0;  ///< continued from the seed of the segment it goes to
    std::uint32_t filemarks = 0;
    RecordEncoding encoding = RecordEncoding::plain;
};

class SegmentWriter {
  public:
    /// Makes the file, with its header. Errors: already_exists, no_space, io (the file may stand
    /// there).
    static Result<std::unique_ptr<SegmentWriter>> create(FileSystem& files,
                                                         const std::filesystem::path& path,
                                                         const SegmentIdentity& identity);

    /// The same over the bytes of a spare file, which gets the name `path`: what
    /// it holds stays behind what is written, until finish(), and belongs to nothing.
    /// Errors: not_found, no_space, io (the file may have either name).
    static Result<std::unique_ptr<SegmentWriter>> recycle(FileSystem& files,
                                                          const std::filesystem::path& spare,
                                                          const std::filesystem::path& path,
                                                          const SegmentIdentity& identity);

    /// All of the frames, or an error; then runs() tells which stand in the file, and what stands
    /// behind those is undefined (a scan would cut it off) until the rest is appended after all.
    Result<void> append(std::span<const PendingFrame> frames);
    /// Writes the index behind the last frame, and ends the file there; nothing is appended any
    /// more.
    Result<void> finish();
    /// Makes everything so far durable; free when nothing is dirty.
    Result<void> sync();
    /// Notes in the file what the last sync() made durable. The note itself becomes durable with
    /// the next sync, or when the kernel likes; it is never ahead of the truth.
    Result<void> note_synced();
    /// finish() where an append failed: what it may have left behind the last frame goes.
    Result<void> finish_anew();
    void start_writeback() { file_->start_writeback(); }

    [[nodiscard]] const SegmentIdentity& identity() const noexcept { return identity_; }
    [[nodiscard]] const ObjectRuns& runs() const noexcept { return runs_; }
    [[nodiscard]] bool dirty() const noexcept { return dirty_; }
    /// Bytes of a spare file that still stand behind the last frame.
    [[nodiscard]] std::uint64_t stale_bytes() const noexcept {
        return stale_end_ - std::min(stale_end_, runs_.file_length());
    }
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    [[nodiscard]] std::uint64_t index_length() const noexcept { return index_length_; }

  private:
    SegmentWriter(std::unique_ptr<File> file, const SegmentIdentity& identity)
        : file_(std::move(file)), identity_(identity), seed_(segment_seed(identity)) {}
    Result<void> end_file(std::uint64_t end);
    Result<void> append_some(std::span<const PendingFrame> frames);

    std::unique_ptr<File> file_;
    SegmentIdentity identity_;
    std::uint32_t seed_;
    ObjectRuns runs_;
    std::uint64_t mark_sequence_ = 0;
    std::uint64_t index_length_ = 0;
    std::uint64_t stale_end_ = 0;  ///< bytes of a spare file may stand up to here
    bool dirty_ = true;
    bool finished_ = false;
};

}  // namespace tapeloft::media
