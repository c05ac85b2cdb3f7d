// LOG SENSE over pages that are rows (SPC-5).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

/// Collects the parameters of one page, in ascending order of their codes.
class LogParameters {
  public:
    /// A counter of `width` bytes (1 to 8); control byte 03h (binary list parameter): PBS wants
    /// just that.
    void number(std::uint16_t parameter_code, std::uint64_t value, std::uint8_t width);
    void bytes(std::uint16_t parameter_code, ByteView value, std::uint8_t control = kBinaryList);
    void text(std::uint16_t parameter_code, std::string_view value) {
        bytes(parameter_code, as_bytes(value), kAsciiList);
    }

    static constexpr std::uint8_t kAsciiList = 0x01;   // FORMAT AND LINKING 01b
    static constexpr std::uint8_t kBinaryList = 0x03;  // FORMAT AND LINKING 11b

    /// Who asks: reading TapeAlert flags clears them for that nexus alone.
    [[nodiscard]] ItNexusId it_nexus() const noexcept { return it_nexus_; }

  private:
    friend Completion log_sense(const Task& task, std::span<const struct LogPage> pages);
    LogParameters(ItNexusId it_nexus, std::uint16_t pointer)
        : it_nexus_(it_nexus), pointer_(pointer) {}

    ItNexusId it_nexus_;
    std::uint16_t pointer_;  ///< PARAMETER POINTER: smaller codes are left out
    Bytes encoded_;
};

struct LogPage {
    std::uint8_t page_code = 0;  ///< 01h to 3Eh; page 00h (supported pages) answers by itself
    std::uint8_t subpage_code = 0;
    std::function<void(LogParameters&)> parameters;  ///< must add one parameter at least
    /// What LOG SELECT does to the page with PCR or zeroed cumulative values; empty: the page has
    /// nothing that can be reset.
    std::function<void()> reset = {};
};

/// LOG SENSE. pages: ascending by page and subpage code.
[[nodiscard]] Completion log_sense(const Task& task, std::span<const LogPage> pages);

/// The pages that LOG SELECT resets, or why it must be refused. No log parameter can be written.
[[nodiscard]] std::variant<std::vector<const LogPage*>, Completion> decode_log_select(
    const Task& task, std::span<const LogPage> pages);

}  // namespace tapeloft::vtl::scsi
