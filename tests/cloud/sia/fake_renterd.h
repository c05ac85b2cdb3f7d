// A stand-in for renterd's native API as version 2.9 documents it, strict where renterd is lenient:
// a request that is not to the letter of the documents is refused and noted. No real renterd was
// ever asked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cloud/base/environment.h"

#include "tests/cloud/http/scripted_server.h"

namespace tapeloft::tests {

struct FakeRenterdOptions {
    std::string password = "pass:word/+ 1";
    std::string version = "v2.9.3";
    unsigned min_shards = 1;  ///< a slab of 4 MiB
    unsigned total_shards = 3;
    bool packing = true;
    bool bucket = true;  ///< it is there
    bool synced = true;
    std::string spendable = "1000000000000000000000000000";  ///< hastings
    bool autopilot = true;
    unsigned contract_hosts = 50;
    double health = 1;  ///< of every object
    /// So many looks at an object find its slabs with no host; -1: all.
    int looks_until_stored = 0;
};

class FakeRenterd {
  public:
    struct Object {
        std::string body;
        std::string etag;
        unsigned min_shards = 0;
        unsigned total_shards = 0;
        std::uint64_t buffered = 0;  ///< of its last bytes
        int looks = 0;
    };
    /// An answer instead of the server's own; unset: none.
    using Intercept = std::function<std::optional<std::string>(const SeenRequest&)>;

    explicit FakeRenterd(FakeRenterdOptions options = {});

    [[nodiscard]] std::string endpoint() const { return server_->url(""); }
    [[nodiscard]] unsigned short port() const { return server_->port(); }
    /// "sia://bucket/PREFIX?endpoint=..." and what else is given.
    [[nodiscard]] std::string url(const std::string& prefix, const std::string& more = "") const;
    /// Its password, as a process would see it.
    [[nodiscard]] Environment environment() const;

    void change(const std::function<void(FakeRenterdOptions&)>& edit);
    void set_intercept(Intercept intercept);
    /// By key, without the "/" in front.
    [[nodiscard]] std::map<std::string, Object> objects() const;
    void put_object(const std::string& key, std::string body);
    /// Every request so far.
    [[nodiscard]] std::vector<SeenRequest> requests() const;
    /// Requests that were not as the API has them, in words.
    [[nodiscard]] std::vector<std::string> violations() const;

  private:
    using Query = std::map<std::string, std::string>;
    struct Asked {
        const SeenRequest& request;
        std::string rest;  ///< of the path, decoded: the key or the prefix
        Query query;
    };
    struct Route {
        std::string method;
        std::string path;  ///< ends with "/": more follows
        std::set<std::string> required;
        std::set<std::string> optional;
        std::string (FakeRenterd::*answer)(const Asked&);
    };

    static const std::vector<Route>& routes();
    void serve(ServedConnection& connection);
    std::string answer(const SeenRequest& request);
    std::string wrong_with(const SeenRequest& request, const Route* route, const Query& query);
    std::string violation(const SeenRequest& request, const std::string& what);
    static std::string answer_without_bucket(const Route& route);
    [[nodiscard]] bool is_authorised(const SeenRequest& request) const;

    std::string put(const Asked& asked);
    std::string get(const Asked& asked);
    std::string remove(const Asked& asked);
    std::string object(const Asked& asked);
    std::string list(const Asked& asked);
    std::string bucket(const Asked& asked);
    std::string bus_state(const Asked& asked);
    std::string upload_settings(const Asked& asked);
    std::string consensus(const Asked& asked);
    std::string wallet(const Asked& asked);
    std::string autopilot(const Asked& asked);
    std::string contracts(const Asked& asked);
    std::string slab_buffers(const Asked& asked);

    void buffer(const std::string& key, Object& object, std::uint64_t slab);
    [[nodiscard]] nlohmann::json metadata_of(const std::string& key, const Object& object) const;
    nlohmann::json slabs_of(Object& object) const;

    mutable std::mutex mutex_;
    FakeRenterdOptions options_;
    Intercept intercept_;
    std::map<std::string, Object> objects_;
    std::vector<SeenRequest> requests_;
    std::vector<std::string> violations_;
    std::unique_ptr<ScriptedServer> server_;  ///< ends first
};

}  // namespace tapeloft::tests
