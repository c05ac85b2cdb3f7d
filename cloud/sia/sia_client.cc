#include "cloud/sia/sia_client.h"

#include <fstream>

#include "cloud/base/base64.h"
#include "cloud/base/percent.h"
#include "cloud/sia/sia_errors.h"

namespace tapeloft::sia {
namespace {

constexpr const char* kVariable = "RENTERD_API_PASSWORD";
constexpr std::size_t kPasswordMax = 1024;  ///< bytes

/// One line. Errors: denied, which never repeats what is in the file.
Result<std::string> password_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(kPasswordMax + 2, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.empty() || text.size() > kPasswordMax || text.find('\n') != std::string::npos) {
        return Error{Errc::denied, path +
                                       " cannot be read, or is not one line that holds the "
                                       "password of renterd's API"};
    }
    return text;
}

}  // namespace

Client::Client(Settings settings, HttpEngine& engine, Environment environment, StoreContext context)
    : settings_(std::move(settings)),
      engine_(engine),
      environment_(std::move(environment)),
      context_(std::move(context)) {}

Awaitable<Result<HttpResponse>> Client::send(Call call) {
    std::optional<std::string> password;
    {
        const std::lock_guard lock(mutex_);
        password = password_;
    }
    const bool is_fresh = !password;
    if (is_fresh) {
        TL_CO_TRY(password, co_await read_password());
    }
    auto request = request_of(call, *password);
    TL_CO_TRY(auto response, co_await engine_.send(std::move(request)));
    if (response.status != 401 || is_fresh) {
        co_return response;
    }
    TL_CO_TRY(const auto newer, co_await read_password());
    if (newer == *password) {
        co_return response;
    }
    request = request_of(call, newer);
    co_return co_await engine_.send(std::move(request));
}

Awaitable<Result<HttpResponse>> Client::send_for_success(Call call, std::string what) {
    TL_CO_TRY(auto response, co_await send(std::move(call)));
    if (!is_success(response)) {
        co_return error_of(response, what);
    }
    co_return response;
}

Awaitable<Result<std::string>> Client::read_password() {
    auto password = environment_(kVariable);
    if (!settings_.password_file.empty()) {
        auto job = [path = settings_.password_file] { return password_of(path); };
        auto disk = context_.disk;
        TL_CO_TRY(password, co_await run_on(std::move(disk), std::move(job)));
    }
    if (!password || password->empty()) {
        co_return Error{Errc::denied, std::string("there is no password for renterd's API: set ") +
                                          kVariable + ", or password_file in the URL"};
    }
    const std::lock_guard lock(mutex_);
    password_ = *password;
    co_return *password;
}

Awaitable<Result<void>> Client::find_bucket() {
    Call ask{.method = "GET", .path = "/bus/bucket/" + percent_encoded(settings_.bucket)};
    TL_CO_CHECK(co_await send_for_success(std::move(ask), "bucket " + settings_.bucket));
    co_return Result<void>();
}

HttpRequest Client::request_of(const Call& call, const std::string& password) const {
    HttpRequest request;
    request.method = call.method;
    request.url = settings_.endpoint + "/api" + call.path;
    char separator = '?';
    for (const auto& [name, value] : call.query) {
        request.url += separator + percent_encoded(name) + "=" + percent_encoded(value);
        separator = '&';
    }
    request.headers = call.headers;
    request.headers.push_back(
        {"authorization", "Basic " + to_base64(as_bytes(":" + password))});  // RFC 7617; no user
    request.body = call.body;
    request.response_max = call.response_max;
    return request;
}

}  // namespace tapeloft::sia
