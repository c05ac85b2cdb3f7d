// The programs that end-to-end tests run: those of this build, or, where TAPELOFT_PROGRAMS names a
// folder, those in it, which have no sanitizers.
#pragma once

#include <filesystem>

namespace tapeloft::tests {

[[nodiscard]] std::filesystem::path daemon_program();
[[nodiscard]] std::filesystem::path cli_program();

/// Whether the programs are built with a sanitizer, so that their time and memory say nothing.
[[nodiscard]] bool programs_are_sanitized();

}  // namespace tapeloft::tests
