// tapeloftd: the daemon.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "vtl/daemon/config_value.h"
#include "vtl/daemon/notify.h"
#include "vtl/daemon/termination.h"
#include "vtl/daemon/wiring.h"

namespace tapeloft::vtl::daemon {
namespace {

enum ExitStatus : int { kDone = 0, kFailed = 1, kRefused = 2 };

struct CommandLine {
    std::string config;
    std::string state_dir;
    std::string log_level = "info";
    bool check = false;
    std::vector<std::string> take_over;
};

constexpr const char* kDescription =
    "tapeloftd serves virtual tape libraries over iSCSI. It stays in the foreground and logs to "
    "standard error.";

constexpr const char* kFooter =
    "Without --config it reads /etc/tapeloft/tapeloft.toml if there is one; else it serves one "
    "library, iqn.2026-11.io.tapeloft:default, with 2 LTO-9 drives and 20 cartridges on "
    "127.0.0.1:3260.\n\n"
    "Examples:\n"
    "  tapeloftd --state-dir /srv/tapeloft           no configuration file at all\n"
    "  tapeloftd --config /etc/tapeloft/tapeloft.toml --check\n"
    "  tapeloftd --config lab.toml --log-level debug\n\n"
    "SIGTERM and SIGINT let commands in flight finish and make everything durable; a second one "
    "forces the end.\n"
    "Exit status: 0 ended cleanly, 1 failed while starting or running, 2 wrong usage or refused "
    "configuration";

void define(CLI::App& app, CommandLine& line) {
    app.footer(kFooter);
    app.set_version_flag("--version", "tapeloftd " TAPELOFT_VERSION);
    // A variable that is not set must not mean the defaults.
    const auto not_empty = [](const std::string& name) {
        return name.empty() ? std::string("it must not be empty") : std::string();
    };
    app.add_option("--config", line.config, "Configuration file (TOML)")
        ->type_name("FILE")
        ->check(not_empty);
    app.add_option("--state-dir", line.state_dir,
                   "State directory; overrides state_dir of the configuration (default there: "
                   "/var/lib/tapeloft)")
        ->type_name("DIR")
        ->check(not_empty);
    app.add_option("--log-level", line.log_level, "Least severity that is logged")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_option("--take-over", line.take_over,
                   "Take this library over from the daemon that has it, which stops serving it; "
                   "for one that is gone for good")
        ->type_name("LIBRARY")
        ->check(not_empty)
        ->expected(1);
    app.add_flag("--check", line.check, "Only check the configuration and print what is in force");
}

Result<Config> read_config(const CommandLine& line) {
    std::optional<std::filesystem::path> state_dir;
    if (!line.state_dir.empty()) {
        std::error_code failed;
        state_dir = std::filesystem::absolute(line.state_dir, failed).lexically_normal();
    }
    if (!line.config.empty()) {
        return load_config(line.config, state_dir);
    }
    std::error_code failed;
    if (std::filesystem::exists(kConfigFileDefault, failed)) {
        return load_config(kConfigFileDefault, state_dir);
    }
    return default_config(state_dir);
}

Result<Config> effective_config(const CommandLine& line) {
    TL_TRY(auto config, read_config(line));
    for (const auto& name : line.take_over) {
        const auto found = std::ranges::find(config.libraries, name, &LibraryConfig::name);
        if (found == config.libraries.end()) {
            return Error{Errc::invalid_argument,
                         "--take-over: " + config.source + " has no library " + name};
        }
        found->take_over = true;
    }
    return config;
}

void set_up_log(const std::string& level) {
    spdlog::set_default_logger(spdlog::stderr_logger_mt("tapeloftd"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    spdlog::set_level(spdlog::level::from_str(level));
    spdlog::flush_on(spdlog::level::debug);
}

/// Long vectors come and go as well (a long Buffer is not malloc's, see block_memory.h). Mapping
/// and unmapping each would cost a page fault for every 4 KiB. One arena, because malloc_trim()
/// gives back the top of no other (see Daemon::release_memory_when_idle()).
void set_up_memory() {
    constexpr int kThreshold = 64 * 1024 * 1024;  // bytes
    ::mallopt(M_MMAP_THRESHOLD, kThreshold);
    ::mallopt(M_TRIM_THRESHOLD, kThreshold);
    ::mallopt(M_ARENA_MAX, 1);
}

void report_ready(const Daemon& daemon, EventLog& events) {
    std::string portals;
    for (const auto& endpoint : daemon.portals()) {
        portals += (portals.empty() ? "" : ", ") + format_endpoint(endpoint);
    }
    for (const auto& library : daemon.config().libraries) {
        events.info("daemon",
                    "Ready. Connect with: iscsiadm -m discovery -t sendtargets -p " +
                        format_endpoint(daemon.portals().front()),
                    {{"target", library.target_name()},
                     {"portals", portals},
                     {"chap", daemon.config().accounts.empty() ? "no" : "demanded"},
                     {"admin", daemon.config().admin_socket().string()}});
    }
    const auto told = notify_service_manager("READY=1\nSTATUS=Serving on " + portals);
    if (!told) {
        events.warning("daemon", "The service manager could not be told: " + told.error().message);
    }
}

int fail(const Error& error, EventLog& events) {
    events.error("daemon", "The daemon cannot run: " + error.message);
    return kFailed;
}

int serve(Config config, EventLog& events) {
    Termination termination;  // from here on a signal waits for the start to end, then stops
    events.info("daemon", "Starting.",
                {{"version", TAPELOFT_VERSION},
                 {"configuration", config.source},
                 {"state_dir", config.state_dir.string()}});
    for (const auto& sentence : warnings(config)) {
        events.warning("daemon", sentence);
    }
    auto daemon = Daemon::create(std::move(config), events);
    if (!daemon) {
        return fail(daemon.error(), events);
    }
    const auto started = (*daemon)->start();
    if (!started) {
        const int status = fail(started.error(), events);
        (*daemon)->stop();
        return status;
    }
    report_ready(**daemon, events);
    termination.wait();
    events.info("daemon", "Stopping: commands in flight finish, then the drives are emptied.");
    (void)notify_service_manager("STOPPING=1");
    const bool durable = (*daemon)->stop();
    events.info("daemon", "Stopped.");
    return durable ? kDone : kFailed;
}

int run(int argc, char** argv) {
    CLI::App app(kDescription, "tapeloftd");
    CommandLine line;
    define(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& stop) {
        return app.exit(stop) == 0 ? kDone : kRefused;
    }
    auto config = effective_config(line);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().message.c_str());
        return kRefused;
    }
    if (line.check) {
        std::fputs(to_toml(*config).c_str(), stdout);
        for (const auto& sentence : warnings(*config)) {
            std::fprintf(stderr, "warning: %s\n", sentence.c_str());
        }
        return kDone;
    }
    set_up_log(line.log_level);
    set_up_memory();
    ::umask(0077);
    std::signal(SIGPIPE, SIG_IGN);
    EventLog events;
    return serve(std::move(*config), events);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon

int main(int argc, char** argv) {
    return tapeloft::vtl::daemon::run(argc, argv);
}
