#include "cloud/s3/s3_capabilities.h"

#include <optional>
#include <random>
#include <set>
#include <utility>

#include "cloud/s3/s3_objects.h"
#include "cloud/s3/s3_xml.h"

namespace tapeloft::s3 {
namespace {

std::string random_key(const Settings& settings) {
    std::random_device random;
    return settings.prefix + "PROBE/" + std::to_string(random()) + "-" + std::to_string(random());
}

Call put_call(const Client& client, std::string key, std::vector<HttpHeader> headers) {
    Call call;
    call.method = "PUT";
    call.key = std::move(key);
    call.headers = std::move(headers);
    call.body = Buffer::copy_of(as_bytes("written to see what this store does; may be removed\n"));
    call.with_md5 = !client.settings().variant->checks_sha256;
    return call;
}

/// Keys that may write and not remove are a good idea; then the probe stays.
Awaitable<Result<void>> remove_key(Client& client, std::string key) {
    Call call;
    call.method = "DELETE";
    call.key = std::move(key);
    TL_CO_TRY(const auto response, co_await client.send(std::move(call)));
    const auto refusal = refusal_of(response);
    if (!is_success(response) && refusal.code != "NoSuchKey" && refusal.code != "AccessDenied") {
        co_return error_of(refusal, "remove of a probe");
    }
    co_return Result<void>();
}

/// True only for a store that takes the first and refuses the second put of one key.
Awaitable<Result<bool>> refuses_second(Client& client, std::string key) {
    const std::vector<HttpHeader> condition = {{"if-none-match", "*"}};
    TL_CO_TRY(const auto first, co_await client.send(put_call(client, key, condition)));
    if (first.status == 501 || first.status == 400) {
        co_return false;
    }
    if (!is_success(first)) {
        co_return error_of(refusal_of(first), "put of a probe");
    }
    TL_CO_TRY(const auto second, co_await client.send(put_call(client, key, condition)));
    if (second.status != 412 && !is_success(second)) {
        co_return error_of(refusal_of(second), "second put of a probe");
    }
    co_return second.status == 412;
}

/// Whether what the put replaced, or what a removal hides, stays in the bucket. "null" is the
/// version of a bucket that has stopped to keep them.
bool keeps_versions(const HttpResponse& put) {
    const auto version = put.header("x-amz-version-id");
    return version && !version->empty() && *version != "null";
}

/// If-Match as the store spells it.
std::string spelled(const std::string& etag, bool bare) {
    return bare ? etag : "\"" + etag + "\"";
}

/// Whether a put with the right ETag has to be bare of quotes; unset: the store does not know the
/// condition, or a wrong ETag is as good to it.
Awaitable<Result<std::optional<bool>>> wants_bare_tags(Client& client, std::string key,
                                                       std::string etag) {
    const std::string other(etag.size(), '0');
    for (const bool bare : {false, true}) {
        const std::vector<HttpHeader> right = {{"if-match", spelled(etag, bare)}};
        TL_CO_TRY(const auto taken, co_await client.send(put_call(client, key, right)));
        if (taken.status == 412) {
            continue;
        }
        if (taken.status == 501 || taken.status == 400) {
            break;
        }
        if (!is_success(taken)) {
            co_return error_of(refusal_of(taken), "put of a probe if match");
        }
        const std::vector<HttpHeader> wrong = {{"if-match", spelled(other, bare)}};
        TL_CO_TRY(const auto refused, co_await client.send(put_call(client, key, wrong)));
        if (refused.status != 412 && !is_success(refused)) {
            co_return error_of(refusal_of(refused), "second put of a probe if match");
        }
        co_return refused.status == 412 ? std::optional(bare) : std::nullopt;
    }
    co_return std::optional<bool>();
}

/// The store has to say of the object what was sent with it.
Awaitable<Result<void>> keeps(Client& client, std::string key, HttpHeader header) {
    const std::vector<HttpHeader> headers = {header};
    const auto what = "put of a probe with " + header.name + ": " + header.value;
    TL_CO_CHECK(co_await client.send_for_success(put_call(client, key, headers), what));
    Call look;
    look.method = "HEAD";
    look.key = key;
    TL_CO_TRY(const auto stored, co_await client.send_for_success(std::move(look), what));
    TL_CO_CHECK(co_await remove_key(client, key));
    const bool standard = header.value == "STANDARD";  // which is not said
    if (!standard && stored.header(header.name) != header.value) {
        // Not final: a person may mend the bucket, or the settings.
        co_return Error{Errc::denied, "the store ignores " + header.name + ": " + header.value};
    }
    co_return Result<void>();
}

Awaitable<Result<void>> has_lock(Client& client) {
    Call call;
    call.method = "GET";
    call.query = {{"object-lock", ""}};
    TL_CO_TRY(const auto response, co_await client.send(std::move(call)));
    if (!is_success(response) || !parse_lock_enabled(response.body.view())) {
        co_return Error{Errc::denied, "object lock is asked for, and the bucket " +
                                          client.settings().bucket + " was not made with it"};
    }
    co_return Result<void>();
}

Awaitable<Result<void>> check_wishes(Client& client, std::string key) {
    const auto& settings = client.settings();
    if (!settings.locks.empty()) {
        TL_CO_CHECK(co_await has_lock(client));
    }
    if (!settings.encryption.empty()) {
        HttpHeader header{"x-amz-server-side-encryption", settings.encryption};
        TL_CO_CHECK(co_await keeps(client, key, std::move(header)));
    }
    std::set<std::string> classes;
    for (const auto& rule : settings.classes) {
        if (classes.insert(rule.value).second) {
            HttpHeader header{"x-amz-storage-class", rule.value};
            TL_CO_CHECK(co_await keeps(client, key, std::move(header)));
        }
    }
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<Abilities>> find_capabilities(Client& client) {
    const auto& settings = client.settings();
    const auto key = random_key(settings);
    TL_CO_TRY(const auto refuses, co_await refuses_second(client, key));
    // Also shows that an object can be written at all.
    TL_CO_TRY(const auto put,
              co_await client.send_for_success(put_call(client, key, {}), "put of a probe"));
    std::optional<bool> bare;
    if (refuses && !etag_of(put).empty()) {
        TL_CO_TRY(bare, co_await wants_bare_tags(client, key, etag_of(put)));
    }
    TL_CO_CHECK(co_await remove_key(client, key));
    TL_CO_CHECK(co_await check_wishes(client, key));
    Abilities found;
    found.capabilities.put_if_absent = refuses && settings.variant->atomic_conditions;
    found.capabilities.put_if_match = bare && settings.variant->atomic_conditions;
    found.capabilities.parallel = settings.parallel;
    found.capabilities.wants_sha256 = settings.sign_payload;
    // Where there is a lock rule, versions are removed themselves.
    found.capabilities.keeps_removed = keeps_versions(put) && settings.locks.empty();
    found.bare_tags = bare.value_or(false);
    co_return found;
}

}  // namespace tapeloft::s3
