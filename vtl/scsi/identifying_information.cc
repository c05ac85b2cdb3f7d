#include "vtl/scsi/identifying_information.h"

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace cdb {  // both commands have their length and type at the same place
using Length = BigEndian<std::uint32_t, 6>;
constexpr std::uint16_t kType = 10;
}  // namespace cdb

struct Kind {
    std::uint8_t type;
    std::uint16_t length_max;
};
// clang-format off
constexpr auto kKinds = std::to_array<Kind>({
    {0x00, IdentifyingInformation::kIdentifierLengthMax},
    {0x02, IdentifyingInformation::kTextLengthMax},  // NUL terminated
});
// clang-format on
constexpr std::size_t kText = 1;
constexpr std::uint8_t kSupportedTypes = 0x7F;
constexpr std::size_t kHeaderLength = 4;
using ListLength = BigEndian<std::uint16_t, 2>;
constexpr std::uint8_t kKeptVersion = 1;

std::uint8_t type_of(const Task& task) {
    return static_cast<std::uint8_t>(task.cdb[cdb::kType] >> 1U);
}

std::optional<std::size_t> kind_of(const Task& task) {
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
        if (kKinds[i].type == type_of(task)) {
            return i;
        }
    }
    return {};
}

Bytes supported_types() {
    Bytes data(kHeaderLength);
    for (const Kind& kind : kKinds) {
        Bytes descriptor = {static_cast<std::uint8_t>(kind.type << 1U), 0, 0, 0};
        store_big_endian<2>(MutableByteView(descriptor).subspan(2), kind.length_max);
        data.insert(data.end(), descriptor.begin(), descriptor.end());
    }
    ListLength::store(data, static_cast<std::uint16_t>(data.size() - kHeaderLength));
    return data;
}

}  // namespace

Completion IdentifyingInformation::report(const Task& task) const {
    const std::size_t allocation_length = cdb::Length::load(task.cdb);
    if (type_of(task) == kSupportedTypes) {
        return with_allocation_length(supported_types(), allocation_length);
    }
    const auto kind = kind_of(task);
    if (!kind) {
        return invalid_field_in_cdb(cdb::kType, 7);
    }
    const Bytes& value = values_[*kind];
    Bytes data(kHeaderLength);
    ListLength::store(data, static_cast<std::uint16_t>(value.size()));
    data.insert(data.end(), value.begin(), value.end());
    return with_allocation_length(data, allocation_length);
}

Completion IdentifyingInformation::set(const Task& task) {
    const auto kind = kind_of(task);
    if (!kind) {
        return invalid_field_in_cdb(cdb::kType, 7);
    }
    const std::uint32_t length = cdb::Length::load(task.cdb);
    if (length > kKinds[*kind].length_max) {
        return invalid_field_in_cdb(cdb::Length::offset, 7);
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    const ByteView value = task.data_out.view().first(length);
    if (*kind == kText && length != 0 && value[length - 1] != 0) {
        return invalid_field_in_parameter_list(static_cast<std::uint16_t>(length - 1), 7);
    }
    values_[*kind].assign(value.begin(), value.end());
    Completion completion;
    completion.data_out_length = length;
    return completion;
}

// A version, then each value with two bytes of length.
Bytes IdentifyingInformation::encode() const {
    if (values_[0].empty() && values_[1].empty()) {
        return {};
    }
    Bytes kept = {kKeptVersion};
    for (const Bytes& value : values_) {
        kept.push_back(static_cast<std::uint8_t>(value.size() >> 8U));
        kept.push_back(static_cast<std::uint8_t>(value.size() & 0xFFU));
        kept.insert(kept.end(), value.begin(), value.end());
    }
    return kept;
}

void IdentifyingInformation::decode(ByteView kept) {
    if (kept.empty() || kept[0] != kKeptVersion) {
        return;
    }
    kept = kept.subspan(1);
    std::array<Bytes, 2> values;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t length = kept.size() < 2 ? SIZE_MAX : load_big_endian<2>(kept);
        if (length > kKinds[i].length_max || kept.size() - 2 < length) {
            return;
        }
        values[i].assign(kept.begin() + 2, kept.begin() + 2 + static_cast<std::ptrdiff_t>(length));
        kept = kept.subspan(2 + length);
    }
    values_ = std::move(values);
}

}  // namespace tapeloft::vtl::scsi
