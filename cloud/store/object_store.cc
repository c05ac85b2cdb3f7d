#include "cloud/store/object_store.h"

#include <algorithm>
#include <utility>

#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

bool is_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_component(std::string_view part) noexcept {
    return !part.empty() && part.size() <= kNameComponentMax && part != "." && part != ".." &&
           std::all_of(part.begin(), part.end(), is_name_character);
}

}  // namespace

Awaitable<Result<StoreCondition>> ObjectStore::condition() {
    co_return StoreCondition{};
}

Awaitable<Result<Buffer>> ObjectStore::get_sound(std::string name, ByteRange range,
                                                 SoundCheck /*is_sound*/) {
    co_return co_await get(std::move(name), range);
}

Awaitable<Result<std::optional<std::int64_t>>> ObjectStore::retained_until(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    co_return std::optional<std::int64_t>();
}

Awaitable<Result<RecallState>> ObjectStore::recall(std::string name) {
    TL_CO_CHECK(check_object_name(name));
    co_return RecallState::available;
}

Awaitable<Result<void>> ObjectStore::remove_many(std::vector<std::string> names) {
    for (auto& name : names) {
        TL_CO_CHECK(co_await remove(std::move(name)));
    }
    co_return Result<void>();
}

bool is_object_name(std::string_view name) noexcept {
    if (name.size() > kObjectNameMax) {
        return false;
    }
    while (true) {
        const auto slash = name.find('/');
        if (!is_component(name.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        name.remove_prefix(slash + 1);
    }
}

}  // namespace tapeloft
