#include "cloud/sia/sia_errors.h"

#include <algorithm>
#include <array>
#include <string>

#include "cloud/base/bytes.h"
#include "cloud/base/printable.h"
#include "cloud/http/retry_after.h"

namespace tapeloft::sia {
namespace {

constexpr std::string_view kNoObject = "object not found";

struct PhraseRow {
    std::string_view phrase;  ///< of renterd's sentence
    Errc errc;
    std::string_view advice;  ///< what a person can do
};

// What somebody has to mend at renterd is io or no_space: the archive waits for it, and says so.
// clang-format off
constexpr auto kPhrases = std::to_array<PhraseRow>({
    {"consensus is not synced",      Errc::transient, "renterd is not in step with the Sia chain yet and takes no uploads until it is"},
    {"not enough hosts",             Errc::io,        "renterd has too few good contracts with hosts; look at its autopilot, its wallet and its alerts"},
    {"not enough contracts",         Errc::io,        "renterd has too few good contracts with hosts; look at its autopilot, its wallet and its alerts"},
    {"no contracts",                 Errc::io,        "renterd has no contracts with hosts; look at its autopilot and its wallet"},
    {"insufficient balance",         Errc::no_space,  "renterd is out of money; send Siacoins to its wallet"},
    {"insufficient funds",           Errc::no_space,  "renterd is out of money; send Siacoins to its wallet"},
    {"not enough funds",             Errc::no_space,  "renterd is out of money; send Siacoins to its wallet"},
    {"gouging",                      Errc::io,        "hosts ask for more than the price limits (gouging settings) of renterd allow"},
    {"bucket not found",             Errc::io,        "there is no such bucket; make it in renterd first"},
    {kNoObject,                      Errc::not_found, ""},
    {"object corrupted",             Errc::corrupt,   "renterd cannot put the object together any more"},
    {"invalid redundancy settings",  Errc::io,        "the redundancy settings of renterd are impossible"},
    {"no space left on device",      Errc::no_space,  "the disk of renterd is full"},
});

/// A 404 without such a sentence comes from something in front of renterd, and is no word about an
/// object.
struct StatusRow {
    int least;
    int most;
    Errc errc;
    std::string_view advice;
};
constexpr auto kStatuses = std::to_array<StatusRow>({
    {401, 401, Errc::denied,    "it does not take the API password"},
    {403, 403, Errc::denied,    ""},
    {404, 404, Errc::transient, "is the endpoint that of renterd's API?"},
    {416, 416, Errc::invalid_argument, ""},
    {429, 429, Errc::throttled, ""},
    {300, 499, Errc::io,        ""},
    {503, 503, Errc::throttled, ""},
    {507, 507, Errc::no_space,  "the disk of renterd is full"},
});
// clang-format on

constexpr std::size_t kShown = 200;  ///< bytes of what renterd says

std::string_view sentence_of(const HttpResponse& response) noexcept {
    const auto text = as_text(response.body.view());
    return text.substr(0, text.find_last_not_of(" \r\n") + 1);
}

bool contains(std::string_view text, std::string_view phrase) noexcept {
    return text.find(phrase) != std::string_view::npos;
}

}  // namespace

bool is_no_object(const HttpResponse& response) noexcept {
    return response.status == 404 && sentence_of(response).ends_with(kNoObject);
}

Error error_of(const HttpResponse& response, std::string_view what) {
    const auto sentence = sentence_of(response);
    const auto* phrase = std::find_if(kPhrases.begin(), kPhrases.end(), [&](const auto& row) {
        // Only its status tells that of a 500, which may have anything as its cause.
        return contains(sentence, row.phrase) &&
               (row.errc != Errc::not_found || is_no_object(response));
    });
    const auto* status = std::find_if(kStatuses.begin(), kStatuses.end(), [&](const auto& row) {
        return row.least <= response.status && response.status <= row.most;
    });
    Error error{Errc::transient,
                std::string(what) + ": renterd answers " + std::to_string(response.status),
                retry_after(response)};
    std::string_view advice;
    if (phrase != kPhrases.end()) {
        error.code = phrase->errc;
        advice = phrase->advice;
    } else if (status != kStatuses.end()) {
        error.code = status->errc;
        advice = status->advice;
    }
    error.message += advice.empty() ? "" : ": " + std::string(advice);
    error.message += sentence.empty() ? "" : " (" + printable(sentence, kShown) + ")";
    return error;
}

}  // namespace tapeloft::sia
