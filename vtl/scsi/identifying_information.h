// Identifying information that hosts set and ask for (SPC-5, 6.34, 6.47): values only.
#pragma once

#include <array>
#include <cstdint>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

class IdentifyingInformation {
  public:
    static constexpr std::uint16_t kIdentifierLengthMax = 512;
    static constexpr std::uint16_t kTextLengthMax = 256;

    [[nodiscard]] Completion report(const Task& task) const;
    /// If the status is not GOOD, nothing has changed.
    [[nodiscard]] Completion set(const Task& task);

    [[nodiscard]] Bytes encode() const;  ///< empty: nothing is set
    void decode(ByteView kept);          ///< what makes no sense is as if nothing were set

  private:
    std::array<Bytes, 2> values_;  ///< identifying information, text
};

}  // namespace tapeloft::vtl::scsi
