#include "vtl/cli/store_commands.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

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

Result<StoreProbe> run_probe(const std::string& url) {
    asio::thread_pool disk(kStoreThreads);
    asio::thread_pool cpu(std::max(1U, std::thread::hardware_concurrency()));
    TL_TRY(const auto store, open_store(url, {disk.get_executor(), cpu.get_executor()}));
    asio::io_context io_context(1);
    std::optional<StoreProbe> probe;
    const auto work = [&]() -> Awaitable<void> { probe = co_await probe_store(*store, {}); };
    asio::co_spawn(io_context, work,
                   [](const std::exception_ptr& failure) { TL_ASSERT(!failure); });
    io_context.run();
    disk.join();
    cpu.join();
    return std::move(*probe);
}

Json to_json(const StoreProbe& probe) {
    Json json{{"url", probe.url},
              {"usable", probe.usable},
              {"put_if_absent", probe.put_if_absent},
              {"write_latency_us", probe.write_latency.count()},
              {"read_latency_us", probe.read_latency.count()}};
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

/// What a store says of itself may hold anything.
std::string printable_lines(const std::string& text) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        out += printable(line) + "\n";
    }
    return out;
}

}  // namespace

ExitStatus store_probe(const Arguments& arguments) {
    const auto probe = run_probe(arguments.store);
    if (!probe) {
        return show(arguments, answer_of(probe.error()), &nothing);
    }
    bool shown = true;
    if (arguments.json) {
        shown = show(arguments, answer_of(to_json(*probe)), &nothing) == ExitStatus::done;
    } else {
        shown = print(printable_lines(to_text(*probe)));
    }
    return probe->usable && shown ? ExitStatus::done : ExitStatus::refused;
}

}  // namespace tapeloft::vtl::cli
