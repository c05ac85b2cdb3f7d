#include "vtl/cli/report.h"

#include "vtl/cli/archive_report.h"
#include "vtl/cli/json_text.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

using Align = Table::Align;

std::string text_or_dash(const Json& value) {
    return value.is_null() ? "-" : value.get<std::string>();
}

std::string state_of(const Json& drive) {
    const auto activity = drive.at("activity").get<std::string>();
    const auto state = drive.at("state").get<std::string>();
    return state + (activity == "idle" ? "" : ", " + activity);
}

std::string flags_of(const Json& drive) {
    std::string flags;
    for (const auto* const name : {"write_protected", "removal_prevented", "reserved"}) {
        if (drive.at(name).get<bool>()) {
            flags += (flags.empty() ? "" : ",") + std::string(name);
        }
    }
    return flags.empty() ? "-" : flags;
}

std::string kind_of(const Json& cartridge) {
    if (cartridge.at("cleaning").get<bool>()) {
        return "cleaning";
    }
    return cartridge.at("worm").get<bool>() ? "WORM" : "data";
}

std::string drive_table(const Json& drives) {
    Table table({{"DRIVE"},
                 {"SERIAL"},
                 {"STATE"},
                 {"CARTRIDGE"},
                 {"FILE", Align::right},
                 {"OBJECT", Align::right},
                 {"USED", Align::right},
                 {"CAPACITY", Align::right},
                 {"WRITTEN", Align::right},
                 {"READ", Align::right},
                 {"FLAGS"}});
    for (const auto& drive : drives) {
        const bool loaded = !drive.at("barcode").is_null();
        const auto& position = drive.at("position");
        const auto& capacity = drive.at("capacity");
        table.add({drive.at("name"), drive.at("serial"), state_of(drive),
                   text_or_dash(drive.at("barcode")), loaded ? number(position.at("file")) : "-",
                   loaded ? number(position.at("object")) : "-",
                   loaded ? bytes_of(capacity.at("used")) : "-",
                   loaded ? bytes_of(capacity.at("native")) : "-",
                   bytes_of(drive.at("bytes_written")), bytes_of(drive.at("bytes_read")),
                   flags_of(drive)});
    }
    return table.text();
}

std::string session_table(const Json& sessions) {
    Table table({{"INITIATOR"},
                 {"ADDRESS"},
                 {"TARGET"},
                 {"USER"},
                 {"COMMANDS", Align::right},
                 {"RECEIVED", Align::right},
                 {"SENT", Align::right},
                 {"SINCE"}});
    for (const auto& session : sessions) {
        table.add({session.at("initiator"), session.at("address"),
                   session.at("target").is_null() ? "(discovery)"
                                                  : session.at("target").get<std::string>(),
                   text_or_dash(session.at("user")), number(session.at("commands")),
                   bytes_of(session.at("bytes_received")), bytes_of(session.at("bytes_sent")),
                   time_text(session.at("established_unix_ms").get<std::int64_t>() / 1000)});
    }
    return table.text();
}

std::string library_summary(const Json& library) {
    const auto& spool = library.at("spool");
    const auto level = spool.at("level").get<std::string>();
    return "\nLibrary " + library.at("name").get<std::string>() + ": " +
           library.at("target").get<std::string>() + "\n  changer " +
           library.at("changer_serial").get<std::string>() + ", drives " +
           library.at("drive_model").get<std::string>() + "\n  " +
           number(library.at("cartridges")) + " cartridges (" +
           number(library.at("cartridges_outside")) + " outside), " + number(library.at("slots")) +
           " slots, " + number(library.at("import_export_slots")) + " mail slots\n  spool " +
           bytes_of(spool.at("used")) + " of " + bytes_of(spool.at("limit")) +
           (level == "ample" ? "" : ", " + level) + "\n" + archive_lines(library.at("archive")) +
           "\n" + drive_table(library.at("drives")) + storage_table(library.at("archive"));
}

}  // namespace

std::string status_report(const Json& status) {
    auto out = "tapeloftd " + status.at("version").get<std::string>() + ", up " +
               duration_text(status.at("uptime_s").get<std::uint64_t>()) +
               (status.at("ready").get<bool>() ? "" : ", NOT READY") + "\nListening on";
    for (const auto& portal : status.at("portals")) {
        out += " " + portal.get<std::string>();
    }
    out += "\n";
    for (const auto& library : status.at("libraries")) {
        out += library_summary(library);
    }
    const auto& sessions = status.at("sessions");
    return out + (sessions.empty() ? "\nNo host is logged in.\n" : "\n" + session_table(sessions));
}

std::string mail_slots_report(const Json& answer) {
    const auto& mail_slots = answer.at("mail_slots");
    return std::string("The mail slots are ") +
           (mail_slots.at("open").get<bool>() ? "open: fill and empty them, then close them."
                                              : "closed.") +
           (mail_slots.at("locked").get<bool>() ? " A host has locked them." : "") + "\n";
}

std::string library_report(const Json& library) {
    Table table({{"ELEMENT"}, {"ADDRESS", Align::right}, {"CARTRIDGE"}, {"CAME FROM"}});
    for (const auto& element : library.at("elements")) {
        table.add({element.at("name"), number(element.at("address")),
                   text_or_dash(element.at("barcode")), text_or_dash(element.at("source"))});
    }
    return table.text() + "\n" + mail_slots_report(library);
}

std::string drives_report(const Json& drives) {
    return drive_table(drives.at("drives"));
}

std::string cartridges_report(const Json& cartridges) {
    Table table({{"BARCODE"},
                 {"LOCATION"},
                 {"CAPACITY", Align::right},
                 {"LOADS", Align::right},
                 {"WRITTEN", Align::right},
                 {"READ", Align::right},
                 {"CREATED"},
                 {"KIND"},
                 {"PROTECTED"}});
    for (const auto& each : cartridges.at("cartridges")) {
        table.add({each.at("barcode"), each.at("location"), bytes_of(each.at("capacity")),
                   number(each.at("load_count")), bytes_of(each.at("bytes_written")),
                   bytes_of(each.at("bytes_read")),
                   time_text(each.at("created_unix_s").get<std::int64_t>()), kind_of(each),
                   each.at("write_protected").get<bool>() ? "yes" : "no"});
    }
    return table.text();
}

std::string cartridge_report(const Json& cartridge) {
    const auto line = [](const std::string& title, const std::string& value) {
        return title + std::string(17 - title.size(), ' ') + printable(value) + "\n";
    };
    return line("Barcode", cartridge.at("barcode")) + line("Location", cartridge.at("location")) +
           line("Generation", cartridge.at("generation")) +
           line("Medium serial", cartridge.at("medium_serial")) +
           line("Capacity", bytes_of(cartridge.at("capacity"))) + line("Kind", kind_of(cartridge)) +
           line("Write protected", cartridge.at("write_protected").get<bool>() ? "yes" : "no") +
           line("Created", time_text(cartridge.at("created_unix_s").get<std::int64_t>())) +
           line("Loads", number(cartridge.at("load_count"))) +
           line("Written in life", bytes_of(cartridge.at("bytes_written"))) +
           line("Read in life", bytes_of(cartridge.at("bytes_read"))) +
           (cartridge.contains("storage") ? storage_lines(cartridge.at("storage")) : "");
}

std::string move_report(const Json& move) {
    return printable("Moved " + move.at("barcode").get<std::string>() + " from " +
                     move.at("from").get<std::string>() + " to " +
                     move.at("to").get<std::string>() + ".") +
           "\n";
}

std::string export_report(const Json& answer) {
    return printable("Took " + answer.at("barcode").get<std::string>() + " from " +
                     answer.at("from").get<std::string>() + " out of the library by " +
                     answer.at("mail_slot").get<std::string>() + ".") +
           "\n";
}

std::string events_report(const Json& events) {
    std::string out;
    for (const auto& event : events.at("events")) {
        auto line = time_text(event.at("time_unix_ms").get<std::int64_t>() / 1000) + "  " +
                    event.at("severity").get<std::string>() + "  " +
                    event.at("component").get<std::string>() + "  " +
                    event.at("message").get<std::string>();
        for (const auto& [key, value] : event.at("fields").items()) {
            line += " " + key + "=" + value.get<std::string>();
        }
        out += printable(std::move(line)) + "\n";
    }
    return out;
}

}  // namespace tapeloft::vtl::cli
