#include "tests/e2e/pbs_host.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tapeloft::tests {
namespace {

Cdb with_length(std::uint8_t opcode, std::uint8_t flags, std::uint32_t length) {
    Cdb cdb{opcode, flags, 0, 0, 0, 0};
    store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
    return cdb;
}

std::string trimmed(ByteView bytes) {
    std::string text(as_text(bytes));
    for (const char blank : {'\0', ' '}) {
        text.erase(text.find_last_not_of(blank) + 1);
    }
    return text;
}

}  // namespace

std::string pbs_outcome(const Result<Reply>& reply, std::size_t buffer) {
    if (!reply) {
        return reply.error().message;
    }
    if (reply->residual < 0 || reply->residual > static_cast<std::int64_t>(buffer)) {
        return "residual beyond the buffer: " + reply->text();
    }
    if (reply->good()) {
        return "GOOD";
    }
    if (reply->status != 2) {
        return reply->text();
    }
    const Bytes& sense = reply->sense;
    if (sense.size() < 18 || sense[0] % 0x80 != 0x70 || sense[7] < 0x0A) {
        return "sense data that PBS cannot read";
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%02X/%02X/%02X", sense[2] & 0x0FU, sense[12],
                  sense[13]);
    return text.data();
}

std::string PbsDrive::plain(const Cdb& cdb, std::size_t buffer) {
    const auto reply = host_->execute(lun_, cdb, buffer);
    const auto outcome = pbs_outcome(reply, buffer);
    if (outcome == "GOOD" && reply->residual != static_cast<std::int64_t>(buffer)) {
        return "data of a command without data: " + reply->text();
    }
    return outcome;
}

std::string PbsDrive::in(const Cdb& cdb, std::size_t buffer, Bytes& data) {
    auto reply = host_->execute(lun_, cdb, buffer);
    const auto outcome = pbs_outcome(reply, buffer);
    data = reply ? std::move(reply->data) : Bytes();
    return outcome;
}

std::string PbsDrive::out(const Cdb& cdb, ByteView data) {
    return pbs_outcome(host_->execute_out(lun_, cdb, data), data.size());
}

std::string PbsDrive::open() {
    Bytes inquiry;
    const auto identified = in({0x12, 0, 0, 0, 36, 0}, 36, inquiry);
    if (identified != "GOOD" || inquiry.size() != 36 || inquiry[0] % 0x20 != 1) {
        return "INQUIRY: " + identified;
    }
    if (test_unit_ready() != "GOOD") {
        load();
        if (const auto ready = test_unit_ready(); ready != "GOOD") {
            return "TEST UNIT READY: " + ready;
        }
    }
    auto page = mode_page(0x0F, 0x0E);
    if (!page) {
        return "MODE SENSE 0Fh";
    }
    auto& list = *page;
    list[0] = list[1] = 0;
    list[3] = static_cast<std::uint8_t>((list[3] & 0x8FU) | 0x10U);
    list[13] = list[14] = list[15] = 0;
    list[18] = static_cast<std::uint8_t>(list[18] | 0x80U);
    return out({0x55, 0x10, 0, 0, 0, 0, 0, 0, 32, 0}, list);
}

std::string PbsDrive::write(ByteView block) {
    return out(with_length(0x0A, 0, static_cast<std::uint32_t>(block.size())), block);
}

std::string PbsDrive::read(std::uint32_t length) {
    const auto outcome = in(with_length(0x08, 0x02, length), length, last_);
    return outcome == "GOOD" && last_.size() != length ? "short block" : outcome;
}

std::optional<PbsDrive::Position> PbsDrive::position() {
    Bytes data;
    const auto outcome = in({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}, 32, data);
    if (outcome != "GOOD" || data.size() != 32 ||
        load_big_endian<4>(ByteView(data).subspan(4)) != 0) {
        return {};
    }
    return Position{load_big_endian<8>(ByteView(data).subspan(8)),
                    load_big_endian<8>(ByteView(data).subspan(16))};
}

std::optional<Bytes> PbsDrive::mode_page(std::uint8_t page, std::size_t page_length) {
    Bytes data;
    const auto outcome = in({0x5A, 0, page, 0, 0, 0, 0, 0x10, 0, 0}, 4096, data);
    if (outcome != "GOOD" || data.size() != 8 + 8 + 2 + page_length ||
        load_big_endian<2>(data) + 2 != data.size() ||
        load_big_endian<2>(ByteView(data).subspan(6)) != 8 || data[16] % 0x40 != page ||
        data[17] != page_length) {
        return {};
    }
    return data;
}

std::optional<PbsDrive::Parameters> PbsDrive::log_page(std::uint8_t page, std::uint16_t buffer) {
    Cdb cdb{0x4D, 0, static_cast<std::uint8_t>(0x40U | page), 0, 0, 0, 0, 0, 0, 0};
    store_big_endian<2>(MutableByteView(cdb).subspan(7), buffer);
    Bytes data;
    if (in(cdb, buffer, data) != "GOOD" || data.size() < 4 || data[0] % 0x80 != page ||
        data[1] != 0) {
        return {};
    }
    const auto end = load_big_endian<2>(ByteView(data).subspan(2)) + 4;
    if (end > data.size() || end == 4) {
        return {};
    }
    Parameters parameters;
    for (std::size_t at = 4; at < end;) {
        if (end - at < 4 || end - at - 4 < data[at + 3]) {
            return {};
        }
        const auto value = ByteView(data).subspan(at + 4, data[at + 3]);
        parameters[static_cast<std::uint16_t>(load_big_endian<2>(ByteView(data).subspan(at)))] =
            Bytes(value.begin(), value.end());
        at += 4 + value.size();
    }
    return parameters;
}

std::optional<std::uint8_t> PbsDrive::activity() {
    const auto page = log_page(0x11, 0x2000);
    if (!page || !page->contains(0) || page->at(0).size() != 4 || page->at(0)[0] % 2 == 0 ||
        page->at(0)[2] > 0x0F) {
        return {};
    }
    return page->at(0)[2];
}

std::string PbsDrive::locate_file(std::uint64_t file) {
    Cdb cdb(16);
    cdb[0] = 0x92;
    cdb[1] = 0x08;
    store_big_endian<8>(MutableByteView(cdb).subspan(4), file);
    return plain(cdb);
}

std::string PbsDrive::move_to_file(std::uint64_t file) {
    const auto moved = file < 2 ? rewind() : locate_file(file - 1);
    return moved != "GOOD" || file == 0 ? moved : marks_forward();
}

std::string PbsDrive::check_end_of_media() {
    if (const auto moved = end_of_data(); moved != "GOOD") {
        return moved;
    }
    const auto now = position();
    if (!now) {
        return "READ POSITION";
    }
    if (now->object == 0) {
        return "GOOD";
    }
    const auto back = block_back();
    if (back == "00/00/01") {
        return marks_forward();
    }
    if (back != "GOOD") {
        return back;
    }
    const auto forward = plain({0x11, 0, 0, 0, 1, 0});
    return forward == "GOOD" ? plain({0x10, 0, 0, 0, 1, 0}) : forward;
}

std::string PbsDrive::read_labels() {
    constexpr std::array<const char*, 3> kFound = {"blank", "unused", "used"};
    if (const auto moved = rewind(); moved != "GOOD") {
        return moved;
    }
    for (std::size_t labels = 0; labels < 2; ++labels) {
        const auto label = read();
        if (label == "08/00/05") {
            return kFound[labels];
        }
        if (label != "GOOD") {
            return "label " + std::to_string(labels) + ": " + label;
        }
        if (const auto mark = read(512); mark != "00/00/01") {
            return "behind label " + std::to_string(labels) + ": " + mark;
        }
    }
    return kFound[2];
}

std::string PbsDrive::format() {
    constexpr std::uint8_t kLto9 = 0x60;
    const auto page = mode_page(0x1D, 0x1E);
    if (!page || (*page)[18] % 2 != 0) {
        return "MODE SENSE 1Dh";
    }
    if (const auto moved = rewind(); moved != "GOOD") {
        return moved;
    }
    const bool erase = (*page)[8] == kLto9;
    return erase ? plain({0x19, 0, 0, 0, 0, 0}) : plain({0x04, 0, 0, 0, 0, 0});
}

namespace {

/// Index of the descriptor of AES-256-GCM in hardware, as PBS looks for it; nothing: none, or a
/// page that it refuses.
std::optional<std::uint8_t> find_algorithm(ByteView capabilities) {
    constexpr std::size_t kHeader = 20;
    constexpr std::size_t kDescriptor = 24;
    constexpr std::uint32_t kAes256Gcm = 0x00010014;
    for (std::size_t at = kHeader; at + kDescriptor <= capabilities.size(); at += kDescriptor) {
        const auto one = capabilities.subspan(at, kDescriptor);
        if (load_big_endian<2>(one.subspan(2)) != kDescriptor - 4) {
            return {};
        }
        const bool in_hardware = (one[4] & 0x0FU) == 0x0A;
        if (in_hardware && load_big_endian<2>(one.subspan(10)) == 32 &&
            load_big_endian<4>(one.subspan(20)) == kAes256Gcm) {
            return one[0];
        }
    }
    return {};
}

}  // namespace

std::string PbsDrive::encryption(ByteView key) {
    const auto page_of = [](std::uint8_t page) {
        return Cdb{0xA2, 0x20, 0, page, 0, 0, 0, 0, 0x20, 4, 0, 0};
    };
    Bytes data;
    if (const auto outcome = in(page_of(0x10), 8196, data); outcome != "GOOD") {
        return "capabilities: " + outcome;
    }
    const auto index = find_algorithm(data);
    if (!index) {
        return "no AES-256-GCM in the capabilities";
    }
    const bool on = !key.empty();
    Bytes list(20);
    list[1] = 0x10;
    list[3] = on ? 0x30 : 0x10;
    list[4] = 0x40;
    list[6] = on ? 2 : 0;
    list[7] = on ? 3 : 0;
    list[8] = *index;
    list[19] = static_cast<std::uint8_t>(key.size());
    list.insert(list.end(), key.begin(), key.end());
    Cdb set{0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(list.size()), 0, 0};
    if (const auto outcome = out(set, list); outcome != "GOOD") {
        return "SECURITY PROTOCOL OUT: " + outcome;
    }
    if (const auto outcome = in(page_of(0x20), 8196, data); outcome != "GOOD") {
        return "status: " + outcome;
    }
    const bool as_asked = data.size() >= 24 && load_big_endian<2>(data) == 0x20 &&
                          data[5] == list[6] && data[6] == list[7];
    return as_asked ? "GOOD" : "another status than was set";
}

std::optional<PbsDrive::Parameters> PbsDrive::attributes() {
    constexpr std::size_t kBuffer = 0x8000;
    Bytes data;
    const auto outcome = in({0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, kBuffer, data);
    if (outcome != "GOOD" || data.size() < 4 || load_big_endian<4>(data) + 4 > data.size()) {
        return {};
    }
    Parameters found;
    auto rest = ByteView(data).subspan(4, load_big_endian<4>(data));
    while (!rest.empty()) {
        const auto length = rest.size() < 5 ? rest.size() : load_big_endian<2>(rest.subspan(3));
        if (rest.size() < 5 + length) {
            return {};
        }
        const auto value = rest.subspan(5, length);
        found[static_cast<std::uint16_t>(load_big_endian<2>(rest))] =
            Bytes(value.begin(), value.end());
        rest = rest.subspan(5 + length);
    }
    return found;
}

std::string PbsDrive::write_attribute(std::uint16_t id, std::uint8_t format,
                                      const std::string& text, std::uint16_t length) {
    Bytes list(9U + length);
    const MutableByteView bytes(list);
    store_big_endian<4>(bytes, list.size() - 4);
    store_big_endian<2>(bytes.subspan(4), id);
    list[6] = format;
    store_big_endian<2>(bytes.subspan(7), length);
    std::copy_n(text.begin(), std::min<std::size_t>(text.size(), length), list.begin() + 9);
    Cdb cdb(16);
    cdb[0] = 0x8D;
    cdb[1] = 1;
    store_big_endian<4>(MutableByteView(cdb).subspan(10), list.size());
    return out(cdb, list);
}

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

/// One READ ELEMENT STATUS. false, and why: PBS would refuse it.
bool read_elements(ScsiHost& host, std::uint8_t type, bool identifiers,
                   std::vector<PbsElement>& elements, std::string& why) {
    constexpr std::size_t kBuffer = 0xFFFF;
    const auto flags = static_cast<std::uint8_t>(identifiers ? type : 0x10U | type);
    const Cdb cdb{0xB8, flags, 0,    0, 3, 0xE8, identifiers ? std::uint8_t{1} : std::uint8_t{0},
                  0,    0xFF,  0xFF, 0, 0};
    const auto reply = host.execute(0, cdb, kBuffer);
    why = pbs_outcome(reply, kBuffer) + " of elements of type " + std::to_string(type);
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
        const bool tagged = (rest[1] & 0x80U) != 0;
        const auto length = load_big_endian<2>(rest.subspan(2));
        const auto bytes =
            std::min<std::size_t>(load_big_endian<3>(rest.subspan(5)), rest.size() - 8);
        why = "a page that PBS cannot read";
        if (rest[0] != type || length < 12 || tagged == identifiers) {
            return false;
        }
        for (std::size_t at = 8; at + length <= 8 + bytes; at += length) {
            const auto one = rest.subspan(at, length);
            PbsElement element;
            element.address = static_cast<std::uint16_t>(load_big_endian<2>(one));
            element.full = one[2] % 2 != 0;
            if ((one[9] & 0x80U) != 0) {
                element.source = static_cast<std::uint16_t>(load_big_endian<2>(one.subspan(10)));
            }
            if (tagged && element.full) {
                element.tag = trimmed(one.subspan(12, 36));
            }
            const auto identifier = one.subspan(tagged ? 48 : 12);
            if (identifiers && identifier[0] == 2 && identifier[1] == 1 && identifier[3] == 34) {
                element.serial = trimmed(identifier.subspan(4 + 8 + 16, 10));
            }
            elements.push_back(std::move(element));
        }
        rest = rest.subspan(8 + bytes);
    }
    return true;
}

}  // namespace

std::optional<PbsLibrary> pbs_changer_status(ScsiHost& host, std::string& why) {
    const Cdb inquire{0x12, 0, 0, 0, 36, 0};
    const auto inquiry = host.execute(0, inquire, 36);
    why = "INQUIRY: " + pbs_outcome(inquiry, 36);
    if (!inquiry || inquiry->data.size() != 36 || inquiry->data[0] % 0x20 != 8) {
        return {};
    }
    const Cdb sense{0x1A, 8, 0x1D, 0, 255, 0};
    const auto mode = host.execute(0, sense, 255);
    why = "MODE SENSE 1Dh: " + pbs_outcome(mode, 255);
    if (!mode || !mode->good() || mode->data.size() != 24 || mode->data[0] != 23) {
        return {};
    }
    PbsLibrary library;
    std::vector<PbsElement> identified;
    if (!read_elements(host, 2, false, library.storage, why) ||
        !read_elements(host, 3, false, library.import_export, why) ||
        !read_elements(host, 4, false, library.drives, why) ||
        !read_elements(host, 4, true, identified, why) ||
        !read_elements(host, 1, false, library.transports, why)) {
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

std::string pbs_move(ScsiHost& host, std::uint16_t from, std::uint16_t to) {
    constexpr std::size_t kBuffer = 64;
    Cdb cdb(12);
    cdb[0] = 0xA5;
    store_big_endian<2>(MutableByteView(cdb).subspan(4), from);
    store_big_endian<2>(MutableByteView(cdb).subspan(6), to);
    return pbs_outcome(host.execute(0, cdb, kBuffer), kBuffer);
}

}  // namespace tapeloft::tests
