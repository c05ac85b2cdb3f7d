#include "cloud/base/new_file.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/temporary_directory.h"

namespace tapeloft {
namespace {

namespace fs = std::filesystem;

class NewFile : public testing::Test {
  protected:
    std::string content() const {
        std::ifstream in(file_, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()));
    }
    mode_t mode() const {
        struct stat status = {};
        EXPECT_EQ(lstat(file_.c_str(), &status), 0);
        return status.st_mode;
    }

    tests::TemporaryDirectory directory_;
    fs::path file_ = directory_.path() / "file";
};

TEST_F(NewFile, IsThereWithItsBytesAndModeAndNothingBesideIt) {
    for (const bool durable : {true, false}) {
        ASSERT_TRUE(replace_file(file_, as_bytes("one"), {0644, std::nullopt, durable}));
        EXPECT_EQ(content(), "one");
        EXPECT_EQ(mode(), mode_t{S_IFREG | 0644});
        ASSERT_TRUE(replace_file(file_, {}, {0600, std::nullopt, durable}));
        EXPECT_EQ(content(), "");
        EXPECT_EQ(mode(), mode_t{S_IFREG | 0600});
        EXPECT_EQ(files(), 1U);
    }
}

TEST_F(NewFile, IsNotCreatedWhereSomethingIs) {
    ASSERT_TRUE(create_file(file_, as_bytes("first")));
    EXPECT_EQ(create_file(file_, as_bytes("second")).error().code, Errc::already_exists);
    EXPECT_EQ(content(), "first");
    fs::remove(file_);
    fs::create_symlink("elsewhere", file_);
    EXPECT_EQ(create_file(file_, as_bytes("second")).error().code, Errc::already_exists);
    EXPECT_EQ(files(), 1U);
}

TEST_F(NewFile, ReplacesALinkAndNotWhatItLeadsTo) {
    std::ofstream(directory_.path() / "target") << "kept";
    fs::create_symlink("target", file_);
    ASSERT_TRUE(replace_file(file_, as_bytes("new")));
    EXPECT_EQ(mode(), mode_t{S_IFREG | 0600});
    std::ifstream in(directory_.path() / "target");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "kept");
}

TEST_F(NewFile, ThatCannotBeNamedLeavesAllAsItWas) {
    fs::create_directory(file_);
    EXPECT_FALSE(replace_file(file_, as_bytes("x")).has_value());
    EXPECT_EQ(mode() & S_IFMT, mode_t{S_IFDIR});
    EXPECT_EQ(files(), 1U);
    const auto nowhere = replace_file(directory_.path() / "none" / "file", as_bytes("x"));
    EXPECT_EQ(nowhere.error().code, Errc::not_found);
    EXPECT_NE(nowhere.error().message.find("none/file"), std::string::npos);
}

TEST_F(NewFile, IsGivenToItsOwnerWhereThatIsAllowed) {
    const auto given = replace_file(file_, as_bytes("x"), {0640, std::pair(34U, 34U), true});
    if (::geteuid() != 0) {
        EXPECT_EQ(given.error().code, Errc::denied);
        EXPECT_EQ(files(), 0U);
        return;
    }
    struct stat status = {};
    ASSERT_EQ(lstat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 34U);
    EXPECT_EQ(mode(), mode_t{S_IFREG | 0640});
}

}  // namespace
}  // namespace tapeloft
