#include "media/pbs/pxar/tar_export.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

#include "media/pbs/pxar/tar_header.h"

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"
#include "tests/media/pbs_pxar/restored_tree.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

class FileSink final : public ByteSink {
  public:
    explicit FileSink(const fs::path& path) : file_(path, std::ios::binary) {}

    Awaitable<Result<void>> write(ByteView bytes) override {
        file_ << as_text(bytes);
        file_.flush();
        co_return Result<void>();
    }

  private:
    std::ofstream file_;
};

class Tar : public testing::Test {
  protected:
    RestoreReport pack(ByteSource& source, const std::vector<std::string>& patterns = {}) {
        PxarReader reader(source);
        EXPECT_TRUE(run(reader.open()).has_value());
        FileSink sink(tar());
        TarExport tar_export(reader, *PathSelection::make(patterns), sink);
        const auto done = run(tar_export.run());
        EXPECT_TRUE(done.has_value()) << done.error().message;
        return tar_export.report();
    }

    [[nodiscard]] fs::path tar() const { return directory_.path() / "archive.tar"; }
    [[nodiscard]] fs::path out() const { return directory_.path() / "out"; }

    /// What GNU tar says; it must have no complaint.
    std::string gnu_tar(const std::string& arguments) {
        const auto listing = (directory_.path() / "listing").string();
        const auto complaints = (directory_.path() / "complaints").string();
        const auto command = "TZ=UTC LC_ALL=C tar " + arguments + " -f '" + tar().string() +
                             "' >'" + listing + "' 2>'" + complaints + "'";
        const int status = std::system(command.c_str());
        if (arguments.ends_with("-xp") && ::geteuid() != 0) {
            std::cout << "not root: what tar cannot restore is not compared\n" << text(complaints);
        } else {
            EXPECT_EQ(status, 0) << command << "\n" << text(complaints);
            EXPECT_EQ(text(complaints), "");
        }
        return text(listing);
    }
    void unpack() {
        fs::create_directory(out());
        gnu_tar("--warning=no-timestamp --xattrs --xattrs-include='*' --acls --numeric-owner -C '" +
                out().string() + "' -xp");
    }
    static std::string text(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    tests::TemporaryDirectory directory_;
};

class TarOfGolden : public Tar, public testing::WithParamInterface<std::string> {};

TEST_P(TarOfGolden, IsUnpackedByGnuTarToWhatWasBackedUp) {
    MemorySource source(golden_file(GetParam() + ".pxar"));
    const auto report = pack(source);
    EXPECT_EQ(report.failed, 0U);
    unpack();
    auto expected = expected_tree(GetParam());
    const auto sockets = std::erase_if(
        expected, [](const auto& entry) { return entry.second.at("type") == "socket"; });
    EXPECT_EQ(report.sockets_left_out, sockets);
    auto found = describe_tree(out());
    leave_out_what_needs_root(expected);
    leave_out_what_needs_root(found);
    for (auto& [path, entry] : expected) {
        entry.erase("flags");  // tar has no place for them
        ASSERT_TRUE(found.contains(path)) << path;
        auto& there = found.at(path);
        there.erase("inode");
        EXPECT_EQ(there, entry) << text_of(there) << "\n" << text_of(entry);
    }
    EXPECT_EQ(found.size(), expected.size());
}

TEST_P(TarOfGolden, IsListedByGnuTarEntryByEntry) {
    MemorySource source(golden_file(GetParam() + ".pxar"));
    pack(source);
    const auto listing = gnu_tar("--quoting-style=c -t");
    std::size_t expected = 0;
    for (const auto& entry : golden_listing(GetParam())) {
        expected += entry.at("type") == "socket" ? 0U : 1U;
    }
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(listing, '\n')), expected);
    EXPECT_TRUE(listing.starts_with("\"./\"\n"));
}

INSTANTIATE_TEST_SUITE_P(All, TarOfGolden, testing::ValuesIn(golden_names()),
                         [](const auto& name_of) {
                             auto name = name_of.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST_F(Tar, HoldsNoDamagedFileAndNoByteThatIsMadeUp) {
    const auto root = directory_node(
        "", {file_node("long", std::string(TarExport::kPiece + 100'000, 'l')),
             file_node("short", "s"), link_node("to-long", FileKind::hardlink, "long"),
             file_node("sound", std::string(TarExport::kPiece + 1, 'z')), file_node("z", "last")});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    source.damage(TarExport::kPiece + 50'000, TarExport::kPiece + 50'001);
    const auto report = pack(source);
    ASSERT_EQ(report.failures.size(), 2U);
    EXPECT_EQ(report.failures[0].path, "long");
    EXPECT_EQ(report.failures[1].path, "to-long");
    EXPECT_EQ(gnu_tar("-t"), "./\n./short\n./sound\n./z\n");
    unpack();
    EXPECT_EQ(text(out() / "sound"), std::string(TarExport::kPiece + 1, 'z'));
}

TEST_F(Tar, HoldsNoLinkToAFileWhoseEntryIsLost) {
    const auto root = directory_node(
        "", {file_node("lost", "x"), link_node("to-lost", FileKind::hardlink, "lost"),
             file_node("kept", "y"), link_node("to-kept", FileKind::hardlink, "kept")});
    const auto archive = encode_pxar(root);
    MemorySource source(archive.archive);
    const std::string_view name("lost\0", 5);
    const auto at = std::ranges::search(archive.archive, name).begin() - archive.archive.begin();
    source.damage(static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(at) + 1);
    const auto report = pack(source);
    ASSERT_EQ(report.failures.size(), 2U);
    EXPECT_EQ(report.failures[1].path, "to-lost");
    EXPECT_EQ(gnu_tar("-t"), "./\n./kept\n./to-kept\n");
}

TEST_F(Tar, OfAPartHasTheDirectoriesOnTheWayButNotTheRoot) {
    MemorySource source(golden_file("tree1.pxar"));
    pack(source, {"links/sub"});
    const auto listing = gnu_tar("-t");
    EXPECT_TRUE(listing.starts_with("./links/\n./links/sub/\n")) << listing;
}

TEST_F(Tar, HoldsNumbersThatOldTarCouldNot) {
    PxarEntry entry;
    entry.path = "big";
    entry.size = std::uint64_t{1} << 40U;
    entry.attributes.mode = 0100600;
    entry.attributes.uid = 4'000'000'000;
    entry.attributes.mtime = {-1, 999'999'999};
    entry.attributes.xattrs = {{"user.a=b%c", {'v'}}};
    const auto header = tar_header(entry);
    ASSERT_EQ(header.size() % kTarBlock, 0U);
    std::ofstream(tar(), std::ios::binary) << as_text(header);
    const std::string text(as_text(header));
    EXPECT_NE(text.find("size=1099511627776\n"), std::string::npos);
    EXPECT_NE(text.find("uid=4000000000\n"), std::string::npos);
    EXPECT_NE(text.find("mtime=-0.000000001\n"), std::string::npos);
    EXPECT_NE(text.find("SCHILY.xattr.user.a%3Db%25c=v\n"), std::string::npos);
    entry.attributes.mtime = {INT64_MIN, 0};
    EXPECT_NE(std::string(as_text(tar_header(entry))).find("mtime=-9223372036854775808\n"),
              std::string::npos);
}

TEST_F(Tar, StopsWhenTheSinkFails) {
    class FullSink final : public ByteSink {
      public:
        Awaitable<Result<void>> write(ByteView /*bytes*/) override {
            co_return Error{Errc::no_space, "full"};
        }
    };
    MemorySource source(golden_file("docs.pxar"));
    PxarReader reader(source);
    FullSink sink;
    TarExport tar_export(reader, PathSelection(), sink);
    EXPECT_EQ(run(tar_export.run()).error().code, Errc::no_space);
}

}  // namespace
}  // namespace tapeloft::media
