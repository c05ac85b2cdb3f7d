// The stores that the conformance suite is bound to.
#include "cloud/store/memory_store.h"

#include "tests/cloud/store/object_store_conformance.h"

namespace tapeloft::tests {
namespace {

BoundStore bind_memory(StoreLoop& /*loop*/) {
    return {nullptr, std::make_shared<MemoryStore>()};
}

std::string name_of(const testing::TestParamInfo<Binding>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreConformance,
                         testing::Values(Binding{"Memory", bind_memory}), name_of);

}  // namespace
}  // namespace tapeloft::tests
