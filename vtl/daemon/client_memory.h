// Memory of a client, into which the daemon puts what it asks for: what goes through the socket
// is copied twice, and wakes both sides for every piece; pwrite(2) costs a search for each page.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>

#include "cloud/base/bytes.h"
#include "cloud/base/descriptor.h"
#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

/// Memory of a client, mapped as long as this lives. Whatever the client does with it meanwhile, to
/// touch what pages() gave costs no signal: it cannot become shorter (F_SEAL_SHRINK), and from
/// map() on no page can be taken out of it (F_SEAL_FUTURE_WRITE, which this adds). What is in it is
/// the client's at any time, so nothing is ever read from it. One call at a time.
class ClientMemory {
  public:
    static constexpr std::uint64_t kSizeMax = 64ULL * 1024 * 1024;  ///< bytes, each connection

    /// descriptor: of memfd_create(2), in pages of the usual size, with F_SEAL_SHRINK and at most
    /// F_SEAL_GROW, mapped by its owner, and never given to a daemon before. Errors:
    /// invalid_argument (it is not that, or empty, or longer than kSizeMax), denied, io.
    [[nodiscard]] static Result<std::shared_ptr<ClientMemory>> map(const Descriptor& descriptor);
    ClientMemory(const ClientMemory&) = delete;
    ClientMemory& operator=(const ClientMemory&) = delete;
    ~ClientMemory();

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Bytes of it, which are there from now on. at, size: inside of it. Errors: no_space, io.
    [[nodiscard]] Result<MutableByteView> pages(std::uint64_t at, std::uint64_t size);

  private:
    static constexpr std::uint64_t kPiece = 256ULL * 1024;  ///< bytes that are had at once

    ClientMemory(std::uint8_t* begin, std::uint64_t size);

    std::uint8_t* const begin_;
    const std::uint64_t size_;
    std::vector<bool> there_;  ///< by piece
};

/// What came first on a connection.
struct FirstBytes {
    std::size_t size = 0;                  ///< of the request, now in the buffer; 0: the end
    std::shared_ptr<ClientMemory> memory;  ///< null: none came along
};

/// Takes what has arrived on a Unix socket, and the memory that came along with it (one descriptor,
/// SCM_RIGHTS, unix(7)). Never waits; nothing: nothing is there yet. Errors: those of
/// ClientMemory::map(), io.
[[nodiscard]] Result<std::optional<FirstBytes>> take_first_bytes(int socket,
                                                                 boost::beast::flat_buffer& buffer);

/// Room in a client's memory.
struct MemoryRoom {
    std::shared_ptr<ClientMemory> memory;
    std::uint64_t at = 0;    ///< byte of the memory
    std::uint64_t size = 0;  ///< bytes

    /// Errors: invalid_argument (no room, or not all of it in the memory).
    [[nodiscard]] Result<void> check() const;
    /// Writes at the beginning, and moves it behind that. bytes: no more than there is room for.
    /// Errors: no_space, io.
    [[nodiscard]] Result<void> put(ByteView bytes);
};

}  // namespace tapeloft::vtl::daemon
