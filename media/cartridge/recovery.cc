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
        TL_TRY(const auto rows, context_.catalog.unsealed_segments(cartridge_.id));
        for (std::span<const SegmentRecord> left(rows); !left.empty();) {
            const auto partition = left.front().partition;
            const auto end = std::ranges::find_if(
                left, [partition](const SegmentRecord& row) { return row.partition != partition; });
            const auto count = static_cast<std::size_t>(end - left.begin());
            TL_CHECK(recover_partition(left.first(count)));
            left = left.subspan(count);
        }
        return done_;
    }

  private:
    Result<void> recover_partition(std::span<const SegmentRecord> rows) {
        std::vector<Found> found;
        for (const auto& row : rows) {
            TL_TRY(auto next, find(row));
            found.push_back(std::move(next));
        }
        extend_promises(found);
        return seal(found);
    }

    /// What the counts of a complete row say is not promised, but for a part.
    static SegmentPromise promise_of(const SegmentRecord& row) {
        if (row.complete) {
            return {row.promised_objects, row.promised_filemarks, kSegmentDataOffset};
        }
        return {row.object_count, row.filemark_count, row.file_length};
    }

    Result<Found> find(const SegmentRecord& row) {
        Found found;
        found.row = row;
        found.promise = promise_of(row);
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
        if (row.stored) {
            return found;
        }
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
        place_end(found.front().row);
        for (std::size_t i = 0; i < found.size(); ++i) {
            auto& segment = found[i];
            if (segment.row.stored) {
                leave_spool(segment.row, change);
                continue;
            }
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
            note_kept(change.replaced.back());
        }
        TL_CHECK(files_.system().sync_directory(context_.directory));
        TL_CHECK(sync_own_directory());
        keep_highest_number(found, change);
        if (is_shorter(found)) {
            change.truncated = TruncatedAt{end_.partition, end_.first_object};
        }
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
        row.complete = false;
        row.promised_objects = 0;
        row.promised_filemarks = 0;
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
        auto marker = end_;
        marker.number = last.number;
        change.replaced.push_back(marker);
    }

    /// The row is true, whatever its file looks like: it goes, and the store has it.
    void leave_spool(const SegmentRecord& row, SegmentChange& change) {
        change.replaced.push_back(row);
        change.replaced.back().complete = false;
        change.replaced.back().spooled = false;
        note_kept(row);
    }

    /// An empty row where the partition ends.
    void place_end(const SegmentRecord& first) {
        end_ = {};
        end_.sealed = true;
        end_.partition = first.partition;
        end_.first_object = first.first_object;
        end_.first_file = first.first_file;
        end_.first_byte = first.first_byte;
    }

    void note_kept(const SegmentRecord& row) {
        end_.first_object = row.first_object + row.object_count;
        end_.first_file = row.first_file + row.filemark_count;
        end_.first_byte = row.first_byte + row.byte_count;
    }

    /// A complete segment may have been logged just before the daemon ended: where it is not kept
    /// as it was, the log is told.
    [[nodiscard]] bool is_shorter(const std::vector<Found>& found) const {
        return std::ranges::any_of(found, [this](const Found& segment) {
            const auto& row = segment.row;
            return row.complete && row.first_object + row.object_count > end_.first_object;
        });
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
            if (row.object_count == 0 || !row.spooled) {
                static_cast<void>(files_.system().remove(files_.path(row.number)).has_value());
            }
        }
    }

    [[nodiscard]] const std::string& serial() const noexcept { return cartridge_.medium_serial; }

    const SpoolContext& context_;
    const CartridgeRecord& cartridge_;
    SpoolFiles& files_;
    CartridgeRecovery done_;
    SegmentRecord end_;  ///< of the partition that is being recovered
};

}  // namespace

Result<CartridgeRecovery> recover_cartridge(const SpoolContext& context,
                                            const CartridgeRecord& cartridge, SpoolFiles& files) {
    return Recovery(context, cartridge, files).run();
}

}  // namespace tapeloft::media
