// The library as a whole: status, elements, drives, mail slots, events.
#include <algorithm>
#include <array>
#include <charconv>

#include "cloud/base/call_on.h"

#include "vtl/daemon/config_value.h"
#include "vtl/daemon/rest_call.h"

namespace tapeloft::vtl::daemon {
namespace {

using library::ElementView;

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
    json["spool"]["level"] = std::string(to_string(library->spool->level()));
    json["archive"] = co_await archive_summary(library);
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

constexpr auto kLibraryRoutes = std::to_array<Route>({
    // clang-format off
    {"GET",  "v1/status",       Scope::system,  "",      200, &get_status},
    {"GET",  "v1/library",      Scope::library, "",      200, &get_library},
    {"GET",  "v1/drives",       Scope::library, "",      200, &get_drives},
    {"POST", "v1/changer/mail", Scope::library, "",      200, &post_mail},
    {"GET",  "v1/events",       Scope::system,  "after", 200, &get_events},
    // clang-format on
});

}  // namespace

std::span<const Route> library_routes() noexcept {
    return kLibraryRoutes;
}

}  // namespace tapeloft::vtl::daemon
