// HTTP over the daemon's Unix socket: one request, one answer.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cloud/base/result.h"

namespace tapeloft::vtl::cli {

using Json = nlohmann::ordered_json;

/// Documented in `tapeloft --help`; scripts rely on them.
enum class ExitStatus : int {
    done = 0,
    refused = 1,
    usage = 2,
    unreachable = 3,
    not_found = 4,
    damaged = 5,  ///< done, and what was looked at is damaged
};

struct Answer {
    ExitStatus status = ExitStatus::done;
    Json json;            ///< what the daemon said; null if it said nothing
    std::string message;  ///< why not, unless status is done

    [[nodiscard]] bool done() const noexcept { return status == ExitStatus::done; }
};

struct Request {
    std::string method = "GET";
    std::string path;  ///< "/v1/status"; the caller has percent-encoded it
    Json body;         ///< null: none
};

/// Connects, asks, waits for the answer (a move may take as long as the drive needs). Blocks.
[[nodiscard]] Answer ask(const std::string& socket, const Request& request);

/// Where a body goes, as it comes.
class BodySink {
  public:
    BodySink() = default;
    BodySink(const BodySink&) = delete;
    BodySink& operator=(const BodySink&) = delete;
    virtual ~BodySink() = default;

    /// Room for what comes next, at least one byte.
    [[nodiscard]] virtual std::span<char> room() = 0;
    /// So many bytes are in it. False: that is enough.
    [[nodiscard]] virtual bool take(std::size_t size) = 0;
};

/// As ask(), for a body of any length. The answer's json is null where it was done. An answer that
/// ends in the middle is refused, with the daemon's code and reason; unreachable, where it gave
/// none.
[[nodiscard]] Answer fetch(const std::string& socket, const Request& request, BodySink& sink);

/// A connection for many requests, and memory of this process into which the daemon may put the
/// answers. One request at a time.
class Line {
  public:
    /// A descriptor of memory for a connection that is about to be made (memfd_create(2), as
    /// vtl/daemon/README.md wants it), which lasts until the next call.
    using MemoryMaker = std::function<Result<int>()>;

    Line(std::string socket, MemoryMaker memory);
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line();

    /// As ask(), for requests that change nothing: one whose connection has ended meanwhile is sent
    /// once more. Refused, too, where there is no memory.
    [[nodiscard]] Answer ask(const Request& request);

  private:
    class Connection;

    const std::string socket_;
    const MemoryMaker memory_;
    std::unique_ptr<Connection> connection_;  ///< null: there is none
};

/// For a path segment or a query value (RFC 3986, 2.1).
[[nodiscard]] std::string percent_encoded(const std::string& text);

}  // namespace tapeloft::vtl::cli
