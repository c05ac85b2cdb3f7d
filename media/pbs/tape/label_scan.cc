// The first pass of a scan: labels and catalogs.
#include <algorithm>

#include "media/pbs/tape/scan_steps.h"
#include "media/pbs/tape/tape_scan.h"

namespace tapeloft::media {
namespace {

/// A tape behind its newest catalog has what a job left that has not ended: a few files.
constexpr std::uint64_t kLastFilesLookedAt = 8;
constexpr std::uint64_t kCatalogSizeMax = 1ULL << 30U;
constexpr std::uint64_t kShortFile = 8;  ///< blocks; it is read at once

/// The content of the tape file, or nothing and a finding.
Awaitable<Result<std::optional<Content>>> look_at(TapeFile& file, ScannedTape& tape) {
    auto content = co_await read_content(file);
    if (content) {
        co_return std::move(*content);
    }
    if (!is_of_the_tape(content.error())) {
        co_return std::move(content).error();
    }
    tape.findings.push_back({true, content.error().message});
    co_return std::nullopt;
}

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

    Awaitable<Result<void>> read_labels() {
        for (int labels = 0; labels < kPbsLabels; ++labels) {  // one block each
            const auto place = behind(tape_.extents, labels);
            if (place < tape_.extents.size() && tape_.extents[place].records > 1) {
                TL_CO_CHECK(co_await tell_apart(medium_, place, tape_));
            }
        }
        const auto first_place = behind(tape_.extents, 0);
        const auto second_place = behind(tape_.extents, 1);
        if (first_place == tape_.extents.size()) {
            co_return Result<void>();
        }
        auto first = file(first_place);
        TL_CO_TRY(auto content, co_await look_at(first, tape_));
        if (content && std::holds_alternative<MediaLabel>(content->kind)) {
            tape_.label = std::get<MediaLabel>(content->kind);
        }
        // No media label, and it is not damaged: another program's tape.
        if (second_place == tape_.extents.size() || (content && !tape_.label)) {
            co_return Result<void>();
        }
        auto second = file(second_place);
        TL_CO_TRY(content, co_await look_at(second, tape_));
        if (content && std::holds_alternative<MediaSetLabel>(content->kind)) {
            tape_.media_set = std::get<MediaSetLabel>(content->kind);
        } else if (content) {
            tape_.findings.push_back({true, second.name() + ": no media-set label"});
        }
        if (!tape_.label && tape_.media_set) {
            tape_.label = MediaLabel{PbsUuid{}, tape_.barcode, 0, tape_.media_set->pool};
        }
        const auto third_place = behind(tape_.extents, kPbsLabels);
        if ((!tape_.label || !tape_.media_set) && third_place < tape_.extents.size()) {
            auto third = file(third_place);
            TL_CO_TRY(tape_.lost_labels, co_await archive_uuid(third));
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

    /// Labels may be damaged, and the tape one of PBS for all that.
    static Awaitable<Result<std::optional<PbsUuid>>> archive_uuid(TapeFile& file) {
        auto content = co_await read_content(file);
        if (!content && !is_of_the_tape(content.error())) {
            co_return std::move(content).error();
        }
        const bool archive = content && !std::holds_alternative<UnknownContent>(content->kind);
        co_return archive ? std::optional(content->uuid) : std::nullopt;
    }

    /// Of a tape that ran full the catalog is on the next one; at its own front are those of the
    /// tapes before it.
    void take_place_behind_catalogs() {
        const auto before = std::ranges::max_element(tape_.catalogs, {}, &MediaCatalog::sequence);
        if (tape_.lost_labels && has_no_label() && before != tape_.catalogs.end() &&
            before->media_set != PbsUuid{}) {
            tape_.media_set = MediaSetLabel{tape_.label->pool.value_or(""), before->media_set,
                                            before->sequence + 1, 0, std::nullopt};
        }
    }

    /// What a damaged label said stands in the catalog of the tape too.
    void mend_labels() {
        for (const auto& catalog : tape_.catalogs) {
            if (!is_own(catalog)) {
                continue;
            }
            take_label_of(catalog);
        }
    }

    Awaitable<Result<void>> read_catalogs() {
        auto front = behind(tape_.extents, kPbsLabels);
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
        if (!content) {
            co_return is_of_the_tape(content.error()) ? Result<bool>(false) : content.error();
        }
        TL_CO_TRY(const auto ending, co_await archive.ending());
        if (!archive.is_regular()) {
            TL_CO_TRY(const bool parted, co_await tell_apart(medium_, number, tape_));
            if (parted) {
                co_return co_await import_catalog(number);
            }
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
