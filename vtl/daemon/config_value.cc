#include "vtl/daemon/config_value.h"

#include <array>
#include <charconv>
#include <limits>
#include <sstream>

#include <boost/asio/ip/address.hpp>

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kFoundLengthMax = 80;

struct SizeUnit {
    std::string_view name;
    std::uint64_t bytes;
};

// Largest first: format_size() takes the first that divides.
constexpr auto kSizeUnits = std::to_array<SizeUnit>({
    // clang-format off
    {"TiB", 1ULL << 40U}, {"TB", 1'000'000'000'000ULL},
    {"GiB", 1ULL << 30U}, {"GB", 1'000'000'000ULL},
    {"MiB", 1ULL << 20U}, {"MB", 1'000'000ULL},
    {"KiB", 1ULL << 10U}, {"kB", 1'000ULL},
    {"B",   1ULL},
    // clang-format on
});

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return node.is_array_of_tables() ? "an array of tables" : "an array";
        case toml::node_type::string:
            return "the string ";
        case toml::node_type::integer:
            return "the integer ";
        case toml::node_type::boolean:
            return "the boolean ";
        default:
            return "the value ";
    }
}

std::string describe(const toml::node& node) {
    std::string text(type_name(node));
    if (node.is_table() || node.is_array()) {
        return text;
    }
    std::ostringstream value;
    node.visit([&value](const auto& concrete) {
        if constexpr (toml::is_value<decltype(concrete)>) {
            value << concrete;
        }
    });
    auto printed = node.is_string() ? '"' + *node.value<std::string>() + '"' : value.str();
    if (printed.size() > kFoundLengthMax) {
        printed = printed.substr(0, kFoundLengthMax) + "...";
    }
    return text + printed;
}

Result<std::uint64_t> digits(std::string_view text) {
    std::uint64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || stop != end) {
        return Error{Errc::invalid_argument, "not a number"};
    }
    return value;
}

Error bad_size() {
    return {Errc::invalid_argument,
            "a size is a whole number with a unit (B, kB, KiB, MB, MiB, GB, GiB, TB, TiB), as in "
            "\"16GiB\""};
}

}  // namespace

Error ConfigField::error(std::string_view message) const {
    return {Errc::invalid_argument,
            file + ":" + std::to_string(line()) + ": " + path + ": " + std::string(message)};
}

Error ConfigField::not_allowed(std::string_view allowed) const {
    return error("found " + describe(node) + "; allowed: " + std::string(allowed));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto unit_at = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto unit = text.substr(unit_at);
    TL_TRY(const auto number, digits(text.substr(0, unit_at)));
    for (const auto& row : kSizeUnits) {
        if (unit == row.name || (unit.empty() && row.name == "B")) {
            if (number > std::numeric_limits<std::uint64_t>::max() / row.bytes) {
                return bad_size();
            }
            return number * row.bytes;
        }
    }
    return bad_size();
}

std::string format_size(std::uint64_t bytes) {
    for (const auto& row : kSizeUnits) {
        if (bytes != 0 && bytes % row.bytes == 0) {
            return std::to_string(bytes / row.bytes) + std::string(row.name);
        }
    }
    return "0B";
}

Result<net::Endpoint> parse_endpoint(std::string_view text) {
    const Error refused{Errc::invalid_argument, "not an address and a port"};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return refused;
    }
    auto host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const auto port = digits(text.substr(colon + 1));
    boost::system::error_code failed;
    const auto address = boost::asio::ip::make_address(std::string(host), failed);
    if (failed || !port || *port == 0 || *port > 65535 || address.is_v6() != bracketed) {
        return refused;
    }
    return net::Endpoint(address, static_cast<std::uint16_t>(*port));
}

std::string format_endpoint(const net::Endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
           std::to_string(endpoint.port());
}

Result<std::string> text_value(const ConfigField& field, std::string_view allowed) {
    auto value = field.node.is_string() ? field.node.value<std::string>() : std::nullopt;
    if (!value) {
        return field.not_allowed(allowed);
    }
    return *std::move(value);
}

Result<std::uint32_t> integer_value(const ConfigField& field, std::uint32_t least,
                                    std::uint32_t most) {
    const auto value = field.node.is_integer() ? field.node.value<std::int64_t>() : std::nullopt;
    if (!value || *value < std::int64_t{least} || *value > std::int64_t{most}) {
        return field.not_allowed("an integer from " + std::to_string(least) + " to " +
                                 std::to_string(most));
    }
    return static_cast<std::uint32_t>(*value);
}

Result<std::uint64_t> size_value(const ConfigField& field, std::uint64_t least,
                                 std::uint64_t most) {
    Result<std::uint64_t> size = bad_size();
    if (field.node.is_string()) {
        size = parse_size(*field.node.value<std::string>());
    } else if (field.node.is_integer() && *field.node.value<std::int64_t>() >= 0) {
        size = static_cast<std::uint64_t>(*field.node.value<std::int64_t>());
    }
    if (!size || *size < least || *size > most) {
        return field.not_allowed("a size from " + format_size(least) + " to " + format_size(most) +
                                 ", as bytes or with a unit (B, kB, KiB, MB, MiB, GB, GiB, TB, "
                                 "TiB), without a fraction");
    }
    return size;
}

Result<std::filesystem::path> absolute_path_value(const ConfigField& field) {
    constexpr std::string_view kAllowed = "an absolute path, as in \"/var/lib/tapeloft\"";
    TL_TRY(const auto text, text_value(field, kAllowed));
    const std::filesystem::path path(text);
    if (!path.is_absolute() || text.find('\0') != std::string::npos) {
        return field.not_allowed(kAllowed);
    }
    return path.lexically_normal();
}

}  // namespace tapeloft::vtl::daemon
