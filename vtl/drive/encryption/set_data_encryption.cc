#include "vtl/drive/encryption/set_data_encryption.h"

#include <algorithm>
#include <array>
#include <bit>

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::invalid_field_in_parameter_list;

namespace layout {  // SSC-5, Set Data Encryption page
using PageCode = BigEndian<std::uint16_t, 0>;
using PageLength = BigEndian<std::uint16_t, 2>;
constexpr std::uint16_t kScope = 4;
constexpr std::uint16_t kControl = 5;
constexpr std::uint16_t kEncryptionMode = 6;
constexpr std::uint16_t kDecryptionMode = 7;
constexpr std::uint16_t kAlgorithm = 8;
constexpr std::uint16_t kKeyFormat = 9;
constexpr std::uint16_t kKadFormat = 10;
using KeyLength = BigEndian<std::uint16_t, 18>;
constexpr std::uint16_t kKey = 20;

constexpr unsigned kLock = 0x01;
constexpr unsigned kSupplementalDecryptionKey = 0x08;
constexpr unsigned kClearOnDemount = 0x04;
constexpr unsigned kClearOnReservationPreempt = 0x02;
constexpr unsigned kClearOnReservationLoss = 0x01;
}  // namespace layout

namespace layout::kad {  // key-associated data descriptor
using Type = BigEndian<std::uint8_t, 0>;
using Length = BigEndian<std::uint16_t, 2>;
constexpr std::size_t kHeaderLength = 4;
}  // namespace layout::kad

constexpr std::uint16_t kPageCode = 0x0010;
constexpr std::uint8_t kPlainTextKey = 0x00;

constexpr unsigned kRdmcDefault = 0;
constexpr unsigned kRdmcDisabled = 3;

/// Bits of the page that must be zero: reserved ones, and SDK, which the capabilities do not offer.
struct ZeroBits {
    std::uint16_t byte;
    std::uint8_t mask;
};
constexpr auto kZeroBits = std::to_array<ZeroBits>({
    {layout::kScope, 0x1E},
    {layout::kControl, layout::kSupplementalDecryptionKey},
    {layout::kKeyFormat, 0xFF},  // only kPlainTextKey
    {11, 0xFF},
    {12, 0xFF},
    {13, 0xFF},
    {14, 0xFF},
    {15, 0xFF},
    {16, 0xFF},
    {17, 0xFF},
});
static_assert(kPlainTextKey == 0);

std::uint8_t top_bit(unsigned bits) {
    return static_cast<std::uint8_t>(std::bit_width(bits) - 1);
}

Completion parameter_list_length_error() {
    return Completion::check_condition(scsi::SenseKey::illegal_request,
                                       scsi::asc::kParameterListLengthError);
}

std::optional<Completion> check_frame(ByteView list) {
    if (list.size() < layout::kKey) {
        return parameter_list_length_error();
    }
    if (layout::PageCode::load(list) != kPageCode) {
        return invalid_field_in_parameter_list(0, 7);
    }
    if (layout::PageLength::load(list) + std::size_t{4} != list.size()) {
        return parameter_list_length_error();
    }
    for (const ZeroBits& row : kZeroBits) {
        const unsigned set = list[row.byte] & unsigned{row.mask};
        if (set != 0) {
            return invalid_field_in_parameter_list(row.byte, top_bit(set));
        }
    }
    return {};
}

std::optional<Completion> check_modes(ByteView list) {
    constexpr unsigned kScopeMax = 2;
    const unsigned rdmc = (list[layout::kControl] >> 4U) & 0x03U;
    const unsigned encryption = list[layout::kEncryptionMode];
    const unsigned decryption = list[layout::kDecryptionMode];
    if (list[layout::kScope] >> 5U > kScopeMax) {
        return invalid_field_in_parameter_list(layout::kScope, 7);
    }
    if (rdmc != kRdmcDefault && rdmc != kRdmcDisabled) {  // RDMC_C: raw decryption is not allowed
        return invalid_field_in_parameter_list(layout::kControl, 5);
    }
    if (encryption != static_cast<unsigned>(EncryptionMode::disable) &&
        encryption != static_cast<unsigned>(EncryptionMode::encrypt)) {
        return invalid_field_in_parameter_list(layout::kEncryptionMode, 7);
    }
    if (decryption != static_cast<unsigned>(DecryptionMode::disable) &&
        decryption != static_cast<unsigned>(DecryptionMode::decrypt) &&
        decryption != static_cast<unsigned>(DecryptionMode::mixed)) {
        return invalid_field_in_parameter_list(layout::kDecryptionMode, 7);
    }
    if (list[layout::kKadFormat] > static_cast<unsigned>(KadFormat::ascii_key_name)) {
        return invalid_field_in_parameter_list(layout::kKadFormat, 7);
    }
    return {};
}

std::optional<Completion> check_lifetime(ByteView list, const SetDataEncryptionContext& context) {
    const unsigned control = list[layout::kControl];
    if ((control & layout::kClearOnDemount) != 0 && !context.volume_mounted) {
        return invalid_field_in_parameter_list(layout::kControl, 2);
    }
    if ((control & layout::kClearOnReservationPreempt) != 0 && !context.reserved) {
        return invalid_field_in_parameter_list(layout::kControl, 1);
    }
    if ((control & layout::kClearOnReservationLoss) != 0 && !context.reserved) {
        return invalid_field_in_parameter_list(layout::kControl, 0);
    }
    return {};
}

DataEncryptionParameters load_parameters(ByteView list) {
    const unsigned control = list[layout::kControl];
    DataEncryptionParameters parameters;
    parameters.encryption_mode = static_cast<EncryptionMode>(list[layout::kEncryptionMode]);
    parameters.decryption_mode = static_cast<DecryptionMode>(list[layout::kDecryptionMode]);
    parameters.algorithm_index = list[layout::kAlgorithm];
    parameters.check_external = static_cast<CheckExternalEncryptionMode>(control >> 6U);
    parameters.raw_decryption_disabled = ((control >> 4U) & 0x03U) == kRdmcDisabled;
    parameters.clear_on_demount = (control & layout::kClearOnDemount) != 0;
    parameters.clear_on_reservation_preempt = (control & layout::kClearOnReservationPreempt) != 0;
    parameters.clear_on_reservation_loss = (control & layout::kClearOnReservationLoss) != 0;
    parameters.key_associated_data.format = static_cast<KadFormat>(list[layout::kKadFormat]);
    return parameters;
}

// The descriptors behind the key: ascending types, none twice (SSC-5, 8.5.4).
std::optional<Completion> load_descriptors(ByteView list, std::size_t at, KeyAssociatedData& kad) {
    int last_type = -1;
    while (at < list.size()) {
        const auto start = static_cast<std::uint16_t>(at);  // lists are shorter than 64 KiB + 4
        const ByteView descriptor = list.subspan(at);
        if (descriptor.size() < layout::kad::kHeaderLength) {
            return parameter_list_length_error();
        }
        const auto type = static_cast<KadType>(layout::kad::Type::load(descriptor));
        const bool known = type == KadType::unauthenticated || type == KadType::authenticated;
        if (!known || static_cast<int>(type) <= last_type) {
            return invalid_field_in_parameter_list(start, 7);
        }
        const std::size_t length = layout::kad::Length::load(descriptor);
        const std::size_t length_max =
            type == KadType::unauthenticated ? kUnauthenticatedLengthMax : kAuthenticatedLengthMax;
        if (length == 0 || length > length_max) {
            return invalid_field_in_parameter_list(static_cast<std::uint16_t>(start + 2), 7);
        }
        if (descriptor.size() - layout::kad::kHeaderLength < length) {
            return parameter_list_length_error();
        }
        const ByteView bytes = descriptor.subspan(layout::kad::kHeaderLength, length);
        Bytes& kept = type == KadType::unauthenticated ? kad.unauthenticated : kad.authenticated;
        kept.assign(bytes.begin(), bytes.end());
        last_type = static_cast<int>(type);
        at += layout::kad::kHeaderLength + length;
    }
    return {};
}

}  // namespace

std::variant<SetDataEncryption, Completion> decode_set_data_encryption(
    ByteView list, const SetDataEncryptionContext& context) {
    if (auto refused = check_frame(list)) {
        return std::move(*refused);
    }
    if (auto refused = check_modes(list)) {
        return std::move(*refused);
    }
    if (auto refused = check_lifetime(list, context)) {
        return std::move(*refused);
    }
    SetDataEncryption set;
    set.scope = static_cast<EncryptionScope>(list[layout::kScope] >> 5U);
    set.lock = (list[layout::kScope] & layout::kLock) != 0;
    set.parameters = load_parameters(list);
    const bool needs_key = set.parameters.encrypts() || set.parameters.decrypts();
    // With both modes disabled nothing uses the algorithm, and hosts send what they have.
    if (set.parameters.algorithm_index != kAlgorithmIndex &&
        (needs_key || set.parameters.algorithm_index != 0)) {
        return invalid_field_in_parameter_list(layout::kAlgorithm, 7);
    }
    const std::size_t key_length = layout::KeyLength::load(list);
    if (key_length != SecretKey::kLength && (needs_key || key_length != 0)) {
        return invalid_field_in_parameter_list(layout::KeyLength::offset, 7);
    }
    if (list.size() - layout::kKey < key_length) {
        return parameter_list_length_error();
    }
    KeyAssociatedData kad;
    if (auto refused = load_descriptors(list, layout::kKey + key_length, kad)) {
        return std::move(*refused);
    }
    if (needs_key) {
        set.key.emplace(list.subspan(layout::kKey, key_length));
        set.parameters.key_associated_data.unauthenticated = std::move(kad.unauthenticated);
        set.parameters.key_associated_data.authenticated = std::move(kad.authenticated);
    }
    return set;
}

}  // namespace tapeloft::vtl::drive
