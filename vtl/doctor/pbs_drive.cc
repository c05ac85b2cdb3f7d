#include "vtl/doctor/pbs_drive.h"

#include <algorithm>
#include <array>

namespace tapeloft::vtl::doctor {
namespace {

Cdb with_length(std::uint8_t opcode, std::uint8_t flags, std::uint32_t length) {
    Cdb cdb{opcode, flags, 0, 0, 0, 0};
    store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
    return cdb;
}

}  // namespace

std::string PbsDrive::plain(const Cdb& cdb, std::size_t buffer) {
    const auto reply = unit_->in(cdb, buffer, pbs_timeout(cdb));
    const auto outcome = pbs_outcome(reply, buffer);
    if (outcome == "GOOD" && reply->residual != static_cast<std::int64_t>(buffer)) {
        return "data of a command without data: " + reply->text();
    }
    return outcome;
}

std::string PbsDrive::in(const Cdb& cdb, std::size_t buffer, Bytes& data) {
    auto reply = unit_->in(cdb, buffer, pbs_timeout(cdb));
    const auto outcome = pbs_outcome(reply, buffer);
    data = reply ? std::move(reply->data) : Bytes();
    return outcome;
}

std::string PbsDrive::out(const Cdb& cdb, ByteView data) {
    return pbs_outcome(unit_->out(cdb, data, pbs_timeout(cdb)), data.size());
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

}  // namespace tapeloft::vtl::doctor
