// What is on cartridges: read without a drive, copied to another library.
#include <array>
#include <charconv>

#include "cloud/base/call_on.h"

#include "vtl/daemon/cartridge_copy.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/daemon/rest_call.h"
#include "vtl/daemon/tape_file_body.h"

namespace tapeloft::vtl::daemon {
namespace {

template <typename Number>
Result<Number> number_parameter(const RestTarget& target, const std::string& name) {
    const auto text = target.parameter(name).value_or("0");
    Number number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    if (code != std::errc{} || stop != end) {
        return Error{Errc::invalid_argument,
                     "the parameter " + name + " is a number from 0, not \"" + text + "\""};
    }
    return number;
}

Awaitable<Result<std::unique_ptr<RestBody>>> get_data(Call call) {
    TapeFile where;
    TL_CO_TRY(where.partition, number_parameter<std::uint32_t>(call.target, "partition"));
    TL_CO_TRY(where.file, number_parameter<std::uint64_t>(call.target, "file"));
    TL_CO_CHECK(co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto lending = changer->lend_cartridge(call.barcode);
    TL_CO_TRY(auto cartridge, co_await call_on(changer->executor(), std::move(lending)));
    co_return co_await TapeFileBody::open(changer->store(), std::move(cartridge), where);
}

Result<const ServedLibrary*> library_member(const Call& call, const std::string& member) {
    TL_TRY(const auto name, text_member(call.body, member));
    for (const auto& library : call.system->libraries) {
        if (library.name == name) {
            return &library;
        }
    }
    return Error{Errc::not_found, "there is no library \"" + name + "\""};
}

Awaitable<Result<Json>> post_copy(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"to_library", "move"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    CopyRequest request;
    request.from = call.library;
    TL_CO_TRY(request.to, library_member(call, "to_library"));
    TL_CO_TRY(request.move, flag_member(call.body, "move"));
    TL_CO_CHECK(check_readable(request.to->drive_model, call.barcode));
    request.barcode = call.barcode;
    request.go_on = call.system->ready;
    const bool moved = request.move;
    TL_CO_TRY(const auto copy, co_await copy_cartridge(std::move(request)));
    Json json;
    json["library"] = copy.library;
    json["moved"] = moved;
    json["cartridge"] = to_json(copy);
    co_return json;
}

constexpr auto kRoutes = std::to_array<Route>({
    {"GET", "v1/cartridges/{barcode}/data", Scope::library, "partition", 200, nullptr, &get_data,
     "file"},
    {"POST", "v1/cartridges/{barcode}/copy", Scope::library, "", 201, &post_copy},
});

}  // namespace

std::span<const Route> transfer_routes() noexcept {
    return kRoutes;
}

}  // namespace tapeloft::vtl::daemon
