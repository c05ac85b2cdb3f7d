#include "cloud/store/mirror_book.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tapeloft {

std::string_view to_string(MirrorStanding standing) noexcept {
    constexpr std::array<std::string_view, 4> kWords{"away", "in step", "behind", "diverged"};
    return kWords[static_cast<std::size_t>(standing)];
}

bool MirrorBook::add_debt(Member& member, const std::string& name, MirrorDebt kind,
                          bool under_way) {
    auto found = member.owed.find(name);
    const bool is_new = found == member.owed.end();
    if (is_new) {
        if (member.owed.size() >= kOwedMax && !under_way) {
            member.to_compare = true;
            return false;
        }
        found = member.owed.emplace(name, Owed()).first;
    }
    found->second.kind = kind;
    found->second.version = ++last_version_;
    found->second.under_way += under_way ? 1U : 0U;
    return is_new;
}

MirrorBook::Change MirrorBook::begin(const std::string& name, MirrorDebt kind) {
    const std::lock_guard lock(mutex_);
    Change change{name, {}, {}, era_};
    for (std::size_t i = 0; i < members_.size(); ++i) {
        switch (members_[i].standing) {
            case MirrorStanding::in_step:
                change.targets.push_back(i);
                break;
            case MirrorStanding::away:
            case MirrorStanding::behind:
                change.others.push_back(i);
                static_cast<void>(add_debt(members_[i], name, kind, true));
                break;
            case MirrorStanding::diverged:
                break;
        }
    }
    return change;
}

void MirrorBook::end(const Change& change) {
    const std::lock_guard lock(mutex_);
    if (change.era != era_) {
        return;
    }
    for (const auto member : change.others) {
        auto& owed = members_[member].owed;
        const auto found = owed.find(change.name);
        if (found == owed.end()) {
            continue;
        }
        --found->second.under_way;
        if (found->second.under_way == 0 && owed.size() > kOwedMax) {
            owed.erase(found);
            members_[member].to_compare = true;
        }
    }
}

void MirrorBook::begin_late(std::size_t member, const Change& change, MirrorDebt kind) {
    const std::lock_guard lock(mutex_);
    if (change.era == era_) {
        static_cast<void>(add_debt(members_[member], change.name, kind, true));
    }
}

void MirrorBook::fail(std::size_t member, const Change& change, MirrorDebt kind) {
    const std::lock_guard lock(mutex_);
    if (change.era != era_) {
        return;
    }
    auto& failed = members_[member];
    if (failed.standing == MirrorStanding::in_step) {
        failed.standing = MirrorStanding::behind;
    }
    if (failed.standing != MirrorStanding::diverged) {
        static_cast<void>(add_debt(failed, change.name, kind, false));
    }
}

void MirrorBook::end_late(std::size_t member, const Change& change) {
    end({change.name, {}, {member}, change.era});
}

void MirrorBook::start_anew() {
    const std::lock_guard lock(mutex_);
    ++era_;
    for (auto& member : members_) {
        if (member.standing != MirrorStanding::diverged) {
            member.standing = MirrorStanding::away;
            member.to_compare = false;
            member.owed.clear();
            member.lacking = 0;
        }
    }
}

std::uint64_t MirrorBook::era() const {
    const std::lock_guard lock(mutex_);
    return era_;
}

MirrorStanding MirrorBook::standing(std::size_t member) const {
    const std::lock_guard lock(mutex_);
    return members_[member].standing;
}

void MirrorBook::set_standing(std::size_t member, MirrorStanding standing) {
    const std::lock_guard lock(mutex_);
    members_[member].standing = standing;
    if (standing == MirrorStanding::diverged) {
        members_[member].owed.clear();
        members_[member].lacking = 0;
    }
}

void MirrorBook::take_in(std::size_t member, bool to_compare) {
    const std::lock_guard lock(mutex_);
    if (members_[member].standing == MirrorStanding::away) {
        members_[member].standing = MirrorStanding::behind;
        members_[member].to_compare = members_[member].to_compare || to_compare;
    }
}

void MirrorBook::set_behind(std::size_t member, bool to_compare) {
    const std::lock_guard lock(mutex_);
    if (members_[member].standing == MirrorStanding::in_step ||
        members_[member].standing == MirrorStanding::behind) {
        members_[member].standing = MirrorStanding::behind;
        members_[member].to_compare = members_[member].to_compare || to_compare;
    }
}

void MirrorBook::compared(std::size_t member) {
    const std::lock_guard lock(mutex_);
    members_[member].to_compare = false;
}

bool MirrorBook::to_compare(std::size_t member) const {
    const std::lock_guard lock(mutex_);
    return members_[member].to_compare;
}

bool MirrorBook::owe(std::size_t member, const std::string& name, MirrorDebt kind) {
    const std::lock_guard lock(mutex_);
    return members_[member].standing != MirrorStanding::diverged &&
           add_debt(members_[member], name, kind, false);
}

void MirrorBook::note_trouble(std::size_t member, std::string trouble) {
    const std::lock_guard lock(mutex_);
    members_[member].trouble = std::move(trouble);
}

void MirrorBook::note_lacking(std::size_t member, std::uint64_t objects) {
    const std::lock_guard lock(mutex_);
    members_[member].lacking = objects;
}

void MirrorBook::note_brought(std::size_t member) {
    const std::lock_guard lock(mutex_);
    auto& lacking = members_[member].lacking;
    lacking -= std::min<std::uint64_t>(lacking, 1);
}

std::uint64_t MirrorBook::lacking(std::size_t member,
                                  const std::vector<std::string>& replaced) const {
    const auto counts = [&](const auto& debt) {
        return std::ranges::none_of(
            replaced, [&](const auto& prefix) { return debt.first.starts_with(prefix); });
    };
    const std::lock_guard lock(mutex_);
    const auto& of = members_[member];
    return of.lacking + static_cast<std::uint64_t>(std::ranges::count_if(of.owed, counts));
}

std::uint64_t MirrorBook::settled(std::size_t member) const {
    const std::lock_guard lock(mutex_);
    auto until = last_version_;
    for (const auto& [name, debt] : members_[member].owed) {
        if (debt.under_way != 0) {
            until = std::min(until, debt.version - 1);
        }
    }
    return until;
}

std::uint64_t MirrorBook::owed_version(std::size_t member, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto& owed = members_[member].owed;
    const auto found = owed.find(name);
    return found == owed.end() ? 0 : found->second.version;
}

std::optional<MirrorBook::Debt> MirrorBook::next_debt(std::size_t member, const std::string& after,
                                                      std::uint64_t until) const {
    const std::lock_guard lock(mutex_);
    const auto& owed = members_[member].owed;
    for (auto next = owed.upper_bound(after); next != owed.end(); ++next) {
        if (next->second.under_way == 0 && next->second.version <= until) {
            return Debt{next->first, next->second.kind, next->second.version};
        }
    }
    return std::nullopt;
}

void MirrorBook::pay(std::size_t member, const Debt& debt) {
    const std::lock_guard lock(mutex_);
    auto& owed = members_[member].owed;
    const auto found = owed.find(debt.name);
    if (found != owed.end() && found->second.version == debt.version) {
        owed.erase(found);
    }
}

bool MirrorBook::try_enter_step(std::size_t member) {
    const std::lock_guard lock(mutex_);
    auto& entering = members_[member];
    if (entering.standing != MirrorStanding::behind || entering.to_compare ||
        !entering.owed.empty()) {
        return false;
    }
    entering.standing = MirrorStanding::in_step;
    entering.lacking = 0;
    entering.trouble.clear();
    return true;
}

std::vector<std::size_t> MirrorBook::nearest() const {
    auto members = with(MirrorStanding::in_step);
    const std::lock_guard lock(mutex_);
    const auto distance = [this](std::size_t member) {
        return std::pair(members_[member].unanswered, members_[member].ms.value_or(0));
    };
    std::ranges::stable_sort(members, {}, distance);
    return members;
}

void MirrorBook::note_time(std::size_t member, double ms) {
    constexpr double kWeight = 0.2;  // of the newest
    const std::lock_guard lock(mutex_);
    auto& answered = members_[member];
    answered.ms = answered.ms ? *answered.ms * (1 - kWeight) + ms * kWeight : ms;
    end_silence(answered);
}

void MirrorBook::note_answered(std::size_t member) {
    const std::lock_guard lock(mutex_);
    end_silence(members_[member]);
}

void MirrorBook::end_silence(Member& member) {
    if (std::exchange(member.unanswered, false)) {
        member.trouble.clear();
    }
}

void MirrorBook::note_unanswered(std::size_t member, std::string trouble) {
    const std::lock_guard lock(mutex_);
    members_[member].unanswered = true;
    members_[member].trouble = std::move(trouble);
}

bool MirrorBook::is_unanswered(std::size_t member) const {
    const std::lock_guard lock(mutex_);
    return members_[member].unanswered;
}

std::vector<std::size_t> MirrorBook::with(MirrorStanding standing) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].standing == standing) {
            found.push_back(i);
        }
    }
    return found;
}

std::vector<MirrorMemberStatus> MirrorBook::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<MirrorMemberStatus> all;
    for (const auto& member : members_) {
        all.push_back({{},
                       member.standing,
                       member.owed.size() + member.lacking,
                       member.to_compare || member.lacking != 0,
                       member.trouble});
    }
    return all;
}

}  // namespace tapeloft
