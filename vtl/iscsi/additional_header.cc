#include "vtl/iscsi/additional_header.h"

#include <algorithm>
#include <cstddef>

#include "vtl/iscsi/layout.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::uint8_t kExtendedCdb = 1;              // 11.2.2.3
constexpr std::uint8_t kBidirectionalReadLength = 2;  // 11.2.2.4
constexpr std::size_t kFixedPart = 3;                 // AHSLength and AHSType

}  // namespace

AdditionalHeader classify_additional_header(ByteView segments) noexcept {
    auto worst = AdditionalHeader::none;
    while (!segments.empty()) {
        if (segments.size() < kAdditionalHeaderUnit) {
            return AdditionalHeader::malformed;
        }
        const std::size_t length = kFixedPart + layout::additional_header::kLength.load(segments);
        const auto padded = length + padding_of(length);
        if (padded > segments.size()) {
            return AdditionalHeader::malformed;
        }
        const auto type = layout::additional_header::kType.load(segments);
        const bool known = type == kExtendedCdb || type == kBidirectionalReadLength;
        worst = std::max(worst, known ? AdditionalHeader::known : AdditionalHeader::unknown);
        segments = segments.subspan(padded);
    }
    return worst;
}

}  // namespace tapeloft::vtl::iscsi
