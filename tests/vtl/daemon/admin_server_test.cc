// The administration over its real Unix socket, in front of a real library.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <sys/stat.h>

#include "tests/vtl/daemon/running_daemon.h"

namespace tapeloft::vtl::daemon {
namespace {

class AdminServerTest : public RunningDaemon {
  protected:
    /// Sends a request that must be refused, and checks how.
    void expect_refused(unsigned status, const std::string& method, const std::string& target,
                        const std::string& body, const std::string& words) {
        SCOPED_TRACE(method + " " + target + " " + body);
        const auto answer = request(method, target, body);
        EXPECT_EQ(answer.status, status);
        ASSERT_TRUE(answer.body.is_object());
        ASSERT_TRUE(answer.body.contains("/error/code"_json_pointer));
        const auto message = answer.body["error"]["message"].get<std::string>();
        EXPECT_NE(message.find(words), std::string::npos) << message;
    }
    std::string barcode_in(const std::string& element) {
        const auto answer = request("GET", "/v1/library");
        for (const auto& each : answer.body["elements"]) {
            if (each["name"] == element) {
                return each["barcode"].is_null() ? "" : each["barcode"].get<std::string>();
            }
        }
        return "no such element";
    }

    using Json = nlohmann::json;
};

using nlohmann::literals::operator""_json_pointer;

TEST_F(AdminServerTest, StatusTellsVersionLibrariesDrivesSpoolAndSessions) {
    start();
    const auto answer = request("GET", "/v1/status");
    ASSERT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body["version"], TAPELOFT_VERSION);
    EXPECT_EQ(answer.body["ready"], true);
    EXPECT_EQ(answer.body["portals"].size(), 1U);
    EXPECT_EQ(answer.body["sessions"].size(), 0U);
    const auto& library = answer.body["libraries"].at(0);
    EXPECT_EQ(library["name"], "lab");
    EXPECT_EQ(library["target"], "iqn.2026-11.io.tapeloft:lab");
    EXPECT_EQ(library["changer_serial"].get<std::string>().size(), 10U);
    EXPECT_EQ(library["slots"], 6);
    EXPECT_EQ(library["import_export_slots"], 2);
    EXPECT_EQ(library["cartridges"], 4);
    EXPECT_EQ(library["spool"]["limit"], 16ULL << 30U);
    ASSERT_EQ(library["drives"].size(), 2U);
    EXPECT_EQ(library["drives"][1]["name"], "drive1");
    EXPECT_EQ(library["drives"][1]["state"], "empty");
    EXPECT_NE(answer.head.find("application/json"), std::string::npos);
}

TEST_F(AdminServerTest, TheSocketIsForOwnerAndGroup) {
    start();
    struct stat status {};
    ASSERT_EQ(::stat(socket().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0660U);
    stop();
    EXPECT_FALSE(std::filesystem::exists(socket())) << "it goes with the daemon";
}

TEST_F(AdminServerTest, AMoveGoesToDriveSlotAndMailSlotAndIsSeenEverywhere) {
    start();
    const auto moved =
        request("POST", "/v1/changer/move", R"({"barcode": "TL0002L9", "destination": "drive1"})");
    ASSERT_EQ(moved.status, 200U) << moved.body;
    EXPECT_EQ(moved.body["from"], "slot2");
    EXPECT_EQ(moved.body["to"], "drive1");
    EXPECT_EQ(barcode_in("drive1"), "TL0002L9");
    const auto drives = request("GET", "/v1/drives");
    EXPECT_EQ(drives.body["drives"][1]["barcode"], "TL0002L9");
    EXPECT_EQ(drives.body["drives"][1]["state"], "loaded");
    EXPECT_EQ(drives.body["drives"][1]["capacity"]["native"], 1'000'000'000);
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0002L9").body["location"], "drive1");
    EXPECT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0002L9", "destination": "mail2"})")
            .status,
        200U);
    EXPECT_EQ(barcode_in("mail2"), "TL0002L9");
    EXPECT_EQ(barcode_in("drive1"), "");
    EXPECT_EQ(barcode_in("slot2"), "");
}

TEST_F(AdminServerTest, MovesThatCannotBeAreRefusedAndChangeNothing) {
    start();
    const std::string move = "/v1/changer/move";
    const auto before = request("GET", "/v1/library").body;
    expect_refused(404, "POST", move, R"({"barcode": "TL0099L9", "destination": "slot5"})",
                   "TL0099L9");
    expect_refused(404, "POST", move, R"({"barcode": "TL0001L9", "destination": "slot7"})", "7");
    expect_refused(404, "POST", move, R"({"barcode": "TL0001L9", "destination": "drive2"})", "2");
    expect_refused(409, "POST", move, R"({"barcode": "TL0001L9", "destination": "slot2"})",
                   "TL0002L9");
    expect_refused(400, "POST", move, R"({"barcode": "TL0001L9", "destination": "shelf1"})",
                   "allowed: drive0");
    expect_refused(400, "POST", move, R"({"barcode": "TL0001L9"})", "destination");
    expect_refused(400, "POST", move, R"({"barcode": 7, "destination": "slot5"})", "barcode");
    expect_refused(400, "POST", move,
                   R"({"barcode": "TL0001L9", "destination": "slot5", "force": true})", "force");
    EXPECT_EQ(request("GET", "/v1/library").body, before);
}

TEST_F(AdminServerTest, CartridgesAreCreatedListedAndDeleted) {
    start();
    const auto created = request("POST", "/v1/cartridges",
                                 R"({"barcodes": "AB0001L9..AB0002L9", "capacity": "100MB"})");
    ASSERT_EQ(created.status, 201U) << created.body;
    ASSERT_EQ(created.body["cartridges"].size(), 2U);
    EXPECT_EQ(created.body["cartridges"][0]["location"], "slot5");
    EXPECT_EQ(created.body["cartridges"][1]["capacity"], 100'000'000);
    const auto mail =
        request("POST", "/v1/cartridges", R"({"barcodes": "AB0003L9", "location": "mail1"})");
    ASSERT_EQ(mail.status, 201U) << mail.body;
    EXPECT_EQ(mail.body["cartridges"][0]["capacity"], 18'000'000'000'000);
    EXPECT_EQ(barcode_in("mail1"), "AB0003L9");
    EXPECT_EQ(request("GET", "/v1/cartridges").body["cartridges"].size(), 7U);

    const auto preview = request("DELETE", "/v1/cartridges/AB0003L9?dry_run=true");
    EXPECT_EQ(preview.status, 200U);
    EXPECT_EQ(preview.body["would_delete"]["barcode"], "AB0003L9");
    EXPECT_EQ(barcode_in("mail1"), "AB0003L9") << "a dry run deletes nothing";
    EXPECT_EQ(request("DELETE", "/v1/cartridges/AB0003L9").status, 200U);
    EXPECT_EQ(barcode_in("mail1"), "");
    expect_refused(404, "DELETE", "/v1/cartridges/AB0003L9", "", "AB0003L9");
    expect_refused(404, "GET", "/v1/cartridges/AB0003L9", "", "AB0003L9");
}

TEST_F(AdminServerTest, CreationsThatCannotBeAreRefusedWhole) {
    start();
    const std::string path = "/v1/cartridges";
    expect_refused(409, "POST", path, R"({"barcodes": "AB0001L9..AB0003L9"})", "");
    expect_refused(409, "POST", path, R"({"barcodes": "TL0001L9"})", "TL0001L9");
    expect_refused(409, "POST", path, R"({"barcodes": "AB0001L9", "location": "slot1"})", "");
    expect_refused(400, "POST", path, R"({"barcodes": "AB0001L9", "location": "drive0"})",
                   "slotN or mailN");
    expect_refused(404, "POST", path, R"({"barcodes": "AB0001L9", "location": "mail3"})", "");
    expect_refused(400, "POST", path, R"({"barcodes": "SHORT"})", "8 characters");
    expect_refused(400, "POST", path, R"({"barcodes": "AB0001L9", "capacity": "1MB"})", "");
    expect_refused(400, "POST", path, R"({"barcodes": "AB0001L9", "capacity": -5})", "capacity");
    expect_refused(400, "POST", path, R"({})", "barcodes");
    expect_refused(400, "POST", path, "[]", "JSON object");
    expect_refused(400, "POST", path, "{\"barcodes\": ", "JSON object");
    expect_refused(400, "POST", path, "", "JSON object");
    expect_refused(400, "POST", path, R"({"barcodes": "A00001L9", "barcodes": "A00002L9"})",
                   "barcodes");
    EXPECT_EQ(request("GET", "/v1/cartridges").body["cartridges"].size(), 4U);
}

TEST_F(AdminServerTest, ACartridgeInADriveIsNotDeleted) {
    start();
    ASSERT_EQ(
        request("POST", "/v1/changer/move", R"({"barcode": "TL0001L9", "destination": "drive0"})")
            .status,
        200U);
    expect_refused(409, "DELETE", "/v1/cartridges/TL0001L9", "", "drive0");
    expect_refused(409, "DELETE", "/v1/cartridges/TL0001L9?dry_run=true", "", "drive0");
    EXPECT_EQ(barcode_in("drive0"), "TL0001L9");
}

TEST_F(AdminServerTest, EventsComeInOrderAndFromWhereOneAsks) {
    start();
    ASSERT_EQ(request("DELETE", "/v1/cartridges/TL0004L9").status, 200U);
    const auto all = request("GET", "/v1/events").body["events"];
    ASSERT_GE(all.size(), 1U);
    const auto last = all.back()["sequence"].get<std::uint64_t>();
    EXPECT_EQ(all.back()["fields"]["barcode"], "TL0004L9");
    const auto rest = request("GET", "/v1/events?after=" + std::to_string(last)).body["events"];
    EXPECT_EQ(rest.size(), 0U);
    expect_refused(400, "GET", "/v1/events?after=x", "", "after");
    expect_refused(400, "GET", "/v1/events?befor=1", "", "befor");
}

TEST_F(AdminServerTest, UnknownPathsMethodsAndParametersAreRefused) {
    start();
    expect_refused(404, "GET", "/", "", "/");
    expect_refused(404, "GET", "/v1", "", "/v1");
    expect_refused(404, "GET", "/v2/status", "", "/v2/status");
    expect_refused(404, "GET", "/v1/cartridges/a/b", "", "");
    expect_refused(405, "PUT", "/v1/status", "", "PUT");
    expect_refused(400, "GET", "/v1/status?verbose=1", "", "verbose");
    expect_refused(404, "GET", "/v1/drives?library=other", "", "there are: lab");
    EXPECT_NE(request("PATCH", "/v1/cartridges").head.find("Allow: GET, POST"), std::string::npos);
}

TEST_F(AdminServerTest, WithSeveralLibrariesTheRequestSaysWhich) {
    start(std::string(kLibrary) +
          "[[library]]\nname = \"two\"\n[[library.cartridges]]\nbarcodes = \"XX0001L9\"\n");
    expect_refused(400, "GET", "/v1/drives", "", "lab, two");
    EXPECT_EQ(request("GET", "/v1/cartridges?library=lab").body["cartridges"].size(), 4U);
    EXPECT_EQ(request("GET", "/v1/cartridges?library=two").body["cartridges"].size(), 1U);
    const auto status = request("GET", "/v1/status").body;
    ASSERT_EQ(status["libraries"].size(), 2U);
    EXPECT_NE(status["libraries"][0]["changer_serial"], status["libraries"][1]["changer_serial"]);
}

TEST_F(AdminServerTest, WhatIsNoHttpIsAnsweredWith400AndClosed) {
    start();
    EXPECT_EQ(exchange("nonsense\r\n\r\n").rfind("HTTP/1.1 400", 0), 0U);
    EXPECT_EQ(exchange("GET /v1/status HTTP/9.9\r\n\r\n").rfind("HTTP/1.1 400", 0), 0U);
    EXPECT_EQ(request("GET", "/v1/status").status, 200U) << "the others go on";
}

TEST_F(AdminServerTest, HeadersAndBodiesThatAreTooLongAreRefused) {
    start();
    const std::string long_header(9000, 'x');
    EXPECT_EQ(exchange("GET /v1/status HTTP/1.1\r\nX: " + long_header + "\r\n\r\n")
                  .rfind("HTTP/1.1 431", 0),
              0U);
    EXPECT_EQ(exchange("POST /v1/cartridges HTTP/1.1\r\nContent-Length: 65537\r\n\r\n")
                  .rfind("HTTP/1.1 413", 0),
              0U);
    EXPECT_EQ(request("GET", "/v1/status").status, 200U);
}

TEST_F(AdminServerTest, TheConnectionAfterTheSixteenthIsAnswered503AndTheOthersGoOn) {
    start();
    boost::asio::io_context io_context;
    using Socket = boost::asio::local::stream_protocol::socket;
    std::vector<Socket> silent;
    for (int i = 0; i < 16; ++i) {
        silent.emplace_back(io_context).connect(socket());
    }
    EXPECT_EQ(exchange("GET /v1/events HTTP/1.1\r\n\r\n").rfind("HTTP/1.1 503", 0), 0U);
    const std::string get = "GET /v1/events HTTP/1.1\r\nConnection: close\r\n\r\n";
    boost::asio::write(silent.front(), boost::asio::buffer(get));
    std::string answer(12, ' ');
    boost::asio::read(silent.front(), boost::asio::buffer(answer));
    EXPECT_EQ(answer, "HTTP/1.1 200");
    stop();  // must not wait for those that say nothing
}

TEST_F(AdminServerTest, AConnectionServesOneRequestAfterTheOther) {
    start();
    const std::string get = "GET /v1/events HTTP/1.1\r\nHost: x\r\n";
    const auto answers = exchange(get + "\r\n" + get + "Connection: close\r\n\r\n");
    const auto second = answers.find("HTTP/1.1 200", 1);
    EXPECT_EQ(answers.rfind("HTTP/1.1 200", 0), 0U);
    EXPECT_NE(second, std::string::npos);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
