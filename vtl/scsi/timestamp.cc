#include "vtl/scsi/timestamp.h"

#include <chrono>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::scsi {
namespace {

using Length = BigEndian<std::uint32_t, 6>;  // CDB: allocation or parameter list length

namespace report_data {
constexpr std::size_t kLength = 12;
using DataLength = BigEndian<std::uint16_t, 0>;
constexpr std::size_t kOrigin = 2;
using Milliseconds = BigEndian<std::uint64_t, 4, 6>;
}  // namespace report_data

enum class Origin : std::uint8_t {
    set_by_command = 0x2,
    set_by_other_means = 0x3,
};

namespace parameter_list {
constexpr std::size_t kLength = 12;
using Milliseconds = BigEndian<std::uint64_t, 4, 6>;
constexpr auto kReserved = std::to_array<std::uint16_t>({0, 1, 2, 3, 10, 11});
}  // namespace parameter_list

}  // namespace

WallClock system_wall_clock() {
    return [] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    };
}

Completion Timestamp::report(const Task& task) const {
    Bytes data(report_data::kLength);
    report_data::DataLength::store(data, report_data::kLength - 2);
    data[report_data::kOrigin] = static_cast<std::uint8_t>(
        set_by_host_ ? Origin::set_by_command : Origin::set_by_other_means);
    report_data::Milliseconds::store(data, clock_() + ahead_);
    return with_allocation_length(data, Length::load(task.cdb));
}

Completion Timestamp::set(const Task& task) {
    const std::uint32_t length = Length::load(task.cdb);
    if (length == 0) {
        return Completion::good();
    }
    if (length != parameter_list::kLength) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kParameterListLengthError);
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    const ByteView list = task.data_out.view();
    for (const std::uint16_t byte : parameter_list::kReserved) {
        if (list[byte] != 0) {
            return invalid_field_in_parameter_list(byte, 7);
        }
    }
    ahead_ = parameter_list::Milliseconds::load(list) - clock_();
    set_by_host_ = true;
    Completion completion;
    completion.data_out_length = length;
    return completion;
}

}  // namespace tapeloft::vtl::scsi
