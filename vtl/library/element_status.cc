#include "vtl/library/element_status.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tapeloft::vtl::library {
namespace {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;

namespace header {  // SMC-3, 6.11.2: element status data
inline constexpr BigEndian<std::uint16_t, 0> kFirstElementAddress;
inline constexpr BigEndian<std::uint16_t, 2> kNumberOfElements;
inline constexpr BigEndian<std::uint32_t, 5, 3> kByteCount;
inline constexpr std::size_t kLength = 8;
}  // namespace header

namespace page {  // SMC-3, 6.11.3: element status page
inline constexpr std::size_t kElementType = 0;
inline constexpr std::size_t kFlags = 1;
inline constexpr std::uint8_t kPrimaryVolumeTag = 0x80;
inline constexpr BigEndian<std::uint16_t, 2> kDescriptorLength;
inline constexpr BigEndian<std::uint32_t, 5, 3> kByteCount;
inline constexpr std::size_t kLength = 8;
}  // namespace page

namespace descriptor {  // SMC-3, 6.11.4 to 6.11.8: element descriptors
inline constexpr BigEndian<std::uint16_t, 0> kElementAddress;
inline constexpr std::size_t kFlags = 2;
inline constexpr std::uint8_t kFull = 0x01;
inline constexpr std::uint8_t kImportExport = 0x02;  // IMPEXP: put there by an operator
inline constexpr std::uint8_t kAccess = 0x08;
inline constexpr std::uint8_t kExportEnabled = 0x10;
inline constexpr std::uint8_t kImportEnabled = 0x20;
inline constexpr std::size_t kSourceFlags = 9;
inline constexpr std::uint8_t kSourceValid = 0x80;
inline constexpr BigEndian<std::uint16_t, 10> kSourceElementAddress;
inline constexpr std::size_t kFixedLength = 12;
}  // namespace descriptor

// SMC-3, 6.16: 32 characters, 2 reserved bytes, 2 bytes of volume sequence number (0).
constexpr std::size_t kVolumeTagLength = 36;
constexpr std::size_t kVolumeIdentifierLength = 32;

// The device identifier behind the volume tag, as a designation descriptor (SPC-5, 7.8.6.1).
constexpr std::size_t kIdentifierHeaderLength = 4;
constexpr std::uint8_t kCodeSetAscii = 0x02;
constexpr std::uint8_t kIdentifierT10VendorId = 0x01;
constexpr std::size_t kVendorLength = 8;
constexpr std::size_t kProductLength = 16;
constexpr std::size_t kSerialLength = 10;
constexpr std::size_t kIdentifierLength = kVendorLength + kProductLength + kSerialLength;
static_assert(kIdentifierLength == 34);

struct TypeRow {
    ElementType type;
    ElementAddress first_address;
    std::optional<ElementKind> kind;  // none: the transport, which is one and always empty
    std::uint8_t flags;               // of an empty element
    bool has_device;
};

// In order of addresses, which is the order of the report.
// clang-format off
constexpr auto kTypes = std::to_array<TypeRow>({
    {ElementType::medium_transport, kTransportAddress,         std::nullopt,               0, false},
    {ElementType::import_export,    kImportExportAddressFirst, ElementKind::import_export,
        descriptor::kAccess | descriptor::kExportEnabled | descriptor::kImportEnabled,        false},
    {ElementType::data_transfer,    kDriveAddressFirst,        ElementKind::drive,
        descriptor::kAccess,                                                                  true},
    {ElementType::storage,          kStorageAddressFirst,      ElementKind::storage,
        descriptor::kAccess,                                                                  false},
});
// clang-format on
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(), [](const auto& a, const auto& b) {
    return a.first_address < b.first_address;
}));

/// The elements of one page: count of them, from index first on.
struct Selection {
    const TypeRow* row = nullptr;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

std::size_t descriptor_length(const TypeRow& row, const ElementStatusRequest& request) noexcept {
    return descriptor::kFixedLength + (request.volume_tags ? kVolumeTagLength : 0) +
           kIdentifierHeaderLength +
           (request.device_identifiers && row.has_device ? kIdentifierLength : 0);
}

Selection select(const TypeRow& row, const Inventory& inventory,
                 const ElementStatusRequest& request, std::uint32_t count_max) noexcept {
    if (request.type != ElementType::all && request.type != row.type) {
        return {};
    }
    const auto present = row.kind ? inventory.count(*row.kind) : 1U;
    const auto skipped = request.starting_address <= row.first_address
                             ? 0U
                             : std::uint32_t{request.starting_address} - row.first_address;
    if (skipped >= present) {
        return {};
    }
    return {&row, skipped, std::min(present - skipped, count_max)};
}

std::vector<Selection> select_all(const Inventory& inventory, const ElementStatusRequest& request) {
    std::vector<Selection> selections;
    std::uint32_t left = request.number_of_elements;
    for (const auto& row : kTypes) {
        const auto selection = select(row, inventory, request, left);
        if (selection.count != 0) {
            selections.push_back(selection);
            left -= selection.count;
        }
    }
    return selections;
}

std::size_t size_of(const std::vector<Selection>& selections,
                    const ElementStatusRequest& request) noexcept {
    std::size_t size = 0;
    for (const auto& selection : selections) {
        size += page::kLength + selection.count * descriptor_length(*selection.row, request);
    }
    return size;
}

/// Leaves out the descriptors that do not fit, and the pages that would have none.
std::vector<Selection> fit(const std::vector<Selection>& selections,
                           const ElementStatusRequest& request) {
    std::vector<Selection> fitting;
    std::size_t left = request.allocation_length - header::kLength;
    for (auto selection : selections) {
        const auto length = descriptor_length(*selection.row, request);
        const auto whole = left < page::kLength ? 0 : (left - page::kLength) / length;
        const bool all = whole >= selection.count;
        selection.count = std::min(selection.count, static_cast<std::uint32_t>(whole));
        if (selection.count != 0) {
            fitting.push_back(selection);
            left -= page::kLength + selection.count * length;
        }
        if (!all) {
            break;
        }
    }
    return fitting;
}

void put_padded(MutableByteView field, std::string_view text) noexcept {
    const auto bytes = as_bytes(text.substr(0, field.size()));
    std::fill(std::copy(bytes.begin(), bytes.end(), field.begin()), field.end(), std::uint8_t{' '});
}

void put_cartridge(MutableByteView bytes, const CartridgeRecord& cartridge,
                   const ElementStatusRequest& request) noexcept {
    bytes[descriptor::kFlags] |= descriptor::kFull;
    const bool by_operator =
        cartridge.element.kind == ElementKind::import_export && !cartridge.source;
    if (by_operator) {
        bytes[descriptor::kFlags] |= descriptor::kImportExport;
    }
    if (cartridge.source) {
        bytes[descriptor::kSourceFlags] = descriptor::kSourceValid;
        descriptor::kSourceElementAddress.store(bytes, address_of(*cartridge.source));
    }
    if (request.volume_tags) {
        put_padded(bytes.subspan(descriptor::kFixedLength, kVolumeIdentifierLength),
                   cartridge.barcode);
    }
}

/// bytes: what follows the volume tag.
void put_device_identifier(MutableByteView bytes, const DriveIdentity& drive) noexcept {
    bytes[0] = kCodeSetAscii;
    bytes[1] = kIdentifierT10VendorId;
    bytes[3] = kIdentifierLength;
    const auto identifier = bytes.subspan(kIdentifierHeaderLength, kIdentifierLength);
    put_padded(identifier.first(kVendorLength), drive.vendor);
    put_padded(identifier.subspan(kVendorLength, kProductLength), drive.product);
    put_padded(identifier.last(kSerialLength), drive.serial);
}

/// bytes: one descriptor, zeroed.
void put_descriptor(MutableByteView bytes, const TypeRow& row, std::uint32_t index,
                    const Inventory& inventory, const ElementStatusRequest& request) noexcept {
    descriptor::kElementAddress.store(bytes,
                                      static_cast<ElementAddress>(row.first_address + index));
    bytes[descriptor::kFlags] = row.flags;
    if (!row.kind) {
        return;
    }
    const auto* const cartridge = inventory.at({*row.kind, index});
    if (cartridge != nullptr) {
        put_cartridge(bytes, *cartridge, request);
    }
}

void put_page(MutableByteView bytes, const Selection& selection, const Inventory& inventory,
              std::span<const DriveIdentity> drives, const ElementStatusRequest& request) {
    const auto& row = *selection.row;
    const auto length = descriptor_length(row, request);
    bytes[page::kElementType] = static_cast<std::uint8_t>(row.type);
    bytes[page::kFlags] = request.volume_tags ? page::kPrimaryVolumeTag : std::uint8_t{0};
    page::kDescriptorLength.store(bytes, static_cast<std::uint16_t>(length));
    page::kByteCount.store(bytes, static_cast<std::uint32_t>(selection.count * length));
    for (std::uint32_t i = 0; i < selection.count; ++i) {
        const auto one = bytes.subspan(page::kLength + i * length, length);
        put_descriptor(one, row, selection.first + i, inventory, request);
        if (request.device_identifiers && row.has_device) {
            put_device_identifier(one.last(kIdentifierHeaderLength + kIdentifierLength),
                                  drives[selection.first + i]);
        }
    }
}

}  // namespace

Bytes element_status_data(const Inventory& inventory, std::span<const DriveIdentity> drives,
                          const ElementStatusRequest& request) {
    const auto selected = select_all(inventory, request);
    std::vector<Selection> sent;
    if (request.allocation_length > header::kLength) {
        sent = fit(selected, request);
    }
    const auto& counted = sent.empty() ? selected : sent;

    Bytes data(header::kLength + size_of(sent, request));
    std::uint32_t number = 0;
    for (const auto& selection : counted) {
        number += selection.count;
    }
    if (number != 0) {
        const auto& first = counted.front();
        header::kFirstElementAddress.store(
            data, static_cast<ElementAddress>(first.row->first_address + first.first));
        header::kNumberOfElements.store(data, static_cast<std::uint16_t>(number));
        header::kByteCount.store(data, static_cast<std::uint32_t>(size_of(counted, request)));
    }
    std::size_t offset = header::kLength;
    for (const auto& selection : sent) {
        const auto size =
            page::kLength + selection.count * descriptor_length(*selection.row, request);
        put_page(MutableByteView(data).subspan(offset, size), selection, inventory, drives,
                 request);
        offset += size;
    }
    data.resize(std::min<std::size_t>(data.size(), request.allocation_length));
    return data;
}

}  // namespace tapeloft::vtl::library
