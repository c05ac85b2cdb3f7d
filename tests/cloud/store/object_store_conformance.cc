#include "tests/cloud/store/object_store_conformance.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace tapeloft::tests {

std::string ObjectStoreConformance::list(const std::string& prefix, std::string after,
                                         std::size_t limit) {
    std::string names;
    while (true) {
        const auto page = loop.run(store.list(prefix, after, limit));
        if (!page) {
            return "error: " + std::string(to_string(page.error().code));
        }
        EXPECT_LE(page->objects.size(), limit);
        for (const auto& object : page->objects) {
            names += (names.empty() || names.ends_with(' ') ? "" : " ") + object.name;
        }
        if (!page->more) {
            return names;
        }
        if (page->objects.empty()) {
            ADD_FAILURE() << "a page without names that says there are more";
            return names;
        }
        names += " + ";
        after = page->objects.back().name;
    }
}

TEST_P(ObjectStoreConformance, WhatWasPutIsReadBack) {
    ASSERT_TRUE(put("packs/ab/abcdef", "hello"));
    EXPECT_EQ(get("packs/ab/abcdef"), "hello");
    const auto info = loop.run(store.head("packs/ab/abcdef"));
    ASSERT_TRUE(info);
    EXPECT_EQ(info->name, "packs/ab/abcdef");
    EXPECT_EQ(info->size, 5U);
}

TEST_P(ObjectStoreConformance, AnObjectThatIsNotArchivedIsAvailableAndAnotherLookGivesTheSame) {
    ASSERT_TRUE(put("packs/ab/abcdef", "hello"));
    EXPECT_EQ(store.recall_time("packs/ab/abcdef"), std::nullopt);
    const auto state = loop.run(store.recall("packs/ab/abcdef"));
    ASSERT_TRUE(state);
    EXPECT_EQ(*state, RecallState::available);
    EXPECT_FALSE(loop.run(store.recall("No/Name")));
    for (const bool sound : {true, false}) {
        const auto again = loop.run(store.get_sound("packs/ab/abcdef", {.offset = 1, .length = 3},
                                                    [sound](ByteView) { return sound; }));
        ASSERT_TRUE(again);
        EXPECT_EQ(as_text(again->view()), "ell");
    }
    EXPECT_EQ(get("packs/ab/abcdef"), "hello");
    EXPECT_EQ(list(""), "packs/ab/abcdef");
}

TEST_P(ObjectStoreConformance, AnEmptyObjectIsAnObject) {
    ASSERT_TRUE(put("empty", ""));
    EXPECT_EQ(get("empty"), "");
    EXPECT_EQ(get("empty", {.offset = 0, .length = 0}), "");
    EXPECT_EQ(get("empty", {.offset = 0, .length = 1}), "error: invalid argument");
    EXPECT_EQ(loop.run(store.head("empty"))->size, 0U);
    EXPECT_EQ(list(""), "empty");
}

TEST_P(ObjectStoreConformance, EveryByteValueAndEveryLengthAroundABlockSurvives) {
    std::mt19937_64 random(1);
    for (const std::size_t size : {1U, 255U, 4095U, 4096U, 4097U, 1048577U}) {
        auto body = random_body(random, size);
        ASSERT_TRUE(loop.run(store.put("block", body, {})));
        const auto read = loop.run(store.get("block", {}));
        ASSERT_TRUE(read);
        EXPECT_TRUE(std::ranges::equal(read->view(), body.view())) << size;
    }
}

TEST_P(ObjectStoreConformance, ARangeIsExact) {
    ASSERT_TRUE(put("digits", "0123456789"));
    EXPECT_EQ(get("digits", {.offset = 0, .length = 1}), "0");
    EXPECT_EQ(get("digits", {.offset = 3, .length = 4}), "3456");
    EXPECT_EQ(get("digits", {.offset = 9, .length = 1}), "9");
    EXPECT_EQ(get("digits", {.offset = 7, .length = {}}), "789");
    EXPECT_EQ(get("digits", {.offset = 10, .length = {}}), "");
    EXPECT_EQ(get("digits", {.offset = 4, .length = 0}), "");
}

TEST_P(ObjectStoreConformance, GetPastTheEndFailsInsteadOfReturningShort) {
    ASSERT_TRUE(put("digits", "0123456789"));
    EXPECT_EQ(get("digits", {.offset = 0, .length = 11}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = 9, .length = 2}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = 10, .length = 1}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = 11, .length = {}}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = 11, .length = 0}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = 1, .length = ~0ULL}), "error: invalid argument");
    EXPECT_EQ(get("digits", {.offset = ~0ULL, .length = {}}), "error: invalid argument");
}

TEST_P(ObjectStoreConformance, WhatIsNotThereIsNotFound) {
    ASSERT_TRUE(put("a/b", "x"));
    for (const auto* name : {"a/c", "a/b/c", "a", "b", "a/b/c/d"}) {
        EXPECT_EQ(get(name), "error: not found") << name;
        const auto info = loop.run(store.head(name));
        ASSERT_FALSE(info) << name;
        EXPECT_EQ(info.error().code, Errc::not_found) << name;
        EXPECT_NE(info.error().message.find(name), std::string::npos);
    }
}

TEST_P(ObjectStoreConformance, PutReplacesTheWholeObject) {
    ASSERT_TRUE(put("head/1", "a long first content"));
    ASSERT_TRUE(put("head/1", "short"));
    EXPECT_EQ(get("head/1"), "short");
    EXPECT_EQ(list(""), "head/1");
}

TEST_P(ObjectStoreConformance, PutIfAbsentLeavesWhatIsThere) {
    if (!store.capabilities().put_if_absent) {
        return;
    }
    ASSERT_TRUE(put("log/1", "first", {.if_absent = true}));
    const auto second = put("log/1", "second", {.if_absent = true});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::precondition);
    EXPECT_NE(second.error().message.find("log/1"), std::string::npos);
    EXPECT_EQ(get("log/1"), "first");
    ASSERT_TRUE(loop.run(store.remove("log/1")));
    ASSERT_TRUE(put("log/1", "third", {.if_absent = true}));
    EXPECT_EQ(get("log/1"), "third");
}

TEST_P(ObjectStoreConformance, OfManyPutsIfAbsentOneWins) {
    if (!store.capabilities().put_if_absent) {
        return;
    }
    constexpr std::size_t kWriters = 8;
    std::vector<std::optional<Result<void>>> results(kWriters);
    for (std::size_t i = 0; i < kWriters; ++i) {
        auto body = body_of("writer " + std::to_string(i));
        loop.spawn(store.put("log/1", std::move(body), {.if_absent = true}), results.at(i));
    }
    loop.run_all();
    std::vector<std::size_t> winners;
    for (std::size_t i = 0; i < kWriters; ++i) {
        ASSERT_TRUE(results.at(i).has_value());
        if (*results.at(i)) {
            winners.push_back(i);
        } else {
            EXPECT_EQ(results.at(i)->error().code, Errc::precondition);
        }
    }
    ASSERT_EQ(winners.size(), 1U);
    EXPECT_EQ(get("log/1"), "writer " + std::to_string(winners.front()));
}

TEST_P(ObjectStoreConformance, RemoveTakesTheObjectAwayAndMayBeRepeated) {
    ASSERT_TRUE(put("a/b", "x"));
    ASSERT_TRUE(put("a/c", "y"));
    EXPECT_TRUE(loop.run(store.remove("a/b")));
    EXPECT_EQ(get("a/b"), "error: not found");
    EXPECT_EQ(list(""), "a/c");
    EXPECT_TRUE(loop.run(store.remove("a/b")));
    EXPECT_TRUE(loop.run(store.remove("a")));
    EXPECT_TRUE(loop.run(store.remove("never/was/there")));
    EXPECT_TRUE(loop.run(store.remove("a/c/d")));
    EXPECT_EQ(get("a/c"), "y");
}

TEST_P(ObjectStoreConformance, BadNamesAreRefusedByEveryCall) {
    const std::vector<std::string> names = {
        "",     "/",    "/a",      "a/",          "a//b", ".",    "..",
        "a/..", "../a", "a/./b",   "A",           "a b",  "a\nb", std::string("a\0b", 3),
        "a+b",  "\xc3", "a/../..", "TMP/whatever"};
    for (const auto& name : names) {
        EXPECT_EQ(put(name, "x").error().code, Errc::invalid_argument) << name;
        EXPECT_EQ(get(name), "error: invalid argument") << name;
        EXPECT_EQ(loop.run(store.head(name)).error().code, Errc::invalid_argument) << name;
        EXPECT_EQ(loop.run(store.remove(name)).error().code, Errc::invalid_argument) << name;
    }
    EXPECT_EQ(list(""), "");
}

TEST_P(ObjectStoreConformance, TheLongestNameIsTakenAndALongerOneIsRefused) {
    const auto longest = std::string(255, 'a') + "/" + std::string(255, 'b') + "/";
    ASSERT_EQ(longest.size(), kObjectNameMax);
    ASSERT_TRUE(put(longest.substr(0, 511), "x"));
    EXPECT_EQ(get(longest.substr(0, 511)), "x");
    EXPECT_EQ(list(""), longest.substr(0, 511));
    const auto deep = std::string(254, 'a') + "/" + std::string(255, 'b') + "/c";
    ASSERT_EQ(deep.size(), kObjectNameMax);
    ASSERT_TRUE(put(deep, "y"));
    EXPECT_EQ(get(deep), "y");
    EXPECT_EQ(put(deep + "d", "x").error().code, Errc::invalid_argument);
    EXPECT_EQ(put(std::string(256, 'a'), "x").error().code, Errc::invalid_argument);
}

TEST_P(ObjectStoreConformance, AListIsInByteOrderOfWholeNames) {
    // "-" and "." come before "/", digits and letters behind it.
    for (const auto* name : {"a/b", "a-b", "a.b", "a0", "a_", "ab", "a/b-", "a/c/d", "a/c-"}) {
        ASSERT_TRUE(put(name, "x"));
    }
    EXPECT_EQ(list(""), "a-b a.b a/b a/b- a/c- a/c/d a0 a_ ab");
}

TEST_P(ObjectStoreConformance, AListHasTheSizes) {
    ASSERT_TRUE(put("a", "12345"));
    ASSERT_TRUE(put("b", ""));
    const auto page = loop.run(store.list("", "", 1000));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 2U);
    EXPECT_EQ(page->objects[0].size, 5U);
    EXPECT_EQ(page->objects[1].size, 0U);
}

TEST_P(ObjectStoreConformance, APrefixIsBytesNotAFolder) {
    for (const auto* name : {"log/1", "log/12", "log/2", "logs", "l", "packs/log/1"}) {
        ASSERT_TRUE(put(name, "x"));
    }
    EXPECT_EQ(list("log/"), "log/1 log/12 log/2");
    EXPECT_EQ(list("log/1"), "log/1 log/12");
    EXPECT_EQ(list("log"), "log/1 log/12 log/2 logs");
    EXPECT_EQ(list("packs/log/1"), "packs/log/1");
    EXPECT_EQ(list("log/1/"), "");
    EXPECT_EQ(list("x"), "");
    EXPECT_EQ(list("../"), "");
    EXPECT_EQ(list("/"), "");
    EXPECT_EQ(list("log//"), "");
}

TEST_P(ObjectStoreConformance, AListBeginsBehindAnyBytes) {
    for (const auto* name : {"a/1", "a/2", "a/3/4", "b"}) {
        ASSERT_TRUE(put(name, "x"));
    }
    EXPECT_EQ(list("", "a/1"), "a/2 a/3/4 b");
    EXPECT_EQ(list("", "a/10"), "a/2 a/3/4 b");
    EXPECT_EQ(list("", "a/3"), "a/3/4 b");
    EXPECT_EQ(list("", "a/3/4"), "b");
    EXPECT_EQ(list("", "a/3/~"), "b");
    EXPECT_EQ(list("", "a/~"), "b");
    EXPECT_EQ(list("", "b"), "");
    EXPECT_EQ(list("a/", "a/2"), "a/3/4");
    EXPECT_EQ(list("b", "a"), "b");
    EXPECT_EQ(list("a/", "b"), "");
}

TEST_P(ObjectStoreConformance, PagesJoinWithoutGapsOrDoubles) {
    std::mt19937_64 random(7);
    std::set<std::string> names;
    while (names.size() < 120) {
        auto name = "d" + std::to_string(random() % 4) + "/e" + std::to_string(random() % 3) + "/" +
                    std::to_string(random() % 1000);
        ASSERT_TRUE(put(name, "x"));
        names.insert(std::move(name));
    }
    for (const std::size_t limit : {1U, 7U, 119U, 120U, 121U}) {
        std::vector<std::string> seen;
        std::string after;
        bool more = true;
        while (more) {
            const auto page = loop.run(store.list("d", after, limit));
            ASSERT_TRUE(page);
            ASSERT_TRUE(!page->more || page->objects.size() == limit);
            for (const auto& object : page->objects) {
                seen.push_back(object.name);
            }
            more = page->more;
            after = seen.back();
        }
        EXPECT_TRUE(std::ranges::equal(seen, names)) << limit;
    }
}

TEST_P(ObjectStoreConformance, TheLastPageSaysThatItIs) {
    ASSERT_TRUE(put("a", "x"));
    ASSERT_TRUE(put("b/c", "x"));
    EXPECT_EQ(list("", "", 2), "a b/c");
    EXPECT_EQ(list("", "", 1), "a + b/c");
}

TEST_P(ObjectStoreConformance, AFolderWhoseObjectsWentHidesNoLaterNames) {
    for (int i = 0; i < 10; ++i) {
        const auto name = "gone" + std::to_string(i) + "/x";
        ASSERT_TRUE(put(name, "x"));
        ASSERT_TRUE(loop.run(store.remove(name)));
    }
    ASSERT_TRUE(put("here/x", "x"));
    ASSERT_TRUE(put("here/y", "x"));
    EXPECT_EQ(list("", "", 1), "here/x + here/y");
    EXPECT_EQ(list("", "", 2), "here/x here/y");
}

TEST_P(ObjectStoreConformance, APageHasOneToAThousandNames) {
    EXPECT_EQ(list("", "", 0), "error: invalid argument");
    EXPECT_EQ(list("", "", 1001), "error: invalid argument");
    EXPECT_EQ(list("", "", 1000), "");
}

TEST_P(ObjectStoreConformance, ManyCallsAtOnceFromManyThreads) {
    std::vector<std::jthread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([this, i, &wrong] {
            StoreLoop own;
            for (int j = 0; j < 25; ++j) {
                const auto text = std::to_string(i * 100 + j);
                auto name = "shared/" + std::to_string(j % 5) + "/" + text;
                std::optional<Result<void>> stored;
                std::optional<Result<Buffer>> read;
                own.spawn(store.put(name, body_of(text), {}), stored);
                own.run_all();
                own.spawn(store.get(name, {}), read);
                own.run_all();
                const bool good =
                    stored && *stored && read && *read && as_text((*read)->view()) == text;
                wrong += good ? 0 : 1;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(loop.run(store.list("shared/", "", 1000))->objects.size(), 100U);
}

TEST_P(ObjectStoreConformance, APutIfMatchReplacesNothingButWhatWasSeen) {
    ASSERT_TRUE(put("head/a", "one"));
    const auto seen = loop.run(store.head("head/a"));
    ASSERT_TRUE(seen);
    if (seen->tag.empty()) {
        EXPECT_FALSE(store.capabilities().put_if_match);
        const auto refused = put("head/a", "x", {.if_match = ObjectTag("none")});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::precondition) << "it cannot match";
        EXPECT_EQ(get("head/a"), "one");
        return;
    }
    ASSERT_TRUE(put("head/a", "two", {.if_match = seen->tag}));
    EXPECT_EQ(get("head/a"), "two");
    const auto late = put("head/a", "three", {.if_match = seen->tag});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::precondition);
    EXPECT_EQ(get("head/a"), "two");
    const auto second = loop.run(store.head("head/a"));
    EXPECT_FALSE(second->tag == seen->tag);
    ASSERT_TRUE(loop.run(store.remove("head/a")));
    const auto gone = put("head/a", "three", {.if_match = second->tag});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::precondition);
    EXPECT_EQ(get("head/a"), "error: not found");
}

TEST_P(ObjectStoreConformance, ManyAreRemovedAtOnce) {
    std::vector<std::string> names;
    for (int i = 0; i < 7; ++i) {
        names.push_back("log/a/" + std::to_string(i));
        ASSERT_TRUE(put(names.back(), "x"));
    }
    names.emplace_back("log/a/never-there");
    ASSERT_TRUE(put("log/b", "stays"));
    ASSERT_TRUE(loop.run(store.remove_many(names)));
    EXPECT_EQ(list(""), "log/b");
    EXPECT_TRUE(loop.run(store.remove_many(names)));
    EXPECT_TRUE(loop.run(store.remove_many({})));
    names.emplace_back("No Name");
    const auto refused = loop.run(store.remove_many(names));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

TEST_P(ObjectStoreConformance, ItsUrlIsForPeople) {
    EXPECT_FALSE(store.url().empty());
    EXPECT_EQ(store.url().find('@'), std::string::npos);
    EXPECT_GT(store.capabilities().best_object_size, 0U);
    EXPECT_GT(store.capabilities().parallel, 0U);
}

}  // namespace tapeloft::tests
