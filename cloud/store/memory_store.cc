#include "cloud/store/memory_store.h"

#include <algorithm>
#include <utility>

#include "cloud/base/digest.h"
#include "cloud/store/request_checks.h"

namespace tapeloft {

MemoryStore::MemoryStore(StoreCapabilities capabilities) : capabilities_(capabilities) {}

Awaitable<Result<void>> MemoryStore::put(std::string name, Buffer body, PutOptions options) {
    TL_CO_CHECK(check_put(name, body.size()));
    const std::lock_guard lock(mutex_);
    if (options.if_absent && capabilities_.put_if_absent && objects_.contains(name)) {
        co_return name_is_taken(name);
    }
    if (!options.if_match.empty()) {
        const auto found = objects_.find(name);
        if (found == objects_.end() || tag_of(found->second) != options.if_match) {
            co_return object_has_changed(name);
        }
    }
    objects_.insert_or_assign(std::move(name), std::move(body));
    co_return Result<void>();
}

Awaitable<Result<Buffer>> MemoryStore::get(std::string name, ByteRange range) {
    TL_CO_CHECK(check_object_name(name));
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(name);
    if (found == objects_.end()) {
        co_return no_such_object(name);
    }
    TL_CO_TRY(const auto length, length_of_range(range, found->second.size(), name));
    co_return found->second.slice(range.offset, length);
}

Awaitable<Result<ObjectInfo>> MemoryStore::head(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(name);
    if (found == objects_.end()) {
        co_return no_such_object(name);
    }
    co_return ObjectInfo{name, found->second.size(), tag_of(found->second)};
}

Awaitable<Result<ObjectPage>> MemoryStore::list(std::string prefix, std::string after,
                                                std::size_t limit) {
    TL_CO_CHECK(check_list(limit));
    const std::lock_guard lock(mutex_);
    ObjectPage page;
    auto next = after < prefix ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
    for (; next != objects_.end() && next->first.starts_with(prefix); ++next) {
        if (page.objects.size() == limit) {
            page.more = true;
            break;
        }
        page.objects.push_back({next->first, next->second.size()});
    }
    co_return page;
}

Awaitable<Result<void>> MemoryStore::remove(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    const std::lock_guard lock(mutex_);
    objects_.erase(name);
    co_return Result<void>();
}

ObjectTag MemoryStore::tag_of(const Buffer& body) const {
    return capabilities_.put_if_match
               ? ObjectTag(std::to_string(body.size()) + "-" + std::to_string(crc32c(body.view())))
               : ObjectTag();
}

MemoryStore::Objects MemoryStore::objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
}

void MemoryStore::set_objects(Objects objects) {
    const std::lock_guard lock(mutex_);
    objects_ = std::move(objects);
}

}  // namespace tapeloft
