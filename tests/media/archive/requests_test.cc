// What a backup costs at a store that counts requests.
#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "tests/media/archive/damage.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRecord = 256UL * 1024;

class Requests : public testing::Test {
  protected:
    /// Packs as a real store gets them.
    static WorldSettings settings() {
        WorldSettings settings;
        settings.store = {.put_if_absent = true};
        settings.small_commits_apart = std::chrono::hours(1);
        return settings;
    }
    [[nodiscard]] std::uint64_t requests() const {
        std::uint64_t calls = 0;
        for (const auto call : {StoreCall::put, StoreCall::get, StoreCall::head, StoreCall::list,
                                StoreCall::remove}) {
            calls += world_.store.calls(call);
        }
        return calls;
    }
    /// Objects of the cartridge's log: one a commit.
    [[nodiscard]] std::uint64_t commits() {
        const auto stream = world_.catalog->archive().stream_of(cartridge_.id);
        return names_in(world_, "log/" + to_hex(*stream) + "/").size();
    }
    void write(std::uint64_t bytes) {
        auto tape = world_.open(cartridge_);
        ASSERT_TRUE(world_.run(tape->space_to_end_of_data()));
        for (std::uint64_t at = 0; at < bytes; at += kRecord) {
            ASSERT_TRUE(world_.run(tape->write(Buffer::copy_of(random_bytes(random_, kRecord)))));
        }
        ASSERT_TRUE(world_.run(tape->close()));
        tape.reset();
        world_.store_all(cartridge_);
    }

    ArchiveWorld world_{settings()};
    CartridgeRecord cartridge_ = world_.add_cartridge("TL0001L9");
    std::mt19937_64 random_{1};
};

TEST_F(Requests, AreAtMostOneForEach16MiBOfNewDataAndOneACommit) {
    write(kRecord);
    const auto start = requests();
    EXPECT_LE(start, 40U) << "what a start costs does not depend on what is written";
    const auto commits_before = commits();
    constexpr std::uint64_t kBytes = 640 * kMiB;
    write(kBytes);
    const auto made = commits() - commits_before;
    EXPECT_LE(requests() - start, kBytes / (16 * kMiB) + made) << made << " commits";
    EXPECT_LE(made, 4U) << "four segments at once, and the rest";
}

TEST_F(Requests, AnArchiveThatHasNothingToDoMakesNone) {
    write(kRecord);
    const auto before = requests();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(world_.run(world_.archive->store_all(cartridge_.id)));
    }
    EXPECT_EQ(requests(), before);
}

}  // namespace
}  // namespace tapeloft::media
