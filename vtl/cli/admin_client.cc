#include "vtl/cli/admin_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include "vtl/cli/output.h"

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

http::request<http::string_body> http_request(const Request& request, bool keep_alive) {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(request.method);
    message.target(request.path);
    message.set(http::field::host, "localhost");
    message.keep_alive(keep_alive);
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

error_code connect(Protocol::socket& stream, const std::string& socket) {
    if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
        return make_error_code(boost::system::errc::filename_too_long);
    }
    error_code failed;
    stream.connect(Protocol::endpoint(socket), failed);
    return failed;
}

/// Connects and sends.
error_code send(Protocol::socket& stream, const std::string& socket, const Request& request) {
    auto failed = connect(stream, socket);
    if (!failed) {
        http::write(stream, http_request(request, false), failed);
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

/// A body in the chunked transfer coding (RFC 9112, 7.1). It goes from the socket to where it is
/// wanted; what is read of a chunk along with the line before it is little.
class ChunkedBody {
  public:
    struct Chunk {
        std::size_t size = 0;  ///< bytes; 0: the last one
        std::string extensions;
    };

    /// begun: what was read of it already.
    ChunkedBody(Protocol::socket& stream, std::string begun)
        : stream_(stream), held_(std::move(begun)) {}

    Chunk next(error_code& failed) {
        if (std::exchange(inside_, true)) {
            const bool ended = line(failed).empty();  // the chunk before
            if (!failed && !ended) {
                failed = http::error::bad_chunk;
            }
        }
        const auto head = failed ? std::string() : line(failed);
        Chunk chunk;
        const auto* const end = head.data() + head.size();
        const auto [behind, wrong] = std::from_chars(head.data(), end, chunk.size, 16);
        if (!failed && (wrong != std::errc() || (behind != end && *behind != ';'))) {
            failed = http::error::bad_chunk;
        }
        chunk.extensions.assign(behind, end);
        return chunk;
    }

    std::size_t read_some(std::span<char> into, error_code& failed) {
        if (held_.empty()) {
            return stream_.read_some(boost::asio::buffer(into.data(), into.size()), failed);
        }
        const auto size = held_.copy(into.data(), into.size());
        held_.erase(0, size);
        return size;
    }

  private:
    std::string line(error_code& failed) {
        const auto length = boost::asio::read_until(
            stream_, boost::asio::dynamic_buffer(held_, kLineMax), "\r\n", failed);
        auto text = failed ? std::string() : held_.substr(0, length - 2);
        held_.erase(0, length);
        return text;
    }

    static constexpr std::size_t kLineMax = 64UL * 1024;
    Protocol::socket& stream_;
    std::string held_;
    bool inside_ = false;
};

Answer receive(ChunkedBody body, BodySink& sink) {
    error_code failed;
    while (true) {
        const auto chunk = body.next(failed);
        const auto code = extension(chunk.extensions, "code");
        const auto reason = extension(chunk.extensions, "error");
        if (failed || !reason.empty()) {
            return broken_off(code, reason.empty() ? failed.message() : reason);
        }
        if (chunk.size == 0) {
            return {};
        }
        for (auto left = chunk.size; left > 0;) {
            const auto room = sink.room();
            const auto size = body.read_some(room.first(std::min(room.size(), left)), failed);
            if (failed) {
                return broken_off("", failed.message());
            }
            left -= size;
            if (!sink.take(size)) {
                return {};
            }
        }
    }
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

Answer fetch(const std::string& socket, const Request& request, BodySink& sink) {
    boost::asio::io_context io_context(1);
    Protocol::socket stream(io_context);
    auto failed = send(stream, socket, request);
    if (failed) {
        return unreachable(socket, failed);
    }
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerLengthMax);
    http::read_header(stream, buffer, parser, failed);
    if (!failed && parser.get().result() == http::status::ok && parser.chunked()) {
        return receive(ChunkedBody(stream, boost::beast::buffers_to_string(buffer.data())), sink);
    }
    if (!failed) {
        http::read(stream, buffer, parser, failed);
    }
    return failed ? unanswered(socket, failed)
                  : judged(parser.get().result_int(), parser.get().body());
}

/// From its first request on.
class Line::Connection {
  public:
    explicit Connection(int memory) : memory_(memory), stream_(io_context_) {}

    error_code open(const std::string& socket) { return connect(stream_, socket); }

    error_code send(const Request& request) {
        std::ostringstream out;
        out << http_request(request, true);
        const auto text = out.str();
        error_code failed;
        std::size_t sent = 0;
        if (!std::exchange(memory_sent_, true)) {
            sent = send_memory(text, failed);
        }
        if (!failed) {
            boost::asio::write(stream_, boost::asio::buffer(text.data() + sent, text.size() - sent),
                               failed);
        }
        return failed;
    }

    /// silent: nothing came, not even a part of the answer.
    error_code receive(http::response_parser<http::string_body>& parser, bool& silent) {
        error_code failed;
        parser.body_limit(kAnswerLengthMax);
        http::read(stream_, buffer_, parser, failed);
        silent = failed && !parser.got_some() && buffer_.size() == 0;
        return failed;
    }

  private:
    /// With the first bytes of the request (SCM_RIGHTS, unix(7)); how many they were.
    std::size_t send_memory(const std::string& text, error_code& failed) {
        std::string bytes = text;
        iovec place{bytes.data(), bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        auto* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof memory_);
        std::memcpy(CMSG_DATA(header), &memory_, sizeof memory_);
        ssize_t sent = -1;
        do {
            sent = ::sendmsg(stream_.native_handle(), &message, MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        if (sent < 0) {
            failed.assign(errno, boost::system::system_category());
            return 0;
        }
        return static_cast<std::size_t>(sent);
    }

    const int memory_;
    boost::asio::io_context io_context_{1};
    Protocol::socket stream_;
    boost::beast::flat_buffer buffer_;
    bool memory_sent_ = false;
};

Line::Line(std::string socket, MemoryMaker memory)
    : socket_(std::move(socket)), memory_(std::move(memory)) {}

Line::~Line() = default;

Answer Line::ask(const Request& request) {
    while (true) {
        const bool is_new = connection_ == nullptr;
        if (is_new) {
            const auto memory = memory_();
            if (!memory) {
                return answer_of(memory.error());
            }
            connection_ = std::make_unique<Connection>(*memory);
            const auto failed = connection_->open(socket_);
            if (failed) {
                connection_.reset();
                return unreachable(socket_, failed);
            }
        }
        http::response_parser<http::string_body> parser;
        bool silent = true;
        auto failed = connection_->send(request);
        if (!failed) {
            failed = connection_->receive(parser, silent);
        }
        if (failed || !parser.get().keep_alive()) {
            connection_.reset();
        }
        if (!failed) {
            return judged(parser.get().result_int(), parser.get().body());
        }
        if (is_new || !silent) {
            return unanswered(socket_, failed);
        }
    }
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
