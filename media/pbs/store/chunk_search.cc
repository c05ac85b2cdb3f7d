#include "media/pbs/store/chunk_search.h"

#include <algorithm>
#include <iterator>

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kProbesMax = 12;
constexpr std::size_t kTriesMax = 3;
/// So few entries, a block each, or entries in so few bytes are passed one by one.
constexpr std::size_t kStepsMax = 3;
constexpr std::uint64_t kWalkedMax = 2 * kPbsPayloadMax;
/// Blocks for a probe: 2 MiB, about what lies between two entries.
constexpr std::size_t kProbeReadAhead = 8;

std::uint64_t begin_of(const ChunkEntry& entry) {
    return entry.offset - layout::pbs_chunk_entry::kSize;
}

}  // namespace

ChunkSearch::ChunkSearch(TapeMedium& medium, const ScannedFile& scanned)
    : file_(medium, scanned.number, scanned.extent, 1) {
    for (std::size_t i = 0; i < scanned.digests.size(); ++i) {
        order_.emplace(scanned.digests[i], i);
    }
}

Awaitable<Result<std::unique_ptr<ChunkSearch>>> ChunkSearch::open(TapeMedium& medium,
                                                                  const ScannedFile& scanned,
                                                                  const std::string& store) {
    std::unique_ptr<ChunkSearch> opened(new ChunkSearch(medium, scanned));
    auto& file = opened->file_;
    TL_CO_TRY(const auto content, co_await read_content(file));
    const auto* const header = std::get_if<ChunkArchiveHeader>(&content.kind);
    if (header == nullptr || header->store != store || content.uuid != scanned.content) {
        co_return Error{Errc::corrupt, file.name() + ": it is not the chunk archive it should be"};
    }
    TL_CO_TRY(const auto ending, co_await file.ending());
    opened->stream_size_ = ending.stream_size;
    opened->places_[0] = content.data_offset;
    opened->places_[std::max<std::size_t>(1, scanned.digests.size())] = ending.stream_size;
    co_return opened;
}

Awaitable<Result<std::vector<ChunkEntry>>> ChunkSearch::find(const PbsDigest& digest) {
    const auto [first, last] = order_.equal_range(digest);
    for (auto ordinal = first; ordinal != last && !entries_.contains(digest); ++ordinal) {
        TL_CO_CHECK(co_await search(ordinal->second));
    }
    if (!entries_.contains(digest) && !walked_through_) {
        TL_CO_CHECK(co_await walk_through());
    }
    co_return known(digest);
}

Awaitable<Result<bool>> ChunkSearch::search(std::size_t ordinal) {
    for (std::size_t probes = 0; probes < kProbesMax; ++probes) {
        const auto above = places_.upper_bound(ordinal);
        if (above == places_.end() || above == places_.begin()) {
            co_return false;
        }
        const auto below = std::prev(above);
        const auto [lowest, begin] = *below;
        const auto entry_size = (above->second - begin) / (above->first - lowest);
        const auto steps = ordinal - lowest;
        if (steps <= kStepsMax || entry_size * steps <= kWalkedMax) {
            co_return co_await walk(begin, ordinal);
        }
        // Aimed before the entry, as what is found is the next one behind the guess.
        auto distance = entry_size * steps - entry_size / 2;
        bool nearer = false;
        for (std::size_t tries = 0; tries < kTriesMax && !nearer; ++tries, distance /= 2) {
            TL_CO_TRY(nearer, co_await probe(begin + distance, lowest));
        }
        if (!nearer) {
            co_return co_await walk(begin, ordinal);
        }
    }
    co_return false;
}

Awaitable<Result<bool>> ChunkSearch::walk(std::uint64_t from, std::size_t ordinal) {
    ChunkArchiveWalk entries(file_, from, stream_size_);
    while (true) {
        TL_CO_TRY(const auto entry, co_await entries.next());
        if (!entry) {
            co_return false;
        }
        const auto number = note(*entry);
        if (number && *number >= ordinal) {
            co_return *number == ordinal;
        }
    }
}

Awaitable<Result<bool>> ChunkSearch::probe(std::uint64_t guess, std::size_t below) {
    const auto places_before = places_.size();
    file_.read_ahead(kProbeReadAhead);
    ChunkArchiveWalk entries(file_, guess, stream_size_);
    const auto entry = co_await entries.next();
    file_.read_ahead(1);
    if (!entry) {
        co_return entry.error();
    }
    if (!*entry) {
        co_return false;
    }
    const auto number = note(**entry);
    co_return number&&* number > below&& places_.size() > places_before;
}

Awaitable<Result<void>> ChunkSearch::walk_through() {
    ChunkArchiveWalk entries(file_, places_.at(0), stream_size_);
    while (true) {
        TL_CO_TRY(const auto entry, co_await entries.next());
        if (!entry) {
            walked_through_ = true;
            co_return Result<void>();
        }
        note(*entry);
    }
}

std::optional<std::size_t> ChunkSearch::note(const ChunkEntry& entry) {
    const auto [first, last] = entries_.equal_range(entry.digest);
    if (std::none_of(first, last,
                     [&](const auto& each) { return each.second.offset == entry.offset; })) {
        entries_.emplace(entry.digest, entry);
    }
    const auto ordinal = order_.find(entry.digest);
    if (ordinal == order_.end()) {
        return std::nullopt;
    }
    // Places grow with ordinals, or it only looks like an entry.
    const auto above = places_.upper_bound(ordinal->second);
    const bool fits = above == places_.end() || begin_of(entry) < above->second;
    if (fits && (above == places_.begin() || begin_of(entry) >= std::prev(above)->second)) {
        places_.emplace(ordinal->second, begin_of(entry));
        return ordinal->second;
    }
    return std::nullopt;
}

std::vector<ChunkEntry> ChunkSearch::known(const PbsDigest& digest) const {
    std::vector<ChunkEntry> found;
    const auto [first, last] = entries_.equal_range(digest);
    for (auto entry = first; entry != last; ++entry) {
        found.push_back(entry->second);
    }
    return found;
}

}  // namespace tapeloft::media
