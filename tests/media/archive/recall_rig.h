// Tapes put into a store by hand, and read back.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"

#include "media/archive/recall.h"
#include "media/pack/pack_writer.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/cloud/store/store_world.h"
#include "tests/media/archive/fake_archive_catalog.h"
#include "tests/media/chunk/model_segment.h"

namespace tapeloft::media {

/// Counts what is fetched.
class CountingStore final : public ForwardingStore {
  public:
    explicit CountingStore(std::shared_ptr<ObjectStore> store)
        : ForwardingStore(std::move(store)) {}

    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        ++gets;
        bytes += range.length.value_or(0);
        const auto now = ++under_way;
        for (auto most = most_under_way.load();
             now > most && !most_under_way.compare_exchange_weak(most, now);) {
        }
        auto got = co_await store().get(std::move(name), range);
        --under_way;
        co_return got;
    }

    std::atomic<std::uint64_t> gets = 0;
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<std::uint64_t> under_way = 0;
    std::atomic<std::uint64_t> most_under_way = 0;
};

/// A record of a tape, and where it is.
struct StoredPlace {
    std::uint64_t segment = 0;
    std::uint64_t object = 0;
    const ModelFrame* frame = nullptr;
};

struct RigOptions {
    std::size_t chunk_max = 20'000;
    std::size_t pack_capacity = 200'000;
    int level = 1;
    StoreCapabilities capabilities = {.put_if_absent = true};
};

class RecallRig {
  public:
    using Options = RigOptions;

    explicit RecallRig(RigOptions options = {}, FaultRates rates = {}, std::uint64_t seed = 1)
        : options_(options),
          memory(std::make_shared<MemoryStore>(options.capabilities)),
          faulty(std::make_shared<FaultyStore>(memory, seed, rates)),
          store(faulty) {}

    /// Puts a tape into the store, its segments numbered from 1; chunks go on over their borders.
    void put_tape(CartridgeId cartridge, const std::vector<ModelSegment>& tape,
                  std::mt19937_64& random) {
        Bytes payload;
        std::vector<std::size_t> ends;
        for (const auto& segment : tape) {
            for (const auto& frame : segment) {
                if (frame.kind == RunKind::records) {
                    const auto part = frame.payload();
                    payload.insert(payload.end(), part.begin(), part.end());
                }
            }
            ends.push_back(payload.size());
        }
        const auto refs = put_chunks(payload, random);
        std::size_t begin = 0;
        for (std::size_t i = 0; i < tape.size(); ++i) {
            put_map({cartridge, i + 1}, tape[i], begin, ends[i], refs);
            begin = ends[i];
        }
    }

    [[nodiscard]] static std::vector<StoredPlace> places(const std::vector<ModelSegment>& tape) {
        std::vector<StoredPlace> places;
        for (std::size_t i = 0; i < tape.size(); ++i) {
            std::uint64_t object = 0;
            for (const auto& frame : tape[i]) {
                if (frame.kind == RunKind::records) {
                    places.push_back({i + 1, object, &frame});
                }
                object += frame.count;
            }
        }
        return places;
    }

    [[nodiscard]] RecallContext context() {
        return {store,
                catalog,
                keys,
                loop.executor(),
                loop.executor(),
                cache.get(),
                [this](CartridgeId, std::uint64_t segment, std::uint64_t object,
                       const std::string& what) {
                    damaged.emplace(segment, object);
                    last_damage = what;
                },
                limits};
    }
    [[nodiscard]] std::unique_ptr<StoredReader> open(CartridgeId cartridge) {
        return Recall(context()).open(cartridge);
    }

    /// The segments behind one of a tape of `segments`.
    [[nodiscard]] static std::vector<std::uint64_t> behind(std::uint64_t segment,
                                                           std::size_t segments) {
        std::vector<std::uint64_t> numbers;
        while (segment < segments) {
            numbers.push_back(++segment);
        }
        return numbers;
    }

    Result<StoredRecord> read(StoredReader& reader, const StoredPlace& place,
                              std::vector<std::uint64_t> following = {}) {
        return loop.run(reader.read(place.segment, place.object, std::move(following)));
    }
    void expect_read(StoredReader& reader, const StoredPlace& place,
                     std::vector<std::uint64_t> following = {}) {
        const auto record = read(reader, place, std::move(following));
        ASSERT_TRUE(record.has_value()) << record.error().message;
        EXPECT_TRUE(std::ranges::equal(record->bytes.view(), place.frame->record));
        EXPECT_EQ(record->encoding, place.frame->encoding);
    }

    /// Changes a stored byte.
    void flip(const PackId& pack, std::size_t offset) {
        auto objects = memory->objects();
        auto copy = Buffer::copy_of(objects.at(pack_name(pack)).view());
        copy.mutable_view()[offset] = static_cast<std::uint8_t>(copy.mutable_view()[offset] ^ 0x10);
        objects[pack_name(pack)] = copy;
        memory->set_objects(std::move(objects));
    }

  private:
    RigOptions options_;

  public:
    std::shared_ptr<MemoryStore> memory;
    std::shared_ptr<FaultyStore> faulty;
    CountingStore store;
    FakeArchiveCatalog catalog;
    KeyRing keys{SecretKey(Bytes(SecretKey::kSize, 0x5A)), RepositoryId{1, 2, 3}};
    std::unique_ptr<RangeCache> cache;
    RecallLimits limits;
    tests::StoreLoop loop;
    std::set<std::pair<std::uint64_t, std::uint64_t>> damaged;
    std::string last_damage;

  private:
    struct CutChunk {
        std::size_t begin = 0;
        ChunkRef ref;
    };

    std::vector<CutChunk> put_chunks(const Bytes& payload, std::mt19937_64& random) {
        std::vector<CutChunk> cuts;
        std::optional<PackWriter> writer;
        SampleTrend trend;
        const ByteView all(payload);
        for (std::size_t at = 0; at < payload.size();) {
            const auto size = std::min(payload.size() - at, 1 + random() % options_.chunk_max);
            const auto plain = all.subspan(at, size);
            const auto fingerprint = keys.fingerprint(plain);
            cuts.push_back({at, {fingerprint, static_cast<std::uint32_t>(size)}});
            at += size;
            if (catalog.chunks.contains(fingerprint)) {
                continue;
            }
            if (!writer) {
                auto begun = PackWriter::begin(keys, Buffer::allocate(options_.pack_capacity));
                TL_ASSERT(begun.has_value());
                writer.emplace(std::move(begun).value());
            }
            writer->add(encode_chunk(fingerprint, Buffer::copy_of(plain), options_.level, trend));
            catalog.chunks[fingerprint] = {};  // its place is known at the end
            if (writer->size() >= options_.pack_capacity) {
                put_pack(std::move(*writer));
                writer.reset();
            }
        }
        if (writer) {
            put_pack(std::move(*writer));
        }
        return cuts;
    }

    void put_pack(PackWriter writer) {
        auto pack = std::move(writer).finish();
        for (const auto& chunk : pack.contents.chunks) {
            catalog.chunks[chunk.fingerprint] = {pack.contents.id, chunk};
        }
        const auto put = loop.run(memory->put(pack_name(pack.contents.id), pack.object, {}));
        TL_ASSERT(put.has_value());
    }

    void put_map(std::pair<CartridgeId, std::uint64_t> name, const ModelSegment& segment,
                 std::size_t begin, std::size_t end, const std::vector<CutChunk>& cuts) {
        std::vector<ChunkRef> refs;
        std::uint32_t skip = 0;
        for (const auto& cut : cuts) {
            if (cut.begin >= end || cut.begin + cut.ref.plain_length <= begin || begin == end) {
                continue;
            }
            if (refs.empty()) {
                skip = static_cast<std::uint32_t>(begin - std::min(begin, cut.begin));
            }
            refs.push_back(cut.ref);
        }
        catalog.maps[name] = map_of(segment, skip, std::move(refs)).encode();
    }
};

}  // namespace tapeloft::media
