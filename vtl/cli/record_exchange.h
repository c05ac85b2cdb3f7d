// Records of cartridges, which the daemon puts into memory of this process.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

/// What a daemon says when it refuses, by the names of its errors; out of reach: `transient`.
[[nodiscard]] Error error_of(const Answer& answer);

/// One connection, and kSlots pieces of memory for what comes over it; records outlive both. Any
/// thread; one request at a time.
class RecordExchange {
  public:
    static constexpr std::size_t kSlotLength = 16UL * 1024 * 1024;  ///< bytes; two of any records
    static constexpr std::size_t kSlots = 4;

    explicit RecordExchange(std::string socket);
    RecordExchange(const RecordExchange&) = delete;
    RecordExchange& operator=(const RecordExchange&) = delete;
    ~RecordExchange();

    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }

    /// path: of the records of a cartridge, with parameters. They come as the daemon says, at least
    /// one. They take a slot as long as one of them is in use; but for the last slot, which is
    /// left for the next request: from there they are copied. Blocks. Errors: as error_of(), io.
    [[nodiscard]] Result<std::vector<Buffer>> fetch(const std::string& path);

  private:
    class Memory;

    [[nodiscard]] Result<int> renew_memory();
    [[nodiscard]] Result<std::vector<std::size_t>> ask(const std::string& path, std::size_t slot);

    const std::string socket_;
    std::mutex asking_;               ///< of what follows
    std::shared_ptr<Memory> memory_;  ///< of the connection; null: there was none
    Line line_;
};

}  // namespace tapeloft::vtl::cli
