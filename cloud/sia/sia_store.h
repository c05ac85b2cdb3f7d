// Objects in a bucket of renterd, which keeps them with hosts of the Sia network.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/environment.h"
#include "cloud/http/http_engine.h"
#include "cloud/sia/renterd_answers.h"
#include "cloud/sia/sia_client.h"
#include "cloud/sia/sia_settings.h"
#include "cloud/store/object_store.h"
#include "cloud/store/retry_clock.h"
#include "cloud/store/store_context.h"

namespace tapeloft {

/// The object NAME is the key PREFIX/NAME, by the native API of renterd 2. Any thread. Asks nothing
/// twice but for slabs, and a password that was changed: RetryingStore does that.
///
/// What "durable when it returns" means here, for put():
/// - An object of whole slabs (N x min_shards x 4 MiB to the byte; capabilities().object_step) is
///   with the hosts: renterd has told shards of each of its slabs. So are all objects where upload
///   packing is switched off, and then even the smallest one costs a slab.
/// - Of any other object the bytes behind its last whole slab are in renterd's upload buffer,
/// synced
///   to the disk of renterd and nowhere else, until later uploads fill a slab. They survive the
///   loss of this machine if renterd runs on another one, and the loss of renterd's only once they
///   are with the hosts; condition() tells how many bytes wait.
/// Either way renterd's database is what finds them: whoever loses it without a backup has lost the
/// store.
///
/// There is no conditional put: if_absent looks first and then puts, so of two writers at once both
/// may believe they were first.
class SiaStore final : public ObjectStore {
  public:
    /// Asks renterd nothing: one that is away opens too. clock: of the pauses between looks at
    /// slabs; outlives the store. Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<SiaStore>> open(
        sia::Settings settings, StoreContext context,
        Environment environment = process_environment(), HttpLimits limits = http_limits(),
        RetryClock& clock = steady_retry_clock());

    /// A put is answered once the last shard is with its host: two minutes of silence in the middle
    /// of a body and 15 behind it are an uplink, not a stall.
    [[nodiscard]] static HttpLimits http_limits();

    /// Of the upload settings that were read last. Before the first put or head, those of renterd's
    /// default, 10 of 30 shards: a slab has 40 MiB.
    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return *capabilities_.load();
    }
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }
    Awaitable<Result<StoreCondition>> condition() override;
    void shut_down() override;

    /// Errors also: unsupported (renterd before version 2), io (slabs of more than 128 MiB),
    /// transient (slabs that were with no host after kSlabsPatience: the object is in renterd, but
    /// not yet safe).
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

  private:
    static constexpr std::chrono::minutes kSlabsPatience{5};
    static constexpr std::chrono::minutes kSettingsAge{1};  ///< after which they are read anew

    SiaStore(std::unique_ptr<HttpEngine> engine, sia::Settings settings, StoreContext context,
             Environment environment, RetryClock& clock);

    Awaitable<Result<void>> read_settings();
    void take_settings(const sia::UploadSettings& settings);
    /// The newest under which so many bytes are whole slabs, where there are such, with as many
    /// shards in all as are wanted now (more than min_shards); else the newest.
    [[nodiscard]] sia::UploadSettings settings_for(std::size_t size) const;
    Awaitable<Result<void>> look_for(std::string name);
    Awaitable<std::string> md5_of(Buffer body);
    Awaitable<Result<void>> upload(std::string name, Buffer body, sia::UploadSettings settings,
                                   std::string md5);
    Awaitable<Result<void>> until_stored(std::string name, std::size_t size, std::string md5);
    Awaitable<Error> missing(std::string name);
    Awaitable<Result<sia::ObjectFacts>> facts_of(std::string name, bool with_slabs);
    Awaitable<Result<Buffer>> get_whole(std::string name);
    Awaitable<Result<Buffer>> get_range(std::string name, ByteRange range);
    Awaitable<Result<sia::ObjectList>> list_keys(std::string prefix, std::string marker,
                                                 std::size_t limit);
    [[nodiscard]] sia::Call call_of(std::string method, std::string_view route,
                                    std::string_view name) const;
    [[nodiscard]] const sia::Settings& settings() const noexcept { return client_.settings(); }

    const std::unique_ptr<HttpEngine> engine_;
    sia::Client client_;
    const StoreContext context_;
    RetryClock& clock_;
    Pauses pauses_;
    const std::string url_;

    mutable std::mutex mutex_;
    /// All that capabilities() ever told, the newest first; never empty. A pack that is repeated
    /// may be of the slabs of any. Each min_shards comes once with packing and once without, so
    /// there are never more than 2 * kSlabMax / kSectorSize.
    std::vector<sia::UploadSettings> told_;
    std::optional<std::chrono::milliseconds> read_at_;  ///< the newest; unset: nothing was read yet
    /// By bytes in a slab and packing; never removed from, for capabilities() has given them away.
    std::map<std::pair<std::uint64_t, bool>, StoreCapabilities> known_capabilities_;
    std::atomic<const StoreCapabilities*> capabilities_ = nullptr;
};

}  // namespace tapeloft
