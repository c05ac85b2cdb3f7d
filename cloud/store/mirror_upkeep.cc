#include "cloud/store/mirror_upkeep.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <random>
#include <sstream>
#include <utility>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

namespace tapeloft {
namespace {

constexpr std::string_view kRosterPrefix = "mirror/roster/";
constexpr std::string_view kBehindOwn = "mirror0";  // "0" follows "/"
constexpr std::size_t kIdSize = 16;                 // bytes
constexpr std::size_t kOwnObjectMax = 64UL * 1024;  // bytes
constexpr std::size_t kPage = 1000;
constexpr char kDivergedMark = '!';
constexpr char kLackingMark = '=';

std::string random_id() {
    std::random_device random;
    Bytes drawn(kIdSize);
    std::ranges::generate(drawn, [&random] { return static_cast<std::uint8_t>(random()); });
    return to_hex(drawn);
}

/// Unset: no name of a roster.
std::optional<std::uint64_t> epoch_of(std::string_view name) {
    std::array<std::uint8_t, 8> bytes{};
    if (!from_hex(name.substr(kRosterPrefix.size()), bytes)) {
        return std::nullopt;
    }
    std::uint64_t epoch = 0;
    for (const auto byte : bytes) {
        epoch = epoch << 8U | byte;
    }
    return epoch;
}

std::vector<std::string> words_of(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
        words.push_back(std::move(word));
    }
    return words;
}

/// A small object of the mirror itself, as words. Errors: corrupt; those of the store.
Awaitable<Result<std::vector<std::string>>> read_words(ObjectStore& store, std::string name) {
    TL_CO_TRY(const auto known, co_await store.head(name));
    if (known.size > kOwnObjectMax) {
        co_return Error{Errc::corrupt, name + " is no object of a mirror: it is too large"};
    }
    TL_CO_TRY(const auto body, co_await store.get(name, {}));
    co_return words_of(as_text(body.view()));
}

Awaitable<Result<bool>> is_empty(ObjectStore& store) {
    TL_CO_TRY(const auto first, co_await store.list("", "", 1));
    if (!first.objects.empty() && !first.objects.front().name.starts_with(kMirrorNames)) {
        co_return false;
    }
    TL_CO_TRY(const auto behind, co_await store.list("", std::string(kBehindOwn), 1));
    co_return behind.objects.empty();
}

/// Of a member that this machine cannot ask for its id.
std::string place_mark(const ObjectStore& store) {
    const std::array parts{as_bytes(store.url())};
    return to_hex(ByteView(digest(DigestAlgorithm::sha256, parts)).first(kIdSize));
}

}  // namespace

std::string MirrorUpkeep::roster_name(std::uint64_t epoch) {
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(epoch));
    return std::string(kRosterPrefix) + digits.data();
}

MirrorUpkeep::MirrorUpkeep(MirrorParts& parts, MirrorBook& book)
    : parts_(parts),
      book_(book),
      entries_(parts.members.size()),
      agreement_(std::make_shared<MirrorAgreement>(parts.agreed)) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        meetings_.push_back(std::make_shared<Meeting>());
    }
}

bool MirrorUpkeep::is_replaced(std::string_view name) const {
    return std::ranges::any_of(parts_.replaced,
                               [&](const auto& prefix) { return name.starts_with(prefix); });
}

// The start

Awaitable<Result<void>> MirrorUpkeep::ready() {
    auto job = [this] { return get_ready(); };
    co_return co_await ready_.run(job);
}

Awaitable<Result<void>> MirrorUpkeep::get_ready() {
    TL_CO_CHECK(recall());
    co_await meet_those_away(std::max(needed(), parts_.required));
    co_await roster_turn_.take();
    auto learnt = co_await learn_who_is_in_step();
    roster_turn_.give();
    co_return learnt;
}

Awaitable<Result<void>> MirrorUpkeep::learn_who_is_in_step() {
    TL_CO_CHECK(identify());
    if (roster_.epoch == 0) {
        co_await meet_those_away(parts_.members.size());
        TL_CO_CHECK(identify());
    }
    if (roster_.epoch == 0) {
        TL_CO_CHECK(co_await begin_mirror());
    }
    TL_CO_CHECK(check_enough());
    at_start_ = roster_.members;
    take_in_all();
    co_return remember();
}

/// "MIRROR EPOCH ID ID ... !ID ... =PLACE:COUNT ...", the ids of those in step, (!) of those that
/// diverged, and (=) how much those that are behind lack.
Result<void> MirrorUpkeep::recall() {
    if (parts_.memory == nullptr || asked_memory_) {
        return {};
    }
    TL_TRY(const auto text, parts_.memory->load());
    asked_memory_ = true;
    const auto words = words_of(text.value_or(""));
    if (words.size() < 2) {
        return {};
    }
    const auto epoch = epoch_of(std::string(kRosterPrefix) + words[1]);
    if (!epoch) {
        return Error{Errc::corrupt, "what this machine knew of the mirror cannot be read"};
    }
    mirror_ = words[0];
    roster_ = {*epoch, {}};
    for (auto word = words.begin() + 2; word != words.end(); ++word) {
        if (word->starts_with(kDivergedMark)) {
            diverged_.insert(word->substr(1));
        } else if (word->starts_with(kLackingMark)) {
            recall_lacking(word->substr(1));
        } else {
            roster_.members.insert(*word);
        }
    }
    recalled_ = true;
    return {};
}

void MirrorUpkeep::recall_lacking(std::string_view word) {
    const auto colon = word.find(':');
    for (std::size_t i = 0; i < entries_.size() && colon != std::string_view::npos; ++i) {
        const auto digits = word.substr(colon + 1);
        std::uint64_t count = 0;
        const auto read = std::from_chars(digits.begin(), digits.end(), count);
        if (word.substr(0, colon) == place_mark(store(i)) && read.ec == std::errc()) {
            book_.note_lacking(i, count);
        }
    }
}

/// As words, those that lack nothing left out.
std::string MirrorUpkeep::lacking_of_all() const {
    std::string text;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto count = book_.lacking(i, parts_.replaced);
        if (count != 0) {
            text += std::string(" ") + kLackingMark + place_mark(store(i)) + ":" +
                    std::to_string(count);
        }
    }
    return text;
}

/// What the next run tells people until the lists are compared.
Awaitable<void> MirrorUpkeep::remember_lacking() {
    co_await roster_turn_.take();
    if (lacking_of_all() != lacking_remembered_) {
        static_cast<void>(remember());
    }
    roster_turn_.give();
}

Result<void> MirrorUpkeep::remember() {
    if (parts_.memory == nullptr) {
        return {};
    }
    auto text = mirror_ + " " + roster_name(roster_.epoch).substr(kRosterPrefix.size());
    for (const auto& id : roster_.members) {
        text += " " + id;
    }
    for (const auto& id : diverged_) {
        text += std::string(" ") + kDivergedMark + id;
    }
    lacking_remembered_ = lacking_of_all();
    return parts_.memory->save(text + lacking_remembered_);
}

/// One that hangs is left to the next round.
Awaitable<void> MirrorUpkeep::meet_those_away(std::size_t enough) {
    std::vector<std::size_t> away;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!entries_[i]) {
            away.push_back(i);
        }
    }
    auto outcomes = co_await try_meet(away, enough - std::min(enough, met()));
    for (std::size_t i = 0; i < away.size(); ++i) {
        if (outcomes[i]) {
            entries_[away[i]] = std::move(outcomes[i]).value();
        } else {
            book_.note_trouble(away[i], outcomes[i].error().message);
        }
    }
}

/// Waits until `enough` have answered, and start_patience longer.
Awaitable<std::vector<Result<MirrorUpkeep::Entry>>> MirrorUpkeep::try_meet(
    const std::vector<std::size_t>& members, std::size_t enough) {
    std::vector<Result<Entry>> outcomes(members.size(),
                                        Error{Errc::transient, "it has not answered yet"});
    std::vector<std::size_t> asked;
    std::vector<RaceCall<Entry>> calls;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& meeting = meetings_[members[i]];
        const std::lock_guard lock(meeting->mutex);
        if (meeting->late) {
            outcomes[i] = *std::exchange(meeting->late, std::nullopt);
            enough -= std::min<std::size_t>(enough, 1);
        } else if (!std::exchange(meeting->under_way, true)) {
            asked.push_back(i);
            calls.emplace_back([store = parts_.members[members[i]], meeting] {
                return meet_once(store, meeting);
            });
        }
    }
    const auto ignore = [](std::size_t) {};
    auto answers =
        co_await race<Entry>(std::move(calls), {enough, parts_.start_patience, ignore, ignore});
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (answers[i]) {
            outcomes[asked[i]] = std::move(*answers[i]);
            const auto& meeting = meetings_[members[asked[i]]];
            const std::lock_guard lock(meeting->mutex);
            meeting->late.reset();
        }
    }
    co_return outcomes;
}

Awaitable<Result<MirrorUpkeep::Entry>> MirrorUpkeep::meet_once(std::shared_ptr<ObjectStore> store,
                                                               std::shared_ptr<Meeting> meeting) {
    auto met = co_await meet(std::move(store));
    const std::lock_guard lock(meeting->mutex);
    meeting->under_way = false;
    if (met) {
        meeting->late = *met;
    }
    co_return met;
}

/// store: by value, it may answer when nobody asks any more.
Awaitable<Result<MirrorUpkeep::Entry>> MirrorUpkeep::meet(std::shared_ptr<ObjectStore> store) {
    Entry entry;
    const auto ids = co_await read_words(*store, std::string(kMemberName));
    if (ids && ids->size() == 2) {
        entry.mirror = ids->front();
        entry.id = ids->back();
    } else if (ids || ids.error().code != Errc::not_found) {
        co_return ids ? Error{Errc::corrupt, "\"mirror/member\" does not say which mirror"}
                      : ids.error();
    }
    TL_CO_TRY(entry.empty, co_await is_empty(*store));
    TL_CO_TRY(entry.roster, co_await newest_roster(*store));
    co_return entry;
}

Awaitable<Result<MirrorUpkeep::Roster>> MirrorUpkeep::newest_roster(ObjectStore& store) {
    Roster roster;
    std::string newest;
    for (bool more = true; more;) {
        TL_CO_TRY(const auto page, co_await store.list(std::string(kRosterPrefix), newest, kPage));
        newest = page.objects.empty() ? newest : page.objects.back().name;
        more = page.more;
    }
    if (newest.empty()) {
        co_return roster;
    }
    const auto epoch = epoch_of(newest);
    TL_CO_TRY(const auto ids, co_await read_words(store, newest));
    if (!epoch || *epoch == 0) {
        co_return Error{Errc::corrupt, newest + " is no name of a roster"};
    }
    co_return Roster{*epoch, {ids.begin(), ids.end()}};
}

/// Which mirror it is, and its newest roster.
Result<void> MirrorUpkeep::identify() {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
        if (entry && mirror_.empty() && entry->roster.epoch != 0) {
            mirror_ = entry->mirror;
        }
    }
    for (const auto& entry : entries_) {
        if (!entry || entry->mirror != mirror_ || entry->roster.epoch < roster_.epoch ||
            diverged_.contains(entry->id)) {
            continue;
        }
        if (entry->roster.epoch > roster_.epoch) {
            roster_ = entry->roster;
            recalled_ = false;  // another machine wrote it: what this one knows is old
        } else {                // two wrote one at once: only who is in both is in step
            std::erase_if(roster_.members,
                          [&](const auto& id) { return !entry->roster.members.contains(id); });
        }
    }
    return check_one_history();
}

Result<void> MirrorUpkeep::check_one_history() {
    if (roster_.epoch == 0 || !roster_.members.empty()) {
        return {};
    }
    const std::string why =
        "Two machines went on with different stores of the mirror: none of them is known to hold "
        "everything. Empty those of the machine whose changes are to be given up.";
    if (!std::exchange(told_of_two_, true)) {
        parts_.events->error("store", why);
    }
    // What they say then is asked anew, and compared with what is remembered.
    std::ranges::fill(entries_, std::nullopt);
    roster_ = {};
    recalled_ = false;
    asked_memory_ = false;
    return Error{Errc::transient, why};
}

/// Nobody knows of one: the first that holds anything is all of it.
Awaitable<Result<void>> MirrorUpkeep::begin_mirror() {
    std::size_t first = entries_.size();
    for (std::size_t i = entries_.size(); i-- > 0;) {
        if (!entries_[i]) {
            co_return Error{Errc::transient, "a mirror begins when all of its stores answer; " +
                                                 store(i).url() + ": " + book_.status()[i].trouble};
        }
        mirror_ = entries_[i]->mirror.empty() ? mirror_ : entries_[i]->mirror;
        first = entries_[i]->empty ? first : i;
    }
    mirror_ = mirror_.empty() ? random_id() : mirror_;
    std::vector<std::size_t> holders;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (first == entries_.size() || i == first) {
            TL_CO_CHECK(co_await adopt(i));
            holders.push_back(i);
        }
    }
    const auto written = co_await write_roster(holders);
    if (!written) {
        roster_ = {};
        overtaken_ = false;
        const std::lock_guard lock(mutex_);
        std::ranges::fill(entries_, std::nullopt);
        co_return written.error();
    }
    const auto& untold = *written;
    if (!untold.empty()) {
        roster_ = {};  // it is read again
        co_return Error{Errc::transient, "a mirror begins when all of its stores can be written; " +
                                             store(untold.front()).url() + ": " +
                                             book_.status()[untold.front()].trouble};
    }
    co_return Result<void>();
}

Awaitable<Result<void>> MirrorUpkeep::adopt(std::size_t member) {
    auto& entry = *entries_[member];
    if (entry.mirror == mirror_) {
        co_return Result<void>();
    }
    if (entry.empty && roster_.epoch != 0) {
        parts_.events->warning("store",
                               "A store of the mirror is empty: everything is copied into it. If "
                               "it should not be (a folder that is not mounted?), stop the daemon.",
                               {{"store", store(member).url()}});
    }
    const auto id = random_id();
    const auto body = Buffer::copy_of(as_bytes(mirror_ + " " + id));
    TL_CO_CHECK(co_await store(member).put(std::string(kMemberName), body, {}));
    entry.mirror = mirror_;
    entry.id = id;
    co_return Result<void>();
}

std::size_t MirrorUpkeep::needed() const {
    return recalled_ ? 1 : parts_.members.size() - parts_.required + 1;
}

std::size_t MirrorUpkeep::met() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries_, [](const auto& entry) { return entry.has_value(); }));
}

Result<void> MirrorUpkeep::check_enough() const {
    if (met() >= needed()) {
        return {};
    }
    std::string why;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!entries_[i]) {
            why += "; " + store(i).url() + ": " + book_.status()[i].trouble;
        }
    }
    return Error{Errc::transient, std::to_string(needed()) +
                                      " of the stores of the mirror must answer before it is "
                                      "known which of them hold everything" +
                                      why};
}

void MirrorUpkeep::take_in_all() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i] && book_.standing(i) == MirrorStanding::away) {
            take_in(i);
        }
    }
}

void MirrorUpkeep::take_in(std::size_t member) {
    const auto& entry = *entries_[member];
    if (!entry.mirror.empty() && entry.mirror != mirror_) {
        static_cast<void>(diverge(member, "it belongs to another mirror"));
    } else if (entry.mirror.empty() && !entry.empty) {
        static_cast<void>(diverge(member, "it is not empty, and never was part of this mirror"));
    } else if (diverged_.contains(entry.id)) {
        static_cast<void>(diverge(member, "it was found to hold what the others do not"));
    } else {
        book_.take_in(member, !at_start_.contains(entry.id));
        static_cast<void>(book_.try_enter_step(member));
    }
}

/// A store that answers only now names others in step than are known here.
bool MirrorUpkeep::another_went_on() {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto& entry = entries_[i];
        if (!entry || book_.standing(i) != MirrorStanding::away || entry->mirror != mirror_ ||
            diverged_.contains(entry->id)) {
            continue;
        }
        if (entry->roster.epoch > roster_.epoch ||
            (entry->roster.epoch == roster_.epoch && entry->roster.members != roster_.members)) {
            return true;
        }
    }
    return false;
}

Awaitable<void> MirrorUpkeep::start_anew() {
    co_await roster_turn_.take();
    parts_.events->warning("store",
                           "Another machine went on with other stores of the mirror: which of them "
                           "hold everything is learnt anew.");
    book_.start_anew();
    overtaken_ = false;
    recalled_ = false;
    {
        const std::lock_guard lock(mutex_);
        std::ranges::fill(entries_, std::nullopt);
    }
    ready_.again();
    roster_turn_.give();
}

/// Compared again after the next start, it might be taken for one that only has to catch up.
Awaitable<void> MirrorUpkeep::remember_diverged(std::size_t member) {
    co_await roster_turn_.take();
    diverged_.insert(entries_[member]->id);
    const auto kept = remember();
    if (!kept) {
        book_.note_trouble(member, kept.error().message);
    }
    roster_turn_.give();
}

Awaitable<void> MirrorUpkeep::tend() {
    if (tending_.exchange(true)) {
        co_return;
    }
    bool is_ready(co_await ready());
    if (is_ready) {
        co_await meet_those_away(0);
        if (overtaken_ || another_went_on()) {
            co_await start_anew();
            is_ready = bool(co_await ready());
        }
    }
    if (is_ready) {
        take_in_all();
        co_await remember_lacking();
        co_await catch_up_all();
        co_await remember_lacking();
    }
    tending_ = false;
}

}  // namespace tapeloft
