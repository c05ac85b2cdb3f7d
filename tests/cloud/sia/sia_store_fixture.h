// A store on a stand-in for renterd, with a clock that goes on only while somebody pauses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "cloud/sia/sia_store.h"

#include "tests/cloud/sia/fake_renterd.h"
#include "tests/cloud/store/fake_retry_clock.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {

class SiaStoreTest : public testing::Test {
  protected:
    static constexpr std::size_t kSlab = 4UL << 20U;  ///< bytes, as the stand-in begins

    SiaStoreTest() { open(server.environment()); }
    ~SiaStoreTest() override { EXPECT_EQ(server.violations(), std::vector<std::string>()); }

    void open(Environment environment, const std::string& more = "") {
        const auto url = parse_store_url(server.url("root", more));
        const auto executor = work.get_executor();
        store = SiaStore::open(sia::settings_of(*url).value(), {executor, executor},
                               std::move(environment), SiaStore::http_limits(), clock)
                    .value();
    }
    std::string put(const std::string& name, Buffer body, PutOptions options = {}) {
        return outcome(loop.run(store->put(name, std::move(body), options)));
    }
    std::string put(const std::string& name, std::string_view text, PutOptions options = {}) {
        return put(name, body_of(text), options);
    }
    std::string get(const std::string& name, ByteRange range = {}) {
        const auto body = loop.run(store->get(name, range));
        return body ? std::string(as_text(body->view())) : outcome(body);
    }
    /// Empty, or the class of the error and its words.
    template <typename T>
    static std::string outcome(const Result<T>& result) {
        return result ? ""
                      : std::string(to_string(result.error().code)) + ": " + result.error().message;
    }
    /// The kinds of trouble that the store tells.
    std::string troubles() {
        const auto condition = loop.run(store->condition());
        if (!condition) {
            return outcome(condition);
        }
        std::string kinds;
        for (const auto& [kind, sentence] : condition->troubles) {
            kinds += (kinds.empty() ? "" : " ") + kind;
        }
        return kinds;
    }
    /// Every request of the method is answered so.
    void refuse(const std::string& method, const std::string& status, const std::string& sentence) {
        server.set_intercept([=](const SeenRequest& request) -> std::optional<std::string> {
            const bool fits =
                request.method == method && request.target.find("/object") != std::string::npos;
            return fits ? std::optional(http_answer(status, sentence + "\n")) : std::nullopt;
        });
    }
    std::size_t count(const std::string& method, const std::string& part) {
        const auto requests = server.requests();
        return static_cast<std::size_t>(std::ranges::count_if(requests, [&](const auto& request) {
            return request.method == method && request.target.find(part) != std::string::npos;
        }));
    }

    FakeRenterd server;
    FakeRetryClock clock;
    boost::asio::thread_pool work{2};
    StoreLoop loop;
    std::unique_ptr<SiaStore> store;
};

}  // namespace tapeloft::tests
