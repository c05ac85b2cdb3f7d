#include "media/log/log_object.h"

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

// Made from media/FORMAT.md alone by another program (Python: hmac, AES-GCM of "cryptography",
// frames of the zstd command): master key 00..1f, repository 40..4f, stream 80..8f, salt c0..cf;
// object 2 of the stream, whose predecessor has the digest SHA-256("object 1").
constexpr std::string_view kGoldenObject =
    "544c4c4f47303031808182838485868788898a8b8c8d8e8f0200000000000000c0c1c2c3c4c5c6c7c8c9cacbcccdce"
    "cf79f8c2aea67fa79181c8d6f2ad9e4d82fd27616720c4314391a8256b547faff85dc203e480da6e614ab721aafc0c"
    "9f74c292451fe0f14e4821d346c3028ba52483254bfed93e2976b8ea3e6e30e896d1f453270d697e8b84377269bc58"
    "6c593bac38be0a";
constexpr std::string_view kGoldenDigest =
    "45d787482b085ddd9fa3b1722ea28c23128ceadfcd2fa4dc6110cd22ea7c627c";
constexpr std::string_view kGoldenHead =
    "544c484541443031808182838485868788898a8b8c8d8e8fc0c1c2c3c4c5c6c7c8c9cacbcccdcecfc4c1b1027158fb"
    "94d045a66509d93e3fa1c174ad21f479c24708e61687daf91f32c06543a2dd1764d61013571dea318c5b12f6f04ce7"
    "923546c2667d63ff7e7b";

Bytes bytes_of(std::string_view digits) {
    Bytes bytes(digits.size() / 2);
    EXPECT_TRUE(from_hex(digits, bytes));
    return bytes;
}

class LogObjectTest : public testing::Test {
  protected:
    const KeyRing keys_ = test_keys();
    const StreamId stream_ = counting<StreamId>(0x80);
};

TEST_F(LogObjectTest, AnObjectThatAnotherProgramMadeFromTheFormatPageIsRead) {
    const auto bytes = bytes_of(kGoldenObject);
    const auto object = open_log_object(keys_, stream_, 2, bytes);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->sequence, 2U);
    EXPECT_EQ(object->previous, sha256(as_bytes("object 1")));
    EXPECT_EQ(object->kind, LogKind::delta);
    EXPECT_EQ(object->entries,
              (std::vector<LogEntry>{encode(Truncation{1, 7}),
                                     encode_format({1'000'000'000, 2'000'000'000})}));
    EXPECT_EQ(to_hex(sha256(bytes)), kGoldenDigest);
}

TEST_F(LogObjectTest, AHeadThatAnotherProgramMadeFromTheFormatPageIsRead) {
    const auto head = open_head(keys_, stream_, bytes_of(kGoldenHead));
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->checkpoint, 1U);
    EXPECT_EQ(head->sequence, 2U);
    EXPECT_EQ(to_hex(head->digest), kGoldenDigest);
}

TEST_F(LogObjectTest, NamesAreHexadecimal) {
    EXPECT_EQ(log_name(stream_, 0x1A2), "log/808182838485868788898a8b8c8d8e8f/00000000000001a2");
    EXPECT_EQ(head_name(stream_), "head/808182838485868788898a8b8c8d8e8f");
}

LogObject example() {
    LogObject object;
    object.sequence = 9;
    object.previous.fill(7);
    object.kind = LogKind::checkpoint;
    object.entries = {encode(std::vector<RetainedObject>{{3, {}}}), encode(test_state()),
                      encode_format({}), encode_cartridge_removed()};
    return object;
}

TEST_F(LogObjectTest, WhatIsSealedIsOpened) {
    const auto sealed = seal_log_object(keys_, stream_, example());
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->digest, sha256(sealed->bytes));
    const auto object = open_log_object(keys_, stream_, 9, sealed->bytes);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->previous, example().previous);
    EXPECT_EQ(object->kind, LogKind::checkpoint);
    EXPECT_EQ(object->entries, example().entries);
}

TEST_F(LogObjectTest, OneObjectSealedTwiceIsTwoTexts) {
    const auto a = seal_log_object(keys_, stream_, example());
    const auto b = seal_log_object(keys_, stream_, example());
    ASSERT_TRUE(a && b);
    EXPECT_NE(Bytes(a->bytes.begin() + 48, a->bytes.end()),
              Bytes(b->bytes.begin() + 48, b->bytes.end()));
}

TEST_F(LogObjectTest, AFlippedBitInAnyByteIsNoticed) {
    const auto sealed = seal_log_object(keys_, stream_, example());
    ASSERT_TRUE(sealed);
    for (std::size_t i = 0; i < sealed->bytes.size(); ++i) {
        auto bytes = sealed->bytes;
        bytes[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
        const auto object = open_log_object(keys_, stream_, 9, bytes);
        ASSERT_FALSE(object) << "byte " << i;
        EXPECT_EQ(object.error().code, Errc::corrupt);
        EXPECT_NE(object.error().message.find(log_name(stream_, 9)), std::string::npos);
    }
}

TEST_F(LogObjectTest, AFlippedBitInAnyByteOfAHeadIsNoticed) {
    const auto sealed = bytes_of(kGoldenHead);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto bytes = sealed;
        bytes[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
        EXPECT_FALSE(open_head(keys_, stream_, bytes)) << "byte " << i;
    }
}

TEST_F(LogObjectTest, AnObjectOfAnyOtherLengthIsNoticed) {
    const auto object = bytes_of(kGoldenObject);
    const auto head = bytes_of(kGoldenHead);
    for (std::size_t size = 0; size < object.size(); ++size) {
        EXPECT_FALSE(open_log_object(keys_, stream_, 2, ByteView(object).first(size)));
    }
    for (std::size_t size = 0; size < head.size(); ++size) {
        EXPECT_FALSE(open_head(keys_, stream_, ByteView(head).first(size)));
    }
    auto longer = object;
    longer.push_back(0);
    EXPECT_FALSE(open_log_object(keys_, stream_, 2, longer));
}

TEST_F(LogObjectTest, AnObjectPutInAnotherPlaceIsNoticed) {
    auto bytes = bytes_of(kGoldenObject);
    EXPECT_FALSE(open_log_object(keys_, stream_, 3, bytes));
    EXPECT_FALSE(open_log_object(keys_, counting<StreamId>(0x81), 2, bytes));
    bytes[24] = 3;  // its header says so too
    EXPECT_FALSE(open_log_object(keys_, stream_, 3, bytes));
    EXPECT_FALSE(open_head(keys_, counting<StreamId>(0x81), bytes_of(kGoldenHead)));
}

TEST_F(LogObjectTest, AnotherKeyOpensNothing) {
    const KeyRing other(SecretKey(counting<std::array<std::uint8_t, 32>>(1)), keys_.repository());
    EXPECT_FALSE(open_log_object(other, stream_, 2, bytes_of(kGoldenObject)));
    EXPECT_FALSE(open_head(other, stream_, bytes_of(kGoldenHead)));
}

TEST_F(LogObjectTest, AnEntryOfANewerProgramIsUnsupportedAndNamed) {
    auto object = example();
    object.entries.push_back({LogEntryType{99}, {1, 2, 3}});
    const auto sealed = seal_log_object(keys_, stream_, object);
    ASSERT_TRUE(sealed);
    const auto opened = open_log_object(keys_, stream_, 9, sealed->bytes);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::unsupported);
    EXPECT_NE(opened.error().message.find("type 99"), std::string::npos);
    EXPECT_NE(opened.error().message.find(log_name(stream_, 9)), std::string::npos);
}

TEST_F(LogObjectTest, TheFirstObjectHasNoneBeforeIt) {
    auto object = example();
    object.sequence = 1;
    const auto sealed = seal_log_object(keys_, stream_, object);
    ASSERT_TRUE(sealed);
    EXPECT_FALSE(open_log_object(keys_, stream_, 1, sealed->bytes));
}

TEST_F(LogObjectTest, OnlyACheckpointSaysFirstWhatItRetains) {
    auto late = example();
    std::swap(late.entries[0], late.entries[1]);
    auto twice = example();
    twice.entries.push_back(twice.entries[0]);
    auto never = example();
    never.entries.erase(never.entries.begin());
    auto delta = example();
    delta.kind = LogKind::delta;
    for (const auto& object : {late, twice, never, delta}) {
        const auto sealed = seal_log_object(keys_, stream_, object);
        ASSERT_FALSE(sealed);
        EXPECT_EQ(sealed.error().code, Errc::invalid_argument);
    }
}

TEST_F(LogObjectTest, APayloadOverTheLimitIsRefusedAndOneOfItsSizeIsNot) {
    LogObject object;
    object.sequence = 1;
    object.entries = {{LogEntryType::append, Bytes(kLogPayloadMax - 32 - 1 - 5)}};
    const auto sealed = seal_log_object(keys_, stream_, object);
    ASSERT_TRUE(sealed);
    EXPECT_TRUE(open_log_object(keys_, stream_, 1, sealed->bytes));
    object.entries[0].body.push_back(0);
    const auto refused = seal_log_object(keys_, stream_, object);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace tapeloft::media
