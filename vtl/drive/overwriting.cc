// What may be overwritten: WORM media and append-only mode (SSC-5), ALLOW OVERWRITE.
#include "vtl/drive/mode_pages.h"
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::allow_overwrite {
constexpr std::size_t kAllowOverwrite = 2;
constexpr std::uint8_t kAllowOverwriteMask = 0x0F;
constexpr std::size_t kPartition = 3;
using LogicalObjectIdentifier = BigEndian<std::uint64_t, 4>;
}  // namespace layout::allow_overwrite

Completion append_only_overwrite() {
    return Completion::check_condition(SenseKey::data_protect, asc::kOperatorSelectedWriteProtect);
}

}  // namespace

Completion TapeDrive::refused_worm_overwrite() {
    alerts_.raise(TapeAlert::worm_overwrite);
    return Completion::check_condition(SenseKey::data_protect, asc::kWormMediumOverwriteAttempted);
}

bool TapeDrive::append_only() const {
    using namespace mode_layout::device_configuration_extension;
    const ByteView page =
        mode_pages().current(kDeviceConfigurationPage, kDeviceConfigurationExtensionSubpage);
    return (page[kWriteMode] >> 4U) != 0;
}

Completion TapeDrive::allow_overwrite(const Task& task) {
    using namespace layout::allow_overwrite;
    enum : std::uint8_t { nothing = 0, current_position = 1, format = 2 };
    const auto wanted = static_cast<std::uint8_t>(task.cdb[kAllowOverwrite] & kAllowOverwriteMask);
    const media::Position position = tape_->position();
    if (wanted > format) {
        return scsi::invalid_field_in_cdb(kAllowOverwrite, 3);
    }
    if (wanted == current_position &&
        (task.cdb[kPartition] != position.partition ||
         LogicalObjectIdentifier::load(task.cdb) != position.logical_object_number)) {
        return Completion::check_condition(SenseKey::illegal_request, asc::kCommandSequenceError);
    }
    forbid_overwriting();
    format_allowed_ = wanted == format;
    if (wanted == current_position) {
        overwriting_allowed_at_ = position;
    }
    return Completion::good();
}

void TapeDrive::forbid_overwriting() noexcept {
    overwriting_allowed_at_.reset();
    format_allowed_ = false;
}

Awaitable<std::optional<Completion>> TapeDrive::check_write_here() {
    if (!tape_->at_end_of_data()) {
        if (medium_->worm) {
            const auto allowed = co_await among_trailing_filemarks();
            if (!allowed) {
                co_return failure(allowed.error(), scsi::Direction::reading, "WRITE");
            }
            if (!*allowed) {
                co_return refused_worm_overwrite();
            }
        } else if (append_only() && overwriting_allowed_at_ != tape_->position()) {
            co_return append_only_overwrite();
        }
    }
    forbid_overwriting();
    if (const auto noted = co_await note_change(); !noted) {
        co_return failure(noted.error(), scsi::Direction::writing, "WRITE");
    }
    co_return std::nullopt;
}

// On WORM media all filemarks before EOD may be overwritten but the first of them (medium
// configuration page).
Awaitable<Result<bool>> TapeDrive::among_trailing_filemarks() {
    const media::Position position = tape_->position();
    TL_CO_TRY(const bool only_filemarks, co_await tape_->only_filemarks_follow());
    if (!only_filemarks || position.logical_object_number == 0) {
        co_return false;
    }
    TL_CO_CHECK(co_await tape_->locate_object(position.logical_object_number - 1));
    const bool behind_filemark =
        tape_->position().logical_file_number != position.logical_file_number;
    TL_CO_CHECK(co_await tape_->locate_object(position.logical_object_number));
    co_return behind_filemark;
}

std::optional<Completion> TapeDrive::check_erase() {
    if (medium_->worm) {
        return refused_worm_overwrite();
    }
    if (append_only() && !tape_->at_end_of_data() && overwriting_allowed_at_ != tape_->position()) {
        return append_only_overwrite();
    }
    return {};
}

// A WORM medium that was never written may be partitioned.
std::optional<Completion> TapeDrive::check_format() {
    for (std::uint32_t i = 0; medium_->worm && i < tape_->partition_count(); ++i) {
        if (tape_->end_of_data(i) != 0) {
            return refused_worm_overwrite();
        }
    }
    if (append_only() && !format_allowed_) {
        return append_only_overwrite();
    }
    return {};
}

}  // namespace tapeloft::vtl::drive
