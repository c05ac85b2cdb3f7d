#include "cloud/store/store_probe.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/signal.h"
#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

std::string failed(const StoreProbe& probe) {
    std::string names;
    for (const auto& check : probe.checks) {
        names += check.wrong.empty() ? "" : check.what + ": " + check.wrong + "\n";
    }
    return names;
}

class StoreProbeTest : public testing::Test {
  protected:
    StoreProbe probe(ObjectStore& store) {
        return loop.run(probe_store(store, {.object_size = 65536, .objects = 17}));
    }
    StoreLoop loop;
};

TEST_F(StoreProbeTest, AGoodStoreCanBeUsedAndIsLeftAsItWas) {
    MemoryStore store({.put_if_absent = true});
    ASSERT_TRUE(loop.run(store.put("other", body_of("x"), {})));
    const auto result = probe(store);
    EXPECT_TRUE(result.usable) << failed(result);
    EXPECT_TRUE(result.put_if_absent);
    EXPECT_EQ(result.rates.size(), 3U);
    EXPECT_GT(result.rates[2].write_mib_s, 0);
    EXPECT_GT(result.rates[2].read_mib_s, 0);
    EXPECT_EQ(store.objects().size(), 1U);
    const auto text = to_text(result);
    EXPECT_NE(text.find("This store can be used."), std::string::npos) << text;
    EXPECT_EQ(text.find("FAILED"), std::string::npos) << text;
    EXPECT_NE(text.find("16 at once"), std::string::npos) << text;
}

TEST_F(StoreProbeTest, TheSizeIsTheBestOneThatTheStoreHasLearntOf) {
    class Learning final : public ForwardingStore {
      public:
        using ForwardingStore::ForwardingStore;
        [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
            return now;
        }
        Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
            now.best_object_size = 40'000;
            largest = std::max(largest, body.size());
            return store().put(std::move(name), std::move(body), options);
        }
        StoreCapabilities now{.best_object_size = 50'000};
        std::size_t largest = 0;
    };
    Learning store(std::make_shared<MemoryStore>());
    EXPECT_TRUE(loop.run(probe_store(store, {.objects = 2})).usable);
    EXPECT_EQ(store.largest, 40'000U);
}

TEST_F(StoreProbeTest, AStoreWithoutConditionsIsUsableWithAWarning) {
    MemoryStore store({.put_if_absent = false});
    const auto result = probe(store);
    EXPECT_TRUE(result.usable);
    EXPECT_NE(to_text(result).find("only before its next commit"), std::string::npos);
}

/// A memory store with one lie.
class LyingStore final : public ObjectStore {
  public:
    enum class Lie {
        wrong_bytes,
        short_range,
        taken_twice,
        unlisted,
        undead,
        listed_for_ever,
    };
    explicit LyingStore(Lie lie) : lie_(lie) {}

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return capabilities_;
    }
    [[nodiscard]] const std::string& url() const noexcept override { return inner_.url(); }
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        if (lie_ == Lie::taken_twice) {
            options = {};
        }
        return inner_.put(std::move(name), std::move(body), options);
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        auto body = co_await inner_.get(name, range);
        if (lie_ == Lie::wrong_bytes && body) {
            auto other = Buffer::copy_of(body->view());
            other.mutable_view()[0] ^= 1U;
            co_return other;
        }
        if (lie_ == Lie::short_range && !body && body.error().code == Errc::invalid_argument) {
            const ByteRange rest{range.offset, std::nullopt};
            co_return co_await inner_.get(std::move(name), rest);
        }
        co_return body;
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        return inner_.head(std::move(name));
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        ++lists_;
        if (lie_ == Lie::unlisted) {
            co_return ObjectPage();
        }
        if (lie_ == Lie::listed_for_ever) {
            co_return ObjectPage{{{prefix + "a", 1}}, true};
        }
        co_return co_await inner_.list(std::move(prefix), std::move(after), limit);
    }
    Awaitable<Result<void>> remove(std::string name) override {
        if (lie_ == Lie::undead && !removed_) {
            removed_ = true;
            co_return Result<void>();
        }
        co_return co_await inner_.remove(std::move(name));
    }

    [[nodiscard]] std::size_t lists() const { return lists_; }

  private:
    const Lie lie_;
    bool removed_ = false;
    std::size_t lists_ = 0;
    const StoreCapabilities capabilities_{.put_if_absent = true};
    MemoryStore inner_{StoreCapabilities{.put_if_absent = true}};
};

TEST_F(StoreProbeTest, EveryLieOfAStoreIsFound) {
    const std::vector<std::pair<LyingStore::Lie, std::string>> lies = {
        {LyingStore::Lie::wrong_bytes, "read back as it was written"},
        {LyingStore::Lie::short_range, "past the end is refused"},
        {LyingStore::Lie::taken_twice, "the second one was taken too"},
        {LyingStore::Lie::unlisted, "missing from the list"},
        {LyingStore::Lie::undead, "it can still be read"}};
    for (const auto& [lie, words] : lies) {
        LyingStore store(lie);
        const auto result = probe(store);
        EXPECT_FALSE(result.usable) << words;
        EXPECT_NE(failed(result).find(words), std::string::npos) << failed(result);
        EXPECT_NE(to_text(result).find("Do not use this store"), std::string::npos);
        EXPECT_TRUE(result.rates.empty());
    }
}

TEST_F(StoreProbeTest, AStoreThatListsWhatIsGoneDoesNotKeepItBusyForEver) {
    LyingStore store(LyingStore::Lie::listed_for_ever);
    const auto result = probe(store);
    EXPECT_TRUE(result.usable) << failed(result);
    EXPECT_LT(store.lists(), 10U);
}

class ClockStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    [[nodiscard]] std::optional<std::chrono::seconds> clock_ahead() const override { return ahead; }
    std::chrono::seconds ahead{0};
};

TEST_F(StoreProbeTest, AClockThatIsOffIsSaid) {
    const std::vector<std::pair<int, std::string>> cases = {{-1234, "clock is behind by 1234 s"},
                                                            {1234, "clock is ahead by 1234 s"}};
    for (const auto& [ahead_s, words] : cases) {
        ClockStore store(std::make_shared<MemoryStore>());
        store.ahead = std::chrono::seconds(ahead_s);
        const auto result = probe(store);
        EXPECT_TRUE(result.usable);
        const auto text = to_text(result);
        EXPECT_NE(text.find(words + "\n"), std::string::npos) << text;
        EXPECT_NE(text.find("1234 s apart. Requests are signed with the difference taken into"),
                  std::string::npos)
            << text;
        EXPECT_EQ(text.find("refused."), std::string::npos) << text;
    }
}

TEST_F(StoreProbeTest, ClocksThatAreCloseToEachOtherNeedNoAdvice) {
    ClockStore store(std::make_shared<MemoryStore>());
    auto text = to_text(probe(store));
    EXPECT_NE(text.find("clock agrees with this machine's"), std::string::npos) << text;
    store.ahead = std::chrono::seconds(-2);
    text = to_text(probe(store));
    EXPECT_NE(text.find("clock is behind by 2 s"), std::string::npos) << text;
    EXPECT_EQ(text.find("apart"), std::string::npos) << text;
}

TEST_F(StoreProbeTest, AStoreThatIsAwayIsReportedAndNotWaitedFor) {
    auto memory = std::make_shared<MemoryStore>();
    FaultyStore store(memory, 1, FaultRates{.before = 1000});
    const auto result = probe(store);
    EXPECT_FALSE(result.usable);
    EXPECT_EQ(store.calls(StoreCall::get), 1U);
    const auto text = to_text(result);
    EXPECT_NE(text.find("FAILED  an object can be asked for: "), std::string::npos) << text;
    EXPECT_NE(text.find("the rest was not tried"), std::string::npos) << text;
    EXPECT_EQ(result.checks.size(), 1U) << text;
    for (const auto* untrue : {"ok  ", "conditional write", "small objects", "read back"}) {
        EXPECT_EQ(text.find(untrue), std::string::npos) << text;
    }
}

TEST_F(StoreProbeTest, WhatNeedsAWriteThatFailedIsNotTriedAndNotClaimed) {
    auto memory = std::make_shared<MemoryStore>(StoreCapabilities{.put_if_absent = true});
    FaultyStore store(memory, 1);
    store.script(StoreCall::put, 1, Fault::before, Errc::denied);
    const auto result = probe(store);
    EXPECT_FALSE(result.usable);
    const auto text = to_text(result);
    EXPECT_NE(text.find("FAILED  an object can be written"), std::string::npos) << text;
    EXPECT_EQ(store.calls(StoreCall::put), 1U);
    EXPECT_EQ(std::ranges::count_if(result.checks, [](const auto& c) { return !c.wrong.empty(); }),
              1);
    for (const auto* untrue : {"range", "removed", "small objects", "conditional write"}) {
        EXPECT_EQ(text.find(untrue), std::string::npos) << text;
    }
}

TEST_F(StoreProbeTest, AWriteThatArrivedAlthoughItFailedIsCleanedUp) {
    auto memory = std::make_shared<MemoryStore>();
    FaultyStore store(memory, 1);
    store.script(StoreCall::put, 1, Fault::after);
    EXPECT_FALSE(probe(store).usable);
    EXPECT_TRUE(memory->objects().empty());
}

TEST_F(StoreProbeTest, ASmallObjectThatFailsLaterLeavesNothingUnmeasuredInTheReport) {
    auto memory = std::make_shared<MemoryStore>();
    FaultyStore store(memory, 1);
    store.script(StoreCall::put, 5, Fault::before);
    const auto result = probe(store);
    EXPECT_FALSE(result.usable);
    const auto text = to_text(result);
    EXPECT_NE(text.find("FAILED  writing small objects"), std::string::npos) << text;
    EXPECT_EQ(text.find("ms, read in"), std::string::npos) << text;
    EXPECT_EQ(text.find("at once"), std::string::npos) << text;
}

/// Gives no answer before it is shut down.
class SilentStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    Awaitable<Result<Buffer>> get(std::string /*name*/, ByteRange /*range*/) override {
        ++calls;
        co_await ended.wait();
        co_return Error{Errc::cancelled, "cancelled before another attempt, after: no route"};
    }
    void shut_down() override { ended.set(); }
    Signal ended;
    int calls = 0;
};

TEST_F(StoreProbeTest, AStoreThatGivesNoAnswerIsGivenUpWithOneCause) {
    SilentStore store(std::make_shared<MemoryStore>());
    const auto result =
        loop.run(probe_store(store, {.answer_time_max = std::chrono::milliseconds(10)}));
    EXPECT_FALSE(result.usable);
    EXPECT_EQ(store.calls, 1);
    const auto text = to_text(result);
    EXPECT_NE(text.find("FAILED  an object can be asked for: no answer within 0.01 s: no route"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("Nothing answered in time: look after"), std::string::npos) << text;
}

/// Notes how many lines had been said before the first put.
class WatchedStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        before_put = before_put == 0 ? lines.size() : before_put;
        return store().put(std::move(name), std::move(body), options);
    }
    std::vector<std::string> lines;
    std::size_t before_put = 0;
};

TEST_F(StoreProbeTest, EachLineIsSaidAsSoonAsItIsKnown) {
    WatchedStore store(std::make_shared<MemoryStore>());
    StoreProbeOptions options{.object_size = 1, .objects = 1};
    options.on_line = [&](const std::string& line) { store.lines.push_back(line); };
    const auto result = loop.run(probe_store(store, options));
    EXPECT_EQ(store.before_put, 3U);
    EXPECT_EQ(store.lines, result.report);
    EXPECT_EQ(store.lines.front(), store.url());
    EXPECT_EQ(store.lines.back(), result.verdict.back());
}

/// Refuses every get in the same words.
class RefusingStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    Awaitable<Result<Buffer>> get(std::string /*name*/, ByteRange /*range*/) override {
        co_return Error{Errc::denied, words};
    }
    std::string words;
};

TEST_F(StoreProbeTest, TheVerdictSaysWhatToDo) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"404 NoSuchBucket, there is no such bucket", "Make the bucket"},
        {"403 SignatureDoesNotMatch, is the secret key right?", "The secret key is not the one"},
        {"403 InvalidAccessKeyId", "Mend the access key"},
        {"403 RequestTimeTooSkewed", "Set the clock"},
        {"SSL certificate problem: self-signed certificate", "by the option ca"},
        {"error setting certificate file: /x.pem", "The file that the option ca names"},
        {"Could not resolve host: no.such.invalid", "Mend the host of the endpoint"},
        {"Failed to connect to 127.0.0.1 port 9", "Nothing listens there"}};
    RefusingStore store(std::make_shared<MemoryStore>());
    for (const auto& [cause, advice] : cases) {
        store.words = cause;
        const auto result = probe(store);
        ASSERT_EQ(result.verdict.size(), 2U) << cause;
        EXPECT_NE(result.verdict[1].find(advice), std::string::npos) << result.verdict[1];
    }
}

}  // namespace
}  // namespace tapeloft::tests
