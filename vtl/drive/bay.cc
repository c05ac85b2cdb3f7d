// What the changer, the idle timer and the administrator ask of a drive.
#include <boost/asio/co_spawn.hpp>

#include "vtl/drive/activity_scope.h"

namespace tapeloft::vtl::drive {
namespace {

// co_spawn() wants a value that it can make from nothing; an optional is one.
template <typename T>
Awaitable<std::optional<T>> in_optional(Awaitable<T> work) {
    co_return std::optional<T>(co_await std::move(work));
}

/// Carries out the work on the strand and resumes the caller on its own executor.
template <typename T>
Awaitable<T> carry_out_on(Executor strand, Awaitable<T> work) {
    auto wrapped = in_optional(std::move(work));
    auto value =
        co_await boost::asio::co_spawn(strand, std::move(wrapped), boost::asio::use_awaitable);
    co_return std::move(*value);
}

}  // namespace

Awaitable<Result<void>> TapeDrive::insert(std::unique_ptr<media::Tape> tape, Medium medium,
                                          std::optional<scsi::ItNexusId> cause) {
    auto work = insert_on_strand(std::move(tape), std::move(medium), cause);
    co_return co_await carry_out_on(executor(), std::move(work));
}

Awaitable<Result<RemovedMedium>> TapeDrive::remove() {
    auto work = remove_on_strand();
    co_return co_await carry_out_on(executor(), std::move(work));
}

Awaitable<Result<void>> TapeDrive::check_removable() {
    auto work = check_removable_on_strand();
    co_return co_await carry_out_on(executor(), std::move(work));
}

Awaitable<void> TapeDrive::sync_when_idle() {
    auto work = sync_when_idle_on_strand();
    const auto done = co_await carry_out_on(executor(), std::move(work));
    static_cast<void>(
        done);  // a failure is in the event log, and the next task that syncs meets it
}

Awaitable<DriveStatus> TapeDrive::status() {
    auto work = status_on_strand();
    co_return co_await carry_out_on(executor(), std::move(work));
}

Awaitable<Result<void>> TapeDrive::insert_on_strand(std::unique_ptr<media::Tape> tape,
                                                    Medium medium,
                                                    std::optional<scsi::ItNexusId> cause) {
    const auto turn = co_await exclusive_turn();
    if (load_state_ != LoadState::empty) {
        co_return Error{Errc::precondition, name_ + " already holds " + medium_->barcode};
    }
    load_started_ = std::chrono::steady_clock::now();
    const ActivityScope activity(*this, Activity::loading);
    tape_ = std::move(tape);
    generation_ = scsi::find_generation(medium.generation);
    medium_ = std::move(medium);
    unusable_ = co_await thread_medium();
    load_state_ = !unusable_          ? LoadState::loaded
                  : medium_->cleaning ? LoadState::cleaning
                                      : LoadState::unusable;
    begin_bookkeeping_of_load();
    show_medium_in_mode_pages();
    if (unusable_) {
        raise_alert_of_unusable_medium();
        co_return Result<void>();
    }
    if (cause) {
        unit_attentions().establish_for_others(*cause, scsi::asc::kNotReadyToReadyChange);
    } else {
        unit_attentions().establish_for_all(scsi::asc::kNotReadyToReadyChange);
    }
    co_return Result<void>();
}

// Nothing: it is ready. Else what keeps it from that; the cartridge can be taken out again.
Awaitable<std::optional<scsi::Sense>> TapeDrive::thread_medium() {
    if (medium_->cleaning) {
        co_await open_auxiliary_memory();
        co_return co_await clean();
    }
    const auto access =
        generation_ == nullptr ? scsi::Access::none : scsi::access(model_, *generation_);
    read_only_ = access == scsi::Access::read_only;
    if (access == scsi::Access::none) {
        co_return refuse_medium(scsi::SenseKey::not_ready, scsi::asc::kIncompatibleMediumInstalled,
                                "the drive cannot read generation " + medium_->generation);
    }
    if (medium_->unreadable) {
        const bool newer = medium_->unreadable->code == Errc::unsupported;
        co_return refuse_medium(
            newer ? scsi::SenseKey::not_ready : scsi::SenseKey::medium_error,
            newer ? scsi::asc::kCannotReadMediumUnknownFormat : scsi::asc::kCartridgeFault,
            medium_->unreadable->message);
    }
    TL_ASSERT(tape_ != nullptr);
    if (const auto threaded = co_await tape_->change_partition(0); !threaded) {
        co_return refuse_medium(scsi::SenseKey::medium_error, scsi::asc::kCartridgeFault,
                                threaded.error().message);
    }
    co_await open_auxiliary_memory();
    open_capacity_proportion();
    co_return std::nullopt;
}

scsi::Sense TapeDrive::refuse_medium(scsi::SenseKey key, scsi::AdditionalSense additional,
                                     std::string_view why) {
    events_.error(name_, "cannot use the cartridge: " + std::string(why),
                  {{"barcode", medium_->barcode}});
    scsi::Sense sense;
    sense.key = key;
    sense.additional = additional;
    return sense;
}

void TapeDrive::raise_alert_of_unusable_medium() {
    if (medium_->cleaning) {
        alerts_.raise(unusable_->additional == scsi::asc::kCleaningFailure
                          ? TapeAlert::expired_cleaning_medium
                          : TapeAlert::cleaning_medium);
    } else {
        alerts_.raise(unusable_->key == scsi::SenseKey::medium_error
                          ? TapeAlert::medium
                          : TapeAlert::unsupported_format);
    }
}

// Cleaning takes no time here, but it uses the cartridge up. The kept value: version, uses left.
Awaitable<scsi::Sense> TapeDrive::clean() {
    constexpr std::string_view kName = "cleaning_uses";
    constexpr std::uint8_t kVersion = 1;
    constexpr std::uint8_t kUsesOfNewCartridge = 50;
    const auto kept = medium_->memory ? medium_->memory->get(kName) : std::nullopt;
    const bool known = kept && kept->size() == 2 && kept->front() == kVersion;
    const std::uint8_t uses_left = known ? kept->back() : kUsesOfNewCartridge;
    scsi::Sense sense;
    sense.key = scsi::SenseKey::not_ready;
    sense.additional = scsi::asc::kCleaningCartridgeInstalled;
    if (uses_left == 0) {
        sense.additional = scsi::asc::kCleaningFailure;
        co_return sense;
    }
    ledger_.count_cleaning();
    alerts_.clear_all(AlertCleared::cleaning);
    if (medium_->memory) {
        Bytes value = {kVersion, static_cast<std::uint8_t>(uses_left - 1)};
        const auto done = co_await medium_->memory->put(std::string(kName), std::move(value));
        if (!done) {
            failed(done.error(), scsi::Direction::writing, "clean");
        }
    }
    co_return sense;
}

Result<void> TapeDrive::removable() {
    if (load_state_ == LoadState::empty) {
        return Error{Errc::not_found, name_ + " holds no cartridge"};
    }
    if (removal_prevented()) {
        alerts_.raise(TapeAlert::medium_removal_prevented);
        return Error{Errc::precondition,
                     "a host prevents the removal of " + medium_->barcode + " from " + name_};
    }
    return {};
}

Awaitable<Result<void>> TapeDrive::check_removable_on_strand() {
    co_return removable();
}

Awaitable<Result<RemovedMedium>> TapeDrive::remove_on_strand() {
    const auto turn = co_await exclusive_turn();
    TL_CO_CHECK(removable());
    if (loaded()) {
        const ActivityScope activity(*this, Activity::unloading);
        if (const auto done = co_await sync_and_thread(); !done) {
            keep_loss(done.error(), failed(done.error(), scsi::Direction::writing, "unload"));
            co_return done.error();
        }
    }
    co_await save_statistics();
    end_associated_write_protection();
    alerts_.clear(TapeAlert::cleaning_medium);
    end_bookkeeping_of_load();
    load_state_ = LoadState::empty;
    unusable_.reset();
    untold_loss_.reset();
    encryption_.on_demount();  // whoever uses the next cartridge is told that it has come
    generation_ = nullptr;
    read_only_ = false;
    show_medium_in_mode_pages();
    RemovedMedium removed;
    removed.tape = std::move(tape_);
    removed.bytes_written = ledger_.load().bytes_written;
    removed.bytes_read = ledger_.load().bytes_read;
    co_return removed;
}

Awaitable<Result<void>> TapeDrive::sync_when_idle_on_strand() {
    if (!idle() || !(loaded() || ledger_.drive_changed())) {
        co_return Result<void>();
    }
    const auto turn = co_await upkeep_turn();
    Result<void> done;
    if (loaded()) {
        // A host that writes on, with pauses, is not to be cut into small pieces.
        const auto end = tape_->end_of_data(tape_->position().partition);
        const bool rests = std::exchange(end_at_last_look_, end) == end;
        if (rests) {
            done = co_await tape_->rest();
        } else {
            done = co_await tape_->flush();
        }
        if (!done) {
            keep_loss(done.error(), failed(done.error(), scsi::Direction::writing, "sync"));
        }
    }
    co_await save_statistics();
    co_return done;
}

Awaitable<DriveStatus> TapeDrive::status_on_strand() {
    DriveStatus status;
    status.name = name_;
    status.serial = serial();
    status.model = model_.name;
    status.load_state = load_state_;
    status.activity = activity_;
    status.removal_prevented = removal_prevented();
    status.reserved = reserved();
    status.block_length = block_length_;
    status.bytes_written = ledger_.run().bytes_written;
    status.bytes_read = ledger_.run().bytes_read;
    if (load_state_ != LoadState::empty) {
        status.barcode = medium_->barcode;
        status.becoming_ready = loaded() && becoming_ready();
        status.medium_serial = medium_->medium_serial;
        status.medium_bytes_written = medium_->bytes_written + ledger_.load().bytes_written;
        status.medium_bytes_read = medium_->bytes_read + ledger_.load().bytes_read;
    }
    if (tape_ != nullptr) {
        status.write_protected = write_protected();
        status.capacity = tape_->capacity();
        if (loaded()) {
            status.position = tape_->position();
        }
    }
    co_return status;
}

}  // namespace tapeloft::vtl::drive
