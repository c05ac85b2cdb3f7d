// Tapes as years of jobs leave them: taken for one media set after the other, of several pools,
// datastores and keys.
#include <algorithm>

#include <gtest/gtest.h>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/restore.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kSmallChunkSize = 3000;

/// A bit so far behind where the bytes stand first.
void flip(MemoryTapeFile& file, const Bytes& what, std::ptrdiff_t behind) {
    for (auto& record : file.records) {
        const auto at = std::search(record.begin(), record.end(), what.begin(), what.end());
        if (at != record.end()) {
            at[behind] ^= 1U;
            return;
        }
    }
    FAIL() << "it is not there";
}

/// Each test by catalog and by full scan.
class UsedTapes : public testing::TestWithParam<bool> {
  protected:
    UsedTapes() {
        for (std::size_t i = 0; i < 6; ++i) {
            chunks.push_back(make_chunk(make_data(random, kSmallChunkSize)));
        }
    }

    std::vector<MadeChunk> slice(std::size_t from, std::size_t to) const {
        return {chunks.begin() + static_cast<std::ptrdiff_t>(from),
                chunks.begin() + static_cast<std::ptrdiff_t>(to)};
    }
    static MadeFile image(const std::vector<MadeChunk>& of) {
        return make_fixed_index("drive.img.fidx", of);
    }

    const Collection& scan(const std::vector<const TapeMaker*>& tapes) {
        std::vector<std::shared_ptr<MemoryTape>> here;
        for (const auto* const tape : tapes) {
            here.push_back(tape->tape());
        }
        collection.emplace(run(Collection::scan(media_of(here), {GetParam(), "", {}})).value());
        return *collection;
    }
    PbsVerifyReport verified(const CryptKey* key = nullptr) const {
        PbsVerifyOptions options;
        options.key = key;
        return run(verify(*collection, options)).value();
    }
    /// The image of that copy, or why it cannot be had.
    Result<Bytes> image_of(const PbsSnapshot& snapshot, std::size_t copy) const {
        auto opened = run(OpenSnapshot::open(*collection, snapshot, snapshot.copies.at(copy)));
        if (!opened) {
            return opened.error();
        }
        ChunkReader reader(*collection, snapshot.copies[copy].set, snapshot.store, nullptr);
        ArchiveSource source(run(opened->index("drive.img.fidx")).value(), false, reader);
        Bytes bytes(source.size());
        const auto read = run(source.read(0, bytes));
        return read ? Result<Bytes>(std::move(bytes)) : read.error();
    }
    static Bytes data_of(const std::vector<MadeChunk>& of) {
        Bytes data;
        for (const auto& chunk : of) {
            data.insert(data.end(), chunk.data.begin(), chunk.data.end());
        }
        return data;
    }

    static constexpr PbsUuid kOld = {0x51};
    static constexpr PbsUuid kNew = {0x52};
    std::mt19937_64 random{20261128};
    std::vector<MadeChunk> chunks;
    std::optional<Collection> collection;
};
INSTANTIATE_TEST_SUITE_P(ByCatalogOrFull, UsedTapes, testing::Bool());

TEST_P(UsedTapes, ATapeTakenForANewSetIsMissingInItsOldOne) {
    TapeMaker first("TS0000L8", 1, kOld, 0);
    TapeMaker second("TS0001L8", 2, kOld, 1);
    first.chunk_archive("store", slice(0, 2));
    second.catalog(first);
    second.chunk_archive("store", slice(2, 3));
    second.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    second.catalog(second);
    first.join(kNew, 0, {"p", 1720000000, ""});
    first.chunk_archive("store", slice(0, 3));
    first.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    first.catalog(first);
    scan({&second, &first});
    ASSERT_EQ(collection->sets().size(), 2U);
    EXPECT_EQ(collection->sets()[0].uuid, kOld);
    ASSERT_EQ(collection->sets()[0].members.size(), 2U);
    EXPECT_FALSE(collection->sets()[0].members[0].tape.has_value());
    EXPECT_EQ(collection->sets()[0].members[0].medium, TapeMaker::uuid(1));
    EXPECT_TRUE(collection->sets()[1].is_complete());
    ASSERT_EQ(collection->snapshots().size(), 1U);
    const auto& snapshot = collection->snapshots()[0];
    ASSERT_EQ(snapshot.copies.size(), 2U);
    EXPECT_EQ(snapshot.copies[0].set, 1U) << "the newest first";
    EXPECT_EQ(image_of(snapshot, 0).value(), data_of(slice(0, 3)));
    EXPECT_EQ(image_of(snapshot, 1).value(), data_of(slice(0, 3))) << "what it lacks is in the new";
    const auto report = verified();
    EXPECT_TRUE(report.is_sound());
    EXPECT_EQ(report.snapshots.at(1).files.at(0).elsewhere, 2U);
    EXPECT_EQ(report.snapshots.at(0).files.at(0).elsewhere, 0U);
    scan({&second});
    const auto old = image_of(collection->snapshots().at(0), 0);
    ASSERT_FALSE(old.has_value());
    EXPECT_EQ(old.error().code, Errc::not_found);
    EXPECT_NE(old.error().message.find("number 0 of media set 51000000-"), std::string::npos)
        << old.error().message;
    EXPECT_EQ(verified().snapshots.at(0).files.at(0).missing, 2U);
}

TEST_P(UsedTapes, WhatIsDamagedInOneMediaSetIsTakenFromTheOther) {
    std::vector<MadeChunk> long_ones;
    for (int i = 0; i < 4; ++i) {
        long_ones.push_back(make_chunk(make_data(random, 300'000)));
    }
    const std::vector<MadeChunk> backwards(long_ones.rbegin(), long_ones.rend());
    const auto other_image = make_fixed_index("other.img.fidx", backwards);
    std::vector<TapeMaker> tapes;
    for (const auto& [set, barcode] : {std::pair(kOld, "TS0000L8"), std::pair(kNew, "TS0001L8")}) {
        auto& tape = tapes.emplace_back(barcode, set[0], set, 0);
        tape.join(set, 0, {"p", 1717571065 + set[0], ""});
        tape.chunk_archive("store", long_ones);
        tape.snapshot("store", kMadeSnapshot, {image(long_ones), other_image});
        tape.catalog(tape);
    }
    const auto digests_of = [&](const std::vector<std::size_t>& wanted) {
        Bytes digests;
        for (const auto number : wanted) {
            const auto& digest = long_ones[number].digest;
            digests.insert(digests.end(), digest.begin(), digest.end());
        }
        return digests;
    };
    // Another chunk in each, and the index of another image.
    flip(tapes[0].tape()->files.at(2), digests_of({0}), 1000);
    flip(tapes[1].tape()->files.at(2), digests_of({3}), 1000);
    flip(tapes[0].tape()->files.at(3), digests_of({0, 1}), 5);
    flip(tapes[1].tape()->files.at(3), digests_of({1, 0}), 5);
    scan({&tapes[0], &tapes[1]});
    ASSERT_EQ(collection->snapshots().size(), 1U);
    const auto& snapshot = collection->snapshots()[0];
    ASSERT_EQ(snapshot.copies.size(), 2U);
    for (const auto& copy : snapshot.copies) {
        auto opened = run(OpenSnapshot::open(*collection, snapshot, copy)).value();
        opened.use_other_copies();
        ChunkReader reader(*collection, copy.set, snapshot.store, nullptr);
        for (const auto& [name, expected] : {std::pair("drive.img.fidx", data_of(long_ones)),
                                             std::pair("other.img.fidx", data_of(backwards))}) {
            const auto index = run(opened.index(name));
            ASSERT_TRUE(index.has_value()) << index.error().message;
            ArchiveSource source(*index, false, reader);
            Bytes bytes(source.size());
            const auto read = run(source.read(0, bytes));
            EXPECT_TRUE(read.has_value()) << read.error().message;
            EXPECT_TRUE(bytes == expected);
        }
    }
    const auto report = verified();
    EXPECT_FALSE(report.is_sound()) << "the tapes are damaged";
    EXPECT_EQ(report.damaged.size(), 2U);
    for (std::size_t copy = 0; copy < 2; ++copy) {
        const auto& files = report.snapshots.at(copy).files;
        EXPECT_FALSE(files.at(copy == 0 ? 1 : 0).is_sound()) << "its index";
        EXPECT_TRUE(files.at(copy).is_sound());
        EXPECT_EQ(files.at(copy).elsewhere, 1U);
    }
}

TEST_P(UsedTapes, OfTwoTapesOfTheSameNumberEitherWillDo) {
    std::vector<TapeMaker> tapes;
    for (std::uint8_t medium = 1; medium <= 2; ++medium) {
        auto& tape = tapes.emplace_back("TS000" + std::to_string(medium) + "L8", medium, kOld, 0);
        tape.chunk_archive("store", {chunks[medium - 1U]});
        tape.snapshot("store", kMadeSnapshot, {image(slice(0, 2))});
        tape.catalog(tape);
    }
    tapes[0].tape()->unreadable = {{{3, 0}, Errc::io}};
    TapeMaker next("TS0003L8", 3, kOld, 1);
    next.chunk_archive("store", slice(2, 4));
    next.snapshot("store", "vm/100/2024-06-06T07:04:24Z", {image(slice(0, 4))});
    next.catalog(next);
    scan({&tapes[0], &tapes[1], &next});
    ASSERT_EQ(collection->snapshots().size(), 2U);
    const auto& twice = collection->snapshots()[0];
    ASSERT_EQ(twice.copies.size(), GetParam() ? 1U : 2U);
    EXPECT_EQ(image_of(twice, 0).has_value(), GetParam()) << "a catalog tells of it";
    EXPECT_EQ(image_of(twice, twice.copies.size() - 1).value(), data_of(slice(0, 2)));
    const auto& across = collection->snapshots()[1];
    ASSERT_EQ(across.copies.size(), 1U) << "the other tape is in the set once";
    EXPECT_EQ(image_of(across, 0).value(), data_of(slice(0, 4)));
    EXPECT_EQ(verified().chunks, 4U);
}

TEST_P(UsedTapes, ACatalogOfAnotherMediaSetAddsNothingToThisOne) {
    TapeMaker other("TS0005L8", 5, kOld, 0);
    other.chunk_archive("store", slice(3, 6));
    other.snapshot("store", "host/elsewhere/2024-06-05T07:04:24Z", {image(slice(3, 6))});
    TapeMaker tape("TS0000L8", 1, kNew, 0);
    tape.catalog(other);
    tape.chunk_archive("store", slice(0, 3));
    tape.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    tape.catalog(other);
    tape.catalog(tape);
    tape.catalog(other);
    scan({&tape});
    ASSERT_EQ(collection->sets().size(), 1U);
    ASSERT_EQ(collection->snapshots().size(), 1U);
    EXPECT_TRUE(collection->places(0, "store", chunks[4].digest).empty());
    EXPECT_EQ(image_of(collection->snapshots()[0], 0).value(), data_of(slice(0, 3)));
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, TheCatalogThatReachesFarthestIsTakenWhereverItIs) {
    TapeMaker first("TS0000L8", 1, kOld, 0);
    TapeMaker second("TS0001L8", 2, kOld, 1);
    first.chunk_archive("store", slice(0, 1));
    first.catalog(first);
    first.chunk_archive("store", slice(1, 3));
    second.catalog(first);
    second.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    second.catalog(second);
    scan({&first, &second});
    EXPECT_EQ(image_of(collection->snapshots().at(0), 0).value(), data_of(slice(0, 3)));
    EXPECT_EQ(collection->places(0, "store", chunks[2].digest).size(), 1U);
    // 0: it was told by a catalog, not looked at.
    EXPECT_EQ(collection->file(0, 0, 4)->time_s == 0, !GetParam());
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, CatalogArchivesOfVersion10AreRead) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", slice(0, 3));
    tape.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    tape.catalog(tape, StreamEnd::complete, MadeCatalog::without_namespaces);
    EXPECT_EQ(scan({&tape}).tapes()[0].by_catalog, !GetParam());
    EXPECT_TRUE(collection->tapes()[0].findings.empty());
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, ManyFilesBehindTheLastCatalogAreFound) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", slice(0, 3));
    tape.catalog(tape);
    for (int day = 10; day < 25; ++day) {
        tape.snapshot("store", "vm/100/2024-06-" + std::to_string(day) + "T07:04:24Z",
                      {image(slice(0, 3))});
    }
    scan({&tape});
    EXPECT_EQ(collection->snapshots().size(), 15U);
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, GroupsNamespacesAndDatastoresOfTheSameNamesAreKeptApart) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    const std::vector<std::string> names = {
        "vm/100/2024-06-05T07:04:24Z", "ct/100/2024-06-05T07:04:24Z",
        "host/100/2024-06-05T07:04:24Z", "ns/a/vm/100/2024-06-05T07:04:24Z",
        "ns/a/ns/vm/ns/c/ns/d/ns/e/ns/f/ns/g/ct/100/"
        "2024-06-05T07:04:24Z"};
    tape.chunk_archive("store", slice(0, 1));
    for (const auto& name : names) {
        tape.snapshot("store", name, {image(slice(0, 1))});
    }
    // The same chunk in another datastore is another one.
    tape.snapshot("other", names[0], {image(slice(0, 1))});
    tape.chunk_archive("another", slice(0, 1));
    tape.snapshot("another", names[0], {image(slice(0, 1))});
    tape.catalog(tape);
    scan({&tape});
    ASSERT_EQ(collection->snapshots().size(), names.size() + 2);
    for (const auto& snapshot : collection->snapshots()) {
        EXPECT_EQ(image_of(snapshot, 0).has_value(), snapshot.store != "other") << snapshot.text();
    }
    EXPECT_EQ(collection->snapshots().back().name.namespace_text(), "");
}

TEST_P(UsedTapes, OfASnapshotTwiceInASetEitherCopyWillDo) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", slice(0, 3));
    tape.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    tape.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    tape.catalog(tape);
    for (const std::uint64_t damaged : {3U, 4U}) {
        tape.tape()->unreadable = {{{damaged, 0}, Errc::io}};
        scan({&tape});
        ASSERT_EQ(collection->snapshots().size(), 1U);
        std::size_t sound = 0;
        const auto& snapshot = collection->snapshots()[0];
        for (std::size_t copy = 0; copy < snapshot.copies.size(); ++copy) {
            sound += image_of(snapshot, copy).has_value() ? 1U : 0U;
        }
        EXPECT_EQ(sound, 1U);
        EXPECT_FALSE(verified().is_sound());
    }
}

TEST_P(UsedTapes, AChunkThatEndsWithItsLastWholeSliceAtEarlyWarningIsOnBothTapes) {
    // 262144 bytes of blob: PBS takes it for cut, and writes it again (2.7 of the format).
    const auto quirk = make_chunk(make_data(random, 262'144 - 12));
    TapeMaker first("TS0000L8", 1, kOld, 0);
    TapeMaker second("TS0001L8", 2, kOld, 1);
    first.chunk_archive("store", {chunks[0]});
    TapeMaker with_quirk("TS0000L8", 1, kOld, 0);
    with_quirk.chunk_archive("store", {chunks[0], quirk});
    second.catalog(first);
    second.chunk_archive("store", {quirk});
    second.snapshot("store", kMadeSnapshot,
                    {make_dynamic_index("root.pxar.didx", {chunks[0], quirk})});
    second.catalog(second);
    scan({&with_quirk, &second});
    EXPECT_EQ(collection->places(0, "store", quirk.digest).size(), GetParam() ? 2U : 1U);
    ChunkReader reader(*collection, 0, "store", nullptr);
    for (const auto& chunk : {chunks[0], quirk}) {
        const auto found = run(reader.read({chunk.digest, chunk.data.size(), false}));
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_TRUE(std::ranges::equal(found->data.view(), chunk.data));
    }
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, PowerLostInsideOfAnArchiveCostsThatArchiveAndIsNoDamage) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", slice(0, 3));
    tape.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    tape.catalog(tape);
    std::vector<MadeChunk> long_ones;
    for (int i = 0; i < 3; ++i) {
        long_ones.push_back(make_chunk(make_data(random, 300'000)));
    }
    tape.chunk_archive("store", long_ones, StreamEnd::truncated);
    scan({&tape});
    EXPECT_TRUE(collection->places(0, "store", long_ones[0].digest).empty());
    EXPECT_EQ(collection->file(0, 0, 5)->ending->end, StreamEnd::truncated);
    EXPECT_TRUE(verified().is_sound());
    // The next job adds the filemark that is missing, and goes on.
    tape.tape()->files.back().has_filemark = true;
    tape.chunk_archive("store", long_ones);
    tape.snapshot("store", "vm/100/2024-06-06T07:04:24Z",
                  {make_fixed_index("drive.img.fidx", long_ones)});
    tape.catalog(tape);
    scan({&tape});
    EXPECT_EQ(collection->file(0, 0, 5)->ending->end, StreamEnd::aborted);
    EXPECT_EQ(image_of(collection->snapshots().at(1), 0).value(), data_of(long_ones));
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, ATapeThatIsOnlyReservedOrHasJustJoinedIsInOrder) {
    TapeMaker reserved("TS0000L8", 1, PbsUuid{}, 0);
    reserved.join(PbsUuid{}, 0);
    TapeMaker joined("TS0001L8", 2, kNew, 0);
    scan({&reserved, &joined});
    ASSERT_EQ(collection->sets().size(), 1U);
    EXPECT_FALSE(collection->tapes()[0].media_set.has_value());
    for (const auto& tape : collection->tapes()) {
        EXPECT_TRUE(tape.findings.empty()) << tape.findings[0].what;
    }
    EXPECT_TRUE(verified().is_sound());
}

TEST_P(UsedTapes, SnapshotsOfOtherKeysAreToldFromDamagedOnes) {
    const Bytes one(32, 1);
    const Bytes two(32, 2);
    const CryptKey first_key{SecretKey(one)};
    const CryptKey second_key{SecretKey(two)};
    const auto data = make_data(random, kSmallChunkSize);
    const auto by_one = make_chunk(data, MadeEncoding::encrypted, one);
    const auto by_two = make_chunk(data, MadeEncoding::zstd_encrypted, two);
    EXPECT_NE(by_one.digest, by_two.digest);
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", {by_one, by_two, chunks[0]});
    const auto archive = [](const MadeChunk& chunk) {
        return make_dynamic_index("root.pxar.didx", {chunk}, "encrypt");
    };
    tape.snapshot("store", "host/one/2024-06-05T07:04:24Z", {archive(by_one)}, StreamEnd::complete,
                  &first_key);
    tape.snapshot("store", "host/two/2024-06-05T07:04:24Z", {archive(by_two)}, StreamEnd::complete,
                  &second_key);
    tape.catalog(tape);
    scan({&tape});
    const auto report = verified(&first_key);
    EXPECT_TRUE(report.is_sound());
    EXPECT_EQ(report.other_keys, 1U);
    EXPECT_EQ(report.snapshots.at(0).files.at(0).not_decrypted, 0U);
    EXPECT_EQ(report.snapshots.at(1).files.at(0).not_decrypted, 1U);
    const auto& snapshot = collection->snapshots().at(1);
    const auto opened = run(OpenSnapshot::open(*collection, snapshot, snapshot.copies.at(0)));
    const auto refused = check_key(opened->manifest(), &first_key);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::denied);
    for (const auto* const key : {&first_key, &second_key}) {
        EXPECT_NE(refused.error().message.find(short_fingerprint(key->fingerprint())),
                  std::string::npos)
            << refused.error().message;
    }
    EXPECT_TRUE(check_key(opened->manifest(), &second_key).has_value());
    ChunkReader reader(*collection, 0, "store", &second_key);
    const auto found = run(reader.read({by_two.digest, data.size(), true}));
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_TRUE(std::ranges::equal(found->data.view(), data));
}

TEST_P(UsedTapes, ASignatureThatWasTakenAwayIsMissed) {
    const Bytes secret(32, 1);
    const CryptKey key{SecretKey(secret)};
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", {chunks[0]});
    const auto made = [&](const std::string& id, const std::string& mode, const CryptKey* named,
                          bool is_signed) {
        tape.snapshot("store", "host/" + id + "/2024-06-05T07:04:24Z",
                      {make_dynamic_index("root.pxar.didx", {chunks[0]}, mode)},
                      StreamEnd::complete, named, is_signed);
    };
    made("1signed", "sign-only", &key, true);
    made("2stripped", "sign-only", &key, false);
    made("3name-gone", "sign-only", nullptr, false);
    made("4mode-gone", "none", &key, false);
    made("5unsigned", "none", nullptr, false);
    tape.catalog(tape);
    scan({&tape});
    for (const auto* const given : {&key, static_cast<const CryptKey*>(nullptr)}) {
        const auto report = verified(given);
        ASSERT_EQ(report.snapshots.size(), 5U);
        for (const std::size_t missed : {1U, 2U, 3U}) {
            const auto& snapshot = report.snapshots[missed];
            EXPECT_FALSE(snapshot.is_sound()) << snapshot.name;
            ASSERT_EQ(snapshot.findings.size(), 1U) << snapshot.name;
            EXPECT_NE(snapshot.findings[0].find("signature is missing"), std::string::npos);
        }
        EXPECT_TRUE(report.snapshots[0].is_sound());
        EXPECT_EQ(report.snapshots[0].signature_checked, given != nullptr);
        EXPECT_TRUE(report.snapshots[4].is_sound()) << "never had one";
        EXPECT_FALSE(report.snapshots[4].is_signed);
    }
}

TEST_P(UsedTapes, AManifestStrippedOfAllThatTellsOfAKeyIsBetrayedByWhatItLists) {
    const Bytes secret(32, 1);
    const CryptKey key{SecretKey(secret)};
    const auto sealed = make_chunk(chunks[0].data, MadeEncoding::zstd_encrypted, secret);
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.chunk_archive("store", {chunks[0], sealed});
    const auto made = [&](const std::string& id, const std::vector<MadeFile>& files) {
        tape.snapshot("store", "host/" + id + "/2024-06-05T07:04:24Z", files);
    };
    const auto plain = plain_blob(as_bytes("plain"));
    made("1blob", {make_blob_file("fw.conf.blob", sealed.blob)});
    made("2chunk", {make_dynamic_index("root.pxar.didx", {sealed})});
    made("3wrapped", {make_blob_file(std::string(kWrappedKeyName), plain)});
    made("4log", {{std::string(kClientLogName), sealed.blob, ""}});
    made("5never", {make_dynamic_index("root.pxar.didx", {chunks[0]}),
                    make_blob_file("fw.conf.blob", plain)});
    tape.catalog(tape);
    scan({&tape});
    for (const auto* const given : {&key, static_cast<const CryptKey*>(nullptr)}) {
        const auto report = verified(given);
        ASSERT_EQ(report.snapshots.size(), 5U);
        for (const auto& snapshot : report.snapshots) {
            EXPECT_EQ(snapshot.is_sound(), &snapshot == &report.snapshots[4]) << snapshot.name;
        }
        for (const std::size_t missed : {0U, 2U, 3U}) {
            ASSERT_EQ(report.snapshots[missed].findings.size(), 1U);
            EXPECT_NE(report.snapshots[missed].findings[0].find("signature is missing"),
                      std::string::npos);
        }
        ASSERT_EQ(report.snapshots[1].files.at(0).findings.size(), 1U);
        EXPECT_NE(report.snapshots[1].files.at(0).findings[0].find("should not be"),
                  std::string::npos);
    }
}

TEST_P(UsedTapes, ATapeThatTheDriveEncryptedIsToldOfOnceAndByItsKey) {
    TapeMaker tape("TS0000L8", 1, kOld, 0);
    tape.join(kOld, 0, {"p", 1717571065, "aa:bb:cc"});
    tape.chunk_archive("store", slice(0, 3));
    for (int day = 10; day < 20; ++day) {
        tape.snapshot("store", "vm/100/2024-06-" + std::to_string(day) + "T07:04:24Z",
                      {image(slice(0, 3))});
    }
    for (std::uint64_t file = 2; file < tape.files(); ++file) {
        tape.tape()->unreadable[{file, 0}] = Errc::unsupported;
    }
    scan({&tape});
    const auto& findings = collection->tapes()[0].findings;
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_NE(findings[0].what.find("11 tape files were encrypted by the drive"), std::string::npos)
        << findings[0].what;
    EXPECT_NE(findings[0].what.find("aa:bb:cc"), std::string::npos);
    EXPECT_FALSE(verified().is_sound());
}

TEST_P(UsedTapes, WhatACatalogTellsOfAndIsNotThereIsMissedByName) {
    TapeMaker whole("TS0000L8", 1, kOld, 0);
    whole.chunk_archive("store", slice(0, 3));
    whole.snapshot("store", kMadeSnapshot, {image(slice(0, 3))});
    TapeMaker next("TS0001L8", 2, kOld, 1);
    next.catalog(whole);
    next.snapshot("store", "vm/101/2024-06-05T07:04:24Z", {image(slice(0, 3))});
    next.catalog(next);
    whole.tape()->files.pop_back();
    scan({&whole, &next});
    if (!GetParam()) {
        ASSERT_EQ(collection->snapshots().size(), 2U);
        EXPECT_FALSE(image_of(collection->snapshots()[0], 0).has_value());
        EXPECT_FALSE(verified().is_sound());
        ASSERT_FALSE(collection->tapes()[0].findings.empty());
        EXPECT_NE(collection->tapes()[0].findings[0].what.find("tape file 3"), std::string::npos);
    }
    EXPECT_EQ(image_of(collection->snapshots().back(), 0).value(), data_of(slice(0, 3)));
}

}  // namespace
}  // namespace tapeloft::media
