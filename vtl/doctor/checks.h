// The checks of an examination, and what one leaves for the next. Internal.
#pragma once

#include "vtl/doctor/examination.h"

namespace tapeloft::vtl::doctor {

class Checks {
  public:
    /// Both outlive this.
    Checks(Site& site, const Order& order) : site_(site), order_(order) {}

    // Nothing is moved or written (checks_of_library.cc).
    Result<void> changer_status();
    Result<void> names();
    Result<void> drive_status();
    Result<void> inventory();
    // The scratch cartridge is moved (checks_of_library.cc).
    Result<void> find_scratch();
    Result<void> transfer();
    Result<void> load();
    Result<void> eject();
    Result<void> export_and_import();
    Result<void> clean();
    Result<void> bring_back();
    // It is written (checks_of_tape.cc).
    Result<void> open();
    Result<void> label();
    Result<void> status_of_loaded();
    Result<void> media_set_label();
    Result<void> encryption();
    Result<void> reuse();
    // A backup (checks_of_backup.cc).
    Result<void> backup();
    Result<void> append();
    Result<void> second_tape();
    Result<void> catalog();
    Result<void> restore();
    Result<void> single_files();

  private:
    struct TapeFile {
        std::uint64_t number = 0;
        std::uint64_t blocks = 0;
        std::uint64_t first_block = 0;  ///< its content: blocks of a job are numbered
    };

    [[nodiscard]] PbsDrive drive() { return PbsDrive(*drive_); }
    Result<void> refresh();
    Result<void> move(std::uint16_t from, std::uint16_t to, const std::string& what);
    Result<void> load_cartridge(const std::string& barcode);
    /// not_done: a check that had another cartridge in the drive ended there.
    Result<void> first_tape_is_loaded();
    Result<void> write_label();
    Result<void> write_set_label();
    /// What early warning means for a file: of a job, or of a catalog.
    enum class Warning : std::uint8_t { ends_the_file, is_passed };
    /// `blocks`, or fewer if early warning ends the file; then a filemark.
    Result<TapeFile> write_file(std::uint64_t blocks, Warning warning);
    Result<void> write_job();
    Result<void> read_file(const TapeFile& file);
    Result<std::uint64_t> file_here();
    Result<void> reopen();

    Site& site_;
    const Order& order_;
    std::unique_ptr<Unit> changer_;
    std::unique_ptr<Unit> drive_;
    PbsLibrary library_;
    std::string serial_;                ///< of the drive
    std::uint16_t drive_element_ = 0;   ///< that the drive is in
    std::vector<std::uint16_t> homes_;  ///< of the scratch cartridges, as order_.scratch
    std::vector<TapeFile> files_;       ///< of the tape in the drive, from file 2
    std::uint64_t next_block_ = 0;
    std::uint64_t blocks_left_ = 0;  ///< of the backup
    bool early_warning_ = false;
};

/// A block that its number tells, and that no store makes smaller.
[[nodiscard]] Bytes numbered_block(std::uint64_t number);

/// An Error that names the command, what came and what should have come, unless they are equal.
[[nodiscard]] Result<void> expect(const std::string& outcome, const std::string& wanted,
                                  const std::string& command);
[[nodiscard]] Error wrong(std::string words);
/// A check that does not apply here, and why.
[[nodiscard]] Error not_done(std::string words);

inline constexpr const char* kGood = "GOOD";
inline constexpr const char* kFilemark = "00/00/01";
inline constexpr const char* kEarlyWarning = "00/00/02";
inline constexpr const char* kEndOfData = "08/00/05";

}  // namespace tapeloft::vtl::doctor
