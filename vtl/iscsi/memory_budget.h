// How much memory the data of one session's commands may take; the formula is in README.md.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::iscsi {

/// One half is for buffers of at most FirstBurstLength, which an initiator may fill unasked; the
/// command window is made so that they always fit. The other half is for longer buffers, which are
/// given out one after the other, at least one at a time.
class MemoryBudget {
  public:
    static constexpr std::uint32_t kOpenCommandsMax = 32;

    MemoryBudget(std::size_t bytes, std::uint32_t first_burst_length)
        : half_(bytes / 2), first_burst_length_(first_burst_length) {}

    /// Commands that may be open at once.
    [[nodiscard]] std::uint32_t open_commands_max() const noexcept {
        const auto fit = half_ / std::max<std::size_t>(first_burst_length_, 1);
        return static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, kOpenCommandsMax));
    }
    [[nodiscard]] bool fits_first_burst(std::size_t size) const noexcept {
        return size <= first_burst_length_;
    }

    /// For an immediate command, which the window does not count.
    [[nodiscard]] bool first_burst_room(std::size_t size) const noexcept {
        return first_burst_used_ + size <= half_;
    }
    void reserve_first_burst(std::size_t size) noexcept { first_burst_used_ += size; }
    void release_first_burst(std::size_t size) noexcept {
        TL_ASSERT(size <= first_burst_used_);
        first_burst_used_ -= size;
    }

    /// False: not now.
    [[nodiscard]] bool reserve_transfer(std::size_t size) noexcept {
        if (transfer_used_ != 0 && transfer_used_ + size > half_) {
            return false;
        }
        transfer_used_ += size;
        return true;
    }
    void release_transfer(std::size_t size) noexcept {
        TL_ASSERT(size <= transfer_used_);
        transfer_used_ -= size;
    }

    [[nodiscard]] std::size_t used() const noexcept { return first_burst_used_ + transfer_used_; }

  private:
    std::size_t half_;
    std::uint32_t first_burst_length_;
    std::size_t first_burst_used_ = 0;
    std::size_t transfer_used_ = 0;
};

}  // namespace tapeloft::vtl::iscsi
