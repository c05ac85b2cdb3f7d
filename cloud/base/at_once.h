// Many asynchronous jobs, so many at the same time.
#pragma once

#include <cstddef>
#include <functional>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

namespace tapeloft {

/// Runs job(0) to job(count - 1) on the caller's executor, at most `at_once` (1 or more) at the
/// same time, and returns when all that have begun have ended. After a failure no other begins; the
/// first error is returned. job must not throw.
Awaitable<Result<void>> run_at_once(std::size_t count, std::size_t at_once,
                                    std::function<Awaitable<Result<void>>(std::size_t)> job);

}  // namespace tapeloft
