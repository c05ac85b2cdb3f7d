#include "vtl/cli/record_exchange.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/mman.h>

namespace tapeloft::vtl::cli {
namespace {

constexpr std::size_t kLength = RecordExchange::kSlots * RecordExchange::kSlotLength;

Error strange_answer() {
    return {Errc::io, "the daemon's answer is not that of a tapeloftd of this version"};
}

}  // namespace

Error error_of(const Answer& answer) {
    constexpr auto kCodes = std::to_array<Errc>(
        {Errc::invalid_argument, Errc::not_found, Errc::already_exists, Errc::precondition,
         Errc::busy, Errc::denied, Errc::corrupt, Errc::io, Errc::no_space, Errc::end_of_medium,
         Errc::unsupported, Errc::cancelled, Errc::throttled, Errc::transient});
    if (answer.status == ExitStatus::unreachable) {
        return {Errc::transient, answer.message};
    }
    const auto pointer = Json::json_pointer("/error/code");
    if (answer.json.contains(pointer) && answer.json[pointer].is_string()) {
        const auto name = answer.json[pointer].get<std::string>();
        const auto* const code = std::find_if(kCodes.begin(), kCodes.end(),
                                              [&](Errc each) { return to_string(each) == name; });
        if (code != kCodes.end()) {
            return {*code, answer.message};
        }
    }
    return {answer.status == ExitStatus::not_found ? Errc::not_found : Errc::io, answer.message};
}

RecordExchange::~RecordExchange() {
    if (memory_ != nullptr) {
        ::munmap(memory_, kLength);
    }
}

/// Pages are had when records come.
Result<void> RecordExchange::open() {
    if (line_) {
        return {};
    }
    Descriptor descriptor(::memfd_create("tapeloft-records", MFD_CLOEXEC));
    if (!descriptor.is_open() || ::ftruncate(descriptor.get(), kLength) != 0) {
        return error_from_errno("memory for records", errno);
    }
    auto* const memory =
        ::mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
    if (memory == MAP_FAILED) {  // NOLINT: as mmap(2) has it
        return error_from_errno("memory for records", errno);
    }
    descriptor_ = std::move(descriptor);
    memory_ = static_cast<std::uint8_t*>(memory);
    line_ = std::make_unique<Line>(socket_, descriptor_.get());
    return {};
}

/// There is always one. The first of them: what was used before is used again.
RecordExchange::FreeSlot RecordExchange::free_slot() {
    const std::lock_guard lock(mutex_);
    auto* const found = std::find(taken_.begin(), taken_.end(), false);
    TL_ASSERT(found != taken_.end());
    return {static_cast<std::size_t>(found - taken_.begin()),
            std::count(found, taken_.end(), false) == 1};
}

/// Given back when nobody uses it any more.
std::shared_ptr<std::uint8_t[]> RecordExchange::take_slot(std::size_t slot) {
    {
        const std::lock_guard lock(mutex_);
        taken_.at(slot) = true;
    }
    const auto give_back = [self = shared_from_this(), slot](const std::uint8_t*) {
        const std::lock_guard lock(self->mutex_);
        self->taken_.at(slot) = false;
    };
    return {memory_ + slot * kSlotLength, give_back};
}

Result<std::vector<std::size_t>> RecordExchange::ask(const std::string& path, std::size_t slot) {
    Request request;
    request.path =
        path + "&at=" + std::to_string(slot * kSlotLength) + "&room=" + std::to_string(kSlotLength);
    const auto answer = line_->ask(request);
    if (!answer.done()) {
        return error_of(answer);
    }
    std::vector<std::size_t> lengths;
    std::size_t sum = 0;
    for (const auto& length : answer.json.at("lengths")) {
        lengths.push_back(length.get<std::size_t>());
        if (lengths.back() > kSlotLength - sum) {
            return strange_answer();
        }
        sum += lengths.back();
    }
    return lengths.empty() ? Result<std::vector<std::size_t>>(strange_answer()) : lengths;
}

Result<std::vector<Buffer>> RecordExchange::fetch(const std::string& path) {
    const std::lock_guard asking(asking_);
    TL_CHECK(open());
    const auto [slot, last] = free_slot();
    TL_TRY(const auto lengths, ask(path, slot));
    std::vector<Buffer> records;
    const auto all = last ? Buffer() : Buffer::kept_by(take_slot(slot), kSlotLength);
    std::size_t at = 0;
    for (const auto length : lengths) {
        records.push_back(last ? Buffer::copy_of({memory_ + slot * kSlotLength + at, length})
                               : all.slice(at, length));
        at += length;
    }
    return records;
}

}  // namespace tapeloft::vtl::cli
