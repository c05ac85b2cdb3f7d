#include "media/segment/segment_scan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "cloud/base/digest.h"

namespace tapeloft::media {
namespace {

/// Views of a file, read in large pieces.
class Window {
  public:
    Window(File& file, std::uint64_t end) : file_(file), end_(end) {}

    /// Bytes [offset, offset + size), fewer at the end. The view lives until the next call.
    Result<ByteView> view(std::uint64_t offset, std::size_t size) {
        size =
            static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - std::min(offset, end_)));
        if (offset < start_ || offset + size > start_ + held_) {
            const auto wanted =
                std::min<std::uint64_t>(std::max(size, kPiece), end_ - std::min(offset, end_));
            bytes_.resize(static_cast<std::size_t>(wanted));
            TL_TRY(held_, file_.pread(offset, bytes_));
            start_ = offset;
        }
        const auto skip = static_cast<std::size_t>(offset - start_);
        return ByteView(bytes_).first(held_).subspan(skip, std::min(size, held_ - skip));
    }

  private:
    static constexpr std::size_t kPiece = 1024UL * 1024;

    File& file_;
    std::uint64_t end_;
    Bytes bytes_;
    std::uint64_t start_ = 0;
    std::size_t held_ = 0;
};

class Scanner {
  public:
    Scanner(File& file, const SegmentIdentity& identity, const SegmentPromise& promise,
            const SegmentLimit& limit, std::uint64_t end)
        : window_(file, end),
          identity_(identity),
          seed_(segment_seed(identity)),
          promise_(promise),
          limit_(limit),
          end_(end) {}

    Result<SegmentScan> run() {
        while (scan_.runs.objects() < limit_.objects) {
            TL_TRY(const auto header, header_at(scan_.runs.file_length()));
            if (header && follows(*header)) {
                TL_TRY(const bool sound, payload_is_sound(*header));
                if (!sound && !promised()) {
                    break;
                }
                accept(*header);
            } else if (promised()) {
                TL_CHECK(bridge_damage());
            } else {
                break;
            }
        }
        scan_.cut_off = end_ - std::min(end_, scan_.runs.file_length());
        return std::move(scan_);
    }

  private:
    [[nodiscard]] bool promised() const { return scan_.runs.objects() < promise_.objects; }

    Result<std::optional<FrameHeader>> header_at(std::uint64_t offset) {
        TL_TRY(const auto bytes, window_.view(offset, layout::frame::kHeaderSize));
        auto header = decode_frame_header(bytes, seed_);
        if (header && offset + bytes.size() + header->length > end_) {
            header.reset();
        }
        return header;
    }

    [[nodiscard]] bool follows(const FrameHeader& header) const {
        return header.object == identity_.first_object + scan_.runs.objects() &&
               header.file == identity_.first_file + scan_.runs.filemarks();
    }

    Result<bool> payload_is_sound(const FrameHeader& header) {
        const auto offset = scan_.runs.file_length() + layout::frame::kHeaderSize;
        TL_TRY(const auto payload, window_.view(offset, header.length));
        return payload.size() == header.length && crc32c(payload, seed_) == header.payload_crc;
    }

    void accept(const FrameHeader& header) {
        if (header.type == FrameType::record) {
            scan_.runs.append_record(header.length);
            return;
        }
        const auto room = limit_.objects - scan_.runs.objects();
        scan_.runs.append_filemarks(
            static_cast<std::uint32_t>(std::min<std::uint64_t>(header.count, room)));
    }

    /// The header that should be here is gone, and what it told was promised.
    Result<void> bridge_damage() {
        ++scan_.damages;
        const auto from = scan_.runs.file_length();
        for (auto offset = from + 1; offset + layout::frame::kHeaderSize <= end_; ++offset) {
            TL_TRY(const auto next_magic, find_magic(offset));
            if (!next_magic) {
                break;
            }
            offset = *next_magic;
            TL_TRY(const auto header, header_at(offset));
            if (header && is_ahead(*header)) {
                append_damage(header->object - identity_.first_object,
                              header->file - identity_.first_file, offset - from);
                return {};
            }
        }
        append_damage(promise_.objects, std::max(promise_.filemarks, scan_.runs.filemarks()),
                      std::max(promise_.file_length, from) - from);
        return {};
    }

    Result<std::optional<std::uint64_t>> find_magic(std::uint64_t offset) {
        constexpr std::array<std::uint8_t, 4> kMagic = {
            layout::frame::kMagicValue & 0xFFU, (layout::frame::kMagicValue >> 8U) & 0xFFU,
            (layout::frame::kMagicValue >> 16U) & 0xFFU, layout::frame::kMagicValue >> 24U};
        constexpr std::size_t kStep = 64UL * 1024;
        while (offset + kMagic.size() <= end_) {
            TL_TRY(const auto bytes, window_.view(offset, kStep));
            const auto found =
                std::search(bytes.begin(), bytes.end(), kMagic.begin(), kMagic.end());
            if (found != bytes.end()) {
                return std::optional(offset + static_cast<std::uint64_t>(found - bytes.begin()));
            }
            if (bytes.size() < kMagic.size()) {
                break;
            }
            offset += bytes.size() - (kMagic.size() - 1);
        }
        return std::optional<std::uint64_t>();
    }

    /// A frame that can come later in this segment: it counts more objects, and not more filemarks
    /// than that.
    [[nodiscard]] bool is_ahead(const FrameHeader& header) const {
        const auto object = identity_.first_object + scan_.runs.objects();
        const auto file = identity_.first_file + scan_.runs.filemarks();
        return header.object > object && header.file >= file &&
               header.file - file <= header.object - object;
    }

    void append_damage(std::uint64_t objects, std::uint64_t filemarks, std::uint64_t file_bytes) {
        objects = std::min(objects, limit_.objects);
        const auto lost = objects - std::min(objects, scan_.runs.objects());
        const auto lost_filemarks = std::min(lost, filemarks - scan_.runs.filemarks());
        scan_.runs.append_damage(lost, lost_filemarks, static_cast<std::uint32_t>(file_bytes));
    }

    Window window_;
    const SegmentIdentity& identity_;
    std::uint32_t seed_;
    SegmentPromise promise_;
    SegmentLimit limit_;
    std::uint64_t end_;
    SegmentScan scan_;
};

}  // namespace

Result<SegmentPromise> read_sync_mark(File& file, const SegmentIdentity& identity) {
    namespace at = layout::sync_mark;
    const auto seed = segment_seed(identity);
    SyncMark newest;
    for (const auto offset : at::kSlotOffsets) {
        std::array<std::uint8_t, at::kSize> bytes = {};
        TL_TRY(const auto size, file.pread(offset, bytes));
        const auto mark = decode_sync_mark(ByteView(bytes).first(size), seed);
        if (mark && mark->sequence > newest.sequence) {
            newest = *mark;
        }
    }
    return SegmentPromise{newest.objects, newest.filemarks, newest.file_length};
}

Result<SegmentScan> scan_segment(File& file, const SegmentIdentity& identity,
                                 const SegmentPromise& promise, const SegmentLimit& limit) {
    TL_TRY(const auto length, file.length());
    const auto end = std::min(length, limit.file_length);
    return Scanner(file, identity, promise, limit, end).run();
}

}  // namespace tapeloft::media
