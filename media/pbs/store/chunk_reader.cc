#include "media/pbs/store/chunk_reader.h"

#include <algorithm>
#include <deque>

#include <boost/asio/post.hpp>

#include "cloud/base/hex.h"

#include "media/pbs/store/chunk_search.h"
#include "media/pbs/store/hidden_chunks.h"

namespace tapeloft::media {
namespace {

bool is_of_the_chunk(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io || error.code == Errc::not_found ||
           error.code == Errc::unsupported || error.code == Errc::denied;
}

}  // namespace

ChunkReader::ChunkReader(const Collection& collection, std::size_t set, std::string store,
                         const CryptKey* key)
    : collection_(collection),
      set_(set),
      store_(std::move(store)),
      key_(key),
      decoding_(std::make_shared<DecodeQueue>(key)) {}

ChunkReader::~ChunkReader() = default;

Result<void> ChunkReader::check(Buffer blob, const WantedChunk& chunk) const {
    const auto found = decode_chunk(std::move(blob), chunk, key_, keep_blobs_);
    return found ? Result<void>() : found.error();
}

Awaitable<Result<FoundChunk>> ChunkReader::read(const WantedChunk& chunk) {
    if (const auto known = damaged_.find(chunk); known != damaged_.end()) {
        co_return known->second;
    }
    auto found = co_await read_anywhere(chunk);
    if (!found && found.error().code == Errc::corrupt && damaged_.size() < kDamagedMax) {
        damaged_.emplace(chunk, found.error());
    }
    co_return found;
}

Awaitable<Result<FoundChunk>> ChunkReader::read_anywhere(const WantedChunk& chunk) {
    const auto places = collection_.places(set_, store_, chunk.digest);
    Error failure{Errc::not_found, collection_.why_nowhere(set_)};
    bool failed = false;
    bool is_hidden = places.empty();
    for (const auto& place : places) {
        auto found = co_await read_at(place, chunk);
        if (found) {
            co_return std::move(*found);
        }
        is_hidden = is_hidden || (found.error().code == Errc::not_found &&
                                  collection_.file(place.set, place.member, place.file) != nullptr);
        if (!is_of_the_chunk(found.error())) {
            co_return std::move(found).error();
        }
        failure = failed ? Error{failure.code, failure.message + "; " + found.error().message}
                         : found.error();
        failed = true;
    }
    if (is_hidden) {
        auto found = co_await read_hidden(chunk);
        if (found || !is_of_the_chunk(found.error())) {
            co_return found;
        }
        failure.message += "; the archives of the media set were looked into, too";
    }
    if (failure.code == Errc::io) {  // blocks that cannot be read
        failure.code = Errc::corrupt;
    }
    failure.message = "chunk " + to_hex(chunk.digest) + ": " + failure.message;
    co_return failure;
}

/// Where catalogs have not listed it, or not there.
Awaitable<Result<FoundChunk>> ChunkReader::read_hidden(const WantedChunk& chunk) {
    auto& hidden = collection_.hidden_chunks();
    TL_CO_TRY(const auto places, co_await hidden.find(collection_, set_, store_, chunk.digest));
    for (const auto& place : places) {
        TapeFile archive(collection_.medium(place.tape), place.file, place.extent, 1);
        auto found = co_await read_entry(archive, place.entry, chunk);
        if (found) {
            hidden.note_found(collection_, place);
        }
        if (found || !is_of_the_chunk(found.error())) {
            co_return found;
        }
    }
    co_return Error{Errc::not_found, "it is in no archive"};
}

Awaitable<Result<std::shared_ptr<ComingChunk>>> ChunkReader::begin(const WantedChunk& chunk) {
    auto coming = std::make_shared<ComingChunk>();
    coming->wanted = chunk;
    const auto places = collection_.places(set_, store_, chunk.digest);
    Result<Buffer> blob = Error{Errc::not_found, "it is on no tape"};
    if (!places.empty() && !damaged_.contains(chunk)) {
        blob = co_await read_blob(places.front(), chunk);
    }
    if (!blob && !is_of_the_chunk(blob.error())) {
        co_return std::move(blob).error();
    }
    if (!blob) {
        coming->found = std::move(blob).error();
        coming->done.set();
        co_return coming;
    }
    coming->keep_blob = keep_blobs_;
    decoding_->add(coming, std::move(*blob));
    if (pool_) {
        boost::asio::post(*pool_, [decoding = decoding_] { decoding->decode_one(); });
    } else {
        decoding_->decode_one();
    }
    co_return coming;
}

Awaitable<Result<FoundChunk>> ChunkReader::finish(std::shared_ptr<ComingChunk> coming) {
    if (!coming->done.is_set()) {
        const DecodeQueue::Hurry hurry(*decoding_);
        co_await coming->done.wait();
    }
    auto found = std::move(coming->found);
    if (found) {
        note_opened(coming->wanted, *found);
    } else {
        found = co_await read(coming->wanted);  // which tries all copies, and names their places
    }
    if (found && tell_) {
        tell_(coming->wanted);
    }
    co_return found;
}

Awaitable<Result<Buffer>> ChunkReader::read_blob(const PbsChunkPlace& place,
                                                 const WantedChunk& chunk) {
    TL_CO_TRY(auto* const at, archive(place));
    TL_CO_TRY(const auto entries, co_await at->find(chunk.digest));
    if (entries.empty()) {
        co_return Error{Errc::not_found, "it is not where it should be"};
    }
    auto blob = Buffer::allocate(entries.front().size);
    TL_CO_CHECK(co_await at->file().read_all(entries.front().offset, blob.mutable_view()));
    co_return blob;
}

Awaitable<Result<FoundChunk>> ChunkReader::read_at(const PbsChunkPlace& place,
                                                   const WantedChunk& chunk) {
    TL_CO_TRY(auto* const at, archive(place));
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

void ChunkReader::note_opened(const WantedChunk& chunk, const FoundChunk& found) noexcept {
    key_trusted_ = key_trusted_ || (chunk.encrypted && !found.data.empty());
}

Awaitable<Result<FoundChunk>> ChunkReader::read_entry(TapeFile& archive, const ChunkEntry& entry,
                                                      const WantedChunk& chunk) {
    auto blob = Buffer::allocate(entry.size);
    TL_CO_CHECK(co_await archive.read_all(entry.offset, blob.mutable_view()));
    auto found = decode_chunk(std::move(blob), chunk, key_, keep_blobs_);
    if (!found && found.error().code == Errc::denied && key_ != nullptr && key_trusted_) {
        found = Error{Errc::corrupt, "it is damaged: its key does not open it"};
    }
    if (!found) {
        co_return Error{found.error().code,
                        archive.name(entry.offset) + ": " + found.error().message};
    }
    note_opened(chunk, *found);
    co_return std::move(*found);
}

Result<ChunkSearch*> ChunkReader::archive(const PbsChunkPlace& place) {
    if (!used_.empty() && used_.front() != place) {
        archives_.at(used_.front())->file().let_go();
    }
    const auto known = archives_.find(place);
    if (known != archives_.end()) {
        used_.remove(place);
        used_.push_front(place);
        return known->second.get();
    }
    const auto* const scanned = collection_.file(place.set, place.member, place.file);
    if (scanned == nullptr) {
        return Error{Errc::not_found, "it is on " + collection_.name_of(place.set, place.member) +
                                          ", tape file " + std::to_string(place.file) +
                                          ", which is not here"};
    }
    const auto tape = collection_.sets().at(place.set).members.at(place.member).tape;
    auto opened = std::make_unique<ChunkSearch>(collection_.medium(*tape), *scanned, store_);
    if (archives_.size() == kArchivesMax) {
        archives_.erase(used_.back());
        used_.pop_back();
    }
    used_.push_front(place);
    return archives_.emplace(place, std::move(opened)).first->second.get();
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
    std::vector<const WantedChunk*> in_order;
    for (const auto& [place, wanted] : by_place) {
        // The order inside of the archive, as far as the tape or its catalog told.
        std::map<PbsDigest, std::size_t> order;
        if (const auto* const scanned = collection_.file(place.set, place.member, place.file)) {
            for (std::size_t i = 0; i < scanned->digests.size(); ++i) {
                order.emplace(scanned->digests[i], i);
            }
        }
        auto sorted = wanted;
        std::stable_sort(sorted.begin(), sorted.end(),
                         [&order](const WantedChunk* a, const WantedChunk* b) {
                             return order[a->digest] < order[b->digest];
                         });
        in_order.insert(in_order.end(), sorted.begin(), sorted.end());
    }
    in_order.insert(in_order.end(), nowhere.begin(), nowhere.end());
    co_return co_await read_one_by_one(in_order, sink);
}

Awaitable<Result<void>> ChunkReader::read_one_by_one(const std::vector<const WantedChunk*>& chunks,
                                                     const Sink& sink) {
    std::deque<std::shared_ptr<ComingChunk>> coming;
    std::uint64_t bytes = 0;
    for (auto next = chunks.begin(); next != chunks.end() || !coming.empty();) {
        const bool room = coming.empty() || (pool_ && bytes < kAhead);
        if (next != chunks.end() && room) {
            TL_CO_TRY(auto begun, co_await begin(**next));
            bytes += (*next)->size;
            coming.push_back(std::move(begun));
            ++next;
            continue;
        }
        const auto wanted = coming.front()->wanted;
        auto found = co_await finish(std::move(coming.front()));
        coming.pop_front();
        bytes -= wanted.size;
        if (!found && !is_of_the_chunk(found.error())) {
            co_return std::move(found).error();
        }
        TL_CO_CHECK(sink(wanted, std::move(found)));
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
