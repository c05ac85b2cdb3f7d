// Proxmox Backup Server as a client of a changer: the seven commands of a status query and its
// rules for the replies, as strict as it is (and where it is lax, as strict as SMC-3).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::tests {

struct PbsElement {
    std::uint16_t address = 0;
    bool full = false;
    std::optional<std::string> volume_tag;  ///< of a full element
    std::optional<std::uint16_t> source;    ///< SVALID
    std::string vendor, product, serial;    ///< DVCID (2,1)
};

struct PbsStatus {
    std::vector<PbsElement> transports, slots, mail_slots, drives;
};

/// The reply to one READ ELEMENT STATUS; throws what PBS would print. (Tests may throw.)
inline std::vector<PbsElement> parse_element_status(ByteView reply, std::uint8_t type,
                                                    std::uint16_t start) {
    const auto need = [](bool condition, const char* rule) {
        if (!condition) {
            throw std::string(rule);
        }
    };
    need(reply.size() >= 8, "header of 8 bytes");
    const auto number = load_big_endian<2>(reply.subspan(2));
    const auto byte_count = load_big_endian<3>(reply.subspan(5));
    std::vector<PbsElement> elements;
    if (number == 0) {
        need(reply.size() == 8 && byte_count == 0, "an empty report is 8 bytes");
        return elements;
    }
    need(load_big_endian<2>(reply) >= start, "first address is not before the start");
    need(byte_count == reply.size() - 8, "byte count is what was sent");
    auto rest = reply.subspan(8);
    while (!rest.empty()) {
        need(rest.size() >= 8, "page header of 8 bytes");
        need(rest[0] == type, "only elements of the type that was asked for");
        const bool tagged = (rest[1] & 0x80U) != 0;
        need((rest[1] & 0x7FU) == 0, "no alternate volume tag");
        const auto length = load_big_endian<2>(rest.subspan(2));
        const auto page_bytes = load_big_endian<3>(rest.subspan(5));
        need(length != 0 && length <= 65, "1000 descriptors fit into 65535 bytes");
        need(page_bytes != 0, "no page without descriptors");
        need(page_bytes % length == 0 && page_bytes <= rest.size() - 8, "whole descriptors");
        for (std::size_t at = 8; at < 8 + page_bytes; at += length) {
            const auto descriptor = rest.subspan(at, length);
            PbsElement element;
            element.address = static_cast<std::uint16_t>(load_big_endian<2>(descriptor));
            element.full = (descriptor[2] & 1U) != 0;
            if ((descriptor[9] & 0x80U) != 0) {
                element.source =
                    static_cast<std::uint16_t>(load_big_endian<2>(descriptor.subspan(10)));
            }
            std::size_t behind = 12;
            if (tagged) {
                behind += 36;
                std::string tag(as_text(descriptor.subspan(12, 36)));
                need(tag.substr(32) == std::string(4, '\0'), "bytes 32 to 35 of the tag are 0");
                tag.erase(tag.find_last_not_of('\0') + 1);
                tag.erase(tag.find_last_not_of(' ') + 1);
                need(!element.full || !tag.empty(), "no blank tag on a full element");
                if (element.full) {
                    element.volume_tag = tag;
                }
            }
            const auto identifier = descriptor.subspan(behind);
            need(identifier.size() >= 4, "4 bytes behind the tag");
            if (identifier[3] != 0) {
                need(identifier[0] == 2 && identifier[1] == 1 && identifier[3] == 34 &&
                         identifier.size() == 38,
                     "DVCID (2,1) of 34 bytes");
                element.vendor = as_text(identifier.subspan(4, 8));
                element.product = as_text(identifier.subspan(12, 16));
                element.serial = as_text(identifier.subspan(28, 10));
            } else {
                need(load_big_endian<4>(identifier) == 0, "no identifier: four zero bytes");
            }
            elements.push_back(std::move(element));
        }
        rest = rest.subspan(8 + page_bytes);
    }
    need(elements.size() == number, "as many descriptors as the header says");
    return elements;
}

/// Sends a CDB and returns the data of its reply; a status other than GOOD must throw a string.
using SendCdb = std::function<Bytes(std::vector<std::uint8_t>)>;

/// Elements of one type, 1000 at a time, until a reply holds fewer.
inline std::vector<PbsElement> read_all_elements(const SendCdb& send, std::uint8_t type,
                                                 bool device_identifiers) {
    constexpr std::size_t kPage = 1000;
    std::vector<PbsElement> elements;
    std::uint16_t start = 0;
    for (;;) {
        const auto reply =
            send({0xB8, static_cast<std::uint8_t>(device_identifiers ? type : type | 0x10U),
                  static_cast<std::uint8_t>(start >> 8U), static_cast<std::uint8_t>(start & 0xFFU),
                  0x03, 0xE8, static_cast<std::uint8_t>(device_identifiers ? 1 : 0), 0x00, 0xFF,
                  0xFF, 0x00, 0x00});
        auto page = parse_element_status(reply, type, start);
        elements.insert(elements.end(), page.begin(), page.end());
        if (page.size() < kPage) {
            return elements;
        }
        start = static_cast<std::uint16_t>(page.back().address + 1);
    }
}

/// The whole status query; throws a string that names the broken rule.
inline PbsStatus query_status(const SendCdb& send) {
    const auto need = [](bool condition, const char* rule) {
        if (!condition) {
            throw std::string(rule);
        }
    };
    const auto inquiry = send({0x12, 0, 0, 0, 0x24, 0});
    need(inquiry.size() == 36 && (inquiry[0] & 0x1FU) == 8, "INQUIRY: 36 bytes of a changer");
    const auto mode = send({0x1A, 0x08, 0x1D, 0, 0xFF, 0});
    need(mode.size() == 24 && mode[0] == 0x17, "MODE SENSE 1Dh: 24 bytes, byte 0 is 17h");
    PbsStatus status;
    status.slots = read_all_elements(send, 2, false);
    status.mail_slots = read_all_elements(send, 3, false);
    status.drives = read_all_elements(send, 4, false);
    const auto identified = read_all_elements(send, 4, true);
    status.transports = read_all_elements(send, 1, false);
    need(identified.size() == status.drives.size(), "DVCID: the same drives");
    for (std::size_t i = 0; i < identified.size(); ++i) {
        need(identified[i].address == status.drives[i].address, "DVCID: the same order");
        status.drives[i].vendor = identified[i].vendor;
        status.drives[i].product = identified[i].product;
        status.drives[i].serial = identified[i].serial;
    }
    const auto count_at = [&mode](std::size_t offset) {
        return load_big_endian<2>(ByteView(mode).subspan(offset));
    };
    need(count_at(8) == status.transports.size(), "page 1Dh counts the transports");
    need(count_at(12) == status.slots.size(), "page 1Dh counts the slots");
    need(count_at(16) == status.mail_slots.size(), "page 1Dh counts the mail slots");
    need(count_at(20) == status.drives.size(), "page 1Dh counts the drives");
    std::set<std::uint16_t> addresses;
    for (const auto* const list :
         {&status.transports, &status.slots, &status.mail_slots, &status.drives}) {
        for (const auto& element : *list) {
            need(addresses.insert(element.address).second, "addresses are unique");
        }
    }
    return status;
}

}  // namespace tapeloft::tests
