#include "cloud/store/faulty_store.h"

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/memory_store.h"

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

class FaultyStoreTest : public testing::Test {
  protected:
    Result<void> put(const std::string& name, std::string_view text = "content") {
        return loop.run(store.put(name, body_of(text), {}));
    }
    std::string names() {
        std::string all;
        const auto page = loop.run(store.list("", "", 1000));
        for (const auto& object : page->objects) {
            all += object.name + " ";
        }
        return all;
    }

    StoreLoop loop;
    std::shared_ptr<MemoryStore> memory = std::make_shared<MemoryStore>();
    FaultyStore store{memory, 1};
};

TEST_F(FaultyStoreTest, TheScriptedCallFailsAndNoOther) {
    store.script(StoreCall::put, 2, Fault::before, Errc::no_space);
    EXPECT_TRUE(put("a"));
    const auto second = put("b");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::no_space);
    EXPECT_EQ(second.error().message, "injected fault: put b");
    EXPECT_TRUE(put("c"));
    EXPECT_EQ(names(), "a c ");
    EXPECT_EQ(store.calls(StoreCall::put), 3U);
    EXPECT_EQ(store.calls(StoreCall::get), 0U);
}

TEST_F(FaultyStoreTest, ACallThatFailsAfterwardsDidHappen) {
    store.script(StoreCall::put, 1, Fault::after);
    EXPECT_EQ(put("a").error().code, Errc::transient);
    EXPECT_TRUE(memory->objects().contains("a"));
    store.script(StoreCall::remove, 1, Fault::after);
    EXPECT_EQ(loop.run(store.remove("a")).error().code, Errc::transient);
    EXPECT_TRUE(memory->objects().empty());
}

TEST_F(FaultyStoreTest, AFlippedBitIsOneAndTheStoredBytesStay) {
    ASSERT_TRUE(put("a", std::string(1000, 'x')));
    store.script(StoreCall::get, 1, Fault::flipped);
    const auto body = loop.run(store.get("a", {})).value();
    ASSERT_EQ(body.size(), 1000U);
    int wrong_bits = 0;
    for (const auto byte : body.view()) {
        wrong_bits += std::popcount(static_cast<unsigned>(byte ^ 'x'));
    }
    EXPECT_EQ(wrong_bits, 1);
    EXPECT_EQ(as_text(loop.run(store.get("a", {}))->view()), std::string(1000, 'x'));
}

TEST_F(FaultyStoreTest, ACutBodyIsShorter) {
    ASSERT_TRUE(put("a", "0123456789"));
    store.script(StoreCall::get, 1, Fault::cut);
    const auto body = loop.run(store.get("a", {})).value();
    EXPECT_LT(body.size(), 10U);
    EXPECT_TRUE(std::string("0123456789").starts_with(as_text(body.view())));
}

TEST_F(FaultyStoreTest, WhileItIsDownNothingHappens) {
    ASSERT_TRUE(put("a"));
    store.set_down(true);
    EXPECT_EQ(put("b").error().code, Errc::transient);
    EXPECT_EQ(loop.run(store.get("a", {})).error().code, Errc::transient);
    EXPECT_EQ(loop.run(store.head("a")).error().code, Errc::transient);
    EXPECT_EQ(loop.run(store.list("", "", 10)).error().code, Errc::transient);
    EXPECT_EQ(loop.run(store.remove("a")).error().code, Errc::transient);
    store.set_down(false);
    EXPECT_EQ(names(), "a ");
}

TEST_F(FaultyStoreTest, APutIsMissingFromTheNextListsAndNowhereElse) {
    ASSERT_TRUE(put("a"));
    store.set_rates({.list_lag = 2});
    ASSERT_TRUE(put("b"));
    EXPECT_EQ(names(), "a ");
    EXPECT_TRUE(loop.run(store.head("b")));
    ASSERT_TRUE(put("c"));
    EXPECT_EQ(names(), "a ");
    EXPECT_EQ(names(), "a b ");
    EXPECT_EQ(names(), "a b c ");
}

TEST_F(FaultyStoreTest, APageWhoseNamesAllLagIsPassedOver) {
    store.set_rates({.list_lag = 1});
    ASSERT_TRUE(put("a"));
    ASSERT_TRUE(put("b"));
    store.set_rates({});
    ASSERT_TRUE(put("c"));
    const auto page = loop.run(store.list("", "", 1));
    ASSERT_EQ(page->objects.size(), 1U);
    EXPECT_EQ(page->objects[0].name, "c");
    EXPECT_FALSE(page->more);
}

/// What 200 calls came to.
std::string outcomes(std::uint64_t seed, FaultRates rates) {
    StoreLoop loop;
    auto memory = std::make_shared<MemoryStore>();
    FaultyStore store(memory, seed, rates);
    std::string text;
    for (int i = 0; i < 100; ++i) {
        const auto put = loop.run(store.put("a", body_of(std::to_string(i)), {}));
        text += put ? "." : std::string(to_string(put.error().code)).substr(0, 2);
        const auto body = loop.run(store.get("a", {}));
        text += body ? std::string(as_text(body->view())) : "-";
    }
    return text;
}

TEST(FaultySeed, OneSeedIsOneRun) {
    const FaultRates rates = {
        .before = 100, .after = 100, .throttled = 100, .flipped = 100, .cut = 100, .turns_max = 3};
    EXPECT_EQ(outcomes(1, rates), outcomes(1, rates));
    EXPECT_NE(outcomes(1, rates), outcomes(2, rates));
    EXPECT_NE(outcomes(1, rates), outcomes(1, {}));
    EXPECT_EQ(outcomes(1, {}), outcomes(2, {}));
}

TEST(FaultySeed, RatesAreKept) {
    StoreLoop loop;
    auto memory = std::make_shared<MemoryStore>();
    FaultyStore store(memory, 3, {.before = 250});
    int failed = 0;
    for (int i = 0; i < 1000; ++i) {
        failed += loop.run(store.head("a")).error().code == Errc::transient ? 1 : 0;
    }
    EXPECT_GT(failed, 200);
    EXPECT_LT(failed, 300);
}

TEST(FaultySeed, DelaysLetOtherCallsOvertake) {
    bool overtaken = false;
    for (std::uint64_t seed = 1; seed <= 10 && !overtaken; ++seed) {
        StoreLoop loop;
        auto memory = std::make_shared<MemoryStore>();
        FaultyStore store(memory, seed, {.turns_max = 4});
        std::optional<Result<void>> first;
        std::optional<Result<void>> second;
        loop.spawn(store.put("a", body_of("first"), {}), first);
        loop.spawn(store.put("a", body_of("second"), {}), second);
        loop.run_all();
        overtaken = as_text(memory->objects().at("a").view()) == "first";
    }
    EXPECT_TRUE(overtaken);
}

}  // namespace
}  // namespace tapeloft::tests
