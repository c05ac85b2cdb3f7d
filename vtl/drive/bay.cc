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
    const scsi::MediumGeneration* const generation = scsi::find_generation(medium.generation);
    const auto access =
        generation == nullptr ? scsi::Access::none : scsi::access(model_, *generation);
    if (access == scsi::Access::none) {
        co_return Error{Errc::unsupported, "drive model " + std::string(model_.name) +
                                               " cannot read " + medium.barcode + " (generation " +
                                               medium.generation + ")"};
    }
    if (medium.unreadable) {
        co_return *medium.unreadable;
    }
    if (tape == nullptr) {
        co_return Error{Errc::unsupported, name_ + " has no use for " + medium.barcode};
    }
    const ActivityScope activity(*this, Activity::loading);
    TL_CO_CHECK(co_await tape->change_partition(0));
    tape_ = std::move(tape);
    generation_ = generation;
    read_only_ = access == scsi::Access::read_only;
    medium_ = std::move(medium);
    load_counters_ = {};
    tape_alerts_.reset();
    spool_full_ = false;
    load_state_ = LoadState::loaded;
    if (cause) {
        unit_attentions().establish_for_others(*cause, scsi::asc::kNotReadyToReadyChange);
    } else {
        unit_attentions().establish_for_all(scsi::asc::kNotReadyToReadyChange);
    }
    co_return Result<void>();
}

Result<void> TapeDrive::removable() const {
    if (load_state_ == LoadState::empty) {
        return Error{Errc::not_found, name_ + " holds no cartridge"};
    }
    if (removal_prevented()) {
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
        if (const auto done = co_await sync_and_rewind(); !done) {
            failed(done.error(), scsi::Direction::writing, "unload");
            co_return done.error();
        }
    }
    last_capacity_ = tape_->capacity();
    load_state_ = LoadState::empty;
    generation_ = nullptr;
    read_only_ = false;
    RemovedMedium removed;
    removed.tape = std::move(tape_);
    removed.bytes_written = load_counters_.bytes_written;
    removed.bytes_read = load_counters_.bytes_read;
    co_return removed;
}

Awaitable<Result<void>> TapeDrive::sync_when_idle_on_strand() {
    if (!idle() || !loaded()) {
        co_return Result<void>();
    }
    const auto turn = co_await exclusive_turn();
    auto done = co_await tape_->sync();
    if (!done) {
        failed(done.error(), scsi::Direction::writing, "sync");
    }
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
    status.bytes_written = counters_.bytes_written;
    status.bytes_read = counters_.bytes_read;
    if (tape_ != nullptr) {
        status.barcode = medium_->barcode;
        status.medium_serial = medium_->medium_serial;
        status.medium_bytes_written = medium_->bytes_written + load_counters_.bytes_written;
        status.medium_bytes_read = medium_->bytes_read + load_counters_.bytes_read;
        status.write_protected = write_protected();
        status.capacity = tape_->capacity();
        if (loaded()) {
            status.position = tape_->position();
        }
    }
    co_return status;
}

}  // namespace tapeloft::vtl::drive
