#include "media/library/value_stores.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace tapeloft::media {
namespace {

constexpr std::uint8_t kOriginVersion = 1;

class CatalogValues final : public ValueStore {
  public:
    CatalogValues(Catalog& catalog, Executor disk, std::string owner,
                  std::vector<NamedValue> values)
        : catalog_(catalog), disk_(std::move(disk)), owner_(std::move(owner)) {
        for (auto& value : values) {
            values_.emplace(std::move(value.name), std::move(value.value));
        }
    }

    [[nodiscard]] std::optional<Bytes> get(std::string_view name) const override {
        const auto found = values_.find(name);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

    Awaitable<Result<void>> put(std::string name, Bytes value) override {
        if (name.empty() || name.size() > kNameLengthMax || value.size() > kValueLengthMax) {
            co_return Error{
                Errc::invalid_argument,
                "a remembered value has a name of 1 to 64 characters and at most 1 MiB"};
        }
        auto work = [this, name, value] { return catalog_.set_value(owner_, name, value); };
        auto disk = disk_;
        TL_CO_CHECK(co_await run_on(std::move(disk), std::move(work)));
        if (value.empty()) {
            values_.erase(name);
        } else {
            values_.insert_or_assign(std::move(name), std::move(value));
        }
        co_return Result<void>();
    }

  private:
    Catalog& catalog_;
    const Executor disk_;
    const std::string owner_;
    std::map<std::string, Bytes, std::less<>> values_;
};

}  // namespace

Bytes origin_value(std::string_view medium_serial) {
    Bytes value(1 + medium_serial.size(), kOriginVersion);
    std::ranges::copy(medium_serial, value.begin() + 1);
    return value;
}

std::string origin_of(const ValueStore& memory) {
    const auto value = memory.get(kOriginName);
    if (!value || value->empty() || value->front() != kOriginVersion) {
        return {};
    }
    return {value->begin() + 1, value->end()};
}

std::string value_owner_of_unit(const std::string& serial) {
    return "lu/" + serial;
}

Result<std::shared_ptr<ValueStore>> open_value_store(Catalog& catalog, Executor disk,
                                                     std::string owner) {
    TL_TRY(auto values, catalog.values(owner));
    return std::shared_ptr<ValueStore>(std::make_shared<CatalogValues>(
        catalog, std::move(disk), std::move(owner), std::move(values)));
}

}  // namespace tapeloft::media
