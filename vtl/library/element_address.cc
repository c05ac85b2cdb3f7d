#include "vtl/library/element_address.h"

#include <array>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::library {
namespace {

using media::ElementKind;

struct Range {
    ElementKind kind;
    ElementType type;
    ElementAddress first;
    std::uint32_t ElementCounts::*count;
};

constexpr auto kRanges = std::to_array<Range>({
    {ElementKind::storage, ElementType::storage, kStorageAddressFirst, &ElementCounts::storage},
    {ElementKind::import_export, ElementType::import_export, kImportExportAddressFirst,
     &ElementCounts::import_export},
    {ElementKind::drive, ElementType::data_transfer, kDriveAddressFirst, &ElementCounts::drives},
});

}  // namespace

ElementAddress address_of(media::Element element) noexcept {
    for (const auto& range : kRanges) {
        if (range.kind == element.kind) {
            return static_cast<ElementAddress>(range.first + element.index);
        }
    }
    TL_ASSERT(false);
    return 0;
}

ElementType type_of(ElementKind kind) noexcept {
    for (const auto& range : kRanges) {
        if (range.kind == kind) {
            return range.type;
        }
    }
    TL_ASSERT(false);
    return ElementType::all;
}

std::optional<media::Element> element_at(ElementAddress address,
                                         const ElementCounts& counts) noexcept {
    for (const auto& range : kRanges) {
        if (address < range.first) {
            continue;
        }
        const auto index = std::uint32_t{address} - range.first;
        if (index < counts.*range.count) {
            return media::Element{range.kind, index};
        }
    }
    return std::nullopt;
}

}  // namespace tapeloft::vtl::library
