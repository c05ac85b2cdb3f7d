// A catalog with one cartridge, and segments, packs and maps that tests put together in a line.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/catalog/archive_catalog.h"
#include "media/catalog/catalog.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {

inline Fingerprint fingerprint(std::uint8_t name) {
    Fingerprint bytes{};
    bytes.fill(name);
    return bytes;
}

inline PackId pack_id(std::uint8_t name) {
    PackId bytes{};
    bytes.fill(name);
    return bytes;
}

/// Chunks of 1000 plain and 500 stored bytes.
inline PackContents pack(std::uint8_t name, std::initializer_list<std::uint8_t> chunks) {
    PackContents contents;
    contents.id = pack_id(name);
    contents.size = 10'000;
    std::uint32_t offset = 32;
    for (const auto chunk : chunks) {
        contents.chunks.push_back({fingerprint(chunk), offset, 500, 1000, ChunkEncoding::zstd});
        offset += 500;
    }
    return contents;
}

/// 10 objects of 1000 bytes each, of which none is a filemark.
inline SegmentRecord full_segment(std::uint64_t number, std::uint64_t first_object,
                                  std::uint32_t partition = 0) {
    SegmentRecord record;
    record.partition = partition;
    record.number = number;
    record.first_object = first_object;
    record.first_byte = first_object * 1000;
    record.sealed = true;
    record.object_count = 10;
    record.byte_count = 10'000;
    record.file_length = 14'496;
    return record;
}

template <std::size_t Width>
void put(Bytes& bytes, std::uint64_t value) {
    bytes.resize(bytes.size() + Width);
    store_little_endian<Width>(MutableByteView(bytes).last(Width), value);
}

/// media/FORMAT.md, "Segment map", of records of 1000 bytes.
inline StoredSegment stored(std::uint64_t number, std::initializer_list<std::uint8_t> chunks,
                            std::uint64_t sequence = 1, std::uint32_t records = 10) {
    StoredSegment segment;
    segment.number = number;
    segment.map_sequence = sequence;
    auto& map = segment.map;
    put<4>(map, 1), put<1>(map, 1), put<4>(map, 1000), put<4>(map, records);
    put<4>(map, 1), put<1>(map, 0), put<4>(map, records);
    put<4>(map, 1), put<2>(map, 0), put<4>(map, 1000), put<4>(map, 0), put<4>(map, records);
    put<4>(map, records);
    map.resize(map.size() + 4UL * records);
    put<4>(map, 0), put<4>(map, chunks.size());
    for (const auto chunk : chunks) {
        const auto name = fingerprint(chunk);
        map.insert(map.end(), name.begin(), name.end());
        put<4>(map, 1000);
        segment.chunks.push_back({name, 1000});
    }
    return segment;
}

inline StreamHead head_at(std::uint64_t sequence) {
    StreamHead head;
    head.sequence = sequence;
    head.digest.fill(static_cast<std::uint8_t>(sequence));
    return head;
}

class ArchiveFixture : public testing::Test {
  protected:
    static constexpr StreamId kIndex{0xFF};

    void open() {
        catalog_.reset();
        auto opened = Catalog::open(directory_.path() / "catalog.sqlite");
        ASSERT_TRUE(opened) << opened.error().message;
        catalog_ = std::move(*opened);
        archive_ = &catalog_->archive();
    }
    void SetUp() override {
        open();
        id_ = add("TL0001L9", 0);
    }

    CartridgeId add(const std::string& barcode, std::uint32_t slot,
                    const std::string& library = "default") {
        CartridgeRecord record;
        record.library = library;
        record.barcode = barcode;
        record.generation = "L9";
        record.medium_serial = library + barcode;
        record.capacity = 1'000'000'000;
        record.element = {ElementKind::storage, slot};
        auto added = catalog_->add_cartridge(record);
        EXPECT_TRUE(added) << added.error().message;
        return added->id;
    }
    void add_segments(std::vector<SegmentRecord> rows) {
        SegmentChange change;
        change.added = std::move(rows);
        ASSERT_TRUE(catalog_->change_segments(id_, change));
    }
    void truncate(std::vector<std::uint64_t> removed, std::uint64_t object,
                  std::vector<SegmentRecord> replaced = {}) {
        SegmentChange change;
        change.removed = std::move(removed);
        change.replaced = std::move(replaced);
        change.truncated = TruncatedAt{0, object};
        ASSERT_TRUE(catalog_->change_segments(id_, change));
    }
    void add_packs(std::vector<PackContents> packs) {
        const auto added = archive_->add_packs({"default", packs, kIndex, head_at(1)});
        ASSERT_TRUE(added) << added.error().message;
    }
    [[nodiscard]] ArchiveWork work(CartridgeId id) {
        auto found = archive_->work(id, 100);
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found : ArchiveWork{};
    }
    Result<void> commit(std::vector<StoredSegment> segments, std::uint64_t sequence = 1,
                        std::vector<std::int64_t> changes = {}) {
        EXPECT_TRUE(archive_->stream_of(id_));
        return archive_->commit_segments(id_, {changes, segments, head_at(sequence)});
    }
    /// Everything that is pending of the cartridge is logged.
    void log_changes(CartridgeId id) {
        const auto now = work(id);
        std::vector<std::int64_t> done;
        for (const auto& change : now.changes) {
            done.push_back(change.id);
        }
        ASSERT_TRUE(archive_->commit_segments(id, {done, {}, head_at(now.head.sequence + 1)}));
    }
    [[nodiscard]] PackRecord pack_of(std::uint8_t name) {
        const auto records = archive_->packs("default").value();
        for (const auto& record : records) {
            if (record.id == pack_id(name)) {
                return record;
            }
        }
        ADD_FAILURE() << "there is no such pack";
        return {};
    }
    [[nodiscard]] bool is_found(std::uint8_t chunk) {
        const auto wanted = fingerprint(chunk);
        return archive_->find_chunks(std::span(&wanted, 1)).value().front().has_value();
    }
    [[nodiscard]] SegmentRecord row(std::uint64_t number) {
        const auto records = catalog_->segments(id_).value();
        for (const auto& record : records) {
            if (record.number == number) {
                return record;
            }
        }
        ADD_FAILURE() << "there is no segment " << number;
        return {};
    }

    tests::TemporaryDirectory directory_;
    std::unique_ptr<Catalog> catalog_;
    ArchiveCatalog* archive_ = nullptr;
    CartridgeId id_ = 0;
};

}  // namespace tapeloft::media
