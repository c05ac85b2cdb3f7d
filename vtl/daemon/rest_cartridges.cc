// Cartridges: what there are, made, moved, protected, removed.
#include <array>

#include "cloud/base/call_on.h"

#include "media/library/barcode.h"

#include "vtl/daemon/element_name.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/daemon/rest_call.h"

namespace tapeloft::vtl::daemon {
namespace {

Awaitable<Result<Json>> get_cartridges(Call call) {
    const auto records = co_await cartridges_of(call.library);
    Json json;
    json["library"] = call.library->name;
    json["cartridges"] = Json::array();
    for (const auto& record : records) {
        json["cartridges"].push_back(to_json(record));
    }
    co_return json;
}

Awaitable<Result<Json>> get_cartridge(Call call) {
    TL_CO_TRY(const auto record, co_await find_cartridge(call.library, call.barcode));
    auto json = to_json(record);
    json["storage"] = co_await cartridge_storage(call.library, record.id);
    co_return json;
}

struct CreateArguments {
    std::vector<std::string> barcodes;
    std::optional<std::uint64_t> capacity;
    std::optional<media::Element> first;
    bool worm = false;
};

Result<CreateArguments> create_arguments(const Json& body) {
    constexpr auto kMembers =
        std::to_array<std::string_view>({"barcodes", "capacity", "location", "worm"});
    TL_CHECK(check_members(body, kMembers));
    CreateArguments arguments;
    TL_TRY(const auto range, text_member(body, "barcodes"));
    TL_TRY(arguments.barcodes, media::expand_barcodes(range));
    TL_TRY(arguments.capacity, size_member(body, "capacity"));
    TL_TRY(arguments.worm, flag_member(body, "worm"));
    if (body.contains("location")) {
        TL_TRY(const auto name, text_member(body, "location"));
        TL_TRY(arguments.first, parse_element_name(name));
        if (arguments.first->kind == media::ElementKind::drive) {
            return Error{Errc::invalid_argument,
                         "a new cartridge cannot appear in a drive; allowed: slotN or mailN"};
        }
    }
    return arguments;
}

Awaitable<Result<Json>> post_cartridges(Call call) {
    TL_CO_TRY(auto arguments, create_arguments(call.body));
    for (const auto& barcode : arguments.barcodes) {
        TL_CO_CHECK(check_readable(call.library->drive_model, barcode));
    }
    auto* const changer = call.library->changer;
    auto creation = changer->create_cartridges(std::move(arguments.barcodes), arguments.capacity,
                                               arguments.first, arguments.worm);
    TL_CO_TRY(const auto records, co_await call_on(changer->executor(), std::move(creation)));
    Json json;
    json["library"] = call.library->name;
    json["cartridges"] = Json::array();
    for (const auto& record : records) {
        json["cartridges"].push_back(to_json(record));
    }
    co_return json;
}

Awaitable<Result<Json>> delete_cartridge(Call call) {
    const auto dry_run = call.target.parameter("dry_run").value_or("false");
    if (dry_run != "true" && dry_run != "false") {
        co_return Error{Errc::invalid_argument, "the parameter dry_run is \"true\" or \"false\""};
    }
    TL_CO_TRY(const auto record, co_await find_cartridge(call.library, call.barcode));
    if (record.element.kind == media::ElementKind::drive) {
        co_return Error{Errc::precondition, "cartridge " + record.barcode + " is in " +
                                                element_name(record.element) +
                                                "; move it to a slot first"};
    }
    Json json;
    json["library"] = call.library->name;
    if (dry_run == "false") {
        auto* const changer = call.library->changer;
        auto deletion = changer->delete_cartridge(record.barcode);
        TL_CO_CHECK(co_await call_on(changer->executor(), std::move(deletion)));
    }
    json[dry_run == "true" ? "would_delete" : "deleted"] = to_json(record);
    co_return json;
}

Awaitable<Result<Json>> set_write_protected(Call call, bool on) {
    TL_CO_CHECK(check_members(call.body, {}));
    auto* const changer = call.library->changer;
    auto change = changer->set_write_protected(call.barcode, on);
    TL_CO_CHECK(co_await call_on(changer->executor(), std::move(change)));
    TL_CO_TRY(const auto record, co_await find_cartridge(call.library, call.barcode));
    co_return to_json(record);
}

Awaitable<Result<Json>> post_protect(Call call) {
    return set_write_protected(std::move(call), true);
}

Awaitable<Result<Json>> post_unprotect(Call call) {
    return set_write_protected(std::move(call), false);
}

Awaitable<Result<Json>> post_move(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"barcode", "destination"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    TL_CO_TRY(const auto barcode, text_member(call.body, "barcode"));
    TL_CO_TRY(const auto name, text_member(call.body, "destination"));
    TL_CO_TRY(const auto destination, parse_element_name(name));
    TL_CO_TRY(const auto record, co_await find_cartridge(call.library, barcode));
    auto* const changer = call.library->changer;
    auto movement = changer->move(barcode, destination);
    TL_CO_CHECK(co_await call_on(changer->executor(), std::move(movement)));
    Json json;
    json["library"] = call.library->name;
    json["barcode"] = barcode;
    json["from"] = element_name(record.element);
    json["to"] = element_name(destination);
    co_return json;
}

Awaitable<Result<Json>> post_export(Call call) {
    TL_CO_CHECK(check_members(call.body, {}));
    TL_CO_TRY(const auto record, co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto exporting = changer->export_cartridge(call.barcode);
    TL_CO_TRY(const auto mail_slot, co_await call_on(changer->executor(), std::move(exporting)));
    Json json;
    json["library"] = call.library->name;
    json["barcode"] = call.barcode;
    json["from"] = element_name(record.element);
    json["mail_slot"] = element_name(mail_slot);
    json["to"] = element_name(media::kOutside);
    co_return json;
}

Awaitable<Result<Json>> post_import(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"mail_slot"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    std::optional<media::Element> wanted;
    if (call.body.contains("mail_slot")) {
        TL_CO_TRY(const auto name, text_member(call.body, "mail_slot"));
        TL_CO_TRY(wanted, parse_element_name(name));
        if (wanted->kind != media::ElementKind::import_export) {
            co_return Error{Errc::invalid_argument,
                            "a cartridge comes in by a mail slot; allowed: mailN"};
        }
    }
    auto* const changer = call.library->changer;
    auto importing = changer->import_cartridge(call.barcode, wanted);
    TL_CO_TRY(const auto mail_slot, co_await call_on(changer->executor(), std::move(importing)));
    Json json;
    json["library"] = call.library->name;
    json["barcode"] = call.barcode;
    json["from"] = element_name(media::kOutside);
    json["to"] = element_name(mail_slot);
    co_return json;
}

constexpr auto kCartridgeRoutes = std::to_array<Route>({
    // clang-format off
    {"GET",    "v1/cartridges",                     Scope::library, "",        200, &get_cartridges},
    {"POST",   "v1/cartridges",                     Scope::library, "",        201, &post_cartridges},
    {"GET",    "v1/cartridges/{barcode}",           Scope::library, "",        200, &get_cartridge},
    {"DELETE", "v1/cartridges/{barcode}",           Scope::library, "dry_run", 200, &delete_cartridge},
    {"POST",   "v1/cartridges/{barcode}/protect",   Scope::library, "",        200, &post_protect},
    {"POST",   "v1/cartridges/{barcode}/unprotect", Scope::library, "",        200, &post_unprotect},
    {"POST",   "v1/cartridges/{barcode}/export",    Scope::library, "",        200, &post_export},
    {"POST",   "v1/cartridges/{barcode}/import",    Scope::library, "",        200, &post_import},
    {"POST",   "v1/changer/move",                   Scope::library, "",        200, &post_move},
    // clang-format on
});

}  // namespace

std::span<const Route> cartridge_routes() noexcept {
    return kCartridgeRoutes;
}

}  // namespace tapeloft::vtl::daemon
