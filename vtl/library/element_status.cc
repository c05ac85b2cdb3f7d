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
inline constexpr std::size_t kSendActionCode = 4;  // of the search; 0 in READ ELEMENT STATUS
inline constexpr BigEndian<std::uint32_t, 5, 3> kByteCount;
inline constexpr std::size_t kLength = 8;
}  // namespace header

namespace page {  // SMC-3, 6.11.3: element status page
inline constexpr std::size_t kElementType = 0;
inline constexpr std::size_t kFlags = 1;
inline constexpr std::uint8_t kPrimaryVolumeTag = 0x80;    // PVOLTAG
inline constexpr std::uint8_t kAlternateVolumeTag = 0x40;  // AVOLTAG
inline constexpr BigEndian<std::uint16_t, 2> kDescriptorLength;
inline constexpr BigEndian<std::uint32_t, 5, 3> kByteCount;
inline constexpr std::size_t kLength = 8;
}  // namespace page

namespace descriptor {  // SMC-3, 6.11.4 to 6.11.8: element descriptors
inline constexpr BigEndian<std::uint16_t, 0> kElementAddress;
inline constexpr std::size_t kFlags = 2;
inline constexpr std::uint8_t kFull = 0x01;
inline constexpr std::uint8_t kImportExport = 0x02;  // IMPEXP: put there by an operator
inline constexpr std::uint8_t kException = 0x04;
inline constexpr std::uint8_t kAccess = 0x08;
inline constexpr std::uint8_t kExportEnabled = 0x10;
inline constexpr std::uint8_t kImportEnabled = 0x20;
inline constexpr std::uint8_t kOperatorInterventionRequired = 0x80;  // OIR: close the mail slots
inline constexpr BigEndian<std::uint16_t, 4> kAdditionalSense;
inline constexpr std::size_t kSourceFlags = 9;
inline constexpr std::uint8_t kSourceValid = 0x80;
// MEDIUM TYPE, in the same byte; 0: unspecified, also for an empty element.
inline constexpr std::uint8_t kDataMedium = 0x01;
inline constexpr std::uint8_t kCleaningMedium = 0x02;
inline constexpr std::uint8_t kWormMedium = 0x04;
inline constexpr BigEndian<std::uint16_t, 10> kSourceElementAddress;
inline constexpr std::size_t kFixedLength = 12;
}  // namespace descriptor

namespace volume_tag {  // SMC-3, 6.16
inline constexpr std::size_t kIdentifierLength = 32;
inline constexpr BigEndian<std::uint16_t, 34> kSequenceNumber;
inline constexpr std::size_t kLength = 36;
}  // namespace volume_tag

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

/// The elements of one page, by their index; ascending.
struct Selection {
    const TypeRow* row = nullptr;
    std::vector<std::uint32_t> indices;
    bool alternate_tags = false;  // a descriptor has one, so all have room for it
};

std::size_t descriptor_length(const Selection& selection,
                              const ElementStatusRequest& request) noexcept {
    return descriptor::kFixedLength + (request.volume_tags ? volume_tag::kLength : 0) +
           (selection.alternate_tags ? volume_tag::kLength : 0) + kIdentifierHeaderLength +
           (request.device_identifiers && selection.row->has_device ? kIdentifierLength : 0);
}

const CartridgeRecord* cartridge_in(const ReportedLibrary& library, const TypeRow& row,
                                    std::uint32_t index) {
    return row.kind ? library.inventory.at({*row.kind, index}) : nullptr;
}

const VolumeTag* alternate_tag(const ReportedLibrary& library, const CartridgeRecord* cartridge) {
    const auto& tags = library.conditions.alternate_tags;
    if (cartridge == nullptr || tags.empty()) {
        return nullptr;
    }
    const auto found = tags.find(cartridge->barcode);
    return found == tags.end() ? nullptr : &found->second;
}

Selection select(const TypeRow& row, const ReportedLibrary& library,
                 const ElementStatusRequest& request, std::size_t count_max) {
    Selection selection{&row, {}, false};
    const auto* const search = request.search;
    const auto is_wanted = [&row](ElementType type) {
        return type == ElementType::all || type == row.type;
    };
    if (!is_wanted(request.type) || (search != nullptr && !is_wanted(search->type))) {
        return selection;
    }
    const auto start = std::max<std::uint32_t>(request.starting_address,
                                               search == nullptr ? 0U : search->starting_address);
    const auto present = row.kind ? library.inventory.count(*row.kind) : 1U;
    const auto skipped = start <= row.first_address ? 0U : start - row.first_address;
    const bool looks_at_tags = search != nullptr || !library.conditions.alternate_tags.empty();
    for (auto i = skipped; i < present && selection.indices.size() < count_max; ++i) {
        if (!looks_at_tags) {
            selection.indices.push_back(i);
            continue;
        }
        const auto* const cartridge = cartridge_in(library, row, i);
        const auto* const alternate = alternate_tag(library, cartridge);
        const bool found = search == nullptr ||
                           (cartridge != nullptr && search->finds(cartridge->barcode, alternate));
        if (found) {
            selection.indices.push_back(i);
            selection.alternate_tags |= request.volume_tags && alternate != nullptr;
        }
    }
    return selection;
}

std::vector<Selection> select_all(const ReportedLibrary& library,
                                  const ElementStatusRequest& request) {
    std::vector<Selection> selections;
    std::size_t left = request.number_of_elements;
    for (const auto& row : kTypes) {
        auto selection = select(row, library, request, left);
        if (!selection.indices.empty()) {
            left -= selection.indices.size();
            selections.push_back(std::move(selection));
        }
    }
    return selections;
}

std::size_t size_of(const std::vector<Selection>& selections,
                    const ElementStatusRequest& request) noexcept {
    std::size_t size = 0;
    for (const auto& selection : selections) {
        size += page::kLength + selection.indices.size() * descriptor_length(selection, request);
    }
    return size;
}

/// Leaves out the descriptors that do not fit, and the pages that would have none.
std::vector<Selection> fit(const std::vector<Selection>& selections,
                           const ElementStatusRequest& request) {
    std::vector<Selection> fitting;
    std::size_t left = request.allocation_length - header::kLength;
    for (const auto& selection : selections) {
        const auto length = descriptor_length(selection, request);
        const auto whole = left < page::kLength ? 0 : (left - page::kLength) / length;
        const auto count = std::min(whole, selection.indices.size());
        if (count != 0) {
            fitting.push_back(selection);
            fitting.back().indices.resize(count);
            left -= page::kLength + count * length;
        }
        if (count < selection.indices.size()) {
            break;
        }
    }
    return fitting;
}

void put_padded(MutableByteView field, std::string_view text) noexcept {
    const auto bytes = as_bytes(text.substr(0, field.size()));
    std::fill(std::copy(bytes.begin(), bytes.end(), field.begin()), field.end(), std::uint8_t{' '});
}

std::uint8_t medium_type(const CartridgeRecord& cartridge) noexcept {
    if (cartridge.cleaning) {
        return descriptor::kCleaningMedium;
    }
    return cartridge.worm ? descriptor::kWormMedium : descriptor::kDataMedium;
}

void put_cartridge(MutableByteView bytes, const CartridgeRecord& cartridge,
                   const ElementStatusRequest& request) noexcept {
    bytes[descriptor::kFlags] |= descriptor::kFull;
    const bool by_operator =
        cartridge.element.kind == ElementKind::import_export && !cartridge.source;
    if (by_operator) {
        bytes[descriptor::kFlags] |= descriptor::kImportExport;
    }
    bytes[descriptor::kSourceFlags] = medium_type(cartridge);
    if (cartridge.source) {
        bytes[descriptor::kSourceFlags] |= descriptor::kSourceValid;
        descriptor::kSourceElementAddress.store(bytes, address_of(*cartridge.source));
    }
    if (request.volume_tags) {
        put_padded(bytes.subspan(descriptor::kFixedLength, volume_tag::kIdentifierLength),
                   cartridge.barcode);
    }
}

/// bytes: what follows the primary volume tag.
void put_alternate_tag(MutableByteView bytes, const VolumeTag& tag) noexcept {
    put_padded(bytes.first(volume_tag::kIdentifierLength), tag.text);
    volume_tag::kSequenceNumber.store(bytes, tag.sequence_number);
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
                    const ReportedLibrary& library, const ElementStatusRequest& request) noexcept {
    const auto address = static_cast<ElementAddress>(row.first_address + index);
    descriptor::kElementAddress.store(bytes, address);
    bytes[descriptor::kFlags] = row.flags;
    if (!row.kind) {
        return;
    }
    if (row.type == ElementType::import_export && library.conditions.mail_slots_open) {
        bytes[descriptor::kFlags] = static_cast<std::uint8_t>(
            (row.flags & ~descriptor::kAccess) | descriptor::kOperatorInterventionRequired);
    }
    const auto exception = library.conditions.exceptions.find(address);
    if (exception != library.conditions.exceptions.end()) {
        bytes[descriptor::kFlags] |= descriptor::kException;
        descriptor::kAdditionalSense.store(bytes, exception->second.code);
    }
    if (const auto* const cartridge = cartridge_in(library, row, index)) {
        put_cartridge(bytes, *cartridge, request);
    }
}

void put_page(MutableByteView bytes, const Selection& selection, const ReportedLibrary& library,
              const ElementStatusRequest& request) {
    const auto& row = *selection.row;
    const auto length = descriptor_length(selection, request);
    bytes[page::kElementType] = static_cast<std::uint8_t>(row.type);
    bytes[page::kFlags] =
        static_cast<std::uint8_t>((request.volume_tags ? page::kPrimaryVolumeTag : 0U) |
                                  (selection.alternate_tags ? page::kAlternateVolumeTag : 0U));
    page::kDescriptorLength.store(bytes, static_cast<std::uint16_t>(length));
    page::kByteCount.store(bytes, static_cast<std::uint32_t>(selection.indices.size() * length));
    std::size_t offset = page::kLength;
    for (const auto index : selection.indices) {
        const auto one = bytes.subspan(offset, length);
        put_descriptor(one, row, index, library, request);
        const auto* const alternate = alternate_tag(library, cartridge_in(library, row, index));
        if (selection.alternate_tags && alternate != nullptr) {
            put_alternate_tag(one.subspan(descriptor::kFixedLength + volume_tag::kLength),
                              *alternate);
        }
        if (request.device_identifiers && row.has_device) {
            put_device_identifier(one.last(kIdentifierHeaderLength + kIdentifierLength),
                                  library.drives[index]);
        }
        offset += length;
    }
}

void put_header(MutableByteView bytes, const std::vector<Selection>& counted,
                const ElementStatusRequest& request) {
    bytes[header::kSendActionCode] =
        request.search == nullptr ? std::uint8_t{0} : request.search->send_action_code;
    if (counted.empty()) {
        return;
    }
    std::size_t number = 0;
    for (const auto& selection : counted) {
        number += selection.indices.size();
    }
    const auto& first = counted.front();
    header::kFirstElementAddress.store(
        bytes, static_cast<ElementAddress>(first.row->first_address + first.indices.front()));
    header::kNumberOfElements.store(bytes, static_cast<std::uint16_t>(number));
    header::kByteCount.store(bytes, static_cast<std::uint32_t>(size_of(counted, request)));
}

}  // namespace

Bytes element_status_data(const ReportedLibrary& library, const ElementStatusRequest& request) {
    const auto selected = select_all(library, request);
    std::vector<Selection> sent;
    if (request.allocation_length > header::kLength) {
        sent = fit(selected, request);
    }
    Bytes data(header::kLength + size_of(sent, request));
    put_header(data, sent.empty() ? selected : sent, request);
    std::size_t offset = header::kLength;
    for (const auto& selection : sent) {
        const auto size =
            page::kLength + selection.indices.size() * descriptor_length(selection, request);
        put_page(MutableByteView(data).subspan(offset, size), selection, library, request);
        offset += size;
    }
    data.resize(std::min<std::size_t>(data.size(), request.allocation_length));
    return data;
}

}  // namespace tapeloft::vtl::library
