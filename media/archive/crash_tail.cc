#include "media/archive/crash_tail.h"

#include <algorithm>

namespace tapeloft::media {
namespace {

bool has(const LogObject& object, LogEntryType type) {
    return std::ranges::find(object.entries, type, &LogEntry::type) != object.entries.end();
}

Result<WriterId> writer_of(const LogObject& object) {
    const auto said = std::ranges::find(object.entries, LogEntryType::writer, &LogEntry::type);
    return said == object.entries.end() ? Result<WriterId>(WriterId{}) : decode_writer(*said);
}

/// Bytes do not tell: what the crash damaged has fewer of them.
bool has_same_objects(const SegmentRecord& one, const SegmentRecord& other) {
    return one.partition == other.partition && one.number == other.number &&
           one.first_object == other.first_object && one.object_count == other.object_count;
}

}  // namespace

Error old_copy(const StreamId& stream, std::uint64_t sequence) {
    return {Errc::precondition,
            log_name(stream, sequence) +
                " was written from this catalog, and the catalog does not know it: it is an old "
                "copy. Put the newest one back, or recover the library from the store"};
}

Result<void> check_writer(const StreamId& stream, const LogTail& tail, const WriterId& writer) {
    for (const auto& each : tail.objects) {
        TL_TRY(const auto said, writer_of(each.object));
        if (said != writer) {
            return Error{Errc::precondition,
                         log_name(stream, each.object.sequence) + " was written by another daemon"};
        }
    }
    return {};
}

Result<void> check_cartridge_tail(const StreamId& stream, const LogTail& tail,
                                  bool removal_pending) {
    for (std::size_t i = 0; i < tail.objects.size(); ++i) {
        const auto& object = tail.objects[i].object;
        const bool appended = i != 0 && has(object, LogEntryType::append);
        const bool removed = !removal_pending && has(object, LogEntryType::removed);
        if (appended || removed) {
            return old_copy(stream, object.sequence);
        }
    }
    return {};
}

Result<void> check_commit(const StreamId& stream, const LogTail& tail, const CheckpointFacts& facts,
                          std::span<const SegmentRecord> unstored) {
    const auto& object = tail.objects.front().object;
    if (object.kind == LogKind::checkpoint) {
        return {};  // it says nothing new
    }
    const bool cut = std::ranges::any_of(facts.changes, [](const PendingChange& change) {
        return change.kind != PendingChange::Kind::state;
    });
    for (const auto& entry : object.entries) {
        const bool cuts =
            entry.type == LogEntryType::truncate || entry.type == LogEntryType::format;
        if (cuts && !cut) {
            return old_copy(stream, object.sequence);
        }
        if (entry.type != LogEntryType::append) {
            continue;
        }
        TL_TRY(const auto appended, decode_appended(entry));
        const bool known = std::ranges::any_of(unstored, [&appended](const SegmentRecord& row) {
            return has_same_objects(row, appended.segment);
        });
        if (appended.segment.number >= facts.numbers_end || (!cut && !known)) {
            return old_copy(stream, object.sequence);
        }
    }
    return {};
}

Result<void> check_index_tail(const StreamId& stream, const LogTail& tail,
                              std::span<const PackId> removals) {
    if (tail.objects.size() > 1) {
        return old_copy(stream, tail.objects.back().object.sequence);
    }
    for (const auto& each : tail.objects) {
        // A checkpoint says again what was removed long ago.
        if (each.object.kind == LogKind::checkpoint) {
            continue;
        }
        for (const auto& entry : each.object.entries) {
            if (entry.type != LogEntryType::pack_removed) {
                continue;
            }
            TL_TRY(const auto pack, decode_pack_removed(entry));
            if (std::ranges::find(removals, pack) == removals.end()) {
                return old_copy(stream, each.object.sequence);
            }
        }
    }
    return {};
}

Result<std::vector<KnownCartridge>> named_in(const LogTail& tail) {
    std::vector<KnownCartridge> named;
    for (const auto& each : tail.objects) {
        for (const auto& entry : each.object.entries) {
            if (entry.type == LogEntryType::library) {
                TL_TRY(auto state, decode_library(entry));
                std::ranges::move(state.cartridges, std::back_inserter(named));
            }
        }
    }
    return named;
}

}  // namespace tapeloft::media
