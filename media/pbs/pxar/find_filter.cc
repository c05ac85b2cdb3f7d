#include "media/pbs/pxar/find_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

namespace tapeloft::media {
namespace {

Error invalid(std::string_view what, std::string_view text) {
    return {Errc::invalid_argument, "\"" + std::string(text) + "\" is no " + std::string(what)};
}

/// Nothing but digits, all of them.
template <typename Number>
bool parse_digits(std::string_view text, Number& number) {
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    return !text.empty() && text.front() != '-' && parsed.ec == std::errc() && parsed.ptr == end;
}

bool size_matches(const SizeRule& rule, std::uint64_t size) {
    switch (rule.order) {
        case SizeRule::Order::more:
            return size > rule.bytes;
        case SizeRule::Order::less:
            return size < rule.bytes;
        case SizeRule::Order::equal:
            break;
    }
    return size == rule.bytes;
}

std::string_view last_component(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

bool matches_itself(const PathSelection& selection, const std::string& path) {
    std::vector<bool> hits(selection.size());
    (void)selection.match(path, &hits);
    return std::ranges::find(hits, true) != hits.end();
}

}  // namespace

ListedFile listed(const PxarEntry& entry) {
    ListedFile file;
    file.path = entry.path;
    file.kind = entry.kind;
    file.target = entry.target;
    if (entry.kind == FileKind::hardlink) {
        return file;
    }
    if (entry.kind == FileKind::file) {
        file.size = entry.size;
    }
    file.mtime = entry.attributes.mtime;
    file.mode = entry.attributes.mode;
    file.uid = entry.attributes.uid;
    file.gid = entry.attributes.gid;
    return file;
}

bool matches(const FindFilter& filter, const ListedFile& file) {
    if (!filter.name.empty() && !glob_match(filter.name, last_component(file.path))) {
        return false;
    }
    if (filter.path && !matches_itself(*filter.path, file.path)) {
        return false;
    }
    if (!filter.kinds.empty() && std::ranges::find(filter.kinds, file.kind) == filter.kinds.end()) {
        return false;
    }
    if (filter.newer && !(file.mtime && *file.mtime > FileTime{*filter.newer, 0})) {
        return false;
    }
    if (filter.older && !(file.mtime && *file.mtime < FileTime{*filter.older, 0})) {
        return false;
    }
    return !filter.size || (file.size && size_matches(*filter.size, *file.size));
}

Result<SizeRule> parse_size_rule(std::string_view text) {
    static constexpr std::string_view kUnits = "kMGTP";
    SizeRule rule;
    auto digits = text;
    if (text.starts_with('+') || text.starts_with('-')) {
        rule.order = text.front() == '+' ? SizeRule::Order::more : SizeRule::Order::less;
        digits.remove_prefix(1);
    }
    unsigned shift = 0;
    if (!digits.empty() && kUnits.find(digits.back()) != std::string_view::npos) {
        shift = 10 * (static_cast<unsigned>(kUnits.find(digits.back())) + 1);
        digits.remove_suffix(1);
    }
    if (!parse_digits(digits, rule.bytes) ||
        rule.bytes > std::numeric_limits<std::uint64_t>::max() >> shift) {
        return invalid("size such as +10M, -4k or 512", text);
    }
    rule.bytes <<= shift;
    return rule;
}

Result<std::vector<FileKind>> parse_kinds(std::string_view text) {
    static constexpr std::array<std::pair<char, FileKind>, 8> kLetters = {{
        {'f', FileKind::file},
        {'f', FileKind::hardlink},
        {'d', FileKind::directory},
        {'l', FileKind::symlink},
        {'b', FileKind::block_device},
        {'c', FileKind::character_device},
        {'p', FileKind::fifo},
        {'s', FileKind::socket},
    }};
    std::vector<FileKind> kinds;
    for (std::size_t i = 0; i < text.size() || text.empty(); i += 2) {
        const auto before = kinds.size();
        for (const auto& [letter, kind] : kLetters) {
            if (!text.empty() && text[i] == letter) {
                kinds.push_back(kind);
            }
        }
        const bool ends = i + 1 == text.size();
        if (kinds.size() == before || !(ends || (text[i + 1] == ',' && i + 2 < text.size()))) {
            return invalid("list of types such as f,d,l", text);
        }
    }
    return kinds;
}

Result<std::int64_t> parse_time(std::string_view text) {
    std::int64_t seconds = 0;
    if (text.starts_with('@')) {
        const bool before_1970 = text.substr(1).starts_with('-');
        if (!parse_digits(text.substr(before_1970 ? 2 : 1), seconds)) {
            return invalid("time such as 2024-06-05T07:04:24Z or @1717571064", text);
        }
        return before_1970 ? -seconds : seconds;
    }
    // Digits where the pattern has 0; 'T' also stands for a space.
    static constexpr std::string_view kPattern = "0000-00-00T00:00:00";
    auto digits = text.ends_with('Z') && text.size() > 10 ? text.substr(0, text.size() - 1) : text;
    std::array<int, 6> fields{};
    bool good = digits.size() == 10 || digits.size() == 16 || digits.size() == kPattern.size();
    for (std::size_t i = 0, field = 0; good && i < digits.size(); ++i) {
        if (kPattern[i] == '0') {
            good = digits[i] >= '0' && digits[i] <= '9';
            fields[field] = fields[field] * 10 + (digits[i] - '0');
        } else {
            good = digits[i] == kPattern[i] || (kPattern[i] == 'T' && digits[i] == ' ');
            ++field;
        }
    }
    const auto day = std::chrono::year{fields[0]} / fields[1] / fields[2];
    if (!good || !day.ok() || fields[3] > 23 || fields[4] > 59 || fields[5] > 59) {
        return invalid("time such as 2024-06-05T07:04:24Z or @1717571064", text);
    }
    seconds = std::chrono::sys_days(day).time_since_epoch().count() * std::int64_t{86400};
    return seconds + fields[3] * 3600 + fields[4] * 60 + fields[5];
}

}  // namespace tapeloft::media
