#include "cloud/store/ranged_answer.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

/// The three numbers of "bytes 0-9/100" (RFC 9110 §14.4).
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t size = 0;
};

bool take_number(std::string_view& text, char behind, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (behind == '\0') {
        return text.empty();
    }
    if (!text.starts_with(behind)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    ContentRange range;
    if (!text.starts_with(kUnit)) {
        return std::nullopt;
    }
    text.remove_prefix(kUnit.size());
    return take_number(text, '-', range.first) && take_number(text, '/', range.last) &&
                   take_number(text, '\0', range.size)
               ? std::optional(range)
               : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> content_length(const HttpResponse& response) {
    auto text = response.header("content-length").value_or("");
    std::uint64_t value = 0;
    return take_number(text, '\0', value) ? std::optional(value) : std::nullopt;
}

std::string range_header(const ByteRange& range) {
    return "bytes=" + std::to_string(range.offset) + "-" +
           (range.length ? std::to_string(range.offset + *range.length - 1) : "");
}

Result<Buffer> checked_part(HttpResponse response, const ByteRange& range,
                            const std::string& name) {
    const auto part = parse_content_range(response.header("content-range").value_or(""));
    if (!part || part->first != range.offset || part->last < part->first ||
        part->last >= part->size || response.body.size() != part->last - part->first + 1) {
        return Error{Errc::transient,
                     "get " + name + ": the store answers another range than was asked for"};
    }
    TL_TRY(const auto length, length_of_range(range, part->size, name));
    if (response.body.size() != length) {
        return Error{Errc::transient, "get " + name + ": the store's answer is short"};
    }
    return std::move(response.body);
}

}  // namespace tapeloft
