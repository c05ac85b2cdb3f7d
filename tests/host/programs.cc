#include "tests/host/programs.h"

#include <cstdlib>

namespace tapeloft::tests {
namespace {

const char* folder_named() {
    return std::getenv("TAPELOFT_PROGRAMS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
}

std::filesystem::path folder() {
    return folder_named() == nullptr ? TAPELOFT_PROGRAMS_PATH : folder_named();
}

}  // namespace

std::filesystem::path daemon_program() {
    return folder() / "tapeloftd";
}

std::filesystem::path cli_program() {
    return folder() / "tapeloft";
}

bool programs_are_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return folder_named() == nullptr;
#else
    return false;
#endif
}

}  // namespace tapeloft::tests
