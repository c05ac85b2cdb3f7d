#include "media/log/replay.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

/// Of what the stream amounts to.
bool says_nothing(const LogEntry& entry) {
    return entry.type == LogEntryType::retained || entry.type == LogEntryType::writer;
}

Error at_entry(const LogContents& log, std::uint64_t sequence, std::size_t entry,
               const std::string& what) {
    return {Errc::corrupt,
            log_name(log.stream, sequence) + ", entry " + std::to_string(entry) + ": " + what};
}

/// Calls visit(object) for all objects that count, in order, until one fails.
template <typename Visit>
Result<void> for_each_object(const LogContents& log, Visit visit) {
    for (const auto& at : log.retained) {
        TL_CHECK(visit(at.object));
    }
    if (log.checkpoint) {
        TL_CHECK(visit(log.checkpoint->object));
    }
    for (const auto& at : log.deltas) {
        TL_CHECK(visit(at.object));
    }
    return {};
}

/// Invariant: added_ and removed_ are what the entries so far say. A pack's id is never used again,
/// so its removal counts wherever it stands; it may be told twice, or of a pack whose `pack added`
/// is in no object that counts any more.
class IndexReplaying {
  public:
    explicit IndexReplaying(const LogContents& log) : log_(log) {}

    Result<void> apply(const LogObject& object) {
        for (std::size_t i = 0; i < object.entries.size(); ++i) {
            auto result = apply(object.entries[i], {object.sequence, i});
            if (!result) {
                return at_entry(log_, object.sequence, i, result.error().message);
            }
        }
        return {};
    }

    [[nodiscard]] IndexReplay take() {
        IndexReplay replay;
        for (const auto& [id, place] : added_) {
            if (!removed_.contains(id)) {
                replay.packs.push_back(place);
            }
        }
        std::sort(replay.packs.begin(), replay.packs.end(),
                  [](const EntryPlace& a, const EntryPlace& b) {
                      return std::tie(a.sequence, a.entry) < std::tie(b.sequence, b.entry);
                  });
        return replay;
    }

  private:
    Result<void> apply(const LogEntry& entry, const EntryPlace& place) {
        if (says_nothing(entry)) {
            return {};
        }
        if (entry.type == LogEntryType::pack_removed) {
            TL_TRY(const auto id, decode_pack_removed(entry));
            removed_.insert(id);
            return {};
        }
        if (entry.type != LogEntryType::pack_added) {
            return Error{Errc::corrupt, "it does not belong there"};
        }
        TL_TRY(const auto pack, decode_pack_added(entry));
        const auto [known, added] = added_.insert({pack.id, place});
        if (!added && entry_at(log_, known->second) != entry) {
            return Error{Errc::corrupt,
                         "pack " + to_hex(pack.id) + " was added with other content"};
        }
        return {};
    }

    const LogContents& log_;
    std::map<PackId, EntryPlace> added_;
    std::set<PackId> removed_;
};

}  // namespace

Result<IndexReplay> replay_index(const LogContents& log) {
    IndexReplaying replaying(log);
    TL_CHECK(for_each_object(
        log, [&replaying](const LogObject& object) { return replaying.apply(object); }));
    return replaying.take();
}

Result<PackContents> pack_at(const LogContents& log, const EntryPlace& place) {
    return decode_pack_added(entry_at(log, place));
}

Result<std::map<Fingerprint, ChunkLocation>> locate_chunks(const LogContents& log,
                                                           const IndexReplay& index) {
    std::map<Fingerprint, ChunkLocation> chunks;
    for (const auto& place : index.packs) {
        TL_TRY(const auto pack, pack_at(log, place));
        for (const auto& chunk : pack.chunks) {
            chunks.insert_or_assign(chunk.fingerprint, ChunkLocation{pack.id, chunk});
        }
    }
    return chunks;
}

Result<LibraryState> replay_library(const LogContents& log) {
    const auto& newest = log.deltas.empty() ? log.checkpoint->object : log.deltas.back().object;
    const LogEntry* state = nullptr;
    for (std::size_t i = 0; i < newest.entries.size(); ++i) {
        const auto& entry = newest.entries[i];
        if (says_nothing(entry)) {
            continue;
        }
        if (entry.type != LogEntryType::library || state != nullptr) {
            return at_entry(log, newest.sequence, i, "it does not belong there");
        }
        state = &entry;
    }
    if (state == nullptr) {
        return Error{Errc::corrupt, log_name(log.stream, newest.sequence) + " has no state"};
    }
    auto decoded = decode_library(*state);
    if (!decoded) {
        return Error{Errc::corrupt,
                     log_name(log.stream, newest.sequence) + ": " + decoded.error().message};
    }
    return decoded;
}

}  // namespace tapeloft::media
