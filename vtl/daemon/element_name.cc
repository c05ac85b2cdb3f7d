#include "vtl/daemon/element_name.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tapeloft::vtl::daemon {
namespace {

struct KindRow {
    media::ElementKind kind;
    std::string_view prefix;
    std::uint32_t first;  ///< the number of index 0
};

constexpr auto kKinds = std::to_array<KindRow>({
    {media::ElementKind::storage, "slot", 1},
    {media::ElementKind::import_export, "mail", 1},
    {media::ElementKind::drive, "drive", 0},
});

}  // namespace

std::string element_name(media::Element element) {
    if (element == media::kOutside) {
        return "outside";
    }
    const auto* const row =
        std::find_if(kKinds.begin(), kKinds.end(),
                     [element](const KindRow& each) { return each.kind == element.kind; });
    TL_ASSERT(row != kKinds.end());
    return std::string(row->prefix) + std::to_string(std::uint64_t{element.index} + row->first);
}

Result<media::Element> parse_element_name(std::string_view name) {
    for (const auto& row : kKinds) {
        if (!name.starts_with(row.prefix)) {
            continue;
        }
        const auto digits = name.substr(row.prefix.size());
        std::uint32_t number = 0;
        const auto* const end = digits.data() + digits.size();
        const auto [stop, code] = std::from_chars(digits.data(), end, number);
        if (code == std::errc{} && stop == end && number >= row.first) {
            return media::Element{row.kind, number - row.first};
        }
    }
    return Error{Errc::invalid_argument,
                 "\"" + std::string(name.substr(0, 40)) +
                     "\" is no element; allowed: drive0, drive1, ... (from 0), slot1, slot2, ..., "
                     "mail1, mail2, ... (from 1)"};
}

}  // namespace tapeloft::vtl::daemon
