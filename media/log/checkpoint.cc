#include "media/log/checkpoint.h"

#include <algorithm>
#include <set>

#include "cloud/base/hex.h"

#include "media/log/replay.h"

namespace tapeloft::media {
namespace {

using Sequences = std::set<std::uint64_t>;

/// Parts the objects into those that count (`live`) and those that do not.
struct Parted {
    std::vector<RetainedObject> retained;
    std::vector<std::uint64_t> obsolete;
    LogUse use;
};

Parted part(const LogContents& log, const Sequences& live) {
    Parted parted;
    const auto take = [&](const LogObjectAt& at) {
        ++parted.use.objects;
        if (live.contains(at.object.sequence)) {
            ++parted.use.live;
            parted.retained.push_back({at.object.sequence, at.digest});
        } else {
            parted.obsolete.push_back(at.object.sequence);
        }
    };
    std::for_each(log.retained.begin(), log.retained.end(), take);
    if (log.checkpoint) {
        take(*log.checkpoint);
    }
    std::for_each(log.deltas.begin(), log.deltas.end(), take);
    parted.use.deltas = log.deltas.size();
    return parted;
}

/// The packs that an object adds, to those `live` that stay; the others it is silent about.
Result<void> append_removed(const LogObject& object, const std::set<PackId>& live,
                            std::vector<LogEntry>& entries) {
    for (const auto& entry : object.entries) {
        if (entry.type != LogEntryType::pack_added) {
            continue;
        }
        TL_TRY(const auto pack, decode_pack_added(entry));
        if (!live.contains(pack.id)) {
            entries.push_back(encode_removed(pack.id));
        }
    }
    return {};
}

}  // namespace

bool checkpoint_due(const LogUse& use) noexcept {
    return use.deltas >= kCheckpointDeltasMin && 2 * use.live < use.objects;
}

Result<Checkpoint> cartridge_checkpoint(const LogContents& log) {
    TL_TRY(const auto replay, replay_cartridge(log));
    if (replay.removed) {
        return Error{Errc::precondition, "log stream " + to_hex(log.stream) + " has ended"};
    }
    Sequences live;
    std::vector<CheckpointSegment> segments;
    segments.reserve(replay.segments.size());
    for (const auto& segment : replay.segments) {
        live.insert(segment.append.sequence);
        segments.push_back({segment.segment, segment.append.sequence});
    }
    auto parted = part(log, live);
    Checkpoint checkpoint;
    checkpoint.entries = {encode(parted.retained), encode(replay.state),
                          encode_format(replay.capacities), encode(segments)};
    checkpoint.obsolete = std::move(parted.obsolete);
    checkpoint.use = parted.use;
    return checkpoint;
}

Result<Checkpoint> index_checkpoint(const LogContents& log) {
    TL_TRY(const auto replay, replay_index(log));
    Sequences live;
    std::set<PackId> packs;
    for (const auto& place : replay.packs) {
        live.insert(place.sequence);
        TL_TRY(const auto pack, pack_at(log, place));
        packs.insert(pack.id);
    }
    auto parted = part(log, live);
    Checkpoint checkpoint;
    checkpoint.entries = {encode(parted.retained)};
    // What an object that stays adds beside its live packs is said to be removed, as the object
    // that said so may go.
    const auto repeat = [&](const std::vector<LogObjectAt>& objects) -> Result<void> {
        for (const auto& at : objects) {
            if (live.contains(at.object.sequence)) {
                TL_CHECK(append_removed(at.object, packs, checkpoint.entries));
            }
        }
        return {};
    };
    TL_CHECK(repeat(log.retained));
    TL_CHECK(repeat(log.deltas));
    checkpoint.obsolete = std::move(parted.obsolete);
    checkpoint.use = parted.use;
    return checkpoint;
}

void without_chunks(LogObject& object) {
    for (auto& entry : object.entries) {
        if (entry.type != LogEntryType::pack_added) {
            continue;
        }
        auto pack = decode_pack_added(entry);
        if (pack) {  // else the replay says what is wrong with it
            pack->chunks.clear();
            entry = encode(*pack);
        }
    }
}

Checkpoint library_checkpoint(const StreamHead& head, const LibraryState& state) {
    Checkpoint checkpoint;
    checkpoint.entries = {encode(std::vector<RetainedObject>()), encode(state)};
    for (auto sequence = std::max<std::uint64_t>(head.checkpoint, 1); sequence <= head.sequence;
         ++sequence) {
        checkpoint.obsolete.push_back(sequence);
    }
    return checkpoint;
}

}  // namespace tapeloft::media
