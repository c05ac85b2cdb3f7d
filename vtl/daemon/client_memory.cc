#include "vtl/daemon/client_memory.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kFirstBytesMax = 4096;

/// The descriptor that came along; closed when nobody takes it.
Descriptor descriptor_in(msghdr& message) {
    auto* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        return {};
    }
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    return Descriptor(number);
}

/// Memory, and files that lie in memory (tmpfs), have seals, and nothing else does: fcntl(2),
/// F_GET_SEALS. So no write to it ever waits.
bool is_memory(const Descriptor& descriptor) {
    return ::fcntl(descriptor.get(), F_GET_SEALS) >= 0;
}

}  // namespace

Result<std::optional<FirstBytes>> take_first_bytes(int socket, boost::beast::flat_buffer& buffer) {
    const auto room = buffer.prepare(kFirstBytesMax);
    iovec place{room.data(), room.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    // For one descriptor, without padding: the kernel closes what else is sent.
    message.msg_controllen = CMSG_LEN(sizeof(int));
    const auto size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return std::optional<FirstBytes>();
        }
        return error_from_errno("a request", errno);
    }
    buffer.commit(static_cast<std::size_t>(size));
    FirstBytes first;
    first.size = static_cast<std::size_t>(size);
    auto came = descriptor_in(message);
    if (came.is_open() && !is_memory(came)) {
        return Error{Errc::invalid_argument,
                     "what came along with the connection is not memory (memfd_create(2))"};
    }
    if (came.is_open()) {
        first.memory = std::make_shared<const Descriptor>(std::move(came));
    }
    return std::optional(std::move(first));
}

Result<void> MemoryRoom::check() const {
    struct stat status {};
    if (::fstat(memory->get(), &status) != 0) {
        return error_from_errno("the client's memory", errno);
    }
    const auto length = static_cast<std::uint64_t>(status.st_size);
    if (size == 0 || size > kSizeMax || at > length || size > length - at) {
        return Error{Errc::invalid_argument,
                     "there is no room for " + std::to_string(size) + " bytes, of " +
                         std::to_string(kSizeMax) + " at most, from byte " + std::to_string(at) +
                         " on in the client's memory of " + std::to_string(length)};
    }
    return {};
}

Result<void> MemoryRoom::put(ByteView bytes) {
    TL_ASSERT(bytes.size() <= size);
    while (!bytes.empty()) {
        const auto count =
            ::pwrite(memory->get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return error_from_errno("the client's memory", count < 0 ? errno : ENOSPC);
        }
        const auto written = static_cast<std::size_t>(count);
        bytes = bytes.subspan(written);
        at += written;
        size -= written;
    }
    return {};
}

}  // namespace tapeloft::vtl::daemon
