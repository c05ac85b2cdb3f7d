// Tapes with renterd, by the stand-in of its native API: no real renterd was run.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "tests/cloud/sia/fake_renterd.h"
#include "tests/e2e/store_fixture.h"
#include "tests/host/programs.h"

namespace tapeloft::tests {
namespace {

constexpr const char* kPassword = "RENTERD_API_PASSWORD";

class SiaEndToEnd : public StoreFixture {
  protected:
    SiaEndToEnd() {
        if (const char* const value = std::getenv(kPassword)) {
            kept_ = value;
        }
        ::setenv(kPassword, server.environment()(kPassword)->c_str(), 1);
        url_ = server.url("tests/vtl");
    }
    ~SiaEndToEnd() override {
        ::setenv(kPassword, kept_.c_str(), 1);
        EXPECT_EQ(server.violations(), std::vector<std::string>());
    }
    /// What `tapeloft status` shows to a person.
    std::string status_text() {
        const auto file = directory_.path() / "status.txt";
        EXPECT_EQ(admin("status >" + file.string()), 0);
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    FakeRenterd server;
    std::string kept_;  ///< of the environment
};

TEST_F(SiaEndToEnd, ABackupIsInWholeSlabsAndOutlivesTheMachine) {
    start_on(url_);
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, 300);
        ASSERT_GOOD(drive.write_filemarks(1));
        write(drive, 301, 320);
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    std::size_t packs = 0;
    for (const auto& [key, object] : server.objects()) {
        EXPECT_TRUE(key.starts_with("tests/vtl/")) << key;
        if (key.find("/packs/") != std::string::npos) {
            ++packs;
            EXPECT_EQ(object.body.size() % (4UL << 20U), 0U) << key;
            EXPECT_EQ(object.buffered, 0U) << key;
        }
    }
    EXPECT_GE(packs, 3U);
    stop();
    lose_the_machine_and_recover();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 300);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    expect_records(drive, 301, 320);
    ASSERT_SENSE(drive.read(kSize), 8, 0x0005);
}

TEST_F(SiaEndToEnd, ARenterdThatLosesTheChainIsToldInPlainWordsAndWaitedFor) {
    start_on(url_);
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, 20);
        server.change([](FakeRenterdOptions& options) { options.synced = false; });
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return is_away(); }));
    EXPECT_NE(archive().at("trouble").at("message").get<std::string>().find(
                  "renterd is not in step with the Sia chain yet"),
              std::string::npos)
        << archive();
    EXPECT_GT(archive().at("local_only"), 0);
    server.change([](FakeRenterdOptions& options) { options.synced = true; });
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 20);
}

TEST_F(SiaEndToEnd, WhatRenterdSaysOfItselfIsShownAndToldAsEvents) {
    start_on(url_);
    ASSERT_TRUE(soon([&] { return archive().at("condition").is_object(); }));
    EXPECT_EQ(archive().at("condition").at("troubles").size(), 0U) << archive();
    stop();
    server.change([](FakeRenterdOptions& options) {
        options.autopilot = false;
        options.health = 0.25;
    });
    restart();
    ASSERT_TRUE(soon([&] { return archive().at("condition").is_object(); }));
    EXPECT_EQ(archive().at("condition").at("health"), 0.25);
    EXPECT_EQ(archive().at("condition").at("troubles").size(), 2U);
    EXPECT_GT(archive().at("condition").at("waiting_bytes"), 0U) << "log objects are small";
    const auto text = status_text();
    EXPECT_NE(text.find("health of the worst object 0.25"), std::string::npos) << text;
    EXPECT_NE(text.find("wait on one disk of the store to be stored"), std::string::npos) << text;
    EXPECT_NE(text.find("TROUBLE: renterd's autopilot is off"), std::string::npos) << text;
    EXPECT_NE(log().find("renterd's autopilot is off"), std::string::npos) << log();
    EXPECT_NE(log().find("has a health of 0.25"), std::string::npos) << log();
}

TEST_F(SiaEndToEnd, AWrongPasswordIsSaidAtTheFirstStartAndByTheProbe) {
    ::setenv(kPassword, "wrong", 1);
    std::ofstream(directory_.path() / "tapeloft.toml")
        << "state_dir = \"" << state().string()
        << "\"\n[iscsi]\nlisten = [\"127.0.0.1:" << free_port()
        << "\"]\n[[library]]\nname = \"e2e\"\nstore = \"" << url_ << "\"\n";
    const auto daemon = DaemonProcess::start(daemon_program(), directory_.path() / "tapeloft.toml",
                                             directory_.path() / "daemon.log");
    ASSERT_FALSE(daemon);
    EXPECT_NE(log().find("renterd answers 401: it does not take the API password"),
              std::string::npos)
        << log();
    EXPECT_EQ(log().find("wrong"), std::string::npos) << "a secret in the log";
    const auto file = directory_.path() / "probe.txt";
    EXPECT_NE(admin("store probe '" + url_ + "' >" + file.string()), 0);
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(text.find("it does not take the API password"), std::string::npos) << text;
}

}  // namespace
}  // namespace tapeloft::tests
