// Small named values that outlive a restart: what a logical unit or a cartridge remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft {

/// The values of one owner (a logical unit by its serial number, a cartridge by its id), all of
/// them in memory since it was opened. One strand uses it at a time. Who writes a value gives it a
/// version of its own (a byte in front), and takes one that it does not know for not there.
class ValueStore {
  public:
    static constexpr std::size_t kNameLengthMax = 64;
    static constexpr std::size_t kValueLengthMax = 1024 * 1024;  ///< bytes

    ValueStore() = default;
    ValueStore(const ValueStore&) = delete;
    ValueStore& operator=(const ValueStore&) = delete;
    virtual ~ValueStore() = default;

    /// The value of the last put() that succeeded; nothing: there was none. Never waits.
    [[nodiscard]] virtual std::optional<Bytes> get(std::string_view name) const = 0;
    /// Replaces a value, or removes it (empty). Durable when it returns: a crash leaves the old
    /// value or the new one. Errors: invalid_argument (too long), io, no_space; the old value then
    /// stays.
    virtual Awaitable<Result<void>> put(std::string name, Bytes value) = 0;
};

}  // namespace tapeloft
