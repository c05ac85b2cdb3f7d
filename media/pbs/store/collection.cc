#include "media/pbs/store/collection.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "media/pbs/store/hidden_chunks.h"

namespace tapeloft::media {
namespace {

/// PBS warns from 20 tapes in a set on.
constexpr std::uint64_t kMembersMax = 4096;

bool is_of_the_cartridge(const Error& error) {
    constexpr auto kCodes =
        std::to_array<Errc>({Errc::corrupt, Errc::io, Errc::unsupported, Errc::not_found,
                             Errc::precondition, Errc::busy, Errc::denied});
    return std::find(kCodes.begin(), kCodes.end(), error.code) != kCodes.end();
}

std::string pool_by_labels(const ScannedTape& tape) {
    if (tape.media_set && !tape.media_set->pool.empty()) {
        return tape.media_set->pool;
    }
    return tape.label ? tape.label->pool.value_or("") : "";
}

}  // namespace

bool MediaSet::is_complete() const noexcept {
    return std::all_of(members.begin(), members.end(),
                       [](const SetMember& member) { return member.tape.has_value(); });
}

Collection::Collection() : hidden_chunks_(std::make_shared<HiddenChunks>()) {}

Awaitable<Result<Collection>> Collection::scan(std::vector<std::unique_ptr<TapeMedium>> media,
                                               Options options) {
    Collection collection;
    for (auto& given : media) {
        auto medium = std::make_unique<SplitMedium>(std::move(given));
        if (options.progress) {
            options.progress(medium->barcode());
        }
        auto tape = co_await scan_labels(*medium);
        if (!tape && !is_of_the_cartridge(tape.error())) {
            co_return std::move(tape).error();
        }
        if (!tape) {
            ScannedTape unreadable;
            unreadable.barcode = medium->barcode();
            const auto code = tape.error().code;
            collection.unread_.emplace(medium->barcode(), tape.error().message);
            unreadable.findings.push_back(
                {code == Errc::corrupt || code == Errc::io,
                 "tape " + medium->barcode() + ": " + tape.error().message});
            tape = std::move(unreadable);
        }
        collection.media_.push_back(std::move(medium));
        collection.tapes_.push_back(std::move(*tape));
    }
    collection.place_without_labels();
    TL_CO_CHECK(collection.keep_pool(options.pool));
    collection.form_sets();
    TL_CO_CHECK(co_await collection.scan_tape_files(options));
    collection.take_contents();
    co_return collection;
}

/// What was scanned, by chunk and by snapshot.
void Collection::take_contents() {
    chunks_.assign(sets_.size(), {});
    snapshots_.clear();
    findings_.clear();
    for (std::size_t set = 0; set < sets_.size(); ++set) {
        for (std::size_t member = 0; member < sets_[set].members.size(); ++member) {
            if (sets_[set].tells_of(member)) {
                add_contents(set, member);
            }
        }
        add_chunks_of_lost_heads(set);
        std::sort(chunks_[set].begin(), chunks_[set].end());
    }
    snapshot_numbers_.clear();
    std::sort(snapshots_.begin(), snapshots_.end(), [](const PbsSnapshot& a, const PbsSnapshot& b) {
        return std::tuple(a.store, a.name.group_path(), a.name.time_s) <
               std::tuple(b.store, b.name.group_path(), b.name.time_s);
    });
    for (auto& snapshot : snapshots_) {
        std::stable_sort(snapshot.copies.begin(), snapshot.copies.end(),
                         [this](const SnapshotCopy& a, const SnapshotCopy& b) {
                             return sets_[a.set].time_s > sets_[b.set].time_s;
                         });
    }
}

Awaitable<Result<bool>> Collection::check_catalogs() {
    bool wrong = false;
    for (std::size_t tape = 0; tape < tapes_.size() && !catalogs_checked_; ++tape) {
        if (!tapes_[tape].by_catalog) {
            continue;
        }
        const auto checked = co_await check_cataloged_files(*media_[tape], tapes_[tape]);
        if (!checked && !is_of_the_cartridge(checked.error())) {
            co_return checked.error();
        }
        wrong = wrong || (checked && *checked);
    }
    catalogs_checked_ = true;
    if (wrong) {
        take_contents();
    }
    co_return wrong;
}

/// Where the labels of a tape are damaged or missing, and its own catalogs do not tell either, one
/// on another tape may. Else what is on it can still be read, as a media set by itself.
void Collection::place_without_labels() {
    for (auto& tape : tapes_) {
        if (!tape.lost_labels) {
            continue;
        }
        const bool both = tape.label->uuid == PbsUuid{} || tape.label->time_s == 0;
        const auto* const catalog = tape.media_set ? nullptr : catalog_with(*tape.lost_labels);
        if (catalog != nullptr) {
            tape.label->uuid = catalog->medium;
            tape.media_set = MediaSetLabel{"", catalog->media_set, catalog->sequence, 0, {}};
        }
        const bool known = tape.media_set.has_value();
        if (!known) {
            tape.media_set = MediaSetLabel{"", *tape.lost_labels, 0, 0, {}};
        }
        tape.findings.push_back(
            {true, "tape " + tape.barcode + ": " +
                       (both ? "both of its labels are damaged or missing; "
                             : "its media-set label is damaged or missing; ") +
                       (known ? "catalogs say that it is number " +
                                    std::to_string(tape.media_set->sequence) + " of media set " +
                                    uuid_text(tape.media_set->uuid)
                              : "no catalog says of what media set it is, so it is read as one of "
                                "its own")});
        for (auto& finding : tape.findings) {
            finding.made_good = finding.made_good || known;
        }
    }
}

std::string Collection::pool_of(const ScannedTape& tape) const {
    if (auto own = pool_by_labels(tape); !own.empty() || !tape.media_set) {
        return own;
    }
    const auto other = std::ranges::find_if(tapes_, [&tape](const ScannedTape& each) {
        return each.media_set && each.media_set->uuid == tape.media_set->uuid &&
               !pool_by_labels(each).empty();
    });
    return other == tapes_.end() ? "" : pool_by_labels(*other);
}

/// A tape that may be of the pool stays: what is damaged on it is not to be missed.
Result<void> Collection::keep_pool(const std::string& pool) {
    if (pool.empty()) {
        return {};
    }
    std::set<std::string> others;
    std::vector<bool> keep;
    for (const auto& tape : tapes_) {
        const auto its_own = pool_of(tape);
        const bool unknown =
            its_own.empty() &&
            (tape.media_set || std::ranges::any_of(tape.findings, &TapeFinding::is_damage));
        keep.push_back(its_own == pool || unknown);
        if (!its_own.empty() && its_own != pool) {
            others.insert(its_own);
        }
    }
    for (auto tape = tapes_.size(); tape-- > 0;) {
        if (!keep[tape]) {
            tapes_.erase(tapes_.begin() + static_cast<std::ptrdiff_t>(tape));
            media_.erase(media_.begin() + static_cast<std::ptrdiff_t>(tape));
        }
    }
    if (!tapes_.empty()) {
        return {};
    }
    std::string names;
    for (const auto& other : others) {
        names += (names.empty() ? "; the pools are: " : ", ") + other;
    }
    return Error{Errc::not_found, "no tape of the pool \"" + pool + "\" is here" + names};
}

/// One of a media set that lists the content.
const MediaCatalog* Collection::catalog_with(const PbsUuid& content) const {
    const auto has_it = [&](const auto& file) {
        return std::visit([&](const auto& row) { return row.content == content; }, file);
    };
    for (const auto& tape : tapes_) {
        for (const auto& catalog : tape.catalogs) {
            if (catalog.media_set != PbsUuid{} && std::ranges::any_of(catalog.files, has_it)) {
                return &catalog;
            }
        }
    }
    return nullptr;
}

void Collection::form_sets() {
    for (std::size_t tape = 0; tape < tapes_.size(); ++tape) {
        add_member(tape);
    }
    for (auto& set : sets_) {
        for (const auto& member : set.members) {
            if (member.tape && set.time_s == 0) {  // one without labels does not know
                set.time_s = tapes_[*member.tape].media_set->time_s;
            }
        }
    }
    // A catalog tells of tapes that are not here, and how many there are.
    for (const auto& tape : tapes_) {
        for (const auto& catalog : tape.catalogs) {
            const auto set = std::find_if(sets_.begin(), sets_.end(), [&](const MediaSet& each) {
                return each.uuid == catalog.media_set;
            });
            if (set == sets_.end() || catalog.sequence >= kMembersMax) {
                continue;
            }
            set->members.resize(std::max<std::size_t>(set->members.size(), catalog.sequence + 1));
            auto& member = set->members[catalog.sequence];
            if (!member.medium) {
                member.medium = catalog.medium;
            }
        }
    }
    add_twins();
    std::stable_sort(sets_.begin(), sets_.end(), [](const MediaSet& a, const MediaSet& b) {
        return std::tuple(a.time_s, a.uuid) < std::tuple(b.time_s, b.uuid);
    });
}

void Collection::add_member(std::size_t tape) {
    auto& scanned = tapes_[tape];
    if (!scanned.label || !scanned.media_set) {
        return;
    }
    const auto& label = *scanned.media_set;
    const auto note = [&](bool is_damage, const std::string& why) {
        scanned.findings.push_back({is_damage, "tape " + scanned.barcode + ": " + why});
    };
    if (label.sequence >= kMembersMax) {
        note(true, "number " + std::to_string(label.sequence) + " in its media set is impossible");
        return;
    }
    auto set = std::find_if(sets_.begin(), sets_.end(),
                            [&](const MediaSet& each) { return each.uuid == label.uuid; });
    if (set == sets_.end()) {
        set = sets_.insert(sets_.end(), MediaSet{label.uuid, label.pool, 0, {}, {}});
    }
    if (set->pool.empty()) {
        set->pool = label.pool;
    }
    set->members.resize(std::max<std::size_t>(set->members.size(), label.sequence + 1));
    auto& member = set->members[label.sequence];
    if (member.tape) {
        note(false, "tape " + tapes_[*member.tape].barcode + " has the same number " +
                        std::to_string(label.sequence) +
                        " in the same media set; what one has not is taken from the other");
        twins_.push_back(tape);
        return;
    }
    member.tape = tape;
    member.medium = scanned.label->uuid;
}

void Collection::add_twins() {
    for (const auto tape : twins_) {
        const auto& label = *tapes_[tape].media_set;
        auto twin = *std::ranges::find(sets_, label.uuid, &MediaSet::uuid);
        twin.twin = label.sequence;
        twin.members[label.sequence] = {tape, tapes_[tape].label->uuid};
        sets_.push_back(std::move(twin));
    }
    twins_.clear();
}

const MediaCatalog* Collection::catalog_of(std::size_t set, std::size_t member) const {
    const MediaCatalog* best = nullptr;
    const auto last_file = [](const MediaCatalog& catalog) {
        return catalog.files.empty()
                   ? 0
                   : std::visit([](const auto& row) { return row.file; }, catalog.files.back());
    };
    for (const auto& tape : tapes_) {
        for (const auto& catalog : tape.catalogs) {
            if (catalog.media_set == sets_[set].uuid && catalog.sequence == member &&
                catalog.medium == sets_[set].members[member].medium &&
                (best == nullptr || last_file(catalog) > last_file(*best))) {
                best = &catalog;
            }
        }
    }
    return best;
}

Awaitable<Result<void>> Collection::scan_tape_files(const Options& options) {
    for (std::size_t tape = 0; tape < tapes_.size(); ++tape) {
        if (!tapes_[tape].label) {
            continue;
        }
        const MediaCatalog* catalog = nullptr;
        for (std::size_t set = 0; set < sets_.size() && !options.full; ++set) {
            for (std::size_t member = 0; member < sets_[set].members.size(); ++member) {
                if (sets_[set].members[member].tape == tape) {
                    catalog = catalog_of(set, member);
                }
            }
        }
        if (options.progress) {
            options.progress(tapes_[tape].barcode);
        }
        auto scanned = co_await scan_files(*media_[tape], catalog, tapes_[tape]);
        if (!scanned && !is_of_the_cartridge(scanned.error())) {
            co_return std::move(scanned).error();
        }
        if (!scanned) {
            tapes_[tape].findings.push_back(
                {true, "tape " + tapes_[tape].barcode + ": " + scanned.error().message});
        }
    }
    co_return Result<void>();
}

void Collection::add_contents(std::size_t set, std::size_t member) {
    const auto& place = sets_[set].members[member];
    if (place.tape) {
        for (const auto& file : tapes_[*place.tape].files) {
            if (!file.counts) {
                continue;
            }
            if (const auto* const chunks = std::get_if<ChunkArchiveHeader>(&file.kind);
                chunks != nullptr && !chunks->store.empty()) {
                add_chunks(set, member, file.number, chunks->store, file.digests);
            } else if (const auto* const found = std::get_if<SnapshotArchiveHeader>(&file.kind)) {
                add_snapshot(found->store, found->snapshot,
                             {set, member, file.number, file.content});
            }
        }
        return;
    }
    findings_.push_back({false, name_of(set, member) + " is not here"});
    const auto* const catalog = catalog_of(set, member);
    if (catalog == nullptr) {
        return;
    }
    for (const auto& file : catalog->files) {
        if (const auto* const chunks = std::get_if<CatalogedChunks>(&file)) {
            add_chunks(set, member, chunks->file, chunks->store, chunks->digests);
        } else {
            const auto& found = std::get<CatalogedSnapshot>(file);
            add_snapshot(found.store, found.name, {set, member, found.file, found.content});
        }
    }
}

/// An archive that lost its head may be of any datastore that is in the media set.
void Collection::add_chunks_of_lost_heads(std::size_t set) {
    std::set<std::string> stores;
    std::vector<std::pair<std::size_t, const ScannedFile*>> lost;
    const auto& members = sets_[set].members;
    for (std::size_t member = 0; member < members.size(); ++member) {
        if (!members[member].tape || !sets_[set].tells_of(member)) {
            continue;
        }
        for (const auto& file : tapes_[*members[member].tape].files) {
            if (const auto* const snapshot = std::get_if<SnapshotArchiveHeader>(&file.kind)) {
                stores.insert(snapshot->store);
            } else if (const auto* const chunks = std::get_if<ChunkArchiveHeader>(&file.kind);
                       chunks != nullptr && chunks->store.empty() && file.counts) {
                lost.emplace_back(member, &file);
            }
        }
    }
    for (const auto& [member, file] : lost) {
        for (const auto& store : stores) {
            add_chunks(set, member, file->number, store, file->digests);
        }
    }
}

void Collection::add_chunks(std::size_t set, std::size_t member, std::uint64_t file,
                            const std::string& store, const std::vector<PbsDigest>& digests) {
    const auto number = store_number(store);
    for (const auto& digest : digests) {
        chunks_[set].push_back(
            {digest, static_cast<std::uint32_t>(member), static_cast<std::uint32_t>(file), number});
    }
}

void Collection::add_snapshot(const std::string& store, const SnapshotName& name,
                              const SnapshotCopy& copy) {
    const auto text = store + ":" + name.text();
    const auto [known, is_new] = snapshot_numbers_.emplace(text, snapshots_.size());
    if (is_new) {
        snapshots_.push_back({store, name, {}});
    }
    snapshots_[known->second].copies.push_back(copy);
}

std::uint32_t Collection::store_number(const std::string& store) {
    return stores_.emplace(store, static_cast<std::uint32_t>(stores_.size())).first->second;
}

std::vector<PbsChunkPlace> Collection::places(std::size_t set, const std::string& store,
                                              const PbsDigest& digest) const {
    std::vector<PbsChunkPlace> places;
    const auto known = stores_.find(store);
    if (known == stores_.end()) {
        return places;
    }
    for (std::size_t in = 0; in < chunks_.size(); ++in) {
        const auto& rows = chunks_[in];
        auto row = std::lower_bound(
            rows.begin(), rows.end(), digest,
            [](const ChunkRow& each, const PbsDigest& wanted) { return each.digest < wanted; });
        for (; row != rows.end() && row->digest == digest; ++row) {
            if (row->store == known->second) {
                places.push_back({in, row->member, row->file});
            }
        }
    }
    const auto rank = [&](const PbsChunkPlace& place) {
        const bool is_here = sets_[place.set].members[place.member].tape.has_value();
        return std::tuple(is_here, place.set == set, place);
    };
    std::ranges::sort(places, std::ranges::greater(), rank);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

std::string Collection::why_nowhere(std::size_t set) const {
    std::string absent;
    const auto& members = sets_.at(set).members;
    for (std::size_t member = 0; member < members.size(); ++member) {
        if (!members[member].tape) {
            absent += (absent.empty() ? "it may be on " : " or ") + name_of(set, member);
        }
    }
    return absent.empty() ? "no tape of the media set has it" : absent;
}

std::string Collection::name_of(std::size_t set, std::size_t member) const {
    const auto& place = sets_.at(set).members.at(member);
    if (place.tape) {
        return "tape " + tapes_[*place.tape].barcode;
    }
    return "tape number " + std::to_string(member) + " of media set " + uuid_text(sets_[set].uuid) +
           (place.medium ? " (medium " + uuid_text(*place.medium) + ")" : "");
}

const ScannedFile* Collection::file(std::size_t set, std::size_t member,
                                    std::uint64_t number) const {
    const auto& place = sets_.at(set).members.at(member);
    if (!place.tape) {
        return nullptr;
    }
    const auto& files = tapes_[*place.tape].files;
    const auto found = std::lower_bound(
        files.begin(), files.end(), number,
        [](const ScannedFile& each, std::uint64_t wanted) { return each.number < wanted; });
    return found != files.end() && found->number == number ? &*found : nullptr;
}

}  // namespace tapeloft::media
