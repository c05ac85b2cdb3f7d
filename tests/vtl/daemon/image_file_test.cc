#include "vtl/cli/image_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/temporary_directory.h"
#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;
using daemon::contents;

class Images : public testing::Test {
  protected:
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory_.path()), {}));
    }
    [[nodiscard]] Result<std::unique_ptr<ImageFile>> open(std::uint64_t size) const {
        return ImageFile::open(image_.string(), size);
    }

    tests::TemporaryDirectory directory_;
    const fs::path image_ = directory_.path() / "drive.img";
    const fs::path part_ = directory_.path() / ".drive.img.tapeloft-part";
};

TEST_F(Images, HaveTheirNameWhenAllOfThemIsThereAndNotBefore) {
    const auto file = open(4).value();
    ASSERT_TRUE(file->write(0, as_bytes("data")).has_value());
    EXPECT_FALSE(fs::exists(image_));
    ASSERT_TRUE(file->finish().has_value());
    EXPECT_EQ(contents(image_), "data");
    EXPECT_EQ(files(), 1U);
}

TEST_F(Images, LeaveNothingBehindWhereARestoreFails) {
    auto file = open(1000).value();
    ASSERT_TRUE(file->write(0, as_bytes("half")).has_value());
    file.reset();
    EXPECT_EQ(files(), 0U);
}

TEST_F(Images, AreWrittenAgainWhereARestoreWasKilled) {
    std::ofstream(part_) << "half of it, from another snapshot";
    const auto file = open(8).value();
    ASSERT_TRUE(file->write(0, as_bytes("new")).has_value());
    ASSERT_TRUE(file->finish().has_value());
    EXPECT_EQ(contents(image_), std::string("new\0\0\0\0\0", 8));
    EXPECT_EQ(files(), 1U);
}

TEST_F(Images, AreWrittenByOneRestoreAtATime) {
    const auto first = open(4).value();
    ASSERT_TRUE(first->write(0, as_bytes("data")).has_value());
    const auto second = open(2);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::already_exists);
    EXPECT_NE(second.error().message.find("another process"), std::string::npos);
    ASSERT_TRUE(first->finish().has_value());
    EXPECT_EQ(contents(image_), "data");
}

TEST_F(Images, TakeTheNameOfNothingThatIsThere) {
    auto file = open(4).value();
    std::ofstream(image_) << "of a person, made meanwhile";
    EXPECT_EQ(file->finish().error().code, Errc::already_exists);
    file.reset();
    EXPECT_EQ(contents(image_), "of a person, made meanwhile");
    EXPECT_EQ(files(), 1U);
    fs::remove(image_);
    fs::create_symlink("nowhere", image_);
    EXPECT_EQ(open(4).error().code, Errc::already_exists);
}

TEST_F(Images, NeedAFolder) {
    const auto file = ImageFile::open((directory_.path() / "absent/drive.img").string(), 4);
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, Errc::precondition);
    EXPECT_NE(file.error().message.find("its folder is not there"), std::string::npos);
}

}  // namespace
}  // namespace tapeloft::vtl::cli
