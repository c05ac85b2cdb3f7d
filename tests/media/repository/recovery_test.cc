// A library out of its bucket: all of it, or a clear word about what is not.
#include "media/repository/recovery.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"

#include "media/repository/catalog_target.h"
#include "media/repository/repository.h"

#include "tests/media/log/cartridge_model.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kCartridges = 60;

/// Keeps what it is given, and holds the recovery to the order of calls.
class KeptLibrary final : public RecoveryTarget {
  public:
    struct Kept {
        CartridgeState state;
        StreamHead head;
    };

    Result<void> add_library(const LibraryState& added, const StreamId& /*stream*/,
                             const StreamHead& /*head*/) override {
        EXPECT_EQ(libraries++, 0);
        library = added;
        return {};
    }
    Result<void> add_packs(std::span<const PackContents> added, const StreamId& /*index*/,
                           const StreamHead& /*head*/) override {
        EXPECT_EQ(libraries, 1);
        EXPECT_TRUE(cartridges.empty());
        packs.insert(packs.end(), added.begin(), added.end());
        return {};
    }
    Result<void> add_cartridge(const RecoveredCartridge& cartridge) override {
        EXPECT_FALSE(finished);
        const auto& record = cartridge.state().record;
        EXPECT_EQ(record.library, library.name);
        if (refuse && record.barcode == refused) {
            return *refuse;
        }
        const bool free = record.element.kind == ElementKind::outside ||
                          elements.insert({record.element.kind, record.element.index}).second;
        EXPECT_TRUE(free) << record.barcode;
        if (check) {
            check(cartridge);
        }
        cartridges[record.barcode] = {cartridge.state(), cartridge.head()};
        return {};
    }
    Result<void> finish() override {
        EXPECT_FALSE(finished);
        finished = true;
        return {};
    }

    std::string refused;  ///< barcode
    std::optional<Error> refuse;
    std::function<void(const RecoveredCartridge&)> check;
    int libraries = 0;
    bool finished = false;
    LibraryState library;
    std::vector<PackContents> packs;
    std::map<std::string, Kept> cartridges;
    std::set<std::pair<ElementKind, std::uint32_t>> elements;
};

class RecoveryTest : public testing::Test {
  protected:
    void SetUp() override {
        const auto seed = std::random_device()();
        RecordProperty("seed", std::to_string(seed));
        random_.seed(seed);
        ASSERT_TRUE(world_.run(create_repository(*world_.store, world_.keys)));
        write_index();
        library_.name = "default";
        library_.properties = {{"serial", "TL77"}};
        library_.values = {{"lu/TL77", {"prevent", {1}}}};
        for (std::size_t i = 0; i < kCartridges; ++i) {
            write_cartridge(i);
        }
        write(world_.keys.library_stream(), LogKind::delta, {encode(library_)});
    }

    StreamHead write(const StreamId& stream, LogKind kind, std::vector<LogEntry> entries) {
        LogWriter writer(*world_.store, world_.keys, stream, heads_[stream]);
        EXPECT_TRUE(world_.run(writer.append(kind, std::move(entries))));
        return heads_[stream] = writer.head();
    }
    void write_index() {
        for (std::uint8_t id = 1; id <= 200; ++id) {
            packs_.push_back(test_pack(id, {id, static_cast<std::uint8_t>(id / 2)}));
            write(world_.keys.index_stream(), LogKind::delta, {encode(packs_.back())});
        }
        write(world_.keys.index_stream(), LogKind::delta, {encode_removed(packs_[7].id)});
        packs_.erase(packs_.begin() + 7);
    }
    void write_cartridge(std::size_t i) {
        StreamId stream{};
        stream[0] = 0xCA;
        stream[15] = static_cast<std::uint8_t>(i);
        auto& model = models_[stream];
        model.state = test_state("TL" + std::to_string(1000 + i) + "L9");
        model.state.record.element = {ElementKind::storage, static_cast<std::uint32_t>(i)};
        write(stream, LogKind::delta, {encode(model.state)});
        for (auto objects = random_() % 8; objects != 0; --objects) {
            std::vector<LogEntry> entries;
            if (random_() % 6 == 0) {
                entries.push_back(model.format(random_));
            }
            entries.push_back(model.truncate(random_));
            entries.push_back(model.append(random_));
            write(stream, LogKind::delta, entries);
        }
        const auto& record = model.state.record;
        library_.cartridges.push_back({stream, record.barcode, record.medium_serial});
    }

    Result<RecoveryReport> recover(KeptLibrary& target) {
        return world_.run(recover_library(*world_.store, world_.keys, target,
                                          world_.loop.executor(),
                                          [this](const RecoveryProgress& progress) {
                                              EXPECT_EQ(progress.cartridges, kCartridges);
                                              EXPECT_EQ(progress.cartridges_done, ++done_);
                                          }));
    }
    [[nodiscard]] const StreamId& stream(std::size_t i) const {
        return library_.cartridges[i].stream;
    }

    LogWorld world_;
    std::mt19937_64 random_;
    LibraryState library_;
    std::vector<PackContents> packs_;
    std::map<StreamId, CartridgeModel> models_;
    std::map<StreamId, StreamHead> heads_;
    std::size_t done_ = 0;
};

TEST_F(RecoveryTest, GivesBackAllThatTheLibraryWas) {
    auto faulty = std::make_shared<FaultyStore>(world_.memory, 1, FaultRates{.turns_max = 5});
    world_.store = faulty;
    KeptLibrary target;
    std::size_t segments = 0;
    target.check = [&](const RecoveredCartridge& cartridge) {
        CartridgeReplay replay;
        replay.state = cartridge.state();
        replay.capacities = cartridge.capacities();
        replay.segments = cartridge.segments();
        segments += replay.segments.size();
        const auto log = world_.memory->objects();
        EXPECT_TRUE(log.contains(head_name(cartridge.stream())));
        const auto& model = models_.at(cartridge.stream());
        std::size_t next = 0;
        for (const auto& partition : model.partitions) {
            for (const auto& segment : partition) {
                ASSERT_LT(next, replay.segments.size());
                EXPECT_EQ(replay.segments[next].segment.number, segment.number);
                EXPECT_EQ(replay.segments[next].segment.object_count, segment.objects.size());
                EXPECT_TRUE(replay.segments[next].segment.sealed);
                const auto map = cartridge.map(replay.segments[next++]);
                ASSERT_TRUE(map);
                EXPECT_EQ(*map, segment.map);
            }
        }
        EXPECT_EQ(next, replay.segments.size());
        EXPECT_EQ(replay.capacities, model.capacities);
        EXPECT_EQ(encode(replay.state), encode(model.state));
        EXPECT_EQ(cartridge.head(), heads_.at(cartridge.stream()));
    };
    const auto report = recover(target);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(target.finished);
    EXPECT_EQ(report->library, "default");
    EXPECT_EQ(report->cartridges, kCartridges);
    EXPECT_EQ(report->segments, segments);
    EXPECT_EQ(report->packs, packs_.size());
    EXPECT_TRUE(report->findings.empty());
    EXPECT_TRUE(report->unreadable.empty());
    EXPECT_EQ(target.packs, packs_);
    EXPECT_EQ(encode(target.library), encode(library_));
    EXPECT_EQ(target.cartridges.size(), kCartridges);
    EXPECT_EQ(done_, kCartridges);
    EXPECT_EQ(faulty->calls(StoreCall::list), kCartridges + 2) << "one for each stream";
}

TEST_F(RecoveryTest, MakesACatalogThatSaysWhatTheLogsSay) {
    const tests::TemporaryDirectory directory;
    auto catalog = Catalog::open(directory.path() / "catalog.sqlite");
    ASSERT_TRUE(catalog) << catalog.error().message;
    auto& archive = (*catalog)->archive();
    CatalogTarget target(archive);
    const auto report =
        world_.run(recover_library(*world_.store, world_.keys, target, world_.loop.executor(),
                                   [](const RecoveryProgress&) {}));
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_TRUE(report->unreadable.empty()) << report->unreadable[0].error.message;

    const auto state = archive.library_state("default");
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->state.cartridges.size(), kCartridges);
    for (const auto& [stream, head] : heads_) {
        EXPECT_EQ(*archive.head(stream), head);
    }
    const auto cartridges = (*catalog)->cartridges("default");
    ASSERT_TRUE(cartridges);
    ASSERT_EQ(cartridges->size(), kCartridges);
    for (std::size_t i = 0; i < kCartridges; ++i) {
        const auto& record = (*cartridges)[i];
        const auto& model = models_.at(*archive.stream_of(record.id));
        EXPECT_EQ(record.barcode, model.state.record.barcode);
        EXPECT_EQ(record.element, model.state.record.element);
        EXPECT_EQ(*(*catalog)->partitions(record.id), model.capacities);
        std::size_t segments = 0;
        for (const auto& partition : model.partitions) {
            for (const auto& segment : partition) {
                const auto map = archive.segment_map(record.id, segment.number);
                ASSERT_TRUE(map) << map.error().message;
                EXPECT_EQ(*map, segment.map);
                ++segments;
            }
        }
        EXPECT_EQ(archive.checkpoint_facts(record.id)->segments.size(), segments);
    }
    EXPECT_TRUE(archive.cartridges_with_work("default")->empty());
    EXPECT_EQ(archive.packs("default")->size(), packs_.size());
    const std::vector<Fingerprint> wanted = {packs_[0].chunks[0].fingerprint};
    const auto found = archive.find_chunks(wanted);
    ASSERT_TRUE(found && (*found)[0]);
    EXPECT_EQ((*found)[0]->pack, packs_[2].id) << "the last of packs 1, 2 and 3, which have it";
}

TEST_F(RecoveryTest, NeedsNoPackAndNoHead) {
    for (const auto& [stream, head] : heads_) {
        world_.remove(head_name(stream));
    }
    KeptLibrary target;
    const auto report = recover(target);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->cartridges, kCartridges);
    EXPECT_EQ(report->findings.size(), heads_.size());
}

TEST_F(RecoveryTest, NamesCartridgesThatCannotBeReadAndGivesBackTheOthers) {
    auto damaged = world_.bytes_of(log_name(stream(3), 1));
    damaged[60] ^= 1;
    world_.set(log_name(stream(3), 1), damaged);
    for (std::uint64_t i = 1; i <= heads_[stream(9)].sequence; ++i) {
        world_.remove(log_name(stream(9), i));
    }
    world_.remove(head_name(stream(9)));
    KeptLibrary target;
    target.refused = library_.cartridges[5].barcode;
    target.refuse = Error{Errc::corrupt, "a chunk is not in the index"};
    const auto report = recover(target);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(target.finished);
    EXPECT_EQ(report->cartridges, kCartridges - 3);
    ASSERT_EQ(report->unreadable.size(), 3U);
    EXPECT_EQ(report->unreadable[0].cartridge.barcode, library_.cartridges[3].barcode);
    EXPECT_NE(report->unreadable[0].error.message.find(log_name(stream(3), 1)), std::string::npos);
    EXPECT_EQ(report->unreadable[1].cartridge.barcode, library_.cartridges[5].barcode);
    EXPECT_EQ(report->unreadable[2].cartridge.barcode, library_.cartridges[9].barcode);
    EXPECT_NE(report->unreadable[2].error.message.find("removed"), std::string::npos);
}

TEST_F(RecoveryTest, AStreamUnderAnotherCartridgesNameIsRefused) {
    std::swap(library_.cartridges[0].stream, library_.cartridges[1].stream);
    write(world_.keys.library_stream(), LogKind::delta, {encode(library_)});
    KeptLibrary target;
    const auto report = recover(target);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->unreadable.size(), 2U);
}

TEST_F(RecoveryTest, ACartridgeThatWasDeletedDoesNotComeBack) {
    write(stream(4), LogKind::delta, {encode_cartridge_removed()});
    KeptLibrary target;
    const auto report = recover(target);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->cartridges, kCartridges - 1);
    EXPECT_TRUE(report->unreadable.empty());
    EXPECT_FALSE(target.cartridges.contains(library_.cartridges[4].barcode));
}

TEST_F(RecoveryTest, TwoCartridgesThatClaimOneElementArePutApart) {
    auto state = models_[stream(7)].state;
    state.record.element = {ElementKind::storage, 6};
    state.record.source = Element{ElementKind::import_export, 2};
    write(stream(7), LogKind::delta, {encode(state)});
    state = models_[stream(8)].state;
    state.record.element = {ElementKind::storage, 6};
    state.record.source = Element{ElementKind::storage, 5};
    write(stream(8), LogKind::delta, {encode(state)});
    KeptLibrary target;
    const auto report = recover(target);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->cartridges, kCartridges);
    ASSERT_EQ(report->findings.size(), 2U);
    EXPECT_EQ(report->findings[0].object, library_.cartridges[7].barcode);
    EXPECT_EQ(target.cartridges[library_.cartridges[7].barcode].state.record.element,
              (Element{ElementKind::import_export, 2}));
    EXPECT_EQ(target.cartridges[library_.cartridges[8].barcode].state.record.element, kOutside);
}

TEST_F(RecoveryTest, AnIndexThatIsDamagedEndsIt) {
    world_.remove(log_name(world_.keys.index_stream(), 100));
    KeptLibrary target;
    const auto report = recover(target);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::corrupt);
    EXPECT_NE(report.error().message.find(log_name(world_.keys.index_stream(), 100)),
              std::string::npos);
    EXPECT_FALSE(target.finished);
}

TEST_F(RecoveryTest, AWrongKeyOrAnEmptyStoreReadsNothing) {
    world_.keys =
        KeyRing(SecretKey(counting<std::array<std::uint8_t, 32>>(1)), world_.keys.repository());
    KeptLibrary target;
    EXPECT_EQ(recover(target).error().code, Errc::denied);
    world_.memory->set_objects({});
    EXPECT_EQ(recover(target).error().code, Errc::not_found);
    EXPECT_EQ(target.libraries, 0);
}

TEST_F(RecoveryTest, AnErrorOfTheStoreOrTheTargetEndsItAndAnotherTryGoesThrough) {
    auto faulty = std::make_shared<FaultyStore>(world_.memory, 1);
    world_.store = faulty;
    faulty->script(StoreCall::get, 400, Fault::before);
    KeptLibrary first;
    EXPECT_EQ(recover(first).error().code, Errc::transient);
    EXPECT_FALSE(first.finished);
    KeptLibrary second;
    second.refused = library_.cartridges[20].barcode;
    second.refuse = Error{Errc::no_space, "the disk is full"};
    done_ = 0;
    EXPECT_EQ(recover(second).error().code, Errc::no_space);
    EXPECT_FALSE(second.finished);
    KeptLibrary third;
    done_ = 0;
    EXPECT_TRUE(recover(third));
}

}  // namespace
}  // namespace tapeloft::media
