// Archives in memory, that may be damaged and that count what is read of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media/pbs/byte_source.h"
#include "media/pbs/pxar/pxar_walk.h"

#include "tests/media/run_awaitable.h"

namespace tapeloft::media {

class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(Bytes content) : bytes(std::move(content)) {}

    [[nodiscard]] std::uint64_t size() const override { return bytes.size(); }
    Awaitable<Result<void>> read(std::uint64_t offset, MutableByteView into) override;
    /// Up to the next multiple of kTogether.
    static constexpr std::uint64_t kTogether = 100'000;
    Awaitable<Result<ByteView>> view(std::uint64_t offset, std::size_t size) override;

    /// A read that meets bytes [begin, end) fails.
    void damage(std::uint64_t begin, std::uint64_t end) { damaged.emplace_back(begin, end); }

    Bytes bytes;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> damaged;
    Errc code = Errc::corrupt;  ///< of such a failure
    std::vector<std::pair<std::uint64_t, std::uint64_t>> reads;
    std::uint64_t bytes_read = 0;
    std::size_t largest_read = 0;

  private:
    Result<ByteView> taken(std::uint64_t offset, std::size_t size);
};

/// All events of a walk; a walk that fails ends with its error.
struct WalkResult {
    std::vector<PxarEvent> events;
    std::optional<Error> error;

    [[nodiscard]] std::vector<std::string> paths(
        PxarEvent::Kind kind = PxarEvent::Kind::entry) const;
};

[[nodiscard]] WalkResult walk_all(PxarReader& reader);

/// All data of a file.
[[nodiscard]] Result<Bytes> read_file(PxarReader& reader, const PxarEntry& file);

}  // namespace tapeloft::media
