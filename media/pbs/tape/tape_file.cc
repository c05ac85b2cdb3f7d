#include "media/pbs/tape/tape_file.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace tapeloft::media {
namespace {

constexpr std::size_t kTriesMax = 64;  ///< records looked at for one block

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
    : medium_(medium),
      number_(number),
      extent_(extent),
      read_ahead_(read_ahead),
      blocks_(extent.records) {
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
    const auto last = extent_.records - std::min<std::uint64_t>(extent_.records, 1);
    for (auto at = last; at < extent_.records && last - at <= kEndsLookedAt; --at) {
        auto bytes = co_await record(at, 1);
        if (!bytes && !is_of_the_tape(bytes.error())) {
            co_return std::move(bytes).error();
        }
        PbsBlockHeader header;
        const bool sound = bytes && read_pbs_block_header(*bytes, header) == PbsBlockFlaw::none &&
                           header.sequence < 2 * extent_.records + kStraysMax;
        ending_.end = StreamEnd::damaged;
        if (!sound) {
            continue;
        }
        if (header.sequence > at) {
            note_place(header.sequence, at);
        }
        blocks_ = header.sequence + 1 + last - at;
        ending_.stream_size = (blocks_ - 1) * kPbsPayloadMax + (at == last ? header.size : 0);
        if (at == last) {
            ending_.end = !header.last && extent_.has_filemark ? StreamEnd::aborted
                          : !extent_.has_filemark              ? StreamEnd::truncated
                          : header.incomplete                  ? StreamEnd::incomplete
                                                               : StreamEnd::complete;
            if (ending_.end == StreamEnd::aborted && header.sequence != at) {
                TL_CO_CHECK(co_await end_out_of_place());
            }
        }
        break;
    }
    if (ending_.end == StreamEnd::damaged && extent_.records > kEndsLookedAt + 1 &&
        ending_.stream_size == 0) {
        ending_.stream_size = (extent_.records - 1) * kPbsPayloadMax;
    }
    ending_known_ = true;
    co_return ending_;
}

Error TapeFile::corrupt(std::uint64_t block, const std::string& why) const {
    return {Errc::corrupt, name(block * kPbsPayloadMax) + ": " + why};
}

/// Sets the ending, where the end block is not the last record.
Awaitable<Result<void>> TapeFile::end_out_of_place() {
    TL_CO_CHECK(co_await look_through());
    if (end_seen_) {
        blocks_ = std::uint64_t{end_seen_->sequence} + 1;
        ending_.stream_size = (blocks_ - 1) * kPbsPayloadMax + end_seen_->size;
        ending_.end = end_seen_->incomplete ? StreamEnd::incomplete : StreamEnd::complete;
    }
    co_return Result<void>();
}

Result<ByteView> TapeFile::checked_payload(std::uint64_t block, ByteView record) {
    const auto header = parse_pbs_block(record, static_cast<std::uint32_t>(block));
    if (!header) {
        return corrupt(block, header.error().message);
    }
    ends_inside_ = ends_inside_ || (header->last && block + 1 < blocks_);
    // One that is not full may end its stream here, and another one follow it.
    const bool ends_here = header->last && header->size != kPbsPayloadMax;
    if (block + 1 < blocks_ && !ends_here && (header->last || header->size != kPbsPayloadMax)) {
        return corrupt(block, header->last ? "an end block inside the tape file"
                                           : "it is not full, and not the last");
    }
    return record.subspan(kPbsBlockHeaderSize, header->size);
}

Awaitable<Result<ByteView>> TapeFile::payload(std::uint64_t block, std::size_t blocks_wanted) {
    if (const auto known = lost_.find(block); known != lost_.end()) {
        co_return known->second;
    }
    const auto bytes = co_await record(place_of(block), blocks_wanted);
    const auto found = bytes ? checked_payload(block, *bytes) : Result<ByteView>(bytes.error());
    if (found || !is_of_the_tape(found.error()) || found.error().code == Errc::unsupported) {
        co_return found;
    }
    co_return co_await payload_elsewhere(block, found.error());
}

/// failure: what is wrong where it should stand.
Awaitable<Result<ByteView>> TapeFile::payload_elsewhere(std::uint64_t block, Error failure) {
    TL_CO_CHECK(co_await ending());
    if (block >= blocks_) {
        co_return ByteView();
    }
    TL_CO_TRY(const auto there, co_await number_in(place_of(block)));
    TL_CO_TRY(auto place, co_await search(block));
    met_another_ = met_another_ || (there && *there != block);
    if (!place && there && *there != block) {
        TL_CO_CHECK(co_await look_through());
        place = seen_place_of(block);
    }
    if (place) {
        TL_CO_TRY(const auto bytes, co_await record(*place, 1));
        auto found = checked_payload(block, bytes);
        if (found) {
            co_return found;
        }
        failure = std::move(found).error();
    }
    if (lost_.size() < kUnreadableMax) {
        lost_.emplace(block, failure);
    }
    co_return failure;
}

/// Where the block stands if nothing is missing behind the place that is known before it.
std::uint64_t TapeFile::place_of(std::uint64_t block) const {
    if (const auto seen = seen_place_of(block)) {
        return *seen;
    }
    const auto above = places_.upper_bound(block);
    auto place = block;
    if (above != places_.begin()) {
        const auto [known, record] = *std::prev(above);
        place = record + (block - known);
    }
    return std::min(place, extent_.records - 1);
}

/// The record of the block; nothing: there is none that can be read. Numbers never fall from one
/// record to the next, whatever is missing or there twice.
Awaitable<Result<std::optional<std::uint64_t>>> TapeFile::search(std::uint64_t block) {
    std::uint64_t begin = 0;  // it is in one of [begin, end)
    auto end = extent_.records;
    auto guess = place_of(block);
    std::uint64_t stray = 0;  // records around the guess that say nothing
    for (std::size_t tries = 0; tries < kTriesMax && begin < end; ++tries) {
        guess = std::clamp(guess, begin, end - 1);
        // The guess, then alternately behind and before it.
        const auto step = (stray + 1) / 2;
        const bool behind = stray % 2 == 1;
        const bool out = behind ? step >= end - guess : step > guess - begin;
        if (out && step > std::max(end - guess, guess - begin)) {
            break;
        }
        if (out) {
            ++stray;
            continue;
        }
        const auto place = behind ? guess + step : guess - step;
        TL_CO_TRY(const auto number, co_await number_in(place));
        if (!number) {
            ++stray;
            continue;
        }
        if (*number == block) {
            note_place(block, place);
            co_return place;
        }
        if (*number < block) {
            begin = place + 1;
            guess = place + (block - *number);
        } else {
            end = place;
            guess = place - std::min(place, *number - block);
        }
        stray = 0;
    }
    co_return std::nullopt;
}

/// The number of the block there; nothing: none that can be read.
Awaitable<Result<std::optional<std::uint64_t>>> TapeFile::number_in(std::uint64_t record_number) {
    const auto bytes = co_await record(record_number, 1);
    if (!bytes && !is_of_the_tape(bytes.error())) {
        co_return bytes.error();
    }
    PbsBlockHeader header;
    const bool sound = bytes && read_pbs_block_header(*bytes, header) == PbsBlockFlaw::none;
    co_return sound ? std::optional<std::uint64_t>(header.sequence) : std::nullopt;
}

void TapeFile::note_place(std::uint64_t block, std::uint64_t record_number) {
    if (places_.size() < kUnreadableMax) {
        places_.emplace(block, record_number);
    }
}

/// Notes where each block stands, once.
Awaitable<Result<void>> TapeFile::look_through() {
    if (looked_through_) {
        co_return Result<void>();
    }
    std::uint64_t first = 0;
    Run run;
    std::uint64_t ahead = 0;  // what numbers are more than those of records
    const auto note_run = [&] {
        if (run.blocks > 0 && runs_.size() < kRunsMax) {
            runs_.emplace(first, run);
        }
    };
    for (std::uint64_t at = 0; at < extent_.records; ++at) {
        const auto bytes = co_await record(at, kReadAheadMax);
        if (!bytes && !is_of_the_tape(bytes.error())) {
            co_return bytes.error();
        }
        PbsBlockHeader header;
        const bool sound = bytes && read_pbs_block_header(*bytes, header) == PbsBlockFlaw::none &&
                           header.sequence < 2 * extent_.records + kStraysMax;
        if (!sound) {
            continue;
        }
        note_order(at, header.sequence, at + ahead);
        note_end(at, header);
        ahead = header.sequence - at;
        if (header.last && (!end_seen_ || header.sequence >= end_seen_->sequence)) {
            end_seen_ = header;
        }
        if (at == run.record + run.blocks && header.sequence == first + run.blocks) {
            ++run.blocks;
            continue;
        }
        note_run();
        first = header.sequence;
        run = {at, 1};
    }
    note_run();
    looked_through_ = true;
    co_return Result<void>();
}

void TapeFile::note_order(std::uint64_t record, std::uint64_t block, std::uint64_t expected) {
    if (block == expected) {
        return;
    }
    if (out_of_place_) {
        ++out_of_place_->more;
    } else {
        out_of_place_ = OutOfPlace{record, block, expected, 0};
    }
}

/// The first one.
void TapeFile::note_end(std::uint64_t record, const PbsBlockHeader& header) {
    if (border_ && (border_->goes_on || header.sequence > border_->block)) {
        border_->goes_on = true;
    } else if (header.last && header.size != kPbsPayloadMax) {
        border_ = StreamBorder{header.sequence, record + 1, false};
    }
}

Awaitable<Result<std::optional<std::uint64_t>>> TapeFile::end_inside() {
    TL_CO_CHECK(co_await look_through());
    const bool goes_on = border_ && border_->goes_on;
    co_return goes_on ? std::optional(border_->records) : std::nullopt;
}

Awaitable<Result<std::optional<std::string>>> TapeFile::out_of_place() {
    if (!is_regular() || met_another_) {
        TL_CO_CHECK(co_await look_through());
    }
    if (!out_of_place_) {
        co_return std::nullopt;
    }
    const auto& first = *out_of_place_;
    auto text = name() + ", block " + std::to_string(first.block) + ": it stands in record " +
                std::to_string(first.record) + ", where block " + std::to_string(first.expected) +
                " is expected";
    if (first.more > 0) {
        text += "; behind it the order breaks " + std::to_string(first.more) + " times more";
    }
    co_return text;
}

std::optional<std::uint64_t> TapeFile::seen_place_of(std::uint64_t block) const {
    for (auto above = runs_.upper_bound(block); looked_through_ && above != runs_.begin();) {
        const auto& [first, run] = *--above;
        if (block - first < run.blocks) {
            return run.record + (block - first);
        }
    }
    return std::nullopt;
}

Awaitable<Result<ByteView>> TapeFile::record(std::uint64_t number, std::size_t wanted) {
    if (number < window_first_ || number - window_first_ >= window_.size()) {
        TL_CO_CHECK(co_await fetch(number, wanted));
    }
    co_return window_.at(number - window_first_).view();
}

/// A record that cannot be read is asked for once: each time it costs whoever has it as much as
/// many that can.
Awaitable<Result<void>> TapeFile::fetch(std::uint64_t record, std::size_t wanted) {
    if (const auto known = unreadable_.find(record); known != unreadable_.end()) {
        co_return known->second;
    }
    if (window_.empty() || record != window_first_ + window_.size()) {
        run_ = 0;
    }
    const auto count =
        std::clamp<std::uint64_t>(std::max<std::uint64_t>({wanted, read_ahead_, run_}), 1,
                                  std::min<std::uint64_t>(kReadAheadMax, extent_.records - record));
    window_.clear();
    auto records = co_await medium_.read(number_, record, count);
    if (records && records->empty()) {
        records = Error{Errc::corrupt, "it is not there"};
    }
    if (!records) {
        const auto& error = records.error();
        const Error named{error.code, name(record * kPbsPayloadMax) + ": " + error.message};
        if (is_of_the_tape(named) && unreadable_.size() < kUnreadableMax) {
            unreadable_.emplace(record, named);
        }
        co_return named;
    }
    window_ = std::move(*records);
    window_first_ = record;
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
    while (done < into.size() && extent_.records > 0) {
        const auto block = offset / kPbsPayloadMax;
        if (block >= blocks_) {
            TL_CO_CHECK(co_await ending());
        }
        if (block >= blocks_) {
            break;
        }
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

Awaitable<Result<std::optional<std::string>>> TapeFile::first_damage() {
    TL_CO_TRY(const auto ending, co_await this->ending());
    std::optional<std::string> damage;
    Bytes bytes(kPbsPayloadMax);
    for (std::uint64_t offset = 0; offset < ending.stream_size; offset += bytes.size()) {
        const auto size = std::min<std::uint64_t>(bytes.size(), ending.stream_size - offset);
        auto read = co_await read_all(offset, MutableByteView(bytes).first(size));
        if (!read && !is_of_the_tape(read.error())) {
            co_return std::move(read).error();
        }
        if (!read && !damage) {
            damage = std::move(read).error().message;
        }
    }
    co_return damage;
}

}  // namespace tapeloft::media
