#include "vtl/daemon/running_library.h"

#include <utility>

#include <boost/asio/strand.hpp>

#include "cloud/base/call_on.h"

#include "media/library/value_stores.h"

#include "vtl/daemon/element_name.h"
#include "vtl/daemon/identity.h"

namespace tapeloft::vtl::daemon {

RunningLibrary::RunningLibrary(Settings settings, SharedParts shared,
                               std::unique_ptr<LibraryArchive> archive)
    : settings_(std::move(settings)),
      shared_(shared),
      budget_(settings_.config.spool_size),
      spares_(media::posix_file_system(), settings_.spool, budget_, shared_.events),
      archive_(std::move(archive)),
      spool_{settings_.spool,
             shared_.catalog,
             shared_.disk,
             shared_.events,
             budget_,
             spares_,
             media::posix_file_system(),
             {},
             &archive_->archive()},
      tapes_(spool_),
      store_({settings_.config.name, shared_.disk}, shared_.catalog, tapes_, shared_.events),
      incoming_(std::make_unique<media::IncomingCartridges>(store_, shared_.catalog, shared_.disk)),
      missing_(boost::asio::make_strand(shared_.io_context),
               static_cast<std::uint16_t>(settings_.config.drives + 1)) {}

Result<std::unique_ptr<RunningLibrary>> RunningLibrary::create(
    Settings settings, SharedParts shared, std::set<std::string>& serials_taken) {
    LibraryArchive::Parts parts{shared.catalog, shared.cpu, shared.disk, shared.events,
                                settings.cache};
    TL_TRY(auto archive, LibraryArchive::open(settings.config, std::move(parts)));
    std::unique_ptr<RunningLibrary> library(
        new RunningLibrary(std::move(settings), std::move(shared), std::move(archive)));
    TL_CHECK(library->build(serials_taken));
    return library;
}

Result<void> RunningLibrary::build(std::set<std::string>& serials_taken) {
    const auto& config = settings_.config;
    const auto* const model = scsi::find_drive_model(config.drive_model);
    TL_ASSERT(model != nullptr);
    TL_TRY(changer_serial_, serial_number(shared_.catalog, config.name, "changer", serials_taken));
    std::vector<library::DriveBay*> bays;
    for (std::uint32_t index = 0; index < config.drives; ++index) {
        const auto unit = element_name({media::ElementKind::drive, index});
        drive::TapeDriveOptions options;
        options.executor = boost::asio::make_strand(shared_.io_context);
        options.name = settings_.component_prefix + unit;
        options.model = model;
        TL_TRY(options.serial, serial_number(shared_.catalog, config.name, unit, serials_taken));
        options.automation_serial = changer_serial_;
        options.target_name = config.target_name();
        options.logical_unit_count = static_cast<std::uint16_t>(config.drives + 1);
        TL_TRY(options.memory, open_memory(options.serial));
        options.storage_conditions = [this](drive::StorageCondition condition,
                                            std::string_view medium_serial) {
            return holds(condition, medium_serial);
        };
        drives_.push_back(std::make_unique<drive::TapeDrive>(std::move(options), shared_.events));
        bays_.push_back(std::make_unique<TapeDriveBay>(*drives_.back()));
        bays.push_back(bays_.back().get());
    }
    library::MediaChanger::Settings settings;
    settings.executor = boost::asio::make_strand(shared_.io_context);
    settings.model = scsi::find_changer_model(config.changer_model);
    TL_ASSERT(settings.model != nullptr);
    settings.target_name = config.target_name();
    settings.serial = changer_serial_;
    TL_TRY(settings.memory, open_memory(changer_serial_));
    settings.slots = config.slots;
    settings.import_export_slots = config.import_export_slots;
    settings.load_wait = std::chrono::seconds(config.load_wait_s);
    TL_TRY(changer_, library::MediaChanger::create(std::move(settings), store_, std::move(bays),
                                                   shared_.events));
    serve_while_not_fenced(*changer_);
    for (const auto& drive : drives_) {
        serve_while_not_fenced(*drive);
    }
    return {};
}

void RunningLibrary::serve_while_not_fenced(scsi::LogicalUnit& unit) {
    auto fenced = [this] { return archive_->archive().fenced(); };
    units_.push_back(std::make_unique<FencedUnit>(unit, std::move(fenced)));
}

bool RunningLibrary::holds(drive::StorageCondition condition,
                           std::string_view medium_serial) const {
    switch (condition) {
        case drive::StorageCondition::spool_nearly_full:
            return budget_.is_nearly_full();
        case drive::StorageCondition::store_unreachable:
            return archive_->archive().status().trouble.has_value();
        case drive::StorageCondition::damaged_object:
            return archive_->is_damaged(medium_serial);
    }
    return false;
}

Result<std::shared_ptr<ValueStore>> RunningLibrary::open_memory(const std::string& serial) {
    return media::open_value_store(shared_.catalog, shared_.disk,
                                   media::value_owner_of_unit(serial));
}

Awaitable<Result<void>> RunningLibrary::recover() {
    TL_CO_TRY(const auto abandoned, co_await incoming_->abandon_all());
    if (abandoned != 0) {
        shared_.events.warning("library", "A copy that was not complete at the end was removed.",
                               {{"library", settings_.config.name}});
    }
    TL_CO_TRY(auto cartridges, co_await store_.list());
    auto work = [this, cartridges = std::move(cartridges)] {
        return media::recover_spool(spool_, cartridges);
    };
    TL_CO_TRY(const auto recovery, co_await run_on(shared_.disk, std::move(work)));
    if (recovery.files_removed != 0 || recovery.cartridges_cut != 0) {
        shared_.events.info("spool",
                            "The last run did not end cleanly; the spool is in order again.",
                            {{"library", settings_.config.name},
                             {"files_removed", std::to_string(recovery.files_removed)},
                             {"cartridges_cut", std::to_string(recovery.cartridges_cut)}});
    }
    co_return Result<void>{};
}

Awaitable<Result<void>> RunningLibrary::start() {
    TL_CO_CHECK(co_await recover());
    archive_->archive().start(spool_);
    archive_->watch().start(shared_.io_context.get_executor());
    auto populations = settings_.config.cartridges;
    TL_CO_CHECK(co_await store_.populate_once(std::move(populations), settings_.config.slots));
    auto starting = changer_->start();
    co_return co_await call_on(changer_->executor(), std::move(starting));
}

Awaitable<void> RunningLibrary::sync_when_idle() {
    bytes_noted_.resize(drives_.size());
    for (std::size_t i = 0; i < drives_.size(); ++i) {
        co_await drives_[i]->sync_when_idle();
        co_await note_usage(i);
    }
    co_await store_.close_unused();
    archive_->tend_mirror(shared_.disk);
}

Awaitable<void> RunningLibrary::note_usage(std::size_t drive) {
    const auto status = co_await drives_[drive]->status();
    const auto moved = status.bytes_written + status.bytes_read;
    if (status.medium_serial.empty() || moved == bytes_noted_[drive]) {
        co_return;
    }
    bytes_noted_[drive] = moved;
    const auto noted = co_await store_.note_usage(status.medium_serial, status.medium_bytes_written,
                                                  status.medium_bytes_read);
    if (!noted) {
        shared_.events.warning("library", "The usage counters of a cartridge could not be kept.",
                               {{"barcode", status.barcode}, {"cause", noted.error().message}});
    }
}

Awaitable<std::uint64_t> RunningLibrary::bytes_moved() {
    std::uint64_t bytes = 0;
    for (const auto& drive : drives_) {
        const auto status = co_await drive->status();
        bytes += status.bytes_written + status.bytes_read;
    }
    co_return bytes;
}

Awaitable<bool> RunningLibrary::stop() {
    archive_->archive().leave_promises_to_disk();
    co_await store_.close_all_unused();
    auto stopping = changer_->stop();
    const auto stopped = co_await call_on(changer_->executor(), std::move(stopping));
    if (!stopped) {
        shared_.events.error(
            "library",
            "A cartridge could not be closed at shutdown; what was not synced yet "
            "is lost.",
            {{"library", settings_.config.name}, {"reason", stopped.error().message}});
    }
    co_await archive_->archive().stop();
    co_await archive_->watch().stop();
    archive_->end_mirror();
    archive_->finish_end();
    co_return stopped.has_value();
}

iscsi::TargetConfiguration RunningLibrary::target(const std::vector<iscsi::ChapAccount>& accounts) {
    iscsi::TargetConfiguration target;
    target.name = settings_.config.target_name();
    target.alias = "Tapeloft library " + settings_.config.name;
    target.accounts = accounts;
    for (const auto& unit : units_) {
        target.units.units.push_back(unit.get());
    }
    target.units.missing = &missing_;
    return target;
}

ServedLibrary RunningLibrary::served() const {
    ServedLibrary served;
    served.name = settings_.config.name;
    served.target_name = settings_.config.target_name();
    served.changer_serial = changer_serial_;
    served.stores = settings_.config.stores;
    served.mirror = [this] { return archive_->mirror_members(); };
    served.drive_model = settings_.config.drive_model;
    served.changer = changer_.get();
    for (const auto& drive : drives_) {
        served.drives.push_back(drive.get());
    }
    served.spool = &budget_;
    served.archive = &archive_->archive();
    served.store_watch = &archive_->watch();
    served.incoming = incoming_.get();
    return served;
}

}  // namespace tapeloft::vtl::daemon
