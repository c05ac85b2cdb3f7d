// tapeloft: the command line of the administration.
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "vtl/cli/commands.h"
#include "vtl/cli/options.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr const char* kDescription =
    "tapeloft looks after the libraries of a running tapeloftd, their keys, and what is left of "
    "them.";

constexpr const char* kFooter =
    "Examples:\n"
    "  tapeloft status\n"
    "  tapeloft cartridge create TL0021L9..TL0024L9 --capacity=100GiB\n"
    "  tapeloft changer move TL0001L9 drive0\n"
    "  tapeloft cartridge export TL0001L9\n"
    "  tapeloft --socket=/srv/tapeloft/admin.sock cartridge list --json\n\n"
    "Drives count from 0 (drive0), slots and mail slots from 1 (slot1, mail1).\n";

constexpr const char* kExitStatus =
    "Exit status: 0 done, 1 refused or failed in the daemon (gc: by the store), 2 wrong usage "
    "(also: not confirmed), "
    "3 daemon, or the store it reads tapes from, not reachable, 4 no such cartridge, element or "
    "library, 5 done, but what was looked "
    "at is damaged";

constexpr const char* kTapesOfPbs =
    "Tapes that Proxmox Backup Server wrote: what is on them, and taking it back without it";

class Program {
  public:
    Program() : app_(kDescription, "tapeloft") {
        app_.footer(std::string(kFooter) + kExitStatus);
        app_.set_version_flag("--version", "tapeloft " TAPELOFT_VERSION);
        app_.fallthrough();
        app_.require_subcommand(1);
        app_.add_option("--socket", arguments_.socket, "Unix socket of the daemon")
            ->envname("TAPELOFT_SOCKET")
            ->capture_default_str();
        app_.add_flag("--json", arguments_.json,
                      "Print the daemon's JSON instead of text for people");
        for (const auto& command : commands()) {
            define(command);
        }
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& stop) {
            return static_cast<int>(explain(stop));
        }
        try {
            return static_cast<int>(chosen_->run(arguments_));
        } catch (const Json::exception&) {
            std::fprintf(stderr,
                         "tapeloft: the answer is not what a tapeloftd of this version gives; is "
                         "%s its socket?\n",
                         arguments_.socket.c_str());
            return static_cast<int>(ExitStatus::refused);
        }
    }

  private:
    /// Prints the help that was asked for, or what is wrong. CLI11 says of a word it does not know
    /// only that a command is missing.
    ExitStatus explain(const CLI::ParseError& stop) {
        const auto unknown = app_.remaining(true);
        if (stop.get_exit_code() != 0 && !unknown.empty()) {
            std::fprintf(stderr, "tapeloft: \"%s\" is no command or option here; see --help\n",
                         printable(unknown.front()).c_str());
            return ExitStatus::usage;
        }
        return app_.exit(stop) == 0 ? ExitStatus::done : ExitStatus::usage;
    }

    void define(const Command& command) {
        auto* const parent = command.group.empty() ? &app_ : group(command);
        auto* const sub =
            parent->add_subcommand(std::string(command.name), std::string(command.description));
        sub->footer("Examples:\n  " + std::string(command.examples) +
                    "\n\nAlso --socket and --json, as `tapeloft --help` says.");
        for (const auto option : command.options) {
            add_option(*sub, option, arguments_);
        }
        sub->callback([this, &command] { chosen_ = &command; });
    }

    /// Its help shows the first example of each of its commands.
    CLI::App* group(const Command& command) {
        const std::string name(command.group);
        auto& [app, examples] = groups_[name];
        if (app == nullptr) {
            app = app_.add_subcommand(name, name == "pbs" ? kTapesOfPbs : "Commands on a " + name);
            app->require_subcommand(1);
        }
        examples +=
            "  " + std::string(command.examples.substr(0, command.examples.find('\n'))) + "\n";
        app->footer("Examples:\n" + examples + "\n" + kExitStatus);
        return app;
    }

    CLI::App app_;
    Arguments arguments_;
    struct Group {
        CLI::App* app = nullptr;
        std::string examples;
    };
    std::map<std::string, Group> groups_;
    const Command* chosen_ = nullptr;
};

}  // namespace
}  // namespace tapeloft::vtl::cli

int main(int argc, char** argv) {
    // A file that may not grow so long is an error that names it, not the end of the program.
    std::signal(SIGXFSZ, SIG_IGN);
    return tapeloft::vtl::cli::Program().run(argc, argv);
}
