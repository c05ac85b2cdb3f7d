#include "media/cartridge/recovery.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "media/segment/segment_index.h"
#include "media/segment/segment_scan.h"

namespace tapeloft::media {
namespace {

/// An unsealed segment, as it is found.
struct Found {
    SegmentRecord row;
    std::unique_ptr<File> file;  ///< none: it is missing
    std::uint64_t length = 0;
    SegmentPromise promise;
};

class Recovery {
  public:
    Recovery(const SpoolContext& context, const CartridgeRecord& cartridge, SpoolFiles& files)
        : context_(context), cartridge_(cartridge), files_(files) {}

    Result<CartridgeRecovery> run() {
        TL_TRY(const auto rows, context_.catalog.segments(cartridge_.id));
        for (std::span<const SegmentRecord> left(rows); !left.empty();) {
            const auto partition = left.front().partition;
            const auto end = std::ranges::find_if(
                left, [partition](const SegmentRecord& row) { return row.partition != partition; });
            const auto count = static_cast<std::size_t>(end - left.begin());
            TL_CHECK(recover_partition(left.first(count)));
            left = left.subspan(count);
        }
        return std::move(done_);
    }

  private:
    Result<void> recover_partition(std::span<const SegmentRecord> rows) {
        const auto tail =
            std::ranges::find_if(rows, [](const SegmentRecord& row) { return !row.sealed; });
        done_.rows.insert(done_.rows.end(), rows.begin(), tail);
        if (tail == rows.end()) {
            return {};
        }
        std::vector<Found> found;
        for (auto row = tail; row != rows.end(); ++row) {
            TL_TRY(auto next, find(*row));
            found.push_back(std::move(next));
        }
        extend_promises(found);
        return seal(found);
    }

    Result<Found> find(const SegmentRecord& row) {
        Found found;
        found.row = row;
        found.promise = {row.object_count, row.filemark_count, row.file_length};
        auto file = files_.system().open(files_.path(row.number));
        if (!file && file.error().code == Errc::not_found) {
            return found;
        }
        if (!file) {
            return std::move(file).error();
        }
        found.file = std::move(file).value();
        TL_TRY(found.length, found.file->length());
        done_.bytes_before += found.length;
        TL_TRY(const auto noted, read_sync_mark(*found.file, identity_of(row, serial())));
        if (noted.objects > found.promise.objects) {
            found.promise = noted;
        }
        return found;
    }

    /// Segments become durable in order: where a later one holds a promise, all of those before it
    /// were promised.
    static void extend_promises(std::vector<Found>& found) {
        for (auto i = found.size(); i-- > 1;) {
            const auto& next = found[i];
            auto& promise = found[i - 1].promise;
            if (next.promise.objects == 0 && !next.row.sealed) {
                continue;
            }
            promise.objects = next.row.first_object - found[i - 1].row.first_object;
            promise.filemarks = next.row.first_file - found[i - 1].row.first_file;
            promise.file_length = std::max(promise.file_length, kSegmentDataOffset);
        }
    }

    Result<void> seal(std::vector<Found>& found) {
        SegmentChange change;
        bool gap = false;
        for (std::size_t i = 0; i < found.size(); ++i) {
            auto& segment = found[i];
            if (gap) {
                drop(segment, change);
                continue;
            }
            SegmentLimit limit;
            if (i + 1 < found.size()) {
                limit.objects = found[i + 1].row.first_object - segment.row.first_object;
            }
            TL_TRY(const auto scan, scan_found(segment, limit));
            gap = scan.runs.objects() < limit.objects;
            if (scan.runs.objects() == 0) {
                drop(segment, change);
                continue;
            }
            TL_CHECK(write_index(segment, scan));
            change.replaced.push_back(sealed_row(segment.row, scan.runs));
            done_.rows.push_back(change.replaced.back());
        }
        TL_CHECK(files_.system().sync_directory(context_.directory));
        TL_CHECK(sync_own_directory());
        keep_highest_number(found, change);
        TL_CHECK(context_.catalog.change_segments(cartridge_.id, change));
        remove_dropped(change);
        return {};
    }

    Result<SegmentScan> scan_found(Found& segment, const SegmentLimit& limit) {
        SegmentScan scan;
        if (segment.file) {
            TL_TRY(scan, scan_segment(*segment.file, identity_of(segment.row, serial()),
                                      segment.promise, limit));
        } else if (segment.promise.objects != 0) {
            scan.damages = 1;
            scan.runs.append_damage(segment.promise.objects,
                                    std::min(segment.promise.filemarks, segment.promise.objects),
                                    0);
        }
        if (scan.damages != 0) {
            context_.events.error("spool",
                                  "Part of what was durable on a cartridge is damaged; reading it "
                                  "will report an error.",
                                  {{"cartridge", cartridge_.barcode},
                                   {"segment", std::to_string(segment.row.number)},
                                   {"places", std::to_string(scan.damages)}});
        }
        return scan;
    }

    /// Leaves the file as a sealed one: the frames, the index, nothing else.
    Result<void> write_index(Found& segment, const SegmentScan& scan) {
        const auto bytes = scan.runs.encode(segment_seed(identity_of(segment.row, serial())));
        const auto end = scan.runs.file_length();
        if (!segment.file) {
            return {};
        }
        if (scan.cut_off != 0 && !is_index(*segment.file, end, bytes)) {
            done_.cut = true;
            context_.events.warning("spool", "A torn tail that nobody was promised was cut off.",
                                    {{"cartridge", cartridge_.barcode},
                                     {"segment", std::to_string(segment.row.number)},
                                     {"bytes", std::to_string(scan.cut_off)}});
        }
        TL_CHECK(segment.file->truncate(end));
        const ByteView part(bytes);
        TL_CHECK(segment.file->pwritev(end, std::span(&part, 1)));
        TL_CHECK(segment.file->fdatasync());
        done_.bytes_after += end + bytes.size();
        return {};
    }

    /// What follows the last frame is the index of a segment that was finished, not something torn.
    static bool is_index(File& file, std::uint64_t offset, const Bytes& index) {
        Bytes bytes(index.size());
        const auto size = file.pread(offset, bytes);
        return size.has_value() && bytes == index;
    }

    static SegmentRecord sealed_row(SegmentRecord row, const ObjectRuns& runs) {
        row.sealed = true;
        row.object_count = runs.objects();
        row.filemark_count = runs.filemarks();
        row.byte_count = runs.bytes();
        row.file_length = runs.file_length();
        return row;
    }

    void drop(const Found& segment, SegmentChange& change) {
        change.removed.push_back(segment.row.number);
        if (segment.length > kSegmentDataOffset) {
            done_.cut = true;
        }
    }

    /// Numbers are never used twice: where the highest one goes, an empty row keeps it.
    void keep_highest_number(const std::vector<Found>& found, SegmentChange& change) {
        const auto& last = found.back().row;
        const auto removed = std::find(change.removed.begin(), change.removed.end(), last.number);
        if (removed == change.removed.end()) {
            return;
        }
        change.removed.erase(removed);
        SegmentRecord marker;
        marker.partition = last.partition;
        marker.number = last.number;
        marker.sealed = true;
        if (!done_.rows.empty() && done_.rows.back().partition == last.partition) {
            const auto& end = done_.rows.back();
            marker.first_object = end.first_object + end.object_count;
            marker.first_file = end.first_file + end.filemark_count;
            marker.first_byte = end.first_byte + end.byte_count;
        }
        change.replaced.push_back(marker);
        done_.rows.push_back(marker);
    }

    Result<void> sync_own_directory() {
        TL_CHECK(files_.system().make_directory(files_.directory()));
        return files_.system().sync_directory(files_.directory());
    }

    /// Best effort: recover_spool() removes what is left.
    void remove_dropped(const SegmentChange& change) {
        for (const auto number : change.removed) {
            static_cast<void>(files_.system().remove(files_.path(number)).has_value());
        }
        for (const auto& row : change.replaced) {
            if (row.object_count == 0) {
                static_cast<void>(files_.system().remove(files_.path(row.number)).has_value());
            }
        }
    }

    [[nodiscard]] const std::string& serial() const noexcept { return cartridge_.medium_serial; }

    const SpoolContext& context_;
    const CartridgeRecord& cartridge_;
    SpoolFiles& files_;
    CartridgeRecovery done_;
};

}  // namespace

Result<CartridgeRecovery> recover_cartridge(const SpoolContext& context,
                                            const CartridgeRecord& cartridge, SpoolFiles& files) {
    return Recovery(context, cartridge, files).run();
}

}  // namespace tapeloft::media
