// SSC and SMC commands by name, on top of ScsiHost.
#pragma once

#include <string>
#include <vector>

#include "tests/host/scsi_host.h"

namespace tapeloft::tests {

/// One drive, at a LUN.
class TapeHost {
  public:
    TapeHost(ScsiHost& host, int lun) : host_(&host), lun_(lun) {}

    Result<Reply> command(std::initializer_list<std::uint8_t> cdb, std::size_t data_in_length = 0);
    Result<Reply> command_out(std::initializer_list<std::uint8_t> cdb, ByteView data);

    Result<Reply> test_unit_ready() { return command({0x00, 0, 0, 0, 0, 0}); }
    Result<Reply> rewind() { return command({0x01, 0, 0, 0, 0, 0}); }
    Result<Reply> load() { return command({0x1B, 0, 0, 0, 1, 0}); }
    Result<Reply> unload() { return command({0x1B, 0, 0, 0, 0, 0}); }
    Result<Reply> read(std::uint32_t length, bool silence_incorrect_length = true);
    Result<Reply> read_into(MutableByteView record);
    Result<Reply> write(ByteView record);
    Result<Reply> write_filemarks(std::uint32_t count, bool immediate = false);
    Result<Reply> space(std::uint8_t code, std::int32_t count);
    Result<Reply> locate_file(std::uint64_t file);
    Result<Reply> locate_object(std::uint64_t object);

    struct Position {
        std::uint64_t object = 0;
        std::uint64_t file = 0;
        friend bool operator==(const Position&, const Position&) = default;
    };
    /// READ POSITION, long form.
    Result<Position> position();
    /// VPD page 80h.
    Result<std::string> serial();

    /// TEST UNIT READY until it is GOOD, at most `tries` times (unit attentions are consumed).
    Result<void> wait_ready(int tries = 5);

  private:
    ScsiHost* host_;
    int lun_;
};

struct ElementStatus {
    std::uint8_t type = 0;  ///< 1 transport, 2 storage, 3 import/export, 4 drive
    std::uint16_t address = 0;
    bool full = false;
    std::string barcode;
};

/// The changer, at LUN 0.
class ChangerHost {
  public:
    explicit ChangerHost(ScsiHost& host) : host_(&host) {}

    /// READ ELEMENT STATUS of every type with volume tags.
    Result<std::vector<ElementStatus>> inventory();
    Result<Reply> move(std::uint16_t source, std::uint16_t destination);
    /// Moves a cartridge by its barcode to the n-th element of a type; both by inventory().
    Result<Reply> move_to(const std::string& barcode, std::uint8_t type, std::size_t index);

  private:
    ScsiHost* host_;
};

}  // namespace tapeloft::tests
