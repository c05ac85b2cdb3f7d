// What may trouble the storage behind the tapes, as far as a host must hear of it by TapeAlert.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace tapeloft::vtl::drive {

enum class StorageCondition : std::uint8_t {
    spool_nearly_full,
    store_unreachable,  ///< what is not in the spool can be neither read nor moved out
    damaged_object,     ///< of the cartridge with this medium serial number
};

/// Does the condition hold? medium_serial: of the cartridge in the drive, or empty. Called on a
/// drive's strand whenever a host reads TapeAlert flags: answers from memory, on any thread, and
/// writes no event (whoever finds a condition does).
using StorageConditions = std::function<bool(StorageCondition, std::string_view medium_serial)>;

}  // namespace tapeloft::vtl::drive
