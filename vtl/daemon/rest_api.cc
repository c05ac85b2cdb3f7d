#include "vtl/daemon/rest_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "cloud/base/call_on.h"

#include "media/library/barcode.h"

#include "vtl/daemon/config_value.h"
#include "vtl/daemon/element_name.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/daemon/rest_json.h"
#include "vtl/daemon/rest_target.h"

namespace tapeloft::vtl::daemon {
namespace {

using library::ElementView;

/// One request, checked against its row.
struct Call {
    const ServedSystem* system = nullptr;
    const ServedLibrary* library = nullptr;  ///< the one that the request means; null where none is
    RestTarget target;
    std::string barcode;  ///< from the path
    Json body;            ///< an object; empty for GET
};

using Handler = Awaitable<Result<Json>> (*)(Call call);

Awaitable<std::vector<ElementView>> snapshot_on_strand(library::MediaChanger* changer) {
    co_return changer->snapshot();
}

Awaitable<std::vector<ElementView>> elements_of(const ServedLibrary* library) {
    co_return co_await call_on(library->changer->executor(), snapshot_on_strand(library->changer));
}

Awaitable<Json> drives_of(const ServedLibrary* library) {
    auto drives = Json::array();
    for (auto* const drive : library->drives) {
        const auto status = co_await drive->status();
        drives.push_back(to_json(status));
    }
    co_return drives;
}

using Cartridges = std::vector<media::CartridgeRecord>;

Awaitable<Cartridges> cartridges_on_strand(library::MediaChanger* changer) {
    co_return changer->cartridges();
}

/// In order of barcode, also those outside of the library.
Awaitable<Cartridges> cartridges_of(const ServedLibrary* library) {
    co_return co_await call_on(library->changer->executor(),
                               cartridges_on_strand(library->changer));
}

Awaitable<std::optional<media::CartridgeRecord>> cartridge_on_strand(library::MediaChanger* changer,
                                                                     std::string barcode) {
    co_return changer->cartridge(barcode);
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

Awaitable<library::MailSlots> mail_slots_on_strand(library::MediaChanger* changer) {
    co_return changer->mail_slots();
}

Awaitable<Json> mail_slots_of(const ServedLibrary* library) {
    auto lookup = mail_slots_on_strand(library->changer);
    const auto state = co_await call_on(library->changer->executor(), std::move(lookup));
    Json json;
    json["open"] = state.open;
    json["locked"] = state.locked;
    co_return json;
}

/// The members of a request's body; every other is refused.
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

// The handlers.

Awaitable<Json> library_summary(const ServedLibrary* library) {
    const auto cartridges = co_await cartridges_of(library);
    const auto outside = std::count_if(cartridges.begin(), cartridges.end(), [](const auto& each) {
        return each.element == media::kOutside;
    });
    const auto& counts = library->changer->element_counts();
    Json json;
    json["name"] = library->name;
    json["target"] = library->target_name;
    json["changer_serial"] = library->changer_serial;
    json["drive_model"] = library->drive_model;
    json["slots"] = counts.storage;
    json["import_export_slots"] = counts.import_export;
    json["mail_slots"] = co_await mail_slots_of(library);
    json["cartridges"] = cartridges.size();
    json["cartridges_outside"] = outside;
    json["spool"]["used"] = library->spool->used();
    json["spool"]["limit"] = library->spool->limit();
    json["drives"] = co_await drives_of(library);
    co_return json;
}

Awaitable<Result<Json>> get_status(Call call) {
    const auto uptime = std::chrono::steady_clock::now() - call.system->started;
    Json json;
    json["version"] = TAPELOFT_VERSION;
    json["uptime_s"] = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    json["ready"] = call.system->ready();
    json["portals"] = Json::array();
    for (const auto& endpoint : call.system->portals) {
        json["portals"].push_back(format_endpoint(endpoint));
    }
    json["libraries"] = Json::array();
    for (const auto& library : call.system->libraries) {
        auto summary = co_await library_summary(&library);
        json["libraries"].push_back(std::move(summary));
    }
    json["sessions"] = Json::array();
    for (const auto& session : call.system->sessions()) {
        json["sessions"].push_back(to_json(session));
    }
    co_return json;
}

Awaitable<Result<Json>> get_library(Call call) {
    const auto elements = co_await elements_of(call.library);
    Json json;
    json["library"] = call.library->name;
    json["target"] = call.library->target_name;
    json["mail_slots"] = co_await mail_slots_of(call.library);
    json["elements"] = Json::array();
    for (const auto& view : elements) {
        json["elements"].push_back(to_json(view));
    }
    co_return json;
}

Awaitable<Result<Json>> get_drives(Call call) {
    Json json;
    json["library"] = call.library->name;
    json["drives"] = co_await drives_of(call.library);
    co_return json;
}

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
    co_return to_json(record);
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
    if (body.contains("worm")) {
        if (!body.at("worm").is_boolean()) {
            return Error{Errc::invalid_argument, "the member worm is true or false"};
        }
        arguments.worm = body.at("worm").get<bool>();
    }
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

Awaitable<Result<Json>> post_mail(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"open"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    if (!call.body.contains("open") || !call.body["open"].is_boolean()) {
        co_return Error{Errc::invalid_argument, "the member \"open\" must be true or false"};
    }
    auto* const changer = call.library->changer;
    auto change =
        call.body["open"].get<bool>() ? changer->open_mail_slots() : changer->close_mail_slots();
    TL_CO_CHECK(co_await call_on(changer->executor(), std::move(change)));
    Json json;
    json["library"] = call.library->name;
    json["mail_slots"] = co_await mail_slots_of(call.library);
    co_return json;
}

Awaitable<Result<Json>> get_events(Call call) {
    const auto text = call.target.parameter("after").value_or("0");
    std::uint64_t after = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, after);
    if (code != std::errc{} || stop != end) {
        co_return Error{Errc::invalid_argument,
                        "the parameter after is the sequence number of an event"};
    }
    Json json;
    json["events"] = Json::array();
    for (const auto& event : call.system->events->events_after(after)) {
        json["events"].push_back(to_json(event));
    }
    co_return json;
}

// The table.

enum class Scope : std::uint8_t { system, library };

struct Route {
    std::string_view method;
    std::string_view path;       ///< segments; the one in braces is the barcode
    Scope scope;                 ///< library: takes the parameter `library`
    std::string_view parameter;  ///< one more, or none
    unsigned success;            ///< HTTP status
    Handler handler;
};

constexpr auto kRoutes = std::to_array<Route>({
    // clang-format off
    {"GET",    "v1/status",               Scope::system,  "",        200, &get_status},
    {"GET",    "v1/library",              Scope::library, "",        200, &get_library},
    {"GET",    "v1/drives",               Scope::library, "",        200, &get_drives},
    {"GET",    "v1/cartridges",           Scope::library, "",        200, &get_cartridges},
    {"POST",   "v1/cartridges",           Scope::library, "",        201, &post_cartridges},
    {"GET",    "v1/cartridges/{barcode}", Scope::library, "",        200, &get_cartridge},
    {"DELETE", "v1/cartridges/{barcode}", Scope::library, "dry_run", 200, &delete_cartridge},
    {"POST",   "v1/cartridges/{barcode}/protect",   Scope::library, "", 200, &post_protect},
    {"POST",   "v1/cartridges/{barcode}/unprotect", Scope::library, "", 200, &post_unprotect},
    {"POST",   "v1/cartridges/{barcode}/export", Scope::library, "", 200, &post_export},
    {"POST",   "v1/cartridges/{barcode}/import", Scope::library, "", 200, &post_import},
    {"POST",   "v1/changer/move",         Scope::library, "",        200, &post_move},
    {"POST",   "v1/changer/mail",         Scope::library, "",        200, &post_mail},
    {"GET",    "v1/events",               Scope::system,  "after",   200, &get_events},
    // clang-format on
});

struct StatusRow {
    Errc code;
    unsigned status;
};

constexpr auto kStatuses = std::to_array<StatusRow>({
    // RFC 9110, 15
    {Errc::invalid_argument, 400},
    {Errc::denied, 403},
    {Errc::not_found, 404},
    {Errc::already_exists, 409},
    {Errc::precondition, 409},
    {Errc::busy, 409},
    {Errc::unsupported, 422},
    {Errc::cancelled, 503},
    {Errc::throttled, 503},
    {Errc::transient, 503},
    {Errc::no_space, 507},
});

RestResponse refusal(const Error& error) {
    const auto* const row =
        std::find_if(kStatuses.begin(), kStatuses.end(),
                     [&error](const StatusRow& each) { return each.code == error.code; });
    RestResponse response;
    response.status = row == kStatuses.end() ? 500 : row->status;
    response.body = to_text(to_json(error));
    return response;
}

/// True if the path is the route's; then `barcode` is what stands for {barcode}.
bool matches(std::string_view pattern, const std::vector<std::string>& segments,
             std::string& barcode) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const auto slash = pattern.find('/');
        const auto expected = pattern.substr(0, slash);
        if (expected == "{barcode}") {
            barcode = segments[i];
        } else if (expected != segments[i]) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return i + 1 == segments.size();
        }
        pattern.remove_prefix(slash + 1);
    }
    return false;
}

Result<const ServedLibrary*> chosen_library(const ServedSystem& system, const RestTarget& target) {
    const auto name = target.parameter("library");
    if (!name && system.libraries.size() == 1) {
        return &system.libraries.front();
    }
    std::string known;
    for (const auto& library : system.libraries) {
        if (name == library.name) {
            return &library;
        }
        known += (known.empty() ? "" : ", ") + library.name;
    }
    if (!name) {
        return Error{Errc::invalid_argument,
                     "there are several libraries; say which by the parameter library (tapeloft: "
                     "--library): " +
                         known};
    }
    return Error{Errc::not_found, "there is no library \"" + *name + "\"; there are: " + known};
}

Result<void> check_parameters(const Route& route, const RestTarget& target) {
    for (const auto& [key, value] : target.query) {
        const bool known = (key == "library" && route.scope == Scope::library) ||
                           (key == route.parameter && !key.empty());
        if (!known) {
            return Error{Errc::invalid_argument, "unknown parameter \"" + key + "\""};
        }
    }
    return {};
}

Result<Json> parse_body(const Route& route, const std::string& body) {
    if (route.method != "POST") {
        return body.empty() ? Result<Json>(Json::object())
                            : Error{Errc::invalid_argument, "this request takes no body"};
    }
    auto json = Json::parse(body, nullptr, false);
    if (!json.is_object()) {
        return Error{Errc::invalid_argument, "the body must be a JSON object"};
    }
    return json;
}

Result<Call> checked_call(const ServedSystem& system, const Route& route, RestTarget target,
                          const std::string& body) {
    Call call;
    call.system = &system;
    TL_CHECK(check_parameters(route, target));
    if (route.scope == Scope::library) {
        TL_TRY(call.library, chosen_library(system, target));
    }
    TL_TRY(call.body, parse_body(route, body));
    call.target = std::move(target);
    return call;
}

}  // namespace

Awaitable<RestResponse> RestApi::handle(RestRequest request) const {
    auto target = parse_rest_target(request.target);
    if (!target) {
        co_return refusal(target.error());
    }
    std::string allow;
    for (const auto& route : kRoutes) {
        std::string barcode;
        if (!matches(route.path, target->segments, barcode)) {
            continue;
        }
        if (route.method != request.method) {
            allow += (allow.empty() ? "" : ", ") + std::string(route.method);
            continue;
        }
        auto call = checked_call(served_, route, std::move(*target), request.body);
        if (!call) {
            co_return refusal(call.error());
        }
        call->barcode = std::move(barcode);
        const auto done = co_await route.handler(std::move(*call));
        if (!done) {
            co_return refusal(done.error());
        }
        RestResponse response;
        response.status = route.success;
        response.body = to_text(*done);
        co_return response;
    }
    auto response = refusal({Errc::not_found, "there is no resource " + request.target});
    if (!allow.empty()) {
        response = refusal({Errc::unsupported, request.method + " is not possible here"});
        response.status = 405;
        response.allow = std::move(allow);
    }
    co_return response;
}

}  // namespace tapeloft::vtl::daemon
