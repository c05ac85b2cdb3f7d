// READ ELEMENT STATUS: the inventory as element status pages (SMC-3, 6.11).
#pragma once

#include <cstdint>
#include <span>

#include "cloud/base/bytes.h"

#include "vtl/library/drive_bay.h"
#include "vtl/library/element_address.h"
#include "vtl/library/inventory.h"

namespace tapeloft::vtl::library {

struct ElementStatusRequest {
    ElementType type = ElementType::all;
    bool volume_tags = false;  ///< VOLTAG: descriptors carry the 36-byte primary volume tag
    bool device_identifiers =
        false;  ///< DVCID: descriptors of drives carry vendor, product, serial
    ElementAddress starting_address = 0;
    std::uint16_t number_of_elements = 0;  ///< the most to report
    std::uint32_t allocation_length = 0;   ///< bytes
};

/// The report on the elements of the type from the starting address on: 8 bytes of header if there
/// are none. Only whole descriptors; no page without one. Header and pages count the descriptors
/// that are there, except where not even one fits: then the header counts all, so that a host can
/// size its buffer. drives: index = drive number.
[[nodiscard]] Bytes element_status_data(const Inventory& inventory,
                                        std::span<const DriveIdentity> drives,
                                        const ElementStatusRequest& request);

}  // namespace tapeloft::vtl::library
