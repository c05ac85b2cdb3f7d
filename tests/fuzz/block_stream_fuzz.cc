// Blocks: TapeRead, TapeFile, and how the archiver tells blocks from other records.
//
//   object := 0 | 1 | 2, flags (1), size (3), sequence (4), a byte that fills the payload
//           | 3, length (2), record | 4, length (2), beginning of a record of 256 KiB
//     0: filemark, 1: cannot be read
#include <algorithm>

#include "media/chunk/chunker.h"
#include "media/pbs/block_format.h"
#include "media/pbs/block_stream.h"
#include "media/pbs/tape/tape_file.h"

#include "tests/fuzz/fuzz_target.h"
#include "tests/media/pbs/memory_medium.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

constexpr std::size_t kObjectsMax = 24;
enum ObjectKind : std::uint8_t { filemark, unreadable, block, record, long_record, kinds };

struct Object {
    ObjectKind kind = filemark;
    Bytes bytes;
};

Bytes made_block(Input& input) {
    namespace at = layout::pbs_block;
    Bytes bytes(kPbsBlockSize);
    std::copy(at::kMagic.begin(), at::kMagic.end(), bytes.begin());
    at::kFlags.store(bytes, static_cast<std::uint8_t>(input.number(1)));
    at::kSize.store(bytes, static_cast<std::uint32_t>(input.number(3)));
    at::kSequence.store(bytes, static_cast<std::uint32_t>(input.number(4)));
    const auto used = std::min<std::size_t>(at::kSize.load(bytes), kPbsPayloadMax);
    std::fill_n(bytes.begin() + kPbsBlockHeaderSize, used,
                static_cast<std::uint8_t>(input.number(1)));
    return bytes;
}

std::vector<Object> take_objects(Input input) {
    std::vector<Object> objects;
    while (!input.empty() && objects.size() < kObjectsMax) {
        Object object;
        object.kind = static_cast<ObjectKind>(input.number(1) % kinds);
        if (object.kind == block) {
            object.bytes = made_block(input);
        } else if (object.kind == record || object.kind == long_record) {
            const auto bytes = input.bytes(input.number(2));
            object.bytes.assign(bytes.begin(), bytes.end());
            object.bytes.resize(object.kind == record ? std::max<std::size_t>(1, bytes.size())
                                                      : kPbsBlockSize);
        }
        objects.push_back(std::move(object));
    }
    return objects;
}

class Objects final : public BlockReader {
  public:
    explicit Objects(const std::vector<Object>& objects) : objects_(objects) {}

    Awaitable<Result<ReadOutcome>> read() override {
        ReadOutcome outcome;
        if (next_ == objects_.size()) {
            co_return outcome;
        }
        const auto& object = objects_[next_];
        if (object.kind == unreadable) {
            co_return Error{Errc::io, "a record that cannot be read"};
        }
        ++next_;
        outcome.kind = object.kind == filemark ? ReadKind::filemark : ReadKind::record;
        outcome.record = Buffer::copy_of(object.bytes);
        co_return outcome;
    }

  private:
    const std::vector<Object>& objects_;
    std::size_t next_ = 0;
};

/// What is said to be a block can be made again from what was kept of it.
void check_framing(const Bytes& bytes) {
    const auto framed = frame_record(bytes);
    if (framed.framing.framing == RecordFraming::none) {
        TL_ASSERT(framed.payload.data() == bytes.data() && framed.payload.size() == bytes.size());
        return;
    }
    const auto parsed = parse_pbs_block(bytes, framed.framing.sequence);
    TL_ASSERT(parsed.has_value() && parsed->size == framed.framing.size);
    RecordSource source;
    source.framing = RecordFraming::pbs_block;
    source.flags = framed.framing.flags;
    source.sequence = framed.framing.sequence;
    source.length = static_cast<std::uint32_t>(bytes.size());
    source.payload_length = framed.framing.size;
    Bytes again(bytes.size(), 0xCC);
    (void)assemble_record(source, framed.payload, again);
    TL_ASSERT(again == bytes);
}

struct Payloads {
    Bytes bytes;           ///< of the blocks from the first object on
    std::size_t full = 0;  ///< bytes of those before the first that is not full
};

Payloads payloads_of(const std::vector<Object>& objects) {
    Payloads payloads;
    for (std::uint32_t number = 0; number < objects.size(); ++number) {
        const auto& bytes = objects[number].bytes;
        const auto header = parse_pbs_block(bytes, number);
        if (!header) {
            break;
        }
        append(payloads.bytes, ByteView(bytes).subspan(kPbsBlockHeaderSize, header->size));
        if (payloads.full == number * kPbsPayloadMax && header->size == kPbsPayloadMax) {
            payloads.full += kPbsPayloadMax;
        }
    }
    return payloads;
}

void read_as_stream(const std::vector<Object>& objects, const Bytes& payloads) {
    Objects reader(objects);
    TapeRead stream(reader);
    Bytes piece(100'000);
    std::size_t done = 0;
    while (const auto size = run(stream.read(piece))) {
        if (*size == 0) {
            TL_ASSERT(stream.is_incomplete().has_value());
            break;
        }
        TL_ASSERT(*size <= payloads.size() - done);
        TL_ASSERT(std::equal(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size),
                             payloads.begin() + static_cast<std::ptrdiff_t>(done)));
        done += *size;
    }
    Objects again(objects);
    TapeRead skipping(again);
    const auto skipped = run(skipping.skip());
    TL_ASSERT(!skipped || *skipped <= payloads.size());
}

void read_by_position(const std::vector<Object>& objects, const Payloads& payloads) {
    auto tape = std::make_shared<MemoryTape>();
    tape->files.emplace_back();
    for (const auto& object : objects) {
        auto& records = tape->files.front().records;
        if (object.kind == filemark) {
            break;
        }
        if (object.kind == unreadable) {
            tape->unreadable.emplace(std::pair(0U, records.size()), Errc::io);
        }
        records.push_back(object.bytes);
    }
    MemoryMedium medium(tape);
    const auto extent = run(medium.files()).value().front();
    TapeFile file(medium, 0, extent, 3);
    const auto ending = run(file.ending());
    TL_ASSERT(ending.has_value() &&
              ending->stream_size <= (2 * extent.records + TapeFile::kStraysMax) * kPbsPayloadMax);
    Bytes piece(kPbsPayloadMax + 1000);
    for (std::uint64_t offset = 0; offset < ending->stream_size; offset += 70'001) {
        const auto size = run(file.read(offset, piece));
        if (size && offset + *size <= payloads.full) {
            TL_ASSERT(std::equal(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size),
                                 payloads.bytes.begin() + static_cast<std::ptrdiff_t>(offset)));
        }
    }
}

void append_block(Bytes& input, std::uint8_t flags, std::uint32_t size, std::uint32_t sequence) {
    append_number(input, block, 1);
    append_number(input, flags, 1);
    append_number(input, size, 3);
    append_number(input, sequence, 4);
    append_number(input, 0x40 + sequence, 1);
}

}  // namespace

std::vector<Bytes> seeds() {
    Bytes whole;
    append_block(whole, 0, kPbsPayloadMax, 0);
    append_block(whole, 0, kPbsPayloadMax, 1);
    append_block(whole, layout::pbs_block::kEndOfStream, 1000, 2);
    whole.push_back(filemark);
    Bytes incomplete;
    append_block(incomplete, 0, kPbsPayloadMax, 0);
    append_block(incomplete, 3, 0, 1);
    incomplete.push_back(filemark);
    incomplete.push_back(unreadable);
    Bytes others = {record, 3, 0, 1, 2, 3, long_record, 16, 0};
    append(others, ByteView(whole).subspan(0, 16));
    return {whole, incomplete, others};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto objects = take_objects(Input(data, size));
    const auto payloads = payloads_of(objects);
    for (const auto& object : objects) {
        check_framing(object.bytes);
    }
    read_as_stream(objects, payloads.bytes);
    read_by_position(objects, payloads);
    return 0;
}

}  // namespace tapeloft::fuzz
