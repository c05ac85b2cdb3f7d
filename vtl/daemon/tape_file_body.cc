#include "vtl/daemon/tape_file_body.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace tapeloft::vtl::daemon {

using media::ReadKind;
using media::Tape;

namespace {

constexpr std::uint64_t kSpaceMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::string name_of(const TapeFile& where, const std::string& barcode) {
    return "file " + std::to_string(where.file) + " in partition " +
           std::to_string(where.partition) + " of cartridge " + barcode;
}

Error encrypted_record(std::uint64_t object, const std::string& name) {
    return {Errc::unsupported,
            "object " + std::to_string(object) + ", in " + name +
                ", was encrypted by a drive; only a drive that a host has given its key can read "
                "it"};
}

Awaitable<Result<void>> go_to(Tape* tape, TapeFile where, std::string name) {
    if (where.partition >= tape->partition_count()) {
        co_return Error{Errc::not_found, "there is no " + name + ": it has " +
                                             std::to_string(tape->partition_count()) +
                                             " partitions, counted from 0"};
    }
    TL_CO_CHECK(co_await tape->change_partition(where.partition));
    TL_CO_TRY(const bool there, co_await tape->locate_file(where.file));
    if (!there || tape->at_end_of_data()) {
        co_return Error{Errc::not_found, "there is no " + name};
    }
    if (where.first > 0) {
        const auto first = std::min<std::uint64_t>(where.first, kSpaceMax);
        TL_CO_TRY(const auto moved, co_await tape->space_records(static_cast<std::int64_t>(first)));
        if (moved.moved < where.first) {
            co_return Error{Errc::not_found, "there is no record " + std::to_string(where.first) +
                                                 ", counted from 0, in " + name};
        }
    }
    co_return Result<void>();
}

Awaitable<Result<std::unique_ptr<RestBody>>> TapeFileBody::open(
    media::CartridgeStore& store, std::shared_ptr<media::LentCartridge> cartridge, TapeFile where) {
    auto body = std::make_unique<TapeFileBody>(store, cartridge, where);
    std::function<Awaitable<Result<void>>(Tape*)> work = [self = body.get()](Tape* tape) {
        return self->find(tape);
    };
    auto found = co_await cartridge->with_tape(std::move(work));
    if (!found) {
        co_await body->close();
        co_return std::move(found).error();
    }
    co_return std::unique_ptr<RestBody>(std::move(body));
}

std::string TapeFileBody::name() const {
    return name_of(where_, cartridge_->record().barcode);
}

Awaitable<Result<void>> TapeFileBody::find(Tape* tape) {
    TL_CO_CHECK(co_await go_to(tape, where_, name()));
    if (where_.count <= kTogetherMax) {
        co_await tape->will_read(where_.count);
    }
    co_return co_await visit(tape);
}

Awaitable<Result<Buffer>> TapeFileBody::next() {
    if (pieces_.empty()) {
        std::function<Awaitable<Result<void>>(Tape*)> work = [this](Tape* tape) {
            return visit(tape);
        };
        TL_CO_CHECK(co_await cartridge_->with_tape(std::move(work)));
    }
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
}

/// Afterwards there is a piece; the one at the end is empty. Errors: before the first of them.
Awaitable<Result<void>> TapeFileBody::visit(Tape* tape) {
    for (std::size_t length = 0; length < kVisitLength;) {
        auto piece = co_await read_piece(tape);
        if (!piece && pieces_.empty()) {
            co_return std::move(piece).error();
        }
        if (!piece) {
            break;  // told by the next visit
        }
        length += piece->size();
        const bool last = piece->empty();
        pieces_.push_back(std::move(*piece));
        if (last) {
            break;
        }
    }
    co_return Result<void>();
}

Awaitable<Result<Buffer>> TapeFileBody::read_piece(Tape* tape) {
    Bytes piece;
    while (!ended_ && !failed_ && left_ > 0 && piece.size() < kPieceLength) {
        const auto object = tape->position().logical_object_number;
        auto read = co_await tape->read();
        if (!read) {
            failed_ = std::move(read).error();
        } else if (read->kind != ReadKind::record) {
            ended_ = true;
        } else if (read->encoding == media::RecordEncoding::encrypted) {
            failed_ = encrypted_record(object, name());
        } else {
            --left_;
            const auto bytes = read->record.view();
            if (piece.empty() && bytes.size() >= kPieceLength) {
                co_return std::move(read->record);
            }
            piece.insert(piece.end(), bytes.begin(), bytes.end());
        }
    }
    if (failed_ && piece.empty()) {
        co_return *failed_;
    }
    co_return Buffer::copy_of(piece);
}

Awaitable<void> TapeFileBody::close() {
    co_await store_.give_back(cartridge_);
}

}  // namespace tapeloft::vtl::daemon
