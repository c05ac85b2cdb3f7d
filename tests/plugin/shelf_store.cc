// A provider out of tree, as small as one can be: shelf://NAME, objects in memory, shared by all
// who open the same name.
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "cloud/store/request_checks.h"
#include "cloud/store/store_plugin.h"

namespace {

using namespace tapeloft;

struct Shelf {
    std::mutex mutex;
    std::map<std::string, Buffer> objects;
};

std::shared_ptr<Shelf> shelf_of(const std::string& name) {
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<Shelf>> shelves;
    const std::lock_guard lock(mutex);
    auto& shelf = shelves[name];
    if (!shelf) {
        shelf = std::make_shared<Shelf>();
    }
    return shelf;
}

class ShelfStore final : public ObjectStore {
  public:
    explicit ShelfStore(const std::string& name)
        : url_("shelf://" + name), shelf_(shelf_of(name)) {}

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return capabilities_;
    }
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        TL_CO_CHECK(check_put(name, body.size()));
        TL_CO_CHECK(check_tagless(name, options));
        const std::lock_guard lock(shelf_->mutex);
        if (options.if_absent && shelf_->objects.contains(name)) {
            co_return name_is_taken(name);
        }
        shelf_->objects[std::move(name)] = std::move(body);
        co_return Result<void>();
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        TL_CO_CHECK(check_object_name(name));
        const std::lock_guard lock(shelf_->mutex);
        const auto found = shelf_->objects.find(name);
        if (found == shelf_->objects.end()) {
            co_return no_such_object(name);
        }
        TL_CO_TRY(const auto length, length_of_range(range, found->second.size(), name));
        co_return found->second.slice(range.offset, length);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        TL_CO_TRY(const auto body, co_await get(name, {}));
        co_return ObjectInfo{std::move(name), body.size()};
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        TL_CO_CHECK(check_list(limit));
        const std::lock_guard lock(shelf_->mutex);
        ObjectPage page;
        for (const auto& [name, body] : shelf_->objects) {
            if (!name.starts_with(prefix) || name <= after) {
                continue;
            }
            page.more = page.objects.size() == limit;
            if (page.more) {
                break;
            }
            page.objects.push_back({name, body.size()});
        }
        co_return page;
    }
    Awaitable<Result<void>> remove(std::string name) override {
        TL_CO_CHECK(check_object_name(name));
        const std::lock_guard lock(shelf_->mutex);
        shelf_->objects.erase(name);
        co_return Result<void>();
    }

  private:
    const StoreCapabilities capabilities_{.put_if_absent = true, .local = true};
    const std::string url_;
    const std::shared_ptr<Shelf> shelf_;
};

Result<std::string> place(const StoreUrl& url) {
    if (url.authority.empty() || !url.path.empty() || !url.options.empty()) {
        return Error{Errc::invalid_argument, "a shelf is shelf:// and its name"};
    }
    return "shelf:" + url.authority + "/";
}

Result<std::unique_ptr<ObjectStore>> open(const StoreUrl& url, const StoreContext& /*context*/) {
    TL_CHECK(place(url));
    return std::unique_ptr<ObjectStore>(std::make_unique<ShelfStore>(url.authority));
}

StoreProvider provider() {
    return {"shelf", "shelf://name", false, place, open};
}

}  // namespace

#if defined(TAPELOFT_TEST_OLD_PLUGIN)
const tapeloft::StorePlugin tapeloft_store_plugin = {.abi = tapeloft::kStorePluginAbi - 1,
                                                     .provider = provider};
#elif defined(TAPELOFT_TEST_STRANGE_PLUGIN)
const tapeloft::StorePlugin tapeloft_store_plugin = {.build = "compiler 1.0, Boost 1",
                                                     .provider = provider};
#else
const tapeloft::StorePlugin tapeloft_store_plugin = {.provider = provider};
#endif
