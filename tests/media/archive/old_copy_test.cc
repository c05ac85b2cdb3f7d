// A state directory that is put back from a backup: what was archived since stays in the store, and
// the archive says that it cannot go on.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/media/archive/damage.h"
#include "tests/media/archive/rebuilt.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

class OldCopy : public testing::Test {
  protected:
    void SetUp() override {
        cartridge_ = world_.add_cartridge("TL0001L9");
        other_ = world_.add_cartridge("TL0002L9");
        world_.store_all(other_);
        store(cartridge_, objects_, 1);
    }

    void store(const CartridgeRecord& cartridge, std::vector<Object>& objects, std::uint8_t seed) {
        std::mt19937_64 random(seed);
        append(world_, cartridge, objects, random_bytes(random, 5000));
        world_.store_all(cartridge);
    }
    void back_up() {
        world_.stop();
        fs::copy(world_.state, backup(), fs::copy_options::recursive);
        world_.start();
    }
    void put_back() {
        world_.stop();
        logs_ = names_in(world_, "log/");
        fs::remove_all(world_.state);
        fs::copy(backup(), world_.state, fs::copy_options::recursive);
        world_.start();
    }
    /// The host writes, and the archive refuses to store it, with a cause.
    void expect_refused(const CartridgeRecord& cartridge) {
        auto tape = world_.open(cartridge);
        ASSERT_TRUE(world_.run(tape->space_to_end_of_data()).has_value());
        world_.write(*tape, {Object(6000, 9), Object(6000, 8)});
        ASSERT_TRUE(world_.run(tape->close()).has_value());
        tape.reset();
        for (int i = 0; i < 2; ++i) {
            const auto done = world_.run(world_.archive->store_all(cartridge.id));
            ASSERT_FALSE(done.has_value());
            EXPECT_EQ(done.error().code, Errc::precondition) << done.error().message;
        }
        while (!world_.archive->status().fenced) {
            std::this_thread::yield();
        }
        const auto event = world_.events.events_after(0).back();
        EXPECT_EQ(event.severity, Severity::error);
        EXPECT_NE(event.fields.back().second.find("old copy"), std::string::npos)
            << event.fields.back().second;
    }
    void expect_nothing_was_logged() { EXPECT_EQ(names_in(world_, "log/"), logs_); }
    [[nodiscard]] fs::path backup() const { return world_.directory.path() / "backup"; }

    ArchiveWorld world_;
    CartridgeRecord cartridge_;
    CartridgeRecord other_;
    std::vector<Object> objects_;
    std::vector<std::string> logs_;
};

TEST_F(OldCopy, OfACartridgeThatWasAppendedToDoesNotCutItsLog) {
    for (const int commits : {1, 2, 5}) {
        SCOPED_TRACE(commits);
        fs::remove_all(backup());
        back_up();
        for (int i = 0; i < commits; ++i) {
            store(cartridge_, objects_, static_cast<std::uint8_t>(10 * commits + i));
        }
        const auto newest = world_.directory.path() / ("newest" + std::to_string(commits));
        fs::copy(world_.state, newest, fs::copy_options::recursive);
        put_back();
        expect_refused(cartridge_);
        expect_nothing_was_logged();
        EXPECT_EQ(rebuilt(world_, "TL0001L9"), objects_);
        world_.stop();
        world_.state = newest;  // the right one
        world_.start();
        EXPECT_EQ(world_.read_tape(cartridge_), objects_);
    }
}

TEST_F(OldCopy, OfACartridgeThatWasRemovedStoresNothingOfIt) {
    back_up();
    ASSERT_TRUE(world_.catalog->remove_cartridge(cartridge_.id).has_value());
    world_.store_all(cartridge_);
    put_back();
    expect_refused(cartridge_);
    expect_nothing_was_logged();
}

TEST_F(OldCopy, WritesNothingBehindAnIndexThatHasMore) {
    back_up();
    std::vector<Object> more;
    store(other_, more, 2);
    store(other_, more, 3);
    put_back();
    expect_refused(cartridge_);
    expect_nothing_was_logged();
    EXPECT_EQ(rebuilt(world_, "TL0002L9"), more);
}

TEST_F(OldCopy, WritesNothingBehindAnIndexThatCallsItsPacksRemoved) {
    back_up();
    auto tape = world_.open(cartridge_);
    ASSERT_TRUE(world_.run(tape->erase_to_end()).has_value());
    ASSERT_TRUE(world_.run(tape->close()).has_value());
    tape.reset();
    world_.store_all(cartridge_);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(world_.run(world_.archive->collect({.grace = std::chrono::seconds(0)})));
    }
    ASSERT_TRUE(names_in(world_, "packs/").empty());
    put_back();
    expect_refused(other_);
    expect_nothing_was_logged();
}

TEST_F(OldCopy, DoesNotForgetTheCartridgesThatCameSince) {
    back_up();
    std::vector<Object> objects;
    store(world_.add_cartridge("TL0003L9"), objects, 3);
    put_back();
    expect_refused(world_.add_cartridge("TL0004L9"));
    EXPECT_EQ(rebuilt(world_, "TL0003L9"), objects);
    EXPECT_EQ(rebuilt(world_, "TL0004L9"), std::nullopt);
}

}  // namespace
}  // namespace tapeloft::media
