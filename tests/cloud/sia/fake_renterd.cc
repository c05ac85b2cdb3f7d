#include "tests/cloud/sia/fake_renterd.h"

#include <algorithm>
#include <array>
#include <regex>

#include <openssl/evp.h>

#include "tests/cloud/s3/fake_signature.h"

namespace tapeloft::tests {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kSector = 4UL << 20U;  ///< bytes

std::string refused(const std::string& status, const std::string& sentence) {
    return http_answer(status, sentence + "\n", "Content-Type: text/plain; charset=utf-8\r\n");
}

std::string in_json(const Json& json) {
    return http_answer("200 OK", json.dump(), "Content-Type: application/json\r\n");
}

std::string value_of(const std::map<std::string, std::string>& query, const std::string& name) {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
}

std::string from_base64(const std::string& text) {
    if (text.size() % 4 != 0) {
        return "";
    }
    const std::string_view padding = text.ends_with("==") ? "==" : text.ends_with('=') ? "=" : "";
    std::vector<unsigned char> in(text.begin(), text.end());
    std::vector<unsigned char> out(text.size());
    const auto size = EVP_DecodeBlock(out.data(), in.data(), static_cast<int>(in.size()));
    return size < 0 ? ""
                    : std::string(out.begin(),
                                  out.begin() + size - static_cast<std::ptrdiff_t>(padding.size()));
}

/// Behind the "?"; a name that comes twice gets the value "TWICE".
std::map<std::string, std::string> parse_query(std::string rest) {
    std::map<std::string, std::string> query;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = percent_decoded(pair.substr(0, equals));
        const auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
        if (!query.emplace(name, value).second) {
            query[name] = "TWICE";
        }
        rest.erase(0, end + 1);
    }
    return query;
}

/// Everything that needs no encoding stands as it is, everything else as %XX in capitals.
bool is_well_encoded(const std::string& target) {
    static const std::regex kTarget(
        "(/|[A-Za-z0-9._~-]|%[0-9A-F]{2})*([?]([A-Za-z0-9._~&=-]|%[0-9A-F]{2})*)?");
    static const std::regex kNeedless("%(2D|2E|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])");
    return std::regex_match(target, kTarget) && !std::regex_search(target, kNeedless);
}

}  // namespace

const std::vector<FakeRenterd::Route>& FakeRenterd::routes() {
    using Self = FakeRenterd;
    static const std::vector<Route> rows = {
        {"PUT", "/worker/object/", {"bucket"}, {"minshards", "totalshards"}, &Self::put},
        {"GET", "/worker/object/", {"bucket"}, {}, &Self::get},
        {"DELETE", "/worker/object/", {"bucket"}, {}, &Self::remove},
        {"GET", "/bus/object/", {"bucket"}, {"onlymetadata"}, &Self::object},
        {"GET", "/bus/objects/", {"bucket", "limit", "sortby", "sortdir"}, {"marker"}, &Self::list},
        {"GET", "/bus/bucket/", {}, {}, &Self::bucket},
        {"GET", "/bus/state", {}, {}, &Self::bus_state},
        {"GET", "/bus/settings/upload", {}, {}, &Self::upload_settings},
        {"GET", "/bus/consensus/state", {}, {}, &Self::consensus},
        {"GET", "/bus/wallet", {}, {}, &Self::wallet},
        {"GET", "/autopilot/state", {}, {}, &Self::autopilot},
        {"GET", "/bus/contracts", {"filtermode"}, {}, &Self::contracts},
        {"GET", "/bus/slabbuffers", {}, {}, &Self::slab_buffers},
    };
    return rows;
}

FakeRenterd::FakeRenterd(FakeRenterdOptions options)
    : options_(std::move(options)),
      server_(std::make_unique<ScriptedServer>(
          [this](ServedConnection& connection) { serve(connection); })) {}

std::string FakeRenterd::url(const std::string& prefix, const std::string& more) const {
    return "sia://bucket/" + prefix + "?endpoint=" + endpoint() + more;
}

Environment FakeRenterd::environment() const {
    return [this](const std::string& name) -> std::optional<std::string> {
        const std::lock_guard lock(mutex_);
        return name == "RENTERD_API_PASSWORD" ? std::optional(options_.password) : std::nullopt;
    };
}

void FakeRenterd::change(const std::function<void(FakeRenterdOptions&)>& edit) {
    const std::lock_guard lock(mutex_);
    edit(options_);
}

void FakeRenterd::set_intercept(Intercept intercept) {
    const std::lock_guard lock(mutex_);
    intercept_ = std::move(intercept);
}

std::map<std::string, FakeRenterd::Object> FakeRenterd::objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
}

void FakeRenterd::put_object(const std::string& key, std::string body) {
    const std::lock_guard lock(mutex_);
    auto etag = lower_hex(tests::md5_of(body));
    objects_[key] = {std::move(body), std::move(etag), options_.min_shards, options_.total_shards};
}

std::vector<SeenRequest> FakeRenterd::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::vector<std::string> FakeRenterd::violations() const {
    const std::lock_guard lock(mutex_);
    return violations_;
}

void FakeRenterd::serve(ServedConnection& connection) {
    while (const auto request = connection.read_request()) {
        std::string reply;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back({request->method, request->target, request->headers, ""});
            const auto instead = intercept_ ? intercept_(*request) : std::nullopt;
            reply = instead ? *instead : answer(*request);
        }
        if (reply.empty() || !connection.write(reply)) {
            return;
        }
    }
}

std::string FakeRenterd::violation(const SeenRequest& request, const std::string& what) {
    violations_.push_back(request.method + " " + request.target + ": " + what);
    return refused("400 Bad Request", what);
}

bool FakeRenterd::is_authorised(const SeenRequest& request) const {
    constexpr std::string_view kScheme = "Basic ";
    const auto given = request.header("authorization");
    return given.starts_with(kScheme) &&
           from_base64(given.substr(kScheme.size())) == ":" + options_.password;
}

std::string FakeRenterd::answer(const SeenRequest& request) {
    constexpr std::string_view kBase = "/api";
    const auto question = std::min(request.target.find('?'), request.target.size());
    const auto path = request.target.substr(0, question);
    const auto query =
        parse_query(request.target.substr(std::min(question + 1, request.target.size())));
    const auto decoded = percent_decoded(path);
    const auto fits = [&](const Route& row) {
        const auto whole = std::string(kBase) + row.path;
        return row.method == request.method &&
               (row.path.ends_with('/') ? decoded.starts_with(whole) : decoded == whole);
    };
    const auto route = std::find_if(routes().begin(), routes().end(), fits);
    const auto* found = route == routes().end() ? nullptr : &*route;
    if (const auto wrong = wrong_with(request, found, query); !wrong.empty()) {
        return violation(request, wrong);
    }
    if (!is_authorised(request)) {
        return refused("401 Unauthorized", "unauthorized");
    }
    if (query.contains("bucket") && (query.at("bucket") != "bucket" || !options_.bucket)) {
        return answer_without_bucket(*found);
    }
    return (this->*found->answer)(
        {request, decoded.substr(kBase.size() + found->path.size()), query});
}

/// Only uploads look for the bucket. Everything else looks for rows of objects, and finds none.
std::string FakeRenterd::answer_without_bucket(const Route& route) {
    if (route.answer == &FakeRenterd::put) {
        return refused("404 Not Found", "bucket not found");
    }
    return route.answer == &FakeRenterd::list
               ? in_json({{"hasMore", false}, {"nextMarker", ""}, {"objects", nullptr}})
               : refused("404 Not Found", "object not found");
}

/// Empty: nothing.
std::string FakeRenterd::wrong_with(const SeenRequest& request, const Route* route,
                                    const Query& query) {
    static const std::set<std::string> kHeaders = {"accept",         "authorization", "connection",
                                                   "content-length", "expect",        "host",
                                                   "range",          "user-agent"};
    if (route == nullptr) {
        return "there is no such route";
    }
    if (!is_well_encoded(request.target)) {
        return "the path or the query is not encoded as it should be";
    }
    for (const auto& [name, value] : query) {
        if (!route->required.contains(name) && !route->optional.contains(name)) {
            return "the parameter " + name + " is not of this route";
        }
        if (value == "TWICE") {
            return "the parameter " + name + " is given twice";
        }
    }
    for (const auto& name : route->required) {
        if (!query.contains(name)) {
            return "the parameter " + name + " is required";
        }
    }
    for (const auto& [name, value] : request.headers) {
        if (!kHeaders.contains(name) || request.headers.count(name) != 1) {
            return "the header " + name + " is unknown here, or comes twice";
        }
    }
    if (request.header("authorization").empty()) {
        return "it has no authorization";
    }
    if ((request.method == "PUT") != (request.headers.count("content-length") == 1)) {
        return "content-length goes with a body, and only with one";
    }
    return "";
}

std::string FakeRenterd::put(const Asked& asked) {
    if (!options_.synced) {
        return refused("503 Service Unavailable", "consensus is not synced");
    }
    unsigned least = options_.min_shards;
    unsigned total = options_.total_shards;
    if (asked.query.contains("minshards") != asked.query.contains("totalshards")) {
        return violation(asked.request, "minshards and totalshards go together");
    }
    if (asked.query.contains("minshards")) {
        least = static_cast<unsigned>(std::stoul(asked.query.at("minshards")));
        total = static_cast<unsigned>(std::stoul(asked.query.at("totalshards")));
    }
    if (least < 1 || least > total || total > 255) {
        return refused("400 Bad Request", "invalid redundancy settings");
    }
    if (options_.contract_hosts < total) {
        return refused("500 Internal Server Error",
                       "couldn't upload object: not enough hosts to support requested upload");
    }
    Object object{asked.request.body, lower_hex(tests::md5_of(asked.request.body)), least, total};
    buffer(asked.rest, object, least * kSector);
    const auto etag = object.etag;
    objects_[asked.rest] = std::move(object);
    return http_answer("200 OK", "", "ETag: \"" + etag + "\"\r\n");
}

/// What fills no slab waits until it does, together with other rests.
void FakeRenterd::buffer(const std::string& key, Object& object, std::uint64_t slab) {
    if (!options_.packing) {
        return;
    }
    object.buffered = object.body.size() % slab;
    auto waiting = object.buffered;
    for (const auto& [other, each] : objects_) {
        waiting += other == key ? 0 : each.buffered;
    }
    if (waiting >= slab) {
        object.buffered = 0;
        for (auto& [other, each] : objects_) {
            each.buffered = 0;
        }
    }
}

std::string FakeRenterd::get(const Asked& asked) {
    const auto found = objects_.find(asked.rest);
    if (found == objects_.end()) {
        return refused("404 Not Found", "object not found");
    }
    const auto& body = found->second.body;
    auto headers = "ETag: \"" + found->second.etag + "\"\r\nAccept-Ranges: bytes\r\n";
    const auto range = asked.request.header("range");
    if (range.empty()) {
        return http_answer("200 OK", body, headers);
    }
    static const std::regex kClosed("bytes=([0-9]{1,18})-([0-9]{1,18})");
    std::smatch parts;
    if (!std::regex_match(range, parts, kClosed)) {
        return violation(asked.request, "the range is not a closed one: " + range);
    }
    const auto first = std::stoull(parts[1]);
    const auto last = std::stoull(parts[2]);
    if (first > last || last >= body.size()) {
        return refused("400 Bad Request", "invalid range");
    }
    headers += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
               std::to_string(body.size()) + "\r\n";
    return http_answer("206 Partial Content", body.substr(first, last - first + 1), headers);
}

std::string FakeRenterd::remove(const Asked& asked) {
    return objects_.erase(asked.rest) == 0 ? refused("404 Not Found", "object not found")
                                           : http_answer("200 OK", "");
}

Json FakeRenterd::metadata_of(const std::string& key, const Object& object) const {
    return {{"bucket", "bucket"},        {"eTag", object.etag},
            {"health", options_.health}, {"modTime", "2026-11-28T00:00:00Z"},
            {"key", "/" + key},          {"size", object.body.size()}};
}

Json FakeRenterd::slabs_of(Object& object) const {
    const bool late = options_.looks_until_stored < 0 || object.looks < options_.looks_until_stored;
    ++object.looks;
    auto slabs = Json::array();
    const auto slab_size = object.min_shards * kSector;
    for (std::uint64_t at = 0; at < object.body.size(); at += slab_size) {
        const auto length = std::min<std::uint64_t>(slab_size, object.body.size() - at);
        Json slab = {{"health", options_.health},
                     {"encryptionKey", "key:00"},
                     {"minShards", object.min_shards}};
        const bool buffered = at + length > object.body.size() - object.buffered;
        if (!late && !buffered) {
            slab["shards"] = Json::array();
            for (unsigned shard = 0; shard < object.total_shards; ++shard) {
                slab["shards"].push_back({{"contracts", Json::object()}, {"root", "00"}});
            }
        }
        slabs.push_back({{"slab", std::move(slab)}, {"offset", 0}, {"length", length}});
    }
    return slabs;
}

std::string FakeRenterd::object(const Asked& asked) {
    const auto found = objects_.find(asked.rest);
    if (found == objects_.end()) {
        return refused("404 Not Found", "object not found");
    }
    auto json = metadata_of(found->first, found->second);
    if (value_of(asked.query, "onlymetadata") != "true") {
        json["encryptionKey"] = "key:00";
        json["slabs"] = slabs_of(found->second);
    }
    return in_json(json);
}

std::string FakeRenterd::list(const Asked& asked) {
    const auto sorted_by = asked.query.at("sortby");
    if ((sorted_by != "name" && sorted_by != "health") || asked.query.at("sortdir") != "asc") {
        return violation(asked.request, "a list in another order");
    }
    const auto limit = std::stoul(asked.query.at("limit"));
    const auto marker = value_of(asked.query, "marker");
    if (asked.query.contains("marker") && !marker.starts_with('/')) {
        return violation(asked.request, "a marker is a key, with its \"/\"");
    }
    Json json = {{"hasMore", false}, {"nextMarker", ""}, {"objects", nullptr}};
    for (const auto& [key, object] : objects_) {
        if (!key.starts_with(asked.rest) || "/" + key <= marker) {
            continue;
        }
        if (json["objects"].size() == limit) {
            json["hasMore"] = true;
            json["nextMarker"] = json["objects"].back()["key"];
            break;
        }
        json["objects"].push_back(metadata_of(key, object));
    }
    return in_json(json);
}

std::string FakeRenterd::bucket(const Asked& asked) {
    return asked.rest == "bucket" && options_.bucket
               ? in_json({{"name", "bucket"}, {"policy", {{"publicReadAccess", false}}}})
               : refused("404 Not Found", "bucket not found");
}

std::string FakeRenterd::bus_state(const Asked& /*asked*/) {
    return in_json({{"version", options_.version}, {"network", "mainnet"}, {"commit", "?"}});
}

std::string FakeRenterd::upload_settings(const Asked& /*asked*/) {
    return in_json(
        {{"packing", {{"enabled", options_.packing}, {"slabBufferMaxSizeSoft", 4294967296}}},
         {"redundancy",
          {{"minShards", options_.min_shards}, {"totalShards", options_.total_shards}}}});
}

std::string FakeRenterd::consensus(const Asked& /*asked*/) {
    return in_json({{"blockHeight", 500000},
                    {"lastBlockTime", "2026-11-28T00:00:00Z"},
                    {"synced", options_.synced}});
}

std::string FakeRenterd::wallet(const Asked& /*asked*/) {
    return in_json({{"address", "00"},
                    {"confirmed", options_.spendable},
                    {"spendable", options_.spendable},
                    {"unconfirmed", "0"},
                    {"immature", "0"}});
}

std::string FakeRenterd::autopilot(const Asked& /*asked*/) {
    return in_json({{"enabled", options_.autopilot},
                    {"migrating", false},
                    {"scanning", false},
                    {"version", options_.version}});
}

std::string FakeRenterd::contracts(const Asked& asked) {
    if (asked.query.at("filtermode") != "good") {
        return violation(asked.request, "contracts that may not be good");
    }
    Json json = nullptr;
    for (unsigned host = 0; host < options_.contract_hosts; ++host) {
        const auto key = "ed25519:" + std::to_string(host);
        for (const auto* each : {"old", "new"}) {
            json.push_back({{"id", key + each}, {"hostKey", key}, {"usability", "good"}});
        }
    }
    return in_json(json);
}

std::string FakeRenterd::slab_buffers(const Asked& /*asked*/) {
    std::uint64_t bytes = 0;
    for (const auto& [key, object] : objects_) {
        bytes += object.buffered;
    }
    auto json = Json::array();
    json.push_back({{"complete", false},
                    {"filename", "buffer"},
                    {"size", bytes},
                    {"maxSize", options_.min_shards * kSector},
                    {"locked", false}});
    return in_json(json);
}

}  // namespace tapeloft::tests
