// What opens the stores of one scheme.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cloud/base/result.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_context.h"
#include "cloud/store/store_url.h"

namespace tapeloft {

/// So many bytes a second a store is let to move; 0: no limit.
struct StoreRates {
    std::uint64_t upload = 0;
    std::uint64_t download = 0;
};

/// A row: a new one changes nothing else.
struct StoreProvider {
    std::string scheme;   ///< of its URLs
    std::string example;  ///< for messages: "file:///srv/tapeloft"
    /// Reached over a network: what fails may help when it is asked again (RetryingStore).
    bool remote = false;
    /// Checks the URL and says where its objects lie: a text that ends with "/", and begins with
    /// that of another store where this one lies within it. Touches nothing.
    std::function<Result<std::string>(const StoreUrl&)> place;
    /// May block on files, never on a network. Refuses what place() refuses.
    std::function<Result<std::unique_ptr<ObjectStore>>(const StoreUrl&, const StoreContext&)> open;
    /// What the URL asks for at the time; none: it cannot ask for a limit.
    std::function<StoreRates(const StoreUrl&, std::chrono::system_clock::time_point)> rates = {};
};

}  // namespace tapeloft
