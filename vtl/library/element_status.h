// READ ELEMENT STATUS and REQUEST VOLUME ELEMENT ADDRESS: the inventory as element status pages
// (SMC-3, 6.11 and 6.14).
#pragma once

#include <cstdint>
#include <span>

#include "cloud/base/bytes.h"

#include "vtl/library/drive_bay.h"
#include "vtl/library/element_address.h"
#include "vtl/library/element_conditions.h"
#include "vtl/library/inventory.h"
#include "vtl/library/volume_tags.h"

namespace tapeloft::vtl::library {

struct ElementStatusRequest {
    ElementType type = ElementType::all;
    /// VOLTAG: descriptors carry the 36 bytes of the primary volume tag, and as many of the
    /// alternate one in pages where a cartridge has one.
    bool volume_tags = false;
    bool device_identifiers =
        false;  ///< DVCID: descriptors of drives carry vendor, product, serial
    ElementAddress starting_address = 0;
    std::uint16_t number_of_elements = 0;     ///< the most to report
    std::uint32_t allocation_length = 0;      ///< bytes
    const VolumeTagSearch* search = nullptr;  ///< only what it finds; null: all elements
};

/// Everything that a report tells of.
struct ReportedLibrary {
    const Inventory& inventory;
    const ElementConditions& conditions;
    std::span<const DriveIdentity> drives;  ///< index = drive number
};

/// The report on the elements of the type from the starting address on: 8 bytes of header if there
/// are none. Only whole descriptors; no page without one. Header and pages count the descriptors
/// that are there, except where not even one fits: then the header counts all, so that a host can
/// size its buffer.
[[nodiscard]] Bytes element_status_data(const ReportedLibrary& library,
                                        const ElementStatusRequest& request);

}  // namespace tapeloft::vtl::library
