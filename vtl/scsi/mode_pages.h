// MODE SENSE and MODE SELECT, 6 and 10, over pages that are rows (SPC-5).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

struct ModePage {
    std::uint8_t page_code = 0;     ///< 01h to 3Eh
    std::uint8_t subpage_code = 0;  ///< not 0: sent in the SPF format
    Bytes defaults;                 ///< the mode parameters, without the page header
    Bytes changeable;               ///< a set bit may be changed by MODE SELECT; empty: none
    bool savable = true;            ///< what may be changed may be saved (SP = 1)
    /// MODE SELECT may send as few bytes of parameters, and what is missing is zero; 0: all of
    /// them.
    std::size_t shortest = 0;
    bool per_nexus = false;  ///< each I_T nexus has parameters of its own; they cannot be saved
    bool momentary = false;  ///< MODE SELECT has something done and changes nothing; not savable
};

struct ModeParameterHeader {
    std::uint8_t medium_type = 0;
    std::uint8_t device_specific_parameter = 0;
};

struct BlockDescriptor {  // general mode parameter block descriptor, 8 bytes
    std::uint8_t density_code = 0;
    std::uint32_t number_of_blocks = 0;  ///< 24 bits
    std::uint32_t block_length = 0;      ///< 24 bits
    friend bool operator==(const BlockDescriptor&, const BlockDescriptor&) = default;
};

/// A page in the parameter list of MODE SELECT.
struct SelectedModePage {
    std::size_t index = 0;  ///< of its row
    std::uint8_t page_code = 0;
    std::uint8_t subpage_code = 0;
    std::uint16_t offset = 0;  ///< of its parameters in the list, for field pointers
    Bytes parameters;
};

/// A decoded and checked parameter list of MODE SELECT, not yet in force.
struct ModeSelection {
    ModeParameterHeader header;
    std::optional<BlockDescriptor> block_descriptor;
    std::vector<SelectedModePage> pages;
    std::uint32_t parameter_list_length = 0;
    bool save = false;                          ///< SP: all savable pages, as they are then
    std::uint16_t block_descriptor_offset = 0;  ///< in the parameter list, for field pointers
    std::uint16_t device_specific_offset = 0;
};

class ModePages {
  public:
    /// pages: ascending by page and subpage code, no two alike.
    explicit ModePages(std::vector<ModePage> pages);

    /// MODE SENSE(6) and (10). block_descriptor: none if the device type has none.
    [[nodiscard]] Completion sense(const Task& task, const ModeParameterHeader& header,
                                   const std::optional<BlockDescriptor>& block_descriptor) const;

    /// MODE SELECT(6) and (10): checks everything and changes nothing. Which values of header and
    /// block descriptor are legal is for the device to check.
    [[nodiscard]] std::variant<ModeSelection, Completion> decode_select(const Task& task) const;
    /// Returns true if a mode parameter that all share has another value now.
    bool apply(const ModeSelection& selection, ItNexusId nexus);

    /// From now on saved values and SP are supported.
    void allow_saving() noexcept { can_save_ = true; }
    /// What must be kept before a selection with SP is applied.
    [[nodiscard]] Bytes encode_saved(const ModeSelection& selection) const;
    /// Takes over what was kept, as far as the pages are still the same: saved and current values.
    void restore_saved(ByteView kept);

    void reset();  ///< all parameters get their saved values, else their defaults
    /// The current parameters of a page, without its header; the page must exist.
    [[nodiscard]] ByteView current(std::uint8_t page_code, std::uint8_t subpage_code = 0) const;
    /// Those of a page that is per nexus.
    [[nodiscard]] ByteView current_of(ItNexusId nexus, std::uint8_t page_code,
                                      std::uint8_t subpage_code) const;
    void forget(ItNexusId nexus);  ///< its parameters go with it
    /// Replaces defaults and current value of a page whose parameters follow the state of the
    /// device.
    void set(std::uint8_t page_code, std::uint8_t subpage_code, Bytes parameters);
    /// The same for one byte of the parameters.
    void set_byte(std::uint8_t page_code, std::uint8_t subpage_code, std::size_t offset,
                  std::uint8_t value);

  private:
    struct Entry {
        ModePage page;
        Bytes current;
        std::map<ItNexusId, Bytes> of_nexus;  ///< instead of `current`, where the page is per nexus
        std::optional<Bytes> saved;           ///< of it only the bits that may be changed count
        [[nodiscard]] bool savable() const noexcept;
        [[nodiscard]] Bytes saved_parameters() const;
        [[nodiscard]] const Bytes& parameters_of(ItNexusId nexus) const;
    };
    [[nodiscard]] const Entry* find(std::uint8_t page_code, std::uint8_t subpage_code) const;
    [[nodiscard]] std::variant<Bytes, Completion> pages_of(const Task& task) const;
    [[nodiscard]] std::optional<Completion> decode_pages(const Task& task, std::size_t offset,
                                                         ModeSelection& selection) const;

    std::vector<Entry> entries_;
    bool can_save_ = false;
};

}  // namespace tapeloft::vtl::scsi
