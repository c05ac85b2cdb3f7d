#include "media/pbs/store/hidden_chunks.h"

#include <algorithm>
#include <utility>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr auto kDigestOf = [](const auto& chunk) -> const PbsDigest& { return chunk.entry.digest; };

}  // namespace

Awaitable<Result<std::vector<HiddenChunks::Place>>> HiddenChunks::find(const Collection& collection,
                                                                       std::size_t set,
                                                                       const std::string& store,
                                                                       const PbsDigest& digest) {
    if (!chunks_.contains(set)) {
        auto& chunks = chunks_[set];
        const auto looked = co_await look_into(collection, set, chunks);
        std::ranges::stable_sort(chunks, {}, kDigestOf);
        TL_CO_CHECK(looked);
    }
    std::vector<Place> places;
    for (const auto& chunk : std::ranges::equal_range(chunks_.at(set), digest, {}, kDigestOf)) {
        const auto& archive = archives_[chunk.archive];
        if (archive.store.empty() || archive.store == store) {
            places.push_back(archive);
            places.back().entry = chunk.entry;
        }
    }
    co_return places;
}

Awaitable<Result<void>> HiddenChunks::look_into(const Collection& collection, std::size_t set,
                                                std::vector<Chunk>& chunks) {
    for (const auto& member : collection.sets().at(set).members) {
        if (!member.tape) {
            continue;
        }
        for (const auto& file : collection.tapes().at(*member.tape).files) {
            const bool is_known = file.ending && file.counts;  // all that is in it
            if (std::holds_alternative<ChunkArchiveHeader>(file.kind) && !is_known &&
                file.extent.records > 0) {
                const auto looked = co_await look_into(collection, *member.tape, file, chunks);
                if (!looked && !is_of_the_tape(looked.error())) {
                    co_return looked;
                }
            }
        }
    }
    co_return Result<void>();
}

Awaitable<Result<void>> HiddenChunks::look_into(const Collection& collection, std::size_t tape,
                                                const ScannedFile& file,
                                                std::vector<Chunk>& chunks) {
    auto store = std::get<ChunkArchiveHeader>(file.kind).store;
    TapeFile archive(collection.medium(tape), file.number, file.extent, 1);
    const auto content = co_await read_content(archive);
    const auto* const own = content ? std::get_if<ChunkArchiveHeader>(&content->kind) : nullptr;
    std::string listed_for;
    if (own != nullptr && own->store != store) {
        listed_for = std::exchange(store, own->store);
    }
    TL_CO_TRY(const auto head, co_await read_chunk_archive_head(
                                   archive, own != nullptr ? content->uuid : file.content, store));
    TL_CO_TRY(const auto ending, co_await archive.ending());
    const std::set<PbsDigest> listed(file.digests.begin(), file.digests.end());
    const auto number = static_cast<std::uint32_t>(archives_.size());
    archives_.push_back({tape, file.number, file.extent, store, {}, listed_for});
    ChunkArchiveWalk walk(archive, head.entries, ending.stream_size);
    while (true) {
        TL_CO_TRY(const auto entry, co_await walk.next());
        if (!entry) {
            co_return Result<void>();
        }
        if (!listed_for.empty() || !listed.contains(entry->digest)) {
            chunks.push_back({*entry, number});
        }
    }
}

void HiddenChunks::note_found(const Collection& collection, const Place& place) {
    if (proved_.insert(place.entry.digest).second && findings_.size() < kFindingsMax) {
        findings_.push_back(
            {false, "tape " + collection.tapes().at(place.tape).barcode + ", tape file " +
                        std::to_string(place.file) + ": chunk " + to_hex(place.entry.digest) +
                        " is there, which " +
                        (place.listed_for.empty() ? std::string("no catalog lists")
                                                  : "its catalog lists for the datastore " +
                                                        place.listed_for + ", not " + place.store) +
                        "; the archives of the media set were looked into for "
                        "it"});
    }
}

std::vector<TapeFinding> HiddenChunks::findings() const {
    auto findings = findings_;
    if (proved_.size() > findings_.size()) {
        findings.push_back({false, "and " + std::to_string(proved_.size() - findings_.size()) +
                                       " more chunks that no catalog lists"});
    }
    return findings;
}

}  // namespace tapeloft::media
