// Start, restart and end of the whole daemon.
#include "vtl/daemon/wiring.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/vtl/daemon/running_daemon.h"

namespace tapeloft::vtl::daemon {
namespace {

class Wiring : public RunningDaemon {};

TEST_F(Wiring, IdentityAndPlacesOutliveTheDaemon) {
    start();
    ASSERT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0001L9", "destination": "drive1"})")
            .status,
        200U);
    ASSERT_EQ(request("DELETE", "/v1/cartridges/TL0004L9").status, 200U);
    const auto library = request("GET", "/v1/library").body;
    const auto status = request("GET", "/v1/status").body["libraries"][0];
    const auto medium = request("GET", "/v1/cartridges/TL0001L9").body["medium_serial"];
    stop();
    start();
    EXPECT_EQ(request("GET", "/v1/library").body, library)
        << "what was in a drive is in it again; what was deleted is not made again";
    const auto after = request("GET", "/v1/status").body["libraries"][0];
    EXPECT_EQ(after["changer_serial"], status["changer_serial"]);
    EXPECT_EQ(after["drives"][0]["serial"], status["drives"][0]["serial"]);
    EXPECT_EQ(after["drives"][1]["serial"], status["drives"][1]["serial"]);
    EXPECT_EQ(after["drives"][1]["state"], "loaded");
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0001L9").body["medium_serial"], medium);
}

TEST_F(Wiring, TheWriteProtectSwitchIsForCartridgesInSlotsAndOutlivesTheDaemon) {
    start();
    const auto protect = [this](const std::string& action) {
        return request("POST", "/v1/cartridges/TL0001L9/" + action, "{}");
    };
    EXPECT_EQ(protect("protect").body["write_protected"], true);
    stop();
    start();
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0001L9").body["write_protected"], true);
    ASSERT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0001L9", "destination": "drive0"})")
            .status,
        200U);
    EXPECT_EQ(request("GET", "/v1/drives").body["drives"][0]["write_protected"], true);
    EXPECT_EQ(protect("unprotect").status, 409U);
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0001L9").body["write_protected"], true);
    ASSERT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0001L9", "destination": "slot1"})")
            .status,
        200U);
    EXPECT_EQ(protect("unprotect").body["write_protected"], false);
    EXPECT_EQ(request("POST", "/v1/cartridges/TL0099L9/protect", "{}").status, 404U);
}

TEST_F(Wiring, WormAndCleaningCartridgesAreCreatedAndKnownAgain) {
    start();
    const auto create = [this](const std::string& body) {
        return request("POST", "/v1/cartridges", body);
    };
    EXPECT_EQ(create(R"({"barcodes": "WO0001L9", "worm": true})").status, 201U);
    EXPECT_EQ(create(R"({"barcodes": "WO0002LZ"})").status, 201U);
    EXPECT_EQ(request("DELETE", "/v1/cartridges/TL0002L9").status, 200U);
    EXPECT_EQ(create(R"({"barcodes": "CLN001CU"})").status, 201U);
    EXPECT_EQ(request("DELETE", "/v1/cartridges/TL0003L9").status, 200U);
    EXPECT_EQ(create(R"({"barcodes": "CLN002CU", "worm": true})").status, 400U);
    EXPECT_EQ(create(R"({"barcodes": "WO0003L9", "worm": 1})").status, 400U);
    stop();
    start();
    EXPECT_EQ(request("GET", "/v1/cartridges/WO0001L9").body["worm"], true);
    EXPECT_EQ(request("GET", "/v1/cartridges/WO0002LZ").body["worm"], true);
    EXPECT_EQ(request("GET", "/v1/cartridges/WO0002LZ").body["generation"], "L9");
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0001L9").body["worm"], false);
    EXPECT_EQ(request("GET", "/v1/cartridges/CLN001CU").body["cleaning"], true);
    EXPECT_EQ(request("GET", "/v1/cartridges/CLN001CU").body["capacity"], 0U);
}

TEST_F(Wiring, ALibraryMayGrow) {
    start("[[library]]\nname = \"lab\"\nslots = 2\ndrives = 1\nimport_export_slots = 0\n");
    stop();
    start("[[library]]\nname = \"lab\"\nslots = 100\ndrives = 4\nimport_export_slots = 8\n");
    EXPECT_EQ(request("GET", "/v1/library").body["elements"].size(), 112U);
}

TEST_F(Wiring, ALibraryThatWouldLoseAnElementWithACartridgeDoesNotStart) {
    start();
    ASSERT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0003L9", "destination": "slot6"})")
            .status,
        200U);
    stop();
    const auto smaller = try_start("[[library]]\nname = \"lab\"\nslots = 5\n");
    ASSERT_FALSE(smaller);
    EXPECT_EQ(smaller.error().code, Errc::precondition);
    EXPECT_NE(smaller.error().message.find("TL0003L9"), std::string::npos)
        << smaller.error().message;
    daemon_.reset();
    start();
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0003L9").body["location"], "slot6");
}

TEST_F(Wiring, AStoreThatWouldArchiveMoreThanPacksIsRefusedByName) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"class=GLACIER", "\"tapeloft\""},
        {"class=packs/:GLACIER,log/:DEEP_ARCHIVE", "\"log/\""},
        {"class=head/:GLACIER", "\"head/\""},
    };
    for (const auto& [option, name] : cases) {
        const auto started = try_start(
            "[[library]]\nname = \"lab\"\nstore = \"s3://bucket?endpoint=http://127.0.0.1:1&" +
            option + "\"\n");
        ASSERT_FALSE(started) << option;
        EXPECT_EQ(started.error().code, Errc::invalid_argument);
        EXPECT_NE(started.error().message.find("would archive " + name), std::string::npos)
            << started.error().message;
        daemon_.reset();
    }
}

TEST_F(Wiring, ASecondDaemonOnTheSameStateDirectoryIsRefused) {
    start();
    auto config = parse_config(kLibrary, "test.toml", state());
    ASSERT_TRUE(config);
    const auto second = Daemon::create(std::move(*config), events_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_EQ(request("GET", "/v1/status").status, 200U) << "the first one goes on";
}

TEST_F(Wiring, APortThatIsTakenIsReportedByItsAddress) {
    boost::asio::io_context io_context;
    const boost::asio::ip::tcp::acceptor taken(
        io_context, {boost::asio::ip::address_v4::loopback(), std::uint16_t{0}});
    auto config = parse_config(kLibrary, "test.toml", state());
    ASSERT_TRUE(config);
    config->listen.front() = taken.local_endpoint();
    auto daemon = Daemon::create(std::move(*config), events_);
    ASSERT_TRUE(daemon);
    const auto started = (*daemon)->start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find(std::to_string(taken.local_endpoint().port())),
              std::string::npos)
        << started.error().message;
}

TEST_F(Wiring, ALibraryThatTheConfigurationForgetsIsKeptAndReported) {
    start();
    stop();
    start("[[library]]\nname = \"other\"\n");
    bool told = false;
    for (const auto& event : events_.events_after(0)) {
        for (const auto& [key, value] : event.fields) {
            told = told || (event.severity == Severity::warning && value == "lab");
        }
    }
    EXPECT_TRUE(told);
    stop();
    start();
    EXPECT_EQ(request("GET", "/v1/cartridges").body["cartridges"].size(), 4U);
}

TEST_F(Wiring, StoppingTwiceOrBeforeStartIsHarmless) {
    auto config = parse_config(kLibrary, "test.toml", state());
    ASSERT_TRUE(config);
    auto unstarted = Daemon::create(std::move(*config), events_);
    ASSERT_TRUE(unstarted);
    EXPECT_TRUE((*unstarted)->stop());
    unstarted->reset();
    start();
    EXPECT_TRUE(daemon_->stop());
    EXPECT_TRUE(daemon_->stop());
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
