#include <filesystem>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/pbs/pxar/pxar_format.h"
#include "media/pbs/pxar/restorer.h"

#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"
#include "tests/media/pbs_pxar/restored_tree.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

class HostileArchive : public testing::Test {
  protected:
    HostileArchive() {
        fs::create_directories(directory_.path() / "outside/dir");
        std::ofstream(directory_.path() / "outside/secret") << "secret";
        outside_ = describe_tree(directory_.path() / "outside");
    }

    void TearDown() override { remove_tree(directory_.path() / "out"); }

    RestoreReport restore(const Bytes& archive, const std::vector<std::string>& patterns = {}) {
        MemorySource source(archive);
        PxarReader reader(source);
        if (!run(reader.open())) {
            return {};
        }
        Restorer restorer(reader, *PathSelection::make(patterns), directory_.path() / "out");
        last_ = run(restorer.run());
        largest_read_ = source.largest_read;
        return restorer.report();
    }

    void expect_nothing_outside() {
        EXPECT_EQ(describe_tree(directory_.path() / "outside"), outside_);
        std::size_t others = 0;
        for (const auto& entry : fs::directory_iterator(directory_.path())) {
            others +=
                entry.path().filename() == "out" || entry.path().filename() == "outside" ? 0U : 1U;
        }
        EXPECT_EQ(others, 0U);
    }

    tests::TemporaryDirectory directory_;
    std::map<std::string, nlohmann::json> outside_;
    Result<void> last_;
    std::size_t largest_read_ = 0;
};

TEST_F(HostileArchive, NamesThatLeadOutCostTheirEntryOnly) {
    const std::vector<std::string> names = {"..",
                                            ".",
                                            "",
                                            "../outside/new",
                                            "/etc/passwd",
                                            "a/b",
                                            std::string("x\0y", 3),
                                            directory_.path().string() + "/outside/new"};
    for (const auto& name : names) {
        SCOPED_TRACE(name);
        remove_tree(directory_.path() / "out");
        const auto report = restore(
            encode_pxar(directory_node("", {file_node("before", "1"), file_node(name, "bad"),
                                            file_node("after", "2")}))
                .archive);
        EXPECT_EQ(report.failed, 1U);
        EXPECT_TRUE(fs::exists(directory_.path() / "out/before"));
        EXPECT_TRUE(fs::exists(directory_.path() / "out/after"));
        expect_nothing_outside();
    }
}

TEST_F(HostileArchive, DirectoriesWithSuchNamesAreRestoredUnderOthers) {
    const auto report = restore(
        encode_pxar(directory_node("", {directory_node("..", {file_node("in", "x")})})).archive);
    EXPECT_EQ(report.failed, 1U);
    EXPECT_EQ(report.files, 1U);
    expect_nothing_outside();
}

TEST_F(HostileArchive, NothingGoesThroughALinkThatItMade) {
    const auto outside = (directory_.path() / "outside").string();
    // The same name twice: first a link out of the target, then a directory, and a file.
    const auto report = restore(
        encode_pxar(
            directory_node(
                "", {link_node("way", FileKind::symlink, outside),
                     directory_node("way", {file_node("new", "bad"), file_node("secret", "bad")}),
                     link_node("secret", FileKind::symlink, outside + "/secret"),
                     file_node("secret", "bad"), link_node("up", FileKind::symlink, ".."),
                     directory_node("up", {file_node("new", "bad")})}))
            .archive);
    EXPECT_EQ(report.failed, 3U);
    expect_nothing_outside();
}

TEST_F(HostileArchive, HardLinksLeadNowhereElse) {
    const auto outside = (directory_.path() / "outside").string();
    for (const std::string target : {"../outside/secret", "/etc/passwd", "way/secret", "dir", ".",
                                     "/x/y/z", "way/to/the/secret", "dir/x/y/z", "a/x/y"}) {
        SCOPED_TRACE(target);
        remove_tree(directory_.path() / "out");
        auto archive = encode_pxar(
            directory_node("", {directory_node("dir"), link_node("way", FileKind::symlink, outside),
                                file_node("a", "x"), link_node("link", FileKind::hardlink, target),
                                file_node("z", "last")}));
        const auto report = restore(archive.archive);
        EXPECT_EQ(report.failed, 1U);
        EXPECT_FALSE(fs::exists(fs::symlink_status(directory_.path() / "out/link")));
        EXPECT_TRUE(fs::exists(directory_.path() / "out/z"));
        expect_nothing_outside();
    }
}

TEST_F(HostileArchive, ALinkToAPlaceThatIsNotItsTargetIsRefused) {
    auto root = directory_node(
        "", {file_node("a", "x"), file_node("b", "y"), link_node("link", FileKind::hardlink, "a")});
    auto archive = encode_pxar(root);
    // From a to b.
    const auto item = archive.positions.at("link") + 16 + 5 + 16;
    archive.archive[item] =
        static_cast<std::uint8_t>(archive.positions.at("link") - archive.positions.at("b"));
    const auto report = restore(archive.archive, {"link"});
    EXPECT_EQ(report.failed, 1U);
    EXPECT_FALSE(fs::exists(directory_.path() / "out/link"));
}

TEST_F(HostileArchive, LengthsAreNotBelieved) {
    const auto sound = encode_pxar(directory_node("", {file_node("a", "xy"), file_node("b", "z")}));
    for (std::size_t at = 0; at + 8 <= sound.archive.size(); ++at) {
        for (const std::uint64_t value : {~std::uint64_t{0}, std::uint64_t{1} << 40U,
                                          std::uint64_t{sound.archive.size()}, std::uint64_t{0}}) {
            auto bytes = sound.archive;
            store_little_endian<8>(MutableByteView(bytes).subspan(at), value);
            remove_tree(directory_.path() / "out");
            restore(bytes);
            EXPECT_LE(largest_read_, Restorer::kPiece);
        }
    }
    expect_nothing_outside();
}

TEST_F(HostileArchive, MoreAttributesThanAFileCanHaveAreRefused) {
    auto file = file_node("a", "x");
    for (int i = 0; i < 300; ++i) {
        file.attributes.xattrs.push_back({"user.x" + std::to_string(i), Bytes(64'000)});
    }
    MemorySource source(encode_pxar(directory_node("", {file, file_node("b", "y")})).archive);
    PxarReader reader(source);
    const auto walked = walk_all(reader);
    EXPECT_EQ(walked.paths(PxarEvent::Kind::damage), std::vector<std::string>{"a"});
    EXPECT_EQ(walked.paths(), (std::vector<std::string>{"", "b"}));
}

TEST_F(HostileArchive, DirectoriesWithMoreAttributesThanMayBeHeldEndTheWalk) {
    auto node = directory_node("d");
    for (int depth = 0; depth < 6; ++depth) {
        node.attributes.xattrs.assign(240, {"user.x", Bytes(60'000)});
        auto parent = directory_node("d");
        parent.children.push_back(std::move(node));
        node = std::move(parent);
    }
    MemorySource source(encode_pxar(directory_node("", {std::move(node)})).archive);
    PxarReader reader(source);
    const auto walked = walk_all(reader);
    ASSERT_TRUE(walked.error);
    EXPECT_EQ(walked.error->code, Errc::unsupported);
}

TEST_F(HostileArchive, AGoodbyeTableOfLiesEndsTheSearch) {
    auto archive = encode_pxar(directory_node(
        "", {directory_node("d", {file_node("x", "1"), file_node("y", "2")}), file_node("e", "")}));
    std::mt19937_64 random(1);
    const auto end = archive.archive.size();
    for (int round = 0; round < 1000; ++round) {
        auto bytes = archive.archive;
        bytes[end - 1 - random() % 88] = static_cast<std::uint8_t>(random());
        MemorySource source(bytes);
        PxarReader reader(source);
        ASSERT_TRUE(run(reader.open()).has_value());
        for (const auto* path : {"d/x", "d/y", "e", "d/z"}) {
            const auto route = run(reader.locate(path));
            ASSERT_TRUE(route.has_value());
            EXPECT_TRUE(!route->found || route->places.back().entry.path == path);
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
