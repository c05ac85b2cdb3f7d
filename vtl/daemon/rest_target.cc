#include "vtl/daemon/rest_target.h"

#include "cloud/base/percent.h"

namespace tapeloft::vtl::daemon {
namespace {

Result<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto byte = percent_byte(text.substr(i));
        if (!byte) {
            return Error{Errc::invalid_argument, "the request target has a bad percent-encoding"};
        }
        decoded += static_cast<char>(*byte);
        i += 2;
    }
    return decoded;
}

/// Calls take(part) for the parts of `text` between separators.
template <typename Take>
Result<void> split(std::string_view text, char separator, Take take) {
    for (;;) {
        const auto end = text.find(separator);
        TL_CHECK(take(text.substr(0, end)));
        if (end == std::string_view::npos) {
            return {};
        }
        text.remove_prefix(end + 1);
    }
}

}  // namespace

std::optional<std::string> RestTarget::parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) {
            return value;
        }
    }
    return std::nullopt;
}

Result<RestTarget> parse_rest_target(std::string_view target) {
    if (!target.starts_with('/')) {
        return Error{Errc::invalid_argument, "the request target is not an absolute path"};
    }
    RestTarget parsed;
    const auto question = target.find('?');
    TL_CHECK(split(target.substr(1, question == std::string_view::npos ? question : question - 1),
                   '/', [&parsed](std::string_view part) -> Result<void> {
                       TL_TRY(auto segment, percent_decoded(part));
                       parsed.segments.push_back(std::move(segment));
                       return {};
                   }));
    if (question == std::string_view::npos) {
        return parsed;
    }
    TL_CHECK(
        split(target.substr(question + 1), '&', [&parsed](std::string_view part) -> Result<void> {
            const auto equals = part.find('=');
            const auto raw =
                equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
            TL_TRY(auto key, percent_decoded(part.substr(0, equals)));
            TL_TRY(auto value, percent_decoded(raw));
            if (parsed.parameter(key)) {
                return Error{Errc::invalid_argument, "the parameter " + key + " is given twice"};
            }
            parsed.query.emplace_back(std::move(key), std::move(value));
            return {};
        }));
    return parsed;
}

}  // namespace tapeloft::vtl::daemon
