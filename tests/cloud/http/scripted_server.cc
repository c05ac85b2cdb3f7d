#include "tests/cloud/http/scripted_server.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace tapeloft::tests {
namespace {

using boost::asio::ip::tcp;

std::string lower(std::string_view text) {
    std::string lowered(text);
    std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lowered;
}

SeenRequest parse_head(std::string_view head) {
    SeenRequest request;
    const auto line = head.substr(0, head.find("\r\n"));
    const auto first = line.find(' ');
    const auto second = line.rfind(' ');
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, second - first - 1);
    head.remove_prefix(line.size() + 2);
    while (!head.empty()) {
        const auto end = std::min(head.find("\r\n"), head.size());
        const auto field = head.substr(0, end);
        const auto colon = std::min(field.find(':'), field.size());
        auto value = field.substr(std::min(colon + 1, field.size()));
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        request.headers.emplace(lower(field.substr(0, colon)), std::string(value));
        head.remove_prefix(std::min(end + 2, head.size()));
    }
    return request;
}

}  // namespace

std::optional<SeenRequest> ServedConnection::read_head() {
    std::array<char, 64 * 1024> chunk{};
    auto end = received_.find("\r\n\r\n");
    while (end == std::string::npos) {
        boost::system::error_code error;
        const auto bytes = socket_.read_some(boost::asio::buffer(chunk), error);
        if (error) {
            return std::nullopt;
        }
        received_.append(chunk.data(), bytes);
        end = received_.find("\r\n\r\n");
    }
    auto request = parse_head(std::string_view(received_).substr(0, end));
    received_.erase(0, end + 4);
    return request;
}

bool ServedConnection::read_body(SeenRequest& request) {
    std::array<char, 64 * 1024> chunk{};
    const auto length = request.header("content-length");
    const auto wanted = length.empty() ? 0UL : std::stoul(length);
    while (received_.size() < wanted) {
        boost::system::error_code error;
        const auto bytes = socket_.read_some(boost::asio::buffer(chunk), error);
        if (error) {
            return false;
        }
        received_.append(chunk.data(), bytes);
    }
    request.body = received_.substr(0, wanted);
    received_.erase(0, wanted);
    return true;
}

std::optional<SeenRequest> ServedConnection::read_request() {
    auto request = read_head();
    if (!request) {
        return std::nullopt;
    }
    if (!request->header("expect").empty() && !write("HTTP/1.1 100 Continue\r\n\r\n")) {
        return std::nullopt;
    }
    if (!read_body(*request)) {
        return std::nullopt;
    }
    return request;
}

bool ServedConnection::write(std::string_view bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
}

void ServedConnection::reset() {
    boost::system::error_code ignored;
    const std::lock_guard lock(mutex_);
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

void ServedConnection::wait_for_the_end() {
    std::array<char, 64 * 1024> chunk{};
    boost::system::error_code error;
    while (!error) {
        socket_.read_some(boost::asio::buffer(chunk), error);
    }
}

void ServedConnection::interrupt() {
    const std::lock_guard lock(mutex_);
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
}

ScriptedServer::ScriptedServer(Script script, unsigned short port)
    : script_(std::move(script)),
      acceptor_(context_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), port)),
      port_(acceptor_.local_endpoint().port()),
      acceptor_thread_([this] { accept_all(); }) {}

ScriptedServer::~ScriptedServer() {
    ending_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    acceptor_thread_.join();
    {
        const std::lock_guard lock(mutex_);
        for (auto& connection : served_) {
            connection.interrupt();
        }
    }
    threads_.clear();
}

void ScriptedServer::accept_all() {
    while (true) {
        boost::system::error_code error;
        auto socket = acceptor_.accept(error);
        if (error || ending_) {
            return;
        }
        ++connections_;
        socket.set_option(tcp::no_delay(true), error);
        const std::lock_guard lock(mutex_);
        auto& connection = served_.emplace_back(std::move(socket));
        threads_.emplace_back([this, &connection] {
            script_(connection);
            connection.interrupt();
        });
    }
}

std::string ScriptedServer::url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

std::string http_answer(std::string_view status, std::string_view body, std::string_view headers) {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace tapeloft::tests
