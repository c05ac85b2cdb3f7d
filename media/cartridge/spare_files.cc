#include "media/cartridge/spare_files.h"

#include <utility>

namespace tapeloft::media {

bool SpareFiles::keep(std::uint64_t number, std::uint64_t length) {
    if (spares_.size() >= kMax || length < kSegmentDataOffset + context_.limits.length / 2) {
        return false;
    }
    spares_.push_back({number, length});
    return true;
}

std::optional<std::uint64_t> SpareFiles::take() {
    if (spares_.empty()) {
        return std::nullopt;
    }
    const auto number = spares_.front().number;
    spares_.pop_front();
    return number;
}

bool SpareFiles::drop() {
    const auto spares = std::exchange(spares_, {});
    for (const auto& spare : spares) {
        const auto removed = files_.system().remove(files_.path(spare.number));
        if (!removed && removed.error().code != Errc::not_found) {
            context_.budget.take(spare.length);
            context_.events.warning("spool",
                                    "A spare file could not be removed; the next start does it.",
                                    {{"reason", removed.error().message}});
        }
    }
    return !spares.empty();
}

}  // namespace tapeloft::media
