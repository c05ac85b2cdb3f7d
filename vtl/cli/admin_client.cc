#include "vtl/cli/admin_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sys/un.h>

namespace tapeloft::vtl::cli {
namespace {

namespace http = boost::beast::http;
using Protocol = boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::uint64_t kAnswerLengthMax = 64ULL * 1024 * 1024;  // bytes

Answer unreachable(const std::string& socket, const error_code& failed) {
    Answer answer;
    answer.status = ExitStatus::unreachable;
    answer.message = "no daemon answers on " + socket + " (" + failed.message() +
                     "); is tapeloftd running, and is this its socket? See --socket.";
    return answer;
}

http::request<http::string_body> http_request(const Request& request) {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(request.method);
    message.target(request.path);
    message.set(http::field::host, "localhost");
    message.keep_alive(false);
    if (!request.body.is_null()) {
        message.set(http::field::content_type, "application/json");
        message.body() = request.body.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    message.prepare_payload();
    return message;
}

Answer judged(unsigned http_status, const std::string& body) {
    Answer answer;
    answer.json = Json::parse(body, nullptr, false);
    if (http_status >= 200 && http_status < 300 && !answer.json.is_discarded()) {
        return answer;
    }
    answer.status = http_status == 404 ? ExitStatus::not_found : ExitStatus::refused;
    answer.message = "the daemon answered with HTTP status " + std::to_string(http_status);
    if (answer.json.is_discarded()) {
        answer.json = nullptr;
    }
    const auto pointer = Json::json_pointer("/error/message");
    if (answer.json.contains(pointer) && answer.json[pointer].is_string()) {
        answer.message = answer.json[pointer].get<std::string>();
    }
    return answer;
}

}  // namespace

Answer ask(const std::string& socket, const Request& request) {
    error_code failed;
    if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
        return unreachable(socket, make_error_code(boost::system::errc::filename_too_long));
    }
    boost::asio::io_context io_context(1);
    Protocol::socket stream(io_context);
    stream.connect(Protocol::endpoint(socket), failed);
    if (failed) {
        return unreachable(socket, failed);
    }
    const auto message = http_request(request);
    http::write(stream, message, failed);
    if (failed) {
        return unreachable(socket, failed);
    }
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerLengthMax);
    http::read(stream, buffer, parser, failed);
    if (failed) {
        return unreachable(socket, failed);
    }
    return judged(parser.get().result_int(), parser.get().body());
}

std::string percent_encoded(const std::string& text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    constexpr std::string_view kUnreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (kUnreserved.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += kHex[byte >> 4U];
            encoded += kHex[byte & 0xFU];
        }
    }
    return encoded;
}

}  // namespace tapeloft::vtl::cli
