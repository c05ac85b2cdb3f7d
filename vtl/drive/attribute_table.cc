#include "vtl/drive/attribute_table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace tapeloft::vtl::drive {

Bytes attribute_number(std::uint64_t value, std::size_t width) {
    Bytes bytes(width);
    for (std::size_t i = width; i-- > 0; value >>= 8U) {
        bytes[i] = static_cast<std::uint8_t>(value & 0xFFU);
    }
    return bytes;
}

Bytes attribute_text(std::string_view value, std::size_t width) {
    Bytes bytes(width, static_cast<std::uint8_t>(' '));
    std::copy_n(value.begin(), std::min(value.size(), width), bytes.begin());
    return bytes;
}

namespace {

Bytes mebibytes(std::uint64_t bytes) {
    return attribute_number(bytes / (1024 * 1024), 8);
}

// What a generation of LTO media is, beyond REPORT DENSITY SUPPORT.
struct MediumRow {
    std::uint8_t density_code;
    std::uint32_t length_m;
    std::uint32_t memory_bytes;
};
// clang-format off
constexpr auto kMedia = std::to_array<MediumRow>({
    {0x58,  846,  8'160},
    {0x5A,  846, 16'352},
    {0x5C,  960, 16'352},
    {0x5D,  960, 16'352},
    {0x5E,  960, 16'352},
    {0x60, 1035, 32'736},
});
// clang-format on

const MediumRow& medium_row(const VolumeFacts& facts) {
    const auto* const found = std::find_if(
        kMedia.begin(), kMedia.end(),
        [&facts](const MediumRow& row) { return row.density_code == facts.density_code; });
    return found == kMedia.end() ? kMedia.front() : *found;
}

// YYYYMMDD
Bytes manufacture_date(const VolumeFacts& facts) {
    constexpr std::int64_t kSecondsOfDay = 86'400;
    constexpr std::int64_t kFirstDay = 14'245;    // 2009-01-01: there were no LTO-5 media before
    constexpr std::int64_t kLastDay = 2'932'896;  // 9999-12-31
    const std::int64_t day = std::clamp(facts.created_unix_s / kSecondsOfDay, kFirstDay, kLastDay);
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%04d%02u%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return attribute_text(digits.data(), 8);
}

// All ones: nothing in the partition is encrypted; one less: not known. Where encrypted blocks
// begin is not looked for, so that it is known of a blank partition only.
Bytes first_encrypted(const VolumeFacts& facts, std::uint8_t partition) {
    constexpr std::uint64_t kNone = ~std::uint64_t{0};
    constexpr std::uint64_t kUnknown = kNone - 1;
    return attribute_number(facts.partitions[partition].blank ? kNone : kUnknown, 8);
}

// 15 counters of six bytes (SPC-5); amounts in mebibytes. Nothing is ever retried.
Bytes medium_usage_history(const VolumeFacts& facts, std::uint8_t /*partition*/) {
    constexpr std::size_t kWidth = 6;
    constexpr std::uint64_t kMebibyte = 1024 * 1024;
    const VolumeStatistics& usage = facts.usage;
    Bytes history;
    const auto add = [&history](std::uint64_t counter) {
        const Bytes bytes = attribute_number(counter, kWidth);
        history.insert(history.end(), bytes.begin(), bytes.end());
    };
    const TransferCounters since_format = usage.lifetime - usage.at_format;
    for (const TransferCounters& counters : {usage.load, usage.previous_load, since_format}) {
        add(counters.bytes_written / kMebibyte);
        add(0);  // write retries
        add(counters.bytes_read / kMebibyte);
        add(0);  // read retries
    }
    add(usage.mounts - usage.mounts_at_format);
    add(usage.partition_changes);
    add(0);  // partitions initialized; not counted
    return history;
}

std::uint8_t medium_type(const VolumeFacts& facts) {
    constexpr std::uint8_t kData = 0x00;
    constexpr std::uint8_t kCleaning = 0x01;
    constexpr std::uint8_t kWriteOnce = 0x80;
    return facts.cleaning ? kCleaning : facts.worm ? kWriteOnce : kData;
}

// clang-format off
constexpr auto kB = AttributeFormat::binary;
constexpr auto kA = AttributeFormat::ascii;
constexpr auto kT = AttributeFormat::text;
constexpr bool kReadable = true;
constexpr bool kWritable = false;
constexpr bool kExact = false;
constexpr bool kUpTo = true;
constexpr bool kVolume = false;
constexpr bool kOnePart = true;
constexpr auto kAttributes = std::to_array<AttributeRow>({  // SPC-5, 7.4.2; SSC-5; ascending
    // Device attributes.
    {0x0000, kReadable, kB, 8, kExact, kOnePart, [](const VolumeFacts& facts, std::uint8_t partition) {
        return mebibytes(facts.partitions[partition].remaining); }, "REMAINING CAPACITY IN PARTITION"},
    {0x0001, kReadable, kB, 8, kExact, kOnePart, [](const VolumeFacts& facts, std::uint8_t partition) {
        return mebibytes(facts.partitions[partition].maximum); }, "MAXIMUM CAPACITY IN PARTITION"},
    {0x0002, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_number(facts.tape_alerts, 8); }, "TAPEALERT FLAGS"},
    {0x0003, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_number(facts.load_count, 8); }, "LOAD COUNT"},
    {0x0004, kReadable, kB, 8, kExact, kVolume, nullptr, "MAM SPACE REMAINING"},
    {0x0005, kReadable, kA, 8, kExact, kVolume, [](const VolumeFacts&, std::uint8_t) {
        return attribute_text(kOrganization, 8); }, "ASSIGNING ORGANIZATION"},
    {0x0006, kReadable, kB, 1, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return Bytes{facts.density_code}; }, "FORMATTED DENSITY CODE"},
    {0x0007, kReadable, kB, 2, kExact, kVolume, nullptr, "INITIALIZATION COUNT"},
    {0x0008, kReadable, kA, 32, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_text(facts.barcode, 32); }, "VOLUME IDENTIFIER"},
    {0x0009, kReadable, kB, 4, kExact, kVolume, nullptr, "VOLUME CHANGE REFERENCE"},
    {0x020A, kReadable, kA, 40, kExact, kVolume, nullptr, "DEVICE VENDOR/SERIAL NUMBER AT LAST LOAD"},
    {0x020B, kReadable, kA, 40, kExact, kVolume, nullptr, "DEVICE VENDOR/SERIAL NUMBER AT LOAD-1"},
    {0x020C, kReadable, kA, 40, kExact, kVolume, nullptr, "DEVICE VENDOR/SERIAL NUMBER AT LOAD-2"},
    {0x020D, kReadable, kA, 40, kExact, kVolume, nullptr, "DEVICE VENDOR/SERIAL NUMBER AT LOAD-3"},
    {0x0220, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return mebibytes(facts.bytes_written); }, "TOTAL MBYTES WRITTEN IN MEDIUM LIFE"},
    {0x0221, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return mebibytes(facts.bytes_read); }, "TOTAL MBYTES READ IN MEDIUM LIFE"},
    {0x0222, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return mebibytes(facts.usage.load.bytes_written); }, "TOTAL MBYTES WRITTEN IN CURRENT/LAST LOAD"},
    {0x0223, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return mebibytes(facts.usage.load.bytes_read); }, "TOTAL MBYTES READ IN CURRENT/LAST LOAD"},
    {0x0224, kReadable, kB, 8, kExact, kOnePart, &first_encrypted, "LOGICAL POSITION OF FIRST ENCRYPTED BLOCK"},
    {0x0225, kReadable, kB, 8, kExact, kOnePart, &first_encrypted, "LOGICAL POSITION OF FIRST UNENCRYPTED BLOCK AFTER THE FIRST ENCRYPTED BLOCK"},
    {0x0340, kReadable, kB, 90, kExact, kVolume, &medium_usage_history, "MEDIUM USAGE HISTORY"},
    // Medium attributes.
    {0x0400, kReadable, kA, 8, kExact, kVolume, [](const VolumeFacts&, std::uint8_t) {
        return attribute_text("TAPELOFT", 8); }, "MEDIUM MANUFACTURER"},
    {0x0401, kReadable, kA, 32, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_text(facts.medium_serial, 32); }, "MEDIUM SERIAL NUMBER"},
    {0x0402, kReadable, kB, 4, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_number(medium_row(facts).length_m, 4); }, "MEDIUM LENGTH"},
    {0x0403, kReadable, kB, 4, kExact, kVolume, [](const VolumeFacts&, std::uint8_t) {
        return attribute_number(kHalfInch, 4); }, "MEDIUM WIDTH"},
    {0x0404, kReadable, kA, 8, kExact, kVolume, [](const VolumeFacts&, std::uint8_t) {
        return attribute_text(kOrganization, 8); }, "ASSIGNING ORGANIZATION"},
    {0x0405, kReadable, kB, 1, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return Bytes{facts.density_code}; }, "MEDIUM DENSITY CODE"},
    {0x0406, kReadable, kA, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return manufacture_date(facts); }, "MEDIUM MANUFACTURE DATE"},
    {0x0407, kReadable, kB, 8, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_number(medium_row(facts).memory_bytes, 8); }, "MAM CAPACITY"},
    {0x0408, kReadable, kB, 1, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return Bytes{medium_type(facts)}; }, "MEDIUM TYPE"},
    {0x0409, kReadable, kB, 2, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        return attribute_number(facts.cleaning ? 50 : 0, 2); }, "MEDIUM TYPE INFORMATION"},
    {0x040B, kReadable, kB, 10, kExact, kVolume, [](const VolumeFacts& facts, std::uint8_t) {
        Bytes codes(10);
        codes[0] = facts.density_code;
        return codes; }, "SUPPORTED DENSITY CODES"},
    // Host attributes.
    {0x0800, kWritable, kA, 8, kExact, kVolume, nullptr, "APPLICATION VENDOR"},
    {0x0801, kWritable, kA, 32, kExact, kVolume, nullptr, "APPLICATION NAME"},
    {0x0802, kWritable, kA, 8, kExact, kVolume, nullptr, "APPLICATION VERSION"},
    {0x0803, kWritable, kT, 160, kExact, kVolume, nullptr, "USER MEDIUM TEXT LABEL"},
    {0x0804, kWritable, kA, 12, kExact, kVolume, nullptr, "DATE AND TIME LAST WRITTEN"},
    {0x0805, kWritable, kB, 1, kExact, kVolume, nullptr, "TEXT LOCALIZATION IDENTIFIER"},
    {0x0806, kWritable, kA, 32, kExact, kVolume, nullptr, "BARCODE"},
    {0x0807, kWritable, kT, 80, kExact, kVolume, nullptr, "OWNING HOST TEXTUAL NAME"},
    {0x0808, kWritable, kT, 160, kExact, kVolume, nullptr, "MEDIA POOL"},
    {0x0809, kWritable, kA, 16, kExact, kOnePart, nullptr, "PARTITION USER TEXT LABEL"},
    {0x080A, kWritable, kB, 1, kExact, kVolume, nullptr, "LOAD/UNLOAD AT PARTITION"},
    {0x080B, kWritable, kA, 16, kExact, kVolume, nullptr, "APPLICATION FORMAT VERSION"},
    {0x080C, kWritable, kB, 1023, kUpTo, kOnePart, nullptr, "VOLUME COHERENCY INFORMATION"},
    {0x0820, kWritable, kB, 36, kExact, kVolume, nullptr, "MEDIUM GLOBALLY UNIQUE IDENTIFIER"},
    {0x0821, kWritable, kB, 36, kExact, kVolume, nullptr, "MEDIA POOL GLOBALLY UNIQUE IDENTIFIER"},
    // Vendor-specific host attribute.
    {0x1623, kWritable, kB, 1, kExact, kVolume, nullptr, "VOLUME LOCK STATUS (LTFS)"},
});
// clang-format on
constexpr bool ascending() {
    for (std::size_t i = 1; i < kAttributes.size(); ++i) {
        if (kAttributes[i - 1].id >= kAttributes[i].id) {
            return false;
        }
    }
    return true;
}
static_assert(ascending());

}  // namespace

std::span<const AttributeRow> attribute_rows() noexcept {
    return kAttributes;
}

const AttributeRow* find_attribute(std::uint16_t id) noexcept {
    const auto* const found = std::find_if(kAttributes.begin(), kAttributes.end(),
                                           [id](const AttributeRow& row) { return row.id == id; });
    return found == kAttributes.end() ? nullptr : found;
}

std::uint32_t memory_capacity(const VolumeFacts& facts) noexcept {
    return medium_row(facts).memory_bytes;
}

}  // namespace tapeloft::vtl::drive
