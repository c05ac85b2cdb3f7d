#include "vtl/daemon/rest_json.h"

#include "vtl/daemon/element_name.h"

namespace tapeloft::vtl::daemon {
namespace {

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

Json to_json(const drive::DriveStatus& status) {
    Json json;
    json["name"] = status.name;
    json["serial"] = status.serial;
    json["model"] = status.model;
    json["state"] = std::string(drive::to_string(status.load_state));
    json["activity"] = std::string(drive::to_string(status.activity));
    json["barcode"] = text_or_null(status.barcode);
    json["write_protected"] = status.write_protected;
    json["removal_prevented"] = status.removal_prevented;
    json["reserved"] = status.reserved;
    json["block_length"] = status.block_length;
    json["position"] = {{"partition", status.position.partition},
                        {"object", status.position.logical_object_number},
                        {"file", status.position.logical_file_number}};
    json["capacity"] = {{"native", status.capacity.native},
                        {"used", status.capacity.used},
                        {"used_to_position", status.capacity.used_to_position}};
    json["bytes_written"] = status.bytes_written;
    json["bytes_read"] = status.bytes_read;
    return json;
}

Json to_json(const library::ElementView& view) {
    Json json;
    json["name"] = element_name(view.element);
    json["address"] = view.address;
    json["barcode"] = view.cartridge ? Json(view.cartridge->barcode) : Json(nullptr);
    const bool has_source = view.cartridge && view.cartridge->source;
    json["source"] = has_source ? Json(element_name(*view.cartridge->source)) : Json(nullptr);
    return json;
}

Json to_json(const media::CartridgeRecord& cartridge) {
    Json json;
    json["barcode"] = cartridge.barcode;
    json["generation"] = cartridge.generation;
    json["medium_serial"] = cartridge.medium_serial;
    json["capacity"] = cartridge.capacity;
    json["write_protected"] = cartridge.write_protected;
    json["worm"] = cartridge.worm;
    json["cleaning"] = cartridge.cleaning;
    json["location"] = element_name(cartridge.element);
    json["created_unix_s"] = cartridge.created_unix_s;
    json["load_count"] = cartridge.load_count;
    json["bytes_written"] = cartridge.bytes_written;
    json["bytes_read"] = cartridge.bytes_read;
    return json;
}

Json to_json(const net::SessionSnapshot& session) {
    Json json;
    json["tsih"] = session.tsih;
    json["initiator"] = session.initiator_name;
    json["alias"] = text_or_null(session.initiator_alias);
    json["address"] = session.initiator_address;
    json["target"] = text_or_null(session.target_name);
    json["user"] = text_or_null(session.user);
    json["header_digest"] = session.header_digest;
    json["data_digest"] = session.data_digest;
    json["established_unix_ms"] = session.established_unix_ms;
    json["commands"] = session.commands;
    json["bytes_received"] = session.bytes_received;
    json["bytes_sent"] = session.bytes_sent;
    return json;
}

Json to_json(const Event& event) {
    Json json;
    json["sequence"] = event.sequence;
    json["time_unix_ms"] = event.time_unix_ms;
    json["severity"] = std::string(to_string(event.severity));
    json["component"] = event.component;
    json["message"] = event.message;
    json["fields"] = Json::object();
    for (const auto& [key, value] : event.fields) {
        json["fields"][key] = value;
    }
    return json;
}

Json to_json(const Error& error) {
    Json json;
    json["error"] = {{"code", std::string(to_string(error.code))}, {"message", error.message}};
    return json;
}

std::string to_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tapeloft::vtl::daemon
