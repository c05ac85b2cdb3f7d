#include "vtl/drive/tape_drive.h"

#include "vtl/drive/mode_pages.h"

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
    constexpr std::uint8_t kSequentialAccessCapabilities = 0xB0;  // SSC-5; neither WORM nor TSMC
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
    result.identity.device_pages.push_back({kSequentialAccessCapabilities, Bytes(2)});
    result.commands = commands();
    result.mode_pages = mode_pages_of_drive();
    result.log_pages = log_pages(drive);
    result.memory = options.memory;
    return result;
}

TapeDrive::TapeDrive(TapeDriveOptions options, EventLog& events)
    : DeviceServer(device_server_options(options, this)),
      name_(std::move(options.name)),
      memory_(std::move(options.memory)),
      model_(*options.model),
      events_(events) {}

bool TapeDrive::write_protected() const noexcept {
    return read_only_ || tape_->write_protected();
}

Completion TapeDrive::not_ready() const {
    return Completion::check_condition(SenseKey::not_ready, load_state_ == LoadState::held
                                                                ? asc::kInitializingCommandRequired
                                                                : asc::kMediumNotPresent);
}

Completion TapeDrive::refused_write() const {
    return Completion::check_condition(
        SenseKey::data_protect,
        read_only_ ? asc::kCannotWriteMediumIncompatibleFormat : asc::kWriteProtected);
}

std::optional<Completion> TapeDrive::check_gates(scsi::Gate gates) {
    if (has(gates, scsi::Gate::medium) && !loaded()) {
        return not_ready();
    }
    if (has(gates, scsi::Gate::writable) && write_protected()) {
        return refused_write();
    }
    return {};
}

std::optional<scsi::Sense> TapeDrive::current_condition() const {
    if (loaded()) {
        return {};
    }
    return not_ready().sense;
}

void TapeDrive::on_reset() {
    buffered_mode_ = 1;
    block_length_ = 0;
}

scsi::Sense TapeDrive::failed(const Error& error, scsi::Direction direction,
                              std::string_view what) {
    // TapeAlert flags (SSC-5, annex A), as bits.
    constexpr std::size_t kHardError = 3 - 1;
    constexpr std::size_t kReadFailure = 5 - 1;
    constexpr std::size_t kWriteFailure = 6 - 1;
    const bool data_in_doubt = error.code == Errc::corrupt || error.code == Errc::io;
    if (data_in_doubt) {
        const bool writing = direction == scsi::Direction::writing;
        tape_alerts_.set(kHardError);
        tape_alerts_.set(writing ? kWriteFailure : kReadFailure);
        for (Counters* const counters : {&counters_, &load_counters_}) {
            ++(writing ? counters->write_errors : counters->read_errors);
        }
    }
    const bool spool_full = error.code == Errc::no_space;  // hosts try again and again
    if (data_in_doubt || (spool_full && !spool_full_)) {
        events_.error(name_, std::string(what) + " failed: " + error.message,
                      {{"barcode", medium_ ? medium_->barcode : ""},
                       {"object", tape_ == nullptr
                                      ? std::string()
                                      : std::to_string(tape_->position().logical_object_number)}});
    }
    spool_full_ = spool_full_ || spool_full;
    return scsi::sense_from_error(error, direction);
}

}  // namespace tapeloft::vtl::drive
