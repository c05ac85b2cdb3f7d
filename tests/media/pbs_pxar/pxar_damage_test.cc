#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "media/pbs/pxar/pxar_reader.h"
#include "media/pbs/pxar/selection_walk.h"

#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"

namespace tapeloft::media {
namespace {

/// Three directories deep, with an empty one, one of a single file, and files of some length.
TestNode tree() {
    auto late = directory_node("late", {file_node("only", "the only one here")});
    late.attributes.xattrs = {{"user.of", {1, 2, 3}}};
    return directory_node(
        "", {file_node("a", "first"),
             directory_node("b", {file_node("b1", std::string(700, 'x')), directory_node("b2"),
                                  directory_node("b3", {file_node("deep", "down here"),
                                                        link_node("link", FileKind::symlink, "/"),
                                                        file_node("deeper", "still here")}),
                                  file_node("b4", "after b3")}),
             file_node("c", std::string(300, 'y')), late, file_node("z", "last")});
}

void collect(const TestNode& node, const std::string& path, std::map<std::string, TestNode>& all) {
    all[path] = node;
    for (const auto& child : node.children) {
        collect(child, join_path(path, child.name), all);
    }
}

class DamagedArchive : public testing::Test {
  protected:
    DamagedArchive() : archive_(encode_pxar(tree())), source_(archive_.archive) {
        reader_.emplace(source_);
        collect(tree(), "", nodes_);
        for (const auto& event : walk_all(*reader_).events) {
            sound_[event.entry.path] = event.entry;
        }
    }

    [[nodiscard]] bool hits(const std::string& path, std::uint64_t begin, std::uint64_t end) const {
        const auto& entry = sound_.at(path);
        const auto header = entry.kind == FileKind::file ? entry.payload_offset : entry.end;
        return entry.position < end && begin < header;
    }

    /// The entry itself, or one that it is in.
    [[nodiscard]] bool is_on_the_way_hit(std::string path, std::uint64_t begin,
                                         std::uint64_t end) const {
        while (!hits(path, begin, end)) {
            if (path.empty()) {
                return false;
            }
            const auto slash = path.rfind('/');
            path.resize(slash == std::string::npos ? 0 : slash);
        }
        return true;
    }

    void damage(std::uint64_t begin, std::uint64_t end) {
        source_.damaged.clear();
        source_.damage(begin, end);
        reader_.emplace(source_);  // with nothing in its window
        walked_ = walk_all(*reader_);
    }

    TestArchive archive_;
    MemorySource source_;
    std::optional<PxarReader> reader_;
    std::map<std::string, TestNode> nodes_;
    std::map<std::string, PxarEntry> sound_;
    WalkResult walked_;
};

TEST_F(DamagedArchive, CostsWhatItHitsAndNothingElse) {
    for (const std::uint64_t size : {1U, 16U, 90U, 333U}) {
        for (std::uint64_t begin = 0; begin < archive_.archive.size(); begin += 7) {
            const auto end = begin + size;
            SCOPED_TRACE("damaged from " + std::to_string(begin) + " to " + std::to_string(end));
            damage(begin, end);
            const auto found = walked_.paths();
            for (const auto& [path, node] : nodes_) {
                if (!is_on_the_way_hit(path, begin, end)) {
                    EXPECT_EQ(std::ranges::count(found, path), 1) << path;
                }
            }
            bool any_hit = false;
            for (const auto& [path, entry] : sound_) {
                any_hit = any_hit || hits(path, begin, end);
            }
            EXPECT_TRUE(!any_hit || walked_.error ||
                        !walked_.paths(PxarEvent::Kind::damage).empty())
                << "nothing is lost in silence";
            for (const auto& event : walked_.events) {
                if (event.kind == PxarEvent::Kind::entry && event.entry.kind == FileKind::file) {
                    const auto content = read_file(*reader_, event.entry);
                    const auto& name = event.entry.name();
                    const auto node = std::ranges::find_if(
                        nodes_, [&name](const auto& one) { return one.second.name == name; });
                    EXPECT_TRUE(!content || *content == node->second.content);
                }
            }
        }
    }
}

TEST_F(DamagedArchive, GivesEachPathByItselfOrSaysThatItIsDamaged) {
    const std::uint64_t size = 90;
    for (std::uint64_t begin = 0; begin < archive_.archive.size(); begin += 61) {
        source_.damaged = {{begin, begin + size}};
        for (const auto& [path, node] : nodes_) {
            SCOPED_TRACE("\"" + path + "\" damaged from " + std::to_string(begin));
            reader_.emplace(source_);
            const auto route = run(reader_->locate(path));
            ASSERT_TRUE(route.has_value());
            EXPECT_TRUE(route->found || route->damage) << "it is there";
            // A walk for it finds what tables do not tell.
            bool found = false;
            bool damaged = false;
            SelectionWalk walk(*reader_, *PathSelection::make({path}));
            for (auto event = run(walk.next()); event && *event; event = run(walk.next())) {
                found = found ||
                        ((*event)->kind == PxarEvent::Kind::entry && (*event)->entry.path == path);
                damaged = damaged || (*event)->kind == PxarEvent::Kind::damage;
            }
            EXPECT_TRUE(found || damaged);
            EXPECT_TRUE(found || is_on_the_way_hit(path, begin, begin + size));
        }
    }
}

TEST_F(DamagedArchive, KeepsWhatIsInADirectoryWhoseAttributesAreLost) {
    const auto entry = sound_.at("late").entry_position;
    damage(entry + 20, entry + 30);
    const auto paths = walked_.paths();
    EXPECT_EQ(std::ranges::count(paths, "late/only"), 1);
    EXPECT_EQ(walked_.paths(PxarEvent::Kind::damage), std::vector<std::string>{"late"});
}

TEST_F(DamagedArchive, KeepsWhatIsInADirectoryWhoseNameIsLost) {
    const auto position = sound_.at("late").position;
    damage(position + 16, position + 18);
    const auto paths = walked_.paths();
    EXPECT_EQ(std::ranges::count(paths, "lost-" + std::to_string(position) + "/only"), 1);
    EXPECT_EQ(std::ranges::count(paths, "z"), 1);
}

TEST_F(DamagedArchive, KeepsWhatIsInTheRootWhenTheRootIsLost) {
    damage(0, 30);
    const auto paths = walked_.paths();
    EXPECT_EQ(paths.size(), nodes_.size());
    EXPECT_EQ(walked_.paths(PxarEvent::Kind::damage), std::vector<std::string>{""});
}

TEST_F(DamagedArchive, NeedsNoGoodbyeTableWhereNothingElseIsDamaged) {
    source_.damaged.clear();
    for (const auto& event : walk_all(*reader_).events) {
        if (event.kind == PxarEvent::Kind::leave) {
            // All of the table but its header.
            const auto end = archive_.ends.at(event.entry.path);
            source_.damage(end - 24, end);
        }
    }
    reader_.emplace(source_);
    walked_ = walk_all(*reader_);
    EXPECT_EQ(walked_.paths().size(), nodes_.size());
    EXPECT_TRUE(walked_.paths(PxarEvent::Kind::damage).empty());
}

TEST_F(DamagedArchive, OfWhichNothingIsLeftIsAnError) {
    damage(0, archive_.archive.size());
    ASSERT_TRUE(walked_.error);
    EXPECT_EQ(walked_.error->code, Errc::corrupt);
    EXPECT_TRUE(walked_.events.empty());
}

TEST_F(DamagedArchive, IsNotTakenForOneWhenTheSourceIsStopped) {
    source_.code = Errc::cancelled;
    damage(200, 300);
    ASSERT_TRUE(walked_.error);
    EXPECT_EQ(walked_.error->code, Errc::cancelled);
}

TEST_F(DamagedArchive, IsNotADirectoryWhereAFileHoldsAnArchive) {
    auto inner = encode_pxar(tree()).archive;
    auto outer = directory_node("", {file_node("backup.pxar", as_text(inner)), file_node("z", "")});
    const auto archive = encode_pxar(outer);
    MemorySource source(archive.archive);
    PxarReader reader(source);
    const auto entry = archive.positions.at("backup.pxar") + 16 + 12;
    source.damage(entry, entry + 10);
    const auto walked = walk_all(reader);
    EXPECT_EQ(walked.paths(), (std::vector<std::string>{"", "z"}));
    EXPECT_EQ(walked.paths(PxarEvent::Kind::damage), std::vector<std::string>{"backup.pxar"});
}

/// Paths of the entries, without those in directories of the root.
std::vector<std::string> list_root(PxarReader& reader) {
    std::vector<std::string> paths;
    PxarWalk walk(reader);
    walk.begin();
    while (true) {
        const auto event = run(walk.next());
        EXPECT_TRUE(event.has_value());
        if (!event || !*event) {
            return paths;
        }
        if ((*event)->kind == PxarEvent::Kind::entry) {
            paths.push_back((*event)->entry.path);
            if ((*event)->entry.kind == FileKind::directory && !paths.back().empty()) {
                walk.skip();
            }
        }
    }
}

TEST_F(DamagedArchive, IsListedWithoutLookingIntoItsDirectories) {
    const std::vector<std::string> expected = {"", "a", "b", "c", "late", "z"};
    EXPECT_EQ(list_root(*reader_), expected);
    // By the table of the root if that is sound, else past all that is in them.
    const auto end = archive_.archive.size();
    damage(end - 24, end);
    EXPECT_EQ(list_root(*reader_), expected);
    damage(archive_.positions.at("b/b1"), archive_.positions.at("b/b2"));
    EXPECT_EQ(list_root(*reader_), expected);
}

TEST(PxarWalk, PastDamageThatGoesOnAndOnTakesTimeByTheChildrenNotTheirSquare) {
    // 10000 children whose entries are no entries.
    auto root = directory_node("");
    for (int i = 0; i < 10'000; ++i) {
        root.children.push_back(file_node(std::to_string(i), ""));
    }
    auto archive = encode_pxar(root);
    for (const auto& [path, position] : archive.positions) {
        if (!path.empty()) {
            archive.archive[position + 20 + path.size()] ^= 1U;
        }
    }
    MemorySource source(std::move(archive.archive));
    PxarReader reader(source);
    const auto walked = walk_all(reader);
    EXPECT_EQ(walked.paths(PxarEvent::Kind::damage).size(), 10'000U);
    // Twice: the table and each child. The table once for each child would be 2.4 GB.
    EXPECT_LT(source.bytes_read, 10'000ULL * 2 * SourceWindow::kPiece + source.size());
}

TEST(PxarForms, ManyPreludesAreNoBeginning) {
    auto bytes = encode_pxar(tree(), TestForm::version_2_one_stream).archive;
    Bytes flood(bytes.begin(), bytes.begin() + 24);
    for (int i = 0; i < 100'000; ++i) {
        append_item(flood, 0xe309d79d9f7b771b, {});
    }
    MemorySource source(flood);
    PxarReader reader(source);
    ASSERT_TRUE(run(reader.open()).has_value());
    EXPECT_LT(reader.root(), 100U);
    EXPECT_TRUE(walk_all(reader).error);
}

TEST(PxarForms, AllGiveTheSame) {
    const auto version_1 = encode_pxar(tree());
    MemorySource first(version_1.archive);
    PxarReader plain(first);
    ASSERT_TRUE(run(plain.open()).has_value());
    const auto expected = walk_all(plain).paths();

    const auto one = encode_pxar(tree(), TestForm::version_2_one_stream);
    MemorySource one_source(one.archive);
    PxarReader one_stream(one_source);
    ASSERT_TRUE(run(one_stream.open()).has_value());
    EXPECT_EQ(walk_all(one_stream).paths(), expected);

    const auto split = encode_pxar(tree(), TestForm::version_2_split);
    MemorySource metadata(split.archive);
    MemorySource payload(split.payload);
    PxarReader two_streams(metadata, payload);
    ASSERT_TRUE(run(two_streams.open()).has_value());
    EXPECT_EQ(walk_all(two_streams).paths(), expected);
    const auto route = run(two_streams.locate("b/b3/deeper"));
    ASSERT_TRUE(route.has_value() && route->found);
    EXPECT_EQ(as_text(*read_file(two_streams, route->places.back().entry)), "still here");

    PxarReader without(metadata);
    ASSERT_TRUE(run(without.open()).has_value());
    EXPECT_EQ(read_file(without, route->places.back().entry).error().code, Errc::precondition);
}

TEST(PxarForms, APayloadThatIsNotWhereTheMetadataSayIsRefused) {
    const auto split = encode_pxar(tree(), TestForm::version_2_split);
    MemorySource metadata(split.archive);
    MemorySource payload(split.payload);
    payload.bytes[16] ^= 1U;  // of the header of the first file
    PxarReader reader(metadata, payload);
    ASSERT_TRUE(run(reader.open()).has_value());
    const auto first = run(reader.locate("a"));
    EXPECT_EQ(read_file(reader, first->places.back().entry).error().code, Errc::corrupt);
    payload.bytes.resize(40);
    const auto last = run(reader.locate("z"));
    EXPECT_EQ(read_file(reader, last->places.back().entry).error().code, Errc::corrupt);
}

TEST(PxarForms, AReferenceBehindEverythingCostsItsFileOnly) {
    const auto split = encode_pxar(tree(), TestForm::version_2_split);
    const auto reference = split.positions.at("a") + 16 + 2 + 56;  // FILENAME, ENTRY
    const auto payload_size = std::uint64_t{split.payload.size()};
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> lies = {
        {~std::uint64_t{0}, 5},
        {~std::uint64_t{0} - 15, 5},
        {~std::uint64_t{0} - 20, 5},
        {16, ~std::uint64_t{0}},
        {16, ~std::uint64_t{0} - 40},
        {payload_size - 16, 5},
        {payload_size, 5},
        {0, 5},   // the mark at the beginning
        {16, 6},  // not as long as its PAYLOAD
        {17, 5}};
    for (const auto& [offset, size] : lies) {
        SCOPED_TRACE(std::to_string(offset) + ", " + std::to_string(size));
        MemorySource metadata(split.archive);
        MemorySource payload(split.payload);
        store_little_endian<8>(MutableByteView(metadata.bytes).subspan(reference + 16), offset);
        store_little_endian<8>(MutableByteView(metadata.bytes).subspan(reference + 24), size);
        PxarReader reader(metadata, payload);
        ASSERT_TRUE(run(reader.open()).has_value());
        std::size_t read = 0;
        for (const auto& event : walk_all(reader).events) {
            if (event.kind != PxarEvent::Kind::entry || event.entry.kind != FileKind::file) {
                continue;
            }
            if (event.entry.path == "a") {
                // No byte is made up, and so much memory is not taken.
                EXPECT_EQ(run(reader.payload(event.entry, 0, 5)).error().code, Errc::corrupt);
                continue;
            }
            EXPECT_TRUE(read_file(reader, event.entry).has_value()) << event.entry.path;
            ++read;
        }
        EXPECT_EQ(read, 7U);
    }
}

TEST(PxarForms, AQuotaProjectThatLinuxCannotHaveCostsItsFileOnly) {
    auto file = file_node("a", "x");
    file.attributes.quota_project = 0xFFFF'FFFF;
    auto archive = encode_pxar(directory_node("", {file, file_node("b", "y")}));
    const auto id = archive.positions.at("a") + 16 + 2 + 56 + 16;
    for (const bool possible : {true, false}) {
        MemorySource source(archive.archive);
        source.bytes[id + 4] = possible ? 0 : 1;
        PxarReader reader(source);
        const auto walked = walk_all(reader);
        EXPECT_EQ(walked.paths(PxarEvent::Kind::damage).size(), possible ? 0U : 1U);
        EXPECT_EQ(std::ranges::count(walked.paths(), "b"), 1);
        if (possible) {
            EXPECT_EQ(walked.events.at(1).entry.attributes.quota_project, 0xFFFF'FFFFU);
        }
    }
}

TEST(PxarForms, ALaterVersionIsRefused) {
    auto archive = encode_pxar(tree(), TestForm::version_2_one_stream);
    archive.archive[16] = 3;
    MemorySource source(archive.archive);
    PxarReader reader(source);
    EXPECT_EQ(run(reader.open()).error().code, Errc::unsupported);
}

TEST(PxarForms, EntriesOfTheOldFormAreRead) {
    auto root = directory_node("", {file_node("old", "x")});
    root.children[0].old_form = true;
    MemorySource source(encode_pxar(root).archive);
    PxarReader reader(source);
    const auto route = run(reader.locate("old"));
    ASSERT_TRUE(route->found);
    EXPECT_EQ(route->places.back().entry.attributes.mtime, (FileTime{1'717'571'064, 5}));
}

}  // namespace
}  // namespace tapeloft::media
