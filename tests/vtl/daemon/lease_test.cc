// Two daemons on one store: one of them has the library.
#include <fstream>

#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;

/// `state` and `other` are the state directories of two machines.
class Leased : public StoredLibrary {
  protected:
    void SetUp() override {
        configure();
        start();
        log_in();
        load("TL0001L9");
        write_file(2, 1);
        wait_until_stored();
    }
    /// A daemon that does not start says so here.
    [[nodiscard]] std::string start_other(const std::string& options = "") {
        fs::remove(path("other.log"));
        auto config = contents(path("tapeloft.toml"));
        const auto state = path("state").string();
        config.replace(config.find(state), state.size(), path("other").string());
        other_portal_ = "127.0.0.1:" + std::to_string(tests::free_port());
        config.replace(config.find(portal_), portal_.size(), other_portal_);
        fs::create_directories(path("elsewhere"));
        std::ofstream(path("elsewhere") / "tapeloft.toml") << config;
        auto daemon = tests::DaemonProcess::start(
            program(options), path("elsewhere") / "tapeloft.toml", path("other.log"));
        if (daemon) {
            other_.emplace(std::move(*daemon));
        }
        return contents(path("other.log"));
    }
    [[nodiscard]] std::string first() const {
        return "(process " + std::to_string(daemon_->pid()) + ", since 20";
    }
    static void expect_words(const std::string& text, const std::string& words) {
        EXPECT_NE(text.find(words), std::string::npos) << text;
    }

    std::string other_portal_;
    std::optional<tests::DaemonProcess> other_;
};

TEST_F(Leased, TheSecondDaemonRefusesToStartAndNamesTheFirst) {
    const auto recovered = recover("other");
    ASSERT_EQ(recovered.status, 0) << recovered.output;
    expect_words(recovered.output, "The library is served by tapeloftd on ");
    expect_words(recovered.output, first());
    for (int i = 0; i < 2; ++i) {
        const auto refusal = start_other();
        ASSERT_FALSE(other_);
        expect_words(refusal, "library lab: the library is served by tapeloftd on ");
        expect_words(refusal, first());
        expect_words(refusal, "If it is gone for good: tapeloftd --take-over lab");
    }
    write_file(1, 2);  // the first one is not troubled
    stop();
    const auto log = start_other();
    EXPECT_TRUE(other_) << "it was given back: " << log;
}

TEST_F(Leased, AfterATakeoverTheFirstStopsServing) {
    const auto recovered = recover("other");
    ASSERT_EQ(recovered.status, 0) << recovered.output;
    const auto log = start_other("--take-over lab");
    ASSERT_TRUE(other_) << log;
    const auto written = drive().write(records(1, 3));
    ASSERT_TRUE(written && written->good());
    const auto mark = drive().write_filemarks(1);
    ASSERT_TRUE(mark);
    EXPECT_FALSE(mark->good()) << "the store did not take it from this one";
    const auto ready = drive().test_unit_ready();
    ASSERT_TRUE(ready);
    EXPECT_TRUE(ready->is(2, 0x0403)) << ready->text();
    const auto changer = tests::TapeHost(*host_, 0).test_unit_ready();
    ASSERT_TRUE(changer);
    EXPECT_TRUE(changer->is(2, 0x0403)) << changer->text();
    expect_words(contents(path("log")), "Another daemon writes to the store of this library");
    expect_words(contents(path("log")), "(process " + std::to_string(other_->pid()) + ", since 20");
    expect(0, "status", "FENCED");
    stop();
    expect_words(refusal(), "(process " + std::to_string(other_->pid()) + ", since 20");
}

TEST_F(Leased, ARecoveryThatTakesOverLeavesTheLibraryToItsStateDirectory) {
    const auto recovered = recover("other", "--take-over");
    ASSERT_EQ(recovered.status, 0) << recovered.output;
    EXPECT_EQ(recovered.output.find("The library is served by"), std::string::npos)
        << recovered.output;
    const auto log = start_other();
    ASSERT_TRUE(other_) << log;
    const auto mark = drive().write_filemarks(1);
    EXPECT_FALSE(mark && mark->good());
}

TEST_F(Leased, ARestartAfterACrashStartsAtOnce) {
    for (int i = 0; i < 2; ++i) {
        log_out();
        daemon_->kill();
        start();
    }
    log_in();
    ASSERT_TRUE(drive().wait_ready());
    write_file(1, 2);
}

TEST_F(Leased, TheOptionWantsALibraryThatIsConfigured) {
    stop();
    expect_words(refusal("--take-over nobody"), "has no library nobody");
    start("--take-over lab");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
