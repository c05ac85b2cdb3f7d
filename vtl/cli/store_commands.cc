#include "vtl/cli/store_commands.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "cloud/store/store_probe.h"
#include "cloud/store/store_registry.h"

#include "vtl/cli/output.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kStoreThreads = 16;  ///< a file store is asked by as many at once

Result<StoreProbe> run_probe(const std::string& url, StoreProbeOptions options) {
    asio::thread_pool disk(kStoreThreads);
    asio::thread_pool cpu(std::max(1U, std::thread::hardware_concurrency()));
    TL_TRY(const auto store, open_store(url, {disk.get_executor(), cpu.get_executor()}));
    asio::io_context io_context(1);
    std::optional<StoreProbe> probe;
    const auto work = [&]() -> Awaitable<void> {
        probe = co_await probe_store(*store, std::move(options));
    };
    asio::co_spawn(io_context, work,
                   [](const std::exception_ptr& failure) { TL_ASSERT(!failure); });
    io_context.run();
    store->shut_down();
    disk.join();
    cpu.join();
    return std::move(*probe);
}

Json latency_json(std::chrono::microseconds latency) {
    return latency.count() == 0 ? Json(nullptr) : Json(latency.count());
}

Json to_json(const StoreProbe& probe) {
    Json json{{"url", probe.url},
              {"usable", probe.usable},
              {"put_if_absent", probe.put_if_absent},
              {"write_latency_us", latency_json(probe.write_latency)},
              {"read_latency_us", latency_json(probe.read_latency)}};
    json["clock_ahead_s"] = probe.clock_ahead ? Json(probe.clock_ahead->count()) : Json(nullptr);
    json["checks"] = Json::array();
    for (const auto& check : probe.checks) {
        json["checks"].push_back(
            {{"what", check.what}, {"holds", check.wrong.empty()}, {"wrong", check.wrong}});
    }
    json["rates"] = Json::array();
    for (const auto& rate : probe.rates) {
        json["rates"].push_back({{"at_once", rate.at_once},
                                 {"write_mib_s", rate.write_mib_s},
                                 {"read_mib_s", rate.read_mib_s}});
    }
    json["verdict"] = probe.verdict;
    return json;
}

std::string nothing(const Json& /*answer*/) {
    return "";
}

}  // namespace

ExitStatus store_probe(const Arguments& arguments) {
    bool shown = true;
    StoreProbeOptions options;
    if (!arguments.json) {  // what a store says of itself may hold anything
        options.on_line = [&](const std::string& line) {
            shown = print(printable(line) + "\n") && shown;
        };
    }
    const auto probe = run_probe(arguments.store, std::move(options));
    if (!probe) {
        return show(arguments, answer_of(probe.error()), &nothing);
    }
    if (arguments.json) {
        shown = show(arguments, answer_of(to_json(*probe)), &nothing) == ExitStatus::done;
    }
    return probe->usable && shown ? ExitStatus::done : ExitStatus::refused;
}

}  // namespace tapeloft::vtl::cli
