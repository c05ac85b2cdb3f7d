#include "vtl/daemon/client_memory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

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

constexpr const char* kWhat = "the client's memory";

/// Memory, and files that lie in memory (tmpfs), have seals, and nothing else does: fcntl(2),
/// F_GET_SEALS. A file of a tmpfs, where pages may run out, cannot have F_SEAL_SHRINK; nor is
/// hugetlbfs, where they may as well, a tmpfs.
Result<void> check_kind(const Descriptor& descriptor) {
    const auto seals = ::fcntl(descriptor.get(), F_GET_SEALS);
    struct statfs system {};
    if (seals < 0 || ::fstatfs(descriptor.get(), &system) != 0 || system.f_type != TMPFS_MAGIC) {
        return Error{Errc::invalid_argument,
                     "what came along with the connection is not memory (memfd_create(2), with "
                     "pages of the usual size)"};
    }
    if ((seals & F_SEAL_SHRINK) == 0) {
        return Error{Errc::invalid_argument,
                     "the memory that came along with the connection might become shorter: its "
                     "owner has to seal it (F_SEAL_SHRINK, fcntl(2))"};
    }
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) != 0) {
        return Error{Errc::invalid_argument,
                     "the memory that came along with the connection is sealed against writing, or "
                     "against more seals, or it came along with another connection before"};
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<ClientMemory>> ClientMemory::map(const Descriptor& descriptor) {
    TL_CHECK(check_kind(descriptor));
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) {
        return error_from_errno(kWhat, errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size == 0 || size > kSizeMax) {
        return Error{Errc::invalid_argument, "the client's memory has " + std::to_string(size) +
                                                 " bytes, not 1 to " + std::to_string(kSizeMax)};
    }
    void* const begin =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
    if (begin == MAP_FAILED) {  // NOLINT: as mmap(2) has it
        return error_from_errno(kWhat, errno);
    }
    std::shared_ptr<ClientMemory> memory(
        new ClientMemory(static_cast<std::uint8_t*>(begin), size));  // NOLINT: private
    if (::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0) {
        return error_from_errno("the seals of the client's memory", errno);
    }
    return memory;
}

ClientMemory::ClientMemory(std::uint8_t* begin, std::uint64_t size)
    : begin_(begin), size_(size), there_((size + kPiece - 1) / kPiece) {}

ClientMemory::~ClientMemory() {
    ::munmap(begin_, size_);
}

Result<MutableByteView> ClientMemory::pages(std::uint64_t at, std::uint64_t size) {
    TL_ASSERT(at <= size_ && size <= size_ - at);
    for (auto piece = at / kPiece; piece * kPiece < at + size; ++piece) {
        if (there_[piece]) {
            continue;
        }
        const auto begin = piece * kPiece;
        const auto length = std::min(kPiece, size_ - begin);
        if (::madvise(begin_ + begin, length, MADV_POPULATE_WRITE) != 0) {
            // EFAULT: to touch it would have been a signal.
            return error_from_errno(kWhat, errno == EFAULT || errno == ENOMEM ? ENOSPC : errno);
        }
        there_[piece] = true;
    }
    return MutableByteView(begin_ + at, size);
}

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
    const auto came = descriptor_in(message);
    if (came.is_open()) {
        TL_TRY(first.memory, ClientMemory::map(came));
    }
    return std::optional(std::move(first));
}

Result<void> MemoryRoom::check() const {
    const auto length = memory->size();
    if (size == 0 || at > length || size > length - at) {
        return Error{Errc::invalid_argument, "there is no room for " + std::to_string(size) +
                                                 " bytes from byte " + std::to_string(at) +
                                                 " on in the client's memory of " +
                                                 std::to_string(length)};
    }
    return {};
}

Result<void> MemoryRoom::put(ByteView bytes) {
    TL_ASSERT(bytes.size() <= size);
    TL_TRY(const auto place, memory->pages(at, bytes.size()));
    std::copy(bytes.begin(), bytes.end(), place.begin());
    at += bytes.size();
    size -= bytes.size();
    return {};
}

}  // namespace tapeloft::vtl::daemon
