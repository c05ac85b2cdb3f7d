// Memory of large buffers, which come and go with every record, chunk and pack: in huge pages where
// the kernel has them (MADV_HUGEPAGE, madvise(2)), and used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace tapeloft {

/// Blocks in one range of addresses. Each lies in the first free span that is long enough, so what
/// is in use stays together, and what was used last is used next; very long ones lie at the end of
/// the last such span, where short ones that stay do not come between them. Pages that were touched
/// are kept until trim(). Any thread.
class BlockMemory {
  public:
    static constexpr std::size_t kVeryLong = 4UL * 1024 * 1024;  ///< bytes

    /// reserved: bytes of addresses, which cost nothing. Where the system refuses them, no block is
    /// ever had.
    explicit BlockMemory(std::size_t reserved);
    BlockMemory(const BlockMemory&) = delete;
    BlockMemory& operator=(const BlockMemory&) = delete;
    /// No block is in use any more.
    ~BlockMemory();

    /// Whole pages, not initialised; null: no span is long enough. size: at least 1.
    [[nodiscard]] void* take(std::size_t size);
    /// block: of take(size).
    void give_back(void* block, std::size_t size);
    [[nodiscard]] bool holds(const void* block) const noexcept;

    /// Gives the system the pages of all spans that are free.
    void trim();
    /// Blocks that were taken so far.
    [[nodiscard]] std::uint64_t taken() const;

  private:
    using Spans = std::map<std::size_t, std::size_t>;  ///< length by offset

    [[nodiscard]] std::size_t whole_pages(std::size_t size) const noexcept;
    [[nodiscard]] Spans::iterator find_span(std::size_t length);

    const std::size_t page_;
    std::size_t reserved_;
    std::uint8_t* begin_ = nullptr;
    mutable std::mutex mutex_;
    Spans free_;  ///< no two of them touch
    std::uint64_t taken_ = 0;
};

/// Those of the process. Under sanitizers, which watch what malloc() gives, it has none.
[[nodiscard]] BlockMemory& block_memory();

}  // namespace tapeloft
