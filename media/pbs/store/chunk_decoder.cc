#include "media/pbs/store/chunk_decoder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "cloud/base/sha256.h"

#include "media/pbs/store/data_blob.h"

namespace tapeloft::media {
namespace {

Error corrupt_chunk(const std::string& why) {
    return {Errc::corrupt, why};
}

Error not_encrypted() {
    return corrupt_chunk("it is not encrypted, and should be");
}

Result<Buffer> decode_unnamed(const Buffer& blob, const WantedChunk& chunk, const CryptKey* key) {
    TL_TRY(const auto encoding, blob_encoding(blob.view()));
    if (is_encrypted(encoding) != chunk.encrypted) {
        return chunk.encrypted ? not_encrypted()
                               : corrupt_chunk("it is encrypted, and should not be");
    }
    if (chunk.size > kBlobDataMax) {
        return corrupt_chunk("no chunk has " + std::to_string(chunk.size) + " bytes");
    }
    TL_TRY(auto data, decode_blob(blob, key, chunk.size));
    if (data.size() != chunk.size) {
        return corrupt_chunk("it holds " + std::to_string(data.size()) + " bytes, not " +
                             std::to_string(chunk.size));
    }
    return data;
}

/// All but the digest: with `needs_digest` it is to be taken. What is encrypted stays so where
/// there is no key, if the blob is what is wanted.
Result<FoundChunk> begin_decoding(Buffer blob, const WantedChunk& wanted, const CryptKey* key,
                                  bool keep_blob, bool& needs_digest) {
    FoundChunk found;
    needs_digest = !wanted.encrypted || key != nullptr || !keep_blob;
    if (needs_digest) {
        TL_TRY(found.data, decode_unnamed(blob, wanted, key));
    } else {
        TL_TRY(const auto encoding, check_blob(blob.view()));
        if (!is_encrypted(encoding)) {
            return not_encrypted();
        }
    }
    if (keep_blob) {
        found.blob = std::move(blob);
    }
    return found;
}

Sha256Message message_of(const WantedChunk& wanted, const Buffer& data, const CryptKey* key,
                         PbsDigest* digest) {
    const auto plain = data.view();
    return {wanted.encrypted ? key->chunk_message(plain) : std::array{plain, ByteView()}, digest};
}

Result<FoundChunk> if_named(Result<FoundChunk> found, const WantedChunk& wanted,
                            const PbsDigest& digest) {
    if (found && digest != wanted.digest) {
        return corrupt_chunk("its data have another digest");
    }
    return found;
}

}  // namespace

Result<FoundChunk> decode_chunk(Buffer blob, const WantedChunk& chunk, const CryptKey* key,
                                bool keep_blob) {
    bool needs_digest = false;
    auto found = begin_decoding(std::move(blob), chunk, key, keep_blob, needs_digest);
    if (!found || !needs_digest) {
        return found;
    }
    const auto plain = found->data.view();
    const auto digest = chunk.encrypted ? key->chunk_digest(plain) : chunk_digest(plain);
    return if_named(std::move(found), chunk, digest);
}

struct DecodeQueue::Unnamed {
    std::shared_ptr<ComingChunk> coming;
    Result<FoundChunk> found;
    PbsDigest digest{};
};

DecodeQueue::DecodeQueue(const CryptKey* key) : key_(key) {}

DecodeQueue::~DecodeQueue() = default;

void DecodeQueue::add(std::shared_ptr<ComingChunk> coming, Buffer blob) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(coming), std::move(blob)});
    ++undecoded_;
}

DecodeQueue::Waiting DecodeQueue::take_blob() {
    const std::lock_guard lock(mutex_);
    TL_ASSERT(!waiting_.empty());
    auto taken = std::move(waiting_.front());
    waiting_.pop_front();
    return taken;
}

void DecodeQueue::decode_one() {
    auto [coming, blob] = take_blob();
    bool needs_digest = false;
    auto found =
        begin_decoding(std::move(blob), coming->wanted, key_, coming->keep_blob, needs_digest);
    std::list<Unnamed> unnamed;
    if (!found || !needs_digest) {
        coming->found = std::move(found);
        coming->done.set();
    } else {
        unnamed.push_back({std::move(coming), std::move(found)});
    }
    note_decoded(std::move(unnamed));
}

void DecodeQueue::note_decoded(std::list<Unnamed> chunk) {
    {
        const std::lock_guard lock(mutex_);
        unnamed_.splice(unnamed_.end(), chunk);
        --undecoded_;
        if (!begin_taking()) {
            return;
        }
    }
    take_digests();
}

void DecodeQueue::begin_hurry() {
    {
        const std::lock_guard lock(mutex_);
        ++hurries_;
        if (!begin_taking()) {
            return;
        }
    }
    take_digests();
}

void DecodeQueue::end_hurry() {
    const std::lock_guard lock(mutex_);
    --hurries_;
}

/// Under the mutex. False: there is nothing to take digests of, or others do, or it can wait.
bool DecodeQueue::begin_taking() {
    const bool together = unnamed_.size() >= kUnnamedMax;
    const bool at_once = takers_ == 0 && !unnamed_.empty() && hurries_ != 0 && undecoded_ == 0;
    takers_ += together || at_once ? 1 : 0;
    return together || at_once;
}

/// Whoever leaves a chunk to the others either is seen here, or sees that there are none.
bool DecodeQueue::ends() {
    const std::lock_guard lock(mutex_);
    if (!unnamed_.empty()) {
        return false;
    }
    --takers_;
    return true;
}

void DecodeQueue::take_digests() {
    std::list<Unnamed> taken;
    const auto next = [&]() -> std::optional<Sha256Message> {
        const std::lock_guard lock(mutex_);
        if (unnamed_.empty()) {
            return std::nullopt;
        }
        taken.splice(taken.end(), unnamed_, unnamed_.begin());
        auto& chunk = taken.back();
        return message_of(chunk.coming->wanted, chunk.found->data, key_, &chunk.digest);
    };
    const auto done = [&taken](const Sha256Digest* digest) {
        const auto chunk = std::find_if(taken.begin(), taken.end(), [digest](const Unnamed& each) {
            return &each.digest == digest;
        });
        auto& coming = *chunk->coming;
        coming.found = if_named(std::move(chunk->found), coming.wanted, chunk->digest);
        coming.done.set();
        taken.erase(chunk);
    };
    do {
        sha256_each(next, done);
    } while (!ends());
}

}  // namespace tapeloft::media
