// Exercises a store as media/ will use it, and says in plain words whether it is fit for that.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

struct StoreProbeOptions {
    std::size_t object_size = 0;  ///< bytes; 0: the store's best_object_size
    std::size_t objects = 16;     ///< written and read at each degree of parallelism; 1 or more
    /// For the first answer. A store that has given none by then is shut down, and asked no more.
    std::chrono::milliseconds answer_time_max{15000};
    /// Gets each line of the report as soon as it is known; may be empty.
    std::function<void(const std::string&)> on_line = {};
};

/// One thing that a store must do.
struct StoreCheck {
    std::string what;   ///< "a range is exact"
    std::string wrong;  ///< empty: it does
};

struct StoreRate {
    std::size_t at_once = 0;
    double write_mib_s = 0;  ///< of bodies, until stored; 0: not measured
    double read_mib_s = 0;
};

struct StoreProbe {
    std::string url;
    std::vector<StoreCheck> checks;
    bool put_if_absent = false;                       ///< of the capabilities, and seen to hold
    std::optional<std::chrono::seconds> clock_ahead;  ///< of the store
    StoreCondition condition;  ///< as the store tells it; empty: it does not, or could not
    std::chrono::microseconds write_latency{0};  ///< median of small objects, one at a time
    std::chrono::microseconds read_latency{0};   ///< 0, as write_latency: not measured
    std::vector<StoreRate> rates;      ///< 1, 4 and 16 at once; empty where a check failed
    bool usable = false;               ///< every check held
    std::vector<std::string> verdict;  ///< sentences for a person: what to know and to do
    std::vector<std::string> report;   ///< a line for each fact, the verdict last
};

/// Writes under the name probe/RANDOM/ and removes all of it again; what a lock of the
/// configuration retains stays, which is said and is no failure. Holds objects_size x 16 bytes
/// at most. What needs something that failed is not tried, so each cause is told once. store
/// outlives the call, which runs on an executor that does one thing at a time. Failures of the
/// store are what it reports, never an error.
Awaitable<StoreProbe> probe_store(ObjectStore& store, StoreProbeOptions options);

/// The report as one text.
[[nodiscard]] std::string to_text(const StoreProbe& probe);

}  // namespace tapeloft
