#include "cloud/sia/sia_condition.h"

#include <array>
#include <cstdio>
#include <utility>

#include "cloud/base/percent.h"
#include "cloud/sia/renterd_answers.h"

namespace tapeloft::sia {
namespace {

constexpr std::size_t kAnswerMax = 16UL << 20U;  ///< bytes: every contract with all it holds

/// What an answer means beside the upload settings.
using Judge = Result<void> (*)(const HttpResponse&, const UploadSettings&, StoreCondition&);

Result<void> judge_sync(const HttpResponse& answer, const UploadSettings& /*settings*/,
                        StoreCondition& condition) {
    TL_TRY(const auto synced, parse_synced(answer));
    if (!synced) {
        condition.troubles["sync"] =
            "renterd is not in step with the Sia chain yet and takes no uploads until it is.";
    }
    return {};
}

Result<void> judge_wallet(const HttpResponse& answer, const UploadSettings& /*settings*/,
                          StoreCondition& condition) {
    TL_TRY(const auto has_money, parse_has_money(answer));
    if (!has_money) {
        condition.troubles["money"] =
            "renterd's wallet is empty: send Siacoins to it, or it cannot renew its contracts.";
    }
    return {};
}

Result<void> judge_autopilot(const HttpResponse& answer, const UploadSettings& /*settings*/,
                             StoreCondition& condition) {
    TL_TRY(const auto enabled, parse_autopilot_enabled(answer));
    if (!enabled) {
        condition.troubles["autopilot"] =
            "renterd's autopilot is off: nobody renews contracts or repairs what hosts lose.";
    }
    return {};
}

Result<void> judge_contracts(const HttpResponse& answer, const UploadSettings& settings,
                             StoreCondition& condition) {
    TL_TRY(const auto hosts, parse_contract_hosts(answer));
    if (hosts < settings.total_shards) {
        condition.troubles["contracts"] = "renterd has good contracts with " +
                                          std::to_string(hosts) + " hosts, and an upload needs " +
                                          std::to_string(settings.total_shards) +
                                          ": let its autopilot form more.";
    }
    return {};
}

Result<void> judge_buffers(const HttpResponse& answer, const UploadSettings& /*settings*/,
                           StoreCondition& condition) {
    TL_TRY(condition.waiting_bytes, parse_buffered_bytes(answer));
    return {};
}

struct Question {
    const char* path;
    const char* parameter;  ///< may be empty
    const char* value;
    const char* what;  ///< for messages
    Judge judge;
};
constexpr auto kQuestions = std::to_array<Question>({
    {"/bus/consensus/state", "", "", "state of renterd's chain", judge_sync},
    {"/bus/wallet", "", "", "wallet of renterd", judge_wallet},
    {"/autopilot/state", "", "", "autopilot of renterd", judge_autopilot},
    {"/bus/contracts", "filtermode", "good", "contracts of renterd", judge_contracts},
    {"/bus/slabbuffers", "", "", "upload buffers of renterd", judge_buffers},
});

void judge_packing(const UploadSettings& settings, StoreCondition& condition) {
    if (!settings.packing) {
        condition.troubles["packing"] =
            "Upload packing is off in renterd: the smallest object costs a slab of " +
            std::to_string(settings.slab_size() >> 20U) + " MiB. Switch it on.";
    }
}

void judge_health(const ObjectFacts& worst, std::size_t prefix_size, StoreCondition& condition) {
    condition.health = worst.health;
    if (worst.health >= kHealthLow) {
        return;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", worst.health);
    condition.troubles["health"] =
        worst.key.substr(1 + prefix_size) + " has a health of " + text.data() +
        (worst.health < 0 ? ": too few of its shards are left to read it."
                          : " (1: every shard is there, 0: just enough to read it), and renterd "
                            "does not repair it: look at its contracts and its wallet.");
}

Awaitable<Result<void>> ask_health(Client& client, StoreCondition& condition) {
    const auto& settings = client.settings();
    Call call{.method = "GET", .path = "/bus/objects/" + percent_encoded(settings.prefix, "/")};
    call.query = {
        {"bucket", settings.bucket}, {"limit", "1"}, {"sortby", "health"}, {"sortdir", "asc"}};
    TL_CO_TRY(const auto answer,
              co_await client.send_for_success(std::move(call), "health of what is stored"));
    TL_CO_TRY(const auto list, parse_objects(answer));
    if (list.objects.empty()) {
        co_return co_await client.find_bucket();
    }
    if (list.objects.front().key.starts_with("/" + settings.prefix)) {
        judge_health(list.objects.front(), settings.prefix.size(), condition);
    }
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<StoreCondition>> ask_condition(Client& client) {
    StoreCondition condition;
    Call ask{.method = "GET", .path = "/bus/settings/upload"};
    TL_CO_TRY(const auto answer,
              co_await client.send_for_success(std::move(ask), "upload settings of renterd"));
    TL_CO_TRY(const auto settings, parse_upload_settings(answer));
    judge_packing(settings, condition);
    for (const auto& question : kQuestions) {
        Call call{.method = "GET", .path = question.path, .response_max = kAnswerMax};
        if (question.parameter[0] != '\0') {
            call.query = {{question.parameter, question.value}};
        }
        TL_CO_TRY(const auto said,
                  co_await client.send_for_success(std::move(call), question.what));
        TL_CO_CHECK(question.judge(said, settings, condition));
    }
    TL_CO_CHECK(co_await ask_health(client, condition));
    co_return condition;
}

}  // namespace tapeloft::sia
