#include "vtl/daemon/termination.h"

#include <csignal>

#include <unistd.h>

namespace tapeloft::vtl::daemon {

Termination::Termination() : signals_(io_context_, SIGTERM, SIGINT) {
    signals_.async_wait([this](const boost::system::error_code& failed, int) {
        if (!failed) {
            on_first();
        }
    });
    thread_ = std::jthread([this] { io_context_.run(); });
}

Termination::~Termination() {
    io_context_.stop();
}

void Termination::on_first() {
    signals_.async_wait([](const boost::system::error_code& failed, int) {
        if (!failed) {
            ::_exit(1);
        }
    });
    asked_.set_value();
}

}  // namespace tapeloft::vtl::daemon
