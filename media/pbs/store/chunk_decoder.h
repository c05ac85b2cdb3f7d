// What a chunk's blob holds, checked: CRC, decryption, decompression, length and digest.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/base/signal.h"

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/identifiers.h"

namespace tapeloft::media {

/// What the reader of an index knows of a chunk.
struct WantedChunk {
    PbsDigest digest{};
    std::uint64_t size = 0;  ///< bytes of data
    bool encrypted = false;

    friend auto operator<=>(const WantedChunk&, const WantedChunk&) = default;
};

struct FoundChunk {
    Buffer blob;  ///< empty, unless blobs are kept
    Buffer data;  ///< empty where it was not decoded
};

/// A chunk whose blob was fetched, and which may still be decoded.
struct ComingChunk {
    WantedChunk wanted;
    bool keep_blob = false;
    Signal done;
    Result<FoundChunk> found = Error{Errc::cancelled, "not decoded"};  ///< constant after done
};

/// Whether the blob is that chunk; nothing is read. key: null, if there is none. keep_blob: as
/// ChunkReader::keep_blobs() says. Errors: corrupt, denied.
[[nodiscard]] Result<FoundChunk> decode_chunk(Buffer blob, const WantedChunk& chunk,
                                              const CryptKey* key, bool keep_blob);

/// Blobs that wait for a thread to decode them, and data that wait for their digest. One thread
/// takes digests while the others decode, of kSha256InStep chunks at a time, which takes hardly
/// longer than of one (cloud/base/sha256.h); so a few of them wait for each other. Others join that
/// thread when it does not keep up. Any thread.
class DecodeQueue {
  public:
    /// So many wait for whoever takes digests.
    static constexpr std::size_t kUnnamedMax = 4;

    /// key outlives this.
    explicit DecodeQueue(const CryptKey* key);
    DecodeQueue(const DecodeQueue&) = delete;
    DecodeQueue& operator=(const DecodeQueue&) = delete;
    ~DecodeQueue();

    /// decode_one() is then to be called, once for each chunk that was added; when all these calls
    /// have returned, all of them are done, but for kUnnamedMax - 1 while nobody hurries.
    void add(std::shared_ptr<ComingChunk> coming, Buffer blob);
    void decode_one();

    /// Somebody waits for a chunk: what is not done is done as soon as nothing else is decoded.
    class Hurry {
      public:
        explicit Hurry(DecodeQueue& queue) : queue_(queue) { queue_.begin_hurry(); }
        Hurry(const Hurry&) = delete;
        Hurry& operator=(const Hurry&) = delete;
        ~Hurry() { queue_.end_hurry(); }

      private:
        DecodeQueue& queue_;
    };

  private:
    struct Waiting {
        std::shared_ptr<ComingChunk> coming;
        Buffer blob;
    };
    struct Unnamed;

    Waiting take_blob();
    void note_decoded(std::list<Unnamed> chunk);
    void begin_hurry();
    void end_hurry();
    [[nodiscard]] bool begin_taking();
    [[nodiscard]] bool ends();
    void take_digests();

    const CryptKey* const key_;
    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    std::list<Unnamed> unnamed_;
    std::size_t undecoded_ = 0;  ///< chunks that were added, until they are in unnamed_ or done
    std::size_t hurries_ = 0;
    std::size_t takers_ = 0;  ///< threads in take_digests()
};

}  // namespace tapeloft::media
