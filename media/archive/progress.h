// What the archive has done and is doing, for people. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace tapeloft::media {

class ArchiveProgress {
  public:
    struct Counts {
        std::uint64_t plain_bytes = 0;   ///< payload that went through
        std::uint64_t known_bytes = 0;   ///< of those, in chunks that were known
        std::uint64_t stored_bytes = 0;  ///< bytes of packs that were stored
        std::uint64_t packs = 0;
        double bytes_per_second = 0;  ///< of payload, lately; 0: nothing is under way
    };

    void chunk_seen(std::uint64_t bytes, bool fresh);
    void pack_stored(std::uint64_t bytes);
    [[nodiscard]] Counts counts() const;

  private:
    static constexpr std::chrono::seconds kWindow{10};

    std::atomic<std::uint64_t> plain_ = 0;
    std::atomic<std::uint64_t> known_ = 0;
    std::atomic<std::uint64_t> stored_ = 0;
    std::atomic<std::uint64_t> packs_ = 0;
    mutable std::mutex mutex_;
    mutable std::chrono::steady_clock::time_point window_start_ = std::chrono::steady_clock::now();
    mutable std::uint64_t window_plain_ = 0;
    mutable double rate_ = 0;
};

}  // namespace tapeloft::media
