// A file store on a disk that fails, or loses its power, at any step.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/file_store.h"

#include "tests/cloud/store/simulated_store_files.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

constexpr const char* kAbsent = "(absent)";

/// A store, and for each name what may be read from it: one content, or two where an operation on
/// it did not end well.
class FileStoreWorld {
  public:
    FileStoreWorld() {
        files.before_step = [this](const std::string&) { return step(); };
    }

    void open() {
        auto opened = FileStore::open("/store", loop.executor(), files);
        if (opened) {
            store = std::move(opened).value();
        }
    }

    void put(const std::string& name, const std::string& text, PutOptions options) {
        if (!store) {
            return;
        }
        const auto result = loop.run(store->put(name, body_of(text), options));
        if (result) {
            if (options.if_absent) {
                EXPECT_TRUE(allowed(name).contains(kAbsent)) << name;
            }
            may_be[name] = {text};
        } else if (result.error().code == Errc::precondition) {
            EXPECT_TRUE(options.if_absent);
            may_be[name] = allowed(name);
            may_be[name].erase(kAbsent);
        } else {
            may_be[name] = allowed(name);
            may_be[name].insert(text);
        }
    }

    void remove(const std::string& name) {
        if (!store) {
            return;
        }
        if (loop.run(store->remove(name))) {
            may_be[name] = {kAbsent};
        } else {
            may_be[name] = allowed(name);
            may_be[name].insert(kAbsent);
        }
    }

    /// Some of everything: new names, replaced ones, taken ones, new folders, removed ones.
    void run_operations() {
        open();
        put("tapeloft", "header", {.if_absent = true});
        put("log/a/1", "first", {.if_absent = true});
        put("log/a/2", "second", {.if_absent = true});
        put("log/a/2", "intruder", {.if_absent = true});
        put("head/a", "one", {});
        put("head/a", "two, which is longer", {});
        put("packs/ab/cd/ef", "pack", {});
        remove("log/a/1");
        put("packs/ab/cd/gh", std::string(5000, 'x'), {});
        remove("packs/ab/cd/ef");
        put("log/a/1", "again", {.if_absent = true});
    }

    std::map<std::string, std::string> contents() {
        std::map<std::string, std::string> found;
        const auto page = loop.run(store->list("", "", 1000));
        EXPECT_TRUE(page);
        for (const auto& object : page->objects) {
            const auto body = loop.run(store->get(object.name, {}));
            EXPECT_TRUE(body) << object.name;
            found[object.name] = std::string(as_text(body->view()));
            EXPECT_EQ(object.size, found[object.name].size());
        }
        return found;
    }

    void expect_allowed(const std::map<std::string, std::string>& found) {
        for (const auto& [name, text] : found) {
            EXPECT_TRUE(may_be.contains(name)) << name << " was never put";
        }
        for (const auto& [name, texts] : may_be) {
            const auto entry = found.find(name);
            const auto text = entry == found.end() ? kAbsent : entry->second;
            EXPECT_TRUE(texts.contains(text)) << name << " is " << text;
        }
    }

    /// Power or process come back, and the store is opened anew.
    void restart() {
        dead = false;
        fail_at = 0;
        store.reset();
        open();
        ASSERT_NE(store, nullptr);
        EXPECT_TRUE(files.files_in("/store/TMP").empty());
    }

    SimulatedStoreFiles files;
    StoreLoop loop;
    std::unique_ptr<FileStore> store;
    std::map<std::string, std::set<std::string>> may_be;
    std::uint64_t steps = 0;
    std::uint64_t fail_at = 0;  ///< the step that fails; 0: none
    bool then_dead = false;     ///< and so do all later ones
    bool dead = false;

  private:
    std::optional<Error> step() {
        ++steps;
        if (steps == fail_at) {
            dead = then_dead;
            return Error{Errc::io, "simulated"};
        }
        return dead ? std::optional(Error{Errc::io, "simulated"}) : std::nullopt;
    }

    std::set<std::string> allowed(const std::string& name) {
        const auto found = may_be.find(name);
        return found == may_be.end() ? std::set<std::string>{kAbsent} : found->second;
    }
};

std::uint64_t steps_of_all_operations() {
    FileStoreWorld world;
    world.run_operations();
    return world.steps;
}

TEST(FileStoreCrash, AfterAPowerLossAtAnyStepObjectsAreWholeAndAcknowledgedOnesAreThere) {
    const auto steps = steps_of_all_operations();
    ASSERT_GT(steps, 50U);
    for (std::uint64_t fail_at = 1; fail_at <= steps + 1; ++fail_at) {
        for (std::uint64_t seed = 1; seed <= 8; ++seed) {
            SCOPED_TRACE("step " + std::to_string(fail_at) + ", seed " + std::to_string(seed));
            std::mt19937_64 random(seed);
            FileStoreWorld world;
            world.fail_at = fail_at;
            world.then_dead = true;
            world.run_operations();
            world.files.lose_power(random);
            world.restart();
            world.expect_allowed(world.contents());
            world.run_operations();
            world.expect_allowed(world.contents());
        }
    }
}

TEST(FileStoreCrash, WhatIsReadAfterAKillOutlivesAPowerLoss) {
    const auto steps = steps_of_all_operations();
    for (std::uint64_t fail_at = 1; fail_at <= steps + 1; ++fail_at) {
        SCOPED_TRACE("step " + std::to_string(fail_at));
        std::mt19937_64 random(fail_at);
        FileStoreWorld world;
        world.fail_at = fail_at;
        world.then_dead = true;
        world.run_operations();
        world.restart();
        const auto read = world.contents();
        world.expect_allowed(read);
        world.files.lose_power(random);
        world.restart();
        EXPECT_EQ(world.contents(), read);
    }
}

TEST(FileStoreCrash, AStepThatFailsIsAnErrorAndSpoilsNothingElse) {
    const auto steps = steps_of_all_operations();
    for (std::uint64_t fail_at = 1; fail_at <= steps; ++fail_at) {
        SCOPED_TRACE("step " + std::to_string(fail_at));
        std::mt19937_64 random(fail_at);
        FileStoreWorld world;
        world.fail_at = fail_at;
        world.run_operations();
        if (!world.store) {
            continue;  // it was open() that failed
        }
        world.expect_allowed(world.contents());
        world.files.lose_power(random);
        world.restart();
        world.expect_allowed(world.contents());
    }
}

TEST(FileStoreCrash, AFullDiskIsNoSpaceAndLeavesWhatWasThere) {
    for (const std::string full : {"write", "fsync", "make_folder", "rename"}) {
        SCOPED_TRACE(full);
        FileStoreWorld world;
        world.open();
        ASSERT_TRUE(world.loop.run(world.store->put("a", body_of("old"), {})));
        world.files.before_step = [&](const std::string& step) {
            return step == full ? std::optional(Error{Errc::no_space, "simulated"}) : std::nullopt;
        };
        const std::string name = full == "make_folder" ? "b/c" : "a";
        const auto result = world.loop.run(world.store->put(name, body_of("new"), {}));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::no_space);
        EXPECT_EQ(result.error().message, "put " + name + ": simulated");
        EXPECT_EQ(world.contents(), (std::map<std::string, std::string>{{"a", "old"}}));
        EXPECT_TRUE(world.files.files_in("/store/TMP").empty());
    }
}

TEST(FileStoreCrash, LeftoversOfAnotherOpenStoreStay) {
    FileStoreWorld world;
    world.open();
    ASSERT_TRUE(world.files.write_new("/store/TMP/in-flight", as_bytes("x")));
    world.files.alone = false;
    world.open();
    EXPECT_EQ(world.files.files_in("/store/TMP").size(), 1U);
    world.files.alone = true;
    world.open();
    EXPECT_TRUE(world.files.files_in("/store/TMP").empty());
}

TEST(FileStoreCrash, ATakenNameIsDurableBeforeItIsReported) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 8; ++i) {
        FileStoreWorld world;
        world.open();
        ASSERT_TRUE(world.loop.run(world.store->put("log/0", body_of("x"), {})));
        // Another process has named it, and did not sync the folder.
        ASSERT_TRUE(world.files.write_new("/store/log/1", as_bytes("first")));
        const auto second =
            world.loop.run(world.store->put("log/1", body_of("second"), {.if_absent = true}));
        ASSERT_EQ(second.error().code, Errc::precondition);
        world.files.lose_power(random);
        world.restart();
        EXPECT_EQ(world.contents()["log/1"], "first");
    }
}

TEST(FileStoreList, APageOfOneFolderReadsNoOtherFolder) {
    FileStoreWorld world;
    world.open();
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(
            world.loop.run(world.store->put("log/" + std::to_string(i) + "/1", body_of("x"), {})));
    }
    const auto before = world.files.scans();
    EXPECT_EQ(world.loop.run(world.store->list("log/7/", "", 10))->objects.size(), 1U);
    EXPECT_EQ(world.files.scans() - before, 1U);
    // A page of three names looks into the four folders that have them and one more.
    EXPECT_EQ(world.loop.run(world.store->list("log/", "", 3))->objects.size(), 3U);
    EXPECT_EQ(world.files.scans() - before, 1U + 1U + 4U);
}

}  // namespace
}  // namespace tapeloft::tests
