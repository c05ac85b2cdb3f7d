#include "cloud/store/file_store.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cloud/store/store_world.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {
namespace {

class FileStoreTest : public testing::Test {
  protected:
    Result<std::unique_ptr<FileStore>> open() {
        return FileStore::open(directory.path() / "store", loop.executor());
    }
    Result<void> put(const std::string& name, std::string_view text, PutOptions options = {}) {
        return loop.run(store->put(name, body_of(text), options));
    }
    std::filesystem::path file(const std::string& name) const {
        return directory.path() / "store" / name;
    }
    std::size_t temporaries() const {
        const std::filesystem::directory_iterator begin(file("TMP"));
        return static_cast<std::size_t>(std::distance(begin, {}));
    }

    StoreLoop loop;
    TemporaryDirectory directory;
    std::unique_ptr<FileStore> store = open().value();
};

TEST_F(FileStoreTest, AnObjectIsTheFileOfItsName) {
    ASSERT_TRUE(put("packs/ab/cd", "content"));
    std::ifstream in(file("packs/ab/cd"));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "content");
    struct stat status = {};
    ASSERT_EQ(::stat(file("packs/ab/cd").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FileStoreTest, ItSurvivesReopeningAndTwoMayHaveItOpen) {
    ASSERT_TRUE(put("a/b", "content"));
    auto second = open();
    ASSERT_TRUE(second);
    EXPECT_EQ(as_text(loop.run((*second)->get("a/b", {}))->view()), "content");
    ASSERT_TRUE(loop.run((*second)->put("a/c", body_of("x"), {})));
    ASSERT_TRUE(put("a/d", "y"));
    store.reset();
    second.value().reset();
    store = open().value();
    EXPECT_EQ(loop.run(store->list("", "", 10))->objects.size(), 3U);
}

TEST_F(FileStoreTest, AFolderOfObjectsIsNoNameAndAnObjectIsNoFolder) {
    ASSERT_TRUE(put("a/b/c", "x"));
    for (const bool if_absent : {false, true}) {
        const auto folder = put("a/b", "y", {.if_absent = if_absent});
        ASSERT_FALSE(folder);
        EXPECT_EQ(folder.error().code, Errc::invalid_argument);
        EXPECT_NE(folder.error().message.find("a/b: it is a folder"), std::string::npos);
        const auto below = put("a/b/c/d", "z", {.if_absent = if_absent});
        ASSERT_FALSE(below);
        EXPECT_EQ(below.error().code, Errc::invalid_argument);
        EXPECT_NE(below.error().message.find("a/b/c is an object"), std::string::npos);
    }
    EXPECT_EQ(as_text(loop.run(store->get("a/b/c", {}))->view()), "x");
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FileStoreTest, LeftoversGoAtOpen) {
    std::ofstream(file("TMP/left-over")) << "half";
    store.reset();
    store = open().value();
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FileStoreTest, LeftoversStayWhileAnotherHasItOpen) {
    std::ofstream(file("TMP/in-flight")) << "half";
    const auto second = open();
    ASSERT_TRUE(second);
    EXPECT_EQ(temporaries(), 1U);
}

TEST_F(FileStoreTest, ForeignFilesAreNotListed) {
    ASSERT_TRUE(put("a", "x"));
    std::ofstream(file("README.TXT")) << "note";
    std::filesystem::create_directory(file("lost+found"));
    ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
    const auto page = loop.run(store->list("", "", 10));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 1U);
    EXPECT_EQ(page->objects[0].name, "a");
    EXPECT_EQ(loop.run(store->get("fifo", {})).error().code, Errc::not_found);
}

TEST_F(FileStoreTest, AFolderThatSomebodyTookAwayIsMadeAgainWhenThePutIsRepeated) {
    ASSERT_TRUE(put("a/b", "x"));
    std::filesystem::remove_all(file("a"));
    const auto first = put("a/b", "y");
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, Errc::transient);
    ASSERT_TRUE(put("a/b", "y"));
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FileStoreTest, ErrorsNameTheObjectAndThePath) {
    ASSERT_TRUE(put("a", "x"));
    std::filesystem::remove_all(file("TMP"));
    const auto failed = put("b", "y");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::transient)
        << "a disk that is not mounted has lost nothing";
    EXPECT_NE(failed.error().message.find(file("").parent_path().string()), std::string::npos)
        << failed.error().message;
    const auto range = loop.run(store->get("a", {.offset = 5, .length = {}}));
    EXPECT_NE(range.error().message.find("get a: the range"), std::string::npos);
}

TEST_F(FileStoreTest, AFolderThatIsNotMountedIsNeitherEmptyNorRidOfAnything) {
    ASSERT_TRUE(put("a/b", "x"));
    std::filesystem::rename(file(""), directory.path() / "unmounted");
    EXPECT_EQ(loop.run(store->get("a/b", {})).error().code, Errc::transient);
    EXPECT_EQ(loop.run(store->head("a/b")).error().code, Errc::transient);
    for (const auto* prefix : {"", "a/", "z"}) {
        const auto page = loop.run(store->list(prefix, "", 10));
        ASSERT_FALSE(page) << prefix;
        EXPECT_EQ(page.error().code, Errc::transient);
        EXPECT_NE(page.error().message.find("is it mounted?"), std::string::npos);
    }
    EXPECT_EQ(loop.run(store->remove("a/b")).error().code, Errc::transient);
    std::filesystem::create_directory(file(""));  // the mount point
    EXPECT_EQ(loop.run(store->list("", "", 10)).error().code, Errc::transient);
    EXPECT_EQ(loop.run(store->remove("a/b")).error().code, Errc::transient);
    std::filesystem::remove(file(""));
    std::filesystem::rename(directory.path() / "unmounted", file(""));
    EXPECT_EQ(loop.run(store->list("", "", 10))->objects.size(), 1U);
    EXPECT_TRUE(loop.run(store->remove("a/b")));
    EXPECT_TRUE(loop.run(store->remove("a/b"))) << "what is not there is no error";
}

TEST_F(FileStoreTest, AFileTooLargeForAnObjectIsNotReadIntoMemory) {
    std::ofstream(file("huge")) << "x";
    ASSERT_EQ(::truncate(file("huge").c_str(), static_cast<off_t>(kObjectSizeMax + 1)), 0);
    EXPECT_EQ(loop.run(store->get("huge", {})).error().code, Errc::corrupt);
}

TEST_F(FileStoreTest, OpenRefusesWhatIsNoFolder) {
    std::ofstream(directory.path() / "file") << "x";
    EXPECT_FALSE(FileStore::open(directory.path() / "file", loop.executor()));
    const auto missing = FileStore::open(directory.path() / "no" / "store", loop.executor());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::not_found);
    EXPECT_EQ(FileStore::open("store", loop.executor()).error().code, Errc::invalid_argument);
}

TEST_F(FileStoreTest, ItIsLocalAndHasAUrl) {
    EXPECT_TRUE(store->capabilities().local);
    EXPECT_TRUE(store->capabilities().put_if_absent);
    EXPECT_EQ(store->url(), "file://" + (directory.path() / "store").string());
}

}  // namespace
}  // namespace tapeloft::tests
