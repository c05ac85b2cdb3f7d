#include "cloud/base/hex.h"

#include "vtl/cli/pbs_report.h"

namespace tapeloft::vtl::cli {
namespace {

Json text_or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

void add_content(Json& json, const media::ScannedFile& file) {
    if (const auto* const chunks = std::get_if<media::ChunkArchiveHeader>(&file.kind)) {
        json["store"] = chunks->store;
        json["chunks"] = file.digests.size();
        json["cut_off"] = file.cut_off ? Json(to_hex(*file.cut_off)) : Json(nullptr);
    } else if (const auto* const found = std::get_if<media::SnapshotArchiveHeader>(&file.kind)) {
        json["store"] = found->store;
        json["snapshot"] = found->snapshot.text();
    } else if (const auto* const catalog = std::get_if<media::CatalogArchiveHeader>(&file.kind)) {
        json["medium"] = media::uuid_text(catalog->uuid);
        json["media_set"] = media::uuid_text(catalog->media_set);
        json["seq_nr"] = catalog->sequence;
    } else if (const auto* const unknown = std::get_if<media::UnknownContent>(&file.kind)) {
        json["why"] = unknown->why;
    }
}

Json to_json(const media::ScannedFile& file) {
    Json json;
    json["number"] = file.number;
    json["content"] = media::name_of(file.kind);
    json["records"] = file.extent.records;
    json["filemark"] = file.extent.has_filemark;
    json["content_uuid"] = media::uuid_text(file.content);
    // From a catalog these are not known.
    json["end"] = file.ending ? Json(media::to_string(file.ending->end)) : Json(nullptr);
    json["stream_size"] = file.ending ? Json(file.ending->stream_size) : Json(nullptr);
    json["ctime"] = file.ending && !file.json.empty() ? Json(file.time_s) : Json(nullptr);
    json["used"] = file.counts;
    add_content(json, file);
    return json;
}

Json to_json(const media::VerifiedFile& file) {
    return {{"name", file.name},           {"sound", file.is_sound()},
            {"chunks", file.chunks},       {"missing", file.missing},
            {"damaged", file.damaged},     {"not_decrypted", file.not_decrypted},
            {"elsewhere", file.elsewhere}, {"findings", file.findings}};
}

Json to_json(const media::VerifiedSnapshot& snapshot) {
    Json json;
    json["snapshot"] = snapshot.name;
    json["sound"] = snapshot.is_sound();
    json["media_set"] = snapshot.media_set;
    json["tape"] = snapshot.barcode;
    json["file"] = snapshot.file;
    json["signed"] = snapshot.is_signed;
    json["signature_checked"] = snapshot.signature_checked;
    json["findings"] = snapshot.findings;
    json["files"] = Json::array();
    for (const auto& file : snapshot.files) {
        json["files"].push_back(to_json(file));
    }
    return json;
}

}  // namespace

Json findings_json(const std::vector<media::TapeFinding>& findings) {
    auto json = Json::array();
    for (const auto& finding : findings) {
        json.push_back({{"damage", finding.is_damage},
                        {"made_good", finding.made_good},
                        {"what", finding.what}});
    }
    return json;
}

Json to_json(const media::ScannedTape& tape) {
    Json json;
    json["barcode"] = tape.barcode;
    json["label"] = nullptr;
    if (tape.label) {
        json["label"] = {{"label_text", tape.label->label_text},
                         {"uuid", media::uuid_text(tape.label->uuid)},
                         {"ctime", tape.label->time_s},
                         {"pool", text_or_null(tape.label->pool)}};
    }
    json["media_set"] = nullptr;
    if (tape.media_set) {
        json["media_set"] = {
            {"uuid", media::uuid_text(tape.media_set->uuid)},
            {"pool", tape.media_set->pool},
            {"seq_nr", tape.media_set->sequence},
            {"ctime", tape.media_set->time_s},
            {"encryption_key_fingerprint", text_or_null(tape.media_set->key_fingerprint)}};
    }
    json["by_catalog"] = tape.by_catalog;
    json["files"] = Json::array();
    for (const auto& file : tape.files) {
        json["files"].push_back(to_json(file));
    }
    json["findings"] = findings_json(tape.findings);
    return json;
}

Json unread_json(const media::Collection& collection) {
    auto json = Json::array();
    for (const auto& [barcode, why] : collection.unread()) {
        json.push_back({{"barcode", barcode}, {"why", why}});
    }
    return json;
}

Json sets_json(const media::Collection& collection) {
    auto json = Json::array();
    for (std::size_t number = 0; number < collection.sets().size(); ++number) {
        const auto& set = collection.sets()[number];
        Json members = Json::array();
        for (const auto& member : set.members) {
            members.push_back(
                {{"barcode",
                  member.tape ? Json(collection.tapes()[*member.tape].barcode) : Json(nullptr)},
                 {"medium",
                  member.medium ? Json(media::uuid_text(*member.medium)) : Json(nullptr)}});
        }
        json.push_back({{"uuid", media::uuid_text(set.uuid)},
                        {"pool", set.pool},
                        {"ctime", set.time_s},
                        {"complete", set.is_complete()},
                        {"twin", set.twin ? Json(*set.twin) : Json(nullptr)},
                        {"tapes", std::move(members)}});
    }
    return json;
}

Json file_json(const media::OpenSnapshot& snapshot, const media::SnapshotFile& file) {
    Json json;
    json["name"] = file.name;
    json["size"] = file.size;
    const auto* const listed = snapshot.manifest().find(file.name);
    json["crypt_mode"] = listed != nullptr ? Json(media::to_string(listed->mode)) : Json(nullptr);
    const bool index = listed != nullptr && listed->kind != media::SnapshotFileKind::blob;
    json["data_size"] = index ? Json(listed->size) : Json(nullptr);
    return json;
}

Json plan_json(const media::RestorePlan& plan) {
    auto tapes = Json::array();
    for (const auto& tape : plan.tapes) {
        tapes.push_back({{"name", tape.name},
                         {"barcode", tape.is_here ? Json(tape.barcode) : Json(nullptr)},
                         {"here", tape.is_here},
                         {"chunks", tape.chunks},
                         {"data_bytes", tape.data_bytes}});
    }
    return {{"chunks", plan.chunks},
            {"data_bytes", plan.data_bytes},
            {"missing_chunks", plan.missing},
            {"chunks_nowhere", plan.nowhere},
            {"why_nowhere", plan.nowhere > 0 ? Json(plan.why_nowhere) : Json(nullptr)},
            {"tapes", std::move(tapes)}};
}

Json to_json(const media::PbsVerifyReport& report) {
    Json json;
    json["damaged"] = !report.is_sound();
    json["chunks"] = report.chunks;
    json["chunk_bytes"] = report.chunk_bytes;
    json["not_decrypted"] = report.not_decrypted;
    json["encrypted_by_other_keys"] = report.other_keys;
    json["key_fits"] = report.key_fits;
    json["other_keys"] = Json::array();
    for (const auto& fingerprint : report.keys_named) {
        json["other_keys"].push_back(media::short_fingerprint(fingerprint));
    }
    json["damaged_chunks"] = Json::array();
    for (const auto& chunk : report.damaged) {
        json["damaged_chunks"].push_back({{"barcode", chunk.barcode},
                                          {"file", chunk.file},
                                          {"block", chunk.block},
                                          {"store", chunk.store},
                                          {"digest", to_hex(chunk.digest)},
                                          {"what", chunk.what}});
    }
    json["snapshots"] = Json::array();
    for (const auto& snapshot : report.snapshots) {
        json["snapshots"].push_back(to_json(snapshot));
    }
    json["findings"] = findings_json(report.findings);
    return json;
}

}  // namespace tapeloft::vtl::cli
