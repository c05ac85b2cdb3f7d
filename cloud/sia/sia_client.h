// Requests to renterd's native HTTP API, with its password.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/environment.h"
#include "cloud/http/http_engine.h"
#include "cloud/sia/sia_settings.h"
#include "cloud/store/store_context.h"

namespace tapeloft::sia {

struct Call {
    std::string method;
    std::string path;  ///< behind ENDPOINT/api, as it is sent
    /// Encoded when it is sent; "name" and "name=" are one to renterd.
    std::vector<std::pair<std::string, std::string>> query = {};
    std::vector<HttpHeader> headers = {};
    Buffer body = {};
    std::size_t response_max = 64UL * 1024;  ///< bytes
};

/// Any thread.
class Client {
  public:
    /// engine outlives the client. The file of the password is read on context.disk.
    Client(Settings settings, HttpEngine& engine, Environment environment, StoreContext context);

    /// The answer, whatever its status. Where the password is refused and has been changed
    /// meanwhile, it is sent once more. Errors: those of HttpEngine::send(); denied (there is no
    /// password; says where it was looked for).
    Awaitable<Result<HttpResponse>> send(Call call);

    /// The same, where only success will do. what: for the message, "put packs/ab/abcd".
    Awaitable<Result<HttpResponse>> send_for_success(Call call, std::string what);

    /// What renterd says of objects in a bucket that is not there is what it says of objects that
    /// are not there; so who believes that asks for the bucket first. Errors also: io (it is not
    /// there).
    Awaitable<Result<void>> find_bucket();

    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

  private:
    Awaitable<Result<std::string>> read_password();
    [[nodiscard]] HttpRequest request_of(const Call& call, const std::string& password) const;

    const Settings settings_;
    HttpEngine& engine_;
    const Environment environment_;
    const StoreContext context_;
    std::mutex mutex_;
    std::optional<std::string> password_;  ///< as it was read last
};

}  // namespace tapeloft::sia
