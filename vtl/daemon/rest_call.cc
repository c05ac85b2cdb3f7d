#include "vtl/daemon/rest_call.h"

#include <algorithm>

#include "cloud/base/call_on.h"

#include "vtl/daemon/config_value.h"

namespace tapeloft::vtl::daemon {
namespace {

using Cartridges = std::vector<media::CartridgeRecord>;

Awaitable<Cartridges> cartridges_on_strand(library::MediaChanger* changer) {
    co_return changer->cartridges();
}

Awaitable<std::optional<media::CartridgeRecord>> cartridge_on_strand(library::MediaChanger* changer,
                                                                     std::string barcode) {
    co_return changer->cartridge(barcode);
}

}  // namespace

Awaitable<Cartridges> cartridges_of(const ServedLibrary* library) {
    co_return co_await call_on(library->changer->executor(),
                               cartridges_on_strand(library->changer));
}

Awaitable<Result<media::CartridgeRecord>> find_cartridge(const ServedLibrary* library,
                                                         std::string barcode) {
    auto lookup = cartridge_on_strand(library->changer, barcode);
    const auto found = co_await call_on(library->changer->executor(), std::move(lookup));
    if (!found) {
        co_return Error{Errc::not_found,
                        "library " + library->name + " has no cartridge \"" + barcode + "\""};
    }
    co_return *found;
}

Result<void> check_members(const Json& body, std::span<const std::string_view> allowed) {
    for (const auto& [key, value] : body.items()) {
        if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
            std::string names;
            for (const auto name : allowed) {
                names += (names.empty() ? "" : ", ") + std::string(name);
            }
            return Error{Errc::invalid_argument,
                         "unknown member \"" + key + "\"; allowed: " + names};
        }
    }
    return {};
}

Result<std::string> text_member(const Json& body, const std::string& name) {
    if (!body.contains(name) || !body[name].is_string()) {
        return Error{Errc::invalid_argument, "the member \"" + name + "\" must be a string"};
    }
    return body[name].get<std::string>();
}

Result<std::uint64_t> number_member(const Json& body, const std::string& name, std::uint64_t min,
                                    std::uint64_t max, std::uint64_t otherwise) {
    if (!body.contains(name)) {
        return otherwise;
    }
    const auto& value = body[name];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < min ||
        value.get<std::uint64_t>() > max) {
        return Error{Errc::invalid_argument,
                     "the member \"" + name + "\" must be a whole number from " +
                         std::to_string(min) + " to " + std::to_string(max)};
    }
    return value.get<std::uint64_t>();
}

Result<bool> flag_member(const Json& body, const std::string& name) {
    if (!body.contains(name)) {
        return false;
    }
    if (!body[name].is_boolean()) {
        return Error{Errc::invalid_argument, "the member \"" + name + "\" must be true or false"};
    }
    return body[name].get<bool>();
}

Result<std::optional<std::uint64_t>> size_member(const Json& body, const std::string& name) {
    if (!body.contains(name)) {
        return std::optional<std::uint64_t>{};
    }
    if (body[name].is_number_unsigned()) {
        return std::optional(body[name].get<std::uint64_t>());
    }
    TL_TRY(const auto text, text_member(body, name));
    TL_TRY(const auto size, parse_size(text));
    return std::optional(size);
}

}  // namespace tapeloft::vtl::daemon
