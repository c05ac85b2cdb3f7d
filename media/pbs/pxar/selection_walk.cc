#include "media/pbs/pxar/selection_walk.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

SelectionWalk::SelectionWalk(PxarReader& reader, PathSelection selection)
    : reader_(reader), selection_(std::move(selection)), walk_(reader), hits_(selection_.size()) {}

Awaitable<Result<std::optional<PxarEvent>>> SelectionWalk::next() {
    if (!prepared_) {
        TL_CO_CHECK(co_await find_starts());
        prepared_ = true;
    }
    while (ready_.empty()) {
        if (!walking_ && !begin_next()) {
            leave_down_to(0);
            if (ready_.empty()) {
                co_return std::optional<PxarEvent>();
            }
            continue;
        }
        if (!ready_.empty()) {
            continue;
        }
        TL_CO_TRY(auto event, co_await walk_.next());
        walking_ = event.has_value();
        if (event) {
            TL_CO_CHECK(co_await take(std::move(*event)));
        }
    }
    std::optional<PxarEvent> event(std::move(ready_.front()));
    ready_.pop_front();
    co_return event;
}

void SelectionWalk::failed(const PxarEntry& file) {
    stand_ins_.erase(file.position);
    if (failed_.size() < kTargetsMax) {
        failed_.insert(file.position);
    }
}

std::vector<std::string> SelectionWalk::unmatched() const {
    std::vector<std::string> patterns;
    for (std::size_t i = 0; i < hits_.size(); ++i) {
        if (!hits_[i]) {
            patterns.push_back(selection_.text(i));
        }
    }
    return patterns;
}

Awaitable<Result<void>> SelectionWalk::find_starts() {
    if (selection_.is_everything()) {
        walk_.begin();
        walking_ = true;
        co_return Result<void>();
    }
    for (std::size_t i = 0; i < selection_.size(); ++i) {
        TL_CO_CHECK(co_await add_start(i));
    }
    const auto position = [](const PxarRoute& start) { return start.places.back().entry.position; };
    std::ranges::stable_sort(starts_, {}, position);
    std::uint64_t covered = 0;
    std::erase_if(starts_, [&covered, &position](const PxarRoute& start) {
        const bool inside = position(start) < covered;
        covered = std::max(covered, start.places.back().end);
        return inside;
    });
    co_return Result<void>();
}

Awaitable<Result<void>> SelectionWalk::add_start(std::size_t pattern) {
    TL_CO_TRY(auto route, co_await reader_.locate(selection_.prefix(pattern)));
    const bool may_match = route.found && (selection_.is_literal(pattern) ||
                                           route.places.back().entry.kind == FileKind::directory);
    // What damaged tables do not tell, a walk from where they begin will.
    if (may_match || route.damage) {
        starts_.push_back(std::move(route));
    }
    co_return Result<void>();
}

/// Leaves and enters the directories between where the last walk was and the next one begins.
bool SelectionWalk::begin_next() {
    if (next_start_ == starts_.size()) {
        return false;
    }
    const auto& route = starts_[next_start_++];
    std::size_t common = 0;
    while (common < above_.size() && common + 1 < route.places.size() &&
           above_[common].entry.position == route.places[common].entry.position) {
        ++common;
    }
    leave_down_to(common);
    for (; common + 1 < route.places.size(); ++common) {
        above_.push_back({route.places[common].entry});
    }
    walk_.begin(route);
    walking_ = true;
    return true;
}

void SelectionWalk::leave_down_to(std::size_t depth) {
    for (; above_.size() > depth; above_.pop_back()) {
        PxarEvent event;
        event.kind = PxarEvent::Kind::leave;
        event.entry = std::move(above_.back().entry);
        event.selected = above_.back().selected;
        if (above_.back().told) {
            ready_.push_back(std::move(event));
        }
    }
}

Awaitable<Result<void>> SelectionWalk::take(PxarEvent event) {
    switch (event.kind) {
        case PxarEvent::Kind::entry:
            co_return co_await take_entry(std::move(event.entry));
        case PxarEvent::Kind::damage:
            damage_met_ = true;
            if (is_wanted(event)) {
                ready_.push_back(std::move(event));
            }
            break;
        case PxarEvent::Kind::leave:
            leave_down_to(above_.size() - 1);
            break;
    }
    co_return Result<void>();
}

bool SelectionWalk::is_wanted(const PxarEvent& damage) const {
    const auto match = selection_.match(damage.entry.path);
    return match.selected || match.below;
}

Awaitable<Result<void>> SelectionWalk::take_entry(PxarEntry entry) {
    const auto match = selection_.match(entry.path, &hits_);
    const bool selected = match.selected || (!above_.empty() && above_.back().selected);
    if (selected) {
        tell_above();
    }
    if (entry.kind == FileKind::directory) {
        above_.push_back({entry, selected, selected});
        if (!selected && !match.below) {
            walk_.skip();
        }
    }
    if (!selected) {
        co_return Result<void>();
    }
    PxarEvent event;
    if (entry.kind == FileKind::hardlink) {
        TL_CO_TRY(event, co_await resolve(std::move(entry)));
    } else {
        event.entry = std::move(entry);
    }
    ready_.push_back(std::move(event));
    co_return Result<void>();
}

Awaitable<Result<PxarEvent>> SelectionWalk::resolve(PxarEntry link) {
    PxarEvent event;
    const auto stand_in = stand_ins_.find(link.target_position);
    if (stand_in != stand_ins_.end()) {
        link.target = stand_in->second;
        event.entry = std::move(link);
        co_return event;
    }
    const bool came =
        selection_.match(link.target).selected && !failed_.contains(link.target_position);
    if (came && !damage_met_) {
        event.entry = std::move(link);
        co_return event;
    }
    PxarEntry file;
    auto read = co_await reader_.read_entry(link.target_position, link.position, "", file);
    if (read && (file.kind != FileKind::file ||
                 !(link.target == file.path || link.target.ends_with("/" + file.path)))) {
        read = Error{Errc::corrupt, "it is something else"};
    }
    if (!read && !is_damage(read.error())) {
        co_return std::move(read).error();
    }
    if (!read) {
        event.kind = PxarEvent::Kind::damage;
        event.error = Error{read.error().code, "the hard link's target, \"" + link.target +
                                                   "\": " + read.error().message};
        event.entry = std::move(link);
        co_return event;
    }
    if (came) {
        event.entry = std::move(link);
        co_return event;
    }
    file.path = link.path;
    if (stand_ins_.size() < kTargetsMax) {
        stand_ins_.emplace(file.position, link.path);
    }
    event.entry = std::move(file);
    co_return event;
}

void SelectionWalk::tell_above() {
    for (auto& above : above_) {
        if (!above.told) {
            above.told = true;
            PxarEvent event;
            event.entry = above.entry;
            event.selected = false;
            ready_.push_back(std::move(event));
        }
    }
}

}  // namespace tapeloft::media
