#include "media/pack/pack_buffers.h"

#include <utility>

#include <sys/mman.h>

namespace tapeloft::media {
namespace {

/// Large pages cost next to nothing. Only a hint.
void ask_for_large_pages(MutableByteView bytes) {
    constexpr std::size_t kLargePage = 2UL << 20U;
    void* begin = bytes.data();
    auto size = bytes.size();
    if (std::align(kLargePage, kLargePage, begin, size) != nullptr) {
        ::madvise(begin, size / kLargePage * kLargePage, MADV_HUGEPAGE);
    }
}

}  // namespace

Buffer PackBuffers::take(std::size_t size) {
    Block block;
    std::vector<Block> of_another_size;
    {
        const std::lock_guard lock(unused_->mutex);
        if (unused_->size != size) {
            of_another_size = std::exchange(unused_->blocks, {});
            unused_->size = size;
        } else if (!unused_->blocks.empty()) {
            block = std::move(unused_->blocks.back());
            unused_->blocks.pop_back();
        }
    }
    if (block == nullptr) {
        block = std::make_unique_for_overwrite<std::uint8_t[]>(size);
        ask_for_large_pages({block.get(), size});
    }
    auto give_back = [home = std::weak_ptr(unused_), size](std::uint8_t* bytes) {
        Block unused(bytes);
        const auto there = home.lock();
        if (there == nullptr) {
            return;
        }
        const std::lock_guard lock(there->mutex);
        if (there->size == size) {
            there->blocks.push_back(std::move(unused));
        }
    };
    return Buffer::adopt({block.release(), std::move(give_back)}, size);
}

void PackBuffers::trim() {
    std::vector<Block> blocks;
    const std::lock_guard lock(unused_->mutex);
    blocks.swap(unused_->blocks);
}

}  // namespace tapeloft::media
