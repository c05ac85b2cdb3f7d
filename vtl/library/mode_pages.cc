#include "vtl/library/mode_pages.h"

#include <array>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::library {
namespace {

// Offsets into the mode parameters, that is behind the two bytes of page code and page length.
namespace element_address_assignment {  // SMC-3, 7.3.3
inline constexpr std::uint8_t kPageCode = 0x1D;
inline constexpr std::size_t kLength = 18;

struct Pair {  // first element address, then number of elements, 2 bytes each
    std::size_t offset;
    ElementAddress first;
    std::uint32_t ElementCounts::*count;  // null: the transport, of which there is one
};
constexpr auto kPairs = std::to_array<Pair>({
    {0, kTransportAddress, nullptr},
    {4, kStorageAddressFirst, &ElementCounts::storage},
    {8, kImportExportAddressFirst, &ElementCounts::import_export},
    {12, kDriveAddressFirst, &ElementCounts::drives},
});
}  // namespace element_address_assignment

namespace transport_geometry {  // SMC-3, 7.3.4: one transport, which cannot rotate media
inline constexpr std::uint8_t kPageCode = 0x1E;
inline constexpr std::size_t kLength = 2;
}  // namespace transport_geometry

namespace device_capabilities {  // SMC-3, 7.3.2
inline constexpr std::uint8_t kPageCode = 0x1F;
inline constexpr std::size_t kLength = 18;
inline constexpr std::size_t kStores = 0;  // what can hold media
inline constexpr std::size_t kFlags = 1;
inline constexpr std::uint8_t kSmc2Capabilities = 0x01;  // S2C: the flags beside it hold
inline constexpr std::uint8_t kVolumeTagReaderPresent = 0x02;
inline constexpr std::size_t kMoveFromStorage = 3;
inline constexpr std::size_t kMoveFromImportExport = 4;
inline constexpr std::size_t kMoveFromDataTransfer = 5;
inline constexpr std::size_t kExchangeStorage = 11;
inline constexpr std::size_t kExchangeImportExport = 12;
inline constexpr std::size_t kExchangeDataTransfer = 13;
// A bit each: data transfer 08h, import/export 04h, storage 02h, medium transport 01h.
inline constexpr std::uint8_t kAllButTransport = 0x0E;
}  // namespace device_capabilities

namespace extended_device_capabilities {  // SMC-3, 7.3.4
inline constexpr std::uint8_t kSubpageCode = 0x41;
inline constexpr std::size_t kLength = 16;
inline constexpr std::size_t kImportExport = 0;
inline constexpr std::uint8_t kStateDetected = 0x01;  // IEST: sees what is in mail slots
inline constexpr std::size_t kMagazines = 1;
inline constexpr std::uint8_t kImportExportMagazine = 0x02;  // IEMGZ: they open as one
inline constexpr std::size_t kExchangeAndLocks = 2;
inline constexpr std::uint8_t kTrueExchange = 0x04;       // TREXC: may go back to the source
inline constexpr std::uint8_t kLocksImportExport = 0x02;  // LCKIE: by PREVENT ALLOW
}  // namespace extended_device_capabilities

// SPC-5, 7.5: pages that every device type has.
constexpr std::uint8_t kDisconnectReconnect = 0x02;
constexpr std::size_t kDisconnectReconnectLength = 14;
constexpr std::uint8_t kControl = 0x0A;
constexpr std::size_t kControlLength = 10;
constexpr std::uint8_t kInformationalExceptions = 0x1C;
constexpr std::size_t kInformationalExceptionsLength = 10;
constexpr std::uint8_t kDisableExceptions = 0x08;  // DEXCPT: TapeAlert by LOG SENSE alone

Bytes element_address_parameters(const ElementCounts& counts) {
    namespace layout = element_address_assignment;
    Bytes parameters(layout::kLength);
    for (const auto& pair : layout::kPairs) {
        const auto number = pair.count == nullptr ? 1U : counts.*pair.count;
        const auto at = MutableByteView(parameters).subspan(pair.offset);
        store_big_endian<2>(at, number == 0 ? 0U : pair.first);
        store_big_endian<2>(at.subspan(2), number);
    }
    return parameters;
}

Bytes device_capabilities_parameters() {
    namespace layout = device_capabilities;
    Bytes parameters(layout::kLength);
    for (const auto offset :
         {layout::kStores, layout::kMoveFromStorage, layout::kMoveFromImportExport,
          layout::kMoveFromDataTransfer, layout::kExchangeStorage, layout::kExchangeImportExport,
          layout::kExchangeDataTransfer}) {
        parameters[offset] = layout::kAllButTransport;
    }
    parameters[layout::kFlags] = layout::kSmc2Capabilities | layout::kVolumeTagReaderPresent;
    return parameters;
}

Bytes extended_device_capabilities_parameters() {
    namespace layout = extended_device_capabilities;
    Bytes parameters(layout::kLength);
    parameters[layout::kImportExport] = layout::kStateDetected;
    parameters[layout::kMagazines] = layout::kImportExportMagazine;
    parameters[layout::kExchangeAndLocks] = layout::kTrueExchange | layout::kLocksImportExport;
    return parameters;
}

Bytes informational_exceptions_parameters() {
    Bytes parameters(kInformationalExceptionsLength);
    parameters[0] = kDisableExceptions;
    return parameters;
}

}  // namespace

std::vector<scsi::ModePage> changer_mode_pages(const ElementCounts& counts) {
    return {
        {kDisconnectReconnect, 0, Bytes(kDisconnectReconnectLength), {}},
        {kControl, 0, Bytes(kControlLength), {}},
        {kInformationalExceptions, 0, informational_exceptions_parameters(), {}},
        {element_address_assignment::kPageCode, 0, element_address_parameters(counts), {}},
        {transport_geometry::kPageCode, 0, Bytes(transport_geometry::kLength), {}},
        {device_capabilities::kPageCode, 0, device_capabilities_parameters(), {}},
        {device_capabilities::kPageCode,
         extended_device_capabilities::kSubpageCode,
         extended_device_capabilities_parameters(),
         {}},
    };
}

}  // namespace tapeloft::vtl::library
