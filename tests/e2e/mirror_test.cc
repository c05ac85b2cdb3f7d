// A library whose objects are in two stores at once: one goes away, comes back, and is lost.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMirroredRecord = 256UL * 1024;

class MirrorEndToEnd : public LibraryFixture {
  protected:
    /// Every promise is one of the stores.
    void start_mirror() {
        start("[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = \"1GiB\"\n", "",
              "durability = \"cloud\"\nrequired = 1\nstore = [\"file://" + folder("a").string() +
                  "\", \"file://" + folder("b").string() + "\"]\n");
    }
    [[nodiscard]] fs::path folder(const std::string& name) const {
        return directory_.path() / name;
    }
    void write(TapeHost& drive, std::uint64_t seed) {
        for (std::uint64_t i = 0; i < 16; ++i) {
            ASSERT_GOOD(drive.write(pattern(kMirroredRecord, seed + i)));
        }
        ASSERT_GOOD(drive.write_filemarks(1));
    }
    void expect_back(TapeHost& drive, std::uint64_t seed) {
        for (std::uint64_t i = 0; i < 16; ++i) {
            const auto read = drive.read(kMirroredRecord);
            ASSERT_GOOD(read);
            ASSERT_EQ(read->data, pattern(kMirroredRecord, seed + i));
        }
        ASSERT_TRUE(drive.read(kMirroredRecord)->filemark());
    }
    /// All objects but those of the mirror itself and the lease.
    [[nodiscard]] std::map<std::string, std::string> objects(const std::string& name) const {
        std::map<std::string, std::string> found;
        std::error_code gone;
        const fs::recursive_directory_iterator end;
        for (fs::recursive_directory_iterator at(folder(name), gone); !gone && at != end;
             at.increment(gone)) {
            const auto object = fs::relative(at->path(), folder(name)).string();
            if (at->is_regular_file(gone) && !object.starts_with("mirror/") &&
                !object.starts_with("TMP/") && object != "lease") {
                std::ifstream file(at->path(), std::ios::binary);
                found[object] = {std::istreambuf_iterator<char>(file),
                                 std::istreambuf_iterator<char>()};
            }
        }
        return found;
    }
    [[nodiscard]] bool soon_the_same() const {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
        while (objects("a") != objects("b")) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }
};

TEST_F(MirrorEndToEnd, AStoreGoesAwayComesBackAndIsLostAndEveryRecordIsThere) {
    start_mirror();
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        write(drive, 1000);
        EXPECT_TRUE(soon_the_same());

        fs::rename(folder("a"), folder("away"));
        write(drive, 2000);  // is promised by the other one
        EXPECT_GT(objects("b").size(), objects("away").size());
        fs::rename(folder("away"), folder("a"));
        EXPECT_TRUE(soon_the_same());

        fs::rename(folder("b"), folder("away"));
        write(drive, 3000);
        fs::rename(folder("away"), folder("b"));
        EXPECT_TRUE(soon_the_same());
        ASSERT_OK(host.logout());
    }
    ASSERT_EQ(*daemon_->terminate(), 0);
    daemon_.reset();
    fs::remove_all(folder("a"));
    fs::remove_all(directory_.path() / "state" / "cache");
    restart();
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    for (const std::uint64_t seed : {1000U, 2000U, 3000U}) {
        expect_back(drive, seed);
    }
    EXPECT_TRUE(soon_the_same()) << "an empty store in the place of a lost one is filled";
}

TEST_F(MirrorEndToEnd, ALibraryIsRecoveredOutOfAllItsStores) {
    start_mirror();
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        write(drive, 1000);
        fs::rename(folder("a"), folder("away"));
        write(drive, 2000);  // the one that is away does not have it
        ASSERT_OK(host.logout());
    }
    ASSERT_EQ(*daemon_->terminate(), 0);
    daemon_.reset();
    fs::remove_all(folder("a"));  // what the end of the daemon made anew
    fs::rename(folder("away"), folder("a"));
    const auto state = directory_.path() / "state";
    const auto key = directory_.path() / "kept.key";
    fs::copy_file(state / "keys" / "e2e.key", key);
    fs::remove_all(state);
    const auto stores = "'--store=file://" + folder("a").string() + "' '--store=file://" +
                        folder("b").string() + "'";
    ASSERT_EQ(admin("library recover " + stores + " --key=" + key.string() +
                    " --state-dir=" + state.string() + " >&2"),
              0);
    restart();
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    expect_back(drive, 1000);
    expect_back(drive, 2000);
    EXPECT_TRUE(soon_the_same());
}

}  // namespace
}  // namespace tapeloft::tests
