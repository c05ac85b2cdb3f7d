#include "media/log/log_entries.h"

#include <functional>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

LibraryState test_library() {
    LibraryState state;
    state.name = "default";
    state.properties = {{"library_serial", "TL123"}, {"umlaut", "\xC3\xBC"}, {"empty", ""}};
    state.values = {{"lu/TL123", {"prevent", {0, 1, 2}}}, {"lu/TL124", {"x", {}}}};
    state.cartridges = {{counting<StreamId>(0x10), "TL0001L9", "STL0001L9"},
                        {counting<StreamId>(0x20), "TL0002L9", "STL0002L9"}};
    return state;
}

std::vector<CheckpointSegment> test_segments() {
    auto second = file_segment(6, 0, 0, 3).segment;
    second.partition = 1;
    return {{file_segment(4, 0, 0, 9).segment, 12},
            {file_segment(5, 10, 1, 9).segment, 13},
            {second, 12}};
}

PackContents test_zstd_pack() {
    auto pack = test_pack(0xAA, {1, 2, 3});
    pack.chunks[1].encoding = ChunkEncoding::zstd;
    pack.chunks[1].stored_length = 500;
    return pack;
}

/// Decodes an entry and encodes what came out: the same entry, or an error.
using Again = std::function<Result<LogEntry>(const LogEntry&)>;

template <typename Decode, typename Encode>
Again again(Decode decode, Encode encode_value) {
    return [decode, encode_value](const LogEntry& entry) -> Result<LogEntry> {
        TL_TRY(const auto value, decode(entry));
        return encode_value(value);
    };
}

struct EntryCase {
    const char* name;
    LogEntry entry;
    Again again;
};

std::vector<EntryCase> all_entries() {
    const auto any = [](const auto& value) { return encode(value); };
    return {
        {"retained", encode(std::vector<RetainedObject>{{1, counting<Sha256>(1)}, {70, {}}}),
         again(decode_retained, any)},
        {"library", encode(test_library()), again(decode_library, any)},
        {"pack_added", encode(test_zstd_pack()), again(decode_pack_added, any)},
        {"pack_removed", encode_removed(counting<PackId>(5)),
         again(decode_pack_removed, [](const PackId& id) { return encode_removed(id); })},
        {"state", encode(test_state()), again(decode_state, any)},
        {"format", encode_format({1000, 2000, 3000}),
         again(decode_format,
               [](const std::vector<std::uint64_t>& sizes) { return encode_format(sizes); })},
        {"truncate", encode(Truncation{2, 77}), again(decode_truncation, any)},
        {"append", encode(file_segment(3, 20, 2, 5)), again(decode_appended, any)},
        {"segments", encode(test_segments()), again(decode_segments, any)},
    };
}

TEST(LogEntries, WhatIsEncodedIsDecoded) {
    for (const auto& row : all_entries()) {
        const auto result = row.again(row.entry);
        ASSERT_TRUE(result) << row.name << ": " << result.error().message;
        EXPECT_EQ(*result, row.entry) << row.name;
    }
}

TEST(LogEntries, OneThatIsCutOffOrTooLongIsCorrupt) {
    for (const auto& row : all_entries()) {
        for (std::size_t size = 0; size < row.entry.body.size(); ++size) {
            auto entry = row.entry;
            entry.body.resize(size);
            const auto result = row.again(entry);
            if (entry.type == LogEntryType::append && size >= 60) {
                EXPECT_TRUE(result);  // the map's own decoder sees that
                continue;
            }
            ASSERT_FALSE(result) << row.name << ", " << size << " bytes";
            EXPECT_EQ(result.error().code, Errc::corrupt);
        }
        auto entry = row.entry;
        entry.body.push_back('}');
        EXPECT_EQ(row.again(entry).has_value(), entry.type == LogEntryType::append) << row.name;
    }
}

TEST(LogEntries, AnyBytesAreDecodedOrCorrupt) {
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (const auto& row : all_entries()) {
        for (int i = 0; i < 3000; ++i) {
            auto entry = row.entry;
            for (auto changes = 1 + random() % 4; changes != 0 && !entry.body.empty(); --changes) {
                const auto at = random() % entry.body.size();
                switch (random() % 4) {
                    case 0:
                        entry.body[at] = static_cast<std::uint8_t>(random());
                        break;
                    case 1:
                        entry.body[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
                        break;
                    case 2:
                        entry.body.resize(at);
                        break;
                    default:
                        entry.body.insert(entry.body.begin() + static_cast<std::ptrdiff_t>(at),
                                          static_cast<std::uint8_t>(random()));
                        break;
                }
            }
            const auto result = row.again(entry);
            if (!result) {
                ASSERT_EQ(result.error().code, Errc::corrupt) << row.name;
            } else if (entry.type != LogEntryType::library && entry.type != LogEntryType::state) {
                ASSERT_EQ(*result, entry) << row.name;  // JSON may be written in many ways
            }
        }
    }
}

TEST(LogEntries, ACountThatIsNotThereAllocatesNothing) {
    for (const auto type : {LogEntryType::retained, LogEntryType::segments, LogEntryType::format}) {
        const LogEntry entry{type, {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}};
        EXPECT_FALSE(decode_retained(entry));
        EXPECT_FALSE(decode_segments(entry));
        EXPECT_FALSE(decode_format(entry));
    }
}

TEST(LogEntries, HaveTheBytesThatTheFormatPageSays) {
    EXPECT_EQ(to_hex(encode(Truncation{1, 0x0203}).body), "010000000302000000000000");
    EXPECT_EQ(to_hex(encode_format({5}).body), "010000000500000000000000");
    EXPECT_EQ(to_hex(encode(std::vector<RetainedObject>{{9, counting<Sha256>(0)}}).body),
              "010000000900000000000000"
              "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    auto segment = file_segment(2, 3, 1, 4);
    segment.map = {0xAB};
    segment.segment.partition = 1;
    segment.segment.first_byte = 6;
    EXPECT_EQ(to_hex(encode(segment).body),
              "01000000"
              "0200000000000000"
              "0300000000000000"
              "0100000000000000"
              "0600000000000000"
              "0500000000000000"
              "0100000000000000"
              "a013000000000000"
              "ab");
    EXPECT_EQ(to_hex(encode(test_pack(0xEE, {0x11})).body),
              "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
              "7c04000000000000"
              "01000000"
              "1111111111111111111111111111111111111111111111111111111111111111"
              "20000000"
              "f8030000"
              "e8030000"
              "00"
              "000000");
    EXPECT_TRUE(encode_cartridge_removed().body.empty());
}

TEST(LogEntries, TheStateOfACartridgeIsTheJsonThatTheFormatPageSays) {
    auto state = test_state();
    state.values.resize(1);
    const auto text = std::string(as_text(encode(state).body));
    EXPECT_EQ(text, R"({"barcode":"TL0001L9","bytes_read":42,"bytes_written":123456789,)"
                    R"("capacity":18000000000000,"cleaning":false,"created_unix_s":1790000000,)"
                    R"("damaged":false,"element":{"index":3,"kind":"drive"},"format":1,)"
                    R"("generation":"L9","load_count":5,"medium_serial":"STL0001L9",)"
                    R"("source":{"index":17,"kind":"storage"},)"
                    R"("values":[{"name":"mam/0x0800","value":"AQIDBA=="}],)"
                    R"("worm":true,"write_protected":false})");
}

TEST(LogEntries, AMemberThatIsNotKnownIsPassedOver) {
    auto entry = encode(test_state());
    const std::string more = R"({"shelf":{"row":[1,2,{}]},)";
    entry.body.erase(entry.body.begin());
    entry.body.insert(entry.body.begin(), more.begin(), more.end());
    const auto state = decode_state(entry);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(encode(*state), encode(test_state()));
}

TEST(LogEntries, AMemberOfAnotherTypeOrNoneIsCorruptAndNamed) {
    struct Row {
        const char* from;
        const char* to;
        const char* named;
    };
    const Row rows[] = {
        {R"("barcode":"TL0001L9",)", "", "barcode"},
        {R"("barcode":"TL0001L9")", R"("barcode":7)", "barcode"},
        {R"("capacity":18000000000000)", R"("capacity":-1)", "capacity"},
        {R"("capacity":18000000000000)", R"("capacity":1.5)", "capacity"},
        {R"("capacity":18000000000000)", R"("capacity":9223372036854775808)", "capacity"},
        {R"("worm":true)", R"("worm":1)", "worm"},
        {R"("format":1)", R"("format":4294967296)", "format"},
        {R"("kind":"drive")", R"("kind":"robot")", "kind"},
        {R"("element":{)", R"("element":[{)", ""},
        {R"("source":{"index":17,"kind":"storage"})", R"("source":"slot 17")", "kind"},
        {R"("AQIDBA==")", R"("AQIDBA")", "value"},
        {R"("AQIDBA==")", R"("AQIDBB==")", "value"},
        {R"("AQIDBA==")", R"("AQ DBA==")", "value"},
        {R"("AQIDBA==")", R"("====")", "value"},
        {R"("created_unix_s":1790000000)", R"("created_unix_s":18446744073709551615)", "created"},
    };
    const auto sound = std::string(as_text(encode(test_state()).body));
    for (const auto& row : rows) {
        auto text = sound;
        const auto at = text.find(row.from);
        ASSERT_NE(at, std::string::npos) << row.from;
        text.replace(at, std::string_view(row.from).size(), row.to);
        const auto state = decode_state({LogEntryType::state, Bytes(text.begin(), text.end())});
        ASSERT_FALSE(state) << text;
        EXPECT_EQ(state.error().code, Errc::corrupt);
        EXPECT_NE(state.error().message.find(row.named), std::string::npos)
            << state.error().message;
    }
}

TEST(LogEntries, JsonThatIsNoObjectIsCorrupt) {
    for (const std::string text : {"", "null", "[]", "7", "{", "\"x\"", "{\"a\":\"\xFF\"}"}) {
        const Bytes body(text.begin(), text.end());
        EXPECT_FALSE(decode_state({LogEntryType::state, body})) << text;
        EXPECT_FALSE(decode_library({LogEntryType::library, body})) << text;
    }
    const std::string deep(100'000, '[');
    EXPECT_FALSE(decode_state({LogEntryType::state, Bytes(deep.begin(), deep.end())}));
}

TEST(LogEntries, AStateWithoutASourceAndAShelvedCartridgeAreKept) {
    auto state = test_state();
    state.record.source.reset();
    state.record.element = kOutside;
    state.record.created_unix_s = -5;
    state.damaged = true;
    const auto decoded = decode_state(encode(state));
    ASSERT_TRUE(decoded);
    EXPECT_FALSE(decoded->record.source);
    EXPECT_EQ(decoded->record.element, kOutside);
    EXPECT_EQ(decoded->record.created_unix_s, -5);
    EXPECT_TRUE(decoded->damaged);
}

TEST(LogEntries, TextThatIsNoUtf8IsReplacedAndNothingElseIsLost) {
    auto state = test_library();
    state.properties["bad"] = "a\xFFz";
    const auto decoded = decode_library(encode(state));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->properties.at("bad"), "a\xEF\xBF\xBDz");
    EXPECT_EQ(decoded->properties.at("umlaut"), "\xC3\xBC");
}

TEST(LogEntries, APackThatCannotBeIsCorrupt) {
    const std::function<void(PackContents&)> changes[] = {
        [](PackContents& pack) { pack.chunks[0].offset = 31; },
        [](PackContents& pack) { pack.chunks[0].plain_length = 0; },
        [](PackContents& pack) { pack.chunks[0].plain_length = kChunkLengthMax + 1; },
        [](PackContents& pack) { pack.chunks[0].stored_length += 1; },
        [](PackContents& pack) { pack.chunks[2].offset = 0xFFFF'FFFF; },
        [](PackContents& pack) { pack.size = 40; },
        [](PackContents& pack) { pack.chunks[1].stored_length = 16; },
        [](PackContents& pack) { pack.chunks[1].encoding = ChunkEncoding{2}; },
    };
    for (const auto& change : changes) {
        auto pack = test_zstd_pack();
        change(pack);
        EXPECT_FALSE(decode_pack_added(encode(pack)));
    }
}

TEST(LogEntries, ASegmentThatCannotBeIsCorrupt) {
    const std::function<void(SegmentRecord&)> changes[] = {
        [](SegmentRecord& segment) { segment.partition = 4; },
        [](SegmentRecord& segment) { segment.object_count = 0; },
        [](SegmentRecord& segment) { segment.filemark_count = segment.object_count + 1; },
        [](SegmentRecord& segment) { segment.first_object = 0x7FFF'FFFF'FFFF'FFFF; },
        [](SegmentRecord& segment) { segment.first_file = segment.first_object + 1; },
        [](SegmentRecord& segment) { segment.byte_count = 0x8000'0000'0000'0000; },
        [](SegmentRecord& segment) { segment.number = 0x8000'0000'0000'0000; },
    };
    for (const auto& change : changes) {
        auto appended = file_segment(3, 20, 2, 5);
        change(appended.segment);
        EXPECT_FALSE(decode_appended(encode(appended)));
        EXPECT_FALSE(
            decode_segments(encode(std::vector<CheckpointSegment>{{appended.segment, 1}})));
    }
    auto segments = test_segments();
    std::swap(segments[0], segments[1]);
    EXPECT_FALSE(decode_segments(encode(segments)));
    EXPECT_FALSE(decode_format(encode_format({1, 2, 3, 4, 5})));
    EXPECT_FALSE(decode_format(encode_format({0})));
    EXPECT_FALSE(decode_truncation(encode(Truncation{4, 0})));
    EXPECT_FALSE(decode_retained(encode(std::vector<RetainedObject>{{2, {}}, {2, {}}})));
    EXPECT_FALSE(decode_retained(encode(std::vector<RetainedObject>{{0, {}}})));
}

}  // namespace
}  // namespace tapeloft::media
