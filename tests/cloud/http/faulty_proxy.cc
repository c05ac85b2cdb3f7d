#include "tests/cloud/http/faulty_proxy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace tapeloft::tests {
namespace {

using boost::asio::ip::tcp;

std::size_t body_of_answer(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? answer.size() : end + 4;
}

std::string request_text(const SeenRequest& request) {
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers) {
        if (name != "expect" && name != "connection") {
            text += name + ": " + value + "\r\n";
        }
    }
    return text + "connection: close\r\n\r\n" + request.body;
}

/// Where the line of a header begins and ends (behind its CR LF), if it is there. name: in lower
/// case, with its colon.
std::optional<std::pair<std::size_t, std::size_t>> find_header(const std::string& answer,
                                                               std::string_view name) {
    auto head = answer.substr(0, body_of_answer(answer));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto at = head.find("\r\n" + std::string(name));
    return at == std::string::npos
               ? std::nullopt
               : std::optional(std::pair(at + 2, head.find("\r\n", at + 2) + 2));
}

std::optional<std::size_t> announced_length(const std::string& answer) {
    const auto line = find_header(answer, "content-length:");
    return line ? std::optional(std::stoul(answer.substr(line->first + 15))) : std::nullopt;
}

std::string with_wrong_length(std::string answer) {
    const auto line = find_header(answer, "content-length:");
    const auto length = announced_length(answer);
    if (line && length) {
        answer.replace(line->first, line->second - line->first,
                       "Content-Length: " + std::to_string(*length + 1) + "\r\n");
    }
    return answer;
}

bool is_whole(const std::string& answer, const SeenRequest& request) {
    if (answer.find("\r\n\r\n") == std::string::npos) {
        return false;
    }
    const auto length = announced_length(answer);
    return request.method == "HEAD" || answer.substr(9, 3) == "204" ||
           (length && answer.size() >= body_of_answer(answer) + *length);
}

bool write_slowly(ServedConnection& connection, const std::string& answer) {
    constexpr std::size_t kPieces = 20;
    boost::asio::io_context loop;
    const auto piece = answer.size() / kPieces + 1;
    for (std::size_t at = 0; at < answer.size(); at += piece) {
        if (!connection.write(std::string_view(answer).substr(at, piece))) {
            return false;
        }
        boost::asio::steady_timer(loop, std::chrono::milliseconds(20)).wait();
    }
    return true;
}

}  // namespace

FaultyProxy::FaultyProxy(unsigned short server_port) : server_port_(server_port) {
    bring_back();
}

FaultyProxy::~FaultyProxy() {
    take_away();
}

void FaultyProxy::take_away() {
    server_.reset();
}

void FaultyProxy::bring_back() {
    auto script = [this](ServedConnection& connection) { serve(connection); };
    server_ = std::make_unique<ScriptedServer>(std::move(script), port_);
    port_ = server_->port();
}

void FaultyProxy::script(std::vector<WireFault> faults, Fits fits) {
    const std::lock_guard lock(mutex_);
    for (const auto fault : faults) {
        script_.push_back({fault, fits});
    }
}

void FaultyProxy::always(std::optional<WireFault> fault) {
    const std::lock_guard lock(mutex_);
    always_ = fault;
}

std::map<WireFault, int> FaultyProxy::met() const {
    const std::lock_guard lock(mutex_);
    return met_;
}

std::size_t FaultyProxy::scripted_left() const {
    const std::lock_guard lock(mutex_);
    return script_.size();
}

std::optional<WireFault> FaultyProxy::fault_for(const SeenRequest& request) {
    const std::lock_guard lock(mutex_);
    auto fault = always_;
    const auto next = std::find_if(script_.begin(), script_.end(),
                                   [&](const auto& each) { return each.fits(request); });
    if (next != script_.end()) {
        fault = next->fault;
        script_.erase(next);
    }
    if (fault) {
        ++met_[*fault];
    }
    return fault;
}

void FaultyProxy::serve(ServedConnection& connection) {
    while (auto request = connection.read_head()) {
        const auto fault = fault_for(*request);
        if (fault == WireFault::reset_at_once) {
            return connection.reset();
        }
        if (!request->header("expect").empty()) {
            connection.write("HTTP/1.1 100 Continue\r\n\r\n");
        }
        if (fault == WireFault::reset_in_request) {
            return connection.reset();
        }
        if (fault == WireFault::silence) {
            return connection.wait_for_the_end();
        }
        if (!connection.read_body(*request) || !answer(connection, *request, fault)) {
            return;
        }
    }
}

/// Empty: the server cannot be reached.
std::string FaultyProxy::forward(const SeenRequest& request) const {
    boost::asio::io_context loop;
    tcp::socket socket(loop);
    boost::system::error_code error;
    socket.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), server_port_), error);
    if (error) {
        return "";
    }
    boost::asio::write(socket, boost::asio::buffer(request_text(request)), error);
    std::string answer;
    std::array<char, 256 * 1024> chunk{};
    while (!error && !is_whole(answer, request)) {
        const auto bytes = socket.read_some(boost::asio::buffer(chunk), error);
        answer.append(chunk.data(), bytes);
    }
    if (const auto line = find_header(answer, "connection:"); line && announced_length(answer)) {
        answer.erase(line->first, line->second - line->first);
    }
    return answer;
}

/// False: the connection ends.
bool FaultyProxy::answer(ServedConnection& connection, const SeenRequest& request,
                         std::optional<WireFault> fault) {
    if (fault == WireFault::internal_error) {
        return connection.write(
            http_answer("500 Internal Server Error", "<Error><Code>InternalError</Code></Error>"));
    }
    if (fault == WireFault::slow_down) {
        return connection.write(
            http_answer("503 Slow Down", "<Error><Code>SlowDown</Code></Error>"));
    }
    if (fault == WireFault::answer_of_html) {
        return connection.write(http_answer("404 Not Found", "<html>404 page not found</html>"));
    }
    auto answered = forward(request);
    const auto body = body_of_answer(answered);
    const auto half = body + (answered.size() - body) / 2;
    if (answered.empty() || fault == WireFault::answer_lost) {
        connection.reset();
        return false;
    }
    if (fault == WireFault::flipped_bit && answered.size() > body) {
        answered[half] = static_cast<char>(answered[half] ^ 0x10);
    } else if (fault == WireFault::wrong_length) {
        answered = with_wrong_length(std::move(answered));
    } else if (fault == WireFault::answer_slow) {
        return write_slowly(connection, answered);
    } else if (fault == WireFault::answer_cut_short || fault == WireFault::reset_in_answer) {
        answered.resize(half);
    }
    const bool keeps = connection.write(answered) && !fault && announced_length(answered);
    if (fault == WireFault::reset_in_answer) {
        connection.reset();
    }
    return keeps;
}

}  // namespace tapeloft::tests
