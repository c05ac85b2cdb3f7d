// Objects by name: all that media/ asks of a cloud.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/base/sha256.h"

namespace tapeloft {

inline constexpr std::size_t kObjectNameMax = 512;            ///< bytes
inline constexpr std::size_t kNameComponentMax = 255;         ///< bytes between two "/"
inline constexpr std::uint64_t kObjectSizeMax = 1ULL << 30U;  ///< bytes

/// What a provider can do; never assumed beyond this.
struct StoreCapabilities {
    bool put_if_absent = false;  ///< PutOptions::if_absent holds; known after the first put at last
    /// PutOptions::if_match holds among writers at once as well; where not, a put only looks first.
    bool put_if_match = false;
    std::size_t best_object_size = 32UL * 1024 * 1024;  ///< bytes, for packs
    /// Bytes; 1 or more. An object of N steps to the byte goes at once to where it is to stay; what
    /// another one has behind its last whole step may wait in between, or is billed as a whole
    /// step.
    std::size_t object_step = 1;
    std::size_t parallel = 4;   ///< requests at once that still help
    bool local = false;         ///< on a disk of this machine: a local cache would gain nothing
    bool wants_sha256 = false;  ///< takes the SHA-256 of packs itself where PutOptions has none
    /// What is removed or replaced stays as an old version, and is billed; known after the first
    /// put at last.
    bool keeps_removed = false;

    friend bool operator==(const StoreCapabilities&, const StoreCapabilities&) = default;
};

/// What changes when an object is replaced by other bytes. Trivial on purpose: GCC 12.2 destroys
/// what is not twice where it is written down in the arguments of a coroutine.
class ObjectTag {
  public:
    ObjectTag() = default;
    /// One that is longer than a store's are is none.
    explicit ObjectTag(std::string_view text) noexcept {
        size_ = text.size() <= text_.size() ? text.size() : 0;
        std::copy_n(text.begin(), size_, text_.begin());
    }
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    friend bool operator==(const ObjectTag& a, const ObjectTag& b) noexcept {
        return a.text() == b.text();
    }

  private:
    std::array<char, 80> text_{};
    std::size_t size_ = 0;
};

struct PutOptions {
    bool if_absent = false;  ///< precondition, and nothing is changed, where the name is taken
    /// As head() told: precondition, and nothing is changed, where the object is another one by
    /// now, or gone. Empty: whatever is there is replaced. Not with if_absent.
    ObjectTag if_match = {};
    /// Of the whole body, where whoever puts it has it; else the store takes it if it needs it.
    std::optional<Sha256Digest> sha256 = {};
};

struct ByteRange {
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;  ///< unset: to the end

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct ObjectInfo {
    std::string name;
    std::uint64_t size = 0;  ///< bytes
    ObjectTag tag = {};      ///< empty: this store has none, or it was a list that told
};

struct ObjectPage {
    std::vector<ObjectInfo> objects;  ///< in byte order of their names
    bool more = false;                ///< ask again, behind the last name
};

/// How a store is, beside its objects, as it says itself.
struct StoreCondition {
    /// Of the worst object: 1 with all its redundancy, 0 when it can just be read, less when it
    /// cannot.
    std::optional<double> health;
    /// Taken, on one disk, and not yet where they are to stay.
    std::optional<std::uint64_t> waiting_bytes;
    /// What a person should look after: a sentence for each kind ("money"). The kind stays the same
    /// while the trouble does.
    std::map<std::string, std::string> troubles;
};

/// Of an object that its storage class keeps where it cannot be read at once.
enum class RecallState : std::uint8_t {
    available,  ///< can be read, for some days at least
    under_way,  ///< was asked for; look again later
};

/// Whether the bytes are those that were put, as far as who reads them can tell.
using SoundCheck = std::function<bool(ByteView)>;

/// Calls may come from any executor, many at once; the caller resumes on its own, and the store
/// outlives them. Names: 1 to kObjectNameMax bytes of [a-z0-9/._-], no empty, "." or ".."
/// component, none over kNameComponentMax; others are invalid_argument, and a store may refuse (so
/// too) a name that other names continue with "/". Errors of every call: throttled (again later),
/// transient (network, timeout, 5xx: it may or may not have happened), denied, io (of a disk),
/// corrupt (the provider knows that the bytes are not what was put), busy (archived: nothing is
/// wrong with the object, and it can be read some time after recall()).
class ObjectStore {
  public:
    ObjectStore() = default;
    ObjectStore(const ObjectStore&) = delete;
    ObjectStore& operator=(const ObjectStore&) = delete;
    virtual ~ObjectStore() = default;

    [[nodiscard]] virtual const StoreCapabilities& capabilities() const noexcept = 0;
    /// For people, without secrets: "file:///var/lib/tapeloft/store".
    [[nodiscard]] virtual const std::string& url() const noexcept = 0;
    /// How far the store's clock was ahead of this machine's when it last answered; unset: it does
    /// not tell.
    [[nodiscard]] virtual std::optional<std::chrono::seconds> clock_ahead() const {
        return std::nullopt;
    }

    /// Empty: this store does not tell. Changes nothing. Errors: those of every call.
    virtual Awaitable<Result<StoreCondition>> condition();

    /// How long it takes at most, from recall() on, until an object of this name that is put now
    /// can be read; unset: it always can. As the store is configured; asks nobody.
    [[nodiscard]] virtual std::optional<std::chrono::seconds> recall_time(
        std::string_view /*name*/) const {
        return std::nullopt;
    }

    /// Until when the store refuses to remove the object, in seconds of Unix time; unset: it does
    /// not, or there is none. Asks nobody where the configuration locks nothing of this name.
    virtual Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name);

    /// For the end of the program: calls that wait for a network end as cancelled, at once, and so
    /// do later ones. Any thread.
    virtual void shut_down() {}

    /// Stores `body` (0 to kObjectSizeMax bytes) whole or not at all; durable when it returns.
    /// Replaces what was there unless options say otherwise. Errors: precondition, no_space.
    virtual Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) = 0;

    /// The bytes of the range, exactly: a range that passes the end of the object is
    /// invalid_argument, never short. Errors: not_found.
    virtual Awaitable<Result<Buffer>> get(std::string name, ByteRange range) = 0;

    /// The same once more, after get() gave bytes that were not sound: from wherever else there is
    /// a copy, which also mends the bad one. Sound or not, who asks looks again: where there is no
    /// sound copy it gets one that is not.
    virtual Awaitable<Result<Buffer>> get_sound(std::string name, ByteRange range,
                                                SoundCheck is_sound);

    /// Has an archived object made readable, unless that is under way or done; may be called as
    /// often as one likes. Where a store archives nothing it asks nobody, and says available of
    /// any name. Errors: not_found.
    virtual Awaitable<Result<RecallState>> recall(std::string name);

    /// Errors: not_found.
    virtual Awaitable<Result<ObjectInfo>> head(std::string name) = 0;

    /// Names that begin with `prefix` and are greater than `after` in byte order, at most `limit`
    /// (1 to 1000). What was put lately may be missing.
    virtual Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                               std::size_t limit) = 0;

    /// No error where there is no such object. Durable when it returns.
    virtual Awaitable<Result<void>> remove(std::string name) = 0;

    /// All of them, in as few requests as the store takes. Errors: of the first that stays; others
    /// may stay as well.
    virtual Awaitable<Result<void>> remove_many(std::vector<std::string> names);
};

/// Whether a store takes the name.
[[nodiscard]] bool is_object_name(std::string_view name) noexcept;

}  // namespace tapeloft
