#include "media/pbs/pxar/fetch_plan.h"

#include <gtest/gtest.h>

#include "media/pbs/pxar/restorer.h"

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

FetchPlan plan(PxarReader& reader, const std::vector<std::string>& patterns) {
    auto plan = run(plan_fetch(reader, *PathSelection::make(patterns)));
    EXPECT_TRUE(plan.has_value()) << plan.error().message;
    return *std::move(plan);
}

TEST(FetchPlan, OfEverythingIsTheArchive) {
    MemorySource source(golden_file("tree1.pxar"));
    PxarReader reader(source);
    const auto planned = plan(reader, {});
    EXPECT_EQ(planned.archive, (std::vector<ByteRange>{{0, source.size()}}));
    EXPECT_LE(source.bytes_read, 4 * SourceWindow::kPiece);
}

TEST(FetchPlan, OfADirectoryIsItsRangeAndTheEntriesAbove) {
    const auto root = directory_node(
        "",
        {file_node("a", std::string(400'000, 'a')),
         directory_node("b", {file_node("c", std::string(400'000, 'c')),
                              directory_node("d", {file_node("e", std::string(300'000, 'e'))})}),
         file_node("z", std::string(400'000, 'z'))});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    PxarReader reader(source);
    const auto planned = plan(reader, {"b/d"});
    ASSERT_EQ(planned.archive.size(), 3U);
    EXPECT_EQ(planned.archive[0].offset, 0U);
    EXPECT_EQ(planned.archive[1].offset, archive.positions.at("b"));
    EXPECT_EQ(planned.archive[2],
              (ByteRange{archive.positions.at("b/d"),
                         archive.ends.at("b/d") - archive.positions.at("b/d")}));
}

TEST(FetchPlan, CoversAllDataARestoreReads) {
    MemorySource source(golden_file("tree1.pxar"));
    PxarReader reader(source);
    const auto planned = plan(reader, {"docs", "**/hard-*", "bin/random*"});
    std::uint64_t total = 0;
    for (const auto& range : planned.archive) {
        total += range.size;
    }
    EXPECT_LT(total, source.size() / 4);
    // What is not in the plan may be lost: only goodbye tables are read beside it.
    std::uint64_t at = 0;
    const auto keep_tables = [&source](std::uint64_t begin, std::uint64_t end) {
        if (end > begin + 200'000) {
            source.damage(begin + 90'000, end - 90'000);
        }
    };
    for (const auto& range : planned.archive) {
        keep_tables(at, range.offset);
        at = range.offset + range.size;
    }
    keep_tables(at, source.size());
    const tests::TemporaryDirectory directory;
    Restorer restorer(reader, *PathSelection::make({"docs", "**/hard-*", "bin/random*"}),
                      directory.path() / "out");
    ASSERT_TRUE(run(restorer.run()).has_value());
    EXPECT_EQ(restorer.report().failed, 0U);
}

TEST(FetchPlan, OfASplitArchiveHasRangesOfBothStreams) {
    const auto root = directory_node(
        "", {file_node("a", std::string(100'000, 'a')), file_node("b", std::string(200'000, 'b'))});
    const auto split = encode_pxar(root, TestForm::version_2_split);
    MemorySource metadata(split.archive);
    MemorySource payload(split.payload);
    PxarReader reader(metadata, payload);
    ASSERT_TRUE(run(reader.open()).has_value());
    const auto planned = plan(reader, {"b"});
    EXPECT_EQ(planned.payload, (std::vector<ByteRange>{{100'032, 200'016}}));
    EXPECT_FALSE(planned.archive.empty());
}

TEST(RangeSet, StaysSmallWhateverIsAdded) {
    RangeSet set;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
        set.add((i * 7919 % 300'000) * 1'000'000, 1000);
    }
    const auto ranges = set.ranges();
    EXPECT_LE(ranges.size(), RangeSet::kRangesMax);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        EXPECT_GT(ranges[i].offset, ranges[i - 1].offset + ranges[i - 1].size);
    }
    EXPECT_EQ(ranges.front().offset, 0U);
    EXPECT_EQ(ranges.back().offset + ranges.back().size, 299'999ULL * 1'000'000 + 1000);
}

}  // namespace
}  // namespace tapeloft::media
