#include "media/library/cartridge_store.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <boost/asio/strand.hpp>

#include "media/cartridge/archive_port.h"
#include "media/library/barcode.h"
#include "media/library/value_stores.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kMediumSerialLength = 12;

std::string new_medium_serial() {
    constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::random_device random;
    std::uniform_int_distribution<std::size_t> any(0, kAlphabet.size() - 1);
    std::string serial;
    for (std::size_t i = 0; i < kMediumSerialLength; ++i) {
        serial += kAlphabet[any(random)];
    }
    return serial;
}

std::int64_t now_unix_s() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Result<CartridgeRecord> blank_cartridge(const std::string& library, const NewCartridge& request) {
    TL_TRY(const auto marking, marking_of(request.barcode));
    const auto& generation = marking.generation;
    if (request.element.kind == ElementKind::drive) {
        return Error{Errc::invalid_argument,
                     request.barcode + ": a new cartridge goes to a slot, not into a drive"};
    }
    CartridgeRecord record;
    record.library = library;
    record.barcode = request.barcode;
    record.generation = generation.suffix;
    record.medium_serial = new_medium_serial();
    record.capacity = request.capacity.value_or(generation.native_capacity);
    record.element = request.element;
    record.created_unix_s = now_unix_s();
    record.worm = marking.worm || request.worm;
    record.cleaning = marking.cleaning;
    if (marking.cleaning) {
        if (request.worm || request.capacity) {
            return Error{
                Errc::invalid_argument,
                request.barcode + ": a cleaning cartridge has neither a capacity nor is it WORM"};
        }
        return record;
    }
    if (request.worm && generation.worm_suffix.empty()) {
        return Error{
            Errc::invalid_argument,
            request.barcode + ": there are no WORM cartridges of " + std::string(generation.name)};
    }
    if (record.capacity < kCartridgeCapacityMin || record.capacity > generation.native_capacity) {
        return Error{Errc::invalid_argument, request.barcode + ": the capacity must be 16 MiB to " +
                                                 std::to_string(generation.native_capacity) +
                                                 " bytes (" + std::string(generation.name) + ")"};
    }
    return record;
}

}  // namespace

CartridgeStore::CartridgeStore(Settings settings, Catalog& catalog, TapeProvider& tapes,
                               EventLog& events)
    : settings_(std::move(settings)), catalog_(catalog), tapes_(tapes), events_(events) {}

Awaitable<Result<std::vector<CartridgeRecord>>> CartridgeStore::list() {
    auto work = [this] { return catalog_.cartridges(settings_.library); };
    co_return co_await run_on(settings_.disk, std::move(work));
}

Awaitable<Result<CartridgeRecord>> CartridgeStore::create(NewCartridge request) {
    std::vector<NewCartridge> requests;
    requests.push_back(std::move(request));
    TL_CO_TRY(auto created, co_await create_all(std::move(requests)));
    co_return std::move(created.front());
}

Awaitable<Result<std::vector<CartridgeRecord>>> CartridgeStore::create_all(
    std::vector<NewCartridge> requests) {
    std::vector<CartridgeRecord> records;
    for (const auto& request : requests) {
        TL_CO_TRY(auto record, blank_cartridge(settings_.library, request));
        records.push_back(std::move(record));
    }
    auto work = [this, records = std::move(records)] { return catalog_.add_cartridges(records); };
    co_return co_await run_on(settings_.disk, std::move(work));
}

Awaitable<Result<void>> CartridgeStore::remove(CartridgeId id) {
    co_await recall(id);
    auto work = [this, id]() -> Result<CartridgeRecord> {
        TL_TRY(auto record, catalog_.cartridge(id));
        if (record.element.kind == ElementKind::drive) {
            return Error{Errc::precondition,
                         record.barcode + " is in a drive; move it to a slot first"};
        }
        TL_CHECK(catalog_.remove_cartridge(id));
        return record;
    };
    TL_CO_TRY(auto record, co_await run_on(settings_.disk, std::move(work)));
    const auto barcode = record.barcode;
    auto discarded = co_await tapes_.discard(std::move(record));
    if (!discarded) {
        // The cartridge is gone; its files are found and removed at the next start.
        events_.warning("library", "The files of a deleted cartridge could not be removed yet.",
                        {{"barcode", barcode}, {"cause", discarded.error().message}});
    }
    co_return Result<void>();
}

Awaitable<Result<void>> CartridgeStore::move(CartridgeId id, Element destination,
                                             std::optional<Element> source) {
    std::vector<CartridgeMove> moves;
    moves.push_back({id, destination, source});
    return move_all(std::move(moves));
}

Awaitable<Result<void>> CartridgeStore::move_all(std::vector<CartridgeMove> moves) {
    auto work = [this, moves = std::move(moves)] { return catalog_.move_cartridges(moves); };
    co_return co_await run_on(settings_.disk, std::move(work));
}

Awaitable<Result<void>> CartridgeStore::set_write_protected(CartridgeId id, bool on) {
    auto work = [this, id, on] { return catalog_.set_write_protected(id, on); };
    co_return co_await run_on(settings_.disk, std::move(work));
}

Awaitable<Result<void>> CartridgeStore::note_usage(std::string medium_serial,
                                                   std::uint64_t bytes_written,
                                                   std::uint64_t bytes_read) {
    auto work = [this, medium_serial, bytes_written, bytes_read] {
        return catalog_.note_usage(medium_serial, bytes_written, bytes_read);
    };
    co_return co_await run_on(settings_.disk, std::move(work));
}

Awaitable<std::chrono::seconds> TapeProvider::recall(CartridgeId /*cartridge*/) {
    co_return std::chrono::seconds(0);
}

Awaitable<Result<OpenCartridge>> CartridgeStore::open(CartridgeRecord cartridge) {
    OpenCartridge opened;
    auto work = [this, owner = value_owner(cartridge.id)] {
        return open_value_store(catalog_, settings_.disk, owner);
    };
    TL_CO_TRY(opened.memory, co_await run_on(settings_.disk, std::move(work)));
    co_await recall(cartridge.id);
    if (cartridge.format > kCartridgeFormat) {
        opened.unreadable = Error{Errc::unsupported,
                                  "cartridge " + cartridge.barcode + " has format " +
                                      std::to_string(cartridge.format) + "; use a newer Tapeloft"};
    } else if (!cartridge.cleaning) {
        opened.readable_in = co_await tapes_.recall(cartridge.id);
        opened.becoming_ready = [&tapes = tapes_, id = cartridge.id] {
            return tapes.is_recalling(id);
        };
        auto tape = co_await tapes_.open(cartridge);
        if (tape) {
            opened.tape = std::move(tape).value();
        } else {
            opened.unreadable = std::move(tape).error();
        }
    }
    opened.record = std::move(cartridge);
    co_return std::move(opened);
}

Awaitable<Result<std::shared_ptr<LentCartridge>>> CartridgeStore::lend(CartridgeRecord cartridge) {
    if (cartridge.cleaning || cartridge.format > kCartridgeFormat) {
        co_return Error{Errc::unsupported, "cartridge " + cartridge.barcode +
                                               (cartridge.cleaning ? " is a cleaning cartridge"
                                                                   : " needs a newer Tapeloft")};
    }
    if (auto open = co_await kept_open(cartridge.id)) {
        co_return open;
    }
    const auto readable_in = co_await tapes_.recall(cartridge.id);
    if (tapes_.is_recalling(cartridge.id)) {
        co_return archived_error(cartridge.barcode, readable_in);
    }
    Executor strand = boost::asio::make_strand(settings_.disk);
    auto lent = std::make_shared<LentCartridge>(std::move(strand), cartridge);
    {
        const std::lock_guard lock(mutex_);
        if (!lent_.emplace(cartridge.id, Loan{lent}).second) {
            co_return Error{Errc::busy,
                            "cartridge " + cartridge.barcode + " is being read already"};
        }
    }
    cartridge.write_protected = true;
    auto opened = co_await lent->open(tapes_.open(std::move(cartridge)));
    if (!opened) {
        co_await end_loan(lent);
        co_return std::move(opened).error();
    }
    co_return lent;
}

/// One that is open still, or nothing; where it is just being closed, it is closed then.
Awaitable<std::shared_ptr<LentCartridge>> CartridgeStore::kept_open(CartridgeId id) {
    std::shared_ptr<LentCartridge> closing;
    {
        const std::lock_guard lock(mutex_);
        const auto found = lent_.find(id);
        if (found == lent_.end() || found->second.state == LoanState::in_use) {
            co_return nullptr;
        }
        if (found->second.state == LoanState::kept_open) {
            found->second.state = LoanState::in_use;
            co_return found->second.cartridge;
        }
        closing = found->second.cartridge;
    }
    co_await end_loan(std::move(closing));
    co_return nullptr;
}

Awaitable<void> CartridgeStore::give_back(std::shared_ptr<LentCartridge> lent) {
    std::vector<std::shared_ptr<LentCartridge>> too_many;
    {
        const std::lock_guard lock(mutex_);
        const auto found = lent_.find(lent->record().id);
        if (found == lent_.end() || found->second.cartridge != lent) {
            co_return;  // it was recalled
        }
        found->second.state = LoanState::kept_open;
        found->second.was_unused = false;
        found->second.given_back = ++given_back_;
        std::vector<Loan*> kept;
        for (auto& [id, loan] : lent_) {
            if (loan.state == LoanState::kept_open) {
                kept.push_back(&loan);
            }
        }
        std::sort(kept.begin(), kept.end(),
                  [](const Loan* a, const Loan* b) { return a->given_back > b->given_back; });
        for (std::size_t i = kKeptOpen; i < kept.size(); ++i) {
            kept[i]->state = LoanState::closing;
            too_many.push_back(kept[i]->cartridge);
        }
    }
    co_await end_loans(std::move(too_many));
}

Awaitable<void> CartridgeStore::close_unused() {
    std::vector<std::shared_ptr<LentCartridge>> unused;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [id, loan] : lent_) {
            if (loan.state == LoanState::kept_open && std::exchange(loan.was_unused, true)) {
                loan.state = LoanState::closing;
                unused.push_back(loan.cartridge);
            }
        }
    }
    co_await end_loans(std::move(unused));
}

Awaitable<void> CartridgeStore::close_all_unused() {
    co_await close_unused();
    co_await close_unused();
}

Awaitable<void> CartridgeStore::end_loans(std::vector<std::shared_ptr<LentCartridge>> loans) {
    for (auto& loan : loans) {
        co_await end_loan(std::move(loan));
    }
}

/// Returns when the tape is closed.
Awaitable<void> CartridgeStore::end_loan(std::shared_ptr<LentCartridge> lent) {
    co_await lent->recall();
    const std::lock_guard lock(mutex_);
    const auto found = lent_.find(lent->record().id);
    if (found != lent_.end() && found->second.cartridge == lent) {
        lent_.erase(found);
    }
}

Awaitable<void> CartridgeStore::recall(CartridgeId id) {
    std::shared_ptr<LentCartridge> lent;
    {
        const std::lock_guard lock(mutex_);
        const auto found = lent_.find(id);
        lent = found == lent_.end() ? nullptr : found->second.cartridge;
    }
    if (lent) {
        co_await end_loan(std::move(lent));
    }
}

Awaitable<Result<void>> CartridgeStore::populate_once(std::vector<Population> populations,
                                                      std::uint32_t slots) {
    const auto done = "library/" + settings_.library + "/populated";
    std::vector<CartridgeRecord> records;
    for (const auto& population : populations) {
        TL_CO_TRY(const auto barcodes, expand_barcodes(population.barcodes));
        for (const auto& barcode : barcodes) {
            NewCartridge request;
            request.barcode = barcode;
            request.capacity = population.capacity;
            request.worm = population.worm;
            request.element.index = static_cast<std::uint32_t>(records.size());
            TL_CO_TRY(auto record, blank_cartridge(settings_.library, request));
            records.push_back(std::move(record));
        }
    }
    if (records.size() > slots) {
        co_return Error{Errc::precondition,
                        "library " + settings_.library + ": " + std::to_string(records.size()) +
                            " cartridges do not fit into " + std::to_string(slots) + " slots"};
    }
    auto work = [this, done, records = std::move(records)]() -> Result<void> {
        TL_TRY(const auto before, catalog_.property(done));
        TL_TRY(const auto present, catalog_.cartridges(settings_.library));
        // Cartridges without the mark: the daemon died between the two changes below.
        if (!before && present.empty()) {
            TL_CHECK(catalog_.add_cartridges(records));
        }
        return before ? Result<void>() : catalog_.set_property(done, "yes");
    };
    co_return co_await run_on(settings_.disk, std::move(work));
}

}  // namespace tapeloft::media
