// Which threads of the daemon the kernel lets run last.
#pragma once

namespace tapeloft::vtl::daemon {

/// The calling thread gets what the others leave (nice 10), but never nothing. And whoever wakes
/// goes before it at once: since Linux 6.12 a thread that wakes waits until the running one has had
/// its slice, unless its own is shorter, so this one has slices of 20 ms. With the usual ones a
/// host waits 3 to 4 ms at each step of its command. Where it is forbidden all still works.
void give_way() noexcept;

}  // namespace tapeloft::vtl::daemon
