#include "vtl/drive/tape_drive.h"

#include "vtl/drive/mode_pages.h"
#include "vtl/drive/vital_product_data.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

}  // namespace

std::string_view to_string(LoadState state) noexcept {
    switch (state) {
        case LoadState::empty:
            return "empty";
        case LoadState::ejected:
            return "ejected";
        case LoadState::held:
            return "held";
        case LoadState::loaded:
            return "loaded";
        case LoadState::cleaning:
            return "cleaning";
        case LoadState::unusable:
            return "unusable";
    }
    return "";
}

std::string_view to_string(Activity activity) noexcept {
    switch (activity) {
        case Activity::none:
            return "idle";
        case Activity::loading:
            return "loading";
        case Activity::unloading:
            return "unloading";
        case Activity::other:
            return "busy";
        case Activity::reading:
            return "reading";
        case Activity::writing:
            return "writing";
        case Activity::locating:
            return "locating";
        case Activity::rewinding:
            return "rewinding";
        case Activity::erasing:
            return "erasing";
        case Activity::formatting:
            return "formatting";
    }
    return "";
}

scsi::DeviceServerOptions TapeDrive::device_server_options(const TapeDriveOptions& options,
                                                           TapeDrive* drive) {
    TL_ASSERT(options.model != nullptr);
    scsi::DeviceServerOptions result;
    result.executor = options.executor;
    result.identity.device_type = scsi::PeripheralDeviceType::sequential_access;
    result.identity.vendor = options.model->vendor;
    result.identity.product = options.model->product;
    result.identity.revision = options.model->revision;
    result.identity.serial = options.serial;
    result.identity.target_name = options.target_name;
    result.identity.target_portal_group_tag = options.target_portal_group_tag;
    result.identity.logical_unit_count = options.logical_unit_count;
    DrivePageSource source;
    source.model = options.model;
    source.serial = options.serial;
    source.automation_serial = options.automation_serial;
    result.identity.device_pages = drive_vital_product_data(source);
    result.commands = commands();
    result.mode_pages = mode_pages_of_drive(*options.model);
    result.log_pages = log_pages(drive, options.model->family);
    result.memory = options.memory;
    return result;
}

TapeDrive::TapeDrive(TapeDriveOptions options, EventLog& events)
    : DeviceServer(device_server_options(options, this)),
      name_(std::move(options.name)),
      memory_(std::move(options.memory)),
      storage_conditions_(std::move(options.storage_conditions)),
      model_(*options.model),
      events_(events) {
    start_bookkeeping();
}

bool TapeDrive::write_protected() const {
    return read_only_ || tape_->write_protected() || associated_write_protected() ||
           software_write_protected();
}

Completion TapeDrive::not_ready() const {
    if (unusable_) {
        return Completion::check_condition(*unusable_);
    }
    return Completion::check_condition(SenseKey::not_ready, loaded() ? asc::kBecomingReady
                                                            : load_state_ == LoadState::held
                                                                ? asc::kInitializingCommandRequired
                                                                : asc::kMediumNotPresent);
}

Completion TapeDrive::refused_write() {
    if (!read_only_) {
        alerts_.raise(TapeAlert::write_protect);
    }
    return Completion::check_condition(
        SenseKey::data_protect, read_only_ ? asc::kCannotWriteMediumIncompatibleFormat
                                : tape_->write_protected()     ? asc::kWriteProtected
                                : associated_write_protected() ? asc::kAssociatedWriteProtect
                                                               : asc::kSoftwareWriteProtected);
}

std::optional<Completion> TapeDrive::check_gates(scsi::Gate gates) {
    if (has(gates, scsi::Gate::medium) && (!loaded() || becoming_ready())) {
        return not_ready();
    }
    const bool polls = has(gates, scsi::Gate::beside_others);
    if (auto untold = has(gates, scsi::Gate::medium) && !polls ? tell_loss() : std::nullopt) {
        return untold;
    }
    if (has(gates, scsi::Gate::writable) && write_protected()) {
        return refused_write();
    }
    return {};
}

void TapeDrive::keep_loss(const Error& error, const scsi::Sense& sense) {
    if (error.code != Errc::transient && error.code != Errc::cancelled) {
        untold_loss_ = sense;
    }
}

std::optional<Completion> TapeDrive::tell_loss() {
    if (!untold_loss_) {
        return {};
    }
    return Completion::check_condition(*std::exchange(untold_loss_, std::nullopt));
}

void TapeDrive::on_reset() {
    buffered_mode_ = 1;
    block_length_ = 0;
    forbid_overwriting();
    encryption_.on_reset();
}

}  // namespace tapeloft::vtl::drive
