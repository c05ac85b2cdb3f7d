// A cartridge whose tape files are told apart where the filemark between two of them was lost:
// blocks count from 0 in each, and one that ends a stream has none of it behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/block_format.h"
#include "media/pbs/tape/tape_medium.h"

namespace tapeloft::media {

class SplitMedium final : public TapeMedium {
  public:
    explicit SplitMedium(std::unique_ptr<TapeMedium> medium) : medium_(std::move(medium)) {}

    /// Where the tape file is more than one, it is that many from now on, and the numbers of those
    /// behind it grow. So many filemarks are lost. Costs its first and last block where it is
    /// one; after files(). Errors: those of the medium that are not of the tape.
    Awaitable<Result<std::size_t>> split(std::uint64_t file);
    /// The tape file is two from now on, the first of so many records, and the numbers of those
    /// behind it grow. After files().
    void split_behind(std::uint64_t file, std::uint64_t records);

    [[nodiscard]] const std::string& barcode() const override { return medium_->barcode(); }
    Awaitable<Result<std::vector<TapeFileExtent>>> files() override;
    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override;
    void will_read(std::uint64_t file, std::uint64_t first, std::size_t count) override;
    Awaitable<Result<std::vector<RecordCut>>> cuts(std::uint64_t file) override;

  private:
    /// Of a tape file of the medium.
    struct Part {
        std::uint64_t file = 0;
        std::uint64_t first = 0;  ///< record
        TapeFileExtent extent;
    };
    struct Block {
        PbsBlockHeader header;
        Buffer record;
    };

    /// Of no records, where there is none.
    [[nodiscard]] Part part(std::uint64_t file) const;
    [[nodiscard]] Awaitable<Result<std::optional<Block>>> block_at(Part part, std::uint64_t record);
    [[nodiscard]] Awaitable<Result<std::uint64_t>> begin_of_last(Part part);
    [[nodiscard]] Awaitable<Result<std::uint64_t>> find_begin(Part part, std::uint64_t near);
    [[nodiscard]] Awaitable<Result<std::uint64_t>> end_of_first(Part part);
    [[nodiscard]] Awaitable<Result<bool>> begins_anew(Part part, std::uint64_t begin,
                                                      std::uint64_t before_at,
                                                      PbsBlockHeader before);

    const std::unique_ptr<TapeMedium> medium_;
    std::optional<std::vector<Part>> parts_;  ///< nothing: not asked for yet
};

}  // namespace tapeloft::media
