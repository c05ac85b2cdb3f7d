// Who may write to a repository: the object `lease`. media/FORMAT.md, "Lease".
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/log/log_entries.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

inline constexpr std::string_view kLeaseName = "lease";
inline constexpr std::size_t kLeaseHostMax = 255;  ///< bytes

/// A daemon that has, or had, a library.
struct LeaseHolder {
    std::array<std::uint8_t, 16> daemon{};  ///< random, drawn at each start
    WriterId writer{};                      ///< of its catalog: the same after a restart
    std::uint64_t process = 0;              ///< id, for people
    std::int64_t since_unix_s = 0;          ///< by its own clock, for people
    std::string host;                       ///< name, for people; at most kLeaseHostMax bytes

    friend bool operator==(const LeaseHolder&, const LeaseHolder&) = default;
};

/// A daemon of this program, from now on. Errors: io (no random bytes).
[[nodiscard]] Result<LeaseHolder> make_lease_holder(const WriterId& writer);
/// "tapeloftd on tapehost (process 4711, since 2026-11-28 04:05:06 UTC)"
[[nodiscard]] std::string to_string(const LeaseHolder& holder);

/// Errors: corrupt; io (no random bytes).
[[nodiscard]] Result<Bytes> seal_lease(const KeyRing& keys, const LeaseHolder& holder);
[[nodiscard]] Result<LeaseHolder> open_lease(const KeyRing& keys, ByteView bytes);

/// No time runs out and no clock is compared: whoever has the lease has it until it gives it up, or
/// somebody else takes it over on purpose. Errors of every call: corrupt (there is a lease that
/// cannot be read), those of the store. store, keys outlive it.
class Lease {
  public:
    Lease(ObjectStore& store, const KeyRing& keys, LeaseHolder self)
        : store_(store), keys_(keys), self_(std::move(self)) {}

    /// Nothing: nobody has it.
    Awaitable<Result<std::optional<LeaseHolder>>> holder();

    /// Takes it where it is free, this daemon's already, or that of an earlier run on the same
    /// catalog. Errors: precondition (another daemon has it, which is named; nothing was changed).
    Awaitable<Result<void>> take();
    /// Takes it from whoever has it.
    Awaitable<Result<void>> take_over();
    /// To be asked before every log object. Errors: precondition (another daemon has taken it over,
    /// which is named). Where somebody removed it, it is taken again; where the stores of a mirror
    /// differ, and none has one of another catalog, it is put into all of them anew, as by take().
    Awaitable<Result<void>> check();
    /// Others may take it. Nothing happens where it is not this daemon's.
    Awaitable<Result<void>> give_up();

  private:
    struct Found {
        std::optional<LeaseHolder> holder;
        /// Else a store of a mirror has another one, or what cannot be read, and none that can be
        /// read is of another catalog.
        bool everywhere = true;
    };

    Awaitable<Result<std::optional<LeaseHolder>>> read();
    Awaitable<Result<Found>> find();
    Awaitable<Result<std::optional<LeaseHolder>>> read_where(
        std::function<bool(const LeaseHolder&)> is_such);
    [[nodiscard]] Result<std::optional<LeaseHolder>> opened(const Result<Buffer>& bytes) const;
    Awaitable<Result<ObjectTag>> tag();
    Awaitable<Result<void>> put(PutOptions options);

    ObjectStore& store_;
    const KeyRing& keys_;
    const LeaseHolder self_;
};

}  // namespace tapeloft::media
