#include "media/pbs/identifiers.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kNameMax = 256;
constexpr std::size_t kNamespaceDepthMax = 7;
constexpr std::size_t kTimeLength = 20;
constexpr std::string_view kTimeShape = "dddd-dd-ddTdd:dd:ddZ";

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_time_shape(std::string_view text) noexcept {
    return text.size() == kTimeLength &&
           std::equal(text.begin(), text.end(), kTimeShape.begin(), [](char c, char shape) {
               return shape == 'd' ? c >= '0' && c <= '9' : c == shape;
           });
}

std::optional<std::int64_t> parse_time(std::string_view text) noexcept {
    if (!has_time_shape(text)) {
        return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t length) {
        unsigned value = 0;
        std::from_chars(text.data() + at, text.data() + at + length, value);
        return value;
    };
    namespace chrono = std::chrono;
    const chrono::year_month_day day{chrono::year(static_cast<int>(number(0, 4))),
                                     chrono::month(number(5, 2)), chrono::day(number(8, 2))};
    if (!day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) {
        return std::nullopt;
    }
    const auto time = chrono::sys_days(day) + chrono::hours(number(11, 2)) +
                      chrono::minutes(number(14, 2)) + chrono::seconds(number(17, 2));
    return chrono::duration_cast<chrono::seconds>(time.time_since_epoch()).count();
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto slash = text.find('/');
        parts.push_back(text.substr(0, slash));
        if (slash == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(slash + 1);
    }
}

Error no_snapshot(std::string_view text) {
    return {Errc::invalid_argument, "\"" + std::string(text.substr(0, kNameMax)) +
                                        "\" is no snapshot; expected [ns/NAME/...]TYPE/ID/TIME, as "
                                        "vm/100/2024-06-05T07:04:24Z"};
}

}  // namespace

std::string uuid_text(const PbsUuid& uuid) {
    auto text = to_hex(uuid);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) {
        text.insert(at, "-");
    }
    return text;
}

std::optional<PbsUuid> parse_uuid(std::string_view text) noexcept {
    std::array<char, 32> digits{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') {
                return std::nullopt;
            }
        } else if (count < digits.size()) {
            const char c = text[i];
            digits.at(count++) = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        } else {
            return std::nullopt;
        }
    }
    PbsUuid uuid{};
    if (count != digits.size() || !from_hex({digits.data(), digits.size()}, uuid)) {
        return std::nullopt;
    }
    return uuid;
}

bool is_pbs_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= kNameMax && is_alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

std::string SnapshotName::group_path() const {
    std::string path;
    for (const auto& name : namespaces) {
        path += "ns/" + name + "/";
    }
    return path + type + "/" + id;
}

std::string SnapshotName::text() const {
    return group_path() + "/" + time;
}

std::string SnapshotName::namespace_text() const {
    std::string text;
    for (const auto& name : namespaces) {
        text += (text.empty() ? "" : "/") + name;
    }
    return text;
}

Result<SnapshotName> parse_snapshot_name(std::string_view text) {
    if (text.size() > 8 * kNameMax) {
        return no_snapshot(text);
    }
    const auto parts = split(text);
    if (parts.size() < 3 || parts.size() % 2 == 0 || parts.size() > 3 + 2 * kNamespaceDepthMax) {
        return no_snapshot(text);
    }
    SnapshotName name;
    for (std::size_t i = 0; i + 3 < parts.size(); i += 2) {
        if (parts[i] != "ns" || !is_pbs_name(parts[i + 1])) {
            return no_snapshot(text);
        }
        name.namespaces.emplace_back(parts[i + 1]);
    }
    name.type = parts[parts.size() - 3];
    name.id = parts[parts.size() - 2];
    name.time = parts.back();
    const auto time = parse_time(name.time);
    if ((name.type != "vm" && name.type != "ct" && name.type != "host") || !is_pbs_name(name.id) ||
        !time) {
        return no_snapshot(text);
    }
    name.time_s = *time;
    return name;
}

Result<SnapshotReference> parse_snapshot_reference(std::string_view text) {
    // The time is what has a shape that nothing else in it can have.
    std::size_t end = 0;
    for (auto slash = text.find('/'); slash != std::string_view::npos;
         slash = text.find('/', slash + 1)) {
        if (has_time_shape(text.substr(slash + 1, kTimeLength))) {
            end = slash + 1 + kTimeLength;
            break;
        }
    }
    if (end == 0 || (end < text.size() && text[end] != ':')) {
        return no_snapshot(text);
    }
    SnapshotReference reference;
    reference.archive = end < text.size() ? text.substr(end + 1) : "";
    auto name = text.substr(0, end);
    const auto colon = name.substr(0, name.size() - kTimeLength).find(':');
    if (colon != std::string_view::npos) {
        reference.store = name.substr(0, colon);
        name.remove_prefix(colon + 1);
    }
    if ((colon != std::string_view::npos && !is_pbs_name(reference.store)) ||
        (end < text.size() && reference.archive.empty())) {
        return no_snapshot(text);
    }
    TL_TRY(reference.snapshot, parse_snapshot_name(name));
    return reference;
}

std::optional<SnapshotFileKind> snapshot_file_kind(std::string_view name) noexcept {
    if (!is_pbs_name(name)) {
        return std::nullopt;
    }
    if (name.ends_with(".blob")) {
        return SnapshotFileKind::blob;
    }
    if (name.ends_with(".fidx")) {
        return SnapshotFileKind::fixed_index;
    }
    if (name.ends_with(".didx")) {
        return SnapshotFileKind::dynamic_index;
    }
    return std::nullopt;
}

}  // namespace tapeloft::media
