// Clients of the admin socket that take their time.
#include <array>
#include <cstring>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cloud/base/descriptor.h"

#include "vtl/daemon/admin_server.h"

#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {
namespace {

using std::chrono::milliseconds;

constexpr const char* kRequest = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";

class TimedClient {
  public:
    explicit TimedClient(const std::filesystem::path& socket)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
        // The address of every family is passed as one of no family.
        EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address),  // NOLINT
                            sizeof address),
                  0);
    }

    void say(const std::string& bytes) const {
        (void)::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// What comes until an answer of the server is whole, or the connection is closed.
    std::string hear() {
        std::string heard;
        std::array<char, 4096> bytes{};
        while (!heard.ends_with("}\n") && wait(60'000)) {
            const auto size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            closed_ = size <= 0;
            if (closed_) {
                break;
            }
            heard.append(bytes.data(), static_cast<std::size_t>(size));
        }
        return heard;
    }
    /// Nothing comes but the end, and that soon.
    bool is_closed() { return hear().empty() && closed_; }
    bool is_left_alone() const { return !wait(0); }

  private:
    bool wait(int timeout_ms) const {
        pollfd one = {socket_.get(), POLLIN, 0};
        return ::poll(&one, 1, timeout_ms) == 1;
    }

    Descriptor socket_;
    bool closed_ = false;
};

class AdminTime : public testing::Test {
  protected:
    void serve(std::optional<milliseconds> timeout) {
        AdminServerOptions options;
        options.socket = socket();
        options.connections_max = 3;
        options.request_timeout = timeout.value_or(options.request_timeout);
        server_ = std::make_unique<AdminServer>(boost::asio::make_strand(io_context_),
                                                std::move(options), api_, events_);
        ASSERT_TRUE(server_->start());
        thread_ = std::thread([this] { io_context_.run(); });
    }
    void TearDown() override {
        boost::asio::co_spawn(io_context_, server_->stop(), boost::asio::use_future).get();
        work_.reset();
        thread_.join();
    }
    [[nodiscard]] std::filesystem::path socket() const { return directory_.path() / "s"; }
    /// A machine that is slow may miss the time that is short here; then once more.
    [[nodiscard]] std::unique_ptr<TimedClient> one_that_was_answered() const {
        for (int tries = 0; tries < 1000; ++tries) {
            auto client = std::make_unique<TimedClient>(socket());
            client->say(kRequest);
            if (client->hear().starts_with("HTTP/1.1 404")) {
                return client;
            }
        }
        return nullptr;
    }

    static constexpr milliseconds kShort{100};
    const tests::TemporaryDirectory directory_;
    boost::asio::io_context io_context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_context_.get_executor()};
    EventLog events_;
    RestApi api_{ServedSystem{}};
    std::unique_ptr<AdminServer> server_;
    std::thread thread_;
};

TEST_F(AdminTime, WhoSaysNothingOrNotAllIsClosedAndMakesRoomForOthers) {
    serve(kShort);
    TimedClient silent(socket());
    TimedClient slow(socket());
    slow.say("GET /nothing HTTP/1.1\r\nHo");
    TimedClient without_body(socket());
    without_body.say("POST /nothing HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");
    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(slow.is_closed());
    EXPECT_TRUE(without_body.is_closed());
    EXPECT_TRUE(one_that_was_answered());
}

TEST_F(AdminTime, WhoSaysNothingMoreAfterARequestIsClosed) {
    serve(kShort);
    const auto client = one_that_was_answered();
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->is_closed());
}

TEST_F(AdminTime, ThereAreThirtySeconds) {
    EXPECT_EQ(AdminServerOptions().request_timeout, std::chrono::seconds(30));
    serve(std::nullopt);
    const TimedClient silent(socket());
    TimedClient slow(socket());
    const std::string request = kRequest;
    slow.say(request.substr(0, 10));
    EXPECT_TRUE(one_that_was_answered());
    EXPECT_TRUE(silent.is_left_alone());
    slow.say(request.substr(10));
    EXPECT_TRUE(slow.hear().starts_with("HTTP/1.1 404"));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
