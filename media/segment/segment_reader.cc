#include "media/segment/segment_reader.h"

#include <algorithm>
#include <array>
#include <string>

#include "cloud/base/digest.h"

namespace tapeloft::media {
namespace {

enum class Verdict : std::uint8_t { sound, short_file, bad_header, other_object, bad_payload };

constexpr std::array<std::string_view, 5> kVerdictWords = {
    "it is sound", "the file ends before it does", "its frame header is damaged",
    "another object stands in its place", "its checksum does not fit its bytes"};

struct Judgement {
    Verdict verdict = Verdict::sound;
    RecordEncoding encoding = RecordEncoding::plain;
    std::uint32_t crc = 0;  ///< of the payload alone
};

/// available: bytes of header and payload that the file has.
Judgement judge(ByteView head, ByteView payload, std::size_t available, std::uint32_t seed,
                const RecordFrame& frame) {
    if (available < head.size() + payload.size()) {
        return {Verdict::short_file};
    }
    const auto header = decode_frame_header(head, seed);
    if (!header) {
        return {Verdict::bad_header};
    }
    if (header->type != FrameType::record || header->length != frame.length ||
        header->object != frame.object || header->file != frame.file) {
        return {Verdict::other_object};
    }
    if (crc32c(payload, seed) != header->payload_crc) {
        return {Verdict::bad_payload};
    }
    return {Verdict::sound, header->encoding,
            crc32c_begun_with(0, header->payload_crc, seed, payload.size())};
}

/// bytes: of the whole frame, of which the file has the first `available`.
Judgement judge(ByteView bytes, std::size_t available, std::uint32_t seed,
                const RecordFrame& frame) {
    return judge(bytes.first(layout::frame::kHeaderSize), bytes.subspan(layout::frame::kHeaderSize),
                 available, seed, frame);
}

/// Records that stand one behind the other, read at once; `into` has room for them. Appends to
/// `records`.
Result<void> read_run(File& file, std::uint32_t seed, std::span<const RecordFrame> frames,
                      Buffer into, std::vector<StoredRecord>& records) {
    Bytes heads(frames.size() * layout::frame::kHeaderSize);
    std::vector<MutableByteView> parts;
    parts.reserve(2 * frames.size());
    auto room = into.mutable_view();
    for (std::size_t i = 0; i < frames.size(); ++i) {
        parts.push_back(MutableByteView(heads).subspan(i * layout::frame::kHeaderSize,
                                                       layout::frame::kHeaderSize));
        parts.push_back(room.first(frames[i].length));
        room = room.subspan(frames[i].length);
    }
    TL_TRY(const auto size, file.preadv(frames.front().offset, parts));
    std::size_t at = 0;  // of the record, in `into`
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto before = static_cast<std::size_t>(frames[i].offset - frames.front().offset);
        const auto judged =
            judge(parts[2 * i], parts[2 * i + 1], size - std::min(size, before), seed, frames[i]);
        StoredRecord record;
        if (judged.verdict == Verdict::sound) {
            record = {into.slice(at, frames[i].length), judged.encoding, judged.crc};
        }
        records.push_back(std::move(record));
        at += frames[i].length;
    }
    return {};
}

}  // namespace

Result<StoredRecord> read_record(File& file, std::uint32_t seed, const RecordFrame& frame) {
    auto bytes = Buffer::allocate(layout::frame::kHeaderSize + frame.length);
    TL_TRY(const auto size, file.pread(frame.offset, bytes.mutable_view()));
    const auto judged = judge(bytes.view(), size, seed, frame);
    if (judged.verdict != Verdict::sound) {
        return Error{Errc::corrupt,
                     "object " + std::to_string(frame.object) + " cannot be read: " +
                         std::string(kVerdictWords[static_cast<std::size_t>(judged.verdict)])};
    }
    return StoredRecord{bytes.slice(layout::frame::kHeaderSize, frame.length), judged.encoding,
                        judged.crc};
}

StoredRecord read_cached_record(File& file, std::uint32_t seed, const RecordFrame& frame) {
    auto bytes = Buffer::allocate(layout::frame::kHeaderSize + frame.length);
    const auto size = file.pread_cached(frame.offset, bytes.mutable_view());
    const auto judged = judge(bytes.view(), size, seed, frame);
    if (judged.verdict != Verdict::sound) {
        return {};
    }
    return {bytes.slice(layout::frame::kHeaderSize, frame.length), judged.encoding, judged.crc};
}

Result<std::vector<StoredRecord>> read_records(File& file, std::uint32_t seed,
                                               std::span<const RecordFrame> frames) {
    std::vector<StoredRecord> records;
    records.reserve(frames.size());
    std::size_t total = 0;
    for (const auto& frame : frames) {
        total += frame.length;
    }
    const auto bytes = Buffer::allocate(total);
    std::size_t at = 0;  // of the run, in `bytes`
    while (!frames.empty()) {
        std::size_t count = 0;
        std::size_t length = 0;
        do {
            length += frames[count++].length;
        } while (count < frames.size() && count < File::kPartsMax / 2 &&
                 frames[count].offset == frames[count - 1].end());
        TL_CHECK(read_run(file, seed, frames.first(count), bytes.slice(at, length), records));
        frames = frames.subspan(count);
        at += length;
    }
    return records;
}

}  // namespace tapeloft::media
