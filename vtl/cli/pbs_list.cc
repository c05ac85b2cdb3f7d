// `tapeloft pbs list` and `tapeloft pbs find`
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "media/pbs/pxar/find_filter.h"
#include "media/pbs/pxar/path_selection.h"
#include "media/pbs/pxar/pcat1.h"
#include "media/pbs/pxar/pxar_walk.h"

#include "vtl/cli/output.h"
#include "vtl/cli/pbs_commands.h"
#include "vtl/cli/pbs_pxar.h"
#include "vtl/cli/pbs_report.h"
#include "vtl/cli/pbs_tapes.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

/// Lines that come one by one: a list may be long.
class FileList {
  public:
    explicit FileList(bool json) : json_(json) {}

    /// where: snapshot and archive; empty: everybody knows.
    void add(const std::string& where, const media::ListedFile& file) {
        if (json_) {
            show(to_json(where, file).dump(-1, ' ', false, Json::error_handler_t::replace));
            return;
        }
        const auto number = [](const auto& value) {
            return value ? std::to_string(*value) : std::string("-");
        };
        std::string owner = "-";
        if (file.uid && file.gid) {
            owner = std::to_string(*file.uid) + ":" + std::to_string(*file.gid);
        }
        std::array<char, 16> mode{"-"};
        if (file.mode) {
            std::snprintf(mode.data(), mode.size(), "%04o", *file.mode & 07777U);
        }
        std::array<char, 96> columns{};
        std::snprintf(columns.data(), columns.size(), "%-16s %4s %13s %14s %19s ",
                      std::string(media::to_string(file.kind)).c_str(), mode.data(), owner.c_str(),
                      number(file.size).c_str(),
                      file.mtime ? time_text(file.mtime->seconds).c_str() : "-");
        show(columns.data() + printable((where.empty() ? "" : where + ": ") + file.path +
                                        (file.target.empty() ? "" : " -> " + file.target)));
    }

    /// Errors: io (not all of it arrived).
    [[nodiscard]] Result<void> end() const {
        return taken_ ? Result<void>() : Error{Errc::io, "standard output takes no more"};
    }

  private:
    void show(const std::string& line) { taken_ = taken_ && print(line + "\n"); }
    static Json to_json(const std::string& where, const media::ListedFile& file) {
        const auto value = [](const auto& known) { return known ? Json(*known) : Json(nullptr); };
        Json json;
        if (!where.empty()) {
            json["archive"] = where;
        }
        json["path"] = file.path;
        json["type"] = media::to_string(file.kind);
        json["mode"] = value(file.mode);
        json["uid"] = value(file.uid);
        json["gid"] = value(file.gid);
        json["size"] = value(file.size);
        json["mtime"] = file.mtime ? Json(file.mtime->seconds) : Json(nullptr);
        if (!file.target.empty()) {
            json["target"] = file.target;
        }
        return json;
    }

    const bool json_;
    bool taken_ = true;
};

std::string without_slashes(std::string path) {
    while (path.ends_with('/')) {
        path.pop_back();
    }
    return path.substr(std::min(path.find_first_not_of('/'), path.size()));
}

/// What is in the directory, or the one file. True: some of it is damaged.
Result<bool> list_path(media::PxarReader& reader, const std::string& path, bool recursive,
                       FileList& list) {
    media::PxarWalk walk(reader);
    TL_TRY(auto route, run_here(reader.locate(path)));
    if (!route.found) {
        return route.damage ? *route.damage
                            : Error{Errc::not_found, "there is no \"" + path + "\" in the archive"};
    }
    walk.begin(route);
    bool damaged = false;
    for (bool first = true;; first = false) {
        TL_TRY(auto event, run_here(walk.next()));
        if (!event) {
            return damaged;
        }
        using Kind = media::PxarEvent::Kind;
        if (event->kind == Kind::damage) {
            damaged = true;
            complain((event->entry.path.empty() ? "." : event->entry.path) + ": " +
                     event->error->message);
        }
        if (event->kind != Kind::entry) {
            continue;
        }
        const bool directory = event->entry.kind == media::FileKind::directory;
        if (!first || !directory) {
            list.add("", media::listed(event->entry));
        }
        if (!first && directory && !recursive) {
            walk.skip();
        }
    }
}

struct Opened {
    media::OpenSnapshot snapshot;
    std::optional<media::CryptKey> key;
    std::unique_ptr<media::ChunkReader> chunks;
    bool signature_lost = false;
    bool files_only = false;  ///< a search by time went by a file catalog
};

/// only_one: the keys are meant for this snapshot.
Result<std::unique_ptr<Opened>> open(const media::Collection& collection, media::OpenSnapshot copy,
                                     const Keys& keys, bool only_one) {
    const auto& snapshot = copy.snapshot();
    auto opened = std::make_unique<Opened>(Opened{std::move(copy), std::nullopt, nullptr});
    TL_TRY(opened->signature_lost, run_here(opened->snapshot.lost_its_signature()));
    if (opened->signature_lost) {
        complain(snapshot.text() + ", " + std::string(media::kManifestName) + ": " +
                 std::string(media::kSignatureLost));
    }
    TL_TRY(opened->key, keys.of(opened->snapshot));
    // A key given for many snapshots need not be that of each of them. The fingerprint is not
    // signed: where it is missing, the signature decides.
    const auto& named = opened->snapshot.manifest().key_fingerprint;
    if (!only_one && opened->key && named && *named != opened->key->fingerprint() &&
        !opened->snapshot.manifest().encrypted()) {
        opened->key.reset();
    }
    const auto* const key = opened->key ? &*opened->key : nullptr;
    TL_CHECK(check_key(collection, opened->snapshot, key));
    opened->chunks = std::make_unique<media::ChunkReader>(collection, opened->snapshot.copy().set,
                                                          snapshot.store, key);
    if (key != nullptr && media::proves_key(opened->snapshot.manifest(), *key)) {
        opened->chunks->trust_key();
    }
    return opened;
}

/// How a search or a listing that came to its end ended.
struct Ended {
    bool damaged = false;  ///< some of what was looked at
    bool left_out =
        false;  ///< some of it was not looked at: another key opens it, or a tape was not read
};

Result<Ended> list(const Arguments& arguments) {
    TL_TRY(const auto reference, media::parse_snapshot_reference(arguments.snapshot));
    TL_TRY(const auto keys, Keys::load(arguments));
    TL_TRY(auto collection, scan_tapes(arguments));
    tell_of_unread(collection);
    const auto asked = [&reference](const std::string& each) {
        return is_meant(each, reference.archive);
    };
    TL_TRY(auto copy, open_snapshot(collection, reference, keys, asked));
    TL_TRY(const auto opened, open(collection, std::move(copy), keys, true));
    TL_TRY(const auto file, find_pxar(opened->snapshot, reference.archive));
    TL_TRY(const auto archive, PxarArchive::open(opened->snapshot, *opened->chunks, file));
    FileList files(arguments.json);
    TL_TRY(const bool damaged, list_path(archive->reader(), without_slashes(arguments.path),
                                         arguments.recursive, files));
    TL_CHECK(files.end());
    tell_of_hidden_chunks(collection);
    return Ended{damaged || opened->signature_lost, false};
}

Result<media::FindFilter> filter_of(const Arguments& arguments) {
    media::FindFilter filter;
    if (arguments.name.find('/') != std::string::npos) {
        TL_TRY(filter.path, media::PathSelection::make({arguments.name}));
    } else {
        filter.name = arguments.name;
    }
    if (!arguments.type.empty()) {
        TL_TRY(filter.kinds, media::parse_kinds(arguments.type));
    }
    if (!arguments.newer.empty()) {
        TL_TRY(filter.newer, media::parse_time(arguments.newer));
    }
    if (!arguments.older.empty()) {
        TL_TRY(filter.older, media::parse_time(arguments.older));
    }
    if (!arguments.size.empty()) {
        TL_TRY(filter.size, media::parse_size_rule(arguments.size));
    }
    return filter;
}

/// So many are kept until it is known that all of a file catalog can be read; if there are more, it
/// is read twice.
constexpr std::size_t kKeptMax = 20'000;

struct Found {
    std::string archive;
    media::ListedFile file;
};
using TakeFound = std::function<void(Found)>;

/// What the file catalog tells of all archives.
Result<void> go_through(media::ByteSource& source, const Opened& opened,
                        const media::FindFilter& filter, const TakeFound& take) {
    media::CatalogReader catalog(source);
    TL_CHECK(run_here(catalog.open()));
    TL_CHECK(run_here(catalog.begin("")));
    while (true) {
        TL_TRY(auto file, run_here(catalog.next_of_all()));
        if (!file) {
            return {};
        }
        const auto slash = file->path.find('/');
        if (slash == std::string::npos) {
            continue;
        }
        const auto archive = file->path.substr(0, slash);
        file->path.erase(0, slash + 1);
        if (media::matches(filter, *file)) {
            take({opened.snapshot.snapshot().text() + ":" + archive.substr(0, archive.rfind('.')),
                  std::move(*file)});
        }
    }
}

/// Errors: what is wrong with the catalog; nothing was shown then.
Result<void> find_by_catalog(Opened& opened, const media::FindFilter& filter, FileList& files) {
    TL_TRY(auto index, run_here(opened.snapshot.index(kCatalogName)));
    const bool encrypted =
        opened.snapshot.manifest().find(kCatalogName)->mode == media::CryptMode::encrypt;
    media::ArchiveSource source(std::move(index), encrypted, *opened.chunks);
    std::vector<Found> kept;
    bool all = true;
    TL_CHECK(go_through(source, opened, filter, [&](Found found) {
        all = all && kept.size() < kKeptMax;
        if (all) {
            kept.push_back(std::move(found));
        }
    }));
    const auto show = [&files](const Found& found) { files.add(found.archive, found.file); };
    if (!all) {
        return go_through(source, opened, filter, show);
    }
    std::ranges::for_each(kept, show);
    return {};
}

/// Through the archives themselves. True: some of it is damaged.
Result<bool> find_in_archives(Opened& opened, const media::FindFilter& filter, FileList& files) {
    bool damaged = false;
    for (const auto& listed : opened.snapshot.manifest().files) {
        if (!is_pxar(listed.name)) {
            continue;
        }
        const auto where =
            opened.snapshot.snapshot().text() + ":" + listed.name.substr(0, listed.name.rfind('.'));
        const auto archive = PxarArchive::open(opened.snapshot, *opened.chunks, listed.name);
        if (!archive) {
            if (!media::is_damage(archive.error())) {
                return archive.error();
            }
            damaged = true;
            complain(where + ": " + archive.error().message);
            continue;
        }
        media::PxarWalk walk((*archive)->reader());
        walk.begin();
        while (true) {
            TL_TRY(auto event, run_here(walk.next()));
            if (!event) {
                break;
            }
            if (event->kind == media::PxarEvent::Kind::damage) {
                damaged = true;
                complain(where + ": " + (event->entry.path.empty() ? "." : event->entry.path) +
                         ": " + event->error->message);
            }
            const auto file = media::listed(event->entry);
            if (event->kind == media::PxarEvent::Kind::entry && !file.path.empty() &&
                media::matches(filter, file)) {
                files.add(where, file);
            }
        }
    }
    return damaged;
}

/// A catalog has the times of files only; with a size, nothing else is asked for.
bool asks_for_times(const media::FindFilter& filter) {
    return (filter.newer || filter.older) && !filter.size;
}

bool is_file(media::FileKind kind) {
    return kind == media::FileKind::file || kind == media::FileKind::hardlink;
}

/// By the file catalog, or, where it is damaged, cannot tell or there is none, in the archives.
/// True: some of it is damaged.
Result<bool> find_in(Opened& opened, const media::FindFilter& filter, FileList& files) {
    const bool times = asks_for_times(filter);
    if (opened.snapshot.manifest().find(kCatalogName) == nullptr ||
        (times && !std::ranges::all_of(filter.kinds, is_file))) {
        return find_in_archives(opened, filter, files);
    }
    const auto found = find_by_catalog(opened, filter, files);
    if (found) {
        opened.files_only = times && filter.kinds.empty();
        return false;
    }
    if (!media::is_damage(found.error())) {
        return found.error();
    }
    complain(opened.snapshot.snapshot().text() + ", " + kCatalogName + ": " +
             found.error().message + "; its archives are searched instead");
    TL_CHECK(find_in_archives(opened, filter, files));
    return true;
}

Result<Ended> find(const Arguments& arguments) {
    TL_TRY(const auto filter, filter_of(arguments));
    TL_TRY(const auto keys, Keys::load(arguments));
    TL_TRY(auto collection, scan_tapes(arguments));
    TL_CHECK(run_here(collection.check_catalogs()));
    tell_of_unread(collection);
    FileList files(arguments.json);
    Ended ended;
    ended.left_out = !collection.unread().empty();
    bool files_only = false;
    for (const auto& snapshot : collection.snapshots()) {
        if (!arguments.snapshot.empty() &&
            !media::glob_match(arguments.snapshot, snapshot.text()) &&
            !media::glob_match(arguments.snapshot, snapshot.name.text())) {
            continue;
        }
        auto copy = open_best_copy(collection, snapshot, keys, nullptr);
        const auto opened = copy ? open(collection, std::move(*copy), keys, false)
                                 : Result<std::unique_ptr<Opened>>(copy.error());
        const auto found = opened ? find_in(**opened, filter, files) : Result<bool>(opened.error());
        if (!found && status_of(found.error()) == ExitStatus::unreachable) {
            return found.error();  // the next one would not be read, either
        }
        if (!found) {
            complain(snapshot.text() + ": " + found.error().message);
        }
        files_only = files_only || (opened && (*opened)->files_only);
        // One that needs another key is told of, and is not damaged.
        const bool sealed = !found && found.error().code == Errc::denied;
        ended.left_out = ended.left_out || sealed;
        ended.damaged =
            ended.damaged || (found ? *found : !sealed) || (opened && (*opened)->signature_lost);
    }
    TL_CHECK(files.end());
    if (files_only) {
        complain(
            "Note: file catalogs know the times of files only; directories, links and others "
            "are found by time with --type, which reads the archives");
    }
    tell_of_hidden_chunks(collection);
    return ended;
}

ExitStatus status_of(const Arguments& arguments, const Result<Ended>& ended) {
    if (ended) {
        return ended->damaged    ? ExitStatus::damaged
               : ended->left_out ? ExitStatus::refused
                                 : ExitStatus::done;
    }
    complain(ended.error().message);
    if (arguments.json) {  // a line of its own, as each file has
        (void)print(error_json(ended.error()).dump(-1, ' ', false, Json::error_handler_t::replace) +
                    "\n");
    }
    return ended.error().code == Errc::corrupt ? ExitStatus::damaged
                                               : cli::status_of(ended.error());
}

}  // namespace

ExitStatus pbs_list(const Arguments& arguments) {
    return status_of(arguments, list(arguments));
}

ExitStatus pbs_find(const Arguments& arguments) {
    return status_of(arguments, find(arguments));
}

}  // namespace tapeloft::vtl::cli
