// MirrorUpkeep: members that are behind, or silent.
#include <algorithm>
#include <utility>

#include "cloud/base/gather.h"
#include "cloud/store/mirror_upkeep.h"

namespace tapeloft {

/// However long it takes: the end of the daemon does not wait for it.
Result<void> MirrorUpkeep::go_on() const {
    if (stopped_) {
        return Error{Errc::cancelled, "the mirror is shut down"};
    }
    return {};
}

/// Side by side: one that hangs keeps nothing from the others.
Awaitable<void> MirrorUpkeep::catch_up_all() {
    auto job = [](MirrorUpkeep* self, std::size_t member) -> Awaitable<Result<void>> {
        co_await self->catch_up(member);
        co_return Result<void>();
    };
    std::vector<Awaitable<Result<void>>> all;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i]) {
            all.push_back(job(this, i));
        }
    }
    static_cast<void>(co_await gather(std::move(all)));
}

Awaitable<void> MirrorUpkeep::catch_up(std::size_t member) {
    const auto standing = book_.standing(member);
    if (book_.is_unanswered(member) && !co_await answers(member)) {
        if (standing == MirrorStanding::in_step) {
            co_await leave_out(member, book_.status()[member].trouble);
        }
        co_return;
    }
    if (standing == MirrorStanding::in_step) {
        if (book_.next_debt(member, "")) {  // what was found to be missing there
            const auto paid = co_await pay_all(member);
            book_.note_trouble(member, paid ? std::string() : paid.error().message);
        }
        co_return;
    }
    const auto sources = book_.nearest();
    if (standing != MirrorStanding::behind || sources.empty()) {
        co_return;
    }
    auto caught_up = co_await check_agreement(sources);
    if (caught_up) {
        caught_up = co_await catch_up_with(member, sources.front());
    }
    if (!caught_up) {
        book_.note_trouble(member, caught_up.error().message);
        if (book_.standing(member) == MirrorStanding::diverged) {
            co_await remember_diverged(member);
        }
        co_return;
    }
    if (book_.standing(member) == MirrorStanding::in_step) {
        parts_.events->info("store", "A store of the mirror has caught up: it holds everything.",
                            {{"store", store(member).url()}});
        co_await join_roster(member);
    }
}

/// Whether one that was silent answers again.
Awaitable<bool> MirrorUpkeep::answers(std::size_t member) {
    const std::vector<std::size_t> only{member};
    const auto met = (co_await try_meet(only, 0)).front();
    if (met) {
        book_.note_answered(member);
    } else {
        book_.note_unanswered(member, met.error().message);
    }
    co_return met.has_value();
}

/// While a member in step is silent nobody knows whether it alone has an object, so that nothing is
/// "not found". The others in step have whatever was reported as stored; where they are enough it
/// is left out.
Awaitable<void> MirrorUpkeep::leave_out(std::size_t member, std::string trouble) {
    const auto era = book_.era();
    auto others = book_.with(MirrorStanding::in_step);
    if (std::erase(others, member) == 0) {
        co_return;
    }
    std::erase_if(others, [this](std::size_t other) { return book_.is_unanswered(other); });
    if (others.size() < parts_.required) {
        co_return;
    }
    parts_.events->warning("store",
                           "A store of the mirror does not answer: the others go on without it, "
                           "and it catches up when it answers again.",
                           {{"store", store(member).url()}, {"reason", trouble}});
    book_.set_behind(member, false);
    static_cast<void>(co_await leave_out_others(std::move(others), era));
    book_.note_trouble(member, std::move(trouble));
}

Awaitable<Result<void>> MirrorUpkeep::catch_up_with(std::size_t member, std::size_t source) {
    TL_CO_CHECK(co_await adopt(member));
    if (book_.to_compare(member)) {
        book_.compared(member);  // what is overlooked from here on makes it compare again
        auto compared = co_await compare(member, source);
        if (!compared) {
            book_.set_behind(member, true);
            co_return compared;
        }
    }
    TL_CO_CHECK(co_await pay_all(member));
    static_cast<void>(book_.try_enter_step(member));  // else in the next round
    co_return Result<void>();
}

MirrorUpkeep::Pass MirrorUpkeep::pass_of(std::string_view name, MirrorDebt kind) const {
    if (kind == MirrorDebt::remove) {
        return Pass::removed;
    }
    if (is_replaced(name)) {
        return Pass::replaced;
    }
    return is_led_to(name) ? Pass::led_to : Pass::others;
}

bool MirrorUpkeep::is_led_to(std::string_view name) const {
    return std::ranges::any_of(parts_.led_to,
                               [&](const auto& prefix) { return name.starts_with(prefix); });
}

/// Objects that count up come one after the other: where it is interrupted there is no gap.
std::size_t MirrorUpkeep::at_once(Pass pass) const {
    return pass == Pass::others ? 1 : parts_.copies_at_once;
}

/// Of a member in step everything leads to what is there already: no pass waits for another.
Awaitable<Result<void>> MirrorUpkeep::pay_all(std::size_t member) {
    for (;;) {
        const auto until = book_.settled(member);
        if (!book_.next_debt(member, "", until)) {
            co_return Result<void>();
        }
        std::optional<Error> archived;
        for (const auto pass : kPasses) {
            auto paid = co_await pay_pass(member, pass, until);
            if (paid) {
                continue;
            }
            if (paid.error().code != Errc::busy ||
                book_.standing(member) != MirrorStanding::in_step) {
                co_return paid;
            }
            archived = std::move(paid).error();
        }
        if (archived) {
            co_return *archived;
        }
    }
}

/// Errors: busy, where all that is not archived was paid.
Awaitable<Result<void>> MirrorUpkeep::pay_pass(std::size_t member, Pass pass, std::uint64_t until) {
    std::string after;
    std::optional<Error> archived;
    for (;;) {
        TL_CO_CHECK(go_on());
        std::vector<MirrorBook::Debt> debts;
        while (debts.size() < at_once(pass)) {
            auto debt = book_.next_debt(member, after, until);
            if (!debt) {
                break;
            }
            after = debt->name;
            if (pass_of(debt->name, debt->kind) == pass) {
                debts.push_back(std::move(*debt));
            }
        }
        if (debts.empty()) {
            co_return archived ? Result<void>(*archived) : Result<void>();
        }
        Calls calls;
        for (const auto& debt : debts) {
            calls.push_back(pay(member, debt));
        }
        TL_CO_CHECK(co_await do_all(std::move(calls), archived));
    }
}

/// archived: what one of them has to wait for, if any does.
Awaitable<Result<void>> MirrorUpkeep::do_all(Calls calls, std::optional<Error>& archived) {
    const auto done = co_await gather(std::move(calls));
    for (const auto& each : done) {
        if (!each && each.error().code == Errc::busy) {
            archived = each.error();
            continue;
        }
        TL_CO_CHECK(each);
    }
    co_return Result<void>();
}

Awaitable<Result<void>> MirrorUpkeep::pay(std::size_t member, const MirrorBook::Debt& debt) {
    if (debt.kind == MirrorDebt::remove) {
        TL_CO_CHECK(co_await store(member).remove(debt.name));
    } else {
        TL_CO_CHECK(co_await copy(member, debt.name, debt.version));
    }
    book_.pay(member, debt);
    co_return Result<void>();
}

/// From any member in step. Where none has it there is nothing to copy; nor where it was replaced
/// since it was owed (version; 0: it was not): what it leads to now may not be there.
Awaitable<Result<void>> MirrorUpkeep::copy(std::size_t member, const std::string& name,
                                           std::uint64_t version) {
    std::optional<Error> failed;
    auto sources = book_.nearest();
    std::erase(sources, member);
    if (sources.empty()) {
        co_return Error{Errc::transient, name + ": no other store of the mirror is in step"};
    }
    for (const auto source : sources) {
        auto body = co_await store(source).get(name, {});
        if (!body) {
            if (body.error().code == Errc::busy) {
                static_cast<void>(co_await store(source).recall(name));
            }
            if (body.error().code != Errc::not_found) {
                failed = std::move(body).error();
            }
        } else if (is_replaced(name) && book_.owed_version(member, name) != version) {
            co_return Result<void>();
        } else if (book_.standing(member) == MirrorStanding::in_step || is_replaced(name)) {
            co_return co_await store(member).put(name, std::move(body).value(), {});
        } else {
            co_return co_await copy_new(member, name, std::move(body).value());
        }
    }
    if (failed) {
        co_return *failed;
    }
    co_return Result<void>();
}

Awaitable<Result<void>> MirrorUpkeep::copy_new(std::size_t member, const std::string& name,
                                               Buffer body) {
    auto put = co_await store(member).put(name, body, {.if_absent = true});
    if (put || put.error().code != Errc::precondition) {
        co_return put;
    }
    TL_CO_TRY(const auto there, co_await store(member).head(name));
    bool same = there.size == body.size();
    if (same && body.size() <= kCompared) {
        const auto bytes = co_await store(member).get(name, {});
        if (!bytes && is_of_object(bytes.error())) {
            co_return co_await store(member).put(name, std::move(body), {});
        }
        if (!bytes) {
            co_return bytes.error();
        }
        same = std::ranges::equal(bytes->view(), body.view());
    }
    if (!same) {
        co_return diverge(member, "its object " + name + " is another");
    }
    co_return Result<void>();
}

Error MirrorUpkeep::diverge(std::size_t member, const std::string& why) {
    if (book_.standing(member) != MirrorStanding::diverged) {
        book_.set_standing(member, MirrorStanding::diverged);
        parts_.events->error("store",
                             "A store of the mirror holds what the others do not: it is left out, "
                             "and nothing in it is changed. Empty it, or give another one.",
                             {{"store", store(member).url()}, {"reason", why}});
    }
    book_.note_trouble(member, why);
    return {Errc::precondition, store(member).url() + ": " + why};
}

}  // namespace tapeloft
