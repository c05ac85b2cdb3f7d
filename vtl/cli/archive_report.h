// Answers about the store as text for people.
#pragma once

#include <string>

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

// As those of report.h.
[[nodiscard]] std::string gc_report(const Json& answer);
[[nodiscard]] std::string check_report(const Json& answer);
[[nodiscard]] std::string verify_report(const Json& answer);

/// Of the member "archive" of a library in the status; null gives a line too.
[[nodiscard]] std::string archive_lines(const Json& archive);
/// A line for each cartridge of it that holds something; an empty one before them.
[[nodiscard]] std::string storage_table(const Json& archive);
/// Of the member "storage" of a cartridge.
[[nodiscard]] std::string storage_lines(const Json& storage);

}  // namespace tapeloft::vtl::cli
