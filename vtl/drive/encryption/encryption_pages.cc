#include "vtl/drive/encryption/encryption_pages.h"

#include <algorithm>
#include <array>

#include <openssl/rand.h>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::drive {
namespace {

using Context = EncryptionPageContext;

constexpr std::size_t kPageHeaderLength = 4;

/// A page with its header; length: of all of it.
Bytes page_of(std::uint16_t page_code, std::size_t length) {
    Bytes page(length);
    BigEndian<std::uint16_t, 0>::store(page, page_code);
    BigEndian<std::uint16_t, 2>::store(page,
                                       static_cast<std::uint16_t>(length - kPageHeaderLength));
    return page;
}

// Key-associated data descriptors (SSC-5, 8.5.4). authenticated: the AUTHENTICATED fields, of U-KAD
// and A-KAD.
struct Authenticated {
    std::uint8_t unauthenticated_kad = 0;
    std::uint8_t authenticated_kad = 0;
};
void append_descriptor(Bytes& page, KadType type, std::uint8_t authenticated, const Bytes& kad) {
    if (kad.empty()) {
        return;
    }
    Bytes header(4);
    header[0] = static_cast<std::uint8_t>(type);
    header[1] = authenticated;
    BigEndian<std::uint16_t, 2>::store(header, static_cast<std::uint16_t>(kad.size()));
    page.insert(page.end(), header.begin(), header.end());
    page.insert(page.end(), kad.begin(), kad.end());
}
void append_descriptors(Bytes& page, const KeyAssociatedData& kad, Authenticated authenticated) {
    append_descriptor(page, KadType::unauthenticated, authenticated.unauthenticated_kad,
                      kad.unauthenticated);
    append_descriptor(page, KadType::authenticated, authenticated.authenticated_kad,
                      kad.authenticated);
    BigEndian<std::uint16_t, 2>::store(page,
                                       static_cast<std::uint16_t>(page.size() - kPageHeaderLength));
}

Bytes data_encryption_capabilities(const Context& context) {
    constexpr std::size_t kHeader = 20;
    constexpr std::size_t kDescriptor = 24;
    Bytes page = page_of(0x0010, kHeader + kDescriptor);
    page[4] = 0x05;  // EXTDECC 01b, CFG_P 01b: nobody but hosts sets parameters
    const MutableByteView algorithm = MutableByteView(page).subspan(kHeader);
    const unsigned valid_for_volume = context.volume_mounted ? 0x80U : 0U;  // AVFMV
    const unsigned valid_for_position =                                     // AVFCLP
        !context.volume_mounted ? 0x00U : (context.writable ? 0x80U : 0x40U);
    algorithm[0] = kAlgorithmIndex;
    BigEndian<std::uint16_t, 2>::store(algorithm, 20);
    // MAC_C, DELB_C; DECRYPT_C and ENCRYPT_C 10b ("in hardware", as a host must take it)
    algorithm[4] = static_cast<std::uint8_t>(valid_for_volume | 0x3AU);
    // NONCE_C 01b: the drive makes the nonce; KADF_C
    algorithm[5] = static_cast<std::uint8_t>(valid_for_position | 0x18U);
    BigEndian<std::uint16_t, 6>::store(algorithm, kUnauthenticatedLengthMax);
    BigEndian<std::uint16_t, 8>::store(algorithm, kAuthenticatedLengthMax);
    BigEndian<std::uint16_t, 10>::store(algorithm, SecretKey::kLength);
    // DKAD_C 11b: may be sent; EEMC_C 01b: no EXTERNAL mode; RDMC_C 001b: no RAW mode; EAREM
    algorithm[12] = 0xC0U | 0x10U | 0x02U | 0x01U;
    BigEndian<std::uint32_t, 20>::store(algorithm, 0x00010014);  // AES-256-GCM
    return page;
}

Bytes supported_key_formats(const Context&) {
    Bytes page = page_of(0x0011, 5);
    page[4] = 0x00;  // plain text
    return page;
}

Bytes data_encryption_management_capabilities(const Context&) {
    Bytes page = page_of(0x0012, 16);
    page[4] = 0x01;  // LOCK_C
    page[5] = 0x07;  // CKOD_C, CKORP_C, CKORL_C
    page[7] = 0x07;  // AITN_C, LOCAL_C, PUBLIC_C
    return page;
}

Bytes data_encryption_status(const Context& context) {
    const DataEncryption::View& view = context.view;
    const DataEncryptionParameters& parameters = *view.parameters;
    Bytes page = page_of(0x0020, 24);
    page[4] = static_cast<std::uint8_t>((static_cast<unsigned>(view.it_nexus_scope) << 5U) |
                                        static_cast<unsigned>(view.key_scope));
    page[5] = static_cast<std::uint8_t>(parameters.encryption_mode);
    page[6] = static_cast<std::uint8_t>(parameters.decryption_mode);
    page[7] = parameters.cipher == nullptr ? std::uint8_t{0} : kAlgorithmIndex;
    BigEndian<std::uint32_t, 8>::store(page, view.key_instance_counter);
    // PARAMETERS CONTROL 001b: set by hosts; CEEMS; RDMD
    page[12] =
        static_cast<std::uint8_t>(0x10U | (static_cast<unsigned>(parameters.check_external) << 1U) |
                                  (parameters.raw_decryption_disabled ? 1U : 0U));
    page[13] = static_cast<std::uint8_t>(parameters.key_associated_data.format);
    append_descriptors(page, parameters.key_associated_data, {});
    return page;
}

Bytes next_block_encryption_status(const Context& context) {
    const NextBlock& block = *context.next_block;
    const bool encrypted = block.status == BlockEncryptionStatus::encrypted ||
                           block.status == BlockEncryptionStatus::no_key;
    Bytes page = page_of(kNextBlockEncryptionStatusPage, 16);
    BigEndian<std::uint64_t, 4>::store(page, block.logical_object_number);
    page[12] = static_cast<std::uint8_t>(block.status);  // COMPRESSION STATUS 0: cannot tell
    page[13] = encrypted ? kAlgorithmIndex : std::uint8_t{0};
    page[14] = block.raw_decryption_disabled ? 0x01 : 0x00;  // EMES 0: ENCRYPT mode; RDMDS
    page[15] = static_cast<std::uint8_t>(block.key_associated_data.format);
    // 1: no attempt has been made to authenticate it; the U-KAD is never.
    append_descriptors(page, block.key_associated_data, {1, 1});
    return page;
}

Bytes random_number(const Context&) {
    Bytes page = page_of(0x0030, 36);
    const bool drawn = RAND_bytes(page.data() + kPageHeaderLength, 32) == 1;
    return drawn ? page : Bytes();
}

Bytes in_support(const Context& context);
Bytes out_support(const Context&) {
    Bytes page = page_of(0x0001, 6);
    BigEndian<std::uint16_t, 4>::store(page, kSetDataEncryptionPage);
    return page;
}

struct PageRow {
    std::uint16_t page_code;
    Bytes (*encode)(const Context&);  ///< empty: the page cannot be made now
};
constexpr auto kPages = std::to_array<PageRow>({
    // SSC-5, 8.5.2; 0031h (key wrapping) is not offered
    {0x0000, &in_support},
    {0x0001, &out_support},
    {0x0010, &data_encryption_capabilities},
    {0x0011, &supported_key_formats},
    {0x0012, &data_encryption_management_capabilities},
    {0x0020, &data_encryption_status},
    {kNextBlockEncryptionStatusPage, &next_block_encryption_status},
    {0x0030, &random_number},
});

Bytes in_support(const Context&) {
    Bytes page = page_of(0x0000, kPageHeaderLength + 2 * kPages.size());
    for (std::size_t i = 0; i < kPages.size(); ++i) {
        store_big_endian<2>(MutableByteView(page).subspan(kPageHeaderLength + 2 * i),
                            kPages[i].page_code);
    }
    return page;
}

Bytes supported_security_protocols(const Context&) {
    return {0, 0, 0, 0, 0, 0, 0, 2, kSecurityProtocolInformation, kTapeDataEncryption};
}

Bytes certificate_data(const Context&) {
    return Bytes(4);  // there is no certificate
}

constexpr auto kInformation = std::to_array<PageRow>({
    {0x0000, &supported_security_protocols},
    {0x0001, &certificate_data},
});

}  // namespace

std::variant<Bytes, scsi::Completion> security_protocol_in_page(std::uint8_t protocol,
                                                                std::uint16_t page_code,
                                                                const Context& context) {
    std::span<const PageRow> rows;
    if (protocol == kSecurityProtocolInformation) {
        rows = kInformation;
    } else if (protocol == kTapeDataEncryption) {
        rows = kPages;
    } else {
        return scsi::invalid_field_in_cdb(1, 7);
    }
    const auto row = std::find_if(rows.begin(), rows.end(), [page_code](const PageRow& candidate) {
        return candidate.page_code == page_code;
    });
    if (row == rows.end()) {
        return scsi::invalid_field_in_cdb(2, 7);
    }
    Bytes page = row->encode(context);
    if (page.empty()) {
        return scsi::Completion::check_condition(scsi::SenseKey::hardware_error,
                                                 scsi::asc::kInternalTargetFailure);
    }
    return page;
}

}  // namespace tapeloft::vtl::drive
