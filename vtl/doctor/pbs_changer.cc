#include "vtl/doctor/pbs_changer.h"

#include <algorithm>

namespace tapeloft::vtl::doctor {

const PbsElement* PbsLibrary::find(const std::string& tag) const {
    for (const auto* const group : {&storage, &import_export, &drives}) {
        for (const auto& element : *group) {
            if (element.full && element.tag == tag) {
                return &element;
            }
        }
    }
    return nullptr;
}

namespace {

constexpr std::size_t kElementsAtOnce = 1000;
constexpr std::size_t kDescriptorMin = 12;
constexpr std::size_t kVolumeTag = 36;

struct Question {
    std::uint8_t type = 0;
    bool identifiers = false;  ///< DVCID without VOLTAG, else VOLTAG without DVCID
};

/// The identifier of a drive, as PBS takes it: vendor, product and a serial number of 10
/// characters.
std::string serial_of(ByteView identifier) {
    constexpr std::size_t kLength = 34;
    constexpr std::size_t kSerial = 10;
    const bool known = identifier.size() >= 4 + kLength && identifier[0] == 2 &&
                       identifier[1] == 1 && identifier[3] == kLength;
    return known ? pbs_text(identifier.subspan(4 + kLength - kSerial, kSerial)) : "";
}

PbsElement element_of(ByteView descriptor, bool tagged) {
    PbsElement element;
    element.address = static_cast<std::uint16_t>(load_big_endian<2>(descriptor));
    element.full = descriptor[2] % 2 != 0;
    if ((descriptor[9] & 0x80U) != 0) {
        element.source = static_cast<std::uint16_t>(load_big_endian<2>(descriptor.subspan(10)));
    }
    if (tagged && element.full) {
        element.tag = pbs_text(descriptor.subspan(kDescriptorMin, kVolumeTag));
    }
    return element;
}

/// One element status page, and what is behind it; nothing: PBS would refuse it.
std::optional<ByteView> read_page(ByteView rest, const Question& question,
                                  std::vector<PbsElement>& elements) {
    const bool tagged = (rest[1] & 0x80U) != 0;
    const auto length = load_big_endian<2>(rest.subspan(2));
    const auto bytes = std::min<std::size_t>(load_big_endian<3>(rest.subspan(5)), rest.size() - 8);
    if (rest[0] != question.type || tagged == question.identifiers ||
        length < kDescriptorMin + (tagged ? kVolumeTag : 0)) {
        return {};
    }
    for (std::size_t at = 8; at + length <= 8 + bytes; at += length) {
        const auto one = rest.subspan(at, length);
        elements.push_back(element_of(one, tagged));
        if (question.identifiers) {
            elements.back().serial = serial_of(one.subspan(kDescriptorMin));
        }
    }
    return rest.subspan(8 + bytes);
}

/// One READ ELEMENT STATUS, from this address on. false, and why: PBS would refuse it.
bool ask_elements(Unit& changer, const Question& question, std::uint16_t first,
                  std::vector<PbsElement>& elements, std::string& why) {
    constexpr std::size_t kBuffer = 0xFFFF;
    Cdb cdb{0xB8, question.type, 0, 0, 3, 0xE8, 0, 0, 0xFF, 0xFF, 0, 0};
    store_big_endian<2>(MutableByteView(cdb).subspan(2), first);
    if (question.identifiers) {
        cdb[6] = 1;
    } else {
        cdb[1] |= 0x10;
    }
    const auto reply = changer.in(cdb, kBuffer, pbs_timeout(cdb));
    why = pbs_outcome(reply, kBuffer) + " of elements of type " + std::to_string(question.type);
    if (!reply || !reply->good() || reply->data.size() < 8) {
        return false;
    }
    const ByteView data(reply->data);
    if (load_big_endian<2>(data.subspan(2)) == 0) {
        return true;
    }
    if (load_big_endian<3>(data.subspan(5)) > data.size() - 8) {
        why = "more bytes available than sent";
        return false;
    }
    auto rest = data.subspan(8, load_big_endian<3>(data.subspan(5)));
    while (rest.size() >= 8) {
        const auto behind = read_page(rest, question, elements);
        if (!behind) {
            why = "a page that PBS cannot read";
            return false;
        }
        rest = *behind;
    }
    return true;
}

/// All elements of a type: PBS asks again behind the last one while a reply held 1000.
bool read_elements(Unit& changer, const Question& question, std::vector<PbsElement>& elements,
                   std::string& why) {
    std::uint16_t first = 0;
    for (;;) {
        const auto before = elements.size();
        if (!ask_elements(changer, question, first, elements, why)) {
            return false;
        }
        if (elements.size() - before < kElementsAtOnce) {
            return true;
        }
        if (elements.back().address < first || elements.back().address == 0xFFFF) {
            why = "elements that do not ascend";
            return false;
        }
        first = static_cast<std::uint16_t>(elements.back().address + 1);
    }
}

}  // namespace

std::optional<PbsLibrary> pbs_changer_status(Unit& changer, std::string& why) {
    const Cdb inquire{0x12, 0, 0, 0, 36, 0};
    const auto inquiry = changer.in(inquire, 36, pbs_timeout(inquire));
    why = "INQUIRY: " + pbs_outcome(inquiry, 36);
    if (!inquiry || inquiry->data.size() != 36 || inquiry->data[0] % 0x20 != 8) {
        return {};
    }
    const Cdb sense{0x1A, 8, 0x1D, 0, 255, 0};
    const auto mode = changer.in(sense, 255, pbs_timeout(sense));
    why = "MODE SENSE 1Dh: " + pbs_outcome(mode, 255);
    if (!mode || !mode->good() || mode->data.size() != 24 || mode->data[0] != 23) {
        return {};
    }
    PbsLibrary library;
    std::vector<PbsElement> identified;
    if (!read_elements(changer, {2, false}, library.storage, why) ||
        !read_elements(changer, {3, false}, library.import_export, why) ||
        !read_elements(changer, {4, false}, library.drives, why) ||
        !read_elements(changer, {4, true}, identified, why) ||
        !read_elements(changer, {1, false}, library.transports, why)) {
        return {};
    }
    const auto count = [&mode](std::size_t at) {
        return load_big_endian<2>(ByteView(mode->data).subspan(at));
    };
    why = "counts of page 1Dh and of the elements differ";
    if (count(8) != library.transports.size() || count(12) != library.storage.size() ||
        count(16) != library.import_export.size() || count(20) != library.drives.size() ||
        identified.size() != library.drives.size()) {
        return {};
    }
    for (std::size_t i = 0; i < identified.size(); ++i) {
        library.drives[i].serial = identified[i].serial;
    }
    return library;
}

std::string pbs_move(Unit& changer, std::uint16_t from, std::uint16_t to) {
    constexpr std::size_t kBuffer = 64;
    Cdb cdb(12);
    cdb[0] = 0xA5;
    store_big_endian<2>(MutableByteView(cdb).subspan(4), from);
    store_big_endian<2>(MutableByteView(cdb).subspan(6), to);
    return pbs_outcome(changer.in(cdb, kBuffer, pbs_timeout(cdb)), kBuffer);
}

}  // namespace tapeloft::vtl::doctor
