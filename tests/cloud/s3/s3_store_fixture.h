// An S3 store on a stand-in of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "cloud/s3/s3_store.h"

#include "tests/cloud/s3/fake_s3.h"
#include "tests/cloud/store/fake_retry_clock.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {

class S3StoreTest : public testing::Test {
  protected:
    /// Empty: open, and asked what it does, and all done that it does by itself then. Else the
    /// class of the error and its message.
    std::string open(const std::string& more = "") {
        if (auto error = open_only(more); !error.empty()) {
            return error;
        }
        const auto prepared = loop.run(store->prepare());
        return prepared ? ""
                        : std::string(to_string(prepared.error().code)) + ": " +
                              prepared.error().message;
    }
    std::string open_only(const std::string& more = "") {
        auto url = parse_store_url(server.url("root", more));
        auto settings = s3::settings_of(*url);
        if (!settings) {
            return settings.error().message;
        }
        settings->multipart_threshold = 6UL << 20U;
        settings->part_size = 5UL << 20U;
        auto opened = S3Store::open(std::move(settings).value(),
                                    {loop.executor(), work.get_executor(), &events}, environment,
                                    limits, part_clock);
        if (!opened) {
            return opened.error().message;
        }
        store = std::move(opened).value();
        return "";
    }
    std::string put(const std::string& name, std::string_view text, PutOptions options = {}) {
        return outcome(loop.run(store->put(name, body_of(text), options)));
    }
    std::string get(const std::string& name, ByteRange range = {}) {
        const auto body = loop.run(store->get(name, range));
        return body ? std::string(as_text(body->view())) : outcome(body);
    }
    template <typename T>
    std::string outcome(const Result<T>& result) {
        last_error = result ? "" : result.error().message;
        return result ? "" : "error: " + std::string(to_string(result.error().code));
    }
    /// Every request that `fits` is answered so.
    void refuse(const std::string& method, const std::string& status, const std::string& code) {
        server.set_intercept([=](const SeenRequest& request) -> std::optional<std::string> {
            if (request.method != method) {
                return std::nullopt;
            }
            return http_answer(status, code.empty() ? ""
                                                    : "<Error><Code>" + code +
                                                          "</Code><Message>said so</Message>"
                                                          "<RequestId>id-7</RequestId></Error>");
        });
    }
    std::string header_of(const std::string& key, const std::string& name) {
        const auto objects = server.objects();
        const auto found = objects.find(key);
        if (found == objects.end()) {
            return "no object";
        }
        const auto header = found->second.headers.find(name);
        return header == found->second.headers.end() ? "" : header->second;
    }

    EventLog events;
    FakeRetryClock part_clock;
    FakeS3 server;
    boost::asio::thread_pool work{2};
    StoreLoop loop;
    HttpLimits limits;
    s3::Environment environment = server.environment();
    std::unique_ptr<S3Store> store;
    std::string last_error;
};

}  // namespace tapeloft::tests
