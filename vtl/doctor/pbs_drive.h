// A drive as Proxmox Backup Server 3.2 drives it: its command descriptor blocks, its buffers, its
// time-outs, and the rules by which it takes or refuses an answer.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "vtl/doctor/pbs_rules.h"

namespace tapeloft::vtl::doctor {

class PbsDrive {
  public:
    static constexpr std::uint32_t kBlock = 256 * 1024;
    struct Position {
        std::uint64_t object = 0;
        std::uint64_t file = 0;
    };
    using Parameters = std::map<std::uint16_t, Bytes>;

    /// unit outlives this.
    explicit PbsDrive(Unit& unit) : unit_(&unit) {}

    /// A command without data, which is sent with a buffer for 16 bytes of data-in.
    std::string plain(const Cdb& cdb, std::size_t buffer = 16);
    std::string in(const Cdb& cdb, std::size_t buffer, Bytes& data);
    std::string out(const Cdb& cdb, ByteView data);

    /// INQUIRY, TEST UNIT READY, LOAD if that fails, MODE SENSE and MODE SELECT of page 0Fh.
    std::string open();
    std::string test_unit_ready() { return plain({0x00, 0, 0, 0, 0, 0}); }
    std::string rewind() { return plain({0x01, 0, 0, 0, 0, 0}); }
    std::string load() { return plain({0x1B, 0, 0, 0, 1, 0}); }
    std::string unload() { return plain({0x1B, 0, 0, 0, 0, 0}); }
    std::string mark() { return plain({0x10, 1, 0, 0, 1, 0}); }
    std::string sync() { return plain({0x10, 0, 0, 0, 0, 0}); }
    std::string end_of_data() { return plain({0x11, 3, 0, 0, 0, 0}); }
    std::string marks_forward() { return plain({0x11, 1, 0, 0, 1, 0}); }
    std::string two_marks_back() { return plain({0x11, 1, 0xFF, 0xFF, 0xFE, 0}); }
    std::string block_back() { return plain({0x11, 0, 0xFF, 0xFF, 0xFF, 0}); }
    std::string write(ByteView block);
    /// GOOD with less than was asked for is an error.
    std::string read(std::uint32_t length = kBlock);
    [[nodiscard]] const Bytes& last() const { return last_; }

    std::optional<Position> position();
    /// Mode data of one page, if its header, its block descriptor and its length are as needed.
    std::optional<Bytes> mode_page(std::uint8_t page, std::size_t page_length);
    std::optional<Parameters> log_page(std::uint8_t page, std::uint16_t buffer);
    /// Activity of log page 11h.
    std::optional<std::uint8_t> activity();
    std::string locate_file(std::uint64_t file);
    /// Rewind, or LOCATE(16) to the file before and one filemark forward; without its correction.
    std::string move_to_file(std::uint64_t file);
    std::string check_end_of_media();
    /// What it finds: "blank", "unused" (one label), "used" (two), or what is wrong.
    std::string read_labels();
    /// FORMAT or ERASE as the density calls for.
    std::string format();
    /// What every drop of a handle sends.
    std::string encryption_off() { return encryption({}); }
    /// Sets a key of 32 bytes (mixed mode), or clears it (empty): capabilities, Set Data Encryption
    /// page, status.
    std::string encryption(ByteView key);
    /// READ ATTRIBUTE as for `cartridge-memory`. Nothing: PBS could not read the answer.
    std::optional<Parameters> attributes();
    /// WRITE ATTRIBUTE of one text attribute padded to its length; length 0 deletes it.
    std::string write_attribute(std::uint16_t id, std::uint8_t format, const std::string& text,
                                std::uint16_t length);

  private:
    Unit* unit_;
    Bytes last_;
};

}  // namespace tapeloft::vtl::doctor
