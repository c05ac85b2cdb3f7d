#include "media/pbs/tape/tape_file.h"

#include <algorithm>
#include <array>

namespace tapeloft::media {
namespace {

/// What is wrong with the record, not with the way to it.
}  // namespace

bool is_of_the_tape(const Error& error) noexcept {
    return error.code == Errc::corrupt || error.code == Errc::io || error.code == Errc::unsupported;
}

std::string_view to_string(StreamEnd end) noexcept {
    constexpr auto kNames = std::to_array<std::string_view>(
        {"complete", "incomplete", "aborted", "truncated", "empty", "damaged"});
    return kNames.at(static_cast<std::size_t>(end));
}

TapeFile::TapeFile(TapeMedium& medium, std::uint64_t number, TapeFileExtent extent,
                   std::size_t read_ahead)
    : medium_(medium), number_(number), extent_(extent), read_ahead_(read_ahead) {
    TL_ASSERT(read_ahead >= 1 && read_ahead <= kReadAheadMax);
}

std::string TapeFile::name() const {
    return "tape " + medium_.barcode() + ", tape file " + std::to_string(number_);
}

std::string TapeFile::name(std::uint64_t offset) const {
    return name() + ", block " + std::to_string(offset / kPbsPayloadMax);
}

Awaitable<Result<TapeFile::Ending>> TapeFile::ending() {
    if (ending_known_) {
        co_return ending_;
    }
    if (extent_.records > 0) {
        const auto last = extent_.records - 1;
        auto bytes = co_await payload(last, 1);
        if (!bytes && !is_of_the_tape(bytes.error())) {
            co_return std::move(bytes).error();
        }
        ending_.stream_size = last * kPbsPayloadMax + (bytes ? bytes->size() : 0);
        ending_.end = StreamEnd::damaged;
        if (bytes) {
            const ByteView record = window_.at(last - window_first_).view();
            const auto header = parse_pbs_block(record, static_cast<std::uint32_t>(last)).value();
            ending_.end = !header.last && extent_.has_filemark ? StreamEnd::aborted
                          : !extent_.has_filemark              ? StreamEnd::truncated
                          : header.incomplete                  ? StreamEnd::incomplete
                                                               : StreamEnd::complete;
        }
    }
    ending_known_ = true;
    co_return ending_;
}

Result<ByteView> TapeFile::checked_payload(std::uint64_t block, ByteView record) const {
    auto header = parse_pbs_block(record, static_cast<std::uint32_t>(block));
    const bool inner = block + 1 < extent_.records;
    if (header && inner && (header->last || header->size != kPbsPayloadMax)) {
        header = Error{Errc::corrupt, header->last ? "an end block inside the tape file"
                                                   : "it is not full, and not the last"};
    }
    if (!header) {
        return Error{Errc::corrupt, name(block * kPbsPayloadMax) + ": " + header.error().message};
    }
    return record.subspan(kPbsBlockHeaderSize, header->size);
}

Awaitable<Result<ByteView>> TapeFile::payload(std::uint64_t block, std::size_t blocks_wanted) {
    if (block < window_first_ || block - window_first_ >= window_.size()) {
        TL_CO_CHECK(co_await fetch(block, blocks_wanted));
    }
    co_return checked_payload(block, window_.at(block - window_first_).view());
}

/// A block that cannot be read is asked for once: each time it costs whoever has it as much as many
/// that can.
Awaitable<Result<void>> TapeFile::fetch(std::uint64_t block, std::size_t blocks_wanted) {
    if (const auto known = unreadable_.find(block); known != unreadable_.end()) {
        co_return known->second;
    }
    if (window_.empty() || block != window_first_ + window_.size()) {
        run_ = 0;
    }
    const auto count =
        std::clamp<std::uint64_t>(std::max<std::uint64_t>({blocks_wanted, read_ahead_, run_}), 1,
                                  std::min<std::uint64_t>(kReadAheadMax, extent_.records - block));
    window_.clear();
    auto records = co_await medium_.read(number_, block, count);
    if (records && records->empty()) {
        records = Error{Errc::corrupt, "it is not there"};
    }
    if (!records) {
        const auto& error = records.error();
        const Error named{error.code, name(block * kPbsPayloadMax) + ": " + error.message};
        if (is_of_the_tape(named) && unreadable_.size() < kUnreadableMax) {
            unreadable_.emplace(block, named);
        }
        co_return named;
    }
    window_ = std::move(*records);
    window_first_ = block;
    tell_what_follows();
    co_return Result<void>();
}

/// Whoever has read on once will mostly go on.
void TapeFile::tell_what_follows() {
    const bool goes_on = run_ > 0;
    run_ += window_.size();
    const auto next = window_first_ + window_.size();
    const auto left = next < extent_.records ? extent_.records - next : 0;
    if (goes_on && left > 0) {
        medium_.will_read(number_, next, std::min<std::uint64_t>({run_, kReadAheadMax, left}));
    }
}

Awaitable<Result<std::size_t>> TapeFile::read(std::uint64_t offset, MutableByteView into) {
    std::size_t done = 0;
    while (done < into.size() && offset / kPbsPayloadMax < extent_.records) {
        const auto block = offset / kPbsPayloadMax;
        const auto at = offset % kPbsPayloadMax;
        const auto wanted = (at + into.size() - done + kPbsPayloadMax - 1) / kPbsPayloadMax;
        TL_CO_TRY(const auto bytes, co_await payload(block, wanted));
        if (at >= bytes.size()) {
            break;  // behind the end of the last block
        }
        const auto size = std::min(bytes.size() - at, into.size() - done);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size,
                    into.begin() + static_cast<std::ptrdiff_t>(done));
        done += size;
        offset += size;
    }
    co_return done;
}

Awaitable<Result<void>> TapeFile::read_all(std::uint64_t offset, MutableByteView into) {
    TL_CO_TRY(const auto size, co_await read(offset, into));
    if (size != into.size()) {
        co_return Error{Errc::corrupt, name(offset + size) + ": the stream ends " +
                                           std::to_string(into.size() - size) + " bytes too early"};
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
