#include "tests/cloud/s3/fake_s3.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <regex>
#include <utility>

#include "cloud/base/timestamps.h"

#include "tests/cloud/s3/fake_signature.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kPartMin = 5UL << 20U;  ///< bytes, but for the last part

std::int64_t now_unix_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string http_time(std::int64_t unix_s) {
    const auto time = static_cast<std::time_t>(unix_s);
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::array<char, 64> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text.data(), size};
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string url_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || std::string_view("-._/").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += c == ' ' ? "+" : "%" + lower_hex(std::string(1, c));
        }
    }
    return out;
}

std::multimap<std::string, std::string> amz_headers(const SeenRequest& request) {
    std::multimap<std::string, std::string> kept;
    for (const auto& [name, value] : request.headers) {
        const bool of_object = name == "x-amz-storage-class" || name == "x-amz-tagging" ||
                               name.starts_with("x-amz-object-lock") ||
                               name.starts_with("x-amz-server-side");
        if (of_object) {
            kept.emplace(name, value);
        }
    }
    return kept;
}

std::string between(const std::string& text, const std::string& open, const std::string& close,
                    std::size_t& at) {
    const auto begin = text.find(open, at);
    if (begin == std::string::npos) {
        at = begin;
        return "";
    }
    const auto end = text.find(close, begin);
    at = end;
    return text.substr(begin + open.size(), end - begin - open.size());
}

}  // namespace

FakeS3::FakeS3(FakeS3Options options)
    : options_(std::move(options)),
      server_(std::make_unique<ScriptedServer>(
          [this](ServedConnection& connection) { serve(connection); })) {}

std::string FakeS3::url(const std::string& prefix, const std::string& more) const {
    return "s3://bucket/" + prefix + "?endpoint=" + endpoint() + more;
}

s3::Environment FakeS3::environment() const {
    return [this](const std::string& name) -> std::optional<std::string> {
        const std::lock_guard lock(mutex_);
        const std::map<std::string, std::string> values = {
            {"AWS_ACCESS_KEY_ID", options_.access_key_id},
            {"AWS_SECRET_ACCESS_KEY", options_.secret_access_key},
            {"AWS_SESSION_TOKEN", options_.session_token}};
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    };
}

void FakeS3::set_options(FakeS3Options options) {
    const std::lock_guard lock(mutex_);
    options_ = std::move(options);
}

void FakeS3::set_intercept(Intercept intercept) {
    const std::lock_guard lock(mutex_);
    intercept_ = std::move(intercept);
}

void FakeS3::hold(std::string in_target) {
    const std::lock_guard lock(mutex_);
    held_ = std::move(in_target);
    held_changed_.notify_all();
}

std::size_t FakeS3::versions(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = versions_.find(key);
    return found == versions_.end() ? 0 : found->second.size();
}

std::map<std::string, FakeS3::Object> FakeS3::objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
}

void FakeS3::put_object(const std::string& key, std::string body) {
    const std::lock_guard lock(mutex_);
    objects_[key] = {std::move(body), {}, "etag"};
}

std::size_t FakeS3::uploads() const {
    const std::lock_guard lock(mutex_);
    return uploads_.size();
}

void FakeS3::add_upload(const std::string& key, std::int64_t age_s) {
    const std::lock_guard lock(mutex_);
    uploads_["of " + key] = {key, {}, {}, now_unix_s() - age_s};
}

std::vector<SeenRequest> FakeS3::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::vector<std::string> FakeS3::violations() const {
    const std::lock_guard lock(mutex_);
    return violations_;
}

void FakeS3::serve(ServedConnection& connection) {
    while (const auto request = connection.read_request()) {
        std::string reply;
        {
            std::unique_lock lock(mutex_);
            requests_.push_back(*request);
            held_changed_.wait(lock, [&] {
                return held_.empty() || request->target.find(held_) == std::string::npos;
            });
            const auto instead = intercept_ ? intercept_(*request) : std::nullopt;
            reply = instead ? *instead : answer(*request);
        }
        if (request->method == "HEAD") {
            reply.resize(reply.find("\r\n\r\n") + 4);
        }
        const bool last = reply.find("\r\nConnection: close\r\n") != std::string::npos;
        if (reply.empty() || !connection.write(reply) || last) {
            return;
        }
    }
}

std::string FakeS3::date_header() const {
    return "Date: " + http_time(now_unix_s() + options_.clock_ahead_s) + "\r\n";
}

std::string FakeS3::error(const std::string& status, const std::string& code,
                          const std::string& more) {
    return http_answer(status,
                       "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code>" + more +
                           "<RequestId>fake-1</RequestId></Error>",
                       date_header());
}

std::string FakeS3::answer(const SeenRequest& request) {
    const auto question = std::min(request.target.find('?'), request.target.size());
    const auto path = percent_decoded(request.target.substr(0, question));
    Query query;
    auto rest = request.target.substr(std::min(question + 1, request.target.size()));
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        query[percent_decoded(pair.substr(0, pair.find('=')))] =
            percent_decoded(pair.substr(pair.find('=') + 1));
        rest.erase(0, end + 1);
    }
    auto refused = check(request, path, query);
    constexpr std::string_view kBucket = "/bucket/";
    return !refused.empty() ? refused : dispatch(request, path.substr(kBucket.size()), query);
}

std::string FakeS3::check(const SeenRequest& request, const std::string& path,
                          const Query& /*query*/) {
    const SignatureKeys keys{options_.access_key_id, options_.secret_access_key, options_.region};
    const auto wrong = check_signature(request, keys, now_unix_s() + options_.clock_ahead_s);
    if (!wrong.empty()) {
        violations_.push_back(request.method + " " + request.target + ": " + wrong);
        const auto code = wrong.substr(0, wrong.find(' '));
        const bool malformed = code == "AuthorizationHeaderMalformed";
        return error(malformed || code == "InvalidURI" || code == "BadDigest" ||
                             code == "XAmzContentSHA256Mismatch"
                         ? "400 Bad Request"
                         : "403 Forbidden",
                     code, malformed ? "<Region>" + options_.region + "</Region>" : "");
    }
    if (request.header("x-amz-security-token") != options_.session_token) {
        return error("400 Bad Request", "ExpiredToken");
    }
    if (!path.starts_with("/bucket/")) {
        return error("404 Not Found", "NoSuchBucket");
    }
    return "";
}

std::string FakeS3::dispatch(const SeenRequest& request, const std::string& key,
                             const Query& query) {
    if (request.method == "POST") {
        return post(request, key, query);
    }
    if (request.method == "PUT" && query.contains("retention")) {
        return retain(request, key, query);
    }
    if (request.method == "PUT") {
        return put(request, key, query);
    }
    if (request.method == "DELETE") {
        return remove(key, query);
    }
    if (query.contains("uploads")) {
        return list_uploads(query);
    }
    if (query.contains("versions")) {
        return list_versions(query);
    }
    if (query.contains("object-lock")) {
        return options_.versioned
                   ? http_answer("200 OK",
                                 "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                                 "</ObjectLockEnabled></ObjectLockConfiguration>",
                                 date_header())
                   : error("404 Not Found", "ObjectLockConfigurationNotFoundError");
    }
    return key.empty() ? list(query) : get(request, key);
}

std::string FakeS3::put(const SeenRequest& request, const std::string& key, const Query& query) {
    const auto etag = lower_hex(md5_of(options_.encrypts_by_kms ? "other" : request.body));
    const std::string kms =
        options_.encrypts_by_kms ? "x-amz-server-side-encryption: aws:kms\r\n" : "";
    const auto headers = "ETag: \"" + etag + "\"\r\n" + kms + date_header();
    if (key.empty() || key.size() > 1024) {
        return error("400 Bad Request", "KeyTooLongError");
    }
    if (query.contains("uploadId")) {
        const auto upload = uploads_.find(query.at("uploadId"));
        if (upload == uploads_.end() || upload->second.key != key) {
            return error("404 Not Found", "NoSuchUpload");
        }
        upload->second.parts[std::stoi(query.at("partNumber"))] = request.body;
        return http_answer("200 OK", "", headers);
    }
    if (auto refusal = refuse_put(request, key)) {
        return *refusal;
    }
    Object object{request.body, amz_headers(request), etag};
    if (!options_.keeps_encryption) {
        object.headers.erase("x-amz-server-side-encryption");
    }
    store(key, std::move(object));
    const auto& version = objects_[key].version;
    const auto id = version.empty() ? "" : "x-amz-version-id: " + version + "\r\n";
    return http_answer("200 OK", "", headers + id);
}

/// By its conditions.
std::optional<std::string> FakeS3::refuse_put(const SeenRequest& request, const std::string& key) {
    const auto wanted = request.header("if-match");
    const bool if_absent = !request.header("if-none-match").empty();
    if ((!if_absent && wanted.empty()) || options_.conditions == Conditions::ignored) {
        return std::nullopt;
    }
    if (options_.conditions == Conditions::refused) {
        return error("501 Not Implemented", "NotImplemented");
    }
    const auto found = objects_.find(key);
    if (!wanted.empty() && found == objects_.end()) {
        return error("404 Not Found", "NoSuchKey");
    }
    const std::string quote = options_.bare_tags ? "" : "\"";
    const bool met =
        if_absent ? found == objects_.end() : wanted == quote + found->second.etag + quote;
    return met ? std::nullopt
               : std::optional(error("412 Precondition Failed", "PreconditionFailed"));
}

void FakeS3::store(const std::string& key, Object object) {
    if (options_.versioned) {
        object.version = "v" + std::to_string(requests_.size());
        versions_[key].push_back(object);
    }
    objects_[key] = std::move(object);
}

std::string FakeS3::remove(const std::string& key, const Query& query) {
    const auto done = "HTTP/1.1 204 No Content\r\n" + date_header() + "\r\n";
    if (query.contains("uploadId")) {
        uploads_.erase(query.at("uploadId"));
        return done;
    }
    if (query.contains("versionId")) {
        return remove_version(key, query.at("versionId"));
    }
    objects_.erase(key);
    if (options_.versioned) {
        versions_[key].emplace_back(std::nullopt);
    }
    return done;
}

std::string FakeS3::list_versions(const Query& query) {
    std::string xml = "<ListVersionsResult>";
    for (const auto& [key, all] : versions_) {
        for (const auto& each : all) {
            const std::string kind = each ? "Version" : "DeleteMarker";
            if (key.starts_with(query.at("prefix"))) {
                xml += "<" + kind + "><Key>" + escaped(key) + "</Key></" + kind + ">";
            }
        }
    }
    return http_answer("200 OK", xml + "</ListVersionsResult>", date_header());
}

std::string FakeS3::get(const SeenRequest& request, const std::string& key) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
        return error("404 Not Found", "NoSuchKey");
    }
    const auto& body = found->second.body;
    const bool archived = is_archived(found->second);
    if (archived && request.method == "GET" && found->second.restored_days == 0) {
        return error("403 Forbidden", "InvalidObjectState");
    }
    auto headers = "ETag: \"" + found->second.etag + "\"\r\n" + date_header();
    if (!found->second.version.empty()) {
        headers += "x-amz-version-id: " + found->second.version + "\r\n";
    }
    for (const auto& [name, value] : found->second.headers) {
        headers += name + ": " + value + "\r\n";
    }
    if (!found->second.access_tier.empty()) {
        headers += "x-amz-archive-status: " + found->second.access_tier + "\r\n";
    }
    if (archived && found->second.restoring) {
        headers += "x-amz-restore: ongoing-request=\"true\"\r\n";
    } else if (archived && found->second.restored_days != 0) {
        const auto until = now_unix_s() + found->second.restored_days * 86'400;
        headers += "x-amz-restore: ongoing-request=\"false\", expiry-date=\"" + http_time(until) +
                   "\"\r\n";
    }
    static const std::regex kRange("bytes=([0-9]{1,18})-([0-9]{0,18})");
    std::smatch parts;
    const auto range = request.header("range");
    if (!std::regex_match(range, parts, kRange)) {
        return http_answer("200 OK", body, headers);
    }
    const auto first = std::stoull(parts[1]);
    if (first >= body.size()) {
        return error("416 Range Not Satisfiable", "InvalidRange");
    }
    const auto wanted = parts[2].length() == 0 ? body.size() - 1 : std::stoull(parts[2]);
    const auto last = std::min<std::uint64_t>(wanted, body.size() - 1);
    headers += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
               std::to_string(body.size()) + "\r\n";
    return http_answer("206 Partial Content", body.substr(first, last - first + 1), headers);
}

std::string FakeS3::list(const Query& query) {
    const auto value = [&](const std::string& name) {
        const auto found = query.find(name);
        return found == query.end() ? "" : found->second;
    };
    if (value("list-type") != "2" || value("encoding-type") != "url") {
        violations_.push_back("a list that is no ListObjectsV2 with encoding-type=url");
    }
    const auto limit = std::stoul(value("max-keys"));
    std::string xml =
        "<?xml version=\"1.0\"?><ListBucketResult "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url"
        "</EncodingType>";
    std::size_t listed = 0;
    bool more = false;
    for (const auto& [key, object] : objects_) {
        if (!key.starts_with(value("prefix")) || key <= value("start-after")) {
            continue;
        }
        if (listed == limit) {
            more = true;
            break;
        }
        ++listed;
        xml += "<Contents><Key>" + escaped(url_encoded(key)) + "</Key><Size>" +
               std::to_string(object.body.size()) + "</Size></Contents>";
    }
    return http_answer(
        "200 OK",
        xml + "<IsTruncated>" + (more ? "true" : "false") + "</IsTruncated></ListBucketResult>",
        date_header());
}

/// By key, then id, behind the markers.
std::string FakeS3::list_uploads(const Query& query) {
    const auto value = [&](const std::string& name) {
        const auto found = query.find(name);
        return found == query.end() ? "" : found->second;
    };
    const std::pair after(value("key-marker"), value("upload-id-marker"));
    std::map<std::pair<std::string, std::string>, Upload> sorted;
    for (const auto& [id, upload] : uploads_) {
        if (std::pair(upload.key, id) > after) {
            sorted[{upload.key, id}] = upload;
        }
    }
    std::string xml = "<ListMultipartUploadsResult>";
    std::size_t listed = 0;
    for (const auto& [place, upload] : sorted) {
        const auto& id = place.second;
        if (++listed == options_.uploads_a_page && sorted.size() > listed) {
            xml += "<IsTruncated>true</IsTruncated><NextKeyMarker>" + upload.key +
                   "</NextKeyMarker><NextUploadIdMarker>" + id + "</NextUploadIdMarker>";
        }
        if (listed > options_.uploads_a_page) {
            break;
        }
        xml += "<Upload><Key>" + upload.key + "</Key><UploadId>" + id + "</UploadId><Initiated>" +
               iso_time(upload.begun_unix_s) + "</Initiated></Upload>";
    }
    return http_answer("200 OK", xml + "</ListMultipartUploadsResult>", date_header());
}

std::string FakeS3::post(const SeenRequest& request, const std::string& key, const Query& query) {
    if (query.contains("uploads")) {
        const auto id = "upload/" + std::to_string(requests_.size()) + "+x";
        auto headers = amz_headers(request);
        if (!options_.locks_uploads) {
            std::erase_if(headers, [](const auto& header) {
                return header.first.starts_with("x-amz-object-lock");
            });
        }
        uploads_[id] = {key, {}, std::move(headers), now_unix_s()};
        return http_answer("200 OK",
                           "<InitiateMultipartUploadResult><UploadId>" + id +
                               "</UploadId></InitiateMultipartUploadResult>",
                           date_header());
    }
    if (query.contains("restore")) {
        return restore(request, key);
    }
    if (query.contains("delete")) {
        return delete_many(request);
    }
    return complete(request, key, query);
}

/// DeleteObjects, quiet.
std::string FakeS3::delete_many(const SeenRequest& request) {
    if (!options_.deletes_many) {
        return error("501 Not Implemented", "NotImplemented");
    }
    constexpr std::size_t kKeysMax = 1000;
    static const std::string kStart =
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
    const auto start = request.body.find(kStart);
    std::vector<std::string> keys;
    auto at = start == std::string::npos ? start : start + kStart.size();
    static const std::string kEnd = "</Key></Object>";
    while (at != std::string::npos && request.body.compare(at, 13, "<Object><Key>") == 0) {
        keys.push_back(between(request.body, "<Key>", kEnd, at));
        at += at == std::string::npos ? 0 : kEnd.size();
    }
    const bool whole = at != std::string::npos && request.body.compare(at, 9, "</Delete>") == 0;
    if (request.header("content-md5").empty() || !whole || keys.empty() || keys.size() > kKeysMax) {
        violations_.push_back("a DeleteObjects that Amazon does not know: " + request.body);
        return error("400 Bad Request", "MalformedXML");
    }
    std::string failed;
    for (const auto& key : keys) {
        if (key == options_.undeletable) {
            failed += "<Error><Key>" + key + "</Key><Code>AccessDenied</Code></Error>";
        } else {
            objects_.erase(key);
        }
    }
    return http_answer("200 OK", "<DeleteResult>" + failed + "</DeleteResult>", date_header());
}

std::string FakeS3::complete(const SeenRequest& request, const std::string& key,
                             const Query& query) {
    const auto upload = uploads_.find(query.contains("uploadId") ? query.at("uploadId") : "");
    if (upload == uploads_.end()) {
        return error("404 Not Found", "NoSuchUpload");
    }
    std::string body;
    std::string etags;
    int number = 0;
    std::size_t at = 0;
    for (const auto& [given, part] : upload->second.parts) {
        ++number;
        const auto said = between(request.body, "<PartNumber>", "</PartNumber>", at);
        auto etag = between(request.body, "<ETag>", "</ETag>", at);
        std::erase(etag, '"');
        const bool last = number == static_cast<int>(upload->second.parts.size());
        if (given != number || said != std::to_string(number) || etag != lower_hex(md5_of(part))) {
            return error("400 Bad Request", "InvalidPart");
        }
        if (!last && part.size() < kPartMin) {
            return error("400 Bad Request", "EntityTooSmall");
        }
        body += part;
        etags += md5_of(part);
    }
    const auto etag = lower_hex(md5_of(etags)) + "-" + std::to_string(number);
    store(key, {std::move(body), upload->second.headers, etag});
    uploads_.erase(upload);
    return http_answer("200 OK",
                       "<CompleteMultipartUploadResult><ETag>" +
                           (options_.empty_complete_etag ? "" : etag) +
                           "</ETag></CompleteMultipartUploadResult>",
                       date_header());
}

}  // namespace tapeloft::tests
