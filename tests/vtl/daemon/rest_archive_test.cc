// What administrators ask of the store.
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>

#include "tests/vtl/daemon/running_daemon.h"

namespace tapeloft::vtl::daemon {
namespace {

class RestArchive : public RunningDaemon {
  protected:
    [[nodiscard]] std::filesystem::path store() const { return state() / "store" / "lab"; }
    /// A log object, when the library is stored: four cartridges, then their library.
    [[nodiscard]] std::filesystem::path a_log_object() const {
        std::set<std::filesystem::path> streams;
        std::filesystem::path object;
        while (streams.size() < 5) {
            std::this_thread::yield();
            std::error_code none;
            for (const auto& entry :
                 std::filesystem::recursive_directory_iterator(store() / "log", none)) {
                if (entry.path().filename() == "0000000000000001") {
                    object = entry.path();
                    streams.insert(object.parent_path());
                }
            }
        }
        return object;
    }
};

TEST_F(RestArchive, StatusAndCartridgeSayWhatIsStoredAndWhatItCosts) {
    start();
    const auto status = request("GET", "/v1/status").body;
    const auto& archive = status.at("libraries").at(0).at("archive");
    for (const auto* const member :
         {"store", "local_only", "stored", "bytes_per_second", "seconds_left", "dedup_ratio",
          "compression_ratio", "packs", "pack_bytes", "live_bytes", "log_objects",
          "damaged_cartridges", "trouble", "upload_limit", "download_limit", "fenced"}) {
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
    const auto object = a_log_object();
    std::filesystem::remove(object);
    const auto report = request("POST", "/v1/library/check", R"({"repair": true})").body;
    EXPECT_TRUE(report.at("damaged").get<bool>());
    const auto& finding = report.at("findings").at(0);
    EXPECT_EQ(finding.at("kind"), "log_damaged");
    EXPECT_NE(object.string().find(finding.at("object").get<std::string>()), std::string::npos);
    EXPECT_FALSE(finding.at("repaired").get<bool>());
    EXPECT_FALSE(finding.at("advice").get<std::string>().empty());
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
