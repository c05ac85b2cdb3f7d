// A logical unit as a host reaches it: one handle, one command at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::vtl::doctor {

inline constexpr std::uint8_t kUnitAttention = 6;  ///< sense key

/// How one command ended.
struct Reply {
    int status = 0;             ///< SAM status
    Bytes data;                 ///< data-in, without what the residual says is missing
    Bytes sense;                ///< as it came, without the transport's own length field
    std::int64_t residual = 0;  ///< > 0: underflow, < 0: overflow

    [[nodiscard]] bool good() const noexcept { return status == 0; }
    [[nodiscard]] std::string text() const;  ///< for messages
};

class Unit {
  public:
    Unit() = default;
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;
    virtual ~Unit() = default;

    /// A command that reads up to `length` bytes, also 0. An Error: no answer came in time, or the
    /// transport failed; whatever a device server may answer is a Reply.
    virtual Result<Reply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                             std::chrono::seconds timeout) = 0;
    virtual Result<Reply> out(std::span<const std::uint8_t> cdb, ByteView data,
                              std::chrono::seconds timeout) = 0;
};

}  // namespace tapeloft::vtl::doctor
