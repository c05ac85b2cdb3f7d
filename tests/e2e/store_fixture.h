// A daemon whose cartridges are in a store that is not on its machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {

class StoreFixture : public LibraryFixture {
  protected:
    using Json = nlohmann::json;
    static constexpr std::size_t kSize = 256UL * 1024;  ///< bytes of a record
    static constexpr auto kCartridges =
        "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0002L9\"\ncapacity = \"100GiB\"\n";

    [[nodiscard]] std::filesystem::path state() const { return directory_.path() / "state"; }
    void start_on(const std::string& url, const std::string& more = "") {
        start(kCartridges, "", "store = \"" + url + "\"\n" + more);
    }
    void stop() {
        const auto status = daemon_->terminate();
        ASSERT_OK(status);
        EXPECT_EQ(*status, 0) << log();
    }
    [[nodiscard]] std::string log() const {
        std::ifstream in(directory_.path() / "daemon.log");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// What the daemon says of its store.
    Json archive() {
        const auto file = directory_.path() / "status.json";
        if (admin("--json status >" + file.string()) != 0) {
            return {};
        }
        std::ifstream in(file);
        return Json::parse(in, nullptr, false).at("libraries").at(0).at("archive");
    }
    [[nodiscard]] bool is_away() {
        const auto now = archive();
        return now.is_object() && !now.at("trouble").is_null();
    }
    [[nodiscard]] bool all_is_stored() {
        const auto now = archive();
        return now.is_object() && now.at("trouble").is_null() && now.at("local_only") == 0;
    }
    static bool soon(const std::function<bool()>& met) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(3);
        while (!met()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }
    /// Wherever a restart has left it: TL0001L9 is in drive 0, and ready.
    void mount(ScsiHost& host) {
        TapeHost drive(host, 1);
        if (!drive.wait_ready()) {
            load(host, "TL0001L9", 0);
        }
    }
    /// Into the first slot: only what is closed is archived to its end.
    static void put_away(ScsiHost& host) {
        ASSERT_GOOD(TapeHost(host, 1).unload());
        ASSERT_GOOD(ChangerHost(host).move_to("TL0001L9", 2, 0));
    }
    static void write(TapeHost& drive, std::uint64_t first, std::uint64_t last) {
        for (auto record = first; record <= last; ++record) {
            const auto reply = drive.write(pattern(kSize, record));
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << "record " << record << ": " << reply->text();
        }
    }
    static void expect_records(TapeHost& drive, std::uint64_t first, std::uint64_t last) {
        for (auto record = first; record <= last; ++record) {
            const auto reply = drive.read(kSize);
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << "record " << record << ": " << reply->text();
            ASSERT_EQ(reply->data, pattern(kSize, record)) << "record " << record;
        }
    }
    /// Only the key is left, and the bucket.
    void lose_the_machine_and_recover() {
        const auto key = directory_.path() / "kept.key";
        std::filesystem::copy_file(state() / "keys" / "e2e.key", key);
        std::filesystem::remove_all(state());
        ASSERT_EQ(admin("library recover '--store=" + url_ + "' --key=" + key.string() +
                        " --state-dir=" + state().string() + " >&2"),
                  0);
        restart();
    }

    std::string url_;  ///< of the store
};

}  // namespace tapeloft::tests
