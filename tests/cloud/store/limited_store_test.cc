#include "cloud/store/limited_store.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

/// Puts begin and then wait until they are let go.
class GatedStore final : public ObjectStore {
  public:
    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return memory_.capabilities();
    }
    [[nodiscard]] const std::string& url() const noexcept override { return memory_.url(); }
    Awaitable<Result<void>> put(std::string name, Buffer /*body*/,
                                PutOptions /*options*/) override {
        begun.push_back(name);
        auto gate = std::make_shared<Signal>();
        gates.push_back(gate);
        co_await gate->wait();
        co_return name == "bad" ? Result<void>(Error{Errc::denied, "bad"}) : Result<void>();
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        return memory_.get(std::move(name), range);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        return memory_.head(std::move(name));
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        return memory_.list(std::move(prefix), std::move(after), limit);
    }
    Awaitable<Result<void>> remove(std::string name) override {
        return memory_.remove(std::move(name));
    }

    std::vector<std::string> begun;
    std::vector<std::shared_ptr<Signal>> gates;

  private:
    MemoryStore memory_;
};

class LimitedStoreTest : public testing::Test {
  protected:
    /// Runs until all that is left waits for a gate.
    void settle() { loop.poll(); }
    void put(const std::string& name) {
        results.emplace_back(std::make_unique<std::optional<Result<void>>>());
        loop.spawn(store.put(name, body_of("x"), {}), *results.back());
        settle();
    }

    StoreLoop loop;
    std::shared_ptr<GatedStore> gated = std::make_shared<GatedStore>();
    LimitedStore store{gated, 2};
    std::vector<std::unique_ptr<std::optional<Result<void>>>> results;
};

TEST_F(LimitedStoreTest, TheRestWaitsAndGoesInOrder) {
    for (const auto* name : {"a", "b", "c", "d", "e"}) {
        put(name);
    }
    EXPECT_EQ(gated->begun, (std::vector<std::string>{"a", "b"}));
    gated->gates[1]->set();
    settle();
    EXPECT_EQ(gated->begun, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(results[1]->has_value());
    EXPECT_FALSE(results[0]->has_value());
    for (std::size_t i = 0; i < gated->gates.size(); ++i) {
        gated->gates[i]->set();
        settle();
    }
    EXPECT_EQ(gated->begun, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
    for (const auto& result : results) {
        ASSERT_TRUE(result->has_value());
        EXPECT_TRUE(**result);
    }
}

TEST_F(LimitedStoreTest, OtherCallsWaitForAPlaceToo) {
    put("a");
    put("b");
    std::optional<Result<ObjectInfo>> info;
    loop.spawn(store.head("none"), info);
    settle();
    EXPECT_FALSE(info.has_value());
    gated->gates[0]->set();
    settle();
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->error().code, Errc::not_found);
    gated->gates[1]->set();
    settle();
}

TEST_F(LimitedStoreTest, AFailedCallGivesItsPlaceBack) {
    for (int i = 0; i < 5; ++i) {
        put("bad");
        gated->gates.back()->set();
        settle();
        ASSERT_TRUE(results.back()->has_value());
        EXPECT_EQ((*results.back())->error().code, Errc::denied);
    }
    put("a");
    put("b");
    EXPECT_EQ(gated->begun.size(), 7U);
    gated->gates[5]->set();
    gated->gates[6]->set();
    settle();
}

TEST_F(LimitedStoreTest, MoreInParallelThanTheLimitIsNotOffered) {
    EXPECT_EQ(store.capabilities().parallel, 2U);
    EXPECT_EQ(LimitedStore(gated, 100).capabilities().parallel, 4U);
    EXPECT_EQ(store.url(), gated->url());
}

}  // namespace
}  // namespace tapeloft::tests
