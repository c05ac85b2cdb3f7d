// Garbage goes, and nothing else, whatever happens on the way.
#include "media/archive/collector.h"

#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/damage.h"
#include "tests/media/archive/watched_store.h"

namespace tapeloft::media {
namespace {

/// What is cut off inside a segment stays with it: ten records each. Only what is asked for is
/// archived, so that packs are the same each time.
WorldSettings quiet_small_segments() {
    WorldSettings settings;
    settings.tick = std::chrono::hours(1);
    settings.limits.length = 1'000'000;
    return settings;
}

constexpr CollectOptions kNow{.grace = std::chrono::seconds(0)};

std::vector<Object> records(std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    std::vector<Object> objects;
    for (std::size_t i = 0; i < count; ++i) {
        objects.push_back(random_bytes(random, 100'000));
    }
    return objects;
}

CollectReport collect(ArchiveWorld& world, CollectOptions options = kNow) {
    const auto report = world.run(world.archive->collect(options));
    EXPECT_TRUE(report.has_value()) << report.error().message;
    return report ? *report : CollectReport{};
}

/// Leaves nothing but the first `keep` objects.
void cut(ArchiveWorld& world, const CartridgeRecord& cartridge, std::uint64_t keep) {
    auto tape = world.open(cartridge);
    ASSERT_TRUE(world.run(tape->locate_object(keep)).has_value());
    ASSERT_TRUE(world.run(tape->erase_to_end()).has_value());
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
}

using Change = std::function<void(ArchiveWorld&, const CartridgeRecord&)>;

void erase_all(ArchiveWorld& world, const CartridgeRecord& cartridge) {
    cut(world, cartridge, 0);
}

void overwrite(ArchiveWorld& world, const CartridgeRecord& cartridge) {
    world.write_tape(cartridge, {Object(1000, 1)});
    world.store_all(cartridge);
}

void format(ArchiveWorld& world, const CartridgeRecord& cartridge) {
    auto tape = world.open(cartridge);
    ASSERT_TRUE(world.run(tape->format({kPartitionCapacityMin, kPartitionCapacityMin})));
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);
}

void remove(ArchiveWorld& world, const CartridgeRecord& cartridge) {
    ASSERT_TRUE(world.catalog->remove_cartridge(cartridge.id).has_value());
    ASSERT_TRUE(remove_cartridge_files(world.context(), cartridge).has_value());
    world.store_all(cartridge);
}

TEST(Collector, WhatHostsCutOffFreesItsSpaceAfterTheGraceTime) {
    for (const Change& change :
         {Change(erase_all), Change(overwrite), Change(format), Change(remove)}) {
        ArchiveWorld world;
        const auto kept = records(1, 10);
        const auto stays = stored_cartridge(world, "TL0001L9", kept);
        const auto before = world.bytes_in_store("packs/");
        const auto goes = stored_cartridge(world, "TL0002L9", records(2, 60));
        change(world, goes);
        EXPECT_GT(collect(world).condemned, 0U);
        EXPECT_GT(world.bytes_in_store("packs/"), 4 * before);
        EXPECT_GT(collect(world).removed, 0U);
        EXPECT_LT(world.bytes_in_store("packs/"), before + before / 10);
        EXPECT_EQ(world.read_tape(stays), kept);
        expect_sound(world);
    }
}

TEST(Collector, TheLogOfARemovedCartridgeGoesAndThatOfNoOther) {
    ArchiveWorld world;
    const auto kept = records(1, 10);
    const auto stays = stored_cartridge(world, "TL0001L9", kept);
    const auto goes = stored_cartridge(world, "TL0002L9", records(2, 10));
    const auto stream = to_hex(world.catalog->archive().stream_of(goes.id).value());
    const auto objects_of = [&world, &stream] {
        return std::ranges::count_if(world.memory->objects(), [&stream](const auto& object) {
            return object.first.find(stream) != std::string::npos;
        });
    };
    EXPECT_GE(objects_of(), 2);
    remove(world, goes);
    CollectOptions dry = kNow;
    dry.dry_run = true;
    collect(world, dry);
    EXPECT_GE(objects_of(), 3) << "and that it was removed";
    const auto logs = world.catalog->archive().totals(ArchiveWorld::kLibrary)->log_objects;
    collect(world);
    EXPECT_EQ(objects_of(), 0);
    EXPECT_LT(world.catalog->archive().totals(ArchiveWorld::kLibrary)->log_objects, logs);
    EXPECT_EQ(world.read_tape(stays), kept);
    const auto report = world.run(world.archive->check(false));
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->findings.empty()) << report->findings.front().what;
    expect_sound(world);
}

TEST(Collector, NothingGoesBeforeTheGraceTime) {
    ArchiveWorld world;
    const auto cartridge = stored_cartridge(world, "TL0001L9", records(1, 30));
    erase_all(world, cartridge);
    const auto before = world.bytes_in_store("packs/");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(collect(world, {}).removed, 0U);
    }
    EXPECT_EQ(world.bytes_in_store("packs/"), before);
}

TEST(Collector, ADryRunSaysWhatWouldGoAndChangesNothing) {
    ArchiveWorld world;
    const auto cartridge = stored_cartridge(world, "TL0001L9", records(1, 60));
    erase_all(world, cartridge);
    collect(world);
    const auto objects = world.memory->objects();
    const auto packs = world.catalog->archive().packs(ArchiveWorld::kLibrary).value();
    CollectOptions options = kNow;
    options.dry_run = true;
    const auto report = collect(world, options);
    EXPECT_EQ(report.removed, packs.size());
    EXPECT_EQ(names_in(world, "").size(), objects.size());
    const auto after = world.catalog->archive().packs(ArchiveWorld::kLibrary).value();
    ASSERT_EQ(after.size(), packs.size());
    for (std::size_t i = 0; i < packs.size(); ++i) {
        EXPECT_EQ(after[i].condemned_unix_s, packs[i].condemned_unix_s);
    }
}

TEST(Collector, ADryRunSaysWhatTheNextRunDoes) {
    ArchiveWorld world;
    const auto goes = stored_cartridge(world, "TL0001L9", records(1, 60));
    const auto stays = stored_cartridge(world, "TL0002L9", records(2, 60));
    erase_all(world, goes);
    cut(world, stays, 20);
    CollectOptions options = kNow;
    options.dry_run = true;
    const auto said = collect(world, options);
    const auto done = collect(world);
    EXPECT_GT(said.condemned, 0U);
    EXPECT_EQ(said.condemned, done.condemned);
    EXPECT_EQ(said.condemned_bytes, done.condemned_bytes);
    EXPECT_EQ(said.rewritten, done.rewritten);
    EXPECT_EQ(said.removed, done.removed);
}

TEST(Collector, APackThatIsHardlyMoreThanItsHeaderIsNotRewrittenForEver) {
    ArchiveWorld world;
    const auto cartridge = stored_cartridge(world, "TL0001L9", {Object(10, 7)});
    const auto before = names_in(world, "");
    for (int i = 0; i < 3; ++i) {
        const auto report = collect(world);
        EXPECT_EQ(report.rewritten, 0U);
        EXPECT_EQ(report.condemned, 0U);
    }
    EXPECT_EQ(names_in(world, ""), before);
    EXPECT_EQ(world.read_tape(cartridge), (std::vector<Object>{Object(10, 7)}));
}

TEST(Collector, ACondemnedPackThatIsNeededAgainStays) {
    ArchiveWorld world;
    const auto objects = records(1, 30);
    const auto first = stored_cartridge(world, "TL0001L9", objects);
    erase_all(world, first);
    EXPECT_GT(collect(world).condemned, 0U);
    const auto before = world.bytes_in_store("packs/");
    const auto second = stored_cartridge(world, "TL0002L9", objects);
    EXPECT_EQ(world.bytes_in_store("packs/"), before);
    collect(world);
    collect(world);
    EXPECT_EQ(world.read_tape(second), objects);
    expect_sound(world);
}

TEST(Collector, APackThatIsMostlyDeadIsRewritten) {
    ArchiveWorld world(quiet_small_segments());
    const auto objects = records(1, 35);
    const auto cartridge = stored_cartridge(world, "TL0001L9", objects);
    cut(world, cartridge, 5);
    const auto before = world.bytes_in_store("packs/");
    EXPECT_GT(collect(world).rewritten, 0U);
    collect(world);
    EXPECT_LT(world.bytes_in_store("packs/"), before);
    EXPECT_EQ(world.read_tape(cartridge),
              std::vector<Object>(objects.begin(), objects.begin() + 5));
    expect_sound(world);
}

/// Packs of which every fourth chunk is needed.
CartridgeRecord sparsely_needed(ArchiveWorld& world) {
    const auto all = records(5, 200);
    const auto whole = stored_cartridge(world, "TL0001L9", all);
    std::vector<Object> some;
    for (std::size_t i = 0; i < all.size(); i += 4) {
        some.push_back(all[i]);
        some.emplace_back();  // so that it is a chunk of its own
    }
    const auto sparse = stored_cartridge(world, "TL0002L9", some);
    erase_all(world, whole);
    return sparse;
}

TEST(Collector, TheArchiveGetsItsTurnBetweenTwoSteps) {
    auto settings = quiet_small_segments();
    settings.store.best_object_size = 1'000'000;
    ArchiveWorld world(settings);
    sparsely_needed(world);
    const auto cartridge = world.add_cartridge("TL0003L9");
    world.store_all(cartridge);
    const auto before = world.store.calls(StoreCall::get);
    auto collecting = boost::asio::co_spawn(
        world.serving, as_optional(world.archive->collect(kNow)), boost::asio::use_future);
    while (world.store.calls(StoreCall::get) == before) {
        std::this_thread::yield();
    }
    world.archive->wake();  // as a host does that writes
    world.write_tape(cartridge, {Object(1000, 1)});
    world.store_all(cartridge);
    const auto meanwhile = world.store.calls(StoreCall::get) - before;
    const auto report = *collecting.get();
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_GT(report->rewritten, 10U);
    const auto all = world.store.calls(StoreCall::get) - before;
    EXPECT_LT(meanwhile, all) << "it waited for the end of the collection";
}

TEST(Collector, PacksOfWholeStepsAreRewrittenOnlyWhereThatSavesAStep) {
    for (const std::size_t steps : {1U, 4U}) {
        auto settings = quiet_small_segments();
        settings.store.best_object_size = 1'000'000;
        settings.store.object_step = settings.store.best_object_size / steps;
        ArchiveWorld world(settings);
        const auto sparse = sparsely_needed(world);
        const auto report = collect(world);
        EXPECT_EQ(report.rewritten > 0, steps > 1) << steps;
        EXPECT_EQ(collect(world).rewritten, 0U) << "once is enough";
        for (const auto& pack : names_in(world, "packs/")) {
            EXPECT_EQ(world.memory->objects().at(pack).size() % settings.store.object_step, 0U)
                << pack;
        }
        expect_sound(world);
        EXPECT_EQ(world.read_tape(sparse).size(), 100U);
    }
}

TEST(Collector, ABitThatIsWrongOnTheWayCostsNoPackItsTrust) {
    auto settings = quiet_small_segments();
    ArchiveWorld world(settings);
    const auto sparse = sparsely_needed(world);
    world.store.script(StoreCall::get, 1, Fault::flipped);
    const auto report = collect(world);
    EXPECT_EQ(report.unreadable, 0U);
    EXPECT_GT(report.rewritten, 0U);
    expect_sound(world);
    EXPECT_EQ(world.read_tape(sparse).size(), 100U);
}

TEST(Collector, ADamagedPackIsNotRewrittenAndNothingIsLostByIt) {
    ArchiveWorld world(quiet_small_segments());
    const auto cartridge = stored_cartridge(world, "TL0001L9", records(1, 35));
    cut(world, cartridge, 5);
    for (const auto& pack : names_in(world, "packs/")) {
        flip_bit(world, pack, 8 * 1000);
    }
    const auto before = names_in(world, "packs/");
    EXPECT_GT(collect(world).unreadable, 0U);
    collect(world);
    EXPECT_EQ(collect(world).unreadable, 0U) << "it is not read again and again";
    EXPECT_TRUE(std::ranges::includes(before, names_in(world, "packs/")));
}

/// A library with a dead pack, a mostly dead one and a living one.
struct Scene {
    ArchiveWorld world{quiet_small_segments()};
    std::vector<Object> kept = records(1, 35);
    std::vector<Object> other = records(3, 10);
    CartridgeRecord cartridge;
    CartridgeRecord second;

    Scene() {
        cartridge = stored_cartridge(world, "TL0001L9", kept);
        const auto dead = stored_cartridge(world, "TL0002L9", records(2, 10));
        second = stored_cartridge(world, "TL0003L9", other);
        cut(world, cartridge, 5);
        kept.resize(5);
        erase_all(world, dead);
        collect(world);  // condemned; what is rewritten, too
        cut(world, second, 2);
        other.resize(2);
    }
};

TEST(Collector, ACrashAtAnyCallOfTheStoreLosesNothing) {
    std::size_t crashes = 0;
    for (const auto call : {StoreCall::put, StoreCall::get, StoreCall::head, StoreCall::remove}) {
        for (const auto fault : {Fault::before, Fault::after}) {
            bool met = true;
            for (std::uint64_t nth = 1; met && nth < 12; ++nth) {
                SCOPED_TRACE("call " + std::to_string(static_cast<int>(call)) + " number " +
                             std::to_string(nth));
                Scene scene;
                auto& world = scene.world;
                world.store.script(call, nth, fault, Errc::unsupported);
                const auto before = world.store.calls(call);
                const auto report = world.run(world.archive->collect(kNow));
                met = world.store.calls(call) - before >= nth;
                if (!met) {
                    break;  // a run makes no more of these calls
                }
                ++crashes;
                world.stop();
                world.start();
                ASSERT_EQ(world.read_tape(scene.cartridge), scene.kept);
                collect(world);
                collect(world);
                collect(world);
                ASSERT_EQ(world.read_tape(scene.cartridge), scene.kept);
                ASSERT_EQ(world.read_tape(scene.second), scene.other);
                expect_sound(world);
                EXPECT_LT(world.bytes_in_store("packs/"), 3'000'000U);
            }
        }
    }
    EXPECT_GT(crashes, 10U);
}

/// A bucket with object lock.
class LockedStore final : public ForwardingStore {
  public:
    LockedStore(std::shared_ptr<ObjectStore> store, const std::optional<std::int64_t>& until)
        : ForwardingStore(std::move(store)), until_(until) {}

    Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name) override {
        co_return name.starts_with(kPackPrefix) ? until_ : std::nullopt;
    }
    Awaitable<Result<void>> remove(std::string name) override {
        if (until_ && name.starts_with(kPackPrefix)) {
            co_return Error{Errc::denied, "it is retained"};
        }
        co_return co_await store().remove(std::move(name));
    }

  private:
    const std::optional<std::int64_t>& until_;
};

TEST(Collector, WhatAStoreKeepsLockedIsToldOfWithItsDateAndGoesAfterIt) {
    std::optional<std::int64_t> until = 2'000'000'000;
    auto settings = quiet_small_segments();
    settings.overlay = [&until](std::shared_ptr<MemoryStore> memory) {
        return std::make_shared<LockedStore>(std::move(memory), until);
    };
    ArchiveWorld world(settings);
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.write_tape(cartridge, records(1, 40));
    world.store_all(cartridge);
    erase_all(world, cartridge);
    static_cast<void>(collect(world));
    const auto packs = names_in(world, std::string(kPackPrefix));
    ASSERT_FALSE(packs.empty());
    for (int i = 0; i < 2; ++i) {
        const auto report = collect(world);
        EXPECT_EQ(report.removed, 0U);
        EXPECT_EQ(report.retained, packs.size());
        EXPECT_GT(report.retained_bytes, 0U);
        EXPECT_EQ(report.retained_until_unix_s, until);
        EXPECT_EQ(names_in(world, std::string(kPackPrefix)), packs);
        EXPECT_FALSE(world.archive->status().trouble) << "the store is well";
    }
    until.reset();
    EXPECT_EQ(collect(world).removed, packs.size());
    EXPECT_TRUE(names_in(world, std::string(kPackPrefix)).empty());
}

TEST(Collector, APackThatTheStoreDoesNotLetGoStaysAloneAndIsToldOnce) {
    std::string held;
    auto settings = quiet_small_segments();
    settings.overlay = [&held](std::shared_ptr<MemoryStore> memory) {
        auto store = std::make_shared<WatchedStore>(std::move(memory));
        store->before_remove = [&held](const std::string& name) -> std::optional<Error> {
            return name == held ? std::optional(Error{Errc::denied, "a legal hold"}) : std::nullopt;
        };
        return store;
    };
    ArchiveWorld world(settings);
    const auto cartridge = world.add_cartridge("TL0001L9");
    for (std::uint64_t part = 1; part <= 3; ++part) {  // a pack each
        world.write_tape(cartridge, records(part, 40));
        world.store_all(cartridge);
        erase_all(world, cartridge);
    }
    static_cast<void>(collect(world));
    const auto packs = names_in(world, std::string(kPackPrefix));
    ASSERT_GE(packs.size(), 2U);
    held = packs.front();
    EXPECT_EQ(collect(world).removed, packs.size() - 1);
    const auto logs = names_in(world, "log/").size();
    for (int i = 0; i < 3; ++i) {
        const auto report = collect(world);
        EXPECT_EQ(report.refused, 1U);
        EXPECT_EQ(report.refusal, "a legal hold");
        EXPECT_EQ(names_in(world, std::string(kPackPrefix)), std::vector<std::string>{held});
        EXPECT_FALSE(world.archive->status().trouble) << "the store is well";
    }
    EXPECT_EQ(names_in(world, "log/").size(), logs) << "it was logged once";
    const auto told = world.told();
    EXPECT_EQ(std::ranges::count_if(
                  told, [&](const auto& event) { return event.find(held) != event.npos; }),
              1)
        << testing::PrintToString(told);
    held.clear();
    static_cast<void>(collect(world));
    EXPECT_TRUE(names_in(world, std::string(kPackPrefix)).empty());
    expect_sound(world);
}

}  // namespace
}  // namespace tapeloft::media
