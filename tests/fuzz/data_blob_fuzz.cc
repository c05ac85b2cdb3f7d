// DataBlobs.  input := bit 0: make the CRC right, bit 1: with the key (1 byte), blob
#include "media/pbs/crypto/crc32.h"
#include "media/pbs/store/data_blob.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

constexpr std::size_t kDataMax = 1024UL * 1024;
constexpr std::size_t kCrcOffset = 8;

/// Of either header: the CRC covers all that is behind it.
void mend_crc(Bytes& blob) {
    for (const std::size_t header : {12U, 44U}) {
        if (blob.size() >= header && !check_blob(blob)) {
            store_little_endian<4>(MutableByteView(blob).subspan(kCrcOffset),
                                   crc32(ByteView(blob).subspan(header)));
        }
    }
}

}  // namespace

std::vector<Bytes> seeds() {
    std::vector<Bytes> inputs;
    for (const auto& chunk : few_chunks()) {
        append_number(inputs.emplace_back(), 3, 1);
        append(inputs.back(), chunk.blob);
    }
    auto frame = make_chunk(Bytes(100'000, 7), MadeEncoding::zstd).blob;
    append_number(inputs.emplace_back(), 1, 1);
    append(inputs.back(), frame);
    return inputs;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto mode = input.number(1);
    Bytes blob(input.rest().begin(), input.rest().end());
    if ((mode & 1U) != 0) {
        mend_crc(blob);
    }
    const auto decoded =
        decode_blob(Buffer::copy_of(blob), (mode & 2U) != 0 ? &fuzz_key() : nullptr, kDataMax);
    TL_ASSERT(!decoded || (decoded->size() <= kDataMax && check_blob(blob).has_value()));
    return 0;
}

}  // namespace tapeloft::fuzz
