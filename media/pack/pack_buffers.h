// Memory of packs that is used again: the kernel clears fresh pages, which costs more than sealing
// chunks into them does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

/// Any thread. Never holds more than was in use at once since the last trim(); a buffer may outlive
/// it.
class PackBuffers {
  public:
    /// `size` bytes, not initialised: those of a buffer that nobody has any more, of the size that
    /// is taken now; where there is none, fresh ones.
    [[nodiscard]] Buffer take(std::size_t size);
    /// Frees all that are not in use.
    void trim();

  private:
    using Block = std::unique_ptr<std::uint8_t[]>;
    struct Unused {
        std::mutex mutex;
        std::size_t size = 0;  ///< of each
        std::vector<Block> blocks;
    };

    std::shared_ptr<Unused> unused_ = std::make_shared<Unused>();
};

}  // namespace tapeloft::media
