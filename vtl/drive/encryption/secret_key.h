// The one place where key bytes may be kept.
#pragma once

#include <cstdint>
#include <span>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::drive {

/// A key of 256 bits in a page of its own: locked into memory where the limits allow it, left out
/// of core dumps and of forked processes, wiped when it is let go of. It has no copy, no text form
/// and no comparison, so that it cannot reach a log or an Error.
class SecretKey {
  public:
    static constexpr std::size_t kLength = 32;  ///< bytes

    /// Zeros, to be filled through bytes().
    SecretKey();
    /// key: kLength bytes. The caller wipes its own copy.
    explicit SecretKey(ByteView key);
    SecretKey(SecretKey&& other) noexcept;
    SecretKey& operator=(SecretKey&& other) noexcept;
    SecretKey(const SecretKey&) = delete;
    SecretKey& operator=(const SecretKey&) = delete;
    ~SecretKey();

    [[nodiscard]] ByteView view() const noexcept { return {page_, kLength}; }
    [[nodiscard]] MutableByteView bytes() noexcept { return {page_, kLength}; }

  private:
    void release() noexcept;

    std::uint8_t* page_ = nullptr;  ///< null only in what was moved from
};

/// Overwrites bytes that were secret; the compiler cannot leave it out.
void wipe(MutableByteView bytes) noexcept;

}  // namespace tapeloft::vtl::drive
