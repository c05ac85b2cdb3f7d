// Random histories of cartridges and of an index, with checkpoints, removals, lost answers and
// crashes: what is read back is what happened.
#include <set>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"

#include "media/log/checkpoint.h"

#include "tests/media/log/cartridge_model.h"

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kHistories = 5000;
constexpr std::uint64_t kShards = 5;

/// A cartridge, its log and an archiver that may crash.
class CartridgeHistory {
  public:
    explicit CartridgeHistory(std::uint64_t seed)
        : random_(seed), faulty_(std::make_shared<FaultyStore>(world_.memory, seed)) {
        world_.store = faulty_;
    }

    void run() {
        ASSERT_TRUE(world_.append(LogKind::delta, {encode(model_.state)}));
        for (auto steps = random_() % 14; steps != 0 && !model_.removed; --steps) {
            step();
            if (testing::Test::HasFatalFailure()) {
                return;
            }
        }
        expect_readable();
    }

  private:
    void step() {
        const auto choice = random_() % 10;
        if (choice == 0) {
            checkpoint();
        } else if (choice == 1) {
            crash();
        } else if (choice == 2 && random_() % 8 == 0) {
            model_.removed = true;
            append({encode_cartridge_removed()});
        } else {
            append(changes_and_segments());
        }
    }

    LogEntry change() {
        switch (random_() % 6) {
            case 0:
                return model_.format(random_);
            case 1:
            case 2:
                return model_.change_state(random_);
            default:
                return model_.truncate(random_);
        }
    }
    std::vector<LogEntry> changes_and_segments() {
        std::vector<LogEntry> entries;
        for (auto count = random_() % 3; count != 0; --count) {
            entries.push_back(change());
        }
        for (auto count = random_() % 4; count != 0; --count) {
            entries.push_back(model_.append(random_));
            if (random_() % 8 == 0) {
                entries.push_back(change());
            }
        }
        return entries;
    }

    /// Now and then an answer is lost, and the same is done again.
    void append(const std::vector<LogEntry>& entries, LogKind kind = LogKind::delta) {
        if (random_() % 8 == 0) {
            faulty_->script(StoreCall::put, 1 + random_() % 2,
                            random_() % 2 == 0 ? Fault::before : Fault::after);
            ASSERT_FALSE(world_.append(kind, entries));
        }
        const auto appended = world_.append(kind, entries);
        ASSERT_TRUE(appended) << appended.error().message;
    }

    void checkpoint() {
        const auto log = world_.read(world_.head);
        ASSERT_TRUE(log) << log.error().message;
        const auto checkpoint = cartridge_checkpoint(*log);
        ASSERT_TRUE(checkpoint) << checkpoint.error().message;
        append(checkpoint->entries, LogKind::checkpoint);
        for (const auto sequence : checkpoint->obsolete) {
            if (random_() % 8 != 0) {  // a crash leaves some
                world_.remove(world_.name(sequence));
            }
        }
    }

    /// The object is stored, perhaps its head, but the catalog does not know. After the start the
    /// object that follows says all of it again, as the catalog has it (README.md).
    void crash() {
        const auto known = world_.head;
        std::vector<LogEntry> entries;
        for (auto count = random_() % 3; count != 0; --count) {
            entries.push_back(change());
        }
        const bool formatted =
            std::any_of(entries.begin(), entries.end(),
                        [](const LogEntry& entry) { return entry.type == LogEntryType::format; });
        const auto before_segments = model_;
        for (auto count = random_() % 3; count != 0; --count) {
            entries.push_back(model_.append(random_));
        }
        if (random_() % 2 == 0) {
            faulty_->script(StoreCall::put, 2, Fault::before);
            ASSERT_FALSE(world_.append(LogKind::delta, entries));
        } else {
            append(entries);
        }
        const auto tail = world_.adopt(known);
        ASSERT_TRUE(tail) << tail.error().message;
        ASSERT_EQ(tail->objects.size(), 1U);
        ASSERT_EQ(tail->objects[0].object.entries, entries);
        world_.head = tail->head;
        append(said_again(before_segments, formatted));
    }

    std::vector<LogEntry> said_again(CartridgeModel before_segments, bool formatted) {
        std::vector<LogEntry> entries = {encode(model_.state)};
        if (formatted) {
            entries.push_back(encode_format(model_.capacities));
            before_segments.partitions = {};  // said again from the start of each partition
        }
        for (std::uint32_t p = 0; p < model_.partition_count(); ++p) {
            entries.push_back(encode(Truncation{p, before_segments.end(p)}));
        }
        for (std::uint32_t p = 0; p < model_.partition_count(); ++p) {
            auto i = before_segments.partitions[p].size();
            for (; i < model_.partitions[p].size(); ++i) {
                entries.push_back(model_.append_again(p, i));
            }
        }
        return entries;
    }

    void expect_readable() {
        const auto log = world_.read(world_.head);
        ASSERT_TRUE(log) << log.error().message;
        EXPECT_TRUE(log->findings.empty());
        const auto replay = replay_cartridge(*log);
        ASSERT_TRUE(replay) << replay.error().message;
        model_.expect_equal(*log, *replay);
    }

    std::mt19937_64 random_;
    LogWorld world_;
    std::shared_ptr<FaultyStore> faulty_;
    CartridgeModel model_;
};

class CartridgeHistories : public testing::TestWithParam<std::uint64_t> {};

TEST_P(CartridgeHistories, AreReadBackAsTheyHappened) {
    const std::uint64_t first = std::random_device()();
    for (std::uint64_t seed = first; seed < first + kHistories / kShards; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        CartridgeHistory(seed).run();
        if (HasFatalFailure()) {
            return;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(FiveThousand, CartridgeHistories,
                         testing::Range(std::uint64_t{0}, kShards));

/// Packs that come and go, chunks that several of them have.
class IndexHistory {
  public:
    explicit IndexHistory(std::uint64_t seed) : random_(seed) {}

    void run() {
        append({});
        for (auto steps = random_() % 20; steps != 0; --steps) {
            if (random_() % 8 == 0) {
                checkpoint();
            } else {
                append(packs_come_and_go());
            }
        }
        const auto log = world_.read(world_.head);
        ASSERT_TRUE(log) << log.error().message;
        const auto index = replay_index(*log);
        ASSERT_TRUE(index) << index.error().message;
        expect_packs(*log, *index);
    }

  private:
    std::vector<LogEntry> packs_come_and_go() {
        std::vector<LogEntry> entries;
        for (auto count = random_() % 4; count != 0; --count) {
            std::vector<std::uint8_t> chunks;
            for (auto more = 1 + random_() % 5; more != 0; --more) {
                chunks.push_back(static_cast<std::uint8_t>(random_() % 40));
            }
            packs_.push_back(test_pack(next_id_++, chunks));
            entries.push_back(encode(packs_.back()));
        }
        for (auto count = random_() % 3; count != 0 && !packs_.empty(); --count) {
            const auto gone =
                packs_.begin() + static_cast<std::ptrdiff_t>(random_() % packs_.size());
            entries.push_back(encode_removed(gone->id));
            if (random_() % 4 == 0) {
                entries.push_back(encode_removed(gone->id));  // said again after a crash
            }
            packs_.erase(gone);
        }
        return entries;
    }
    void append(std::vector<LogEntry> entries, LogKind kind = LogKind::delta) {
        ASSERT_TRUE(world_.append(kind, std::move(entries)));
    }
    void checkpoint() {
        const auto log = world_.read(world_.head);
        ASSERT_TRUE(log) << log.error().message;
        const auto checkpoint = index_checkpoint(*log);
        ASSERT_TRUE(checkpoint) << checkpoint.error().message;
        append(checkpoint->entries, LogKind::checkpoint);
        for (const auto sequence : checkpoint->obsolete) {
            world_.remove(world_.name(sequence));
        }
    }
    void expect_packs(const LogContents& log, const IndexReplay& index) {
        ASSERT_EQ(index.packs.size(), packs_.size());
        std::map<Fingerprint, PackId> places;
        for (std::size_t i = 0; i < packs_.size(); ++i) {
            const auto pack = pack_at(log, index.packs[i]);
            ASSERT_TRUE(pack);
            EXPECT_EQ(*pack, packs_[i]);
            for (const auto& chunk : packs_[i].chunks) {
                places[chunk.fingerprint] = packs_[i].id;
            }
        }
        const auto chunks = locate_chunks(log, index);
        ASSERT_TRUE(chunks);
        ASSERT_EQ(chunks->size(), places.size());
        for (const auto& [fingerprint, location] : *chunks) {
            EXPECT_EQ(location.pack, places.at(fingerprint));
            EXPECT_EQ(location.chunk.fingerprint, fingerprint);
        }
    }

    std::mt19937_64 random_;
    LogWorld world_;
    std::vector<PackContents> packs_;
    std::uint8_t next_id_ = 1;
};

TEST(IndexHistories, AreReadBackAsTheyHappened) {
    const std::uint64_t first = std::random_device()();
    for (std::uint64_t seed = first; seed < first + 500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        IndexHistory(seed).run();
        if (HasFatalFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
