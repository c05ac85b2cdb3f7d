// What a store needs of its surroundings.
#pragma once

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"

namespace tapeloft {

/// All of it outlives the store, and the log what disk still runs then.
struct StoreContext {
    Executor disk;  ///< blocking work on files; as many calls at once as it has threads
    Executor cpu;   ///< what only computes: hashes of bodies
    /// What a person should know, and of each request one line of severity debug; null: nobody
    /// asks.
    EventLog* log = nullptr;
    /// Others hold the same objects: it is not worth waiting long for one that is silent.
    bool in_mirror = false;
};

}  // namespace tapeloft
