#include "cloud/sia/renterd_answers.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace tapeloft::sia {
namespace {

using Json = nlohmann::json;

Error strange(std::string_view what) {
    return {Errc::transient,
            "renterd's answer has no " + std::string(what) + ": is the endpoint that of its API?"};
}

Json parse(const HttpResponse& response) {
    const auto text = as_text(response.body.view());
    return Json::parse(text.begin(), text.end(), nullptr, false);
}

const Json* member(const Json& json, const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return json.is_object() && found != json.end() ? &*found : nullptr;
}

std::optional<std::uint64_t> number(const Json& json, const char* name) {
    const auto* value = member(json, name);
    return value != nullptr && value->is_number_unsigned()
               ? std::optional(value->get<std::uint64_t>())
               : std::nullopt;
}

std::optional<bool> truth(const Json& json, const char* name) {
    const auto* value = member(json, name);
    return value != nullptr && value->is_boolean() ? std::optional(value->get<bool>())
                                                   : std::nullopt;
}

std::string text(const Json& json, const char* name) {
    const auto* value = member(json, name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<double> fraction(const Json& json, const char* name) {
    const auto* value = member(json, name);
    return value != nullptr && value->is_number() ? std::optional(value->get<double>())
                                                  : std::nullopt;
}

/// A slab without shards lies in a buffer of renterd (partial), or nowhere.
Result<void> take_slabs(const Json& slabs, ObjectFacts& facts) {
    for (const auto& slice : slabs) {
        const auto* slab = member(slice, "slab");
        const auto length = number(slice, "length");
        if (slab == nullptr || !length) {
            return strange("slabs");
        }
        const auto* shards = member(*slab, "shards");
        const bool stored = shards != nullptr && shards->is_array() && !shards->empty();
        ++facts.slabs;
        facts.unstored += stored ? 0 : 1;
        facts.covered += *length;
    }
    return {};
}

Result<ObjectFacts> facts_of(const Json& json) {
    const auto size = number(json, "size");
    const auto health = fraction(json, "health");
    ObjectFacts facts;
    facts.key = text(json, "key");
    if (!size || !health || facts.key.empty()) {
        return strange("object");
    }
    facts.size = *size;
    facts.health = *health;
    facts.etag = text(json, "eTag");
    std::erase(facts.etag, '"');
    const auto* slabs = member(json, "slabs");
    if (slabs != nullptr && slabs->is_array()) {
        TL_CHECK(take_slabs(*slabs, facts));
    }
    return facts;
}

/// An amount of hastings, which may be larger than any integer of ours.
bool is_positive(const std::string& hastings) {
    return hastings.find_first_of("123456789") != std::string::npos;
}

}  // namespace

Result<UploadSettings> parse_upload_settings(const HttpResponse& response) {
    const auto json = parse(response);
    const auto* redundancy = member(json, "redundancy");
    const auto* packing = member(json, "packing");
    if (redundancy == nullptr || packing == nullptr) {
        return strange("upload settings");
    }
    const auto least = number(*redundancy, "minShards");
    const auto total = number(*redundancy, "totalShards");
    const auto packs = truth(*packing, "enabled");
    constexpr std::uint64_t kShardsMax = 255;
    if (!least || !total || !packs || *least < 1 || *least > *total || *total > kShardsMax) {
        return strange("upload settings");
    }
    return UploadSettings{static_cast<unsigned>(*least), static_cast<unsigned>(*total), *packs};
}

Result<ObjectFacts> parse_object(const HttpResponse& response) {
    return facts_of(parse(response));
}

Result<ObjectList> parse_objects(const HttpResponse& response) {
    const auto json = parse(response);
    const auto more = truth(json, "hasMore");
    const auto* objects = member(json, "objects");
    const bool none = objects == nullptr || objects->is_null();  // as Go writes an empty list
    if (!more || (!none && !objects->is_array())) {
        return strange("list of objects");
    }
    ObjectList list;
    list.more = *more;
    if (!none) {
        for (const auto& each : *objects) {
            TL_TRY(auto facts, facts_of(each));
            list.objects.push_back(std::move(facts));
        }
    }
    return list;
}

Result<std::string> parse_version(const HttpResponse& response) {
    auto version = text(parse(response), "version");
    return version.empty() ? Result<std::string>(strange("version")) : std::move(version);
}

Result<bool> parse_synced(const HttpResponse& response) {
    const auto synced = truth(parse(response), "synced");
    return synced ? Result<bool>(*synced) : strange("consensus state");
}

Result<bool> parse_has_money(const HttpResponse& response) {
    const auto json = parse(response);
    const auto spendable = text(json, "spendable");
    if (spendable.empty()) {
        return strange("wallet");
    }
    return is_positive(spendable) || is_positive(text(json, "unconfirmed"));
}

Result<bool> parse_autopilot_enabled(const HttpResponse& response) {
    const auto enabled = truth(parse(response), "enabled");
    return enabled ? Result<bool>(*enabled) : strange("autopilot state");
}

Result<std::size_t> parse_contract_hosts(const HttpResponse& response) {
    const auto json = parse(response);
    if (!json.is_array() && !json.is_null()) {
        return strange("contracts");
    }
    std::set<std::string> hosts;
    for (const auto& contract : json) {
        hosts.insert(text(contract, "hostKey"));
    }
    hosts.erase("");
    return hosts.size();
}

Result<std::uint64_t> parse_buffered_bytes(const HttpResponse& response) {
    const auto json = parse(response);
    if (!json.is_array() && !json.is_null()) {
        return strange("slab buffers");
    }
    std::uint64_t bytes = 0;
    for (const auto& buffer : json) {
        bytes += number(buffer, "size").value_or(0);
    }
    return bytes;
}

}  // namespace tapeloft::sia
