#include "cloud/base/block_memory.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>

#include <sys/mman.h>
#include <unistd.h>

#include "cloud/base/contract.h"

namespace tapeloft {
namespace {

constexpr std::size_t kHugePage = 2UL * 1024 * 1024;

#ifdef TAPELOFT_SANITIZED
constexpr std::size_t kReserved = 0;
#else
constexpr std::size_t kReserved = 16UL * 1024 * 1024 * 1024;
#endif

/// Begins with a huge page. Null: refused, as under a limit of the address space.
std::uint8_t* reserve(std::size_t size) {
    if (size == 0) {
        return nullptr;
    }
    const auto mapped = size + kHugePage;
    void* const mapping = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return nullptr;
    }
    void* aligned = mapping;
    auto room = mapped;
    TL_ASSERT(std::align(kHugePage, size, aligned, room) != nullptr);
    auto* const begin = static_cast<std::uint8_t*>(aligned);
    if (begin != mapping) {
        ::munmap(mapping, mapped - room);
    }
    if (room != size) {
        ::munmap(begin + size, room - size);
    }
    ::madvise(begin, size, MADV_HUGEPAGE);  // a hint: without it all works, too
    return begin;
}

}  // namespace

BlockMemory::BlockMemory(std::size_t reserved)
    : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
      reserved_(whole_pages(reserved)),
      begin_(reserve(reserved_)) {
    if (begin_ == nullptr) {
        reserved_ = 0;
    } else {
        free_.emplace(0, reserved_);
    }
}

BlockMemory::~BlockMemory() {
    if (begin_ != nullptr) {
        ::munmap(begin_, reserved_);
    }
}

std::size_t BlockMemory::whole_pages(std::size_t size) const noexcept {
    return (size + page_ - 1) / page_ * page_;
}

BlockMemory::Spans::iterator BlockMemory::find_span(std::size_t length) {
    const auto fits = [length](const auto& span) { return span.second >= length; };
    if (length < kVeryLong) {
        return std::find_if(free_.begin(), free_.end(), fits);
    }
    const auto last = std::find_if(free_.rbegin(), free_.rend(), fits);
    return last == free_.rend() ? free_.end() : std::prev(last.base());
}

void* BlockMemory::take(std::size_t size) {
    TL_ASSERT(size > 0);
    const auto length = whole_pages(size);
    const std::lock_guard lock(mutex_);
    ++taken_;
    const auto span = find_span(length);
    if (length < size || span == free_.end()) {
        return nullptr;
    }
    const auto [begin, whole] = *span;
    const auto left = whole - length;
    if (length >= kVeryLong && left != 0) {
        span->second = left;
        return begin_ + begin + left;
    }
    const auto behind = free_.erase(span);
    if (left != 0) {
        free_.emplace_hint(behind, begin + length, left);
    }
    return begin_ + begin;
}

void BlockMemory::give_back(void* block, std::size_t size) {
    TL_ASSERT(holds(block));
    auto offset = static_cast<std::size_t>(static_cast<std::uint8_t*>(block) - begin_);
    auto length = whole_pages(size);
    const std::lock_guard lock(mutex_);
    auto next = free_.upper_bound(offset);
    TL_ASSERT(next == free_.end() || offset + length <= next->first);
    if (next != free_.end() && next->first == offset + length) {
        length += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto before = std::prev(next);
        TL_ASSERT(before->first + before->second <= offset);
        if (before->first + before->second == offset) {
            before->second += length;
            return;
        }
    }
    free_.emplace_hint(next, offset, length);
}

bool BlockMemory::holds(const void* block) const noexcept {
    const std::less<> before;
    return begin_ != nullptr && !before(block, begin_) && before(block, begin_ + reserved_);
}

void BlockMemory::trim() {
    const std::lock_guard lock(mutex_);
    for (const auto& [offset, length] : free_) {
        ::madvise(begin_ + offset, length, MADV_DONTNEED);
    }
}

std::uint64_t BlockMemory::taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
}

BlockMemory& block_memory() {
    // Never destroyed: buffers of static storage duration may end after it.
    static auto& memory = *new BlockMemory(kReserved);  // NOLINT: see above
    return memory;
}

}  // namespace tapeloft
