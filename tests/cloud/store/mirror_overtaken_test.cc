// Changes of a mirror that overtake one another.
#include <functional>

#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

Awaitable<Result<void>> failing() {
    co_return Error{Errc::transient, "it fails"};
}

/// Does what the test says in place of a put.
class HookedStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    using Hook =
        std::function<Awaitable<Result<void>>(ObjectStore&, std::string, Buffer, PutOptions)>;

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        return hook ? hook(store(), std::move(name), std::move(body), options)
                    : store().put(std::move(name), std::move(body), options);
    }

    Hook hook;
};

class MirrorOvertaken : public MirrorStoreTest {};

TEST_F(MirrorOvertaken, AStoreThatAnotherPutLeftOutIsNotNamedInStepAgain) {
    members.resize(3);
    const auto second = std::make_shared<HookedStore>(members[1].store);
    const auto third = std::make_shared<HookedStore>(members[2].store);
    overlays = {nullptr, second, third};
    start(2);
    ASSERT_TRUE(put("packs/0", "zero"));
    second->hook = [](ObjectStore& store, std::string name, Buffer body, PutOptions options) {
        return name == "packs/slow" ? failing()
                                    : store.put(std::move(name), std::move(body), options);
    };
    third->hook = [&](ObjectStore& store, std::string name, Buffer body,
                      PutOptions options) -> Awaitable<Result<void>> {
        const bool slow = name == "packs/slow";
        auto stored = co_await store.put(std::move(name), std::move(body), options);
        if (slow) {
            members[2].store->set_down(true);
            const bool other(co_await mirror->put("packs/fast", body_of("fast"), {}));
            EXPECT_TRUE(other) << "the two others have it";
            members[2].store->set_down(false);
        }
        co_return stored;
    };
    EXPECT_FALSE(put("packs/slow", "slow")) << "one of the two that have it lacks the other object";
    EXPECT_EQ(in(2, "packs/fast"), "none");
    members[0].store->set_down(true);
    start(2, false);
    EXPECT_EQ(get("packs/fast"), "fast") << "also to a machine that never saw the mirror";
}

}  // namespace
}  // namespace tapeloft::tests
