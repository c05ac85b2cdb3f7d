#include "media/cartridge/spare_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

SparePool::Writing::Writing(SparePool& pool, CartridgeId cartridge)
    : written_(pool.written_), cartridge_(cartridge) {
    const std::lock_guard lock(written_->mutex);
    written_->cartridges.insert(cartridge_);
}

SparePool::Writing::~Writing() {
    const std::lock_guard lock(written_->mutex);
    written_->cartridges.extract(cartridge_);
}

bool SparePool::is_written(CartridgeId cartridge) const {
    const std::lock_guard lock(written_->mutex);
    return written_->cartridges.contains(cartridge);
}

bool SparePool::keep(const std::filesystem::path& file, std::uint64_t length,
                     const SegmentLimits& limits) {
    constexpr std::uint64_t kShare = 8;
    const std::lock_guard lock(mutex_);
    const auto most = std::min<std::uint64_t>(kMax, budget_.limit() / kShare / limits.length);
    if (spares_.size() >= most || !is_worth_it(limits, length)) {
        return false;
    }
    made_ = made_ || files_.make_directory(directory_).has_value();
    auto name = directory_ / segment_file_name(next_name_);
    if (!made_ || !files_.rename(file, name)) {
        return false;
    }
    ++next_name_;
    spares_.push_back({std::move(name), length});
    return true;
}

std::optional<std::filesystem::path> SparePool::take() {
    const std::lock_guard lock(mutex_);
    if (spares_.empty()) {
        return std::nullopt;
    }
    auto path = std::move(spares_.back().path);
    spares_.pop_back();
    return path;
}

bool SparePool::drop() {
    std::vector<Spare> spares;
    {
        const std::lock_guard lock(mutex_);
        spares = std::exchange(spares_, {});
    }
    for (const auto& spare : spares) {
        const auto removed = files_.remove(spare.path);
        if (!removed && removed.error().code != Errc::not_found) {
            budget_.take(spare.length);
            events_.warning("spool", "A spare file could not be removed; the next start does it.",
                            {{"reason", removed.error().message}});
        }
    }
    return !spares.empty();
}

}  // namespace tapeloft::media
