// The first pass of a scan: labels and catalogs.
#include <algorithm>

#include "media/pbs/tape/scan_steps.h"
#include "media/pbs/tape/tape_scan.h"

namespace tapeloft::media {
namespace {

/// A tape behind its newest catalog has what a job left that has not ended: a few files.
constexpr std::uint64_t kLastFilesLookedAt = 8;
/// Where no label tells that a tape is one of PBS.
constexpr std::uint64_t kFirstFilesLookedAt = 16;
constexpr std::uint64_t kLabelRecordsMax = 2;  ///< it may be there twice
constexpr std::uint64_t kCatalogSizeMax = 1ULL << 30U;
constexpr std::uint64_t kShortFile = 8;  ///< blocks; it is read at once

class LabelScan {
  public:
    explicit LabelScan(SplitMedium& medium) : medium_(medium) { tape_.barcode = medium.barcode(); }

    Awaitable<Result<ScannedTape>> run() {
        TL_CO_TRY(tape_.extents, co_await medium_.files());
        TL_CO_CHECK(co_await read_labels());
        if (tape_.label) {
            TL_CO_CHECK(co_await read_catalogs());
            mend_labels();
            take_place_behind_catalogs();
            for (auto& finding : tape_.findings) {  // of labels and catalogs
                finding.made_good = finding.made_good || tape_.media_set.has_value();
            }
        }
        co_return std::move(tape_);
    }

  private:
    TapeFile file(std::uint64_t number) {
        const auto& extent = tape_.extents.at(number);
        const bool is_short = extent.records > 1 && extent.records <= kShortFile;
        return {medium_, number, extent, is_short ? extent.records : 1};
    }

    /// Of the first two tape files with records those that are labels, or may have been.
    Awaitable<Result<void>> read_labels() {
        for (int labels = 0; labels < kPbsLabels; ++labels) {  // one block each
            const auto place = behind(tape_.extents, labels);
            if (place < tape_.extents.size() && tape_.extents[place].records > 1) {
                TL_CO_CHECK(co_await tell_apart(medium_, place, tape_));
            }
        }
        std::size_t damaged = 0;
        for (int labels = 0; labels < kPbsLabels; ++labels) {
            const auto place = behind(tape_.extents, labels);
            tape_.first_archive = place;
            if (place == tape_.extents.size()) {
                break;
            }
            TL_CO_TRY(const auto found, co_await read_label(place));
            if (found == Label::none) {
                break;
            }
            damaged += found == Label::damaged ? 1U : 0U;
            tape_.first_archive = behind(tape_.extents, labels + 1);
        }
        if (!tape_.label && tape_.media_set) {
            tape_.label = MediaLabel{PbsUuid{}, tape_.barcode, 0, tape_.media_set->pool};
            if (damaged == 0) {
                note_damage("its media label is missing");
            }
        }
        if (!tape_.label || !tape_.media_set) {
            TL_CO_TRY(tape_.lost_labels, co_await any_archive());
            if (tape_.lost_labels && !tape_.label) {
                tape_.label = MediaLabel{PbsUuid{}, tape_.barcode, 0, std::nullopt};
            }
        }
        if (tape_.media_set && tape_.media_set->is_reserved_only()) {
            tape_.label->pool = tape_.media_set->pool;
            tape_.media_set.reset();
        }
        co_return Result<void>();
    }

    enum class Label : std::uint8_t { none, sound, damaged };

    /// None: an archive stands there.
    Awaitable<Result<Label>> read_label(std::uint64_t number) {
        auto there = file(number);
        const bool is_short = there.extent().records <= kLabelRecordsMax;
        auto content = co_await read_content(there);
        if (!content && !is_of_the_tape(content.error())) {
            co_return std::move(content).error();
        }
        if (content && std::holds_alternative<MediaLabel>(content->kind)) {
            if (tape_.media_set) {
                note_damage("its media label is behind its media-set label");
            }
            tape_.label = std::get<MediaLabel>(content->kind);
            co_return Label::sound;
        }
        if (content && std::holds_alternative<MediaSetLabel>(content->kind)) {
            tape_.media_set = std::get<MediaSetLabel>(content->kind);
            co_return Label::sound;
        }
        const auto* const unknown = content ? std::get_if<UnknownContent>(&content->kind) : nullptr;
        if (!is_short || (content && unknown == nullptr)) {
            co_return Label::none;
        }
        tape_.findings.push_back({true, unknown != nullptr
                                            ? there.name() + ": no label, but " + unknown->why
                                            : content.error().message});
        co_return Label::damaged;
    }

    void note_damage(const std::string& what) {
        tape_.findings.push_back({true, "tape " + tape_.barcode + ": " + what});
    }

    /// Labels may be damaged or missing, and the tape one of PBS for all that: the content UUID of
    /// an archive; of a catalog only where no other is found, as no catalog lists it.
    Awaitable<Result<std::optional<PbsUuid>>> any_archive() {
        std::vector<std::uint64_t> places;
        for (auto place = tape_.first_archive; place < tape_.extents.size(); ++place) {
            if (tape_.extents[place].records > 0) {
                places.push_back(place);
            }
        }
        if (places.size() > kFirstFilesLookedAt + kLastFilesLookedAt) {
            places.erase(places.begin() + kFirstFilesLookedAt, places.end() - kLastFilesLookedAt);
        }
        std::optional<PbsUuid> catalog;
        for (const auto place : places) {
            auto there = file(place);
            auto content = co_await read_content(there);
            if (!content && !is_of_the_tape(content.error())) {
                co_return std::move(content).error();
            }
            if (!content || std::holds_alternative<UnknownContent>(content->kind)) {
                continue;
            }
            if (!std::holds_alternative<CatalogArchiveHeader>(content->kind)) {
                co_return content->uuid;
            }
            catalog = catalog ? catalog : content->uuid;
        }
        co_return catalog;
    }

    /// Of a tape that ran full the catalog is on the next one; at its own front are those of the
    /// tapes before it.
    void take_place_behind_catalogs() {
        const auto before = std::ranges::max_element(tape_.catalogs, {}, &MediaCatalog::sequence);
        if (tape_.lost_labels && !tape_.media_set && before != tape_.catalogs.end() &&
            before->media_set != PbsUuid{}) {
            tape_.media_set = MediaSetLabel{tape_.label->pool.value_or(""), before->media_set,
                                            before->sequence + 1, 0, std::nullopt};
        }
    }

    /// What a label said stands in the catalog of the tape too.
    void mend_labels() {
        for (const auto& catalog : tape_.catalogs) {
            if (!is_own(catalog)) {
                continue;
            }
            take_label_of(catalog);
        }
    }

    Awaitable<Result<void>> read_catalogs() {
        auto front = tape_.first_archive;
        for (bool is_catalog = true; is_catalog && front < tape_.extents.size(); ++front) {
            if (tape_.extents[front].records > 0) {
                TL_CO_TRY(is_catalog, co_await import_catalog(front));
            }
        }
        std::uint64_t looked_at = 0;
        auto end = tape_.extents.size();
        for (auto back = end; !has_own() && back > front && looked_at < kLastFilesLookedAt;) {
            if (tape_.extents[--back].records == 0) {
                continue;
            }
            ++looked_at;
            const auto before = tape_.catalogs.size();
            TL_CO_CHECK(co_await import_catalog(back));
            if (tape_.catalogs.size() > before && has_no_label()) {
                take_label_of(tape_.catalogs.back());  // behind the archives it is its own
            }
            if (tape_.extents.size() != end) {
                end = tape_.extents.size();
                back = end;
            }
        }
        co_return Result<void>();
    }

    bool is_own(const MediaCatalog& catalog) const {
        return catalog.medium == tape_.label->uuid ||
               (tape_.label->uuid == PbsUuid{} && tape_.media_set &&
                catalog.media_set == tape_.media_set->uuid &&
                catalog.sequence == tape_.media_set->sequence);
    }

    bool has_no_label() const { return tape_.label->uuid == PbsUuid{} && !tape_.media_set; }

    void take_label_of(const MediaCatalog& catalog) {
        tape_.label->uuid = catalog.medium;
        if (!tape_.media_set && catalog.media_set != PbsUuid{}) {
            tape_.media_set = MediaSetLabel{tape_.label->pool.value_or(""), catalog.media_set,
                                            catalog.sequence, 0, std::nullopt};
        }
    }

    bool has_own() const {
        return std::any_of(tape_.catalogs.begin(), tape_.catalogs.end(),
                           [&](const auto& each) { return is_own(each); });
    }

    /// False: it is something else. What is wrong with it is found again when the files are.
    Awaitable<Result<bool>> import_catalog(std::uint64_t number) {
        auto archive = file(number);
        auto content = co_await read_content(archive);
        if (!content && !is_of_the_tape(content.error())) {
            co_return content.error();
        }
        if (!content && archive.is_regular()) {
            co_return false;
        }
        TL_CO_TRY(const auto ending, co_await archive.ending());
        if (!archive.is_regular()) {
            TL_CO_TRY(const bool parted, co_await tell_apart(medium_, number, tape_));
            if (parted) {
                co_return co_await import_catalog(number);
            }
        }
        if (!content) {
            co_return false;
        }
        const auto* const header = std::get_if<CatalogArchiveHeader>(&content->kind);
        if (header == nullptr) {
            co_return false;
        }
        if (ending.end != StreamEnd::complete) {
            co_return true;
        }
        auto catalog = co_await read_catalog(archive, *content, ending.stream_size);
        if (!catalog && !is_of_the_tape(catalog.error())) {
            co_return std::move(catalog).error();
        }
        if (!catalog && !archive.is_regular()) {
            TL_CO_TRY(const bool parted, co_await tell_apart_at_end(medium_, number, tape_));
            if (parted) {
                co_return co_await import_catalog(number);
            }
        }
        TL_CO_TRY(const auto displaced, co_await archive.out_of_place());
        if (catalog && displaced) {  // which of its blocks are its own, nothing proves
            catalog = Error{Errc::corrupt, *displaced + "; the catalog is not believed"};
        }
        if (!catalog) {  // one of an old version costs time, and nothing else
            tape_.findings.push_back(
                {catalog.error().code != Errc::unsupported, catalog.error().message, true});
        } else if (catalog->medium != header->uuid || catalog->media_set != header->media_set) {
            tape_.findings.push_back(
                {true, archive.name() + ": a catalog of another medium than its header says",
                 true});
        } else {
            tape_.catalogs.push_back(std::move(*catalog));
            tape_.catalog_places.push_back(number);
        }
        co_return true;
    }

    static Awaitable<Result<MediaCatalog>> read_catalog(TapeFile& archive, const Content& content,
                                                        std::uint64_t stream_size) {
        const auto size = stream_size - std::min(stream_size, content.data_offset);
        if (size > kCatalogSizeMax) {
            co_return Error{Errc::unsupported, archive.name() + ": a catalog of " +
                                                   std::to_string(size) + " bytes is too long"};
        }
        Bytes bytes(size);
        TL_CO_CHECK(co_await archive.read_all(content.data_offset, bytes));
        auto catalog = parse_media_catalog(bytes);
        if (!catalog) {
            co_return Error{catalog.error().code, archive.name() + ": " + catalog.error().message};
        }
        co_return catalog;
    }

    SplitMedium& medium_;
    ScannedTape tape_;
};

}  // namespace

Awaitable<Result<ScannedTape>> scan_labels(SplitMedium& medium) {
    LabelScan scan(medium);
    co_return co_await scan.run();
}

}  // namespace tapeloft::media
