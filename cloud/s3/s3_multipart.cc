#include "cloud/s3/s3_multipart.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "cloud/base/at_once.h"
#include "cloud/base/digest.h"
#include "cloud/base/hex.h"
#include "cloud/base/timestamps.h"
#include "cloud/s3/s3_objects.h"
#include "cloud/s3/s3_xml.h"

namespace tapeloft::s3 {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPartsAtOnce = 4;
constexpr std::size_t kUploadListMax = 8UL << 20U;  ///< bytes
constexpr unsigned kUploadPagesMax = 100;           ///< of one look, of 1,000 uploads each

struct Upload {
    Client& client;
    Pauses& pauses;
    const std::string name;
    const std::string key;
    const std::string id;
    const Buffer body;
    const std::optional<Retention> retention;
    const std::string what = "put " + name + " in parts";  ///< for messages
    std::vector<std::string> etags = {};                   ///< of every part
    std::atomic<bool> is_gone = false;  ///< the store does not know the upload any more
};

Awaitable<Result<void>> send_once(Upload& upload, std::size_t index) {
    const auto size = upload.client.settings().part_size;
    const auto offset = index * size;
    Call call;
    call.method = "PUT";
    call.key = upload.key;
    call.query = {{"partNumber", std::to_string(index + 1)}, {"uploadId", upload.id}};
    call.body = upload.body.slice(offset, std::min(size, upload.body.size() - offset));
    call.with_md5 = !upload.client.settings().variant->checks_sha256 ||
                    is_locked(upload.client.settings(), upload.name);
    auto what = "put part " + std::to_string(index + 1) + " of " + upload.name;
    TL_CO_TRY(const auto response, co_await upload.client.send(std::move(call)));
    if (!is_success(response)) {
        const auto refusal = refusal_of(response);
        upload.is_gone = upload.is_gone || refusal.code == "NoSuchUpload";
        co_return error_of(refusal, what);
    }
    // Where a part arrived twice the store keeps the one it answered last, under its ETag.
    upload.etags[index] = response.header("etag").value_or("");
    if (upload.etags[index].empty()) {
        co_return Error{Errc::transient, "the store gives no ETag of a part of " + upload.name};
    }
    co_return Result<void>();
}

/// Of one request of the upload: all else that was sent stays good.
Awaitable<Result<void>> repeat(Upload& upload, std::function<Awaitable<Result<void>>()> step) {
    milliseconds pause(200);
    std::optional<milliseconds> failed_at;
    for (unsigned attempts = 1;; ++attempts) {
        auto done = co_await step();
        const bool may_help =
            !done && (done.error().code == Errc::transient || done.error().code == Errc::throttled);
        if (!may_help || upload.is_gone || attempts >= kPartAttempts) {
            co_return done;
        }
        const auto now = upload.pauses.now();
        failed_at = failed_at.value_or(now);
        const auto length = pause + done.error().retry_after;
        if (length > kPartTime - (now - *failed_at)) {
            co_return done;
        }
        if (!co_await upload.pauses.pause(length)) {
            co_return Error{Errc::cancelled,
                            "cancelled before another attempt, after: " + done.error().message};
        }
        pause *= 3;
    }
}

Awaitable<Result<void>> send_part(Upload& upload, std::size_t index) {
    auto step = [&upload, index] { return send_once(upload, index); };
    co_return co_await repeat(upload, std::move(step));
}

Awaitable<Result<void>> complete_once(Upload& upload) {
    Call call;
    call.method = "POST";
    call.key = upload.key;
    call.query = {{"uploadId", upload.id}};
    call.body = Buffer::copy_of(as_bytes(complete_body(upload.etags)));
    TL_CO_TRY(const auto response, co_await upload.client.send(std::move(call)));
    const auto refusal = refusal_of(response);
    upload.is_gone = upload.is_gone || refusal.code == "NoSuchUpload";
    co_return is_success(response) ? parse_completed(response.body.view(), upload.what)
                                   : Result<void>(error_of(refusal, upload.what));
}

Awaitable<Result<void>> look_once(Upload& upload, HttpResponse& stored) {
    Call call;
    call.method = "HEAD";
    call.key = upload.key;
    TL_CO_TRY(stored, co_await upload.client.send_for_success(std::move(call), upload.what));
    co_return Result<void>();
}

bool has_size_of(const HttpResponse& stored, const Upload& upload) {
    return stored.header("content-length") == std::to_string(upload.body.size());
}

/// Whether the object is made of these parts. Where an ETag is no MD5 nobody can tell.
bool is_made_of(const HttpResponse& stored, const Upload& upload) {
    constexpr std::size_t kMd5Size = 16;  ///< bytes
    Bytes digests(upload.etags.size() * kMd5Size);
    const MutableByteView into(digests);
    for (std::size_t i = 0; i < upload.etags.size(); ++i) {
        auto etag = upload.etags[i];
        std::erase(etag, '"');
        if (!from_hex(etag, into.subspan(i * kMd5Size, kMd5Size))) {
            return false;
        }
    }
    const std::array all = {ByteView(digests)};
    return has_digest(DigestAlgorithm::md5) && has_size_of(stored, upload) &&
           etag_of(stored) == to_hex(digest(DigestAlgorithm::md5, all)) + "-" +
                                  std::to_string(upload.etags.size());
}

/// Of the version that was looked at.
Awaitable<Result<void>> retain_once(Upload& upload, const HttpResponse& stored) {
    Call call;
    call.method = "PUT";
    call.key = upload.key;
    call.query = {{"retention", ""}};
    if (const auto version = stored.header("x-amz-version-id")) {
        call.query.emplace_back("versionId", *version);
    }
    const auto& wanted = *upload.retention;
    call.body = Buffer::copy_of(as_bytes(retention_body(wanted.mode, wanted.until_unix_s)));
    call.with_md5 = true;
    TL_CO_CHECK(co_await upload.client.send_for_success(std::move(call), "PutObjectRetention"));
    co_return Result<void>();
}

Error not_retained(const Upload& upload, const Error& why) {
    const bool passes =
        why.code == Errc::transient || why.code == Errc::throttled || why.code == Errc::cancelled;
    // Else not final: a person may mend the keys, the bucket or the settings.
    return {passes ? why.code : Errc::denied,
            upload.what + ": it is there, and not retained (" + upload.retention->mode + " until " +
                iso_time(upload.retention->until_unix_s) +
                "), which the store ignores of an upload in parts: " + why.message,
            why.retry_after};
}

/// Ceph's gateway takes no notice of what CreateMultipartUpload says of a lock.
Awaitable<Result<void>> ensure_retained(Upload& upload, HttpResponse stored) {
    if (!upload.retention || is_retained(stored, *upload.retention)) {
        co_return Result<void>();
    }
    auto step = [&upload, &stored] { return retain_once(upload, stored); };
    const auto set = co_await repeat(upload, std::move(step));
    if (!set) {
        co_return not_retained(upload, set.error());
    }
    auto look = [&upload, &stored] { return look_once(upload, stored); };
    const auto looked = co_await repeat(upload, std::move(look));
    if (!looked) {
        co_return not_retained(upload, looked.error());
    }
    if (!has_size_of(stored, upload) || !is_retained(stored, *upload.retention)) {
        co_return not_retained(
            upload, {Errc::denied,
                     "PutObjectRetention changed nothing that HEAD tells of (do the keys have "
                     "s3:GetObjectRetention?)"});
    }
    co_return Result<void>();
}

/// An answer that was lost (libcurl may have sent the request twice, too) is asked for again: the
/// store says that it is done, or that it does not know the upload any more. Only then the object
/// itself has to show that it is this one.
Awaitable<Result<void>> complete(Upload& upload) {
    auto step = [&upload] { return complete_once(upload); };
    const auto completed = co_await repeat(upload, std::move(step));
    const bool gone = upload.is_gone.exchange(false);
    if (!completed && !gone) {
        co_return completed;
    }
    HttpResponse stored;
    if (completed) {
        // Its ETag says nothing of the whole (and RGW's is empty): the size is asked for.
        auto look = [&upload, &stored] { return look_once(upload, stored); };
        TL_CO_CHECK(co_await repeat(upload, std::move(look)));
    } else {
        const auto looked = co_await look_once(upload, stored);
        if (!looked || !is_made_of(stored, upload)) {
            co_return completed;
        }
    }
    if (!has_size_of(stored, upload)) {
        co_return Error{Errc::corrupt,
                        upload.what + ": the store put together an object of another size"};
    }
    co_return co_await ensure_retained(upload, std::move(stored));
}

/// Errors: cancelled. Nothing else keeps others from being aborted.
Awaitable<Result<void>> abort(Client& client, std::string key, std::string id) {
    Call call;
    call.method = "DELETE";
    call.key = std::move(key);
    call.query = {{"uploadId", std::move(id)}};
    const auto aborted = co_await client.send(std::move(call));
    co_return !aborted && aborted.error().code == Errc::cancelled ? Result<void>(aborted.error())
                                                                  : Result<void>();
}

Awaitable<Result<ListedUploads>> list_uploads(Client& client, UploadMarker after) {
    Call call;
    call.method = "GET";
    call.query = {{"prefix", client.settings().prefix}, {"uploads", ""}};
    if (!after.key.empty()) {
        call.query.emplace_back("key-marker", after.key);
    }
    if (!after.id.empty()) {
        call.query.emplace_back("upload-id-marker", after.id);
    }
    call.response_max = kUploadListMax;
    TL_CO_TRY(const auto response,
              co_await client.send_for_success(std::move(call), "list uploads"));
    co_return parse_uploads(response.body.view());
}

}  // namespace

Awaitable<Result<void>> put_in_parts(Client& client, Pauses& pauses, std::string name,
                                     Buffer body) {
    const auto& settings = client.settings();
    Call begin;
    begin.method = "POST";
    begin.key = key_of(settings, name);
    begin.query = {{"uploads", ""}};
    const auto now_unix_s = client.now_unix_s();
    begin.headers = headers_of_new(settings, name, now_unix_s);
    auto what = "put " + name + " in parts";
    TL_CO_TRY(const auto begun, co_await client.send_for_success(std::move(begin), what));
    TL_CO_TRY(auto id, parse_upload_id(begun.body.view()));
    auto key = key_of(settings, name);
    const auto parts = (body.size() + settings.part_size - 1) / settings.part_size;
    auto retention = retention_of_new(settings, name, now_unix_s);
    Upload upload{
        client, pauses, name, std::move(key), std::move(id), std::move(body), std::move(retention)};
    upload.etags.resize(parts);
    auto job = [&upload](std::size_t index) { return send_part(upload, index); };
    auto result = co_await run_at_once(parts, kPartsAtOnce, job);
    if (result) {
        result = co_await complete(upload);
    }
    if (!result) {
        static_cast<void>(co_await abort(client, upload.key, upload.id));
    }
    co_return result;
}

Awaitable<Result<void>> abort_leftovers(Client& client) {
    const auto& settings = client.settings();
    UploadMarker marker;
    for (unsigned pages = 0; pages < kUploadPagesMax; ++pages) {
        TL_CO_TRY(const auto page, co_await list_uploads(client, marker));
        for (const auto& upload : page.uploads) {
            const bool ours = upload.key.starts_with(settings.prefix);  // not every store looks
            if (ours && upload.begun_unix_s < client.now_unix_s() - kLeftAfter_s) {
                TL_CO_CHECK(co_await abort(client, upload.key, upload.id));
            }
        }
        if (!page.next || page.next->key.empty() || *page.next == marker) {
            co_return Result<void>();
        }
        marker = *page.next;
    }
    co_return Result<void>();
}

}  // namespace tapeloft::s3
