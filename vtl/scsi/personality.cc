#include "vtl/scsi/personality.h"

#include <algorithm>
#include <array>

namespace tapeloft::vtl::scsi {
namespace {

// clang-format off
// Figures of the LTO program; assigning organization of all: LTO-CVE.
constexpr auto kGenerations = std::to_array<MediumGeneration>({
    // suffix, density, medium type, WORM, bits/mm, tracks, 10^6 bytes, metres, name,  description
    {"L5",     0x58,    0x58,        0x5C, 15142,   1280,    1'500'000,  846, "U-516",  "Ultrium 5/16T"},
    {"L6",     0x5A,    0x68,        0x6C, 15143,   2176,    2'500'000,  846, "U-616",  "Ultrium 6/16T"},
    {"L7",     0x5C,    0x78,        0x7C, 19107,   3584,    6'000'000,  960, "U-732",  "Ultrium 7/32T"},
    {"M8",     0x5D,    0x78,        0x00, 19107,   5376,    9'000'000,  960, "U-732M", "Ultrium 7M8/32T"},
    {"L8",     0x5E,    0x88,        0x8C, 20669,   6656,   12'000'000,  960, "U-832",  "Ultrium 8/32T"},
    {"L9",     0x60,    0x98,        0x9C, 21457,   8960,   18'000'000, 1035, "U-932",  "Ultrium 9/32T"},
});

// LTFS compares the revisions of IBM drives: at least B170 for LTO-5, at least HB81 for LTO-8.
constexpr auto kDriveModels = std::to_array<DriveModel>({
    // name,                 vendor,     product,           revision, generation, family
    {"IBM ULT3580-TD5",      "IBM",      "ULT3580-TD5",     "G360", 5, DriveFamily::ibm},
    {"IBM ULT3580-TD6",      "IBM",      "ULT3580-TD6",     "H991", 6, DriveFamily::ibm},
    {"IBM ULT3580-TD7",      "IBM",      "ULT3580-TD7",     "J4D1", 7, DriveFamily::ibm},
    {"IBM ULT3580-TD8",      "IBM",      "ULT3580-TD8",     "N9M1", 8, DriveFamily::ibm},
    {"IBM ULT3580-TD9",      "IBM",      "ULT3580-TD9",     "R3G3", 9, DriveFamily::ibm},
    {"IBM ULT3580-HH5",      "IBM",      "ULT3580-HH5",     "G360", 5, DriveFamily::ibm},
    {"IBM ULT3580-HH6",      "IBM",      "ULT3580-HH6",     "H991", 6, DriveFamily::ibm},
    {"IBM ULT3580-HH7",      "IBM",      "ULT3580-HH7",     "J4D1", 7, DriveFamily::ibm},
    {"IBM ULT3580-HH8",      "IBM",      "ULT3580-HH8",     "N9M1", 8, DriveFamily::ibm},
    {"IBM ULT3580-HH9",      "IBM",      "ULT3580-HH9",     "R3G3", 9, DriveFamily::ibm},
    {"HP Ultrium 5-SCSI",    "HP",       "Ultrium 5-SCSI",  "Z68W", 5, DriveFamily::hpe},
    {"HP Ultrium 6-SCSI",    "HP",       "Ultrium 6-SCSI",  "J5SW", 6, DriveFamily::hpe},
    {"HP Ultrium 7-SCSI",    "HP",       "Ultrium 7-SCSI",  "G9TW", 7, DriveFamily::hpe},
    {"HPE Ultrium 8-SCSI",   "HPE",      "Ultrium 8-SCSI",  "N9TW", 8, DriveFamily::hpe},
    {"HPE Ultrium 9-SCSI",   "HPE",      "Ultrium 9-SCSI",  "R3TW", 9, DriveFamily::hpe},
    {"QUANTUM ULTRIUM-HH5",  "QUANTUM",  "ULTRIUM-HH5",     "G360", 5, DriveFamily::quantum},
    {"QUANTUM ULTRIUM-HH6",  "QUANTUM",  "ULTRIUM-HH6",     "H991", 6, DriveFamily::quantum},
    {"QUANTUM ULTRIUM-HH7",  "QUANTUM",  "ULTRIUM-HH7",     "J4D1", 7, DriveFamily::quantum},
    {"QUANTUM ULTRIUM-HH8",  "QUANTUM",  "ULTRIUM-HH8",     "N9M1", 8, DriveFamily::quantum},
    {"QUANTUM ULTRIUM-HH9",  "QUANTUM",  "ULTRIUM-HH9",     "R3G3", 9, DriveFamily::quantum},
    {"TAPELOFT VTD-LTO5",    "TAPELOFT", "VTD-LTO5",        "0100", 5, DriveFamily::generic},
    {"TAPELOFT VTD-LTO6",    "TAPELOFT", "VTD-LTO6",        "0100", 6, DriveFamily::generic},
    {"TAPELOFT VTD-LTO7",    "TAPELOFT", "VTD-LTO7",        "0100", 7, DriveFamily::generic},
    {"TAPELOFT VTD-LTO8",    "TAPELOFT", "VTD-LTO8",        "0100", 8, DriveFamily::generic},
    {"TAPELOFT VTD-LTO9",    "TAPELOFT", "VTD-LTO9",        "0100", 9, DriveFamily::generic},
});

// 30h to 37h are vendor specific: usage, capacity, compression, performance.
constexpr auto kLogPagesOfIbm = std::to_array<std::uint8_t>(
    {0x02, 0x03, 0x0C, 0x0D, 0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1B, 0x2E, 0x30, 0x31, 0x32, 0x37});
constexpr auto kLogPagesOfHpe = std::to_array<std::uint8_t>(
    {0x02, 0x03, 0x0C, 0x0D, 0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1B, 0x2E, 0x30, 0x31, 0x32});
constexpr auto kLogPagesOfGeneric = std::to_array<std::uint8_t>(
    {0x02, 0x03, 0x0C, 0x0D, 0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1B, 0x2E, 0x31});

struct AccessRow {
    std::uint8_t generation;
    std::string_view read_write;  // suffixes
    std::string_view read_only;
};
constexpr auto kAccess = std::to_array<AccessRow>({
    // drive, reads and writes, reads only
    {5,       "L5",             ""},
    {6,       "L6 L5",          ""},
    {7,       "L7 L6",          "L5"},
    {8,       "L8 M8 L7",       ""},
    {9,       "L9 L8",          ""},
});
// clang-format on

}  // namespace

std::span<const MediumGeneration> medium_generations() noexcept {
    return kGenerations;
}

const MediumGeneration* find_generation(std::string_view suffix) noexcept {
    const auto* const found =
        std::find_if(kGenerations.begin(), kGenerations.end(),
                     [suffix](const MediumGeneration& row) { return row.suffix == suffix; });
    return found == kGenerations.end() ? nullptr : found;
}

std::span<const DriveModel> drive_models() noexcept {
    return kDriveModels;
}

const DriveModel* find_drive_model(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(kDriveModels.begin(), kDriveModels.end(),
                     [name](const DriveModel& row) { return row.name == name; });
    return found == kDriveModels.end() ? nullptr : found;
}

std::span<const std::uint8_t> log_pages_of(DriveFamily family) noexcept {
    switch (family) {
        case DriveFamily::ibm:
        case DriveFamily::quantum:  // made by IBM
            return kLogPagesOfIbm;
        case DriveFamily::hpe:
            return kLogPagesOfHpe;
        case DriveFamily::generic:
            return kLogPagesOfGeneric;
    }
    return kLogPagesOfGeneric;
}

const MediumGeneration* native_generation(const DriveModel& model) noexcept {
    const std::array<char, 2> suffix = {'L', static_cast<char>('0' + model.generation)};
    return find_generation({suffix.data(), suffix.size()});
}

Access access(const DriveModel& model, const MediumGeneration& medium) noexcept {
    for (const AccessRow& row : kAccess) {
        if (row.generation != model.generation) {
            continue;
        }
        if (row.read_write.find(medium.suffix) != std::string_view::npos) {
            return Access::read_write;
        }
        if (row.read_only.find(medium.suffix) != std::string_view::npos) {
            return Access::read_only;
        }
    }
    return Access::none;
}

}  // namespace tapeloft::vtl::scsi
