// A cartridge of a running daemon, read through its admin socket.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media/pbs/tape/tape_medium.h"

#include "vtl/cli/record_exchange.h"

namespace tapeloft::vtl::cli {

/// Blocks, also where it could wait. Each call is a request or a few; between them a host may have
/// the cartridge in a drive, and then it is `precondition`. A daemon out of reach is `transient`.
/// What will be read is fetched by a thread of its own, so that the daemon has always something to
/// do: one request (media::TapeFile asks for 16 MiB at most, a slot of the exchange).
class RemoteMedium final : public media::TapeMedium {
  public:
    /// exchange: that of all media of the process. library: empty, if there is only one.
    RemoteMedium(std::shared_ptr<RecordExchange> exchange, std::string library, std::string barcode)
        : exchange_(std::move(exchange)),
          library_(std::move(library)),
          barcode_(std::move(barcode)) {}

    [[nodiscard]] const std::string& barcode() const override { return barcode_; }
    Awaitable<Result<std::vector<media::TapeFileExtent>>> files() override;
    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override;
    void will_read(std::uint64_t file, std::uint64_t first, std::size_t count) override;
    Awaitable<Result<std::vector<media::RecordCut>>> cuts(std::uint64_t file) override;

    /// Record bytes that came, of all of this kind.
    [[nodiscard]] static std::uint64_t bytes_fetched() noexcept;

  private:
    using Records = Result<std::vector<Buffer>>;
    struct Ahead {
        std::uint64_t file = 0;
        std::uint64_t first = 0;
        std::future<Records> fetched;  ///< its end waits for the thread
    };
    [[nodiscard]] Records fetch(std::uint64_t file, std::uint64_t first, std::size_t count) const;
    [[nodiscard]] std::string path(const std::string& what) const;

    const std::shared_ptr<RecordExchange> exchange_;
    const std::string library_;
    const std::string barcode_;
    std::optional<Ahead> ahead_;
};

}  // namespace tapeloft::vtl::cli
