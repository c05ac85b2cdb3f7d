// A catalog from before the repository.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/catalog/archive_catalog.h"
#include "media/catalog/catalog.h"
#include "media/catalog/schema.h"
#include "media/catalog/sqlite.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

TEST(CatalogMigrations, AVersionThreeCatalogKeepsItsTapesAndHasAllOfThemToBeLogged) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    {
        auto database = Database::open(file);
        ASSERT_TRUE(database);
        ASSERT_TRUE(migrate(**database, migrations().first(3)));
        ASSERT_TRUE((*database)->execute(
            "INSERT INTO cartridge (library, barcode, generation, medium_serial, capacity, "
            "write_protected, created_unix_s, load_count, bytes_written, bytes_read) VALUES "
            "('a', 'TL0001L9', 'L9', 'S1', 1000, 0, 5, 6, 7, 8), "
            "('a', 'TL0002L9', 'L9', 'S2', 1000, 0, 5, 6, 7, 8); "
            "INSERT INTO partition VALUES (2, 0, 400), (2, 1, 600); "
            "INSERT INTO value VALUES ('cartridge/1', 'mam', x'07'); "
            "INSERT INTO segment VALUES (1, 0, 0, 3, 0, 0, 1, 10, 2, 300, 400), "
            "(1, 0, 10, 5, 2, 300, 0, 4, 1, 30, 40)"));
    }
    auto opened = Catalog::open(file);
    ASSERT_TRUE(opened) << opened.error().message;
    auto& catalog = **opened;
    const auto rows = catalog.segments(1);
    ASSERT_EQ(rows->size(), 2U);
    EXPECT_EQ(rows->at(0).number, 3U);
    EXPECT_TRUE(rows->at(0).sealed && rows->at(0).spooled && !rows->at(0).stored);
    EXPECT_EQ(rows->at(0).file_length, 400U);
    EXPECT_FALSE(rows->at(1).sealed || rows->at(1).complete);
    EXPECT_EQ(rows->at(1).object_count, 4U);
    EXPECT_EQ(catalog.unsealed_segments(1)->size(), 1U);

    auto& archive = catalog.archive();
    EXPECT_EQ(archive.cartridges_with_work("a")->size(), 2U);
    const auto first = archive.work(1, 10);
    ASSERT_EQ(first->changes.size(), 1U);
    EXPECT_EQ(first->changes[0].kind, PendingChange::Kind::state);
    EXPECT_EQ(first->values.size(), 1U);
    ASSERT_EQ(first->segments.size(), 1U);
    const auto second = archive.work(2, 10);
    ASSERT_EQ(second->changes.size(), 2U);
    EXPECT_EQ(second->changes[1].capacities, (std::vector<std::uint64_t>{400, 600}));
    EXPECT_TRUE(*archive.library_work("a"));
    ASSERT_TRUE(catalog.remove_cartridge(1));
    EXPECT_TRUE(catalog.segments(1)->empty());
}

TEST(CatalogMigrations, AVersionFiveCatalogLearnsWhatItsChunksInUseAreBeforeCompression) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    {
        auto database = Database::open(file);
        ASSERT_TRUE(database);
        ASSERT_TRUE(migrate(**database, migrations().first(5)));
        ASSERT_TRUE((*database)->execute(
            "INSERT INTO cartridge (library, barcode, generation, medium_serial, capacity, "
            "write_protected, created_unix_s, load_count, bytes_written, bytes_read, stored_bytes) "
            "VALUES ('a', 'TL0001L9', 'L9', 'S1', 1000, 0, 5, 6, 7, 8, 900); "
            "INSERT INTO pack (number, id, library, size, chunks, plain_bytes, live_bytes, "
            "referred_bytes) VALUES (1, zeroblob(16), 'a', 50, 2, 700, 20, 600), "
            "(2, randomblob(16), 'a', 50, 1, 100, 0, 0); "
            "INSERT INTO chunk VALUES (zeroblob(32), 1, 0, 20, 300, 1, 2), "
            "(randomblob(32), 1, 20, 20, 400, 1, 0), (randomblob(32), 2, 0, 20, 100, 1, 0)"));
    }
    auto opened = Catalog::open(file);
    ASSERT_TRUE(opened) << opened.error().message;
    auto& archive = (*opened)->archive();
    const auto totals = archive.totals("a");
    EXPECT_EQ(totals->live_plain_bytes, 300U);
    EXPECT_EQ(totals->referred_bytes, 600U);
    EXPECT_EQ(totals->chunks, 3U);
    EXPECT_EQ(archive.storage(1)->stored, 900U);
}

TEST(CatalogOpening,
     ALargeCatalogIsOpenedWhateverItsLargeTablesAreLikeButNotWithDamagedCartridges) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    std::int64_t small_page = 0;
    std::int64_t page_size = 0;
    {
        ASSERT_TRUE(Catalog::open(file));
        auto database = Database::open(file);
        ASSERT_TRUE(database);
        ASSERT_TRUE((*database)->execute(
            "INSERT INTO segment_map (cartridge, number, map) "
            "WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 69) "
            "SELECT 1, i, zeroblob(1000000) FROM n; PRAGMA wal_checkpoint(TRUNCATE)"));
        small_page =
            *(*database)->integer("SELECT rootpage FROM sqlite_schema WHERE name = 'cartridge'");
        page_size = *(*database)->integer("PRAGMA page_size");
    }
    const auto damage = [&](std::uint64_t offset) {
        std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(static_cast<std::streamoff>(offset));
        stream << std::string(64, 'x');
    };
    damage(std::filesystem::file_size(file) / 2);
    EXPECT_TRUE(Catalog::open(file));
    damage(static_cast<std::uint64_t>((small_page - 1) * page_size));
    const auto refused = Catalog::open(file);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace tapeloft::media
