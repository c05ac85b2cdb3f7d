#include "vtl/scsi/inquiry.h"

#include <algorithm>

#include "cloud/base/digest.h"

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace layout::inquiry_cdb {  // SPC-5
using AllocationLength = BigEndian<std::uint16_t, 3>;
}

namespace layout::standard {  // SPC-5
constexpr std::size_t kVendor = 8;
constexpr std::size_t kProduct = 16;
constexpr std::size_t kRevision = 32;
constexpr std::size_t kVendorSpecific = 36;
constexpr std::size_t kVersionDescriptors = 58;
constexpr std::size_t kLength = 74;
}  // namespace layout::standard

// Designation descriptor (SPC-5).
enum class CodeSet : std::uint8_t { binary = 1, ascii = 2, utf8 = 3 };
enum class Association : std::uint8_t { logical_unit = 0, target_port = 1, target_device = 2 };
enum class DesignatorType : std::uint8_t {
    t10_vendor_id = 1,
    naa = 3,
    relative_target_port = 4,
    target_port_group = 5,
    scsi_name = 8,
};

void put_text(MutableByteView field, std::string_view text) {
    std::fill(field.begin(), field.end(), static_cast<std::uint8_t>(' '));
    std::copy_n(text.begin(), std::min(text.size(), field.size()), field.begin());
}

std::uint8_t peripheral(const Identity& identity) {
    return static_cast<std::uint8_t>(identity.device_type);
}

// Every drive has logical block protection (SSC-5), no changer has protection of any kind.
bool has_protection(const Identity& identity) {
    return identity.device_type == PeripheralDeviceType::sequential_access;
}

Bytes standard_data(const Identity& identity) {
    using namespace layout::standard;
    constexpr std::uint8_t kRemovableMedium = 0x80;
    constexpr std::uint8_t kVersionSpc4 = 0x06;
    constexpr std::uint8_t kResponseDataFormat = 0x02;
    constexpr std::uint8_t kImplicitTargetPortGroups =
        0x10;                                // TPGS: REPORT TARGET PORT GROUPS works
    constexpr std::uint8_t kProtect = 0x01;  // what kind: SPT of VPD page 86h
    constexpr std::uint8_t kCommandQueuing = 0x02;
    constexpr std::uint16_t kSam5 = 0x00A0;
    constexpr std::uint16_t kSpc4 = 0x0460;
    constexpr std::uint16_t kIscsi = 0x0960;
    constexpr std::uint16_t kSsc3 = 0x0400;
    constexpr std::uint16_t kSmc3 = 0x0480;

    Bytes data(kLength);
    const MutableByteView bytes(data);
    data[0] = peripheral(identity);
    data[1] = kRemovableMedium;
    data[2] = kVersionSpc4;
    data[3] = kResponseDataFormat;
    data[4] = kLength - 5;
    data[5] = static_cast<std::uint8_t>(
        identity.device_type == PeripheralDeviceType::unknown ? 0U : kImplicitTargetPortGroups);
    if (has_protection(identity)) {
        data[5] |= kProtect;
    }
    data[7] = kCommandQueuing;
    put_text(bytes.subspan(kVendor, 8), identity.vendor);
    put_text(bytes.subspan(kProduct, 16), identity.product);
    put_text(bytes.subspan(kRevision, 4), identity.revision);
    std::copy(identity.vendor_specific.begin(), identity.vendor_specific.end(),
              data.begin() + kVendorSpecific);
    const bool changer = identity.device_type == PeripheralDeviceType::media_changer;
    std::size_t offset = kVersionDescriptors;
    for (const std::uint16_t standard : {kSam5, kIscsi, kSpc4, changer ? kSmc3 : kSsc3}) {
        store_big_endian<2>(bytes.subspan(offset), standard);
        offset += 2;
    }
    return data;
}

void add_designator(Bytes& body, CodeSet code_set, Association association, DesignatorType type,
                    ByteView designator) {
    constexpr std::uint8_t kProtocolIscsi = 0x50;
    constexpr std::uint8_t kProtocolValid = 0x80;
    const bool of_the_unit = association == Association::logical_unit;
    const unsigned kind = (static_cast<unsigned>(association) << 4U) | static_cast<unsigned>(type);
    body.push_back(static_cast<std::uint8_t>((of_the_unit ? 0U : kProtocolIscsi) |
                                             static_cast<unsigned>(code_set)));
    body.push_back(static_cast<std::uint8_t>((of_the_unit ? 0U : kProtocolValid) | kind));
    body.push_back(0);
    body.push_back(static_cast<std::uint8_t>(designator.size()));
    body.insert(body.end(), designator.begin(), designator.end());
}

// Padded with NULs to a multiple of four, at least one NUL (SPC-5).
Bytes scsi_name(const std::string& name) {
    Bytes padded(name.begin(), name.end());
    padded.resize((name.size() / 4 + 1) * 4);
    return padded;
}

Bytes unit_serial_number(const Identity& identity) {
    return {identity.serial.begin(), identity.serial.end()};
}

Bytes device_identification(const Identity& identity) {
    Bytes body;
    add_designator(body, CodeSet::binary, Association::logical_unit, DesignatorType::naa,
                   naa_locally_assigned(identity.serial));

    Bytes t10(8 + 16);
    put_text(MutableByteView(t10).first(8), identity.vendor);
    put_text(MutableByteView(t10).subspan(8), identity.product);
    t10.insert(t10.end(), identity.serial.begin(), identity.serial.end());
    add_designator(body, CodeSet::ascii, Association::logical_unit, DesignatorType::t10_vendor_id,
                   t10);

    constexpr std::array<std::uint8_t, 4> kPortIdentifier = {0, 0, 0, kRelativeTargetPort};
    add_designator(body, CodeSet::binary, Association::target_port,
                   DesignatorType::relative_target_port, kPortIdentifier);
    // The group of REPORT TARGET PORT GROUPS: with TPGS a host looks here for that of its port.
    std::array<std::uint8_t, 4> group{};
    store_big_endian<2>(MutableByteView(group).subspan(2), identity.target_portal_group_tag);
    add_designator(body, CodeSet::binary, Association::target_port,
                   DesignatorType::target_port_group, group);
    if (!identity.target_name.empty()) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        std::string port = identity.target_name + ",t,0x";
        for (const unsigned shift : {12U, 8U, 4U, 0U}) {  // RFC 7143, 4.2.7.1
            port += kDigits[(identity.target_portal_group_tag >> shift) & 0x0FU];
        }
        add_designator(body, CodeSet::utf8, Association::target_port, DesignatorType::scsi_name,
                       scsi_name(port));
        add_designator(body, CodeSet::utf8, Association::target_device, DesignatorType::scsi_name,
                       scsi_name(identity.target_name));
    }
    return body;
}

// Tasks run in the order of their arrival, head of the queue first: all attributes are honoured.
Bytes extended_inquiry_data(const Identity& identity) {
    constexpr std::size_t kLength = 60;
    constexpr std::uint8_t kLogicalBlockProtection =
        0x08;                                          // SPT 001b of a sequential-access device
    constexpr std::uint8_t kHeadOrderedSimple = 0x07;  // HEADSUP, ORDSUP, SIMPSUP
    Bytes body(kLength);
    body[4 - 4] = has_protection(identity) ? kLogicalBlockProtection : std::uint8_t{0};
    body[5 - 4] = kHeadOrderedSimple;
    return body;
}

using PageBody = Bytes (*)(const Identity&);
struct CommonPage {
    std::uint8_t page_code;
    PageBody body;
};

Bytes supported_pages(const Identity& identity);

// clang-format off
constexpr auto kCommonPages = std::to_array<CommonPage>({  // SPC-5
    {0x00, &supported_pages},        // 7.8.18
    {0x80, &unit_serial_number},     // 7.8.19
    {0x83, &device_identification},  // 7.8.6
    {0x86, &extended_inquiry_data},  // 7.8.7
});
// clang-format on

Bytes supported_pages(const Identity& identity) {
    Bytes body;
    for (const CommonPage& page : kCommonPages) {
        body.push_back(page.page_code);
    }
    for (const VitalProductDataPage& page : identity.device_pages) {
        body.push_back(page.page_code);
    }
    return body;
}

std::optional<Bytes> page_body(const Identity& identity, std::uint8_t page_code) {
    for (const CommonPage& page : kCommonPages) {
        if (page.page_code == page_code) {
            return page.body(identity);
        }
    }
    for (const VitalProductDataPage& page : identity.device_pages) {
        if (page.page_code == page_code) {
            return page.body;
        }
    }
    return {};
}

}  // namespace

std::array<std::uint8_t, 8> naa_locally_assigned(const std::string& serial) {
    constexpr std::uint8_t kNaaLocallyAssigned = 0x30;
    const std::array parts = {as_bytes("tapeloft logical unit "), as_bytes(serial)};
    const Bytes hash = digest(DigestAlgorithm::sha256, parts);
    std::array<std::uint8_t, 8> name{};
    std::copy_n(hash.begin(), name.size(), name.begin());
    name[0] = static_cast<std::uint8_t>(kNaaLocallyAssigned | (name[0] & 0x0FU));
    return name;
}

Completion inquiry_data(const Identity& identity, const Task& task) {
    const std::size_t allocation_length = layout::inquiry_cdb::AllocationLength::load(task.cdb);
    const bool vital_product_data = (task.cdb[1] & 0x01U) != 0;
    const std::uint8_t page_code = task.cdb[2];
    if (!vital_product_data) {
        if (page_code != 0) {
            return invalid_field_in_cdb(2, 7);
        }
        return with_allocation_length(standard_data(identity), allocation_length);
    }
    const auto body = page_body(identity, page_code);
    if (!body) {
        return invalid_field_in_cdb(2, 7);
    }
    Bytes page = {peripheral(identity), page_code, 0, 0};
    store_big_endian<2>(MutableByteView(page).subspan(2), body->size());
    page.insert(page.end(), body->begin(), body->end());
    return with_allocation_length(page, allocation_length);
}

Completion report_luns_data(std::uint16_t logical_unit_count, const Task& task) {
    constexpr std::uint8_t kAddressed = 0x00;
    constexpr std::uint8_t kWellKnown = 0x01;
    constexpr std::uint8_t kAll = 0x02;
    constexpr std::uint8_t kAdministrative = 0x10;
    constexpr std::uint8_t kAllButSubsidiary = 0x11;
    using AllocationLength = BigEndian<std::uint32_t, 6>;
    constexpr std::uint32_t kAllocationLengthMin = 16;

    const std::uint8_t select_report = task.cdb[2];
    const bool lists_units =
        select_report == kAddressed || select_report == kAll || select_report == kAllButSubsidiary;
    const bool lists_none = select_report == kWellKnown || select_report == kAdministrative;
    if (!lists_units && !lists_none) {  // 12h too: none of ours has subsidiaries
        return invalid_field_in_cdb(2, 7);
    }
    const std::uint32_t allocation_length = AllocationLength::load(task.cdb);
    if (allocation_length < kAllocationLengthMin) {
        return invalid_field_in_cdb(6, 7);
    }
    const std::size_t count = lists_none ? 0U : logical_unit_count;
    Bytes data(8 + 8 * count);
    store_big_endian<4>(data, 8 * count);
    for (std::size_t lun = 0; lun < count; ++lun) {
        data[8 + 8 * lun + 1] =
            static_cast<std::uint8_t>(lun);  // peripheral addressing, SAM-5, 4.7.7.2
    }
    return with_allocation_length(data, allocation_length);
}

}  // namespace tapeloft::vtl::scsi
