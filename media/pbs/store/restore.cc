#include "media/pbs/store/restore.h"

#include <algorithm>
#include <map>

#include "cloud/base/hex.h"

#include "media/pbs/store/hidden_chunks.h"

namespace tapeloft::media {
namespace {

bool is_of_the_file(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io || error.code == Errc::not_found ||
           error.code == Errc::unsupported;
}

struct WholeSnapshot {
    std::vector<DatastoreWriter::File> files;  ///< the manifest last
    std::vector<WantedChunk> chunks;           ///< each once
};

/// All of its files that are sound, and what they need.
Awaitable<Result<WholeSnapshot>> read_whole(OpenSnapshot& snapshot, DatastoreRestore& restored) {
    WholeSnapshot whole;
    Bytes manifest;
    for (const auto& name : snapshot.names()) {
        auto bytes = co_await snapshot.checked(name);
        if (!bytes && !is_of_the_file(bytes.error())) {
            co_return std::move(bytes).error();
        }
        if (!bytes) {
            restored.damaged.push_back(bytes.error().message);
            continue;
        }
        if (name == kManifestName) {
            TL_CO_TRY(manifest, without_verify_state(*bytes));
            continue;
        }
        const auto* const listed = snapshot.manifest().find(name);
        if (listed != nullptr && listed->kind != SnapshotFileKind::blob) {
            TL_CO_TRY(const auto index, ChunkIndex::parse(listed->kind, *bytes));
            const auto more = snapshot.chunks(name, index);
            whole.chunks.insert(whole.chunks.end(), more.begin(), more.end());
        }
        whole.files.emplace_back(name, std::move(*bytes));
    }
    whole.files.emplace_back(kManifestName, std::move(manifest));
    std::sort(whole.chunks.begin(), whole.chunks.end());
    whole.chunks.erase(std::unique(whole.chunks.begin(), whole.chunks.end()), whole.chunks.end());
    co_return whole;
}

/// Takes the chunks that the datastore has, and that are sound, off the list.
Result<std::uint64_t> take_those_there(const DatastoreWriter& writer, const ChunkReader& chunks,
                                       std::vector<WantedChunk>& wanted) {
    std::vector<WantedChunk> absent;
    for (const auto& chunk : wanted) {
        TL_TRY(auto blob, writer.read_chunk(chunk.digest));
        if (!blob || !chunks.check(std::move(*blob), chunk)) {
            absent.push_back(chunk);
            continue;
        }
        TL_CHECK(writer.touch_chunk(chunk.digest));
    }
    const auto there = wanted.size() - absent.size();
    wanted = std::move(absent);
    return there;
}

}  // namespace

std::uint64_t data_bytes(const std::vector<WantedChunk>& chunks) {
    std::uint64_t bytes = 0;
    for (const auto& chunk : chunks) {
        bytes += chunk.size;
    }
    return bytes;
}

RestorePlan plan_restore(const Collection& collection, const OpenSnapshot& snapshot,
                         const std::vector<WantedChunk>& chunks) {
    RestorePlan plan;
    const auto set = snapshot.copy().set;
    using Member = std::pair<std::size_t, std::size_t>;
    std::map<Member, RestorePlan::Tape> by_member = {{{set, snapshot.copy().member}, {}}};
    for (const auto& chunk : chunks) {
        ++plan.chunks;
        plan.data_bytes += chunk.size;
        const auto places = collection.places(set, snapshot.snapshot().store, chunk.digest);
        if (places.empty()) {
            ++plan.missing;
            plan.missing_bytes += chunk.size;
            ++plan.nowhere;
            continue;
        }
        auto& tape = by_member[{places.front().set, places.front().member}];
        ++tape.chunks;
        tape.data_bytes += chunk.size;
    }
    for (auto& [member, tape] : by_member) {
        tape.name = collection.name_of(member.first, member.second);
        const auto here = collection.sets().at(member.first).members.at(member.second).tape;
        tape.is_here = here.has_value();
        tape.barcode = here ? collection.tapes().at(*here).barcode : std::string();
        plan.missing += tape.is_here ? 0 : tape.chunks;
        plan.missing_bytes += tape.is_here ? 0 : tape.data_bytes;
        plan.tapes.push_back(std::move(tape));
    }
    if (plan.nowhere > 0) {
        plan.why_nowhere = collection.why_nowhere(set);
    }
    return plan;
}

Awaitable<Result<std::uint64_t>> look_for_nowhere(const Collection& collection,
                                                  const OpenSnapshot& snapshot,
                                                  const std::vector<WantedChunk>& chunks,
                                                  RestorePlan& plan) {
    const auto set = snapshot.copy().set;
    const auto& store = snapshot.snapshot().store;
    std::uint64_t found = 0;
    for (const auto& chunk : chunks) {
        if (plan.nowhere == 0 || !collection.places(set, store, chunk.digest).empty()) {
            continue;
        }
        TL_CO_TRY(const auto places,
                  co_await collection.hidden_chunks().find(collection, set, store, chunk.digest));
        found += places.empty() ? 0U : 1U;
        plan.missing_bytes -= places.empty() ? 0U : chunk.size;
    }
    plan.nowhere -= found;
    plan.missing -= found;
    co_return found;
}

Result<void> check_key(const Manifest& manifest, const CryptKey* key) {
    if (key != nullptr) {
        return check_signature(manifest, *key);
    }
    if (!manifest.encrypted()) {
        return {};
    }
    return Error{Errc::denied,
                 "the snapshot is encrypted" +
                     (manifest.key_fingerprint
                          ? " by the key " + short_fingerprint(*manifest.key_fingerprint)
                          : std::string()) +
                     ", and no key was given"};
}

Awaitable<Result<std::vector<DamagedRange>>> restore_archive(OpenSnapshot& snapshot,
                                                             const std::string& name,
                                                             ChunkReader& chunks, RandomSink& sink,
                                                             TellProgress tell) {
    TL_CO_TRY(const auto index, co_await snapshot.index(name));
    std::multimap<WantedChunk, std::uint64_t> offsets;
    auto wanted = snapshot.chunks(name, index);
    const bool encrypted = snapshot.manifest().find(name)->mode == CryptMode::encrypt;
    for (std::size_t i = 0; i < index.count(); ++i) {
        const auto range = index.range(i);
        offsets.emplace(WantedChunk{index.digests()[i], range.end - range.begin, encrypted},
                        range.begin);
    }
    std::vector<DamagedRange> damaged;
    RestoreProgress progress;
    progress.bytes = index.size();
    const ChunkReader::Sink take = [&](const WantedChunk& chunk,
                                       Result<FoundChunk> found) -> Result<void> {
        if (!found && found.error().code == Errc::denied) {
            return std::move(found).error();
        }
        const auto [first, last] = offsets.equal_range(chunk);
        for (auto at = first; at != last; ++at) {
            progress.bytes_done += chunk.size;
            if (!found) {
                damaged.push_back({at->second, at->second + chunk.size, found.error().message});
                continue;
            }
            TL_CHECK(sink.write(at->second, found->data.view()));
        }
        if (tell) {
            tell(progress);
        }
        return {};
    };
    TL_CO_CHECK(co_await chunks.read_in_tape_order(std::move(wanted), take));
    std::sort(damaged.begin(), damaged.end(),
              [](const DamagedRange& a, const DamagedRange& b) { return a.begin < b.begin; });
    co_return damaged;
}

Awaitable<Result<DatastoreRestore>> restore_to_datastore(OpenSnapshot& snapshot,
                                                         ChunkReader& chunks,
                                                         DatastoreWriter& writer,
                                                         TellProgress tell) {
    const auto& name = snapshot.snapshot().name;
    if (writer.has_snapshot(name)) {
        co_return Error{Errc::already_exists, name.text() + " is in the datastore already"};
    }
    TL_CO_CHECK(writer.check_folders_of(name));
    chunks.keep_blobs();
    DatastoreRestore restored;
    TL_CO_TRY(auto whole, co_await read_whole(snapshot, restored));
    TL_CO_TRY(restored.chunks_there, take_those_there(writer, chunks, whole.chunks));
    RestoreProgress progress;
    progress.bytes = data_bytes(whole.chunks);
    const ChunkReader::Sink take = [&](const WantedChunk& chunk,
                                       Result<FoundChunk> found) -> Result<void> {
        const bool bad_one_there = writer.has_something_for(chunk.digest);
        if (found) {
            TL_CHECK(writer.write_chunk(chunk.digest, found->blob.view()));
            ++restored.chunks_written;
            restored.chunks_replaced += bad_one_there ? 1 : 0;
        } else {
            restored.damaged.push_back(found.error().message);
            if (bad_one_there) {
                TL_CHECK(writer.set_aside_chunk(chunk.digest));
            }
        }
        progress.bytes_done += chunk.size;
        if (tell) {
            tell(progress);
        }
        return {};
    };
    TL_CO_CHECK(co_await chunks.read_in_tape_order(std::move(whole.chunks), take));
    TL_CO_CHECK(writer.write_snapshot(name, whole.files));
    co_return restored;
}

}  // namespace tapeloft::media
