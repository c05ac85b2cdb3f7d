// Medium auxiliary memory (MAM): what is kept with a cartridge, and READ ATTRIBUTE and WRITE
// ATTRIBUTE over it (SPC-5). No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/drive/attribute_table.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::drive {

/// What is kept with one cartridge. Host attributes are kept as they were written; a partition has
/// volume coherency information of its own.
class AuxiliaryMemory {
  public:
    static constexpr std::size_t kDevicesRemembered = 4;
    static constexpr std::size_t kDeviceLength = 40;  ///< vendor (8) and serial number (32)

    /// The state that encode() gave; that of a new cartridge if there is none, or if a newer
    /// program wrote it.
    [[nodiscard]] static AuxiliaryMemory decode(const std::optional<Bytes>& kept);
    [[nodiscard]] Bytes encode() const;

    /// READ ATTRIBUTE (SPC-5).
    [[nodiscard]] scsi::Completion read(const scsi::Task& task, const VolumeFacts& facts) const;
    /// WRITE ATTRIBUTE (SPC-5): the memory as the command leaves it, or why it changes nothing.
    [[nodiscard]] std::variant<AuxiliaryMemory, scsi::Completion> write(
        const scsi::Task& task, std::size_t partition_count) const;

    /// A load: the drive is the last of those that are remembered.
    void note_load(std::string_view vendor, std::string_view serial);
    /// FORMAT MEDIUM: what told of the old content is gone.
    void note_format();
    /// The content is about to change (SSC-5, VOLUME CHANGE REFERENCE); never 0, nor all ones.
    void note_change();
    [[nodiscard]] std::uint32_t volume_change_reference() const noexcept {
        return volume_change_reference_;
    }

  private:
    struct Key {
        std::uint8_t partition = 0;  ///< 0 for attributes of the whole volume
        std::uint16_t id = 0;
        friend auto operator<=>(const Key&, const Key&) = default;
    };

    [[nodiscard]] std::vector<std::uint16_t> existing(std::uint8_t partition,
                                                      const VolumeFacts& facts) const;
    [[nodiscard]] std::optional<Bytes> value_of(std::uint16_t id, std::uint8_t partition,
                                                const VolumeFacts& facts) const;
    [[nodiscard]] Bytes attribute_values(std::uint8_t partition, std::uint16_t first,
                                         const VolumeFacts& facts) const;
    [[nodiscard]] std::optional<scsi::Completion> apply(ByteView list, std::uint8_t partition);
    [[nodiscard]] std::size_t space_remaining(const VolumeFacts& facts) const;

    std::map<Key, Bytes> host_attributes_;
    std::array<std::string, kDevicesRemembered> devices_;  ///< newest first; empty: none
    std::uint32_t volume_change_reference_ = 1;
    std::uint16_t initializations_ = 1;
};

}  // namespace tapeloft::vtl::drive
