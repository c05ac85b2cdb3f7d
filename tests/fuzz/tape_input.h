// Tapes of Proxmox Backup Server as fuzz inputs: what changes is inside of sound blocks, where it
// is not the blocks themselves that are tried (block_stream_fuzz.cc).
//
//   tape file := how it ends (1 byte), place of a gap (2), its length in KiB (1),
//                length of the stream (4), stream
//   tape := count of tape files (1), tape files, count of unreadable records (1), (file, record)
#pragma once

#include "tests/fuzz/fuzz_target.h"
#include "tests/media/pbs/memory_medium.h"
#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::fuzz {

/// The gap is zeros, so that a short input reaches over several blocks.
[[nodiscard]] media::MemoryTapeFile take_tape_file(Input& input);
[[nodiscard]] std::shared_ptr<media::MemoryTape> take_tape(Input& input);

[[nodiscard]] Bytes stream_of(const media::MemoryTapeFile& file);
void append_tape_file(Bytes& input, const media::MemoryTapeFile& file, std::uint16_t gap_at = 0,
                      std::uint8_t gap_kib = 0);
void append_tape(Bytes& input, const media::MemoryTape& tape);

/// Chunks of some hundred bytes, the same ones each time, in all encodings (encrypted by
/// fuzz_key()).
[[nodiscard]] std::vector<media::MadeChunk> few_chunks();
[[nodiscard]] const media::CryptKey& fuzz_key();
/// Snapshots, chunk archives and catalogs of these on a tape of all that can be on one.
[[nodiscard]] media::TapeMaker eventful_tape(std::uint64_t sequence);

}  // namespace tapeloft::fuzz
