#include "cloud/base/bytes.h"

#include "cloud/base/block_memory.h"

namespace tapeloft {

Buffer Buffer::allocate(std::size_t size) {
    Buffer buffer;
    buffer.size_ = size;
    if (auto* const block = size < kLargeBlock ? nullptr : block_memory().take(size)) {
        const auto give_back = [size](void* bytes) { block_memory().give_back(bytes, size); };
        buffer.storage_ = {static_cast<std::uint8_t*>(block), give_back};
    } else if (size != 0) {
        buffer.storage_ = std::make_shared_for_overwrite<std::uint8_t[]>(size);
    }
    return buffer;
}

}  // namespace tapeloft
