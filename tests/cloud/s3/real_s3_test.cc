// What only a real server can show. Runs where TAPELOFT_TEST_S3_URL is set (scripts/test-s3).
#include "tests/cloud/s3/real_s3.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <iostream>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "cloud/store/store_probe.h"
#include "cloud/store/store_url.h"

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

std::vector<std::string> given() {
    const auto url = real_s3_url();
    return url ? std::vector{*url} : std::vector<std::string>();
}

class RealS3Test : public testing::TestWithParam<std::string> {
  protected:
    std::unique_ptr<S3Store> open(const std::string& more = "") {
        auto store = open_real_s3(work.get_executor(), real_s3_settings(GetParam() + more));
        const auto prepared = loop.run(store->prepare());
        EXPECT_TRUE(prepared) << prepared.error().message;
        return store;
    }

    boost::asio::thread_pool work{2};
    StoreLoop loop;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealS3Test);
INSTANTIATE_TEST_SUITE_P(Given, RealS3Test, testing::ValuesIn(given()),
                         [](const auto&) { return "RealS3"; });

TEST_P(RealS3Test, ALargeObjectInPartsComesBackWholeAndInRanges) {
    const auto store = open();
    std::mt19937_64 random(1);
    auto body = random_body(random, (33UL << 20U) + 7);
    const auto stored = loop.run(store->put("packs/large", body, {}));
    ASSERT_TRUE(stored) << stored.error().message;
    const auto read = loop.run(store->get("packs/large", {}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(std::ranges::equal(read->view(), body.view()));
    const auto part = loop.run(store->get("packs/large", {.offset = 5242879, .length = 3}));
    ASSERT_TRUE(part);
    EXPECT_TRUE(std::ranges::equal(part->view(), body.slice(5242879, 3).view()));
}

TEST_P(RealS3Test, NothingOfALargeObjectIsSentAgainWhereOnlyItsEndWasLost) {
    auto settings = real_s3_settings(GetParam());
    FaultyProxy proxy(
        static_cast<unsigned short>(std::stoi(settings.host.substr(settings.host.find(':') + 1))));
    settings.host = "127.0.0.1:" + std::to_string(proxy.port());
    const auto store = open_real_s3(work.get_executor(), settings);
    proxy.script({WireFault::answer_lost}, [](const SeenRequest& request) {
        return request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
    });
    std::atomic<std::size_t> parts = 0;
    proxy.script({WireFault::silence}, [&](const SeenRequest& request) {
        parts += request.target.find("partNumber=") != std::string::npos ? 1U : 0U;
        return false;
    });
    std::mt19937_64 random(2);
    auto body = random_body(random, (13UL << 20U) + 7);
    const auto stored = loop.run(store->put("packs/large", body, {}));
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(proxy.met()[WireFault::answer_lost], 1);
    EXPECT_EQ(parts, 3U);
    const auto read = loop.run(store->get("packs/large", {}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(std::ranges::equal(read->view(), body.view()));
}

TEST_P(RealS3Test, OfManyWritersOnManyConnectionsOneWinsEveryTime) {
    const auto store = open();
    const bool atomic = real_s3_settings(GetParam()).variant->atomic_conditions;
    ASSERT_EQ(store->capabilities().put_if_absent, atomic);
    if (!atomic) {
        ASSERT_TRUE(loop.run(store->put("log/1", body_of("x"), {.if_absent = true})));
        const auto second = loop.run(store->put("log/1", body_of("y"), {.if_absent = true}));
        ASSERT_FALSE(second) << "one after the other it is seen all the same";
        EXPECT_EQ(second.error().code, Errc::precondition);
        return;
    }
    for (int round = 0; round < 20; ++round) {
        const auto name = "log/" + std::to_string(round);
        std::vector<std::optional<Result<void>>> results(8);
        for (auto& result : results) {
            loop.spawn(store->put(name, body_of("x"), {.if_absent = true}), result);
        }
        loop.run_all();
        const auto won =
            std::ranges::count_if(results, [](const auto& result) { return result->has_value(); });
        EXPECT_EQ(won, 1) << round;
    }
}

TEST_P(RealS3Test, ClassesAndTagsAreTakenWhereTheServerSaysSo) {
    const std::string wishes = "&class=packs/:STANDARD_IA&tag=packs/:a=b";
    if (!real_s3_settings(GetParam()).variant->storage_classes) {
        const auto refused = s3::settings_of(parse_store_url(GetParam() + wishes).value());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::unsupported);
        return;
    }
    const auto store = open(wishes);
    EXPECT_TRUE(loop.run(store->put("packs/1", body_of("x"), {})));
    EXPECT_TRUE(loop.run(store->put("log/1", body_of("x"), {})));
}

TEST_P(RealS3Test, AThousandNamesAreListedInPagesAndRemoved) {
    const auto store = open();
    std::vector<std::string> names;
    std::vector<std::optional<Result<void>>> results(1003);
    for (std::size_t i = 0; i < results.size(); ++i) {
        names.push_back("n/" + std::to_string(i));
        loop.spawn(store->put(names.back(), body_of("x"), {}), results[i]);
    }
    loop.run_all();
    const auto page = loop.run(store->list("n/", "", 1000));
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->objects.size(), 1000U);
    EXPECT_TRUE(page->more);
    for (std::size_t i = 0; i < results.size(); ++i) {
        results[i].reset();
        loop.spawn(store->remove(names[i]), results[i]);
    }
    loop.run_all();
    EXPECT_TRUE(loop.run(store->list("n/", "", 1000))->objects.empty());
}

TEST_P(RealS3Test, TheProbeSaysThatItIsFitForUse) {
    const auto store = open("&parallel=16");
    const auto probe = loop.run(probe_store(*store, {.object_size = 32UL << 20U, .objects = 16}));
    std::cout << to_text(probe);
    EXPECT_TRUE(probe.usable);
    EXPECT_TRUE(loop.run(store->list("", "", 1000))->objects.empty());
}

class LockedS3Test : public RealS3Test {
  protected:
    std::string versions_of(const s3::Settings& settings, const std::string& name) {
        const auto engine = HttpEngine::start({}).value();
        const auto executor = work.get_executor();
        s3::Client client(settings, *engine, s3::process_environment(), {executor, executor});
        s3::Call call;
        call.method = "GET";
        call.query = {{"versions", ""}, {"prefix", settings.prefix + name}};
        const auto answer = loop.run(client.send_for_success(std::move(call), "versions"));
        const auto text = answer ? std::string(as_text(answer->body.view())) : "no answer";
        return text.find("<Version>") == std::string::npos ? "no version" : text;
    }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LockedS3Test);

std::vector<std::string> given_locked() {
    const auto url = real_s3_locked_url();
    return url ? std::vector{*url} : std::vector<std::string>();
}
INSTANTIATE_TEST_SUITE_P(Given, LockedS3Test, testing::ValuesIn(given_locked()),
                         [](const auto&) { return "RealS3"; });

TEST_P(LockedS3Test, ALockedObjectIsNotRemovedAndAMarkerOverItIsNoticed) {
    auto settings = real_s3_settings(GetParam() + "&lock=packs/:GOVERNANCE:1");
    const auto store = open_real_s3(work.get_executor(), settings);
    const auto stored = loop.run(store->put("packs/1", body_of("kept"), {}));
    ASSERT_TRUE(stored) << stored.error().message;
    const auto removed = loop.run(store->remove("packs/1"));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Errc::denied) << removed.error().message;
    EXPECT_EQ(as_text(loop.run(store->get("packs/1", {}))->view()), "kept");
    const auto until = loop.run(store->retained_until("packs/1"));
    ASSERT_TRUE(until && *until);
    constexpr std::int64_t kDay_s = 86'400;
    EXPECT_NEAR(static_cast<double>(**until - kDay_s), static_cast<double>(std::time(nullptr)),
                300);
    EXPECT_EQ(loop.run(store->retained_until("packs/2")).value(), std::nullopt);

    settings.locks.clear();  // somebody who does not know of the lock
    const auto other = open_real_s3(work.get_executor(), settings);
    ASSERT_TRUE(loop.run(other->remove("packs/1")));
    const auto hidden = loop.run(store->get("packs/1", {}));
    ASSERT_FALSE(hidden);
    EXPECT_EQ(hidden.error().code, Errc::corrupt) << hidden.error().message;
}

TEST_P(LockedS3Test, ALargeObjectInPartsIsLockedToo) {
    auto settings = real_s3_settings(GetParam() + "&lock=packs/:GOVERNANCE:1");
    const auto store = open_real_s3(work.get_executor(), settings);
    const auto stored = loop.run(store->put("packs/large", Buffer::zeroed(13UL << 20U), {}));
    ASSERT_TRUE(stored) << stored.error().message;
    const auto until = loop.run(store->retained_until("packs/large"));
    ASSERT_TRUE(until && *until);
    const auto removed = loop.run(store->remove("packs/large"));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Errc::denied) << removed.error().message;
    EXPECT_EQ(loop.run(store->get("packs/large", {}))->size(), 13UL << 20U);
}

TEST_P(LockedS3Test, WhatIsNotLockedIsRemovedInAllItsVersions) {
    auto settings = real_s3_settings(GetParam() + "&lock=packs/:GOVERNANCE:1");
    const auto store = open_real_s3(work.get_executor(), settings);
    ASSERT_TRUE(loop.run(store->put("log/1", body_of("x"), {})));
    ASSERT_TRUE(loop.run(store->put("log/1", body_of("y"), {})));
    ASSERT_TRUE(loop.run(store->remove("log/1")));
    EXPECT_EQ(loop.run(store->get("log/1", {})).error().code, Errc::not_found);
    EXPECT_EQ(versions_of(settings, "log/1"), "no version");
}

}  // namespace
}  // namespace tapeloft::tests
