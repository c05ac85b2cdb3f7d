// What a bucket really does, found out with throw-away objects.
#pragma once

#include "cloud/base/awaitable.h"
#include "cloud/s3/s3_client.h"
#include "cloud/store/object_store.h"

namespace tapeloft::s3 {

struct Abilities {
    StoreCapabilities capabilities;
    bool bare_tags = false;  ///< If-Match wants an ETag without its quotes (Ceph's gateway)
};

/// Writes, asks and removes objects under PREFIX/PROBE/ (no object's name has capitals). So it also
/// finds wrong keys, a missing bucket and one that may not be written. A condition that the store
/// does not know or ignores is a capability it lacks. What the settings ask for and the store does
/// not do (encryption, storage classes, object lock) is an error: denied, as a person may mend it.
/// client outlives the call.
Awaitable<Result<Abilities>> find_capabilities(Client& client);

}  // namespace tapeloft::s3
