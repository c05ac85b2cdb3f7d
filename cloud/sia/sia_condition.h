// Whether renterd is ready to take uploads, and how what it has stored is doing.
#pragma once

#include "cloud/base/awaitable.h"
#include "cloud/sia/sia_client.h"
#include "cloud/store/object_store.h"

namespace tapeloft::sia {

/// Below this a trouble is told. renterd's autopilot repairs what is below 0.75, so what falls this
/// far is not being repaired.
inline constexpr double kHealthLow = 0.5;

/// Troubles: sync (not in step with the chain), money, autopilot, contracts (fewer hosts than an
/// upload needs), packing (small objects cost a slab each), health (of the worst object under the
/// prefix). Errors: those of Client::send_for_success(); transient (an answer that is not
/// renterd's).
Awaitable<Result<StoreCondition>> ask_condition(Client& client);

}  // namespace tapeloft::sia
