#include "cloud/base/environment.h"

#include <cstdlib>

namespace tapeloft {

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const auto* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
}

}  // namespace tapeloft
