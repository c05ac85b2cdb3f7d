// Which chunks are referred to, and when a pack may go.
#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/media/catalog/archive_fixture.h"

namespace tapeloft::media {
namespace {

class ArchiveGarbageTest : public ArchiveFixture {
  protected:
    /// Segment 1 of chunks 1, 1 and 2, which lie in pack 1 with 3.
    void SetUp() override {
        ArchiveFixture::SetUp();
        log_changes(id_);
        add_packs({pack(1, {1, 2, 3})});
        add_segments({full_segment(1, 0)});
        ASSERT_TRUE(commit({stored(1, {1, 1, 2})}, 2));
    }
    [[nodiscard]] std::set<std::uint8_t> live(std::uint8_t name) {
        std::set<std::uint8_t> names;
        const auto chunks = archive_->live_chunks(pack_id(name)).value();
        for (const auto& chunk : chunks) {
            names.insert(chunk.fingerprint[0]);
        }
        return names;
    }
    using Names = std::set<std::uint8_t>;
    void expect_share(CartridgeId id, double plain, double plain_share) {
        StorageShare sum;
        const auto numbers = archive_->some_stored(id, 100).value();
        for (const auto number : numbers) {
            sum += archive_->share(id, number).value();
        }
        EXPECT_DOUBLE_EQ(sum.plain, plain);
        EXPECT_NEAR(sum.plain_share, plain_share, 0.001);
        EXPECT_NEAR(sum.stored_share, plain_share / 2, 0.001);
    }
};

TEST_F(ArchiveGarbageTest, AChunkIsFoundWhereItLiesAndAnUnknownOneIsNot) {
    const std::vector<Fingerprint> wanted = {fingerprint(2), fingerprint(9), fingerprint(3)};
    const auto found = archive_->find_chunks(wanted);
    ASSERT_TRUE(found);
    ASSERT_TRUE((*found)[0] && !(*found)[1] && (*found)[2]);
    EXPECT_EQ((*found)[0]->pack, pack_id(1));
    EXPECT_EQ((*found)[0]->chunk, pack(1, {1, 2, 3}).chunks[1]);
    EXPECT_EQ((*found)[2]->chunk, pack(1, {1, 2, 3}).chunks[2]);
}

TEST_F(ArchiveGarbageTest, InADistrustedPackNothingIsFoundToReferToButAllIsLocatedToRead) {
    const std::vector<Fingerprint> wanted = {fingerprint(2)};
    ASSERT_TRUE(archive_->set_distrusted(pack_id(1), true));
    EXPECT_TRUE(pack_of(1).distrusted);
    EXPECT_FALSE(archive_->find_chunks(wanted)->front());
    ASSERT_TRUE(archive_->locate_chunks(wanted)->front());
    EXPECT_EQ(archive_->locate_chunks(wanted)->front()->pack, pack_id(1));
    add_packs({pack(2, {2})});
    EXPECT_EQ(archive_->find_chunks(wanted)->front()->pack, pack_id(2));
    EXPECT_EQ(live(2), Names{2});
    ASSERT_TRUE(archive_->set_distrusted(pack_id(1), false));
    EXPECT_FALSE(pack_of(1).distrusted);
    EXPECT_EQ(archive_->set_distrusted(pack_id(9), true).error().code, Errc::not_found);
}

TEST_F(ArchiveGarbageTest, LocatingAChunkPardonsNoPack) {
    const std::vector<Fingerprint> wanted = {fingerprint(5)};
    add_packs({pack(2, {5})});
    ASSERT_TRUE(archive_->condemn(pack_id(2), 100));
    EXPECT_TRUE(archive_->locate_chunks(wanted)->front());
    EXPECT_TRUE(pack_of(2).condemned_unix_s);
    EXPECT_TRUE(archive_->find_chunks(wanted)->front());
    EXPECT_FALSE(pack_of(2).condemned_unix_s);
}

TEST_F(ArchiveGarbageTest, SumsCountEachLiveChunkOnceAndEachReference) {
    EXPECT_EQ(pack_of(1).live_bytes, 1000U);
    EXPECT_EQ(live(1), (Names{1, 2}));
    const auto totals = archive_->totals("default");
    ASSERT_TRUE(totals);
    EXPECT_EQ(totals->packs, 1U);
    EXPECT_EQ(totals->pack_bytes, 10'000U);
    EXPECT_EQ(totals->live_bytes, 1000U);
    EXPECT_EQ(totals->chunks, 3U);
    EXPECT_EQ(totals->live_plain_bytes, 2000U);
    EXPECT_EQ(totals->referred_bytes, 3000U);
    EXPECT_EQ(archive_->totals("other")->packs, 0U);
}

TEST_F(ArchiveGarbageTest, WhatIsSharedIsPartedEquallyAndAllPartsAreWhatIsStored) {
    expect_share(id_, 3000, 2000);
    const auto first = id_;
    const auto second = add("TL0002L9", 1);
    id_ = second;
    expect_share(second, 0, 0);
    add_segments({full_segment(1, 0), full_segment(2, 10)});
    ASSERT_TRUE(commit({stored(1, {2, 1}), stored(2, {3, 2})}));
    expect_share(first, 3000, 2 * 1000.0 / 3 + 1000.0 / 3);
    expect_share(second, 4000, 1000.0 / 3 + 2 * 1000.0 / 3 + 1000);
    EXPECT_EQ(archive_->totals("default")->live_plain_bytes, 3000U);
    ASSERT_TRUE(catalog_->remove_cartridge(first));
    log_changes(first);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U);
    expect_share(second, 4000, 3000);
    EXPECT_EQ(archive_->share(second, 9)->plain, 0) << "there is no such segment";
}

TEST_F(ArchiveGarbageTest, SomeSegmentsAreSpreadOverAllThatAreStored) {
    std::vector<SegmentRecord> rows;
    std::vector<StoredSegment> segments;
    for (std::uint64_t number = 2; number <= 90; ++number) {
        rows.push_back(full_segment(number * number, (number - 1) * 10));
        if (number <= 80) {
            segments.push_back(stored(number * number, {3}));
        }
    }
    add_segments(rows);
    ASSERT_TRUE(commit(segments, 3));
    EXPECT_EQ(archive_->some_stored(id_, 80)->size(), 80U) << "all of them";
    const auto some = archive_->some_stored(id_, 10).value();
    EXPECT_LE(some.size(), 10U);
    EXPECT_GE(some.size(), 8U);
    EXPECT_TRUE(std::ranges::is_sorted(some));
    EXPECT_EQ(some.front(), 1U);
    EXPECT_GT(some.back(), 5000U);
    EXPECT_LE(some.back(), 6400U) << "the others are not stored";
    EXPECT_EQ(*archive_->end_of_data(id_, 0), 89 * 10'000U + 10'000U);
    EXPECT_EQ(*archive_->end_of_data(id_, 1), 0U);
}

TEST_F(ArchiveGarbageTest, AChunkThatIsPackedAgainIsFoundInTheNewPackWithItsReferences) {
    add_packs({pack(2, {2, 4})});
    EXPECT_EQ(live(1), Names{1});
    EXPECT_EQ(live(2), Names{2});
    EXPECT_EQ(pack_of(1).live_bytes, 500U);
    EXPECT_EQ(pack_of(2).live_bytes, 500U);
    const auto totals = archive_->totals("default");
    EXPECT_EQ(totals->chunks, 4U);
    EXPECT_EQ(totals->referred_bytes, 3000U);
    add_packs({pack(1, {1, 2, 3})});  // told once more, it changes nothing
    EXPECT_EQ(live(2), Names{2});
}

TEST_F(ArchiveGarbageTest, AMapOfWhatWasCutOffCountsUntilTheLogSaysSo) {
    truncate({1}, 0);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 0U);
    EXPECT_EQ(pack_of(1).live_bytes, 1000U);
    log_changes(id_);
    EXPECT_EQ(*archive_->drop_dead_maps("other", 10), 0U);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U);
    EXPECT_EQ(pack_of(1).live_bytes, 0U);
    EXPECT_EQ(archive_->totals("default")->referred_bytes, 0U);
    EXPECT_EQ(archive_->segment_map(id_, 1).error().code, Errc::not_found);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 0U);
}

TEST_F(ArchiveGarbageTest, ASegmentThatWasCutOffWhileItWasStoredCountsUntilTheLogSaysSo) {
    add_segments({full_segment(2, 10)});
    const auto under_way = work(id_);
    ASSERT_EQ(under_way.segments.size(), 1U);
    truncate({2}, 10);
    ASSERT_TRUE(commit({stored(2, {3})}, 3));
    EXPECT_EQ(live(1), (Names{1, 2, 3}));
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 0U);
    log_changes(id_);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U);
    EXPECT_EQ(live(1), (Names{1, 2}));
}

TEST_F(ArchiveGarbageTest, ASegmentThatBecameShorterWhileItWasStoredIsStored) {
    add_segments({full_segment(2, 10)});
    auto shorter = full_segment(2, 10);
    shorter.object_count = 3;
    shorter.byte_count = 3000;
    truncate({}, 13, {shorter});
    ASSERT_TRUE(commit({stored(2, {3})}, 3));
    EXPECT_TRUE(row(2).stored);
    EXPECT_EQ(row(2).object_count, 3U);
}

TEST_F(ArchiveGarbageTest, TheMapsOfARemovedCartridgeGoAfterItsLogIsEnded) {
    ASSERT_TRUE(catalog_->remove_cartridge(id_));
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 0U);
    EXPECT_EQ(live(1), (Names{1, 2}));
    log_changes(id_);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U);
    EXPECT_EQ(live(1), Names{});
}

TEST_F(ArchiveGarbageTest, AStreamIsEndedWhenNothingNeedsItAnyMore) {
    const auto stream = archive_->stream_of(id_).value();
    const auto ended = [this] { return archive_->ended_streams("default").value().size(); };
    const auto log_library = [this] {
        const auto work = archive_->library_work("default").value();
        ASSERT_TRUE(work);
        ASSERT_TRUE(archive_->commit_library("default", work->version, {3}, head_at(1)));
    };
    log_library();
    EXPECT_EQ(ended(), 0U);
    ASSERT_TRUE(catalog_->remove_cartridge(id_));
    EXPECT_EQ(ended(), 0U) << "its log does not say so yet";
    log_changes(id_);
    EXPECT_EQ(ended(), 0U) << "the library's log names it";
    log_library();
    EXPECT_EQ(ended(), 0U) << "it has a map";
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U);
    ASSERT_EQ(ended(), 1U);
    EXPECT_EQ(archive_->ended_streams("default")->front().stream, stream);
    EXPECT_EQ(archive_->ended_streams("default")->front().sequence, 3U);
    EXPECT_TRUE(archive_->ended_streams("other")->empty());
    ASSERT_TRUE(archive_->forget_stream(stream));
    EXPECT_EQ(ended(), 0U);
}

TEST_F(ArchiveGarbageTest, OnlyAsManyMapsAreDroppedAsAskedFor) {
    add_segments({full_segment(2, 10), full_segment(3, 20)});
    ASSERT_TRUE(commit({stored(2, {3}), stored(3, {3})}, 3));
    truncate({1, 2, 3}, 0);
    log_changes(id_);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 2), 2U);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 2), 1U);
    EXPECT_EQ(pack_of(1).live_bytes, 0U);
}

TEST_F(ArchiveGarbageTest, OnlyAPackThatNothingRefersToIsCondemned) {
    EXPECT_EQ(archive_->condemn(pack_id(1), 5).error().code, Errc::precondition);
    EXPECT_EQ(archive_->condemn(pack_id(8), 5).error().code, Errc::not_found);
    add_packs({pack(2, {4})});
    ASSERT_TRUE(archive_->condemn(pack_id(2), 5));
    ASSERT_TRUE(archive_->condemn(pack_id(2), 9));
    EXPECT_EQ(pack_of(2).condemned_unix_s, 5);
    EXPECT_FALSE(pack_of(1).condemned_unix_s);
}

TEST_F(ArchiveGarbageTest, AChunkThatIsFoundSavesItsPack) {
    add_packs({pack(2, {4})});
    ASSERT_TRUE(archive_->condemn(pack_id(2), 5));
    EXPECT_TRUE(is_found(4));
    EXPECT_FALSE(pack_of(2).condemned_unix_s);
    EXPECT_FALSE(*archive_->begin_removal(pack_id(2)));
    EXPECT_TRUE(is_found(4));
}

TEST_F(ArchiveGarbageTest, AReferenceSavesItsPack) {
    add_packs({pack(2, {4})});
    add_segments({full_segment(2, 10)});
    ASSERT_TRUE(archive_->condemn(pack_id(2), 5));
    ASSERT_TRUE(commit({stored(2, {4})}, 3));
    EXPECT_FALSE(pack_of(2).condemned_unix_s);
    EXPECT_FALSE(*archive_->begin_removal(pack_id(2)));
}

TEST_F(ArchiveGarbageTest, WhatIsBeingRemovedIsFoundNoMoreEvenAfterACrash) {
    add_packs({pack(2, {4, 3})});  // 3 has moved there
    ASSERT_TRUE(archive_->condemn(pack_id(2), 5));
    add_packs({pack(3, {3})});  // and on
    ASSERT_TRUE(*archive_->begin_removal(pack_id(2)));
    open();
    EXPECT_FALSE(is_found(4));
    EXPECT_TRUE(is_found(3));
    EXPECT_EQ(archive_->packs("default")->size(), 2U);
    EXPECT_EQ(*archive_->removals("default"), std::vector{pack_id(2)});
    EXPECT_TRUE(*archive_->begin_removal(pack_id(2)));  // once more, after a crash
    add_segments({full_segment(2, 10)});
    EXPECT_EQ(commit({stored(2, {4})}, 3).error().code, Errc::corrupt);
    ASSERT_TRUE(archive_->end_removal(pack_id(2)));
    EXPECT_TRUE(archive_->removals("default")->empty());
    EXPECT_EQ(archive_->end_removal(pack_id(2)).error().code, Errc::not_found);
    EXPECT_EQ(archive_->end_removal(pack_id(1)).error().code, Errc::precondition);
}

/// Packs, segments and truncations at random, against counts made from scratch.
TEST_F(ArchiveGarbageTest, ReferencesAreRightAfterAnyHistory) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::uint64_t next = 2;
    std::map<std::uint64_t, std::vector<std::uint8_t>> kept = {{1, {1, 1, 2}}};
    std::uint8_t packs = 1;
    for (int step = 0; step < 60; ++step) {
        const auto end = row(kept.rbegin()->first).first_object + 10;
        if (random() % 3 == 0 && kept.size() > 1) {
            const auto number = kept.rbegin()->first;
            truncate({number}, end - 10);
            kept.erase(number);
        } else if (random() % 3 == 0) {
            const auto a = static_cast<std::uint8_t>(random() % 6 + 1);
            add_packs({pack(++packs, {a, static_cast<std::uint8_t>(a + 6)})});
        } else {
            const auto a = static_cast<std::uint8_t>(random() % 3 + 1);
            const auto b = static_cast<std::uint8_t>(random() % 3 + 1);
            add_segments({full_segment(next, end)});
            ASSERT_TRUE(commit({stored(next, {a, b})}, next));
            kept[next++] = {a, b};
        }
    }
    log_changes(id_);
    ASSERT_TRUE(archive_->drop_dead_maps("default", 1000));
    Names referred;
    std::uint64_t references = 0;
    for (const auto& [number, chunks] : kept) {
        referred.insert(chunks.begin(), chunks.end());
        references += chunks.size();
    }
    Names found;
    std::uint64_t live_bytes = 0;
    const auto records = archive_->packs("default").value();
    for (const auto& record : records) {
        const auto names = live(record.id[0]);
        EXPECT_EQ(record.live_bytes, names.size() * 500);
        found.insert(names.begin(), names.end());
        live_bytes += record.live_bytes;
    }
    EXPECT_EQ(archive_->totals("default")->live_plain_bytes, referred.size() * 1000);
    EXPECT_EQ(found, referred);
    EXPECT_EQ(live_bytes, referred.size() * 500);
    expect_share(id_, static_cast<double>(references) * 1000,
                 static_cast<double>(referred.size()) * 1000);
    EXPECT_EQ(archive_->totals("default")->referred_bytes, references * 1000);
}

TEST_F(ArchiveGarbageTest, RemovalsOfAnIndexCountSinceItsCheckpoint) {
    EXPECT_EQ(*archive_->packs_removed(kIndex), 0U);
    ASSERT_TRUE(archive_->note_pack_removed(kIndex, head_at(1)));
    ASSERT_TRUE(archive_->note_pack_removed(kIndex, head_at(2)));
    add_packs({pack(1, {1})});
    EXPECT_EQ(*archive_->packs_removed(kIndex), 2U);
    auto checkpoint = head_at(3);
    checkpoint.checkpoint = 3;
    ASSERT_TRUE(archive_->note_head(kIndex, checkpoint));
    EXPECT_EQ(*archive_->packs_removed(kIndex), 0U);
    checkpoint.sequence = 4;
    ASSERT_TRUE(archive_->note_pack_removed(kIndex, checkpoint));
    EXPECT_EQ(*archive_->packs_removed(kIndex), 1U);
    open();
    EXPECT_EQ(*archive_->packs_removed(kIndex), 1U);
}

TEST_F(ArchiveGarbageTest, ALargeMapWhoseCommitFailedCountsForNothing) {
    constexpr std::uint32_t kMany = 50'000;
    add_segments({full_segment(2, 10), full_segment(3, 20), full_segment(4, 30)});
    const auto failed =
        commit({stored(2, {9}, 3, kMany), stored(3, {9}, 3, kMany), stored(4, {9}, 3, kMany)}, 3);
    EXPECT_EQ(failed.error().code, Errc::corrupt) << "a chunk that is in no index";
    EXPECT_FALSE(row(2).stored);
    // One is cut off; of the others a small one and a large one take the place.
    truncate({4}, 30);
    log_changes(id_);
    const auto large = stored(2, {1}, 3, kMany);
    const auto small = stored(3, {1}, 3);
    ASSERT_TRUE(commit({large, small, stored(4, {1}, 3, kMany)}, 3));
    EXPECT_EQ(*archive_->segment_map(id_, 2), large.map);
    EXPECT_EQ(*archive_->segment_map(id_, 3), small.map);
    EXPECT_EQ(commit({large}, 4).error().code, Errc::precondition);
    EXPECT_EQ(*archive_->segment_map(id_, 2), large.map);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 1U) << "of the one that was gone";
    EXPECT_EQ(archive_->totals("default")->referred_bytes, 5000U);
    ASSERT_TRUE(catalog_->remove_cartridge(id_));
    EXPECT_EQ(*archive_->segment_map(id_, 2), large.map) << "until its log says so";
}

/// Counted in transactions, not in time: a host waits for the one that is under way.
TEST_F(ArchiveGarbageTest, AHostHasItsTurnBetweenTwoTransactionsOfTheArchive) {
    std::atomic<bool> end = false;
    std::atomic<int> done = 0;
    std::jthread archive([&] {
        for (std::uint64_t sequence = 1; !end; ++sequence) {
            EXPECT_TRUE(archive_->note_head({5}, head_at(sequence)));
            ++done;
        }
    });
    std::vector<int> waited;
    for (int i = 0; i < 100; ++i) {
        const int before = done;
        ASSERT_TRUE(catalog_->set_write_protected(id_, i % 2 == 0));
        waited.push_back(done - before);
    }
    end = true;
    std::ranges::sort(waited);
    EXPECT_LE(waited[50], 2);
}

}  // namespace
}  // namespace tapeloft::media
