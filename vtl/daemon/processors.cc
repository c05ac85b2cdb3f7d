#include "vtl/daemon/processors.h"

#include <cstddef>

namespace tapeloft::vtl::daemon {

OwnProcessors::OwnProcessors(ThreadsFor kind) noexcept {
    constexpr int kPlenty = 4;
    CPU_ZERO(&before_);
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0) {
        return;  // more processors than a cpu_set_t holds
    }
    const int count = CPU_COUNT(&before_);
    if (count < 2 || count >= kPlenty) {
        return;
    }
    std::size_t last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &before_)) {
        --last;
    }
    cpu_set_t wanted;
    if (kind == ThreadsFor::disk) {
        CPU_ZERO(&wanted);
        CPU_SET(last, &wanted);
    } else {
        wanted = before_;
        CPU_CLR(last, &wanted);
    }
    moved_ = ::sched_setaffinity(0, sizeof wanted, &wanted) == 0;
}

OwnProcessors::~OwnProcessors() {
    if (moved_) {
        (void)::sched_setaffinity(0, sizeof before_, &before_);
    }
}

}  // namespace tapeloft::vtl::daemon
