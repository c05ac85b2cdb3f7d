// The daemon ends, and the store is gone, at every single call of the store: what was promised is
// on the cartridges, nothing else than what the host wrote is ever read, and the store alone always
// holds a library that can be rebuilt.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {
namespace {

/// Works up to one call, which still happens or not, and then never again. When it ends, the state
/// directory is copied: what a machine has at that moment.
class EndingStore final : public ForwardingStore {
  public:
    struct End {
        std::size_t at = 0;  ///< the call that is the last one, from 1; 0: none
        bool happens = false;
        std::function<void()> then = {};
    };

    EndingStore(std::shared_ptr<ObjectStore> store, End end)
        : ForwardingStore(std::move(store)), end_(std::move(end)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        const bool last = is_last();
        if (ended_ || (last && !end_.happens)) {
            co_return end(last);
        }
        auto done = co_await store().put(std::move(name), std::move(body), options);
        if (last) {
            co_return end(last);
        }
        co_return done;
    }
    Awaitable<Result<void>> remove(std::string name) override {
        const bool last = is_last();
        if (ended_ || (last && !end_.happens)) {
            co_return end(last);
        }
        auto done = co_await store().remove(std::move(name));
        if (last) {
            co_return end(last);
        }
        co_return done;
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        const bool last = is_last();
        if (ended_ || last) {
            co_return end(last);
        }
        co_return co_await store().get(std::move(name), range);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        const bool last = is_last();
        if (ended_ || last) {
            co_return end(last);
        }
        co_return co_await store().head(std::move(name));
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        const bool last = is_last();
        if (ended_ || last) {
            co_return end(last);
        }
        co_return co_await store().list(std::move(prefix), std::move(after), limit);
    }

    [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    void heal() noexcept {
        ended_ = false;
        end_.at = 0;
    }

  private:
    bool is_last() { return ++calls_ == end_.at && !ended_; }
    Error end(bool last) {
        if (last && !ended_.exchange(true)) {
            end_.then();
        }
        return {Errc::cancelled, "there is no store any more"};
    }

    End end_;
    std::atomic<std::size_t> calls_ = 0;
    std::atomic<bool> ended_ = false;
};

/// What is on a tape: numbers of records, 0 for a filemark.
using Content = std::vector<std::uint32_t>;

Bytes record_of(std::uint32_t number) {
    std::mt19937_64 random(number);
    auto bytes = random_bytes(random, 8 + random() % 40'000);
    store_little_endian<4>(MutableByteView(bytes), number);
    return bytes;
}

Content content_of(const std::vector<Object>& objects) {
    Content content;
    for (const auto& object : objects) {
        const auto number =
            object.empty() ? 0U
                           : static_cast<std::uint32_t>(load_little_endian<4>(ByteView(object)));
        EXPECT_TRUE(object.empty() || object == record_of(number)) << "a record that nobody wrote";
        content.push_back(number);
    }
    return content;
}

/// All that one tape was, one after the other.
struct History {
    std::vector<Content> states{{}};
    std::size_t promised = 0;  ///< the index of what the host was promised last
    std::size_t position = 0;
};
using Histories = std::map<std::string, History>;

enum class Op : std::uint8_t {
    open,
    write,     ///< count records
    filemark,  ///< one
    sync,
    locate,  ///< object count
    erase,
    format,
    close,
    store,  ///< waits until the store has all
};

struct Step {
    const char* barcode;
    Op op;
    std::uint32_t count = 0;
};

constexpr auto kA = "TL000AL9";
constexpr auto kB = "TL000BL9";
const std::vector<Step> kScenario = {
    {kA, Op::open},      {kA, Op::write, 9},  {kA, Op::filemark},  {kA, Op::sync},
    {kA, Op::write, 20}, {kA, Op::filemark},  {kB, Op::open},      {kB, Op::write, 5},
    {kB, Op::sync},      {kA, Op::close},     {kA, Op::store},     {kB, Op::write, 9},
    {kA, Op::open},      {kA, Op::locate, 4}, {kA, Op::write, 10}, {kA, Op::sync},
    {kA, Op::store},     {kB, Op::filemark},  {kB, Op::close},     {kB, Op::store},
    {kA, Op::write, 8},  {kA, Op::close},     {kA, Op::open},      {kA, Op::format},
    {kA, Op::write, 7},  {kA, Op::filemark},  {kA, Op::sync},      {kA, Op::close},
    {kA, Op::store},     {kB, Op::open},      {kB, Op::locate, 6}, {kB, Op::erase},
    {kB, Op::write, 9},  {kB, Op::close},     {kB, Op::store},
};

/// One run of the scenario up to the end of the store.
class EndedDaemon {
  public:
    EndedDaemon(bool cloud, std::size_t end_at, bool happens) {
        WorldSettings settings;
        settings.cloud = cloud;
        settings.limits.length = 16UL * 1024;
        settings.store.best_object_size = 256UL * 1024;
        settings.tick = std::chrono::hours(1);
        settings.one_thread = true;
        settings.overlay = [&](std::shared_ptr<MemoryStore> memory) {
            store_ = std::make_shared<EndingStore>(
                std::move(memory), EndingStore::End{end_at, happens, [this] { keep_all(); }});
            return store_;
        };
        {
            const std::lock_guard lock(mutex_);  // its archive begins with calls at once
            world_ = std::make_unique<ArchiveWorld>(std::move(settings));
        }
        for (const auto* barcode : {kA, kB}) {
            cartridges_[barcode] = world_->add_cartridge(barcode);
            const std::lock_guard lock(mutex_);
            histories_[barcode];
        }
        for (const auto& step : kScenario) {
            if (store_->ended() || testing::Test::HasFatalFailure()) {
                break;
            }
            run(step);
        }
        tapes_.clear();
        world_->stop();
    }

    [[nodiscard]] std::size_t calls() const { return store_->calls(); }
    [[nodiscard]] bool ended() const { return store_->ended(); }
    [[nodiscard]] const Histories& at_the_end() const { return kept_; }
    [[nodiscard]] const MemoryStore::Objects& objects() const { return objects_; }

    /// The daemon starts on what the machine had when it ended.
    ArchiveWorld& restart() {
        store_->heal();
        world_->memory->set_objects(objects_);
        world_->state = kept_state();
        world_->start();
        return *world_;
    }

  private:
    [[nodiscard]] std::filesystem::path kept_state() const {
        return world_->directory.path() / "kept";
    }

    void keep_all() {
        const std::lock_guard lock(mutex_);
        kept_ = histories_;
        objects_ = world_->memory->objects();
        std::filesystem::copy(world_->state, kept_state(),
                              std::filesystem::copy_options::recursive);
    }

    void run(const Step& step) {
        auto& tape = tapes_[step.barcode];
        switch (step.op) {
            case Op::open:
                tape = world_->open(cartridges_.at(step.barcode));
                histories_.at(step.barcode).position = 0;
                return;
            case Op::write:
                for (std::uint32_t i = 0; i < step.count && !store_->ended(); ++i) {
                    append(step.barcode, ++last_record_);
                    static_cast<void>(
                        world_->run(tape->write(Buffer::copy_of(record_of(last_record_)))));
                }
                return;
            case Op::filemark:
                append(step.barcode, 0);
                static_cast<void>(world_->run(tape->write_filemarks(1)));
                return;
            case Op::sync:
                promise(step.barcode, world_->run(tape->sync()).has_value());
                return;
            case Op::locate:
                static_cast<void>(world_->run(tape->locate_object(step.count)));
                histories_.at(step.barcode).position = step.count;
                return;
            case Op::erase:
                cut(step.barcode);
                static_cast<void>(world_->run(tape->erase_to_end()));
                return;
            case Op::format:
                histories_.at(step.barcode).position = 0;
                cut(step.barcode);
                static_cast<void>(world_->run(tape->format({18'000'000'000'000})));
                return;
            case Op::close:
                promise(step.barcode, world_->run(tape->close()).has_value());
                tape.reset();
                return;
            case Op::store:
                static_cast<void>(
                    world_->run(world_->archive->store_all(cartridges_.at(step.barcode).id)));
        }
    }

    void cut(const std::string& barcode) {
        const std::lock_guard lock(mutex_);
        auto& history = histories_.at(barcode);
        if (history.position != history.states.back().size()) {
            auto content = history.states.back();
            content.resize(history.position);
            history.states.push_back(std::move(content));
        }
    }
    void append(const std::string& barcode, std::uint32_t object) {
        cut(barcode);
        const std::lock_guard lock(mutex_);
        auto& history = histories_.at(barcode);
        auto content = history.states.back();
        content.push_back(object);
        history.states.push_back(std::move(content));
        ++history.position;
    }
    void promise(const std::string& barcode, bool given) {
        const std::lock_guard lock(mutex_);
        EXPECT_TRUE(given || store_->ended());
        if (given) {
            auto& history = histories_.at(barcode);
            history.promised = history.states.size() - 1;
        }
    }

    std::mutex mutex_;  ///< for the next three, and for world_ until it is there
    Histories histories_;
    Histories kept_;
    MemoryStore::Objects objects_;
    std::shared_ptr<EndingStore> store_;
    std::unique_ptr<ArchiveWorld> world_;
    std::map<std::string, CartridgeRecord> cartridges_;
    std::map<std::string, std::unique_ptr<Tape>> tapes_;
    std::uint32_t last_record_ = 0;
};

bool is_prefix(const Content& part, const Content& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

bool is_since_promise(const History& history, const Content& content) {
    return std::find(history.states.begin() + static_cast<std::ptrdiff_t>(history.promised),
                     history.states.end(), content) != history.states.end();
}

bool is_of(const History& history, const Content& content) {
    return std::ranges::any_of(
        history.states, [&content](const Content& state) { return is_prefix(content, state); });
}

std::map<std::string, Content> read_all(ArchiveWorld& world) {
    std::map<std::string, Content> contents;
    const auto cartridges = world.catalog->all_cartridges();
    for (const auto& cartridge : *cartridges) {
        contents[cartridge.barcode] = content_of(world.read_tape(cartridge));
    }
    return contents;
}

/// What an empty machine makes of the store.
std::map<std::string, Content> rebuild(const MemoryStore::Objects& objects) {
    WorldSettings settings;
    settings.tick = std::chrono::hours(1);
    settings.one_thread = true;
    settings.objects = objects;
    ArchiveWorld world(std::move(settings));
    if (!world.recovered) {
        EXPECT_EQ(world.recovery_error->code, Errc::not_found) << world.recovery_error->message;
        return {};
    }
    for (const auto& unreadable : world.recovered->unreadable) {
        ADD_FAILURE() << unreadable.cartridge.barcode << ": " << unreadable.error.message;
    }
    for (const auto& finding : world.recovered->findings) {
        // The first object of a stream is stored before its head.
        EXPECT_EQ(finding.what, "is missing") << finding.object;
        EXPECT_TRUE(finding.object.starts_with("head/")) << finding.object;
    }
    return read_all(world);
}

void check_the_store_alone(const EndedDaemon& run, bool cloud) {
    auto contents = rebuild(run.objects());
    for (const auto& [barcode, history] : run.at_the_end()) {
        SCOPED_TRACE("the store alone, " + barcode);
        const auto& content = contents[barcode];  // blank, where it is not there
        EXPECT_TRUE(is_of(history, content)) << testing::PrintToString(content);
        EXPECT_TRUE(!cloud || is_since_promise(history, content))
            << testing::PrintToString(content) << " promised "
            << testing::PrintToString(history.states[history.promised]);
    }
}

void check_the_machine(EndedDaemon& run) {
    auto& world = run.restart();
    auto contents = read_all(world);
    for (const auto& [barcode, history] : run.at_the_end()) {
        SCOPED_TRACE("the machine, " + barcode);
        EXPECT_TRUE(is_since_promise(history, contents[barcode]))
            << testing::PrintToString(contents[barcode]) << " promised "
            << testing::PrintToString(history.states[history.promised]);
    }
    const auto cartridges = world.catalog->all_cartridges();
    for (const auto& cartridge : *cartridges) {
        auto tape = world.open(cartridge);
        auto& content = contents[cartridge.barcode];
        ASSERT_TRUE(world.run(tape->locate_object(content.size() / 2)).has_value());
        content.resize(content.size() / 2);
        for (std::uint32_t number = 1000; number < 1006; ++number) {
            content.push_back(number);
            world.write(*tape, {record_of(number)});
        }
        ASSERT_TRUE(world.run(tape->close()).has_value());
        tape.reset();
        world.store_all(cartridge);
    }
    EXPECT_EQ(read_all(world), contents);
    EXPECT_EQ(world.bytes_in_spool(), 0U);
    world.stop();
    EXPECT_EQ(rebuild(world.memory->objects()), contents) << "rebuilt, after it went on";
}

/// Cloud, and whether the last call happens.
using Case = std::tuple<bool, bool>;

class ArchiveCrash : public testing::TestWithParam<Case> {};

/// Every fourth call, from one on that differs from run to run; with TAPELOFT_TEST_SOAK each of
/// them.
TEST_P(ArchiveCrash, AtAnyCallOfTheStoreKeepsPromisesAndTheLibrary) {
    const auto [cloud, happens] = GetParam();
    const auto calls = EndedDaemon(cloud, 0, false).calls();
    ASSERT_GT(calls, 40U);
    const std::size_t step = std::getenv("TAPELOFT_TEST_SOAK") != nullptr ? 1 : 4;
    const std::size_t first = 1 + std::random_device{}() % step;
    for (auto at = first; at <= calls && !HasFailure(); at += step) {
        SCOPED_TRACE("call " + std::to_string(at) + " of " + std::to_string(calls));
        EndedDaemon run(cloud, at, happens);
        if (run.ended()) {
            check_the_store_alone(run, cloud);
            check_the_machine(run);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(With, ArchiveCrash, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const testing::TestParamInfo<Case>& with) {
                             return std::string(std::get<0>(with.param) ? "Cloud" : "Local") +
                                    (std::get<1>(with.param) ? "Done" : "Undone");
                         });

}  // namespace
}  // namespace tapeloft::media
