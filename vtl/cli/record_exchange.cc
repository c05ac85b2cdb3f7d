#include "vtl/cli/record_exchange.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr std::size_t kLength = RecordExchange::kSlots * RecordExchange::kSlotLength;

Error strange_answer() {
    return {Errc::io, "the daemon's answer is not that of a tapeloftd of this version"};
}

/// It says nothing of a tape, as Errc::io would.
Error no_memory(int number) {
    return {Errc::no_space, error_from_errno("memory for records", number).message};
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

/// That of one connection: a daemon takes none that another one had, or that may become shorter.
/// Pages are had when records come.
class RecordExchange::Memory : public std::enable_shared_from_this<Memory> {
  public:
    struct FreeSlot {
        std::size_t number = 0;
        bool last = false;  ///< no other one is free
    };

    static Result<std::shared_ptr<Memory>> make() {
        Descriptor descriptor(::memfd_create("tapeloft-records", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (!descriptor.is_open() || ::ftruncate(descriptor.get(), kLength) != 0 ||
            ::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
            return no_memory(errno);
        }
        auto* const begin =
            ::mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
        if (begin == MAP_FAILED) {  // NOLINT: as mmap(2) has it
            return no_memory(errno);
        }
        return std::shared_ptr<Memory>(
            new Memory(std::move(descriptor), static_cast<std::uint8_t*>(begin)));  // NOLINT
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { ::munmap(begin_, kLength); }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    [[nodiscard]] ByteView view(std::size_t slot) const noexcept {
        return {begin_ + slot * kSlotLength, kSlotLength};
    }

    /// There is always one. The first of them: what was used before is used again.
    [[nodiscard]] FreeSlot free_slot() {
        const std::lock_guard lock(mutex_);
        auto* const found = std::find(taken_.begin(), taken_.end(), false);
        TL_ASSERT(found != taken_.end());
        return {static_cast<std::size_t>(found - taken_.begin()),
                std::count(found, taken_.end(), false) == 1};
    }
    /// Given back when nobody uses it any more.
    [[nodiscard]] Buffer take(std::size_t slot) {
        {
            const std::lock_guard lock(mutex_);
            taken_.at(slot) = true;
        }
        const auto give_back = [self = shared_from_this(), slot](const std::uint8_t*) {
            const std::lock_guard lock(self->mutex_);
            self->taken_.at(slot) = false;
        };
        return Buffer::kept_by({begin_ + slot * kSlotLength, give_back}, kSlotLength);
    }

  private:
    Memory(Descriptor descriptor, std::uint8_t* begin)
        : descriptor_(std::move(descriptor)), begin_(begin) {}

    const Descriptor descriptor_;
    std::uint8_t* const begin_;
    std::mutex mutex_;  ///< of what follows
    std::array<bool, kSlots> taken_{};
};

RecordExchange::RecordExchange(std::string socket)
    : socket_(std::move(socket)), line_(socket_, [this] { return renew_memory(); }) {}

RecordExchange::~RecordExchange() = default;

/// Of a new connection; records that came over the one before keep theirs.
Result<int> RecordExchange::renew_memory() {
    TL_TRY(memory_, Memory::make());
    return memory_->descriptor();
}

Result<std::vector<std::size_t>> RecordExchange::ask(const std::string& path, std::size_t slot) {
    Request request;
    request.path =
        path + "&at=" + std::to_string(slot * kSlotLength) + "&room=" + std::to_string(kSlotLength);
    const auto answer = line_.ask(request);
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
    const auto [slot, last] = memory_ ? memory_->free_slot() : Memory::FreeSlot();
    // The slot of this number is free in memory that is made meanwhile, too.
    TL_TRY(const auto lengths, ask(path, slot));
    std::vector<Buffer> records;
    const auto all = last ? Buffer() : memory_->take(slot);
    std::size_t at = 0;
    for (const auto length : lengths) {
        records.push_back(last ? Buffer::copy_of(memory_->view(slot).subspan(at, length))
                               : all.slice(at, length));
        at += length;
    }
    return records;
}

}  // namespace tapeloft::vtl::cli
