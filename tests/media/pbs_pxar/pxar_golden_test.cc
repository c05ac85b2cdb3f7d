#include <algorithm>

#include <gtest/gtest.h>

#include "media/pbs/pxar/pxar_reader.h"

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_world.h"

namespace tapeloft::media {
namespace {

class PxarGolden : public testing::TestWithParam<std::string> {
  protected:
    PxarGolden() : source_(golden_file(GetParam() + ".pxar")), reader_(source_) {}
    void SetUp() override { ASSERT_TRUE(run(reader_.open()).has_value()); }

    nlohmann::json describe_with_data(const PxarEntry& entry) {
        auto json = describe(entry);
        if (entry.kind == FileKind::file) {
            const auto content = read_file(reader_, entry);
            EXPECT_TRUE(content.has_value());
            json["sha256"] = sha256_hex(content ? *content : Bytes());
        }
        return json;
    }

    MemorySource source_;
    PxarReader reader_;
};

TEST_P(PxarGolden, AWalkFindsEveryEntryWithAllThatIsKnownOfIt) {
    const auto expected = golden_listing(GetParam());
    const auto walked = walk_all(reader_);
    ASSERT_FALSE(walked.error) << walked.error->message;
    std::size_t next = 0;
    for (const auto& event : walked.events) {
        ASSERT_NE(event.kind, PxarEvent::Kind::damage) << event.error->message;
        if (event.kind == PxarEvent::Kind::entry) {
            ASSERT_LT(next, expected.size());
            const auto found = describe_with_data(event.entry);
            EXPECT_EQ(found, expected[next]) << text_of(found) << "\n" << text_of(expected[next]);
            ++next;
        }
    }
    EXPECT_EQ(next, expected.size());
}

TEST_P(PxarGolden, EveryDirectoryIsLeftAfterWhatIsInIt) {
    std::vector<std::string> above;
    for (const auto& event : walk_all(reader_).events) {
        if (event.kind == PxarEvent::Kind::leave) {
            ASSERT_FALSE(above.empty());
            EXPECT_EQ(event.entry.path, above.back());
            above.pop_back();
            continue;
        }
        if (!event.entry.path.empty()) {
            ASSERT_FALSE(above.empty());
            EXPECT_EQ(event.entry.path, join_path(above.back(), event.entry.name()));
        }
        if (event.entry.kind == FileKind::directory) {
            above.push_back(event.entry.path);
        }
    }
    EXPECT_TRUE(above.empty());
}

TEST_P(PxarGolden, EveryPathIsFoundByGoodbyeTablesAndNoOther) {
    for (const auto& expected : golden_listing(GetParam())) {
        const auto path = expected.at("path").get<std::string>();
        const auto route = run(reader_.locate(path == "." ? "" : path));
        ASSERT_TRUE(route.has_value()) << route.error().message;
        ASSERT_TRUE(route->found) << text_of(expected);
        const auto found = describe_with_data(route->places.back().entry);
        EXPECT_EQ(found, expected) << text_of(found);
        const auto other = run(reader_.locate(path + "?"));
        ASSERT_TRUE(other.has_value());
        EXPECT_FALSE(other->found);
        EXPECT_FALSE(other->damage);
    }
}

INSTANTIATE_TEST_SUITE_P(All, PxarGolden, testing::ValuesIn(golden_names()),
                         [](const auto& name_of) {
                             auto name = name_of.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST(PxarRandomAccess, OneFileNeedsAHandfulOfShortReads) {
    MemorySource source(golden_file("tree1.pxar"));
    PxarReader reader(source);
    ASSERT_TRUE(run(reader.open()).has_value());
    source.reads.clear();
    source.bytes_read = 0;
    const auto route = run(reader.locate("attrs/fcaps"));
    ASSERT_TRUE(route.has_value() && route->found);
    ASSERT_TRUE(read_file(reader, route->places.back().entry).has_value());
    // Of the root: entry, tail, table; of attrs: entry, tail, table; the file's entry; its data.
    EXPECT_LE(source.reads.size(), 8U);
    EXPECT_LE(source.bytes_read, 7 * SourceWindow::kPiece);
}

}  // namespace
}  // namespace tapeloft::media
