#include "tests/media/pbs/golden_comparison.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/verifier.h"
#include "media/pbs/tape/chunk_archive.h"

#include "tests/media/pbs/golden_tapes.h"

namespace tapeloft::media {
namespace {

using Json = nlohmann::json;

std::string sha256_hex(ByteView bytes) {
    return to_hex(chunk_digest(bytes));
}

/// By what its label says, whatever its barcode is.
const ScannedTape& tape_of(const Collection& collection, const std::string& label) {
    for (const auto& tape : collection.tapes()) {
        if (tape.label && tape.label->label_text == label) {
            return tape;
        }
    }
    throw std::out_of_range(label);
}

std::size_t number_of(const Collection& collection, const ScannedTape& tape) {
    return static_cast<std::size_t>(&tape - collection.tapes().data());
}

void expect_archive(OpenSnapshot& snapshot, ChunkReader& chunks, const Json& wanted) {
    const auto name = wanted.at("name").get<std::string>();
    auto index = run(snapshot.index(name));
    ASSERT_TRUE(index.has_value()) << index.error().message;
    EXPECT_EQ(to_hex(index->checksum()), wanted.at("index_csum"));
    EXPECT_EQ(index->count(), wanted.at("chunks"));
    EXPECT_EQ(index->size(), wanted.at("data_size"));
    EXPECT_EQ(snapshot.chunks(name, *index).size(), wanted.at("distinct_chunks"));
    const bool encrypted = snapshot.manifest().find(name)->mode == CryptMode::encrypt;
    ArchiveSource source(std::move(*index), encrypted, chunks);
    Bytes whole(source.size());
    const auto read = run(source.read(0, whole));
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(sha256_hex(whole), wanted.at("data_sha256"));
    Bytes middle(std::min<std::size_t>(1000, whole.size() / 2));
    ASSERT_TRUE(run(source.read(whole.size() / 3, middle)).has_value());
    EXPECT_TRUE(std::equal(middle.begin(), middle.end(),
                           whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 3)));
    EXPECT_EQ(run(source.read(whole.size(), MutableByteView(middle).first(1))).error().code,
              Errc::invalid_argument);
}

void expect_blob(OpenSnapshot& snapshot, const CryptKey& key, const Json& wanted) {
    const auto name = wanted.at("name").get<std::string>();
    const auto data = run(snapshot.blob_data(name, &key));
    ASSERT_TRUE(data.has_value()) << data.error().message;
    EXPECT_EQ(data->size(), wanted.at("plain_size"));
    EXPECT_EQ(sha256_hex(*data), wanted.at("plain_sha256"));
}

}  // namespace

void expect_golden_labels(const Collection& collection) {
    const auto& expected = golden_expectations();
    ASSERT_EQ(collection.tapes().size(), expected.at("tapes").size());
    for (const auto& tape : expected.at("tapes")) {
        const auto& scanned = tape_of(collection, tape.at("label"));
        EXPECT_EQ(uuid_text(scanned.label->uuid), tape.at("uuid"));
        EXPECT_EQ(scanned.label->time_s, tape.at("ctime"));
        const auto pool = scanned.label->pool ? Json(*scanned.label->pool) : Json(nullptr);
        EXPECT_EQ(pool, tape.value("pool", Json(nullptr)));
        const auto& set = tape.at("media_set");
        ASSERT_EQ(scanned.media_set.has_value(), !set.is_null());
        if (!set.is_null()) {
            EXPECT_EQ(uuid_text(scanned.media_set->uuid), set.at("uuid"));
            EXPECT_EQ(scanned.media_set->sequence, set.at("seq_nr"));
            EXPECT_EQ(scanned.media_set->pool, set.at("pool"));
            EXPECT_EQ(scanned.media_set->time_s, set.at("ctime"));
        }
        EXPECT_TRUE(scanned.findings.empty());
    }
    ASSERT_EQ(collection.sets().size(), expected.at("media_sets").size());
    for (std::size_t i = 0; i < collection.sets().size(); ++i) {
        const auto& set = collection.sets()[i];
        const auto& wanted = expected.at("media_sets").at(i);
        EXPECT_EQ(uuid_text(set.uuid), wanted.at("uuid"));
        EXPECT_EQ(set.pool, wanted.at("pool"));
        EXPECT_EQ(set.time_s, wanted.at("ctime"));
        ASSERT_EQ(set.members.size(), wanted.at("tapes").size());
        EXPECT_EQ(collection.name_of(i, 0),
                  "tape " + tape_of(collection, wanted.at("tapes").at(0)).barcode);
        EXPECT_TRUE(set.is_complete());
    }
}

void expect_golden_files(const Collection& collection, bool full) {
    for (const auto& tape : golden_expectations().at("tapes")) {
        const auto& scanned = tape_of(collection, tape.at("label"));
        EXPECT_EQ(scanned.by_catalog, !full && scanned.media_set.has_value());
        ASSERT_EQ(scanned.files.size(), tape.at("files").size());
        for (std::size_t n = 0; n < scanned.files.size(); ++n) {
            const auto& file = scanned.files[n];
            const auto& wanted = tape.at("files").at(n);
            SCOPED_TRACE(scanned.barcode + " file " + std::to_string(n));
            EXPECT_EQ(file.number, wanted.at("number"));
            EXPECT_EQ(name_of(file.kind), wanted.at("content").get<std::string>());
            EXPECT_EQ(file.extent.records, wanted.at("records"));
            EXPECT_EQ(uuid_text(file.content), wanted.at("content_uuid"));
            std::vector<std::string> digests;
            for (const auto& chunk : wanted.value("chunks", Json::array())) {
                digests.push_back(chunk.at("digest"));
            }
            ASSERT_EQ(file.digests.size(), digests.size());
            for (std::size_t i = 0; i < digests.size(); ++i) {
                EXPECT_EQ(to_hex(file.digests[i]), digests[i]);
            }
            if (full) {
                ASSERT_TRUE(file.ending.has_value());
                EXPECT_EQ(to_string(file.ending->end), wanted.at("end").get<std::string>());
                EXPECT_EQ(file.ending->stream_size, wanted.at("stream_size"));
                EXPECT_EQ(to_hex(file.magic), wanted.at("content_magic"));
                EXPECT_EQ(file.time_s, wanted.at("ctime"));
                EXPECT_EQ(Json::parse(file.json), wanted.at("header"));
            }
        }
    }
}

void expect_golden_streams(const Collection& collection) {
    const auto key = golden_key();
    for (const auto& tape : golden_expectations().at("tapes")) {
        const auto& scanned = tape_of(collection, tape.at("label"));
        auto& medium = collection.medium(number_of(collection, scanned));
        for (const auto& wanted : tape.at("files")) {
            const auto& file = scanned.files.at(wanted.at("number"));
            SCOPED_TRACE(scanned.barcode + " file " + std::to_string(file.number));
            TapeFile stream(medium, file.number, file.extent, 7);
            Bytes bytes(wanted.at("stream_size").get<std::size_t>());
            ASSERT_TRUE(run(stream.read_all(0, bytes)).has_value());
            EXPECT_EQ(sha256_hex(bytes), wanted.at("stream_sha256"));
            Bytes more(1);
            EXPECT_EQ(run(stream.read(bytes.size(), more)).value(), 0U);
            if (!wanted.contains("chunks")) {
                continue;
            }
            const auto content = run(read_content(stream)).value();
            ChunkArchiveWalk walk(stream, content.data_offset, bytes.size());
            for (const auto& chunk : wanted.at("chunks")) {
                const auto entry = run(walk.next()).value();
                ASSERT_TRUE(entry.has_value());
                EXPECT_EQ(to_hex(entry->digest), chunk.at("digest"));
                EXPECT_EQ(entry->offset - 48, chunk.at("stream_offset"));
                ASSERT_EQ(entry->size, chunk.at("blob_size"));
                const auto blob = ByteView(bytes).subspan(entry->offset, entry->size);
                EXPECT_EQ(sha256_hex(blob), chunk.at("blob_sha256"));
                EXPECT_EQ(to_string(check_blob(blob).value()),
                          chunk.at("encoding").get<std::string>());
                const WantedChunk known{entry->digest, chunk.at("data_size").get<std::uint64_t>(),
                                        is_encrypted(check_blob(blob).value())};
                const auto data = decode_chunk(Buffer::copy_of(blob), known, &key, false);
                EXPECT_TRUE(data.has_value()) << data.error().message;
            }
            EXPECT_FALSE(run(walk.next()).value().has_value());
            EXPECT_TRUE(walk.gaps().empty());
        }
    }
}

void expect_golden_snapshots(const Collection& collection) {
    const auto key = golden_key();
    const auto& expected = golden_expectations().at("snapshots");
    ASSERT_EQ(collection.snapshots().size(), expected.size());
    for (const auto& snapshot : collection.snapshots()) {
        const auto wanted = std::find_if(expected.begin(), expected.end(), [&](const Json& each) {
            return each.at("store") == snapshot.store && each.at("name") == snapshot.name.text();
        });
        ASSERT_NE(wanted, expected.end()) << snapshot.text();
        EXPECT_EQ(snapshot.name.namespace_text(), wanted->at("namespace"));
        EXPECT_EQ(snapshot.name.time_s, wanted->at("time_epoch"));
        ASSERT_EQ(snapshot.copies.size(), wanted->at("copies").size());
        for (const auto& copy : snapshot.copies) {
            const auto set = uuid_text(collection.sets().at(copy.set).uuid);
            SCOPED_TRACE(snapshot.text() + " of " + set);
            const auto& copies = wanted->at("copies");
            EXPECT_EQ(std::count_if(copies.begin(), copies.end(),
                                    [&](const Json& each) {
                                        return each.at("media_set") == set &&
                                               each.at("file") == copy.file;
                                    }),
                      1);
            auto opened = run(OpenSnapshot::open(collection, snapshot, copy));
            ASSERT_TRUE(opened.has_value()) << opened.error().message;
            EXPECT_TRUE(check_signature(opened->manifest(), key).has_value());
            EXPECT_EQ(opened->manifest().signature.has_value(), wanted->at("signed"));
            EXPECT_EQ(opened->manifest().encrypted(), wanted->at("encrypted"));
            ASSERT_EQ(opened->files().size(), wanted->at("files").size());
            ChunkReader chunks(collection, copy.set, snapshot.store, &key);
            for (std::size_t i = 0; i < opened->files().size(); ++i) {
                const auto& file = wanted->at("files").at(i);
                SCOPED_TRACE(file.at("name").get<std::string>());
                EXPECT_EQ(opened->files()[i].name, file.at("name"));
                const auto raw = run(opened->raw(opened->files()[i].name)).value();
                EXPECT_EQ(raw.size(), file.at("size"));
                EXPECT_EQ(sha256_hex(raw), file.at("sha256"));
                if (file.contains("index_csum")) {
                    expect_archive(*opened, chunks, file);
                } else if (file.contains("plain_sha256")) {
                    expect_blob(*opened, key, file);
                }
            }
        }
    }
}

void expect_golden_verification(const Collection& collection) {
    const auto key = golden_key();
    PbsVerifyOptions options;
    options.key = &key;
    const auto sound = run(verify(collection, options)).value();
    EXPECT_TRUE(sound.is_sound());
    EXPECT_EQ(sound.not_decrypted + sound.other_keys, 0U);
    std::uint64_t chunks = 0;
    for (const auto& tape : golden_expectations().at("tapes")) {
        for (const auto& file : tape.at("files")) {
            chunks += file.value("chunks", Json::array()).size();
        }
    }
    EXPECT_EQ(sound.chunks, chunks);
    EXPECT_EQ(sound.snapshots.size(), 21U);
    for (const auto& snapshot : sound.snapshots) {
        EXPECT_EQ(snapshot.is_signed, snapshot.signature_checked) << snapshot.name;
    }
    const auto blind = run(verify(collection, {})).value();
    EXPECT_TRUE(blind.is_sound());
    EXPECT_GT(blind.not_decrypted, 0U);
}

}  // namespace tapeloft::media
