// The values that logical units and cartridges remember, in the catalog.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cloud/base/awaitable.h"
#include "cloud/base/value_store.h"

#include "media/catalog/catalog.h"

namespace tapeloft::media {

/// The value of a cartridge that is a copy: which medium its records were first written on. What a
/// drive binds to the medium, as it does encrypted records, stays bound to that one.
inline constexpr std::string_view kOriginName = "origin";
[[nodiscard]] Bytes origin_value(std::string_view medium_serial);
/// The medium serial of the first original; empty: the cartridge is no copy.
[[nodiscard]] std::string origin_of(const ValueStore& memory);

/// The owner of the values of a logical unit: its serial number.
[[nodiscard]] std::string value_owner_of_unit(const std::string& serial);

/// Opens the values of an owner, which nobody else has open; the catalog outlives them. `disk`:
/// where put() may block. Blocks. Errors: io, corrupt.
[[nodiscard]] Result<std::shared_ptr<ValueStore>> open_value_store(Catalog& catalog, Executor disk,
                                                                   std::string owner);

}  // namespace tapeloft::media
