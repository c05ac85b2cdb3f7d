#include "media/pbs/store/chunk_search.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kProbesMax = 12;
constexpr std::size_t kTriesMax = 3;
constexpr std::size_t kCutsMax = 20;  ///< in one blob, and a few more
/// So few entries, a block each, or entries in so few bytes are passed one by one.
constexpr std::size_t kStepsMax = 3;
constexpr std::uint64_t kWalkedMax = 2 * kPbsPayloadMax;
/// Blocks for a probe: 2 MiB, about what lies between two entries.
constexpr std::size_t kProbeReadAhead = 8;

bool is_of_the_copy(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io || error.code == Errc::not_found ||
           error.code == Errc::unsupported;
}

std::uint64_t begin_of(const ChunkEntry& entry) {
    return entry.offset - layout::pbs_chunk_entry::kSize;
}

}  // namespace

ChunkSearch::ChunkSearch(TapeMedium& medium, const ScannedFile& scanned, std::string store)
    : medium_(medium),
      file_(medium, scanned.number, scanned.extent, 1),
      store_(std::move(store)),
      content_(scanned.content),
      count_(scanned.digests.size()) {
    for (std::size_t i = 0; i < scanned.digests.size(); ++i) {
        order_.emplace(scanned.digests[i], i);
    }
}

Awaitable<Result<std::vector<ChunkEntry>>> ChunkSearch::find(const PbsDigest& digest) {
    if (!entries_.contains(digest) && !walked_through_) {
        TL_CO_CHECK(co_await look_for(digest));
    }
    const auto [first, last] = order_.equal_range(digest);
    for (auto ordinal = first; ordinal != last && !entries_.contains(digest); ++ordinal) {
        if (file_.is_unreadable()) {
            co_return Error{Errc::corrupt, file_.name() + ": none of its blocks can be read (" +
                                               head_damage_ + ")"};
        }
        if (const auto* const gap = gap_at(ordinal->second)) {
            co_return Error{Errc::corrupt, gap->why};
        }
    }
    co_return known(digest);
}

Awaitable<Result<void>> ChunkSearch::look_for(const PbsDigest& digest) {
    const auto [first, last] = order_.equal_range(digest);
    if (first != last) {
        TL_CO_CHECK(co_await ask_for_cuts());
    }
    for (auto ordinal = first; ordinal != last && !entries_.contains(digest); ++ordinal) {
        TL_CO_CHECK(co_await search_cuts(ordinal->second));
    }
    if (!entries_.contains(digest) && stream_size_ == 0) {
        TL_CO_CHECK(co_await look_at_head());
    }
    for (auto ordinal = first; ordinal != last && !entries_.contains(digest); ++ordinal) {
        TL_CO_CHECK(co_await search(ordinal->second));
    }
    if (!entries_.contains(digest)) {
        TL_CO_CHECK(co_await walk_through());
    }
    co_return Result<void>();
}

/// What could not be read between its neighbours.
const ChunkArchiveWalk::Gap* ChunkSearch::gap_at(std::size_t ordinal) const {
    const auto above = places_.upper_bound(ordinal);
    const auto begin = above == places_.begin() ? 0 : std::prev(above)->second;
    const auto end = above == places_.end() ? stream_size_ : above->second;
    const auto gap = std::find_if(gaps_.begin(), gaps_.end(), [&](const auto& each) {
        return each.begin < end && each.end > begin;
    });
    return gap == gaps_.end() ? nullptr : &*gap;
}

Awaitable<Result<void>> ChunkSearch::ask_for_cuts() {
    if (cuts_) {
        co_return Result<void>();
    }
    auto cuts = co_await medium_.cuts(file_.number());
    if (!cuts && !is_of_the_copy(cuts.error())) {
        co_return std::move(cuts).error();
    }
    cuts_.emplace();
    for (const auto& cut : cuts ? *cuts : std::vector<RecordCut>()) {
        // The first one is the head of the tape file.
        if (cut.offset >= kPbsBlockHeaderSize && cut.record + cut.offset > kPbsBlockHeaderSize) {
            cuts_->push_back(cut.record * kPbsPayloadMax + cut.offset - kPbsBlockHeaderSize);
        }
    }
    // Fewer than entries: much of it is not stored.
    if (cuts_->size() < count_) {
        cuts_->clear();
    }
    cut_of_ = {{0, 0}, {count_, cuts_->size()}};
    co_return Result<void>();
}

/// There may be more cuts than entries: a long one is cut inside too.
Awaitable<Result<bool>> ChunkSearch::search_cuts(std::size_t ordinal) {
    for (std::size_t probes = 0; probes < kProbesMax; ++probes) {
        const auto above = cut_of_.upper_bound(ordinal);
        const auto below = std::prev(above);
        const auto cuts = above->second - below->second;
        const auto entries = above->first - below->first;
        // From the end that is nearer: fewer of the other cuts lie between.
        const auto behind = ordinal - below->first;
        const auto before = above->first - ordinal;
        auto guess = behind <= before ? below->second + cuts * behind / entries
                                      : above->second - cuts * before / entries;
        const bool is_likely = cuts == entries || std::min(behind, before) <= kStepsMax;
        std::optional<std::size_t> number;
        const auto last = std::min(above->second, guess + kCutsMax);
        for (; guess < last && !number; ++guess) {
            TL_CO_TRY(number, co_await look_at_cut(guess, is_likely));
            if (number && (*number < below->first || *number >= above->first)) {
                co_return false;  // it only looks like an entry
            }
            if (number) {
                cut_of_[*number] = guess;
            }
        }
        if (!number || *number == ordinal) {
            co_return number.has_value();
        }
        if (*number == below->first && cuts != entries) {
            co_return false;
        }
    }
    co_return false;
}

/// Which entry begins at the cut; nothing: none that was scanned. is_wanted: its blob will be too.
Awaitable<Result<std::optional<std::size_t>>> ChunkSearch::look_at_cut(std::size_t cut,
                                                                       bool is_wanted) {
    const auto offset = cuts_->at(cut);
    const auto end = cut + 1 < cuts_->size() ? cuts_->at(cut + 1) : offset + 1;
    if (is_wanted) {
        const auto blocks = end / kPbsPayloadMax - offset / kPbsPayloadMax + 1;
        file_.read_ahead(std::min<std::uint64_t>(blocks, TapeFile::kReadAheadMax));
    }
    std::array<std::uint8_t, layout::pbs_chunk_entry::kSize> header{};
    const auto read = co_await file_.read_all(offset, header);
    file_.read_ahead(1);
    if (!read && !is_of_the_copy(read.error())) {
        co_return read.error();
    }
    const auto entry = read ? parse_chunk_entry(header, offset) : std::nullopt;
    co_return entry ? note(*entry) : std::nullopt;
}

Awaitable<Result<void>> ChunkSearch::look_at_head() {
    TL_CO_TRY(auto head, co_await read_chunk_archive_head(file_, content_, store_));
    head_damage_ = std::move(head.damage);
    TL_CO_TRY(const auto ending, co_await file_.ending());
    stream_size_ = ending.stream_size;
    places_[0] = head.entries;
    places_[std::max<std::size_t>(1, count_)] = ending.stream_size;
    co_return Result<void>();
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
            gaps_ = entries.gaps();
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
