#include "media/cartridge/spare_files.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

bool SpareFiles::keep(std::uint64_t number, std::uint64_t length) {
    if (spares_.size() >= kMax || !SparePool::is_worth_it(context_.limits, length)) {
        return false;
    }
    spares_.push_back({number, length});
    return true;
}

void SpareFiles::fetch() {
    if (!spares_.empty() || context_.archive == nullptr) {
        return;
    }
    asked_ = true;
    if (const auto spare = context_.archive->take_spare(cartridge_)) {
        spares_.push_back(*spare);
    }
}

std::optional<std::filesystem::path> SpareFiles::take() {
    if (spares_.empty()) {
        return context_.spares.take();
    }
    const auto number = spares_.front().number;
    spares_.pop_front();
    return files_.path(number);
}

bool SpareFiles::holds(std::uint64_t number) const noexcept {
    return std::ranges::find(spares_, number, &SpareFile::number) != spares_.end();
}

void SpareFiles::remove(const SpareFile& spare) {
    const auto removed = files_.system().remove(files_.path(spare.number));
    if (!removed && removed.error().code != Errc::not_found) {
        context_.budget.take(spare.length);
        context_.events.warning("spool",
                                "A spare file could not be removed; the next start does it.",
                                {{"reason", removed.error().message}});
    }
}

void SpareFiles::pass_on() {
    for (const auto& spare : std::exchange(spares_, {})) {
        if (!context_.spares.keep(files_.path(spare.number), spare.length, context_.limits)) {
            remove(spare);
        }
    }
    if (std::exchange(asked_, false)) {
        context_.archive->pass_on_spares(cartridge_);
    }
}

bool SpareFiles::drop() {
    const auto spares = std::exchange(spares_, {});
    for (const auto& spare : spares) {
        remove(spare);
    }
    const bool archived = std::exchange(asked_, false) && context_.archive->drop_spares(cartridge_);
    const bool pooled = context_.spares.drop();
    return archived || pooled || !spares.empty();
}

}  // namespace tapeloft::media
