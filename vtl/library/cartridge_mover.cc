#include "vtl/library/cartridge_mover.h"

#include <array>
#include <string>
#include <utility>

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
    std::optional<std::uint16_t> cdb_byte;  // of MOVE MEDIUM (SMC-3, 6.7): what is to blame
};

constexpr std::uint16_t kSourceByte = 4;
constexpr std::uint16_t kDestinationByte = 6;

// clang-format off
constexpr auto kSense = std::to_array<SenseRow>({
    {MoveRefusal::source_address_unknown,      SenseKey::illegal_request, asc::kInvalidElementAddress,        kSourceByte},
    {MoveRefusal::destination_address_unknown, SenseKey::illegal_request, asc::kInvalidElementAddress,        kDestinationByte},
    {MoveRefusal::source_empty,                SenseKey::illegal_request, asc::kMediumSourceElementEmpty,     kSourceByte},
    {MoveRefusal::destination_full,            SenseKey::illegal_request, asc::kMediumDestinationElementFull, kDestinationByte},
    {MoveRefusal::removal_prevented,           SenseKey::illegal_request, asc::kMediumRemovalPrevented,       std::nullopt},
    {MoveRefusal::incompatible_medium,         SenseKey::illegal_request, asc::kIncompatibleMediumInstalled,  std::nullopt},
    {MoveRefusal::load_failed,                 SenseKey::hardware_error,  asc::kMediaLoadOrEjectFailed,       std::nullopt},
    {MoveRefusal::unload_failed,               SenseKey::hardware_error,  asc::kMediaLoadOrEjectFailed,       std::nullopt},
    {MoveRefusal::not_recorded,                SenseKey::hardware_error,  asc::kInternalTargetFailure,        std::nullopt},
});
// clang-format on

MoveFailure failure(MoveRefusal refusal, Error error) {
    return {refusal, std::move(error)};
}

MoveFailure load_failure(Error error) {
    const bool incompatible = error.code == Errc::unsupported;
    return failure(incompatible ? MoveRefusal::incompatible_medium : MoveRefusal::load_failed,
                   std::move(error));
}

MoveFailure unload_failure(Error error) {
    const bool prevented = error.code == Errc::precondition;
    return failure(prevented ? MoveRefusal::removal_prevented : MoveRefusal::unload_failed,
                   std::move(error));
}

MoveOutcome check_move(const Inventory& inventory, Element from, Element to) {
    if (inventory.at(from) == nullptr) {
        return failure(MoveRefusal::source_empty,
                       {Errc::precondition, name_of(from) + " is empty"});
    }
    const auto* const occupant = inventory.at(to);
    if (occupant != nullptr && from != to) {
        return failure(MoveRefusal::destination_full,
                       {Errc::precondition, name_of(to) + " already holds " + occupant->barcode});
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

Awaitable<MoveOutcome> CartridgeMover::move(Element from, Element to,
                                            std::optional<scsi::ItNexusId> mover) {
    if (auto refused = check_move(inventory_, from, to); refused || from == to) {
        co_return refused;
    }
    if (from.kind == ElementKind::drive) {
        auto emptied = co_await dismount(from);
        if (!emptied) {
            report("A cartridge could not be taken out of its drive.", inventory_.at(from)->barcode,
                   from, emptied.error());
            co_return unload_failure(std::move(emptied).error());
        }
    }
    const auto cartridge = *inventory_.at(from);
    auto moved = co_await load_and_record(cartridge, to, mover);
    if (moved) {
        report("A cartridge could not be moved.", cartridge.barcode, to, moved->error);
        if (from.kind == ElementKind::drive) {
            co_await put_back(from, mover);
        }
        co_return moved;
    }
    inventory_.move(from, to, source_after(cartridge, from));
    events_.info("changer", "Moved a cartridge.",
                 {{"barcode", cartridge.barcode}, {"from", name_of(from)}, {"to", name_of(to)}});
    co_return std::nullopt;
}

Awaitable<MoveOutcome> CartridgeMover::load_and_record(CartridgeRecord cartridge, Element to,
                                                       std::optional<scsi::ItNexusId> mover) {
    if (to.kind == ElementKind::drive) {
        auto loaded = co_await mount_record(cartridge, to, mover);
        if (!loaded) {
            co_return load_failure(std::move(loaded).error());
        }
    }
    const auto source = source_after(cartridge, cartridge.element);
    auto recorded = co_await store_.move(cartridge.id, to, source);
    if (recorded) {
        co_return std::nullopt;
    }
    if (to.kind == ElementKind::drive) {
        auto undone = co_await dismount(to);
        if (!undone) {
            report("A drive keeps a cartridge that the catalog has elsewhere.", cartridge.barcode,
                   to, undone.error());
        }
    }
    co_return failure(MoveRefusal::not_recorded, std::move(recorded).error());
}

Awaitable<Result<void>> CartridgeMover::mount(Element drive, std::optional<scsi::ItNexusId> mover) {
    const auto* const cartridge = inventory_.at(drive);
    TL_ASSERT(drive.kind == ElementKind::drive && cartridge != nullptr);
    return mount_record(*cartridge, drive, mover);
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
            co_await put_back(drive, std::nullopt);
            co_return std::move(closed).error();
        }
    }
    co_await record_usage(drive, cartridge.bytes_written, cartridge.bytes_read);
    co_return Result<void>();
}

Awaitable<void> CartridgeMover::put_back(Element drive, std::optional<scsi::ItNexusId> mover) {
    auto back = co_await mount(drive, mover);
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
