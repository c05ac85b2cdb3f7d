// A library that another daemon has, or has taken over: the archive writes and removes nothing.
#include <gtest/gtest.h>

#include "tests/media/archive/damage.h"
#include "tests/media/archive/rebuilt.h"

namespace tapeloft::media {
namespace {

class TakenOver : public testing::Test {
  protected:
    void SetUp() override {
        cartridge_ = world_.add_cartridge("TL0001L9");
        std::mt19937_64 random(1);
        append(world_, cartridge_, objects_, random_bytes(random, 5000));
        world_.store_all(cartridge_);
    }
    /// By a daemon on another state directory.
    void take_over() {
        LeaseHolder other;
        other.daemon.fill(9);
        other.writer.fill(9);
        other.host = "elsewhere";
        Lease lease(*world_.memory, *world_.keys, other);
        ASSERT_TRUE(world_.run(lease.take_over()));
    }
    /// Everything but the lease, which tells of nothing that a library is.
    [[nodiscard]] MemoryStore::Objects library() const {
        auto objects = world_.memory->objects();
        objects.erase(std::string(kLeaseName));
        return objects;
    }
    void wait_until_fenced() {
        while (!world_.archive->fenced()) {
            std::this_thread::yield();
        }
        const auto event = world_.events.events_after(0).back();
        EXPECT_EQ(event.severity, Severity::error);
        EXPECT_NE(event.fields.back().second.find("tapeloftd on elsewhere"), std::string::npos)
            << event.fields.back().second;
    }
    static std::vector<std::string> logs(const MemoryStore::Objects& objects) {
        std::vector<std::string> names;
        for (const auto& [name, object] : objects) {
            if (!name.starts_with("packs/")) {
                names.push_back(name);
            }
        }
        return names;
    }

    ArchiveWorld world_;
    CartridgeRecord cartridge_;
    std::vector<Object> objects_;
};

TEST_F(TakenOver, TheArchiveNoticesBeforeItsNextCommit) {
    take_over();
    const auto before = library();
    auto more = objects_;
    std::mt19937_64 random(2);
    append(world_, cartridge_, more, random_bytes(random, 5000));
    const auto done = world_.run(world_.archive->store_all(cartridge_.id));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::precondition);
    wait_until_fenced();
    EXPECT_EQ(logs(library()), logs(before)) << "a pack at most, which nobody names";
    EXPECT_EQ(rebuilt(world_, "TL0001L9"), objects_);
    EXPECT_EQ(world_.read_tape(cartridge_), more) << "nothing is given up";
}

TEST_F(TakenOver, NothingIsCollectedOrRepaired) {
    auto tape = world_.open(cartridge_);
    ASSERT_TRUE(world_.run(tape->erase_to_end()));
    ASSERT_TRUE(world_.run(tape->close()));
    tape.reset();
    world_.store_all(cartridge_);
    ASSERT_TRUE(world_.run(world_.archive->collect({.grace = std::chrono::seconds(0)})));
    take_over();
    MemoryStore::Objects objects = world_.memory->objects();
    objects["packs/00/" + std::string(32, '0')] = Buffer::copy_of(Bytes(100, 1));  // of the other
    world_.memory->set_objects(objects);
    const auto before = names_in(world_, "");
    const auto collected = world_.run(world_.archive->collect({.grace = std::chrono::seconds(0)}));
    ASSERT_FALSE(collected);
    EXPECT_EQ(collected.error().code, Errc::precondition) << collected.error().message;
    const auto checked = world_.run(world_.archive->check(true));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::precondition) << checked.error().message;
    EXPECT_EQ(names_in(world_, ""), before);
}

TEST_F(TakenOver, ADaemonWhoseStoreWasAwayAtItsStartFindsOutBeforeItWritesAnything) {
    world_.stop();
    take_over();
    const auto before = library();
    world_.store.set_down(true);
    world_.start();
    append(world_, cartridge_, objects_, Bytes(5000, 3));
    world_.store.set_down(false);
    wait_until_fenced();
    const auto done = world_.run(world_.archive->store_all(cartridge_.id));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::precondition);
    EXPECT_EQ(library().size(), before.size());
}

}  // namespace
}  // namespace tapeloft::media
