// pxar archives as fuzz inputs.
//
//   input := 0 (1 byte), archive | 1, length of the payload stream (4), payload stream, metadata
#pragma once

#include <optional>

#include "tests/fuzz/fuzz_target.h"
#include "tests/media/pbs_pxar/pxar_world.h"

namespace tapeloft::fuzz {

class PxarInput {
  public:
    PxarInput(const std::uint8_t* data, std::size_t size);

    /// Empty, and counts reads anew.
    [[nodiscard]] media::PxarReader reader();
    /// No length that an archive tells was believed.
    void check_reads(std::size_t piece) const;

  private:
    std::optional<media::MemorySource> payload_;
    std::optional<media::MemorySource> archive_;
};

/// All kinds of entries in each form, and an archive of a real client.
[[nodiscard]] std::vector<Bytes> pxar_seeds();

}  // namespace tapeloft::fuzz
