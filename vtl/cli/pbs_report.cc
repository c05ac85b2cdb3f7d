#include "vtl/cli/pbs_report.h"

#include "vtl/cli/json_text.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

std::string text(const Json& object, const char* name) {
    const auto& value = object.at(name);
    return value.is_null() ? "-" : value.get<std::string>();
}

std::string findings_text(const Json& findings) {
    std::string out;
    for (const auto& finding : findings) {
        out += printable((finding.at("damage").get<bool>() ? "DAMAGE: " : "Note: ") +
                         text(finding, "what")) +
               "\n";
    }
    return out;
}

std::string tapes_table(const Json& tapes) {
    using Align = Table::Align;
    Table table({{"TAPE"}, {"POOL"}, {"MEDIA SET"}, {"NO", Align::right}, {"FILES", Align::right}});
    for (const auto& tape : tapes) {
        const auto& set = tape.at("media_set");
        const auto& label = tape.at("label");
        const bool unread = !tape.at("read").get<bool>();
        table.add({text(tape, "barcode"),
                   unread            ? "not read"
                   : label.is_null() ? "no PBS tape"
                   : !set.is_null()  ? text(set, "pool")
                                     : text(label, "pool"),
                   set.is_null() ? "-" : text(set, "uuid"),
                   set.is_null() ? "-" : number(set, "seq_nr"),
                   std::to_string(tape.at("files").size())});
    }
    return table.text();
}

std::string sets_table(const Json& sets) {
    Table table({{"MEDIA SET"}, {"POOL"}, {"BEGUN"}, {"TAPES"}});
    for (const auto& set : sets) {
        std::string tapes;
        for (const auto& tape : set.at("tapes")) {
            tapes +=
                (tapes.empty() ? "" : " ") +
                (tape.at("barcode").is_null() ? std::string("(missing)") : text(tape, "barcode"));
        }
        table.add({text(set, "uuid"), text(set, "pool"),
                   time_text(set.at("ctime").get<std::int64_t>()), tapes});
    }
    return table.text();
}

/// The column says that it is a tape.
std::string short_name(const std::string& tape) {
    return tape.starts_with("tape ") ? tape.substr(5) : tape;
}

std::string needed_tapes(const Json& copy) {
    std::string tapes;
    for (const auto& tape : copy.at("needs").at("tapes")) {
        tapes += (tapes.empty() ? "" : ", ") + short_name(text(tape, "name")) +
                 (tape.at("here").get<bool>() ? "" : " (missing)");
    }
    return tapes;
}

std::string snapshots_table(const Json& snapshots) {
    using Align = Table::Align;
    Table table({{"SNAPSHOT"},
                 {"SIZE", Align::right},
                 {"CRYPT"},
                 {"TAPE"},
                 {"FILE", Align::right},
                 {"NEEDS"},
                 {"STATE"}});
    for (const auto& snapshot : snapshots) {
        for (const auto& copy : snapshot.at("copies")) {
            const auto missing = copy.at("error").is_null()
                                     ? copy.at("needs").at("missing_chunks").get<std::uint64_t>()
                                     : 0;
            const bool readable = copy.at("error").is_null();
            table.add({text(snapshot, "name"),
                       readable ? bytes_text(copy.at("data_size").get<std::uint64_t>()) : "-",
                       !readable                          ? "-"
                       : copy.at("encrypted").get<bool>() ? "encrypted"
                       : copy.at("signed").get<bool>()    ? "signed"
                                                          : "none",
                       short_name(text(copy, "tape")), number(copy, "file"),
                       readable ? needed_tapes(copy) : "-",
                       !readable ? text(copy, "error")
                       : !copy.at("damaged_files").empty()
                           ? copy.at("damaged_files").at(0).get<std::string>()
                       : missing != 0 ? std::to_string(missing) + " chunks missing"
                                      : "complete"});
        }
    }
    return table.text();
}

std::string files_of(const Json& tape) {
    using Align = Table::Align;
    Table table({{"FILE", Align::right},
                 {"CONTENT"},
                 {"RECORDS", Align::right},
                 {"END"},
                 {"CHUNKS", Align::right},
                 {"WHAT"}});
    for (const auto& file : tape.at("files")) {
        const auto what = file.contains("snapshot")
                              ? text(file, "store") + ":" + text(file, "snapshot")
                          : file.contains("store") ? text(file, "store")
                          : file.contains("why")   ? text(file, "why")
                                                   : "";
        table.add({number(file, "number"), text(file, "content"), number(file, "records"),
                   text(file, "end"), file.contains("chunks") ? number(file, "chunks") : "", what});
    }
    return "\n" + printable("Tape " + text(tape, "barcode")) + "\n" + table.text();
}

std::string elsewhere_text(const Json& snapshot) {
    std::string out;
    for (const auto& file : snapshot.at("files")) {
        if (file.at("elsewhere").get<std::uint64_t>() != 0) {
            out += printable("Note: " + number(file, "elsewhere") + " chunks of " +
                             text(snapshot, "snapshot") + ":" + text(file, "name") + " on " +
                             text(snapshot, "tape") + " are sound only in another media set") +
                   "\n";
        }
    }
    return out;
}

std::string damage_text(const Json& snapshot) {
    std::string out;
    out += printable("Damaged: " + text(snapshot, "snapshot") + " on " + text(snapshot, "tape") +
                     ", tape file " + number(snapshot, "file")) +
           "\n";
    for (const auto& finding : snapshot.at("findings")) {
        out += printable("  " + finding.get<std::string>()) + "\n";
    }
    for (const auto& file : snapshot.at("files")) {
        for (const auto& finding : file.at("findings")) {
            out += printable("  " + text(file, "name") + ": " + finding.get<std::string>()) + "\n";
        }
    }
    return out;
}

}  // namespace

std::string scan_report(const Json& scan) {
    auto out = tapes_table(scan.at("tapes"));
    if (!scan.at("media_sets").empty()) {
        out += "\n" + sets_table(scan.at("media_sets"));
    }
    if (!scan.at("snapshots").empty()) {
        out += "\n" + snapshots_table(scan.at("snapshots"));
    }
    for (const auto& tape : scan.at("tapes")) {
        if (!tape.at("files").empty()) {
            out += files_of(tape);
        }
    }
    std::string findings;
    for (const auto& tape : scan.at("tapes")) {
        findings += findings_text(tape.at("findings"));
    }
    findings += findings_text(scan.at("findings"));
    return findings.empty() ? out : out + "\n" + findings;
}

std::string pbs_verify_report(const Json& report) {
    std::string out;
    std::uint64_t sound = 0;
    std::uint64_t unproven = 0;
    for (const auto& chunk : report.at("damaged_chunks")) {
        out +=
            printable("Damaged: chunk " + text(chunk, "digest") + " of " + text(chunk, "store") +
                      ", tape " + text(chunk, "barcode") + ", tape file " + number(chunk, "file") +
                      ", block " + number(chunk, "block") + ": " + text(chunk, "what")) +
            "\n";
    }
    for (const auto& snapshot : report.at("snapshots")) {
        if (report.at("key_given").get<bool>() && !snapshot.at("signature_checked").get<bool>()) {
            ++unproven;
            out += printable((snapshot.at("signed").get<bool>() ? "Signed by another key: "
                                                                : "Not signed: ") +
                             text(snapshot, "snapshot") + " on " + text(snapshot, "tape")) +
                   "\n";
        }
        out += elsewhere_text(snapshot);
        if (snapshot.at("sound").get<bool>()) {
            ++sound;
            continue;
        }
        out += damage_text(snapshot);
    }
    out += findings_text(report.at("findings"));
    if (report.at("wrong_key").get<bool>()) {
        std::string keys;
        for (const auto& key : report.at("other_keys")) {
            keys += (keys.empty() ? "" : ", ") + key.get<std::string>();
        }
        out += "The key is that of no snapshot; what is encrypted was made with " +
               printable(keys) + "\n";
    }
    for (const auto& barcode : report.at("not_verified")) {
        out += printable("Not verified: " + barcode.get<std::string>()) + "\n";
    }
    if (report.at("nothing_verified").get<bool>()) {
        return out + "Nothing was verified: no tape of Proxmox Backup Server could be read.\n";
    }
    const auto blind = report.at("not_decrypted").get<std::uint64_t>() +
                       report.at("encrypted_by_other_keys").get<std::uint64_t>();
    return out + number(report, "chunks") + " chunks of " +
           bytes_text(report.at("chunk_bytes").get<std::uint64_t>()) + " read; " +
           std::to_string(sound) + " of " + std::to_string(report.at("snapshots").size()) +
           " copies of snapshots are sound.\n" +
           (unproven == 0 ? ""
                          : std::to_string(unproven) +
                                " of them are not signed by the key, which does not prove who made "
                                "them.\n") +
           (blind == 0 ? ""
                       : std::to_string(blind) +
                             " chunks are encrypted: only their CRC was checked. See "
                             "--client-key.\n");
}

std::string restore_report(const Json& restored) {
    std::string out;
    if (restored.at("key_given").get<bool>() && !restored.at("signed").get<bool>()) {
        out += printable("Not signed: " + text(restored, "snapshot") +
                         "; the key does not prove who made it") +
               "\n";
    }
    for (const auto& unproven : restored.at("unproven")) {
        if (restored.at("key_given").get<bool>()) {
            out += printable("Not proven by the key: " + unproven.get<std::string>() +
                             ", which no manifest lists") +
                   "\n";
        }
    }
    for (const auto& damaged : restored.at("damaged")) {
        out += printable("Not restored: " + damaged.get<std::string>()) + "\n";
    }
    for (const auto& missing : restored.at("not_found")) {
        out += printable("Not found: " + missing.get<std::string>()) + "\n";
    }
    for (const auto& refused : restored.at("refused")) {
        out += printable("Left as it is: " + refused.get<std::string>()) + "\n";
    }
    if (restored.contains("attributes_missing")) {
        for (const auto& missing : restored.at("attributes_missing")) {
            out += printable("Without: " + missing.get<std::string>()) + "\n";
        }
    }
    if (restored.contains("sockets_left_out")) {
        const auto count = number(restored, "sockets_left_out");
        out += "Left out: " + count + (count == "1" ? " socket" : " sockets") +
               ", for which tar has no place\n";
    }
    if (const auto bad = restored.value("chunks_replaced", std::uint64_t{0}); bad > 0) {
        out += "Replaced: " + std::to_string(bad) + (bad == 1 ? " chunk" : " chunks") +
               " of which the datastore had a bad copy\n";
    }
    for (const auto& file : restored.at("restored")) {
        out += printable("Restored " + file.get<std::string>()) + "\n";
    }
    return out;
}

}  // namespace tapeloft::vtl::cli
