// Serial numbers: drawn once, kept in the catalog for ever.
#pragma once

#include <set>
#include <string>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"

namespace tapeloft::vtl::daemon {

inline constexpr std::size_t kSerialLength = 10;

/// The serial number of a logical unit ("changer", "drive0") of a library: kSerialLength characters
/// [A-Z0-9], the first a letter. The first call for it draws one that is not in `taken` (36^10 of
/// them make collisions between installations unlikely); every later one, also after a restart or
/// an upgrade, returns the same. Adds it to `taken`. Blocks. Errors: as Catalog; corrupt (the
/// catalog has something else there, or one that is taken).
[[nodiscard]] Result<std::string> serial_number(media::Catalog& catalog, const std::string& library,
                                                const std::string& unit,
                                                std::set<std::string>& taken);

}  // namespace tapeloft::vtl::daemon
