// What a stand-in for renterd says of itself, and what a person is told of it.
#include "cloud/store/store_probe.h"

#include "tests/cloud/sia/sia_store_fixture.h"

namespace tapeloft::tests {
namespace {

using Options = FakeRenterdOptions;

TEST_F(SiaStoreTest, ARenterdThatIsReadyHasNoTrouble) {
    EXPECT_EQ(troubles(), "");
    const auto condition = loop.run(store->condition());
    EXPECT_FALSE(condition->health) << "nothing is stored";
    EXPECT_EQ(condition->waiting_bytes, 0U);
}

TEST_F(SiaStoreTest, EveryThingThatIsNotReadyIsATrouble) {
    struct Case {
        std::function<void(Options&)> edit;
        std::string kind;
    };
    const std::vector<Case> cases = {
        {[](Options& options) { options.synced = false; }, "sync"},
        {[](Options& options) { options.spendable = "0"; }, "money"},
        {[](Options& options) { options.autopilot = false; }, "autopilot"},
        {[](Options& options) { options.contract_hosts = 2; }, "contracts"},
        {[](Options& options) { options.packing = false; }, "packing"},
        {[](Options& options) {
             options.synced = false;
             options.contract_hosts = 0;
         },
         "contracts sync"}};
    for (const auto& each : cases) {
        server.change([&](Options& options) {
            options = {};
            each.edit(options);
        });
        EXPECT_EQ(troubles(), each.kind);
    }
}

TEST_F(SiaStoreTest, TheWorstObjectTellsTheHealth) {
    ASSERT_EQ(put("log/1", "x"), "");
    server.put_object("elsewhere", "x");
    EXPECT_EQ(loop.run(store->condition())->health, 1.0);
    server.change([](Options& options) { options.health = 0.5; });
    EXPECT_EQ(troubles(), "") << "renterd repairs it";
    server.change([](Options& options) { options.health = 0.25; });
    auto condition = loop.run(store->condition());
    EXPECT_EQ(condition->health, 0.25);
    EXPECT_EQ(condition->troubles["health"].find("log/1 has a health of 0.25 (1: every shard"), 0U)
        << condition->troubles["health"];
    server.change([](Options& options) { options.health = -1; });
    condition = loop.run(store->condition());
    EXPECT_NE(condition->troubles["health"].find("too few of its shards are left"),
              std::string::npos);
}

TEST_F(SiaStoreTest, AConditionThatCannotBeAskedIsAnErrorInPlainWords) {
    server.change([](Options& options) { options.password = "another"; });
    open([](const std::string&) { return std::optional<std::string>("wrong"); });
    EXPECT_NE(troubles().find("denied: upload settings of renterd: renterd answers 401: it does "
                              "not take the API password"),
              std::string::npos)
        << troubles();
    open(server.environment());
    for (const auto* path :
         {"/bus/settings/upload", "/bus/consensus/state", "/bus/wallet", "/autopilot/state",
          "/bus/contracts", "/bus/slabbuffers", "/bus/objects/"}) {
        server.set_intercept([=](const SeenRequest& request) -> std::optional<std::string> {
            return request.target.find(path) == std::string::npos
                       ? std::nullopt
                       : std::optional(http_answer("200 OK", "\"strange\""));
        });
        EXPECT_TRUE(troubles().starts_with("transient")) << path << ": " << troubles();
    }
}

TEST_F(SiaStoreTest, AProbeSaysWhatIsNotReady) {
    const StoreProbeOptions few{.object_size = kSlab, .objects = 2};
    auto probe = loop.run(probe_store(*store, few));
    EXPECT_TRUE(probe.usable) << to_text(probe);
    EXPECT_NE(to_text(probe).find("bytes wait on one disk to be stored"), std::string::npos)
        << to_text(probe);
    server.change([](Options& options) { options.synced = false; });
    probe = loop.run(probe_store(*store, few));
    EXPECT_FALSE(probe.usable);
    const auto text = to_text(probe);
    EXPECT_NE(text.find("FAILED  an object can be written"), std::string::npos) << text;
    EXPECT_NE(text.find("renterd is not in step with the Sia chain yet"), std::string::npos);
    EXPECT_EQ(server.objects().size(), 0U) << "nothing is left behind";
}

}  // namespace
}  // namespace tapeloft::tests
