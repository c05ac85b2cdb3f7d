#include "media/pbs/json.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kDepthMax = 64;

bool is_too_deep(std::string_view text) noexcept {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kDepthMax) {
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

Error wrong_member(const char* name, const char* expected) {
    return {Errc::corrupt,
            "its JSON has no " + std::string(expected) + " \"" + std::string(name) + "\""};
}

}  // namespace

Result<PbsJson> parse_json_object(std::string_view what, ByteView bytes) {
    const auto text = as_text(bytes);
    if (!is_too_deep(text)) {
        auto json = PbsJson::parse(text, nullptr, false);
        if (json.is_object()) {
            return json;
        }
    }
    return Error{Errc::corrupt, std::string(what) + " is no JSON object"};
}

Result<std::string> json_text(const PbsJson& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end() || !at->is_string()) {
        return wrong_member(name, "text");
    }
    return at->get<std::string>();
}

Result<std::int64_t> json_integer(const PbsJson& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end() || !at->is_number_integer()) {
        return wrong_member(name, "integer");
    }
    return at->get<std::int64_t>();
}

Result<std::uint64_t> json_unsigned(const PbsJson& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end() || !at->is_number_unsigned()) {
        return wrong_member(name, "whole number");
    }
    return at->get<std::uint64_t>();
}

Result<std::optional<std::string>> json_optional_text(const PbsJson& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end() || at->is_null()) {
        return std::optional<std::string>();
    }
    TL_TRY(auto text, json_text(object, name));
    return std::optional(std::move(text));
}

}  // namespace tapeloft::media
