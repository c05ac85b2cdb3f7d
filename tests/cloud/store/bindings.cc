// The stores that the conformance suite is bound to.
#include <boost/asio/thread_pool.hpp>

#include "cloud/s3/s3_store.h"
#include "cloud/sia/sia_store.h"
#include "cloud/store/faulty_store.h"
#include "cloud/store/file_store.h"
#include "cloud/store/memory_store.h"
#include "cloud/store/mirror_store.h"
#include "cloud/store/retrying_store.h"

#include "tests/cloud/s3/fake_s3.h"
#include "tests/cloud/s3/real_s3.h"
#include "tests/cloud/sia/fake_renterd.h"
#include "tests/cloud/store/fake_retry_clock.h"
#include "tests/cloud/store/object_store_conformance.h"
#include "tests/temporary_directory.h"

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

BoundStore bind_retries(StoreCapabilities capabilities, FaultRates rates) {
    auto clock = std::make_shared<FakeRetryClock>();
    auto memory = std::make_shared<MemoryStore>(capabilities);
    auto faulty = std::make_shared<FaultyStore>(memory, 1, rates);
    const RetryLimits limits = {.attempts_max = 50, .time_max = std::chrono::hours(24)};
    const RetryingStore::Limits both{limits, limits};
    return {clock, std::make_shared<RetryingStore>(faulty, both, 1, *clock)};
}

BoundStore bind_retry_over_faults(StoreLoop& /*loop*/) {
    return bind_retries({.put_if_absent = true}, {.before = 200, .throttled = 200, .turns_max = 3});
}

/// What arrived although it failed is seen only by a put if absent, which this store lacks.
BoundStore bind_retry_over_answers_lost(StoreLoop& /*loop*/) {
    return bind_retries({.put_if_absent = false}, {.before = 100, .after = 400, .turns_max = 3});
}

struct MirrorSurroundings {
    EventLog events;
    std::shared_ptr<FaultyStore> other =
        std::make_shared<FaultyStore>(std::make_shared<MemoryStore>(), 1);
};

BoundStore bind_mirror(StoreLoop& loop, bool one_is_away) {
    auto surroundings = std::make_shared<MirrorSurroundings>();
    MirrorParts parts;
    parts.members = {std::make_shared<MemoryStore>(), surroundings->other};
    parts.events = &surroundings->events;
    auto mirror = std::make_shared<MirrorStore>(std::move(parts));
    TL_ASSERT(loop.run(mirror->list("", "", 1)));
    surroundings->other->set_down(one_is_away);
    return {surroundings, mirror};
}

BoundStore bind_mirror_of_two(StoreLoop& loop) {
    return bind_mirror(loop, false);
}

BoundStore bind_mirror_with_one_away(StoreLoop& loop) {
    return bind_mirror(loop, true);
}

struct FakeS3Surroundings {
    FakeS3 server;
    boost::asio::thread_pool work{2};
};

BoundStore bind_fake_s3(StoreLoop& loop, FakeS3Options options) {
    auto surroundings = std::make_shared<FakeS3Surroundings>();
    surroundings->server.set_options(std::move(options));
    const auto url = parse_store_url(surroundings->server.url("pre%20fix"));
    const auto work = surroundings->work.get_executor();
    auto store = S3Store::open(s3::settings_of(*url).value(), {work, work},
                               surroundings->server.environment());
    TL_ASSERT(store && loop.run((*store)->prepare()));
    return {surroundings, std::move(store).value()};
}

BoundStore bind_s3(StoreLoop& loop) {
    return bind_fake_s3(loop, {.session_token = "token//=="});
}

BoundStore bind_s3_without_conditions(StoreLoop& loop) {
    return bind_fake_s3(loop, {.conditions = Conditions::ignored});
}

struct FakeRenterdSurroundings {
    FakeRenterd server;
    boost::asio::thread_pool work{2};
    ~FakeRenterdSurroundings() { EXPECT_EQ(server.violations(), std::vector<std::string>()); }
};

BoundStore bind_fake_renterd(const std::string& prefix, bool packing) {
    auto surroundings = std::make_shared<FakeRenterdSurroundings>();
    surroundings->server.change([&](FakeRenterdOptions& options) { options.packing = packing; });
    const auto url = parse_store_url(surroundings->server.url(prefix));
    const auto work = surroundings->work.get_executor();
    auto store = SiaStore::open(sia::settings_of(*url).value(), {work, work},
                                surroundings->server.environment());
    TL_ASSERT(store);
    return {surroundings, std::move(store).value()};
}

BoundStore bind_sia(StoreLoop& /*loop*/) {
    return bind_fake_renterd("pre%20fix/%C3%A4+x", true);
}

BoundStore bind_sia_without_packing(StoreLoop& /*loop*/) {
    return bind_fake_renterd("", false);
}

/// A server of its own kind, each test under a prefix of its own.
BoundStore bind_real_s3(StoreLoop& loop) {
    auto surroundings = std::make_shared<boost::asio::thread_pool>(2);
    auto store = open_real_s3(surroundings->get_executor(), real_s3_settings(*real_s3_url()));
    TL_ASSERT(loop.run(store->prepare()));
    return {surroundings, std::move(store)};
}

std::string name_of(const testing::TestParamInfo<Binding>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreConformance,
                         testing::Values(Binding{"FakeS3", bind_s3},
                                         Binding{"FakeS3WithoutConditions",
                                                 bind_s3_without_conditions}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Sia, ObjectStoreConformance,
                         testing::Values(Binding{"FakeRenterd", bind_sia},
                                         Binding{"FakeRenterdWithoutPacking",
                                                 bind_sia_without_packing}),
                         name_of);

std::vector<Binding> real_stores() {
    return real_s3_url() ? std::vector{Binding{"RealS3", bind_real_s3}} : std::vector<Binding>();
}

INSTANTIATE_TEST_SUITE_P(Real, ObjectStoreConformance, testing::ValuesIn(real_stores()), name_of);

INSTANTIATE_TEST_SUITE_P(
    Stores, ObjectStoreConformance,
    testing::Values(Binding{"Memory", bind_memory}, Binding{"File", bind_file},
                    Binding{"Delayed", bind_delayed}, Binding{"Mirror", bind_mirror_of_two},
                    Binding{"MirrorWithOneAway", bind_mirror_with_one_away},
                    Binding{"RetryOverFaults", bind_retry_over_faults},
                    Binding{"RetryOverAnswersLost", bind_retry_over_answers_lost}),
    name_of);

}  // namespace
}  // namespace tapeloft::tests
