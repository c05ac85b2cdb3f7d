#include "vtl/daemon/background_threads.h"

#include "vtl/daemon/scheduling.h"

namespace tapeloft::vtl::daemon {

BackgroundThreads::BackgroundThreads(std::size_t count)
    : work_(boost::asio::make_work_guard(io_context_)) {
    for (std::size_t i = 0; i < count; ++i) {
        threads_.emplace_back([this] {
            give_way();
            io_context_.run();
        });
    }
}

void BackgroundThreads::join() {
    work_.reset();
    threads_.clear();
}

}  // namespace tapeloft::vtl::daemon
