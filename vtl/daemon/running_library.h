// One library put together: spool, cartridges, drives, changer, and the target they stand behind.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"

#include "media/library/cartridge_store.h"
#include "media/library/spool_tapes.h"

#include "vtl/daemon/config.h"
#include "vtl/daemon/fenced_unit.h"
#include "vtl/daemon/library_archive.h"
#include "vtl/daemon/served_library.h"
#include "vtl/daemon/tape_drive_bay.h"
#include "vtl/iscsi/target.h"
#include "vtl/library/media_changer.h"
#include "vtl/scsi/missing_logical_unit.h"

namespace tapeloft::vtl::daemon {

/// What the libraries of a daemon share; all of it outlives them.
struct SharedParts {
    boost::asio::io_context& io_context;  ///< strands of drives and changers are made on it
    Executor disk;                        ///< blocking work
    Executor cpu;                         ///< the archive's work
    media::Catalog& catalog;
    EventLog& events;
};

class RunningLibrary {
  public:
    struct Settings {
        LibraryConfig config;
        std::filesystem::path spool;   ///< directory; belongs to this library alone
        std::filesystem::path cache;   ///< likewise, for what is read from a remote store
        std::string component_prefix;  ///< of the drives' events: "" or "<library>/"
    };

    /// Builds everything; nothing moves yet. Draws serial numbers at the first start. Blocks.
    /// Errors: as Catalog and MediaChanger::create().
    [[nodiscard]] static Result<std::unique_ptr<RunningLibrary>> create(
        Settings settings, SharedParts shared, std::set<std::string>& serials_taken);

    /// Recovers the spool, creates the first cartridges, mounts what was in drives. Errors: as
    /// recover_spool(), CartridgeStore::populate_once(), MediaChanger::start().
    Awaitable<Result<void>> start();

    /// Makes durable what drives hold in buffers, where no command is running, and what hosts have
    /// written and read on the cartridges in them.
    Awaitable<void> sync_when_idle();

    /// By hosts, in both directions, on all drives since the start.
    Awaitable<std::uint64_t> bytes_moved();
    /// Gives the disk back what the spool keeps to be written over. Blocks; any thread.
    void release_spares() { spares_.drop(); }

    // The end, in this order; any thread.
    /// No command of a host waits for the store any more.
    void end_waits() { archive_->archive().end_waits(); }
    /// What administrators wait for and what may take long is cancelled, and soon what waits for
    /// the store. After start(), once.
    void end_requests() {
        archive_->archive().end_requests();
        archive_->begin_end(shared_.io_context.get_executor());
    }

    /// When no host is logged in any more: takes every cartridge out of its drive (the catalog
    /// still says that it is there), durable on the disk and closed, whatever the store does.
    /// False: something could not be made durable; an event says what.
    Awaitable<bool> stop();

    [[nodiscard]] iscsi::TargetConfiguration target(
        const std::vector<iscsi::ChapAccount>& accounts);
    [[nodiscard]] ServedLibrary served() const;

  private:
    RunningLibrary(Settings settings, SharedParts shared, std::unique_ptr<LibraryArchive> archive);

    Result<void> build(std::set<std::string>& serials_taken);
    void serve_while_not_fenced(scsi::LogicalUnit& unit);
    Result<std::shared_ptr<ValueStore>> open_memory(const std::string& serial);
    [[nodiscard]] bool holds(drive::StorageCondition condition,
                             std::string_view medium_serial) const;
    Awaitable<Result<void>> recover();
    Awaitable<void> note_usage(std::size_t drive);

    const Settings settings_;
    const SharedParts shared_;
    media::SpoolBudget budget_;
    media::SparePool spares_;
    std::unique_ptr<LibraryArchive> archive_;
    media::SpoolContext spool_;
    media::SpoolTapes tapes_;
    media::CartridgeStore store_;
    std::unique_ptr<media::IncomingCartridges> incoming_;
    std::vector<std::unique_ptr<drive::TapeDrive>> drives_;
    std::vector<std::unique_ptr<TapeDriveBay>> bays_;  ///< one for each drive
    std::string changer_serial_;
    std::unique_ptr<library::MediaChanger> changer_;
    std::vector<std::unique_ptr<FencedUnit>> units_;  ///< what hosts see of changer and drives
    std::vector<std::uint64_t> bytes_noted_;          ///< of each drive, by note_usage()
    scsi::MissingLogicalUnit missing_;
};

}  // namespace tapeloft::vtl::daemon
