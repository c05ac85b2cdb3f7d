// VERIFY(6) (SSC-5): reads, and transfers nothing.
#include "vtl/drive/activity_scope.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::Sense;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::verify_6 {
using VerificationLength = BigEndian<std::uint32_t, 2, 3>;
constexpr std::uint8_t kToEndOfData = 0x20;  // VTE
constexpr std::uint8_t kByFilemarks = 0x08;  // VBF
constexpr std::uint8_t kFixed = 0x01;
}  // namespace layout::verify_6

constexpr std::uint64_t kUpToEndOfData = ~std::uint64_t{0};

Completion stopped_at(media::ReadKind kind, std::int64_t residue) {
    Sense sense;
    sense.information = residue;
    sense.filemark = kind == media::ReadKind::filemark;
    sense.key = sense.filemark ? SenseKey::no_sense : SenseKey::blank_check;
    sense.additional = sense.filemark ? asc::kFilemarkDetected : asc::kEndOfDataDetected;
    return Completion::check_condition(sense);
}

Completion length_differs(std::int64_t residue) {
    Sense sense;
    sense.information = residue;
    sense.incorrect_length = true;
    return Completion::check_condition(sense);
}

}  // namespace

Awaitable<Completion> TapeDrive::verify(Task task) {
    using namespace layout::verify_6;
    const bool to_end_of_data = (task.cdb[1] & kToEndOfData) != 0;
    const bool by_filemarks = (task.cdb[1] & kByFilemarks) != 0;
    const bool fixed = (task.cdb[1] & kFixed) != 0;
    const std::uint32_t length = VerificationLength::load(task.cdb);
    if (to_end_of_data && by_filemarks) {
        co_return scsi::invalid_field_in_cdb(1, 5);
    }
    if (fixed && (to_end_of_data || by_filemarks || block_length_ == 0)) {
        co_return scsi::invalid_field_in_cdb(1, 0);
    }
    if (auto refused = check_encryption_lock(task.it_nexus)) {
        co_return std::move(*refused);
    }
    const ActivityScope activity(*this, Activity::reading);
    forbid_overwriting();
    if (auto refused = co_await status_if_immediate("VERIFY")) {
        co_return std::move(*refused);
    }
    if (to_end_of_data || by_filemarks) {
        co_return co_await verify_filemarks(task.it_nexus,
                                            to_end_of_data ? kUpToEndOfData : length);
    }
    if (length == 0) {
        co_return Completion::good();
    }
    co_return co_await verify_blocks(task.it_nexus, fixed ? length : 1,
                                     fixed ? block_length_ : length, fixed);
}

// INFORMATION counts blocks if they are fixed, else bytes. A block is as long as for READ: with its
// protection information.
Awaitable<Completion> TapeDrive::verify_blocks(scsi::ItNexusId nexus, std::uint32_t count,
                                               std::uint32_t block_length, bool fixed) {
    const std::uint32_t overhead = protection(nexus).read_overhead();
    for (std::uint32_t done = 0; done < count; ++done) {
        const std::int64_t residue = std::int64_t{count - done} * (fixed ? 1 : block_length);
        auto got = co_await read_record(nexus, "VERIFY");
        if (got.failure) {
            got.failure->information = residue;
            co_return Completion::check_condition(*got.failure);
        }
        if (got.kind != media::ReadKind::record) {
            co_return stopped_at(got.kind, residue);
        }
        const std::size_t length = got.record.size() + overhead;
        if (length != block_length) {
            const auto difference = std::int64_t{block_length} - static_cast<std::int64_t>(length);
            co_return length_differs(fixed ? residue : difference);
        }
    }
    co_return Completion::good();
}

// Over `count` filemarks; kUpToEndOfData: all there is.
Awaitable<Completion> TapeDrive::verify_filemarks(scsi::ItNexusId nexus, std::uint64_t count) {
    for (std::uint64_t passed = 0; passed < count;) {
        const auto got = co_await read_record(nexus, "VERIFY");
        if (got.failure) {
            co_return Completion::check_condition(*got.failure);
        }
        if (got.kind == media::ReadKind::end_of_data) {
            co_return count == kUpToEndOfData
                ? Completion::good()
                : stopped_at(got.kind, static_cast<std::int64_t>(count - passed));
        }
        passed += got.kind == media::ReadKind::filemark ? 1U : 0U;
    }
    co_return Completion::good();
}

}  // namespace tapeloft::vtl::drive
