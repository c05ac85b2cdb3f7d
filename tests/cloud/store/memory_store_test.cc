#include "cloud/store/memory_store.h"

#include <gtest/gtest.h>

#include "cloud/store/request_checks.h"

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

TEST(MemoryStoreTest, WithoutTheCapabilityPutIfAbsentReplaces) {
    StoreLoop loop;
    MemoryStore store({.put_if_absent = false});
    ASSERT_TRUE(loop.run(store.put("a", body_of("first"), {.if_absent = true})));
    ASSERT_TRUE(loop.run(store.put("a", body_of("second"), {.if_absent = true})));
    EXPECT_EQ(as_text(store.objects().at("a").view()), "second");
}

TEST(MemoryStoreTest, AnEarlierStateCanBePutBack) {
    StoreLoop loop;
    MemoryStore store;
    ASSERT_TRUE(loop.run(store.put("a", body_of("first"), {})));
    auto before = store.objects();
    ASSERT_TRUE(loop.run(store.put("a", body_of("second"), {})));
    ASSERT_TRUE(loop.run(store.put("b", body_of("x"), {})));
    store.set_objects(std::move(before));
    EXPECT_EQ(as_text(loop.run(store.get("a", {}))->view()), "first");
    EXPECT_EQ(loop.run(store.head("b")).error().code, Errc::not_found);
}

TEST(RequestChecks, ABodyHasAGibibyteAtMost) {
    EXPECT_TRUE(check_put("a", kObjectSizeMax));
    const auto result = check_put("a", kObjectSizeMax + 1);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid_argument);
    EXPECT_EQ(result.error().message, "object a has 1073741825 bytes, at most 1073741824");
}

TEST(RequestChecks, ABadNameIsShownWithoutWhatALogCannotHold) {
    const auto message = check_object_name("a\n\x01" + std::string(1000, 'X')).error().message;
    EXPECT_EQ(message.find("\"a??XXX"), 0U);
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_LT(message.size(), 300U);
}

}  // namespace
}  // namespace tapeloft::tests
