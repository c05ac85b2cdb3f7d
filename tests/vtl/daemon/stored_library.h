// The real programs on a library whose store lies beside its state directory, or elsewhere.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/catalog/catalog.h"

#include "tests/host/daemon_process.h"
#include "tests/host/tape_host.h"
#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {

struct Ended {
    int status = -1;
    std::string output;  ///< standard output and standard error
};

[[nodiscard]] Ended run(const std::string& command);
[[nodiscard]] std::string contents(const std::filesystem::path& file);

class StoredLibrary : public testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path path(const std::string& name) const {
        return directory_.path() / name;
    }
    [[nodiscard]] virtual std::string store() const { return "file://" + path("store").string(); }
    [[nodiscard]] std::filesystem::path key() const { return path("state") / "keys" / "lab.key"; }

    /// more: keys of [[library]]; others: more libraries. The first start makes four cartridges.
    void configure(const std::string& more = "", const std::string& others = "");
    /// tapeloftd with these options besides.
    [[nodiscard]] std::filesystem::path program(const std::string& options) const;
    void start(const std::string& options = "");
    /// What it says when it does not start.
    [[nodiscard]] std::string refusal(const std::string& options = "");
    void stop();
    void log_in(const std::string& library = "lab");
    void log_out() { host_.reset(); }

    [[nodiscard]] Ended tapeloft(const std::string& arguments) const;
    void expect(int status, const std::string& arguments, const std::string& words) const;
    [[nodiscard]] Ended recover(const std::string& state_dir, const std::string& more = "") const;
    /// Returns when a library recovered from the store is the one that the daemon serves.
    void wait_until_stored();
    /// The state directory goes, but for a copy of its key; then recover(), start(), log_in().
    void lose_all_and_recover();

    /// `count` records of 256 KiB that follow from the seed, then a filemark.
    void write_file(std::size_t count, std::uint64_t seed);
    [[nodiscard]] static Bytes records(std::size_t count, std::uint64_t seed);
    void load(const std::string& barcode, std::size_t drive = 0);
    void move(const std::string& barcode, const std::string& to) const {
        expect(0, "changer move --library=lab " + barcode + " " + to, "Moved");
    }
    tests::TapeHost drive(int number = 0) { return {*host_, number + 1}; }

    tests::TemporaryDirectory directory_;
    std::string portal_;
    std::optional<tests::DaemonProcess> daemon_;
    std::optional<tests::ScsiHost> host_;
};

}  // namespace tapeloft::vtl::daemon
