// Records in, chunks and maps out, and the same records again.
#include "media/archive/tape_stream.h"

#include <deque>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"

#include "tests/media/chunk/model_segment.h"

namespace tapeloft::media {
namespace {

/// Its map, but for framings and chunks.
SegmentMap facts_of(const ModelSegment& segment) {
    std::vector<ChunkRef> chunks;
    for (const auto& frame : segment) {
        if (frame.kind == RunKind::records) {
            chunks.push_back({{}, static_cast<std::uint32_t>(frame.payload().size())});
        }
    }
    std::erase_if(chunks, [](const ChunkRef& chunk) { return chunk.plain_length == 0; });
    return map_of(segment, 0, std::move(chunks));
}

/// Blocks of one PBS stream, whole ones and the last.
void add_pbs_stream(std::mt19937_64& random, ModelSegment& segment) {
    const auto whole = random() % 4;
    for (std::uint32_t i = 0; i < whole; ++i) {
        Bytes payload(262'128, static_cast<std::uint8_t>(random()));
        store_little_endian<8>(payload, random());
        segment.push_back(pbs_frame(0, i, payload));
    }
    segment.push_back(
        pbs_frame(1, static_cast<std::uint32_t>(whole), random_payload(random, random() % 5000)));
}

/// Feeds segments, and keeps what comes out.
class Streamed {
  public:
    /// pieces: records come in buffers that hold several, as they are read from a file.
    explicit Streamed(std::uint64_t first_chunk, std::mt19937_64* pieces = nullptr)
        : stream_(first_chunk), next_(first_chunk), pieces_(pieces) {}

    void feed(const ModelSegment& segment, std::mt19937_64* flushes = nullptr) {
        SegmentRecord row;
        row.number = rows_++;
        row.first_object = objects_;
        row.object_count = objects_of(segment);
        objects_ += row.object_count;
        EXPECT_TRUE(stream_.continues(row));
        stream_.begin_segment(row);
        EXPECT_TRUE(stream_.holds(row));
        std::size_t number = 0;
        for (const auto& frame : segment) {
            if (pieces_ != nullptr && frame.kind == RunKind::records && piece_.empty()) {
                gather(ModelSegment(segment.begin() + static_cast<std::ptrdiff_t>(number),
                                    segment.end()));
            }
            ++number;
            feed(frame);
            if (flushes != nullptr && (*flushes)() % 40 == 0) {
                flush();
            }
        }
        stream_.end_segment();
    }
    void flush() {
        stream_.flush(out_);
        take_chunks();
    }
    std::vector<TapeStream::Finished> finished() { return stream_.take_finished(); }
    [[nodiscard]] const TapeStream& stream() const { return stream_; }

    /// The records of the segment can be made from its map and chunks.
    void expect_records(const TapeStream::Finished& finished, const ModelSegment& segment) const {
        const auto& map = finished.map;
        for (std::size_t i = 0; i < map.chunks.size(); ++i) {
            ASSERT_EQ(map.chunks[i].plain_length, chunks_.at(finished.first_chunk + i).size());
        }
        // The framing is judged by the records that come of it.
        const auto model = facts_of(segment);
        EXPECT_EQ(map.runs.encode_runs(), model.runs.encode_runs());
        EXPECT_EQ(map.encodings, model.encodings);
        EXPECT_EQ(map.record_crcs, model.record_crcs);
        const auto plan = SegmentPlan::of(map);
        ASSERT_TRUE(plan.has_value()) << plan.error().message;
        std::uint32_t number = 0;
        for (const auto& frame : segment) {
            if (frame.kind == RunKind::records) {
                expect_record(finished, *plan, number++, frame);
            }
        }
        EXPECT_EQ(plan->records(), number);
    }

  private:
    static std::uint64_t objects_of(const ModelSegment& segment) {
        std::uint64_t objects = 0;
        for (const auto& frame : segment) {
            objects += frame.count;
        }
        return objects;
    }

    /// The records that come next, a random number of them, one behind the other.
    void gather(const ModelSegment& rest) {
        Bytes bytes;
        std::vector<std::size_t> sizes;
        for (const auto& frame : rest) {
            if (frame.kind != RunKind::records || (!sizes.empty() && (*pieces_)() % 8 == 0)) {
                break;
            }
            bytes.insert(bytes.end(), frame.record.begin(), frame.record.end());
            sizes.push_back(frame.record.size());
        }
        const auto whole = Buffer::copy_of(bytes);
        std::size_t at = 0;
        for (const auto size : sizes) {
            piece_.push_back(whole.slice(at, size));
            at += size;
        }
    }

    Buffer buffer_of(const ModelFrame& frame) {
        if (piece_.empty()) {
            return Buffer::copy_of(frame.record);
        }
        auto record = std::move(piece_.front());
        piece_.pop_front();
        return record;
    }

    void feed(const ModelFrame& frame) {
        if (frame.kind == RunKind::records) {
            stream_.add_record({buffer_of(frame), frame.encoding, crc32c(frame.record)}, out_);
        } else if (frame.kind == RunKind::filemarks) {
            stream_.add_filemarks(frame.count, out_);
        } else {
            stream_.add_damage(frame.count, 0, 100);
        }
        take_chunks();
    }
    void take_chunks() {
        for (auto& chunk : out_) {
            ASSERT_EQ(chunk.number, next_++) << "numbered without a gap";
            ASSERT_GE(chunk.plain.size(), 1U);
            ASSERT_LE(chunk.plain.size(), kChunkLengthMax);
            chunks_[chunk.number] = std::move(chunk.plain);
        }
        out_.clear();
        EXPECT_EQ(stream_.next_chunk(), next_);
    }
    void expect_record(const TapeStream::Finished& finished, const SegmentPlan& plan,
                       std::uint32_t number, const ModelFrame& frame) const {
        const auto source = plan.record(number);
        EXPECT_EQ(source.encoding, frame.encoding);
        Bytes payload;
        for (const auto& slice : plan.slices(source.payload_offset, source.payload_length)) {
            const auto part = chunks_.at(finished.first_chunk + slice.chunk)
                                  .view()
                                  .subspan(slice.offset, slice.length);
            payload.insert(payload.end(), part.begin(), part.end());
        }
        Bytes record(source.length);
        ASSERT_TRUE(assemble_record(source, payload, record).has_value());
        EXPECT_EQ(record, frame.record);
    }

    TapeStream stream_;
    std::uint64_t next_;
    std::uint64_t rows_ = 0;
    std::uint64_t objects_ = 0;
    std::vector<StreamChunk> out_;
    std::map<std::uint64_t, Buffer> chunks_;
    std::mt19937_64* pieces_;
    std::deque<Buffer> piece_;
};

TEST(TapeStream, GivesBackTheExactRecordsOfEverySegmentWhereverItIsFlushed) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 10; ++round) {
        Streamed streamed(random() % 1000, round % 2 == 0 ? nullptr : &random);
        std::vector<ModelSegment> segments;
        std::size_t finished = 0;
        const auto take = [&] {
            auto needed = streamed.stream().needed_from();
            for (const auto& each : streamed.finished()) {
                ASSERT_EQ(each.row.number, finished) << "in order";
                ASSERT_GE(each.first_chunk, needed) << "no chunk that was given up is asked for";
                streamed.expect_records(each, segments[finished++]);
            }
            EXPECT_GE(streamed.stream().needed_from(), needed);
        };
        for (int i = 0; i < 12; ++i) {
            segments.push_back(random_segment(random, 1 + random() % 60));
            if (random() % 3 == 0) {
                add_pbs_stream(random, segments.back());
            }
            streamed.feed(segments.back(), &random);
            if (random() % 3 == 0) {
                streamed.flush();
            }
            if (random() % 2 == 0) {
                take();
            }
        }
        streamed.flush();
        take();
        EXPECT_EQ(finished, segments.size()) << "after a flush everything is finished";
        EXPECT_TRUE(streamed.stream().idle());
        EXPECT_EQ(streamed.stream().needed_from(), streamed.stream().next_chunk());
    }
}

ModelSegment one_record(std::size_t size, std::uint8_t fill) {
    ModelFrame frame;
    frame.record.assign(size, fill);
    return {frame};
}

TEST(TapeStream, LetsOneChunkSpanThreeSegments) {
    Streamed streamed(7);
    const std::vector<ModelSegment> segments = {one_record(3000, 1), one_record(4000, 2),
                                                one_record(5000, 3)};
    for (const auto& segment : segments) {
        streamed.feed(segment);
        EXPECT_TRUE(streamed.finished().empty()) << "its last byte is in no chunk yet";
    }
    EXPECT_EQ(streamed.stream().held(), 3U);
    streamed.flush();
    const auto finished = streamed.finished();
    ASSERT_EQ(finished.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(finished[i].first_chunk, 7U);
        ASSERT_EQ(finished[i].map.chunks.size(), 1U);
        EXPECT_EQ(finished[i].map.chunks[0].plain_length, 12'000U);
        streamed.expect_records(finished[i], segments[i]);
    }
    EXPECT_EQ(finished[2].map.skip, 7000U);
}

TEST(TapeStream, FinishesASegmentWithoutBytesInTheMiddleOfAChunk) {
    Streamed streamed(0);
    ModelFrame damage;
    damage.kind = RunKind::damaged;
    damage.count = 3;
    const std::vector<ModelSegment> segments = {one_record(3000, 1), {damage}, one_record(10, 2)};
    for (const auto& segment : segments) {
        streamed.feed(segment);
    }
    streamed.flush();
    const auto finished = streamed.finished();
    ASSERT_EQ(finished.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        streamed.expect_records(finished[i], segments[i]);
    }
}

TEST(TapeStream, SaysWhichSegmentsGoOn) {
    TapeStream stream;
    SegmentRecord row;
    row.first_object = 5;
    row.object_count = 10;
    EXPECT_TRUE(stream.continues(row)) << "nothing was begun";
    stream.begin_segment(row);
    stream.end_segment();
    auto next = row;
    next.first_object = 15;
    EXPECT_TRUE(stream.continues(next));
    next.partition = 1;
    EXPECT_FALSE(stream.continues(next));
    next.partition = 0;
    next.first_object = 14;
    EXPECT_FALSE(stream.continues(next));
    auto shorter = row;
    shorter.object_count = 9;
    EXPECT_FALSE(stream.holds(shorter)) << "the tape was cut";
}

}  // namespace
}  // namespace tapeloft::media
