// A ValueStore that forgets with the process; for tests.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "cloud/base/value_store.h"

namespace tapeloft {

class MemoryValueStore final : public ValueStore {
  public:
    [[nodiscard]] std::optional<Bytes> get(std::string_view name) const override {
        const auto found = values_.find(name);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

    Awaitable<Result<void>> put(std::string name, Bytes value) override {
        if (name.empty() || name.size() > kNameLengthMax || value.size() > kValueLengthMax) {
            co_return Error{Errc::invalid_argument, "the name or the value is too long"};
        }
        if (put_error) {
            co_return *put_error;
        }
        if (value.empty()) {
            values_.erase(name);
        } else {
            values_.insert_or_assign(std::move(name), std::move(value));
        }
        co_return Result<void>();
    }

    std::optional<Error> put_error;  ///< of every put(), while it is set

  private:
    std::map<std::string, Bytes, std::less<>> values_;
};

}  // namespace tapeloft
