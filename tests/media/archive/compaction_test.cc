// Logs that are written for years: what counts no more goes, what counts stays, and nobody who
// archives is kept from it where that cannot be.
#include <filesystem>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/log/checkpoint.h"

#include "tests/media/archive/damage.h"
#include "tests/media/archive/rebuilt.h"
#include "tests/media/archive/watched_store.h"

namespace tapeloft::media {
namespace {

class Compaction : public testing::Test {
  protected:
    static constexpr int kRounds = static_cast<int>(kCheckpointDeltasMin) + 4;

    void SetUp() override {
        WorldSettings settings;
        settings.overlay = [this](std::shared_ptr<MemoryStore> memory) {
            auto store = std::make_shared<WatchedStore>(std::move(memory));
            store->before_get = [this](const std::string& name) { return note_get(name); };
            store->behind_put = [this](const std::string&) { return note_put(); };
            return store;
        };
        world_ = std::make_unique<ArchiveWorld>(std::move(settings));
        cartridge_ = world_->add_cartridge("TL0001L9");
        reads_at_put_ = log_reads_.load();
        puts_ = 1000;
    }

    std::optional<Error> note_get(const std::string& name) {
        if (!name.starts_with("log/")) {
            return std::nullopt;
        }
        ++log_reads_;
        return unreadable_ ? std::optional(Error{Errc::transient, "not now"}) : std::nullopt;
    }
    /// Behind a reading of a whole log comes the checkpoint, then its head.
    std::optional<Error> note_put() {
        puts_ = log_reads_ - reads_at_put_ >= kRounds - 10 ? 1 : puts_ + 1;
        reads_at_put_ = log_reads_.load();
        if (puts_ != denied_put_) {
            return std::nullopt;
        }
        denied_put_ = 0;
        return Error{Errc::corrupt, "it is stored all the same"};
    }

    /// Over what is there.
    void overwrite(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        objects_ = {random_bytes(random, 2000)};
        world_->write_tape(cartridge_, objects_);
        world_->store_all(cartridge_);
    }
    void collect() {
        const auto report =
            world_->run(world_->archive->collect({.grace = std::chrono::seconds(0)}));
        ASSERT_TRUE(report.has_value()) << report.error().message;
    }
    [[nodiscard]] StreamId stream() {
        return world_->catalog->archive().stream_of(cartridge_.id).value();
    }
    [[nodiscard]] StreamHead head(const StreamId& stream) {
        return world_->catalog->archive().head(stream).value();
    }
    [[nodiscard]] std::size_t objects_of(const StreamId& stream) {
        return names_in(*world_, "log/" + to_hex(stream)).size();
    }
    [[nodiscard]] bool was_told_of() const {
        return std::ranges::any_of(world_->events.events_after(0), [](const Event& event) {
            return event.message.find("could not be made shorter") != std::string::npos;
        });
    }
    void expect_sound() {
        const auto report = world_->run(world_->archive->check(false));
        ASSERT_TRUE(report.has_value()) << report.error().message;
        for (const auto& finding : report->findings) {
            EXPECT_FALSE(row_of(finding.kind).is_damage) << finding.object << ": " << finding.what;
        }
        EXPECT_EQ(rebuilt(*world_, "TL0001L9"), objects_);
    }

    std::atomic<bool> unreadable_ = false;  ///< the log objects
    std::atomic<int> log_reads_ = 0;
    std::atomic<int> denied_put_ = 0;  ///< from 1; the archive is told that it was not stored
    std::atomic<int> reads_at_put_ = 0;
    std::atomic<int> puts_ = 1000;
    std::unique_ptr<ArchiveWorld> world_;
    CartridgeRecord cartridge_;
    std::vector<Object> objects_;
};

TEST_F(Compaction, ACartridgeThatIsWrittenOverAndOverKeepsAShortLog) {
    for (int i = 0; i < 2 * kRounds; ++i) {
        overwrite(static_cast<std::uint64_t>(i));
    }
    EXPECT_GT(head(stream()).sequence, 2 * kCheckpointDeltasMin);
    EXPECT_LT(objects_of(stream()), kCheckpointDeltasMin + 4);
    expect_sound();
    world_->stop();
    world_->start();
    overwrite(1000);
    expect_sound();
}

TEST_F(Compaction, OfACartridgeThatIsOnlyAppendedToReadsNothing) {
    for (int i = 0; i < 3; ++i) {
        append(*world_, cartridge_, objects_, Object(1000, static_cast<std::uint8_t>(i)));
        world_->store_all(cartridge_);
    }
    const int before = log_reads_;
    for (int i = 0; i < kRounds; ++i) {
        std::mt19937_64 random(static_cast<std::uint64_t>(i));
        append(*world_, cartridge_, objects_, random_bytes(random, 1000));
        world_->store_all(cartridge_);
    }
    EXPECT_GT(head(stream()).sequence, kCheckpointDeltasMin);
    EXPECT_GT(head(world_->keys->index_stream()).sequence, kCheckpointDeltasMin);
    EXPECT_EQ(log_reads_, before);
    EXPECT_EQ(head(stream()).checkpoint, 0U);
    expect_sound();
}

TEST_F(Compaction, ThatCannotBeDoneKeepsNobodyFromArchiving) {
    overwrite(0);
    unreadable_ = true;
    for (int i = 1; i <= kRounds; ++i) {
        overwrite(static_cast<std::uint64_t>(i));
    }
    EXPECT_EQ(head(stream()).checkpoint, 0U);
    EXPECT_TRUE(was_told_of());
    unreadable_ = false;
    expect_sound();
    for (int i = 1; i <= kRounds; ++i) {
        overwrite(static_cast<std::uint64_t>(100 + i));
    }
    EXPECT_NE(head(stream()).checkpoint, 0U);
    expect_sound();
}

TEST_F(Compaction, ThatIsStoredThoughTheArchiveDoesNotKnowLeavesALogThatGoesOn) {
    for (const int put : {1, 2}) {
        SCOPED_TRACE(put);
        SetUp();
        denied_put_ = put;
        for (std::uint64_t seed = 1; denied_put_ != 0; ++seed) {
            ASSERT_LT(seed, 200U);
            overwrite(seed);
        }
        EXPECT_TRUE(was_told_of());
        for (std::uint64_t seed = 1000; seed < 1003; ++seed) {
            overwrite(seed);
        }
        EXPECT_NE(head(stream()).checkpoint, 0U) << "taken over";
        expect_sound();
    }
}

TEST_F(Compaction, OfTheIndexComesAlsoWhereTheDaemonIsOftenRestarted) {
    for (int i = 0; i < kRounds; ++i) {
        overwrite(static_cast<std::uint64_t>(i));
        if (i % 16 == 15) {
            world_->stop();
            world_->start();
        }
    }
    collect();
    collect();
    world_->stop();
    world_->start();
    overwrite(1000);
    const auto index = world_->keys->index_stream();
    EXPECT_NE(head(index).checkpoint, 0U);
    EXPECT_LT(objects_of(index), 8U);
    expect_sound();
}

TEST_F(Compaction, OfTheIndexIsNotKeptFromGoingOnByACollectionThatFailed) {
    for (int i = 0; i < 3; ++i) {
        overwrite(static_cast<std::uint64_t>(i));
    }
    collect();
    for (std::uint64_t nth = 1; nth <= 4; ++nth) {
        SCOPED_TRACE(nth);
        world_->store.script(StoreCall::put, nth, Fault::after, Errc::corrupt);
        static_cast<void>(
            world_->run(world_->archive->collect({.grace = std::chrono::seconds(0)})).has_value());
        std::mt19937_64 random(100 + nth);
        objects_ = {random_bytes(random, 2000)};
        world_->write_tape(cartridge_, objects_);
        static_cast<void>(world_->run(world_->archive->store_all(cartridge_.id)).has_value());
        world_->store_all(cartridge_);
        ASSERT_FALSE(world_->archive->status().fenced);
    }
    expect_sound();
}

}  // namespace
}  // namespace tapeloft::media
