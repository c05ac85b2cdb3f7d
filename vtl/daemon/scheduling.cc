#include "vtl/daemon/scheduling.h"

#include <algorithm>
#include <cstdint>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tapeloft::vtl::daemon {
namespace {

constexpr int kNice = 10;
constexpr std::uint64_t kLongSlice = 20'000'000;  // ns

/// struct sched_attr of sched_setattr(2), first version: glibc has neither, and the kernel's header
/// cannot stand beside <sched.h>.
struct SchedAttr {
    std::uint32_t size = sizeof(SchedAttr);
    std::uint32_t policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};
static_assert(sizeof(SchedAttr) == 48);

}  // namespace

// On Linux both belong to a thread.
void give_way() noexcept {
    SchedAttr attr;
    attr.nice = std::max(::getpriority(PRIO_PROCESS, 0), kNice);
    attr.runtime = kLongSlice;
    static_cast<void>(::syscall(SYS_sched_setattr, 0, &attr, 0U));
}

}  // namespace tapeloft::vtl::daemon
