// Objects in a bucket of Amazon S3 or of one of the many stores that speak its protocol.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/run_once.h"
#include "cloud/http/http_engine.h"
#include "cloud/s3/s3_capabilities.h"
#include "cloud/s3/s3_client.h"
#include "cloud/s3/s3_settings.h"
#include "cloud/s3/s3_xml.h"
#include "cloud/store/object_store.h"
#include "cloud/store/retry_clock.h"
#include "cloud/store/store_context.h"

namespace tapeloft {

/// The object NAME is the key PREFIX/NAME. Any thread. Asks nothing twice except what s3::Client
/// mends, and one part of a large object (s3::put_in_parts): RetryingStore does that.
///
/// Where the store has no conditional put (capabilities().put_if_absent is false), if_absent looks
/// first and then puts: of two writers at once both may believe they were first.
///
/// Where there is a lock rule remove() takes the versions themselves away and is denied where one
/// is still retained, instead of hiding it behind a delete marker; where somebody else put a marker
/// over one, get() and head() are corrupt, not not_found.
///
/// Where there is none and the bucket keeps versions (capabilities().keeps_removed), they stay:
/// they may be somebody's protection. The log is told once, by a warning.
///
/// What is archived by a rule of the bucket's own, not by `class`, can be recalled, too;
/// recall_time() knows of it once recall() has met some of it.
class S3Store final : public ObjectStore {
  public:
    /// Asks the store nothing: one that is away, or cannot be written, opens too. clock is for the
    /// pauses between attempts to send a part, and outlives the store. Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<S3Store>> open(
        s3::Settings settings, StoreContext context,
        s3::Environment environment = s3::process_environment(), HttpLimits limits = {},
        RetryClock& clock = steady_retry_clock());

    /// Requests that are under way end as cancelled.
    ~S3Store() override;

    /// Finds out what the store does (s3::find_capabilities; its errors); once. A put does it by
    /// itself. Either has uploads in parts that somebody left behind a day ago or earlier aborted,
    /// once a day, and does not wait for it: that goes on beside, on context.disk.
    Awaitable<Result<void>> prepare();

    /// Before prepare() no more is promised than what holds everywhere.
    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return *capabilities_.load();
    }
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }
    [[nodiscard]] std::optional<std::chrono::seconds> clock_ahead() const override;
    [[nodiscard]] std::optional<std::chrono::seconds> recall_time(
        std::string_view name) const override;
    void shut_down() override {
        shared_->engine->shut_down();
        pauses_.stop();
    }

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<RecallState>> recall(std::string name) override;
    Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;
    /// DeleteObjects; one by one where there is a lock rule, or the store does not know it.
    Awaitable<Result<void>> remove_many(std::vector<std::string> names) override;

  private:
    /// What a sweep shares with the store, whose end it outlives by a moment: the engine has ended
    /// then, so that it neither waits nor asks anything.
    struct Shared {
        std::unique_ptr<HttpEngine> engine;
        s3::Client client;
        std::atomic<std::int64_t> sweep_due_unix_s = 0;  ///< by the store's clock; or kUnderWay
    };
    static constexpr std::int64_t kUnderWay = INT64_MAX;

    S3Store(std::unique_ptr<HttpEngine> engine, s3::Settings settings, StoreContext context,
            s3::Environment environment, RetryClock& clock);

    static std::shared_ptr<Shared> share(std::unique_ptr<HttpEngine> engine, s3::Settings settings,
                                         s3::Environment environment, StoreContext context);
    Awaitable<Result<void>> find_out();
    void sweep();
    void tell_of_versions() const;
    Awaitable<Result<void>> look_before_put(std::string name, PutOptions options);
    [[nodiscard]] std::optional<HttpHeader> condition_of(const PutOptions& options) const;
    Awaitable<Result<void>> put_whole(std::string name, Buffer body, PutOptions options);
    Awaitable<Result<bool>> remove_batch(std::vector<std::string> names);
    Awaitable<Result<Buffer>> get_whole(std::string name);
    Awaitable<Result<Buffer>> get_range(std::string name, ByteRange range);
    Awaitable<Result<Buffer>> get_nothing(std::string name, ByteRange range);
    Awaitable<Result<HttpResponse>> ask_head(std::string name);
    Awaitable<Error> reason_of(HttpResponse head, std::string name);
    Awaitable<Result<RecallState>> restore(std::string name, std::string archive);
    Awaitable<Result<s3::ListedKeys>> list_keys(std::string prefix, std::string start,
                                                std::size_t limit);
    Awaitable<Result<void>> remove_versions(std::string name);
    /// Of a get or a head.
    Awaitable<Error> refused(HttpResponse response, std::string what, std::string name);
    Awaitable<Result<bool>> has_hidden_version(std::string name);
    [[nodiscard]] const s3::Settings& settings() const noexcept { return client_.settings(); }

    EventLog* const log_;  ///< null: nobody asks
    const Executor disk_;
    const std::shared_ptr<Shared> shared_;
    s3::Client& client_;
    Pauses pauses_;
    const StoreCapabilities assumed_;
    s3::Abilities found_;  ///< by find_out(), before capabilities_ points into it
    std::atomic<const StoreCapabilities*> capabilities_ = &assumed_;
    RunOnce prepared_;
    std::atomic<std::int64_t> archived_s_ = 0;    ///< the longest time of what recall() met
    std::atomic<bool> one_by_one_ = false;        ///< it does not know DeleteObjects
    std::atomic<bool> archives_nothing_ = false;  ///< it does not know how to restore
    const std::string url_;
};

}  // namespace tapeloft
