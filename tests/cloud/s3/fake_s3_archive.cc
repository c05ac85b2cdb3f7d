// FakeS3: what is kept where it cannot be read at once.
#include <regex>
#include <utility>

#include "tests/cloud/s3/fake_s3.h"

namespace tapeloft::tests {

void FakeS3::finish_restores() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, object] : objects_) {
        object.restored_days = object.restoring ? 7 : object.restored_days;
        if (std::exchange(object.restoring, false)) {
            object.access_tier.clear();
        }
    }
}

void FakeS3::expire_copies() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, object] : objects_) {
        object.restored_days = 0;
    }
}

void FakeS3::archive_unread(const std::string& tier) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, object] : objects_) {
        const auto kept = object.headers.find("x-amz-storage-class");
        if (kept != object.headers.end() && kept->second == "INTELLIGENT_TIERING") {
            object.access_tier = tier;
            object.restored_days = 0;
        }
    }
}

bool FakeS3::is_archived(const Object& object) const {
    const auto kept = object.headers.find("x-amz-storage-class");
    const auto name = kept == object.headers.end() ? "" : kept->second;
    return options_.archives &&
           (name == "GLACIER" || name == "DEEP_ARCHIVE" || !object.access_tier.empty());
}

/// Unset: the body is as it has to be.
std::optional<std::string> FakeS3::refuse_restore(const Object& object, const std::string& body) {
    static const std::regex kBody(
        "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "(?:<Days>([1-9][0-9]{0,3})</Days>)?"
        "<GlacierJobParameters><Tier>(Expedited|Standard|Bulk)</Tier></GlacierJobParameters>"
        "</RestoreRequest>");
    std::smatch parts;
    if (!std::regex_match(body, parts, kBody) || parts[1].matched != object.access_tier.empty()) {
        violations_.push_back("a restore that Amazon does not know: " + body);
        return error("400 Bad Request", "MalformedXML");
    }
    const bool deep = object.access_tier == "DEEP_ARCHIVE_ACCESS" ||
                      object.headers.find("x-amz-storage-class")->second == "DEEP_ARCHIVE";
    if (parts[2] == "Expedited" && deep) {
        violations_.push_back("an expedited restore out of a deep archive");
        return error("400 Bad Request", "InvalidArgument");
    }
    if (parts[2] == "Expedited" && options_.refuses_expedited) {
        return error("503 Service Unavailable", "GlacierExpeditedRetrievalNotAvailable");
    }
    return std::nullopt;
}

/// RestoreObject.
std::string FakeS3::restore(const SeenRequest& request, const std::string& key) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
        return error("404 Not Found", "NoSuchKey");
    }
    if (!options_.archives) {
        return error("501 Not Implemented", "NotImplemented");
    }
    auto& object = found->second;
    if (!is_archived(object)) {
        return error("403 Forbidden", "InvalidObjectState");
    }
    if (auto refusal = refuse_restore(object, request.body)) {
        return *refusal;
    }
    if (object.restoring) {
        return error("409 Conflict", "RestoreAlreadyInProgress");
    }
    if (object.restored_days != 0) {
        static const std::regex kDays("<Days>([0-9]+)</Days>");
        std::smatch days;
        std::regex_search(request.body, days, kDays);
        object.restored_days = std::stoll(days[1]);
        return http_answer("200 OK", "", date_header());
    }
    object.restoring = true;
    return http_answer("202 Accepted", "", date_header());
}

}  // namespace tapeloft::tests
