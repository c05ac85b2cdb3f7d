#include "vtl/iscsi/task_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cloud/base/contract.h"

#include "vtl/iscsi/additional_header.h"
#include "vtl/iscsi/target.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::uint8_t kAttributeMax = 4;  // ACA; 5 to 7 are reserved (RFC 7143, 11.3.1)

// Sense data of RFC 7143, 11.4.7.2.
constexpr scsi::AdditionalSense kUnexpectedUnsolicitedData{0x0C0C};
constexpr scsi::AdditionalSense kIncorrectAmountOfData{0x0C0D};
constexpr scsi::AdditionalSense kProtocolServiceCrcError{0x4705};

scsi::Completion aborted_command(scsi::AdditionalSense additional) {
    return scsi::Completion::check_condition(scsi::SenseKey::aborted_command, additional);
}

scsi::Completion illegal_request(scsi::AdditionalSense additional) {
    return scsi::Completion::check_condition(scsi::SenseKey::illegal_request, additional);
}

Placement refusal(Placement::Kind kind, RejectReason reason, std::string_view why) {
    Placement placement;
    placement.kind = kind;
    placement.reason = reason;
    placement.why = why;
    return placement;
}

Placement fatal(std::string_view why) {
    return refusal(Placement::Kind::fatal, RejectReason::protocol_error, why);
}

}  // namespace

TaskSet::TaskSet(const NegotiatedParameters& parameters, scsi::ItNexusId it_nexus,
                 std::size_t units_count, std::size_t memory_budget, PduWriter& writer,
                 std::deque<Action>& actions)
    : parameters_(parameters),
      it_nexus_(it_nexus),
      units_count_(units_count),
      budget_(memory_budget, parameters.first_burst_length),
      writer_(writer),
      actions_(actions) {}

/// The same for every form of LUN field that names the same unit.
std::uint64_t TaskSet::unit_key(std::uint64_t lun) const {
    return unit_number(lun, units_count_).value_or(units_count_);
}

TaskSet::Entries::iterator TaskSet::find_handle(TaskHandle handle) {
    return std::find_if(tasks_.begin(), tasks_.end(),
                        [handle](const Entry& entry) { return entry.handle == handle; });
}

TaskSet::Entries::iterator TaskSet::find_tag(std::uint32_t initiator_task_tag) {
    return std::find_if(tasks_.begin(), tasks_.end(), [initiator_task_tag](const Entry& entry) {
        return entry.command.initiator_task_tag == initiator_task_tag;
    });
}

TaskSet::Entries::iterator TaskSet::erase(Entries::iterator entry) {
    release_memory(*entry);
    if (entry->delivered && !entry->command.immediate) {
        --open_;
    }
    return tasks_.erase(entry);
}

void TaskSet::release_memory(Entry& entry) {
    entry.buffer = {};
    budget_.release_first_burst(std::exchange(entry.first_burst_reserved, 0));
    budget_.release_transfer(std::exchange(entry.transfer_reserved, 0));
}

// ---- SCSI Command -------------------------------------------------------------------------------

Placement TaskSet::begin_command(const ScsiCommand& command, ByteView additional_header,
                                 std::uint32_t n, bool in_order) {
    const auto kind = classify_additional_header(additional_header);
    if (kind == AdditionalHeader::malformed) {
        return fatal("AHS lengths that do not fit");
    }
    if (kind == AdditionalHeader::unknown) {
        return refusal(Placement::Kind::reject, RejectReason::invalid_pdu_field,
                       "AHS of unknown type");
    }
    if (auto refused = refuse_command(command, n)) {
        return *refused;
    }
    std::erase(absorbed_, command.initiator_task_tag);
    auto& entry = tasks_.emplace_back();
    entry.handle = ++last_handle_;
    entry.command = command;
    if (command.write) {
        entry.out =
            DataOutTransfer(command.expected_data_transfer_length, !command.final, parameters_);
    } else {
        entry.out.stop();
    }
    if (auto failure = refuse_task(command, n, kind == AdditionalHeader::known)) {
        fail(entry, std::move(*failure));
    }
    return first_data_place(entry, n, in_order);
}

/// What no task can come of: Reject or worse.
std::optional<Placement> TaskSet::refuse_command(const ScsiCommand& command,
                                                 std::uint32_t n) const {
    const auto same_tag = [&command](const Entry& entry) {
        return entry.command.initiator_task_tag == command.initiator_task_tag;
    };
    if (std::any_of(tasks_.begin(), tasks_.end(), same_tag)) {
        return refusal(Placement::Kind::reject, RejectReason::task_in_progress,
                       "Initiator Task Tag is in use");
    }
    if (command.initiator_task_tag == kReservedTag || command.attribute > kAttributeMax) {
        return refusal(Placement::Kind::reject, RejectReason::invalid_pdu_field,
                       "reserved Initiator Task Tag or ATTR");
    }
    if (!command.write && (!command.final || n != 0)) {
        return fatal("data for a command without the W bit");
    }
    if (n > std::min(parameters_.first_burst_length, command.expected_data_transfer_length)) {
        return fatal("immediate data beyond FirstBurstLength or Expected Data Transfer Length");
    }
    if (!command.immediate) {
        return std::nullopt;
    }
    const auto immediate = std::count_if(
        tasks_.begin(), tasks_.end(), [](const Entry& entry) { return entry.command.immediate; });
    const bool room =
        !command.write || budget_.first_burst_room(std::min(parameters_.first_burst_length,
                                                            command.expected_data_transfer_length));
    if (immediate >= static_cast<std::ptrdiff_t>(kImmediateCommandsMax) || !room) {
        return refusal(Placement::Kind::reject, RejectReason::too_many_immediate_commands,
                       "too many immediate commands");
    }
    return std::nullopt;
}

/// What is a task, but one that fails without the logical unit.
std::optional<scsi::Completion> TaskSet::refuse_task(const ScsiCommand& command, std::uint32_t n,
                                                     bool additional_header) const {
    if (additional_header || (command.read && command.write)) {
        return illegal_request(scsi::asc::kInvalidCommandOperationCode);
    }
    if (!command.write) {
        return std::nullopt;
    }
    const bool immediate_data_unasked = n != 0 && !parameters_.immediate_data;
    const bool unsolicited_unasked = !command.final && parameters_.initial_r2t;
    if (immediate_data_unasked || unsolicited_unasked) {
        return aborted_command(kUnexpectedUnsolicitedData);
    }
    if (command.expected_data_transfer_length > scsi::kTransferLengthMax) {
        return illegal_request(scsi::asc::kInvalidFieldInCdb);
    }
    return std::nullopt;
}

Placement TaskSet::first_data_place(Entry& entry, std::uint32_t n, bool in_order) {
    Placement placement;
    placement.task = entry.handle;
    if (entry.failure || n == 0) {
        return placement;
    }
    allocate_first_buffer(entry, in_order);
    placement.kind = Placement::Kind::place;
    placement.destination = receive_into(entry, 0, n);
    return placement;
}

/// Until received() the buffer is written to: it neither moves nor goes.
MutableByteView TaskSet::receive_into(Entry& entry, std::size_t offset, std::uint32_t n) {
    receiving_ = entry.handle;
    receiving_buffer_ = entry.buffer;
    return entry.buffer.mutable_view().subspan(offset, n);
}

void TaskSet::received() {
    receiving_ = 0;
    receiving_buffer_ = {};
}

void TaskSet::end_command(TaskHandle handle, std::uint32_t n, bool data_digest_error) {
    received();
    const auto entry = find_handle(handle);
    TL_ASSERT(entry != tasks_.end());
    entry->out.on_immediate_data(n);
    if (data_digest_error) {
        fail(*entry, aborted_command(kProtocolServiceCrcError));
    }
}

void TaskSet::deliver(TaskHandle handle) {
    const auto entry = find_handle(handle);
    if (entry == tasks_.end()) {  // aborted while it was held
        return;
    }
    entry->delivered = true;
    if (!entry->command.immediate) {
        ++open_;
    }
    tasks_.splice(tasks_.end(), tasks_, entry);
}

void TaskSet::fail(Entry& entry, scsi::Completion completion) {
    if (!entry.failure) {
        entry.failure = std::move(completion);
    }
    entry.out.stop();
    release_memory(entry);
}

// ---- Buffers of data-out ------------------------------------------------------------------------

bool TaskSet::somebody_waits_for_memory() const {
    return std::any_of(tasks_.begin(), tasks_.end(), [](const Entry& entry) {
        return entry.delivered && entry.state == State::collecting && !entry.failure &&
               entry.buffer.size() < entry.out.length();
    });
}

/// A buffer for data that comes unasked: for all the data if that may be, else for the first burst.
void TaskSet::allocate_first_buffer(Entry& entry, bool in_order) {
    const std::size_t length = entry.out.length();
    if (budget_.fits_first_burst(length)) {
        budget_.reserve_first_burst(length);
        entry.first_burst_reserved = length;
        entry.buffer = Buffer::allocate(length);
        return;
    }
    if (in_order && !somebody_waits_for_memory() && budget_.reserve_transfer(length)) {
        entry.transfer_reserved = length;
        entry.buffer = Buffer::allocate(length);
        return;
    }
    entry.first_burst_reserved = parameters_.first_burst_length;
    budget_.reserve_first_burst(entry.first_burst_reserved);
    entry.buffer = Buffer::allocate(entry.first_burst_reserved);
}

/// Gives the task a buffer for all of its data. False: not now.
bool TaskSet::grow_buffer(Entry& entry, bool memory_is_short) {
    const std::size_t length = entry.out.length();
    if (entry.buffer.size() == length) {
        return true;
    }
    if (budget_.fits_first_burst(length)) {
        allocate_first_buffer(entry, true);
        return true;
    }
    if (entry.handle == receiving_ || memory_is_short || !budget_.reserve_transfer(length)) {
        return false;
    }
    auto whole = Buffer::allocate(length);
    if (entry.out.received() != 0) {
        std::memcpy(whole.mutable_view().data(), entry.buffer.view().data(), entry.out.received());
    }
    budget_.release_first_burst(std::exchange(entry.first_burst_reserved, 0));
    entry.transfer_reserved = length;
    entry.buffer = std::move(whole);
    return true;
}

// ---- Data-Out -----------------------------------------------------------------------------------

Placement TaskSet::begin_data_out(const DataOut& pdu, std::uint32_t n) {
    const auto entry = find_tag(pdu.initiator_task_tag);
    if (entry == tasks_.end()) {
        const bool absorbed = std::find(absorbed_.begin(), absorbed_.end(),
                                        pdu.initiator_task_tag) != absorbed_.end();
        return absorbed ? refusal(Placement::Kind::ignore, {}, {})
                        : refusal(Placement::Kind::reject, RejectReason::invalid_pdu_field,
                                  "Data-Out for no task");
    }
    if (entry->aborted) {
        return refusal(Placement::Kind::ignore, {}, {});
    }
    if (const auto why = entry->out.check(pdu, n); !why.empty()) {
        return fatal(why);
    }
    if (pdu.target_transfer_tag != kReservedTag &&  // RFC 7143, 11.7.4: else the LUN is reserved
        unit_key(pdu.lun) != unit_key(entry->command.lun)) {
        return fatal("Data-Out with the LUN of another unit");
    }
    Placement placement;
    if (entry->failure || n == 0) {
        return placement;
    }
    if (entry->buffer.empty()) {
        allocate_first_buffer(*entry, entry->delivered);
    }
    placement.kind = Placement::Kind::place;
    placement.destination = receive_into(*entry, pdu.buffer_offset, n);
    return placement;
}

void TaskSet::end_data_out(const DataOut& pdu, std::uint32_t n, bool data_digest_error) {
    received();
    const auto entry = find_tag(pdu.initiator_task_tag);
    if (entry == tasks_.end()) {
        return;
    }
    entry->out.on_data_out(pdu, n);
    if (data_digest_error) {
        fail(*entry, aborted_command(kProtocolServiceCrcError));
    } else if (entry->out.incorrect_amount()) {
        fail(*entry, aborted_command(kIncorrectAmountOfData));
    }
}

// ---- From the last byte to the response ---------------------------------------------------------

void TaskSet::advance() {
    bool memory_is_short = false;         // an earlier task waits for memory: nobody passes it
    std::vector<std::uint64_t> occupied;  // units for which an earlier task is not handed over yet
    for (auto entry = tasks_.begin(); entry != tasks_.end();) {
        const auto current = entry++;
        if (!current->delivered) {
            continue;
        }
        if (current->state == State::collecting) {
            memory_is_short = !collect(*current, memory_is_short) || memory_is_short;
            current->state = current->out.finished() ? State::ready : State::collecting;
        }
        if (current->state == State::ready && current->failure) {
            respond(current, std::move(*current->failure));
            continue;
        }
        if (current->state != State::collecting && current->state != State::ready) {
            continue;
        }
        const auto unit = unit_key(current->command.lun);
        const bool free = current->command.immediate ||
                          std::find(occupied.begin(), occupied.end(), unit) == occupied.end();
        if (current->state == State::ready && free) {
            if (execute(*current, memory_is_short)) {
                continue;
            }
            memory_is_short = true;
        }
        if (!current->command.immediate) {
            occupied.push_back(unit);
        }
    }
}

/// Asks for the data that is due. False: it waits for memory.
bool TaskSet::collect(Entry& entry, bool memory_is_short) {
    if (entry.failure || !entry.command.write || entry.out.length() == 0) {
        return true;
    }
    if (!grow_buffer(entry, memory_is_short)) {
        return false;
    }
    while (const auto r2t = entry.out.next_r2t(last_transfer_tag_ + 1)) {
        last_transfer_tag_ = (last_transfer_tag_ + 1) % kReservedTag;
        auto pdu = *r2t;
        pdu.lun = entry.command.lun;
        pdu.initiator_task_tag = entry.command.initiator_task_tag;
        writer_.queue(encode(pdu), StatSnUse::shown);
    }
    return true;
}

/// Hands the task to its logical unit. False: it waits for memory.
bool TaskSet::execute(Entry& entry, bool memory_is_short) {
    const auto& command = entry.command;
    const auto data_in_length_max = command.read ? command.expected_data_transfer_length : 0;
    if (command.read) {
        const std::size_t size = std::min(data_in_length_max, scsi::kTransferLengthMax);
        if (memory_is_short || !budget_.reserve_transfer(size)) {
            return false;
        }
        entry.transfer_reserved = size;
    }
    entry.state = State::executing;
    Execute action;
    action.handle = entry.handle;
    action.lun = command.lun;
    action.task.it_nexus = it_nexus_;
    action.task.tag = command.initiator_task_tag;
    action.task.attribute = static_cast<scsi::TaskAttribute>(command.attribute);
    action.task.cdb = command.cdb;
    action.task.data_out = std::move(entry.buffer);
    action.task.data_in_length_max = data_in_length_max;
    actions_.emplace_back(std::move(action));
    return true;
}

void TaskSet::on_task_done(TaskHandle handle, scsi::Completion completion) {
    const auto entry = find_handle(handle);
    TL_ASSERT(entry != tasks_.end() && entry->state == State::executing);
    if (entry->aborted || completion.status == scsi::Status::task_aborted) {
        const auto management = entry->management;  // no response: SAM-5, 5.3.1 (TAS=0)
        erase(entry);
        finish_management(management);
        return;
    }
    respond(entry, std::move(completion));
}

void TaskSet::respond(Entries::iterator entry, scsi::Completion completion) {
    const auto& command = entry->command;
    const auto expected = command.read || command.write ? command.expected_data_transfer_length : 0;
    const std::uint64_t actual =
        command.write ? completion.data_out_length : completion.data_in.size();
    entry->residual = residual_of(expected, actual);
    entry->completion = std::move(completion);
    auto data = std::move(entry->completion.data_in);
    if (command.write || expected == 0 || data.empty()) {
        send_response(*entry, entry->out.r2t_count());
        erase(entry);
        return;
    }
    if (data.size() > expected) {  // a copy, so that the rest does not occupy memory
        data = Buffer::copy_of(data.view().first(expected));
    }
    entry->in = DataInTransfer(std::move(data));
    entry->state = State::responding;
    sending_.push_back(entry->handle);
}

void TaskSet::send_response(const Entry& entry, std::uint32_t exp_data_sn) {
    ScsiResponse response;
    response.residual_overflow = entry.residual.overflow;
    response.residual_underflow = entry.residual.underflow;
    response.residual_count = entry.residual.count;
    response.status = static_cast<std::uint8_t>(entry.completion.status);
    response.initiator_task_tag = entry.command.initiator_task_tag;
    response.exp_data_sn = exp_data_sn;
    Buffer data;
    if (entry.completion.sense) {  // 11.4.7: SenseLength, then the sense data
        const auto sense = scsi::encode_fixed(*entry.completion.sense);
        data = Buffer::allocate(2 + sense.size());
        store_big_endian<2>(data.mutable_view(), sense.size());
        std::copy(sense.begin(), sense.end(), data.mutable_view().begin() + 2);
    }
    writer_.queue(encode(response), StatSnUse::counted, std::move(data));
}

std::optional<TaskSet::Part> TaskSet::next_part() {
    if (sending_.empty()) {
        return std::nullopt;
    }
    const auto entry = find_handle(sending_.front());
    TL_ASSERT(entry != tasks_.end());
    auto slice = entry->in.next(parameters_.initiator_max_recv_data_segment_length,
                                parameters_.max_burst_length);
    slice.pdu.initiator_task_tag = entry->command.initiator_task_tag;
    Part part;
    const bool collapse = slice.last && entry->completion.status == scsi::Status::good;
    if (collapse) {  // 11.7.3: the last Data-In carries GOOD
        slice.pdu.status_present = true;
        slice.pdu.residual_overflow = entry->residual.overflow;
        slice.pdu.residual_underflow = entry->residual.underflow;
        slice.pdu.residual_count = entry->residual.count;
        part.use = StatSnUse::counted;
    }
    part.header = encode(slice.pdu);
    part.data = std::move(slice.data);
    if (slice.last) {
        if (!collapse) {
            send_response(*entry, entry->in.data_sn());
        }
        sending_.pop_front();
        erase(entry);
    }
    return part;
}

}  // namespace tapeloft::vtl::iscsi
