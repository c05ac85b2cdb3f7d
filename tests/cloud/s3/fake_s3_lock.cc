// FakeS3: what nobody may remove.
#include <algorithm>
#include <regex>

#include "cloud/base/timestamps.h"

#include "tests/cloud/s3/fake_s3.h"

namespace tapeloft::tests {
namespace {

constexpr auto kMode = "x-amz-object-lock-mode";
constexpr auto kUntil = "x-amz-object-lock-retain-until-date";

std::string value_of(const FakeS3::Object& object, const std::string& name) {
    const auto found = object.headers.find(name);
    return found == object.headers.end() ? "" : found->second;
}

}  // namespace

/// PutObjectRetention: it may become longer, never shorter, and COMPLIANCE stays COMPLIANCE.
std::string FakeS3::retain(const SeenRequest& request, const std::string& key, const Query& query) {
    static const std::regex kBody(
        "(?:<\\?xml version=\"1.0\"\\?>)?<Retention "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Mode>(COMPLIANCE|GOVERNANCE)</Mode>"
        "<RetainUntilDate>(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ)</RetainUntilDate></"
        "Retention>");
    std::smatch parts;
    if (request.header("content-md5").empty() || !std::regex_match(request.body, parts, kBody)) {
        violations_.push_back("a retention that Amazon does not know: " + request.body);
        return error("400 Bad Request", "MalformedXML");
    }
    if (!options_.versioned) {
        return error("400 Bad Request", "InvalidRequest");
    }
    auto& all = versions_[key];
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
        return each && query.contains("versionId") && each->version == query.at("versionId");
    });
    if (found == all.end()) {
        violations_.push_back("a retention of no version");
        return error("404 Not Found", "NoSuchVersion");
    }
    auto& headers = (*found)->headers;
    const bool weaker = value_of(**found, kMode) == "COMPLIANCE" && parts[1] != "COMPLIANCE";
    const auto before = parse_iso_time(value_of(**found, kUntil)).value_or(0);
    if (weaker || parse_iso_time(parts[2].str()).value_or(0) < before) {
        return error("403 Forbidden", "AccessDenied");
    }
    headers.erase(kMode);
    headers.erase(kUntil);
    headers.emplace(kMode, parts[1]);
    headers.emplace(kUntil, parts[2]);
    show_newest(key);
    return http_answer("200 OK", "", date_header());
}

std::string FakeS3::remove_version(const std::string& key, const std::string& version) {
    auto& all = versions_[key];
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const auto& each) { return each && each->version == version; });
    if (found != all.end() && (*found)->headers.contains(kMode)) {
        return error("403 Forbidden", "AccessDenied");
    }
    if (found != all.end()) {
        all.erase(found);
    }
    show_newest(key);
    return "HTTP/1.1 204 No Content\r\n" + date_header() + "\r\n";
}

void FakeS3::show_newest(const std::string& key) {
    const auto& all = versions_[key];
    if (all.empty() || !all.back()) {
        objects_.erase(key);
    } else {
        objects_[key] = *all.back();
    }
}

}  // namespace tapeloft::tests
