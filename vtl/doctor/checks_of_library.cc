#include <algorithm>
#include <cctype>

#include "vtl/doctor/checks.h"

namespace tapeloft::vtl::doctor {
namespace {

constexpr std::uint8_t kUnitSerialNumber = 0x80;
constexpr std::uint8_t kDeviceIdentification = 0x83;

Result<Bytes> vital_product_data(Unit& unit, std::uint8_t page) {
    constexpr std::size_t kBuffer = 255;
    const Cdb cdb{0x12, 1, page, 0, kBuffer, 0};
    const auto reply = unit.in(cdb, kBuffer, pbs_timeout(cdb));
    TL_CHECK(expect(pbs_outcome(reply, kBuffer), kGood, "INQUIRY of a VPD page"));
    const auto& data = reply->data;
    if (data.size() < 4 || data[1] != page ||
        load_big_endian<2>(ByteView(data).subspan(2)) + 4 > data.size()) {
        return wrong("a VPD page is shorter than it says");
    }
    return data;
}

/// The serial number that udev makes a name of: ID_SCSI_SERIAL is told only if page 83h is listed.
Result<std::string> serial_of(Unit& unit) {
    TL_TRY(const auto pages, vital_product_data(unit, 0));
    for (const auto page : {kUnitSerialNumber, kDeviceIdentification}) {
        if (std::find(pages.begin() + 4, pages.end(), page) == pages.end()) {
            return wrong("VPD page 00h does not list pages 80h and 83h: udev makes no name");
        }
    }
    TL_TRY(const auto identification, vital_product_data(unit, kDeviceIdentification));
    if (identification.size() < 8 || identification[6] != 0) {
        return wrong("VPD page 83h has no designator that udev reads");
    }
    TL_TRY(const auto page, vital_product_data(unit, kUnitSerialNumber));
    const std::string serial(as_text(ByteView(page).subspan(4)));
    const bool sound =
        !serial.empty() && std::all_of(serial.begin(), serial.end(), [](unsigned char character) {
            return std::isalnum(character) != 0;
        });
    if (!sound) {
        return wrong("the serial number \"" + serial + "\" makes no name: letters and digits do");
    }
    return serial;
}

const PbsElement* empty_one(const std::vector<PbsElement>& elements) {
    const auto found = std::find_if(elements.begin(), elements.end(),
                                    [](const PbsElement& each) { return !each.full; });
    return found == elements.end() ? nullptr : &*found;
}

const PbsElement* at_address(const PbsLibrary& library, std::uint16_t address) {
    for (const auto* const group : {&library.storage, &library.import_export, &library.drives}) {
        for (const auto& element : *group) {
            if (element.address == address) {
                return &element;
            }
        }
    }
    return nullptr;
}

}  // namespace

Error wrong(std::string words) {
    return Error{Errc::io, std::move(words)};
}

Error not_done(std::string words) {
    return Error{Errc::unsupported, std::move(words)};
}

Result<void> expect(const std::string& outcome, const std::string& wanted,
                    const std::string& command) {
    if (outcome == wanted) {
        return {};
    }
    return wrong(command + ": " + outcome + " instead of " + wanted);
}

Result<void> Checks::refresh() {
    std::string why;
    auto library = pbs_changer_status(*changer_, why);
    if (!library) {
        return wrong("status query: " + why);
    }
    library_ = std::move(*library);
    return {};
}

Result<void> Checks::changer_status() {
    TL_TRY(changer_, site_.open_changer());
    TL_CHECK(refresh());
    if (library_.drives.empty() || library_.storage.empty()) {
        return wrong("there is no drive, or no slot");
    }
    return {};
}

Result<void> Checks::names() {
    TL_TRY(drive_, site_.open_drive());
    TL_TRY(serial_, serial_of(*drive_));
    TL_TRY(const auto of_changer, serial_of(*changer_));
    if (serial_ == of_changer) {
        return wrong("the changer and the drive have the serial number " + serial_);
    }
    const auto found =
        std::find_if(library_.drives.begin(), library_.drives.end(),
                     [this](const PbsElement& element) { return element.serial == serial_; });
    if (found == library_.drives.end()) {
        return wrong("the changer knows no drive with the serial number " + serial_ +
                     ": is it a drive of another library?");
    }
    drive_element_ = found->address;
    return {};
}

Result<void> Checks::drive_status() {
    auto device = drive();
    Bytes data;
    TL_CHECK(expect(device.in({0x12, 0, 0, 0, 36, 0}, 36, data), kGood, "INQUIRY"));
    if (data.size() != 36 || data[0] % 0x20 != 1) {
        return wrong("INQUIRY does not tell of a tape drive");
    }
    TL_CHECK(expect(device.in({0x03, 0, 0, 0, 0xFC, 0}, 252, data), kGood, "REQUEST SENSE"));
    if (!device.mode_page(0x0F, 0x0E)) {
        return wrong("MODE SENSE of page 0Fh has not the form that PBS reads");
    }
    if (!device.activity()) {
        return wrong("LOG SENSE of page 11h: no activity within a second");
    }
    if (!device.log_page(0x12, 0x200)) {
        return wrong("LOG SENSE of page 12h has not the form that PBS reads");
    }
    return expect(device.encryption_off(), kGood, "clearing the encryption key");
}

Result<void> Checks::inventory() {
    const Cdb initialize{0x07, 0, 0, 0, 0, 0};
    constexpr std::size_t kBuffer = 64;
    return expect(pbs_outcome(changer_->in(initialize, kBuffer, pbs_timeout(initialize)), kBuffer),
                  kGood, "INITIALIZE ELEMENT STATUS");
}

Result<void> Checks::find_scratch() {
    if (order_.scratch.empty()) {
        return not_done("no scratch cartridge was named, so nothing is moved or written");
    }
    for (const auto& barcode : order_.scratch) {
        const auto* const found = library_.find(barcode);
        if (found == nullptr) {
            return wrong("there is no cartridge " + barcode);
        }
        const auto& slots = library_.storage;
        if (std::none_of(slots.begin(), slots.end(), [found](const PbsElement& slot) {
                return slot.address == found->address;
            })) {
            return wrong("the cartridge " + barcode + " is not in a slot: unload it first");
        }
        homes_.push_back(found->address);
    }
    const auto* const element = at_address(library_, drive_element_);
    if (element->full) {
        return wrong("the cartridge " + element->tag + " is in the drive: unload it first");
    }
    return {};
}

Result<void> Checks::move(std::uint16_t from, std::uint16_t to, const std::string& what) {
    TL_CHECK(refresh());
    TL_CHECK(expect(pbs_move(*changer_, from, to), kGood, "MOVE MEDIUM, " + what));
    const auto tag = at_address(library_, from)->tag;
    TL_CHECK(refresh());
    if (at_address(library_, from)->full || at_address(library_, to)->tag != tag) {
        return wrong("after MOVE MEDIUM, " + what +
                     ", the status query has the cartridge elsewhere");
    }
    return {};
}

Result<void> Checks::transfer() {
    const auto* const free_slot = empty_one(library_.storage);
    if (free_slot == nullptr) {
        return not_done("there is no free slot");
    }
    const auto address = free_slot->address;
    TL_CHECK(move(homes_[0], address, "from a slot to another"));
    return move(address, homes_[0], "back");
}

Result<void> Checks::load_cartridge(const std::string& barcode) {
    TL_CHECK(refresh());
    const auto* const found = library_.find(barcode);
    if (found == nullptr) {
        return wrong("there is no cartridge " + barcode);
    }
    const auto from = found->address;
    TL_CHECK(move(from, drive_element_, "from a slot to the drive"));
    if (at_address(library_, drive_element_)->source != from) {
        return wrong("the drive does not tell from which slot its cartridge came");
    }
    files_.clear();
    return {};
}

Result<void> Checks::load() {
    TL_CHECK(load_cartridge(order_.scratch[0]));
    return expect(drive().test_unit_ready(), kGood, "the first command after a load");
}

Result<void> Checks::eject() {
    TL_CHECK(expect(drive().unload(), kGood, "UNLOAD"));
    TL_CHECK(refresh());
    const auto* const element = at_address(library_, drive_element_);
    if (!element->full || element->tag != order_.scratch[0]) {
        return wrong("a cartridge that was ejected is not in the drive element any more");
    }
    TL_CHECK(expect(drive().encryption_off(), kGood, "clearing the key without a medium"));
    TL_CHECK(expect(drive().open(), kGood, "opening the drive loads the cartridge again"));
    return expect(drive().read_labels(), "used", "reading the labels");
}

Result<void> Checks::first_tape_is_loaded() {
    TL_CHECK(refresh());
    const auto* const element = at_address(library_, drive_element_);
    if (element->full && element->tag == order_.scratch[0]) {
        return {};
    }
    return not_done((element->full ? "the cartridge " + element->tag + " is in the drive"
                                   : std::string("the drive is empty")) +
                    ", where a check before this one ended");
}

Result<void> Checks::export_and_import() {
    TL_CHECK(first_tape_is_loaded());
    const auto* const mail = empty_one(library_.import_export);
    if (mail == nullptr) {
        return not_done("there is no free mail slot");
    }
    const auto address = mail->address;
    TL_CHECK(move(drive_element_, address, "from the drive to a mail slot"));
    return move(address, homes_[0], "from the mail slot back");
}

Result<void> Checks::clean() {
    if (order_.cleaning.empty()) {
        return not_done("no cleaning cartridge was named");
    }
    TL_CHECK(refresh());
    const auto* const found = library_.find(order_.cleaning);
    if (found == nullptr || !order_.cleaning.starts_with("CLN")) {
        return wrong("PBS finds no cleaning cartridge " + order_.cleaning +
                     "; their barcodes begin with CLN");
    }
    if (at_address(library_, drive_element_)->full) {
        return not_done("the drive is not empty");
    }
    const auto slot = found->address;
    TL_CHECK(expect(pbs_move(*changer_, slot, drive_element_), kGood, "MOVE MEDIUM to the drive"));
    TL_CHECK(expect(pbs_move(*changer_, drive_element_, slot), kGood, "MOVE MEDIUM at once back"));
    const auto alerts = drive().log_page(0x12, 0x200);
    const auto flags = alerts && alerts->contains(0) ? alerts->at(0) : Bytes();
    if (flags.size() != 8 || !drive().log_page(0x17, 0x2000)) {
        return wrong("LOG SENSE of page 12h or 17h has not the form that PBS reads");
    }
    return expect(drive().encryption_off(), kGood, "clearing the key");
}

Result<void> Checks::bring_back() {
    TL_CHECK(refresh());
    for (std::size_t i = 0; i < homes_.size(); ++i) {
        const auto* const found = library_.find(order_.scratch[i]);
        if (found == nullptr) {
            return wrong("the cartridge " + order_.scratch[i] + " is not there any more");
        }
        if (const auto from = found->address; from != homes_[i]) {
            TL_CHECK(move(from, homes_[i], "back to its slot"));
        }
    }
    return {};
}

}  // namespace tapeloft::vtl::doctor
