#include "vtl/cli/archive_report.h"

#include <array>
#include <cstdio>
#include <vector>

#include "vtl/cli/json_text.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

std::string ratio_text(const Json& value) {
    if (value.is_null()) {
        return "-";
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value.get<double>());
    return text.data();
}

std::string bytes_or_dash(const Json& value) {
    return value.is_null() ? "-" : bytes_of(value);
}

std::string number_or_dash(const Json& value) {
    return value.is_null() ? "-" : number(value);
}

std::string time_left(const Json& seconds) {
    return seconds.is_null() ? "nothing moves" : duration_text(seconds.get<std::uint64_t>());
}

std::string objects_text(const Json& finding) {
    const auto first = finding.at("first_object").get<std::uint64_t>();
    const auto count = finding.at("objects").get<std::uint64_t>();
    return "partition " + number(finding.at("partition")) +
           (count == 1 ? ", object " + std::to_string(first)
                       : ", objects " + std::to_string(first) + " to " +
                             std::to_string(first + count - 1));
}

std::string finding_line(const Json& finding) {
    auto line = "  " + objects_text(finding) + ": " + finding.at("what").get<std::string>();
    if (!finding.at("pack").is_null()) {
        line += " [pack " + finding.at("pack").get<std::string>() + ", byte " +
                number(finding.at("offset")) + "]";
    }
    return printable(std::move(line)) + "\n";
}

std::string left_out(const Json& answer) {
    const auto count = answer.at("findings_left_out").get<std::uint64_t>();
    return count == 0 ? "" : "  and " + std::to_string(count) + " more\n";
}

/// What the store says of itself.
std::string condition_lines(const Json& condition) {
    std::string text;
    if (condition.is_null()) {
        return text;
    }
    if (!condition.at("health").is_null()) {
        text += "    health of the worst object " + ratio_text(condition.at("health")) +
                " (1: all its redundancy, 0: just readable)\n";
    }
    const auto& waiting = condition.at("waiting_bytes");
    if (!waiting.is_null() && waiting.get<std::uint64_t>() != 0) {
        text += "    " + bytes_of(waiting) + " wait on one disk of the store to be stored\n";
    }
    for (const auto& trouble : condition.at("troubles")) {
        text += printable("    TROUBLE: " + trouble.at("message").get<std::string>()) + "\n";
    }
    return text;
}

/// Of a cartridge that the store has archived and that was asked for.
std::string recall_text(const Json& recall) {
    const auto expected = recall.at("expected_s").get<std::uint64_t>();
    const auto& why = recall.at("trouble");
    return number(recall.at("packs_left")) + " of " + number(recall.at("packs")) +
           " packs to come" +
           (expected == 0 ? "" : ", in " + duration_text(expected) + " at most") +
           (why.is_null() ? "" : " (" + why.get<std::string>() + ")");
}

std::string verdict_text(const Json& verdict) {
    const auto missed = verdict.at("segments_not_drawn").get<std::uint64_t>() +
                        verdict.at("segments_being_written").get<std::uint64_t>();
    auto text = verdict.at("barcode").get<std::string>() +
                (verdict.at("damaged").get<bool>() ? ": DAMAGED; " : ": sound; ") +
                number(verdict.at("records")) + " records, " + bytes_of(verdict.at("bytes")) +
                ", read back from " + number(verdict.at("segments")) + " segments" +
                (missed == 0 ? "" : ", " + std::to_string(missed) + " not read") + "\n";
    for (const auto& finding : verdict.at("findings")) {
        text += finding_line(finding);
    }
    return text + left_out(verdict);
}

std::string retained_line(const Json& answer) {
    if (answer.at("retained").get<std::uint64_t>() == 0) {
        return "";
    }
    return "Locked in the store: " + number(answer.at("retained")) + " packs, " +
           bytes_of(answer.at("retained_bytes")) + "; the first can go on " +
           time_text(answer.at("retained_until_unix_s").get<std::int64_t>()) + "\n";
}

}  // namespace

std::string gc_report(const Json& answer) {
    const bool dry_run = answer.at("dry_run").get<bool>();
    const std::string did = dry_run ? "Would be " : "";
    return number(answer.at("packs")) + " packs, " + bytes_of(answer.at("pack_bytes")) + "\n" +
           did + "removed: " + number(answer.at("removed")) + " packs, " +
           bytes_of(answer.at("removed_bytes")) + "\n" + did +
           "rewritten: " + number(answer.at("rewritten")) + " packs, of which " +
           bytes_of(answer.at("rewritten_bytes")) +
           " are kept\nWithout use, for the grace time: " + number(answer.at("condemned")) +
           " packs, " + bytes_of(answer.at("condemned_bytes")) + "\n" + retained_line(answer) +
           (answer.at("unreadable").get<std::uint64_t>() == 0
                ? ""
                : "DAMAGED or missing: " + number(answer.at("unreadable")) +
                      " packs; see tapeloft library check\n");
}

std::string check_report(const Json& answer) {
    auto text = number(answer.at("cartridges")) + " cartridges, " + number(answer.at("segments")) +
                " stored segments, " + number(answer.at("packs")) + " packs (" +
                bytes_of(answer.at("pack_bytes")) + "), " + number(answer.at("objects")) +
                " objects in the store\n";
    for (const auto& finding : answer.at("findings")) {
        const auto name = [&finding](const char* member) {
            return finding.at(member).is_null() ? "" : finding.at(member).get<std::string>() + " ";
        };
        const bool repaired = finding.at("repaired").get<bool>();
        const bool possible = finding.at("can_repair").get<bool>();
        text += printable((finding.at("is_damage").get<bool>() ? "DAMAGE  " : "note    ") +
                          finding.at("kind").get<std::string>() + ": " + name("barcode") +
                          name("object") + finding.at("what").get<std::string>()) +
                "\n          " +
                (repaired   ? "Repaired: "
                 : possible ? "With --repair: "
                            : "Not repaired: ") +
                printable(finding.at("advice").get<std::string>()) + "\n";
    }
    return text + left_out(answer) +
           (answer.at("damaged").get<bool>() ? "The library is DAMAGED.\n"
                                             : "Nothing of the library is damaged.\n");
}

std::string verify_report(const Json& answer) {
    std::string text;
    for (const auto& verdict : answer.at("cartridges")) {
        text += verdict_text(verdict);
    }
    return text;
}

/// Of a store, in words.
std::vector<std::string> limits(const Json& store) {
    std::vector<std::string> words;
    for (const std::string direction : {"upload", "download"}) {
        const auto& limit = store.at(direction + "_limit");
        if (!limit.is_null()) {
            words.push_back(direction + " limited to " + bytes_of(limit) + "/s");
        }
    }
    return words;
}

std::string archive_lines(const Json& archive) {
    if (archive.is_null()) {
        return "  store: the catalog cannot say\n";
    }
    auto text = printable("  store " + archive.at("store").get<std::string>()) + "\n    " +
                bytes_of(archive.at("stored")) + " stored, " + bytes_of(archive.at("local_only")) +
                " only local";
    if (archive.at("local_only").get<std::uint64_t>() != 0) {
        text += " (" + bytes_of(archive.at("bytes_per_second")) + "/s, " +
                time_left(archive.at("seconds_left")) + " left)";
    }
    text += "\n    dedup " + ratio_text(archive.at("dedup_ratio")) + ", compression " +
            ratio_text(archive.at("compression_ratio")) + "; costs " + number(archive.at("packs")) +
            " packs of " + bytes_of(archive.at("pack_bytes")) + ", " +
            number(archive.at("log_objects")) + " log objects\n";
    for (const auto& limit : limits(archive)) {
        text += "    " + limit + " just now\n";
    }
    for (const auto& member : archive.at("mirror")) {
        text += printable("    " + member.at("url").get<std::string>() + ": " +
                          member.at("standing").get<std::string>());
        const bool lists = member.at("to_compare").get<bool>();
        if (lists || member.at("owed").get<std::uint64_t>() != 0) {
            text += ", " + std::string(lists ? "at least " : "") + number(member.at("owed")) +
                    " objects to go";
        }
        for (const auto& limit : limits(member)) {
            text += ", " + limit;
        }
        const auto& why = member.at("trouble");
        text += (why.is_null() ? "" : printable(" (" + why.get<std::string>() + ")")) + "\n";
    }
    for (const auto& recall : archive.at("recalls")) {
        text += printable("    recalling " + recall.at("barcode").get<std::string>() + ": " +
                          recall_text(recall)) +
                "\n";
    }
    const auto& trouble = archive.at("trouble");
    if (!trouble.is_null()) {
        text +=
            printable("    TROUBLE for " + duration_text(trouble.at("for_s").get<std::uint64_t>()) +
                      ": " + trouble.at("message").get<std::string>()) +
            "\n";
    }
    text += condition_lines(archive.at("condition"));
    if (archive.at("fenced").get<bool>()) {
        text +=
            "    FENCED: another daemon writes to this store, or the catalog is an old copy; "
            "nothing is archived\n";
    }
    if (archive.at("damaged_cartridges").get<std::uint64_t>() != 0) {
        text += "    DAMAGED cartridges: " + number(archive.at("damaged_cartridges")) + "\n";
    }
    return text;
}

std::string storage_table(const Json& archive) {
    if (archive.is_null() || archive.at("cartridges").empty()) {
        return "";
    }
    Table table({{"STORED CARTRIDGE"},
                 {"STORED", Table::Align::right},
                 {"ONLY LOCAL", Table::Align::right},
                 {"RATE", Table::Align::right},
                 {"LEFT", Table::Align::right},
                 {"DEDUP", Table::Align::right},
                 {"COMPRESSION", Table::Align::right},
                 {"COST", Table::Align::right},
                 {"PACKS", Table::Align::right},
                 {"LOG OBJECTS", Table::Align::right},
                 {"STATE"}});
    for (const auto& each : archive.at("cartridges")) {
        const bool waits = each.at("local_only") != 0;
        table.add({each.at("barcode"), bytes_of(each.at("stored")), bytes_of(each.at("local_only")),
                   waits ? bytes_of(each.at("bytes_per_second")) + "/s" : "-",
                   waits ? time_left(each.at("seconds_left")) : "-",
                   ratio_text(each.at("dedup_ratio")), ratio_text(each.at("compression_ratio")),
                   bytes_or_dash(each.at("cost_bytes")), number_or_dash(each.at("cost_packs")),
                   number(each.at("log_objects")),
                   each.at("damaged").get<bool>() ? "DAMAGED" : "sound"});
    }
    return "\n" + table.text();
}

std::string storage_lines(const Json& storage) {
    if (storage.is_null()) {
        return "";
    }
    const auto local = storage.at("local_only").get<std::uint64_t>();
    return "Stored           " + bytes_of(storage.at("stored")) + "\nOnly local       " +
           bytes_text(local) +
           (local == 0 ? ""
                       : ", " + bytes_of(storage.at("bytes_per_second")) + "/s, " +
                             time_left(storage.at("seconds_left")) + " left") +
           "\nDedup            " + ratio_text(storage.at("dedup_ratio")) + "\nCompression      " +
           ratio_text(storage.at("compression_ratio")) + "\nCost             " +
           bytes_or_dash(storage.at("cost_bytes")) + " in about " +
           number_or_dash(storage.at("cost_packs")) + " packs, and " +
           number(storage.at("log_objects")) + " log objects\nDamaged          " +
           (storage.at("damaged").get<bool>() ? "YES" : "no") + "\n" +
           (storage.at("recall").is_null()
                ? ""
                : printable("Recalled         " + recall_text(storage.at("recall"))) + "\n");
}

}  // namespace tapeloft::vtl::cli
