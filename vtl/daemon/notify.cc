#include "vtl/daemon/notify.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tapeloft::vtl::daemon {

Result<void> notify_service_manager(std::string_view state) {
    const char* const variable = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    if (variable == nullptr || *variable == '\0') {
        return {};
    }
    const std::string_view path(variable);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if ((path.front() != '/' && path.front() != '@') || path.size() >= sizeof address.sun_path) {
        return Error{Errc::invalid_argument,
                     "NOTIFY_SOCKET must be an absolute path or begin with '@', and be shorter "
                     "than " +
                         std::to_string(sizeof address.sun_path) + " bytes"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    auto length = offsetof(sockaddr_un, sun_path) + path.size();
    if (path.front() == '@') {
        address.sun_path[0] = '\0';  // abstract: the name has no final NUL
    } else {
        ++length;
    }
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return error_from_errno("socket", errno);
    }
    // The socket API takes every address family through this type.
    const auto* const generic = reinterpret_cast<const sockaddr*>(
        &address);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
    const auto sent = ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL, generic,
                               static_cast<socklen_t>(length));
    const int failure = errno;
    ::close(descriptor);
    return sent < 0 ? Result<void>(error_from_errno("NOTIFY_SOCKET " + std::string(path), failure))
                    : Result<void>{};
}

}  // namespace tapeloft::vtl::daemon
