#include "media/pbs/pxar/pxar_walk.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {
namespace {

std::uint64_t bytes_held(const PxarEntry& entry) {
    const auto& attributes = entry.attributes;
    std::uint64_t held = sizeof(PxarEntry) + entry.path.size();
    for (const auto& xattr : attributes.xattrs) {
        held += sizeof(Xattr) + xattr.name.size() + xattr.value.size();
    }
    held += (attributes.acl.users.size() + attributes.acl.groups.size()) * sizeof(AclPermission);
    if (attributes.default_acl) {
        held += (attributes.default_acl->users.size() + attributes.default_acl->groups.size()) *
                sizeof(AclPermission);
    }
    return held;
}

PxarEvent entry_event(PxarEntry entry) {
    PxarEvent event;
    event.entry = std::move(entry);
    return event;
}

}  // namespace

void PxarWalk::begin() {
    levels_.clear();
    ready_.clear();
    base_ = 0;
    held_ = 0;
    start_.reset();
    from_root_ = true;
    skip_ = false;
    silent_.reset();
}

void PxarWalk::begin(const PxarRoute& route) {
    begin();
    from_root_ = false;
    for (const auto& place : route.places) {
        levels_.push_back({place.entry, place.end, 0});
    }
    levels_.pop_back();
    base_ = levels_.size();
    start_ = route.places.back();
}

Awaitable<Result<std::optional<PxarEvent>>> PxarWalk::next() {
    while (ready_.empty()) {
        if (!from_root_ && !start_ && levels_.size() == base_) {
            co_return std::optional<PxarEvent>();
        }
        TL_CO_CHECK(co_await advance());
    }
    std::optional<PxarEvent> event(std::move(ready_.front()));
    ready_.pop_front();
    co_return event;
}

Awaitable<Result<std::uint64_t>> PxarWalk::end_of_current() {
    TL_ASSERT(levels_.size() > base_);
    co_return co_await end_of(levels_.size() - 1);
}

Awaitable<Result<void>> PxarWalk::advance() {
    if (std::exchange(skip_, false)) {
        co_return co_await skip_rest();
    }
    if (from_root_) {
        co_return co_await advance_root();
    }
    PxarEntry entry;
    std::optional<std::uint64_t> end;
    if (start_) {
        entry = std::move(start_->entry);
        end = start_->end;
        start_.reset();
    } else {
        auto item = co_await reader_.item_at(at_, limit());
        Result<void> read;
        if (!item) {
            entry.position = at_;
            read = std::move(item).error();
        } else if (item->type == layout::pxar::kGoodbye) {
            at_ += kPxarHeaderSize + item->content;
            leave();
            co_return Result<void>();
        } else {
            read = co_await reader_.read_entry(at_, limit(), levels_.back().entry.path, entry);
        }
        if (!read && is_damage(read.error())) {
            co_return co_await recover(std::move(read).error(), std::move(entry));
        }
        TL_CO_CHECK(std::move(read));
    }
    at_ = entry.end;
    if (entry.kind == FileKind::directory) {
        co_return enter(std::move(entry), end);
    }
    push(entry_event(std::move(entry)));
    co_return Result<void>();
}

Awaitable<Result<void>> PxarWalk::advance_root() {
    const auto root = reader_.root();
    PxarEntry entry;
    auto read = co_await reader_.read_entry(root, reader_.end(), "", entry);
    if (!read && !is_damage(read.error())) {
        co_return std::move(read).error();
    }
    if (read) {
        at_ = entry.end;
    } else {
        // Where not even the table of the root is left there is nothing to go by.
        auto table = co_await reader_.table(root, reader_.end());
        if (!table) {
            co_return std::move(read).error();
        }
        TL_CO_TRY(const auto first, co_await child_from(*table, 0));
        at_ = first ? first->position : table->start();
        entry = lost_directory("", root);
        push_damage(std::move(read).error(), "");
    }
    from_root_ = false;
    co_return enter(std::move(entry), reader_.end());
}

Awaitable<Result<void>> PxarWalk::skip_rest() {
    auto end = co_await end_of_current();
    if (end) {
        at_ = *end;
        leave();
    } else if (!is_damage(end.error())) {
        co_return std::move(end).error();
    } else if (!silent_) {
        silent_ = levels_.size() - 1;
    }
    co_return Result<void>();
}

Awaitable<Result<void>> PxarWalk::recover(Error error, PxarEntry partial) {
    push_damage(std::move(error), partial.path.empty() ? levels_.back().entry.path : partial.path);
    auto from = at_;
    const PxarEntry* lost = &partial;
    while (levels_.size() > base_) {
        auto recovered = co_await recover_in(from, lost);
        if (recovered || !is_damage(recovered.error())) {
            co_return recovered;
        }
        // This directory has no table any more; the one around it may tell where it ends.
        auto& level = levels_.back();
        push_damage(std::move(recovered).error(), level.entry.path);
        if (level.end) {
            at_ = *level.end;
            leave();
            co_return Result<void>();
        }
        from = level.entry.position;
        lost = nullptr;
        leave();
    }
    co_return Result<void>();
}

/// Goes on in the innermost directory with what comes behind the child at `from`. lost: that child,
/// as far as it could be read; none: it is not to be tried again.
Awaitable<Result<void>> PxarWalk::recover_in(std::uint64_t from, const PxarEntry* lost) {
    TL_CO_TRY(const auto end, co_await end_of(levels_.size() - 1));
    TL_CO_TRY(auto table, co_await reader_.table(levels_.back().entry.position, end));
    TL_CO_TRY(const auto child, co_await child_from(table, from));
    if (!child && table.start() < from) {
        at_ = end;
        leave();
        co_return Result<void>();
    }
    if (!child || child->position != from) {
        at_ = child ? child->position : table.start();
        co_return Result<void>();
    }
    at_ = child->end;
    if (lost != nullptr) {
        co_return co_await enter_lost(*child, *lost);
    }
    co_return Result<void>();
}

/// Enters a child with a damaged entry if it is a directory.
Awaitable<Result<void>> PxarWalk::enter_lost(ChildRange child, const PxarEntry& lost) {
    auto table = co_await reader_.table(child.position, child.end);
    if (!table) {
        co_return is_damage(table.error()) ? Result<void>() : Result<void>(table.error());
    }
    // A file may hold a pxar archive, and end as one.
    if (!lost.path.empty() && table->entry_position() != lost.entry_position) {
        co_return Result<void>();
    }
    auto path = lost.path;
    if (path.empty()) {
        path = join_path(levels_.back().entry.path, "lost-" + std::to_string(child.position));
    }
    auto first = co_await child_from(*table, child.position);
    if (!first || path.size() > kPxarPathMax) {
        const bool stop = !first && !is_damage(first.error());
        co_return stop ? Result<void>(first.error()) : Result<void>();
    }
    at_ = *first ? (*first)->position : table->start();
    co_return enter(lost_directory(std::move(path), child.position), child.end);
}

/// The first child that begins at `position` or behind it.
Awaitable<Result<std::optional<ChildRange>>> PxarWalk::child_from(GoodbyeTable& table,
                                                                  std::uint64_t position) {
    // Children with damaged entries mostly stand side by side, and a table may be long.
    const bool known = known_table_ == table.start() && position >= known_from_ &&
                       !known_.empty() && known_.back().position >= position;
    if (!known) {
        known_.clear();
        TL_CO_TRY(known_, co_await table.next_from(position, kKnownMax));
        known_table_ = table.start();
        known_from_ = position;
    }
    const auto child = std::ranges::lower_bound(known_, position, {}, &ChildRange::position);
    co_return child == known_.end() ? std::optional<ChildRange>() : std::optional(*child);
}

Awaitable<Result<std::uint64_t>> PxarWalk::end_of(std::size_t level) {
    auto known = level;
    while (!levels_[known].end) {
        --known;
    }
    for (; known < level; ++known) {
        const auto& parent = levels_[known];
        auto& child = levels_[known + 1];
        TL_CO_TRY(auto table, co_await reader_.table(parent.entry.position, *parent.end));
        TL_CO_TRY(const auto ranges, co_await table.find(child.entry.name()));
        for (const auto& range : ranges) {
            if (range.position == child.entry.position) {
                child.end = range.end;
            }
        }
        if (!child.end) {
            co_return Error{Errc::corrupt, "the goodbye table around \"" + child.entry.path +
                                               "\" does not tell where it ends"};
        }
    }
    co_return *levels_[level].end;
}

std::uint64_t PxarWalk::limit() const {
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
        if (level->end) {
            return *level->end;
        }
    }
    return reader_.end();
}

Result<void> PxarWalk::enter(PxarEntry entry, std::optional<std::uint64_t> end) {
    const auto held = bytes_held(entry);
    if (held > kHeldMax - held_) {
        return Error{Errc::unsupported,
                     "\"" + entry.path + "\": the directories above have too many attributes"};
    }
    held_ += held;
    levels_.push_back({entry, end, held});
    push(entry_event(std::move(entry)));
    return {};
}

void PxarWalk::leave() {
    PxarEvent event;
    event.kind = PxarEvent::Kind::leave;
    event.entry = std::move(levels_.back().entry);
    held_ -= levels_.back().held;
    levels_.pop_back();
    if (silent_ == levels_.size()) {
        silent_.reset();
    }
    push(std::move(event));
}

void PxarWalk::push(PxarEvent event) {
    if (!silent_) {
        ready_.push_back(std::move(event));
    }
}

void PxarWalk::push_damage(Error error, std::string path) {
    PxarEvent event;
    event.kind = PxarEvent::Kind::damage;
    event.entry.path = std::move(path);
    event.error = std::move(error);
    push(std::move(event));
}

}  // namespace tapeloft::media
