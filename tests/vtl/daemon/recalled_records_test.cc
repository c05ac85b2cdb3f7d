// A drive wants a cartridge whose records somebody is just being given.
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sys/mman.h>

#include "cloud/base/descriptor.h"

#include "vtl/cli/remote_medium.h"
#include "vtl/daemon/tape_records.h"

#include "tests/media/archive/archive_world.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kRecords = 64;  // 16 MiB: what a client asks for at once
constexpr std::size_t kRecordSize = 256UL * 1024;

template <typename T>
void begin(boost::asio::io_context& here, Awaitable<T> call, std::optional<T>& into) {
    auto body = [](Awaitable<T> inner, std::optional<T>* out) -> Awaitable<void> {
        out->emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(here, body(std::move(call), &into), boost::asio::detached);
}

class RecalledRecords : public testing::Test {
  protected:
    RecalledRecords() {
        std::mt19937_64 random(5);
        for (std::size_t i = 0; i < kRecords; ++i) {
            objects.push_back(media::random_bytes(random, kRecordSize));
            objects.back()[0] = 1;  // not what memory has before
        }
        auto cartridge = world.add_cartridge("TL0001L9");
        world.write_tape(cartridge, objects);
        cartridge.write_protected = true;
        lent = std::make_shared<media::LentCartridge>(here.get_executor(), cartridge);
        const auto opened = finish(lent->open(open(&world, cartridge)));
        EXPECT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(::ftruncate(descriptor.get(), kRecords * kRecordSize), 0);
        EXPECT_EQ(::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
        memory = ClientMemory::map(descriptor).value();
    }
    ~RecalledRecords() override {
        std::optional<bool> recalled;
        begin(here, recall(), recalled);
        step_until([&] { return recalled.has_value(); });
    }

    static Awaitable<Result<std::unique_ptr<media::Tape>>> open(media::ArchiveWorld* world,
                                                                media::CartridgeRecord cartridge) {
        co_return co_await media::open_cartridge(std::move(cartridge), world->context());
    }
    Awaitable<bool> recall() {
        co_await lent->recall();
        co_return true;
    }
    [[nodiscard]] Awaitable<Result<std::vector<std::uint64_t>>> read_from(std::uint64_t first) {
        return read_records(*lent, TapeFile{0, 0, first, kRecords},
                            MemoryRoom{memory, 0, kRecords * kRecordSize});
    }
    template <typename Condition>
    void step_until(Condition met) {
        while (!met()) {
            here.run_one();
        }
    }
    template <typename T>
    T finish(Awaitable<T> call) {
        std::optional<T> result;
        begin(here, std::move(call), result);
        step_until([&] { return result.has_value(); });
        return std::move(*result);
    }
    [[nodiscard]] Bytes in_memory(std::size_t record) const {
        Bytes bytes(kRecordSize);
        EXPECT_EQ(::pread(descriptor.get(), bytes.data(), bytes.size(),
                          static_cast<off_t>(record * kRecordSize)),
                  static_cast<ssize_t>(bytes.size()));
        return bytes;
    }

    media::ArchiveWorld world;
    std::vector<media::Object> objects;
    boost::asio::io_context here{1};
    const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays{
        here.get_executor()};
    std::shared_ptr<media::LentCartridge> lent;
    const Descriptor descriptor{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    std::shared_ptr<ClientMemory> memory;
};

TEST_F(RecalledRecords, WhoIsInTheMiddleGetsWhatWasReadAndTheDriveWaitsForNoMore) {
    std::optional<Result<std::vector<std::uint64_t>>> lengths;
    begin(here, read_from(0), lengths);
    step_until([&] { return in_memory(0) == objects[0]; });
    ASSERT_FALSE(lengths) << "all of it came at once";
    std::optional<bool> recalled;
    begin(here, recall(), recalled);
    step_until([&] { return recalled.has_value(); });
    step_until([&] { return lengths.has_value(); });

    ASSERT_TRUE(*lengths) << (*lengths).error().message;
    const auto count = (*lengths)->size();
    EXPECT_GE(count, 1U);
    EXPECT_LT(count, kRecords / 2) << "the drive waited for them";
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ((*lengths)->at(i), kRecordSize);
        EXPECT_TRUE(in_memory(i) == objects[i]) << i;
    }
    EXPECT_TRUE(in_memory(count) == Bytes(kRecordSize)) << "more than was told of";
    const auto next = finish(read_from(count));
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, Errc::cancelled);
    EXPECT_NE(next.error().message.find("TL0001L9 is wanted in a drive"), std::string::npos)
        << next.error().message;
}

TEST_F(RecalledRecords, NobodyWhoIsLeftAloneGetsLess) {
    const auto lengths = finish(read_from(0));
    ASSERT_TRUE(lengths) << lengths.error().message;
    EXPECT_EQ(lengths->size(), kRecords);
}

using RecordsInADrive = PbsLibrary;

TEST_F(RecordsInADrive, TheClientIsToldWhereItsCartridgeIs) {
    configure();
    start();
    log_in();
    media::MemoryTape tape;
    tape.files.push_back({std::vector<Bytes>(8, Bytes(kRecordSize, 'r')), true});
    write_tape(tape, barcode(0));
    const auto exchange =
        std::make_shared<cli::RecordExchange>((path("state") / "admin.sock").string());
    cli::RemoteMedium medium(exchange, "lab", barcode(0));
    ASSERT_EQ(media::run(medium.read(0, 0, 4)).value().size(), 4U);
    load(barcode(0));
    const auto read = drive().read(kRecordSize);
    EXPECT_TRUE(read && read->good()) << "the drive has it";
    const auto refused = media::run(medium.read(0, 4, 4));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("TL0001L9 is in drive"), std::string::npos)
        << refused.error().message;
    move(barcode(0), "slot1");
    const auto again = media::run(medium.read(0, 4, 4));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->size(), 4U);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
