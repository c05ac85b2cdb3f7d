#include "tests/host/tape_host.h"

#include <array>

namespace tapeloft::tests {
namespace {

std::array<std::uint8_t, 6> with_length(std::uint8_t opcode, std::uint8_t flags,
                                        std::uint32_t length) {
    std::array<std::uint8_t, 6> cdb{opcode, flags, 0, 0, 0, 0};
    store_big_endian<3>(MutableByteView(cdb).subspan(2), length);
    return cdb;
}

std::string trimmed(ByteView field) {
    std::string text(as_text(field));
    const auto end = text.find_last_not_of(std::string_view(" \0", 2));
    text.resize(end == std::string::npos ? 0 : end + 1);
    return text;
}

void parse_page(ByteView page, std::vector<ElementStatus>& found) {
    const bool has_tag = (page[1] & 0x80U) != 0;
    const auto descriptor_length = load_big_endian<2>(page.subspan(2));
    for (auto rest = page.subspan(8); rest.size() >= descriptor_length && descriptor_length >= 12;
         rest = rest.subspan(descriptor_length)) {
        ElementStatus element;
        element.type = page[0];
        element.address = static_cast<std::uint16_t>(load_big_endian<2>(rest));
        element.full = (rest[2] & 1U) != 0;
        if (has_tag && element.full) {
            element.barcode = trimmed(rest.subspan(12, 32));
        }
        found.push_back(std::move(element));
    }
}

}  // namespace

Result<Reply> TapeHost::command(std::initializer_list<std::uint8_t> cdb,
                                std::size_t data_in_length) {
    return host_->execute(lun_, std::span(cdb.begin(), cdb.size()), data_in_length);
}

Result<Reply> TapeHost::command_out(std::initializer_list<std::uint8_t> cdb, ByteView data) {
    return host_->execute_out(lun_, std::span(cdb.begin(), cdb.size()), data);
}

Result<Reply> TapeHost::read(std::uint32_t length, bool silence_incorrect_length) {
    return host_->execute(lun_, with_length(0x08, silence_incorrect_length ? 2 : 0, length),
                          length);
}

Result<Reply> TapeHost::read_into(MutableByteView record) {
    return host_->execute_into(
        lun_, with_length(0x08, 0, static_cast<std::uint32_t>(record.size())), record);
}

Result<Reply> TapeHost::write(ByteView record) {
    return host_->execute_out(lun_, with_length(0x0A, 0, static_cast<std::uint32_t>(record.size())),
                              record);
}

Result<Reply> TapeHost::write_filemarks(std::uint32_t count, bool immediate) {
    return host_->execute(lun_, with_length(0x10, immediate ? 1 : 0, count));
}

Result<Reply> TapeHost::space(std::uint8_t code, std::int32_t count) {
    return host_->execute(lun_,
                          with_length(0x11, code, static_cast<std::uint32_t>(count) & 0xFFFFFFU));
}

Result<Reply> TapeHost::locate_file(std::uint64_t file) {
    std::array<std::uint8_t, 16> cdb{0x92, 0x08};
    store_big_endian<8>(MutableByteView(cdb).subspan(4), file);
    return host_->execute(lun_, cdb);
}

Result<Reply> TapeHost::locate_object(std::uint64_t object) {
    std::array<std::uint8_t, 16> cdb{0x92, 0x00};
    store_big_endian<8>(MutableByteView(cdb).subspan(4), object);
    return host_->execute(lun_, cdb);
}

Result<TapeHost::Position> TapeHost::position() {
    TL_TRY(const auto reply, command({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}, 32));
    if (!reply.good() || reply.data.size() != 32) {
        return Error{Errc::io, "READ POSITION: " + reply.text()};
    }
    const ByteView data(reply.data);
    return Position{load_big_endian<8>(data.subspan(8)), load_big_endian<8>(data.subspan(16))};
}

Result<std::string> TapeHost::serial() {
    TL_TRY(const auto reply, command({0x12, 1, 0x80, 0, 255, 0}, 255));
    if (!reply.good() || reply.data.size() < 4) {
        return Error{Errc::io, "INQUIRY 80h: " + reply.text()};
    }
    return trimmed(ByteView(reply.data).subspan(4));
}

Result<void> TapeHost::wait_ready(int tries) {
    std::string last;
    for (int i = 0; i < tries; ++i) {
        TL_TRY(const auto reply, test_unit_ready());
        if (reply.good()) {
            return {};
        }
        last = reply.text();
    }
    return Error{Errc::io, "the drive does not become ready: " + last};
}

Result<std::vector<ElementStatus>> ChangerHost::inventory() {
    // With CURDATA, which passes the reservation of another host.
    constexpr std::array<std::uint8_t, 12> kCdb = {0xB8, 0x10, 0, 0, 0xFF, 0xFF,
                                                   2,    0x10, 0, 0, 0,    0};
    TL_TRY(auto reply, host_->execute(0, kCdb, 0x100000));
    if (reply.status == 2 && reply.key == 6) {  // one unit attention may wait
        TL_TRY(reply, host_->execute(0, kCdb, 0x100000));
    }
    if (!reply.good() || reply.data.size() < 8) {
        return Error{Errc::io, "READ ELEMENT STATUS: " + reply.text()};
    }
    std::vector<ElementStatus> found;
    for (auto rest = ByteView(reply.data).subspan(8); rest.size() >= 8;) {
        const auto size = 8 + load_big_endian<3>(rest.subspan(5));
        if (size > rest.size()) {
            return Error{Errc::corrupt, "element status page longer than the reply"};
        }
        parse_page(rest.first(size), found);
        rest = rest.subspan(size);
    }
    return found;
}

Result<Reply> ChangerHost::move(std::uint16_t source, std::uint16_t destination) {
    std::array<std::uint8_t, 12> cdb{0xA5};
    store_big_endian<2>(MutableByteView(cdb).subspan(4), source);
    store_big_endian<2>(MutableByteView(cdb).subspan(6), destination);
    return host_->execute(0, cdb);
}

Result<Reply> ChangerHost::move_to(const std::string& barcode, std::uint8_t type,
                                   std::size_t index) {
    TL_TRY(const auto elements, inventory());
    std::optional<std::uint16_t> source;
    std::optional<std::uint16_t> destination;
    std::size_t of_type = 0;
    for (const auto& element : elements) {
        if (element.full && element.barcode == barcode) {
            source = element.address;
        }
        if (element.type == type && of_type++ == index) {
            destination = element.address;
        }
    }
    if (!source || !destination) {
        return Error{Errc::not_found, "no cartridge " + barcode + ", or no such element"};
    }
    return move(*source, *destination);
}

}  // namespace tapeloft::tests
