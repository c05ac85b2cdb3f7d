#include "media/pbs/tape/split_medium.h"

#include <algorithm>
#include <limits>

#include "media/pbs/tape/tape_file.h"

namespace tapeloft::media {
namespace {

/// So far from where a stream should begin it may, as blocks are missing or there twice.
constexpr std::uint64_t kBeginStraysMax = 16;
/// Blocks of a stream that are looked for in the one before it, and so far around their places.
constexpr std::uint64_t kNumbersLookedFor = 4;
constexpr std::uint64_t kNumberStraysMax = 2;

}  // namespace

Awaitable<Result<std::vector<TapeFileExtent>>> SplitMedium::files() {
    if (!parts_) {
        TL_CO_TRY(const auto extents, co_await medium_->files());
        parts_.emplace();
        for (std::uint64_t file = 0; file < extents.size(); ++file) {
            parts_->push_back({file, 0, extents[file]});
        }
    }
    std::vector<TapeFileExtent> extents;
    for (const auto& part : *parts_) {
        extents.push_back(part.extent);
    }
    co_return extents;
}

SplitMedium::Part SplitMedium::part(std::uint64_t file) const {
    if (!parts_) {
        return {file, 0, {std::numeric_limits<std::uint64_t>::max(), true}};
    }
    return file < parts_->size() ? (*parts_)[file] : Part{};
}

Awaitable<Result<std::vector<Buffer>>> SplitMedium::read(std::uint64_t file, std::uint64_t first,
                                                         std::size_t count) {
    const auto here = part(file);
    if (first >= here.extent.records) {
        co_return Error{Errc::not_found, "there is no such record"};
    }
    co_return co_await medium_->read(here.file, here.first + first,
                                     std::min<std::uint64_t>(count, here.extent.records - first));
}

void SplitMedium::will_read(std::uint64_t file, std::uint64_t first, std::size_t count) {
    const auto here = part(file);
    if (first < here.extent.records) {
        medium_->will_read(here.file, here.first + first, count);
    }
}

Awaitable<Result<std::vector<RecordCut>>> SplitMedium::cuts(std::uint64_t file) {
    const auto here = part(file);
    if (here.extent.records == 0) {
        co_return std::vector<RecordCut>();
    }
    TL_CO_TRY(auto cuts, co_await medium_->cuts(here.file));
    std::erase_if(cuts, [&here](const RecordCut& cut) {
        return cut.record < here.first || cut.record - here.first >= here.extent.records;
    });
    for (auto& cut : cuts) {
        cut.record -= here.first;
    }
    co_return cuts;
}

Awaitable<Result<std::size_t>> SplitMedium::split(std::uint64_t file) {
    TL_ASSERT(parts_);
    std::size_t lost = 0;
    while (true) {
        const auto whole = parts_->at(file);
        TL_CO_TRY(auto begin, co_await begin_of_last(whole));
        if (begin == 0) {
            TL_CO_TRY(begin, co_await end_of_first(whole));
        }
        if (begin == 0) {
            co_return lost;
        }
        split_behind(file, begin);
        ++lost;
    }
}

void SplitMedium::split_behind(std::uint64_t file, std::uint64_t records) {
    TL_ASSERT(parts_);
    const auto whole = parts_->at(file);
    TL_ASSERT(records > 0 && records < whole.extent.records);
    parts_->at(file).extent = {records, true};
    parts_->insert(parts_->begin() + static_cast<std::ptrdiff_t>(file) + 1,
                   {whole.file,
                    whole.first + records,
                    {whole.extent.records - records, whole.extent.has_filemark}});
}

/// Nothing: it cannot be read, or is no block.
Awaitable<Result<std::optional<SplitMedium::Block>>> SplitMedium::block_at(Part part,
                                                                           std::uint64_t record) {
    auto records = co_await medium_->read(part.file, part.first + record, 1);
    if (!records && !is_of_the_tape(records.error())) {
        co_return std::move(records).error();
    }
    if (!records || records->empty()) {
        co_return std::nullopt;
    }
    Block block;
    block.record = std::move(records->front());
    const auto flaw = read_pbs_block_header(block.record.view(), block.header);
    co_return flaw == PbsBlockFlaw::none ? std::optional(std::move(block)) : std::nullopt;
}

/// The record in which the last stream of the part begins; 0: it is one.
Awaitable<Result<std::uint64_t>> SplitMedium::begin_of_last(Part part) {
    const auto records = part.extent.records;
    for (std::uint64_t back = 1; back < records && back <= TapeFile::kEndsLookedAt; ++back) {
        const auto at = records - back;
        TL_CO_TRY(const auto block, co_await block_at(part, at));
        if (block && block->header.sequence >= at) {
            break;
        }
        if (block) {
            co_return co_await find_begin(part, at - block->header.sequence);
        }
    }
    co_return std::uint64_t{0};
}

/// Inside of a stream numbers do not fall, but for a block that is out of place, and a block that
/// is there twice is the same.
Awaitable<Result<std::uint64_t>> SplitMedium::find_begin(Part part, std::uint64_t near) {
    const auto first = near - std::min(near, kBeginStraysMax + 1);
    const auto end = std::min(part.extent.records, near + kBeginStraysMax + 1);
    std::uint64_t begin = 0;
    std::uint64_t before_at = first;
    std::optional<Block> before;
    for (auto at = first; at < end; ++at) {
        TL_CO_TRY(auto block, co_await block_at(part, at));
        if (!block) {
            continue;
        }
        const auto number = block->header.sequence;
        const bool falls = before && number < before->header.sequence;
        const bool differs = before && number == before->header.sequence &&
                             !std::ranges::equal(block->record.view(), before->record.view());
        if (falls || differs) {
            const auto from = std::max(before_at + 1, at - std::min<std::uint64_t>(at, number));
            bool anew = differs;
            if (falls) {
                TL_CO_TRY(anew, co_await begins_anew(part, at, before_at, before->header));
            }
            begin = anew ? from : begin;
        }
        before = std::move(block);
        before_at = at;
    }
    co_return begin;
}

/// Of two streams both have an end, or blocks of the same numbers; of one, of which a block is out
/// of place, neither is so. begin, before_at: records, with a smaller number behind a larger one.
Awaitable<Result<bool>> SplitMedium::begins_anew(Part part, std::uint64_t begin,
                                                 std::uint64_t before_at, PbsBlockHeader before) {
    TL_CO_TRY(const auto last, co_await block_at(part, part.extent.records - 1));
    if (before.last && last && last->header.last) {
        co_return true;
    }
    const auto end = std::min(part.extent.records, begin + kNumbersLookedFor);
    for (auto at = begin; at < end; ++at) {
        TL_CO_TRY(const auto block, co_await block_at(part, at));
        if (!block || block->header.sequence > before.sequence) {
            continue;
        }
        const std::uint64_t behind = before.sequence - block->header.sequence;
        const auto near = before_at - std::min(before_at, behind);
        const auto first = near - std::min(near, kNumberStraysMax);
        for (auto place = first; place <= before_at && place <= near + kNumberStraysMax; ++place) {
            TL_CO_TRY(const auto other, co_await block_at(part, place));
            if (other && other->header.sequence == block->header.sequence &&
                !std::ranges::equal(other->record.view(), block->record.view())) {
                co_return true;
            }
        }
    }
    co_return false;
}

/// The record behind a first block that ends its stream; 0: nothing is behind it, or it does not.
Awaitable<Result<std::uint64_t>> SplitMedium::end_of_first(Part part) {
    if (part.extent.records < 2) {
        co_return std::uint64_t{0};
    }
    TL_CO_TRY(const auto first, co_await block_at(part, 0));
    // A full one is hardly an end: its flag is damaged.
    if (!first || !first->header.last || first->header.sequence != 0 ||
        first->header.size == kPbsPayloadMax) {
        co_return std::uint64_t{0};
    }
    for (std::uint64_t at = 1; at < part.extent.records && at <= kBeginStraysMax; ++at) {
        TL_CO_TRY(const auto block, co_await block_at(part, at));
        if (block && block->header.sequence > 0) {
            co_return at;
        }
    }
    co_return std::uint64_t{0};
}

}  // namespace tapeloft::media
