// What a stand-in for renterd shows: what is stored and when that is said, and in which words it is
// refused.
#include <fstream>
#include <random>

#include "tests/cloud/sia/sia_store_fixture.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

Buffer pack_of(std::size_t size) {
    std::mt19937_64 random(size);
    return random_body(random, size);
}

TEST_F(SiaStoreTest, OpeningAsksNothingAndReadingOnlyReads) {
    EXPECT_EQ(server.requests().size(), 0U);
    server.put_object("root/a", "hello");
    EXPECT_EQ(get("a"), "hello");
    EXPECT_EQ(loop.run(store->head("a"))->size, 5U);
    EXPECT_EQ(loop.run(store->list("", "", 10))->objects.size(), 1U);
    EXPECT_EQ(count("PUT", "/"), 0U);
}

TEST_F(SiaStoreTest, PacksAreOfWholeSlabsAndTheirSizeFollowsTheRedundancySettings) {
    EXPECT_EQ(store->capabilities().best_object_size, 40U << 20U);  // 10 of 30
    struct Case {
        unsigned least, total;
        std::size_t best, step;
    };
    constexpr Case kCases[] = {{10, 30, 40U << 20U, 40U << 20U},
                               {2, 6, 32U << 20U, 8U << 20U},
                               {3, 9, 24U << 20U, 12U << 20U},
                               {32, 64, 128U << 20U, 128U << 20U},
                               {1, 1, 32U << 20U, 4U << 20U}};
    for (const auto& each : kCases) {
        server.change([&](FakeRenterdOptions& options) {
            options.min_shards = each.least;
            options.total_shards = each.total;
            options.contract_hosts = each.total;
        });
        clock.advance(minutes(1));
        ASSERT_EQ(put("a", "x"), "");
        EXPECT_EQ(store->capabilities().best_object_size, each.best) << each.least;
        EXPECT_EQ(store->capabilities().object_step, each.step) << each.least;
    }
}

TEST_F(SiaStoreTest, AHeadIsEnoughToKnowTheSizeOfTheFirstPack) {
    server.put_object("root/tapeloft", "header");
    server.change([](FakeRenterdOptions& options) { options.min_shards = 2; });
    ASSERT_TRUE(loop.run(store->head("tapeloft")));
    EXPECT_EQ(store->capabilities().object_step, 8U << 20U);
}

TEST_F(SiaStoreTest, SlabsThatNobodyCouldHoldInMemoryAreRefused) {
    server.change([](FakeRenterdOptions& options) {
        options.min_shards = 33;
        options.total_shards = 66;
    });
    const auto refused = put("a", "x");
    EXPECT_NE(refused.find("slabs of 132 MiB; set minShards to 32 or less"), std::string::npos)
        << refused;
    EXPECT_EQ(server.objects().size(), 0U);
}

TEST_F(SiaStoreTest, APackIsStoredOnlyWhenItsSlabsSaySo) {
    server.change([](FakeRenterdOptions& options) { options.looks_until_stored = 3; });
    EXPECT_EQ(put("packs/a", pack_of(2 * kSlab)), "");
    EXPECT_EQ(clock.pauses().size(), 3U);
    EXPECT_EQ(count("GET", "/bus/object/root/packs/a?"), 4U);
    EXPECT_EQ(count("PUT", "/"), 1U) << "it is not sent again";
}

TEST_F(SiaStoreTest, SlabsThatNeverComeFailThePutWithinItsTime) {
    server.change([](FakeRenterdOptions& options) { options.looks_until_stored = -1; });
    const auto begin = clock.now();
    const auto refused = put("packs/a", pack_of(2 * kSlab));
    EXPECT_TRUE(refused.starts_with("transient")) << refused;
    EXPECT_NE(refused.find("of its 2 slabs 2 are still on the disk of renterd"), std::string::npos)
        << refused;
    EXPECT_LT(clock.now() - begin, minutes(6));
    EXPECT_GE(clock.now() - begin, minutes(5));
}

TEST_F(SiaStoreTest, APackThatRenterdTookForAnotherIsNotStored) {
    server.change([](FakeRenterdOptions& options) { options.looks_until_stored = 1; });
    bool replaced = false;
    server.set_intercept([&](const SeenRequest& request) -> std::optional<std::string> {
        if (request.method != "GET" || request.target.find("/bus/object/") == std::string::npos) {
            return std::nullopt;
        }
        replaced = true;
        return http_answer("200 OK",
                           R"({"key":"/root/packs/a","size":4194304,"eTag":"other","health":1,)"
                           R"("slabs":[{"slab":{"shards":[{}]},"offset":0,"length":4194304}]})");
    });
    EXPECT_NE(put("packs/a", pack_of(kSlab)).find("another object has taken its place"),
              std::string::npos);
    EXPECT_TRUE(replaced);
}

TEST_F(SiaStoreTest, WhatRenterdDamagedOnItsWayIsNotStored) {
    refuse("PUT", "200 OK\r\nETag: \"00000000000000000000000000000000\"", "");
    EXPECT_EQ(put("a", "hello"),
              "transient: put a: renterd has stored other bytes than it was sent");
}

TEST_F(SiaStoreTest, ASmallObjectIsTakenByTheBufferAndTheConditionTells) {
    ASSERT_EQ(put("log/1", "entry"), "");
    EXPECT_EQ(count("GET", "/bus/object/"), 0U) << "its slab is full some day";
    auto condition = loop.run(store->condition());
    ASSERT_TRUE(condition) << condition.error().message;
    EXPECT_EQ(condition->waiting_bytes, 5U);
    EXPECT_EQ(condition->troubles.size(), 0U);
    ASSERT_EQ(put("packs/a", pack_of(kSlab)), "");
    EXPECT_EQ(loop.run(store->condition())->waiting_bytes, 5U) << "a pack leaves nothing behind";
    ASSERT_EQ(put("log/2", pack_of(kSlab - 5)), "");
    EXPECT_EQ(loop.run(store->condition())->waiting_bytes, 0U) << "they fill a slab together";
}

TEST_F(SiaStoreTest, WithoutPackingEveryObjectIsWithHostsAndNothingIsFilledUp) {
    server.change([](FakeRenterdOptions& options) {
        options.packing = false;
        options.looks_until_stored = 1;
    });
    EXPECT_EQ(put("log/1", "entry"), "");
    EXPECT_EQ(clock.pauses().size(), 1U);
    EXPECT_EQ(store->capabilities().object_step, 1U);
    EXPECT_EQ(troubles(), "packing");
}

TEST_F(SiaStoreTest, APackThatWasBegunBeforeTheSettingsChangedIsStillOfWholeSlabs) {
    server.change([](FakeRenterdOptions& options) { options.min_shards = 2; });
    ASSERT_EQ(put("a", "x"), "");
    ASSERT_EQ(store->capabilities().object_step, 8U << 20U);
    server.change([](FakeRenterdOptions& options) { options.min_shards = 3; });
    clock.advance(minutes(1));
    ASSERT_EQ(put("packs/old", pack_of(8U << 20U)), "");
    ASSERT_EQ(put("packs/new", pack_of(12U << 20U)), "");
    const auto objects = server.objects();
    EXPECT_EQ(objects.at("root/packs/old").min_shards, 2U);
    EXPECT_EQ(objects.at("root/packs/old").buffered, 0U);
    EXPECT_EQ(objects.at("root/packs/new").min_shards, 3U);
    EXPECT_EQ(objects.at("root/packs/new").buffered, 0U);
}

TEST_F(SiaStoreTest, APackThatThereAreNoHostsForIsStoredOnceFewerAreWanted) {
    server.change([](FakeRenterdOptions& options) {
        options.min_shards = 3;
        options.total_shards = 9;
        options.contract_hosts = 7;
    });
    const auto pack = pack_of(12U << 20U);
    EXPECT_NE(put("packs/a", pack).find("too few good contracts"), std::string::npos);
    server.change([](FakeRenterdOptions& options) {
        options.min_shards = 2;
        options.total_shards = 6;
    });
    clock.advance(minutes(1));
    ASSERT_EQ(put("packs/a", pack), "");
    const auto stored = server.objects().at("root/packs/a");
    EXPECT_EQ(stored.min_shards, 3U);
    EXPECT_EQ(stored.total_shards, 6U);
    EXPECT_EQ(stored.buffered, 0U);
    server.change([](FakeRenterdOptions& options) {
        options.min_shards = 1;
        options.total_shards = 2;
    });
    clock.advance(minutes(1));
    ASSERT_EQ(put("packs/b", pack_of(8U << 20U)), "");
    EXPECT_EQ(server.objects().at("root/packs/b").total_shards, 2U) << "whole under the newest";
}

TEST_F(SiaStoreTest, APackIsOfWholeSlabsHoweverOftenTheSettingsChangeMeanwhile) {
    for (const unsigned least : {5U, 3U, 2U, 4U, 7U}) {
        server.change([&](FakeRenterdOptions& options) {
            options.min_shards = least;
            options.total_shards = 9;
        });
        clock.advance(minutes(1));
        ASSERT_EQ(put("a", "x"), "");
    }
    ASSERT_EQ(put("packs/a", pack_of(20U << 20U)), "");
    EXPECT_EQ(server.objects().at("root/packs/a").buffered, 0U);
    EXPECT_EQ(server.objects().at("root/packs/a").min_shards, 5U);
}

TEST_F(SiaStoreTest, APackThatWasBegunBeforeRenterdWasReachedIsOfWholeSlabsToo) {
    const auto begun = store->capabilities().best_object_size;
    server.change([](FakeRenterdOptions& options) { options.min_shards = 3; });
    ASSERT_EQ(put("packs/a", pack_of(begun)), "");
    EXPECT_EQ(server.objects().at("root/packs/a").buffered, 0U);
    EXPECT_GT(server.objects().at("root/packs/a").total_shards,
              server.objects().at("root/packs/a").min_shards);
}

TEST_F(SiaStoreTest, SettingsAreReadOnceAMinute) {
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(put("a", "x"), "");
    }
    EXPECT_EQ(count("GET", "/bus/settings/upload"), 1U);
    EXPECT_EQ(count("GET", "/bus/state"), 1U);
    clock.advance(minutes(1));
    ASSERT_EQ(put("a", "x"), "");
    EXPECT_EQ(count("GET", "/bus/settings/upload"), 2U);
    EXPECT_EQ(count("GET", "/bus/state"), 1U);
}

TEST_F(SiaStoreTest, APutIfAbsentLooksFirst) {
    EXPECT_FALSE(store->capabilities().put_if_absent);
    ASSERT_EQ(put("log/1", "first", {.if_absent = true}), "");
    EXPECT_TRUE(put("log/1", "second", {.if_absent = true}).starts_with("precondition"));
    EXPECT_EQ(get("log/1"), "first");
}

TEST_F(SiaStoreTest, AnOldRenterdIsRefused) {
    server.change([](FakeRenterdOptions& options) { options.version = "v1.1.1"; });
    EXPECT_TRUE(put("a", "x").starts_with("unsupported: this renterd is of version 1"));
    server.change([](FakeRenterdOptions& options) { options.version = "?"; });
    EXPECT_EQ(put("a", "x"), "");
}

TEST_F(SiaStoreTest, EveryRefusalIsToldInPlainWords) {
    struct Case {
        std::string status, sentence, expected;
    };
    const std::vector<Case> cases = {
        {"401 Unauthorized", "unauthorized",
         "denied: put a: renterd answers 401: it does not take the API password"},
        {"503 Service Unavailable", "consensus is not synced", "not in step with the Sia chain"},
        {"500 Internal Server Error", "couldn't upload object: not enough hosts",
         "too few good contracts"},
        {"500 Internal Server Error", "couldn't upload object: wallet: insufficient balance",
         "no space: put a: renterd answers 500: renterd is out of money"},
        {"500 Internal Server Error", "failed: host is gouging", "price limits"},
        {"404 Not Found", "bucket not found", "there is no such bucket; make it in renterd first"},
        {"404 Not Found", "<html>404 page not found</html>", "transient"},
        {"400 Bad Request", "invalid redundancy settings", "impossible"},
        {"500 Internal Server Error", "dial tcp: connection refused", "transient"},
        {"500 Internal Server Error", "object not found", "transient"},
        {"429 Too Many Requests", "", "throttled"},
        {"507 Insufficient Storage", "", "no space"},
        {"302 Found", "", "i/o"},
    };
    ASSERT_EQ(put("other", "x"), "");
    for (const auto& each : cases) {
        refuse("PUT", each.status, each.sentence);
        const auto refused = put("a", "x");
        EXPECT_NE(refused.find(each.expected), std::string::npos) << refused;
        EXPECT_NE(refused.find("put a"), std::string::npos) << refused;
    }
}

TEST_F(SiaStoreTest, HowLongItWantsToBeLeftAloneIsKnown) {
    ASSERT_EQ(put("other", "x"), "");
    for (const auto* status : {"429 Too Many Requests", "503 Service Unavailable"}) {
        refuse("PUT", std::string(status) + "\r\nRetry-After: 9", "");
        const auto stored = loop.run(store->put("a", body_of("x"), {}));
        ASSERT_FALSE(stored);
        EXPECT_EQ(stored.error().code, Errc::throttled);
        EXPECT_EQ(stored.error().retry_after, std::chrono::seconds(9)) << status;
    }
}

TEST_F(SiaStoreTest, ABucketThatIsMissingIsNoMissingObject) {
    EXPECT_TRUE(get("a").starts_with("not found")) << get("a");
    EXPECT_EQ(outcome(loop.run(store->remove("a"))), "");
    EXPECT_EQ(loop.run(store->list("", "", 10))->objects.size(), 0U);
    server.change([](FakeRenterdOptions& options) { options.bucket = false; });
    const std::string told = "i/o: bucket bucket: renterd answers 404: there is no such bucket";
    EXPECT_TRUE(get("a").starts_with(told)) << get("a");
    EXPECT_TRUE(get("a", {.offset = 1, .length = 2}).starts_with(told));
    EXPECT_TRUE(outcome(loop.run(store->head("a"))).starts_with(told));
    EXPECT_TRUE(outcome(loop.run(store->list("", "", 10))).starts_with(told));
    EXPECT_TRUE(outcome(loop.run(store->list("", "a", 10))).starts_with(told));
    EXPECT_TRUE(outcome(loop.run(store->remove("a"))).starts_with(told));
    EXPECT_TRUE(put("a", "x", {.if_absent = true}).starts_with(told));
    EXPECT_TRUE(put("a", "x").starts_with("i/o")) << put("a", "x");
    EXPECT_TRUE(troubles().starts_with(told)) << troubles();
    server.change([](FakeRenterdOptions& options) { options.bucket = true; });
    refuse("GET", "404 Not Found", "<html>object not found or moved</html>");
    EXPECT_TRUE(get("a").starts_with("transient")) << get("a");
}

TEST_F(SiaStoreTest, AnswersThatAreNotRenterdsAreNotBelieved) {
    ASSERT_EQ(put("a", "0123456789"), "");
    const std::vector<std::string> bodies = {
        "",
        "[]",
        "{}",
        "null",
        "\"text\"",
        "<html></html>",
        R"({"hasMore":true,"objects":null})",
        R"({"hasMore":false,"objects":[{}]})",
        R"({"hasMore":false,"objects":[{"key":"/root/a","size":-1,"health":1}]})",
        R"({"hasMore":false,"objects":[{"key":"/root/b","size":1,"health":1},{"key":"/root/a","size":1,"health":1}]})",
        std::string(100000, '['),
        std::string("\xff\xfe{")};
    for (const auto& body : bodies) {
        refuse("GET", "200 OK", body);
        EXPECT_TRUE(outcome(loop.run(store->list("", "", 10))).starts_with("transient"))
            << body.substr(0, 80);
        EXPECT_TRUE(outcome(loop.run(store->head("a"))).starts_with("transient"));
    }
    refuse("GET", "206 Partial Content\r\nContent-Range: bytes 0-3/10", "012");
    EXPECT_TRUE(get("a", {.offset = 1, .length = 4}).starts_with("transient"));
    refuse("GET", "200 OK", "0123456789");
    EXPECT_TRUE(get("a", {.offset = 1, .length = 4}).starts_with("transient"));
}

TEST_F(SiaStoreTest, AListPassesOverWhatIsNotOursAndWhatIsNoName) {
    for (const auto* key : {"root/a", "root/B", "root/c d", "rootx/e", "other/f", "root/g"}) {
        server.put_object(key, "x");
    }
    const auto page = loop.run(store->list("", "", 10));
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_EQ(page->objects.size(), 2U);
    EXPECT_EQ(page->objects[0].name, "a");
    EXPECT_EQ(page->objects[1].name, "g");
    const auto one = loop.run(store->list("", "a", 1));
    EXPECT_EQ(one->objects.at(0).name, "g");
}

TEST_F(SiaStoreTest, ThePasswordMayStandInAFileAndMayChange) {
    TemporaryDirectory directory;
    const auto file = (directory.path() / "password").string();
    const auto none = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    open(none);
    EXPECT_NE(put("a", "x").find("denied: there is no password for renterd's API: set "
                                 "RENTERD_API_PASSWORD, or password_file"),
              std::string::npos);
    open(none, "&password_file=" + file);
    EXPECT_TRUE(put("a", "x").starts_with("denied: " + file + " cannot be read")) << put("a", "x");
    std::ofstream(file) << "first\nsecond\n";
    EXPECT_EQ(put("a", "x").find("second"), std::string::npos);
    std::ofstream(file) << "pass:word/+ 1\n";
    EXPECT_EQ(put("a", "x"), "");
    server.change([](FakeRenterdOptions& options) { options.password = "geheim"; });
    const auto refused = put("a", "x");
    EXPECT_NE(refused.find("does not take the API password"), std::string::npos) << refused;
    EXPECT_EQ(refused.find("pass:word"), std::string::npos);
    std::ofstream(file) << "geheim";
    EXPECT_EQ(put("a", "x"), "");
}

TEST_F(SiaStoreTest, ShutDownEndsAPutThatWaitsForSlabs) {
    server.change([](FakeRenterdOptions& options) { options.looks_until_stored = -1; });
    clock.stands_still = true;
    std::optional<Result<void>> stored;
    loop.spawn(store->put("packs/a", pack_of(kSlab), {}), stored);
    while (count("GET", "/bus/object/") == 0) {
        loop.run_one();
    }
    loop.poll();
    store->shut_down();
    loop.run_all();
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->error().code, Errc::cancelled);
    EXPECT_TRUE(get("packs/a").starts_with("cancelled"));
}

}  // namespace
}  // namespace tapeloft::tests
