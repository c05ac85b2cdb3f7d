// Chunks of one datastore, by digest: of one media set, and where it lacks one, of the others. What
// is returned is what was backed up: CRC, decryption, length and digest are checked, and where one
// copy is damaged the next one is taken.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/chunk_decoder.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/tape/chunk_archive.h"

namespace tapeloft::media {

class ChunkSearch;

class ChunkReader {
  public:
    /// set: where chunks are looked for first. collection and key (null, if there is none) outlive
    /// this.
    ChunkReader(const Collection& collection, std::size_t set, std::string store,
                const CryptKey* key);
    ChunkReader(const ChunkReader&) = delete;
    ChunkReader& operator=(const ChunkReader&) = delete;
    ~ChunkReader();

    /// Blobs are decoded there while others are fetched: threads that do not wait for the caller's,
    /// and that end before the key does.
    void decode_on(Executor pool) { pool_ = std::move(pool); }
    /// Something proves that the key is the one that the chunks need, so what it does not open is
    /// damaged. A chunk that it opened proves it too.
    void trust_key() noexcept { key_trusted_ = true; }
    [[nodiscard]] bool has_pool() const noexcept { return pool_.has_value(); }
    /// Data on their way at once, so that the pool has always something to do; bytes.
    static constexpr std::uint64_t kAhead = 32ULL * 1024 * 1024;

    /// Errors: not_found (in no catalog, or on a tape that is not here: which one), corrupt (all
    /// copies, each with tape, tape file and block), denied (no key, or one that is not trusted
    /// and does not open it), those of the medium. What is
    /// corrupt stays so: it is not read again.
    Awaitable<Result<FoundChunk>> read(const WantedChunk& chunk);

    /// The same in two steps: begin() returns as soon as the blob is here. What is wrong with the
    /// chunk is told by finish(), which then looks for other copies. Errors of begin(): those of a
    /// medium that is out of reach; of finish(): as read().
    Awaitable<Result<std::shared_ptr<ComingChunk>>> begin(const WantedChunk& chunk);
    Awaitable<Result<FoundChunk>> finish(std::shared_ptr<ComingChunk> coming);

    /// Called for each chunk that was read and is sound; may be empty.
    using TellChunk = std::function<void(const WantedChunk& chunk)>;
    void tell(TellChunk tell) { tell_ = std::move(tell); }

    /// Chunks come with their blobs from now on, as a datastore keeps them. One that is encrypted
    /// need not be decoded then, if there is no key for it.
    void keep_blobs() noexcept { keep_blobs_ = true; }

    /// Whether the blob, from elsewhere, is the chunk: all that read() would check. Errors:
    /// corrupt, denied.
    [[nodiscard]] Result<void> check(Buffer blob, const WantedChunk& chunk) const;

    /// Called once for each chunk; an error it returns ends the reading.
    using Sink = std::function<Result<void>(const WantedChunk& chunk, Result<FoundChunk> found)>;
    /// All of them, in the order in which they stand on the tapes. Errors: of the sink, and those
    /// of a medium that is out of reach.
    Awaitable<Result<void>> read_in_tape_order(std::vector<WantedChunk> chunks, const Sink& sink);

  private:
    static constexpr std::size_t kArchivesMax = 64;
    static constexpr std::size_t kDamagedMax = 16'384;

    Result<ChunkSearch*> archive(const PbsChunkPlace& place);
    Awaitable<Result<FoundChunk>> read_anywhere(const WantedChunk& chunk);
    Awaitable<Result<FoundChunk>> read_hidden(const WantedChunk& chunk);
    Awaitable<Result<FoundChunk>> read_at(const PbsChunkPlace& place, const WantedChunk& chunk);
    Awaitable<Result<void>> read_one_by_one(const std::vector<const WantedChunk*>& chunks,
                                            const Sink& sink);
    /// The blob of the first entry found at the place.
    Awaitable<Result<Buffer>> read_blob(const PbsChunkPlace& place, const WantedChunk& chunk);
    void note_opened(const WantedChunk& chunk, const FoundChunk& found) noexcept;
    Awaitable<Result<FoundChunk>> read_entry(TapeFile& archive, const ChunkEntry& entry,
                                             const WantedChunk& chunk);

    const Collection& collection_;
    const std::size_t set_;
    const std::string store_;
    const CryptKey* const key_;
    bool keep_blobs_ = false;
    bool key_trusted_ = false;
    std::optional<Executor> pool_;
    std::shared_ptr<DecodeQueue> decoding_;  ///< what the pool has not begun with
    TellChunk tell_;
    std::map<PbsChunkPlace, std::unique_ptr<ChunkSearch>> archives_;
    std::list<PbsChunkPlace> used_;         ///< the last used one first
    std::map<WantedChunk, Error> damaged_;  ///< whose copies were all tried
};

}  // namespace tapeloft::media
