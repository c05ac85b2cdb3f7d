// Which threads of the daemon the kernel lets run first.
#pragma once

namespace tapeloft::vtl::daemon {

/// The calling thread, and all that it starts from then on, have time slices of 0.5 ms. Linux 6.12
/// and later let a thread that wakes go before one that is running only if its slice is shorter:
/// else a host waits, at each step of its command, until a thread of the archive has had its 3 to
/// 4 ms. Earlier kernels take no notice; there the one that wakes goes first by itself. Where it is
/// forbidden all still works.
void wake_promptly() noexcept;

/// The calling thread has slices of the usual length and nice 10: it gets what the others leave,
/// but never nothing.
void give_way() noexcept;

}  // namespace tapeloft::vtl::daemon
