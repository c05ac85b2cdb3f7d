// What a store needs of its surroundings.
#pragma once

#include "cloud/base/awaitable.h"

namespace tapeloft {

/// All of it outlives the store.
struct StoreContext {
    Executor disk;  ///< blocking work on files; as many calls at once as it has threads
    Executor cpu;   ///< what only computes: hashes of bodies
};

}  // namespace tapeloft
