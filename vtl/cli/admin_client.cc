#include "vtl/cli/admin_client.h"

#include <charconv>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
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
constexpr std::size_t kPieceLength = 256UL * 1024;               // bytes

Answer unreachable(const std::string& socket, const error_code& failed) {
    Answer answer;
    answer.status = ExitStatus::unreachable;
    answer.message = "no daemon answers on " + socket + " (" + failed.message() +
                     "); is tapeloftd running, and is this its socket? See --socket.";
    return answer;
}

/// It was connected: what was asked for may have been done.
Answer unanswered(const std::string& socket, const error_code& failed) {
    Answer answer;
    answer.status = ExitStatus::unreachable;
    answer.message = "the daemon on " + socket +
                     " took the request and ended the connection "
                     "without an answer (" +
                     failed.message() +
                     "); whether it was carried out is not known: look before you try again";
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

/// code: what the daemon said of it; empty: it said nothing, so it is gone, not the data.
Answer broken_off(const std::string& code, const std::string& reason) {
    Answer answer;
    answer.status = code.empty() ? ExitStatus::unreachable : ExitStatus::refused;
    answer.message = "the data ends in the middle: " + reason;
    if (!code.empty()) {
        answer.json["error"] = {{"code", code}, {"message", answer.message}};
    }
    return answer;
}

/// Connects and sends.
error_code send(Protocol::socket& stream, const std::string& socket, const Request& request) {
    if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
        return make_error_code(boost::system::errc::filename_too_long);
    }
    error_code failed;
    stream.connect(Protocol::endpoint(socket), failed);
    if (!failed) {
        http::write(stream, http_request(request), failed);
    }
    return failed;
}

/// What the daemon says in an extension of a chunk, percent-encoded; empty: nothing.
std::string extension(std::string_view extensions, std::string_view name) {
    const auto at = extensions.find(std::string(name) + "=");
    std::string reason;
    for (auto i = at == std::string_view::npos ? extensions.size() : at + name.size() + 1;
         i < extensions.size() && extensions[i] != ';'; ++i) {
        unsigned byte = 0;
        const bool encoded =
            extensions[i] == '%' && i + 2 < extensions.size() &&
            std::from_chars(&extensions[i + 1], &extensions[i] + 3, byte, 16).ec == std::errc{};
        reason += encoded ? static_cast<char>(byte) : extensions[i];
        i += encoded ? 2 : 0;
    }
    return reason;
}

}  // namespace

Answer ask(const std::string& socket, const Request& request) {
    boost::asio::io_context io_context(1);
    Protocol::socket stream(io_context);
    auto failed = send(stream, socket, request);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerLengthMax);
    if (failed) {
        return unreachable(socket, failed);
    }
    http::read(stream, buffer, parser, failed);
    if (failed) {
        return unanswered(socket, failed);
    }
    return judged(parser.get().result_int(), parser.get().body());
}

Answer fetch(const std::string& socket, const Request& request,
             const std::function<bool(std::string_view)>& sink) {
    boost::asio::io_context io_context(1);
    Protocol::socket stream(io_context);
    auto failed = send(stream, socket, request);
    boost::beast::flat_buffer buffer;
    buffer.reserve(kPieceLength);  // else it is read 512 bytes at a time
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    std::string reason;
    std::string code;
    auto on_chunk = [&](std::uint64_t, std::string_view extensions, error_code&) {
        reason = extension(extensions, "error");
        code = extension(extensions, "code");
    };
    parser.on_chunk_header(on_chunk);
    if (failed) {
        return unreachable(socket, failed);
    }
    http::read_header(stream, buffer, parser, failed);
    if (failed) {
        return unanswered(socket, failed);
    }
    const bool done = parser.get().result() == http::status::ok;
    std::string refusal;
    std::vector<char> piece(kPieceLength);
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        http::read(stream, buffer, parser, failed);
        if (failed == http::error::need_buffer) {
            failed = {};
        }
        if (failed) {
            return broken_off(code, reason.empty() ? failed.message() : reason);
        }
        const std::string_view bytes(piece.data(), piece.size() - parser.get().body().size);
        if (!done && refusal.size() < kPieceLength) {
            refusal += bytes;
        }
        if (done && !sink(bytes)) {
            break;
        }
    }
    return done ? Answer{} : judged(parser.get().result_int(), refusal);
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
