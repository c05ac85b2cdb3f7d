// Cartridges whose packs the store has archived.
#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "tests/media/archive/cold_store.h"
#include "tests/media/archive/damage.h"

namespace tapeloft::media {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class PackRecallsTest : public testing::Test {
  protected:
    PackRecallsTest() {
        WorldSettings settings;
        settings.limits = small_segments();
        settings.store.best_object_size = 1'000'000;
        settings.overlay = [this](std::shared_ptr<MemoryStore> memory) {
            cold_ = std::make_shared<ColdStore>(std::move(memory));
            return cold_;
        };
        world_ = std::make_unique<ArchiveWorld>(settings);
        std::mt19937_64 random(11);
        objects_ = random_tape(random, 100);
        cartridge_ = world_->add_cartridge("TL0001L9");
        world_->write_tape(cartridge_, objects_);
        world_->store_all(cartridge_);
    }

    seconds recall() { return world_->run(wrapped(world_->archive->recall(cartridge_.id))); }
    static Awaitable<seconds> wrapped(Awaitable<seconds> work) {
        co_return co_await std::move(work);
    }
    [[nodiscard]] bool is_recalling() const { return world_->archive->is_recalling(cartridge_.id); }
    void wait_until_back() {
        while (is_recalling()) {
            std::this_thread::yield();
        }
    }
    [[nodiscard]] std::size_t packs() const { return names_in(*world_, "packs/").size(); }

    std::shared_ptr<ColdStore> cold_;
    std::unique_ptr<ArchiveWorld> world_;
    CartridgeRecord cartridge_;
    std::vector<Object> objects_;
};

TEST_F(PackRecallsTest, EveryPackIsAskedForAndThenAllIsReadBack) {
    ASSERT_GT(packs(), 4U);
    const auto expected = recall();
    EXPECT_GT(expected, seconds(hours(4)));
    EXPECT_LE(expected, seconds(hours(5)));
    EXPECT_TRUE(is_recalling());
    while (world_->archive->recalls().at(0).left != packs()) {
        std::this_thread::yield();
    }
    EXPECT_LE(recall(), expected) << "who asks again joins what is under way";
    EXPECT_EQ(world_->archive->recalls().size(), 1U);
    cold_->bring_back();
    wait_until_back();
    EXPECT_EQ(recall(), seconds(0));
    wait_until_back();
    EXPECT_EQ(world_->read_tape(cartridge_), objects_);
}

TEST_F(PackRecallsTest, APackThatIsLookedAtAgainIsStillToCome) {
    std::vector<PackRecallStatus> seen;
    cold_->when_asked = [&] {
        const auto now = world_->archive->recalls();
        seen.insert(seen.end(), now.begin(), now.end());
    };
    recall();
    while (cold_->recalls < 3 * static_cast<int>(packs())) {
        std::this_thread::yield();
    }
    world_->stop();
    const auto all_asked = std::ranges::find(seen, std::uint64_t{packs()}, &PackRecallStatus::left);
    ASSERT_GE(seen.end() - all_asked, static_cast<std::ptrdiff_t>(packs()));
    for (auto status = all_asked; status != seen.end(); ++status) {
        EXPECT_EQ(status->left, packs());
        EXPECT_EQ(status->asked, packs());
    }
    cold_->when_asked = nullptr;
    world_->start();
}

TEST_F(PackRecallsTest, NoMoreAreAskedForAtOnceThanHelpTheStore) {
    recall();
    while (world_->archive->recalls().at(0).left != packs()) {
        std::this_thread::yield();
    }
    EXPECT_LE(cold_->most_at_once, world_->store.capabilities().parallel);
    EXPECT_EQ(cold_->pack_reads, 0);
}

TEST_F(PackRecallsTest, AReadOfWhatIsArchivedIsNoDamageAndHasItRecalled) {
    auto tape = world_->open(cartridge_);
    auto read = world_->run(tape->read());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::busy) << read.error().message;
    while (world_->archive->recalls().empty() || world_->archive->recalls().at(0).left != packs()) {
        std::this_thread::yield();
    }
    EXPECT_FALSE(world_->catalog->cartridge(cartridge_.id)->damaged);
    cold_->bring_back();
    wait_until_back();
    EXPECT_EQ(world_->read(*tape), objects_);
    EXPECT_TRUE(world_->run(tape->close()).has_value());
}

TEST_F(PackRecallsTest, WhileTheStoreIsAwayNothingIsKnownAndItGoesOnWhenItIsBack) {
    cold_->away = true;
    EXPECT_EQ(recall(), seconds(0));
    EXPECT_TRUE(is_recalling());
    const auto status = world_->archive->recalls();
    ASSERT_EQ(status.size(), 1U);
    EXPECT_EQ(status.at(0).trouble, "the store is away");
    cold_->away = false;
    while (world_->archive->recalls().at(0).trouble) {
        std::this_thread::yield();
    }
    cold_->bring_back();
    while (is_recalling()) {
        cold_->bring_back();
        std::this_thread::yield();
    }
    EXPECT_EQ(world_->read_tape(cartridge_), objects_);
}

TEST_F(PackRecallsTest, AStopDoesNotWaitForHours) {
    recall();
    world_->stop();
    world_->start();
    EXPECT_GT(recall(), seconds(hours(4))) << "it goes on where the store is";
}

TEST_F(PackRecallsTest, VerifyingSaysThatItIsArchivedAndHasItRecalled) {
    auto report = world_->run(world_->archive->verify({cartridge_}, {}));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::busy);
    EXPECT_NE(report.error().message.find("TL0001L9 is archived in the store"), std::string::npos)
        << report.error().message;
    cold_->bring_back();
    while (is_recalling()) {
        cold_->bring_back();
        std::this_thread::yield();
    }
    report = world_->run(world_->archive->verify({cartridge_}, {}));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_FALSE(report->is_damaged());
}

TEST_F(PackRecallsTest, ACollectionReadsNoArchivedPackAndRemovesDeadOnes) {
    {
        auto tape = world_->open(cartridge_);
        ASSERT_TRUE(world_->run(tape->locate_object(3)).has_value());
        ASSERT_TRUE(world_->run(tape->erase_to_end()).has_value());
        ASSERT_TRUE(world_->run(tape->close()).has_value());
    }
    world_->store_all(cartridge_);
    const auto before = packs();
    for (int i = 0; i < 2; ++i) {
        const auto report = world_->run(world_->archive->collect({.grace = seconds(0)}));
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(report->rewritten, 0U);
        EXPECT_EQ(report->unreadable, 0U);
    }
    EXPECT_LT(packs(), before);
    EXPECT_EQ(cold_->pack_reads, 0);
}

}  // namespace
}  // namespace tapeloft::media
