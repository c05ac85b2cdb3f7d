#include <array>

#include "vtl/doctor/checks.h"

namespace tapeloft::vtl::doctor {
namespace {

struct AttributeRow {
    std::uint16_t id;
    std::uint8_t format;  // 1 ASCII, 2 text
    std::uint16_t length;
    const char* text;
};
// As PBS writes them with a label, and deletes them with a format.
constexpr auto kAttributes = std::to_array<AttributeRow>({
    {0x0800, 1, 8, "Proxmox"},
    {0x0801, 1, 32, "Proxmox Backup Server"},
    {0x0802, 1, 8, "3.2.4"},
    {0x0803, 2, 160, "tapeloft doctor"},
    {0x0808, 2, 160, "doctor"},
});
// Flags that end a job (contract of page 12h: flag 1 is the most significant bit).
constexpr auto kCriticalFlags =
    std::to_array<unsigned>({0x04, 0x05, 0x06, 0x09, 0x0E, 0x10, 0x16, 0x17, 0x1E, 0x1F,
                             0x21, 0x26, 0x29, 0x2D, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39});
constexpr auto kDensities =
    std::to_array<std::uint8_t>({0x40, 0x42, 0x44, 0x46, 0x58, 0x5A, 0x5C, 0x5D, 0x5E, 0x60});
constexpr std::uint64_t kLabelBlock = ~0ULL;
constexpr std::uint64_t kSetLabelBlock = ~1ULL;

Result<void> check_alerts(PbsDrive device) {
    const auto page = device.log_page(0x12, 0x200);
    if (!page || !page->contains(0) || page->at(0).size() != 8) {
        return wrong("LOG SENSE of page 12h has not the form that PBS reads");
    }
    for (const auto flag : kCriticalFlags) {
        if ((page->at(0)[(flag - 1) / 8] >> (7 - (flag - 1) % 8)) % 2 != 0) {
            return wrong("TapeAlert flag " + std::to_string(flag) +
                         " is set: PBS would call the tape damaged");
        }
    }
    return {};
}

bool is_date(const Bytes& text) {
    if (text.size() != 8) {
        return false;
    }
    for (const auto digit : text) {
        if (digit < '0' || digit > '9') {
            return false;
        }
    }
    return true;
}

}  // namespace

Bytes numbered_block(std::uint64_t number) {
    Bytes block(PbsDrive::kBlock);
    std::uint64_t state = (number + 1) * 0x9E3779B97F4A7C15ULL | 1U;
    const MutableByteView bytes(block);
    for (std::size_t at = 0; at < block.size(); at += 8) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        store_big_endian<8>(bytes.subspan(at), state);
    }
    return block;
}

Result<void> Checks::open() {
    return expect(drive().open(), kGood, "opening the drive");
}

Result<void> Checks::reopen() {
    TL_CHECK(expect(drive().encryption_off(), kGood, "clearing the key at the close"));
    drive_.reset();
    TL_TRY(drive_, site_.open_drive());
    return open();
}

Result<std::uint64_t> Checks::file_here() {
    const auto position = drive().position();
    if (!position) {
        return wrong("READ POSITION has not the form that PBS reads");
    }
    return position->file;
}

Result<void> Checks::write_label() {
    auto device = drive();
    TL_CHECK(open());
    TL_CHECK(expect(device.rewind(), kGood, "REWIND"));
    TL_CHECK(expect(device.encryption_off(), kGood, "clearing the encryption key"));
    TL_CHECK(expect(device.format(), kGood, "formatting the tape"));
    for (const auto& row : kAttributes) {
        TL_CHECK(expect(device.write_attribute(row.id, row.format, "", 0), kGood,
                        "deleting an attribute"));
    }
    TL_CHECK(expect(device.read(), kEndOfData, "reading a tape that was formatted"));
    TL_CHECK(expect(device.write(numbered_block(kLabelBlock)), kGood, "writing the label"));
    TL_CHECK(expect(device.mark(), kGood, "the filemark behind the label"));
    TL_CHECK(expect(device.sync(), kGood, "WRITE FILEMARKS(0)"));
    TL_CHECK(expect(device.rewind(), kGood, "REWIND"));
    TL_CHECK(expect(device.read_labels(), "unused", "reading the label back"));
    TL_CHECK(expect(device.rewind(), kGood, "REWIND"));
    for (const auto& row : kAttributes) {
        TL_CHECK(expect(device.write_attribute(row.id, row.format, row.text, row.length), kGood,
                        "writing an attribute"));
    }
    const auto kept = device.attributes();
    if (!kept) {
        return wrong("READ ATTRIBUTE has not the form that PBS reads");
    }
    for (const auto& row : kAttributes) {
        const auto found = kept->find(row.id);
        if (found == kept->end() || found->second.size() != row.length ||
            pbs_text(found->second) != row.text) {
            return wrong("an attribute that was written is another one when it is read");
        }
    }
    return {};
}

Result<void> Checks::write_set_label() {
    auto device = drive();
    TL_TRY(auto file, file_here());
    if (file != 1) {
        TL_CHECK(expect(device.rewind(), kGood, "REWIND"));
        TL_CHECK(expect(device.marks_forward(), kGood, "SPACE to file 1"));
        TL_TRY(file, file_here());
    }
    if (file != 1) {
        return wrong("the drive does not say that it is in file 1");
    }
    TL_CHECK(expect(device.encryption_off(), kGood, "clearing the encryption key"));
    TL_CHECK(expect(device.write(numbered_block(kSetLabelBlock)), kGood, "writing the label"));
    TL_CHECK(expect(device.mark(), kGood, "the filemark behind the label"));
    TL_CHECK(expect(device.sync(), kGood, "WRITE FILEMARKS(0)"));
    files_.clear();
    early_warning_ = false;
    return {};
}

Result<void> Checks::label() {
    return write_label();
}

Result<void> Checks::media_set_label() {
    TL_CHECK(reopen());
    TL_CHECK(expect(drive().read_labels(), "unused", "reading the labels"));
    TL_CHECK(write_set_label());
    return expect(drive().read_labels(), "used", "reading the labels");
}

Result<void> Checks::status_of_loaded() {
    TL_CHECK(drive_status());
    auto device = drive();
    const auto page = device.mode_page(0x0F, 0x0E);
    const auto density = page ? (*page)[8] : std::uint8_t{0};
    bool known = false;
    for (const auto each : kDensities) {
        known = known || each == density;
    }
    if (!known) {
        return wrong("PBS does not know the density code " + std::to_string(density));
    }
    TL_CHECK(check_alerts(device));
    TL_CHECK(file_here());
    const auto memory = device.attributes();
    if (!memory || !memory->contains(0x0406) || !is_date(memory->at(0x0406)) ||
        !memory->contains(0x0220) || !memory->contains(0x0221)) {
        return wrong("the memory of the cartridge has no date of manufacture, or no totals");
    }
    const auto volume = device.log_page(0x17, 0x2000);
    if (!volume || !volume->contains(0) || volume->at(0) != Bytes{1}) {
        return wrong("LOG SENSE of page 17h has not the form that PBS reads");
    }
    return {};
}

Result<void> Checks::encryption() {
    auto device = drive();
    const Bytes key(32, 0x42);
    const Bytes other(32, 0x43);
    TL_CHECK(expect(device.check_end_of_media(), kGood, "going to the end of data"));
    TL_TRY(const auto file, file_here());
    TL_CHECK(expect(device.encryption(key), kGood, "setting a key"));
    const auto written = device.write(numbered_block(next_block_));
    if (written == kEarlyWarning) {
        early_warning_ = true;
    } else {
        TL_CHECK(expect(written, kGood, "writing an encrypted block"));
    }
    TL_CHECK(expect(device.mark(), early_warning_ ? kEarlyWarning : kGood, "its filemark"));
    TL_CHECK(expect(device.read_labels(), "used", "reading labels in clear with a key set"));
    for (const auto& without : {Bytes(), other}) {
        TL_CHECK(expect(device.encryption(without), kGood, "setting no key, or another one"));
        TL_CHECK(expect(device.move_to_file(file), kGood, "going to the encrypted file"));
        if (device.read() == kGood) {
            return wrong("an encrypted block is read without its key");
        }
    }
    TL_CHECK(expect(device.encryption(key), kGood, "setting the key again"));
    TL_CHECK(expect(device.move_to_file(file), kGood, "going to the encrypted file"));
    TL_CHECK(expect(device.read(), kGood, "reading the encrypted block"));
    if (device.last() != numbered_block(next_block_++)) {
        return wrong("an encrypted block is another one when it is read");
    }
    return expect(device.encryption_off(), kGood, "clearing the key");
}

Result<void> Checks::reuse() {
    TL_CHECK(first_tape_is_loaded());
    TL_CHECK(expect(drive().read_labels(), "used", "reading the labels"));
    TL_CHECK(write_set_label());
    TL_CHECK(expect(drive().read(), kEndOfData, "reading behind the new label"));
    TL_TRY(const auto file, file_here());
    return file == 2 ? Result<void>() : wrong("behind the new label is not file 2");
}

}  // namespace tapeloft::vtl::doctor
