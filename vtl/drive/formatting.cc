// FORMAT MEDIUM and SET CAPACITY (SSC-5): what partitions a medium has, and how much of it is used.
#include "vtl/drive/activity_scope.h"
#include "vtl/drive/medium_partition_page.h"
#include "vtl/drive/mode_pages.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

enum FormatField : std::uint8_t {
    default_format = 0,    // one partition
    partition_volume = 1,  // as the medium partition page says
    default_and_partition = 2,
};

// The kept value: version, then the CAPACITY PROPORTION VALUE.
constexpr std::string_view kProportionName = "capacity_proportion";
constexpr std::uint8_t kProportionVersion = 1;
constexpr std::uint16_t kFullProportion = 0xFFFF;

Completion not_at_beginning() {
    return Completion::check_condition(SenseKey::illegal_request,
                                       asc::kPositionPastBeginningOfMedium);
}

std::uint64_t part_of(std::uint64_t capacity, std::uint16_t proportion) {
    const std::uint64_t part = capacity / kFullProportion * proportion +
                               capacity % kFullProportion * proportion / kFullProportion;
    return std::max(part, capacity / kPartsMax);
}

}  // namespace

std::uint64_t TapeDrive::usable_capacity() const {
    return part_of(medium_->capacity, capacity_proportion_);
}

void TapeDrive::open_capacity_proportion() {
    const auto kept = medium_->memory ? medium_->memory->get(kProportionName) : std::nullopt;
    const bool known = kept && kept->size() == 3 && kept->front() == kProportionVersion;
    capacity_proportion_ =
        known ? static_cast<std::uint16_t>(load_big_endian<2>(ByteView(*kept).subspan(1)))
              : kFullProportion;
}

std::vector<std::uint64_t> TapeDrive::partition_capacities() const {
    std::vector<std::uint64_t> capacities;
    for (std::uint32_t i = 0; loaded() && i < tape_->partition_count(); ++i) {
        capacities.push_back(tape_->capacity(i).native);
    }
    return capacities;
}

bool TapeDrive::at_beginning_of_medium() const {
    const media::Position position = tape_->position();
    return position.partition == 0 && position.logical_object_number == 0;
}

Awaitable<Completion> TapeDrive::format_medium(Task task) {
    constexpr std::uint8_t kFormatMask = 0x0F;
    const auto format = static_cast<std::uint8_t>(task.cdb[2] & kFormatMask);
    if (format > default_and_partition) {
        co_return scsi::invalid_field_in_cdb(2, 3);
    }
    if (!at_beginning_of_medium()) {
        co_return not_at_beginning();
    }
    if (auto refused = check_format()) {
        co_return std::move(*refused);
    }
    std::vector<std::uint64_t> capacities = {usable_capacity()};
    if (format != default_format) {
        const MediumPartitionPage rules(additional_partitions_max(model_));
        auto plan =
            rules.plan(mode_pages().current(MediumPartitionPage::kPageCode, 0), usable_capacity());
        auto* const planned = std::get_if<std::vector<std::uint64_t>>(&plan);
        if (planned == nullptr) {  // the page was checked for another medium
            co_return Completion::check_condition(SenseKey::illegal_request,
                                                  asc::kCommandSequenceError);
        }
        capacities = std::move(*planned);
    }
    co_return co_await make_partitions(std::move(capacities), task.it_nexus, "FORMAT MEDIUM");
}

// All that was on the medium is gone (SSC-5, SET CAPACITY), and it has one partition.
Awaitable<Completion> TapeDrive::set_capacity(Task task) {
    using CapacityProportionValue = BigEndian<std::uint16_t, 3>;
    if (!at_beginning_of_medium()) {
        co_return not_at_beginning();
    }
    if (auto refused = check_format()) {
        co_return std::move(*refused);
    }
    if (auto refused = co_await status_if_immediate("SET CAPACITY")) {
        co_return std::move(*refused);
    }
    const std::uint16_t proportion = CapacityProportionValue::load(task.cdb);
    if (medium_->memory) {
        Bytes value = {kProportionVersion, 0, 0};
        BigEndian<std::uint16_t, 1>::store(value, proportion);
        const auto kept =
            co_await medium_->memory->put(std::string(kProportionName), std::move(value));
        if (!kept) {
            co_return failure(kept.error(), scsi::Direction::writing, "SET CAPACITY");
        }
    }
    capacity_proportion_ = proportion;
    std::vector<std::uint64_t> capacities = {usable_capacity()};
    co_return co_await make_partitions(std::move(capacities), task.it_nexus, "SET CAPACITY");
}

Awaitable<Completion> TapeDrive::make_partitions(std::vector<std::uint64_t> capacities,
                                                 scsi::ItNexusId nexus, std::string_view what) {
    const ActivityScope activity(*this, Activity::formatting);
    if (auto refused = co_await status_if_immediate(what)) {
        co_return std::move(*refused);
    }
    if (const auto noted = co_await note_change(); !noted) {
        co_return failure(noted.error(), scsi::Direction::writing, what);
    }
    if (const auto done = co_await tape_->format(std::move(capacities)); !done) {
        co_return failure(done.error(), scsi::Direction::writing, what);
    }
    forbid_overwriting();
    ledger_.note_format();
    AuxiliaryMemory changed = auxiliary_memory_;
    changed.note_format();
    if (const auto kept = co_await keep_auxiliary_memory(std::move(changed)); !kept) {
        co_return failure(kept.error(), scsi::Direction::writing, what);
    }
    const Bytes before = bytes_of_partition_page();
    show_medium_in_mode_pages();
    if (bytes_of_partition_page() != before) {
        unit_attentions().establish_for_others(nexus, asc::kModeParametersChanged);
    }
    co_return Completion::good();
}

Bytes TapeDrive::bytes_of_partition_page() const {
    const ByteView page = mode_pages().current(MediumPartitionPage::kPageCode, 0);
    return {page.begin(), page.end()};
}

}  // namespace tapeloft::vtl::drive
