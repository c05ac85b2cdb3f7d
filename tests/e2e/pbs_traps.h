// The traps that make an emulated library fail Proxmox Backup Server 3.2, found by reading its
// sources: each is a test of its own, named after what must hold, with a number that never changes.
#pragma once

#include <optional>
#include <string>

#include "tests/e2e/library_fixture.h"
#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {

class PbsTraps : public LibraryFixture {
  protected:
    /// Two drives and LTO-9 and LTO-8 cartridges, one of them small.
    void start_library(const std::string& library = "");
    /// The same, a cartridge in drive 0 and the drive opened as PBS opens it.
    void start_with(const std::string& barcode);

    [[nodiscard]] ScsiHost& host() { return *host_; }
    [[nodiscard]] PbsDrive& drive() { return *drive_; }
    /// Another host, whose attentions of the first contact are consumed.
    [[nodiscard]] ScsiHost another_host(const std::string& name = "-other");
    /// A new session in place of host().
    void reconnect();

    /// The seven commands of a status query; a failure of the test if PBS would refuse.
    [[nodiscard]] PbsLibrary changer(ScsiHost& host);
    [[nodiscard]] PbsLibrary changer() { return changer(host()); }
    [[nodiscard]] std::string move(const std::string& barcode, std::uint16_t to);
    [[nodiscard]] std::string load_into(const std::string& barcode, std::size_t drive);

    [[nodiscard]] Bytes vpd(int lun, std::uint8_t page);
    [[nodiscard]] static Bytes block(std::uint64_t seed) { return pattern(PbsDrive::kBlock, seed); }
    /// A label of one block and a mark, as file 0 of a blank tape.
    void write_file(std::uint64_t seed, std::uint64_t blocks);

    std::optional<ScsiHost> host_;
    std::optional<PbsDrive> drive_;
};

}  // namespace tapeloft::tests
