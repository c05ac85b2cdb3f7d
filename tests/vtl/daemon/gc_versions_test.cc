// Garbage collection in a bucket that keeps versions, where somebody else removed objects: what has
// a delete marker as its newest version is gone.
#include <cstdlib>
#include <map>

#include <nlohmann/json.hpp>

#include "tests/cloud/s3/fake_s3.h"
#include "tests/vtl/daemon/pbs_library.h"
#include "tests/vtl/daemon/store_beside.h"

namespace tapeloft::vtl::daemon {
namespace {

using nlohmann::json;

class VersionedBucket : public PbsLibrary {
  protected:
    VersionedBucket() {
        server_.set_options({.versioned = true});
        const auto keys = server_.environment();
        for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
            kept_[name] = variable(name);
            ::setenv(name, keys(name)->c_str(), 1);
        }
    }
    ~VersionedBucket() override {
        for (const auto& [name, value] : kept_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
    [[nodiscard]] std::string store() const override { return server_.url("tests"); }

    void SetUp() override {
        configure();
        start();
        log_in();
        objects_.open(store());
    }
    std::vector<std::string> packs() {
        std::vector<std::string> found;
        for (const auto& object : objects_.packs()) {
            found.push_back(object.name);
        }
        return found;
    }
    void hide(const std::vector<std::string>& names) {
        for (const auto& name : names) {
            ASSERT_TRUE(objects_.wait_for(objects_->remove(name)));
            ASSERT_GE(server_.versions("tests/" + name), 2U) << "it and its marker";
        }
    }
    /// The records of the cartridge are in packs of their own; it is in its slot again.
    std::vector<std::string> write_packs(const std::string& barcode, std::uint64_t seed) {
        const auto before = packs();
        load(barcode);
        write_file(12, seed);
        move(barcode, "slot" + barcode.substr(5, 1));
        wait_until_stored();
        auto made = packs();
        std::erase_if(made, [&before](const std::string& name) {
            return std::ranges::find(before, name) != before.end();
        });
        EXPECT_FALSE(made.empty());
        return made;
    }
    json gc() {
        const auto ended = tapeloft("gc --grace=0 --json");
        EXPECT_EQ(ended.status, 0) << ended.output;
        return json::parse(ended.output, nullptr, false);
    }

    tests::FakeS3 server_;
    std::map<std::string, std::string> kept_;
    StoreBeside objects_;
};

TEST_F(VersionedBucket, APackThatNothingNeedsAndAMarkerHidesIsGone) {
    const auto dead = write_packs(barcode(0), 1);
    const auto alive = write_packs(barcode(1), 2);
    expect(0, "cartridge delete --yes " + barcode(0), "");
    wait_until_stored();
    EXPECT_EQ(gc().at("condemned"), dead.size());
    hide(dead);
    const auto second = gc();
    EXPECT_EQ(second.at("removed"), dead.size());
    EXPECT_EQ(second.at("refused"), 0);
    const auto third = gc();
    EXPECT_EQ(third.at("packs"), alive.size());
    EXPECT_EQ(third.at("removed"), 0);
    EXPECT_EQ(packs(), alive);
    expect(0, "library check", "");
    expect(0, "cartridge verify " + barcode(1), "");
    EXPECT_EQ(tapeloft("status --json").output.find("\"trouble\": {"), std::string::npos);
}

TEST_F(VersionedBucket, APackThatIsNeededAndAMarkerHidesIsMissingAndStopsNothing) {
    const auto hidden = write_packs(barcode(0), 1);
    const auto other = write_packs(barcode(1), 2);
    const auto dead = write_packs(barcode(2), 3);
    // Of the first two only a record each is left, so that they are worth rewriting.
    for (const std::size_t number : {0U, 1U}) {
        load(barcode(number));
        write_file(1, number + 1);
        move(barcode(number), "slot" + std::to_string(number + 1));
    }
    expect(0, "cartridge delete --yes " + barcode(2), "");
    wait_until_stored();
    hide(hidden);
    const auto first = gc();
    EXPECT_EQ(first.at("unreadable"), hidden.size());
    EXPECT_GE(first.at("rewritten"), 1) << "of the other cartridge";
    gc();
    const auto left = packs();
    for (const auto& name : dead) {
        EXPECT_EQ(std::ranges::find(left, name), left.end()) << name;
    }
    const auto third = gc();
    EXPECT_EQ(third.at("unreadable"), 0) << "it is not tried for ever";
    EXPECT_EQ(third.at("rewritten"), 0);
    expect(5, "library check", "missing");
    expect(5, "cartridge verify " + barcode(0), "");
    expect(0, "cartridge verify " + barcode(1), "");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
