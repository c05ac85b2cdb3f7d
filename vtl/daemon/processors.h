// Which processors the threads of the daemon run on.
#pragma once

#include <cstdint>

#include <sched.h>

namespace tapeloft::vtl::daemon {

enum class ThreadsFor : std::uint8_t { disk, serving };

/// While it lives, the calling thread, and every thread that it starts, keeps to the processors of
/// its kind: of those that the process may use the disk threads have the last one, the serving
/// threads the others. It does nothing where there is one processor, or four and more: then the
/// kernel finds an idle one by itself.
///
/// With two processors a disk thread that begins a batch pushes the serving thread to the other
/// processor and the host's process after it: WRITE was measured a third slower for it
/// (tests/bench/README.md).
class OwnProcessors {
  public:
    explicit OwnProcessors(ThreadsFor kind) noexcept;
    OwnProcessors(const OwnProcessors&) = delete;
    OwnProcessors& operator=(const OwnProcessors&) = delete;
    ~OwnProcessors();

  private:
    cpu_set_t before_{};
    bool moved_ = false;
};

}  // namespace tapeloft::vtl::daemon
