#include "vtl/drive/auxiliary_memory.h"

#include <algorithm>
#include <limits>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::attribute_cdb {  // READ ATTRIBUTE and WRITE ATTRIBUTE
constexpr std::size_t kLogicalVolume = 5;
constexpr std::size_t kPartition = 7;
constexpr std::uint16_t kFirstAttributeOffset = 8;
using FirstAttribute = BigEndian<std::uint16_t, kFirstAttributeOffset>;
using Length = BigEndian<std::uint32_t, 10>;  // allocation length, parameter list length
}  // namespace layout::attribute_cdb

namespace layout::attribute {  // MAM attribute format
using Identifier = BigEndian<std::uint16_t, 0>;
constexpr std::size_t kFormat = 2;
constexpr std::uint8_t kReadOnly = 0x80;
constexpr std::uint8_t kFormatMask = 0x03;
using Length = BigEndian<std::uint16_t, 3>;
constexpr std::size_t kHeaderLength = 5;
}  // namespace layout::attribute
constexpr std::size_t kListHeaderLength = 4;
constexpr std::uint16_t kVolumeCoherencyInformation = 0x080C;

enum ServiceAction : std::uint8_t {
    attribute_values = 0x00,
    attribute_list = 0x01,
    logical_volume_list = 0x02,
    partition_list = 0x03,
    supported_attributes = 0x05,
};

void append(Bytes& to, ByteView bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

Completion with_list_header(Bytes list, std::uint32_t allocation_length) {
    Bytes data = attribute_number(list.size(), kListHeaderLength);
    append(data, list);
    return scsi::with_allocation_length(data, allocation_length);
}

Completion wrong_field(std::size_t offset, std::uint8_t bit) {
    return scsi::invalid_field_in_parameter_list(static_cast<std::uint16_t>(offset), bit);
}

// The kept state: version, volume change reference (4), initialization count (2), devices, then
// for each host attribute its partition (1), identifier (2), length (2) and value.
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFixedLength =
    1 + 4 + 2 + AuxiliaryMemory::kDevicesRemembered * AuxiliaryMemory::kDeviceLength;
constexpr std::size_t kEntryHeaderLength = 5;

}  // namespace

// --- What is kept
// ---------------------------------------------------------------------------------

Bytes AuxiliaryMemory::encode() const {
    Bytes bytes = {kVersion};
    append(bytes, attribute_number(volume_change_reference_, 4));
    append(bytes, attribute_number(initializations_, 2));
    for (const std::string& device : devices_) {
        Bytes field(kDeviceLength);
        std::copy_n(device.begin(), std::min(device.size(), field.size()), field.begin());
        append(bytes, field);
    }
    for (const auto& [key, value] : host_attributes_) {
        bytes.push_back(key.partition);
        append(bytes, attribute_number(key.id, 2));
        append(bytes, attribute_number(value.size(), 2));
        append(bytes, value);
    }
    return bytes;
}

AuxiliaryMemory AuxiliaryMemory::decode(const std::optional<Bytes>& kept) {
    AuxiliaryMemory memory;
    if (!kept || kept->size() < kFixedLength || kept->front() != kVersion) {
        return memory;
    }
    ByteView rest = ByteView(*kept).subspan(1);
    memory.volume_change_reference_ = static_cast<std::uint32_t>(load_big_endian<4>(rest));
    memory.initializations_ = static_cast<std::uint16_t>(load_big_endian<2>(rest.subspan(4)));
    rest = rest.subspan(6);
    for (std::string& device : memory.devices_) {
        const ByteView field = rest.first(kDeviceLength);
        if (field.front() != 0) {
            device = as_text(field);
        }
        rest = rest.subspan(kDeviceLength);
    }
    while (rest.size() >= kEntryHeaderLength) {
        const Key key{rest[0], static_cast<std::uint16_t>(load_big_endian<2>(rest.subspan(1)))};
        const std::size_t length = load_big_endian<2>(rest.subspan(3));
        rest = rest.subspan(kEntryHeaderLength);
        if (rest.size() < length) {
            break;
        }
        memory.host_attributes_[key] =
            Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
        rest = rest.subspan(length);
    }
    return memory;
}

void AuxiliaryMemory::note_load(std::string_view vendor, std::string_view serial) {
    std::rotate(devices_.begin(), devices_.end() - 1, devices_.end());
    Bytes device = attribute_text(vendor, 8);
    append(device, attribute_text(serial, kDeviceLength - 8));
    devices_.front() = as_text(device);
}

void AuxiliaryMemory::note_format() {
    std::erase_if(host_attributes_, [](const auto& entry) {
        return entry.first.id == kVolumeCoherencyInformation || entry.first.partition != 0;
    });
    if (initializations_ != std::numeric_limits<std::uint16_t>::max()) {
        ++initializations_;
    }
}

void AuxiliaryMemory::note_change() {
    constexpr std::uint32_t kUnusable = 0xFFFFFFFF;  // SSC-5: it cannot be told
    ++volume_change_reference_;
    if (volume_change_reference_ == kUnusable) {
        volume_change_reference_ = 1;
    }
}

// --- READ ATTRIBUTE
// -------------------------------------------------------------------------------

std::size_t AuxiliaryMemory::space_remaining(const VolumeFacts& facts) const {
    std::size_t used = 0;
    for (const auto& [key, value] : host_attributes_) {
        used += layout::attribute::kHeaderLength + value.size();
    }
    const std::size_t capacity = memory_capacity(facts);
    return capacity - std::min(capacity, used);
}

// Nothing: the attribute does not exist.
std::optional<Bytes> AuxiliaryMemory::value_of(std::uint16_t id, std::uint8_t partition,
                                               const VolumeFacts& facts) const {
    constexpr std::uint16_t kMamSpaceRemaining = 0x0004;
    constexpr std::uint16_t kInitializationCount = 0x0007;
    constexpr std::uint16_t kVolumeChangeReference = 0x0009;
    constexpr std::uint16_t kDeviceAtLastLoad = 0x020A;
    const AttributeRow* const row = find_attribute(id);
    if (row == nullptr) {
        return {};
    }
    if (row->value != nullptr) {
        return row->value(facts, partition);
    }
    switch (id) {
        case kMamSpaceRemaining:
            return attribute_number(space_remaining(facts), 8);
        case kInitializationCount:
            return attribute_number(initializations_, 2);
        case kVolumeChangeReference:
            return attribute_number(volume_change_reference_, 4);
        default:
            break;
    }
    if (id >= kDeviceAtLastLoad && id < kDeviceAtLastLoad + kDevicesRemembered) {
        const std::string& device = devices_[std::size_t{id} - kDeviceAtLastLoad];
        return device.empty() ? std::nullopt : std::optional(attribute_text(device, kDeviceLength));
    }
    const auto found =
        host_attributes_.find({row->per_partition ? partition : std::uint8_t{0}, id});
    return found == host_attributes_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::uint16_t> AuxiliaryMemory::existing(std::uint8_t partition,
                                                     const VolumeFacts& facts) const {
    std::vector<std::uint16_t> ids;
    for (const AttributeRow& row : attribute_rows()) {
        if (value_of(row.id, partition, facts)) {
            ids.push_back(row.id);
        }
    }
    return ids;
}

Bytes AuxiliaryMemory::attribute_values(std::uint8_t partition, std::uint16_t first,
                                        const VolumeFacts& facts) const {
    Bytes list;
    for (const AttributeRow& row : attribute_rows()) {
        const auto value = row.id < first ? std::nullopt : value_of(row.id, partition, facts);
        if (!value) {
            continue;
        }
        append(list, attribute_number(row.id, 2));
        list.push_back(
            static_cast<std::uint8_t>((row.read_only ? layout::attribute::kReadOnly : 0U) |
                                      static_cast<unsigned>(row.format)));
        append(list, attribute_number(value->size(), 2));
        append(list, *value);
    }
    return list;
}

Completion AuxiliaryMemory::read(const scsi::Task& task, const VolumeFacts& facts) const {
    using namespace layout::attribute_cdb;
    constexpr std::uint8_t kServiceActionMask = 0x1F;
    const std::uint8_t partition = task.cdb[kPartition];
    const std::uint32_t allocation_length = Length::load(task.cdb);
    const std::uint16_t first = FirstAttribute::load(task.cdb);
    if (task.cdb[kLogicalVolume] != 0) {
        return scsi::invalid_field_in_cdb(kLogicalVolume, 7);
    }
    if (partition >= facts.partitions.size()) {
        return scsi::invalid_field_in_cdb(kPartition, 7);
    }
    Bytes list;
    switch (task.cdb[1] & kServiceActionMask) {
        case ServiceAction::attribute_values:
            if (!value_of(first, partition, facts)) {
                return scsi::invalid_field_in_cdb(kFirstAttributeOffset, 7);
            }
            return with_list_header(attribute_values(partition, first, facts), allocation_length);
        case ServiceAction::attribute_list:
            for (const std::uint16_t id : existing(partition, facts)) {
                append(list, attribute_number(id, 2));
            }
            return with_list_header(std::move(list), allocation_length);
        case ServiceAction::supported_attributes:
            for (const AttributeRow& row : attribute_rows()) {
                append(list, attribute_number(row.id, 2));
            }
            return with_list_header(std::move(list), allocation_length);
        case ServiceAction::logical_volume_list: {
            const std::array<std::uint8_t, 4> volumes = {0, 2, 0, 1};
            return scsi::with_allocation_length(volumes, allocation_length);
        }
        case ServiceAction::partition_list: {
            const std::array<std::uint8_t, 4> partitions = {
                0, 2, 0, static_cast<std::uint8_t>(facts.partitions.size())};
            return scsi::with_allocation_length(partitions, allocation_length);
        }
        default:
            return scsi::invalid_field_in_cdb(1, 4);
    }
}

// --- WRITE ATTRIBUTE
// ------------------------------------------------------------------------------

std::variant<AuxiliaryMemory, Completion> AuxiliaryMemory::write(
    const scsi::Task& task, std::size_t partition_count) const {
    using namespace layout::attribute_cdb;
    const std::uint8_t partition = task.cdb[kPartition];
    const std::uint32_t length = Length::load(task.cdb);
    if (task.cdb[kLogicalVolume] != 0) {
        return scsi::invalid_field_in_cdb(kLogicalVolume, 7);
    }
    if (partition >= partition_count) {
        return scsi::invalid_field_in_cdb(kPartition, 7);
    }
    if (length == 0) {
        return *this;
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    AuxiliaryMemory changed = *this;
    if (auto refused = changed.apply(task.data_out.view().first(length), partition)) {
        return std::move(*refused);
    }
    return changed;
}

// PARAMETER DATA LENGTH is ignored (SPC-5): the CDB has the length.
std::optional<Completion> AuxiliaryMemory::apply(ByteView list, std::uint8_t partition) {
    using namespace layout::attribute;
    const auto truncated = [] {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kParameterListLengthError);
    };
    if (list.size() < kListHeaderLength) {
        return truncated();
    }
    std::optional<std::uint16_t> last;
    for (std::size_t at = kListHeaderLength; at < list.size();) {
        const ByteView rest = list.subspan(at);
        if (rest.size() < kHeaderLength) {
            return truncated();
        }
        const std::uint16_t id = Identifier::load(rest);
        const std::size_t length = layout::attribute::Length::load(rest);
        const AttributeRow* const row = find_attribute(id);
        if (row == nullptr || row->read_only || (last && id <= *last)) {
            return wrong_field(at, 7);
        }
        last = id;
        if ((rest[kFormat] & ~kFormatMask) != 0) {
            return wrong_field(at + kFormat, (rest[kFormat] & kReadOnly) != 0 ? 7 : 6);
        }
        if (rest[kFormat] != static_cast<std::uint8_t>(row->format)) {
            return wrong_field(at + kFormat, 1);
        }
        const bool fits = row->up_to ? length <= row->length : length == row->length;
        if (length != 0 && !fits) {
            return wrong_field(at + 3, 7);
        }
        if (rest.size() - kHeaderLength < length) {
            return truncated();
        }
        const Key key{row->per_partition ? partition : std::uint8_t{0}, id};
        const ByteView value = rest.subspan(kHeaderLength, length);
        if (value.empty()) {
            host_attributes_.erase(key);
        } else {
            host_attributes_[key] = Bytes(value.begin(), value.end());
        }
        at += kHeaderLength + length;
    }
    return {};
}

}  // namespace tapeloft::vtl::drive
