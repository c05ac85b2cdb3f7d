// Writes tapes as Proxmox Backup Server does, and as it does when things go wrong.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/tape/tape_file.h"

#include "tests/media/pbs/memory_medium.h"

namespace tapeloft::media {

// Of most tests: the snapshot, and chunks that are longer than a block.
inline constexpr const char* kMadeSnapshot = "vm/100/2024-06-05T07:04:24Z";
inline constexpr std::size_t kMadeChunkSize = 300'000;

struct MadeChunk {
    PbsDigest digest{};
    Bytes data;
    Bytes blob;
};

enum class MadeEncoding : std::uint8_t { plain, zstd, encrypted, zstd_encrypted };

/// key: of the encrypted ones.
[[nodiscard]] MadeChunk make_chunk(Bytes data, MadeEncoding encoding = MadeEncoding::plain,
                                   ByteView key = {});
/// Random data; a tenth of it compresses.
[[nodiscard]] Bytes make_data(std::mt19937_64& random, std::size_t size);

struct MadeFile {
    std::string name;
    Bytes bytes;
    std::string manifest_entry;  ///< JSON; empty: it is not in the manifest
    bool on_tape = true;         ///< else only the manifest tells of it
};
/// An image (.fidx, chunks of one size but for the last) or archive (.didx) of these chunks.
[[nodiscard]] MadeFile make_fixed_index(const std::string& name,
                                        const std::vector<MadeChunk>& chunks,
                                        const std::string& mode = "none");
[[nodiscard]] MadeFile make_dynamic_index(const std::string& name,
                                          const std::vector<MadeChunk>& chunks,
                                          const std::string& mode = "none");
[[nodiscard]] MadeFile make_blob_file(const std::string& name, const Bytes& blob);

/// The records of a tape file; without an end block only those that are full.
[[nodiscard]] MemoryTapeFile frame_stream(ByteView stream, StreamEnd end);

enum class MadeCatalog : std::uint8_t {
    usual,               ///< content of version 1.1
    without_namespaces,  ///< of version 1.0, of jobs that see none
    never_released,      ///< a catalog of version 1.0
};

struct MadeSetLabel {
    std::string pool = "p";
    std::int64_t time_s = 1717571065;
    std::string key_fingerprint = "";  ///< of drive encryption
};

class TapeMaker {
  public:
    /// Label, and, unless the set is zeros, media-set label.
    TapeMaker(const std::string& barcode, std::uint8_t medium, PbsUuid set, std::uint64_t sequence);

    /// cut: the last chunk's blob ends that many bytes too early, as early warning does it.
    void chunk_archive(const std::string& store, const std::vector<MadeChunk>& chunks,
                       StreamEnd end = StreamEnd::complete, std::size_t cut = 0);
    /// key: the one that the manifest names, and that signs it.
    void snapshot(const std::string& store, const std::string& name,
                  const std::vector<MadeFile>& files, StreamEnd end = StreamEnd::complete,
                  const CryptKey* key = nullptr, bool is_signed = true);
    /// The catalog of a tape as it is now.
    void catalog(const TapeMaker& of, StreamEnd end = StreamEnd::complete,
                 MadeCatalog version = MadeCatalog::usual);
    /// The tape is taken for (another) media set: all behind its label is lost. Zeros: only
    /// reserved.
    void join(const PbsUuid& set, std::uint64_t sequence, const MadeSetLabel& label = {});
    void stray_filemark() { tape_->files.emplace_back(); }
    /// A tape file of any content.
    void stream(const PbsMagic& magic, const std::string& json, ByteView data, StreamEnd end);

    [[nodiscard]] const std::shared_ptr<MemoryTape>& tape() const { return tape_; }
    [[nodiscard]] std::size_t files() const { return tape_->files.size(); }
    [[nodiscard]] static PbsUuid uuid(std::uint8_t number);

  private:
    PbsUuid medium_;
    PbsUuid set_;
    std::uint64_t sequence_;
    Bytes catalog_;  ///< records of what counts
    std::shared_ptr<MemoryTape> tape_ = std::make_shared<MemoryTape>();
    std::uint32_t contents_ = 0;
    PbsUuid last_content_{};
};

}  // namespace tapeloft::media
