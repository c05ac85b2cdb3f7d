// SpoolTape: SPACE and LOCATE. Each looks up at most two segment indexes, and reads no record.
#include <algorithm>

#include "media/cartridge/spool_tape.h"

namespace tapeloft::media {
namespace {

std::uint64_t magnitude(std::int64_t count) noexcept {
    const auto bits = static_cast<std::uint64_t>(count);
    return count < 0 ? 0 - bits : bits;
}

}  // namespace

Awaitable<Result<void>> SpoolTape::go_to(std::uint64_t object) {
    if (object == index_.end().object) {
        place_ = index_.end();
        co_return Result<void>();
    }
    const auto segment = index_.segment_of_object(object);
    auto place = index_.start_of(segment);
    if (place.object != object) {
        TL_CO_TRY(const auto runs, co_await runs_of(segment));
        place = index_.place_in(segment, *runs, object);
    }
    place_ = place;
    co_return Result<void>();
}

Awaitable<Result<std::uint64_t>> SpoolTape::object_of_filemark(std::uint64_t filemark) {
    const auto segment = index_.segment_of_filemark(filemark);
    TL_CO_TRY(const auto runs, co_await runs_of(segment));
    const auto start = index_.start_of(segment);
    co_return start.object + runs->object_of_filemark(filemark - start.file);
}

Awaitable<Result<SpaceOutcome>> SpoolTape::space_records(std::int64_t count) {
    TL_CO_CHECK(co_await absorb_failure());
    if (count >= 0) {
        co_return co_await space_records_forward(magnitude(count));
    }
    co_return co_await space_records_backward(magnitude(count));
}

Awaitable<Result<SpaceOutcome>> SpoolTape::space_records_forward(std::uint64_t count) {
    const bool has_filemark = place_.file < index_.end().file;
    auto end = index_.end().object;
    if (has_filemark && count != 0) {
        TL_CO_TRY(end, co_await object_of_filemark(place_.file));
    }
    SpaceOutcome outcome;
    outcome.moved = std::min(count, end - place_.object);
    auto target = place_.object + outcome.moved;
    if (outcome.moved < count) {
        outcome.stop = has_filemark ? SpaceStop::filemark : SpaceStop::end_of_data;
        target += has_filemark ? 1 : 0;
    }
    TL_CO_CHECK(co_await go_to(target));
    co_return outcome;
}

Awaitable<Result<SpaceOutcome>> SpoolTape::space_records_backward(std::uint64_t count) {
    const bool has_filemark = place_.file > 0;
    std::uint64_t first = 0;  // record that can be reached
    if (has_filemark) {
        TL_CO_TRY(first, co_await object_of_filemark(place_.file - 1));
        ++first;
    }
    SpaceOutcome outcome;
    outcome.moved = std::min(count, place_.object - first);
    auto target = place_.object - outcome.moved;
    if (outcome.moved < count) {
        outcome.stop = has_filemark ? SpaceStop::filemark : SpaceStop::beginning_of_partition;
        target -= has_filemark ? 1 : 0;
    }
    TL_CO_CHECK(co_await go_to(target));
    co_return outcome;
}

Awaitable<Result<SpaceOutcome>> SpoolTape::space_filemarks(std::int64_t count) {
    TL_CO_CHECK(co_await absorb_failure());
    SpaceOutcome outcome;
    if (count == 0) {
        co_return outcome;
    }
    const auto wanted = magnitude(count);
    const auto available = count > 0 ? index_.end().file - place_.file : place_.file;
    outcome.moved = std::min(wanted, available);
    if (outcome.moved < wanted) {
        outcome.stop = count > 0 ? SpaceStop::end_of_data : SpaceStop::beginning_of_partition;
        TL_CO_CHECK(co_await go_to(count > 0 ? index_.end().object : 0));
        co_return outcome;
    }
    const auto last = count > 0 ? place_.file + wanted - 1 : place_.file - wanted;
    TL_CO_TRY(const auto object, co_await object_of_filemark(last));
    TL_CO_CHECK(co_await go_to(count > 0 ? object + 1 : object));
    co_return outcome;
}

Awaitable<Result<SpaceOutcome>> SpoolTape::space_sequential_filemarks(std::int64_t count) {
    TL_CO_CHECK(co_await absorb_failure());
    SpaceOutcome outcome;
    if (count == 0) {
        co_return outcome;
    }
    const auto wanted = magnitude(count);
    std::optional<std::uint64_t> object;
    if (count > 0) {
        TL_CO_TRY(object, co_await find_streak_forward(wanted));
    } else {
        TL_CO_TRY(object, co_await find_streak_backward(wanted));
    }
    if (object) {
        outcome.moved = wanted;
        TL_CO_CHECK(co_await go_to(*object));
        co_return outcome;
    }
    outcome.stop = count > 0 ? SpaceStop::end_of_data : SpaceStop::beginning_of_partition;
    TL_CO_CHECK(co_await go_to(count > 0 ? index_.end().object : 0));
    co_return outcome;
}

/// Behind the last of `count` filemarks side by side. Segments without a filemark are passed
/// unseen.
Awaitable<Result<std::optional<std::uint64_t>>> SpoolTape::find_streak_forward(
    std::uint64_t count) {
    std::uint64_t streak = 0;
    std::optional<std::uint64_t> found;
    if (at_end_of_data()) {
        co_return found;
    }
    for (auto i = index_.segment_of_object(place_.object); i < index_.size(); ++i) {
        const auto row = index_.segment(i).row;
        if (row.filemark_count == 0) {
            streak = 0;
            continue;
        }
        TL_CO_TRY(const auto runs, co_await runs_of(i));
        const auto from = std::max(place_.object, row.first_object) - row.first_object;
        found = runs->end_of_streak(from, count, streak);
        if (found) {
            found = *found + row.first_object;
            break;
        }
    }
    co_return found;
}

/// Before the first of them.
Awaitable<Result<std::optional<std::uint64_t>>> SpoolTape::find_streak_backward(
    std::uint64_t count) {
    std::uint64_t streak = 0;
    std::optional<std::uint64_t> found;
    if (place_.object == 0) {
        co_return found;
    }
    for (auto i = index_.segment_of_object(place_.object - 1) + 1; i-- > 0;) {
        const auto row = index_.segment(i).row;
        if (row.filemark_count == 0) {
            streak = 0;
            continue;
        }
        TL_CO_TRY(const auto runs, co_await runs_of(i));
        const auto from = std::min(place_.object - row.first_object, row.object_count);
        found = runs->start_of_streak(from, count, streak);
        if (found) {
            found = *found + row.first_object;
            break;
        }
    }
    co_return found;
}

Awaitable<Result<void>> SpoolTape::space_to_end_of_data() {
    TL_CO_CHECK(co_await absorb_failure());
    place_ = index_.end();
    co_return Result<void>();
}

Awaitable<Result<bool>> SpoolTape::locate_object(std::uint64_t object) {
    TL_CO_CHECK(co_await absorb_failure());
    const auto end = index_.end().object;
    TL_CO_CHECK(co_await go_to(std::min(object, end)));
    co_return object <= end;
}

Awaitable<Result<bool>> SpoolTape::locate_file(std::uint64_t file) {
    TL_CO_CHECK(co_await absorb_failure());
    if (file > index_.end().file) {
        place_ = index_.end();
        co_return false;
    }
    std::uint64_t object = 0;
    if (file != 0) {
        TL_CO_TRY(object, co_await object_of_filemark(file - 1));
        ++object;
    }
    TL_CO_CHECK(co_await go_to(object));
    co_return true;
}

}  // namespace tapeloft::media
