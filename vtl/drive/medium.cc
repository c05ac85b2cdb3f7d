// LOAD UNLOAD, ERASE(6) (SSC-5).
#include <algorithm>

#include "vtl/drive/activity_scope.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::load_unload {  // SSC-5; all in byte 4
constexpr std::uint8_t kLoad = 0x01;
constexpr std::uint8_t kEndOfTape = 0x04;
constexpr std::uint8_t kHold = 0x08;
}  // namespace layout::load_unload

Completion removal_refused() {
    return Completion::check_condition(SenseKey::illegal_request, asc::kMediumRemovalPrevented);
}

}  // namespace

Awaitable<Completion> TapeDrive::load_unload(Task task) {
    using namespace layout::load_unload;
    const bool hold = (task.cdb[4] & kHold) != 0;
    const bool wants_load = (task.cdb[4] & kLoad) != 0;
    if ((task.cdb[4] & kEndOfTape) != 0) {
        co_return scsi::invalid_field_in_cdb(4, 2);
    }
    if (load_state_ == LoadState::empty) {
        co_return not_ready();
    }
    if (unusable_) {
        co_return wants_load || hold ? not_ready()
        : removal_prevented()        ? removal_refused()
                                     : Completion::good();  // it is not threaded
    }
    if (auto untold = tell_loss()) {
        co_return std::move(*untold);
    }
    if (wants_load && !hold) {
        co_return co_await load(task.it_nexus);
    }
    if (!hold && removal_prevented()) {
        co_return removal_refused();
    }
    if (loaded()) {
        const ActivityScope activity(*this, Activity::unloading);
        if (auto refused = co_await status_if_immediate("LOAD UNLOAD")) {
            co_return std::move(*refused);
        }
        // Nobody looks after a cartridge that is out of reach: all of it may go to the store now.
        auto done = co_await tape_->rest();
        if (done) {
            done = co_await sync_and_thread();
        }
        if (!done) {
            co_return failure(done.error(), scsi::Direction::writing, "LOAD UNLOAD");
        }
    }
    load_state_ = hold ? LoadState::held : LoadState::ejected;
    end_associated_write_protection();
    show_medium_in_mode_pages();
    if (encryption_.on_demount()) {
        tell_of_other_encryption(task.it_nexus);
    }
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::load(scsi::ItNexusId nexus) {
    const ActivityScope activity(*this, Activity::loading);
    if (auto refused = co_await status_if_immediate("LOAD UNLOAD")) {
        co_return std::move(*refused);
    }
    if (const auto done = co_await sync_and_thread(); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "LOAD UNLOAD");
    }
    if (!loaded()) {
        load_state_ = LoadState::loaded;
        show_medium_in_mode_pages();
        unit_attentions().establish_for_others(nexus, asc::kNotReadyToReadyChange);
    }
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::erase(Task /*task*/) {
    if (auto refused = check_erase()) {
        co_return std::move(*refused);
    }
    const ActivityScope activity(*this, Activity::erasing);
    if (auto refused = co_await status_if_immediate("ERASE")) {
        co_return std::move(*refused);
    }
    if (const auto noted = co_await note_change(); !noted) {
        co_return failure(noted.error(), scsi::Direction::writing, "ERASE");
    }
    forbid_overwriting();
    if (const auto done = co_await tape_->erase_to_end(); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "ERASE");
    }
    co_return Completion::good();
}

}  // namespace tapeloft::vtl::drive
