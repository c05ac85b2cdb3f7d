#include "vtl/daemon/notify.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {
namespace {

/// A service manager's end; name may begin with '@'.
class ManagerSocket {
  public:
    explicit ManagerSocket(const std::string& name)
        : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        auto length = offsetof(sockaddr_un, sun_path) + name.size() + 1;
        if (name.front() == '@') {
            address.sun_path[0] = '\0';
            --length;
        }
        bound_ = ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                        static_cast<socklen_t>(length)) == 0;
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    }
    ~ManagerSocket() {
        ::unsetenv("NOTIFY_SOCKET");
        ::close(descriptor_);
    }
    ManagerSocket(const ManagerSocket&) = delete;
    ManagerSocket& operator=(const ManagerSocket&) = delete;

    [[nodiscard]] bool bound() const { return bound_; }
    [[nodiscard]] std::string received() const {
        std::array<char, 256> text{};
        const auto size = ::recv(descriptor_, text.data(), text.size(), 0);
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }

  private:
    int descriptor_;
    bool bound_ = false;
};

TEST(Notify, WithoutASocketItDoesNothing) {
    ::unsetenv("NOTIFY_SOCKET");
    EXPECT_TRUE(notify_service_manager("READY=1"));
}

TEST(Notify, TheStateArrivesAtASocketInTheFileSystem) {
    const tests::TemporaryDirectory directory;
    const ManagerSocket manager((directory.path() / "notify").string());
    ASSERT_TRUE(manager.bound());
    ASSERT_TRUE(notify_service_manager("READY=1"));
    EXPECT_EQ(manager.received(), "READY=1");
}

TEST(Notify, TheStateArrivesAtAnAbstractSocket) {
    const ManagerSocket manager("@tapeloft-notify-test-" + std::to_string(::getpid()));
    ASSERT_TRUE(manager.bound());
    ASSERT_TRUE(notify_service_manager("STOPPING=1"));
    EXPECT_EQ(manager.received(), "STOPPING=1");
}

TEST(Notify, AnAddressThatCannotBeIsRefused) {
    ::setenv("NOTIFY_SOCKET", "relative", 1);
    EXPECT_FALSE(notify_service_manager("READY=1"));
    ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
    EXPECT_FALSE(notify_service_manager("READY=1"));
    ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    EXPECT_FALSE(notify_service_manager("READY=1"));
    ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
