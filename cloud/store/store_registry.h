// Which provider opens which URL.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_url.h"

namespace tapeloft {

/// What a store needs of its surroundings; all of it outlives the store.
struct StoreContext {
    Executor disk;  ///< blocking work on files; as many calls at once as it has threads
};

/// A provider is a row: a new one changes nothing else.
struct StoreProvider {
    std::string scheme;   ///< of its URLs
    std::string example;  ///< for messages: "file:///srv/tapeloft"
    /// May block. Refuses what it does not know in the URL.
    std::function<Result<std::unique_ptr<ObjectStore>>(const StoreUrl&, const StoreContext&)> open;
};

/// Rows are added while the program starts; then any thread may open.
class StoreRegistry {
  public:
    /// The providers that are part of the program.
    [[nodiscard]] static StoreRegistry built_in();

    /// Errors: already_exists (the scheme has a provider), which changes nothing.
    Result<void> add(StoreProvider provider);

    /// May block. Errors: invalid_argument (the URL), unsupported (the scheme; the message names
    /// those that are known), and those of the provider.
    [[nodiscard]] Result<std::unique_ptr<ObjectStore>> open(std::string_view url,
                                                            const StoreContext& context) const;

  private:
    std::vector<StoreProvider> providers_;
};

/// Opens with the providers that are part of the program; see StoreRegistry::open().
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url,
                                                              const StoreContext& context);

}  // namespace tapeloft
