// Records of cartridges, which the daemon writes into memory of this process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/descriptor.h"
#include "cloud/base/result.h"

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

/// What a daemon says when it refuses, by the names of its errors; out of reach: `transient`.
[[nodiscard]] Error error_of(const Answer& answer);

/// One connection, and kSlots pieces of memory for what comes over it. Any thread; one request at a
/// time.
class RecordExchange : public std::enable_shared_from_this<RecordExchange> {
  public:
    static constexpr std::size_t kSlotLength = 16UL * 1024 * 1024;  ///< bytes; two of any records
    static constexpr std::size_t kSlots = 4;

    explicit RecordExchange(std::string socket) : socket_(std::move(socket)) {}
    RecordExchange(const RecordExchange&) = delete;
    RecordExchange& operator=(const RecordExchange&) = delete;
    ~RecordExchange();

    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }

    /// path: of the records of a cartridge, with parameters. They come as the daemon says, at least
    /// one. They take a slot as long as one of them is in use; but for the last slot, which is
    /// left for the next request: from there they are copied. Blocks. Errors: as error_of(), io.
    [[nodiscard]] Result<std::vector<Buffer>> fetch(const std::string& path);

  private:
    Result<void> open();
    struct FreeSlot {
        std::size_t number = 0;
        bool last = false;  ///< no other one is free
    };
    [[nodiscard]] FreeSlot free_slot();
    [[nodiscard]] std::shared_ptr<std::uint8_t[]> take_slot(std::size_t slot);
    [[nodiscard]] Result<std::vector<std::size_t>> ask(const std::string& path, std::size_t slot);

    const std::string socket_;
    std::mutex asking_;
    Descriptor descriptor_;
    std::uint8_t* memory_ = nullptr;
    std::unique_ptr<Line> line_;
    std::mutex mutex_;  ///< of what follows
    std::array<bool, kSlots> taken_{};
};

}  // namespace tapeloft::vtl::cli
