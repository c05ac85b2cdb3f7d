#include "media/cartridge/archive_port.h"

namespace tapeloft::media {

std::string duration_in_words(std::chrono::seconds time) {
    constexpr std::chrono::hours kInMinutes{2};
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(time).count();
    const auto hours = std::chrono::ceil<std::chrono::hours>(time).count();
    return time < kInMinutes ? std::to_string(minutes) + " min" : std::to_string(hours) + " h";
}

Error archived_error(const std::string& barcode, std::chrono::seconds expected) {
    return {Errc::busy, "cartridge " + barcode +
                            " is archived in the store: what it holds was asked for, and can be "
                            "read " +
                            (expected.count() == 0 ? "when the store has brought it back"
                                                   : "in about " + duration_in_words(expected))};
}

}  // namespace tapeloft::media
