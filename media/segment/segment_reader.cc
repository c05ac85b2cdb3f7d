#include "media/segment/segment_reader.h"

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

Judgement judge(ByteView bytes, std::uint32_t seed, const RecordFrame& frame) {
    if (bytes.size() < layout::frame::kHeaderSize + frame.length) {
        return {Verdict::short_file};
    }
    const auto header = decode_frame_header(bytes, seed);
    if (!header) {
        return {Verdict::bad_header};
    }
    if (header->type != FrameType::record || header->length != frame.length ||
        header->object != frame.object || header->file != frame.file) {
        return {Verdict::other_object};
    }
    const auto payload = bytes.subspan(layout::frame::kHeaderSize, frame.length);
    if (crc32c(payload, seed) != header->payload_crc) {
        return {Verdict::bad_payload};
    }
    return {Verdict::sound, header->encoding,
            crc32c_begun_with(0, header->payload_crc, seed, payload.size())};
}

}  // namespace

Result<StoredRecord> read_record(File& file, std::uint32_t seed, const RecordFrame& frame) {
    auto bytes = Buffer::allocate(layout::frame::kHeaderSize + frame.length);
    TL_TRY(const auto size, file.pread(frame.offset, bytes.mutable_view()));
    const auto judged = judge(bytes.view().first(size), seed, frame);
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
    const auto judged = judge(bytes.view().first(size), seed, frame);
    if (judged.verdict != Verdict::sound) {
        return {};
    }
    return {bytes.slice(layout::frame::kHeaderSize, frame.length), judged.encoding, judged.crc};
}

Result<std::vector<StoredRecord>> read_records(File& file, std::uint32_t seed,
                                               std::span<const RecordFrame> frames) {
    std::vector<StoredRecord> records;
    if (frames.empty()) {
        return records;
    }
    const auto start = frames.front().offset;
    auto bytes = Buffer::allocate(static_cast<std::size_t>(frames.back().end() - start));
    TL_TRY(const auto size, file.pread(start, bytes.mutable_view()));
    records.reserve(frames.size());
    for (const auto& frame : frames) {
        const auto at = static_cast<std::size_t>(frame.offset - start);
        StoredRecord record;
        if (at < size) {
            const auto judged = judge(bytes.view().first(size).subspan(at), seed, frame);
            if (judged.verdict == Verdict::sound) {
                record = {bytes.slice(at + layout::frame::kHeaderSize, frame.length),
                          judged.encoding, judged.crc};
            }
        }
        records.push_back(std::move(record));
    }
    return records;
}

}  // namespace tapeloft::media
