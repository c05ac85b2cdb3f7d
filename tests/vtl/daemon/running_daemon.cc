#include "tests/vtl/daemon/running_daemon.h"

#include <array>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace tapeloft::vtl::daemon {

Result<void> RunningDaemon::try_start(const std::string& libraries) {
    TL_TRY(auto config, parse_config(libraries, "test.toml", state()));
    config.listen.front().port(0);
    TL_TRY(daemon_, Daemon::create(std::move(config), events_));
    return daemon_->start();
}

void RunningDaemon::start(const std::string& libraries) {
    const auto started = try_start(libraries);
    ASSERT_TRUE(started) << started.error().message;
}

std::string RunningDaemon::exchange(const std::string& bytes) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{20, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string answer;
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        // The daemon may close before it has read all: what it said counts, not what it took.
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto size =
                ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (size <= 0) {
                break;
            }
            sent += static_cast<std::size_t>(size);
        }
        std::array<char, 4096> buffer{};
        ssize_t size = 0;
        while ((size = ::recv(descriptor, buffer.data(), buffer.size(), 0)) > 0) {
            answer.append(buffer.data(), static_cast<std::size_t>(size));
        }
    }
    ::close(descriptor);
    return answer;
}

HttpAnswer RunningDaemon::request(const std::string& method, const std::string& target,
                                  const std::string& body) const {
    const auto text =
        exchange(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                 (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
                 "\r\n" + body);
    HttpAnswer answer;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) {
        return answer;
    }
    answer.head = text.substr(0, end);
    answer.status = static_cast<unsigned>(std::stoul(answer.head.substr(9, 3)));
    answer.body = nlohmann::json::parse(text.substr(end + 4), nullptr, false);
    return answer;
}

}  // namespace tapeloft::vtl::daemon
