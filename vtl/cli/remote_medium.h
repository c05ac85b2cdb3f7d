// A cartridge of a running daemon, read through its admin socket.
#pragma once

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/tape/tape_medium.h"

namespace tapeloft::vtl::cli {

/// Blocks, also where it could wait. Each call is a request or a few; between them a host may have
/// the cartridge in a drive, and then it is `precondition`. A daemon out of reach is `transient`.
/// What will be read is fetched by a thread of its own, so that the daemon has always something to
/// do: one request, and its records in memory (media::TapeFile asks for 16 MiB at most).
class RemoteMedium final : public media::TapeMedium {
  public:
    /// library: empty, if there is only one.
    RemoteMedium(std::string socket, std::string library, std::string barcode)
        : socket_(std::move(socket)), library_(std::move(library)), barcode_(std::move(barcode)) {}

    [[nodiscard]] const std::string& barcode() const override { return barcode_; }
    Awaitable<Result<std::vector<media::TapeFileExtent>>> files() override;
    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override;
    void will_read(std::uint64_t file, std::uint64_t first, std::size_t count) override;
    Awaitable<Result<std::vector<media::RecordCut>>> cuts(std::uint64_t file) override;

    /// Record bytes that came, of all of this kind.
    [[nodiscard]] static std::uint64_t bytes_fetched() noexcept;

  private:
    struct Fetched {
        std::vector<Buffer> records;  ///< as long as they were whole
        bool aligned = true;          ///< else where one ends is not known
    };
    struct Ahead {
        std::uint64_t file = 0;
        std::uint64_t first = 0;
        std::future<Result<Fetched>> fetched;  ///< its end waits for the thread
    };
    /// What was fetched ahead, if it is that, else what comes now. No more is on its way then: the
    /// daemon lends a cartridge to one request at a time.
    [[nodiscard]] Result<Fetched> take_records(std::uint64_t file, std::uint64_t first,
                                               std::size_t count);
    [[nodiscard]] Result<Fetched> fetch_records(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) const;
    [[nodiscard]] Result<Buffer> fetch_record(std::uint64_t file, std::uint64_t number) const;
    [[nodiscard]] std::string path(const std::string& what) const;

    const std::string socket_;
    const std::string library_;
    const std::string barcode_;
    std::optional<Ahead> ahead_;
};

}  // namespace tapeloft::vtl::cli
