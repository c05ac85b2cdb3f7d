// What administrators ask of the store.
#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/vtl/daemon/running_daemon.h"

namespace tapeloft::vtl::daemon {
namespace {

class RestArchive : public RunningDaemon {
  protected:
    [[nodiscard]] std::filesystem::path store() const { return state() / "store" / "lab"; }
    /// The first log objects of all streams, once the catalog knows those of the four cartridges to
    /// be stored: a file can be seen before, and one that is taken away then is nobody's loss.
    [[nodiscard]] std::vector<std::filesystem::path> log_objects() const {
        const auto recorded = [this] {
            const auto status = request("GET", "/v1/status").body;
            return status.at("libraries").at(0).at("archive").at("log_objects").get<int>();
        };
        while (recorded() < 5) {  // the library's own is always counted
            std::this_thread::yield();
        }
        std::vector<std::filesystem::path> objects;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(store() / "log")) {
            if (entry.path().filename() == "0000000000000001") {
                objects.push_back(entry.path());
            }
        }
        return objects;
    }
};

TEST_F(RestArchive, StatusAndCartridgeSayWhatIsStoredAndWhatItCosts) {
    start();
    const auto status = request("GET", "/v1/status").body;
    const auto& archive = status.at("libraries").at(0).at("archive");
    for (const auto* const member :
         {"store", "local_only", "stored", "bytes_per_second", "seconds_left", "dedup_ratio",
          "compression_ratio", "packs", "pack_bytes", "live_bytes", "log_objects",
          "damaged_cartridges", "trouble", "upload_limit", "download_limit", "mirror", "fenced",
          "condition"}) {
        EXPECT_TRUE(archive.contains(member)) << member;
    }
    EXPECT_EQ(archive.at("local_only"), 0);
    EXPECT_EQ(archive.at("seconds_left"), 0);
    EXPECT_TRUE(archive.at("trouble").is_null());
    EXPECT_FALSE(archive.at("fenced").get<bool>());
    const auto storage = request("GET", "/v1/cartridges/TL0001L9").body.at("storage");
    EXPECT_EQ(storage.at("stored"), 0);
    EXPECT_EQ(storage.at("local_only"), 0);
    EXPECT_FALSE(storage.at("damaged").get<bool>());
}

TEST_F(RestArchive, CollectingSaysWhatItDid) {
    start();
    const auto dry = request("POST", "/v1/library/gc", R"({"dry_run": true, "grace_s": 0})");
    EXPECT_EQ(dry.status, 200U);
    EXPECT_TRUE(dry.body.at("dry_run").get<bool>());
    EXPECT_EQ(dry.body.at("library"), "lab");
    EXPECT_EQ(dry.body.at("removed"), 0);
    EXPECT_EQ(request("POST", "/v1/library/gc", "{}").status, 200U);
}

TEST_F(RestArchive, VerifyingGivesAVerdictForEachCartridge) {
    start();
    const auto all = request("POST", "/v1/cartridges/verify", R"({"sample": 10})");
    EXPECT_EQ(all.status, 200U);
    EXPECT_FALSE(all.body.at("damaged").get<bool>());
    EXPECT_EQ(all.body.at("cartridges").size(), 4U);
    const auto one = request("POST", "/v1/cartridges/TL0002L9/verify", "{}");
    EXPECT_EQ(one.status, 200U);
    EXPECT_EQ(one.body.at("cartridges").at(0).at("barcode"), "TL0002L9");
    EXPECT_TRUE(one.body.at("cartridges").at(0).at("findings").empty());
}

TEST_F(RestArchive, WhatMakesNoSenseIsRefused) {
    start();
    const auto refused = [this](const std::string& path, const std::string& body) {
        return request("POST", path, body).status;
    };
    EXPECT_EQ(refused("/v1/library/gc", R"({"grace_s": -1})"), 400U);
    EXPECT_EQ(refused("/v1/library/gc", R"({"grace_s": 1e30})"), 400U);
    EXPECT_EQ(refused("/v1/library/gc", R"({"dry_run": "yes"})"), 400U);
    EXPECT_EQ(refused("/v1/library/check", R"({"repair": 1})"), 400U);
    EXPECT_EQ(refused("/v1/library/check", R"({"mend": true})"), 400U);
    EXPECT_EQ(refused("/v1/cartridges/verify", R"({"sample": 0})"), 400U);
    EXPECT_EQ(refused("/v1/cartridges/verify", R"({"sample": 101})"), 400U);
    EXPECT_EQ(refused("/v1/cartridges/TL0099L9/verify", "{}"), 404U);
}

TEST_F(RestArchive, TheCheckNamesWhatIsGone) {
    start();
    const auto objects = log_objects();
    ASSERT_GE(objects.size(), 4U);
    for (const auto& object : objects) {
        std::filesystem::remove(object);
    }
    const auto report = request("POST", "/v1/library/check", R"({"repair": true})").body;
    EXPECT_TRUE(report.at("damaged").get<bool>());
    std::size_t damaged = 0;
    for (const auto& finding : report.at("findings")) {
        damaged += finding.at("kind") == "log_damaged" ? 1U : 0U;
    }
    EXPECT_GE(damaged, 4U);
    const auto& finding = report.at("findings").at(0);
    const auto named = finding.at("object").get<std::string>();
    EXPECT_TRUE(std::ranges::any_of(objects, [&named](const auto& object) {
        return object.string().find(named) != std::string::npos;
    })) << named;
    EXPECT_FALSE(finding.at("repaired").get<bool>());
    EXPECT_FALSE(finding.at("advice").get<std::string>().empty());
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
