// Variables of the environment, and what tests put in their place.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tapeloft {

/// The value of a variable of the environment; unset where there is none.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

}  // namespace tapeloft
