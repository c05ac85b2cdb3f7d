// The whole daemon inside the test program, on a temporary state directory and a free port.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vtl/daemon/wiring.h"

#include "tests/host/daemon_process.h"
#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {

struct HttpAnswer {
    unsigned status = 0;  ///< 0: the connection was closed without an answer
    std::string head;
    nlohmann::json body;
};

class RunningDaemon : public testing::Test {
  protected:
    /// libraries: TOML; see config.h. Fails the test if the daemon does not start.
    void start(const std::string& libraries = kLibrary);
    [[nodiscard]] Result<void> try_start(const std::string& libraries);
    void stop() { daemon_.reset(); }

    /// Sends these bytes as they are and reads to the end of the connection.
    [[nodiscard]] std::string exchange(const std::string& bytes) const;
    [[nodiscard]] HttpAnswer request(const std::string& method, const std::string& target,
                                     const std::string& body = "") const;
    [[nodiscard]] std::string socket() const { return (state() / "admin.sock").string(); }
    [[nodiscard]] std::filesystem::path state() const { return directory_.path() / "state"; }

    static constexpr const char* kLibrary =
        "[[library]]\nname = \"lab\"\nslots = 6\nimport_export_slots = 2\n"
        "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\ncapacity = \"1GB\"\n";

    tests::TemporaryDirectory directory_;
    EventLog events_;
    std::unique_ptr<Daemon> daemon_;
};

}  // namespace tapeloft::vtl::daemon
