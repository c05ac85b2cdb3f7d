#include "media/pbs/store/chunk_decoder.h"

#include <algorithm>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

const Bytes kKeyBytes(SecretKey::kSize, 9);

bool is_sealed(MadeEncoding encoding) {
    return encoding == MadeEncoding::encrypted || encoding == MadeEncoding::zstd_encrypted;
}

struct Given {
    MadeChunk chunk;
    std::shared_ptr<ComingChunk> coming = std::make_shared<ComingChunk>();
    bool sound = true;
};

Given make_given(std::mt19937_64& random, std::size_t number) {
    const auto encoding = static_cast<MadeEncoding>(number % 4);
    Given given;
    // Also none, which is a chunk as well.
    given.chunk = make_chunk(make_data(random, number % 35 == 0 ? 0 : 1 + random() % 100'000),
                             encoding, is_sealed(encoding) ? ByteView(kKeyBytes) : ByteView());
    given.coming->wanted = {given.chunk.digest, given.chunk.data.size(), is_sealed(encoding)};
    switch (number % 7) {
        case 3:
            given.coming->wanted.digest[31] ^= 1U;
            given.sound = false;
            break;
        case 5:
            given.chunk.blob.back() ^= 1U;
            given.sound = false;
            break;
        default:
            break;
    }
    return given;
}

void expect_as_given(const Given& given) {
    ASSERT_TRUE(given.coming->done.is_set());
    const auto& found = given.coming->found;
    ASSERT_EQ(found.has_value(), given.sound) << (found ? "" : found.error().message);
    if (given.sound) {
        EXPECT_TRUE(std::ranges::equal(found->data.view(), given.chunk.data));
        EXPECT_EQ(found->blob.empty(), !given.coming->keep_blob);
    } else {
        EXPECT_EQ(found.error().code, Errc::corrupt);
    }
}

TEST(DecodeQueue, EachChunkIsWhatItWouldBeByItself) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const CryptKey key{SecretKey(kKeyBytes)};
    DecodeQueue queue(&key);
    std::vector<Given> given;
    for (std::size_t i = 0; i < 140; ++i) {
        given.push_back(make_given(random, i));
        given.back().coming->keep_blob = random() % 2 == 0;
        queue.add(given.back().coming, Buffer::copy_of(given.back().chunk.blob));
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (std::size_t call = 0; call < given.size() / 4; ++call) {
                queue.decode_one();
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    const auto left =
        std::ranges::count_if(given, [](const Given& each) { return !each.coming->done.is_set(); });
    EXPECT_LT(left, DecodeQueue::kUnnamedMax) << "wait for another one";
    const DecodeQueue::Hurry hurry(queue);
    for (const auto& each : given) {
        expect_as_given(each);
        const auto alone = decode_chunk(Buffer::copy_of(each.chunk.blob), each.coming->wanted, &key,
                                        each.coming->keep_blob);
        EXPECT_EQ(alone.has_value(), each.sound);
    }
}

TEST(DecodeQueue, AFewChunksWaitForAnotherOrForWhoeverWaitsForThem) {
    std::mt19937_64 random(1);
    const CryptKey key{SecretKey(kKeyBytes)};
    DecodeQueue queue(&key);
    std::vector<Given> given;
    for (const std::size_t number : {1U, 2U, 4U, 6U, 7U, 5U, 8U}) {  // 5 is damaged
        given.push_back(make_given(random, number));
    }
    const auto begin = [&](std::size_t i) {
        queue.add(given[i].coming, Buffer::copy_of(given[i].chunk.blob));
    };
    const auto is_done = [&](std::size_t i) { return given[i].coming->done.is_set(); };
    const auto last = DecodeQueue::kUnnamedMax - 1;
    for (std::size_t i = 0; i <= last; ++i) {
        EXPECT_FALSE(i > 0 && is_done(i - 1));
        begin(i);
        queue.decode_one();
    }
    for (std::size_t i = 0; i <= last; ++i) {
        EXPECT_TRUE(is_done(i)) << i;
    }
    begin(last + 1);
    begin(last + 2);
    queue.decode_one();
    {
        const DecodeQueue::Hurry hurry(queue);
        EXPECT_FALSE(is_done(last + 1)) << "another one is being decoded";
        queue.decode_one();
        EXPECT_TRUE(is_done(last + 1) && is_done(last + 2)) << "which has no digest to take";
        begin(last + 3);
        queue.decode_one();
        EXPECT_TRUE(is_done(last + 3));
    }
    for (const auto& each : given) {
        expect_as_given(each);
    }
}

TEST(DecodeChunk, StaysEncryptedOnlyWhereItsBlobIsKept) {
    std::mt19937_64 random(1);
    const auto sealed = make_chunk(make_data(random, 1000), MadeEncoding::encrypted, kKeyBytes);
    const WantedChunk wanted{sealed.digest, sealed.data.size(), true};
    const auto closed = decode_chunk(Buffer::copy_of(sealed.blob), wanted, nullptr, true);
    ASSERT_TRUE(closed.has_value());
    EXPECT_TRUE(closed->data.empty());
    EXPECT_TRUE(std::ranges::equal(closed->blob.view(), sealed.blob));
    const auto lost = decode_chunk(Buffer::copy_of(sealed.blob), wanted, nullptr, false);
    ASSERT_FALSE(lost.has_value());
    EXPECT_EQ(lost.error().code, Errc::denied);
    const auto open = make_chunk(make_data(random, 1000));
    const auto bare = decode_chunk(Buffer::copy_of(open.blob),
                                   {open.digest, open.data.size(), true}, nullptr, true);
    ASSERT_FALSE(bare.has_value());
    EXPECT_EQ(bare.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace tapeloft::media
