#include "vtl/library/cartridge_mover.h"

#include <array>
#include <string>
#include <utility>

#include "media/cartridge/archive_port.h"

namespace tapeloft::vtl::library {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;
using scsi::SenseKey;
namespace asc = scsi::asc;

namespace {

struct SenseRow {
    MoveRefusal refusal;
    SenseKey key;
    scsi::AdditionalSense additional;
    std::optional<std::uint16_t> cdb_byte;  // what is to blame
};

// Of MOVE MEDIUM and EXCHANGE MEDIUM (SMC-3, 6.7 and 6.3).
constexpr std::uint16_t kSourceByte = 4;
constexpr std::uint16_t kDestinationByte = 6;
constexpr std::uint16_t kSecondDestinationByte = 8;

// clang-format off
constexpr auto kSense = std::to_array<SenseRow>({
    {MoveRefusal::source_address_unknown,      SenseKey::illegal_request, asc::kInvalidElementAddress,        kSourceByte},
    {MoveRefusal::destination_address_unknown, SenseKey::illegal_request, asc::kInvalidElementAddress,        kDestinationByte},
    {MoveRefusal::second_destination_address_unknown, SenseKey::illegal_request, asc::kInvalidElementAddress, kSecondDestinationByte},
    {MoveRefusal::source_empty,                SenseKey::illegal_request, asc::kMediumSourceElementEmpty,     kSourceByte},
    {MoveRefusal::destination_full,            SenseKey::illegal_request, asc::kMediumDestinationElementFull, kDestinationByte},
    {MoveRefusal::first_destination_empty,     SenseKey::illegal_request, asc::kMediumSourceElementEmpty,     kDestinationByte},
    {MoveRefusal::second_destination_full,     SenseKey::illegal_request, asc::kMediumDestinationElementFull, kSecondDestinationByte},
    {MoveRefusal::mail_slots_open,             SenseKey::illegal_request, asc::kMediumMagazineNotAccessible,  std::nullopt},
    {MoveRefusal::removal_prevented,           SenseKey::illegal_request, asc::kMediumRemovalPrevented,       std::nullopt},
    {MoveRefusal::incompatible_medium,         SenseKey::illegal_request, asc::kIncompatibleMediumInstalled,  std::nullopt},
    {MoveRefusal::archived,                    SenseKey::illegal_request, asc::kMediumMagazineNotAccessible,  kSourceByte},
    {MoveRefusal::load_failed,                 SenseKey::hardware_error,  asc::kMediaLoadOrEjectFailed,       std::nullopt},
    {MoveRefusal::unload_failed,               SenseKey::hardware_error,  asc::kMediaLoadOrEjectFailed,       std::nullopt},
    {MoveRefusal::not_recorded,                SenseKey::hardware_error,  asc::kInternalTargetFailure,        std::nullopt},
});
// clang-format on

MoveFailure failure(MoveRefusal refusal, Error error) {
    return {refusal, std::move(error)};
}

MoveFailure load_failure(Error error) {
    const auto refusal = error.code == Errc::unsupported ? MoveRefusal::incompatible_medium
                         : error.code == Errc::busy      ? MoveRefusal::archived
                                                         : MoveRefusal::load_failed;
    return failure(refusal, std::move(error));
}

MoveFailure unload_failure(Error error) {
    const bool prevented = error.code == Errc::precondition;
    return failure(prevented ? MoveRefusal::removal_prevented : MoveRefusal::unload_failed,
                   std::move(error));
}

MoveFailure is_empty(MoveRefusal refusal, Element element) {
    return failure(refusal, {Errc::precondition, name_of(element) + " is empty"});
}

MoveFailure is_full(MoveRefusal refusal, Element element, const CartridgeRecord& occupant) {
    return failure(refusal,
                   {Errc::precondition, name_of(element) + " already holds " + occupant.barcode});
}

MoveOutcome check_move(const Inventory& inventory, Element from, Element to) {
    if (inventory.at(from) == nullptr) {
        return is_empty(MoveRefusal::source_empty, from);
    }
    const auto* const occupant = inventory.at(to);
    if (occupant != nullptr && from != to) {
        return is_full(MoveRefusal::destination_full, to, *occupant);
    }
    return std::nullopt;
}

MoveOutcome check_exchange(const Inventory& inventory, Element source, Element first,
                           Element second) {
    if (inventory.at(source) == nullptr) {
        return is_empty(MoveRefusal::source_empty, source);
    }
    if (first == source) {
        return is_full(MoveRefusal::destination_full, first, *inventory.at(source));
    }
    if (inventory.at(first) == nullptr) {
        return is_empty(MoveRefusal::first_destination_empty, first);
    }
    const auto* const occupant = inventory.at(second);
    if (occupant != nullptr && second != source) {
        return is_full(MoveRefusal::second_destination_full, second, *occupant);
    }
    return std::nullopt;
}

/// Where a cartridge that leaves `from` came from: the last storage or import/export element.
std::optional<Element> source_after(const CartridgeRecord& cartridge, Element from) {
    return from.kind == ElementKind::drive ? cartridge.source : std::optional(from);
}

}  // namespace

scsi::Sense sense_of(MoveRefusal refusal) noexcept {
    scsi::Sense sense;
    for (const auto& row : kSense) {
        if (row.refusal == refusal) {
            sense.key = row.key;
            sense.additional = row.additional;
            if (row.cdb_byte) {
                sense.field = scsi::FieldPointer{true, *row.cdb_byte, std::nullopt};
            }
        }
    }
    TL_ASSERT(sense.key != SenseKey::no_sense);
    return sense;
}

// Checks and the ways of a single cartridge and of two.

MoveOutcome CartridgeMover::check_reach(const std::vector<Element>& elements) const {
    for (const auto& element : elements) {
        if (element.kind == ElementKind::import_export && conditions_.mail_slots_open) {
            return failure(MoveRefusal::mail_slots_open,
                           {Errc::precondition,
                            "the mail slots are open; the robot reaches them when they "
                            "are closed again"});
        }
    }
    return std::nullopt;
}

CartridgeMover::Transfer CartridgeMover::transfer(Element from, Element to) const {
    const auto& cartridge = *inventory_.at(from);
    return {cartridge, to, source_after(cartridge, from)};
}

Awaitable<MoveOutcome> CartridgeMover::move(Element from, Element to,
                                            std::optional<scsi::ItNexusId> mover) {
    if (auto refused = check_reach({from, to})) {
        co_return refused;
    }
    if (auto refused = check_move(inventory_, from, to); refused || from == to) {
        co_return refused;
    }
    std::vector<Transfer> transfers;
    transfers.push_back(transfer(from, to));
    co_return co_await carry(std::move(transfers), mover);
}

Awaitable<MoveOutcome> CartridgeMover::exchange(Element source, Element first, Element second,
                                                std::optional<scsi::ItNexusId> mover) {
    if (auto refused = check_reach({source, first, second})) {
        co_return refused;
    }
    if (auto refused = check_exchange(inventory_, source, first, second)) {
        co_return refused;
    }
    std::vector<Transfer> transfers;
    transfers.push_back(transfer(source, first));
    transfers.push_back(transfer(first, second));
    co_return co_await carry(std::move(transfers), mover);
}

// The steps.

Awaitable<MoveOutcome> CartridgeMover::carry(std::vector<Transfer> transfers,
                                             std::optional<scsi::ItNexusId> mover) {
    Done done;
    auto failed = co_await empty_drives(&transfers, &done);
    if (!failed) {
        failed = co_await load_drives(&transfers, mover, &done);
    }
    if (!failed) {
        failed = co_await record(&transfers);
    }
    if (failed) {
        co_await take_back(std::move(done));
        co_return failed;
    }
    take_over(transfers);
    co_return std::nullopt;
}

Awaitable<MoveOutcome> CartridgeMover::empty_drives(const std::vector<Transfer>* transfers,
                                                    Done* done) {
    for (const auto& each : *transfers) {
        const auto from = each.cartridge.element;
        if (from.kind != ElementKind::drive) {
            continue;
        }
        auto emptied = co_await dismount(from);
        if (!emptied) {
            report("A cartridge could not be taken out of its drive.", each.cartridge.barcode, from,
                   emptied.error());
            co_return unload_failure(std::move(emptied).error());
        }
        done->emptied.push_back(from);
    }
    co_return std::nullopt;
}

Awaitable<MoveOutcome> CartridgeMover::load_drives(const std::vector<Transfer>* transfers,
                                                   std::optional<scsi::ItNexusId> mover,
                                                   Done* done) {
    for (const auto& each : *transfers) {
        if (each.to.kind != ElementKind::drive) {
            continue;
        }
        const auto cartridge = *inventory_.at(each.cartridge.element);  // with its usage up to now
        auto loaded = co_await load_record(cartridge, each.to, mover);
        if (!loaded) {
            report("A cartridge could not be moved.", each.cartridge.barcode, each.to,
                   loaded.error());
            co_return load_failure(std::move(loaded).error());
        }
        done->loaded.push_back(each.to);
    }
    co_return std::nullopt;
}

Awaitable<MoveOutcome> CartridgeMover::record(const std::vector<Transfer>* transfers) {
    std::vector<media::CartridgeMove> moves;
    for (const auto& each : *transfers) {
        moves.push_back({each.cartridge.id, each.to, each.source});
    }
    auto recorded = co_await store_.move_all(std::move(moves));
    if (recorded) {
        co_return std::nullopt;
    }
    report("A cartridge could not be moved.", transfers->front().cartridge.barcode,
           transfers->front().to, recorded.error());
    co_return failure(MoveRefusal::not_recorded, std::move(recorded).error());
}

Awaitable<void> CartridgeMover::take_back(Done done) {
    for (const auto& drive : done.loaded) {
        auto unloaded = co_await unload(drive);
        if (!unloaded) {
            report("A drive keeps a cartridge that the catalog has elsewhere.", name_of(drive),
                   drive, unloaded.error());
        }
    }
    for (const auto& drive : done.emptied) {
        co_await put_back(drive);
    }
}

void CartridgeMover::take_over(const std::vector<Transfer>& transfers) {
    std::vector<Inventory::Placement> placements;
    for (const auto& each : transfers) {
        conditions_.exceptions.erase(address_of(each.cartridge.element));
        placements.push_back({each.cartridge.barcode, each.to, each.source});
        events_.info("changer", "Moved a cartridge.",
                     {{"barcode", each.cartridge.barcode},
                      {"from", name_of(each.cartridge.element)},
                      {"to", name_of(each.to)}});
    }
    inventory_.place(placements);
}

Awaitable<Result<void>> CartridgeMover::mount(Element drive, std::optional<scsi::ItNexusId> mover) {
    const auto* const cartridge = inventory_.at(drive);
    TL_ASSERT(drive.kind == ElementKind::drive && cartridge != nullptr);
    auto mounted = co_await mount_record(*cartridge, drive, mover);
    if (mounted) {
        conditions_.exceptions.erase(address_of(drive));
    } else {
        const auto refusal = load_failure(mounted.error()).refusal;
        conditions_.exceptions[address_of(drive)] = sense_of(refusal).additional;
    }
    co_return mounted;
}

/// Into a drive anew. One that would not be ready in time is not put in, and is being recalled all
/// the same: a later move finds it there.
Awaitable<Result<void>> CartridgeMover::load_record(CartridgeRecord cartridge, Element drive,
                                                    std::optional<scsi::ItNexusId> mover) {
    TL_CO_TRY(auto opened, co_await store_.open(std::move(cartridge)));
    if (opened.readable_in > load_wait_) {
        if (opened.tape) {
            co_await opened.tape->close();
        }
        co_return media::archived_error(opened.record.barcode, opened.readable_in);
    }
    co_return co_await drives_[drive.index]->insert(std::move(opened), mover);
}

Awaitable<Result<void>> CartridgeMover::mount_record(CartridgeRecord cartridge, Element drive,
                                                     std::optional<scsi::ItNexusId> mover) {
    TL_CO_TRY(auto opened, co_await store_.open(std::move(cartridge)));
    co_return co_await drives_[drive.index]->insert(std::move(opened), mover);
}

Awaitable<Result<void>> CartridgeMover::dismount(Element drive) {
    auto removed = co_await drives_[drive.index]->remove();
    if (!removed) {
        if (removed.error().code == Errc::not_found) {
            co_return Result<void>();
        }
        co_return std::move(removed).error();
    }
    auto cartridge = std::move(removed).value();
    if (cartridge.tape) {
        auto closed = co_await cartridge.tape->close();
        if (!closed) {
            cartridge.tape.reset();
            co_await put_back(drive);
            co_return std::move(closed).error();
        }
    }
    co_await record_usage(drive, cartridge.bytes_written, cartridge.bytes_read);
    co_return Result<void>();
}

/// Takes out again what was just loaded; the inventory knows nothing of it yet.
Awaitable<Result<void>> CartridgeMover::unload(Element drive) {
    TL_CO_TRY(auto removed, co_await drives_[drive.index]->remove());
    if (!removed.tape) {
        co_return Result<void>();
    }
    co_return co_await removed.tape->close();
}

/// It has been rewound, so that the mover's own host gets the unit attention, too.
Awaitable<void> CartridgeMover::put_back(Element drive) {
    auto back = co_await mount(drive, std::nullopt);
    if (!back) {
        report("A cartridge stays in its drive unloaded.", inventory_.at(drive)->barcode, drive,
               back.error());
    }
}

Awaitable<void> CartridgeMover::record_usage(Element drive, std::uint64_t bytes_written,
                                             std::uint64_t bytes_read) {
    const auto* const occupant = inventory_.at(drive);
    if (occupant == nullptr || (bytes_written == 0 && bytes_read == 0)) {
        co_return;
    }
    const auto cartridge = *occupant;
    auto noted =
        co_await store_.note_usage(cartridge.medium_serial, cartridge.bytes_written + bytes_written,
                                   cartridge.bytes_read + bytes_read);
    if (!noted) {
        report("The usage counters of a cartridge could not be kept.", cartridge.barcode, drive,
               noted.error());
        co_return;
    }
    inventory_.add_usage(drive, bytes_written, bytes_read);
}

void CartridgeMover::report(const char* message, const std::string& barcode, Element element,
                            const Error& cause) {
    events_.warning(
        "changer", message,
        {{"barcode", barcode}, {"element", name_of(element)}, {"cause", cause.message}});
}

}  // namespace tapeloft::vtl::library
