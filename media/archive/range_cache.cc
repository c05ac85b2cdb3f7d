#include "media/archive/range_cache.h"

#include <array>
#include <string>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kNumberDigits = 8;

std::string hex_of(std::uint32_t number) {
    std::array<std::uint8_t, 4> bytes{};
    store_big_endian<4>(bytes, number);
    return to_hex(bytes);
}

bool number_of(std::string_view digits, std::uint32_t& number) {
    std::array<std::uint8_t, 4> bytes{};
    if (!from_hex(digits, bytes)) {
        return false;
    }
    number = static_cast<std::uint32_t>(load_big_endian<4>(bytes));
    return true;
}

}  // namespace

Result<std::unique_ptr<RangeCache>> RangeCache::open(const std::filesystem::path& folder,
                                                     std::uint64_t limit, FileSystem& files) {
    TL_CHECK(files.make_directory(folder));
    TL_TRY(const auto entries, files.list(folder));
    std::unique_ptr<RangeCache> cache(new RangeCache(folder, limit, files));
    std::vector<Key> unfit;
    for (const auto& entry : entries) {
        Key key;
        if (entry.is_directory || !parse(entry.name, key)) {
            continue;
        }
        if (entry.length != key.length || cache->used_ + key.cost() > limit) {
            unfit.push_back(key);  // the end of a write, or the limit is a lower one now
            continue;
        }
        cache->used_ += key.cost();
        cache->ranges_.emplace(key, cache->order_.insert(cache->order_.end(), key));
    }
    cache->remove_files(unfit);
    return cache;
}

bool RangeCache::parse(const std::string& name, Key& key) {
    const auto id_digits = 2 * key.pack.size();
    if (name.size() != id_digits + 2 * (1 + kNumberDigits) || name[id_digits] != '-' ||
        name[id_digits + 1 + kNumberDigits] != '-') {
        return false;
    }
    const std::string_view text(name);
    return from_hex(text.substr(0, id_digits), key.pack) &&
           number_of(text.substr(id_digits + 1, kNumberDigits), key.offset) &&
           number_of(text.substr(id_digits + 2 + kNumberDigits), key.length) && key.length != 0;
}

std::filesystem::path RangeCache::path_of(const Key& key) const {
    return folder_ / (to_hex(key.pack) + '-' + hex_of(key.offset) + '-' + hex_of(key.length));
}

/// The nearest few that begin before it; one that began longer ago and has all of it is missed,
/// which costs a request and no more.
bool RangeCache::has(const PackId& pack, std::uint64_t offset, std::uint64_t end,
                     Key& found) const {
    constexpr int kLooksMax = 8;
    auto next = ranges_.upper_bound(Key{pack, static_cast<std::uint32_t>(offset), UINT32_MAX});
    for (int looks = 0; looks < kLooksMax && next != ranges_.begin(); ++looks) {
        --next;
        if (next->first.pack != pack) {
            return false;
        }
        if (next->first.end() >= end) {
            found = next->first;
            return true;
        }
    }
    return false;
}

Buffer RangeCache::find(const PackId& pack, std::uint32_t offset, std::uint32_t length) {
    Key key;
    {
        const std::lock_guard lock(mutex_);
        if (!has(pack, offset, std::uint64_t{offset} + length, key)) {
            return {};
        }
        order_.splice(order_.begin(), order_, ranges_.at(key));
    }
    auto bytes = Buffer::allocate(length);
    if (auto file = files_.open(path_of(key))) {
        const auto size = (*file)->pread(offset - key.offset, bytes.mutable_view());
        if (size && *size == length) {
            return bytes;
        }
    }
    {
        const std::lock_guard lock(mutex_);
        forget(key);
    }
    remove_files({key});
    return {};
}

void RangeCache::insert(const PackId& pack, std::uint32_t offset, const Buffer& bytes) {
    const Key key{pack, offset, static_cast<std::uint32_t>(bytes.size())};
    std::vector<Key> evicted;
    {
        const std::lock_guard lock(mutex_);
        Key other;
        if (bytes.empty() || key.cost() > limit_ || has(pack, offset, key.end(), other)) {
            return;
        }
        make_room(key.cost(), evicted);
        if (used_ + key.cost() > limit_) {
            return;  // others are being written
        }
        used_ += key.cost();
    }
    remove_files(evicted);
    const bool written = write(key, bytes);
    {
        const std::lock_guard lock(mutex_);
        if (written && !ranges_.contains(key)) {
            ranges_.emplace(key, order_.insert(order_.begin(), key));
            return;
        }
        used_ -= key.cost();
    }
    if (!written) {
        remove_files({key});
    }
}

void RangeCache::drop(const PackId& pack, std::uint32_t offset, std::uint32_t length) {
    const auto end = std::uint64_t{offset} + length;
    std::vector<Key> dropped;
    {
        const std::lock_guard lock(mutex_);
        for (auto next = ranges_.lower_bound(Key{pack, 0, 0});
             next != ranges_.end() && next->first.pack == pack && next->first.offset < end;
             ++next) {
            if (next->first.end() > offset) {
                dropped.push_back(next->first);
            }
        }
        for (const auto& key : dropped) {
            forget(key);
        }
    }
    remove_files(dropped);
}

std::uint64_t RangeCache::used() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

void RangeCache::forget(const Key& key) {
    const auto found = ranges_.find(key);
    if (found != ranges_.end()) {
        order_.erase(found->second);
        ranges_.erase(found);
        used_ -= key.cost();
    }
}

void RangeCache::make_room(std::uint64_t cost, std::vector<Key>& evicted) {
    while (used_ + cost > limit_ && !order_.empty()) {
        evicted.push_back(order_.back());
        forget(evicted.back());
    }
}

/// What cannot be removed now is found at the next start.
void RangeCache::remove_files(const std::vector<Key>& keys) {
    for (const auto& key : keys) {
        static_cast<void>(files_.remove(path_of(key)));
    }
}

bool RangeCache::write(const Key& key, const Buffer& bytes) {
    auto file = files_.create(path_of(key));
    if (!file) {
        return false;
    }
    const ByteView part = bytes.view();
    return (*file)->pwritev(0, {&part, 1}).has_value();
}

}  // namespace tapeloft::media
