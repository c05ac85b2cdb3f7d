#include "media/pbs/block_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "media/pbs/block_format.h"

namespace tapeloft::media {
TapeWrite::TapeWrite(BlockWriter& writer) : writer_(writer) {}

Awaitable<Result<bool>> TapeWrite::write(ByteView bytes) {
    TL_CO_CHECK(failure_);
    if (finished_) {
        co_return Error{Errc::precondition, "the tape file is finished"};
    }
    while (!bytes.empty()) {
        if (block_.empty()) {
            block_ = Buffer::allocate(kPbsBlockSize);
        }
        const auto size = std::min(bytes.size(), kPbsPayloadMax - used_);
        std::memcpy(block_.mutable_view().data() + kPbsBlockHeaderSize + used_, bytes.data(), size);
        used_ += size;
        bytes = bytes.subspan(size);
        if (used_ == kPbsPayloadMax) {
            TL_CO_TRY(const bool warned, co_await write_block(false, false));
            early_warning_ = early_warning_ || warned;
        }
    }
    co_return early_warning_;
}

Awaitable<Result<bool>> TapeWrite::finish(bool incomplete) {
    TL_CO_CHECK(failure_);
    if (finished_) {
        co_return Error{Errc::precondition, "the tape file is finished"};
    }
    if (block_.empty()) {
        block_ = Buffer::allocate(kPbsBlockSize);
    }
    TL_CO_TRY(const bool warned, co_await write_block(true, incomplete));
    finished_ = true;
    auto marked = co_await writer_.write_filemarks(1);
    if (!marked) {
        failure_ = marked.error();
        co_return std::move(marked).error();
    }
    co_return warned;
}

Awaitable<Result<bool>> TapeWrite::write_block(bool last, bool incomplete) {
    frame_pbs_block(block_.mutable_view(),
                    {static_cast<std::uint32_t>(used_), sequence_, last, incomplete});
    auto block = std::exchange(block_, Buffer());
    auto written = co_await writer_.write(std::move(block));
    if (!written) {
        failure_ = written.error();
        co_return std::move(written).error();
    }
    used_ = 0;
    ++sequence_;
    bytes_written_ += kPbsBlockSize;
    co_return written->early_warning;
}

TapeRead::TapeRead(BlockReader& reader) : reader_(reader) {}

Awaitable<Result<std::size_t>> TapeRead::read(MutableByteView into) {
    std::size_t done = 0;
    while (done < into.size()) {
        if (offset_ == limit_) {
            TL_CO_CHECK(failure_);
            if (end_ == End::complete || end_ == End::incomplete) {
                break;
            }
            auto next = co_await next_block();
            if (!next && done == 0) {
                co_return std::move(next).error();
            }
            if (!next) {
                break;  // what came before the failure is good; the next read tells of it
            }
            continue;
        }
        const auto size = std::min(into.size() - done, limit_ - offset_);
        std::memcpy(into.data() + done, block_.view().data() + offset_, size);
        offset_ += size;
        done += size;
    }
    co_return done;
}

Awaitable<Result<std::uint64_t>> TapeRead::skip() {
    std::uint64_t skipped = 0;
    while (true) {
        skipped += limit_ - offset_;
        offset_ = limit_;
        if (end_ != End::none) {
            co_return skipped;
        }
        TL_CO_CHECK(failure_);
        auto next = co_await next_block();
        if (!next && end_ != End::no_end_marker) {
            co_return std::move(next).error();
        }
    }
}

Result<bool> TapeRead::is_incomplete() const {
    switch (end_) {
        case End::none:
            return Error{Errc::precondition, "the end of the tape file is not reached"};
        case End::no_end_marker:
            return Error{Errc::corrupt, "the tape file has no end marker"};
        case End::complete:
            return false;
        case End::incomplete:
            break;
    }
    return true;
}

Awaitable<Result<void>> TapeRead::next_block() {
    auto outcome = co_await reader_.read();
    if (!outcome) {
        co_return fail(std::move(outcome).error());
    }
    const bool first = sequence_ == 0;
    if (outcome->kind == ReadKind::end_of_data) {
        co_return fail(first ? Error{Errc::not_found, "end of data where a tape file should begin"}
                             : Error{Errc::corrupt, "end of data inside a tape file"});
    }
    if (outcome->kind == ReadKind::filemark) {
        if (first) {
            co_return fail({Errc::not_found, "a filemark where a tape file should begin"});
        }
        end_ = End::no_end_marker;
        co_return fail({Errc::corrupt, "the tape file has no end marker"});
    }
    block_ = std::move(outcome->record);
    TL_CO_CHECK(accept_block());
    if (end_ != End::none) {
        co_return co_await expect_filemark();
    }
    co_return Result<void>();
}

Result<void> TapeRead::accept_block() {
    const auto header = parse_pbs_block(block_.view(), sequence_);
    if (!header) {
        return fail({header.error().code, "block " + std::to_string(sequence_) +
                                              " of the tape file: " + header.error().message});
    }
    ++sequence_;
    offset_ = kPbsBlockHeaderSize;
    limit_ = kPbsBlockHeaderSize + header->size;
    if (header->last) {
        end_ = header->incomplete ? End::incomplete : End::complete;
    }
    return {};
}

Awaitable<Result<void>> TapeRead::expect_filemark() {
    auto outcome = co_await reader_.read();
    if (outcome && outcome->kind == ReadKind::filemark) {
        co_return Result<void>();
    }
    end_ = End::none;
    offset_ = limit_;
    if (!outcome) {
        co_return fail(std::move(outcome).error());
    }
    co_return fail({Errc::corrupt, outcome->kind == ReadKind::record
                                       ? "data behind the end block of the tape file"
                                       : "end of data behind the end block of the tape file"});
}

Error TapeRead::fail(Error error) {
    failure_ = error;
    return error;
}

}  // namespace tapeloft::media
