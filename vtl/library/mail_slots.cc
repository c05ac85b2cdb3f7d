// The mail slots (import/export elements) as a person uses them: they open and close as one, and
// cartridges come in and go out by them.
#include <utility>

#include "vtl/library/media_changer.h"

namespace tapeloft::vtl::library {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;

namespace {

constexpr const char* kMailSlotsName = "mail_slots";
constexpr std::uint8_t kValueVersion = 1;

}  // namespace

bool MediaChanger::remembers_open_mail_slots() const {
    const auto value = recall(kMailSlotsName);
    return value && *value == Bytes{kValueVersion, 1};
}

MailSlots MediaChanger::mail_slots() const noexcept {
    return {conditions_.mail_slots_open, removal_prevented()};
}

// --- Open and close

Awaitable<Result<void>> MediaChanger::open_mail_slots() {
    const auto turn = co_await exclusive_turn();
    if (inventory_.counts().import_export == 0) {
        co_return Error{Errc::precondition, "the library has no mail slots"};
    }
    TL_CO_CHECK(check_mail_slots_unlocked(ElementKind::import_export));
    co_return co_await set_mail_slots_open(true);
}

Awaitable<Result<void>> MediaChanger::close_mail_slots() {
    const auto turn = co_await exclusive_turn();
    if (!conditions_.mail_slots_open) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await set_mail_slots_open(false));
    establish_inventory_changed(true);
    co_return Result<void>();
}

/// Durable before it holds.
Awaitable<Result<void>> MediaChanger::set_mail_slots_open(bool open) {
    if (open == conditions_.mail_slots_open) {
        co_return Result<void>();
    }
    Bytes value;
    value.push_back(kValueVersion);
    value.push_back(open ? 1 : 0);
    const bool remembered = co_await remember(kMailSlotsName, std::move(value));
    if (!remembered) {
        co_return Error{Errc::io, "whether the mail slots are open could not be made durable"};
    }
    if (open) {
        note_hand_in(ElementKind::import_export, 0);
    }
    conditions_.mail_slots_open = open;
    co_await keep_statistics();
    events_.info("changer", open ? "The mail slots are open." : "The mail slots are closed.", {});
    co_return Result<void>();
}

// --- In and out

/// The robot brings a cartridge to a mail slot only while those are closed.
Result<void> MediaChanger::check_reachable(const CartridgeRecord& cartridge) const {
    if (cartridge.element == media::kOutside) {
        return Error{Errc::precondition,
                     "cartridge " + cartridge.barcode + " is outside of the library already"};
    }
    TL_CHECK(check_mail_slots_unlocked(ElementKind::import_export));
    if (cartridge.element.kind == ElementKind::import_export) {
        return {};
    }
    if (reserved()) {
        return Error{Errc::precondition, "a host has reserved the changer"};
    }
    if (conditions_.mail_slots_open) {
        return Error{Errc::precondition, "the mail slots are open, and cartridge " +
                                             cartridge.barcode + " is in " +
                                             name_of(cartridge.element) +
                                             ", from where only the robot can bring it; close them "
                                             "first"};
    }
    return {};
}

/// Where a cartridge goes out or comes in: it stands in one already, or `wanted`, or the first
/// free one.
Result<Element> MediaChanger::mail_slot_for(const CartridgeRecord& cartridge,
                                            std::optional<Element> wanted) const {
    if (cartridge.element.kind == ElementKind::import_export) {
        return cartridge.element;
    }
    if (wanted) {
        if (wanted->kind != ElementKind::import_export || !inventory_.has(*wanted)) {
            return Error{Errc::not_found, "there is no mail slot like " + name_of(*wanted)};
        }
        const auto* const occupant = inventory_.at(*wanted);
        if (occupant != nullptr) {
            return Error{Errc::precondition,
                         name_of(*wanted) + " already holds " + occupant->barcode};
        }
        return *wanted;
    }
    const auto free = inventory_.first_empty(ElementKind::import_export);
    if (!free) {
        return Error{Errc::precondition, inventory_.counts().import_export == 0
                                             ? "the library has no mail slots"
                                             : "no mail slot is free"};
    }
    return *free;
}

Awaitable<Result<Element>> MediaChanger::export_cartridge(std::string barcode) {
    const auto turn = co_await shared_turn();
    for (;;) {
        const auto* const found = inventory_.find(barcode);
        if (found == nullptr) {
            co_return Error{Errc::not_found, "there is no cartridge " + barcode};
        }
        TL_CO_CHECK(check_reachable(*found));
        TL_CO_TRY(const auto mail_slot, mail_slot_for(*found, std::nullopt));
        const auto from = found->element;
        const auto held = co_await lock(from, mail_slot);
        const auto* const now = inventory_.find(barcode);
        const bool as_before = now != nullptr && now->element == from &&
                               (from == mail_slot || inventory_.at(mail_slot) == nullptr);
        if (!as_before) {
            continue;  // a move that ran before has changed what was found
        }
        TL_CO_CHECK(co_await carry_out(barcode, from, mail_slot));
        co_return mail_slot;
    }
}

Awaitable<Result<void>> MediaChanger::carry_out(std::string barcode, Element from,
                                                Element mail_slot) {
    if (from != mail_slot) {
        auto failed = co_await mover_.move(from, mail_slot, std::nullopt);
        note_move(failed, 1);
        co_await keep_statistics();
        if (failed) {
            co_return std::move(failed->error);
        }
    }
    auto out = co_await carry_over_the_door(barcode, media::kOutside);
    if (!out && from != mail_slot) {
        establish_inventory_changed(true);  // it is in the mail slot now
    }
    co_return out;
}

Awaitable<Result<Element>> MediaChanger::import_cartridge(std::string barcode,
                                                          std::optional<Element> wanted) {
    const auto turn = co_await shared_turn();
    for (;;) {
        const auto* const found = inventory_.find(barcode);
        if (found == nullptr) {
            co_return Error{Errc::not_found, "there is no cartridge " + barcode};
        }
        if (found->element != media::kOutside) {
            co_return Error{Errc::precondition, "cartridge " + barcode + " is in the library, in " +
                                                    name_of(found->element)};
        }
        TL_CO_CHECK(check_mail_slots_unlocked(ElementKind::import_export));
        TL_CO_TRY(const auto mail_slot, mail_slot_for(*found, wanted));
        const auto held = co_await lock(mail_slot, mail_slot);
        const auto* const now = inventory_.find(barcode);
        const bool as_before = now != nullptr && now->element == media::kOutside &&
                               inventory_.at(mail_slot) == nullptr;
        if (as_before) {
            TL_CO_CHECK(co_await carry_over_the_door(barcode, mail_slot));
            co_return mail_slot;
        }
    }
}

/// A person's hand: between a mail slot and the outside. What comes in came from nowhere.
Awaitable<Result<void>> MediaChanger::carry_over_the_door(std::string barcode, Element to) {
    const auto cartridge = *inventory_.find(barcode);
    TL_CO_CHECK(co_await store_.move(cartridge.id, to, std::nullopt));
    std::vector<Inventory::Placement> placements;
    placements.push_back({barcode, to, std::nullopt});
    inventory_.place(placements);
    establish_mail_slots_accessed();
    const bool out = to == media::kOutside;
    note_hand_in(ElementKind::import_export, out ? 0 : 1);
    co_await keep_statistics();
    events_.info("changer", out ? "A cartridge left the library." : "A cartridge came in.",
                 {{"barcode", barcode}, {"by", name_of(out ? cartridge.element : to)}});
    co_return Result<void>();
}

}  // namespace tapeloft::vtl::library
