// Element addresses (SMC-3, 4.2): which number on the wire is which element of the library.
#pragma once

#include <cstdint>
#include <optional>

#include "media/catalog/catalog.h"

namespace tapeloft::vtl::library {

using ElementAddress = std::uint16_t;

/// Element type codes (SMC-3, table 6); 0 means all of them in READ ELEMENT STATUS.
enum class ElementType : std::uint8_t {
    all = 0,
    medium_transport = 1,
    storage = 2,
    import_export = 3,
    data_transfer = 4,
};

inline constexpr ElementAddress kTransportAddress = 0;
inline constexpr ElementAddress kImportExportAddressFirst = 16;
inline constexpr ElementAddress kDriveAddressFirst = 256;
inline constexpr ElementAddress kStorageAddressFirst = 1000;

inline constexpr std::uint32_t kImportExportElementsMax = 239;
inline constexpr std::uint32_t kDrivesMax = 32;
inline constexpr std::uint32_t kStorageElementsMax = 60'000;

static_assert(kImportExportAddressFirst + kImportExportElementsMax <= kDriveAddressFirst);
static_assert(kDriveAddressFirst + kDrivesMax <= kStorageAddressFirst);
static_assert(kStorageAddressFirst + kStorageElementsMax <= 0x10000);

/// How many elements of each type there are; addresses of a type are consecutive.
struct ElementCounts {
    std::uint32_t storage = 0;
    std::uint32_t import_export = 0;
    std::uint32_t drives = 0;

    friend bool operator==(const ElementCounts&, const ElementCounts&) = default;
};

[[nodiscard]] ElementAddress address_of(media::Element element) noexcept;
[[nodiscard]] ElementType type_of(media::ElementKind kind) noexcept;

/// The element with that address, unless it is the transport's or nobody's.
[[nodiscard]] std::optional<media::Element> element_at(ElementAddress address,
                                                       const ElementCounts& counts) noexcept;

}  // namespace tapeloft::vtl::library
