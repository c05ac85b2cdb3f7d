// A daemon whose store is away.
#include <chrono>
#include <future>
#include <thread>

#include "vtl/daemon/rest_json.h"

#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;

class StoreAway : public StoredLibrary {
  protected:
    void take_store_away() const { fs::rename(path("store"), path("unmounted")); }
    void bring_store_back() const { fs::rename(path("unmounted"), path("store")); }
    /// Returns when the daemon has noticed.
    void wait_for_trouble() {
        const auto in_trouble = [this] {
            const auto status = Json::parse(tapeloft("status --json").output);
            return !status.at("libraries").at(0).at("archive").at("trouble").is_null();
        };
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!in_trouble() && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::yield();
        }
    }
    void expect_file(std::size_t count, std::uint64_t seed) {
        const auto wanted = records(count, seed);
        Bytes all;
        for (std::size_t i = 0; i < count; ++i) {
            const auto read = drive().read(256 * 1024);
            ASSERT_TRUE(read && read->good()) << i << read->text();
            all.insert(all.end(), read->data.begin(), read->data.end());
        }
        EXPECT_TRUE(all == wanted);
        const auto mark = drive().read(256 * 1024);
        EXPECT_TRUE(mark && mark->filemark());
    }
};

TEST_F(StoreAway, TheDaemonEndsSoonAndEverythingThatTheDiskHasIsThereAfterwards) {
    configure();
    start();
    log_in();
    load("TL0001L9");
    write_file(3, 1);
    take_store_away();
    const auto more = records(1, 2);
    const auto written = drive().write(more);
    ASSERT_TRUE(written && written->good()) << written->text();
    auto promise = std::async(std::launch::async, [this] { return drive().write_filemarks(1); });
    wait_for_trouble();

    const auto began = std::chrono::steady_clock::now();
    const auto status = daemon_->terminate();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(*status, 0) << contents(path("log"));
    const auto promised = promise.get();
    EXPECT_FALSE(promised && promised->good()) << "the store does not have it";
    log_out();

    bring_store_back();
    start();
    log_in();
    ASSERT_TRUE(drive().wait_ready());
    expect_file(3, 1);
    expect_file(1, 2);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
