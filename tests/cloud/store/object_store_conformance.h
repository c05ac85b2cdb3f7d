// What every store must do, whatever lies behind it. A provider or a decorator binds to the suite
// with a row of Binding (bindings.cc).
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "cloud/store/object_store.h"

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {

/// A store, and what must outlive it.
struct BoundStore {
    std::shared_ptr<void> surroundings;
    std::shared_ptr<ObjectStore> store;
};

struct Binding {
    std::string name;
    std::function<BoundStore(StoreLoop&)> make;  ///< a new, empty store
};

inline void PrintTo(const Binding& binding, std::ostream* out) {
    *out << binding.name;
}

class ObjectStoreConformance : public testing::TestWithParam<Binding> {
  protected:
    ObjectStoreConformance() : bound(GetParam().make(loop)), store(*bound.store) {}

    Result<void> put(std::string name, std::string_view text, PutOptions options = {}) {
        return loop.run(store.put(std::move(name), body_of(text), options));
    }
    /// The bytes as text, or the class of the error.
    std::string get(std::string name, ByteRange range = {}) {
        const auto body = loop.run(store.get(std::move(name), range));
        return body ? std::string(as_text(body->view()))
                    : "error: " + std::string(to_string(body.error().code));
    }
    /// The names of all pages, and "+" after each page that says there are more.
    std::string list(const std::string& prefix, std::string after = "", std::size_t limit = 1000);

    StoreLoop loop;
    BoundStore bound;
    ObjectStore& store;
};

}  // namespace tapeloft::tests
