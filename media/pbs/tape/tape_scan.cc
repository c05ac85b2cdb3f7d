#include "media/pbs/tape/tape_scan.h"

#include <algorithm>
#include <map>
#include <set>

#include "media/pbs/archive_format.h"
#include "media/pbs/tape/chunk_archive.h"
#include "media/pbs/tape/scan_steps.h"

namespace tapeloft::media {
namespace {

class FileScan {
  public:
    FileScan(SplitMedium& medium, const MediaCatalog* catalog, ScannedTape& tape)
        : medium_(medium), tape_(tape), first_archive_(tape.first_archive) {
        if (catalog != nullptr) {
            for (const auto& each : catalog->files) {
                std::visit([&](const auto& row) { cataloged_.emplace(row.file, &each); }, each);
            }
        }
    }

    Awaitable<Result<void>> run() {
        tape_.files.clear();
        tape_.by_catalog = !cataloged_.empty();
        TL_CO_TRY(const bool moved, co_await contradicts_catalog());
        if (moved) {
            TL_CO_CHECK(co_await place_by_content());
        }
        for (std::uint64_t number = 0; number < tape_.extents.size(); ++number) {
            const auto known = cataloged_.find(number);
            if (known != cataloged_.end()) {
                tape_.files.push_back(
                    from_catalog(*known->second, number, tape_.extents.at(number)));
                continue;
            }
            TL_CO_TRY(auto file, co_await look(number));
            tape_.files.push_back(std::move(file));
        }
        for (auto gone = cataloged_.lower_bound(tape_.extents.size()); gone != cataloged_.end();
             ++gone) {
            tape_.findings.push_back({true, "tape " + tape_.barcode + ", tape file " +
                                                std::to_string(gone->first) +
                                                ": its catalog has it, and it is not there"});
            tape_.files.push_back(from_catalog(*gone->second, gone->first, TapeFileExtent{}));
        }
        tell_of_encryption();
        co_return Result<void>();
    }

    Awaitable<Result<bool>> check() {
        bool wrong = false;
        for (auto& file : tape_.files) {
            if (file.ending || file.extent.records == 0) {
                continue;
            }
            TapeFile there(medium_, file.number, file.extent, 1);
            const auto content = co_await read_content(there);
            if (!content && !is_of_the_tape(content.error())) {
                co_return content.error();
            }
            if (!content || (content->uuid == file.content && content->kind == file.kind) ||
                std::holds_alternative<UnknownContent>(content->kind)) {
                continue;
            }
            note(true, there, difference(file, *content), true);
            TL_CO_TRY(file, co_await look(file.number));
            wrong = true;
        }
        co_return wrong;
    }

  private:
    static std::string described(const ContentKind& kind) {
        auto text = "a " + std::string(media::name_of(kind));
        if (const auto* const snapshot = std::get_if<SnapshotArchiveHeader>(&kind)) {
            text += " of " + snapshot->store + ":" + snapshot->snapshot.text();
        }
        if (const auto* const chunks = std::get_if<ChunkArchiveHeader>(&kind)) {
            text += " of the datastore " + chunks->store;
        }
        return text;
    }

    static std::string difference(const ScannedFile& cataloged, const Content& there) {
        auto listed = described(cataloged.kind);
        auto found = described(there.kind);
        if (listed == found) {
            listed += " with the UUID " + uuid_text(cataloged.content);
            found = "one with " + uuid_text(there.uuid);
        }
        return "its catalog says that it is " + listed + ", and it is " + found;
    }

    using Cataloged = std::variant<CatalogedChunks, CatalogedSnapshot>;

    /// Filemarks too many, or lost: the last tape file that the catalog lists is not the one that
    /// it says, or where a catalog is it lists something else.
    Awaitable<Result<bool>> contradicts_catalog() {
        if (!tape_.by_catalog) {
            co_return false;
        }
        const auto [last, row] = *cataloged_.rbegin();
        const auto& places = tape_.catalog_places;
        if (last >= tape_.extents.size() ||
            std::ranges::any_of(tape_.extents,
                                [](const auto& extent) { return extent.records == 0; }) ||
            std::ranges::any_of(places, [&](auto place) { return cataloged_.contains(place); })) {
            co_return true;
        }
        if (last + 1 == tape_.extents.size() ||
            std::ranges::find(places, last + 1) != places.end()) {
            co_return false;
        }
        TapeFile file(medium_, last, tape_.extents[last], 1);
        const auto content = co_await read_content(file);
        if (!content && !is_of_the_tape(content.error())) {
            co_return content.error();
        }
        co_return !content || content->uuid != uuid_of(*row);
    }

    /// Whoever reads it does not look behind its end; of a chunk archive all blocks are walked.
    static bool hides_what_follows(const ContentKind& kind) {
        return std::holds_alternative<SnapshotArchiveHeader>(kind) ||
               std::holds_alternative<CatalogArchiveHeader>(kind);
    }

    static PbsUuid uuid_of(const Cataloged& row) {
        return std::visit([](const auto& each) { return each.content; }, row);
    }

    /// A catalog knows tape files by their numbers, and a filemark too many or too few moves those
    /// behind it. Each also has a UUID. One that is not found keeps its number, if that is no
    /// other's.
    Awaitable<Result<void>> place_by_content() {
        for (std::uint64_t number = 0; number < tape_.extents.size(); ++number) {
            if (tape_.extents[number].records > 1) {
                TL_CO_CHECK(co_await tell_apart(medium_, number, tape_));
            }
        }
        std::map<PbsUuid, std::uint64_t> places;
        std::set<std::uint64_t> readable;
        for (std::uint64_t number = 0; number < tape_.extents.size(); ++number) {
            if (tape_.extents[number].records == 0) {
                continue;
            }
            TapeFile file(medium_, number, tape_.extents[number], 1);
            auto content = co_await read_content(file);
            if (!content && !is_of_the_tape(content.error())) {
                co_return std::move(content).error();
            }
            if (content) {
                places.emplace(content->uuid, number);
                readable.insert(number);
            }
            if (content && hides_what_follows(content->kind) && tape_.extents[number].records > 1) {
                TL_CO_CHECK(co_await tell_apart_at_end(medium_, number, tape_));
            }
        }
        std::map<std::uint64_t, const Cataloged*> moved;
        std::vector<std::pair<std::uint64_t, const Cataloged*>> lost;
        for (const auto& [number, row] : cataloged_) {
            const auto place = places.find(uuid_of(*row));
            if (place != places.end()) {
                moved.emplace(place->second, row);
            } else {
                lost.emplace_back(number, row);
            }
        }
        auto behind_all = static_cast<std::uint64_t>(tape_.extents.size());
        for (const auto& [number, row] : lost) {
            const bool there = number < tape_.extents.size() && tape_.extents[number].records > 0 &&
                               !readable.contains(number);
            moved.emplace(there && !moved.contains(number) ? number : behind_all++, row);
        }
        cataloged_ = std::move(moved);
        co_return Result<void>();
    }

    static ScannedFile from_catalog(const Cataloged& row, std::uint64_t number,
                                    const TapeFileExtent& extent) {
        ScannedFile file;
        file.number = number;
        file.extent = extent;
        file.counts = true;
        if (const auto* const chunks = std::get_if<CatalogedChunks>(&row)) {
            file.content = chunks->content;
            file.kind = ChunkArchiveHeader{chunks->store};
            file.digests = chunks->digests;
        } else {
            const auto& snapshot = std::get<CatalogedSnapshot>(row);
            file.content = snapshot.content;
            file.kind = SnapshotArchiveHeader{snapshot.store, snapshot.name};
        }
        return file;
    }

    Awaitable<Result<ScannedFile>> look(std::uint64_t number) {
        ScannedFile scanned;
        scanned.number = number;
        scanned.extent = tape_.extents.at(number);
        TapeFile file(medium_, number, scanned.extent, 1);
        if (scanned.extent.records == 0) {
            scanned.ending.emplace();
            note(false, file, "a filemark with no record before it");
            co_return scanned;
        }
        auto content = co_await read_content(file);
        if (!content && content.error().code == Errc::unsupported) {
            scanned.kind = UnknownContent{"encrypted by the drive"};
            ++encrypted_files_;
            co_return scanned;
        }
        if (!content && !is_of_the_tape(content.error())) {
            co_return std::move(content).error();
        }
        TL_CO_TRY(scanned.ending, co_await file.ending());
        if (!file.is_regular()) {
            TL_CO_TRY(const bool parted, co_await tell_apart(medium_, number, tape_));
            if (parted) {
                co_return co_await look(number);
            }
        }
        if (!content) {
            find_once(content.error().message);
            scanned.kind = UnknownContent{"its head is damaged"};
            TL_CO_CHECK(co_await take_for_chunks(file, 0, scanned));
            co_return scanned;
        }
        scanned.kind = std::move(content->kind);
        scanned.content = content->uuid;
        scanned.time_s = content->time_s;
        scanned.json = std::move(content->json);
        scanned.magic = content->magic;
        if (std::holds_alternative<UnknownContent>(scanned.kind) &&
            content->magic != layout::pbs_content_header::kOldChunkArchive) {
            TL_CO_CHECK(co_await take_for_chunks(file, content->data_offset, scanned));
            if (std::holds_alternative<ChunkArchiveHeader>(scanned.kind)) {
                note(true, file, "its magic number is damaged; it holds chunks");
                co_return scanned;
            }
        }
        if (hides_what_follows(scanned.kind) && scanned.extent.records > 1) {
            TL_CO_TRY(const bool parted, co_await tell_apart_at_end(medium_, number, tape_));
            if (parted) {
                co_return co_await look(number);
            }
        }
        judge(file, scanned);
        if (std::holds_alternative<ChunkArchiveHeader>(scanned.kind) && scanned.counts) {
            TL_CO_CHECK(co_await walk(file, content->data_offset, scanned));
        }
        co_return scanned;
    }

    /// The head does not tell what it is; if there are chunks in it, they may still be used.
    Awaitable<Result<void>> take_for_chunks(TapeFile& file, std::uint64_t offset,
                                            ScannedFile& scanned) {
        if (scanned.number < first_archive_) {
            co_return Result<void>();
        }
        ChunkArchiveWalk entries(file, offset, scanned.ending->stream_size);
        TL_CO_TRY(const auto entry, co_await entries.next());
        if (entry && (offset == 0 || entries.gaps().empty())) {
            scanned.kind = ChunkArchiveHeader{};
            judge(file, scanned);
            if (scanned.counts) {
                TL_CO_CHECK(co_await walk(file, offset, scanned));
            }
        }
        co_return Result<void>();
    }

    /// A label that is damaged was found so when the labels were read.
    void find_once(const std::string& damage) {
        const bool known = std::ranges::any_of(
            tape_.findings, [&](const TapeFinding& found) { return found.what == damage; });
        if (!known) {
            tape_.findings.push_back({true, damage});
        }
    }

    /// Whether what is in it may be used, by how it ended and where it stands.
    void judge(const TapeFile& file, ScannedFile& scanned) {
        const auto end = scanned.ending->end;
        const bool chunks = std::holds_alternative<ChunkArchiveHeader>(scanned.kind);
        const bool label = std::holds_alternative<MediaLabel>(scanned.kind) ||
                           std::holds_alternative<MediaSetLabel>(scanned.kind);
        if (const auto* const unknown = std::get_if<UnknownContent>(&scanned.kind)) {
            note(false, file, unknown->why + ": it is passed over");
            return;
        }
        if (label != (scanned.number < first_archive_)) {
            note(true, file, "a " + std::string(name_of(scanned.kind)) + " where none may be");
            return;
        }
        scanned.counts = end == StreamEnd::complete;
        if (chunks && (end == StreamEnd::incomplete || end == StreamEnd::damaged)) {
            scanned.counts = true;
        }
        if (end != StreamEnd::complete) {
            note(end == StreamEnd::damaged, file,
                 std::string(name_of(scanned.kind)) + " is " + std::string(to_string(end)) +
                     (scanned.counts ? "" : ", so nothing of it is used"),
                 std::holds_alternative<CatalogArchiveHeader>(scanned.kind));
        }
    }

    Awaitable<Result<void>> walk(TapeFile& file, std::uint64_t offset, ScannedFile& scanned) {
        ChunkArchiveWalk entries(file, offset, scanned.ending->stream_size);
        while (true) {
            TL_CO_TRY(const auto entry, co_await entries.next());
            if (!entry) {
                break;
            }
            scanned.digests.push_back(entry->digest);
        }
        for (const auto& gap : entries.gaps()) {
            if (gap.begin == 0) {  // the head, of which is told already
                continue;
            }
            tape_.findings.push_back({true, gap.why + " (bytes " + std::to_string(gap.begin) +
                                                " to " + std::to_string(gap.end) +
                                                " of the stream are passed over)"});
        }
        if (entries.cut_off()) {
            scanned.cut_off = entries.cut_off()->digest;
        }
        co_return Result<void>();
    }

    /// Once: all files from 2 on are, or none.
    void tell_of_encryption() {
        if (encrypted_files_ == 0) {
            return;
        }
        const bool named = tape_.media_set && tape_.media_set->key_fingerprint;
        tape_.findings.push_back(
            {true,
             "tape " + tape_.barcode + ": " + std::to_string(encrypted_files_) +
                 " tape files were encrypted by the drive, and cannot be read without it" +
                 (named ? "; the key of the pool is " + *tape_.media_set->key_fingerprint : "")});
    }

    void note(bool is_damage, const TapeFile& file, const std::string& what,
              bool made_good = false) {
        tape_.findings.push_back({is_damage, file.name() + ": " + what, made_good});
    }

    SplitMedium& medium_;
    ScannedTape& tape_;
    const std::uint64_t first_archive_;
    std::map<std::uint64_t, const Cataloged*> cataloged_;
    std::uint64_t encrypted_files_ = 0;
};

}  // namespace

Awaitable<Result<void>> scan_files(SplitMedium& medium, const MediaCatalog* catalog,
                                   ScannedTape& tape) {
    FileScan scan(medium, catalog, tape);
    co_return co_await scan.run();
}

Awaitable<Result<bool>> check_cataloged_files(SplitMedium& medium, ScannedTape& tape) {
    FileScan scan(medium, nullptr, tape);
    co_return co_await scan.check();
}

}  // namespace tapeloft::media
