#include "cloud/http/http_engine.h"

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/event_log.h"
#include "cloud/base/signal.h"

#include "tests/cloud/http/scripted_server.h"
#include "tests/cloud/store/store_world.h"
#include "tests/log_lines.h"

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;

class HttpEngineTest : public testing::Test {
  protected:
    void serve(ScriptedServer::Script script) {
        server = std::make_unique<ScriptedServer>(std::move(script));
    }
    /// Answers every request of every connection in the same way.
    void answer(std::string with) {
        serve([this, with = std::move(with)](ServedConnection& connection) {
            while (auto request = connection.read_request()) {
                note(std::move(*request));
                connection.write(with);
            }
        });
    }
    void note(SeenRequest request) {
        const std::lock_guard lock(mutex);
        seen.push_back(std::move(request));
    }
    void start(HttpLimits limits) { engine = HttpEngine::start(std::move(limits)).value(); }
    HttpRequest request(std::string method, std::string target = "/", std::string_view body = "") {
        HttpRequest made;
        made.method = std::move(method);
        made.url = server->url(target);
        made.body = body_of(body);
        return made;
    }
    Result<HttpResponse> send(HttpRequest made) { return loop.run(engine->send(std::move(made))); }
    /// "200 body", or the class of the error.
    std::string outcome(HttpRequest made) {
        const auto response = send(std::move(made));
        if (!response) {
            last_error = response.error().message;
            return "error: " + std::string(to_string(response.error().code));
        }
        return std::to_string(response->status) + " " + std::string(as_text(response->body.view()));
    }

    StoreLoop loop;
    std::mutex mutex;
    std::vector<SeenRequest> seen;
    std::string last_error;
    std::unique_ptr<ScriptedServer> server;
    std::unique_ptr<HttpEngine> engine = HttpEngine::start({}).value();
};

TEST_F(HttpEngineTest, ARequestArrivesAsItWasWritten) {
    answer(http_answer("200 OK", "hello", "X-Some-Thing:  of value \r\n"));
    auto made = request("PUT", "/a/../b//./c%2F?x=%20&y=", "the body");
    made.headers = {{"x-one", "1"}, {"content-type", "text/x"}};
    const auto response = send(std::move(made));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(as_text(response->body.view()), "hello");
    EXPECT_EQ(response->header("x-some-thing"), "of value");
    EXPECT_FALSE(response->header("x-none"));
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].method, "PUT");
    EXPECT_EQ(seen[0].target, "/a/../b//./c%2F?x=%20&y=");
    EXPECT_EQ(seen[0].body, "the body");
    EXPECT_EQ(seen[0].header("x-one"), "1");
    EXPECT_EQ(seen[0].header("content-type"), "text/x");
    EXPECT_EQ(seen[0].header("content-length"), "8");
    EXPECT_EQ(seen[0].header("expect"), "");
    EXPECT_EQ(seen[0].header("transfer-encoding"), "");
}

TEST_F(HttpEngineTest, EveryMethodIsSentWithTheLengthOfItsBody) {
    answer(http_answer("204 No Content", ""));
    for (const auto* method : {"GET", "PUT", "POST", "DELETE", "HEAD"}) {
        EXPECT_EQ(outcome(request(method)), "204 ") << method;
    }
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(seen[0].header("content-length"), "");
    EXPECT_EQ(seen[1].header("content-length"), "0");
    EXPECT_EQ(seen[2].header("content-length"), "0");
    EXPECT_EQ(seen[3].method, "DELETE");
    EXPECT_EQ(seen[4].method, "HEAD");
    EXPECT_EQ(server->connections(), 1);
}

TEST_F(HttpEngineTest, TheLengthInAnAnswerToHeadIsNotWaitedFor) {
    answer("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
    const auto response = send(request("HEAD"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->header("content-length"), "12345");
    EXPECT_TRUE(response->body.empty());
}

TEST_F(HttpEngineTest, StatusesAreNoErrorsAndRedirectsAreNotFollowed) {
    answer(http_answer("307 Temporary Redirect", "there", "Location: /there\r\n"));
    EXPECT_EQ(outcome(request("GET")), "307 there");
    EXPECT_EQ(seen.size(), 1U);
    answer(http_answer("503 Slow Down", "wait"));
    EXPECT_EQ(outcome(request("PUT", "/", "x")), "503 wait");
}

TEST_F(HttpEngineTest, ALargeBodyArrivesAndComesBack) {
    serve([](ServedConnection& connection) {
        while (const auto request = connection.read_request()) {
            connection.write(http_answer("200 OK", request->body));
        }
    });
    std::mt19937_64 random(1);
    auto made = request("PUT");
    made.body = random_body(random, 5UL << 20U);
    made.response_max = made.body.size();
    const auto body = made.body;
    const auto response = send(std::move(made));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_TRUE(std::ranges::equal(response->body.view(), body.view()));
}

TEST_F(HttpEngineTest, AServerThatNeverSaysContinueGetsTheBody) {
    serve([this](ServedConnection& connection) {
        auto request = connection.read_head();
        ASSERT_TRUE(request);
        EXPECT_EQ(request->header("expect"), "100-continue");
        ASSERT_TRUE(connection.read_body(*request));
        connection.write(http_answer("200 OK", std::to_string(request->body.size())));
    });
    auto made = request("PUT");
    made.body = Buffer::zeroed(2UL << 20U);
    EXPECT_EQ(outcome(std::move(made)), "200 2097152");
}

TEST_F(HttpEngineTest, AServerThatRefusesToBeAskedFirstGetsTheBody) {
    serve([this](ServedConnection& connection) {
        while (auto request = connection.read_head()) {
            note(*request);
            if (!request->header("expect").empty()) {
                connection.write(http_answer("417 Expectation Failed", ""));
                continue;
            }
            ASSERT_TRUE(connection.read_body(*request));
            connection.write(http_answer("200 OK", std::to_string(request->body.size())));
        }
    });
    auto made = request("PUT");
    made.body = Buffer::zeroed(2UL << 20U);
    EXPECT_EQ(outcome(std::move(made)), "200 2097152");
}

TEST_F(HttpEngineTest, ARefusalBeforeTheBodySavesTheBody) {
    serve([this](ServedConnection& connection) {
        ASSERT_TRUE(connection.read_head());
        connection.write(http_answer("503 Slow Down", "later"));
        connection.wait_for_the_end();
    });
    auto made = request("PUT");
    made.body = Buffer::zeroed(64UL << 20U);
    EXPECT_EQ(outcome(std::move(made)), "503 later");
}

TEST_F(HttpEngineTest, AConnectionIsKeptAndAClosedOneIsOpenedAnew) {
    serve([this](ServedConnection& connection) {
        for (int i = 0; i < 2; ++i) {
            auto request = connection.read_request();
            if (!request) {
                return;
            }
            note(std::move(*request));
            connection.write(http_answer("200 OK", "x"));
        }
    });
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(outcome(request("PUT", "/", "whole body")), "200 x") << last_error;
    }
    EXPECT_EQ(server->connections(), 3);
    for (const auto& one : seen) {
        EXPECT_EQ(one.body, "whole body");
    }
}

TEST_F(HttpEngineTest, ABodyThatIsCutShortIsAnError) {
    serve([](ServedConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    });
    EXPECT_EQ(outcome(request("GET")), "error: transient");
    EXPECT_NE(last_error.find("GET http://127.0.0.1:"), std::string::npos) << last_error;
}

TEST_F(HttpEngineTest, WhatFailsBeforeThereIsAConnectionFailsAgainAndHarmsNoOtherRequest) {
    answer(http_answer("200 OK", "x"));
    for (const auto* url : {"http://no.such.invalid/", "http://127.0.0.1:99999/"}) {
        for (int i = 0; i < 3; ++i) {
            HttpRequest made;
            made.method = "GET";
            made.url = url;
            EXPECT_TRUE(outcome(std::move(made)).starts_with("error: ")) << url;
            EXPECT_NE(last_error.find(std::string("GET ") + url), std::string::npos) << last_error;
            EXPECT_EQ(last_error.find("option"), std::string::npos) << last_error;
        }
        EXPECT_EQ(outcome(request("GET")), "200 x") << last_error;
    }
}

TEST_F(HttpEngineTest, EachRequestIsALineOfTheDebugLogWithoutItsSecrets) {
    answer(http_answer("200 OK", "hello", "x-amz-request-id: REQ7\r\nx-amz-id-2: TWO+/=\r\n"));
    EventLog events;
    engine = HttpEngine::start({}, &events).value();
    auto made = request("PUT", "/bucket/key?X-Amz-Signature=geheim", "body");
    made.headers = {{"authorization", "geheim"}};
    auto unreachable = made;
    unreachable.url = "http://127.0.0.1:99999/a?b=geheim";
    const LogLines log(spdlog::level::debug);
    EXPECT_EQ(outcome(std::move(made)), "200 hello");
    EXPECT_NE(log.text().find("debug http: PUT " + server->url("/bucket/key") +
                              ": 200 sent=4 received=5 ms="),
              std::string::npos)
        << log.text();
    EXPECT_NE(log.text().find("request_id=REQ7 id_2=TWO+/=\n"), std::string::npos) << log.text();
    EXPECT_TRUE(outcome(std::move(unreachable)).starts_with("error: "));
    EXPECT_NE(log.text().find("debug http: PUT http://127.0.0.1:99999/a: "), std::string::npos)
        << log.text();
    EXPECT_NE(log.text().find("request_id=- id_2=-\n"), std::string::npos) << log.text();
    EXPECT_EQ(std::ranges::count(log.text(), '\n'), 2);
    EXPECT_EQ(log.text().find("geheim"), std::string::npos) << log.text();
    EXPECT_TRUE(events.events_after(0).empty());
}

TEST_F(HttpEngineTest, WhereDebugIsOffARequestIsNoLine) {
    answer(http_answer("200 OK", "hello"));
    EventLog events;
    engine = HttpEngine::start({}, &events).value();
    const LogLines log(spdlog::level::info);
    EXPECT_EQ(outcome(request("GET")), "200 hello");
    EXPECT_EQ(log.text(), "");
}

TEST_F(HttpEngineTest, AResetBeforeInAndAfterTheHeadersIsTransient) {
    for (const auto* begin : {"", "HTTP/1.1 200 OK\r\nCont", "HTTP/1.1 200 OK\r\n\r\nabc"}) {
        serve([begin](ServedConnection& connection) {
            connection.read_request();
            connection.write(begin);
            connection.reset();
        });
        EXPECT_EQ(outcome(request("PUT", "/", "x")), "error: transient") << begin;
    }
}

TEST_F(HttpEngineTest, GarbageIsNoAnswer) {
    for (const std::string garbage :
         {"\x16\x03\x01 what is this\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 banana\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"}) {
        serve([garbage](ServedConnection& connection) {
            connection.read_request();
            connection.write(garbage);
        });
        EXPECT_EQ(outcome(request("GET")), "error: transient") << garbage;
    }
}

TEST_F(HttpEngineTest, EndlessHeadersAreCutOff) {
    for (const std::string endless : {"X-More: and more\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        serve([endless](ServedConnection& connection) {
            connection.read_request();
            connection.write(endless.starts_with("HTTP") ? "" : "HTTP/1.1 200 OK\r\n");
            while (connection.write(endless)) {
            }
        });
        EXPECT_EQ(outcome(request("GET")), "error: transient");
        EXPECT_NE(last_error.find("bytes of headers"), std::string::npos) << last_error;
    }
    serve([](ServedConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nX-Long: ");
        while (connection.write(std::string(1000, 'x'))) {
        }
    });
    EXPECT_EQ(outcome(request("GET")), "error: transient");
}

TEST_F(HttpEngineTest, ABodyLongerThanExpectedIsCutOff) {
    const auto too_long = "longer than the 10 bytes";
    for (const std::string head : {"HTTP/1.1 200 OK\r\n\r\n",
                                   "HTTP/1.1 200 OK\r\nContent-Length: "
                                   "1000000000000\r\n\r\n"}) {
        serve([head](ServedConnection& connection) {
            connection.read_request();
            connection.write(head);
            while (connection.write("0123456789")) {
            }
        });
        auto made = request("GET");
        made.response_max = 10;
        EXPECT_EQ(outcome(std::move(made)), "error: transient");
        EXPECT_NE(last_error.find(too_long), std::string::npos) << last_error;
    }
}

TEST_F(HttpEngineTest, AnAnswerOfUnknownLengthIsReadToItsEnd) {
    serve([](ServedConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 200; ++i) {
            connection.write("400\r\n" + std::string(1024, 'x') + "\r\n");
        }
        connection.write("0\r\nX-Trailer: 1\r\n\r\n");
        connection.wait_for_the_end();
    });
    auto made = request("GET");
    made.response_max = 200UL * 1024;
    const auto response = send(std::move(made));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body.size(), 200UL * 1024);
    EXPECT_FALSE(response->header("x-trailer"));
}

TEST_F(HttpEngineTest, ASilentServerIsGivenUp) {
    start({.stall_time_max = milliseconds(50)});
    for (const auto* begin : {"", "HTTP/1.1 200 OK\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: "
                              "10\r\n\r\n12345"}) {
        serve([begin](ServedConnection& connection) {
            connection.read_request();
            connection.write(begin);
            connection.wait_for_the_end();
        });
        EXPECT_EQ(outcome(request("GET")), "error: transient") << begin;
        EXPECT_NE(last_error.find("stalled, no byte for 50 ms"), std::string::npos) << last_error;
    }
}

TEST_F(HttpEngineTest, AServerThatStoresABodyMaySayNothingForLonger) {
    start({.stall_time_max = milliseconds(50)});
    std::promise<void> answer_now;
    auto wait = answer_now.get_future();
    serve([&](ServedConnection& connection) {
        const auto seen_request = connection.read_request();
        if (seen_request && seen_request->method == "PUT") {
            wait.wait();
            connection.write(http_answer("200 OK", "stored"));
        }
        connection.wait_for_the_end();
    });
    std::optional<Result<HttpResponse>> stored;
    loop.spawn(engine->send(request("PUT", "/", "body")), stored);
    loop.poll();
    // A request without a body is given up after the shorter time; one after the other, so that
    // the PUT has been silent for longer.
    for (int i = 0; i < 3; ++i) {
        std::optional<Result<HttpResponse>> read;
        loop.spawn(engine->send(request("GET")), read);
        while (!read) {
            loop.run_one();
        }
        EXPECT_EQ(read->error().code, Errc::transient);
    }
    EXPECT_FALSE(stored);
    answer_now.set_value();
    loop.run_all();
    ASSERT_TRUE(stored && *stored) << (*stored).error().message;
    EXPECT_EQ(as_text((*stored)->body.view()), "stored");
}

TEST_F(HttpEngineTest, AnAnswerThatNeverComesToABodyIsGivenUpToo) {
    start({.stall_time_max = std::chrono::hours(1), .answer_time_max = milliseconds(50)});
    serve([](ServedConnection& connection) {
        connection.read_request();
        connection.wait_for_the_end();
    });
    EXPECT_EQ(outcome(request("PUT", "/", "body")), "error: transient");
    EXPECT_NE(last_error.find("no byte for 50 ms"), std::string::npos) << last_error;
}

TEST_F(HttpEngineTest, ARequestThatTakesTooLongAsAWholeIsGivenUp) {
    start({.total_time_max = milliseconds(100)});
    serve([](ServedConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.write("x")) {  // never silent, never done
        }
    });
    auto made = request("GET");
    made.response_max = 1UL << 30U;
    EXPECT_EQ(outcome(std::move(made)), "error: transient");
}

TEST_F(HttpEngineTest, NobodyListeningIsTransientAndABadUrlIsNot) {
    answer("");
    auto made = request("GET");
    server.reset();
    EXPECT_EQ(outcome(made), "error: transient");
    made.url = "gopher://127.0.0.1/";
    EXPECT_EQ(outcome(made), "error: invalid argument");
    made.url = "http://127.0.0.1:99999/";
    EXPECT_EQ(outcome(made), "error: invalid argument");
    made.url = "http://127.0.0.1/\r\nX-Smuggled: 1";
    EXPECT_EQ(outcome(made), "error: invalid argument");
    made.url = "http://127.0.0.1/";
    made.headers = {{"x-a", "1\r\nX-Smuggled: 1"}};
    EXPECT_EQ(outcome(made), "error: invalid argument");
}

TEST_F(HttpEngineTest, AnErrorDoesNotTellTheQueryOrTheHeaders) {
    answer("");
    auto made = request("GET", "/path?apikey=geheim");
    made.headers = {{"authorization", "geheim"}};
    server.reset();
    EXPECT_EQ(outcome(made), "error: transient");
    EXPECT_NE(last_error.find("/path"), std::string::npos);
    EXPECT_EQ(last_error.find("geheim"), std::string::npos) << last_error;
}

TEST_F(HttpEngineTest, NoMoreRequestsAtOnceThanTheLimitAndAllAreServed) {
    start({.parallel = 3});
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    serve([&](ServedConnection& connection) {
        while (connection.read_request()) {
            most = std::max(most.load(), ++now);
            --now;
            connection.write(http_answer("200 OK", "x"));
        }
    });
    std::vector<std::optional<Result<HttpResponse>>> results(50);
    for (auto& result : results) {
        loop.spawn(engine->send(request("GET")), result);
    }
    loop.run_all();
    for (const auto& result : results) {
        ASSERT_TRUE(result && *result) << (*result).error().message;
    }
    EXPECT_LE(most, 3);
    EXPECT_LE(server->connections(), 3);
}

TEST_F(HttpEngineTest, NeitherReadingNorASmallBodyWaitsForUploadsThatTakeAllTheTimeThereIs) {
    for (const std::size_t parallel : {1U, 2U, 4U, 9U}) {
        start({.parallel = parallel});
        std::atomic<std::size_t> uploads = 0;
        serve([&](ServedConnection& connection) {
            while (auto request = connection.read_head()) {
                if (request->target == "/large") {
                    ++uploads;
                    connection.wait_for_the_end();
                    return;
                }
                ASSERT_TRUE(connection.read_body(*request));
                connection.write(http_answer("200 OK", "done"));
            }
        });
        std::vector<std::optional<Result<HttpResponse>>> puts(2 * parallel + 1);
        for (auto& result : puts) {
            auto large = request("PUT", "/large");
            large.body = Buffer::zeroed(kSmallBodyMax + 1);
            loop.spawn(engine->send(std::move(large)), result);
        }
        std::vector<std::optional<Result<HttpResponse>>> others(6);
        for (std::size_t i = 0; i < others.size(); ++i) {
            auto other = request(i % 2 == 0 ? "GET" : "PUT");
            other.body = i % 2 == 0 ? Buffer() : Buffer::zeroed(kSmallBodyMax);
            loop.spawn(engine->send(std::move(other)), others[i]);
        }
        while (!std::ranges::all_of(others, [](const auto& each) { return each.has_value(); })) {
            loop.run_one();
        }
        for (const auto& each : others) {
            ASSERT_TRUE(*each) << (*each).error().message;
            EXPECT_EQ(as_text((*each)->body.view()), "done");
        }
        EXPECT_LE(uploads, std::max<std::size_t>(1, parallel - 1)) << parallel;
        engine->shut_down();
        loop.run_all();
        server.reset();
    }
}

TEST_F(HttpEngineTest, BodiesAreNotFasterThanTheRateOfTheirDirection) {
    constexpr std::uint64_t kRate = 4UL << 20U;
    constexpr std::size_t kBody = 1UL << 20U;
    serve([](ServedConnection& connection) {
        while (const auto request = connection.read_request()) {
            connection.write(http_answer(
                "200 OK", request->method == "GET" ? std::string(kBody, 'x') : std::string()));
        }
    });
    for (const std::string method : {"PUT", "GET"}) {
        HttpLimits limits;
        (method == "PUT" ? limits.upload_rate_max : limits.download_rate_max) = kRate;
        start(limits);
        auto made = request(method);
        made.body = method == "PUT" ? Buffer::zeroed(kBody) : Buffer();
        made.response_max = kBody;
        const auto begin = std::chrono::steady_clock::now();
        std::vector<std::optional<Result<HttpResponse>>> results(2);
        for (auto& result : results) {
            loop.spawn(engine->send(made), result);
        }
        loop.run_all();
        for (const auto& result : results) {
            ASSERT_TRUE(*result) << (*result).error().message;
            EXPECT_EQ((*result)->body.size(), method == "GET" ? kBody : 0U);
        }
        // 2 MiB, of which a tenth of a second's worth and one buffer of libcurl are free.
        EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(250)) << method;
    }
}

TEST_F(HttpEngineTest, ABodyThatIsHeldBackGoesOnOnceTheTimetableLiftsTheLimit) {
    std::atomic<bool> begun = false;
    int turns = 0;
    HttpLimits limits;
    limits.upload_rate_max = RateTimetable::parse("Mon_00:00-00:01_1MiB/s").value();
    limits.minute_of_week = [&] { return begun && ++turns > 20 ? 1U : 0U; };
    // A limit that is not lifted makes it 64 s.
    limits.total_time_max = std::chrono::seconds(40);
    start(limits);
    serve([&](ServedConnection& connection) {
        auto request = connection.read_head();
        ASSERT_TRUE(request);
        begun = true;
        ASSERT_TRUE(connection.read_body(*request));
        connection.write(http_answer("200 OK", std::to_string(request->body.size())));
        connection.wait_for_the_end();
    });
    auto made = request("PUT");
    made.body = Buffer::zeroed(64UL << 20U);
    EXPECT_EQ(outcome(std::move(made)), "200 67108864") << last_error;
    engine.reset();
}

TEST_F(HttpEngineTest, ShutDownEndsWhatRunsAndWhatWaits) {
    start({.parallel = 2});
    struct Reached {
        std::once_flag once;
        Signal signal;
    };
    const auto reached = std::make_shared<Reached>();  // the server outlives this test
    serve([reached](ServedConnection& connection) {
        connection.read_request();
        std::call_once(reached->once, [&reached] { reached->signal.set(); });
        connection.wait_for_the_end();
    });
    std::vector<std::optional<Result<HttpResponse>>> results(5);
    for (auto& result : results) {
        loop.spawn(engine->send(request("GET")), result);
    }
    std::optional<Result<void>> stopped;
    auto stop = [](Signal* when, HttpEngine* what) -> Awaitable<Result<void>> {
        co_await when->wait();
        what->shut_down();
        co_return Result<void>();
    };
    loop.spawn(stop(&reached->signal, engine.get()), stopped);
    loop.run_all();
    for (const auto& result : results) {
        ASSERT_TRUE(result.has_value());
        EXPECT_EQ((*result).error().code, Errc::cancelled);
    }
    EXPECT_EQ(outcome(request("GET")), "error: cancelled");
}

TEST_F(HttpEngineTest, AMissingFileOfAuthoritiesIsNamed) {
    start({.ca_file = "/no/such/ca.pem"});
    answer("");
    auto made = request("GET");
    made.url.replace(0, 4, "https");
    EXPECT_EQ(outcome(made), "error: i/o") << "somebody may put it back";
    EXPECT_NE(last_error.find("/no/such/ca.pem"), std::string::npos) << last_error;
}

}  // namespace
}  // namespace tapeloft::tests
