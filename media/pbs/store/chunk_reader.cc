#include "media/pbs/store/chunk_reader.h"

#include <algorithm>

#include "cloud/base/hex.h"

#include "media/pbs/store/chunk_search.h"

namespace tapeloft::media {
namespace {

bool is_of_the_chunk(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io || error.code == Errc::not_found ||
           error.code == Errc::unsupported || error.code == Errc::denied;
}

Error corrupt(const std::string& why) {
    return {Errc::corrupt, why};
}

}  // namespace

Result<Bytes> decode_chunk(ByteView blob, const WantedChunk& chunk, const CryptKey* key) {
    TL_TRY(const auto encoding, check_blob(blob));
    if (is_encrypted(encoding) != chunk.encrypted) {
        return corrupt(chunk.encrypted ? "it is not encrypted, and should be"
                                       : "it is encrypted, and should not be");
    }
    if (chunk.size > kBlobDataMax) {
        return corrupt("no chunk has " + std::to_string(chunk.size) + " bytes");
    }
    TL_TRY(auto data, decode_blob(blob, key, chunk.size));
    if (data.size() != chunk.size) {
        return corrupt("it holds " + std::to_string(data.size()) + " bytes, not " +
                       std::to_string(chunk.size));
    }
    const auto digest = chunk.encrypted ? key->chunk_digest(data) : chunk_digest(data);
    if (digest != chunk.digest) {
        return corrupt("its data have another digest");
    }
    return data;
}

ChunkReader::ChunkReader(const Collection& collection, std::size_t set, std::string store,
                         const CryptKey* key)
    : collection_(collection), set_(set), store_(std::move(store)), key_(key) {}

ChunkReader::~ChunkReader() = default;

Result<FoundChunk> ChunkReader::checked(Bytes blob, const WantedChunk& chunk) const {
    FoundChunk found;
    if (chunk.encrypted && key_ == nullptr && allow_undecoded_) {
        TL_TRY(const auto encoding, check_blob(blob));
        if (!is_encrypted(encoding)) {
            return corrupt("it is not encrypted, and should be");
        }
    } else {
        TL_TRY(found.data, decode_chunk(blob, chunk, key_));
    }
    found.blob = std::move(blob);
    return found;
}

Awaitable<Result<FoundChunk>> ChunkReader::read(const WantedChunk& chunk) {
    const auto places = collection_.places(set_, store_, chunk.digest);
    Error failure{Errc::not_found, "no tape of the media set has it"};
    bool failed = false;
    for (const auto& place : places) {
        auto found = co_await read_at(place, chunk);
        if (found) {
            co_return std::move(*found);
        }
        if (!is_of_the_chunk(found.error())) {
            co_return std::move(found).error();
        }
        failure = failed ? Error{failure.code, failure.message + "; " + found.error().message}
                         : found.error();
        failed = true;
    }
    failure.message = "chunk " + to_hex(chunk.digest) + ": " + failure.message;
    co_return failure;
}

Awaitable<Result<FoundChunk>> ChunkReader::read_at(const PbsChunkPlace& place,
                                                   const WantedChunk& chunk) {
    TL_CO_TRY(auto* const at, co_await archive(place));
    TL_CO_TRY(const auto entries, co_await at->find(chunk.digest));
    Error failure{Errc::not_found, at->file().name() + ": it should be there, and is not"};
    for (const auto& entry : entries) {
        auto found = co_await read_entry(at->file(), entry, chunk);
        if (found) {
            co_return std::move(*found);
        }
        failure = std::move(found).error();
    }
    co_return failure;
}

Awaitable<Result<FoundChunk>> ChunkReader::read_entry(TapeFile& archive, const ChunkEntry& entry,
                                                      const WantedChunk& chunk) {
    Bytes blob(entry.size);
    TL_CO_CHECK(co_await archive.read_all(entry.offset, blob));
    auto found = checked(std::move(blob), chunk);
    if (!found) {
        co_return Error{found.error().code,
                        archive.name(entry.offset) + ": " + found.error().message};
    }
    co_return std::move(*found);
}

Awaitable<Result<ChunkSearch*>> ChunkReader::archive(const PbsChunkPlace& place) {
    if (!used_.empty() && used_.front() != place) {
        archives_.at(used_.front())->file().let_go();
    }
    const auto known = archives_.find(place);
    if (known != archives_.end()) {
        used_.remove(place);
        used_.push_front(place);
        co_return known->second.get();
    }
    const auto* const scanned = collection_.file(set_, place.member, place.file);
    if (scanned == nullptr) {
        co_return Error{Errc::not_found, "it is on " + collection_.name_of(set_, place.member) +
                                             ", tape file " + std::to_string(place.file) +
                                             ", which is not here"};
    }
    const auto tape = collection_.sets().at(set_).members.at(place.member).tape;
    TL_CO_TRY(auto opened, co_await ChunkSearch::open(collection_.medium(*tape), *scanned, store_));
    if (archives_.size() == kArchivesMax) {
        archives_.erase(used_.back());
        used_.pop_back();
    }
    used_.push_front(place);
    co_return archives_.emplace(place, std::move(opened)).first->second.get();
}

Awaitable<Result<void>> ChunkReader::read_in_tape_order(std::vector<WantedChunk> chunks,
                                                        const Sink& sink) {
    std::sort(chunks.begin(), chunks.end());
    chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
    std::map<PbsChunkPlace, std::vector<const WantedChunk*>> by_place;
    std::vector<const WantedChunk*> nowhere;
    for (const auto& chunk : chunks) {
        const auto places = collection_.places(set_, store_, chunk.digest);
        (places.empty() ? nowhere : by_place[places.front()]).push_back(&chunk);
    }
    for (const auto& [place, wanted] : by_place) {
        // The order inside of the archive, as far as the tape or its catalog told.
        std::map<PbsDigest, std::size_t> order;
        if (const auto* const scanned = collection_.file(set_, place.member, place.file)) {
            for (std::size_t i = 0; i < scanned->digests.size(); ++i) {
                order.emplace(scanned->digests[i], i);
            }
        }
        auto sorted = wanted;
        std::stable_sort(sorted.begin(), sorted.end(),
                         [&order](const WantedChunk* a, const WantedChunk* b) {
                             return order[a->digest] < order[b->digest];
                         });
        for (const auto* const chunk : sorted) {
            auto found = co_await read(*chunk);
            if (!found && !is_of_the_chunk(found.error())) {
                co_return std::move(found).error();
            }
            TL_CO_CHECK(sink(*chunk, std::move(found)));
        }
    }
    for (const auto* const chunk : nowhere) {
        TL_CO_CHECK(sink(*chunk, co_await read(*chunk)));
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
