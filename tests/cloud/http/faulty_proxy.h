// What lies between a client and an HTTP server: a network, and what it does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/cloud/http/scripted_server.h"

namespace tapeloft::tests {

enum class WireFault : std::uint8_t {
    reset_at_once,     ///< before anything was read of the request
    reset_in_request,  ///< in the middle of its body; the server never sees it
    reset_in_answer,   ///< in the middle of the answer's body
    answer_lost,       ///< the server has done it, and the connection ends without a word
    answer_cut_short,  ///< the connection ends cleanly before the announced length
    answer_slow,       ///< in small pieces
    answer_of_html,    ///< a 404 that is not the server's
    wrong_length,      ///< it announces one byte more than it has
    flipped_bit,       ///< one bit of the answer's body is another one
    internal_error,    ///< 500
    slow_down,         ///< 503 SlowDown
    silence,           ///< nothing, until the client gives up
};

/// Forwards requests whole, each on a connection of its own, and answers whole. Any thread.
class FaultyProxy {
  public:
    explicit FaultyProxy(unsigned short server_port);
    FaultyProxy(const FaultyProxy&) = delete;
    FaultyProxy& operator=(const FaultyProxy&) = delete;
    ~FaultyProxy();

    [[nodiscard]] unsigned short port() const { return port_; }

    /// Nobody listens: connections that exist are closed, new ones refused.
    void take_away();
    void bring_back();

    /// The next requests that `fits` meet the faults, one each, in this order. Others pass.
    using Fits = std::function<bool(const SeenRequest&)>;
    void script(std::vector<WireFault> faults, Fits fits);
    /// From now on all requests meet it; unset: none.
    void always(std::optional<WireFault> fault);
    /// How many requests met each.
    [[nodiscard]] std::map<WireFault, int> met() const;
    [[nodiscard]] std::size_t scripted_left() const;

  private:
    void serve(ServedConnection& connection);
    std::optional<WireFault> fault_for(const SeenRequest& request);
    [[nodiscard]] std::string forward(const SeenRequest& request) const;
    bool answer(ServedConnection& connection, const SeenRequest& request,
                std::optional<WireFault> fault);

    struct Scripted {
        WireFault fault;
        Fits fits;
    };
    const unsigned short server_port_;
    mutable std::mutex mutex_;
    std::vector<Scripted> script_;
    std::optional<WireFault> always_;
    std::map<WireFault, int> met_;
    unsigned short port_ = 0;
    std::unique_ptr<ScriptedServer> server_;
};

}  // namespace tapeloft::tests
