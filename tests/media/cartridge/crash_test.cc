// The machine loses power at every call to the disk in turn; what is on the tape afterwards is a
// prefix of what was written, with all that was promised in it.
#include <random>

#include <gtest/gtest.h>

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

/// What may be found after a crash: one of these contents, cut anywhere at or behind its promise.
struct Expectation {
    std::vector<Object> objects;
    std::size_t promised = 0;
    /// Before the change that is under way; valid as a whole.
    std::optional<std::vector<Object>> old;
};

bool is_prefix_of(const std::vector<Object>& shorter, const std::vector<Object>& longer) {
    return shorter.size() <= longer.size() &&
           std::equal(shorter.begin(), shorter.end(), longer.begin());
}

class Scenario {
  public:
    Scenario(std::uint64_t seed, std::uint64_t crash_at, bool power)
        : random_(seed), power_random_(seed * 31 + crash_at), power_(power) {
        world_.limits = {3000, 10};
        const auto fail = [this, crash_at]() -> std::optional<Error> {
            if (calls_++ >= crash_at) {
                return Error{Errc::io, "the power is gone"};
            }
            return std::nullopt;
        };
        world_.files.before_call = [fail](const std::string&) { return fail(); };
        world_.catalog.before_change = fail;
    }

    /// False: the scenario ended before the crash was due.
    bool run() {
        auto opened = world_.run(open_cartridge(world_.record, world_.context()));
        if (opened) {
            world_.tape = std::move(opened).value();
            for (int i = 0; i < 60 && step(); ++i) {
            }
        }
        const bool crashed = alive_calls() < calls_;
        recover();
        return crashed;
    }

    [[nodiscard]] std::uint64_t recycled() const { return world_.files.renames; }

    std::uint64_t crash_at_ = 0;

  private:
    [[nodiscard]] std::uint64_t alive_calls() const { return crash_at_; }

    /// False: an error was met; the machine is dying.
    bool step() {
        const auto& objects = expected_.objects;
        switch (random_() % 12) {
            case 0: {
                if (!world_.run(world_.tape->sync())) {
                    return false;
                }
                expected_.promised = objects.size();
                expected_.old.reset();
                return true;
            }
            case 1: {
                at_ = random_() % 3 == 0 ? 0 : random_() % (objects.size() + 1);
                return world_.run(world_.tape->locate_object(at_)).has_value();
            }
            case 2: {
                begin_change();
                if (!world_.run(world_.tape->erase_to_end())) {
                    return false;
                }
                expected_.promised = objects.size();
                expected_.old.reset();
                return true;
            }
            case 3: {
                if (random_() % 3 == 0) {
                    expected_.promised = 0;
                    if (!world_.run(world_.tape->close())) {
                        expected_.promised = 0;
                        return false;
                    }
                    expected_.promised = objects.size();
                    expected_.old.reset();
                    auto opened = world_.run(open_cartridge(world_.record, world_.context()));
                    if (!opened) {
                        return false;
                    }
                    world_.tape = std::move(opened).value();
                    at_ = 0;
                }
                return true;
            }
            default: {
                const auto object =
                    random_() % 4 == 0 ? Object() : random_record(random_, 1 + random_() % 900);
                begin_change();
                auto written = object.empty() ? world_.run(world_.tape->write_filemarks(1))
                                              : world_.write(object);
                if (!written) {
                    return false;
                }
                expected_.objects.push_back(object);
                ++at_;
                return true;
            }
        }
    }

    /// A change at at_: what was behind it may still be there until the next promise.
    void begin_change() {
        if (at_ < expected_.objects.size()) {
            expected_.old = expected_.objects;
            old_promised_ = expected_.promised;
            expected_.objects.resize(at_);
            expected_.promised = std::min<std::size_t>(expected_.promised, at_);
        }
    }

    void recover() {
        world_.tape.reset();
        world_.loop.restart();
        world_.loop.run();
        world_.files.before_call = nullptr;
        world_.catalog.before_change = nullptr;
        if (power_) {
            world_.files.lose_power(power_random_);
        }
        SpoolBudget fresh(TapeWorld::kLarge);
        world_.begin_process();
        auto context = world_.context();
        const auto recovered =
            recover_spool({context.directory, context.catalog, context.disk, context.events, fresh,
                           context.spares, context.files, context.limits},
                          {world_.record});
        ASSERT_TRUE(recovered.has_value()) << recovered.error().message;
        world_.open();
        const auto found = world_.read_all();
        const bool is_new =
            is_prefix_of(found, expected_.objects) && found.size() >= expected_.promised;
        const bool is_old =
            expected_.old && is_prefix_of(found, *expected_.old) && found.size() >= old_promised_;
        EXPECT_TRUE(is_new || is_old)
            << "found " << found.size() << " objects, written " << expected_.objects.size()
            << ", promised " << expected_.promised;
        // And it works on: a write behind what is left, synced, is there after one more reopen.
        world_.must_write({1, 2, 3});
        world_.close();
        world_.open();
        auto more = found;
        more.push_back({1, 2, 3});
        EXPECT_EQ(world_.read_all(), more);
    }

    std::mt19937_64 random_;
    std::mt19937_64 power_random_;
    bool power_;
    TapeWorld world_;
    Expectation expected_;
    std::size_t old_promised_ = 0;
    std::uint64_t at_ = 0;
    std::uint64_t calls_ = 0;
};

void crash_everywhere(bool power) {
    const std::uint64_t first = std::random_device{}();
    std::uint64_t recycled = 0;
    for (std::uint64_t seed = first; seed < first + 12; ++seed) {
        for (std::uint64_t crash_at = 0; crash_at < 400; ++crash_at) {
            SCOPED_TRACE(testing::Message() << "seed " << seed << " crash at " << crash_at);
            Scenario scenario(seed, crash_at, power);
            scenario.crash_at_ = crash_at;
            const bool crashed = scenario.run();
            recycled += scenario.recycled();
            if (testing::Test::HasFailure() || !crashed) {
                break;
            }
        }
        if (testing::Test::HasFailure()) {
            return;
        }
    }
    EXPECT_GT(recycled, 100U);  // files written over: those cases were met
}

TEST(CartridgeCrash, PowerLossAtAnyCallLeavesAPromisedPrefix) {
    crash_everywhere(true);
}

TEST(CartridgeCrash, KillAtAnyCallLeavesAPromisedPrefix) {
    crash_everywhere(false);
}

}  // namespace
}  // namespace tapeloft::media
