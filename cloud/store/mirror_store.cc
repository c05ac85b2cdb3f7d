#include "cloud/store/mirror_store.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

std::string urls_of(const MirrorParts& parts) {
    std::string urls;
    for (const auto& member : parts.members) {
        urls += (urls.empty() ? "" : " + ") + member->url();
    }
    return urls;
}

StoreCapabilities common_capabilities(const MirrorParts& parts) {
    auto common = parts.members.front()->capabilities();
    common.put_if_match = false;  // tags are of one member
    for (const auto& member : parts.members) {
        const auto& each = member->capabilities();
        common.put_if_absent = common.put_if_absent && each.put_if_absent;
        if (each.object_step > common.object_step ||
            (each.object_step == common.object_step &&
             each.best_object_size > common.best_object_size)) {
            common.object_step = each.object_step;
            common.best_object_size = each.best_object_size;
        }
        common.parallel = std::min(common.parallel, each.parallel);
        common.local = common.local && each.local;
        common.wants_sha256 = common.wants_sha256 || each.wants_sha256;
        common.keeps_removed = common.keeps_removed || each.keeps_removed;
    }
    return common;
}

Result<void> check_not_own(std::string_view name) {
    if (name.starts_with(kMirrorNames)) {
        return Error{Errc::invalid_argument,
                     "\"" + std::string(name) + "\": names under mirror/ are the mirror's own"};
    }
    return {};
}

/// Ends a change however its coroutine ends.
class UnderWay {
  public:
    UnderWay(MirrorBook& book, MirrorBook::Change change)
        : book_(book), change_(std::move(change)) {}
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() { book_.end(change_); }

    [[nodiscard]] const MirrorBook::Change& change() const noexcept { return change_; }

  private:
    MirrorBook& book_;
    const MirrorBook::Change change_;
};

/// It says something of the member's object, not of the way there.
bool lacks(const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::corrupt;
}

}  // namespace

MirrorStore::MirrorStore(MirrorParts parts)
    : parts_(std::move(parts)),
      shared_book_(std::make_shared<MirrorBook>(parts_.members.size())),
      upkeep_(parts_, book_),
      url_(urls_of(parts_)) {
    TL_ASSERT(parts_.members.size() >= 2 && parts_.required >= 1 &&
              parts_.required <= parts_.members.size() && parts_.events != nullptr);
}

/// Those of a member may change, and who holds a reference keeps what it has seen.
const StoreCapabilities& MirrorStore::capabilities() const noexcept {
    const auto now = common_capabilities(parts_);
    const std::lock_guard lock(mutex_);
    const auto known = std::ranges::find(capabilities_, now);
    if (known == capabilities_.end()) {
        return capabilities_.emplace_front(now);
    }
    capabilities_.splice(capabilities_.begin(), capabilities_, known);
    return capabilities_.front();
}

std::optional<std::chrono::seconds> MirrorStore::clock_ahead() const {
    return parts_.members.front()->clock_ahead();
}

Awaitable<Result<StoreCondition>> MirrorStore::condition() {
    StoreCondition worst;
    for (const auto& member : parts_.members) {
        TL_CO_TRY(auto each, co_await member->condition());
        if (each.health) {
            worst.health = std::min(worst.health.value_or(*each.health), *each.health);
        }
        if (each.waiting_bytes) {
            worst.waiting_bytes = worst.waiting_bytes.value_or(0) + *each.waiting_bytes;
        }
        worst.troubles.merge(each.troubles);
    }
    co_return worst;
}

void MirrorStore::shut_down() {
    upkeep_.stop();
    for (const auto& member : parts_.members) {
        member->shut_down();
    }
}

std::vector<MirrorMemberStatus> MirrorStore::members() const {
    auto all = book_.status();
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].url = store(i).url();
    }
    return all;
}

// Changes

Result<void> MirrorStore::check_targets(const MirrorBook::Change& change) const {
    if (change.targets.size() >= parts_.required) {
        return {};
    }
    return Error{Errc::transient, change.name + ": " + std::to_string(parts_.required) +
                                      " stores of the mirror have to take part, and only " +
                                      std::to_string(change.targets.size()) + " are in step"};
}

Awaitable<Result<void>> MirrorStore::put(std::string name, Buffer body, PutOptions options) {
    TL_CO_CHECK(check_put(name, body.size()));
    TL_CO_CHECK(check_not_own(name));
    TL_CO_CHECK(check_tagless(name, options));
    TL_CO_CHECK(co_await upkeep_.ready());
    upkeep_.agreement().note_put(name, body);
    const UnderWay under_way(book_, book_.begin(name, MirrorDebt::copy));
    const auto& change = under_way.change();
    TL_CO_CHECK(check_targets(change));
    TL_CO_CHECK(co_await upkeep_.leave_out_others(change.targets, change.era));
    if (options.if_absent) {
        co_return co_await put_one_by_one(change, std::move(body));
    }
    co_return co_await put_everywhere(change, std::move(body));
}

/// For calls that change the object at change.targets, in that order.
RaceRules MirrorStore::rules(const MirrorBook::Change& change, MirrorDebt kind) const {
    const auto end = [book = shared_book_, change](std::size_t call) {
        book->end_late(change.targets[call], change);
    };
    const auto give_up = [book = shared_book_, change, kind](std::size_t call) {
        book->begin_late(change.targets[call], change, kind);
    };
    return {parts_.required, parts_.slow_patience, give_up, end};
}

Awaitable<Result<void>> MirrorStore::put_everywhere(const MirrorBook::Change& change, Buffer body) {
    std::vector<RaceCall<void>> calls;
    for (const auto member : change.targets) {
        calls.emplace_back([store = parts_.members[member], name = change.name, body] {
            return store->put(name, body, {});
        });
    }
    auto outcomes = co_await race<void>(std::move(calls), rules(change, MirrorDebt::copy));
    co_return co_await count(change, MirrorDebt::copy, std::move(outcomes));
}

/// A member that is not needed is not waited for.
Awaitable<Result<void>> MirrorStore::put_one_by_one(const MirrorBook::Change& change, Buffer body) {
    RaceOutcomes<void> outcomes;
    std::vector<std::size_t> put_here;
    std::size_t given_up = 0;
    for (const auto member : change.targets) {
        std::vector<RaceCall<bool>> call;
        call.emplace_back([store = parts_.members[member], name = change.name, body] {
            return put_if_free(store, name, body);
        });
        const bool needed = change.targets.size() - given_up <= parts_.required;
        auto only = rules({change.name, {member}, {}, change.era}, MirrorDebt::copy);
        only.enough = needed ? 1 : 0;
        auto outcome = (co_await race<bool>(std::move(call), std::move(only))).front();
        if (outcome && !*outcome && outcome->error().code == Errc::precondition) {
            // Whoever was first at a member that both reach has the name. What was put before that
            // was never reported as stored.
            for (const auto other : put_here) {
                static_cast<void>(co_await store(other).remove(change.name));
            }
            co_return co_await taken(change, std::move(body), std::move(*outcome).error());
        }
        if (outcome && *outcome && **outcome) {
            put_here.push_back(member);
        }
        given_up += outcome && *outcome ? 0U : 1U;
        outcomes.push_back(!outcome   ? std::nullopt
                           : *outcome ? std::optional(Result<void>())
                                      : std::optional<Result<void>>(std::move(*outcome).error()));
    }
    co_return co_await count(change, MirrorDebt::copy, std::move(outcomes));
}

Awaitable<Error> MirrorStore::taken(const MirrorBook::Change& change, Buffer body, Error why) {
    for (const auto member : change.targets) {
        const auto there = co_await store(member).get(change.name, {});
        if (there && std::ranges::equal(there->view(), body.view())) {
            co_return Error{Errc::corrupt, change.name + ": " + store(member).url() +
                                               " and another store of the mirror hold different "
                                               "objects of this name"};
        }
    }
    co_return why;
}

Awaitable<Result<void>> MirrorStore::count(const MirrorBook::Change& change, MirrorDebt kind,
                                           RaceOutcomes<void> outcomes) {
    std::vector<std::size_t> done;
    std::map<std::size_t, std::string> failed;  ///< and why
    std::optional<Error> first;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto member = change.targets[i];
        if (outcomes[i] && *outcomes[i]) {
            // One that another change left out meanwhile lacks that: it is not to be named again.
            if (book_.standing(member) == MirrorStanding::in_step) {
                done.push_back(member);
            }
            continue;
        }
        const auto error = outcomes[i] ? outcomes[i]->error()
                                       : Error{Errc::transient, "it is slower than the others"};
        book_.note_trouble(member, error.message);
        failed.emplace(member, error.message);
        first = first ? first : error;
    }
    if (done.size() < parts_.required || (first && first->code == Errc::invalid_argument)) {
        co_return first.value_or(
            Error{Errc::transient, change.name + ": stores of the mirror were left out meanwhile"});
    }
    for (const auto& [member, why] : failed) {
        if (book_.standing(member) == MirrorStanding::in_step) {
            parts_.events->warning("store",
                                   "A store of the mirror fails: the others go on without it, and "
                                   "it catches up when it answers again.",
                                   {{"store", store(member).url()}, {"reason", why}});
        }
        book_.fail(member, change, kind);
    }
    co_return co_await upkeep_.leave_out_others(done, change.era);
}

Awaitable<Result<void>> MirrorStore::remove(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(check_not_own(name));
    TL_CO_CHECK(co_await upkeep_.ready());
    upkeep_.agreement().note_removed(name);
    const UnderWay under_way(book_, book_.begin(name, MirrorDebt::remove));
    const auto& change = under_way.change();
    TL_CO_CHECK(check_targets(change));
    TL_CO_CHECK(co_await upkeep_.leave_out_others(change.targets, change.era));
    std::vector<RaceCall<void>> calls;
    for (const auto member : change.targets) {
        calls.emplace_back([store = parts_.members[member], name] { return store->remove(name); });
    }
    auto outcomes = co_await race<void>(std::move(calls), rules(change, MirrorDebt::remove));
    co_return co_await count(change, MirrorDebt::remove, std::move(outcomes));
}

// Questions

void MirrorStore::mend(const std::vector<std::size_t>& lacking, const std::string& name) {
    for (const auto member : lacking) {
        if (book_.owe(member, name, MirrorDebt::copy)) {
            parts_.events->warning("store",
                                   "An object is missing or damaged in a store of the mirror; "
                                   "another one has it, and it is put there anew.",
                                   {{"store", store(member).url()}, {"object", name}});
        }
    }
}

/// io is of this object (blocks that cannot be read) or of the whole store (its bucket is gone):
/// once the member answers again, it gets the object anew.
void MirrorStore::note_unanswered(std::size_t member, const std::string& name, const Error& error) {
    book_.note_unanswered(member, error.message);
    if (error.code == Errc::io) {
        static_cast<void>(book_.owe(member, name, MirrorDebt::copy));
    }
}

template <typename T>
Awaitable<Result<T>> MirrorStore::ask_nearest(
    std::string name, std::function<Awaitable<Result<T>>(ObjectStore&)> call) {
    TL_CO_CHECK(co_await upkeep_.ready());
    std::vector<std::size_t> lacking;
    std::vector<std::size_t> silent;
    bool bad = false;
    std::optional<Error> missing;
    std::optional<Error> silence;
    std::optional<Error> failed;
    for (const auto member : book_.nearest()) {
        const auto begun = std::chrono::steady_clock::now();
        auto answer = co_await call(store(member));
        if (answer) {
            const std::chrono::duration<double, std::milli> took =
                std::chrono::steady_clock::now() - begun;
            book_.note_time(member, took.count());
            mend(lacking, name);
            co_return answer;
        }
        const auto& error = answer.error();
        if (error.code == Errc::invalid_argument || error.code == Errc::cancelled) {
            co_return answer;
        }
        const bool answered = lacks(error) || error.code == Errc::busy;
        if (lacks(error)) {
            lacking.push_back(member);
        } else if (!answered) {
            note_unanswered(member, name, error);
            silent.push_back(member);
        }
        bad = bad || is_of_object(error);
        (error.code == Errc::not_found ? missing : answered ? failed : silence) = error;
    }
    if (missing && !silent.empty() && co_await may_leave_out(silent, name)) {
        silence.reset();
    }
    if (bad && !upkeep_.is_replaced(name)) {
        // What those behind have was written once, so it is right; what they lack says nothing.
        for (const auto member : book_.with(MirrorStanding::behind)) {
            if (std::ranges::find(silent, member) != silent.end()) {
                continue;
            }
            auto answer = co_await call(store(member));
            if (answer) {
                mend(lacking, name);
                co_return answer;
            }
        }
    }
    const auto& why = failed ? failed : silence ? silence : missing;
    co_return why.value_or(Error{Errc::transient, "no store of the mirror is in step"});
}

/// Whether a name that the others do not have is not there, though these did not say so. What is
/// led to was stored: where it is missing it is waited for.
Awaitable<bool> MirrorStore::may_leave_out(std::vector<std::size_t> silent, std::string name) {
    if (upkeep_.is_led_to(name)) {
        co_return false;
    }
    bool all = true;
    for (const auto member : silent) {
        co_await upkeep_.leave_out(member, book_.status()[member].trouble);
        all = all && book_.standing(member) != MirrorStanding::in_step;
    }
    co_return all;
}

Awaitable<Result<Buffer>> MirrorStore::get(std::string name, ByteRange range) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(check_not_own(name));
    if (upkeep_.agreement().has(name)) {
        co_return co_await get_agreed(std::move(name), range);
    }
    std::function<Awaitable<Result<Buffer>>(ObjectStore&)> call = [&](ObjectStore& member) {
        return member.get(name, range);
    };
    co_return co_await ask_nearest(name, std::move(call));
}

/// Who put it had `required` members: of so many as are needed here, one is among them.
Awaitable<Result<Buffer>> MirrorStore::get_agreed(std::string name, ByteRange range) {
    TL_CO_CHECK(co_await upkeep_.ready());
    const auto needed = std::min(parts_.required, parts_.members.size() - parts_.required + 1);
    const auto members = book_.nearest();
    std::vector<RaceCall<Buffer>> calls;
    for (const auto member : members) {
        calls.emplace_back(
            [store = parts_.members[member], name, range] { return store->get(name, range); });
    }
    const auto ignore = [](std::size_t) {};
    const auto outcomes =
        co_await race<Buffer>(std::move(calls), {needed, parts_.start_patience, ignore, ignore});
    std::size_t answered = 0;
    std::vector<std::size_t> silent;
    std::optional<Buffer> found;
    std::optional<Error> missing;
    std::optional<Error> failed;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto answer = outcomes[i].value_or(Error{Errc::transient, "it does not answer"});
        if (answer && found && !std::ranges::equal(found->view(), answer->view())) {
            co_return Error{
                Errc::corrupt,
                name + ": the stores of the mirror hold different objects of this name"};
        }
        if (answer) {
            found = *answer;
        } else if (answer.error().code == Errc::not_found) {
            missing = answer.error();
        } else {
            failed = answer.error();
            if (failed->code != Errc::corrupt && failed->code != Errc::busy) {
                book_.note_unanswered(members[i], failed->message);
                silent.push_back(members[i]);
            }
            continue;
        }
        ++answered;
    }
    const Error few{Errc::transient, name + ": too few stores of the mirror answer"};
    if (answered < needed) {
        co_return failed.value_or(few);
    }
    for (const auto member : silent) {
        co_await upkeep_.leave_out(member, book_.status()[member].trouble);
    }
    co_return found ? Result<Buffer>(*found) : failed.value_or(missing.value_or(few));
}

Awaitable<Result<Buffer>> MirrorStore::get_sound(std::string name, ByteRange range,
                                                 SoundCheck is_sound) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(check_not_own(name));
    TL_CO_CHECK(co_await upkeep_.ready());
    std::vector<std::size_t> bad;
    std::vector<std::size_t> lacking;
    Result<Buffer> last = Error{Errc::transient, "no store of the mirror is in step"};
    for (const auto member : book_.nearest()) {
        auto answer = co_await store(member).get(name, range);
        if (answer && is_sound(answer->view())) {
            mend(lacking, name);
            for (const auto other : bad) {
                co_await mend_range(other, name, range.offset, !range.length, *answer);
            }
            co_return answer;
        }
        if (answer) {
            bad.push_back(member);
        } else if (lacks(answer.error())) {
            lacking.push_back(member);
        } else if (answer.error().code == Errc::io) {
            note_unanswered(member, name, answer.error());
        }
        if (answer || !last) {  // bytes that are not sound say more than none
            last = std::move(answer);
        }
    }
    co_return last;
}

/// A failure is no error: whoever reads it next finds it bad again.
Awaitable<void> MirrorStore::mend_range(std::size_t member, std::string name, std::uint64_t offset,
                                        bool whole, Buffer sound) {
    if (upkeep_.is_replaced(name)) {
        co_return;  // it may be another one by now
    }
    parts_.events->warning("store",
                           "What a store of the mirror returns of an object is damaged; another "
                           "one has it sound, and it is put there anew.",
                           {{"store", store(member).url()}, {"object", name}});
    auto body = std::move(sound);
    if (offset != 0 || !whole) {
        const auto there = co_await store(member).get(name, {});
        if (!there || offset > there->size() || body.size() > there->size() - offset) {
            static_cast<void>(book_.owe(member, name, MirrorDebt::copy));
            co_return;
        }
        auto mended = Buffer::copy_of(there->view());
        std::ranges::copy(body.view(), mended.mutable_view().subspan(offset).begin());
        body = std::move(mended);
    }
    const auto put = co_await store(member).put(name, std::move(body), {});
    if (!put) {
        book_.note_trouble(member, put.error().message);
    }
}

std::optional<std::chrono::seconds> MirrorStore::recall_time(std::string_view name) const {
    std::optional<std::chrono::seconds> longest;
    for (const auto& member : parts_.members) {
        longest = std::max(longest, member->recall_time(name));
    }
    return longest;
}

Awaitable<Result<RecallState>> MirrorStore::recall(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(check_not_own(name));
    TL_CO_CHECK(co_await upkeep_.ready());
    auto members = book_.nearest();
    std::ranges::stable_sort(members, {}, [&](std::size_t member) {
        return store(member).recall_time(name).value_or(std::chrono::seconds(0));
    });
    Result<RecallState> state = Error{Errc::transient, "no store of the mirror is in step"};
    for (const auto member : members) {
        // A store that archives nothing is asked whether it has the object at all.
        if (!store(member).recall_time(name)) {
            const auto there = co_await store(member).head(name);
            if (!there && there.error().code == Errc::not_found) {
                continue;
            }
        }
        state = co_await store(member).recall(name);
        if (state) {
            break;
        }
    }
    co_return state;
}

Awaitable<Result<std::optional<std::int64_t>>> MirrorStore::retained_until(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(co_await upkeep_.ready());
    std::optional<std::int64_t> longest;
    for (const auto member : book_.nearest()) {
        TL_CO_TRY(const auto until, co_await store(member).retained_until(name));
        longest = std::max(longest, until);
    }
    co_return longest;
}

Awaitable<Result<ObjectInfo>> MirrorStore::head(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_CHECK(check_not_own(name));
    std::function<Awaitable<Result<ObjectInfo>>(ObjectStore&)> call = [&](ObjectStore& member) {
        return member.head(name);
    };
    auto info = co_await ask_nearest(name, std::move(call));
    if (info) {
        info->tag = {};  // one member's says nothing of the others
    }
    co_return info;
}

Awaitable<Result<ObjectPage>> MirrorStore::list(std::string prefix, std::string after,
                                                std::size_t limit) {
    TL_CO_CHECK(check_list(limit));
    TL_CO_CHECK(co_await upkeep_.ready());
    Result<ObjectPage> page = Error{Errc::transient, "no store of the mirror is in step"};
    for (const auto member : book_.nearest()) {
        page = co_await page_of(member, prefix, after, limit);
        if (page || page.error().code == Errc::invalid_argument) {
            break;
        }
    }
    co_return page;
}

/// Without the mirror's own names, and `more` only where a name of another follows.
Awaitable<Result<ObjectPage>> MirrorStore::page_of(std::size_t member, std::string prefix,
                                                   std::string after, std::size_t limit) {
    constexpr std::string_view kBehindOwn = "mirror0";  // "0" follows "/"
    const auto is_own = [](const auto& object) { return object.name.starts_with(kMirrorNames); };
    TL_CO_TRY(auto page, co_await store(member).list(prefix, after, limit));
    std::erase_if(page.objects, is_own);
    const bool own_follow = page.more && kMirrorNames.starts_with(prefix) &&
                            (page.objects.empty() || page.objects.back().name < kMirrorNames);
    if (!own_follow) {
        co_return page;
    }
    if (!page.objects.empty()) {
        TL_CO_TRY(const auto next,
                  co_await store(member).list(prefix, page.objects.back().name, 1));
        if (next.objects.empty() || !is_own(next.objects.front())) {
            page.more = !next.objects.empty();
            co_return page;
        }
    }
    const auto left = limit - page.objects.size();
    const auto asked = std::max<std::size_t>(left, 1);
    TL_CO_TRY(auto rest, co_await store(member).list(prefix, std::string(kBehindOwn), asked));
    page.more = left == 0 ? !rest.objects.empty() : rest.more;
    if (left != 0) {
        std::ranges::move(rest.objects, std::back_inserter(page.objects));
    }
    co_return page;
}

}  // namespace tapeloft
