#include "media/repository/repository.h"

#include <gtest/gtest.h>

#include "cloud/base/hex.h"
#include "cloud/store/faulty_store.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

// Made from media/FORMAT.md alone by another program: master key 00..1f, repository 40..4f.
constexpr std::string_view kGoldenRepository =
    "544c5245504f30310100000000000000404142434445464748494a4b4c4d4e4fbb40e4ab0ea7d3c83e54fa07087e54"
    "128630884b28c7de41d12c2662b0fd058c";
const std::string kRepositoryObject(kRepositoryName);

class Repository : public testing::Test {
  protected:
    static KeyRing other_key() {
        return {SecretKey(counting<std::array<std::uint8_t, 32>>(1)), test_keys().repository()};
    }
    static KeyRing other_repository() {
        return {SecretKey(counting<std::array<std::uint8_t, 32>>(0)), counting<RepositoryId>(9)};
    }
    Result<void> create(const KeyRing& keys) {
        return world_.run(create_repository(*world_.store, keys));
    }
    Result<void> open(const KeyRing& keys) {
        return world_.run(open_repository(*world_.store, keys));
    }

    LogWorld world_;
};

TEST_F(Repository, HasTheHeaderThatTheFormatPageSays) {
    ASSERT_TRUE(create(test_keys()));
    EXPECT_EQ(to_hex(world_.bytes_of(kRepositoryObject)), kGoldenRepository);
    EXPECT_TRUE(open(test_keys()));
}

TEST_F(Repository, IsMadeOnce) {
    ASSERT_TRUE(create(test_keys()));
    ASSERT_TRUE(create(test_keys())) << "it is that already";
    for (const auto& keys : {other_key(), other_repository()}) {
        const auto refused = create(keys);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::already_exists);
    }
    EXPECT_EQ(to_hex(world_.bytes_of(kRepositoryObject)), kGoldenRepository);
}

TEST_F(Repository, AnAnswerThatWasLostDoesNotMatter) {
    auto store = std::make_shared<FaultyStore>(world_.memory, 1);
    world_.store = store;
    store->script(StoreCall::put, 1, Fault::after);
    EXPECT_EQ(create(test_keys()).error().code, Errc::transient);
    EXPECT_TRUE(create(test_keys()));
}

TEST_F(Repository, AnEmptyStoreIsNotFound) {
    const auto opened = open(test_keys());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::not_found);
    EXPECT_NE(opened.error().message.find("memory:"), std::string::npos);
}

TEST_F(Repository, AWrongKeyIsDeniedInClearWords) {
    ASSERT_TRUE(create(test_keys()));
    const auto wrong = open(other_key());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::denied);
    EXPECT_EQ(wrong.error().message, "the key is not the key of the repository in memory:");
    const auto other = open(other_repository());
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::denied);
    EXPECT_NE(other.error().message.find(to_hex(test_keys().repository())), std::string::npos);
    EXPECT_NE(other.error().message.find(to_hex(other_repository().repository())),
              std::string::npos);
}

TEST_F(Repository, AHeaderWithAnyBytesChangedIsNotOpenedNorReplaced) {
    ASSERT_TRUE(create(test_keys()));
    const auto sound = world_.bytes_of(kRepositoryObject);
    for (std::size_t i = 0; i < sound.size(); ++i) {
        auto bytes = sound;
        bytes[i] ^= 0x10;
        world_.set(kRepositoryObject, bytes);
        const auto opened = open(test_keys());
        ASSERT_FALSE(opened) << i;
        const auto expected = i < 8    ? Errc::corrupt
                              : i < 12 ? Errc::unsupported
                              : i < 16 ? Errc::corrupt
                                       : Errc::denied;
        EXPECT_EQ(opened.error().code, expected) << i;
        EXPECT_FALSE(create(test_keys()));
        EXPECT_EQ(world_.bytes_of(kRepositoryObject), bytes);
    }
    for (std::size_t size = 0; size < sound.size(); ++size) {
        world_.set(kRepositoryObject,
                   Bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)));
        EXPECT_EQ(open(test_keys()).error().code, Errc::corrupt) << size;
    }
}

}  // namespace
}  // namespace tapeloft::media
