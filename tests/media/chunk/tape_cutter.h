// Cuts records into chunks as an archiver would, and checks what must always hold: chunks of 1 to
// kChunkLengthMax bytes that are the payload, and records that can be made again from framing and
// payload.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/chunk/chunk.h"
#include "media/chunk/chunker.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

using ChunkSet = std::map<Fingerprint, std::size_t>;  ///< and their lengths

/// The record, from what FORMAT.md says of its framing.
inline Bytes remake_record(const FramingRun& framing, ByteView payload) {
    if (framing.framing == RecordFraming::none) {
        return {payload.begin(), payload.end()};
    }
    Bytes record = {0xDC, 0xBD, 0xAF, 0xCA, 0xEB, 0xA0, 0xA5, 0x28, framing.flags};
    record.resize(16);
    store_little_endian<3>(MutableByteView(record).subspan(9), framing.size);
    store_little_endian<4>(MutableByteView(record).subspan(12), framing.sequence);
    record.insert(record.end(), payload.begin(), payload.end());
    record.resize(262'144);
    return record;
}

class TapeCutter {
  public:
    /// piece: payload is shown to the chunker in pieces of at most so many bytes.
    explicit TapeCutter(std::size_t piece = SIZE_MAX) : piece_(piece) {}

    void record(const Bytes& record) {
        const auto framed = frame_record(record);
        if (remake_record(framed.framing, framed.payload) != record) {
            ADD_FAILURE() << "a record cannot be made again";
        }
        chunker_.begin_record(framed.framing, first_of_file_);
        first_of_file_ = false;
        for (auto rest = framed.payload;;) {
            const auto size = std::min(piece_, rest.size());
            take(rest.first(size));
            rest = rest.subspan(size);
            if (rest.empty()) {
                break;
            }
        }
    }

    void filemark() {
        flush();
        first_of_file_ = true;
    }

    /// What is pending becomes a chunk.
    void flush() {
        if (pending_size() != 0) {
            add_chunk(pending_size());
        }
        chunker_.cut_here();
    }

    [[nodiscard]] const std::vector<std::size_t>& lengths() const { return lengths_; }
    [[nodiscard]] const ChunkSet& chunks() const { return chunks_; }

  private:
    [[nodiscard]] std::size_t pending_size() const { return payload_.size() - start_; }

    void take(ByteView fresh) {
        payload_.insert(payload_.end(), fresh.begin(), fresh.end());
        auto cut = chunker_.next_cut(ByteView(payload_).subspan(start_));
        for (; cut; cut = chunker_.next_cut(ByteView(payload_).subspan(start_))) {
            add_chunk(*cut);
        }
        EXPECT_LT(pending_size(), kChunkLengthMax) << "memory is bounded";
    }

    void add_chunk(std::size_t length) {
        ASSERT_GE(length, 1U);
        ASSERT_LE(length, std::min(kChunkLengthMax, pending_size()));
        lengths_.push_back(length);
        chunks_[keys_.fingerprint(ByteView(payload_).subspan(start_, length))] = length;
        start_ += length;
        if (start_ > 16UL * 1024 * 1024) {
            payload_.erase(payload_.begin(),
                           payload_.begin() + static_cast<std::ptrdiff_t>(start_));
            start_ = 0;
        }
    }

    KeyRing keys_{SecretKey(), RepositoryId{}};
    Chunker chunker_;
    std::size_t piece_;
    bool first_of_file_ = true;
    Bytes payload_;
    std::size_t start_ = 0;  ///< of what is pending, in payload_
    std::vector<std::size_t> lengths_;
    ChunkSet chunks_;
};

/// Bytes of chunks in `second` that `first` has not.
inline std::size_t new_bytes(const ChunkSet& first, const ChunkSet& second) {
    std::size_t bytes = 0;
    for (const auto& [fingerprint, length] : second) {
        bytes += first.contains(fingerprint) ? 0 : length;
    }
    return bytes;
}

}  // namespace tapeloft::media
