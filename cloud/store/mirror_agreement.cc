#include "cloud/store/mirror_agreement.h"

#include <algorithm>
#include <utility>

namespace tapeloft {

Awaitable<Result<bool>> put_if_free(std::shared_ptr<ObjectStore> store, std::string name,
                                    Buffer body) {
    auto put = co_await store->put(name, body, {.if_absent = true});
    if (put) {
        co_return true;
    }
    if (put.error().code != Errc::precondition) {
        co_return std::move(put).error();
    }
    TL_CO_TRY(const auto there, co_await store->get(name, {}));
    if (!std::ranges::equal(there.view(), body.view())) {
        co_return std::move(put).error();
    }
    co_return false;
}

MirrorAgreement::MirrorAgreement(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        put_[name];
    }
}

void MirrorAgreement::note_put(const std::string& name, const Buffer& body) {
    const std::lock_guard lock(mutex_);
    const auto found = put_.find(name);
    if (found == put_.end()) {
        return;
    }
    found->second.push_back(body);
    if (found->second.size() > kKept) {
        found->second.pop_front();
    }
}

void MirrorAgreement::note_removed(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = put_.find(name);
    if (found != put_.end()) {
        found->second.clear();
    }
}

std::deque<Buffer> MirrorAgreement::put(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return put_.at(name);
}

Awaitable<Result<void>> MirrorAgreement::check(std::shared_ptr<ObjectStore> store) const {
    for (const auto& [name, unused] : put_) {
        const auto own = put(name);
        if (own.empty()) {
            continue;
        }
        const auto there = co_await store->get(name, {});
        const bool is_own = !there || std::ranges::any_of(own, [&there](const Buffer& body) {
            return std::ranges::equal(body.view(), there->view());
        });
        if (!is_own) {
            co_return Error{Errc::precondition,
                            name + " in " + store->url() + " is another machine's"};
        }
    }
    co_return Result<void>();
}

}  // namespace tapeloft
