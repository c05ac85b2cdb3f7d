// Tape files as Proxmox Backup Server writes them, of content that tests choose.
#pragma once

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

inline constexpr std::size_t kPbsPayload = 262'128;
inline constexpr std::uint64_t kChunkArchiveMagic = 0xBF83'02D7'6D63'316D;
inline constexpr std::uint64_t kSnapshotArchiveMagic = 0x1D33'10BA'9B36'1062;

inline Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Bytes bytes(size + 8);
    for (std::size_t at = 0; at < size; at += 8) {
        store_little_endian<8>(MutableByteView(bytes).subspan(at), random());
    }
    bytes.resize(size);
    return bytes;
}

inline void append(Bytes& to, ByteView bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

inline void append_number(Bytes& to, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
        to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

/// Content header with a UUID made of `seed`, and its JSON.
inline Bytes content_header(std::uint64_t content_magic, std::uint64_t seed,
                            std::string_view json) {
    Bytes header;
    append_number(header, 0x0C9B'F2CD'9F14'EE63, 8);
    append_number(header, content_magic, 8);
    append(header, random_bytes(16, seed));
    append_number(header, 1'717'571'200 + seed, 8);
    append_number(header, json.size(), 4);
    append_number(header, 0, 4);
    append(header, as_bytes(json));
    return header;
}

/// An entry of a chunk archive; the digest is made of `seed`.
inline Bytes chunk_entry(ByteView blob, std::uint64_t seed) {
    Bytes entry;
    append_number(entry, 0xDC8F'42DE'F26D'5748, 8);
    append(entry, random_bytes(32, seed));
    append_number(entry, blob.size(), 8);
    append(entry, blob);
    return entry;
}

/// The blocks of a stream; a whole one ends with an end block.
inline std::vector<Bytes> pbs_blocks(ByteView stream, bool whole = true) {
    std::vector<Bytes> blocks;
    for (bool last = false; !last;) {
        const auto size = std::min(kPbsPayload, stream.size());
        last = size < kPbsPayload;
        if (last && !whole) {
            break;
        }
        Bytes block;
        append_number(block, 0x28A5'A0EB'CAAF'BDDC, 8);
        append_number(block, last ? 1 : 0, 1);
        append_number(block, size, 3);
        append_number(block, blocks.size(), 4);
        append(block, stream.first(size));
        block.resize(262'144);
        stream = stream.subspan(size);
        blocks.push_back(std::move(block));
    }
    return blocks;
}

}  // namespace tapeloft::media
