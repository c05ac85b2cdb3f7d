#include "vtl/cli/pbs_commands.h"

#include <algorithm>

#include "cloud/base/hex.h"

#include "vtl/cli/output.h"
#include "vtl/cli/pbs_report.h"
#include "vtl/cli/pbs_tapes.h"

namespace tapeloft::vtl::cli {
namespace {

/// Errors: is_away(), for all of these.
Result<Json> copy_json(const media::Collection& collection, const media::PbsSnapshot& snapshot,
                       const media::SnapshotCopy& copy) {
    Json json;
    json["media_set"] = media::uuid_text(collection.sets()[copy.set].uuid);
    json["tape"] = collection.name_of(copy.set, copy.member);
    json["file"] = copy.file;
    json["error"] = nullptr;
    auto opened = run_here(media::OpenSnapshot::open(collection, snapshot, copy));
    if (!opened && is_away(opened.error())) {
        return std::move(opened).error();
    }
    if (!opened) {
        json["error"] = opened.error().message;
        json["damaged"] = collection.file(copy.set, copy.member, copy.file) != nullptr;
        return json;
    }
    const auto& manifest = opened->manifest();
    json["encrypted"] = manifest.encrypted();
    json["signed"] = manifest.signature.has_value();
    json["key_fingerprint"] =
        manifest.key_fingerprint ? Json(to_hex(*manifest.key_fingerprint)) : Json(nullptr);
    std::uint64_t size = 0;
    json["files"] = Json::array();
    for (const auto& file : opened->files()) {
        json["files"].push_back(file_json(*opened, file));
        const auto* const listed = manifest.find(file.name);
        size += listed != nullptr ? listed->size : file.size;
    }
    json["data_size"] = size;
    std::vector<DamagedFile> damaged;
    TL_TRY(const auto chunks, all_chunks(*opened, &damaged));
    auto plan = media::plan_restore(collection, *opened, chunks);
    const auto found = run_here(media::look_for_nowhere(collection, *opened, chunks, plan));
    if (!found && is_away(found.error())) {
        return found.error();
    }
    json["made_good_chunks"] = found ? *found : std::uint64_t{0};
    json["needs"] = plan_json(plan);
    json["damaged_files"] = Json::array();
    for (const auto& file : damaged) {
        json["damaged_files"].push_back(file.why);
    }
    // What a tape that is not here may have is no damage.
    json["damaged"] =
        !damaged.empty() || (plan.nowhere > 0 && collection.sets()[copy.set].is_complete());
    return json;
}

/// What catalogs do not tell of, and a restore takes from the archives all the same.
void add_made_good(Json& scan) {
    for (const auto& snapshot : scan.at("snapshots")) {
        for (const auto& copy : snapshot.at("copies")) {
            const auto count = copy.value("made_good_chunks", std::uint64_t{0});
            if (count != 0) {
                scan["findings"].push_back(
                    {{"damage", true},
                     {"made_good", true},
                     {"what", copy.at("tape").get<std::string>() + ": " + std::to_string(count) +
                                  " chunks of " + snapshot.at("name").get<std::string>() +
                                  " are in no catalog, or in a wrong one; they stand in the "
                                  "archives of the media set"}});
            }
        }
    }
}

/// Of an archive that is not what it should be.
bool may_be_wrongly_named(const Json& snapshots) {
    return std::ranges::any_of(snapshots, [](const Json& snapshot) {
        return std::ranges::any_of(snapshot.at("copies"),
                                   [](const Json& copy) { return !copy.at("error").is_null(); });
    });
}

Result<Json> snapshots_json(const media::Collection& collection) {
    auto json = Json::array();
    for (const auto& snapshot : collection.snapshots()) {
        tell_progress("Reading " + snapshot.text());
        Json each;
        each["name"] = snapshot.text();
        each["store"] = snapshot.store;
        each["namespace"] = snapshot.name.namespace_text();
        each["type"] = snapshot.name.type;
        each["id"] = snapshot.name.id;
        each["time"] = snapshot.name.time;
        each["time_epoch"] = snapshot.name.time_s;
        each["copies"] = Json::array();
        for (const auto& copy : snapshot.copies) {
            TL_TRY(auto json_of_copy, copy_json(collection, snapshot, copy));
            each["copies"].push_back(std::move(json_of_copy));
        }
        json.push_back(std::move(each));
    }
    tell_progress("");
    return json;
}

/// Barcodes of the tapes that a person means and that hold nothing of PBS, or cannot be had now: of
/// those asked for by name; of all, if it is so with all.
Json not_verified(const Arguments& arguments, const media::Collection& collection) {
    auto barcodes = Json::array();
    for (const auto& tape : collection.tapes()) {
        if (!tape.label && !tape.media_set && !tape.lost_labels) {
            barcodes.push_back(tape.barcode);
        }
    }
    const bool any = barcodes.size() < collection.tapes().size();
    return any && arguments.tapes.empty() ? Json::array() : barcodes;
}

/// Where an archive is not what it should be, catalogs are checked, and what is then told counts.
Result<Json> checked_snapshots_json(media::Collection& collection) {
    TL_TRY(auto snapshots, snapshots_json(collection));
    if (may_be_wrongly_named(snapshots)) {
        TL_TRY(const bool wrong, run_here(collection.check_catalogs()));
        if (wrong) {
            return snapshots_json(collection);
        }
    }
    return snapshots;
}

}  // namespace

ExitStatus pbs_scan(const Arguments& arguments) {
    auto collection = scan_tapes(arguments);
    if (!collection) {
        return show(arguments, refused(collection.error()), &scan_report);
    }
    auto snapshots = checked_snapshots_json(*collection);
    if (!snapshots) {
        tell_progress("");
        return show(arguments, refused(snapshots.error()), &scan_report);
    }
    Json json;
    json["snapshots"] = std::move(*snapshots);
    json["tapes"] = Json::array();
    bool damaged = false;
    for (const auto& tape : collection->tapes()) {
        json["tapes"].push_back(to_json(tape));
        json["tapes"].back()["read"] = !collection->unread().contains(tape.barcode);
        damaged =
            damaged || (tape.label && std::ranges::any_of(tape.findings, [](const auto& each) {
                            return each.is_damage && !each.made_good;
                        }));
    }
    for (const auto& snapshot : json["snapshots"]) {
        damaged = damaged || std::ranges::any_of(snapshot.at("copies"), [](const Json& copy) {
                      return copy.at("damaged").get<bool>();
                  });
    }
    json["media_sets"] = sets_json(*collection);
    json["findings"] = findings_json(collection->findings());
    add_made_good(json);
    json["damaged"] = damaged;
    const auto shown = show(arguments, answer_of(std::move(json)), &scan_report);
    return shown == ExitStatus::done && damaged ? ExitStatus::damaged : shown;
}

ExitStatus pbs_verify(const Arguments& arguments) {
    const auto keys = Keys::load(arguments);
    if (!keys) {
        return show(arguments, refused(keys.error()), &pbs_verify_report);
    }
    auto collection = scan_tapes(arguments);
    if (!collection) {
        return show(arguments, refused(collection.error()), &pbs_verify_report);
    }
    if (const auto checked = run_here(collection->check_catalogs()); !checked) {
        return show(arguments, refused(checked.error()), &pbs_verify_report);
    }
    const auto key = keys->of_all(*collection);
    if (!key) {
        return show(arguments, refused(key.error()), &pbs_verify_report);
    }
    media::PbsVerifyOptions options;
    options.key = key->has_value() ? &key->value() : nullptr;
    options.progress = [](const std::string& barcode, std::uint64_t file, std::uint64_t files) {
        tell_progress("Verifying " + barcode + ", tape file " + std::to_string(file) + " of " +
                      std::to_string(files));
    };
    const auto report = run_here(media::verify(*collection, std::move(options)));
    tell_progress("");
    if (!report) {
        return show(arguments, refused(report.error()), &pbs_verify_report);
    }
    auto json = to_json(*report);
    json["key_given"] = keys->given();
    json["not_verified"] = not_verified(arguments, *collection);
    const auto left_out = json["not_verified"].size();
    json["nothing_verified"] = left_out == collection->tapes().size();
    const bool wrong_key = key->has_value() && !report->key_fits && !report->keys_named.empty();
    json["wrong_key"] = wrong_key;
    const bool all = left_out == 0 && !collection->tapes().empty() && !wrong_key;
    const auto shown = show(arguments, answer_of(std::move(json)), &pbs_verify_report);
    const auto ended = !report->is_sound() ? ExitStatus::damaged
                       : all               ? ExitStatus::done
                                           : ExitStatus::refused;
    return shown == ExitStatus::done ? ended : shown;
}

}  // namespace tapeloft::vtl::cli
