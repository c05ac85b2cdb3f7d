#include "media/archive/recall.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "tests/media/archive/recall_rig.h"

namespace tapeloft::media {
namespace {

std::vector<ModelSegment> random_segments(std::mt19937_64& random, std::size_t segments,
                                          std::size_t frames) {
    std::vector<ModelSegment> tape;
    for (std::size_t i = 0; i < segments; ++i) {
        tape.push_back(random_segment(random, random() % 10 == 0 ? 0 : 1 + random() % frames));
    }
    return tape;
}

/// Records of one size that share nothing.
std::vector<ModelSegment> plain_tape(std::mt19937_64& random, std::size_t segments,
                                     std::size_t records, std::size_t size) {
    std::vector<ModelSegment> tape(segments);
    for (auto& segment : tape) {
        for (std::size_t i = 0; i < records; ++i) {
            ModelFrame frame;
            frame.record.resize(size);
            std::generate(frame.record.begin(), frame.record.end(),
                          [&random] { return static_cast<std::uint8_t>(random()); });
            segment.push_back(std::move(frame));
        }
    }
    return tape;
}

Awaitable<std::size_t> read_tape(StoredReader* reader, std::vector<StoredPlace> places,
                                 std::size_t segments) {
    std::size_t right = 0;
    for (const auto& place : places) {
        const auto record = co_await reader->read(place.segment, place.object,
                                                  RecallRig::behind(place.segment, segments));
        if (record && std::ranges::equal(record->bytes.view(), place.frame->record) &&
            record->encoding == place.frame->encoding) {
            ++right;
        }
    }
    co_return right;
}

Awaitable<bool> expect_records(StoredReader* reader, StoredPlace first, std::uint64_t records,
                               std::vector<std::uint64_t> following) {
    co_await reader->expect(first.segment, first.object, records, std::move(following));
    co_return true;
}

TEST(Recall, RecordsThatAreExpectedComeTogetherAndNothingBehindThem) {
    std::mt19937_64 random(3);
    const auto tape = plain_tape(random, 3, 40, 1000);
    RecallRig rig({.chunk_max = 1000, .pack_capacity = 1'000'000});
    rig.put_tape(1, tape, random);
    const auto places = RecallRig::places(tape);
    const auto reader = rig.open(1);
    constexpr std::size_t kFirst = 30;  // the last ones are in the next segment
    constexpr std::size_t kCount = 20;
    ASSERT_TRUE(rig.loop.run(
        expect_records(reader.get(), places[kFirst], kCount, RecallRig::behind(1, 3))));
    for (std::size_t i = kFirst; i < kFirst + kCount; ++i) {
        rig.expect_read(*reader, places[i], RecallRig::behind(places[i].segment, 3));
    }
    EXPECT_LE(rig.store.gets, 2U);
    EXPECT_LT(rig.store.bytes, (kCount + 8) * 1100U);
    for (std::size_t i = kFirst + kCount; i < places.size(); ++i) {
        rig.expect_read(*reader, places[i], RecallRig::behind(places[i].segment, 3));
    }
}

TEST(Recall, CutsAreWhereChunksBegin) {
    std::mt19937_64 random(4);
    const auto tape = plain_tape(random, 2, 10, 1000);
    RecallRig rig({.chunk_max = 2500});
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    for (const std::uint64_t segment : {1U, 2U}) {
        const auto cuts = rig.loop.run(reader->cuts(segment));
        ASSERT_TRUE(cuts.has_value()) << cuts.error().message;
        const auto known = rig.loop.run(reader->runs(segment));
        ASSERT_FALSE(cuts->empty());
        for (std::size_t i = 0; i < cuts->size(); ++i) {
            EXPECT_LT((*cuts)[i].record, (*known)->objects());
            EXPECT_LT((*cuts)[i].offset, 1000U);
            EXPECT_TRUE(i == 0 || (*cuts)[i].record * 1000 + (*cuts)[i].offset >
                                      (*cuts)[i - 1].record * 1000 + (*cuts)[i - 1].offset);
        }
    }
}

class RandomTapes : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomTapes, testing::Range(1U, 13U));

TEST_P(RandomTapes, AreReadFromEndToEndByteForByte) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    std::mt19937_64 random(GetParam());
    const auto tape = random_segments(random, 6, 150);
    RecallRig rig({.chunk_max = 1 + random() % 40'000});
    rig.limits = {random() % 300'000, random() % 60'000};
    rig.put_tape(1, tape, random);
    const auto places = RecallRig::places(tape);
    const auto reader = rig.open(1);
    EXPECT_EQ(rig.loop.run(read_tape(reader.get(), places, tape.size())), places.size());
    EXPECT_LE(rig.store.most_under_way, rig.store.capabilities().parallel);
    EXPECT_TRUE(rig.damaged.empty()) << rig.last_damage;
}

TEST_P(RandomTapes, AreReadInAnyOrderWithReadAheadHereAndThere) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    std::mt19937_64 random(GetParam() + 1000);
    const auto tape = random_segments(random, 12, 40);
    RecallRig rig;
    rig.limits = {200'000, 50'000};
    rig.put_tape(1, tape, random);
    const auto places = RecallRig::places(tape);
    ASSERT_FALSE(places.empty());
    const auto reader = rig.open(1);
    for (int jump = 0; jump < 30; ++jump) {
        auto at = random() % places.size();
        for (auto run = random() % 8; run != 0 && at < places.size(); --run, ++at) {
            auto following = random() % 2 == 0 ? RecallRig::behind(places[at].segment, tape.size())
                                               : std::vector<std::uint64_t>();
            rig.expect_read(*reader, places[at], std::move(following));
        }
        if (random() % 5 == 0) {
            reader->forget();
        }
    }
}

TEST_P(RandomTapes, AreReadOrReportedNeverWrongOverAStoreThatLies) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    std::mt19937_64 random(GetParam() + 2000);
    const auto tape = random_segments(random, 4, 80);
    RecallRig rig({}, {.before = 50, .throttled = 50, .flipped = 100, .cut = 100, .turns_max = 3},
                  GetParam());
    rig.limits = {200'000, 50'000};
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    for (const auto& place : RecallRig::places(tape)) {
        auto following = RecallRig::behind(place.segment, tape.size());
        auto record = rig.read(*reader, place, following);
        for (int tries = 0; !record && tries < 100; ++tries) {
            record = rig.read(*reader, place, following);
        }
        ASSERT_TRUE(record.has_value()) << record.error().message;
        EXPECT_TRUE(std::ranges::equal(record->bytes.view(), place.frame->record));
    }
}

TEST(Recall, FetchesForOneRecordItsChunksOnly) {
    std::mt19937_64 random(1);
    const auto tape = plain_tape(random, 2, 100, 10'000);
    RecallRig rig({.chunk_max = 1000, .pack_capacity = 10'000'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    rig.expect_read(*reader, places[150]);
    EXPECT_EQ(rig.store.gets, 1U);  // neighbours in a pack come in one request
    EXPECT_GE(rig.store.bytes, 10'000U);
    EXPECT_LE(rig.store.bytes, 10'000U + 2 * 1000U + 100 * kSealTagSize);
}

TEST(Recall, FetchesAChunkThatNeighboursShareOnce) {
    std::mt19937_64 random(2);
    const auto tape = plain_tape(random, 1, 100, 1000);
    RecallRig rig({.chunk_max = 50'000, .pack_capacity = 1'000'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto map = SegmentMap::decode(rig.catalog.maps.at({1, 1}));
    ASSERT_LT(map->chunks.size(), 20U);
    const auto reader = rig.open(1);
    auto places = RecallRig::places(tape);
    std::reverse(places.begin(), places.end());
    for (const auto& place : places) {
        rig.expect_read(*reader, place);
    }
    EXPECT_LE(rig.store.gets, map->chunks.size());
}

TEST(Recall, FetchesATapeThatIsReadThroughOnceAndInLargeRequests) {
    std::mt19937_64 random(4);
    const auto tape = plain_tape(random, 3, 100, 20'000);
    RecallRig rig({.chunk_max = 4000, .pack_capacity = 2'000'000, .level = 0});
    rig.limits.ahead = 4'000'000;
    rig.put_tape(1, tape, random);
    std::uint64_t stored = 0;
    for (const auto& [name, object] : rig.memory->objects()) {
        stored += object.size();
    }
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    EXPECT_EQ(rig.loop.run(read_tape(reader.get(), places, 3)), places.size());
    EXPECT_LE(rig.store.bytes, stored);
    EXPECT_LE(rig.store.gets, 12U);
}

TEST(Recall, ReadsAheadUpToItsLimitAndNoFarther) {
    std::mt19937_64 random(5);
    const auto tape = plain_tape(random, 4, 100, 10'000);
    RecallRig rig({.chunk_max = 5000, .pack_capacity = 1'000'000, .level = 0});
    rig.limits = {400'000, 20'000};
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    std::uint64_t passed = 0;
    for (const auto& place : places) {
        rig.expect_read(*reader, place, RecallRig::behind(place.segment, 4));
        passed += place.frame->record.size();
        const auto sealed_extra = (passed + 400'000) / 20;  // tags, and gaps that are bridged
        EXPECT_LE(rig.store.bytes, passed + 400'000 + 5000 + sealed_extra);
    }
    EXPECT_GE(rig.store.bytes, passed);
}

TEST(Recall, DoesNotReadAheadOfASingleRead) {
    std::mt19937_64 random(6);
    const auto tape = plain_tape(random, 1, 100, 10'000);
    RecallRig rig({.chunk_max = 5000, .pack_capacity = 5'000'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    for (const auto at : {50U, 20U, 70U}) {
        rig.expect_read(*reader, places[at]);
    }
    EXPECT_LE(rig.store.bytes, 3 * 21'000U);
    rig.expect_read(*reader, places[71]);  // reads on, though nothing follows the segment
    EXPECT_GT(rig.store.bytes, 200'000U);
}

TEST(Recall, IsAtTheNextSegmentBeforeTheHostIs) {
    std::mt19937_64 random(7);
    const auto tape = plain_tape(random, 3, 10, 1000);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    for (std::size_t i = 0; i < 10; ++i) {
        rig.expect_read(*reader, places[i], RecallRig::behind(1, 3));
    }
    const auto gets = rig.store.gets.load();
    for (std::size_t i = 10; i < 30; ++i) {
        rig.expect_read(*reader, places[i], RecallRig::behind(places[i].segment, 3));
    }
    EXPECT_EQ(rig.store.gets, gets);
    EXPECT_EQ(rig.catalog.maps_loaded, 3U);
}

Awaitable<bool> read_two_and_forget(StoredReader* reader, std::vector<std::uint64_t> following) {
    const auto first = co_await reader->read(1, 0, following);
    const auto second = co_await reader->read(1, 1, std::move(following));
    reader->forget();
    co_return first.has_value() && second.has_value();
}

TEST(Recall, FetchesNoMoreOfWhatWasForgotten) {
    std::mt19937_64 random(8);
    const auto tape = plain_tape(random, 4, 100, 20'000);
    RecallRig rig({.chunk_max = 5000, .pack_capacity = 20'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    EXPECT_TRUE(rig.loop.run(read_two_and_forget(reader.get(), {2, 3, 4})));
    EXPECT_LE(rig.store.gets, 20U);  // of about 400 packs
    rig.expect_read(*reader, RecallRig::places(tape)[399]);
}

TEST(Recall, LooksAgainForAChunkWhosePackWentWhileItWasFetched) {
    std::mt19937_64 random(9);
    const auto tape = plain_tape(random, 1, 1, 1000);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    rig.faulty->script(StoreCall::get, 1, Fault::before, Errc::not_found);
    rig.expect_read(*rig.open(1), RecallRig::places(tape)[0]);
    EXPECT_TRUE(rig.damaged.empty()) << rig.last_damage;
}

TEST(Recall, PassesATransientErrorOnAndTriesAgainAtTheNextRead) {
    std::mt19937_64 random(10);
    const auto tape = plain_tape(random, 1, 3, 1000);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    rig.faulty->set_down(true);
    EXPECT_EQ(rig.read(*reader, places[0]).error().code, Errc::transient);
    EXPECT_EQ(rig.read(*reader, places[0]).error().code, Errc::transient);
    rig.faulty->set_down(false);
    rig.expect_read(*reader, places[0]);
    rig.catalog.failing = true;
    reader->forget();
    EXPECT_EQ(rig.read(*reader, places[1]).error().code, Errc::io);
    rig.catalog.failing = false;
    rig.expect_read(*reader, places[1]);
    EXPECT_TRUE(rig.damaged.empty());
}

TEST(Recall, ReportsAnErrorOfReadingAheadOnlyWhereTheHostGetsThere) {
    std::mt19937_64 random(11);
    const auto tape = plain_tape(random, 1, 20, 1000);
    RecallRig rig({.chunk_max = 1000, .pack_capacity = 2'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto reader = rig.open(1);
    const auto places = RecallRig::places(tape);
    rig.expect_read(*reader, places[0]);
    rig.expect_read(*reader, places[1]);
    rig.faulty->set_down(true);
    reader->forget();
    EXPECT_FALSE(rig.read(*reader, places[1], {9}).has_value());
    rig.faulty->set_down(false);
    for (const auto& place : places) {  // what failed ahead is fetched anew
        rig.expect_read(*reader, place);
    }
}

TEST(Recall, FetchesABitThatWasWrongOnTheWayAnew) {
    std::mt19937_64 random(12);
    const auto tape = plain_tape(random, 1, 1, 1000);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    rig.faulty->script(StoreCall::get, 1, Fault::flipped);
    rig.expect_read(*rig.open(1), RecallRig::places(tape)[0]);
    EXPECT_TRUE(rig.damaged.empty());
}

TEST(Recall, SaysOfASegmentThatIsNotStoredThatItIsNotFound) {
    RecallRig rig;
    const auto reader = rig.open(1);
    EXPECT_EQ(rig.loop.run(reader->runs(5)).error().code, Errc::not_found);
    EXPECT_EQ(rig.loop.run(reader->read(5, 0, {})).error().code, Errc::not_found);
    EXPECT_TRUE(rig.damaged.empty());
}

TEST(Recall, GivesTheObjectsOfASegment) {
    std::mt19937_64 random(13);
    const auto tape = random_segments(random, 1, 50);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    const auto runs = rig.loop.run(rig.open(1)->runs(1));  // outlives its reader
    ASSERT_TRUE(runs.has_value());
    EXPECT_EQ((*runs)->objects(), map_of(tape[0], 0, {{{}, payload_of(tape[0])}}).runs.objects());
}

TEST(Recall, CallsADamagedMapDamage) {
    std::mt19937_64 random(14);
    const auto tape = plain_tape(random, 1, 2, 100);
    RecallRig rig;
    rig.put_tape(1, tape, random);
    rig.catalog.maps.at({1, 1}).pop_back();
    const auto reader = rig.open(1);
    EXPECT_EQ(rig.read(*reader, RecallRig::places(tape)[0]).error().code, Errc::corrupt);
    EXPECT_EQ(rig.damaged.size(), 1U);
    EXPECT_EQ(rig.read(*reader, {1, 99, nullptr}).error().code, Errc::corrupt);
}

// Damage: each kind hits one pack or one chunk of it.

struct DamageKind {
    const char* name;
    bool whole_pack;
    void (*inflict)(RecallRig& rig, const ChunkLocation& victim);
};

void PrintTo(const DamageKind& kind, std::ostream* out) {
    *out << kind.name;
}

const DamageKind kDamageKinds[] = {
    {"FlippedBit", false,
     [](RecallRig& rig, const ChunkLocation& victim) {
         rig.flip(victim.pack, victim.chunk.offset + victim.chunk.stored_length / 2);
     }},
    {"MissingPack", true,
     [](RecallRig& rig, const ChunkLocation& victim) {
         auto objects = rig.memory->objects();
         objects.erase(pack_name(victim.pack));
         rig.memory->set_objects(std::move(objects));
     }},
    {"UnknownChunk", false,
     [](RecallRig& rig, const ChunkLocation& victim) {
         rig.catalog.chunks.erase(victim.chunk.fingerprint);
     }},
    {"IndexOfAnotherLength", false,
     [](RecallRig& rig, const ChunkLocation& victim) {
         ++rig.catalog.chunks.at(victim.chunk.fingerprint).chunk.plain_length;
     }},
    {"IndexBehindTheEndOfThePack", false,
     [](RecallRig& rig, const ChunkLocation& victim) {
         rig.catalog.chunks.at(victim.chunk.fingerprint).chunk.offset = 4'000'000'000;
     }},
};

class Damage : public testing::TestWithParam<std::tuple<DamageKind, bool>> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Damage,
                         testing::Combine(testing::ValuesIn(kDamageKinds), testing::Bool()));

TEST_P(Damage, IsOfExactlyTheRecordsThatNeedIt) {
    const auto& [kind, in_order] = GetParam();
    std::mt19937_64 random(15);
    const auto tape = plain_tape(random, 2, 60, 3000);
    RecallRig rig({.chunk_max = 4000, .pack_capacity = 60'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto map = SegmentMap::decode(rig.catalog.maps.at({1, 1}));
    ASSERT_TRUE(map.has_value());
    const auto victim = rig.catalog.chunks.at(map->chunks[map->chunks.size() / 2].fingerprint);
    std::set<Fingerprint> lost;
    for (const auto& [fingerprint, location] : rig.catalog.chunks) {
        if (kind.whole_pack ? location.pack == victim.pack
                            : fingerprint == victim.chunk.fingerprint) {
            lost.insert(fingerprint);
        }
    }
    kind.inflict(rig, victim);

    const auto reader = rig.open(1);
    std::size_t damaged = 0;
    for (const auto& place : RecallRig::places(tape)) {
        const auto of = SegmentMap::decode(rig.catalog.maps.at({1, place.segment}));
        const auto plan = SegmentPlan::of(*of);
        const auto source = plan->record(plan->record_of_object(place.object));
        const auto slices = plan->slices(source.payload_offset, source.payload_length);
        const bool needs_it = std::any_of(slices.begin(), slices.end(), [&](const auto& slice) {
            return lost.contains(of->chunks[slice.chunk].fingerprint);
        });
        auto following =
            in_order ? RecallRig::behind(place.segment, 2) : std::vector<std::uint64_t>();
        if (!needs_it) {
            rig.expect_read(*reader, place, std::move(following));
            continue;
        }
        const auto record = rig.read(*reader, place, std::move(following));
        ASSERT_FALSE(record.has_value());
        EXPECT_EQ(record.error().code, Errc::corrupt);
        EXPECT_TRUE(rig.damaged.contains({place.segment, place.object}));
        EXPECT_EQ(rig.last_damage, record.error().message);
        ++damaged;
    }
    EXPECT_GE(damaged, 1U);
    EXPECT_EQ(rig.damaged.size(), damaged);
}

TEST(Recall, FetchesADamagedChunkAFewTimesAndNotForEachRecordInIt) {
    std::mt19937_64 random(17);
    const auto tape = plain_tape(random, 1, 1000, 1000);
    RecallRig rig({.chunk_max = 50'000, .pack_capacity = 1'000'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto map = SegmentMap::decode(rig.catalog.maps.at({1, 1}));
    const auto& longest = *std::ranges::max_element(map->chunks, {}, &ChunkRef::plain_length);
    const auto victim = rig.catalog.chunks.at(longest.fingerprint);
    rig.flip(victim.pack, victim.chunk.offset);
    const auto reader = rig.open(1);
    std::vector<StoredPlace> damaged;
    for (const auto& place : RecallRig::places(tape)) {
        if (!rig.read(*reader, place)) {
            damaged.push_back(place);
        }
    }
    EXPECT_GE(damaged.size(), 20U);
    EXPECT_EQ(rig.damaged.size(), damaged.size());
    EXPECT_LE(rig.store.gets, map->chunks.size() + 6);

    rig.flip(victim.pack, victim.chunk.offset);
    for (const auto& place : damaged) {  // whoever goes back to it gets what is there now
        rig.expect_read(*reader, place);
    }
}

TEST(Recall, FetchesADamagedChunkAFewTimesAndNotForEachReader) {
    std::mt19937_64 random(18);
    const auto tape = plain_tape(random, 1, 30, 1000);
    RecallRig rig({.chunk_max = 50'000, .pack_capacity = 1'000'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto map = SegmentMap::decode(rig.catalog.maps.at({1, 1}));
    for (const auto& chunk : map->chunks) {
        const auto& at = rig.catalog.chunks.at(chunk.fingerprint);
        rig.flip(at.pack, at.chunk.offset);
    }
    Recall recall(rig.context());
    for (const auto& place : RecallRig::places(tape)) {
        EXPECT_EQ(rig.read(*recall.open(1), place).error().code, Errc::corrupt);
    }
    EXPECT_EQ(rig.damaged.size(), 30U);
    EXPECT_LE(rig.store.gets, 6 * map->chunks.size());
}

TEST(KnownDamage, IsKnownForAWhile) {
    const KnownDamage::Time now{};
    const auto before = now + KnownDamage::kKnownFor - std::chrono::nanoseconds(1);
    const auto after = now + KnownDamage::kKnownFor;
    KnownDamage damage;
    const auto name = [](std::uint8_t number) { return Fingerprint{number}; };
    damage.note(name(1), {Errc::corrupt, "one"}, {1, 2, 3}, now);
    ASSERT_TRUE(damage.find(name(1), before));
    EXPECT_EQ(damage.find(name(1), before)->message, "one");
    EXPECT_FALSE(damage.find(name(1), after));
    EXPECT_FALSE(damage.find(name(2), before));
    damage.look_again({1, 2, 4});
    EXPECT_TRUE(damage.find(name(1), before));
    damage.look_again({1, 2, 3});
    EXPECT_FALSE(damage.find(name(1), before));
    for (std::uint8_t number = 0; number <= KnownDamage::kChunksMax; ++number) {
        damage.note(name(number), {Errc::corrupt, "many"}, {1, 2, number}, now);
    }
    EXPECT_FALSE(damage.find(name(0), before)) << "bounded";
    EXPECT_TRUE(damage.find(name(1), before));
}

TEST(Recall, NamesPackChunkAndRecordOfDamage) {
    std::mt19937_64 random(16);
    const auto tape = plain_tape(random, 1, 8, 1000);
    RecallRig rig({.chunk_max = 1, .pack_capacity = 100'000, .level = 0});
    rig.put_tape(1, tape, random);
    const auto map = SegmentMap::decode(rig.catalog.maps.at({1, 1}));
    const auto victim = rig.catalog.chunks.at(map->chunks[5000].fingerprint);
    rig.flip(victim.pack, victim.chunk.offset);
    const auto reader = rig.open(1);
    std::string message;
    for (const auto& place : RecallRig::places(tape)) {
        if (const auto record = rig.read(*reader, place); !record) {
            message = record.error().message;
            break;
        }
    }
    EXPECT_NE(message.find("segment 1"), std::string::npos) << message;
    EXPECT_NE(message.find(to_hex(victim.pack)), std::string::npos) << message;
    EXPECT_NE(message.find("byte " + std::to_string(victim.chunk.offset)), std::string::npos)
        << message;
}

}  // namespace
}  // namespace tapeloft::media
