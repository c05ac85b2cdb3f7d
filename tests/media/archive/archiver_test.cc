// What the archive does where things do not go as they should: the library stays whole, and nobody
// is told that something is stored that is not.
#include "media/archive/archiver.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "media/log/log_stream.h"
#include "media/log/replay.h"

#include "tests/media/archive/rebuilt.h"

namespace tapeloft::media {
namespace {

const Object kFilemark;

TEST(Archiver, NamesEveryCartridgeInTheLibraryBeforeItsSegmentsAreStored) {
    ArchiveWorld world(without_ticks());
    const auto first = world.add_cartridge("TL0001L9");
    const auto second = world.add_cartridge("TL0002L9");
    const std::vector<Object> objects = {Object(5000, 1), kFilemark};
    for (const auto& cartridge : {first, second}) {
        world.write_tape(cartridge, objects);
        world.store_all(cartridge);
        EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
    }
    const auto third = world.add_cartridge("TL0003L9");
    world.store_all(third);
    EXPECT_EQ(rebuilt(world, third.barcode), std::vector<Object>()) << "blank, but there";
}

TEST(Archiver, StoresAnyNumberOfShortSegments) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.store_all(cartridge);
    world.store.set_down(true);
    std::vector<Object> objects;
    for (std::uint8_t i = 1; i <= 40; ++i) {
        append(world, cartridge, objects, Object(1000, i));
    }
    world.store.set_down(false);
    world.store_all(cartridge);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
}

TEST(Archiver, SaysThatASegmentIsNotStoredWhoseFileIsGoneAndStoresTheOtherCartridges) {
    ArchiveWorld world(without_ticks());
    const auto broken = world.add_cartridge("TL0001L9");
    const auto whole = world.add_cartridge("TL0002L9");
    world.store_all(broken);
    world.store_all(whole);
    const std::vector<Object> objects = {Object(5000, 1), kFilemark};
    world.write_tape(broken, objects);
    world.write_tape(whole, objects);
    const auto folder = world.run(
        [](SpoolContext context, CartridgeRecord record) -> Awaitable<Result<std::string>> {
            TL_CO_TRY(const auto path, cartridge_directory(context, record));
            co_return path.string();
        }(world.context(), broken));
    world.stop();
    std::filesystem::remove_all(*folder);
    world.start();
    EXPECT_FALSE(world.run(world.archive->store_all(broken.id)).has_value());
    while (world.catalog->archive().storage(whole.id)->spooled_only != 0) {
        std::this_thread::yield();  // by itself, though the first one fails each time
    }
    EXPECT_EQ(rebuilt(world, whole.barcode), objects);
}

/// The object is stored, and the archive is told that it is not: as when the catalog cannot note
/// what the log has.
TEST(Archiver, GoesOnBehindALogObjectThatWasStoredAfterAll) {
    for (std::uint64_t nth = 1; nth <= 8; ++nth) {
        SCOPED_TRACE("put " + std::to_string(nth));
        ArchiveWorld world(without_ticks());
        const auto cartridge = world.add_cartridge("TL0001L9");
        std::vector<Object> objects;
        append(world, cartridge, objects, Object(5000, 1));
        world.store.script(StoreCall::put, nth, Fault::after, Errc::corrupt);
        static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
        append(world, cartridge, objects, Object(6000, 2));
        static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
        world.store_all(cartridge);
        ASSERT_FALSE(world.archive->status().fenced);
        EXPECT_EQ(rebuilt(world, cartridge.barcode), objects);
    }
}

/// The archive has asked what there is to log, and looks what a crash left, when the host formats.
TEST(Archiver, LogsAFormatThatComesWhileItLooksBehindACrash) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    const auto stream = world.catalog->archive().stream_of(cartridge.id).value();
    std::vector<Object> objects;
    append(world, cartridge, objects, Object(5000, 1));
    world.store_all(cartridge);
    append(world, cartridge, objects, Object(6000, 2));
    world.store.script(StoreCall::put, 4, Fault::after, Errc::corrupt);  // the cartridge's log
    ASSERT_FALSE(world.run(world.archive->store_all(cartridge.id)).has_value());
    const auto known = world.catalog->archive().head(stream).value().sequence;
    ASSERT_TRUE(world.memory->objects().contains(log_name(stream, known + 1)));

    auto tape = world.open(cartridge);
    world.store.set_down(true);
    const auto asked = world.store.calls(StoreCall::get);
    auto stored = boost::asio::co_spawn(world.serving, world.archive->store_all(cartridge.id),
                                        boost::asio::use_future);
    while (world.store.calls(StoreCall::get) == asked) {
        std::this_thread::yield();
    }
    ASSERT_TRUE(world.run(tape->format({kPartitionCapacityMin, kPartitionCapacityMin})));
    world.store.set_down(false);
    ASSERT_TRUE(stored.get().has_value());
    ASSERT_TRUE(world.run(tape->close()).has_value());
    tape.reset();
    world.store_all(cartridge);

    auto settings = without_ticks();
    settings.objects = world.memory->objects();
    ArchiveWorld other(std::move(settings));
    ASSERT_TRUE(other.recovered->unreadable.empty())
        << other.recovered->unreadable.front().error.message;
    const auto again = other.catalog->all_cartridges().value().front();
    EXPECT_EQ(other.catalog->partitions(again.id)->size(), 2U);
    EXPECT_TRUE(other.read_tape(again).empty());
}

TEST(Archiver, SaysOnceThatACartridgeWasRemoved) {
    ArchiveWorld world(without_ticks());
    const auto cartridge = world.add_cartridge("TL0001L9");
    world.write_tape(cartridge, {Object(5000, 1)});
    world.store_all(cartridge);
    const auto stream = world.catalog->archive().stream_of(cartridge.id);
    ASSERT_TRUE(stream.has_value());
    world.store.script(StoreCall::put, 1, Fault::after, Errc::corrupt);
    ASSERT_TRUE(world.catalog->remove_cartridge(cartridge.id).has_value());
    static_cast<void>(world.run(world.archive->store_all(cartridge.id)).has_value());
    world.store_all(cartridge);
    const auto log = world.run(read_log(*world.memory, *world.keys, *stream, std::nullopt));
    ASSERT_TRUE(log.has_value()) << log.error().message;
    const auto replay = replay_cartridge(*log);
    ASSERT_TRUE(replay.has_value()) << replay.error().message;
    EXPECT_TRUE(replay->removed);
    EXPECT_EQ(rebuilt(world, cartridge.barcode), std::nullopt);
}

}  // namespace
}  // namespace tapeloft::media
