// The stores that the conformance suite is bound to.
#include <boost/asio/thread_pool.hpp>

#include "cloud/store/faulty_store.h"
#include "cloud/store/file_store.h"
#include "cloud/store/limited_store.h"
#include "cloud/store/memory_store.h"

#include "tests/cloud/store/object_store_conformance.h"
#include "tests/media/temporary_directory.h"

namespace tapeloft::tests {
namespace {

BoundStore bind_memory(StoreLoop& /*loop*/) {
    return {nullptr, std::make_shared<MemoryStore>()};
}

struct FileSurroundings {
    TemporaryDirectory directory;
    boost::asio::thread_pool disk{2};
};

BoundStore bind_file(StoreLoop& /*loop*/) {
    auto surroundings = std::make_shared<FileSurroundings>();
    auto store = FileStore::open(surroundings->directory.path() / "store",
                                 surroundings->disk.get_executor());
    TL_ASSERT(store);
    return {surroundings, std::move(store).value()};
}

/// Without faults the injector is a store like any other, however it delays.
BoundStore bind_delayed(StoreLoop& /*loop*/) {
    auto memory = std::make_shared<MemoryStore>();
    return {nullptr, std::make_shared<FaultyStore>(memory, 1, FaultRates{.turns_max = 5})};
}

BoundStore bind_limited(StoreLoop& /*loop*/) {
    auto memory = std::make_shared<MemoryStore>();
    auto delayed = std::make_shared<FaultyStore>(memory, 1, FaultRates{.turns_max = 5});
    return {nullptr, std::make_shared<LimitedStore>(delayed, 2)};
}

std::string name_of(const testing::TestParamInfo<Binding>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreConformance,
                         testing::Values(Binding{"Memory", bind_memory}, Binding{"File", bind_file},
                                         Binding{"Delayed", bind_delayed},
                                         Binding{"Limited", bind_limited}),
                         name_of);

}  // namespace
}  // namespace tapeloft::tests
