#include "vtl/library/media_changer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "vtl/library/log_pages.h"
#include "vtl/library/mode_pages.h"

namespace tapeloft::vtl::library {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;
using scsi::Completion;
using scsi::SenseKey;
using scsi::Task;
namespace asc = scsi::asc;

namespace {

namespace layout {
namespace move_medium {  // SMC-3, 6.7
inline constexpr BigEndian<ElementAddress, 2> kTransportAddress;
inline constexpr BigEndian<ElementAddress, 4> kSourceAddress;
inline constexpr BigEndian<ElementAddress, 6> kDestinationAddress;
}  // namespace move_medium
namespace exchange_medium {  // SMC-3, 6.3
inline constexpr BigEndian<ElementAddress, 2> kTransportAddress;
inline constexpr BigEndian<ElementAddress, 4> kSourceAddress;
inline constexpr BigEndian<ElementAddress, 6> kFirstDestinationAddress;
inline constexpr BigEndian<ElementAddress, 8> kSecondDestinationAddress;
}  // namespace exchange_medium
namespace position_to_element {  // SMC-3, 6.9
inline constexpr BigEndian<ElementAddress, 2> kTransportAddress;
inline constexpr BigEndian<ElementAddress, 4> kDestinationAddress;
}  // namespace position_to_element
namespace with_range {  // SMC-3, 6.6
inline constexpr std::uint8_t kRange = 0x01;
inline constexpr BigEndian<ElementAddress, 2> kStartingAddress;
}  // namespace with_range
namespace open_close {  // SMC-3, 6.8: OPEN/CLOSE IMPORT/EXPORT ELEMENT
inline constexpr BigEndian<ElementAddress, 2> kElementAddress;
inline constexpr std::size_t kActionByte = 4;
inline constexpr std::uint8_t kActionCode = 0x1F;
enum Action : std::uint8_t { open = 0, close = 1 };
}  // namespace open_close
}  // namespace layout

scsi::DeviceServerOptions device_server_options(const MediaChanger::Settings& settings,
                                                const ElementCounts& counts,
                                                std::span<const scsi::CommandRow> commands,
                                                scsi::AlertFlags& alerts,
                                                const ChangerStatistics& statistics) {
    scsi::DeviceServerOptions options;
    options.executor = settings.executor;
    options.memory = settings.memory;
    options.commands = commands;
    options.mode_pages = changer_mode_pages(counts);
    options.log_pages = changer_log_pages(alerts, statistics);
    TL_ASSERT(settings.model != nullptr);
    options.identity = scsi::identity_of(*settings.model, settings.serial);
    auto& identity = options.identity;
    identity.target_name = settings.target_name;
    identity.target_portal_group_tag = settings.target_portal_group_tag;
    identity.logical_unit_count = static_cast<std::uint16_t>(counts.drives + 1);
    return options;
}

}  // namespace

Result<std::unique_ptr<MediaChanger>> MediaChanger::create(Settings settings,
                                                           media::CartridgeStore& store,
                                                           std::vector<DriveBay*> drives,
                                                           EventLog& events) {
    const ElementCounts counts{settings.slots, settings.import_export_slots,
                               static_cast<std::uint32_t>(drives.size())};
    TL_TRY(auto inventory, Inventory::create(counts, {}));
    return std::unique_ptr<MediaChanger>(new MediaChanger(std::move(settings), std::move(inventory),
                                                          store, std::move(drives), events));
}

Completion MediaChanger::invalid_element_address(std::uint16_t cdb_byte) {
    scsi::Sense sense;
    sense.key = SenseKey::illegal_request;
    sense.additional = asc::kInvalidElementAddress;
    sense.field = scsi::FieldPointer{true, cdb_byte, std::nullopt};
    return Completion::check_condition(sense);
}

MediaChanger::MediaChanger(Settings settings, Inventory inventory, media::CartridgeStore& store,
                           std::vector<DriveBay*> drives, EventLog& events)
    : DeviceServer(
          device_server_options(settings, inventory.counts(), commands(), alerts_, statistics_)),
      store_(store),
      drives_(drives),
      events_(events),
      inventory_(std::move(inventory)),
      locks_(executor()),
      mover_(store, std::move(drives), inventory_, conditions_, events, settings.load_wait) {
    conditions_.mail_slots_open = remembers_open_mail_slots();
    recall_statistics();
}

Awaitable<Result<void>> MediaChanger::start() {
    const auto turn = co_await exclusive_turn();
    TL_CO_TRY(const auto cartridges, co_await store_.list());
    TL_CO_TRY(inventory_, Inventory::create(inventory_.counts(), cartridges));
    recall_alternate_tags();
    note_inventory_scan();
    for (std::uint32_t i = 0; i < inventory_.counts().drives; ++i) {
        const Element drive{ElementKind::drive, i};
        const auto* const cartridge = inventory_.at(drive);
        if (cartridge == nullptr) {
            continue;
        }
        const auto barcode = cartridge->barcode;
        auto mounted = co_await mover_.mount(drive, std::nullopt);
        if (!mounted) {
            events_.error("changer", "A cartridge could not be mounted again after the start.",
                          {{"barcode", barcode},
                           {"element", name_of(drive)},
                           {"cause", mounted.error().message}});
        }
    }
    co_await keep_statistics();
    co_return Result<void>();
}

Awaitable<Result<void>> MediaChanger::stop() {
    const auto turn = co_await exclusive_turn();
    Result<void> outcome;
    for (std::uint32_t i = 0; i < inventory_.counts().drives; ++i) {
        auto dismounted = co_await mover_.dismount({ElementKind::drive, i});
        if (!dismounted && outcome) {
            outcome = std::move(dismounted);
        }
    }
    co_await keep_statistics();  // should the last try have failed
    co_return outcome;
}

// --- What hosts ask
// -------------------------------------------------------------------------------

// The inventory is always known, so there is nothing to look at.
Completion MediaChanger::initialize_element_status(const Task& /*task*/) {
    return Completion::good();
}

Completion MediaChanger::initialize_element_status_with_range(const Task& task) {
    namespace cdb = layout::with_range;
    const auto start = cdb::kStartingAddress.load(task.cdb);
    const bool range = (task.cdb[1] & cdb::kRange) != 0;
    if (range && start != kTransportAddress && !element_at(start, inventory_.counts())) {
        return invalid_element_address(cdb::kStartingAddress.offset);
    }
    return Completion::good();
}

Completion MediaChanger::position_to_element(const Task& task) {
    namespace cdb = layout::position_to_element;
    if (cdb::kTransportAddress.load(task.cdb) != kTransportAddress) {
        return invalid_element_address(cdb::kTransportAddress.offset);
    }
    if (!element_at(cdb::kDestinationAddress.load(task.cdb), inventory_.counts())) {
        return invalid_element_address(cdb::kDestinationAddress.offset);
    }
    return Completion::good();
}

Awaitable<Completion> MediaChanger::move_medium(Task task) {
    namespace cdb = layout::move_medium;
    if (cdb::kTransportAddress.load(task.cdb) != kTransportAddress) {
        co_return invalid_element_address(cdb::kTransportAddress.offset);
    }
    const auto from = element_at(cdb::kSourceAddress.load(task.cdb), inventory_.counts());
    if (!from) {
        co_return Completion::check_condition(sense_of(MoveRefusal::source_address_unknown));
    }
    const auto to = element_at(cdb::kDestinationAddress.load(task.cdb), inventory_.counts());
    if (!to) {
        co_return Completion::check_condition(sense_of(MoveRefusal::destination_address_unknown));
    }
    const auto held = co_await lock(*from, *to);
    const auto failed = co_await mover_.move(*from, *to, task.it_nexus);
    note_move(failed, *from == *to ? 0 : 1);
    co_await keep_statistics();
    co_return failed ? Completion::check_condition(sense_of(failed->refusal)) : Completion::good();
}

Awaitable<Completion> MediaChanger::exchange_medium(Task task) {
    namespace cdb = layout::exchange_medium;
    if (cdb::kTransportAddress.load(task.cdb) != kTransportAddress) {
        co_return invalid_element_address(cdb::kTransportAddress.offset);
    }
    const auto source = element_at(cdb::kSourceAddress.load(task.cdb), inventory_.counts());
    if (!source) {
        co_return invalid_element_address(cdb::kSourceAddress.offset);
    }
    const auto first =
        element_at(cdb::kFirstDestinationAddress.load(task.cdb), inventory_.counts());
    if (!first) {
        co_return invalid_element_address(cdb::kFirstDestinationAddress.offset);
    }
    const auto second =
        element_at(cdb::kSecondDestinationAddress.load(task.cdb), inventory_.counts());
    if (!second) {
        co_return invalid_element_address(cdb::kSecondDestinationAddress.offset);
    }
    std::vector<Element> elements;
    elements.push_back(*source);
    elements.push_back(*first);
    elements.push_back(*second);
    const auto held = co_await locks_.take(std::move(elements));
    const auto failed = co_await mover_.exchange(*source, *first, *second, task.it_nexus);
    note_move(failed, 2);
    co_await keep_statistics();
    co_return failed ? Completion::check_condition(sense_of(failed->refusal)) : Completion::good();
}

// It has the turn alone, so no move is on its way to or from a mail slot.
Awaitable<Completion> MediaChanger::open_close_import_export_element(Task task) {
    namespace cdb = layout::open_close;
    const auto element = element_at(cdb::kElementAddress.load(task.cdb), inventory_.counts());
    if (!element || element->kind != ElementKind::import_export) {
        co_return invalid_element_address(cdb::kElementAddress.offset);
    }
    const auto action = task.cdb[cdb::kActionByte] & cdb::kActionCode;
    if (action != cdb::open && action != cdb::close) {
        co_return scsi::invalid_field_in_cdb(cdb::kActionByte, 4);
    }
    const bool open = action == cdb::open;
    if (open && removal_prevented()) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kMediumRemovalPrevented);
    }
    if (open == conditions_.mail_slots_open) {
        co_return Completion::good();
    }
    const auto done = co_await set_mail_slots_open(open);
    if (!done) {
        co_return not_remembered();
    }
    if (!open) {
        unit_attentions().establish_for_others(task.it_nexus, asc::kImportOrExportElementAccessed);
    }
    co_return Completion::good();
}

// --- What the administrator asks
// ------------------------------------------------------------------

std::vector<ElementView> MediaChanger::snapshot() const {
    std::vector<ElementView> views;
    for (const auto kind : {ElementKind::storage, ElementKind::import_export, ElementKind::drive}) {
        for (std::uint32_t i = 0; i < inventory_.count(kind); ++i) {
            ElementView view;
            view.element = {kind, i};
            view.address = address_of(view.element);
            if (const auto* const cartridge = inventory_.at(view.element)) {
                view.cartridge = *cartridge;
            }
            views.push_back(std::move(view));
        }
    }
    return views;
}

std::vector<CartridgeRecord> MediaChanger::cartridges() const {
    std::vector<CartridgeRecord> records;
    for (const auto& [barcode, record] : inventory_.cartridges()) {
        records.push_back(record);
    }
    return records;
}

std::optional<CartridgeRecord> MediaChanger::cartridge(const std::string& barcode) const {
    const auto* const found = inventory_.find(barcode);
    return found == nullptr ? std::nullopt : std::optional(*found);
}

// SMC-3, 4.7 and SPC-5, annex F: which unit attention tells hosts to look at the elements again.
void MediaChanger::establish_inventory_changed(bool import_export_accessed) {
    unit_attentions().establish_for_all(import_export_accessed ? asc::kImportOrExportElementAccessed
                                                               : asc::kNotReadyToReadyChange);
}

/// While they are open hosts hear of it when they close.
void MediaChanger::establish_mail_slots_accessed() {
    if (!conditions_.mail_slots_open) {
        establish_inventory_changed(true);
    }
}

Result<void> MediaChanger::check_mail_slots_unlocked(ElementKind kind) const {
    if (kind == ElementKind::import_export && removal_prevented()) {
        return Error{Errc::precondition,
                     "a host has locked the mail slots (PREVENT ALLOW MEDIUM REMOVAL)"};
    }
    return {};
}

Awaitable<ElementLocks::Held> MediaChanger::lock(Element one, Element other) {
    std::vector<Element> elements{one, other};
    return locks_.take(std::move(elements));
}

Awaitable<Result<void>> MediaChanger::move(std::string barcode, Element destination) {
    const auto turn = co_await shared_turn();
    if (!inventory_.has(destination)) {
        co_return Error{Errc::not_found, "there is no " + name_of(destination)};
    }
    for (;;) {
        const auto* const cartridge = inventory_.find(barcode);
        if (cartridge == nullptr) {
            co_return Error{Errc::not_found, "there is no cartridge " + barcode};
        }
        const auto from = cartridge->element;
        if (from == media::kOutside) {
            co_return Error{Errc::precondition,
                            "cartridge " + barcode + " is outside of the library; import it first"};
        }
        const auto held = co_await lock(from, destination);
        const auto* const found = inventory_.find(barcode);
        if (found != nullptr && found->element == from) {
            co_return co_await move_locked(from, destination);
        }
    }
}

Awaitable<Result<void>> MediaChanger::move_locked(Element from, Element to) {
    if (reserved()) {
        co_return Error{Errc::precondition, "a host has reserved the changer"};
    }
    auto failed = co_await mover_.move(from, to, std::nullopt);
    note_move(failed, from == to ? 0 : 1);
    co_await keep_statistics();
    if (failed) {
        co_return std::move(failed->error);
    }
    if (from != to) {
        establish_inventory_changed(from.kind == ElementKind::import_export ||
                                    to.kind == ElementKind::import_export);
    }
    co_return Result<void>();
}

Result<std::vector<Element>> MediaChanger::elements_for(std::size_t count,
                                                        std::optional<Element> first) const {
    if (first && !inventory_.has(*first)) {
        return Error{Errc::not_found, "there is no " + name_of(*first)};
    }
    const auto kind = first ? first->kind : ElementKind::storage;
    std::vector<Element> elements;
    for (auto i = first ? first->index : 0U; i < inventory_.count(kind); ++i) {
        if (elements.size() == count) {
            break;
        }
        const auto* const occupant = inventory_.at({kind, i});
        if (occupant == nullptr) {
            elements.push_back({kind, i});
        } else if (first) {
            return Error{Errc::precondition,
                         name_of({kind, i}) + " already holds " + occupant->barcode};
        }
    }
    if (elements.size() < count) {
        return Error{Errc::precondition, std::to_string(count) +
                                             " cartridges need as many free "
                                             "elements, and there are " +
                                             std::to_string(elements.size())};
    }
    return elements;
}

Awaitable<Result<std::vector<CartridgeRecord>>> MediaChanger::create_cartridges(
    std::vector<std::string> barcodes, std::optional<std::uint64_t> capacity,
    std::optional<Element> first, bool worm) {
    const auto turn = co_await exclusive_turn();
    TL_CO_TRY(const auto elements, elements_for(barcodes.size(), first));
    const auto kind = first ? first->kind : ElementKind::storage;
    TL_CO_CHECK(check_mail_slots_unlocked(kind));
    std::vector<media::NewCartridge> requests;
    for (std::size_t i = 0; i < barcodes.size(); ++i) {
        media::NewCartridge request;
        request.barcode = std::move(barcodes[i]);
        request.capacity = capacity;
        request.worm = worm;
        request.element = elements[i];
        requests.push_back(std::move(request));
    }
    TL_CO_TRY(auto created, co_await store_.create_all(std::move(requests)));
    for (const auto& cartridge : created) {
        inventory_.add(cartridge);
    }
    note_hand_in(kind, created.size());
    co_await keep_statistics();
    if (!created.empty()) {
        if (kind == ElementKind::import_export) {
            establish_mail_slots_accessed();
        } else {
            establish_inventory_changed(false);
        }
        events_.info(
            "changer", "Created cartridges.",
            {{"first", created.front().barcode}, {"count", std::to_string(created.size())}});
    }
    co_return created;
}

Awaitable<Result<void>> MediaChanger::set_write_protected(std::string barcode, bool on) {
    const auto turn = co_await exclusive_turn();
    const auto* const cartridge = inventory_.find(barcode);
    if (cartridge == nullptr) {
        co_return Error{Errc::not_found, "there is no cartridge " + barcode};
    }
    const auto element = cartridge->element;
    if (element.kind == ElementKind::drive) {
        co_return Error{Errc::precondition, "cartridge " + barcode + " is in " + name_of(element) +
                                                "; move it to a slot first"};
    }
    TL_CO_CHECK(co_await store_.set_write_protected(cartridge->id, on));
    inventory_.set_write_protected(barcode, on);
    events_.info("changer",
                 on ? "A cartridge is write protected now." : "A cartridge can be written again.",
                 {{"barcode", barcode}});
    co_return Result<void>();
}

Awaitable<Result<std::shared_ptr<media::LentCartridge>>> MediaChanger::lend_cartridge(
    std::string barcode) {
    const auto turn = co_await exclusive_turn();
    const auto* const cartridge = inventory_.find(barcode);
    if (cartridge == nullptr) {
        co_return Error{Errc::not_found, "there is no cartridge " + barcode};
    }
    if (cartridge->element.kind == ElementKind::drive) {
        co_return Error{Errc::precondition, "cartridge " + barcode + " is in " +
                                                name_of(cartridge->element) +
                                                "; move it to a slot first"};
    }
    co_return co_await store_.lend(*cartridge);
}

Awaitable<CartridgeRecord> MediaChanger::take_in(CartridgeRecord cartridge) {
    const auto turn = co_await exclusive_turn();
    if (const auto slots = elements_for(1, std::nullopt)) {
        const auto moved = co_await store_.move(cartridge.id, slots->front(), std::nullopt);
        if (moved) {
            cartridge.element = slots->front();
        } else {
            events_.warning("changer", "A cartridge that came in stays outside of the library.",
                            {{"barcode", cartridge.barcode}, {"cause", moved.error().message}});
        }
    }
    inventory_.add(cartridge);
    if (cartridge.element != media::kOutside) {
        note_hand_in(ElementKind::storage, 1);
        co_await keep_statistics();
        establish_inventory_changed(false);
    }
    co_return cartridge;
}

Awaitable<Result<void>> MediaChanger::delete_cartridge(std::string barcode) {
    const auto turn = co_await exclusive_turn();
    co_return co_await delete_with_turn(std::move(barcode));
}

// Whoever puts it into a drive recalls it first, and does so with a turn.
Awaitable<Result<void>> MediaChanger::delete_lent(std::shared_ptr<media::LentCartridge> lent) {
    const auto turn = co_await exclusive_turn();
    TL_CO_CHECK(co_await lent->check_lent());
    auto barcode = lent->record().barcode;
    co_return co_await delete_with_turn(std::move(barcode));
}

Awaitable<Result<void>> MediaChanger::delete_with_turn(std::string barcode) {
    const auto* const found = inventory_.find(barcode);
    if (found == nullptr) {
        co_return Error{Errc::not_found, "there is no cartridge " + barcode};
    }
    const auto cartridge = *found;
    TL_CO_CHECK(check_mail_slots_unlocked(cartridge.element.kind));
    TL_CO_CHECK(co_await store_.remove(cartridge.id));
    inventory_.remove(barcode);
    co_await forget_alternate_tag(cartridge);
    if (cartridge.element != media::kOutside) {
        note_hand_in(cartridge.element.kind, 0);
        co_await keep_statistics();
    }
    if (cartridge.element.kind == ElementKind::import_export) {
        establish_mail_slots_accessed();
    } else if (cartridge.element != media::kOutside) {
        establish_inventory_changed(false);
    }
    events_.info("changer", "Deleted a cartridge and its data.", {{"barcode", barcode}});
    co_return Result<void>();
}

}  // namespace tapeloft::vtl::library
