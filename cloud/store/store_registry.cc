#include "cloud/store/store_registry.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <utility>

#include "cloud/s3/s3_settings.h"
#include "cloud/s3/s3_store.h"
#include "cloud/sia/sia_settings.h"
#include "cloud/sia/sia_store.h"
#include "cloud/store/file_store.h"
#include "cloud/store/retrying_store.h"
#include "cloud/store/store_plugins.h"

namespace tapeloft {
namespace {

/// Calls of the archive are repeated by the archive, which tells people of it: these few attempts
/// only spare them the trouble of a moment.
constexpr RetryLimits kRetries{.attempts_max = 5,
                               .pause_min = std::chrono::milliseconds(200),
                               .pause_max = std::chrono::seconds(5),
                               .time_max = std::chrono::seconds(15),
                               .once_more = false};
/// A host that reads gives up after 600 s; 240 s and one attempt more are well within that.
/// (Uploads do not hold it up: HttpLimits::parallel.) Keys that are renewed in the store first are
/// in the file within a minute; a person who waits for what only stays denied should not wait more.
constexpr RetryLimits kPatientRetries{.attempts_max = 1000,
                                      .pause_min = std::chrono::milliseconds(200),
                                      .pause_max = std::chrono::seconds(20),
                                      .time_max = std::chrono::seconds(240),
                                      .denied_time_max = std::chrono::seconds(60)};

/// Of a store that others can be asked instead of.
constexpr RetryLimits kFewRetries{.attempts_max = 3,
                                  .pause_min = std::chrono::milliseconds(100),
                                  .pause_max = std::chrono::seconds(1),
                                  .time_max = std::chrono::seconds(2),
                                  .once_more = false};

Result<std::string> place_of_file_store(const StoreUrl& url) {
    if (!url.authority.empty() || url.path.size() < 2) {
        return Error{Errc::invalid_argument,
                     "a file store is file:// and an absolute path, as in file:///srv/tapeloft"};
    }
    if (!url.options.empty()) {
        return Error{Errc::invalid_argument, "a file store has no option \"" +
                                                 url.options.begin()->first +
                                                 "\"; a \"?\" in a path is written as %3F"};
    }
    return "file:" + (std::filesystem::path(url.path) / "").lexically_normal().string();
}

Result<std::unique_ptr<ObjectStore>> open_file_store(const StoreUrl& url,
                                                     const StoreContext& context) {
    TL_CHECK(place_of_file_store(url));
    TL_TRY(auto store, FileStore::open(url.path, context.disk));
    return std::unique_ptr<ObjectStore>(std::move(store));
}

Result<std::string> place_of_s3_store(const StoreUrl& url) {
    TL_TRY(const auto settings, s3::settings_of(url));
    return "s3:" + settings.host + "/" + settings.bucket + "/" + settings.prefix;
}

/// settings: of any provider whose rates are timetables.
template <typename Settings>
StoreRates rates_at(const Result<Settings>& settings, std::chrono::system_clock::time_point now) {
    const auto minute = local_minute_of_week(now);
    return settings ? StoreRates{settings->upload_rate_max.rate_at(minute),
                                 settings->download_rate_max.rate_at(minute)}
                    : StoreRates();
}

StoreRates rates_of_s3_store(const StoreUrl& url, std::chrono::system_clock::time_point now) {
    return rates_at(s3::settings_of(url), now);
}

Result<std::unique_ptr<ObjectStore>> open_s3_store(const StoreUrl& url,
                                                   const StoreContext& context) {
    TL_TRY(auto settings, s3::settings_of(url));
    TL_TRY(auto store, S3Store::open(std::move(settings), context));
    return std::unique_ptr<ObjectStore>(std::move(store));
}

Result<std::string> place_of_sia_store(const StoreUrl& url) {
    TL_TRY(const auto settings, sia::settings_of(url));
    return "sia:" + settings.endpoint + "/" + settings.bucket + "/" + settings.prefix;
}

StoreRates rates_of_sia_store(const StoreUrl& url, std::chrono::system_clock::time_point now) {
    return rates_at(sia::settings_of(url), now);
}

Result<std::unique_ptr<ObjectStore>> open_sia_store(const StoreUrl& url,
                                                    const StoreContext& context) {
    TL_TRY(auto settings, sia::settings_of(url));
    TL_TRY(auto store, SiaStore::open(std::move(settings), context));
    return std::unique_ptr<ObjectStore>(std::move(store));
}

const StoreRegistry& installed() {
    static const StoreRegistry registry = [] {
        auto made = StoreRegistry::built_in();
        for (auto& trouble : load_store_plugins(made, store_plugin_folder())) {
            made.note_trouble(std::move(trouble));
        }
        return made;
    }();
    return registry;
}

}  // namespace

StoreRegistry StoreRegistry::built_in() {
    StoreRegistry registry;
    registry.providers_ = {
        {"file", "file:///srv/tapeloft", false, place_of_file_store, open_file_store},
        {"s3", "s3://bucket/prefix?endpoint=https://host&region=name", true, place_of_s3_store,
         open_s3_store, rates_of_s3_store},
        {"sia", "sia://bucket/prefix?endpoint=http://localhost:9980", true, place_of_sia_store,
         open_sia_store, rates_of_sia_store},
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

Result<const StoreProvider*> StoreRegistry::provider_of(const StoreUrl& url) const {
    std::string known;
    for (const auto& provider : providers_) {
        if (provider.scheme == url.scheme) {
            return &provider;
        }
        known += (known.empty() ? "" : ", ") + provider.scheme + " (" + provider.example + ")";
    }
    std::string troubles;
    for (const auto& trouble : troubles_) {
        troubles += "; " + trouble;
    }
    return Error{Errc::unsupported, "there is no store of scheme \"" + url.scheme +
                                        "\"; known are: " + known + troubles};
}

Result<std::string> StoreRegistry::place_of(std::string_view url) const {
    TL_TRY(const auto parsed, parse_store_url(url));
    TL_TRY(const auto* const provider, provider_of(parsed));
    return provider->place(parsed);
}

Result<std::unique_ptr<ObjectStore>> StoreRegistry::open(std::string_view url,
                                                         const StoreContext& context) const {
    return open(url, context, {kPatientRetries, kRetries});
}

Result<std::unique_ptr<ObjectStore>> StoreRegistry::open(
    std::string_view url, const StoreContext& context, const RetryingStore::Limits& limits) const {
    TL_TRY(const auto parsed, parse_store_url(url));
    TL_TRY(const auto* const provider, provider_of(parsed));
    auto store = provider->open(parsed, context);
    if (!store || !provider->remote) {
        return store;
    }
    return std::unique_ptr<ObjectStore>(
        std::make_unique<RetryingStore>(std::shared_ptr<ObjectStore>(std::move(*store)), limits,
                                        std::random_device()(), steady_retry_clock(), context.log));
}

/// Where one member fails another is asked, and a change goes on without it where enough are left:
/// patience comes when all of them have failed, or one that is needed.
Result<OpenedStore> StoreRegistry::open(std::span<const std::string> urls,
                                        const StoreContext& context, MirrorParts choice) const {
    if (urls.size() == 1) {
        TL_TRY(auto only, open(urls.front(), context));
        return OpenedStore{std::move(only), nullptr};
    }
    auto of_member = context;
    of_member.in_mirror = true;
    const auto& changes = choice.required == urls.size() ? kRetries : kFewRetries;
    for (const auto& url : urls) {
        TL_TRY(auto member, open(url, of_member, {kFewRetries, changes}));
        choice.members.push_back(std::move(member));
    }
    OpenedStore opened;
    opened.mirror = std::make_shared<MirrorStore>(std::move(choice));
    const RetryingStore::Limits limits{kPatientRetries, kRetries};
    opened.store = std::make_shared<RetryingStore>(opened.mirror, limits, std::random_device()(),
                                                   steady_retry_clock(), context.log);
    return opened;
}

StoreRates StoreRegistry::rates_of(std::string_view url,
                                   std::chrono::system_clock::time_point now) const {
    const auto parsed = parse_store_url(url);
    if (!parsed) {
        return {};
    }
    const auto provider = provider_of(*parsed);
    return provider && (*provider)->rates ? (*provider)->rates(*parsed, now) : StoreRates();
}

StoreRates rates_of_store(std::string_view url, std::chrono::system_clock::time_point now) {
    return installed().rates_of(url, now);
}

Result<std::string> place_of_store(std::string_view url) {
    return installed().place_of(url);
}

Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url, const StoreContext& context) {
    return installed().open(url, context);
}

Result<OpenedStore> open_stores(std::span<const std::string> urls, const StoreContext& context,
                                MirrorParts choice) {
    return installed().open(urls, context, std::move(choice));
}

}  // namespace tapeloft
