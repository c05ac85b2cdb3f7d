// Commands with IMMED = 1 (SSC-5): their status, and what a host is told until they have ended.
#include <algorithm>
#include <array>

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::AdditionalSense;
using scsi::Completion;

namespace asc = scsi::asc;
namespace opcode = scsi::opcode;

struct OperationRow {
    std::uint8_t opcode;
    AdditionalSense not_ready;      // TEST UNIT READY, with NOT READY
    AdditionalSense request_sense;  // with NO SENSE; kNone: what TEST UNIT READY is told
};
// clang-format off
constexpr auto kOperations = std::to_array<OperationRow>({
    {opcode::kRewind,       asc::kNotReadyOperationInProgress, asc::kRewindOperationInProgress},
    {opcode::kFormatMedium, asc::kFormatInProgress,            asc::kNone},
    {opcode::kSetCapacity,  asc::kNotReadyOperationInProgress, asc::kSetCapacityOperationInProgress},
    {opcode::kVerify6,      asc::kNotReadyOperationInProgress, asc::kVerifyOperationInProgress},
    {opcode::kErase6,       asc::kNotReadyOperationInProgress, asc::kEraseOperationInProgress},
    {opcode::kLoadUnload,   asc::kNotReadyOperationInProgress, asc::kOperationInProgress},
    {opcode::kLocate10,     asc::kNotReadyOperationInProgress, asc::kLocateOperationInProgress},
    {opcode::kLocate16,     asc::kNotReadyOperationInProgress, asc::kLocateOperationInProgress},
});
// clang-format on

const OperationRow& row_of(std::uint8_t opcode) {
    const auto* const found =
        std::find_if(kOperations.begin(), kOperations.end(),
                     [opcode](const OperationRow& row) { return row.opcode == opcode; });
    TL_ASSERT(found != kOperations.end());
    return *found;
}

// How far it is cannot be told: PROGRESS INDICATION stays at its beginning.
scsi::Sense in_progress(scsi::SenseKey key, AdditionalSense additional) {
    scsi::Sense sense;
    sense.key = key;
    sense.additional = additional;
    sense.progress = 0;
    return sense;
}

}  // namespace

Awaitable<std::optional<Completion>> TapeDrive::status_if_immediate(std::string_view what) {
    if (!status_is_due()) {
        co_return std::nullopt;
    }
    if (const auto synced = co_await tape_->sync(); !synced) {
        co_return failure(synced.error(), scsi::Direction::writing, what);
    }
    status_now();
    co_return std::nullopt;
}

scsi::Sense TapeDrive::operation_condition(std::uint8_t opcode) const {
    return in_progress(scsi::SenseKey::not_ready, row_of(opcode).not_ready);
}

// What REQUEST SENSE says (SSC-5, progress indication).
std::optional<scsi::Sense> TapeDrive::current_condition() const {
    if (const auto going_on = operation_going_on()) {
        const AdditionalSense additional = row_of(*going_on).request_sense;
        return additional == asc::kNone ? operation_condition(*going_on)
                                        : in_progress(scsi::SenseKey::no_sense, additional);
    }
    if (loaded() && !becoming_ready()) {
        return {};
    }
    return not_ready().sense;
}

}  // namespace tapeloft::vtl::drive
