#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "vtl/doctor/checks.h"

namespace tapeloft::vtl::doctor {
namespace {

constexpr std::uint64_t kFileBlocks = 1024;  // 256 MiB: several files, as PBS makes of 4 GiB
constexpr std::uint64_t kAppendedBlocks = 3;
constexpr std::uint64_t kCatalogBlocks = 2;
constexpr std::uint64_t kSecondTapeBlocks = 64;  // at least

/// Asks for the activity on a handle of its own, as the web interface does, until it ends: at once,
/// every 5 s, and a last time at the end.
class Poller {
  public:
    explicit Poller(std::unique_ptr<Unit> unit)
        : unit_(std::move(unit)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

    /// Ends the polling. An Error: an answer was missing, late or not to be read.
    Result<void> finish() {
        thread_.request_stop();
        thread_.join();
        poll();
        if (failures_ == 0) {
            return {};
        }
        return wrong("LOG SENSE of page 11h beside the backup: of " + std::to_string(answers_) +
                     " answers " + std::to_string(unread_) + " were missing or wrong, " +
                     std::to_string(failures_ - unread_) + " others late; the longest took " +
                     std::to_string(longest_.count()) + " ms");
    }

  private:
    static constexpr std::chrono::seconds kLimit{1};
    static constexpr std::chrono::seconds kInterval{5};

    void run(const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        do {
            poll();
        } while (!wake.wait_for(lock, stop, kInterval, [&stop] { return stop.stop_requested(); }));
    }
    void poll() {
        const auto start = std::chrono::steady_clock::now();
        const bool told = PbsDrive(*unit_).activity().has_value();
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start);
        longest_ = std::max(longest_, took);
        unread_ += told ? 0 : 1;
        failures_ += told && took <= kLimit ? 0 : 1;
        ++answers_;
    }

    std::unique_ptr<Unit> unit_;
    int failures_ = 0;
    int unread_ = 0;
    int answers_ = 0;
    std::chrono::milliseconds longest_{0};
    std::jthread thread_;
};

}  // namespace

Result<Checks::TapeFile> Checks::write_file(std::uint64_t blocks, Warning warning) {
    auto device = drive();
    const auto before = device.position();
    if (!before) {
        return wrong("READ POSITION has not the form that PBS reads");
    }
    TapeFile file{before->file, 0, next_block_};
    bool ends = false;
    while (file.blocks < blocks && !ends) {
        const auto outcome = device.write(numbered_block(next_block_));
        const bool warned = outcome == kEarlyWarning;
        if (!warned) {
            TL_CHECK(expect(outcome, kGood, "writing a block"));
        }
        early_warning_ = early_warning_ || warned;
        ends = warned && warning == Warning::ends_the_file;
        ++next_block_;
        ++file.blocks;
    }
    if (const auto marked = device.mark(); marked != kEarlyWarning) {
        TL_CHECK(expect(marked, kGood, "the filemark of a file"));
    }
    const auto after = device.position();
    if (!after || after->file != file.number + 1 ||
        after->object != before->object + file.blocks + 1) {
        return wrong("READ POSITION does not count the blocks and the mark that were written");
    }
    files_.push_back(file);
    return file;
}

Result<void> Checks::read_file(const TapeFile& file) {
    auto device = drive();
    TL_TRY(const auto here, file_here());
    if (here != file.number) {
        return wrong("the drive says file " + std::to_string(here) + " instead of " +
                     std::to_string(file.number));
    }
    for (std::uint64_t i = 0; i < file.blocks; ++i) {
        const auto where = "block " + std::to_string(i) + " of file " + std::to_string(file.number);
        TL_CHECK(expect(device.read(), kGood, "reading " + where));
        if (device.last() != numbered_block(file.first_block + i)) {
            return wrong(where + " is not what was written");
        }
    }
    return expect(device.read(512), kFilemark, "the mark behind the last block of a file");
}

/// Files until all of the job or the tape is full, while another handle asks for the activity.
Result<void> Checks::write_job() {
    TL_CHECK(expect(drive().check_end_of_media(), kGood, "going to the end of data"));
    TL_TRY(auto beside, site_.open_drive_beside());
    Poller poller(std::move(beside));
    while (blocks_left_ > 0 && !early_warning_) {
        TL_TRY(const auto file,
               write_file(std::min(blocks_left_, kFileBlocks), Warning::ends_the_file));
        blocks_left_ -= file.blocks;
    }
    if (const auto synced = drive().sync(); synced != kEarlyWarning) {
        TL_CHECK(expect(synced, kGood, "WRITE FILEMARKS(0) at the end of the job"));
    }
    if (!drive().log_page(0x17, 0x2000)) {
        return wrong("LOG SENSE of page 17h has not the form that PBS reads");
    }
    return poller.finish();
}

Result<void> Checks::backup() {
    blocks_left_ = std::max<std::uint64_t>(order_.backup_bytes / PbsDrive::kBlock, 4);
    TL_CHECK(write_job());
    // The catalog of the tape: all of it is written, also behind early warning, and not flushed.
    TL_CHECK(write_file(kCatalogBlocks, Warning::is_passed));
    return {};
}

Result<void> Checks::append() {
    TL_CHECK(reopen());
    TL_CHECK(expect(drive().read_labels(), "used", "reading the labels"));
    TL_CHECK(expect(drive().check_end_of_media(), kGood, "going to the end of data"));
    TL_TRY(const auto file, file_here());
    if (file != files_.back().number + 1) {
        return wrong("at the end of data is file " + std::to_string(file) + " instead of " +
                     std::to_string(files_.back().number + 1));
    }
    const bool full = early_warning_;
    TL_TRY(const auto appended, write_file(full ? 1 : kAppendedBlocks, Warning::ends_the_file));
    if (full && appended.blocks == 1 && !early_warning_) {
        return wrong("an append behind early warning does not warn again");
    }
    return {};
}

Result<void> Checks::catalog() {
    auto device = drive();
    TL_CHECK(expect(device.rewind(), kGood, "REWIND"));
    TL_CHECK(expect(device.read_labels(), "used", "reading the labels"));
    TL_TRY(auto here, file_here());
    if (here != 2) {
        return wrong("behind the labels is not file 2");
    }
    TL_CHECK(expect(device.end_of_data(), kGood, "SPACE to the end of data"));
    TL_TRY(const auto end, file_here());
    TL_CHECK(expect(device.block_back(), kFilemark, "SPACE one block back from the end of data"));
    TL_CHECK(expect(device.marks_forward(), kGood, "SPACE one mark forward"));
    TL_CHECK(expect(device.two_marks_back(), kGood, "SPACE two marks back"));
    TL_CHECK(expect(device.marks_forward(), kGood, "SPACE one mark forward"));
    TL_TRY(here, file_here());
    if (here != end - 1) {
        return wrong("two marks back and one forward from the end is not the last file");
    }
    TL_CHECK(read_file(files_.back()));
    return expect(device.read(), kEndOfData, "reading behind the last file");
}

Result<void> Checks::restore() {
    TL_CHECK(reopen());
    TL_CHECK(expect(drive().read_labels(), "used", "reading the labels"));
    for (const auto& file : files_) {
        TL_CHECK(read_file(file));
    }
    return expect(drive().read(), kEndOfData, "reading behind the last file");
}

Result<void> Checks::single_files() {
    auto device = drive();
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const auto& file = files_[i % 2 == 0 ? i : files_.size() - i];  // to and fro
        TL_CHECK(expect(device.move_to_file(file.number), kGood, "LOCATE by file number"));
        TL_TRY(const auto here, file_here());
        if (here != file.number) {
            return wrong("LOCATE went to file " + std::to_string(here) + " instead of " +
                         std::to_string(file.number));
        }
        TL_CHECK(expect(device.read(), kGood, "reading the first block of a file"));
        TL_TRY(const auto inside, file_here());
        if (device.last() != numbered_block(file.first_block) || inside != file.number) {
            return wrong("a file begins with another block than was written");
        }
    }
    return {};
}

Result<void> Checks::second_tape() {
    if (order_.scratch.size() < 2) {
        return not_done("no second scratch cartridge was named");
    }
    if (!early_warning_) {
        return not_done(
            "the first cartridge had room for all of the backup: name a smaller one, or a "
            "larger backup");
    }
    const auto first = files_;
    blocks_left_ = std::max(blocks_left_, kSecondTapeBlocks);
    TL_CHECK(expect(drive().unload(), kGood, "UNLOAD of a full tape"));
    TL_CHECK(move(drive_element_, homes_[0], "from the drive to its slot"));
    TL_CHECK(load_cartridge(order_.scratch[1]));
    TL_CHECK(write_label());
    TL_CHECK(reopen());
    TL_CHECK(expect(drive().read_labels(), "unused", "reading the labels"));
    TL_CHECK(write_set_label());
    TL_CHECK(write_file(kCatalogBlocks, Warning::is_passed));  // of the first tape
    TL_CHECK(write_job());
    TL_CHECK(restore());
    TL_CHECK(move(drive_element_, homes_[1], "out of the drive without UNLOAD"));
    TL_CHECK(load_cartridge(order_.scratch[0]));
    files_ = first;
    early_warning_ = true;
    return reopen();
}

}  // namespace tapeloft::vtl::doctor
