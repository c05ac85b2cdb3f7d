// What there is to archive, and what becomes of it when it is stored.
#include <set>

#include "tests/media/catalog/archive_fixture.h"

namespace tapeloft::media {
namespace {

using Kind = PendingChange::Kind;

class ArchiveWorkTest : public ArchiveFixture {
  protected:
    [[nodiscard]] std::vector<Kind> kinds(CartridgeId id) {
        std::vector<Kind> found;
        for (const auto& change : work(id).changes) {
            found.push_back(change.kind);
        }
        return found;
    }
    [[nodiscard]] std::vector<std::uint64_t> numbers() {
        std::vector<std::uint64_t> found;
        for (const auto& segment : work(id_).segments) {
            found.push_back(segment.number);
        }
        return found;
    }
    using Numbers = std::vector<std::uint64_t>;
    using Kinds = std::vector<Kind>;
};

TEST_F(ArchiveWorkTest, ANewCartridgeHasItsStateToBeLoggedAndItsStreamNeverChanges) {
    const auto first = work(id_);
    ASSERT_EQ(first.changes.size(), 1U);
    EXPECT_EQ(first.changes[0].kind, Kind::state);
    EXPECT_EQ(first.record.barcode, "TL0001L9");
    EXPECT_EQ(first.head, StreamHead{});
    EXPECT_NE(first.stream, StreamId{});
    open();
    EXPECT_EQ(*archive_->stream_of(id_), first.stream);
    EXPECT_NE(*archive_->stream_of(add("TL0002L9", 1)), first.stream);
}

TEST_F(ArchiveWorkTest, EveryChangeOfStateIsToBeLoggedOnce) {
    log_changes(id_);
    EXPECT_TRUE(archive_->cartridges_with_work("default")->empty());
    const std::vector<std::function<Result<void>()>> changes = {
        [&] {
            return catalog_->move_cartridge(id_, {ElementKind::drive, 0}, std::nullopt);
        },
        [&] { return catalog_->set_write_protected(id_, true); },
        [&] { return catalog_->set_damaged(id_, true); },
        [&] { return catalog_->note_usage("defaultTL0001L9", 10, 0); },
        [&] { return catalog_->set_value(value_owner(id_), "mam", Bytes{1}); },
        [&] { return catalog_->set_value(value_owner(id_), "mam", {}); },
    };
    for (const auto& change : changes) {
        ASSERT_TRUE(change());
        EXPECT_EQ(*archive_->cartridges_with_work("default"), std::vector{id_});
        ASSERT_TRUE(change());
        EXPECT_EQ(kinds(id_), Kinds{Kind::state});
        log_changes(id_);
        EXPECT_TRUE(kinds(id_).empty());
    }
    EXPECT_TRUE(catalog_->cartridge(id_)->damaged);
    EXPECT_TRUE(catalog_->note_usage("defaultTL0001L9", 10, 0));  // nothing that is not known
    EXPECT_TRUE(kinds(id_).empty());
}

TEST_F(ArchiveWorkTest, AStateThatChangesWhileTheOlderOneIsLoggedIsLoggedAgain) {
    const auto under_way = work(id_).changes;
    ASSERT_TRUE(catalog_->set_value(value_owner(id_), "mam", Bytes{7}));
    ASSERT_TRUE(commit({}, 1, {under_way[0].id}));
    const auto left = work(id_);
    ASSERT_EQ(left.changes.size(), 1U);
    EXPECT_GT(left.changes[0].id, under_way[0].id);
    ASSERT_EQ(left.values.size(), 1U);
    EXPECT_EQ(left.values[0].value, Bytes{7});
}

TEST_F(ArchiveWorkTest, TruncationsAreKeptInOrderUnlessALaterOneTakesThemIn) {
    log_changes(id_);
    truncate({}, 50);
    truncate({}, 100);
    truncate({}, 70);
    SegmentChange other;
    other.truncated = TruncatedAt{1, 5};
    ASSERT_TRUE(catalog_->change_segments(id_, other));
    const auto changes = work(id_).changes;
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes[0].object, 50U);
    EXPECT_EQ(changes[1].object, 70U);
    EXPECT_EQ(changes[2].partition, 1U);
    EXPECT_TRUE(changes[0].id < changes[1].id && changes[1].id < changes[2].id);
}

TEST_F(ArchiveWorkTest, AFormatTakesInWhatWasBeforeAndTellsTheCapacities) {
    log_changes(id_);
    truncate({}, 50);
    SegmentChange format;
    format.partitions = {2'000'000, 3'000'000};
    format.truncated = TruncatedAt{};
    ASSERT_TRUE(catalog_->change_segments(id_, format));
    ASSERT_TRUE(catalog_->change_segments(id_, format));
    truncate({}, 3);
    const auto changes = work(id_).changes;
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].kind, Kind::format);
    EXPECT_EQ(changes[0].capacities, (std::vector<std::uint64_t>{2'000'000, 3'000'000}));
    EXPECT_EQ(changes[1].kind, Kind::truncate);
}

TEST_F(ArchiveWorkTest, AChangeThatFailsLeavesNothingPending) {
    log_changes(id_);
    SegmentChange change;
    change.removed = {99};
    change.truncated = TruncatedAt{0, 5};
    EXPECT_FALSE(catalog_->change_segments(id_, change));
    EXPECT_FALSE(catalog_->move_cartridge(77, {ElementKind::drive, 0}, std::nullopt));
    EXPECT_TRUE(archive_->cartridges_with_work("default")->empty());
}

TEST_F(ArchiveWorkTest, ARemovedCartridgeIsLoggedAndItsStreamStays) {
    const auto stream = *archive_->stream_of(id_);
    truncate({}, 5);
    ASSERT_TRUE(catalog_->remove_cartridge(id_));
    EXPECT_EQ(*archive_->cartridges_with_work("default"), std::vector{id_});
    EXPECT_EQ(kinds(id_), Kinds{Kind::removed});
    EXPECT_EQ(work(id_).stream, stream);
    log_changes(id_);
    EXPECT_TRUE(archive_->cartridges_with_work("default")->empty());
    EXPECT_EQ(archive_->work(id_, 1).error().code, Errc::not_found);
    EXPECT_EQ(archive_->head(stream)->sequence, 1U);
}

TEST_F(ArchiveWorkTest, OfACartridgeWhoseLogWasNeverBegunNothingIsLogged) {
    const auto id = add("TL0002L9", 1);
    ASSERT_TRUE(catalog_->remove_cartridge(id));
    EXPECT_EQ(*archive_->cartridges_with_work("default"), std::vector{id_});
}

TEST_F(ArchiveWorkTest, OnlyCompleteAndSealedSegmentsThatHoldSomethingAreWork) {
    auto complete = full_segment(2, 10);
    complete.sealed = false;
    complete.complete = true;
    auto tail = full_segment(3, 20);
    tail.sealed = false;
    auto marker = full_segment(4, 20);
    marker.object_count = 0;
    add_segments({full_segment(1, 0), complete, tail, marker});
    EXPECT_EQ(numbers(), (Numbers{1, 2}));
    EXPECT_EQ(archive_->work(id_, 1)->segments.size(), 1U);
    add_packs({pack(1, {1})});
    ASSERT_TRUE(commit({stored(1, {1})}));
    EXPECT_EQ(numbers(), Numbers{2});
}

TEST_F(ArchiveWorkTest, WorkComesInOrderOfTheTapeOfEachPartition) {
    add_segments({full_segment(1, 0, 1), full_segment(2, 0, 0), full_segment(3, 10, 1)});
    EXPECT_EQ(numbers(), (Numbers{2, 1, 3}));
}

TEST_F(ArchiveWorkTest, AStoredSegmentCountsAsSealedAndKeepsItsMap) {
    auto complete = full_segment(1, 0);
    complete.sealed = false;
    complete.complete = true;
    add_segments({complete});
    add_packs({pack(1, {1, 2})});
    EXPECT_EQ(archive_->segment_map(id_, 1).error().code, Errc::not_found);
    const auto segment = stored(1, {1, 2}, 7);
    ASSERT_TRUE(commit({segment}, 7));
    open();
    EXPECT_TRUE(row(1).sealed && row(1).stored && row(1).spooled);
    EXPECT_EQ(*archive_->segment_map(id_, 1), segment.map);
    EXPECT_EQ(*archive_->head(*archive_->stream_of(id_)), head_at(7));
    ASSERT_EQ(archive_->checkpoint_facts(id_)->segments.size(), 1U);
    EXPECT_EQ(archive_->checkpoint_facts(id_)->segments.front().map_sequence, 7U);
}

TEST_F(ArchiveWorkTest, ASegmentIsStoredOnce) {
    add_segments({full_segment(1, 0)});
    add_packs({pack(1, {1})});
    ASSERT_TRUE(commit({stored(1, {1})}, 1));
    EXPECT_EQ(commit({stored(1, {1})}, 2).error().code, Errc::precondition);
    EXPECT_EQ(archive_->head(*archive_->stream_of(id_))->sequence, 1U);
}

TEST_F(ArchiveWorkTest, ACommitThatNamesAnUnknownChunkChangesNothing) {
    add_segments({full_segment(1, 0), full_segment(2, 10)});
    add_packs({pack(1, {1})});
    const auto pending = work(id_).changes;
    const auto done = commit({stored(1, {1}), stored(2, {9})}, 1, {pending[0].id});
    EXPECT_EQ(done.error().code, Errc::corrupt);
    EXPECT_FALSE(row(1).stored);
    EXPECT_EQ(work(id_).changes.size(), 1U);
    EXPECT_EQ(pack_of(1).live_bytes, 0U);
    EXPECT_EQ(archive_->commit_segments(99, {}).error().code, Errc::not_found);
}

TEST_F(ArchiveWorkTest, PacksThatComeWithACommitCountAsThoseThatCameBefore) {
    add_segments({full_segment(1, 0), full_segment(2, 10), full_segment(3, 20)});
    add_packs({pack(1, {1, 2})});
    ASSERT_TRUE(commit({stored(1, {1, 1, 2})}, 1));
    const std::vector<PackContents> packs = {pack(2, {1, 3, 4})};  // 1 is found there now
    const std::vector<StoredSegment> segments = {stored(2, {1, 3, 3}, 2), stored(3, {3, 2}, 2)};
    const IndexedPacks indexed{"default", packs, kIndex, head_at(2)};
    ASSERT_TRUE(archive_->commit_segments(id_, {{}, segments, head_at(2), &indexed}));
    EXPECT_EQ(*archive_->head(kIndex), head_at(2));
    EXPECT_EQ(*archive_->head(*archive_->stream_of(id_)), head_at(2));
    EXPECT_EQ(pack_of(1).live_bytes, 500U);
    EXPECT_EQ(pack_of(2).live_bytes, 1000U) << "nothing refers to 4";
    auto totals = *archive_->totals("default");
    EXPECT_EQ(totals.chunks, 4U);
    EXPECT_EQ(totals.live_plain_bytes, 3000U);
    EXPECT_EQ(totals.referred_bytes, 8000U);

    truncate({1, 2, 3}, 0);
    log_changes(id_);
    EXPECT_EQ(*archive_->drop_dead_maps("default", 10), 3U);
    totals = *archive_->totals("default");
    EXPECT_EQ(totals.live_bytes, 0U);
    EXPECT_EQ(totals.referred_bytes, 0U);
}

TEST_F(ArchiveWorkTest, ACommitThatFailsLeavesItsPacksOutAsWell) {
    add_segments({full_segment(1, 0)});
    const std::vector<PackContents> packs = {pack(1, {1})};
    const std::vector<StoredSegment> segments = {stored(1, {1, 9})};
    const IndexedPacks indexed{"default", packs, kIndex, head_at(1)};
    ASSERT_TRUE(archive_->stream_of(id_));
    const auto done = archive_->commit_segments(id_, {{}, segments, head_at(1), &indexed});
    EXPECT_EQ(done.error().code, Errc::corrupt);
    EXPECT_EQ(archive_->head(kIndex)->sequence, 0U);
    EXPECT_TRUE(archive_->packs("default")->empty());
    EXPECT_EQ(archive_->locate_chunks(std::vector{fingerprint(1)})->front(), std::nullopt);
}

TEST_F(ArchiveWorkTest, ReplacingAStoredRowKeepsItStoredAndOutOfTheSpool) {
    add_segments({full_segment(1, 0)});
    add_packs({pack(1, {1})});
    ASSERT_TRUE(commit({stored(1, {1})}));
    ASSERT_EQ(archive_->leave_spool(id_, std::vector<std::uint64_t>{1})->size(), 1U);
    auto shorter = full_segment(1, 0);
    shorter.object_count = 4;
    shorter.byte_count = 4000;
    truncate({}, 4, {shorter});
    EXPECT_TRUE(row(1).stored);
    EXPECT_FALSE(row(1).spooled);
    EXPECT_EQ(row(1).object_count, 4U);
    EXPECT_EQ(archive_->storage(id_)->stored, 4000U);
    EXPECT_EQ(archive_->checkpoint_facts(id_)->segments.front().segment.object_count, 4U);
}

TEST_F(ArchiveWorkTest, OnlyStoredSegmentsLeaveTheSpoolDurableInItOrNot) {
    auto complete = full_segment(3, 20);
    complete.sealed = false;
    complete.complete = true;
    add_segments({full_segment(1, 0), full_segment(2, 10), complete});
    add_packs({pack(1, {1})});
    ASSERT_TRUE(commit({stored(1, {1}), stored(3, {1})}));
    EXPECT_EQ(*archive_->leave_spool(id_, Numbers{1, 2, 3, 99}), (Numbers{1, 3}));
    EXPECT_EQ(*catalog_->spooled_segments(id_), Numbers{2});
    EXPECT_TRUE(archive_->stored_and_spooled(id_)->empty());
    EXPECT_TRUE(catalog_->unsealed_segments(id_)->empty()) << "what is stored counts as sealed";

    SegmentChange sealed;  // the writer's fdatasync returned after all
    sealed.replaced = {full_segment(3, 20)};
    ASSERT_TRUE(catalog_->change_segments(id_, sealed));
    EXPECT_EQ(*catalog_->spooled_segments(id_), Numbers{2});
}

TEST_F(ArchiveWorkTest, StorageTellsWhatIsInTheSpoolOnlyAndWhatIsStored) {
    auto marked = full_segment(2, 10);
    marked.filemark_count = 1;
    marked.byte_count = 9000 + 1024;
    add_segments({full_segment(1, 0), marked});
    add_packs({pack(1, {1})});
    ASSERT_TRUE(commit({stored(2, {1})}));
    auto storage = archive_->storage(id_);
    ASSERT_TRUE(storage);
    EXPECT_EQ(storage->spooled_only, 10'000U);
    EXPECT_EQ(storage->stored, 9000U);
    EXPECT_EQ(storage->pending_changes, 1U);
    truncate({2}, 10);
    EXPECT_EQ(archive_->storage(id_)->stored, 0U);
    EXPECT_EQ(archive_->storage(99).error().code, Errc::not_found);
}

TEST_F(ArchiveWorkTest, ALibraryIsToBeLoggedUntilTheLogHasItsNewestVersion) {
    ASSERT_TRUE(catalog_->set_property("serial/default/changer", "CHANGER01"));
    ASSERT_TRUE(catalog_->set_property("serial/other/changer", "OTHER00001"));
    ASSERT_TRUE(catalog_->set_value("lu/CHANGER01", "mode", Bytes{1, 2}));
    ASSERT_TRUE(catalog_->set_value("lu/OTHER00001", "mode", Bytes{3}));
    const auto first = archive_->library_work("default");
    ASSERT_TRUE(first && *first);
    const auto& state = (*first)->state;
    EXPECT_EQ(state.properties.size(), 1U);
    EXPECT_EQ(state.properties.at("serial/default/changer"), "CHANGER01");
    ASSERT_EQ(state.values.size(), 1U);
    EXPECT_EQ(state.values[0].owner, "lu/CHANGER01");
    EXPECT_EQ(state.values[0].value.value, (Bytes{1, 2}));
    ASSERT_EQ(state.cartridges.size(), 1U);
    EXPECT_EQ(state.cartridges[0].stream, *archive_->stream_of(id_));
    EXPECT_EQ(state.cartridges[0].medium_serial, "defaultTL0001L9");

    const StreamId stream{5};
    add("TL0002L9", 1);  // while it is logged
    ASSERT_TRUE(archive_->commit_library("default", (*first)->version, stream, head_at(1)));
    const auto second = archive_->library_work("default");
    ASSERT_TRUE(second && *second);
    EXPECT_EQ((*second)->state.cartridges.size(), 2U);
    ASSERT_TRUE(archive_->commit_library("default", (*second)->version, stream, head_at(2)));
    open();
    EXPECT_FALSE(*archive_->library_work("default"));
    EXPECT_EQ(archive_->library_state("default")->state.cartridges.size(), 2U);
    EXPECT_EQ(archive_->head(stream)->sequence, 2U);
    EXPECT_EQ(archive_->commit_library("default", 999, stream, head_at(3)).error().code,
              Errc::precondition);
}

TEST_F(ArchiveWorkTest, EveryChangeOfALibrarysPartsMakesANewVersion) {
    ASSERT_TRUE(catalog_->set_property("serial/default/drive0", "DRIVE00001"));
    const auto log = [this] {
        const auto now = archive_->library_work("default").value();
        const bool pending = now.has_value();
        if (now) {
            EXPECT_TRUE(archive_->commit_library("default", now->version, {5}, head_at(1)));
        }
        return pending;
    };
    EXPECT_TRUE(log());
    ASSERT_TRUE(catalog_->set_property("library/default/populated", "yes"));
    EXPECT_TRUE(log());
    ASSERT_TRUE(catalog_->set_value("lu/DRIVE00001", "mode", Bytes{1}));
    EXPECT_TRUE(log());
    ASSERT_TRUE(catalog_->remove_cartridge(id_));
    EXPECT_TRUE(log());
    ASSERT_TRUE(catalog_->set_property("library/default/populated", "yes"));
    ASSERT_TRUE(catalog_->set_property("library/defaults/populated", "yes"));
    ASSERT_TRUE(catalog_->set_value("lu/NOBODY0001", "mode", Bytes{1}));
    add("TL0001L9", 0, "other");
    EXPECT_FALSE(log());
}

TEST_F(ArchiveWorkTest, ACartridgeIsRestoredWithItsMapsAndNothingToBeLogged) {
    add_packs({pack(1, {1, 2})});
    ArchiveCatalog::RestoredCartridge restored;
    restored.state.record = *catalog_->cartridge(id_);
    restored.state.values = {{"mam", Bytes{1}}};
    restored.stream = {9};
    restored.head = head_at(4);
    restored.capacities = {500, 600};
    restored.segments = {{full_segment(3, 0), 2}, {full_segment(4, 0, 1), 3}};
    const auto map_of = [](std::size_t i) -> Result<Bytes> {
        return stored(3 + i, {static_cast<std::uint8_t>(1 + i)}).map;
    };
    EXPECT_EQ(archive_->restore_cartridge(restored, map_of).error().code, Errc::already_exists);
    restored.state.record.barcode = "TL0002L9";
    restored.state.record.medium_serial = "ANOTHER";
    restored.state.record.element = kOutside;
    const auto unknown = [](std::size_t) -> Result<Bytes> { return stored(3, {7}).map; };
    EXPECT_EQ(archive_->restore_cartridge(restored, unknown).error().code, Errc::corrupt);
    const auto torn = [](std::size_t) -> Result<Bytes> { return Bytes{1, 2, 3}; };
    EXPECT_EQ(archive_->restore_cartridge(restored, torn).error().code, Errc::corrupt);
    EXPECT_EQ(catalog_->cartridges("default")->size(), 1U);

    const auto id = archive_->restore_cartridge(restored, map_of);
    ASSERT_TRUE(id) << id.error().message;
    EXPECT_EQ(*archive_->stream_of(*id), restored.stream);
    EXPECT_EQ(*archive_->head(restored.stream), head_at(4));
    EXPECT_EQ(*catalog_->partitions(*id), restored.capacities);
    EXPECT_EQ(catalog_->values(value_owner(*id))->size(), 1U);
    EXPECT_EQ(archive_->checkpoint_facts(*id)->segments.at(1).map_sequence, 3U);
    EXPECT_TRUE(catalog_->spooled_segments(*id)->empty());
    EXPECT_EQ(archive_->storage(*id)->stored, 20'000U);
    EXPECT_EQ(pack_of(1).live_bytes, 1000U);
    EXPECT_EQ(*archive_->cartridges_with_work("default"), std::vector{id_});
}

TEST_F(ArchiveWorkTest, ACartridgeThatIsRestoredWithAnotherStateHasThatToBeLogged) {
    ArchiveCatalog::RestoredCartridge restored;
    restored.state.record = *catalog_->cartridge(id_);
    restored.state.record.barcode = "TL0002L9";
    restored.state.record.medium_serial = "ANOTHER";
    restored.state.record.element = kOutside;
    restored.state_differs = true;
    restored.stream = {9};
    restored.head = head_at(4);
    const auto id = archive_->restore_cartridge(restored, {});
    ASSERT_TRUE(id) << id.error().message;
    ASSERT_EQ(work(*id).changes.size(), 1U);
    EXPECT_EQ(work(*id).changes[0].kind, PendingChange::Kind::state);
}

TEST_F(ArchiveWorkTest, WhatAPartitionEndsWithIsTheEndWhateverComesBehindInAnotherOne) {
    add_segments({full_segment(1, 0), full_segment(2, 10), full_segment(3, 0, 1)});
    EXPECT_TRUE(archive_->work(id_, 2)->at_end);
    EXPECT_FALSE(archive_->work(id_, 1)->at_end);
    auto tail = full_segment(4, 20);
    tail.sealed = false;
    add_segments({tail});
    EXPECT_FALSE(archive_->work(id_, 2)->at_end) << "it is being written";
    truncate({4}, 20, {});
    auto marker = full_segment(5, 20);
    marker.object_count = 0;
    marker.byte_count = 0;
    add_segments({marker});
    EXPECT_TRUE(archive_->work(id_, 2)->at_end) << "an empty one holds a number";
    EXPECT_FALSE(archive_->work(id_, 0)->at_end);
}

TEST_F(ArchiveWorkTest, ALibraryIsRestoredAndItsLogIsToldAnew) {
    LibraryState state;
    state.name = "restored";
    state.properties = {{"serial/restored/changer", "CHANGER01"}};
    state.values = {{"lu/CHANGER01", {"mode", Bytes{1}}}};
    ASSERT_TRUE(archive_->restore_library(state, {7}, head_at(3)));
    EXPECT_TRUE(*archive_->library_work("restored"));
    const auto found = archive_->library_state("restored");
    EXPECT_EQ(found->state.properties, state.properties);
    ASSERT_EQ(found->state.values.size(), 1U);
    EXPECT_EQ(archive_->head({7})->sequence, 3U);
    ASSERT_TRUE(archive_->commit_library("restored", found->version, {7}, head_at(4)));
    EXPECT_FALSE(*archive_->library_work("restored"));
}

}  // namespace
}  // namespace tapeloft::media
