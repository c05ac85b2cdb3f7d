// What a fuzz target gives: the entry point that libFuzzer calls, and sound inputs to begin with.
// README.md says how to run them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::fuzz {

/// 0. What must hold of any input is asserted; what must not happen (a crash, too much memory, no
/// end) is seen by whoever calls it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// The same ones in every process.
[[nodiscard]] std::vector<Bytes> seeds();

/// Takes an input apart from its front. What is not there is 0, or shorter.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] ByteView rest() const noexcept { return rest_; }
    /// Little-endian, of 1 to 8 bytes.
    std::uint64_t number(std::size_t width);
    ByteView bytes(std::uint64_t size);

  private:
    ByteView rest_;
};

void append_number(Bytes& input, std::uint64_t value, std::size_t width);
void append(Bytes& input, ByteView bytes);

}  // namespace tapeloft::fuzz
