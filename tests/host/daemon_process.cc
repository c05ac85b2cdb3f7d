#include "tests/host/daemon_process.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tapeloft::tests {
namespace {

constexpr int kReadyTimeoutMs = 60'000;

Result<int> notify_socket(const std::filesystem::path& path) {
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ::unlink(path.c_str());
    if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address),
                                 sizeof address) != 0) {  // NOLINT: sockets API
        return error_from_errno("bind " + path.string(), errno);
    }
    return descriptor;
}

/// Waits for READY=1, looking in between whether the child still lives.
Result<void> wait_ready(int descriptor, pid_t pid) {
    for (int waited_ms = 0; waited_ms < kReadyTimeoutMs; waited_ms += 50) {
        pollfd entry{descriptor, POLLIN, 0};
        if (::poll(&entry, 1, 50) > 0) {
            std::array<char, 512> text{};
            const auto size = ::recv(descriptor, text.data(), text.size() - 1, 0);
            if (size > 0 && std::strstr(text.data(), "READY=1") != nullptr) {
                return {};
            }
        }
        int status = 0;
        if (::waitpid(pid, &status, WNOHANG) == pid) {
            return Error{Errc::io, "the daemon ended with status " +
                                       std::to_string(WEXITSTATUS(status)) +
                                       " instead of becoming ready"};
        }
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return Error{Errc::io, "the daemon did not become ready in time"};
}

[[noreturn]] void become_daemon(const std::filesystem::path& program,
                                const std::filesystem::path& config,
                                const std::filesystem::path& log,
                                const std::filesystem::path& socket) {
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::setenv("NOTIFY_SOCKET", socket.c_str(), 1);
    ::execl(program.c_str(), program.c_str(), "--config", config.c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
}

}  // namespace

Result<DaemonProcess> DaemonProcess::start(const std::filesystem::path& program,
                                           const std::filesystem::path& config,
                                           const std::filesystem::path& log) {
    const auto socket_path = config.parent_path() / "notify.sock";
    TL_TRY(const int descriptor, notify_socket(socket_path));
    const pid_t pid = ::fork();
    if (pid == 0) {
        become_daemon(program, config, log, socket_path);
    }
    if (pid < 0) {
        ::close(descriptor);
        return error_from_errno("fork", errno);
    }
    auto ready = wait_ready(descriptor, pid);
    ::close(descriptor);
    ::unlink(socket_path.c_str());
    if (!ready) {
        return std::move(ready).error();
    }
    return DaemonProcess(pid);
}

DaemonProcess::DaemonProcess(DaemonProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)) {}

DaemonProcess::~DaemonProcess() {
    kill();
}

Result<int> DaemonProcess::terminate() {
    const pid_t pid = std::exchange(pid_, -1);
    int status = 0;
    ::kill(pid, SIGTERM);
    if (::waitpid(pid, &status, 0) != pid) {
        return error_from_errno("waitpid", errno);
    }
    if (!WIFEXITED(status)) {
        return Error{Errc::io,
                     "the daemon was ended by signal " + std::to_string(WTERMSIG(status))};
    }
    return WEXITSTATUS(status);
}

void DaemonProcess::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

bool DaemonProcess::running() const {
    return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0;
}

std::uint16_t free_port() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);  // NOLINT: sockets API
    TL_ASSERT(::bind(descriptor, generic, length) == 0);
    TL_ASSERT(::getsockname(descriptor, generic, &length) == 0);
    ::close(descriptor);
    return ntohs(address.sin_port);
}

}  // namespace tapeloft::tests
