// Labels and media catalogs whose blocks do not stand in their order. PBS reads none of these.
#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "media/pbs/store/collection.h"
#include "media/pbs/store/verifier.h"

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kTinyChunks = 17'000;  // so many that their catalog has three blocks

/// Each test by catalog and by full scan.
class Order : public testing::TestWithParam<bool> {
  protected:
    static void SetUpTestSuite() {
        for (std::size_t i = 0; i < kTinyChunks; ++i) {
            Bytes data(4);
            append_number(data, i, 4);
            tiny.push_back(make_chunk(std::move(data)));
        }
    }
    static void TearDownTestSuite() { tiny = {}; }

    /// Labels, chunks (2), snapshot (3), catalog (4); the same again (5, 6), and a catalog of all.
    Order() {
        tape.chunk_archive("store", tiny);
        tape.snapshot("store", kMadeSnapshot, {make_dynamic_index("tree.pxar.didx", tiny)});
        tape.catalog(tape);
        tape.chunk_archive("store", {later});
        tape.snapshot("store", "vm/101/2024-06-05T07:04:24Z",
                      {make_fixed_index("drive.img.fidx", {later})});
        tape.catalog(tape);
    }

    void scan() { collection.emplace(scan_of({&tape})); }
    static Collection scan_of(const std::vector<const TapeMaker*>& tapes) {
        std::vector<std::shared_ptr<MemoryTape>> all;
        for (const auto* const each : tapes) {
            all.push_back(each->tape());
        }
        return run(Collection::scan(media_of(all), {GetParam(), "", {}})).value();
    }
    std::vector<Bytes>& records(std::size_t file) { return tape.tape()->files.at(file).records; }
    static bool is_found(const std::vector<TapeFinding>& findings, const std::string& words) {
        return std::ranges::any_of(findings, [&](const TapeFinding& each) {
            return each.is_damage && each.made_good && each.what.find(words) != std::string::npos;
        });
    }
    /// It is all that verification finds, and costs nothing that was backed up.
    void expect_only(const std::string& words) {
        const auto report = run(verify(*collection, {})).value();
        ASSERT_FALSE(report.findings.empty());
        EXPECT_EQ(report.findings.size(), 1U) << report.findings.back().what;
        EXPECT_TRUE(is_found(report.findings, words)) << report.findings.front().what;
        EXPECT_FALSE(report.is_sound());
        EXPECT_TRUE(report.damaged.empty());
        EXPECT_EQ(report.chunks, kTinyChunks + 1);
        EXPECT_EQ(report.snapshots.size(), 2U);
        EXPECT_TRUE(std::ranges::all_of(report.snapshots, &VerifiedSnapshot::is_sound));
    }
    void expect_all_scanned() {
        EXPECT_EQ(collection->tapes().at(0).files.size(), 8U);
        EXPECT_EQ(collection->snapshots().size(), 2U);
        EXPECT_EQ(collection->tapes().at(0).files.at(2).digests.size(), kTinyChunks);
    }

    static inline std::vector<MadeChunk> tiny;
    const MadeChunk later = make_chunk(Bytes(1000, 'l'));
    TapeMaker tape{"TS0000L8", 1, TapeMaker::uuid(9), 0};
    std::optional<Collection> collection;
};
INSTANTIATE_TEST_SUITE_P(ByCatalogOrFull, Order, testing::Bool());

TEST_P(Order, ACatalogInItsOrderIsBelieved) {
    scan();
    expect_all_scanned();
    EXPECT_EQ(collection->tapes()[0].by_catalog, !GetParam());
    EXPECT_TRUE(run(verify(*collection, {})).value().is_sound());
}

TEST_P(Order, ACatalogOutOfOrderIsNamedAndNotBelieved) {
    const auto whole = records(7);
    ASSERT_EQ(whole.size(), 3U);
    for (std::size_t number = 0; number + 1 < whole.size(); ++number) {
        records(7) = whole;
        std::swap(records(7)[number], records(7)[number + 1]);
        const auto words = "tape file 7, block " + std::to_string(number + 1) +
                           ": it stands in record " + std::to_string(number) + ", where block " +
                           std::to_string(number) + " is expected";
        scan();
        EXPECT_TRUE(is_found(collection->tapes().at(0).findings, words)) << number;
        EXPECT_FALSE(collection->tapes()[0].files.at(5).ending == std::nullopt)
            << number << ": it was told by a catalog, and not looked at";
        expect_all_scanned();
        expect_only(words);
    }
}

TEST_P(Order, ACatalogWithABlockTwiceIsNamedAndNotBelieved) {
    records(7).insert(records(7).begin() + 2, records(7).at(1));
    scan();
    EXPECT_FALSE(collection->tapes()[0].files.at(5).ending == std::nullopt);
    expect_all_scanned();
    expect_only("tape file 7, block 1: it stands in record 2, where block 2 is expected");
}

TEST_P(Order, ACatalogThatALaterOneMadeNeedlessIsVerifiedToo) {
    std::swap(records(4).at(1), records(4).at(2));
    scan();
    expect_all_scanned();
    EXPECT_EQ(collection->tapes()[0].by_catalog, !GetParam()) << "the last one tells all";
    expect_only("tape file 4, block 2: it stands in record 1, where block 1 is expected");
    std::swap(records(4).at(1), records(4).at(2));
    tape.tape()->unreadable[{4, 1}] = Errc::corrupt;
    scan();
    expect_all_scanned();
    expect_only("tape file 4, block 1: a record that cannot be read");
}

TEST_P(Order, ACatalogOfThePreviousTapeOutOfOrderIsNotBelieved) {
    TapeMaker second("TS0001L8", 2, TapeMaker::uuid(9), 1);
    second.catalog(tape);
    second.snapshot("store", "vm/102/2024-06-05T07:04:24Z",
                    {make_fixed_index("drive.img.fidx", {later})});
    second.catalog(second);
    tape.tape()->files.resize(7);  // full: the catalog is on the next one alone
    auto& first_file = second.tape()->files.at(2).records;
    std::swap(first_file.at(1), first_file.at(2));
    const auto both = scan_of({&tape, &second});
    EXPECT_TRUE(is_found(both.tapes().at(1).findings, "tape TS0001L8, tape file 2, block 2"));
    EXPECT_FALSE(both.tapes().at(0).files.at(5).ending == std::nullopt);
    EXPECT_EQ(both.snapshots().size(), 3U);
    const auto report = run(verify(both, {})).value();
    EXPECT_EQ(report.findings.size(), 1U);
    EXPECT_TRUE(std::ranges::all_of(report.snapshots, &VerifiedSnapshot::is_sound));
}

TEST_P(Order, ALabelThatIsThereTwiceIsNamedByVerification) {
    for (const std::size_t label : {0U, 1U}) {
        records(label).push_back(records(label).front());
        scan();
        expect_all_scanned();
        expect_only("tape file " + std::to_string(label) +
                    ", block 0: it stands in record 1, where block 1 is expected");
        records(label).pop_back();
    }
}

}  // namespace
}  // namespace tapeloft::media
