// Members of the daemon's answers as text for people. Null where it may be: "-"; a member that is
// missing or of another type throws Json::exception.
#pragma once

#include <cstdint>
#include <string>

#include "vtl/cli/admin_client.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] inline std::string number(const Json& value) {
    return std::to_string(value.get<std::uint64_t>());
}

[[nodiscard]] inline std::string number(const Json& object, const char* name) {
    const auto& value = object.at(name);
    return value.is_null() ? "-" : number(value);
}

[[nodiscard]] inline std::string bytes_of(const Json& value) {
    return bytes_text(value.get<std::uint64_t>());
}

}  // namespace tapeloft::vtl::cli
