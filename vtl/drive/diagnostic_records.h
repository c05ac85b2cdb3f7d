// The errors that the tape diagnostic data log page (16h, SSC-5) tells of, newest first.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::drive {

struct DiagnosticRecord {
    std::uint8_t density_code = 0;
    std::uint8_t medium_type = 0;
    std::uint32_t motion_hours = 0;
    bool repeat = false;  ///< the same as the record before it, which it has replaced
    scsi::Sense sense;
    std::array<char, 4> revision{};
    std::uint32_t hours_since_cleaning = 0;
    std::uint8_t operation_code = 0;
    std::string medium_serial;  ///< at most 32 characters
};

class DiagnosticRecords {
  public:
    static constexpr std::size_t kMax = 12;

    /// The oldest one is forgotten; one like the newest replaces it.
    void add(DiagnosticRecord record) {
        if (!records_.empty()) {
            const DiagnosticRecord& last = records_.front();
            record.repeat = last.sense.key == record.sense.key &&
                            last.sense.additional == record.sense.additional &&
                            last.operation_code == record.operation_code &&
                            last.medium_serial == record.medium_serial;
            if (record.repeat) {
                records_.pop_front();
            }
        }
        records_.push_front(std::move(record));
        if (records_.size() > kMax) {
            records_.pop_back();
        }
    }
    [[nodiscard]] const std::deque<DiagnosticRecord>& newest_first() const noexcept {
        return records_;
    }

  private:
    std::deque<DiagnosticRecord> records_;
};

}  // namespace tapeloft::vtl::drive
