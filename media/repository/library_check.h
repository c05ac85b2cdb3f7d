// Compares what the catalog, the logs and the store say of a library, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/catalog/archive_catalog.h"
#include "media/catalog/catalog.h"
#include "media/log/replay.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

enum class LibraryFindingKind : std::uint8_t {
    log_damaged,
    head_not_right,
    log_tail,
    cartridge_damaged,
    cartridge_differs,
    cartridge_not_named,
    cartridge_not_in_catalog,
    pack_missing,
    pack_not_in_index,
    pack_not_in_catalog,
    chunks_unknown,
    orphan_pack,
    orphan_log,
    foreign_object,
};

struct LibraryFinding {
    LibraryFindingKind kind = LibraryFindingKind::log_damaged;
    std::string object;   ///< its name in the store; empty: it is of none
    std::string barcode;  ///< of the cartridge that it is about, or empty
    std::string what;
    bool repaired = false;
};

/// How a kind of finding is to be taken.
struct LibraryFindingRow {
    LibraryFindingKind kind;
    std::string_view name;
    bool is_damage;  ///< data, or its recovery, is at stake; else it costs room, or heals by itself
    bool can_repair;
    std::string_view advice;  ///< what --repair does, or why it does nothing and what to do
};
[[nodiscard]] const LibraryFindingRow& row_of(LibraryFindingKind kind) noexcept;

struct LibraryReport {
    static constexpr std::size_t kFindingsMax = 1000;

    std::uint64_t objects = 0;  ///< that the store lists
    std::uint64_t packs = 0;    ///< that the catalog knows
    std::uint64_t pack_bytes = 0;
    std::uint64_t cartridges = 0;
    std::uint64_t segments = 0;  ///< stored ones
    std::vector<LibraryFinding> findings;
    std::uint64_t findings_left_out = 0;
    std::uint64_t damage_left_out = 0;  ///< of these: that is at stake, and was not repaired
    std::uint64_t repaired = 0;

    /// Something is at stake that was not repaired.
    [[nodiscard]] bool is_damaged() const noexcept;
};

struct LibraryCheckContext {
    std::string library;
    ObjectStore& store;
    const KeyRing& keys;
    Catalog& catalog;
    Executor disk;  ///< where the catalog may block
    /// Runs the work while nothing is archived.
    std::function<Awaitable<Result<void>>(std::function<Awaitable<Result<void>>()>)> in_quiet;
    std::function<bool()> stopped;  ///< true: to be given up
};

/// One run, on one strand; the archive may be at work. Reads the logs, never a pack. Memory: the
/// index and one cartridge as in a recovery (RecoveryReport), and some 100 bytes a pack.
class LibraryCheck {
  public:
    explicit LibraryCheck(LibraryCheckContext context) : context_(std::move(context)) {}

    /// repair: does what is safe. Errors: those of open_repository() and of the store (nothing can
    /// be said), of the catalog; cancelled.
    Awaitable<Result<LibraryReport>> run(bool repair);

  private:
    using Sizes = std::map<PackId, std::uint64_t>;
    using Look = std::function<Result<void>()>;

    struct Known {
        LibraryState state;
        std::set<StreamId> streams;
        Sizes packs;
        std::set<PackId> removals;
    };

    [[nodiscard]] ArchiveCatalog& archive() const { return context_.catalog.archive(); }
    template <typename Work>
    auto on_disk(Work work) -> Awaitable<std::invoke_result_t<Work>>;
    void add(LibraryFinding finding);
    [[nodiscard]] Result<void> go_on() const;

    struct Reading {
        std::optional<LogContents> log;
        std::optional<Error> damage;  ///< why there is none
        bool settled = false;         ///< the catalog knows all of it; or the stream is empty
    };

    // library_check.cc: logs against the catalog
    Result<Known> ask_catalog();
    Awaitable<Result<void>> try_log(StreamId stream, Look look, Reading& reading);
    Awaitable<Result<std::optional<LogContents>>> settled_log(StreamId stream, Look look,
                                                              std::string barcode);
    Awaitable<Result<void>> check_head(const LogContents& log, const std::string& barcode);
    Awaitable<Result<void>> check_library();
    Awaitable<Result<void>> check_index();
    Awaitable<Result<void>> check_cartridge(CartridgeRecord record);
    void compare(const CheckpointFacts& facts, const CartridgeReplay& replay);

    // library_check_objects.cc: the catalog against the store
    Awaitable<Result<void>> list_store();
    void note_listed(const ObjectInfo& object);
    Awaitable<Result<void>> check_packs();
    Awaitable<Result<void>> check_maps(const CheckpointFacts& facts);
    Result<void> check_map(const CartridgeRecord& record, const SegmentRecord& row);
    Awaitable<Result<void>> check_orphans();
    Awaitable<Result<void>> settle_orphans();
    Awaitable<Result<void>> repair_lost();
    Awaitable<Result<void>> adopt_pack(PackContents pack);

    LibraryCheckContext context_;
    bool repair_ = false;
    LibraryReport report_;
    Sizes listed_packs_;
    std::vector<std::pair<StreamId, std::string>> listed_logs_;  ///< of streams nobody knows
    Known known_;                                                ///< as it was at the beginning
    std::set<PackId> logged_packs_;
    std::set<StreamId> named_streams_;  ///< by the library's log
    std::set<PackId> missing_packs_;
    std::set<CartridgeId> damaged_;  ///< part of them is in what is missing
};

template <typename Work>
auto LibraryCheck::on_disk(Work work) -> Awaitable<std::invoke_result_t<Work>> {
    auto disk = context_.disk;
    co_return co_await run_on(std::move(disk), std::move(work));
}

}  // namespace tapeloft::media
