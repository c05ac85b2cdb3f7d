// Which provider opens which URL.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_context.h"
#include "cloud/store/store_url.h"

namespace tapeloft {

/// A provider is a row: a new one changes nothing else.
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
};

/// Rows are added while the program starts; then any thread may open.
class StoreRegistry {
  public:
    /// The providers that are part of the program.
    [[nodiscard]] static StoreRegistry built_in();

    /// Errors: already_exists (the scheme has a provider), which changes nothing.
    Result<void> add(StoreProvider provider);

    /// Where the objects of the store lie; see StoreProvider::place. Errors: invalid_argument (the
    /// URL), unsupported (the scheme; the message names those that are known).
    [[nodiscard]] Result<std::string> place_of(std::string_view url) const;

    /// May block, but waits for no network: a remote store that is away opens too. Errors: those of
    /// place_of(), and those of the provider.
    [[nodiscard]] Result<std::unique_ptr<ObjectStore>> open(std::string_view url,
                                                            const StoreContext& context) const;

  private:
    [[nodiscard]] Result<const StoreProvider*> provider_of(const StoreUrl& url) const;

    std::vector<StoreProvider> providers_;
};

/// With the providers that are part of the program; see StoreRegistry.
[[nodiscard]] Result<std::string> place_of_store(std::string_view url);
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url,
                                                              const StoreContext& context);

}  // namespace tapeloft
