// A stand-in for an S3 server, strict where real ones are lenient: every request's signature, hash,
// encoding and order are checked by code that shares nothing with the client's.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/s3/credentials.h"

#include "tests/cloud/http/scripted_server.h"

namespace tapeloft::tests {

enum class Conditions { honoured, ignored, refused };

struct FakeS3Options {
    std::string access_key_id = "AKIDFAKE";
    std::string secret_access_key = "fake/secret+key";
    std::string session_token = {};
    std::string region = "us-east-1";
    std::int64_t clock_ahead_s = 0;
    Conditions conditions = Conditions::honoured;
    bool bare_tags = false;        ///< If-Match is compared with an ETag without quotes
    bool deletes_many = true;      ///< it knows DeleteObjects
    std::string undeletable{};     ///< a key that DeleteObjects is denied for
    bool keeps_encryption = true;  ///< else it ignores the header and stores in the clear
    bool empty_complete_etag = false;
    std::size_t uploads_a_page = 1000;  ///< of ListMultipartUploads
    bool encrypts_by_kms = false;       ///< the bucket's default: ETags are no MD5, and it says so
    /// Keeps what is put into GLACIER and DEEP_ARCHIVE, and what archive_unread() took, as Amazon
    /// does: a stand-in for that, since no server of Debian's has it. Restores end with
    /// finish_restores(), copies with expire_copies().
    bool archives = false;
    bool refuses_expedited = false;  ///< for now: no capacity
    bool versioned = false;     ///< made with object lock: keeps versions, and locked ones for good
    bool locks_uploads = true;  ///< else it ignores the lock of an upload in parts, as Ceph's does
};

class FakeS3 {
  public:
    struct Object {
        std::string body;
        std::multimap<std::string, std::string> headers;  ///< x-amz-* of the put
        std::string etag;
        std::string version = {};  ///< empty: the bucket keeps none
        bool restoring = false;
        std::int64_t restored_days = 0;  ///< 0: there is no copy
        std::string access_tier = {};    ///< an archive tier of INTELLIGENT_TIERING
    };
    /// An answer instead of the server's own; unset: none.
    using Intercept = std::function<std::optional<std::string>(const SeenRequest&)>;

    explicit FakeS3(FakeS3Options options = {});
    ~FakeS3() { release(); }

    [[nodiscard]] std::string endpoint() const { return server_->url(""); }
    /// "s3://bucket/PREFIX?endpoint=..." and what else is given.
    [[nodiscard]] std::string url(const std::string& prefix, const std::string& more = "") const;
    /// Its keys, as a process would see them.
    [[nodiscard]] s3::Environment environment() const;

    void set_options(FakeS3Options options);
    void set_intercept(Intercept intercept);
    /// Requests with this in their target are seen and not answered until release().
    void hold(std::string in_target);
    void release() { hold(""); }
    [[nodiscard]] std::map<std::string, Object> objects() const;
    /// Of the key, delete markers too.
    [[nodiscard]] std::size_t versions(const std::string& key) const;
    void put_object(const std::string& key, std::string body);
    /// The restores that were asked for are done: copies are there for as many days.
    void finish_restores();
    /// The days are over.
    void expire_copies();
    /// What is in INTELLIGENT_TIERING has not been read for long: tier ARCHIVE_ACCESS or
    /// DEEP_ARCHIVE_ACCESS. It comes back for good.
    void archive_unread(const std::string& tier);
    [[nodiscard]] std::size_t uploads() const;
    void add_upload(const std::string& key, std::int64_t age_s);
    /// Every request so far.
    [[nodiscard]] std::vector<SeenRequest> requests() const;
    /// Requests that were not as the protocol has them, in words.
    [[nodiscard]] std::vector<std::string> violations() const;

  private:
    using Query = std::map<std::string, std::string>;
    struct Upload {
        std::string key;
        std::map<int, std::string> parts;
        std::multimap<std::string, std::string> headers;
        std::int64_t begun_unix_s = 0;
    };

    void serve(ServedConnection& connection);
    std::string answer(const SeenRequest& request);
    std::string check(const SeenRequest& request, const std::string& path, const Query& query);
    std::string dispatch(const SeenRequest& request, const std::string& key, const Query& query);
    std::string put(const SeenRequest& request, const std::string& key, const Query& query);
    std::string get(const SeenRequest& request, const std::string& key);
    std::string restore(const SeenRequest& request, const std::string& key);
    std::optional<std::string> refuse_put(const SeenRequest& request, const std::string& key);
    std::string delete_many(const SeenRequest& request);
    std::optional<std::string> refuse_restore(const Object& object, const std::string& body);
    [[nodiscard]] bool is_archived(const Object& object) const;
    std::string list(const Query& query);
    std::string list_uploads(const Query& query);
    std::string post(const SeenRequest& request, const std::string& key, const Query& query);
    std::string complete(const SeenRequest& request, const std::string& key, const Query& query);
    void store(const std::string& key, Object object);
    std::string remove(const std::string& key, const Query& query);
    std::string remove_version(const std::string& key, const std::string& version);
    std::string list_versions(const Query& query);
    std::string retain(const SeenRequest& request, const std::string& key, const Query& query);
    void show_newest(const std::string& key);
    std::string error(const std::string& status, const std::string& code,
                      const std::string& more = "");
    [[nodiscard]] std::string date_header() const;

    mutable std::mutex mutex_;
    FakeS3Options options_;
    Intercept intercept_;
    std::string held_;  ///< empty: none
    std::condition_variable held_changed_;
    std::map<std::string, Object> objects_;
    /// Of versioned keys, oldest first; unset: a delete marker.
    std::map<std::string, std::vector<std::optional<Object>>> versions_;
    std::map<std::string, Upload> uploads_;
    std::vector<SeenRequest> requests_;
    std::vector<std::string> violations_;
    std::unique_ptr<ScriptedServer> server_;  ///< ends first
};

}  // namespace tapeloft::tests
