#include "cloud/sia/sia_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"
#include "cloud/base/percent.h"
#include "cloud/sia/sia_condition.h"
#include "cloud/sia/sia_errors.h"
#include "cloud/store/ranged_answer.h"
#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

using sia::Call;
using std::chrono::milliseconds;

constexpr std::size_t kAnswerMax = 64UL * 1024;        ///< bytes, of errors and single objects
constexpr std::size_t kSlabsAnswerMax = 16UL << 20U;   ///< bytes: every shard with its hosts
constexpr std::size_t kListAnswerMax = 4UL << 20U;     ///< bytes: 1,000 objects
constexpr std::uint64_t kSlabMax = 128UL << 20U;       ///< bytes: a pack is held in memory whole
constexpr std::uint64_t kPackWanted = 32UL << 20U;     ///< bytes
constexpr std::size_t kDigestInline = 64UL * 1024;     ///< bytes; more is done elsewhere
constexpr sia::UploadSettings kDefault{10, 30, true};  ///< of renterd on the main network
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{15000};

/// As many slabs as make about 32 MiB. Where renterd packs, what fills no slab would wait on its
/// disk; where it does not, it fills them up itself.
StoreCapabilities capabilities_of(const sia::UploadSettings& settings, std::size_t parallel) {
    const auto slab = settings.slab_size();
    StoreCapabilities capabilities;
    capabilities.best_object_size = slab * std::max<std::uint64_t>(1, kPackWanted / slab);
    capabilities.object_step = settings.packing ? slab : 1;
    capabilities.parallel = parallel;
    return capabilities;
}

bool is_whole(std::uint64_t size, const sia::UploadSettings& settings) {
    return size != 0 && size % settings.slab_size() == 0;
}

/// "v2.9.3"; a build without a number is believed to be a new one.
bool is_too_old(std::string_view version) {
    version.remove_prefix(version.starts_with('v') ? 1 : 0);
    unsigned major = 0;
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), major);
    const bool numbered = error == std::errc() && end != version.data() + version.size();
    return numbered && *end == '.' && major < 2;
}

std::string etag_of(const HttpResponse& response) {
    auto etag = std::string(response.header("etag").value_or(""));
    std::erase(etag, '"');
    return etag;
}

/// What a rate limit alone may make the largest packs take, all of them at once.
std::chrono::milliseconds rationed_time(const sia::Settings& settings) {
    const auto bytes = settings.parallel * kSlabMax;
    return std::max(settings.upload_rate_max.longest(bytes),
                    settings.download_rate_max.longest(bytes));
}

/// Whether a name can begin so.
bool is_beginning(std::string_view prefix) {
    return prefix.empty() || is_object_name(prefix) || is_object_name(std::string(prefix) + "a");
}

}  // namespace

HttpLimits SiaStore::http_limits() {
    return {.stall_time_max = std::chrono::minutes(2), .answer_time_max = std::chrono::minutes(15)};
}

Result<std::unique_ptr<SiaStore>> SiaStore::open(sia::Settings settings, StoreContext context,
                                                 Environment environment, HttpLimits limits,
                                                 RetryClock& clock) {
    if (!has_digest(DigestAlgorithm::md5)) {
        return Error{Errc::unsupported,
                     "renterd says by an MD5 what it has stored, and the OpenSSL of this machine "
                     "has none (it keeps to FIPS 140)"};
    }
    limits.parallel = settings.parallel;
    limits.upload_rate_max = settings.upload_rate_max;
    limits.download_rate_max = settings.download_rate_max;
    limits.ca_file = settings.ca_file;
    limits.total_time_max += rationed_time(settings);
    TL_TRY(auto engine, HttpEngine::start(std::move(limits), context.log));
    return std::unique_ptr<SiaStore>(new SiaStore(
        std::move(engine), std::move(settings), std::move(context), std::move(environment), clock));
}

SiaStore::SiaStore(std::unique_ptr<HttpEngine> engine, sia::Settings settings, StoreContext context,
                   Environment environment, RetryClock& clock)
    : engine_(std::move(engine)),
      client_(std::move(settings), *engine_, std::move(environment), context),
      context_(std::move(context)),
      clock_(clock),
      pauses_(clock),
      url_(sia::display_url(client_.settings())) {
    take_settings(kDefault);
    read_at_.reset();
}

void SiaStore::shut_down() {
    engine_->shut_down();
    pauses_.stop();
}

Awaitable<Result<StoreCondition>> SiaStore::condition() {
    return sia::ask_condition(client_);
}

void SiaStore::take_settings(const sia::UploadSettings& settings) {
    const std::lock_guard lock(mutex_);
    std::erase_if(told_, [&](const auto& each) {
        return each.min_shards == settings.min_shards && each.packing == settings.packing;
    });
    told_.insert(told_.begin(), settings);
    read_at_ = clock_.now();
    const auto [found, added] =
        known_capabilities_.try_emplace({settings.slab_size(), settings.packing},
                                        capabilities_of(settings, client_.settings().parallel));
    capabilities_ = &found->second;
}

sia::UploadSettings SiaStore::settings_for(std::size_t size) const {
    const std::lock_guard lock(mutex_);
    const auto& newest = told_.front();
    const auto fitting =
        std::ranges::find_if(told_, [size](const auto& each) { return is_whole(size, each); });
    if (fitting == told_.begin() || fitting == told_.end()) {
        return newest;
    }
    // What is wanted now is what there are contracts for.
    return {fitting->min_shards, std::max(newest.total_shards, fitting->min_shards + 1),
            fitting->packing};
}

/// Unless they have been read lately.
Awaitable<Result<void>> SiaStore::read_settings() {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = !read_at_;
        if (!first && clock_.now() - *read_at_ < kSettingsAge) {
            co_return Result<void>();
        }
    }
    if (first) {
        Call ask{.method = "GET", .path = "/bus/state"};
        TL_CO_TRY(const auto answer,
                  co_await client_.send_for_success(std::move(ask), "version of renterd"));
        TL_CO_TRY(const auto version, sia::parse_version(answer));
        if (is_too_old(version)) {
            co_return Error{Errc::unsupported,
                            "this renterd is of version 1, and its API is "
                            "another one: 2 or later is needed"};
        }
    }
    Call ask{.method = "GET", .path = "/bus/settings/upload"};
    TL_CO_TRY(const auto answer,
              co_await client_.send_for_success(std::move(ask), "upload settings of renterd"));
    TL_CO_TRY(const auto settings, sia::parse_upload_settings(answer));
    if (settings.slab_size() > kSlabMax) {
        co_return Error{Errc::io, "the redundancy settings of renterd make slabs of " +
                                      std::to_string(settings.slab_size() >> 20U) +
                                      " MiB; set minShards to 32 or less"};
    }
    take_settings(settings);
    co_return Result<void>();
}

Call SiaStore::call_of(std::string method, std::string_view route, std::string_view name) const {
    Call call;
    call.method = std::move(method);
    call.path = std::string(route) + percent_encoded(settings().prefix + std::string(name), "/");
    call.query = {{"bucket", settings().bucket}};
    return call;
}

Awaitable<Result<void>> SiaStore::put(std::string name, Buffer body, PutOptions options) {
    TL_CO_CHECK(check_put(name, body.size()));
    TL_CO_CHECK(check_tagless(name, options));
    TL_CO_CHECK(co_await read_settings());
    if (options.if_absent) {
        TL_CO_CHECK(co_await look_for(name));
    }
    const auto size = body.size();
    const auto settings = settings_for(size);
    const auto md5 = co_await md5_of(body);
    TL_CO_CHECK(co_await upload(name, std::move(body), settings, md5));
    if (settings.packing && !is_whole(size, settings)) {
        co_return Result<void>();
    }
    co_return co_await until_stored(std::move(name), size, md5);
}

/// The precondition of a put if absent.
Awaitable<Result<void>> SiaStore::look_for(std::string name) {
    const auto there = co_await facts_of(name, false);
    if (there) {
        co_return name_is_taken(name);
    }
    co_return there.error().code == Errc::not_found ? Result<void>() : there.error();
}

Awaitable<std::string> SiaStore::md5_of(Buffer body) {
    auto job = [body] {
        const std::array parts = {body.view()};
        return to_hex(digest(DigestAlgorithm::md5, parts));
    };
    if (body.size() <= kDigestInline) {
        co_return job();
    }
    auto cpu = context_.cpu;
    co_return co_await run_on(std::move(cpu), std::move(job));
}

/// The redundancy goes along, so that nobody who changes the settings meanwhile changes the slabs.
Awaitable<Result<void>> SiaStore::upload(std::string name, Buffer body,
                                         sia::UploadSettings settings, std::string md5) {
    auto call = call_of("PUT", "/worker/object/", name);
    call.query.emplace_back("minshards", std::to_string(settings.min_shards));
    call.query.emplace_back("totalshards", std::to_string(settings.total_shards));
    call.body = std::move(body);
    const auto what = "put " + name;
    TL_CO_TRY(const auto response, co_await client_.send_for_success(std::move(call), what));
    if (etag_of(response) != md5) {
        co_return Error{Errc::transient,
                        what + ": renterd has stored other bytes than it was sent"};
    }
    co_return Result<void>();
}

Awaitable<Result<void>> SiaStore::until_stored(std::string name, std::size_t size,
                                               std::string md5) {
    const auto begin = clock_.now();
    for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
        TL_CO_TRY(const auto facts, co_await facts_of(name, true));
        if (facts.size != size || facts.etag != md5) {
            co_return Error{Errc::transient,
                            "put " + name + ": another object has taken its place"};
        }
        if (facts.covered == size && facts.unstored == 0) {
            co_return Result<void>();
        }
        if (clock_.now() - begin > kSlabsPatience) {
            co_return Error{Errc::transient, "put " + name + ": of its " +
                                                 std::to_string(facts.slabs) + " slabs " +
                                                 std::to_string(facts.unstored) +
                                                 " are still on the disk of renterd and with no "
                                                 "host; look at its alerts"};
        }
        if (!co_await pauses_.pause(pause)) {
            co_return Error{Errc::cancelled, "put " + name + ": cancelled, the store is closing"};
        }
    }
}

/// Why there is no such object.
Awaitable<Error> SiaStore::missing(std::string name) {
    const auto bucket = co_await client_.find_bucket();
    co_return bucket ? no_such_object(name) : bucket.error();
}

/// Errors: not_found.
Awaitable<Result<sia::ObjectFacts>> SiaStore::facts_of(std::string name, bool with_slabs) {
    auto call = call_of("GET", "/bus/object/", name);
    if (!with_slabs) {
        call.query.emplace_back("onlymetadata", "true");
    }
    call.response_max = with_slabs ? kSlabsAnswerMax : kAnswerMax;
    TL_CO_TRY(const auto response, co_await client_.send(std::move(call)));
    if (sia::is_no_object(response)) {
        co_return co_await missing(std::move(name));
    }
    if (!sia::is_success(response)) {
        co_return sia::error_of(response, "head " + name);
    }
    co_return sia::parse_object(response);
}

Awaitable<Result<ObjectInfo>> SiaStore::head(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_TRY(const auto facts, co_await facts_of(name, false));
    // A daemon begins with a head: the first packs then have the right size.
    static_cast<void>(co_await read_settings());
    co_return ObjectInfo{std::move(name), facts.size};
}

Awaitable<Result<Buffer>> SiaStore::get(std::string name, ByteRange range) {
    TL_CO_CHECK(check_object_name(name));
    if (range.offset == 0 && !range.length) {
        co_return co_await get_whole(std::move(name));
    }
    const bool beyond =
        range.offset > kObjectSizeMax || range.length.value_or(0) > kObjectSizeMax - range.offset;
    if (!range.length || range.length == 0U ||
        beyond) {  // which renterd refuses or has no way to say
        TL_CO_TRY(const auto facts, co_await facts_of(name, false));
        TL_CO_TRY(range.length, length_of_range(range, facts.size, name));
        if (range.length == 0U) {
            co_return Buffer();
        }
    }
    co_return co_await get_range(std::move(name), range);
}

Awaitable<Result<Buffer>> SiaStore::get_whole(std::string name) {
    auto call = call_of("GET", "/worker/object/", name);
    call.response_max = kObjectSizeMax;
    TL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    const auto what = "get " + name;
    if (sia::is_no_object(response)) {
        co_return co_await missing(std::move(name));
    }
    if (!sia::is_success(response)) {
        co_return sia::error_of(response, what);
    }
    // A body without a length ends when the connection does, wherever that is.
    if (response.status != 200 || content_length(response) != response.body.size()) {
        co_return Error{Errc::transient, what + ": renterd's answer is not the whole object"};
    }
    co_return std::move(response.body);
}

/// A closed range: renterd refuses all others, and those that pass the end.
Awaitable<Result<Buffer>> SiaStore::get_range(std::string name, ByteRange range) {
    auto call = call_of("GET", "/worker/object/", name);
    call.headers.push_back({"range", range_header(range)});
    call.response_max = std::max<std::size_t>(*range.length, kAnswerMax);
    TL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    const auto what = "get " + name;
    if (sia::is_no_object(response)) {
        co_return co_await missing(std::move(name));
    }
    if (response.status == 400 || response.status == 416) {
        TL_CO_TRY(const auto facts, co_await facts_of(name, false));
        TL_CO_CHECK(length_of_range(range, facts.size, name));
        co_return sia::error_of(response, what);
    }
    if (!sia::is_success(response)) {
        co_return sia::error_of(response, what);
    }
    if (response.status != 206) {
        co_return Error{Errc::transient, what + ": renterd answers a range with something else"};
    }
    co_return checked_part(std::move(response), range, name);
}

Awaitable<Result<ObjectPage>> SiaStore::list(std::string prefix, std::string after,
                                             std::size_t limit) {
    TL_CO_CHECK(check_list(limit));
    ObjectPage page;
    if (!is_beginning(prefix)) {
        co_return page;
    }
    const auto root = "/" + settings().prefix;
    auto marker = after.empty() ? std::string() : root + after;
    do {
        TL_CO_TRY(const auto list, co_await list_keys(prefix, marker, limit - page.objects.size()));
        for (const auto& row : list.objects) {
            if (!row.key.starts_with(root + prefix)) {
                continue;
            }
            auto name = row.key.substr(root.size());
            if (name > after && is_object_name(name)) {  // what is none is passed over
                page.objects.push_back({std::move(name), row.size});
            }
        }
        page.more = list.more;
        marker = list.objects.empty() ? marker : list.objects.back().key;
    } while (page.more && page.objects.size() < limit);
    co_return page;
}

/// One request: at most `limit` keys behind `marker`, in order.
Awaitable<Result<sia::ObjectList>> SiaStore::list_keys(std::string prefix, std::string marker,
                                                       std::size_t limit) {
    auto call = call_of("GET", "/bus/objects/", prefix);
    call.query.emplace_back("limit", std::to_string(limit));
    if (!marker.empty()) {
        call.query.emplace_back("marker", marker);
    }
    call.query.emplace_back("sortby", "name");
    call.query.emplace_back("sortdir", "asc");
    call.response_max = kListAnswerMax;
    TL_CO_TRY(const auto response, co_await client_.send_for_success(std::move(call), "list"));
    TL_CO_TRY(auto list, sia::parse_objects(response));
    const auto not_rising = [](const auto& a, const auto& b) { return a.key >= b.key; };
    const auto& objects = list.objects;
    if (objects.size() > limit ||
        std::ranges::adjacent_find(objects, not_rising) != objects.end() ||
        (list.more && (objects.empty() || objects.back().key <= marker))) {
        co_return Error{Errc::transient, "list: renterd's answer is not what was asked for"};
    }
    if (objects.empty()) {
        TL_CO_CHECK(co_await client_.find_bucket());
    }
    co_return list;
}

Awaitable<Result<void>> SiaStore::remove(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_TRY(const auto response,
              co_await client_.send(call_of("DELETE", "/worker/object/", name)));
    if (sia::is_no_object(response)) {
        co_return co_await client_.find_bucket();
    }
    if (!sia::is_success(response)) {
        co_return sia::error_of(response, "remove " + name);
    }
    co_return Result<void>();
}

}  // namespace tapeloft
