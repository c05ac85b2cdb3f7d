#include "vtl/cli/commands.h"

#include <array>
#include <cstdio>
#include <iostream>

#include <poll.h>
#include <unistd.h>

#include "vtl/cli/report.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr int kFollowIntervalMs = 1000;

using Report = std::string (*)(const Json&);

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

void complain(const std::string& message) {
    std::fprintf(stderr, "tapeloft: %s\n", printable(message).c_str());
}

std::string json_text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Prints what came back, for people or as JSON.
ExitStatus show(const Arguments& arguments, const Answer& answer, Report report) {
    if (arguments.json && !answer.json.is_null()) {
        print(json_text(answer.json));
    }
    if (!answer.done()) {
        complain(answer.message);
        return answer.status;
    }
    if (!arguments.json) {
        print(report(answer.json));
    }
    return ExitStatus::done;
}

std::string with_library(const Arguments& arguments, const std::string& path) {
    if (arguments.library.empty()) {
        return path;
    }
    const char* const separator = path.find('?') == std::string::npos ? "?" : "&";
    return path + separator + "library=" + percent_encoded(arguments.library);
}

Answer get(const Arguments& arguments, const std::string& path) {
    Request request;
    request.path = path;
    return ask(arguments.socket, request);
}

ExitStatus status(const Arguments& arguments) {
    return show(arguments, get(arguments, "/v1/status"), &status_report);
}

ExitStatus library_show(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/library")), &library_report);
}

ExitStatus drive_list(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/drives")), &drives_report);
}

ExitStatus cartridge_list(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/cartridges")),
                &cartridges_report);
}

std::string cartridge_path(const Arguments& arguments) {
    return with_library(arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode));
}

ExitStatus cartridge_show(const Arguments& arguments) {
    return show(arguments, get(arguments, cartridge_path(arguments)), &cartridge_report);
}

ExitStatus cartridge_create(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/cartridges");
    request.body["barcodes"] = arguments.barcodes;
    if (!arguments.capacity.empty()) {
        request.body["capacity"] = arguments.capacity;
    }
    if (!arguments.location.empty()) {
        request.body["location"] = arguments.location;
    }
    if (arguments.worm) {
        request.body["worm"] = true;
    }
    return show(arguments, ask(arguments.socket, request), &cartridges_report);
}

ExitStatus set_write_protected(const Arguments& arguments, const char* action) {
    Request request;
    request.method = "POST";
    request.path = with_library(
        arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode) + "/" + action);
    request.body = Json::object();
    return show(arguments, ask(arguments.socket, request), &cartridge_report);
}

ExitStatus cartridge_protect(const Arguments& arguments) {
    return set_write_protected(arguments, "protect");
}

ExitStatus cartridge_unprotect(const Arguments& arguments) {
    return set_write_protected(arguments, "unprotect");
}

std::string deletion_report(const Json& answer) {
    const bool dry_run = answer.contains("would_delete");
    const auto& cartridge = answer.at(dry_run ? "would_delete" : "deleted");
    return (dry_run ? "Would delete:\n" : "Deleted:\n") + cartridge_report(cartridge);
}

/// Asks on the terminal; without one the answer is no.
bool confirmed(const Json& cartridge) {
    if (::isatty(STDIN_FILENO) == 0) {
        complain("deleting a cartridge destroys its data for good; add --yes if you mean it");
        return false;
    }
    std::fprintf(stderr, "%s\nDelete this cartridge and its data for good? Type its barcode: ",
                 cartridge_report(cartridge).c_str());
    std::string typed;
    std::getline(std::cin, typed);
    return typed == cartridge.at("barcode").get<std::string>();
}

ExitStatus cartridge_delete(const Arguments& arguments) {
    const auto path = cartridge_path(arguments);
    const char* const separator = path.find('?') == std::string::npos ? "?" : "&";
    Request request;
    request.method = "DELETE";
    request.path = path + separator + "dry_run=true";
    if (arguments.dry_run || !arguments.yes) {
        const auto preview = ask(arguments.socket, request);
        if (arguments.dry_run || !preview.done()) {
            return show(arguments, preview, &deletion_report);
        }
        if (!confirmed(preview.json.at("would_delete"))) {
            complain("nothing was deleted");
            return ExitStatus::usage;
        }
    }
    request.path = path;
    return show(arguments, ask(arguments.socket, request), &deletion_report);
}

ExitStatus changer_move(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/changer/move");
    request.body["barcode"] = arguments.barcode;
    request.body["destination"] = arguments.destination;
    return show(arguments, ask(arguments.socket, request), &move_report);
}

Request post_cartridge(const Arguments& arguments, const std::string& action) {
    Request request;
    request.method = "POST";
    request.path = with_library(
        arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode) + "/" + action);
    request.body = Json::object();
    return request;
}

ExitStatus cartridge_export(const Arguments& arguments) {
    return show(arguments, ask(arguments.socket, post_cartridge(arguments, "export")),
                &export_report);
}

ExitStatus cartridge_import(const Arguments& arguments) {
    auto request = post_cartridge(arguments, "import");
    if (!arguments.mail_slot.empty()) {
        request.body["mail_slot"] = arguments.mail_slot;
    }
    return show(arguments, ask(arguments.socket, request), &move_report);
}

ExitStatus set_mail_slots(const Arguments& arguments, bool open) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/changer/mail");
    request.body["open"] = open;
    return show(arguments, ask(arguments.socket, request), &mail_slots_report);
}

ExitStatus library_mail(const Arguments& arguments) {
    return set_mail_slots(arguments, arguments.mail_action == "open");
}

/// Pauses for the follow interval; false as soon as nobody reads our output any more.
bool reader_stays() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, kFollowIntervalMs) == 0;
}

ExitStatus events(const Arguments& arguments) {
    auto after = arguments.after;
    for (;;) {
        const auto answer = get(arguments, "/v1/events?after=" + std::to_string(after));
        const bool worth_showing =
            !answer.done() || !arguments.follow || !answer.json.at("events").empty();
        if (worth_showing) {
            const auto shown = show(arguments, answer, &events_report);
            if (shown != ExitStatus::done || !arguments.follow) {
                return shown;
            }
            after = answer.json.at("events").back().at("sequence").get<std::uint64_t>();
        }
        if (!reader_stays()) {
            return ExitStatus::done;
        }
    }
}

constexpr auto kLibraryOption = std::to_array({Option::library});
constexpr auto kShowOptions = std::to_array({Option::barcode, Option::library});
constexpr auto kCreateOptions = std::to_array(
    {Option::barcodes, Option::capacity, Option::worm, Option::location, Option::library});
constexpr auto kDeleteOptions =
    std::to_array({Option::barcode, Option::yes, Option::dry_run, Option::library});
constexpr auto kMoveOptions =
    std::to_array({Option::barcode, Option::destination, Option::library});
constexpr auto kExportOptions = std::to_array({Option::barcode, Option::library});
constexpr auto kImportOptions =
    std::to_array({Option::barcode, Option::mail_slot, Option::library});
constexpr auto kMailOptions = std::to_array({Option::mail_action, Option::library});
constexpr auto kEventsOptions = std::to_array({Option::follow, Option::after});

constexpr auto kCommands = std::to_array<Command>({
    // clang-format off
    {"", "status",
     "What the daemon does: libraries, drives, spool, hosts that are logged in",
     "tapeloft status\n  tapeloft status --json | jq .sessions",
     {}, &status},
    {"library", "show",
     "Every slot, mail slot and drive, and the cartridge in it",
     "tapeloft library show\n  tapeloft library show --library=lab",
     kLibraryOption, &library_show},
    {"library", "mail",
     "Opens the mail slots for a person, or closes them again for the robot",
     "tapeloft library mail open\n  tapeloft library mail close",
     kMailOptions, &library_mail},
    {"drive", "list",
     "The drives: state, cartridge, position, bytes moved",
     "tapeloft drive list",
     kLibraryOption, &drive_list},
    {"cartridge", "list",
     "All cartridges and where they are",
     "tapeloft cartridge list\n  tapeloft cartridge list --json | jq -r '.cartridges[].barcode'",
     kLibraryOption, &cartridge_list},
    {"cartridge", "show",
     "All that is known of one cartridge",
     "tapeloft cartridge show TL0001L9",
     kShowOptions, &cartridge_show},
    {"cartridge", "create",
     "Puts blank cartridges into the library: all of them or none",
     "tapeloft cartridge create TL0021L9\n"
     "  tapeloft cartridge create TL0021L9..TL0024L9 --capacity=100GiB\n"
     "  tapeloft cartridge create TL0099L9 --location=mail1\n"
     "  tapeloft cartridge create TL0031L9 --worm\n"
     "  tapeloft cartridge create CLN001CU",
     kCreateOptions, &cartridge_create},
    {"cartridge", "protect",
     "Sets the write protect switch; the cartridge must not be in a drive",
     "tapeloft cartridge protect TL0001L9",
     kShowOptions, &cartridge_protect},
    {"cartridge", "unprotect",
     "Takes the write protect switch back; the cartridge must not be in a drive",
     "tapeloft cartridge unprotect TL0001L9",
     kShowOptions, &cartridge_unprotect},
    {"cartridge", "delete",
     "Destroys a cartridge and its data; it must not be in a drive",
     "tapeloft cartridge delete TL0021L9 --dry-run\n  tapeloft cartridge delete TL0021L9 --yes",
     kDeleteOptions, &cartridge_delete},
    {"cartridge", "export",
     "Takes a cartridge out of the library by a mail slot; its data stays, hosts cannot reach it",
     "tapeloft cartridge export TL0001L9",
     kExportOptions, &cartridge_export},
    {"cartridge", "import",
     "Brings a cartridge from outside back into a mail slot",
     "tapeloft cartridge import TL0001L9\n  tapeloft cartridge import TL0001L9 --slot=mail2",
     kImportOptions, &cartridge_import},
    {"changer", "move",
     "Moves a cartridge as MOVE MEDIUM does; one that is in a drive is unloaded first",
     "tapeloft changer move TL0001L9 drive0\n"
     "  tapeloft changer move TL0001L9 slot5\n"
     "  tapeloft changer move TL0001L9 mail1",
     kMoveOptions, &changer_move},
    {"", "events",
     "What has happened since the daemon started, oldest first (the newest 1000)",
     "tapeloft events\n  tapeloft events --after=120\n  tapeloft events --follow",
     kEventsOptions, &events},
    // clang-format on
});

}  // namespace

std::span<const Command> commands() noexcept {
    return kCommands;
}

}  // namespace tapeloft::vtl::cli
