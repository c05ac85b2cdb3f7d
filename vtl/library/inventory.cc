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
        case ElementKind::outside:
            return "the outside";
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
        if (cartridge.element != media::kOutside && !inventory.has(cartridge.element)) {
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
        case ElementKind::outside:
            break;
    }
    return 0;
}

const CartridgeRecord* Inventory::at(Element element) const noexcept {
    TL_ASSERT(has(element));
    const auto found = by_address_.find(address_of(element));
    return found == by_address_.end() ? nullptr : found->second;
}

const CartridgeRecord* Inventory::find(std::string_view barcode) const noexcept {
    const auto found = cartridges_.find(barcode);
    return found == cartridges_.end() ? nullptr : &found->second;
}

std::optional<Element> Inventory::first_empty(ElementKind kind) const noexcept {
    for (std::uint32_t i = 0; i < count(kind); ++i) {
        if (at({kind, i}) == nullptr) {
            return Element{kind, i};
        }
    }
    return std::nullopt;
}

void Inventory::add(const CartridgeRecord& cartridge) {
    const auto [entry, barcode_is_new] = cartridges_.emplace(cartridge.barcode, cartridge);
    TL_ASSERT(barcode_is_new);
    if (cartridge.element == media::kOutside) {
        return;
    }
    TL_ASSERT(has(cartridge.element));
    const bool element_was_empty =
        by_address_.emplace(address_of(cartridge.element), &entry->second).second;
    TL_ASSERT(element_was_empty);
}

void Inventory::remove(std::string_view barcode) {
    const auto found = cartridges_.find(barcode);
    TL_ASSERT(found != cartridges_.end());
    if (found->second.element != media::kOutside) {
        by_address_.erase(address_of(found->second.element));
    }
    cartridges_.erase(found);
}

void Inventory::set_write_protected(std::string_view barcode, bool on) {
    const auto found = cartridges_.find(barcode);
    TL_ASSERT(found != cartridges_.end());
    found->second.write_protected = on;
}

void Inventory::add_usage(Element element, std::uint64_t bytes_written, std::uint64_t bytes_read) {
    auto& cartridge = *by_address_.at(address_of(element));
    cartridge.bytes_written += bytes_written;
    cartridge.bytes_read += bytes_read;
}

void Inventory::place(const std::vector<Placement>& placements) {
    std::vector<CartridgeRecord> moved;
    for (const auto& placement : placements) {
        moved.push_back(cartridges_.at(placement.barcode));
        auto& record = moved.back();
        record.element = placement.to;
        record.source = placement.source;
        record.load_count += placement.to.kind == ElementKind::drive ? 1 : 0;
        remove(placement.barcode);
    }
    for (const auto& record : moved) {
        add(record);
    }
}

}  // namespace tapeloft::vtl::library
