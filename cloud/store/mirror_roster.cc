// MirrorUpkeep: the roster, and who else writes one.
#include <algorithm>
#include <utility>

#include "cloud/store/mirror_upkeep.h"

namespace tapeloft {
namespace {

Awaitable<Result<void>> put_roster(std::shared_ptr<ObjectStore> to, std::string name, Buffer body) {
    TL_CO_CHECK(co_await put_if_free(std::move(to), std::move(name), std::move(body)));
    co_return Result<void>();
}

bool is_taken(const std::optional<Result<void>>& outcome) {
    return outcome && !*outcome && outcome->error().code == Errc::precondition;
}

}  // namespace

bool MirrorUpkeep::roster_within(const std::vector<std::size_t>& members, std::uint64_t era) {
    Ids ids;
    const std::lock_guard lock(mutex_);
    if (era != book_.era()) {
        return false;  // of the stores of that era nothing is known any more
    }
    for (const auto member : members) {
        ids.insert(entries_[member]->id);
    }
    return std::ranges::includes(ids, roster_.members);
}

Awaitable<Result<void>> MirrorUpkeep::leave_out_others(std::vector<std::size_t> holders,
                                                       std::uint64_t era) {
    if (roster_within(holders, era)) {
        co_return Result<void>();
    }
    co_await roster_turn_.take();
    auto left_out = co_await shrink_roster(std::move(holders), era);
    roster_turn_.give();
    co_return left_out;
}

Awaitable<Result<void>> MirrorUpkeep::shrink_roster(std::vector<std::size_t> holders,
                                                    std::uint64_t era) {
    if (era != book_.era()) {
        co_return Error{Errc::transient, "another machine went on with the mirror meanwhile"};
    }
    std::vector<std::size_t> dropped;
    while (holders.size() >= parts_.required && !roster_within(holders, era)) {
        TL_CO_TRY(const auto untold, co_await write_roster(holders));
        for (const auto member : untold) {
            std::erase(holders, member);
            dropped.push_back(member);
        }
    }
    if (holders.size() < parts_.required) {
        co_return Error{Errc::transient,
                        "too few stores of the mirror can be told which of them fail"};
    }
    for (const auto member : dropped) {
        book_.set_behind(member, false);
    }
    co_return remember();
}

/// That another machine has put none of what machines agree by since this one.
Awaitable<Result<void>> MirrorUpkeep::check_agreement(const std::vector<std::size_t>& members) {
    Telling ask = [agreement = agreement_](std::shared_ptr<ObjectStore> of) {
        return agreement->check(std::move(of));
    };
    for (const auto& outcome : co_await tell(members, std::move(ask))) {
        if (is_taken(outcome)) {
            co_return Error{Errc::transient, outcome->error().message};
        }
    }
    co_return Result<void>();
}

/// To all that it names. Returns who could not be told. It is remembered before: no other roster
/// ever has its epoch. Errors: transient (another machine's has it; or has put the lease), of the
/// memory.
Awaitable<Result<std::vector<std::size_t>>> MirrorUpkeep::write_roster(
    std::vector<std::size_t> members) {
    const auto another_went_on = [] {
        return Error{Errc::transient, "another machine went on with the mirror"};
    };
    if (overtaken_) {
        co_return another_went_on();
    }
    TL_CO_CHECK(co_await check_agreement(members));
    const auto epoch = roster_.epoch + 1;
    Ids ids;
    std::string text;
    for (const auto member : members) {
        ids.insert(entries_[member]->id);
        text += entries_[member]->id + "\n";
    }
    note_roster(epoch, ids, false);
    TL_CO_CHECK(remember());
    Telling put = [name = roster_name(epoch),
                   body = Buffer::copy_of(as_bytes(text))](std::shared_ptr<ObjectStore> to) {
        return put_roster(std::move(to), name, body);
    };
    const auto outcomes = co_await tell(members, std::move(put));
    if (std::ranges::any_of(outcomes, is_taken)) {
        overtaken_ = true;
        co_return another_went_on();
    }
    std::vector<std::size_t> untold;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (!outcomes[i] || !*outcomes[i]) {
            book_.note_trouble(members[i],
                               outcomes[i] ? outcomes[i]->error().message : "it does not answer");
            untold.push_back(members[i]);
        }
    }
    if (untold.empty()) {
        note_roster(epoch, ids, true);
        Telling remove = [name = roster_name(epoch - 1)](std::shared_ptr<ObjectStore> to) {
            return to->remove(name);
        };
        static_cast<void>(
            co_await tell(members, std::move(remove)));  // one that stays counts for nothing
    }
    co_return untold;
}

/// One that hangs is not waited for, once as many as are required have done it.
Awaitable<RaceOutcomes<void>> MirrorUpkeep::tell(const std::vector<std::size_t>& members,
                                                 Telling what) {
    std::vector<RaceCall<void>> calls;
    for (const auto member : members) {
        calls.emplace_back([to = parts_.members[member], what] { return what(to); });
    }
    const auto enough = std::min(parts_.required, members.size());
    const auto ignore = [](std::size_t) {};
    co_return co_await race<void>(std::move(calls), {enough, parts_.slow_patience, ignore, ignore});
}

void MirrorUpkeep::note_roster(std::uint64_t epoch, const Ids& ids, bool told) {
    const std::lock_guard lock(mutex_);
    roster_.epoch = epoch;
    if (told) {
        roster_.members.clear();
    }
    roster_.members.insert(ids.begin(), ids.end());
}

/// It caught up. Who cannot be told stays in the roster: it lacks nothing.
Awaitable<void> MirrorUpkeep::join_roster(std::size_t member) {
    co_await roster_turn_.take();
    const auto in_step = book_.with(MirrorStanding::in_step);
    if (std::ranges::find(in_step, member) != in_step.end()) {
        const auto written = co_await write_roster(in_step);
        const auto kept = remember();
        if (!written || !kept) {
            book_.note_trouble(member, (written ? kept.error() : written.error()).message);
        }
    }
    roster_turn_.give();
}

}  // namespace tapeloft
