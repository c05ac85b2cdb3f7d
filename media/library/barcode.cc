#include "media/library/barcode.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kTerabyte = 1'000'000'000'000;

// Native capacities as the LTO Program states them; M8 is an LTO-7 cartridge formatted for LTO-8.
// clang-format off
constexpr auto kGenerations = std::to_array<Generation>({
    {"L5", "LTO-5",         kTerabyte * 3 / 2, "LV"},
    {"L6", "LTO-6",         kTerabyte * 5 / 2, "LW"},
    {"L7", "LTO-7",         kTerabyte * 6, "LX"},
    {"M8", "LTO-7 type M8", kTerabyte * 9, ""},
    {"L8", "LTO-8",         kTerabyte * 12, "LY"},
    {"L9", "LTO-9",         kTerabyte * 18, "LZ"},
});
// clang-format on

constexpr Generation kUniversalCleaning{"CU", "cleaning", 0, ""};
constexpr std::string_view kCleaningPrefix = "CLN";

constexpr std::size_t kSuffixLength = 2;
constexpr std::size_t kVolumeLength = kBarcodeLength - kSuffixLength;
constexpr std::string_view kRangeMark = "..";

// Not <cctype>: the rule does not depend on a locale.
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool may_begin(char c) noexcept {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
constexpr bool may_follow(char c) noexcept {
    return may_begin(c) || c == '.' || c == '-';
}

/// For messages: what stands in a file or came over a socket, short and printable.
std::string quoted(std::string_view text) {
    constexpr std::size_t kShownMax = 40;
    std::string shown;
    for (const char c : text.substr(0, kShownMax)) {
        shown += c >= ' ' && c <= '~' ? c : '?';
    }
    return "\"" + shown + (text.size() > kShownMax ? "...\"" : "\"");
}

Error refused(std::string_view what, std::string_view why) {
    return {Errc::invalid_argument, quoted(what) + ": " + std::string(why)};
}

std::string suffixes() {
    std::string list;
    for (const auto& generation : kGenerations) {
        list += (list.empty() ? "" : ", ") + std::string(generation.suffix);
    }
    for (const auto& generation : kGenerations) {
        if (!generation.worm_suffix.empty()) {
            list += ", " + std::string(generation.worm_suffix);
        }
    }
    return list;
}

std::size_t trailing_digits(std::string_view text) noexcept {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[text.size() - 1 - count])) {
        ++count;
    }
    return count;
}

std::uint32_t number_of(std::string_view digits) noexcept {
    std::uint32_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

std::string padded(std::uint32_t number, std::size_t width) {
    auto digits = std::to_string(number);
    return std::string(width - digits.size(), '0') + digits;
}

}  // namespace

std::span<const Generation> generations() noexcept {
    return kGenerations;
}

namespace {

/// `CLNvnn` and the generation it cleans, or "CU" (IBM, label specification for LTO cartridges).
Result<Marking> cleaning_marking(std::string_view barcode, const Generation* generation) {
    const auto rest =
        barcode.substr(kCleaningPrefix.size(), kVolumeLength - kCleaningPrefix.size());
    const bool plain =
        std::ranges::all_of(rest, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
    Marking marking;
    marking.cleaning = true;
    if (barcode.substr(kVolumeLength) == kUniversalCleaning.suffix) {
        marking.generation = kUniversalCleaning;
    } else if (generation != nullptr) {
        marking.generation = {generation->suffix, kUniversalCleaning.name, 0, ""};
    }
    if (!plain || marking.generation.suffix.empty()) {
        return refused(barcode,
                       "CLN in front is for cleaning cartridges: CLN, 3 characters of A-Z and 0-9, "
                       "and CU or a generation, as in CLN001CU");
    }
    return marking;
}

}  // namespace

Result<Marking> marking_of(std::string_view barcode) {
    if (barcode.size() != kBarcodeLength) {
        return refused(barcode, "a barcode has 8 characters: 6 and the generation, as in TL0001L9");
    }
    const auto volume = barcode.substr(0, kVolumeLength);
    if (!may_begin(volume.front()) || !std::all_of(volume.begin(), volume.end(), may_follow)) {
        return refused(barcode,
                       "a barcode holds letters, digits and _ . - and begins with none of . -");
    }
    const auto suffix = barcode.substr(kVolumeLength);
    const auto* const found = std::ranges::find_if(kGenerations, [suffix](const Generation& g) {
        return g.suffix == suffix || g.worm_suffix == suffix;
    });
    const auto* const generation = found == kGenerations.end() ? nullptr : found;
    if (volume.starts_with(kCleaningPrefix)) {
        return cleaning_marking(barcode, generation);
    }
    if (generation == nullptr) {
        return refused(barcode, "the last two characters must be one of " + suffixes());
    }
    Marking marking;
    marking.generation = *generation;
    marking.worm = suffix == generation->worm_suffix;
    return marking;
}

Result<std::vector<std::string>> expand_barcodes(std::string_view range) {
    const auto mark = range.find(kRangeMark);
    if (mark == std::string_view::npos || range.size() == kBarcodeLength) {
        TL_CHECK(marking_of(range));
        return std::vector{std::string(range)};
    }
    // A barcode may hold dots itself, so the ends are where their lengths say.
    if (range.size() != 2 * kBarcodeLength + kRangeMark.size() ||
        range.substr(kBarcodeLength, kRangeMark.size()) != kRangeMark) {
        return refused(range, "a range is two barcodes of 8 characters, as in TL0001L9..TL0020L9");
    }
    const auto first = range.substr(0, kBarcodeLength);
    const auto last = range.substr(kBarcodeLength + kRangeMark.size());
    TL_CHECK(marking_of(first));
    TL_CHECK(marking_of(last));
    const auto suffix = first.substr(kVolumeLength);
    if (suffix != last.substr(kVolumeLength)) {
        return refused(range, "both ends must be of the same generation");
    }
    const auto width = trailing_digits(first.substr(0, kVolumeLength));
    const auto prefix = first.substr(0, kVolumeLength - width);
    const auto last_digits = last.substr(prefix.size(), width);
    if (width == 0 || last.substr(0, prefix.size()) != prefix ||
        trailing_digits(last_digits) != width) {
        return refused(range,
                       "both ends must have the same letters in front and as many digits behind");
    }
    const auto from = number_of(first.substr(prefix.size(), width));
    const auto to = number_of(last_digits);
    if (to < from) {
        return refused(range, "the range ends before it begins");
    }
    if (to - from >= kBarcodesInRangeMax) {
        return refused(
            range, "a range holds at most " + std::to_string(kBarcodesInRangeMax) + " cartridges");
    }
    std::vector<std::string> barcodes;
    for (auto number = from; number <= to; ++number) {
        barcodes.push_back(std::string(prefix) + padded(number, width) + std::string(suffix));
    }
    return barcodes;
}

}  // namespace tapeloft::media
