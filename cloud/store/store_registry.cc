#include "cloud/store/store_registry.h"

#include <algorithm>
#include <utility>

#include "cloud/s3/s3_settings.h"
#include "cloud/s3/s3_store.h"
#include "cloud/store/file_store.h"

namespace tapeloft {
namespace {

Result<std::unique_ptr<ObjectStore>> open_file_store(const StoreUrl& url,
                                                     const StoreContext& context) {
    if (!url.authority.empty() || url.path.empty()) {
        return Error{Errc::invalid_argument,
                     "a file store is file:// and an absolute path, as in file:///srv/tapeloft"};
    }
    if (!url.options.empty()) {
        return Error{Errc::invalid_argument, "a file store has no option \"" +
                                                 url.options.begin()->first +
                                                 "\"; a \"?\" in a path is written as %3F"};
    }
    TL_TRY(auto store, FileStore::open(url.path, context.disk));
    return std::unique_ptr<ObjectStore>(std::move(store));
}

Result<std::unique_ptr<ObjectStore>> open_s3_store(const StoreUrl& url,
                                                   const StoreContext& context) {
    TL_TRY(auto settings, s3::settings_of(url));
    TL_TRY(auto store, S3Store::open(std::move(settings), context.disk));
    return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace

StoreRegistry StoreRegistry::built_in() {
    StoreRegistry registry;
    registry.providers_ = {
        {"file", "file:///srv/tapeloft", open_file_store},
        {"s3", "s3://bucket/prefix?endpoint=https://host&region=name", open_s3_store},
    };
    return registry;
}

Result<void> StoreRegistry::add(StoreProvider provider) {
    const auto same = [&](const StoreProvider& row) { return row.scheme == provider.scheme; };
    if (std::any_of(providers_.begin(), providers_.end(), same)) {
        return Error{Errc::already_exists,
                     "there is a provider of " + provider.scheme + ":// stores already"};
    }
    providers_.push_back(std::move(provider));
    return {};
}

Result<std::unique_ptr<ObjectStore>> StoreRegistry::open(std::string_view url,
                                                         const StoreContext& context) const {
    TL_TRY(const auto parsed, parse_store_url(url));
    std::string known;
    for (const auto& provider : providers_) {
        if (provider.scheme == parsed.scheme) {
            return provider.open(parsed, context);
        }
        known += (known.empty() ? "" : ", ") + provider.scheme + " (" + provider.example + ")";
    }
    return Error{Errc::unsupported,
                 "there is no store of scheme \"" + parsed.scheme + "\"; known are: " + known};
}

Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url, const StoreContext& context) {
    return StoreRegistry::built_in().open(url, context);
}

}  // namespace tapeloft
