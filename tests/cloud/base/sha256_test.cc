#include "cloud/base/sha256.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

namespace tapeloft {
namespace {

/// What is to be hashed, and where each message is split.
struct Text {
    Bytes bytes;
    std::size_t split = 0;
};

std::vector<Sha256Digest> digests_of(const std::vector<Text>& texts,
                                     void (*each)(const Sha256Source&, const Sha256Done&)) {
    std::vector<Sha256Digest> digests(texts.size());
    std::set<const Sha256Digest*> done;
    std::size_t next = 0;
    const auto source = [&]() -> std::optional<Sha256Message> {
        if (next == texts.size()) {
            return std::nullopt;
        }
        const auto i = next++;
        const ByteView bytes(texts[i].bytes);
        return Sha256Message{{bytes.first(texts[i].split), bytes.subspan(texts[i].split)},
                             &digests[i]};
    };
    each(source, [&done](const Sha256Digest* digest) { done.insert(digest); });
    EXPECT_EQ(next, texts.size());
    EXPECT_EQ(done.size(), texts.size());
    return digests;
}

TEST(Sha256, MatchesTheExamplesOfTheStandard) {
    // NIST, "Cryptographic Standards and Guidelines: Example Values", SHA256; and the empty
    // message.
    const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const std::vector<Text> texts = {{{'a', 'b', 'c'}},
                                     {{two_blocks.begin(), two_blocks.end()}, 10},
                                     {},
                                     {Bytes(1'000'000, 'a'), 999'999}};
    for (auto* const each : {&sha256_each, &sha256_each_portable}) {
        const auto digests = digests_of(texts, each);
        EXPECT_EQ(to_hex(digests[0]),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        EXPECT_EQ(to_hex(digests[1]),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        EXPECT_EQ(to_hex(digests[2]),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        EXPECT_EQ(to_hex(digests[3]),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

TEST(Sha256, IsTheSameInStepWithAnyOtherMessage) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    for (std::size_t count = 0; count < 40; ++count) {
        std::vector<Text> texts(count);
        for (auto& text : texts) {
            const std::size_t longest = random() % 4 == 0 ? 20'000 : 300;
            text.bytes.resize(random() % longest);
            for (auto& byte : text.bytes) {
                byte = static_cast<std::uint8_t>(random());
            }
            text.split = random() % (text.bytes.size() + 1);
        }
        ASSERT_EQ(digests_of(texts, &sha256_each), digests_of(texts, &sha256_each_portable));
    }
}

TEST(Sha256, TakesEveryLengthOfThePadding) {
    std::vector<Text> texts;
    for (std::size_t size = 0; size <= 200; ++size) {
        for (const std::size_t split : {std::size_t{0}, size / 2, size}) {
            texts.push_back({Bytes(size, static_cast<std::uint8_t>(size)), split});
        }
    }
    EXPECT_EQ(digests_of(texts, &sha256_each), digests_of(texts, &sha256_each_portable));
}

TEST(Sha256, ADigestMayGoWhereTheMessageWas) {
    Sha256Digest digest{1, 2, 3};
    const std::array parts = {ByteView(), ByteView(digest)};
    const auto expected = tapeloft::digest(DigestAlgorithm::sha256, parts);
    bool given = false;
    sha256_each([&]() -> std::optional<Sha256Message> {
        if (std::exchange(given, true)) {
            return std::nullopt;
        }
        return Sha256Message{{ByteView(), ByteView(digest)}, &digest};
    });
    EXPECT_EQ(Bytes(digest.begin(), digest.end()), expected);
}

TEST(Sha256, TakesAMessageThatComesWhileAnotherIsUnderWay) {
    const Text first{Bytes(10 * kSha256Alone, 'a')};
    const Text second{Bytes(100, 'b')};
    Sha256Digest digest_of_first{};
    Sha256Digest digest_of_second{};
    std::size_t asked = 0;
    std::vector<const Sha256Digest*> done;
    const auto next = [&]() -> std::optional<Sha256Message> {
        switch (asked++) {
            case 0:
                return Sha256Message{{ByteView(first.bytes)}, &digest_of_first};
            case 4:
                return Sha256Message{{ByteView(second.bytes)}, &digest_of_second};
            default:
                return std::nullopt;
        }
    };
    for (auto* const each : {&sha256_each, &sha256_each_portable}) {
        asked = 0;
        done.clear();
        each(next, [&done](const Sha256Digest* digest) { done.push_back(digest); });
        if (done.size() == 1) {  // OpenSSL has taken the first one at once
            EXPECT_EQ(asked, 2U);
            continue;
        }
        EXPECT_EQ(done, (std::vector<const Sha256Digest*>{&digest_of_second, &digest_of_first}));
        EXPECT_EQ((std::vector{digest_of_first, digest_of_second}),
                  digests_of({first, second}, &sha256_each_portable));
    }
}

}  // namespace
}  // namespace tapeloft
