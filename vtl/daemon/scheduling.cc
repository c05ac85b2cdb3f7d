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
constexpr std::uint64_t kShortSlice = 500'000;  // ns
constexpr std::uint64_t kUsualSlice = 0;

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

/// On Linux both belong to a thread.
void set(int nice, std::uint64_t slice_ns) noexcept {
    SchedAttr attr;
    attr.nice = nice;
    attr.runtime = slice_ns;
    static_cast<void>(::syscall(SYS_sched_setattr, 0, &attr, 0U));
}

int current_nice() noexcept {
    return ::getpriority(PRIO_PROCESS, 0);
}

}  // namespace

void wake_promptly() noexcept {
    set(current_nice(), kShortSlice);
}

void give_way() noexcept {
    set(std::max(current_nice(), kNice), kUsualSlice);
}

}  // namespace tapeloft::vtl::daemon
