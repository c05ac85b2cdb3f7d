// What a logical unit remembers, kept by a test over lives of the unit; it can fail.
#pragma once

#include <map>
#include <string>

#include "cloud/base/value_store.h"

namespace tapeloft::vtl::scsi {

class FakeMemory final : public ValueStore {
  public:
    [[nodiscard]] std::optional<Bytes> get(std::string_view name) const override {
        const auto found = values.find(std::string(name));
        return found == values.end() ? std::nullopt : std::optional(found->second);
    }
    Awaitable<Result<void>> put(std::string name, Bytes value) override {
        if (fails) {
            co_return Error{Errc::io, "the disk failed"};
        }
        ++puts;
        if (value.empty()) {
            values.erase(name);
        } else {
            values[std::move(name)] = std::move(value);
        }
        co_return Result<void>();
    }

    bool fails = false;
    int puts = 0;
    std::map<std::string, Bytes> values;
};

}  // namespace tapeloft::vtl::scsi
