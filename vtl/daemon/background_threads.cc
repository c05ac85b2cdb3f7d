#include "vtl/daemon/background_threads.h"

#include <sys/resource.h>
#include <unistd.h>

namespace tapeloft::vtl::daemon {
namespace {

constexpr int kNice = 10;

/// Of the calling thread: on Linux a nice value belongs to a thread. Without it all still works.
void lower_priority() {
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
}

}  // namespace

BackgroundThreads::BackgroundThreads(std::size_t count)
    : work_(boost::asio::make_work_guard(io_context_)) {
    for (std::size_t i = 0; i < count; ++i) {
        threads_.emplace_back([this] {
            lower_priority();
            io_context_.run();
        });
    }
}

void BackgroundThreads::join() {
    work_.reset();
    threads_.clear();
}

}  // namespace tapeloft::vtl::daemon
