// `tapeloft pbs restore`
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

#include <boost/asio/thread_pool.hpp>

#include "media/pbs/pxar/fetch_plan.h"
#include "media/pbs/pxar/restorer.h"
#include "media/pbs/pxar/tar_export.h"
#include "media/pbs/store/hidden_chunks.h"
#include "media/pbs/store/restore.h"

#include "vtl/cli/image_file.h"
#include "vtl/cli/output.h"
#include "vtl/cli/pbs_commands.h"
#include "vtl/cli/pbs_pxar.h"
#include "vtl/cli/pbs_report.h"
#include "vtl/cli/pbs_tapes.h"
#include "vtl/cli/remote_medium.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;

/// To the terminal, now and then: how much, how fast, how long still.
class ProgressLine {
  public:
    void tell(const media::RestoreProgress& progress) {
        const auto now = std::chrono::steady_clock::now();
        if (now - told_ < kInterval && progress.bytes_done != progress.bytes) {
            return;
        }
        told_ = now;
        const auto seconds = std::chrono::duration<double>(now - begun_).count();
        const auto done = static_cast<double>(progress.bytes_done);
        const auto rate = seconds > 0 ? done / seconds : 0;
        const auto to_come = static_cast<double>(progress.bytes) - done;
        tell_progress(bytes_text(progress.bytes_done) + " of " + bytes_text(progress.bytes) + ", " +
                      bytes_text(static_cast<std::uint64_t>(rate)) + "/s, " +
                      duration_text(static_cast<std::uint64_t>(rate > 0 ? to_come / rate : 0)) +
                      " left");
    }

  private:
    static constexpr std::chrono::milliseconds kInterval{500};
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point told_ = begun_;
};

class StandardOutput final : public media::ByteSink {
  public:
    Awaitable<Result<void>> write(ByteView bytes) override {
        if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
            co_return full();
        }
        co_return Result<void>();
    }
    [[nodiscard]] static Error full() { return {Errc::io, "standard output takes no more"}; }
};

/// "drive.img" of "drive.img.fidx".
std::string archive_name(const std::string& file) {
    return file.substr(0, file.rfind('.'));
}

/// What a whole snapshot becomes: file of the snapshot, and where it goes. The data of an archive
/// in two streams go with its metadata; without these they are an archive like others.
std::vector<std::pair<std::string, fs::path>> targets(const Arguments& arguments,
                                                      const media::OpenSnapshot& snapshot) {
    std::vector<std::pair<std::string, fs::path>> targets;
    for (const auto& name : snapshot.names()) {
        const bool with_another = snapshot.manifest().find(metadata_of(name)) != nullptr;
        if (name != media::kManifestName && name != kCatalogName && !with_another) {
            targets.emplace_back(name, fs::path(arguments.target) / archive_name(name));
        }
    }
    return targets;
}

/// Before anything is fetched: none of the images and blobs is there. (A folder may be.)
Result<void> check_targets(const Arguments& arguments, const media::OpenSnapshot& snapshot) {
    for (const auto& [name, target] : targets(arguments, snapshot)) {
        std::error_code error;
        const bool is_there = fs::exists(fs::symlink_status(target, error));
        if (!is_pxar(name) && is_there) {
            return Error{Errc::already_exists,
                         target.string() + " is there already; nothing was written"};
        }
        if (is_there && !fs::is_directory(target, error)) {
            return Error{Errc::already_exists,
                         target.string() + " is no folder; nothing was written"};
        }
    }
    return {};
}

/// The file of the snapshot that the archive's name means; it fits what is wanted of it.
Result<std::string> find_archive(const Arguments& arguments, const media::OpenSnapshot& snapshot,
                                 const std::string& archive) {
    for (const auto& name : snapshot.names()) {
        if (name != archive && archive_name(name) != archive) {
            continue;
        }
        if (!is_pxar(name) && (!arguments.paths.empty() || arguments.as_tar)) {
            return Error{Errc::invalid_argument, archive + " holds no files"};
        }
        return name;
    }
    return Error{Errc::not_found,
                 snapshot.snapshot().text() + " has no archive \"" + archive + "\""};
}

/// Damage of the tape: others may be sound.
bool costs_one_archive(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::not_found;
}

/// Not even the root was left to go by: the damage alone does not tell what was lost.
Result<void> of_archive(const std::string& name, const Result<void>& done) {
    return done || !costs_one_archive(done.error())
               ? done
               : Error{done.error().code, name + ": " + done.error().message};
}

class Restore {
  public:
    /// opened: the archive of files that is restored, if it is open already, and planned: how many
    /// bytes of data it needs then.
    Restore(const Arguments& arguments, media::OpenSnapshot& snapshot, media::ChunkReader& chunks,
            const media::CryptKey* key, std::unique_ptr<PxarArchive> opened, std::uint64_t planned)
        : arguments_(arguments),
          snapshot_(snapshot),
          chunks_(chunks),
          key_(key),
          opened_(std::move(opened)),
          planned_(planned) {
        json_["snapshot"] = snapshot.snapshot().text();
        json_["restored"] = Json::array();
        json_["damaged"] = Json::array();
        json_["refused"] = Json::array();
        json_["unproven"] = Json::array();
        json_["not_found"] = Json::array();
    }

    /// Whoever gives a key wants to know what it proves.
    Result<void> note_signature(bool key_given) {
        TL_TRY(const bool lost, run_here(snapshot_.lost_its_signature()));
        if (lost) {
            json_["damaged"].push_back(std::string(media::kManifestName) + ": " +
                                       std::string(media::kSignatureLost));
        }
        json_["signed"] = snapshot_.manifest().signature.has_value();
        json_["key_given"] = key_given;
        return {};
    }

    Result<void> to_datastore() {
        const auto& files = snapshot_.files();
        const media::DatastoreOwner owner{files.front().uid, files.front().gid};
        TL_TRY(auto writer, media::DatastoreWriter::open(arguments_.datastore, owner));
        TL_TRY(const auto restored,
               run_here(media::restore_to_datastore(snapshot_, chunks_, writer, progress())));
        tell_progress("");
        for (const auto& damaged : restored.damaged) {
            json_["damaged"].push_back(damaged);
        }
        if (snapshot_.find(media::kClientLogName) != nullptr) {
            json_["unproven"].push_back(media::kClientLogName);
        }
        json_["chunks_written"] = restored.chunks_written;
        json_["chunks_there"] = restored.chunks_there;
        json_["chunks_replaced"] = restored.chunks_replaced;
        json_["restored"].push_back(
            (fs::path(arguments_.datastore) / snapshot_.snapshot().name.text()).string());
        return {};
    }

    Result<void> one(const std::string& file) {
        if (is_pxar(file)) {
            return restore(file, arguments_.as_tar ? "-" : arguments_.target);
        }
        std::error_code error;
        const bool inside = fs::is_directory(arguments_.target, error);
        const fs::path target(arguments_.target);
        return restore(file, inside ? target / archive_name(file) : target);
    }

    /// Each archive and blob under its own name.
    Result<void> all() {
        std::error_code error;
        fs::create_directories(arguments_.target, error);
        if (!fs::is_directory(arguments_.target, error)) {
            return Error{Errc::invalid_argument, arguments_.target + " is no folder"};
        }
        for (const auto& [name, target] : targets(arguments_, snapshot_)) {
            const auto done = restore(name, target);
            if (!done && done.error().code == Errc::precondition) {  // of this one
                json_["refused"].push_back(done.error().message);
                continue;
            }
            TL_CHECK(done);
        }
        if (snapshot_.find(kCatalogName) == nullptr &&
            snapshot_.manifest().find(kCatalogName) != nullptr) {
            const auto catalog = run_here(snapshot_.checked(kCatalogName));
            if (!catalog && is_away(catalog.error())) {
                return catalog.error();
            }
            if (!catalog) {
                json_["damaged"].push_back(catalog.error().message);
            }
        }
        return {};
    }

    [[nodiscard]] Json take() {
        json_["bytes_fetched"] = RemoteMedium::bytes_fetched();
        return std::move(json_);
    }

  private:
    media::TellProgress progress() {
        return [line = std::make_shared<ProgressLine>()](const media::RestoreProgress& progress) {
            line->tell(progress);
        };
    }

    Result<void> restore(const std::string& name, const fs::path& target) {
        const auto* const listed = snapshot_.manifest().find(name);
        const bool blob = listed == nullptr || listed->kind == media::SnapshotFileKind::blob;
        auto done = blob            ? restore_blob(name, target)
                    : is_pxar(name) ? restore_files(name, target)
                                    : restore_image(name, target);
        chunks_.tell({});
        tell_progress("");
        if (!done && costs_one_archive(done.error())) {
            json_["damaged"].push_back(done.error().message);
            return {};
        }
        TL_CHECK(done);
        if (listed == nullptr) {
            json_["unproven"].push_back(name);
        }
        if (!nothing_found_) {
            json_["restored"].push_back(target.string());
        }
        return {};
    }

    Result<void> restore_blob(const std::string& name, const fs::path& target) {
        TL_TRY(const auto data, run_here(snapshot_.blob_data(name, key_)));
        TL_TRY(const auto file, ImageFile::open(target.string(), data.size()));
        TL_CHECK(file->write(0, data));
        return file->finish();
    }

    Result<void> restore_files(const std::string& name, const fs::path& target) {
        auto archive = std::move(opened_);
        media::RestoreProgress progress;
        progress.bytes = planned_;
        if (!archive) {
            TL_TRY(archive, PxarArchive::open(snapshot_, chunks_, name, arguments_.paths.empty()));
            TL_TRY(progress.bytes, bytes_in(name));
        }
        // One that is read twice, as there was no room for it, counts once.
        chunks_.tell([line = ProgressLine(), progress](const media::WantedChunk& chunk) mutable {
            progress.bytes_done = std::min(progress.bytes_done + chunk.size, progress.bytes);
            line.tell(progress);
        });
        TL_TRY(auto selection, media::PathSelection::make(arguments_.paths));
        tell_progress("");
        if (arguments_.as_tar) {
            StandardOutput sink;
            media::TarExport tar(archive->reader(), std::move(selection), sink);
            auto done = run_here(tar.run());
            if (done && std::fflush(stdout) != 0) {
                done = StandardOutput::full();
            }
            note(tar.report());
            return of_archive(name, done);
        }
        std::error_code error;
        fs::create_directories(target, error);
        if (!fs::is_directory(target, error)) {
            return Error{Errc::precondition, target.string() + " is no folder, and cannot be made"};
        }
        media::Restorer restorer(archive->reader(), std::move(selection), target);
        const auto done = run_here(restorer.run());
        note(restorer.report());
        return of_archive(name, done);
    }

    Result<std::uint64_t> bytes_in(const std::string& name) {
        TL_TRY(const auto index, run_here(snapshot_.index(name)));
        auto bytes = media::data_bytes(snapshot_.chunks(name, index));
        if (const auto payload = payload_of(name); !payload.empty()) {
            TL_TRY(const auto other, run_here(snapshot_.index(payload)));
            bytes += media::data_bytes(snapshot_.chunks(payload, other));
        }
        return bytes;
    }

    void note(const media::RestoreReport& report) {
        for (const auto& failure : report.failures) {
            json_[failure.is_damage ? "damaged" : "refused"].push_back(
                (failure.path.empty() ? "." : failure.path) + ": " + failure.error.message);
        }
        note_more("damaged", report, true);
        note_more("refused", report, false);
        for (const auto& pattern : report.unmatched) {
            json_["not_found"].push_back("nothing in the archive matches \"" + pattern + "\"");
        }
        for (const auto& problem : report.problems) {
            json_["attributes_missing"].push_back(
                problem.path + ": " + std::string(media::to_string(problem.problem.kind)) + ": " +
                problem.problem.detail);
        }
        nothing_found_ =
            !report.unmatched.empty() && report.files + report.links + report.others == 0;
        json_["files"] = report.files;
        json_["file_bytes"] = report.bytes;
        if (report.sockets_left_out != 0) {
            json_["sockets_left_out"] = report.sockets_left_out;
        }
    }

    /// Of the failures that are not named there is the number.
    void note_more(const char* list, const media::RestoreReport& report, bool damage) {
        const auto named =
            std::ranges::count(report.failures, damage, &media::RestoreFailure::is_damage);
        const auto all = damage ? report.failed - report.refused : report.refused;
        if (all > static_cast<std::uint64_t>(named)) {
            json_[list].push_back("and " + std::to_string(all - static_cast<std::uint64_t>(named)) +
                                  " more");
        }
    }

    Result<void> restore_image(const std::string& name, const fs::path& target) {
        TL_TRY(const auto index, run_here(snapshot_.index(name)));
        TL_TRY(const auto file, ImageFile::open(target.string(), index.size()));
        TL_TRY(const auto damaged,
               run_here(media::restore_archive(snapshot_, name, chunks_, *file, progress())));
        for (const auto& range : damaged) {
            json_["damaged"].push_back(name + ", bytes " + std::to_string(range.begin) + " to " +
                                       std::to_string(range.end) +
                                       " (zeros in their place): " + range.what);
        }
        return file->finish();
    }

    const Arguments& arguments_;
    media::OpenSnapshot& snapshot_;
    media::ChunkReader& chunks_;
    const media::CryptKey* const key_;
    std::unique_ptr<PxarArchive> opened_;
    const std::uint64_t planned_;
    bool nothing_found_ = false;  ///< of the paths that were asked for
    Json json_;
};

void tell_plan(const media::RestorePlan& plan) {
    const auto chunks_text = [](std::uint64_t count) {
        return std::to_string(count) + (count == 1 ? " chunk" : " chunks");
    };
    std::string text = plan.chunks == 0
                           ? std::string("Nothing but the snapshot's own archive is needed:")
                           : chunks_text(plan.chunks) + " with " + bytes_text(plan.data_bytes) +
                                 " of data are needed:";
    for (const auto& tape : plan.tapes) {
        text += "\n  " + printable(tape.name) + (tape.is_here ? "" : " (not here)") + ": " +
                (tape.chunks == 0 ? std::string("the snapshot's own archive")
                                  : chunks_text(tape.chunks) + ", " + bytes_text(tape.data_bytes));
    }
    if (plan.nowhere > 0) {
        text += "\n  nothing tells where " + chunks_text(plan.nowhere) +
                (plan.nowhere == 1 ? " is: " : " are: ") + printable(plan.why_nowhere);
    }
    std::fprintf(stderr, "%s\n", text.c_str());
}

/// The chunks of the archive that the paths need; opened: the archive, where it was opened for
/// that.
Result<std::vector<media::WantedChunk>> chunks_of(media::OpenSnapshot& snapshot,
                                                  media::ChunkReader& chunks,
                                                  const std::string& file,
                                                  const std::vector<std::string>& paths,
                                                  std::unique_ptr<PxarArchive>& opened) {
    TL_TRY(const auto index, run_here(snapshot.index(file)));
    if (paths.empty() || !file.ends_with(".pxar.didx")) {
        return snapshot.chunks(file, index);
    }
    TL_TRY(auto selection, media::PathSelection::make(paths));
    TL_TRY(opened, PxarArchive::open(snapshot, chunks, file));
    TL_TRY(const auto fetch, run_here(media::plan_fetch(opened->reader(), std::move(selection))));
    const bool encrypted = snapshot.manifest().find(file)->mode == media::CryptMode::encrypt;
    std::set<media::WantedChunk> wanted;
    for (const auto& range : fetch.archive) {
        const auto end = std::min(range.offset + range.size, index.size());
        for (auto at = range.offset; at < end;) {
            const auto number = index.chunk_at(at);
            const auto covered = index.range(number);
            wanted.insert({index.digests()[number], covered.end - covered.begin, encrypted});
            at = covered.end;
        }
    }
    return std::vector<media::WantedChunk>(wanted.begin(), wanted.end());
}

/// Of what is asked for, not of what is in the datastore already. file: of the snapshot; empty: all
/// of it.
Result<media::RestorePlan> plan(const media::Collection& collection, media::OpenSnapshot& snapshot,
                                media::ChunkReader& chunks, const std::string& file,
                                const std::vector<std::string>& paths,
                                std::unique_ptr<PxarArchive>& opened) {
    if (file.empty()) {
        TL_TRY(const auto chunks_of_all, all_chunks(snapshot));
        return media::plan_restore(collection, snapshot, chunks_of_all);
    }
    const auto* const listed = snapshot.manifest().find(file);
    if (listed == nullptr || listed->kind == media::SnapshotFileKind::blob) {
        return media::plan_restore(collection, snapshot, {});
    }
    auto wanted = chunks_of(snapshot, chunks, file, paths, opened);
    if (!wanted && costs_one_archive(wanted.error())) {  // the restore will tell of it
        return media::plan_restore(collection, snapshot, {});
    }
    TL_CHECK(wanted);
    if (const auto payload = payload_of(file); !payload.empty()) {
        const auto index = run_here(snapshot.index(payload));
        if (!index && is_away(index.error())) {
            return index.error();
        }
        const auto data =
            index ? snapshot.chunks(payload, *index) : std::vector<media::WantedChunk>();
        std::set<media::WantedChunk> both(wanted->begin(), wanted->end());
        both.insert(data.begin(), data.end());
        wanted = std::vector<media::WantedChunk>(both.begin(), both.end());
    }
    return media::plan_restore(collection, snapshot, *wanted);
}

/// damaged: it failed since the snapshot's own archive is.
Result<Json> restore(const Arguments& arguments, bool& damaged) {
    TL_TRY(auto reference, media::parse_snapshot_reference(arguments.snapshot));
    TL_TRY(const auto keys, Keys::load(arguments));
    TL_TRY(auto collection, scan_tapes(arguments));
    tell_of_unread(collection);
    const bool to_datastore = !arguments.datastore.empty();
    FileChoice asked;
    if (!to_datastore &&
        (!reference.archive.empty() || !arguments.paths.empty() || arguments.as_tar)) {
        asked = [&reference](const std::string& each) { return is_meant(each, reference.archive); };
    }
    auto opening = open_snapshot(collection, reference, keys, asked);
    damaged = !opening && opening.error().code == Errc::corrupt;
    TL_TRY(auto snapshot, std::move(opening));
    TL_TRY(const auto key, keys.of(snapshot));
    const auto* const given = key ? &*key : nullptr;
    if (reference.archive.empty() && (!arguments.paths.empty() || arguments.as_tar)) {
        TL_TRY(reference.archive, find_pxar(snapshot, ""));
    }
    std::string file;
    if (!reference.archive.empty() && !to_datastore) {
        TL_TRY(file, find_archive(arguments, snapshot, reference.archive));
    } else if (!to_datastore) {
        TL_CHECK(check_targets(arguments, snapshot));
    }
    const bool stays_sealed = to_datastore || file == media::kWrappedKeyName;
    if (given != nullptr || !stays_sealed) {
        TL_CHECK(check_key(collection, snapshot, given));
    }
    boost::asio::thread_pool decoders(std::max(1U, std::thread::hardware_concurrency()));
    media::ChunkReader chunks(collection, snapshot.copy().set, snapshot.snapshot().store, given);
    chunks.decode_on(decoders.get_executor());
    if (given != nullptr && media::proves_key(snapshot.manifest(), *given)) {
        chunks.trust_key();
    }
    std::unique_ptr<PxarArchive> opened;
    TL_TRY(const auto needed, plan(collection, snapshot, chunks, file, arguments.paths, opened));
    tell_plan(needed);
    Restore restoring(arguments, snapshot, chunks, given, std::move(opened), needed.data_bytes);
    TL_CHECK(restoring.note_signature(keys.given()));
    TL_CHECK(to_datastore   ? restoring.to_datastore()
             : file.empty() ? restoring.all()
                            : restoring.one(file));
    tell_of_hidden_chunks(collection);
    auto json = restoring.take();
    json["plan"] = plan_json(needed);
    json["not_read"] = unread_json(collection);
    json["made_good"] = Json::array();
    for (const auto& finding : collection.hidden_chunks().findings()) {
        json["made_good"].push_back(finding.what);
    }
    return json;
}

}  // namespace

ExitStatus pbs_restore(const Arguments& arguments) {
    const int targets = (arguments.target.empty() ? 0 : 1) + (arguments.datastore.empty() ? 0 : 1) +
                        (arguments.as_tar ? 1 : 0);
    if (targets != 1 || (!arguments.datastore.empty() && !arguments.paths.empty())) {
        complain("say where to: --to, --as-tar, or --to-datastore (which takes whole snapshots)");
        return ExitStatus::usage;
    }
    bool damaged = false;
    auto restored = restore(arguments, damaged);
    if (!restored) {
        auto answer = refused(restored.error());
        answer.status = damaged ? ExitStatus::damaged : answer.status;
        if (arguments.as_tar) {  // standard output is no place for JSON
            complain(answer.message);
            return answer.status;
        }
        return show(arguments, answer, &restore_report);
    }
    const auto ended = !restored->at("damaged").empty()     ? ExitStatus::damaged
                       : !restored->at("not_found").empty() ? ExitStatus::not_found
                       : !restored->at("refused").empty()   ? ExitStatus::refused
                                                            : ExitStatus::done;
    if (arguments.as_tar) {  // standard output has the files
        std::fputs(restore_report(*restored).c_str(), stderr);
        return ended;
    }
    const auto shown = show(arguments, answer_of(std::move(*restored)), &restore_report);
    return shown == ExitStatus::done ? ended : shown;
}

}  // namespace tapeloft::vtl::cli
