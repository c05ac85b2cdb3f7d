#include "vtl/library/inventory.h"

#include <utility>

namespace tapeloft::vtl::library {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;

std::string name_of(Element element) {
    switch (element.kind) {
        case ElementKind::storage:
            return "slot " + std::to_string(element.index + 1);
        case ElementKind::import_export:
            return "mail slot " + std::to_string(element.index + 1);
        case ElementKind::drive:
            return "drive " + std::to_string(element.index);
    }
    TL_ASSERT(false);
    return {};
}

Result<void> check_counts(const ElementCounts& counts) {
    const auto refused = [](const std::string& what, std::uint32_t found, std::uint32_t min,
                            std::uint32_t max) {
        return Error{Errc::invalid_argument, "a library has " + std::to_string(min) + " to " +
                                                 std::to_string(max) + " " + what + ", not " +
                                                 std::to_string(found)};
    };
    if (counts.storage < 1 || counts.storage > kStorageElementsMax) {
        return refused("slots", counts.storage, 1, kStorageElementsMax);
    }
    if (counts.import_export > kImportExportElementsMax) {
        return refused("mail slots", counts.import_export, 0, kImportExportElementsMax);
    }
    if (counts.drives < 1 || counts.drives > kDrivesMax) {
        return refused("drives", counts.drives, 1, kDrivesMax);
    }
    return {};
}

Result<Inventory> Inventory::create(const ElementCounts& counts,
                                    const std::vector<CartridgeRecord>& cartridges) {
    TL_CHECK(check_counts(counts));
    Inventory inventory;
    inventory.counts_ = counts;
    for (const auto& cartridge : cartridges) {
        if (!inventory.has(cartridge.element)) {
            return Error{Errc::precondition,
                         "cartridge " + cartridge.barcode + " stands in " +
                             name_of(cartridge.element) + ", which library " + cartridge.library +
                             " no longer has; give it that many elements again, then move it"};
        }
        inventory.add(cartridge);
    }
    return inventory;
}

std::uint32_t Inventory::count(ElementKind kind) const noexcept {
    switch (kind) {
        case ElementKind::storage:
            return counts_.storage;
        case ElementKind::import_export:
            return counts_.import_export;
        case ElementKind::drive:
            return counts_.drives;
    }
    return 0;
}

const CartridgeRecord* Inventory::at(Element element) const noexcept {
    TL_ASSERT(has(element));
    const auto found = cartridges_.find(address_of(element));
    return found == cartridges_.end() ? nullptr : &found->second;
}

const CartridgeRecord* Inventory::find(std::string_view barcode) const noexcept {
    const auto found = by_barcode_.find(barcode);
    return found == by_barcode_.end() ? nullptr : &cartridges_.at(found->second);
}

void Inventory::add(const CartridgeRecord& cartridge) {
    TL_ASSERT(has(cartridge.element));
    const auto address = address_of(cartridge.element);
    const bool element_was_empty = cartridges_.emplace(address, cartridge).second;
    const bool barcode_is_new = by_barcode_.emplace(cartridge.barcode, address).second;
    TL_ASSERT(element_was_empty && barcode_is_new);
}

void Inventory::remove(Element element) {
    const auto found = cartridges_.find(address_of(element));
    TL_ASSERT(found != cartridges_.end());
    by_barcode_.erase(found->second.barcode);
    cartridges_.erase(found);
}

void Inventory::set_write_protected(Element element, bool on) {
    cartridges_.at(address_of(element)).write_protected = on;
}

void Inventory::add_usage(Element element, std::uint64_t bytes_written, std::uint64_t bytes_read) {
    auto& cartridge = cartridges_.at(address_of(element));
    cartridge.bytes_written += bytes_written;
    cartridge.bytes_read += bytes_read;
}

void Inventory::move(Element from, Element to, std::optional<Element> source) {
    const auto* const occupant = at(from);
    TL_ASSERT(occupant != nullptr);
    auto moved = *occupant;
    moved.element = to;
    moved.source = source;
    moved.load_count += to.kind == ElementKind::drive ? 1 : 0;
    remove(from);
    add(moved);
}

}  // namespace tapeloft::vtl::library
