// Which provider opens which URL.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/result.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_context.h"
#include "cloud/store/store_provider.h"

namespace tapeloft {

/// Rows are added while the program starts; then any thread may open.
class StoreRegistry {
  public:
    /// The providers that are part of the program.
    [[nodiscard]] static StoreRegistry built_in();

    /// Errors: already_exists (the scheme has a provider), which changes nothing.
    Result<void> add(StoreProvider provider);
    /// Said wherever a scheme is not known: why one may be missing.
    void note_trouble(std::string sentence) { troubles_.push_back(std::move(sentence)); }

    /// Where the objects of the store lie; see StoreProvider::place. Errors: invalid_argument (the
    /// URL), unsupported (the scheme; the message names those that are known).
    [[nodiscard]] Result<std::string> place_of(std::string_view url) const;

    /// May block, but waits for no network: a remote store that is away opens too. Errors: those of
    /// place_of(), and those of the provider.
    [[nodiscard]] Result<std::unique_ptr<ObjectStore>> open(std::string_view url,
                                                            const StoreContext& context) const;

    /// See StoreProvider::rates.
    [[nodiscard]] StoreRates rates_of(std::string_view url,
                                      std::chrono::system_clock::time_point now) const;

  private:
    [[nodiscard]] Result<const StoreProvider*> provider_of(const StoreUrl& url) const;

    std::vector<StoreProvider> providers_;
    std::vector<std::string> troubles_;
};

/// With the providers that are part of the program, and the plug-ins that are installed
/// (store_plugins.h), which are loaded by the first call; see StoreRegistry. Any thread.
[[nodiscard]] Result<std::string> place_of_store(std::string_view url);
[[nodiscard]] StoreRates rates_of_store(std::string_view url,
                                        std::chrono::system_clock::time_point now);
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url,
                                                              const StoreContext& context);

}  // namespace tapeloft
