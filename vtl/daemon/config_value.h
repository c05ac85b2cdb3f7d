// Typed values out of TOML nodes; every error says file, line, key, what was found and what is
// allowed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "cloud/base/result.h"

#include "vtl/net/portal.h"

namespace tapeloft::vtl::daemon {

/// One key of the file with its value. Lives as long as the parsed file.
struct ConfigField {
    const std::string& file;
    std::string path;  ///< "library.drives"
    const toml::node& node;

    /// "file:line: path: message".
    [[nodiscard]] Error error(std::string_view message) const;
    /// "... found <the value>; allowed: <allowed>".
    [[nodiscard]] Error not_allowed(std::string_view allowed) const;
    [[nodiscard]] std::size_t line() const noexcept { return node.source().begin.line; }
};

/// A number of bytes: "16GiB", "100GB", "1048576". Units B, kB, KiB to TB, TiB; no fractions.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
/// The shortest exact form of it: "16GiB", "100GB", "1000001".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// A numeric address and a port: "127.0.0.1:3260", "[::1]:3260".
[[nodiscard]] Result<net::Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string format_endpoint(const net::Endpoint& endpoint);

[[nodiscard]] Result<std::string> text_value(const ConfigField& field, std::string_view allowed);
[[nodiscard]] Result<std::uint32_t> integer_value(const ConfigField& field, std::uint32_t least,
                                                  std::uint32_t most);
/// A size as a string with a unit, or a plain integer of bytes.
[[nodiscard]] Result<std::uint64_t> size_value(const ConfigField& field, std::uint64_t least,
                                               std::uint64_t most);
[[nodiscard]] Result<std::filesystem::path> absolute_path_value(const ConfigField& field);

}  // namespace tapeloft::vtl::daemon
