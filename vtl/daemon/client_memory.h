// Memory of a client, into which the daemon writes what it asks for: what goes through the socket
// is copied twice, and wakes both sides for every piece.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>

#include "cloud/base/bytes.h"
#include "cloud/base/descriptor.h"
#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

/// What came first on a connection.
struct FirstBytes {
    std::size_t size = 0;                      ///< of the request, now in the buffer; 0: the end
    std::shared_ptr<const Descriptor> memory;  ///< null: none came along
};

/// Takes what has arrived on a Unix socket, and the memory that came along with it (one descriptor,
/// SCM_RIGHTS, unix(7)). Never waits; nothing: nothing is there yet. Errors: invalid_argument (what
/// came along is not memory: memfd_create(2)), io.
[[nodiscard]] Result<std::optional<FirstBytes>> take_first_bytes(int socket,
                                                                 boost::beast::flat_buffer& buffer);

/// Room in a client's memory. It is written with pwrite(2) and not mapped, so a client that takes
/// memory away costs an error, not a signal.
struct MemoryRoom {
    std::shared_ptr<const Descriptor> memory;
    std::uint64_t at = 0;    ///< byte of the memory
    std::uint64_t size = 0;  ///< bytes

    static constexpr std::uint64_t kSizeMax = 64ULL * 1024 * 1024;

    /// Errors: invalid_argument (no room, more than kSizeMax, not all of it in the memory), io.
    [[nodiscard]] Result<void> check() const;
    /// Writes at the beginning, and moves it behind that. bytes: no more than there is room for.
    /// Errors: no_space, io.
    [[nodiscard]] Result<void> put(ByteView bytes);
};

}  // namespace tapeloft::vtl::daemon
