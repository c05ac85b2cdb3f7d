#include "vtl/daemon/rest_api.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>

#include "vtl/daemon/rest_call.h"

namespace tapeloft::vtl::daemon {
namespace {

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
        const auto& others = route.other_parameters;
        const bool known = (key == "library" && route.scope == Scope::library) ||
                           (!key.empty() && key == route.parameter) ||
                           std::find(others.begin(), others.end(), key) != others.end();
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
    std::set<std::string> members;
    std::string twice;
    const auto note = [&](int depth, Json::parse_event_t event, const Json& value) {
        constexpr int kMember = 1;
        if (event == Json::parse_event_t::key && depth == kMember &&
            !members.insert(value.get<std::string>()).second) {
            twice = value.get<std::string>();
        }
        return true;
    };
    auto json = Json::parse(body, note, false);
    if (!json.is_object()) {
        return Error{Errc::invalid_argument, "the body must be a JSON object"};
    }
    if (!twice.empty()) {
        return Error{Errc::invalid_argument, "the member \"" + twice + "\" is there twice"};
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

/// The route of a request, or the methods that the path has.
struct Found {
    const Route* route = nullptr;
    std::string barcode;
    std::string allow;
};

Found find_route(const std::string& method, const std::vector<std::string>& segments) {
    Found found;
    for (const auto table :
         {library_routes(), cartridge_routes(), transfer_routes(), archive_routes()}) {
        for (const auto& route : table) {
            std::string barcode;
            if (!matches(route.path, segments, barcode)) {
                continue;
            }
            if (route.method == method) {
                found.route = &route;
                found.barcode = std::move(barcode);
                return found;
            }
            found.allow += (found.allow.empty() ? "" : ", ") + std::string(route.method);
        }
    }
    return found;
}

}  // namespace

Awaitable<RestResponse> RestApi::handle(RestRequest request) const {
    auto target = parse_rest_target(request.target);
    if (!target) {
        co_return refusal(target.error());
    }
    auto found = find_route(request.method, target->segments);
    if (found.route == nullptr && found.allow.empty()) {
        co_return refusal({Errc::not_found, "there is no resource " + request.target});
    }
    if (found.route == nullptr) {
        auto response = refusal({Errc::unsupported, request.method + " is not possible here"});
        response.status = 405;
        response.allow = std::move(found.allow);
        co_return response;
    }
    auto call = checked_call(served_, *found.route, std::move(*target), request.body);
    if (!call) {
        co_return refusal(call.error());
    }
    call->barcode = std::move(found.barcode);
    call->memory = std::move(request.memory);
    if (found.route->stream != nullptr) {
        auto stream = co_await found.route->stream(std::move(*call));
        if (!stream) {
            co_return refusal(stream.error());
        }
        RestResponse response;
        response.status = found.route->success;
        response.stream = std::move(*stream);
        co_return response;
    }
    const auto done = co_await found.route->handler(std::move(*call));
    if (!done) {
        co_return refusal(done.error());
    }
    RestResponse response;
    response.status = found.route->success;
    response.body = to_text(*done);
    co_return response;
}

}  // namespace tapeloft::vtl::daemon
