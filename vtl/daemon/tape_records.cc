#include "vtl/daemon/tape_records.h"

#include <functional>
#include <string>
#include <utility>

namespace tapeloft::vtl::daemon {
namespace {

using media::ReadKind;
using media::Tape;

using Lengths = std::vector<std::uint64_t>;

class RecordsIntoMemory {
  public:
    RecordsIntoMemory(const media::LentCartridge& cartridge, TapeFile where, MemoryRoom room)
        : cartridge_(cartridge),
          where_(where),
          name_(name_of(where, cartridge.record().barcode)),
          room_(std::move(room)) {}

    Awaitable<Result<Lengths>> run(Tape* tape) {
        TL_CO_CHECK(co_await go_to(tape, where_, name_));
        if (where_.count <= kTogetherMax) {
            co_await tape->will_read(where_.count);
        }
        Lengths lengths;
        do {
            const auto length = co_await next(tape);
            if (!length && lengths.empty()) {
                co_return length.error();
            }
            if (!length) {
                break;  // told when it is the first one
            }
            lengths.push_back(*length);
        } while (lengths.size() < where_.count && room_.size > 0 && !cartridge_.is_recalled());
        co_return lengths;
    }

  private:
    Awaitable<Result<std::uint64_t>> next(Tape* tape) {
        const auto object = tape->position().logical_object_number;
        TL_CO_TRY(const auto read, co_await tape->read());
        if (read.kind != ReadKind::record) {
            co_return Error{Errc::not_found, "there is no such record in " + name_};
        }
        if (read.encoding == media::RecordEncoding::encrypted) {
            co_return encrypted_record(object, name_);
        }
        const auto bytes = read.record.view();
        if (bytes.size() > room_.size) {
            co_return Error{Errc::invalid_argument,
                            "object " + std::to_string(object) + ", in " + name_ + ", has " +
                                std::to_string(bytes.size()) + " bytes; there is room for " +
                                std::to_string(room_.size)};
        }
        TL_CO_CHECK(room_.put(bytes));
        co_return bytes.size();
    }

    const media::LentCartridge& cartridge_;
    const TapeFile where_;
    const std::string name_;
    MemoryRoom room_;
};

}  // namespace

Awaitable<Result<Lengths>> read_records(media::LentCartridge& cartridge, TapeFile where,
                                        MemoryRoom room) {
    RecordsIntoMemory records(cartridge, where, std::move(room));
    std::function<Awaitable<Result<Lengths>>(Tape*)> work = [&records](Tape* tape) {
        return records.run(tape);
    };
    co_return co_await cartridge.with_tape(std::move(work));
}

}  // namespace tapeloft::vtl::daemon
