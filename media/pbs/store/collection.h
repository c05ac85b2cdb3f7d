// Tapes of Proxmox Backup Server, taken together: media sets, snapshots, and which tape holds which
// chunk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/tape/tape_scan.h"

namespace tapeloft::media {

/// A place in a media set.
struct SetMember {
    std::optional<std::size_t> tape;  ///< of Collection::tapes(); nothing: the tape is not here
    std::optional<PbsUuid> medium;    ///< nothing: no catalog tells of it either
};

struct MediaSet {
    PbsUuid uuid{};
    std::string pool;
    std::int64_t time_s = 0;  ///< of the label of its first tape, or of the first that is here
    std::vector<SetMember> members;  ///< by sequence number
    /// The set once more, with another tape of this number that is here too. What is on its other
    /// members is told of there.
    std::optional<std::size_t> twin;
    [[nodiscard]] bool tells_of(std::size_t member) const noexcept {
        return !twin || *twin == member;
    }
    [[nodiscard]] bool is_complete() const noexcept;
};

struct SnapshotCopy {
    std::size_t set = 0;
    std::size_t member = 0;
    std::uint64_t file = 0;
    PbsUuid content{};
    friend bool operator==(const SnapshotCopy&, const SnapshotCopy&) = default;
};

struct PbsSnapshot {
    std::string store;
    SnapshotName name;
    std::vector<SnapshotCopy> copies;  ///< the newest media set first
    [[nodiscard]] std::string text() const { return store + ":" + name.text(); }
};

/// Where a chunk is said to be.
struct PbsChunkPlace {
    std::size_t set = 0;
    std::size_t member = 0;
    std::uint64_t file = 0;
    friend auto operator<=>(const PbsChunkPlace&, const PbsChunkPlace&) = default;
};

class HiddenChunks;

/// Memory: 48 bytes for each chunk on the tapes.
class Collection {
  public:
    struct Options {
        bool full = false;  ///< trust no catalog where the tape itself is here
        std::string pool;   ///< empty: tapes of all pools; else of it, and damaged ones that may be
        /// Told before each tape, which may take a while; may be empty.
        std::function<void(const std::string& barcode)> progress;
    };
    /// A medium that cannot be read at all becomes a finding. Errors: cancelled, transient,
    /// invalid_argument: what the medium says when it is out of reach; not_found: no tape is of the
    /// pool.
    [[nodiscard]] static Awaitable<Result<Collection>> scan(
        std::vector<std::unique_ptr<TapeMedium>> media, Options options);

    Collection(Collection&&) noexcept = default;
    Collection& operator=(Collection&&) noexcept = default;

    [[nodiscard]] const std::vector<ScannedTape>& tapes() const noexcept { return tapes_; }
    [[nodiscard]] TapeMedium& medium(std::size_t tape) const { return *media_.at(tape); }
    /// In order of time.
    [[nodiscard]] const std::vector<MediaSet>& sets() const noexcept { return sets_; }
    /// In order of store, name and time.
    [[nodiscard]] const std::vector<PbsSnapshot>& snapshots() const noexcept { return snapshots_; }
    /// Of the media sets: two tapes of one number, and the like.
    [[nodiscard]] const std::vector<TapeFinding>& findings() const noexcept { return findings_; }

    /// Tapes of which nothing could be read, of any pool, by barcode: why.
    [[nodiscard]] const std::map<std::string, std::string>& unread() const noexcept {
        return unread_;
    }

    /// Where the chunk is, the best place first: on tapes that are here, in that set, then in the
    /// newest others; then on tapes that are not. Empty: nowhere.
    [[nodiscard]] std::vector<PbsChunkPlace> places(std::size_t set, const std::string& store,
                                                    const PbsDigest& digest) const;
    /// Why a chunk may be nowhere: which tapes are missing.
    [[nodiscard]] std::string why_nowhere(std::size_t set) const;
    /// What stands on the tapes beside what is told above; grows.
    [[nodiscard]] HiddenChunks& hidden_chunks() const noexcept { return *hidden_chunks_; }
    /// Once: looks at each tape file that a catalog told of. Where it is another than that, or of
    /// another snapshot, what is above changes, with a finding. Costs a block for each. True: it
    /// has changed, and what was taken from above is no more. Errors: as scan().
    Awaitable<Result<bool>> check_catalogs();
    /// Barcode of the tape, or what is known of one that is not here.
    [[nodiscard]] std::string name_of(std::size_t set, std::size_t member) const;
    /// The scanned tape file; null: the tape is not here.
    [[nodiscard]] const ScannedFile* file(std::size_t set, std::size_t member,
                                          std::uint64_t number) const;

  private:
    struct ChunkRow {
        PbsDigest digest;
        std::uint32_t member;
        std::uint32_t file;
        std::uint32_t store;  ///< number in stores_

        friend auto operator<=>(const ChunkRow&, const ChunkRow&) = default;
    };

    Collection();
    void take_contents();
    void place_without_labels();
    /// Empty: nothing tells.
    [[nodiscard]] std::string pool_of(const ScannedTape& tape) const;
    Result<void> keep_pool(const std::string& pool);
    [[nodiscard]] const MediaCatalog* catalog_with(const PbsUuid& content) const;
    void form_sets();
    void add_member(std::size_t tape);
    void add_twins();
    [[nodiscard]] const MediaCatalog* catalog_of(std::size_t set, std::size_t member) const;
    Awaitable<Result<void>> scan_tape_files(const Options& options);
    void add_contents(std::size_t set, std::size_t member);
    void add_chunks_of_lost_heads(std::size_t set);
    void add_chunks(std::size_t set, std::size_t member, std::uint64_t file,
                    const std::string& store, const std::vector<PbsDigest>& digests);
    void add_snapshot(const std::string& store, const SnapshotName& name, const SnapshotCopy& copy);
    std::uint32_t store_number(const std::string& store);

    std::vector<std::unique_ptr<SplitMedium>> media_;  ///< one for each of tapes_
    std::vector<ScannedTape> tapes_;
    std::vector<MediaSet> sets_;
    std::vector<std::vector<ChunkRow>> chunks_;  ///< for each set, sorted
    std::map<std::string, std::uint32_t> stores_;
    std::vector<PbsSnapshot> snapshots_;
    std::map<std::string, std::size_t> snapshot_numbers_;  ///< while it is made
    std::vector<TapeFinding> findings_;
    std::map<std::string, std::string> unread_;
    std::vector<std::size_t> twins_;  ///< tapes; while it is made
    bool catalogs_checked_ = false;
    std::shared_ptr<HiddenChunks> hidden_chunks_;
};

}  // namespace tapeloft::media
