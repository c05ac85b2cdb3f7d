#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "cloud/base/hex.h"

#include "media/cartridge/block_io.h"
#include "media/log/map_counts.h"
#include "media/log/replay.h"

namespace tapeloft::media {
namespace {

/// Invariants: the segments of a partition are gapless from object 0 on, and numbers_ are theirs;
/// a partition that the cartridge does not have has none.
class CartridgeReplaying {
  public:
    explicit CartridgeReplaying(const LogContents& log) : log_(log) {}

    Result<void> run();
    [[nodiscard]] CartridgeReplay take();

  private:
    using Apply = Result<void> (CartridgeReplaying::*)(const LogEntry& entry);
    struct Row {
        LogEntryType type;
        LogKind kind;  ///< delta: in any object
        Apply apply;
    };
    static const std::array<Row, 8> kRows;

    Result<void> apply(const LogObject& object);
    Result<void> retained(const LogEntry& entry);
    Result<void> writer(const LogEntry& entry);
    Result<void> state(const LogEntry& entry);
    Result<void> format(const LogEntry& entry);
    Result<void> truncate(const LogEntry& entry);
    Result<void> append(const LogEntry& entry);
    Result<void> segments(const LogEntry& entry);
    Result<void> removed(const LogEntry& entry);

    Result<void> add(const SegmentRecord& segment, const EntryPlace& append);
    Result<void> cut(ReplayedSegment& last, std::uint64_t object);
    [[nodiscard]] Result<EntryPlace> append_of(const CheckpointSegment& segment) const;
    [[nodiscard]] std::size_t partitions() const {
        return std::max<std::size_t>(capacities_.size(), 1);
    }

    const LogContents& log_;
    EntryPlace at_;  ///< the entry that is being applied
    bool has_state_ = false;
    bool removed_ = false;
    CartridgeState state_;
    std::vector<std::uint64_t> capacities_;
    std::array<std::vector<ReplayedSegment>, kPartitionsMax> partitions_;
    std::set<std::uint64_t> numbers_;
};

const std::array<CartridgeReplaying::Row, 8> CartridgeReplaying::kRows = {
    {{LogEntryType::retained, LogKind::checkpoint, &CartridgeReplaying::retained},
     {LogEntryType::writer, LogKind::delta, &CartridgeReplaying::writer},
     {LogEntryType::state, LogKind::delta, &CartridgeReplaying::state},
     {LogEntryType::format, LogKind::delta, &CartridgeReplaying::format},
     {LogEntryType::truncate, LogKind::delta, &CartridgeReplaying::truncate},
     {LogEntryType::append, LogKind::delta, &CartridgeReplaying::append},
     {LogEntryType::segments, LogKind::checkpoint, &CartridgeReplaying::segments},
     {LogEntryType::removed, LogKind::delta, &CartridgeReplaying::removed}}};

Error corrupt(std::string what) {
    return {Errc::corrupt, std::move(what)};
}

Result<void> CartridgeReplaying::run() {
    if (log_.checkpoint) {
        TL_CHECK(apply(log_.checkpoint->object));
    }
    for (const auto& delta : log_.deltas) {
        TL_CHECK(apply(delta.object));
    }
    if (!has_state_ && !removed_) {
        return corrupt("log stream " + to_hex(log_.stream) +
                       " never says which cartridge it is of");
    }
    return {};
}

Result<void> CartridgeReplaying::apply(const LogObject& object) {
    for (std::size_t i = 0; i < object.entries.size(); ++i) {
        const auto& entry = object.entries[i];
        at_ = {object.sequence, i};
        const auto* const row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& candidate) {
            return candidate.type == entry.type &&
                   (candidate.kind == LogKind::delta || candidate.kind == object.kind);
        });
        auto result = row == kRows.end() ? corrupt("it does not belong there")
                      : removed_         ? corrupt("the cartridge was removed before")
                                         : (this->*row->apply)(entry);
        if (!result) {
            return Error{result.error().code, log_name(log_.stream, object.sequence) + ", entry " +
                                                  std::to_string(i) + ": " +
                                                  result.error().message};
        }
    }
    return {};
}

Result<void> CartridgeReplaying::retained(const LogEntry& /*entry*/) {
    return {};
}

Result<void> CartridgeReplaying::writer(const LogEntry& /*entry*/) {
    return {};
}

Result<void> CartridgeReplaying::state(const LogEntry& entry) {
    TL_TRY(auto state, decode_state(entry));
    if (has_state_ && state.record.medium_serial != state_.record.medium_serial) {
        return corrupt("it is the state of another cartridge");
    }
    state_ = std::move(state);
    has_state_ = true;
    return {};
}

Result<void> CartridgeReplaying::format(const LogEntry& entry) {
    TL_TRY(capacities_, decode_format(entry));
    for (auto& partition : partitions_) {
        partition.clear();
    }
    numbers_.clear();
    return {};
}

/// One that cuts behind what the log has cuts nothing: what the host cut off was never logged.
Result<void> CartridgeReplaying::truncate(const LogEntry& entry) {
    TL_TRY(const auto truncation, decode_truncation(entry));
    if (truncation.partition >= partitions()) {
        return corrupt("there is no partition " + std::to_string(truncation.partition));
    }
    auto& partition = partitions_[truncation.partition];
    while (!partition.empty() && partition.back().segment.first_object >= truncation.object) {
        numbers_.erase(partition.back().segment.number);
        partition.pop_back();
    }
    return partition.empty() ? Result<void>() : cut(partition.back(), truncation.object);
}

Result<void> CartridgeReplaying::cut(ReplayedSegment& last, std::uint64_t object) {
    auto& segment = last.segment;
    const auto objects = object - segment.first_object;
    if (objects >= segment.object_count) {
        return {};
    }
    TL_TRY(const auto appended, decode_appended(entry_at(log_, last.append)));
    TL_TRY(const auto counts, count_objects(appended.map, objects));
    segment.object_count = objects;
    segment.filemark_count = counts.filemarks;
    segment.byte_count = counts.bytes;
    return {};
}

Result<void> CartridgeReplaying::append(const LogEntry& entry) {
    TL_TRY(const auto appended, decode_appended(entry));
    TL_TRY(const auto counts, count_objects(appended.map, appended.segment.object_count));
    if (counts.filemarks != appended.segment.filemark_count) {
        return corrupt("the segment and its map do not agree on filemarks");
    }
    return add(appended.segment, at_);
}

Result<void> CartridgeReplaying::add(const SegmentRecord& segment, const EntryPlace& append) {
    if (segment.partition >= partitions()) {
        return corrupt("there is no partition " + std::to_string(segment.partition));
    }
    auto& partition = partitions_[segment.partition];
    SegmentRecord end;
    if (!partition.empty()) {
        const auto& last = partition.back().segment;
        end.first_object = last.first_object + last.object_count;
        end.first_file = last.first_file + last.filemark_count;
    }
    if (segment.first_object != end.first_object || segment.first_file != end.first_file) {
        return corrupt("segment " + std::to_string(segment.number) + " begins at object " +
                       std::to_string(segment.first_object) + ", file " +
                       std::to_string(segment.first_file) + "; the partition ends at object " +
                       std::to_string(end.first_object) + ", file " +
                       std::to_string(end.first_file));
    }
    if (!numbers_.insert(segment.number).second) {
        return corrupt("the cartridge has a segment " + std::to_string(segment.number) +
                       " already");
    }
    partition.push_back({segment, append});
    return {};
}

Result<void> CartridgeReplaying::segments(const LogEntry& entry) {
    TL_TRY(const auto segments, decode_segments(entry));
    for (const auto& segment : segments) {
        TL_TRY(const auto append, append_of(segment));
        TL_CHECK(add(segment.segment, append));
    }
    return {};
}

Result<EntryPlace> CartridgeReplaying::append_of(const CheckpointSegment& segment) const {
    const auto& wanted = segment.segment;
    const auto object =
        std::lower_bound(log_.retained.begin(), log_.retained.end(), segment.map_sequence,
                         [](const LogObjectAt& retained, std::uint64_t sequence) {
                             return retained.object.sequence < sequence;
                         });
    if (object == log_.retained.end() || object->object.sequence != segment.map_sequence) {
        return corrupt("object " + std::to_string(segment.map_sequence) +
                       ", which has the map of segment " + std::to_string(wanted.number) +
                       ", is not retained");
    }
    const auto& entries = object->object.entries;
    // The last one counts: what has the number before it was cut off in the same object.
    for (auto i = entries.size(); i-- > 0;) {
        if (entries[i].type != LogEntryType::append) {
            continue;
        }
        TL_TRY(const auto appended, decode_appended(entries[i]));
        const auto& there = appended.segment;
        if (there.number != wanted.number) {
            continue;
        }
        TL_TRY(const auto counts, count_objects(appended.map, wanted.object_count));
        if (there.partition == wanted.partition && there.first_object == wanted.first_object &&
            there.object_count >= wanted.object_count &&
            counts.filemarks == wanted.filemark_count) {
            return EntryPlace{segment.map_sequence, i};
        }
        break;
    }
    return corrupt("object " + std::to_string(segment.map_sequence) + " has no map of segment " +
                   std::to_string(wanted.number) + " as the checkpoint tells of it");
}

Result<void> CartridgeReplaying::removed(const LogEntry& entry) {
    if (!entry.body.empty()) {
        return corrupt("the entry \"removed\" has a body");
    }
    removed_ = true;
    return {};
}

CartridgeReplay CartridgeReplaying::take() {
    CartridgeReplay replay;
    replay.state = std::move(state_);
    replay.removed = removed_;
    replay.capacities = std::move(capacities_);
    if (removed_) {
        return replay;
    }
    for (auto& partition : partitions_) {
        std::move(partition.begin(), partition.end(), std::back_inserter(replay.segments));
    }
    return replay;
}

}  // namespace

const LogEntry& entry_at(const LogContents& log, const EntryPlace& place) {
    const auto in = [&place](const std::vector<LogObjectAt>& objects) -> const LogObject* {
        const auto found = std::lower_bound(objects.begin(), objects.end(), place.sequence,
                                            [](const LogObjectAt& at, std::uint64_t sequence) {
                                                return at.object.sequence < sequence;
                                            });
        const bool there = found != objects.end() && found->object.sequence == place.sequence;
        return there ? &found->object : nullptr;
    };
    const auto* object = in(log.deltas);
    if (object == nullptr) {
        object = in(log.retained);
    }
    if (object == nullptr && log.checkpoint) {
        object = &log.checkpoint->object;
    }
    TL_ASSERT(object != nullptr && object->sequence == place.sequence &&
              place.entry < object->entries.size());
    return object->entries[place.entry];
}

Result<CartridgeReplay> replay_cartridge(const LogContents& log) {
    CartridgeReplaying replaying(log);
    TL_CHECK(replaying.run());
    return replaying.take();
}

Result<Bytes> map_of(const LogContents& log, const ReplayedSegment& segment) {
    TL_TRY(auto appended, decode_appended(entry_at(log, segment.append)));
    return std::move(appended.map);
}

}  // namespace tapeloft::media
