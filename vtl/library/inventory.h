// Which cartridge is in which element: the picture in memory of what the catalog says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"

#include "vtl/library/element_address.h"

namespace tapeloft::vtl::library {

/// An element as people call it: "slot 5", "mail slot 1" (both from 1), "drive 0" (from 0).
[[nodiscard]] std::string name_of(media::Element element);

/// Invariants: at most one cartridge an element, and a cartridge in one element only; every
/// record's element is the one it is kept under. It changes only after the catalog has.
class Inventory {
  public:
    Inventory() = default;

    /// Errors: invalid_argument (no slot or no drive at all, or more than there are addresses for),
    /// precondition (a cartridge stands where the library has no element; both are named).
    [[nodiscard]] static Result<Inventory> create(
        const ElementCounts& counts, const std::vector<media::CartridgeRecord>& cartridges);

    [[nodiscard]] const ElementCounts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::uint32_t count(media::ElementKind kind) const noexcept;
    [[nodiscard]] bool has(media::Element element) const noexcept {
        return element.index < count(element.kind);
    }

    /// The cartridge in an element that the library has; null: it is empty.
    [[nodiscard]] const media::CartridgeRecord* at(media::Element element) const noexcept;
    [[nodiscard]] const media::CartridgeRecord* find(std::string_view barcode) const noexcept;

    void add(const media::CartridgeRecord& cartridge);          ///< its element must be empty
    void remove(media::Element element);                        ///< must be full
    void set_write_protected(media::Element element, bool on);  ///< must be full
    /// Adds to what hosts wrote and read; the element must be full.
    void add_usage(media::Element element, std::uint64_t bytes_written, std::uint64_t bytes_read);
    /// from must be full and to empty.
    void move(media::Element from, media::Element to, std::optional<media::Element> source);

  private:
    ElementCounts counts_;
    std::map<ElementAddress, media::CartridgeRecord> cartridges_;
    std::map<std::string, ElementAddress, std::less<>> by_barcode_;
};

/// Errors: invalid_argument, as Inventory::create().
[[nodiscard]] Result<void> check_counts(const ElementCounts& counts);

}  // namespace tapeloft::vtl::library
