#include "vtl/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::cli {
namespace {

/// Code points of UTF-8: bytes that are no continuation.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    TL_ASSERT(cells.size() == columns_.size());
    for (auto& cell : cells) {
        cell = printable(std::move(cell));
    }
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::vector<std::string>> lines(1);
    for (const auto& column : columns_) {
        lines.front().push_back(column.title);
    }
    lines.insert(lines.end(), rows_.begin(), rows_.end());
    std::vector<std::size_t> widths(columns_.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], width(line[i]));
        }
    }
    std::string out;
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string padding(widths[i] - width(line[i]), ' ');
            text += i == 0 ? "" : "  ";
            text += columns_[i].align == Align::right ? padding + line[i] : line[i] + padding;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + '\n';
    }
    return out;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        return std::to_string(bytes) + " B";
    }
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.95) {  // 999.96 would be printed as 1000.0
        value /= 1000;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits.at(unit));
    return text.data();
}

std::string time_text(std::int64_t unix_s) {
    const auto time = static_cast<std::time_t>(unix_s);
    std::tm local{};
    std::array<char, 32> text{};
    if (::localtime_r(&time, &local) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local) == 0) {
        return std::to_string(unix_s);
    }
    return text.data();
}

std::string duration_text(std::uint64_t seconds) {
    constexpr std::uint64_t kDay = 86'400;
    const auto part = [](std::uint64_t value) {
        return (value < 10 ? "0" : "") + std::to_string(value);
    };
    const auto rest = seconds % kDay;
    const auto clock = part(rest / 3600) + ":" + part(rest / 60 % 60) + ":" + part(rest % 60);
    return seconds < kDay ? clock : std::to_string(seconds / kDay) + " d " + clock;
}

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; }, '?');
    return text;
}

}  // namespace tapeloft::vtl::cli
