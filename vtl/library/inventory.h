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

/// An element as people call it: "slot 5", "mail slot 1" (both from 1), "drive 0" (from 0), "the
/// outside".
[[nodiscard]] std::string name_of(media::Element element);

/// Invariants: at most one cartridge an element, and a cartridge in one element only, or outside of
/// the library; every record's element is the one it is kept under. It changes only after the
/// catalog has.
class Inventory {
  public:
    /// Where a cartridge goes.
    struct Placement {
        std::string barcode;
        media::Element to;
        std::optional<media::Element> source;
    };
    using Cartridges = std::map<std::string, media::CartridgeRecord, std::less<>>;

    Inventory() = default;
    Inventory(Inventory&&) = default;
    Inventory& operator=(Inventory&&) = default;
    Inventory(const Inventory&) = delete;
    Inventory& operator=(const Inventory&) = delete;
    ~Inventory() = default;

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
    /// Also one that is outside of the library; null: there is none.
    [[nodiscard]] const media::CartridgeRecord* find(std::string_view barcode) const noexcept;
    /// All of them, by barcode; also those outside.
    [[nodiscard]] const Cartridges& cartridges() const noexcept { return cartridges_; }
    /// The first element of a kind without a cartridge; nothing: all are full.
    [[nodiscard]] std::optional<media::Element> first_empty(media::ElementKind kind) const noexcept;

    void add(const media::CartridgeRecord& cartridge);            ///< its element must be empty
    void remove(std::string_view barcode);                        ///< must be there
    void set_write_protected(std::string_view barcode, bool on);  ///< must be there
    /// Adds to what hosts wrote and read; the element must be full.
    void add_usage(media::Element element, std::uint64_t bytes_written, std::uint64_t bytes_read);
    /// All at once: one may go where another one comes from.
    void place(const std::vector<Placement>& placements);

  private:
    ElementCounts counts_;
    Cartridges cartridges_;
    std::map<ElementAddress, media::CartridgeRecord*> by_address_;  ///< of those not outside
};

/// Errors: invalid_argument, as Inventory::create().
[[nodiscard]] Result<void> check_counts(const ElementCounts& counts);

}  // namespace tapeloft::vtl::library
