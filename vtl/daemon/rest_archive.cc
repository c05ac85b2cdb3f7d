// What is in the store: how much, whether it is sound, and what nobody needs any more.
#include <array>
#include <cmath>

#include "cloud/base/hex.h"
#include "cloud/store/store_registry.h"

#include "vtl/daemon/rest_call.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::uint64_t kGraceMax = 10ULL * 365 * 86'400;  // seconds
/// Bytes that are gone before anybody measures how fast.
constexpr std::uint64_t kSoon = 64ULL * 1024 * 1024;

Json ratio(std::uint64_t of, std::uint64_t to) {
    return to == 0 ? Json(nullptr) : Json(static_cast<double>(of) / static_cast<double>(to));
}

Json json_of(const std::optional<media::StoreHealth::Trouble>& trouble) {
    if (!trouble) {
        return nullptr;
    }
    const auto age = std::chrono::steady_clock::now() - trouble->since;
    Json json;
    json["code"] = std::string(to_string(trouble->error.code));
    json["message"] = trouble->error.message;
    json["for_s"] = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    return json;
}

Json json_of(const MirrorMemberStatus& member) {
    Json json;
    json["url"] = member.url;
    json["standing"] = std::string(to_string(member.standing));
    json["owed"] = member.owed;
    json["to_compare"] = member.to_compare;
    json["trouble"] = member.trouble.empty() ? Json(nullptr) : Json(member.trouble);
    return json;
}

Json json_of(const media::PackRecallStatus& recall) {
    Json json;
    json["barcode"] = recall.barcode;
    json["packs"] = recall.asked;
    json["packs_left"] = recall.left;
    json["expected_s"] = recall.expected.count();
    json["trouble"] = recall.trouble ? Json(*recall.trouble) : Json(nullptr);
    return json;
}

Json json_of(const std::optional<StoreCondition>& condition) {
    if (!condition) {
        return nullptr;
    }
    Json json;
    json["health"] = condition->health ? Json(*condition->health) : Json(nullptr);
    json["waiting_bytes"] =
        condition->waiting_bytes ? Json(*condition->waiting_bytes) : Json(nullptr);
    json["troubles"] = Json::array();
    for (const auto& [kind, sentence] : condition->troubles) {
        json["troubles"].push_back({{"kind", kind}, {"message", sentence}});
    }
    return json;
}

Json json_of(const media::CollectReport& report) {
    Json json;
    json["packs"] = report.packs;
    json["pack_bytes"] = report.pack_bytes;
    json["condemned"] = report.condemned;
    json["condemned_bytes"] = report.condemned_bytes;
    json["rewritten"] = report.rewritten;
    json["rewritten_bytes"] = report.rewritten_bytes;
    json["removed"] = report.removed;
    json["removed_bytes"] = report.removed_bytes;
    json["retained"] = report.retained;
    json["retained_bytes"] = report.retained_bytes;
    json["refused"] = report.refused;
    json["refusal"] = report.refusal;
    json["retained_until_unix_s"] =
        report.retained_until_unix_s ? Json(*report.retained_until_unix_s) : Json(nullptr);
    json["unreadable"] = report.unreadable;
    return json;
}

Json json_of(const media::VerifyFinding& finding) {
    Json json;
    json["partition"] = finding.partition;
    json["first_object"] = finding.first_object;
    json["objects"] = finding.objects;
    json["pack"] = finding.pack ? Json(to_hex(*finding.pack)) : Json(nullptr);
    json["offset"] = finding.pack ? Json(finding.offset) : Json(nullptr);
    json["what"] = finding.what;
    return json;
}

Json json_of(const media::CartridgeVerdict& verdict) {
    Json json;
    json["barcode"] = verdict.barcode;
    json["damaged"] = verdict.is_damaged();
    json["segments"] = verdict.segments;
    json["segments_not_drawn"] = verdict.not_drawn;
    json["segments_being_written"] = verdict.being_written;
    json["records"] = verdict.records;
    json["bytes"] = verdict.bytes;
    json["findings"] = Json::array();
    for (const auto& finding : verdict.findings) {
        json["findings"].push_back(json_of(finding));
    }
    json["findings_left_out"] = verdict.findings_left_out;
    return json;
}

Json json_of(const media::LibraryFinding& finding) {
    const auto& row = media::row_of(finding.kind);
    Json json;
    json["kind"] = std::string(row.name);
    json["is_damage"] = row.is_damage;
    json["object"] = finding.object.empty() ? Json(nullptr) : Json(finding.object);
    json["barcode"] = finding.barcode.empty() ? Json(nullptr) : Json(finding.barcode);
    json["what"] = finding.what;
    json["can_repair"] = row.can_repair;
    json["repaired"] = finding.repaired;
    json["advice"] = std::string(row.advice);
    return json;
}

Json json_of(const media::LibraryReport& report) {
    Json json;
    json["damaged"] = report.is_damaged();
    json["objects"] = report.objects;
    json["packs"] = report.packs;
    json["pack_bytes"] = report.pack_bytes;
    json["cartridges"] = report.cartridges;
    json["segments"] = report.segments;
    json["repaired"] = report.repaired;
    json["findings"] = Json::array();
    for (const auto& finding : report.findings) {
        json["findings"].push_back(json_of(finding));
    }
    json["findings_left_out"] = report.findings_left_out;
    return json;
}

Json with_library(const ServedLibrary* library, Json json) {
    json["library"] = library->name;
    return json;
}

Awaitable<Result<Json>> post_gc(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"dry_run", "grace_s"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    media::CollectOptions options;
    TL_CO_TRY(options.dry_run, flag_member(call.body, "dry_run"));
    TL_CO_TRY(const auto grace, number_member(call.body, "grace_s", 0, kGraceMax,
                                              static_cast<std::uint64_t>(options.grace.count())));
    options.grace = std::chrono::seconds(grace);
    TL_CO_TRY(const auto report, co_await call.library->archive->collect(options));
    auto json = json_of(report);
    json["dry_run"] = options.dry_run;
    co_return with_library(call.library, std::move(json));
}

Awaitable<Result<Json>> post_check(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"repair"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    TL_CO_TRY(const bool repair, flag_member(call.body, "repair"));
    TL_CO_TRY(const auto report, co_await call.library->archive->check(repair));
    co_return with_library(call.library, json_of(report));
}

Awaitable<Result<Json>> verify(const ServedLibrary* library, Json body,
                               std::vector<media::CartridgeRecord> cartridges) {
    constexpr auto kMembers = std::to_array<std::string_view>({"sample"});
    TL_CO_CHECK(check_members(body, kMembers));
    media::VerifyOptions options;
    TL_CO_TRY(const auto sample, number_member(body, "sample", 1, 100, options.sample));
    options.sample = static_cast<unsigned>(sample);
    auto* const archive = library->archive;
    TL_CO_TRY(const auto report, co_await archive->verify(std::move(cartridges), options));
    Json json;
    json["damaged"] = report.is_damaged();
    json["cartridges"] = Json::array();
    for (const auto& verdict : report.cartridges) {
        json["cartridges"].push_back(json_of(verdict));
    }
    co_return with_library(library, std::move(json));
}

Awaitable<Result<Json>> post_verify(Call call) {
    TL_CO_TRY(auto record, co_await find_cartridge(call.library, call.barcode));
    std::vector<media::CartridgeRecord> one;
    one.push_back(std::move(record));
    co_return co_await verify(call.library, std::move(call.body), std::move(one));
}

Awaitable<Result<Json>> post_verify_all(Call call) {
    auto all = co_await cartridges_of(call.library);
    co_return co_await verify(call.library, std::move(call.body), std::move(all));
}

struct Amounts {
    std::uint64_t local_only = 0;
    std::uint64_t stored = 0;
    std::uint64_t damaged = 0;  ///< cartridges
};

Amounts amounts_of(const media::Archive::LibraryFacts& facts) {
    Amounts all;
    for (const auto& cartridge : facts.cartridges) {
        all.local_only += cartridge.storage.spooled_only;
        all.stored += cartridge.storage.stored;
        all.damaged += cartridge.record.damaged ? 1U : 0U;
    }
    return all;
}

/// What the archive does just now, asked once for all cartridges.
struct Doing {
    media::Archive::Status status;
    std::vector<media::PackRecallStatus> recalls;
};

Doing doing_of(const ServedLibrary* library) {
    return {library->archive->status(), library->archive->recalls()};
}

/// Until so much is in the store; null where nothing moves, or nobody knows how fast.
Json seconds_left(const media::Archive::Status& status, std::uint64_t bytes,
                  const media::ArchiveProgress::Rate& rate) {
    if (bytes == 0) {
        return 0;
    }
    const auto waiting = bytes - std::min(bytes, rate.under_way);
    if (status.trouble || status.fenced || (waiting > kSoon && rate.last < 1)) {
        return nullptr;
    }
    const auto moving = rate.last < 1 ? 0 : static_cast<double>(waiting) / rate.last;
    const auto commit =
        std::chrono::ceil<std::chrono::seconds>(media::ArchiveSettings().small_commits_apart);
    return static_cast<std::uint64_t>(std::ceil(moving)) +
           static_cast<std::uint64_t>(commit.count());
}

/// null: nobody has looked yet.
void add_share(Json& json, const media::Archive::CartridgeFacts& facts,
               const media::RepositoryTotals& totals) {
    for (const auto* const name :
         {"dedup_ratio", "compression_ratio", "cost_bytes", "cost_packs"}) {
        json[name] = nullptr;
    }
    if (!facts.share) {
        return;
    }
    const auto& share = *facts.share;
    if (share.stored_share > 0) {
        json["dedup_ratio"] = share.plain / share.plain_share;
        json["compression_ratio"] = share.plain_share / share.stored_share;
    }
    const auto stored = static_cast<double>(facts.storage.stored);
    const auto bytes = share.plain > 0 ? stored * share.stored_share / share.plain : 0;
    const auto pack = static_cast<double>(totals.pack_bytes) /
                      static_cast<double>(std::max<std::uint64_t>(totals.packs, 1));
    json["cost_bytes"] = static_cast<std::uint64_t>(std::llround(bytes));
    json["cost_packs"] =
        pack > 0 ? static_cast<std::uint64_t>(std::ceil(bytes / pack)) : std::uint64_t{0};
}

Json storage_json(const Doing& doing, const media::Archive::CartridgeFacts& facts,
                  const media::RepositoryTotals& totals) {
    const auto& status = doing.status;
    const auto found = status.rates.cartridges.find(facts.record.id);
    const auto rate =
        found == status.rates.cartridges.end() ? media::ArchiveProgress::Rate() : found->second;
    const auto& storage = facts.storage;
    Json json;
    json["local_only"] = storage.spooled_only;
    json["stored"] = storage.stored;
    json["pending_changes"] = storage.pending_changes;
    json["bytes_per_second"] = static_cast<std::uint64_t>(rate.bytes_per_second);
    json["seconds_left"] = seconds_left(status, storage.spooled_only, rate);
    add_share(json, facts, totals);
    json["log_objects"] = storage.log_objects;
    json["damaged"] = facts.record.damaged;
    json["recall"] = nullptr;
    for (const auto& recall : doing.recalls) {
        if (recall.cartridge == facts.record.id) {
            json["recall"] = json_of(recall);
        }
    }
    return json;
}

/// Those that hold something.
Json cartridges_json(const Doing& doing, const media::Archive::LibraryFacts& facts) {
    auto cartridges = Json::array();
    for (const auto& cartridge : facts.cartridges) {
        const auto& storage = cartridge.storage;
        if (storage.stored != 0 || storage.spooled_only != 0) {
            auto json = storage_json(doing, cartridge, facts.totals);
            json["barcode"] = cartridge.record.barcode;
            cartridges.push_back(std::move(json));
        }
    }
    return cartridges;
}

/// In force just now. store: URL; empty: there is none that they could be of.
void add_limits(Json& json, const std::string& store) {
    const auto rates =
        store.empty() ? StoreRates() : rates_of_store(store, std::chrono::system_clock::now());
    json["upload_limit"] = rates.upload == 0 ? Json(nullptr) : Json(rates.upload);
    json["download_limit"] = rates.download == 0 ? Json(nullptr) : Json(rates.download);
}

Awaitable<std::vector<media::Archive::LiveTape>> live_tapes(const ServedLibrary* library) {
    std::vector<media::Archive::LiveTape> tapes;
    for (auto* const drive : library->drives) {
        const auto status = co_await drive->status();
        tapes.push_back({status.barcode, status.position.partition, status.capacity.used});
    }
    co_return tapes;
}

constexpr auto kArchiveRoutes = std::to_array<Route>({
    // clang-format off
    {"POST", "v1/library/gc",                  Scope::library, "", 200, &post_gc},
    {"POST", "v1/library/check",               Scope::library, "", 200, &post_check},
    {"POST", "v1/cartridges/verify",           Scope::library, "", 200, &post_verify_all},
    {"POST", "v1/cartridges/{barcode}/verify", Scope::library, "", 200, &post_verify},
    // clang-format on
});

}  // namespace

std::span<const Route> archive_routes() noexcept {
    return kArchiveRoutes;
}

Awaitable<Json> archive_summary(const ServedLibrary* library) {
    auto live = co_await live_tapes(library);
    const auto facts = co_await library->archive->facts(std::move(live));
    if (!facts) {
        co_return nullptr;
    }
    const auto doing = doing_of(library);
    const auto& status = doing.status;
    const auto& totals = facts->totals;
    const auto all = amounts_of(*facts);
    Json json;
    json["store"] = library->archive->store().url();
    json["local_only"] = all.local_only;
    json["stored"] = all.stored;
    json["bytes_per_second"] = static_cast<std::uint64_t>(status.rates.all.bytes_per_second);
    json["seconds_left"] = seconds_left(status, all.local_only, status.rates.all);
    json["dedup_ratio"] = ratio(totals.referred_bytes, totals.live_plain_bytes);
    json["compression_ratio"] = ratio(totals.live_plain_bytes, totals.live_bytes);
    json["packs"] = totals.packs;
    json["pack_bytes"] = totals.pack_bytes;
    json["live_bytes"] = totals.live_bytes;
    json["log_objects"] = facts->log_objects;
    json["damaged_cartridges"] = all.damaged;
    json["cartridges"] = cartridges_json(doing, *facts);
    json["trouble"] = json_of(status.trouble);
    const auto members = library->mirror();
    add_limits(json, members.empty() ? library->stores.front() : "");
    json["mirror"] = Json::array();
    for (std::size_t i = 0; i < members.size(); ++i) {
        json["mirror"].push_back(json_of(members[i]));
        add_limits(json["mirror"].back(), library->stores.at(i));
    }
    json["recalls"] = Json::array();
    for (const auto& recall : doing.recalls) {
        json["recalls"].push_back(json_of(recall));
    }
    json["fenced"] = status.fenced;
    json["condition"] = json_of(library->store_watch->last());
    co_return json;
}

Awaitable<Json> cartridge_storage(const ServedLibrary* library, media::CartridgeId id) {
    auto live = co_await live_tapes(library);
    const auto facts = co_await library->archive->facts(id, std::move(live));
    if (!facts) {
        co_return nullptr;
    }
    co_return storage_json(doing_of(library), facts->first, facts->second);
}

}  // namespace tapeloft::vtl::daemon
