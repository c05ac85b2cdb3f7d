#include "cloud/s3/s3_store.h"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "cloud/base/digest.h"
#include "cloud/base/timestamps.h"
#include "cloud/s3/s3_archive.h"
#include "cloud/s3/s3_capabilities.h"
#include "cloud/s3/s3_multipart.h"
#include "cloud/s3/s3_objects.h"
#include "cloud/s3/s3_xml.h"
#include "cloud/store/ranged_answer.h"
#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

using s3::Call;
using s3::key_of;

constexpr std::size_t kAnswerMax = 64UL * 1024;     ///< bytes, of errors
constexpr std::size_t kListAnswerMax = 8UL << 20U;  ///< bytes: 1,000 keys of 1,024, all encoded
constexpr std::size_t kKeyMax = 1024;               ///< bytes
constexpr unsigned kVersionsMax = 1000;             ///< of one name

/// What a rate limit alone may make the largest bodies take, all of them at once.
std::chrono::milliseconds rationed_time(const s3::Settings& settings) {
    const auto bytes = static_cast<std::uint64_t>(settings.parallel) * settings.multipart_threshold;
    return std::max(settings.upload_rate_max.longest(bytes),
                    settings.download_rate_max.longest(bytes));
}

Call call_of(std::string method, std::string key) {
    Call call;
    call.method = std::move(method);
    call.key = std::move(key);
    return call;
}

}  // namespace

Result<std::unique_ptr<S3Store>> S3Store::open(s3::Settings settings, StoreContext context,
                                               s3::Environment environment, HttpLimits limits,
                                               RetryClock& clock) {
    limits.parallel = settings.parallel;
    limits.upload_rate_max = settings.upload_rate_max;
    limits.download_rate_max = settings.download_rate_max;
    limits.ca_file = settings.ca_file;
    limits.total_time_max += rationed_time(settings);
    limits = context.in_mirror ? with_less_patience(std::move(limits)) : std::move(limits);
    TL_TRY(auto engine, HttpEngine::start(std::move(limits), context.log));
    return std::unique_ptr<S3Store>(new S3Store(std::move(engine), std::move(settings),
                                                std::move(context), std::move(environment), clock));
}

S3Store::S3Store(std::unique_ptr<HttpEngine> engine, s3::Settings settings, StoreContext context,
                 s3::Environment environment, RetryClock& clock)
    : log_(context.log),
      disk_(context.disk),
      shared_(share(std::move(engine), std::move(settings), std::move(environment),
                    std::move(context))),
      client_(shared_->client),
      pauses_(clock),
      assumed_{.parallel = client_.settings().parallel,
               .wants_sha256 = client_.settings().sign_payload},
      url_(s3::display_url(client_.settings())) {}

std::shared_ptr<S3Store::Shared> S3Store::share(std::unique_ptr<HttpEngine> engine,
                                                s3::Settings settings, s3::Environment environment,
                                                StoreContext context) {
    auto& sender = *engine;
    return std::shared_ptr<Shared>(
        new Shared{std::move(engine),
                   {std::move(settings), sender, std::move(environment), std::move(context)}});
}

S3Store::~S3Store() {
    shared_->engine->end();
}

Awaitable<Result<void>> S3Store::prepare() {
    auto job = [this] { return find_out(); };
    co_return co_await prepared_.run(job);
}

Awaitable<Result<void>> S3Store::find_out() {
    TL_CO_TRY(found_, co_await s3::find_capabilities(client_));
    capabilities_ = &found_.capabilities;
    tell_of_versions();
    sweep();
    co_return Result<void>();
}

/// What was younger than a day, or could not be reached, when it was last looked: the next day's
/// first put.
void S3Store::sweep() {
    const auto now = client_.now_unix_s();
    auto due = shared_->sweep_due_unix_s.load();
    if (now < due || !shared_->sweep_due_unix_s.compare_exchange_strong(due, kUnderWay)) {
        return;
    }
    auto job = [](std::shared_ptr<Shared> shared, std::int64_t begun_unix_s) -> Awaitable<void> {
        static_cast<void>(co_await s3::abort_leftovers(shared->client));
        shared->sweep_due_unix_s = begun_unix_s + s3::kLeftAfter_s;
    };
    boost::asio::co_spawn(disk_, job(shared_, now), boost::asio::detached);
}

void S3Store::tell_of_versions() const {
    if (log_ != nullptr && capabilities().keeps_removed) {
        log_->warning("store",
                      "The bucket keeps old versions: what is removed or replaced stays there, "
                      "unseen, and is billed until a lifecycle rule ends it.",
                      {{"store", url_},
                       {"rule", "NoncurrentVersionExpiration with ExpiredObjectDeleteMarker"}});
    }
}

std::optional<std::chrono::seconds> S3Store::clock_ahead() const {
    const auto ahead = client_.clock_ahead_s();
    return ahead ? std::optional(std::chrono::seconds(*ahead)) : std::nullopt;
}

Awaitable<Result<void>> S3Store::put(std::string name, Buffer body, PutOptions options) {
    TL_CO_CHECK(check_put(name, body.size()));
    TL_CO_CHECK(co_await prepare());
    sweep();
    TL_CO_CHECK(co_await look_before_put(name, options));
    if (body.size() > settings().multipart_threshold && !condition_of(options)) {
        co_return co_await s3::put_in_parts(client_, pauses_, std::move(name), std::move(body));
    }
    co_return co_await put_whole(std::move(name), std::move(body), options);
}

/// Where the store has no such condition: no fence, and better than nothing.
Awaitable<Result<void>> S3Store::look_before_put(std::string name, PutOptions options) {
    const bool wanted = options.if_absent || !options.if_match.empty();
    if (!wanted || condition_of(options)) {
        co_return Result<void>();
    }
    const auto there = co_await head(name);
    if (!there && there.error().code != Errc::not_found) {
        co_return there.error();
    }
    if (options.if_absent && there) {
        co_return name_is_taken(name);
    }
    if (!options.if_absent && (!there || there->tag != options.if_match)) {
        co_return object_has_changed(name);
    }
    co_return Result<void>();
}

/// Unset: none is wanted, or the store does not hold to it.
std::optional<HttpHeader> S3Store::condition_of(const PutOptions& options) const {
    if (options.if_absent && capabilities().put_if_absent) {
        return HttpHeader{"if-none-match", "*"};
    }
    if (!options.if_match.empty() && capabilities().put_if_match) {
        const std::string tag(options.if_match.text());
        return HttpHeader{"if-match", found_.bare_tags ? tag : "\"" + tag + "\""};
    }
    return std::nullopt;
}

Awaitable<Result<void>> S3Store::put_whole(std::string name, Buffer body, PutOptions options) {
    auto call = call_of("PUT", key_of(settings(), name));
    call.headers = s3::headers_of_new(settings(), name, client_.now_unix_s());
    call.body = std::move(body);
    call.sha256 = options.sha256;
    call.with_md5 = !settings().variant->checks_sha256 || s3::is_locked(settings(), name);
    const auto condition = condition_of(options);
    if (condition) {
        call.headers.push_back(*condition);
    }
    TL_CO_TRY(const auto response, co_await client_.send(std::move(call)));
    if (s3::is_success(response)) {
        co_return Result<void>();
    }
    const auto refusal = s3::refusal_of(response);
    if (condition && response.status == 412) {
        co_return options.if_absent ? name_is_taken(name) : object_has_changed(name);
    }
    if (condition && !options.if_absent && refusal.code == "NoSuchKey") {
        co_return object_has_changed(name);
    }
    auto error = s3::error_of(refusal, "put " + name);
    if (response.status == 400 && !settings().encryption.empty() && settings().scheme == "http") {
        error.message += " (sse is set, which most servers take over https only)";
    }
    co_return error;
}

Awaitable<Error> S3Store::refused(HttpResponse response, std::string what, std::string name) {
    const auto refusal = s3::refusal_of(response);
    if (refusal.code != "NoSuchKey") {
        co_return s3::error_of(refusal, what);
    }
    if (!s3::is_locked(settings(), name)) {
        co_return no_such_object(name);
    }
    const auto hidden = co_await has_hidden_version(name);
    if (!hidden) {
        co_return hidden.error();
    }
    co_return *hidden ? Error{Errc::corrupt, "a delete marker hides the locked object " + name +
                                                 ": somebody removed it, and its versions are "
                                                 "still in the bucket"}
                      : no_such_object(name);
}

/// Not every store says x-amz-delete-marker with its 404.
Awaitable<Result<bool>> S3Store::has_hidden_version(std::string name) {
    const auto key = key_of(settings(), name);
    auto call = call_of("GET", "");
    call.query = {{"versions", ""}, {"prefix", key}, {"max-keys", "100"}};
    call.response_max = kListAnswerMax;
    auto what = "versions of " + name;
    TL_CO_TRY(const auto response,
              co_await client_.send_for_success(std::move(call), std::move(what)));
    co_return s3::parse_has_version(response.body.view(), key);
}

Awaitable<Result<Buffer>> S3Store::get(std::string name, ByteRange range) {
    TL_CO_CHECK(check_object_name(name));
    const bool beyond =
        range.offset > kObjectSizeMax || range.length.value_or(0) > kObjectSizeMax - range.offset;
    if (beyond || range.length == 0U) {
        co_return co_await get_nothing(std::move(name), range);
    }
    if (range.offset == 0 && !range.length) {
        co_return co_await get_whole(std::move(name));
    }
    co_return co_await get_range(std::move(name), range);
}

Awaitable<Result<Buffer>> S3Store::get_whole(std::string name) {
    auto call = call_of("GET", key_of(settings(), name));
    call.response_max = kObjectSizeMax;
    auto what = "get " + name;
    TL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    if (!s3::is_success(response)) {
        co_return co_await refused(std::move(response), what, name);
    }
    // A body without a length ends when the connection does, wherever that is.
    if (response.status != 200 || content_length(response) != response.body.size()) {
        co_return Error{Errc::transient, what + ": the store's answer is not the whole object"};
    }
    co_return std::move(response.body);
}

Awaitable<Result<Buffer>> S3Store::get_range(std::string name, ByteRange range) {
    auto call = call_of("GET", key_of(settings(), name));
    call.headers.push_back({"range", range_header(range)});
    call.response_max = std::max<std::size_t>(range.length.value_or(kObjectSizeMax), kAnswerMax);
    TL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    if (response.status == 416) {  // begins at the end or behind it
        co_return co_await get_nothing(std::move(name), range);
    }
    if (response.status == 200) {
        co_return Error{Errc::unsupported,
                        "get " + name + ": the store answers a range with the whole object"};
    }
    if (!s3::is_success(response)) {
        co_return co_await refused(std::move(response), "get " + name, name);
    }
    co_return checked_part(std::move(response), range, name);
}

Awaitable<Result<Buffer>> S3Store::get_nothing(std::string name, ByteRange range) {
    TL_CO_TRY(const auto info, co_await head(name));
    TL_CO_TRY(const auto length, length_of_range(range, info.size, name));
    if (length != 0) {
        co_return Error{Errc::transient, "get " + name + ": the object is being replaced"};
    }
    co_return Buffer();
}

/// The answer where the object is there.
Awaitable<Result<HttpResponse>> S3Store::ask_head(std::string name) {
    TL_CO_TRY(auto response, co_await client_.send(call_of("HEAD", key_of(settings(), name))));
    if (s3::is_success(response)) {
        co_return response;
    }
    if (response.status == 400 || response.status == 403 || response.status == 404) {
        co_return co_await reason_of(std::move(response), std::move(name));
    }
    co_return s3::error_of(s3::refusal_of(response), "head " + name);
}

/// An answer to HEAD has no body, so no code: is it the object or the bucket, the key or its
/// secret? A GET of one byte is told.
Awaitable<Error> S3Store::reason_of(HttpResponse head, std::string name) {
    auto call = call_of("GET", key_of(settings(), name));
    call.headers.push_back({"range", "bytes=0-0"});
    auto reason = co_await client_.send(std::move(call));
    if (!reason) {
        co_return reason.error();
    }
    if (!s3::is_success(*reason) && reason->status != 416) {  // one without a first byte
        co_return co_await refused(*std::move(reason), "head " + name, name);
    }
    co_return head.status == 404
        ? Error{Errc::transient, "head " + name + ": the object has just been put"}
        : s3::error_of(s3::refusal_of(head), "head " + name);
}

Awaitable<Result<ObjectInfo>> S3Store::head(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    TL_CO_TRY(const auto response, co_await ask_head(name));
    const auto size = content_length(response);
    if (!size) {
        co_return Error{Errc::transient, "head " + name + ": the store tells no length"};
    }
    co_return ObjectInfo{std::move(name), *size, ObjectTag(s3::etag_of(response))};
}

std::optional<std::chrono::seconds> S3Store::recall_time(std::string_view name) const {
    const auto* const storage_class = value_for(settings().classes, name);
    const auto by_class = storage_class == nullptr
                              ? std::nullopt
                              : s3::restore_time(*storage_class, settings().restore.tier);
    const std::chrono::seconds met(archived_s_.load());
    return by_class || met.count() == 0 ? by_class : std::optional(met);
}

Awaitable<Result<RecallState>> S3Store::recall(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    if (archives_nothing_) {
        co_return RecallState::available;
    }
    TL_CO_TRY(const auto response, co_await ask_head(name));
    const auto state = s3::archive_state_of(response);
    if (const auto time =
            s3::restore_time(state.archive, s3::restore_tier(state.archive, settings()))) {
        archived_s_ = std::max<std::int64_t>(archived_s_, time->count());
    }
    if (state.restoring) {
        co_return RecallState::under_way;
    }
    constexpr std::int64_t kHalfADay_s = 43200;
    const auto enough = client_.now_unix_s() + settings().restore.days * kHalfADay_s;
    if (state.archive.empty() || state.readable_until_s.value_or(0) > enough) {
        co_return RecallState::available;
    }
    co_return co_await restore(std::move(name), state.archive);
}

/// By the store's clock, as it was set and as it is compared.
Awaitable<Result<std::optional<std::int64_t>>> S3Store::retained_until(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    if (!s3::is_locked(settings(), name)) {
        co_return std::optional<std::int64_t>();
    }
    const auto response = co_await ask_head(name);
    if (!response && response.error().code == Errc::not_found) {
        co_return std::optional<std::int64_t>();
    }
    if (!response) {
        co_return response.error();
    }
    const auto date = response->header("x-amz-object-lock-retain-until-date");
    const auto until = date ? parse_iso_time(*date) : std::nullopt;
    co_return until&&* until > client_.now_unix_s() ? until : std::nullopt;
}

/// Begins it, or lets a copy that is there stay longer.
Awaitable<Result<RecallState>> S3Store::restore(std::string name, std::string archive) {
    const auto text = s3::restore_body(archive, settings());
    auto call = call_of("POST", key_of(settings(), name));
    call.query = {{"restore", ""}};
    call.body = Buffer::copy_of(as_bytes(text));
    call.with_md5 = true;
    TL_CO_TRY(const auto response, co_await client_.send(std::move(call)));
    if (s3::is_success(response)) {
        constexpr int kAccepted = 202;
        co_return response.status == kAccepted ? RecallState::under_way : RecallState::available;
    }
    auto error = s3::error_of(s3::refusal_of(response), "restore " + name);
    if (error.code == Errc::busy) {
        co_return RecallState::under_way;
    }
    if (error.code == Errc::unsupported) {  // a class by name only: such stores always serve it
        archives_nothing_ = true;
        co_return RecallState::available;
    }
    co_return error;
}

Awaitable<Result<ObjectPage>> S3Store::list(std::string prefix, std::string after,
                                            std::size_t limit) {
    TL_CO_CHECK(check_list(limit));
    ObjectPage page;
    auto start = after.empty() ? std::string() : key_of(settings(), after);
    do {
        auto wanted = limit - page.objects.size();
        TL_CO_TRY(const auto keys, co_await list_keys(key_of(settings(), prefix), start, wanted));
        for (const auto& row : keys.keys) {
            auto name = row.key.substr(settings().prefix.size());
            if (name > after && is_object_name(name)) {  // what is none is passed over
                page.objects.push_back({std::move(name), row.size});
            }
        }
        page.more = keys.truncated;
        start = keys.keys.empty() ? start : keys.keys.back().key;
    } while (page.more && page.objects.size() < limit);
    co_return page;
}

/// One request: at most `limit` whole keys behind `start`, in order.
Awaitable<Result<s3::ListedKeys>> S3Store::list_keys(std::string prefix, std::string start,
                                                     std::size_t limit) {
    auto call = call_of("GET", "");
    call.query = {{"list-type", "2"},
                  {"encoding-type", "url"},
                  {"max-keys", std::to_string(limit)},
                  {"prefix", prefix}};
    if (!start.empty()) {
        call.query.emplace_back("start-after", start.substr(0, kKeyMax));
    }
    call.response_max = kListAnswerMax;
    TL_CO_TRY(const auto response, co_await client_.send_for_success(std::move(call), "list"));
    TL_CO_TRY(auto list, s3::parse_list(response.body.view()));
    const auto& keys = list.keys;
    const auto foreign = [&](const auto& row) { return !row.key.starts_with(prefix); };
    const auto in_order = [](const auto& a, const auto& b) { return a.key < b.key; };
    const auto not_rising = [&](const auto& a, const auto& b) { return !in_order(a, b); };
    if (keys.size() > limit || std::any_of(keys.begin(), keys.end(), foreign) ||
        std::adjacent_find(keys.begin(), keys.end(), not_rising) != keys.end() ||
        (list.truncated && (keys.empty() || keys.back().key <= start))) {
        co_return Error{Errc::transient, "list: the store's answer is not what was asked for"};
    }
    co_return list;
}

Awaitable<Result<void>> S3Store::remove(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    if (!settings().locks.empty()) {
        co_return co_await remove_versions(std::move(name));
    }
    TL_CO_TRY(const auto response,
              co_await client_.send(call_of("DELETE", key_of(settings(), name))));
    const auto refusal = s3::refusal_of(response);
    if (!s3::is_success(response) && refusal.code != "NoSuchKey") {
        co_return s3::error_of(refusal, "remove " + name);
    }
    co_return Result<void>();
}

Awaitable<Result<void>> S3Store::remove_many(std::vector<std::string> names) {
    constexpr std::size_t kAtOnce = 1000;
    for (const auto& name : names) {
        TL_CO_CHECK(check_object_name(name));
    }
    while (!names.empty()) {
        if (!settings().locks.empty() || one_by_one_ || names.size() == 1) {
            co_return co_await ObjectStore::remove_many(std::move(names));
        }
        const auto rest =
            names.begin() + static_cast<std::ptrdiff_t>(std::min(kAtOnce, names.size()));
        std::vector<std::string> batch(names.begin(), rest);
        TL_CO_TRY(const auto done, co_await remove_batch(std::move(batch)));
        if (done) {
            names.erase(names.begin(), rest);
        } else {
            one_by_one_ = true;
        }
    }
    co_return Result<void>();
}

/// False: the store, or this machine, does not know how.
Awaitable<Result<bool>> S3Store::remove_batch(std::vector<std::string> names) {
    if (!has_digest(DigestAlgorithm::md5)) {
        co_return false;  // one by one needs none
    }
    for (auto& name : names) {
        name = key_of(settings(), name);
    }
    const auto text = s3::delete_body(names);
    auto call = call_of("POST", "");
    call.query = {{"delete", ""}};
    call.body = Buffer::copy_of(as_bytes(text));
    call.with_md5 = true;
    call.response_max = kListAnswerMax;
    TL_CO_TRY(const auto response, co_await client_.send(std::move(call)));
    if (s3::is_success(response)) {
        TL_CO_CHECK(s3::parse_deleted(response.body.view()));
        co_return true;
    }
    auto error = s3::error_of(s3::refusal_of(response), "remove objects");
    constexpr int kNotAllowed = 405;
    if (error.code == Errc::unsupported || response.status == kNotAllowed) {
        co_return false;
    }
    co_return error;
}

/// A bucket with object lock keeps versions, of what is not locked too: a plain DELETE would only
/// hide them.
Awaitable<Result<void>> S3Store::remove_versions(std::string name) {
    const auto key = key_of(settings(), name);
    for (unsigned i = 0; i < kVersionsMax; ++i) {
        TL_CO_TRY(const auto newest, co_await client_.send(call_of("HEAD", key)));
        if (newest.status == 404) {  // or there is no such bucket, or a marker hides it
            const auto there = co_await head(name);
            co_return there || there.error().code == Errc::not_found ? Result<void>()
                                                                     : Result<void>(there.error());
        }
        const auto what = "remove " + name;
        if (!s3::is_success(newest)) {
            co_return s3::error_of(s3::refusal_of(newest), what);
        }
        auto call = call_of("DELETE", key);
        if (const auto version = newest.header("x-amz-version-id")) {
            call.query = {{"versionId", std::string(*version)}};
        }
        TL_CO_CHECK(co_await client_.send_for_success(std::move(call), what));
    }
    co_return Error{Errc::busy, "remove " + name + ": there are ever more versions of it"};
}

}  // namespace tapeloft
