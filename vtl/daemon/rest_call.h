// One request to the administration, checked against its row; and the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "vtl/daemon/rest_api.h"
#include "vtl/daemon/rest_json.h"
#include "vtl/daemon/rest_target.h"
#include "vtl/daemon/served_library.h"

namespace tapeloft::vtl::daemon {

struct Call {
    const ServedSystem* system = nullptr;
    const ServedLibrary* library = nullptr;  ///< the one that the request means; null where none is
    RestTarget target;
    std::string barcode;                   ///< from the path
    Json body;                             ///< an object; empty for GET
    std::shared_ptr<ClientMemory> memory;  ///< of the client; null: none
};

using Handler = Awaitable<Result<Json>> (*)(Call call);
/// Answers with bytes instead. What is refused at once is refused here.
using StreamHandler = Awaitable<Result<std::unique_ptr<RestBody>>> (*)(Call call);

enum class Scope : std::uint8_t { system, library };

struct Route {
    std::string_view method;
    std::string_view path;       ///< segments; the one in braces is the barcode
    Scope scope;                 ///< library: takes the parameter `library`
    std::string_view parameter;  ///< one more, or none
    unsigned success;            ///< HTTP status
    Handler handler;
    StreamHandler stream = nullptr;  ///< if there is one, it is called in place of handler
    std::span<const std::string_view> other_parameters = {};
};

/// Where several match a path, the first one counts.
[[nodiscard]] std::span<const Route> library_routes() noexcept;
[[nodiscard]] std::span<const Route> cartridge_routes() noexcept;
[[nodiscard]] std::span<const Route> transfer_routes() noexcept;
[[nodiscard]] std::span<const Route> archive_routes() noexcept;

// Members of a request's body. Errors: invalid_argument.

/// Every member that is not allowed is refused.
[[nodiscard]] Result<void> check_members(const Json& body,
                                         std::span<const std::string_view> allowed);
[[nodiscard]] Result<std::string> text_member(const Json& body, const std::string& name);
/// Bytes, or text such as "100GiB"; nothing: it is not there.
[[nodiscard]] Result<std::optional<std::uint64_t>> size_member(const Json& body,
                                                               const std::string& name);
/// A whole number from `min` to `max`; not there: `otherwise`.
[[nodiscard]] Result<std::uint64_t> number_member(const Json& body, const std::string& name,
                                                  std::uint64_t min, std::uint64_t max,
                                                  std::uint64_t otherwise);
/// Not there: false.
[[nodiscard]] Result<bool> flag_member(const Json& body, const std::string& name);

/// In order of barcode, also those outside of the library.
[[nodiscard]] Awaitable<std::vector<media::CartridgeRecord>> cartridges_of(
    const ServedLibrary* library);
/// What is stored, what is not yet, what it costs; null: the catalog cannot say.
[[nodiscard]] Awaitable<Json> archive_summary(const ServedLibrary* library);
[[nodiscard]] Awaitable<Json> cartridge_storage(const ServedLibrary* library,
                                                media::CartridgeId id);
/// Errors: not_found.
[[nodiscard]] Awaitable<Result<media::CartridgeRecord>> find_cartridge(const ServedLibrary* library,
                                                                       std::string barcode);

}  // namespace tapeloft::vtl::daemon
