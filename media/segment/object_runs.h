// The second level of the position index: which objects a segment holds, run-length coded.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cloud/base/bytes.h"

#include "media/segment/frame_format.h"

namespace tapeloft::media {

/// Capacity one filemark uses, in bytes.
inline constexpr std::uint64_t kFilemarkCost = 1024;

enum class RunKind : std::uint8_t {
    records = 1,         ///< `count` frames of one record of `length` bytes each
    filemarks = 2,       ///< one frame that holds `count` filemarks, or the first of them
    damaged = 3,         ///< `count` objects whose frames are lost in `length` bytes of file
    lost_filemarks = 4,  ///< `count` filemarks, lost likewise, but known by the numbers around them
};

/// Numbers are relative to the start of the segment, except offsets, which are of the file.
struct ObjectPlace {
    RunKind kind = RunKind::records;
    std::uint64_t object = 0;
    std::uint64_t file = 0;    ///< filemarks before it
    std::uint64_t byte = 0;    ///< capacity used before it
    std::uint64_t offset = 0;  ///< of its frame
    std::uint32_t length = 0;  ///< of the record
};

/// Objects in order, each covered by one run. Lookups cost O(log runs).
class ObjectRuns {
  public:
    void append_record(std::uint32_t length);
    void append_filemarks(std::uint32_t count);
    /// Objects that must have been in the next `file_bytes` of the file: first what may be records,
    /// then `filemarks`. filemarks <= objects.
    void append_damage(std::uint64_t objects, std::uint64_t filemarks, std::uint32_t file_bytes);

    [[nodiscard]] std::uint64_t objects() const noexcept { return end_.object; }
    [[nodiscard]] std::uint64_t filemarks() const noexcept { return end_.file; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return end_.byte; }
    [[nodiscard]] std::uint64_t file_length() const noexcept { return end_.offset; }
    [[nodiscard]] std::uint32_t frames() const noexcept { return frames_; }
    [[nodiscard]] std::size_t runs() const noexcept { return runs_.size(); }

    /// object < objects().
    [[nodiscard]] ObjectPlace place(std::uint64_t object) const;
    /// The object behind the run that object < objects() lies in.
    [[nodiscard]] std::uint64_t end_of_run(std::uint64_t object) const;
    /// The object that is filemark number `filemark` < filemarks().
    [[nodiscard]] std::uint64_t object_of_filemark(std::uint64_t filemark) const;
    /// Where, from object `from` < objects() on, `count` filemarks side by side have gone by,
    /// `streak` of them right before `from`; nothing: `streak` then says how many stand at the end
    /// of the segment.
    [[nodiscard]] std::optional<std::uint64_t> end_of_streak(std::uint64_t from,
                                                             std::uint64_t count,
                                                             std::uint64_t& streak) const;
    /// The same backwards from before object `from` <= objects(), `streak` right behind it.
    [[nodiscard]] std::optional<std::uint64_t> start_of_streak(std::uint64_t from,
                                                               std::uint64_t count,
                                                               std::uint64_t& streak) const;
    /// Keeps the first `objects` <= objects().
    void cut(std::uint64_t objects);

    /// The runs alone, kSize of layout::index_run each.
    [[nodiscard]] Bytes encode_runs() const;
    /// Nothing: not whole runs, a kind that is not known, or a run of nothing. No sum of counts and
    /// lengths may pass 64 bits.
    [[nodiscard]] static std::optional<ObjectRuns> decode_runs(ByteView runs);

    /// The index as it stands at the end of the file: runs, then the footer.
    [[nodiscard]] Bytes encode(std::uint32_t seed) const;
    struct Footer {
        std::uint32_t runs = 0;
        std::uint64_t objects = 0;
        std::uint64_t filemarks = 0;
        std::uint32_t runs_crc = 0;
    };
    [[nodiscard]] static std::optional<Footer> decode_footer(ByteView bytes, std::uint32_t seed);
    [[nodiscard]] static std::optional<ObjectRuns> decode(const Footer& footer, ByteView runs,
                                                          std::uint32_t seed);

  private:
    struct Run {
        std::uint64_t object;
        std::uint64_t file;
        std::uint64_t byte;
        std::uint64_t offset;
        std::uint32_t length;
        std::uint32_t count;
        RunKind kind;
    };
    struct End {
        std::uint64_t object = 0;
        std::uint64_t file = 0;
        std::uint64_t byte = 0;
        std::uint64_t offset = kSegmentDataOffset;
    };

    void append(RunKind kind, std::uint32_t length, std::uint32_t count);
    void extend_end(const Run& run, std::uint32_t count);
    [[nodiscard]] std::size_t index_of(std::uint64_t object) const;
    [[nodiscard]] static bool is_filemarks(const Run& run) noexcept {
        return run.kind == RunKind::filemarks || run.kind == RunKind::lost_filemarks;
    }

    std::vector<Run> runs_;
    End end_;
    std::uint32_t frames_ = 0;
};

}  // namespace tapeloft::media
