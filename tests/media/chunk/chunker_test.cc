#include "media/chunk/chunker.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "tests/media/chunk/pbs_records.h"
#include "tests/media/chunk/tape_cutter.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::string_view kJson = "{\n  \"store\": \"vmstore1\"\n}";

void write_file(TapeCutter& tape, ByteView stream) {
    for (const auto& block : pbs_blocks(stream)) {
        tape.record(block);
    }
    tape.filemark();
}

Bytes archive_of(const std::vector<Bytes>& entries, std::uint64_t seed) {
    auto stream = content_header(kChunkArchiveMagic, seed, kJson);
    for (const auto& entry : entries) {
        append(stream, entry);
    }
    return stream;
}

std::vector<Bytes> entries_of(const std::vector<std::size_t>& sizes) {
    std::vector<Bytes> entries;
    for (const auto size : sizes) {
        entries.push_back(chunk_entry(random_bytes(size, 100 + entries.size()), entries.size()));
    }
    return entries;
}

TEST(Chunker, CutsAChunkArchiveAtItsEntriesWhereverTheBlocksEnd) {
    // Entry 2 begins 20 bytes before a block ends, so that its header straddles two records.
    const std::size_t header = 48 + kJson.size();
    const std::size_t first = kPbsPayload - header - 20 - 48;
    TapeCutter tape;
    write_file(tape, archive_of(entries_of({first, 12, 3 * kMiB, 4 * kKiB}), 1));
    EXPECT_EQ(tape.lengths(), (std::vector<std::size_t>{header, 48 + first, 48 + 12, 48 + 3 * kMiB,
                                                        48 + 4 * kKiB}));
}

TEST(Chunker, ATruncatedLastBlobEndsAtItsFilemark) {
    auto stream = archive_of(entries_of({1000, 2 * kMiB}), 1);
    stream.resize(stream.size() - kMiB);
    TapeCutter tape;
    write_file(tape, stream);
    write_file(tape, archive_of(entries_of({500}), 2));
    EXPECT_EQ(tape.lengths(), (std::vector<std::size_t>{48 + kJson.size(), 1048, 48 + kMiB,
                                                        48 + kJson.size(), 548}));
}

TEST(Chunker, FollowsTheArchiveOverAFlush) {
    const auto entries = entries_of({kMiB, 1000, 70'000, 50'000});
    const auto blocks = pbs_blocks(archive_of(entries, 1));
    TapeCutter tape;
    for (const auto& block : blocks) {
        tape.record(block);
        tape.flush();  // in the middle of blobs
    }
    const auto& lengths = tape.lengths();
    const std::vector<std::size_t> tail(lengths.end() - 3, lengths.end());
    EXPECT_EQ(tail, (std::vector<std::size_t>{1048, 70'048, 50'048}));
}

TEST(Chunker, AFlushInsideAnEntryHeaderLosesNothing) {
    const std::size_t header = 48 + kJson.size();
    const std::size_t first = kPbsPayload - header - 20 - 48;
    const auto blocks = pbs_blocks(archive_of(entries_of({first, 5000, 6000}), 1));
    TapeCutter tape;
    tape.record(blocks[0]);
    tape.flush();
    tape.record(blocks[1]);
    tape.filemark();
    EXPECT_EQ(tape.lengths(), (std::vector<std::size_t>{header, 48 + first, 20, 28 + 5000, 6048}));
}

TEST(Chunker, TheContentHeaderOfOtherStreamsIsAChunkOfItsOwn) {
    auto stream = content_header(kSnapshotArchiveMagic, 1, kJson);
    append(stream, random_bytes(20'000, 7));
    TapeCutter tape;
    write_file(tape, stream);
    EXPECT_EQ(tape.lengths(), (std::vector<std::size_t>{48 + kJson.size(), 20'000}));
}

TEST(Chunker, ALongBlobIsTheSameChunksAtAnyPlace) {
    const auto long_blob = chunk_entry(random_bytes(20 * kMiB, 5), 5);
    const auto others = entries_of({70'001, 5000});
    TapeCutter one;
    write_file(one, archive_of({long_blob, others[0]}, 1));
    TapeCutter two;
    write_file(two, archive_of({others[0], others[1], long_blob}, 2));
    EXPECT_LE(new_bytes(one.chunks(), two.chunks()), 5048 + 48 + kJson.size());
    EXPECT_GE(one.lengths().size(), 5U);
}

TEST(Chunker, TheLongestBlobThatFitsIsOneChunk) {
    const auto fits = kChunkLengthMax - 48;
    TapeCutter one;
    write_file(one, archive_of(entries_of({fits}), 1));
    EXPECT_EQ(one.lengths(), (std::vector<std::size_t>{48 + kJson.size(), kChunkLengthMax}));
    TapeCutter two;
    write_file(two, archive_of(entries_of({fits + 1, 100}), 1));
    EXPECT_GT(two.lengths().size(), 3U);
    EXPECT_EQ(two.lengths().back(), 148U);
}

TEST(Chunker, CutsDoNotDependOnHowThePayloadArrives) {
    auto stream = archive_of(entries_of({300'000, 12, 9 * kMiB, 5000}), 1);
    append(stream, random_bytes(kMiB, 9));  // does not parse: content-defined from there on
    std::vector<std::vector<std::size_t>> lengths;
    for (const std::size_t piece : {SIZE_MAX, std::size_t{100'000}, std::size_t{1013}}) {
        TapeCutter tape(piece);
        write_file(tape, stream);
        lengths.push_back(tape.lengths());
    }
    EXPECT_EQ(lengths[0], lengths[1]);
    EXPECT_EQ(lengths[0], lengths[2]);
    EXPECT_GT(lengths[0].size(), 10U);
}

TEST(Chunker, WhatDoesNotParseIsCutByContentAndTheNextFileIsFollowedAgain) {
    const auto good = archive_of(entries_of({200'000, 100'000, 600'000}), 1);
    const std::size_t second = 48 + kJson.size() + 200'048;
    std::vector<std::vector<Bytes>> files;
    auto bytes = good;
    bytes[second] ^= 1;  // an entry's magic
    files.push_back(pbs_blocks(bytes));
    bytes = good;
    bytes[second + 47] = 0xFF;  // a blob of 2^63 bytes and more
    files.push_back(pbs_blocks(bytes));
    bytes = good;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(second + 40), 8, std::uint8_t{0});
    files.push_back(pbs_blocks(bytes));  // a blob of no bytes
    bytes = good;
    bytes[0] ^= 1;  // the content header's magic
    files.push_back(pbs_blocks(bytes));
    bytes = good;
    bytes[43] = 0xFF;  // JSON of 4 GiB
    files.push_back(pbs_blocks(bytes));
    files.push_back(pbs_blocks(good));
    files.back().erase(files.back().begin() + 1);  // a sequence jumps
    files.push_back(pbs_blocks(good));
    files.back().insert(files.back().begin() + 1, Bytes(1000, 1));  // a record in between
    files.push_back(pbs_blocks(good));
    files.back().push_back(files.back().back());  // data behind the end block
    files.push_back(pbs_blocks(good, false));     // no end block
    for (std::size_t i = 0; i < files.size(); ++i) {
        SCOPED_TRACE(i);
        TapeCutter tape;
        for (const auto& block : files[i]) {
            tape.record(block);
        }
        tape.filemark();
        const auto before = tape.lengths().size();
        write_file(tape, good);
        EXPECT_EQ(
            std::vector<std::size_t>(tape.lengths().begin() + static_cast<std::ptrdiff_t>(before),
                                     tape.lengths().end()),
            (std::vector<std::size_t>{48 + kJson.size(), 200'048, 100'048, 600'048}));
    }
}

TEST(Chunker, AFilemarkEndsAChunkEvenIfTheCallerForgetsToCut) {
    Chunker chunker;
    const auto bytes = random_bytes(20'000, 1);
    FramingRun plain;
    plain.count = 1;
    chunker.begin_record(plain, true);
    EXPECT_FALSE(chunker.next_cut(ByteView(bytes).first(10'000)).has_value());
    chunker.begin_record(plain, true);
    EXPECT_EQ(chunker.next_cut(bytes), 10'000U);
    EXPECT_FALSE(chunker.next_cut(ByteView(bytes).subspan(10'000)).has_value());
}

// ---- what it is for ----

TEST(Chunker, ASecondMediaSetWithTheSameChunksInAnotherOrderAddsNextToNothing) {
    const std::uint64_t seed = 20'240'605;
    std::mt19937_64 random(seed);
    std::vector<Bytes> entries;
    std::size_t total = 0;
    for (std::size_t i = 0; i < 45; ++i) {
        const auto size = static_cast<std::size_t>(
            4096 * std::pow(1024, static_cast<double>(random() % 1001) / 1000));
        entries.push_back(chunk_entry(random_bytes(size, i), i));
        total += entries.back().size();
    }
    const auto media_set = [&](std::size_t per_archive, std::uint64_t id) {
        TapeCutter tape;
        for (std::size_t at = 0; at < entries.size(); at += per_archive) {
            const auto end = std::min(at + per_archive, entries.size());
            write_file(tape, archive_of({entries.begin() + static_cast<std::ptrdiff_t>(at),
                                         entries.begin() + static_cast<std::ptrdiff_t>(end)},
                                        id + at));
        }
        return tape.chunks();
    };
    const auto first = media_set(15, 1000);
    std::shuffle(entries.begin(), entries.end(), random);
    const auto second = media_set(7, 2000);
    EXPECT_LE(new_bytes(first, second), total / 100) << "of " << total << ", seed " << seed;
}

struct TarFile {
    std::string name;
    Bytes content;
};

/// Files in 512-byte blocks, each behind a header that tells its name and length.
Bytes tar_of(const std::vector<TarFile>& files) {
    Bytes tar;
    for (const auto& file : files) {
        const auto text = file.name + " " + std::to_string(file.content.size());
        Bytes header(512);
        std::copy(text.begin(), text.end(), header.begin());
        append(tar, header);
        append(tar, file.content);
        tar.resize((tar.size() + 511) / 512 * 512);
    }
    tar.resize(tar.size() + 1024);
    return tar;
}

void write_records(TapeCutter& tape, const Bytes& bytes, std::size_t record) {
    for (std::size_t at = 0; at < bytes.size(); at += record) {
        const auto part = ByteView(bytes).subspan(at, std::min(record, bytes.size() - at));
        tape.record({part.begin(), part.end()});
    }
    tape.filemark();
}

TEST(Chunker, ATarOfTheSameTreeWithAFewChangedFilesAddsLittleMoreThanThem) {
    const std::uint64_t seed = 4711;
    std::mt19937_64 random(seed);
    std::vector<TarFile> files;
    for (std::size_t i = 0; i < 350; ++i) {
        files.push_back(
            {"tree/file" + std::to_string(i), random_bytes(1000 + random() % 320'000, i)});
    }
    TapeCutter first;
    write_records(first, tar_of(files), 10'240);
    std::size_t changed = 50'000;
    for (const std::size_t i : {17U, 90U, 151U}) {  // all that is behind them moves
        files[i].content = random_bytes(files[i].content.size() + 1000 * i, 1000 + i);
        changed += files[i].content.size();
    }
    files.insert(files.begin() + 120, {"tree/another", random_bytes(50'000, 5)});
    const auto after = tar_of(files);
    TapeCutter second;
    write_records(second, after, 65'536);  // records are of no matter
    EXPECT_LE(new_bytes(first.chunks(), second.chunks()), changed + after.size() * 3 / 100)
        << "of " << after.size() << ", changed " << changed << ", seed " << seed;
}

}  // namespace
}  // namespace tapeloft::media
