// REPORT DENSITY SUPPORT (SSC-5): densities and medium types, of the drive or of the medium in it.
#include <algorithm>

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;

namespace layout {
constexpr std::uint8_t kMedia = 0x01;       // byte 1 of the CDB
constexpr std::uint8_t kMediumType = 0x02;  // byte 1 of the CDB
using AllocationLength = BigEndian<std::uint16_t, 7>;

namespace density {  // density support data block descriptor
using PrimaryDensityCode = BigEndian<std::uint8_t, 0>;
using SecondaryDensityCode = BigEndian<std::uint8_t, 1>;
using BitsPerMm = BigEndian<std::uint32_t, 5, 3>;
using MediaWidth = BigEndian<std::uint16_t, 8>;
using Tracks = BigEndian<std::uint16_t, 10>;
using Capacity = BigEndian<std::uint32_t, 12>;  // 10^6 bytes
constexpr std::size_t kFlags = 2;
constexpr std::size_t kAssigningOrganization = 16;
constexpr std::size_t kDensityName = 24;
constexpr std::size_t kDescription = 32;
constexpr std::size_t kLength = 52;
constexpr std::uint8_t kWriteOk = 0x80;
constexpr std::uint8_t kDefault = 0x20;
}  // namespace density

namespace medium_type {  // medium type descriptor
using MediumType = BigEndian<std::uint8_t, 0>;
using DescriptorLength = BigEndian<std::uint16_t, 2>;  // of what follows it
using NumberOfDensityCodes = BigEndian<std::uint8_t, 4>;
using PrimaryDensityCode = BigEndian<std::uint8_t, 5>;  // the first of nine
using MediaWidth = BigEndian<std::uint16_t, 14>;
using MediumLength = BigEndian<std::uint16_t, 16>;  // metres
constexpr std::size_t kAssigningOrganization = 20;
constexpr std::size_t kName = 28;
constexpr std::size_t kDescription = 36;
constexpr std::size_t kLength = 56;
}  // namespace medium_type
}  // namespace layout

void put_text(MutableByteView field, std::string_view text) {
    std::fill(field.begin(), field.end(), static_cast<std::uint8_t>(' '));
    std::copy_n(text.begin(), std::min(text.size(), field.size()), field.begin());
}

void append_density(Bytes& data, const scsi::MediumGeneration& row, bool write_ok,
                    bool is_default) {
    using namespace layout::density;
    Bytes descriptor(kLength);
    const MutableByteView bytes(descriptor);
    PrimaryDensityCode::store(bytes, row.density_code);
    SecondaryDensityCode::store(bytes, row.density_code);
    descriptor[kFlags] =
        static_cast<std::uint8_t>((write_ok ? kWriteOk : 0U) | (is_default ? kDefault : 0U));
    BitsPerMm::store(bytes, row.bits_per_mm);
    MediaWidth::store(bytes, kHalfInch);
    Tracks::store(bytes, row.tracks);
    Capacity::store(bytes, row.capacity_mb);
    put_text(bytes.subspan(kAssigningOrganization, 8), kOrganization);
    put_text(bytes.subspan(kDensityName, 8), row.density_name);
    put_text(bytes.subspan(kDescription, 20), row.description);
    data.insert(data.end(), descriptor.begin(), descriptor.end());
}

void append_medium_type(Bytes& data, const scsi::MediumGeneration& row, bool worm) {
    using namespace layout::medium_type;
    Bytes descriptor(kLength);
    const MutableByteView bytes(descriptor);
    MediumType::store(bytes, worm ? row.worm_medium_type : row.medium_type);
    DescriptorLength::store(bytes, kLength - DescriptorLength::offset - DescriptorLength::width);
    NumberOfDensityCodes::store(bytes, 1);
    PrimaryDensityCode::store(bytes, row.density_code);
    MediaWidth::store(bytes, kHalfInch);
    MediumLength::store(bytes, row.length_m);
    const std::string name = "LTO-" + std::string(row.suffix == "M8" ? "M8" : row.suffix.substr(1));
    put_text(bytes.subspan(kAssigningOrganization, 8), kOrganization);
    put_text(bytes.subspan(kName, 8), name);
    put_text(bytes.subspan(kDescription, 20), name + (worm ? " WORM" : " data"));
    data.insert(data.end(), descriptor.begin(), descriptor.end());
}

}  // namespace

Completion TapeDrive::report_density_support(const Task& task) {
    const bool of_the_medium = (task.cdb[1] & layout::kMedia) != 0;
    const bool medium_types = (task.cdb[1] & layout::kMediumType) != 0;
    if (of_the_medium && !loaded()) {
        return not_ready();
    }
    Bytes data(4);
    for (const scsi::MediumGeneration& row : scsi::medium_generations()) {
        const scsi::Access access = scsi::access(model_, row);
        const bool listed = of_the_medium ? &row == generation_ : access != scsi::Access::none;
        if (!listed) {
            continue;
        }
        if (!medium_types) {
            const bool is_default = &row == scsi::native_generation(model_);
            append_density(data, row, access == scsi::Access::read_write, is_default);
            continue;
        }
        const bool loaded_worm = of_the_medium && medium_is_worm();
        if (!loaded_worm) {
            append_medium_type(data, row, false);
        }
        if (row.worm_medium_type != 0 && (loaded_worm || !of_the_medium)) {
            append_medium_type(data, row, true);
        }
    }
    store_big_endian<2>(data, data.size() - 2);
    return scsi::with_allocation_length(data, layout::AllocationLength::load(task.cdb));
}

}  // namespace tapeloft::vtl::drive
