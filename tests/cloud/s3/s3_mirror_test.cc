// A mirror of stores over a network, one of which does not answer any more.
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "cloud/store/store_registry.h"

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/s3/fake_s3.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

TEST(S3Mirror, ARangeComesFromAnotherStoreBeforeAHostGivesUp) {
    std::array<FakeS3, 2> servers;
    std::array<std::unique_ptr<FaultyProxy>, 2> proxies;
    std::vector<std::string> urls;
    const auto keys = servers.front().environment();
    for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
        ::setenv(name, keys(name)->c_str(), 1);
    }
    for (std::size_t i = 0; i < servers.size(); ++i) {
        auto url = servers[i].url("tests");
        const auto port = url.find("127.0.0.1:") + 10;
        const auto end = std::min(url.find_first_not_of("0123456789", port), url.size());
        proxies[i] = std::make_unique<FaultyProxy>(
            static_cast<unsigned short>(std::stoi(url.substr(port, end - port))));
        urls.push_back(url.replace(port, end - port, std::to_string(proxies[i]->port())));
    }
    StoreLoop loop;
    EventLog events;
    MirrorParts choice;
    choice.required = 1;
    choice.led_to = {"packs/"};
    choice.events = &events;
    const StoreContext context{loop.executor(), loop.executor(), &events};
    const auto opened = open_stores(urls, context, std::move(choice));
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE(loop.run(opened->store->put("packs/1", body_of("0123456789"), {})));

    proxies.front()->always(WireFault::silence);
    const auto begin = std::chrono::steady_clock::now();
    const auto range = loop.run(opened->store->get("packs/1", {.offset = 2, .length = 3}));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
    ASSERT_TRUE(range) << range.error().message;
    EXPECT_EQ(as_text(range->view()), "234");
    EXPECT_EQ(proxies.front()->met()[WireFault::silence], 1) << "it was the one that was asked";
    opened->store->shut_down();
}

}  // namespace
}  // namespace tapeloft::tests
