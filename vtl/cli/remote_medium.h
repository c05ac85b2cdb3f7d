// A cartridge of a running daemon, read through its admin socket.
#pragma once

#include <string>

#include "media/pbs/tape/tape_medium.h"

namespace tapeloft::vtl::cli {

/// Blocks, also where it could wait. Each call is a request or a few; between them a host may have
/// the cartridge in a drive, and then it is `precondition`. A daemon out of reach is `transient`.
class RemoteMedium final : public media::TapeMedium {
  public:
    /// library: empty, if there is only one.
    RemoteMedium(std::string socket, std::string library, std::string barcode)
        : socket_(std::move(socket)), library_(std::move(library)), barcode_(std::move(barcode)) {}

    [[nodiscard]] const std::string& barcode() const override { return barcode_; }
    Awaitable<Result<std::vector<media::TapeFileExtent>>> files() override;
    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override;
    Awaitable<Result<std::vector<media::RecordCut>>> cuts(std::uint64_t file) override;

    /// Record bytes that came, of all of this kind.
    [[nodiscard]] static std::uint64_t bytes_fetched() noexcept;

  private:
    struct Fetched {
        std::vector<Buffer> records;  ///< as long as they were whole
        bool aligned = true;          ///< else where one ends is not known
    };
    [[nodiscard]] Result<Fetched> fetch_records(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) const;
    [[nodiscard]] Result<Buffer> fetch_record(std::uint64_t file, std::uint64_t number) const;
    [[nodiscard]] std::string path(const std::string& what) const;

    const std::string socket_;
    const std::string library_;
    const std::string barcode_;
};

}  // namespace tapeloft::vtl::cli
