#include "media/cartridge/spool_files.h"

#include <algorithm>
#include <string>

namespace tapeloft::media {

std::string segment_file_name(std::uint64_t number) {
    constexpr std::size_t kDigits = 10;
    auto digits = std::to_string(number);
    if (digits.size() < kDigits) {
        digits.insert(0, kDigits - digits.size(), '0');
    }
    return digits + ".seg";
}

Result<std::shared_ptr<File>> SpoolFiles::open(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [number](const auto& entry) { return entry.first == number; });
    if (found != open_.end()) {
        open_.splice(open_.begin(), open_, found);
        return open_.front().second;
    }
    TL_TRY(auto file, files_.open(path(number)));
    open_.emplace_front(number, std::move(file));
    if (open_.size() > kOpenMax) {
        open_.pop_back();
    }
    return open_.front().second;
}

std::shared_ptr<File> SpoolFiles::opened(std::uint64_t number) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
        return nullptr;  // a disk thread is opening one
    }
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [number](const auto& entry) { return entry.first == number; });
    return found != open_.end() ? found->second : nullptr;
}

void SpoolFiles::forget() {
    const std::lock_guard lock(mutex_);
    open_.clear();
}

}  // namespace tapeloft::media
