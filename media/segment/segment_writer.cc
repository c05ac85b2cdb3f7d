#include "media/segment/segment_writer.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "cloud/base/digest.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kFramesAtOnce = File::kPartsMax / 2;

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(FileSystem& files,
                                                             const std::filesystem::path& path,
                                                             const SegmentIdentity& identity) {
    TL_TRY(auto file, files.create(path));
    const auto header = encode_header(identity);
    const std::array<ByteView, 1> parts = {header};
    TL_CHECK(file->pwritev(0, parts));
    return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(file), identity));
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::recycle(FileSystem& files,
                                                              const std::filesystem::path& spare,
                                                              const std::filesystem::path& path,
                                                              const SegmentIdentity& identity) {
    TL_CHECK(files.rename(spare, path));
    TL_TRY(auto file, files.open(path));
    TL_TRY(const auto length, file->length());
    Bytes start(kSegmentDataOffset);  // the slots of the sync marks are empty
    std::ranges::copy(encode_header(identity), start.begin());
    const std::array<ByteView, 1> parts = {start};
    TL_CHECK(file->pwritev(0, parts));
    std::unique_ptr<SegmentWriter> writer(new SegmentWriter(std::move(file), identity));
    writer->stale_end_ = length;
    return writer;
}

Result<void> SegmentWriter::append(std::span<const PendingFrame> frames) {
    TL_ASSERT(!finished_);
    while (!frames.empty()) {
        const auto count = std::min(frames.size(), kFramesAtOnce);
        TL_CHECK(append_some(frames.first(count)));
        frames = frames.subspan(count);
    }
    return {};
}

Result<void> SegmentWriter::append_some(std::span<const PendingFrame> frames) {
    namespace at = layout::frame;
    dirty_ = true;
    Bytes headers(frames.size() * at::kHeaderSize);
    std::vector<ByteView> parts;
    parts.reserve(frames.size() * 2);
    auto runs = std::move(runs_);  // given back whole only when the frames stand in the file
    const auto offset = runs.file_length();
    const auto objects = runs.objects();
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto& frame = frames[i];
        FrameHeader header;
        header.object = identity_.first_object + runs.objects();
        header.file = identity_.first_file + runs.filemarks();
        if (frame.record.empty()) {
            header.payload_crc = crc32c({}, seed_);
            header.type = FrameType::filemarks;
            header.count = frame.filemarks;
            runs.append_filemarks(frame.filemarks);
        } else {
            header.encoding = frame.encoding;
            header.length = static_cast<std::uint32_t>(frame.record.size());
            header.payload_crc = frame.record_crc;
            runs.append_record(header.length);
        }
        const auto bytes = MutableByteView(headers).subspan(i * at::kHeaderSize, at::kHeaderSize);
        encode_frame_header(header, seed_, bytes);
        parts.emplace_back(bytes);
        if (!frame.record.empty()) {
            parts.push_back(frame.record.view());
        }
    }
    auto written = file_->pwritev(offset, parts);
    if (!written) {
        runs.cut(objects);
    }
    runs_ = std::move(runs);
    return written;
}

Result<void> SegmentWriter::finish() {
    if (finished_) {
        return {};
    }
    dirty_ = true;
    const auto index = runs_.encode(seed_);
    const std::array<ByteView, 1> parts = {ByteView(index)};
    TL_CHECK(file_->pwritev(runs_.file_length(), parts));
    TL_CHECK(end_file(runs_.file_length() + index.size()));
    index_length_ = index.size();
    finished_ = true;
    return {};
}

Result<void> SegmentWriter::end_file(std::uint64_t end) {
    if (stale_end_ > end) {
        dirty_ = true;
        TL_CHECK(file_->truncate(end));
    }
    stale_end_ = 0;
    return {};
}

Result<void> SegmentWriter::sync() {
    if (dirty_) {
        TL_CHECK(file_->fdatasync());
        dirty_ = false;
    }
    return {};
}

Result<void> SegmentWriter::note_synced() {
    namespace at = layout::sync_mark;
    TL_ASSERT(!dirty_);
    SyncMark mark;
    mark.sequence = ++mark_sequence_;
    mark.objects = runs_.objects();
    mark.filemarks = runs_.filemarks();
    mark.file_length = runs_.file_length();
    const auto bytes = encode_sync_mark(mark, seed_);
    const std::array<ByteView, 1> parts = {bytes};
    return file_->pwritev(at::kSlotOffsets[mark.sequence % at::kSlotOffsets.size()], parts);
}

Result<void> SegmentWriter::finish_anew() {
    finished_ = false;
    index_length_ = 0;
    TL_CHECK(file_->truncate(runs_.file_length()));
    stale_end_ = 0;
    return finish();
}

}  // namespace tapeloft::media
