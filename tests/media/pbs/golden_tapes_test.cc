// Everything that EXPECTED.json says of the tapes, up to what the archives in them hold.
#include "tests/media/pbs/golden_tapes.h"

#include <gtest/gtest.h>

#include "media/pbs/store/collection.h"

#include "tests/media/pbs/golden_comparison.h"

namespace tapeloft::media {
namespace {

Collection scan(bool full) {
    return run(Collection::scan(media_of(golden_tapes()), {full, "", {}})).value();
}

TEST(PbsGoldenTapes, LabelsAndMediaSetsAreAsExpected) {
    expect_golden_labels(scan(false));
}

class EachScan : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(ByCatalogOrFull, EachScan, testing::Bool());

TEST_P(EachScan, FindsEachTapeFileWithItsContent) {
    expect_golden_files(scan(GetParam()), GetParam());
}

TEST(PbsGoldenTapes, StreamsAndChunksAreThoseExpectedByteForByte) {
    expect_golden_streams(scan(true));
}

TEST_P(EachScan, EveryCopyOfEverySnapshotIsWhole) {
    expect_golden_snapshots(scan(GetParam()));
}

TEST_P(EachScan, VerificationFindsNothingWrongWithTheKeyAndSaysWhatItCannotSeeWithoutIt) {
    expect_golden_verification(scan(GetParam()));
}

TEST(PbsGoldenTapes, AScanByCatalogReadsNoChunkArchive) {
    auto tapes = golden_tapes();
    ASSERT_TRUE(run(Collection::scan(media_of(tapes), {})).has_value());
    // Labels and the last catalog archive, twice; file 2; the two older catalogs of TLA001L8.
    EXPECT_EQ(tapes[0]->records_read, 9U);
    EXPECT_EQ(tapes[1]->records_read, 7U);
}

TEST(PbsGoldenTapes, APoolChoosesItsTapes) {
    Collection::Options options;
    options.pool = "spare";
    const auto collection = run(Collection::scan(media_of(golden_tapes()), options)).value();
    ASSERT_EQ(collection.tapes().size(), 1U);
    EXPECT_EQ(collection.tapes()[0].barcode, "TLX002L8");
    options.pool = "dayly";
    const auto mistyped = run(Collection::scan(media_of(golden_tapes()), options));
    ASSERT_FALSE(mistyped.has_value());
    EXPECT_EQ(mistyped.error().code, Errc::not_found);
    EXPECT_EQ(mistyped.error().message,
              "no tape of the pool \"dayly\" is here; the pools are: daily, spare");
}

}  // namespace
}  // namespace tapeloft::media
