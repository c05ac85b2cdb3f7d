#include "tests/e2e/library_fixture.h"

#include <cstdlib>
#include <fstream>

#include <sys/wait.h>

namespace tapeloft::tests {

void LibraryFixture::start(const std::string& cartridges, const std::string& iscsi,
                           const std::string& library) {
    portal_ = "127.0.0.1:" + std::to_string(free_port());
    std::ofstream config(directory_.path() / "tapeloft.toml");
    config << "state_dir = \"" << (directory_.path() / "state").string()
           << "\"\n[iscsi]\nlisten = [\"" << portal_ << "\"]\n"
           << iscsi << "[[library]]\nname = \"e2e\"\n"
           << library << cartridges;
    config.close();
    restart();
}

void LibraryFixture::restart() {
    auto daemon = DaemonProcess::start(daemon_program(), directory_.path() / "tapeloft.toml",
                                       directory_.path() / "daemon.log");
    if (!daemon) {
        std::ifstream log(directory_.path() / "daemon.log");
        FAIL() << daemon.error().message << "\n"
               << std::string(std::istreambuf_iterator<char>(log),
                              std::istreambuf_iterator<char>());
    }
    daemon_.emplace(std::move(*daemon));
}

LoginOptions LibraryFixture::login_options() const {
    LoginOptions options;
    options.portal = portal_;
    options.target = kTarget;
    return options;
}

ScsiHost LibraryFixture::login() {
    auto host = ScsiHost::login(login_options());
    if (!host) {
        ADD_FAILURE() << host.error().message;
        std::abort();
    }
    for (int lun = 0; lun <= 2; ++lun) {
        (void)TapeHost(*host, lun).test_unit_ready();
    }
    return std::move(*host);
}

void LibraryFixture::load(ScsiHost& host, const std::string& barcode, std::size_t drive) {
    ASSERT_GOOD(ChangerHost(host).move_to(barcode, 4, drive));
    ASSERT_OK(TapeHost(host, static_cast<int>(drive) + 1).wait_ready());
}

int LibraryFixture::admin(const std::string& arguments) const {
    const auto command = cli_program().string() +
                         " --socket=" + (directory_.path() / "state" / "admin.sock").string() +
                         " " + arguments;
    const int status = std::system(command.c_str());  // NOLINT: our own program and words
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Bytes pattern(std::size_t size, std::uint64_t seed) {
    Bytes bytes(size);
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (auto& byte : bytes) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        byte = static_cast<std::uint8_t>(state >> 32U);
    }
    return bytes;
}

}  // namespace tapeloft::tests
