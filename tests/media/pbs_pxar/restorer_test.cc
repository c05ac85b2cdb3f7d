#include "media/pbs/pxar/restorer.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"

#include "tests/media/pbs_pxar/expect_restored.h"
#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"
#include "tests/media/pbs_pxar/restored_tree.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

class Restoring : public testing::Test {
  protected:
    /// Restores into out/ of the directory, beside which a canary stands.
    RestoreReport restore(ByteSource& source, const std::vector<std::string>& patterns = {}) {
        PxarReader reader(source);
        EXPECT_TRUE(run(reader.open()).has_value());
        auto selection = PathSelection::make(patterns);
        EXPECT_TRUE(selection.has_value());
        Restorer restorer(reader, *std::move(selection), out());
        const auto done = run(restorer.run());
        EXPECT_TRUE(done.has_value()) << done.error().message;
        return restorer.report();
    }
    RestoreReport restore(const TestNode& root, const std::vector<std::string>& patterns = {}) {
        MemorySource source(encode_pxar(root).archive);
        return restore(source, patterns);
    }

    [[nodiscard]] fs::path out() const { return directory_.path() / "out"; }
    [[nodiscard]] std::string content(const std::string& path) const {
        std::ifstream file(out() / path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    [[nodiscard]] static ino_t inode(const fs::path& path) {
        struct stat status = {};
        EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
        return status.st_ino;
    }
    static void say(const RestoreReport& report) {
        for (const auto& failure : report.failures) {
            std::cout << failure.path << ": " << failure.error.message << "\n";
        }
        for (const auto& problem : report.problems) {
            std::cout << problem.path << ": " << problem.problem.detail << "\n";
        }
    }

    tests::TemporaryDirectory directory_;
};

class RestoringGolden : public Restoring, public testing::WithParamInterface<std::string> {};

TEST_P(RestoringGolden, GivesBackEveryFileWithAllThatItWas) {
    MemorySource source(golden_file(GetParam() + ".pxar"));
    const auto report = restore(source);
    say(report);
    const bool flags_missing =
        report.attributes_missing[static_cast<std::size_t>(AttributeKind::flags)] != 0;
    expect_restored(out(), GetParam(), !flags_missing);
    if (::geteuid() == 0) {
        EXPECT_EQ(report.failed, 0U);
    }
}

TEST_P(RestoringGolden, MakesHardLinksOfOneFile) {
    MemorySource source(golden_file(GetParam() + ".pxar"));
    const auto report = restore(source);
    std::uint64_t links = 0;
    for (const auto& entry : golden_listing(GetParam())) {
        if (entry.at("type") == "hardlink") {
            ++links;
            EXPECT_EQ(inode(out() / entry.at("path").get<std::string>()),
                      inode(out() / entry.at("target").get<std::string>()));
        }
    }
    EXPECT_EQ(report.links, links);
}

INSTANTIATE_TEST_SUITE_P(All, RestoringGolden, testing::ValuesIn(golden_names()),
                         [](const auto& name_of) {
                             auto name = name_of.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST_F(Restoring, LeavesHolesWhereAFileIsZeros) {
    MemorySource source(golden_file("tree1.pxar"));
    restore(source, {"sparse.img"});
    struct stat status = {};
    ASSERT_EQ(::stat((out() / "sparse.img").c_str(), &status), 0);
    EXPECT_EQ(status.st_size, 6'291'579);
    EXPECT_LT(status.st_blocks * 512, 1'000'000) << "bytes on the disk";
}

TEST_F(Restoring, SelectedPathsComesWithTheDirectoriesAboveAndNothingElse) {
    MemorySource source(golden_file("tree1.pxar"));
    const auto report = restore(source, {"modes/setgid", "/deep/d01/d02/d03", "docs/text-[12].*"});
    EXPECT_EQ(report.failed, 0U);
    EXPECT_TRUE(report.unmatched.empty());
    auto expected = expected_tree("tree1");
    auto found = describe_tree(out());
    found.erase(".");
    leave_out_what_needs_root(expected);
    leave_out_what_needs_root(found);
    std::size_t wanted = 0;
    for (auto& [path, entry] : expected) {
        if (path == "modes" || path == "modes/setgid" || path == "docs" ||
            path.starts_with("deep") || path == "docs/text-1.txt" || path == "docs/text-2.txt") {
            ++wanted;
            ASSERT_TRUE(found.contains(path)) << path;
            found.at(path).erase("inode");
            EXPECT_EQ(found.at(path), entry) << text_of(found.at(path)) << text_of(entry);
        }
    }
    EXPECT_EQ(found.size(), wanted);
    EXPECT_LT(source.bytes_read, 1'000'000U) << "of 7.4 million";
}

TEST_F(Restoring, LeavesTheTargetAsItIsWhenOnlyAPartIsRestored) {
    ASSERT_TRUE(fs::create_directory(out()));
    ASSERT_EQ(::chmod(out().c_str(), 01711), 0);
    MemorySource source(golden_file("tree1.pxar"));
    restore(source, {"empty"});
    struct stat status = {};
    ASSERT_EQ(::stat(out().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 01711U);
}

TEST_F(Restoring, NamesPatternsThatMatchNothing) {
    MemorySource source(golden_file("docs.pxar"));
    const auto report = restore(source, {"nowhere", "text-0.txt", "*.jpg"});
    EXPECT_EQ(report.unmatched, (std::vector<std::string>{"nowhere", "*.jpg"}));
    EXPECT_EQ(report.files, 1U);
    EXPECT_FALSE(report.is_complete());
}

TEST_F(Restoring, ALinkWithoutItsTargetGivesTheFileItself) {
    const auto root = directory_node(
        "", {file_node("first", "content"), link_node("second", FileKind::hardlink, "first"),
             link_node("third", FileKind::hardlink, "first")});
    const auto report = restore(root, {"second", "third"});
    EXPECT_EQ(report.failed, 0U);
    EXPECT_EQ(content("second"), "content");
    EXPECT_EQ(inode(out() / "second"), inode(out() / "third"));
    EXPECT_FALSE(fs::exists(out() / "first"));
}

TEST_F(Restoring, ADamagedFileCostsThatFileAndTheLinksToIt) {
    const auto root = directory_node(
        "", {file_node("a", std::string(3'000'000, 'a')), file_node("b", "sound"),
             link_node("c", FileKind::hardlink, "a"), link_node("d", FileKind::hardlink, "b")});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    source.damage(2'500'000, 2'500'001);
    const auto report = restore(source);
    ASSERT_EQ(report.failures.size(), 2U);
    EXPECT_EQ(report.failures[0].path, "a");
    EXPECT_NE(report.failures[0].error.message.find("chunk"), std::string::npos);
    EXPECT_TRUE(report.failures[0].is_damage);
    EXPECT_EQ(report.failures[1].path, "c");
    EXPECT_FALSE(fs::exists(out() / "a")) << "no half of a file";
    EXPECT_FALSE(fs::exists(out() / "c"));
    EXPECT_EQ(content("b"), "sound");
    EXPECT_EQ(content("d"), "sound");
}

TEST_F(Restoring, ALinkIntoDirectoriesThatWereLostCostsThatLink) {
    const auto root = directory_node(
        "",
        {directory_node("a", {directory_node("b", {directory_node("c", {file_node("f", "lost")})}),
                              file_node("after", "sound")}),
         link_node("link", FileKind::hardlink, "a/b/c/f"), file_node("z", "last")});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    source.damage(archive.positions.at("a/b"), archive.ends.at("a/b"));
    const auto report = restore(source);
    say(report);
    ASSERT_FALSE(report.failures.empty());
    EXPECT_EQ(report.failures.back().path, "link");
    EXPECT_NE(report.failures.back().error.message.find("a/b/c/f"), std::string::npos);
    EXPECT_TRUE(report.failures.back().is_damage);
    EXPECT_EQ(content("a/after"), "sound");
    EXPECT_EQ(content("z"), "last");
}

TEST_F(Restoring, FindsAPathWhereTheTablesOnTheWayAreDamaged) {
    const auto root =
        directory_node("", {file_node("a", "first"),
                            directory_node("b", {file_node("c", "sound"), file_node("d", "other")}),
                            directory_node("e", {file_node("f", "elsewhere")})});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    for (const std::string directory : {"", "b", "e"}) {
        source.damage(archive.ends.at(directory) - 24, archive.ends.at(directory));
    }
    const auto report = restore(source, {"b/c", "e/*"});
    say(report);
    EXPECT_TRUE(report.is_complete());
    EXPECT_EQ(report.files, 2U);
    EXPECT_EQ(content("b/c"), "sound");
    EXPECT_EQ(content("e/f"), "elsewhere");
    EXPECT_FALSE(fs::exists(out() / "b/d"));
}

TEST_F(Restoring, OfASplitArchiveTakesDataFromItsOtherStream) {
    const auto split = encode_pxar(
        directory_node("", {file_node("a", std::string(2'500'000, 'a')), file_node("empty", "")}),
        TestForm::version_2_split);
    MemorySource metadata(split.archive);
    MemorySource payload(split.payload);
    PxarReader reader(metadata, payload);
    ASSERT_TRUE(run(reader.open()).has_value());
    Restorer restorer(reader, PathSelection(), out());
    ASSERT_TRUE(run(restorer.run()).has_value());
    EXPECT_EQ(content("a"), std::string(2'500'000, 'a'));
    EXPECT_EQ(content("empty"), "");
    EXPECT_TRUE(restorer.report().is_complete());
}

TEST_F(Restoring, SaysWhatIsLostBelowADirectoryThatCannotBeMade) {
    ASSERT_TRUE(fs::create_directory(out()));
    std::ofstream(out() / "dir") << "a file of that name";
    const auto report = restore(directory_node(
        "", {directory_node("dir", {directory_node("in", {file_node("deep", "x")}),
                                    file_node("file", "data")}),
             link_node("link", FileKind::hardlink, "dir/file"), file_node("z", "last")}));
    ASSERT_EQ(report.failures.size(), 1U);
    EXPECT_EQ(report.failures[0].path, "dir");
    EXPECT_EQ(content("link"), "data") << "its target is missing, not its data";
    EXPECT_EQ(content("z"), "last");
}

TEST_F(Restoring, StopsWhenTheSourceIsStopped) {
    const auto root = directory_node("", {file_node("a", std::string(100'000, 'a'))});
    MemorySource source(encode_pxar(root).archive);
    source.damage(50'000, 50'001);
    source.code = Errc::cancelled;
    PxarReader reader(source);
    Restorer restorer(reader, PathSelection(), out());
    EXPECT_EQ(run(restorer.run()).error().code, Errc::cancelled);
    EXPECT_FALSE(fs::exists(out() / "a"));
}

/// Looks at the target each time something is read.
class WatchedSource final : public ByteSource {
  public:
    WatchedSource(MemorySource& source, std::function<void()> look)
        : source_(source), look_(std::move(look)) {}
    [[nodiscard]] std::uint64_t size() const override { return source_.size(); }
    Awaitable<Result<void>> read(std::uint64_t offset, MutableByteView into) override {
        look_();
        return source_.read(offset, into);
    }
    Awaitable<Result<ByteView>> view(std::uint64_t offset, std::size_t size) override {
        look_();
        return source_.view(offset, size);
    }

  private:
    MemorySource& source_;
    std::function<void()> look_;
};

TEST_F(Restoring, NoHalfOfAFileHasItsNameWhileItIsWritten) {
    const Descriptor nameless(::open(directory_.path().c_str(), O_WRONLY | O_TMPFILE, 0600));
    const std::string data(3'000'000, 'a');
    MemorySource source(
        encode_pxar(directory_node("", {directory_node("dir", {file_node("a", data)})})).archive);
    std::size_t looks = 0;
    WatchedSource watched(source, [&] {
        ++looks;
        if (nameless.is_open() && fs::exists(out() / "dir/a")) {
            EXPECT_EQ(fs::file_size(out() / "dir/a"), data.size());
            EXPECT_TRUE(content("dir/a") == data);
        }
    });
    restore(watched);
    EXPECT_GT(looks, 3U);
    EXPECT_TRUE(content("dir/a") == data);
}

TEST_F(Restoring, ReplacesNothing) {
    ASSERT_TRUE(fs::create_directories(out() / "dir"));
    std::ofstream(out() / "dir/file") << "mine";
    const auto root = directory_node(
        "", {directory_node("dir", {file_node("file", "theirs"), file_node("other", "new")})});
    const auto report = restore(root);
    ASSERT_EQ(report.failures.size(), 1U);
    EXPECT_EQ(report.failures[0].path, "dir/file");
    EXPECT_EQ(report.failures[0].error.code, Errc::already_exists);
    EXPECT_FALSE(report.failures[0].is_damage);
    EXPECT_EQ(report.refused, 1U);
    EXPECT_EQ(content("dir/file"), "mine");
    EXPECT_EQ(content("dir/other"), "new");
}

TEST_F(Restoring, OfAVeryDeepTreeNeedsFewDescriptors) {
    auto node = directory_node("d", {file_node("leaf", "found")});
    for (int depth = 0; depth < 700; ++depth) {
        auto parent = directory_node("d");
        parent.children.push_back(std::move(node));
        parent.children.push_back(file_node("after", "after"));
        node = std::move(parent);
    }
    rlimit before = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few = {200, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto report = restore(directory_node("", {std::move(node)}));
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    say(report);
    EXPECT_EQ(report.files, 701U);
    EXPECT_EQ(report.failed, 0U);
    // std::filesystem takes no path longer than PATH_MAX; 2 * 701 bytes are fine.
    std::string path;
    for (int depth = 0; depth < 701; ++depth) {
        path += "d/";
    }
    EXPECT_EQ(content(path + "leaf"), "found");
}

TEST_F(Restoring, GivesNoSetuidToAFileWhoseOwnerCannotBe) {
    auto file = file_node("file", "x");
    file.attributes.mode = 04755;
    file.attributes.uid = 0xFFFFFFFF;
    const auto report = restore(directory_node("", {file}));
    EXPECT_EQ(report.attributes_missing[static_cast<std::size_t>(AttributeKind::owner)],
              ::geteuid() == 0 ? 1U : 2U);
    EXPECT_EQ(describe_tree(out()).at("file").at("mode"), "0755");
}

TEST_F(Restoring, AppliesEverythingAnArchiveCanSay) {
    auto file = file_node("file", "x");
    file.attributes.mode = 06755;
    file.attributes.uid = 4'000'000'000;
    file.attributes.gid = 7;
    file.attributes.xattrs = {{"user.a", {0, 1, 2}}, {"trusted.b", {3}}, {"system.bad", {4}}};
    file.attributes.acl.users = {{1005, 4}, {1001, 6}};
    file.attributes.acl.group_object = 5;
    auto link = link_node("link", FileKind::symlink, "/nowhere");
    link.attributes.mtime = {-5, 250};
    link.attributes.uid = 12;
    const auto report = restore(directory_node("", {file, link}));
    say(report);
    const auto tree = describe_tree(out());
    EXPECT_EQ(report.attributes_missing[static_cast<std::size_t>(AttributeKind::xattr)],
              ::geteuid() == 0 ? 1U : 2U);
    EXPECT_EQ(tree.at("file").at("acl_access").size(), 6U);
    EXPECT_EQ(tree.at("link").at("mtime"), -5);
    if (::geteuid() != 0) {
        std::cout << "not root: owners and setuid bits are not compared\n";
        EXPECT_EQ(tree.at("file").at("mode"), "0755") << "no setuid for another owner";
        return;
    }
    EXPECT_EQ(tree.at("file").at("mode"), "6755");
    EXPECT_EQ(tree.at("file").at("uid"), 4'000'000'000);
    EXPECT_EQ(tree.at("link").at("uid"), 12);
}

}  // namespace
}  // namespace tapeloft::media
