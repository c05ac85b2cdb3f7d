// The real daemon as a child process, on a state directory of the caller's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cloud/base/result.h"

namespace tapeloft::tests {

class DaemonProcess {
  public:
    /// Starts `program --config config` and returns when it is ready (READY=1 on NOTIFY_SOCKET), or
    /// says why not. log: standard error goes there (appended).
    [[nodiscard]] static Result<DaemonProcess> start(const std::filesystem::path& program,
                                                     const std::filesystem::path& config,
                                                     const std::filesystem::path& log);
    DaemonProcess(DaemonProcess&& other) noexcept;
    DaemonProcess& operator=(DaemonProcess&&) = delete;
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;
    ~DaemonProcess();  // kills what still runs

    /// SIGTERM, then the exit status.
    Result<int> terminate();
    /// SIGKILL, as a crash would.
    void kill();
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool running() const;

  private:
    explicit DaemonProcess(pid_t pid) : pid_(pid) {}
    pid_t pid_ = -1;
};

/// A TCP port of 127.0.0.1 that was free a moment ago.
[[nodiscard]] std::uint16_t free_port();

}  // namespace tapeloft::tests
