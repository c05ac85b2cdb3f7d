// Tape files of a cartridge, listed and read by number.
#include "tests/vtl/daemon/running_daemon.h"

namespace tapeloft::vtl::daemon {
namespace {

TEST_F(RunningDaemon, ABlankCartridgeHasNoTapeFilesAndNoRecords) {
    start();
    const auto files = request("GET", "/v1/cartridges/TL0001L9/files");
    EXPECT_EQ(files.status, 200U);
    EXPECT_EQ(files.body.at("first"), 0);
    EXPECT_TRUE(files.body.at("files").empty());
    EXPECT_EQ(files.body.at("more"), false);
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0001L9/data?file=0&first=3&count=2").status, 404U);
}

TEST_F(RunningDaemon, ImpossibleRangesOfATapeFileAreRefused) {
    start();
    const std::string cartridge = "/v1/cartridges/TL0001L9";
    for (const auto* const bad : {"/data?count=0", "/data?first=-1", "/data?first=x",
                                  "/data?last=3", "/files?first=x", "/files?count=3"}) {
        EXPECT_EQ(request("GET", cartridge + bad).status, 400U) << bad;
    }
    EXPECT_EQ(request("GET", cartridge + "/files?partition=1").status, 404U);
    EXPECT_EQ(request("GET", "/v1/cartridges/TL0009L9/files").status, 404U);
    EXPECT_EQ(request("POST", cartridge + "/files", "{}").status, 405U);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
